"""Whatever changes after a push (links, documents, periods), Stripe ends with what is owed now, where it is owed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from tests.builders import OCTOBER, MovableClock, at, contract, grants, price, prices, record, till
from tests.store.bench import rows_of_all_tables
from tests.stripe_push.bench import METER, MONTH, WANTED, Bench, closed_october, outbox
from tokentill.errors import Refused
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.issued.push_rows import PushRow
from tokentill.stripe_push.gateway import Account, SendOutcome, StripeGateway
from tokentill.stripe_push.pushing import Pushed, push_period
from tokentill.stripe_push.reconciling import Reconciled, reconcile_period
from tokentill.testing.stripe.wire import text_mapping

pytestmark = pytest.mark.postgresql_one_in(8)

NOVEMBER = Month.parse("2026-11")
DAY_3, DAY_9, DAY_20 = date(2026, 10, 3), date(2026, 10, 9), date(2026, 10, 20)
SHARED_DAY = (
    record("a1", user="alice", when="3", input=1_000_000),
    record("a2", user="alice", when="9", input=500_000),
    record("b1", user="bob", when="3", input=2_000_000),
)
WANTED_OF_SHARED_DAY = {"alice": {DAY_3: 300, DAY_9: 150}, "bob": {DAY_3: 600}}


def void(database: Database, customer: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE invoice SET status = 'void' WHERE customer = '{customer}'")


def unlink(database: Database, customer: str) -> None:
    with database.write() as connection:
        connection.execute(
            tables.customer.update().where(tables.customer.c.id == customer).values(stripe_customer=None)
        )


def push_rows(database: Database) -> list[tuple[Any, ...]]:
    """Every row of the outbox: customer, day, version, Stripe customer, value, state, document."""
    push = tables.push.c
    query = select(
        push.customer, push.day, push.version, push.stripe_customer, push.value_minor, push.state, push.invoice
    )
    with database.read() as connection:
        return sorted(tuple(row) for row in connection.execute(query))


def held_by(bench: Bench, stripe_customer: str, meter: str = METER) -> dict[date, int]:
    return {day: value for day, value in bench.stand_in.day_values(stripe_customer, meter).items() if value}


def relink(bench: Bench, **links: str) -> None:
    """Link customers to Stripe customers that may be those of each other."""
    for customer in links:
        unlink(bench.shop.store, customer)
    for customer, stripe_customer in links.items():
        bench.shop.set_customer(customer, stripe_customer=stripe_customer)
        bench.links[customer] = stripe_customer


# Links


def test_after_relinking_the_former_stripe_customer_holds_nothing(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        former = bench.links["alice"]
        bench.link("alice")
        pushed = bench.push()
        assert (pushed.sent, pushed.unchanged, pushed.is_complete) == (4, 1, True)
        assert bench.held() == WANTED
        assert held_by(bench, former) == {}
        assert bench.reconcile().is_equal
        assert {state for *_, state, _ in push_rows(database)} == {"confirmed", "replaced"}
        again = bench.push()
        assert (again.sent, again.unchanged, again.is_complete) == (0, 5, True)


def test_a_comparison_names_what_a_former_stripe_customer_holds_and_has_it_put_right(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        former = bench.links["alice"]
        bench.link("alice")
        reconciled = bench.reconcile()
        assert not reconciled.is_equal
        alice, bob = reconciled.invoices
        assert [(found.day, found.wanted_minor, found.held_minor) for found in alice.differences] == [
            (DAY_3, 300, Decimal(0)),
            (DAY_9, 150, Decimal(0)),
        ]
        assert alice.content()["former"] == [
            {
                "stripe_customer": former,
                "held_minor": "450",
                "differences": [
                    {"day": "2026-10-03", "wanted_minor": 0, "held_minor": "300"},
                    {"day": "2026-10-09", "wanted_minor": 0, "held_minor": "150"},
                ],
            }
        ]
        assert bob.is_equal
        assert set(bob.content()) == set(alice.content()) - {"former"}
        assert bench.push().sent == 4
        assert held_by(bench, former) == {}
        assert bench.reconcile().is_equal


def test_what_a_stranger_tells_a_former_stripe_customer_is_found_and_put_right(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        former = bench.links["alice"]
        bench.link("alice")
        bench.push()
        assert bench.reconcile().is_equal
        bench.client.v1.billing.meter_events.create(
            {
                "event_name": METER,
                "payload": {"stripe_customer_id": former, "value": "7"},
                "identifier": "stranger",
                "timestamp": int(at("9 12:00").timestamp()),
            }
        )
        (alice, _) = bench.reconcile().invoices
        assert [(found.stripe_customer, found.held_minor) for found in alice.former] == [(former, Decimal(7))]
        assert (alice.differences, alice.is_equal) == ((), False)
        assert bench.push().sent == 1
        assert bench.reconcile().is_equal


@pytest.mark.parametrize("pushes_between", [0, 1, 2])
def test_relinking_back_to_the_first_stripe_customer_ends_there(database: Database, pushes_between: int) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        first = bench.links["alice"]
        bench.link("alice")
        second = bench.links["alice"]
        for _ in range(pushes_between):
            bench.push()
        relink(bench, alice=first)
        assert bench.push().is_complete
        assert bench.held() == WANTED
        assert held_by(bench, second) == {}
        assert bench.reconcile().is_equal
        assert bench.push().sent == 0
        versions = [version for _, day, version, *_ in push_rows(database) if day == "2026-10-03"]
        assert versions == list(range(1, len(versions) + 1))


def test_unlinking_takes_back_what_was_told(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        former = bench.links.pop("alice")
        unlink(database, "alice")
        assert [found.held_minor for found in bench.reconcile().invoices[0].former] == [Decimal(450)]
        pushed = bench.push()
        assert (pushed.sent, pushed.unlinked, pushed.rejected, pushed.unknown) == (2, ("alice",), (), ())
        assert held_by(bench, former) == {}
        reconciled = bench.reconcile()
        assert (reconciled.unlinked, reconciled.is_equal) == (("alice",), False)
        alice, bob = reconciled.invoices
        assert (alice.former, alice.due_minor, alice.held_minor, bob.is_equal) == ((), 450, Decimal(0), True)
        relink(bench, alice=former)
        assert bench.push().sent == 2
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal


def test_two_customers_that_were_swapped_are_billed_each_at_its_own(database: Database) -> None:
    with Bench(closed_october(database, usage=SHARED_DAY)) as bench:
        bench.push()
        for number in range(1, 4):
            relink(bench, alice=bench.links["bob"], bob=bench.links["alice"])
            assert bench.push_until_complete() == 1
            assert bench.held() == WANTED_OF_SHARED_DAY, number
            assert bench.reconcile().is_equal, number
        bench.push()
        before = rows_of_all_tables(database)
        assert (bench.push().sent, bench.held()) == (0, WANTED_OF_SHARED_DAY)
        assert rows_of_all_tables(database) == before


@pytest.mark.parametrize("refused", ["alice", "bob"])
def test_a_swap_and_back_with_half_a_push_between_ends_equal(database: Database, refused: str) -> None:
    with Bench(closed_october(database, usage=SHARED_DAY)) as bench:
        bench.push()
        links = dict(bench.links)
        relink(bench, alice=links["bob"], bob=links["alice"])

        class Half(StripeGateway):
            def send_day(self, row: PushRow) -> SendOutcome:
                if row.stripe_customer == bench.links[refused]:
                    raise Refused("the key was withdrawn")
                return super().send_day(row)

        with pytest.raises(Refused):
            push_period(database, MONTH, bench.connect(Half), clock=bench.clock)
        relink(bench, **links)
        bench.push()
        bench.reconcile_until_equal()
        assert bench.held() == WANTED_OF_SHARED_DAY


def test_a_stripe_customer_that_went_over_to_a_customer_without_invoices_holds_nothing(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        former = bench.links["alice"]
        bench.link("alice")
        bench.shop.set_customer("carol", stripe_customer=former)
        assert bench.push().is_complete
        assert held_by(bench, former) == {}
        assert bench.reconcile().is_equal


def test_the_meter_of_another_currency_is_taken_back_too(database: Database) -> None:
    usage = [record("y1", user="alice", model="acme/yen", when="20", input=3_000_000)]
    in_yen = (prices(price("acme/yen", rates={"input": "500"}), currency="JPY"), contract(currency="JPY"))
    shop = closed_october(database, *in_yen, usage=usage)
    with Bench(shop, linked=["alice"]) as bench:
        bench.push()
        former = bench.links["alice"]
        assert held_by(bench, former, "tokentill_jpy") == {DAY_20: 1500}
        void(database, "alice")
        bench.shop = till(database, prices(price("acme/yen", rates={"input": "5"})), contract(), clock=bench.clock)
        assert bench.shop.close(OCTOBER).issued == ("INV-000002",)
        bench.link("alice")
        assert not bench.reconcile().is_equal
        assert bench.push().is_complete
        assert held_by(bench, former, "tokentill_jpy") == {}
        assert bench.held() == {"alice": {DAY_20: 1500}}
        assert bench.reconcile().is_equal


def test_a_former_stripe_customer_that_was_deleted_is_named_and_stops_nobody(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        former = bench.links["alice"]
        bench.client.v1.customers.delete(former)
        bench.link("alice")
        pushed = bench.push()
        assert (pushed.sent, pushed.refused, pushed.is_complete) == (2, (), True)
        assert bench.held() == WANTED
        reconciled = bench.reconcile()
        assert reconciled.is_equal, "what was deleted is never billed again"
        assert [found.content().get("gone") for found in reconciled.invoices] == [[former], None]
        assert (bench.push().sent, len(bench.events)) == (0, 3 + 2)


def test_rows_of_a_relinking_before_former_stripe_customers_were_told_zero_are_put_right(database: Database) -> None:
    """Such rows of the former Stripe customer were marked as replaced, and it holds its amounts."""
    with Bench(closed_october(database)) as bench:
        bench.push()
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE push SET state = 'replaced' WHERE customer = 'alice'")
        former = bench.links["alice"]
        bench.link("alice")
        assert bench.push().is_complete
        assert held_by(bench, former) == {}
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal


# Periods


def push_november(bench: Bench) -> Pushed:
    return push_period(bench.shop.store, NOVEMBER, bench.gateway, clock=bench.clock)


def reconcile_november(bench: Bench) -> Reconciled:
    return reconcile_period(bench.shop.store, NOVEMBER, bench.gateway, clock=bench.clock)


def test_a_day_that_was_told_under_another_periods_name_goes_over_to_its_own(database: Database) -> None:
    clock = MovableClock(at("2026-11-20T09:00:00+00:00"))
    usage = [record("a1", when="20", input=1_000_000), record("a2", when="2026-11-05T12:00Z", input=2_000_000)]
    shop = closed_october(database, contract(anchor_day=15), usage=usage, clock=clock)
    with Bench(shop, clock, linked=["alice"]) as bench:
        bench.push()
        day_5 = date(2026, 11, 5)
        assert bench.held() == {"alice": {DAY_20: 300, day_5: 600}}
        void(database, "alice")
        clock.instant = at("2026-12-02T09:00:00+00:00")
        bench.shop = till(database, contract(anchor_day=1), clock=clock)
        assert bench.shop.close(OCTOBER).issued
        assert bench.shop.close("2026-11").issued
        november = push_november(bench)
        assert (november.sent, november.is_complete) == (1, True)
        clock.instant = at("2026-11-22T09:00:00+00:00")
        october = bench.push()
        assert (october.sent, october.unchanged, october.is_complete) == (0, 1, True)
        assert bench.held() == {"alice": {DAY_20: 300, day_5: 600}}
        assert bench.reconcile().is_equal
        assert reconcile_november(bench).is_equal
        assert [row[2:6] for row in push_rows(database) if row[1] == "2026-11-05"] == [
            (1, bench.links["alice"], 600, "replaced"),
            (2, bench.links["alice"], 600, "confirmed"),
        ]


def issue_again_for_november(database: Database, number: str) -> None:
    """A document of November with the content of a document of October, so that both have the same days."""
    run, invoice = tables.close_run, tables.invoice
    with database.write() as connection:
        of_october = dict(connection.execute(select(invoice).where(invoice.c.number == number)).one()._mapping)
        of_run = dict(connection.execute(select(run).where(run.c.id == of_october["close_run_id"])).one()._mapping)
        new = {"id": of_run["id"] + 100, "period": "2026-11"}
        connection.execute(run.insert().values(**of_run | new))
        other = {"id": 100, "number": "INV-000100", "period": "2026-11", "close_run_id": new["id"], "status": "issued"}
        connection.execute(invoice.insert().values(**of_october | other))


def test_a_day_that_two_months_ask_for_is_named_and_told_by_the_first(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        issue_again_for_november(database, "INV-000001")
        before = push_rows(database)
        november = push_november(bench)
        assert (november.sent, november.is_complete) == (0, False)
        assert [(found.customer, found.day) for found in november.rejected] == [("alice", DAY_3), ("alice", DAY_9)]
        assert "INV-000100 of 2026-11 and INV-000001 of 2026-10 both ask" in november.rejected[0].reason
        assert push_rows(database) == before
        (found,) = reconcile_november(bench).invoices
        assert [(day.day, day.wanted_minor, day.held_minor) for day in found.differences] == [
            (DAY_3, 300, Decimal(0)),
            (DAY_9, 150, Decimal(0)),
        ]
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal

        with database.write() as connection:
            connection.exec_driver_sql("UPDATE invoice SET status = 'void' WHERE number = 'INV-000001'")
        november = push_november(bench)
        assert (november.sent, november.is_complete) == (2, True)
        october = bench.push()
        assert (october.sent, october.unchanged, october.is_complete) == (0, 1, True)
        assert bench.held() == WANTED
        assert reconcile_november(bench).is_equal
        assert bench.reconcile().is_equal


# Documents


def reissue(bench: Bench) -> None:
    """Alice's invoice anew, with twice the usage on both of her days."""
    void(bench.shop.store, "alice")
    bench.shop.ingest([record("late 3", when="3", input=1_000_000), record("late 9", when="9", input=500_000)])
    assert bench.shop.close(OCTOBER).issued == ("INV-000003",)


def reissue_and_push(bench: Bench) -> None:
    reissue(bench)
    assert bench.push().is_complete


REISSUED = {**WANTED, "alice": {DAY_3: 600, DAY_9: 300}}


class Delayed(StripeGateway):
    """Something happens once while the account is asked for, or while the first day is on its way."""

    before_account: Callable[[], object] | None = None
    before_day: Callable[[], object] | None = None
    before_summaries: Callable[[], object] | None = None

    def account(self) -> Account:
        self._once("before_account")
        return super().account()

    def send_day(self, row: PushRow) -> SendOutcome:
        self._once("before_day")
        return super().send_day(row)

    def held(self, **asked: Any) -> dict[date, Decimal]:
        held = super().held(**asked)
        self._once("before_summaries")
        return held

    def _once(self, name: str) -> None:
        happens = getattr(self, name)
        setattr(self, name, None)
        if happens is not None:
            happens()


def push_by(gateway: StripeGateway, bench: Bench) -> Pushed:
    return push_period(bench.shop.store, MONTH, gateway, clock=bench.clock)


def test_a_push_that_began_before_a_newer_document_tells_what_the_newer_one_says(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        delayed = bench.connect(Delayed)
        bench.push()
        delayed.before_account = lambda: reissue_and_push(bench)
        pushed = push_by(delayed, bench)
        assert (pushed.sent, pushed.unchanged, pushed.is_complete) == (0, 3, True)
        assert bench.held() == REISSUED
        assert bench.reconcile().is_equal


def test_an_amount_that_was_overtaken_on_its_way_is_never_taken_for_the_last_word(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        delayed = bench.connect(Delayed)
        delayed.before_day = lambda: reissue_and_push(bench)
        pushed = push_by(delayed, bench)
        # The 3rd arrived after what had overtaken it; the 9th was seen to be overtaken, and not sent.
        assert [text_mapping(found.params, "payload")["value"] for found in bench.events] == [
            "600",
            "300",
            "600",
            "300",
        ]
        assert [(found.customer, found.day) for found in pushed.unknown] == [("alice", DAY_3), ("alice", DAY_9)]
        assert (pushed.sent, pushed.unchanged, pushed.is_complete) == (0, 1, False)
        assert outbox(database)[:5] == [
            ("alice", "2026-10-03", 1, 300, "replaced"),
            ("alice", "2026-10-03", 2, 600, "replaced"),
            ("alice", "2026-10-03", 3, 600, "wanted"),
            ("alice", "2026-10-09", 1, 150, "replaced"),
            ("alice", "2026-10-09", 2, 300, "accepted"),
        ]
        again = bench.push()
        assert (again.sent, again.unchanged, again.is_complete) == (1, 2, True)
        assert bench.held() == REISSUED
        assert bench.reconcile().is_equal


def test_a_comparison_confirms_no_row_that_is_younger_than_what_was_read(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        delayed = bench.connect(Delayed)
        delayed.before_summaries = lambda: reissue_and_push(bench)
        assert not reconcile_period(database, MONTH, delayed, clock=bench.clock).is_equal
        assert {row[-1] for row in outbox(database) if row[0] == "alice"} == {"replaced", "wanted"}
        assert bench.push().sent == 2
        assert bench.held() == REISSUED
        assert bench.reconcile().is_equal


def test_no_call_to_stripe_is_made_within_a_transaction(sqlite_database: Database) -> None:
    with Bench(closed_october(sqlite_database)) as bench:

        class Watching(StripeGateway):
            def send_day(self, row: PushRow) -> SendOutcome:
                with sqlite_database.write() as connection:  # would wait for a writer that waits for this call
                    connection.exec_driver_sql("PRAGMA user_version")
                return super().send_day(row)

        assert push_by(bench.connect(Watching), bench).is_complete


def test_a_void_document_is_taken_back_and_compared_until_it_is(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        void(database, "alice")
        alice, bob = bench.reconcile().invoices
        assert (alice.numbers, alice.due_minor, alice.held_minor) == (("INV-000001",), 0, Decimal(450))
        assert (alice.is_equal, bob.is_equal) == (False, True)
        pushed = bench.push()
        assert (pushed.sent, pushed.unchanged, pushed.is_complete) == (2, 1, True)
        assert bench.held() == {"alice": {}, "bob": WANTED["bob"]}
        assert bench.reconcile().is_equal
        newest = {(customer, day): row for customer, day, *row in push_rows(database)}
        assert newest["alice", "2026-10-03"] == [2, bench.links["alice"], 0, "confirmed", "INV-000001"]
        assert bench.push().sent == 0


def test_a_period_of_void_documents_only_is_taken_back(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        void(database, "alice")
        void(database, "bob")
        assert not bench.reconcile().is_equal
        assert bench.push().is_complete
        assert bench.held() == {"alice": {}, "bob": {}}
        assert bench.reconcile().is_equal


def test_void_and_relinked_at_once_leaves_nothing_anywhere(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        former = bench.links["alice"]
        void(database, "alice")
        bench.link("alice")
        assert not bench.reconcile().is_equal
        assert bench.push().is_complete
        assert held_by(bench, former) == held_by(bench, bench.links["alice"]) == {}
        assert bench.reconcile().is_equal


def test_what_prepaid_credits_paid_in_the_newer_document_is_taken_back(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        void(database, "alice")
        bench.shop = till(database, contract(), grants({"id": "all", "amount": "100"}), clock=bench.clock)
        assert bench.shop.close(OCTOBER).issued == ("INV-000003",)
        assert bench.totals() == {"alice": 0, "bob": 600}
        assert not bench.reconcile().is_equal
        assert bench.push().is_complete
        assert bench.held() == {"alice": {}, "bob": WANTED["bob"]}
        assert bench.reconcile().is_equal
