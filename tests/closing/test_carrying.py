"""What goes on from one document to the next: never used twice, refused where it changed, given back by a void."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, contract, grants, price, prices, record, till
from tokentill.canonical import Content
from tokentill.closing.close import close_period
from tokentill.closing.close_options import CloseOptions, Interim
from tokentill.closing.closed import Closed
from tokentill.errors import NotFound
from tokentill.invoicing.carried import Carried, Invoiced, OpenBalance
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.issued.ledger import carried_by_customer, ledger_entries
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

pytestmark = pytest.mark.postgresql_one_in(8)

SEPTEMBER = "2026-09"
PREPAID = grants({"id": "prepaid", "amount": "5", "customer": "bob"})


def usage_of_two_months(one: Till) -> None:
    """3.00 USD each month of alice and of bob."""
    for user in ("alice", "bob"):
        for month in (SEPTEMBER, OCTOBER):
            when = f"{month}-10T12:00:00+00:00"
            one.ingest([record(f"{user}-{month}", user=user, when=when, input=1_000_000, output=0)])


def dues(one: Till) -> dict[tuple[str, str], int]:
    return {(found.customer, found.period): found.due_minor for found in one.invoices()}


def interim(one: Till, *customers: str) -> Closed:
    """Bill what these have used in October by now."""
    month = Month.parse(OCTOBER)
    return close_period(one.store, month, one.folder, CloseOptions(Interim(customers or None)), clock=one.clock)


def test_an_invoice_whose_credits_another_one_used_meanwhile_is_refused_and_closed_again(database: Database) -> None:
    one = till(database, PREPAID)
    usage_of_two_months(one)

    def close_october_after_the_first(done: int, _: int) -> None:
        if done == 1:
            assert not till(database, PREPAID).close(OCTOBER).is_refused

    closed = one.close(SEPTEMBER, progress=close_october_after_the_first)
    assert [(found.customer, found.reason) for found in closed.refused] == [
        ("bob", "another invoice was issued to it meanwhile, and changed what this one carries on; close again")
    ]
    assert not one.close(SEPTEMBER).is_refused
    assert dues(one) == {
        ("alice", SEPTEMBER): 300,
        ("alice", OCTOBER): 300,
        ("bob", OCTOBER): 0,
        ("bob", SEPTEMBER): 100,
    }
    assert one.verify().is_sound


def test_a_void_invoice_gives_back_what_it_had_used(database: Database) -> None:
    one = till(database, PREPAID)
    usage_of_two_months(one)
    one.close(SEPTEMBER)
    with database.write() as connection:
        connection.execute(update(tables.invoice).values(status="void").where(tables.invoice.c.customer == "bob"))
    one.close(OCTOBER)
    (october,) = one.invoices(period=OCTOBER, customer="bob")
    assert october.due_minor == 0
    with database.read() as connection:
        entries = ledger_entries(connection, customer="bob")
    assert [(found.period, found.kind, found.name, found.amount_minor) for found in entries] == [
        (OCTOBER, "credit", "prepaid", 300)
    ]


def with_threshold(**more: Content) -> Content:
    return contract("customer", "alice", invoice={"interim_at": "5", **more})


def of_alice(number: int, when: str) -> UsageRecord:
    """A request of 3.00 USD."""
    return record(f"r{number}", when=when, input=1_000_000, output=0)


def test_an_interim_invoice_is_issued_when_the_threshold_is_reached_and_not_before(database: Database) -> None:
    clock = MovableClock(datetime(2026, 10, 5, tzinfo=UTC))
    one = till(database, with_threshold(base_fee={"amount": "10"}), clock=clock)
    one.ingest([of_alice(1, "2")])
    assert interim(one).issued == ()
    one.ingest([of_alice(2, "3")])
    assert interim(one).issued == ("INV-000001",)
    assert interim(one).issued == (), "the threshold counts what is not billed yet"
    one.ingest([of_alice(3, "4"), of_alice(4, "4 13:00")])
    assert interim(one).issued == ("INV-000002",)
    clock.instant = AFTER_OCTOBER
    one.ingest([of_alice(5, "20")])
    one.close(OCTOBER)
    assert [(found.kind, found.part, found.due_minor) for found in one.invoices()] == [
        ("interim", 1, 600),
        ("interim", 2, 600),
        ("period", 0, 1300),
    ]
    assert one.verify().is_sound


def test_interim_invoices_of_named_customers_ask_for_no_threshold_and_stop_when_the_period_is_billed(
    database: Database,
) -> None:
    clock = MovableClock(datetime(2026, 10, 5, tzinfo=UTC))
    one = till(database, with_threshold(), clock=clock)
    one.ingest([of_alice(1, "2"), record("b", user="bob", when="2")])
    assert interim(one, "alice").issued == ("INV-000001",)
    assert interim(one, "alice").issued == (), "there is nothing new to bill"
    clock.instant = AFTER_OCTOBER
    one.close(OCTOBER)
    one.ingest([of_alice(2, "30")])
    assert interim(one, "alice").issued == ()


def test_late_records_and_allowances_are_right_across_an_interim_invoice(database: Database) -> None:
    """4.00 are included. On the 5th 6.00 were used, 2.00 are billed; in the end 12.00, of which 8.00 are to pay."""
    clock = MovableClock(datetime(2026, 10, 5, tzinfo=UTC))
    rule = {"name": "included", "allowance": {"amount": "4"}}
    one = till(database, contract("customer", "alice", rules=[rule]), clock=clock)
    one.ingest([of_alice(1, "3"), of_alice(2, "4")])
    interim(one, "alice")
    clock.instant = AFTER_OCTOBER
    one.ingest([of_alice(3, "1"), of_alice(4, "20")])
    one.close(OCTOBER)
    assert [found.due_minor for found in one.invoices()] == [200, 600]
    assert one.verify().is_sound


EUROS: Content = {
    "format": 1,
    "kind": "fx",
    "recorded_at": "2026-09-01T00:00:00Z",
    "source": "a test",
    "rate": [
        {"from": "USD", "to": "EUR", "date": "2026-01-01", "rate": "0.5"},
        {"from": "USD", "to": "EUR", "date": "2026-10-31", "rate": "0.75"},
    ],
}


def test_a_balance_is_brought_forward_in_another_currency_and_a_used_coupon_stays_used(database: Database) -> None:
    agreed = {"smallest_amount": "5", "coupon": [{"id": "once", "percent": "50", "periods": 1}]}
    dollars = contract("customer", "alice", currency="USD", invoice=agreed)
    euros = contract("customer", "alice", currency="EUR", invoice=agreed, valid_from="2026-10-01T00:00:00Z")
    one = till(database, dollars, euros, EUROS)
    usage_of_two_months(one)
    one.ingest([of_alice(n, f"2026-10-1{n}T12:00:00+00:00") for n in range(9)])
    one.close(SEPTEMBER)
    one.close(OCTOBER)
    september, october = one.invoices(customer="alice")
    assert september.content["items"][-1]["amount"] == "-1.50"
    # Ten requests at 3.00 x 0.5 = 15.00, and 1.50 x 0.75 = 1.125
    assert [stated(item) for item in october.content["items"]] == [
        {
            "kind": "balance",
            "name": "brought forward",
            "amount": "1.13",
            "customer": "alice",
            "original": "1.50",
            "original_currency": "USD",
            "rate": "0.75",
        }
    ]
    assert (october.currency, october.due_minor) == ("EUR", 1613)
    assert [(found.currency, found.amount_minor) for found in one.credits("alice").balances] == [("USD", 0)]
    assert one.verify().is_sound


def test_without_an_exchange_rate_only_who_has_a_balance_to_convert_is_refused(database: Database) -> None:
    yen = contract(currency="JPY", valid_from="2026-10-01T00:00:00Z", recorded_at="2026-09-02T00:00:00Z")
    listed = (prices(price()), prices(price("acme/yen"), currency="JPY"))
    one = till(database, contract(invoice={"smallest_amount": "5"}), yen, *listed)
    one.ingest([of_alice(1, "2026-09-10T12:00:00+00:00")])
    one.close(SEPTEMBER)
    one.ingest([record(user, user=user, model="acme/yen", input=10_000_000) for user in ("alice", "bob")])
    (refused,) = one.close(OCTOBER).refused
    assert refused.customer == "alice"
    assert refused.reason.startswith("the balance of 3.00 USD cannot be brought forward: no exchange rate from USD to")
    assert [found.customer for found in one.invoices(period=OCTOBER)] == ["bob"]


def stated(item: Content) -> Content:
    """What an item says something of."""
    return {key: value for key, value in item.items() if value is not None}


def joining(*more: Content) -> tuple[Content, ...]:
    """The child has its own invoices in September and is on its parent's from October on."""
    alone = contract("customer", "child", invoice={"smallest_amount": "5"})
    with_parent = contract("customer", "child", invoice={"parent": "parent"}, valid_from="2026-10-01T00:00:00Z")
    return (alone, with_parent, contract("customer", "parent"), *more)


def test_the_balance_of_a_child_is_on_the_invoice_of_the_parent_that_it_joins(database: Database) -> None:
    one = till(database, *joining())
    for month in (SEPTEMBER, OCTOBER):
        one.ingest([record(month, user="child", when=f"{month}-10T12:00:00+00:00", input=1_000_000)])
    one.close(SEPTEMBER)
    one.close(OCTOBER)
    (october,) = one.invoices(period=OCTOBER)
    assert (october.customer, october.due_minor) == ("parent", 600)
    assert [stated(item) for item in october.content["items"]] == [
        {
            "kind": "balance",
            "name": "brought forward",
            "amount": "3.00",
            "customer": "child",
            "original": "3.00",
            "original_currency": "USD",
            "rate": "1",
        }
    ]
    account = one.credits("child")
    assert [(found.currency, found.amount_minor) for found in account.balances] == [("USD", 0)]
    assert [movement.number for movement in account.balances[0].movements] == ["INV-000001", "INV-000002"]
    with pytest.raises(NotFound, match="carried an amount on"):
        one.credits("parent")
    assert one.preview(OCTOBER).customers[0].invoice.content_hash == october.content_hash
    assert one.preview(OCTOBER, "parent").customers[0].invoice.content_hash == october.content_hash
    assert one.verify().is_sound
    one.ingest([record("later", user="child", when="2026-08-10T12:00:00+00:00", input=1_000_000)])
    one.close("2026-08")
    assert one.credits("child").balances[0].amount_minor == 300
    assert one.verify().is_sound, "what came later changes nothing of what is issued"


def test_documents_of_a_period_have_the_tax_and_the_credit_of_one(database: Database) -> None:
    clock = MovableClock(datetime(2026, 10, 2, tzinfo=UTC))
    taxed = contract("customer", "alice", invoice={"tax": [{"name": "VAT", "percent": "19"}]})
    granted = grants({"id": "g", "amount": "0.2", "expires_at": "2026-10-05T00:00:00Z"})
    one = till(database, taxed, granted, clock=clock)
    for number in range(1, 10):
        clock.instant = datetime(2026, 10, number, 13, tzinfo=UTC)
        one.ingest([record(f"r{number}", when=f"{number}", input=10_000, output=0)])
        interim(one, "alice")
    clock.instant = AFTER_OCTOBER
    one.close(OCTOBER)
    documents = one.invoices()
    assert [found.kind for found in documents] == ["interim"] * 9 + ["period"]
    # 0.27 with 19 % = 0.0513; by the 5th 0.12 of it were used, that is 0.142222... of the 0.32
    assert sum(found.total_minor for found in documents) == 32
    assert sum(found.due_minor for found in documents) == 32 - 14
    assert one.verify().is_sound


def test_what_documents_left_is_summed_by_account_for_those_that_count(database: Database) -> None:
    one = till(database, PREPAID, contract(invoice={"smallest_amount": "9", "coupon": [{"id": "c", "percent": "10"}]}))
    usage_of_two_months(one)
    one.close(SEPTEMBER)
    one.close(OCTOBER)

    def carried(period: str = "2026-11", **more: Any) -> dict[str, Carried]:
        with database.read() as connection:
            return carried_by_customer(connection, period, **more)

    # Alice carries 2.70 and 2.70; bob's grant pays 2.70 and 2.30, and 0.40 are left.
    both: dict[tuple[str, str], int] = {("c", SEPTEMBER): 30, ("c", OCTOBER): 30}
    alice = Carried(both, {}, (OpenBalance("alice", "USD", 540),))
    bob = Carried(both, {("prepaid", "USD"): 500}, (OpenBalance("bob", "USD", 40),))
    assert carried() == {"alice": alice, "bob": bob}
    assert carried(customers=["bob"]) == {"bob": bob}
    assert carried(customers=[]) == {}
    assert carried(OCTOBER)["bob"] == replace(bob, coupons={("c", SEPTEMBER): 30}, credits={("prepaid", "USD"): 270})
    of_september = Carried({("c", SEPTEMBER): 30}, {("prepaid", "USD"): 270})
    assert carried(position=2)["bob"] == of_september
    assert carried(position=0) == {}
    with database.write() as connection:
        connection.execute(update(tables.invoice).values(status="void").where(tables.invoice.c.period == OCTOBER))
    assert carried()["bob"] == of_september
    assert carried(position=4)["bob"] == bob, "what is void now was live then"


def test_what_interim_invoices_of_the_period_billed_is_told_apart_from_other_periods(database: Database) -> None:
    taxed = contract("customer", "alice", invoice={"tax": [{"name": "VAT", "percent": "10"}]})
    clock = MovableClock(datetime(2026, 10, 5, tzinfo=UTC))
    one = till(database, taxed, grants({"id": "g", "amount": "5"}), clock=clock)
    one.ingest([of_alice(1, "2")])
    interim(one, "alice")
    one.ingest([of_alice(2, "3")])
    interim(one, "alice")
    first = Invoiced("USD", 300, {"VAT": 30}, {"g": 330})
    second = Invoiced("USD", 300, {"VAT": 30}, {"g": 170})
    with database.read() as connection:
        assert carried_by_customer(connection, OCTOBER) == {"alice": Carried(invoiced=(first, second))}
        assert carried_by_customer(connection, "2026-11") == {"alice": Carried(credits={("g", "USD"): 500})}
