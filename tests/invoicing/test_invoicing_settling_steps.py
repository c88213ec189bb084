"""Each step from the subtotal to what is due, by hand: its kind, name, amount and share, and its edges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import gcd
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import contract, grants
from tests.invoicing.pure_invoices import OCTOBER
from tokentill.canonical import Content
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import InvoiceTerms
from tokentill.invoicing.periods import Month, Period, period_of
from tokentill.invoicing.settling import (
    NOTHING_CARRIED,
    Agreed,
    Carried,
    Item,
    Settlement,
    agreed_for,
    base_fees,
    is_recurring,
    settle,
    share_minor,
)
from tokentill.invoicing.turns import Charge

DAYS = 31


def period(zone: str = "UTC", month: Month = OCTOBER) -> Period:
    book = ContractBook([contract(time_zone=zone)])
    return period_of(month, lambda at: book.terms(None, at))


PERIOD = period()


def settled(
    subtotal: int,
    terms: Content | None = None,
    *granted: Content,
    carried: Carried = NOTHING_CARRIED,
    days: tuple[int, int] = (DAYS, DAYS),
    kind: Any = "period",
    daily: Sequence[tuple[date, Decimal]] = (),
    currency: str = "USD",
) -> Settlement:
    book = ContractBook([grants(*granted)])
    agreed = Agreed(InvoiceTerms.from_content(terms or {}), book.grants("alice"), *days)
    return settle(subtotal, currency, PERIOD, agreed, carried, kind=kind, daily=daily)


def day(number: int, amount: str) -> tuple[date, Decimal]:
    return date(2026, 10, number), Decimal(amount)


# --- one step ---


def test_a_step_has_its_canonical_content() -> None:
    assert Item("tax", "VAT", -190, Decimal("19.0"), 1000).content("USD") == {
        "kind": "tax",
        "name": "VAT",
        "amount": "-1.90",
        "percent": "19",
        "of": "10.00",
    }
    assert Item("balance", "brought forward", 5).content("JPY") == {
        "kind": "balance",
        "name": "brought forward",
        "amount": "5",
    }
    assert Item("tax", "none", 0, Decimal(0), 0).content("KWD") == {
        "kind": "tax",
        "name": "none",
        "amount": "0.000",
        "percent": "0",
        "of": "0.000",
    }


@pytest.mark.parametrize(
    ("percent", "of_minor", "currency", "share"),
    [
        ("19", 1000, "USD", 190),
        ("50", 1, "USD", 1),
        ("50", -1, "USD", -1),
        ("49.9", 1, "JPY", 0),
        ("7.25", 200, "KWD", 15),
    ],
)
def test_a_share_is_rounded_by_the_one_rule(percent: str, of_minor: int, currency: str, share: int) -> None:
    assert share_minor(Decimal(percent), of_minor, currency) == share


@st.composite
def percents_that_end_on_a_half(draw: st.DrawFn) -> tuple[int, int]:
    """Hundredths of a percent, and minor units of which they are a whole number and a half."""
    hundredths = draw(st.integers(1, 10_000).filter(lambda hundredths: 5000 % gcd(hundredths, 10_000) == 0))
    common = gcd(hundredths, 10_000)
    least = 5000 // common * pow(hundredths // common, -1, 10_000 // common) % (10_000 // common)
    return hundredths, least + draw(st.integers(0, 10_000)) * (10_000 // common)


PERCENTS = percents_that_end_on_a_half() | st.tuples(st.integers(1, 10_000), st.integers(1, 10**9))


@example((750, 820))  # 7.5 % of 8.20 is 0.615, and a little less as a float
@given(PERCENTS)
def test_taxes_and_coupons_are_the_exact_share_rounded_half_up(stated: tuple[int, int]) -> None:
    hundredths, of_minor = stated
    percent = f"{hundredths // 100}.{hundredths % 100:02d}"
    share = (2 * Fraction(hundredths * of_minor, 10_000) + 1) // 2

    taxed = settled(of_minor, {"tax": [{"name": "VAT", "percent": percent}]})
    discounted = settled(of_minor, {"coupon": [{"id": "welcome", "percent": percent}]})

    assert (taxed.tax_minor, taxed.due_minor) == (share, of_minor + share)
    assert (discounted.net_minor, discounted.due_minor) == (of_minor - share, of_minor - share)


def test_without_terms_the_subtotal_is_due() -> None:
    assert settled(1234) == Settlement((), 1234, 0, 1234)
    assert settled(0) == Settlement((), 0, 0, 0)
    assert settled(1234, kind="interim") == Settlement((), 1234, 0, 1234)


# --- coupons ---


def test_coupons_follow_each_other_each_on_what_is_left() -> None:
    coupons = {"coupon": [{"id": "a", "percent": "10"}, {"id": "b", "amount": "2.505"}, {"id": "c", "percent": "10"}]}
    assert settled(1000, coupons) == Settlement(
        (
            Item("coupon", "a", -100, Decimal(10), 1000),
            Item("coupon", "b", -251, None, 900),
            Item("coupon", "c", -65, Decimal(10), 649),
        ),
        584,
        0,
        584,
    )


def test_coupons_never_take_more_than_is_left() -> None:
    coupons = {"coupon": [{"id": "a", "amount": "99"}, {"id": "b", "percent": "10"}]}
    assert settled(1000, coupons).items == (Item("coupon", "a", -1000, None, 1000),)
    assert settled(0, coupons).items == ()
    assert settled(1, {"coupon": [{"id": "a", "percent": "150"}]}).items == (Item("coupon", "a", -1, Decimal(150), 1),)


def test_a_coupon_that_comes_to_nothing_is_no_step_and_the_next_still_counts() -> None:
    coupons = {"coupon": [{"id": "a", "percent": "1"}, {"id": "b", "amount": "0"}, {"id": "c", "amount": "0.01"}]}
    assert settled(10, coupons).items == (Item("coupon", "c", -1, None, 10),)


def test_a_coupon_holds_for_so_many_periods_and_this_one_is_not_counted_twice() -> None:
    coupons = {"coupon": [{"id": "a", "percent": "10", "periods": 2}, {"id": "b", "amount": "1"}]}

    def names(*used: str) -> list[str]:
        carried = Carried(coupons={"a": frozenset(used), "b": frozenset({"2026-08", "2026-09"})})
        return [item.name for item in settled(1000, coupons, carried=carried).items]

    assert names() == names("2026-09") == names("2026-09", "2026-10") == ["a", "b"]
    assert names("2026-08", "2026-09") == names("2026-08", "2026-09", "2026-10") == ["b"]
    assert [item.name for item in settled(1000, coupons).items] == ["a", "b"]


# --- minimum and cap ---


@pytest.mark.parametrize(
    ("subtotal", "items"),
    [
        (999, [Item("minimum", "minimum commitment", 1, of_minor=1000)]),
        (1000, []),
        (2000, []),
        (2001, [Item("cap", "cap", -1, of_minor=2000)]),
        (0, [Item("minimum", "minimum commitment", 1000, of_minor=1000)]),
    ],
)
def test_a_minimum_is_filled_up_and_a_cap_is_kept(subtotal: int, items: list[Item]) -> None:
    terms = {"minimum": {"amount": "10"}, "cap": {"amount": "20"}}
    found = settled(subtotal, terms)
    assert list(found.items) == items
    assert found.due_minor == found.net_minor == min(2000, max(1000, subtotal))


def test_a_cap_below_the_minimum_holds() -> None:
    assert settled(0, {"minimum": {"amount": "10"}, "cap": {"amount": "4"}}) == Settlement(
        (Item("minimum", "minimum commitment", 1000, of_minor=1000), Item("cap", "cap", -600, of_minor=400)),
        400,
        0,
        400,
    )


def test_coupons_come_before_the_minimum() -> None:
    terms = {"coupon": [{"id": "a", "percent": "50"}], "minimum": {"amount": "10", "name": "commitment"}}
    assert settled(1200, terms).items[1] == Item("minimum", "commitment", 400, of_minor=1000)


def test_limits_are_prorated_by_the_days_on_which_they_were_agreed_if_so_wanted() -> None:
    terms = {"minimum": {"amount": "31", "prorate": True}, "cap": {"amount": "62", "prorate": True}}
    assert settled(0, terms, days=(1, 2)).items == (Item("minimum", "minimum commitment", 100, of_minor=100),)
    assert settled(9999, terms, days=(1, 2)).items == (Item("cap", "cap", 400 - 9999, of_minor=400),)
    assert settled(0, terms).due_minor == 3100
    whole = {"minimum": {"amount": "31"}, "cap": {"amount": "62"}}
    assert settled(0, whole, days=(1, 2)).due_minor == 3100
    assert settled(9999, whole, days=(1, 2)).due_minor == 6200
    # 10 / 31 x 2 = 0.645...
    assert settled(0, {"minimum": {"amount": "10", "prorate": True}}, days=(2, 0)).due_minor == 65


# --- interim invoices ---


def test_an_interim_invoice_has_no_coupon_no_minimum_and_no_balance_but_cap_tax_and_credits() -> None:
    terms = {
        "coupon": [{"id": "a", "percent": "50"}],
        "minimum": {"amount": "100"},
        "cap": {"amount": "20"},
        "tax": [{"name": "VAT", "percent": "10"}],
        "smallest_amount": "50",
    }
    found = settled(3000, terms, {"id": "g", "amount": "5"}, carried=Carried(balance_minor=77), kind="interim")
    assert found == Settlement(
        (
            Item("cap", "cap", -1000, of_minor=2000),
            Item("tax", "VAT", 200, Decimal(10), 2000),
            Item("credit", "g", -500, of_minor=500),
        ),
        2000,
        200,
        1700,
    )


def test_an_interim_invoice_bills_what_it_does_not_owe_as_negative() -> None:
    assert settled(100, kind="interim", carried=Carried(invoiced=(300,))).due_minor == -200


def test_what_interim_invoices_billed_is_taken_off_one_by_one_before_tax() -> None:
    found = settled(1000, {"tax": [{"name": "VAT", "percent": "10"}]}, carried=Carried(invoiced=(300, 250)))
    assert found == Settlement(
        (
            Item("invoiced", "interim invoice 1", -300),
            Item("invoiced", "interim invoice 2", -250),
            Item("tax", "VAT", 45, Decimal(10), 450),
        ),
        450,
        45,
        495,
    )


# --- taxes and the balance ---


def test_taxes_stand_side_by_side_on_what_is_taxable() -> None:
    found = settled(1005, {"tax": [{"name": "VAT", "percent": "10"}, {"name": "city", "percent": "0.5"}]})
    assert found.items == (Item("tax", "VAT", 101, Decimal(10), 1005), Item("tax", "city", 5, Decimal("0.5"), 1005))
    assert (found.net_minor, found.tax_minor, found.total_minor, found.due_minor) == (1005, 106, 1111, 1111)


def test_a_balance_is_brought_forward_after_tax() -> None:
    terms = {"tax": [{"name": "VAT", "percent": "10"}]}
    found = settled(1000, terms, carried=Carried(balance_minor=50))
    assert found.items[1:] == (Item("balance", "brought forward", 50),)
    assert (found.total_minor, found.due_minor) == (1100, 1150)
    in_favour = settled(1000, terms, carried=Carried(balance_minor=-50))
    assert (in_favour.items[1].amount_minor, in_favour.due_minor) == (-50, 1050)


def test_what_is_owed_to_the_customer_is_carried_forward() -> None:
    assert settled(100, carried=Carried(balance_minor=-300)) == Settlement(
        (Item("balance", "brought forward", -300), Item("carried", "carried forward", 200)), 100, 0, 0
    )


@pytest.mark.parametrize(("subtotal", "due"), [(1, 0), (499, 0), (500, 500), (501, 501), (0, 0)])
def test_less_than_the_smallest_amount_is_carried_forward(subtotal: int, due: int) -> None:
    found = settled(subtotal, {"smallest_amount": "5"})
    assert found.due_minor == due
    carried = (Item("carried", "carried forward", -subtotal),) if 0 < subtotal < 500 else ()
    assert found.items == carried
    assert found.total_minor == subtotal


# --- prepaid credits ---


def test_credits_pay_the_total_with_tax_in_the_order_in_which_they_burn() -> None:
    granted = ({"id": "b", "amount": "4", "priority": 1}, {"id": "a", "amount": "5"}, {"id": "c", "amount": "9"})
    found = settled(1000, {"tax": [{"name": "VAT", "percent": "10"}]}, *granted)
    assert found.items[1:] == (Item("credit", "a", -500, of_minor=500), Item("credit", "c", -600, of_minor=900))
    assert (found.total_minor, found.due_minor) == (1100, 0)


def test_what_a_grant_has_paid_is_gone() -> None:
    granted = ({"id": "a", "amount": "5"}, {"id": "b", "amount": "5", "priority": 1})
    found = settled(1000, None, *granted, carried=Carried(credits={"a": 450, "x": 7}))
    assert found.items == (Item("credit", "a", -50, of_minor=50), Item("credit", "b", -500, of_minor=500))
    assert found.due_minor == 450
    burnt = settled(1000, None, *granted, carried=Carried(credits={"a": 500}))
    assert [item.name for item in burnt.items] == ["b"]


def test_credits_pay_what_was_brought_forward_too_and_leave_nothing_to_carry() -> None:
    found = settled(100, {"smallest_amount": "9"}, {"id": "a", "amount": "5"}, carried=Carried(balance_minor=50))
    assert [item.kind for item in found.items] == ["balance", "credit"]
    assert found.due_minor == 0


def test_a_grant_of_another_currency_pays_nothing_and_the_next_one_does() -> None:
    granted = ({"id": "a", "amount": "5", "currency": "EUR"}, {"id": "b", "amount": "5"})
    assert [item.name for item in settled(1000, None, *granted).items] == ["b"]
    assert settled(1000, None, {"id": "y", "amount": "5", "currency": "JPY"}, currency="JPY").due_minor == 995


def test_nothing_is_paid_where_nothing_is_due() -> None:
    assert settled(0, None, {"id": "a", "amount": "5"}).items == ()
    assert settled(1, None, {"id": "a", "amount": "5"}).items == (Item("credit", "a", -1, of_minor=500),)


@pytest.mark.parametrize(
    ("times", "pays"),
    [
        ({"valid_from": "2026-10-31T23:59:59Z"}, True),
        ({"valid_from": "2026-11-01T00:00:00Z"}, False),
        ({"expires_at": "2026-10-01T00:00:00Z"}, False),
        ({"expires_at": "2026-11-01T00:00:00Z"}, True),
        ({"expires_at": "2027-11-01T00:00:00Z"}, True),
    ],
)
def test_a_grant_pays_for_periods_in_which_it_was_there(times: Content, pays: bool) -> None:
    found = settled(1000, None, {"id": "first", "amount": "5", "priority": -1, **times}, {"id": "next", "amount": "1"})
    assert [item.name for item in found.items] == (["first", "next"] if pays else ["next"])


@pytest.mark.parametrize(
    ("expires_at", "paid"),
    [
        ("2026-10-03T00:00:00Z", 300),
        ("2026-10-03T23:59:59Z", 300),
        ("2026-10-04T00:00:00Z", 701),
        ("2026-10-02T00:00:00Z", 100),
        ("2026-10-01T00:00:01Z", 0),
        ("2026-10-31T00:00:00Z", 901),
        ("2026-11-01T00:00:00Z", 1000),
    ],
)
def test_a_grant_that_expires_inside_pays_no_more_than_was_used_on_the_days_before(expires_at: str, paid: int) -> None:
    daily = [day(1, "1"), day(2, "2"), day(3, "4.005"), day(4, "2")]
    found = settled(1000, None, {"id": "a", "amount": "50", "expires_at": expires_at}, daily=daily)
    assert -sum(item.amount_minor for item in found.items) == paid


def test_several_grants_that_expire_inside_share_what_was_used_by_then() -> None:
    granted = (
        {"id": "a", "amount": "2", "expires_at": "2026-10-02T00:00:00Z"},
        {"id": "b", "amount": "9", "expires_at": "2026-10-03T00:00:00Z"},
        {"id": "c", "amount": "9", "expires_at": "2026-10-03T00:00:00Z", "valid_from": "2026-02-01T00:00:00Z"},
        {"id": "d", "amount": "1"},
    )
    found = settled(1000, None, *granted, daily=[day(1, "3"), day(2, "4"), day(3, "3")])
    assert [(item.name, item.amount_minor) for item in found.items] == [("a", -200), ("b", -500), ("d", -100)]


# --- what contracts agree to ---


def book(*own: Content, default: Content | None = None) -> ContractBook:
    return ContractBook([contract(**(default or {})), *own])


def alice(valid_from: str = "2026-01-01T00:00:00Z", **more: Any) -> Content:
    return contract("customer", "alice", valid_from=valid_from, **more)


def test_what_is_agreed_is_that_of_the_last_instant_with_the_days_of_its_limits() -> None:
    contracts = book(
        alice(invoice={"minimum": {"amount": "10"}}),
        alice("2026-10-11T00:00:00Z", invoice={"minimum": {"amount": "20"}, "cap": {"amount": "90"}}),
        alice("2026-10-31T00:00:00Z", invoice={"minimum": {"amount": "30"}}),
        alice("2026-11-01T00:00:00Z", invoice={"smallest_amount": "7"}),
        grants({"id": "g", "amount": "1"}, {"id": "h", "amount": "1", "customer": "bob"}),
    )
    found = agreed_for("alice", PERIOD, contracts)
    assert found.terms == InvoiceTerms.from_content({"minimum": {"amount": "30"}})
    assert [grant.id for grant in found.grants] == ["g"]
    assert (found.minimum_days, found.cap_days) == (31, 20)


def test_without_anything_recurring_no_days_are_counted() -> None:
    contracts = book(alice(invoice={"tax": []}), grants({"id": "g", "amount": "1"}))
    found = agreed_for("alice", PERIOD, contracts)
    assert found == Agreed(InvoiceTerms(taxes=()), contracts.grants("alice"), 0, 0)


def test_days_are_those_of_the_customers_zone() -> None:
    zone = "Pacific/Auckland"  # 11 October begins there on the 10th at 11:00 UTC
    for valid_from, days in (("2026-10-10T10:59:59Z", 22), ("2026-10-10T11:00:00Z", 21), ("2026-10-11T10:59:59Z", 21)):
        later = alice(valid_from, time_zone=zone, invoice={"cap": {"amount": "1"}})
        contracts = book(alice(time_zone=zone), later)
        assert agreed_for("alice", period(zone), contracts).cap_days == days


FLAT: Content = {"tiers": {"kind": "volume", "over": ["input"], "tier": [{"flat": "2"}], "flat_at_zero": True}}


@pytest.mark.parametrize(
    ("own", "owes"),
    [
        ([], False),
        ([alice()], False),
        ([alice(invoice={"base_fee": {"amount": "1"}})], True),
        ([alice(invoice={"minimum": {"amount": "1"}})], True),
        ([alice(invoice={"cap": {"amount": "1"}})], False),
        ([alice(rules=[FLAT])], True),
        # What ended inside the period: a fee counts for its days, a minimum and a flat amount are for the end.
        ([alice(valid_to="2026-10-02T00:00:00Z", invoice={"base_fee": {"amount": "1"}})], True),
        ([alice(valid_to="2026-10-02T00:00:00Z", invoice={"minimum": {"amount": "1"}})], False),
        ([alice(valid_to="2026-10-02T00:00:00Z", rules=[FLAT])], False),
        ([alice(valid_to="2026-10-01T00:00:00Z", invoice={"base_fee": {"amount": "1"}})], False),
        ([alice("2026-11-01T00:00:00Z", invoice={"base_fee": {"amount": "1"}})], False),
        ([alice("2026-10-31T00:00:00Z", invoice={"minimum": {"amount": "1"}})], True),
    ],
)
def test_who_owes_something_without_usage(own: list[Content], owes: bool) -> None:
    assert is_recurring("alice", PERIOD, book(*own)) is owes


def test_terms_of_the_default_recur_for_customers_with_a_contract_of_their_own() -> None:
    for default in (
        {"invoice": {"base_fee": {"amount": "1"}}},
        {"invoice": {"minimum": {"amount": "1"}}},
        {"rules": [FLAT]},
    ):
        assert is_recurring("alice", PERIOD, book(alice(), default=default))
        assert not is_recurring("alice", PERIOD, book(default=default))
        assert not is_recurring("alice", PERIOD, book(alice(valid_to="2026-09-01T00:00:00Z"), default=default))
    ended = book(alice(valid_to="2026-10-05T00:00:00Z"), default={"invoice": {"minimum": {"amount": "1"}}})
    assert not is_recurring("alice", PERIOD, ended)


def fees(*own: Content, default: Content | None = None, currency: str = "USD") -> list[Charge]:
    return base_fees("alice", PERIOD, book(*own, default=default), currency)


def fee(name: str, days: int, rate: str, amount: str) -> Charge:
    return Charge("base_fee", name, None, days, Decimal(rate), Decimal(amount), of_days=DAYS)


def test_a_fee_of_the_whole_period_is_charged_as_it_is() -> None:
    assert fees(alice(invoice={"base_fee": {"amount": "20.005"}})) == [fee("base fee", 31, "20.005", "20.005")]
    assert fees() == fees(alice()) == fees(alice(invoice={"cap": {"amount": "1"}})) == []


def test_a_fee_is_charged_for_the_days_on_which_it_was_agreed() -> None:
    seat = {"base_fee": {"amount": "20", "name": "seat"}}
    # 20 x 10 / 31 = 6.4516...
    assert fees(alice(valid_to="2026-10-11T00:00:00Z", invoice=seat)) == [fee("seat", 10, "20", "6.45")]
    assert fees(alice("2026-10-22T00:00:00Z", invoice=seat)) == [fee("seat", 10, "20", "6.45")]
    assert fees(alice("2026-10-22T00:00:00Z", invoice=seat), currency="KWD") == [fee("seat", 10, "20", "6.452")]
    assert fees(alice("2026-10-31T12:00:00Z", invoice=seat)) == [fee("seat", 1, "20", "0.65")]


def test_a_fee_that_changes_is_charged_for_each_part() -> None:
    found = fees(
        alice(invoice={"base_fee": {"amount": "31"}}),
        alice("2026-10-11T00:00:00Z", invoice={"base_fee": {"amount": "62"}}),
        alice("2026-10-21T00:00:00Z", invoice={"base_fee": {"amount": "31"}}),
    )
    assert found == [fee("base fee", 21, "31", "21"), fee("base fee", 10, "62", "20")]


def test_a_fee_that_is_not_prorated_is_charged_whole_once_as_agreed_last() -> None:
    whole = {"base_fee": {"amount": "20", "prorate": False}}
    assert fees(alice("2026-10-31T00:00:00Z", invoice=whole)) == [fee("base fee", 31, "20", "20")]
    assert fees(alice(valid_to="2026-10-02T00:00:00Z", invoice=whole)) == [fee("base fee", 31, "20", "20")]
    later = alice("2026-10-16T00:00:00Z", invoice={"base_fee": {"amount": "30", "prorate": False}})
    assert fees(alice(invoice=whole), later) == [fee("base fee", 31, "30", "30")]
    prorated = alice("2026-10-16T00:00:00Z", invoice={"base_fee": {"amount": "31"}})
    assert fees(alice(invoice=whole), prorated) == [fee("base fee", 16, "31", "16")]


def test_only_days_of_an_own_contract_count_unless_there_is_none() -> None:
    default = {"invoice": {"base_fee": {"amount": "31"}}}
    assert fees(default=default) == [fee("base fee", 31, "31", "31")]
    assert fees(alice("2026-10-22T00:00:00Z"), default=default) == [fee("base fee", 10, "31", "10")]
    assert fees(alice(valid_to="2026-10-02T00:00:00Z"), default=default) == [fee("base fee", 1, "31", "1")]


def test_a_period_of_another_length_is_prorated_by_its_own_days() -> None:
    february = period(month=Month(2026, 2))
    contracts = book(alice("2026-02-27T00:00:00Z", invoice={"base_fee": {"amount": "28"}}))
    (charge,) = base_fees("alice", february, contracts, "USD")
    assert (charge.quantity, charge.amount, charge.of_days) == (2, 2, 28)
