"""Money is exact until the one rounding: reading, printing, adding, rounding, and sharing a rounded total."""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, FloatOperation, Inexact, InvalidOperation, Overflow, localcontext
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill.errors import InvalidAmount
from tokentill.money import (
    AMOUNT_MINOR_MAX,
    EXACT,
    allocate_shares,
    amount_text,
    check_amount,
    credits_of,
    divides_exactly,
    from_minor,
    minor_digits,
    minor_text,
    parse_amount,
    round_to_minor,
    sum_exact,
)

DIGITS = {"USD": 2, "EUR": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3}
currencies = st.sampled_from(sorted(DIGITS))
amounts = st.decimals(-(10**9), 10**9, allow_nan=False, places=7)


def rounded_half_away(value: Fraction) -> int:
    return floor(value + Fraction(1, 2)) if value >= 0 else -floor(-value + Fraction(1, 2))


# --- the context ---


def test_money_never_rounds_in_silence() -> None:
    with pytest.raises(Inexact):
        EXACT.divide(Decimal(1), Decimal(3))
    with pytest.raises(Inexact):
        EXACT.add(Decimal(10) ** 95, Decimal("0.01"))
    with pytest.raises(Overflow):
        EXACT.multiply(Decimal("1E+200"), Decimal("1E+200"))
    with pytest.raises(DivisionByZero):
        EXACT.divide(Decimal(1), Decimal(0))
    with pytest.raises(InvalidOperation):
        EXACT.divide(Decimal(0), Decimal(0))


def test_a_float_never_becomes_money() -> None:
    with pytest.raises(FloatOperation):
        EXACT.create_decimal(0.1)


def test_ninety_six_digits_are_exact() -> None:
    assert EXACT.add(Decimal(10**96 - 2), Decimal(1)) == 10**96 - 1


def test_the_decimal_context_of_the_thread_decides_nothing() -> None:
    with localcontext(Context(prec=3)):
        assert parse_amount("1234567e-3") == Decimal("1234.567")
        assert amount_text(Decimal("1234.5670")) == "1234.567"
        assert round_to_minor(Decimal("1234.565"), "USD") == 123457
        assert from_minor(123457, "USD") == Decimal("1234.57")
        assert sum_exact([Decimal("1234.5"), Decimal("0.06")]) == Decimal("1234.56")
        assert allocate_shares([Decimal("1234.564"), Decimal("0.001")], 123457, "USD") == [123457, 0]


# --- currencies ---


@pytest.mark.parametrize(("currency", "digits"), sorted(DIGITS.items()))
def test_minor_digits_are_those_of_iso_4217(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize("code", ["usd", "US", "XXX", "", "USDX", "DEM"])
def test_a_code_that_is_no_currency_is_refused(code: str) -> None:
    with pytest.raises(InvalidAmount) as raised:
        minor_digits(code)
    assert str(raised.value) == f"{code!r} is not an ISO 4217 currency code; write it like USD"


# --- reading ---


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("12.50", "12.5"),
        ("-3.1", "-3.1"),
        ("1000", "1000"),
        ("1.5e-06", "0.0000015"),
        ("1.5E-6", "0.0000015"),
        ("-2e+3", "-2000"),
        ("2e3", "2000"),
        ("007e0", "7"),
        ("0." + "0" * 23 + "1", "0." + "0" * 23 + "1"),
        ("9" * 40, "9" * 40),
    ],
)
def test_a_number_is_read_as_it_is_written(text: str, value: str) -> None:
    found = parse_amount(text)
    assert found == Decimal(value)
    assert amount_text(found) == value


@pytest.mark.parametrize(
    "text",
    "| 1|1 |1\n|+1|01|1.|.5|1_000|1,5|NaN|Infinity|-|0x10|\u0661|1e|1e+|1e1.5|1e100".split("|"),
)
def test_what_is_no_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount) as raised:
        parse_amount(text)
    assert str(raised.value) == f"{text!r} is not a decimal number"


@pytest.mark.parametrize(("good", "bad"), [("1e30", "1e31"), ("1000000e-30", "10000000e-31")])
def test_an_exponent_reaches_six_digits_beyond_the_scale(good: str, bad: str) -> None:
    assert parse_amount(good) == Decimal(good)
    with pytest.raises(InvalidAmount) as raised:
        parse_amount(bad)
    assert str(raised.value) == f"the exponent of {bad!r} is out of range"


@pytest.mark.parametrize(
    ("longest", "longer"), [("1." + "0" * 70, "1." + "0" * 71), ("0" * 68 + "1e-1", "0" * 69 + "1e-1")]
)
def test_a_text_may_have_as_many_characters_as_digits_and_scale_and_eight(longest: str, longer: str) -> None:
    assert parse_amount(longest) == Decimal(longest)
    with pytest.raises(InvalidAmount) as raised:
        parse_amount(longer)
    assert str(raised.value) == "a number of 73 characters is too long"


def test_the_limits_of_a_number_are_those_that_were_asked_for() -> None:
    assert parse_amount("123", digits_max=3, scale_max=2) == 123
    assert parse_amount("1.23", digits_max=3, scale_max=2) == Decimal("1.23")
    assert parse_amount("100e-2", digits_max=3, scale_max=2) == 1
    for text in ("1234", "1.234", "0.001"):
        with pytest.raises(InvalidAmount, match=r"has more digits than are accepted \(2 after the point\)"):
            parse_amount(text, digits_max=3, scale_max=2)
    with pytest.raises(InvalidAmount, match="of 14 characters is too long"):
        parse_amount("1.000000000000", digits_max=3, scale_max=2)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_an_amount_is_finite(value: str) -> None:
    with pytest.raises(InvalidAmount) as raised:
        check_amount(Decimal(value))
    assert str(raised.value) == f"{value} is not a finite number"


@pytest.mark.parametrize("value", ["1" * 40, "1E+39", "-1E+39", "1E-24", "0.123456789012345678901234", "1." + "0" * 60])
def test_forty_digits_and_twenty_four_after_the_point_are_accepted(value: str) -> None:
    assert check_amount(Decimal(value)) == Decimal(value)


@pytest.mark.parametrize("value", ["1" * 41, "1" * 80, "1E+40", "12E+39", "1E-25", "1E+80", "1E-80"])
def test_more_digits_are_refused(value: str) -> None:
    with pytest.raises(InvalidAmount) as raised:
        check_amount(Decimal(value))
    assert str(raised.value) == f"{Decimal(value)} has more digits than are accepted (24 after the point)"


@pytest.mark.parametrize("value", ["1" * 81, "1E+81", "1E-81", "0E-81", "1E+999999", "1E-999999"])
def test_a_number_of_absurd_size_is_not_even_printed(value: str) -> None:
    with pytest.raises(InvalidAmount) as raised:
        check_amount(Decimal(value))
    assert str(raised.value) == "a number with so many digits is not an amount"


@pytest.mark.parametrize(
    ("value", "text"), [("1.500", "1.5"), ("-0", "0"), ("0E+5", "0"), ("0.00", "0"), ("100", "1E+2")]
)
def test_a_checked_amount_has_its_shortest_form(value: str, text: str) -> None:
    assert str(check_amount(Decimal(value))) == text


# --- printing and adding ---


@given(amounts)
def test_the_text_of_an_amount_is_plain_and_reads_back(amount: Decimal) -> None:
    text = amount_text(amount)
    assert parse_amount(text) == amount
    assert "E" not in text
    assert text != "-0"
    assert "." not in text or not text.endswith(("0", "."))


@pytest.mark.parametrize(
    ("value", "text"), [("0", "0"), ("-0.00", "0"), ("1E+3", "1000"), ("10.50", "10.5"), ("-1E-7", "-0.0000001")]
)
def test_an_amount_has_one_text(value: str, text: str) -> None:
    assert amount_text(Decimal(value)) == text


@given(st.lists(amounts))
def test_a_sum_is_exact(listed: list[Decimal]) -> None:
    assert Fraction(sum_exact(iter(listed))) == sum(map(Fraction, listed), Fraction(0))


def test_a_sum_that_has_no_exact_form_is_refused() -> None:
    with pytest.raises(Inexact):
        sum_exact([Decimal(10) ** 95, Decimal("0.01")])


@given(st.integers(-20, 2_000))
def test_a_divisor_divides_exactly_when_a_power_of_ten_is_a_multiple_of_it(per: int) -> None:
    assert divides_exactly(per) is (per > 0 and 10**12 % per == 0)


def test_the_divisors_up_to_a_hundred_that_divide_exactly() -> None:
    found = [per for per in range(-1, 101) if divides_exactly(per)]
    assert not divides_exactly(2 * (10**20 + 1)), "whatever its size"
    assert found == [1, 2, 4, 5, 8, 10, 16, 20, 25, 32, 40, 50, 64, 80, 100]


# --- the one rounding ---


@pytest.mark.parametrize(
    ("exact", "currency", "minor"),
    [
        ("0.005", "USD", 1),
        ("-0.005", "USD", -1),
        ("0.0049999999", "USD", 0),
        ("-0.0049999999", "USD", 0),
        ("1.015", "USD", 102),
        ("1.025", "USD", 103),
        ("0.5", "JPY", 1),
        ("1.4999", "JPY", 1),
        ("0.0005", "KWD", 1),
        ("12.3456", "KWD", 12346),
        ("0", "USD", 0),
    ],
)
def test_halves_are_rounded_away_from_zero_to_the_minor_unit(exact: str, currency: str, minor: int) -> None:
    assert round_to_minor(Decimal(exact), currency) == minor


@given(amounts, currencies, st.integers(1, 400))
def test_a_quotient_is_rounded_once(exact: Decimal, currency: str, divisor: int) -> None:
    expected = rounded_half_away(Fraction(exact) * 10 ** DIGITS[currency] / divisor)
    assert round_to_minor(exact, currency, divisor=divisor) == expected


def test_a_quotient_that_has_no_finite_form_is_rounded_too() -> None:
    assert round_to_minor(Decimal(1), "USD", divisor=3) == 33
    assert round_to_minor(Decimal(2), "USD", divisor=3) == 67
    assert round_to_minor(Decimal("0.15"), "USD", divisor=10) == 2


@pytest.mark.parametrize("sign", ["", "-"])
def test_no_document_reaches_ten_to_the_seventeenth(sign: str) -> None:
    largest = AMOUNT_MINOR_MAX - 1
    assert round_to_minor(Decimal(f"{sign}999999999999999.994"), "USD") == int(f"{sign}{largest}")
    with pytest.raises(InvalidAmount) as raised:
        round_to_minor(Decimal(f"{sign}999999999999999.995"), "USD")
    assert str(raised.value) == f"{sign}999999999999999.995 USD is larger than any document may be"


@given(st.decimals(0, 10**6, allow_nan=False, places=5), st.decimals("0.001", 100, allow_nan=False, places=3))
def test_as_many_whole_credits_as_cover_an_amount(exact: Decimal, worth: Decimal) -> None:
    assert credits_of(exact, worth) == ceil(Fraction(exact) / Fraction(worth))


@pytest.mark.parametrize(
    ("exact", "count"), [("0", 0), ("0.0001", 1), ("0.004", 1), ("0.0041", 2), ("0.008", 2), ("1", 250)]
)
def test_a_begun_credit_counts(exact: str, count: int) -> None:
    assert credits_of(Decimal(exact), Decimal("0.004")) == count


# --- minor units ---


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1234, "USD", "12.34"),
        (-5, "USD", "-0.05"),
        (0, "USD", "0.00"),
        (1200, "USD", "12.00"),
        (1234, "JPY", "1234"),
        (1234, "KWD", "1.234"),
        (10**17, "USD", "1000000000000000.00"),
    ],
)
def test_minor_units_are_printed_with_all_their_digits(minor: int, currency: str, text: str) -> None:
    assert minor_text(minor, currency) == text
    assert from_minor(minor, currency) == Decimal(text)


@given(st.integers(-(10**16), 10**16), currencies)
def test_minor_units_come_back_from_their_amount(minor: int, currency: str) -> None:
    assert round_to_minor(from_minor(minor, currency), currency) == minor


# --- shares ---

parts = st.lists(st.decimals(-100, 100, allow_nan=False, places=6), min_size=1, max_size=12)


@given(parts, currencies)
def test_shares_add_up_and_each_is_within_one_unit_of_its_part(exacts: list[Decimal], currency: str) -> None:
    total = round_to_minor(sum_exact(exacts), currency)
    shares = allocate_shares(exacts, total, currency)
    assert sum(shares) == total
    scaled = [Fraction(exact) * 10 ** DIGITS[currency] for exact in exacts]
    for exact, share in zip(scaled, shares, strict=True):
        assert share in (floor(exact), ceil(exact))
    # Largest remainder: whoever was rounded up has no smaller remainder than whoever was not.
    up = [exact - floor(exact) for exact, share in zip(scaled, shares, strict=True) if share > exact]
    down = [exact - floor(exact) for exact, share in zip(scaled, shares, strict=True) if share < exact]
    assert not up or not down or min(up) >= max(down)


@pytest.mark.parametrize(
    ("exacts", "currency", "total", "shares"),
    [
        (["0.004", "0.004", "0.004"], "USD", 1, [1, 0, 0]),
        (["0.004", "0.005", "0.004"], "USD", 1, [0, 1, 0]),
        (["0.333", "0.333", "0.334"], "USD", 100, [33, 33, 34]),
        (["1.006", "-0.003"], "USD", 100, [100, 0]),
        (["1.5", "1.5"], "JPY", 3, [2, 1]),
        (["0.0015", "0.0015"], "KWD", 3, [2, 1]),
        (["2", "0.004"], "USD", 200, [200, 0]),
        ([], "USD", 0, []),
    ],
)
def test_the_largest_remainders_are_served_first_and_equal_ones_in_the_order_given(
    exacts: list[str], currency: str, total: int, shares: list[int]
) -> None:
    assert allocate_shares([Decimal(exact) for exact in exacts], total, currency) == shares


@pytest.mark.parametrize(
    ("exacts", "total"), [(["1.00", "2.00"], 301), (["1.00", "2.00"], 299), (["1.004", "2.00"], 302), ([], 1)]
)
def test_a_total_that_is_not_the_rounding_of_its_parts_is_refused(exacts: list[str], total: int) -> None:
    with pytest.raises(InvalidAmount) as raised:
        allocate_shares([Decimal(exact) for exact in exacts], total, "USD")
    assert str(raised.value) == f"{total} minor units are not the rounding of these parts"


def test_parts_without_remainder_take_nothing_of_what_is_left() -> None:
    assert allocate_shares([Decimal("1.00"), Decimal("0.006"), Decimal("2.00")], 301, "USD") == [100, 1, 200]
