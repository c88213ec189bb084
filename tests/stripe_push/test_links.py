"""A Stripe customer that is not there is found when it is linked, and named by a push that goes on with the others."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.store.bench import rows_of_all_tables
from tests.stripe_push.bench import WANTED, Bench, closed_october, outbox
from tokentill.errors import NoAnswer, NotFound, Refused
from tokentill.store.database import Database
from tokentill.stripe_push.attempts import TRIES
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.testing.stripe import PlannedFault

pytestmark = pytest.mark.postgresql_one_in(8)

MISTYPED = "cus_mistyped"


def delete(bench: Bench, customer: str) -> str:
    """Delete the Stripe customer of a customer in Stripe. Returns the reason that is told from then on."""
    bench.client.v1.customers.delete(bench.links[customer])
    return f"the Stripe customer {bench.links[customer]} was deleted in Stripe"


# When it is linked


def test_a_stripe_customer_that_is_not_there_is_not_linked_to(database: Database) -> None:
    with Bench(closed_october(database), linked=["alice"]) as bench:
        delete(bench, "alice")
        before = rows_of_all_tables(database)
        for stripe_customer, reason in (
            (MISTYPED, f"Stripe has no customer {MISTYPED} (account acct_standin, test mode), so nothing was changed"),
            (bench.links["alice"], "was deleted in Stripe (account acct_standin, test mode), so nothing was changed"),
            ("cus_/../../account", "Stripe has no customer cus_/../../account"),
        ):
            with pytest.raises(NotFound) as refusal:
                bench.shop.set_customer("bob", name="Bob", stripe_customer=stripe_customer, gateway=bench.gateway)
            assert reason in str(refusal.value)
            assert rows_of_all_tables(database) == before
        made = bench.client.v1.customers.create({"name": "Bob"}).id
        assert bench.shop.set_customer("bob", stripe_customer=made, gateway=bench.gateway).stripe_customer == made


def test_without_a_gateway_a_link_is_taken_as_it_is(sqlite_database: Database) -> None:
    shop = closed_october(sqlite_database)
    assert shop.set_customer("bob", stripe_customer=MISTYPED).stripe_customer == MISTYPED


def test_a_name_is_set_without_asking_stripe(sqlite_database: Database) -> None:
    with Bench(closed_october(sqlite_database), linked=[]) as bench:
        bench.shop.set_customer("bob", name="Bob", gateway=bench.gateway)
        assert bench.stand_in.requests == []


def test_a_key_of_another_account_links_nobody(sqlite_database: Database) -> None:
    with Bench(closed_october(sqlite_database)) as bench:
        bench.push()
        live = StripeGateway(bench.client, "rk_live_x")  # the stand-in itself takes no live key
        with pytest.raises(Refused, match="in test mode, and the key is of acct_standin in live mode"):
            bench.shop.set_customer("bob", stripe_customer=bench.links["bob"], gateway=live)


def test_a_link_that_stripe_does_not_answer_for_is_not_made(sqlite_database: Database) -> None:
    faults = [PlannedFault(number, "reset_before", path="/v1/customers/*") for number in range(1, TRIES + 1)]
    with Bench(closed_october(sqlite_database), faults=faults) as bench:
        with pytest.raises(NoAnswer, match="try again"):
            bench.shop.set_customer("carol", stripe_customer=MISTYPED, gateway=bench.gateway)
        assert "carol" not in bench.shop.customers()
        assert bench.stand_in.fired == bench.stand_in.planned


# When it is pushed to


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_push_names_who_is_linked_to_nobody_and_goes_on_with_the_others(database: Database, is_deleted: bool) -> None:
    with Bench(closed_october(database)) as bench:
        if is_deleted:
            reason = delete(bench, "alice")
        else:
            bench.shop.set_customer("alice", stripe_customer=MISTYPED)
            bench.links["alice"], reason = MISTYPED, f"Stripe has no customer {MISTYPED}"
        for number in (1, 2):
            pushed = bench.push()
            assert [found.content() for found in pushed.refused] == [
                {"customer": "alice", "stripe_customer": bench.links["alice"], "reason": reason}
            ]
            assert (pushed.sent, pushed.unchanged) == ((1, 0) if number == 1 else (0, 1))
            assert (pushed.is_complete, pushed.rejected, pushed.unknown) == (False, (), ())
            assert [(found.due_minor, found.in_stripe_minor) for found in pushed.sums] == [(1050, 600)]
        assert bench.held()["bob"] == WANTED["bob"]
        assert len(bench.events) == 1, "nothing is sent to a Stripe customer that is not there"
        assert {(customer, state) for customer, *_, state in outbox(database)} == {
            ("alice", "wanted"),
            ("bob", "accepted"),
        }

        reconciled = bench.reconcile()
        assert [(found.customer, found.reason) for found in reconciled.refused] == [("alice", reason)]
        assert [(found.customer, found.is_equal) for found in reconciled.invoices] == [("alice", False), ("bob", True)]
        assert (reconciled.is_equal, reconciled.can_be_pushed) == (False, False)

        bench.link("alice")
        assert bench.push().is_complete, "a Stripe customer that was never told anything is owed no zero"
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal
        assert len(bench.events) == 3


def test_a_stripe_customer_that_was_deleted_after_the_push_is_named_by_the_comparison(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        reason = delete(bench, "alice")
        reconciled = bench.reconcile()
        assert [(found.customer, found.reason) for found in reconciled.refused] == [("alice", reason)]
        assert [(found.due_minor, found.in_stripe_minor) for found in reconciled.sums] == [(1050, Decimal(600))]
        assert [(found.customer, found.reason) for found in bench.push().refused] == [("alice", reason)]
        bench.link("alice")
        assert bench.push().is_complete
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal


def test_a_push_that_has_nothing_to_say_asks_for_no_stripe_customer(sqlite_database: Database) -> None:
    with Bench(closed_october(sqlite_database)) as bench:
        bench.push()
        before = len(bench.requests)
        assert bench.push().is_complete
        assert [found.path for found in bench.requests[before:]] == ["/v1/billing/meters"]


def test_a_deleted_stripe_customer_to_whom_nothing_is_owed_any_more_holds_up_nobody(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        delete(bench, "alice")
        bench.shop.void("INV-000001", reason="a mistake")
        assert bench.push().is_complete
        assert bench.reconcile().is_equal
