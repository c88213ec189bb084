"""What goes on from one document to the next: never used twice, refused where it changed, given back by a void."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import update

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, contract, grants, record, till
from tokentill.canonical import Content
from tokentill.invoicing.close import Asked, Closed, Interim, close_period
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.ledger import ledger_entries
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

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
    return close_period(one.database, month, one.folder, Asked(Interim(customers or None)), clock=one.clock)


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
