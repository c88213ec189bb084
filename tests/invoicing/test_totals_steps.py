"""Each step from the subtotal to what is due, by hand: its kind, name, amount and share, and its edges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from math import gcd
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import contract, grants
from tests.invoicing.golden_text import fx
from tests.invoicing.pure_invoices import OCTOBER
from tokentill.canonical import Content
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import InvoiceTerms
from tokentill.invoicing.accumulators import Charge
from tokentill.invoicing.burn_down import Accrued, burn, pieces_of, segments_of
from tokentill.invoicing.carried import NOTHING_CARRIED, Carried, Invoiced, OpenBalance
from tokentill.invoicing.periods import Month, Period, period_of
from tokentill.invoicing.totals import (
    Agreed,
    BroughtForward,
    Item,
    Totals,
    agreed_for,
    base_fees,
    compute_totals,
    is_recurring,
    share_minor,
)
from tokentill.prices.fx import FxBook

DAYS = 31


def period(zone: str = "UTC", month: Month = OCTOBER) -> Period:
    book = ContractBook([contract(time_zone=zone)])
    return period_of(month, lambda at: book.terms(None, at))


PERIOD = period()


def totals_of(
    subtotal: int,
    terms: Content | None = None,
    *granted: Content,
    carried: Carried = NOTHING_CARRIED,
    days: tuple[int, int] = (DAYS, DAYS),
    kind: Any = "period",
    used: Sequence[tuple[datetime, str]] = (),
    currency: str = "USD",
    is_empty: bool = False,
) -> Totals:
    """Settle a subtotal; where nothing is said of when it was used, it lies at the end."""
    book = ContractBook([grants(*granted)])
    agreed = Agreed(InvoiceTerms.from_content(terms or {}), book.grants("alice"), *days)
    segments = segments_of(PERIOD, agreed.grants)
    by_segment = [Decimal(0)] * len(segments)
    for at, amount in used:
        by_segment[bisect_right(segments, at) - 1] += Decimal(amount)
    accrued = Accrued(subtotal, tuple(by_segment), is_empty=is_empty)
    brought = BroughtForward.of(carried.balances, "alice", currency, PERIOD.last_day, RATES)
    assert brought.no_rates == ()
    return compute_totals(accrued, currency, PERIOD, agreed, carried, kind=kind, balances=brought.items)


RATES = FxBook([fx(("2026-10-01", "EUR", "0.5"), ("2026-10-31", "EUR", "0.9015"), ("2026-11-01", "EUR", "0.7"))])


def balance(amount: int, customer: str = "alice", currency: str = "USD") -> Carried:
    return Carried(balances=(OpenBalance(customer, currency, amount),))


def noon(day: int) -> datetime:
    return datetime(2026, 10, day, 12, tzinfo=UTC)


# --- one step ---

EMPTY: Content = dict.fromkeys(
    (
        *("percent", "of", "invoiced", "rate", "corrects", "customer", "original", "original_currency"),
        *("starts", "ends", "before", "drawn", "over", "opening", "day", "reason"),
    )
)
"""What a step says of what it has nothing to say of."""


def test_a_step_has_its_canonical_content() -> None:
    assert Item("tax", "VAT", -190, Decimal("19.0"), 1000).content("USD") == EMPTY | {
        "kind": "tax",
        "name": "VAT",
        "amount": "-1.90",
        "percent": "19",
        "of": "10.00",
    }
    assert Item("balance", "brought forward", 5).content("JPY") == EMPTY | {
        "kind": "balance",
        "name": "brought forward",
        "amount": "5",
    }
    assert Item("tax", "none", 0, Decimal(0), 0).content("KWD") == EMPTY | {
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

    taxed = totals_of(of_minor, {"tax": [{"name": "VAT", "percent": percent}]})
    discounted = totals_of(of_minor, {"coupon": [{"id": "welcome", "percent": percent}]})

    assert (taxed.tax_minor, taxed.due_minor) == (share, of_minor + share)
    assert (discounted.net_minor, discounted.due_minor) == (of_minor - share, of_minor - share)


def test_without_terms_the_subtotal_is_due() -> None:
    assert totals_of(1234) == Totals((), 1234, 0, 1234)
    assert totals_of(0) == Totals((), 0, 0, 0)
    assert totals_of(1234, kind="interim") == Totals((), 1234, 0, 1234)


# --- coupons ---


def test_coupons_follow_each_other_each_on_what_is_left() -> None:
    coupons = {"coupon": [{"id": "a", "percent": "10"}, {"id": "b", "amount": "2.505"}, {"id": "c", "percent": "10"}]}
    assert totals_of(1000, coupons) == Totals(
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
    assert totals_of(1000, coupons).items == (Item("coupon", "a", -1000, None, 1000),)
    assert totals_of(0, coupons).items == ()
    assert totals_of(1, {"coupon": [{"id": "a", "percent": "150"}]}).items == (
        Item("coupon", "a", -1, Decimal(150), 1),
    )


def test_a_coupon_that_comes_to_nothing_is_no_step_and_the_next_still_counts() -> None:
    coupons = {"coupon": [{"id": "a", "percent": "1"}, {"id": "b", "amount": "0"}, {"id": "c", "amount": "0.01"}]}
    assert totals_of(10, coupons).items == (Item("coupon", "c", -1, None, 10),)


def test_a_coupon_holds_for_so_many_periods() -> None:
    coupons = {"coupon": [{"id": "a", "percent": "10", "periods": 2}, {"id": "b", "amount": "1"}]}

    def names(used: int) -> list[str]:
        periods = [(id_, f"2026-{number:02d}") for id_, count in (("a", used), ("b", 9)) for number in range(count)]
        carried = Carried(coupons=dict.fromkeys(periods, 1) | {("a", "2025-12"): 0})
        return [item.name for item in totals_of(1000, coupons, carried=carried).items]

    assert names(0) == names(1) == ["a", "b"]
    assert names(2) == names(3) == ["b"]
    assert [item.name for item in totals_of(1000, coupons).items] == ["a", "b"]


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
    found = totals_of(subtotal, terms)
    assert list(found.items) == items
    assert found.due_minor == found.net_minor == min(2000, max(1000, subtotal))


def test_a_cap_below_the_minimum_holds() -> None:
    assert totals_of(0, {"minimum": {"amount": "10"}, "cap": {"amount": "4"}}) == Totals(
        (Item("minimum", "minimum commitment", 1000, of_minor=1000), Item("cap", "cap", -600, of_minor=400)),
        400,
        0,
        400,
    )


def test_coupons_come_before_the_minimum() -> None:
    terms = {"coupon": [{"id": "a", "percent": "50"}], "minimum": {"amount": "10", "name": "commitment"}}
    assert totals_of(1200, terms).items[1] == Item("minimum", "commitment", 400, of_minor=1000)


def test_limits_are_prorated_by_the_days_on_which_they_were_agreed_if_so_wanted() -> None:
    terms = {"minimum": {"amount": "31", "prorate": True}, "cap": {"amount": "62", "prorate": True}}
    assert totals_of(0, terms, days=(1, 2)).items == (Item("minimum", "minimum commitment", 100, of_minor=100),)
    assert totals_of(9999, terms, days=(1, 2)).items == (Item("cap", "cap", 400 - 9999, of_minor=400),)
    assert totals_of(0, terms).due_minor == 3100
    whole = {"minimum": {"amount": "31"}, "cap": {"amount": "62"}}
    assert totals_of(0, whole, days=(1, 2)).due_minor == 3100
    assert totals_of(9999, whole, days=(1, 2)).due_minor == 6200
    # 10 / 31 x 2 = 0.645...
    assert totals_of(0, {"minimum": {"amount": "10", "prorate": True}}, days=(2, 0)).due_minor == 65


# --- interim invoices ---


def test_an_interim_invoice_has_no_coupon_no_minimum_and_no_balance_but_cap_tax_and_credits() -> None:
    terms = {
        "coupon": [{"id": "a", "percent": "50"}],
        "minimum": {"amount": "100"},
        "cap": {"amount": "20"},
        "tax": [{"name": "VAT", "percent": "10"}],
        "smallest_amount": "50",
    }
    found = totals_of(3000, terms, {"id": "g", "amount": "5"}, carried=balance(77), kind="interim")
    assert found == Totals(
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
    assert totals_of(100, kind="interim", carried=Carried(invoiced=(Invoiced("USD", 300),))).due_minor == -200


VAT: Content = {"tax": [{"name": "VAT", "percent": "10"}]}


def test_what_interim_invoices_billed_is_taken_off_part_by_part() -> None:
    invoiced = (Invoiced("USD", 304, {"VAT": 30}, {"g": 100}), Invoiced("USD", 250, {"VAT": 26}, {"g": 50}))
    found = totals_of(1000, VAT, {"id": "g", "amount": "4"}, carried=Carried(invoiced=invoiced))
    assert found == Totals(
        (
            Item("invoiced", "interim invoice 1", -304),
            Item("invoiced", "interim invoice 2", -250),
            Item("tax", "VAT", 44, Decimal(10), 1000, invoiced_minor=56),
            Item("credit", "g", -250, of_minor=250),
        ),
        446,
        44,
        240,
    )
    assert found.items[2].content("USD") == EMPTY | {
        "kind": "tax",
        "name": "VAT",
        "amount": "0.44",
        "percent": "10",
        "of": "10.00",
        "invoiced": "0.56",
    }


def test_a_tax_that_only_interim_invoices_had_is_taken_back() -> None:
    invoiced = (Invoiced("USD", 300, {"VAT": 57, "old": 9, "none": 0}),)
    found = totals_of(300, VAT, carried=Carried(invoiced=invoiced))
    assert found.items[1:] == (
        Item("tax", "VAT", -27, Decimal(10), 300, invoiced_minor=57),
        Item("tax", "old", -9, invoiced_minor=9),
        Item("carried", "carried forward", 36),
    )
    assert (found.net_minor, found.tax_minor, found.due_minor) == (0, -36, 0)


def test_what_an_interim_invoice_drew_too_much_is_given_back_to_its_grant() -> None:
    free = {"coupon": [{"id": "free", "percent": "100"}]}
    invoiced = (Invoiced("USD", 300, credits={"g": 300, "withdrawn": 20}),)
    carried = Carried(credits={("g", "USD"): 150, ("withdrawn", "USD"): 5}, invoiced=invoiced)
    found = totals_of(300, free, {"id": "g", "amount": "10"}, carried=carried)
    assert found.items[2:] == (
        Item("credit", "g", 300, of_minor=550),
        Item("credit", "withdrawn", 20, of_minor=-25),
    )
    assert (found.net_minor, found.due_minor) == (-300, 20)


def test_a_grant_of_which_an_interim_invoice_drew_the_same_is_no_step() -> None:
    invoiced = (Invoiced("USD", 300, credits={"g": 300}),)
    assert totals_of(700, None, {"id": "g", "amount": "3"}, carried=Carried(invoiced=invoiced)).items == (
        Item("invoiced", "interim invoice 1", -300),
    )


def test_interim_invoices_of_another_currency_are_not_taken_off() -> None:
    carried = Carried(invoiced=(Invoiced("EUR", 300, {"VAT": 30}, {"g": 300}),))
    assert totals_of(700, carried=carried).items == ()


# --- taxes and the balance ---


def test_taxes_stand_side_by_side_on_what_is_taxable() -> None:
    found = totals_of(1005, {"tax": [{"name": "VAT", "percent": "10"}, {"name": "city", "percent": "0.5"}]})
    assert found.items == (Item("tax", "VAT", 101, Decimal(10), 1005), Item("tax", "city", 5, Decimal("0.5"), 1005))
    assert (found.net_minor, found.tax_minor, found.total_minor, found.due_minor) == (1005, 106, 1111, 1111)


def test_a_balance_is_brought_forward_after_tax() -> None:
    terms = {"tax": [{"name": "VAT", "percent": "10"}]}
    found = totals_of(1000, terms, carried=balance(50))
    assert found.items[1:] == (Item("balance", "brought forward", 50),)
    assert (found.total_minor, found.due_minor) == (1100, 1150)
    in_favour = totals_of(1000, terms, carried=balance(-50))
    assert (in_favour.items[1].amount_minor, in_favour.due_minor) == (-50, 1050)


def test_what_is_owed_to_the_customer_is_carried_forward() -> None:
    assert totals_of(100, carried=balance(-300)) == Totals(
        (Item("balance", "brought forward", -300), Item("carried", "carried forward", 200)), 100, 0, 0
    )


def test_a_balance_of_another_account_says_where_it_comes_from() -> None:
    carried = Carried(balances=(OpenBalance("alice", "EUR", 5), *balance(1000).balances, *balance(-7, "bob").balances))
    found = totals_of(0, currency="EUR", carried=carried)
    # The rate of the period's last day: 10.00 x 0.9015 = 9.015, and -0.07 x 0.9015 = -0.063105
    assert [item.amount_minor for item in found.items] == [5, 902, -6]
    stated: list[Content] = [
        {"kind": "balance", "name": "brought forward", "amount": "0.05"},
        {
            "kind": "balance",
            "name": "brought forward",
            "amount": "9.02",
            "customer": "alice",
            "original": "10.00",
            "original_currency": "USD",
            "rate": "0.9015",
        },
        {
            "kind": "balance",
            "name": "brought forward",
            "amount": "-0.06",
            "customer": "bob",
            "original": "-0.07",
            "original_currency": "USD",
            "rate": "0.9015",
        },
    ]
    assert [item.content("EUR") for item in found.items] == [EMPTY | one for one in stated]
    assert found.due_minor == 901


def test_a_balance_without_an_exchange_rate_is_not_brought_forward_and_said_so() -> None:
    accounts = (*balance(50).balances, OpenBalance("alice", "JPY", -3000))
    found = BroughtForward.of(accounts, "alice", "USD", date(2026, 10, 31), RATES)
    assert found.items == (Item("balance", "brought forward", 50),)
    (reason,) = found.no_rates
    assert reason.startswith("the balance of -3000 JPY cannot be brought forward: no exchange rate from JPY to USD")


def test_nothing_but_a_balance_is_asked_for_or_paid_out_whatever_its_size() -> None:
    terms = {"smallest_amount": "5"}
    for amount in (50, -50):
        carried = balance(amount)
        found = totals_of(0, terms, carried=carried, is_empty=True)
        assert found == Totals((Item("balance", "brought forward", amount),), 0, 0, amount)
        assert totals_of(0, terms, carried=carried).due_minor == 0, "usage that costs nothing is usage"
        with_interim = replace(carried, invoiced=(Invoiced("USD", 0),))
        assert totals_of(0, terms, carried=with_interim, is_empty=True).due_minor == 0
    raised = totals_of(0, {**terms, "minimum": {"amount": "1"}}, carried=balance(50), is_empty=True)
    assert raised.due_minor == 0, "a minimum goes on"
    prepaid = totals_of(0, terms, {"id": "g", "amount": "0.3"}, carried=balance(50), is_empty=True)
    assert prepaid.due_minor == 20


@pytest.mark.parametrize(("subtotal", "due"), [(1, 0), (499, 0), (500, 500), (501, 501), (0, 0)])
def test_less_than_the_smallest_amount_is_carried_forward(subtotal: int, due: int) -> None:
    found = totals_of(subtotal, {"smallest_amount": "5"})
    assert found.due_minor == due
    carried = (Item("carried", "carried forward", -subtotal),) if 0 < subtotal < 500 else ()
    assert found.items == carried
    assert found.total_minor == subtotal


# --- prepaid credits ---


def test_credits_pay_the_total_with_tax_in_the_order_in_which_they_burn() -> None:
    granted = ({"id": "b", "amount": "4", "priority": 1}, {"id": "a", "amount": "5"}, {"id": "c", "amount": "9"})
    found = totals_of(1000, {"tax": [{"name": "VAT", "percent": "10"}]}, *granted)
    assert found.items[1:] == (Item("credit", "a", -500, of_minor=500), Item("credit", "c", -600, of_minor=900))
    assert (found.total_minor, found.due_minor) == (1100, 0)


def test_what_a_grant_has_paid_is_gone() -> None:
    granted = ({"id": "a", "amount": "5"}, {"id": "b", "amount": "5", "priority": 1})
    found = totals_of(
        1000, None, *granted, carried=Carried(credits={("a", "USD"): 450, ("a", "EUR"): 9, ("x", "USD"): 7})
    )
    assert found.items == (Item("credit", "a", -50, of_minor=50), Item("credit", "b", -500, of_minor=500))
    assert found.due_minor == 450
    burnt = totals_of(1000, None, *granted, carried=Carried(credits={("a", "USD"): 500}))
    assert [item.name for item in burnt.items] == ["b"]


def test_credits_pay_what_was_brought_forward_too_and_leave_nothing_to_carry() -> None:
    found = totals_of(100, {"smallest_amount": "9"}, {"id": "a", "amount": "5"}, carried=balance(50))
    assert [item.kind for item in found.items] == ["balance", "credit"]
    assert found.due_minor == 0


def test_a_balance_in_the_customers_favour_leaves_what_credits_pay_as_it_is() -> None:
    found = totals_of(100, None, {"id": "a", "amount": "5"}, carried=balance(-30))
    assert found.items == (
        Item("balance", "brought forward", -30),
        Item("credit", "a", -100, of_minor=500),
        Item("carried", "carried forward", 30),
    )


def test_a_balance_is_paid_by_grants_that_are_in_effect_at_the_end() -> None:
    expired = {"id": "a", "amount": "5", "expires_at": "2026-10-15T00:00:00Z"}
    found = totals_of(100, None, expired, carried=balance(50), used=[(noon(3), "1")])
    assert (found.items[1].amount_minor, found.due_minor) == (-100, 50)


def test_a_grant_of_another_currency_pays_nothing_and_the_next_one_does() -> None:
    granted = ({"id": "a", "amount": "5", "currency": "EUR"}, {"id": "b", "amount": "5"})
    assert [item.name for item in totals_of(1000, None, *granted).items] == ["b"]
    assert totals_of(1000, None, {"id": "y", "amount": "5", "currency": "JPY"}, currency="JPY").due_minor == 995


def test_nothing_is_paid_where_nothing_is_due() -> None:
    assert totals_of(0, None, {"id": "a", "amount": "5"}).items == ()
    assert totals_of(1, None, {"id": "a", "amount": "5"}).items == (Item("credit", "a", -1, of_minor=500),)


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
    found = totals_of(
        1000, None, {"id": "first", "amount": "5", "priority": -1, **times}, {"id": "next", "amount": "1"}
    )
    assert [item.name for item in found.items] == (["first", "next"] if pays else ["next"])


@pytest.mark.parametrize(
    ("expires_at", "paid"),
    [
        ("2026-10-03T00:00:00Z", 300),
        ("2026-10-03T12:00:00Z", 300),
        ("2026-10-03T12:00:00.000001Z", 701),
        ("2026-10-04T00:00:00Z", 701),
        ("2026-10-02T00:00:00Z", 100),
        ("2026-10-01T00:00:01Z", 0),
        ("2026-10-31T00:00:00Z", 1000),
        ("2026-11-01T00:00:00Z", 1000),
    ],
)
def test_a_grant_pays_for_what_was_used_before_it_expired(expires_at: str, paid: int) -> None:
    used = [(noon(1), "1"), (noon(2), "2"), (noon(3), "4.005"), (noon(4), "2.995")]
    found = totals_of(1000, None, {"id": "a", "amount": "50", "expires_at": expires_at}, used=used)
    assert -sum(item.amount_minor for item in found.items) == paid


def test_a_grant_pays_for_what_was_used_since_it_came_into_effect() -> None:
    used = [(noon(1), "1"), (noon(2), "2"), (noon(3), "7")]
    for valid_from, paid in (("2026-10-02T12:00:00Z", 900), ("2026-10-02T12:00:00.000001Z", 700)):
        found = totals_of(1000, None, {"id": "a", "amount": "50", "valid_from": valid_from}, used=used)
        assert [item.amount_minor for item in found.items] == [-paid]


def test_several_grants_burn_in_order_of_time() -> None:
    granted = (
        {"id": "a", "amount": "2", "expires_at": "2026-10-02T00:00:00Z"},
        {"id": "b", "amount": "9", "expires_at": "2026-10-03T00:00:00Z"},
        {"id": "c", "amount": "9", "expires_at": "2026-10-03T00:00:00Z", "valid_from": "2026-02-01T00:00:00Z"},
        {"id": "d", "amount": "1"},
    )
    found = totals_of(1000, None, *granted, used=[(noon(1), "3"), (noon(2), "4"), (noon(3), "3")])
    assert [(item.name, item.amount_minor) for item in found.items] == [("a", -200), ("b", -500), ("d", -100)]


def test_what_one_grant_leaves_of_a_stretch_the_next_one_pays() -> None:
    granted = (
        {"id": "a", "amount": "4", "valid_from": "2026-10-02T00:00:00Z"},
        {"id": "b", "amount": "9", "priority": 1, "expires_at": "2026-10-03T00:00:00Z"},
    )
    found = totals_of(1000, None, *granted, used=[(noon(1), "3"), (noon(2), "5"), (noon(3), "2")])
    # b pays 3.00 of the 1st, a 4.00 of the 2nd and b what is left of it
    assert [(item.name, item.amount_minor) for item in found.items] == [("a", -400), ("b", -400)]


# --- what is due, in pieces ---


def pieces(due: int, *by_segment: str, at_end: str = "0", discounted: int = 0, true_up: int = 0) -> list[int]:
    accrued = Accrued(0, tuple(map(Decimal, by_segment)), Decimal(at_end))
    return pieces_of(due, accrued, discounted_minor=discounted, true_up_minor=true_up, currency="USD")


def test_pieces_are_cut_by_cumulative_rounding_and_add_up() -> None:
    assert pieces(100, "1", "1", "1", discounted=1) == [33, 34, 33]
    assert pieces(1, "1", "1", discounted=7) == [1, 0]
    assert pieces(2, "0.005", "0", "0.0025", "0.0025", discounted=1) == [1, 0, 1, 0]
    assert pieces(7, "3", discounted=1) == [7]


def test_fees_lie_at_the_end_and_so_does_what_is_missing_to_a_minimum() -> None:
    assert pieces(1000, "4", "0", at_end="6", discounted=1000) == [400, 600]
    # A coupon left 5.00 of 10.00, and 5.00 are missing to a minimum of 10.00: a quarter is of the first segment.
    assert pieces(1190, "5", "2", at_end="3", discounted=500, true_up=500) == [298, 892]
    assert pieces(1000, "5", "5", discounted=0, true_up=1000) == [0, 1000]


def test_without_any_amount_all_lies_at_the_end() -> None:
    assert pieces(1000, "0", "0", true_up=1000) == [0, 1000]
    assert pieces(0, "0", "0") == [0, 0]
    assert pieces(500, "-1", "1", discounted=500) == [0, 500], "what is below zero is no share"


def test_a_grant_pays_no_more_than_it_has_left() -> None:
    segments = segments_of(PERIOD, ())
    (grant,) = ContractBook([grants({"id": "a", "amount": "9"})]).grants("alice")
    for left, paid in ((0, 0), (-5, 0), (7, 7), (10, 10), (11, 10)):
        assert burn([10], segments, [grant], {"a": left}).paid == {"a": paid}
    assert burn([-10], segments, [grant], {"a": 7}).paid == {"a": 0}


def test_stretches_begin_with_the_period_and_at_every_edge_of_a_grant_inside_of_it() -> None:
    listed = (
        {"id": "a", "amount": "1", "expires_at": "2026-10-02T00:00:00Z"},
        {"id": "b", "amount": "1", "valid_from": "2026-10-01T00:00:00Z", "expires_at": "2026-11-01T00:00:00Z"},
        {"id": "c", "amount": "1", "valid_from": "2026-10-02T00:00:00Z", "expires_at": "2026-10-31T23:59:59Z"},
    )
    book = ContractBook([grants(*listed)])
    found = segments_of(PERIOD, book.grants("alice"))
    texts = ["2026-10-01T00:00:00+00:00", "2026-10-02T00:00:00+00:00", "2026-10-31T23:59:59+00:00"]
    assert [start.isoformat() for start in found] == texts
    assert segments_of(PERIOD, ()) == (PERIOD.starts_at,)
    october = (PERIOD.starts_at, PERIOD.ends_at)
    edges = book.grant_edges("alice", *october)
    assert {edge for edge in edges if PERIOD.starts_at < edge < PERIOD.ends_at} == set(found[1:])
    assert book.grant_edges("bob", *october) == set()


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
