"""Stripe bills what is due by all documents of a customer's period together: no more, no less, and each day once."""

from __future__ import annotations

from datetime import date

import pytest

from tests.builders import OCTOBER, MovableClock, at, contract, grants, record, till
from tests.stripe_push.bench import Bench, outbox
from tokentill.canonical import Content
from tokentill.invoicing.periods import Month
from tokentill.store.database import Database
from tokentill.stripe_push.days import day_amounts
from tokentill.stripe_push.pushing import push_period
from tokentill.stripe_push.reconciling import reconcile_period
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

NOVEMBER = Month.parse("2026-11")


def payer(**terms: object) -> Content:
    """The contract of alice, for whom fees and taxes are agreed."""
    agreed = {"base_fee": {"amount": "5"}, "tax": [{"name": "VAT", "percent": "19"}], **terms}
    return contract("customer", "alice", invoice=agreed)


CHILD = contract("customer", "kid", invoice={"parent": "alice"})


def early_and_late(database: Database, *contents: Content) -> Till:
    """A till in whose October alice was billed early on the 20th: 1,000,000 tokens of the 3rd, 100,000 of the 9th."""
    shop = till(database, *contents, clock=MovableClock(at("20 09:00")))
    shop.ingest([record("a1", when="3", input=1_000_000), record("a2", when="9", input=100_000)])
    assert shop.close(OCTOBER, interim=["alice"]).issued == ("INV-000001",)
    return shop


def clock_of(shop: Till) -> MovableClock:
    assert isinstance(shop.clock, MovableClock)
    return shop.clock


def test_interim_parts_and_the_rest_are_told_as_one_sum(database: Database) -> None:
    shop = early_and_late(database, payer(), CHILD)
    with Bench(shop, clock=clock_of(shop), linked=("alice",)) as bench:
        # 3.00 + 0.30 = 3.30 and 19 % = 0.627, rounded 0.63; the tax stands on the last day with usage
        assert bench.push().is_complete
        assert bench.held() == {"alice": {date(2026, 10, 3): 300, date(2026, 10, 9): 93}}
        assert bench.reconcile_until_equal() == 1

        clock_of(shop).instant = at("2026-11-02T09:00Z")
        shop.ingest([record("a3", when="25", input=500_000), record("k1", user="kid", when="28", input=200_000)])
        assert shop.close(OCTOBER).issued == ("INV-000002",)

        # 3.30 + 1.50 + 0.60 + 5.00 = 10.40; less 3.30 = 7.10 and 19 % = 1.35: 8.45. With the 3.93 before: 12.38
        pushed = bench.push()
        assert pushed.is_complete, "a child without a link of its own is no customer who owes something"
        assert bench.is_to_the_cent()
        assert bench.held() == {
            "alice": {
                date(2026, 10, 3): 300,
                date(2026, 10, 9): 30,
                date(2026, 10, 25): 150,
                date(2026, 10, 28): 60,
                date(2026, 10, 31): 1238 - 540,
            }
        }
        (found,) = bench.reconcile().invoices
        assert (found.numbers, found.due_minor, found.is_equal) == (("INV-000001", "INV-000002"), 1238, True)
        assert (bench.push().sent, len(bench.events)) == (0, 2 + 4)


def test_a_running_period_is_told_of_no_day_to_come(sqlite_database: Database) -> None:
    shop = early_and_late(sqlite_database, payer())
    with Bench(shop, clock=clock_of(shop), linked=("alice",)) as bench:
        assert bench.push().rejected == ()
        assert max(day for _, day, *_ in outbox(sqlite_database)) == "2026-10-09"


def test_a_second_interim_invoice_adds_to_the_first(database: Database) -> None:
    shop = early_and_late(database, payer())
    with Bench(shop, clock=clock_of(shop), linked=("alice",)) as bench:
        assert bench.push().is_complete
        clock_of(shop).advance(days=1)
        shop.ingest([record("a3", when="21 08:00", input=1_000_000)])
        assert shop.close(OCTOBER, interim=["alice"]).issued == ("INV-000002",)
        clock_of(shop).advance(hours=6)
        # each with its tax: 3.30 + 0.63 and 3.00 + 0.57
        assert bench.push().is_complete
        assert bench.is_to_the_cent()
        assert sum(bench.held()["alice"].values()) == 393 + 357
        assert bench.reconcile_until_equal() == 1


def test_what_prepaid_credits_paid_is_not_asked_for_again(database: Database) -> None:
    prepaid = grants({"id": "prepaid", "amount": "10"}, {"id": "all", "customer": "bob", "amount": "100"})
    shop = till(database, payer(), prepaid)
    shop.ingest([record("a1", when="3", input=3_000_000), record("b1", user="bob", input=1_000_000)])
    assert len(shop.close(OCTOBER).issued) == 2
    with Bench(shop, clock=clock_of(shop), linked=("alice",)) as bench:
        # 9.00 + 5.00 = 14.00 and 19 % = 2.66: 16.66, of which 10.00 are prepaid. Bob owes nothing and needs no link.
        assert bench.push().is_complete
        assert bench.held() == {"alice": {date(2026, 10, 31): 666}}
        assert bench.reconcile_until_equal() == 1
        assert {found.customer: found.total_minor for found in shop.invoices()} == {"alice": 1666, "bob": 300}


def test_what_is_carried_on_is_asked_for_with_the_invoice_that_brings_it_forward(database: Database) -> None:
    clock = MovableClock(at("2026-11-06T09:00Z"))
    shop = till(database, contract("customer", "alice", invoice={"smallest_amount": "4"}), clock=clock)
    shop.ingest([record("a1", when="3", input=1_000_000), record("a2", when="2026-11-05T12:00Z", input=2_000_000)])
    assert shop.close(OCTOBER).issued == ("INV-000001",)
    clock.instant = at("2026-12-01T09:00Z")
    assert shop.close("2026-11").issued == ("INV-000002",)
    with Bench(shop, clock=clock, linked=("alice",)) as bench:
        october = bench.push()
        assert (october.is_complete, october.sent) == (True, 0)
        pushed = push_period(database, NOVEMBER, bench.gateway, clock=shop.clock)
        assert pushed.is_complete
        assert bench.held() == {"alice": {date(2026, 11, 5): 600, date(2026, 11, 30): 300}}
        (found,) = reconcile_period(database, NOVEMBER, bench.gateway, clock=bench.clock).invoices
        assert (found.due_minor, found.is_equal) == (900, True)


def test_days_of_an_interim_invoice_end_with_its_last_usage() -> None:
    content: Content = {
        "currency": "USD",
        "period_start": "2026-10-01T00:00:00Z",
        "period_end": "2026-11-01T00:00:00Z",
        "daily": [{"day": "2026-10-02", "exact_amount": "1.004"}, {"day": "2026-10-05", "exact_amount": "1.004"}],
    }
    assert day_amounts(content, 240) == {date(2026, 10, 2): 100, date(2026, 10, 5): 101, date(2026, 10, 31): 39}
    assert day_amounts({**content, "kind": "interim"}, 240) == {date(2026, 10, 2): 100, date(2026, 10, 5): 140}
    assert day_amounts({**content, "kind": "interim"}, 50) == {date(2026, 10, 5): 50}
