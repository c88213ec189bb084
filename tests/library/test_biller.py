"""Billing from Python gives what a close gives: request by request, as a stream, and for a whole period."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings

from tests.builders import OCTOBER, at, contract, price, prices
from tests.invoicing.bench import SecondOpinion
from tests.invoicing.generated import MonthOfUsage, months
from tests.invoicing.pure_invoices import books_of, compute_pure
from tokentill.canonical import Content
from tokentill.errors import InvalidRecord
from tokentill.library.biller import Biller
from tokentill.usage.record import Usage, UsageRecord

FEWER = settings(max_examples=max(20, settings().max_examples // 2))


def biller(*contents: Content) -> Biller:
    books = books_of(contents)
    return Biller(books.prices, books.contracts, books.fx)


def usage(when: str, *, model: str = "acme/large", cost: str | None = None, **quantities: Any) -> Usage:
    return Usage(
        model=model,
        occurred_at=at(when),
        quantities=quantities or {"input": 1_000_000},
        cost=None if cost is None else Decimal(cost),
    )


def in_time(month: MonthOfUsage) -> list[UsageRecord]:
    return sorted(month.records, key=lambda record: (record.occurred_at, record.record_id))


@FEWER
@given(month=months())
def test_a_stream_bills_each_request_as_a_close_does(month: MonthOfUsage) -> None:
    one, opinion = biller(*month.contents), SecondOpinion(month.records, month.contents, OCTOBER)
    for customer, by_record in opinion.by_record.items():
        mine = [record for record in in_time(month) if record.record_id in by_record]
        bills = list(one.bill_stream(mine, customer=customer))
        is_whole = all(bill.amount is not None for bill in bills)
        if not is_whole:
            assert all("by volume" in (bill.reason or "") for bill in bills if bill.amount is None)
            continue
        charged = Fraction(0)
        for record, bill in zip(mine, bills, strict=True):
            assert bill.currency == opinion.invoices[customer].currency
            assert sum(Fraction(step.amount) for step in bill.steps) == by_record[record.record_id]
            begun = sum(Fraction(charge.amount) for charge in bill.charges)
            assert Fraction(bill.amount or 0) == by_record[record.record_id] + begun
            charged += begun
        assert charged == sum(opinion.charges[customer].values())


@FEWER
@given(month=months())
def test_the_invoice_of_a_period_is_the_one_that_a_close_issues(month: MonthOfUsage) -> None:
    one, opinion = biller(*month.contents), SecondOpinion(month.records, month.contents, OCTOBER)
    for expected in compute_pure(month, by_record=True):
        of_customer = opinion.by_record[expected.customer]
        mine = [record for record in in_time(month) if record.record_id in of_customer]
        assert one.invoice(mine, customer=expected.customer, period=OCTOBER).content() == expected.content()


ALLOWED = contract(rules=[{"name": "first free", "allowance": {"amount": "4"}}])


def test_allowances_are_used_up_through_a_stream_and_begin_anew_in_the_next_period() -> None:
    one = biller(ALLOWED)
    stream = [usage("1"), usage("2"), usage("31 23:59"), usage("2026-11-01T00:00:00+00:00")]
    bills = list(one.bill_stream(stream, customer="alice"))
    assert [bill.amount for bill in bills] == [Decimal(0), Decimal(2), Decimal(3), Decimal(0)]
    assert [bill.list_amount for bill in bills] == [Decimal(3)] * 4
    assert all(bill.has_memory and bill.status == "billed" for bill in bills)
    assert one.bill(stream[2], customer="alice").amount == 0, "alone it is the first of its period"


def test_each_customer_of_a_stream_has_its_own_allowance() -> None:
    one = biller(ALLOWED)
    stream = [Usage("acme/large", at("1"), {"input": 2_000_000}, user=user) for user in ("a", "b", "a")]
    bills = list(one.bill_stream(stream, customer=lambda found: found.user or ""))
    assert [(bill.customer, bill.amount) for bill in bills] == [("a", Decimal(2)), ("b", Decimal(2)), ("a", Decimal(6))]


def test_a_request_without_a_price_says_why_and_uses_nothing_up() -> None:
    one = biller(contract(rules=[{"name": "units", "allowance": {"units": {"input": 1_000_000}}}]))
    unknown, first, second = one.bill_stream(
        [usage("1", model="acme/none"), usage("2"), usage("3", input=1_000_000)], customer="alice"
    )
    assert (unknown.status, unknown.amount, unknown.charges) == ("unbilled", None, ())
    assert unknown.reason == "model 'acme/none' is in no price table"
    assert (first.amount, second.amount) == (Decimal(0), Decimal(3))


RULES_THAT_COUNT: dict[str, tuple[Content, str]] = {
    "allowance of units": ({"allowance": {"units": {"output": 100}}}, "0"),
    "allowance of money": ({"allowance": {"amount": "100"}}, "0"),
    "tiers": (
        {"tiers": {"kind": "graduated", "over": ["output"], "tier": [{"up_to": "100"}, {"markup_percent": "100"}]}},
        "50",
    ),
    "package": ({"package": {"output": {"price": "7", "size": 100}}}, "7"),
}


@pytest.mark.parametrize("name", RULES_THAT_COUNT)
def test_what_has_no_price_uses_nothing_up_on_an_invoice_either(name: str) -> None:
    rule, amount = RULES_THAT_COUNT[name]
    one = biller(prices(price(rates={"input": "1", "output": "1"}, per=1)), contract(rules=[rule]))
    requests = [usage("1", model="acme/none", output=80), usage("2", output=50)]
    streamed = list(one.bill_stream(requests, customer="alice"))
    (line, *charges) = one.invoice(requests, customer="alice", period=OCTOBER).content()["lines"]
    assert (streamed[0].amount, streamed[1].amount) == (None, Decimal(amount))
    assert sum(Decimal(each["exact_amount"]) for each in (line, *charges)) == Decimal(amount)


def test_a_bill_names_its_rule_and_shows_every_step() -> None:
    one = biller(contract("customer", "alice", rules=[{"name": "twenty", "markup_percent": "20"}]))
    bill = one.bill(usage("1"), customer="alice")
    assert (bill.rule, bill.contract, bill.has_memory) == ("twenty", "customer alice", False)
    assert [(step.kind, step.amount) for step in bill.steps] == [("rate", Decimal(3)), ("markup", Decimal("0.6"))]
    assert repr(bill) == "<Bill of 'alice': 3.6 USD, rule 'twenty' of customer alice>"
    assert repr(one.bill(usage("1"), customer="bób")) == "<Bill of 'b\\xf3b': 3 USD, list price>"


def test_packages_are_billed_to_the_request_that_begins_them() -> None:
    one = biller(contract(rules=[{"name": "search", "package": {"web_search": {"price": "2", "size": 100}}}]))
    bills = list(one.bill_stream([usage("1", web_search=count) for count in (60, 30, 45)], customer="alice"))
    assert [bill.amount for bill in bills] == [Decimal(2), Decimal(0), Decimal(2)]
    assert [[charge.quantity for charge in bill.charges] for bill in bills] == [[1], [], [1]]


VOLUME = contract(
    rules=[
        {
            "name": "by volume",
            "tiers": {
                "kind": "volume",
                "over": ["request"],
                "tier": [{"up_to": "1", "markup_percent": "100"}, {"markup_percent": "10"}],
            },
        }
    ]
)


def test_tiers_by_volume_are_known_when_the_period_is_over() -> None:
    one = biller(VOLUME)
    for bill in one.bill_stream([usage("1"), usage("2")], customer="alice"):
        assert bill.amount is None
        assert bill.reason == "rule 'by volume' has tiers by volume: what it comes to is known when the period is over"
    assert one.bill(usage("1"), customer="alice").amount == 6
    assert one.invoice([usage("1"), usage("2")], customer="alice", period=OCTOBER).due_minor == 660


def test_a_customer_s_requests_come_in_order_of_time() -> None:
    one = biller(ALLOWED)
    with pytest.raises(InvalidRecord, match=r"of 2026-10-01T12:00:00Z comes after one of 2026-10-02T12:00:00Z"):
        list(one.bill_stream([usage("2"), usage("1")], customer="alice"))
    september = usage("2026-09-30T12:00:00+00:00")
    with pytest.raises(InvalidRecord, match="pass those of a customer in order of time"):
        list(one.bill_stream([usage("2"), september], customer="alice"))


def test_a_sum_of_requests_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="a usage of 2 requests cannot be billed under a contract"):
        biller(ALLOWED).bill(usage("2", input=5, request=2), customer="alice")


def test_an_invoice_leaves_out_what_is_not_of_its_period() -> None:
    one = biller(prices(price()), contract("customer", "alice", invoice={"base_fee": {"amount": "10"}}))
    outside = Usage("acme/large", datetime(2026, 11, 1, tzinfo=UTC), {"input": 1_000_000})
    invoice = one.invoice([usage("5"), outside], customer="alice", period=OCTOBER)
    assert (invoice.requests, invoice.due_minor) == (1, 1300)
