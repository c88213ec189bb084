"""Whatever fails between us and Stripe, pushing again ends with Stripe holding what was invoiced, to the cent."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import get_args

import pytest

from tests.builders import OCTOBER, MovableClock, record, till
from tokentill.errors import Refused
from tokentill.money import minor_text
from tokentill.store.database import Database
from tokentill.stripe_push import pushing
from tokentill.stripe_push.gateway import StripeGateway, connect
from tokentill.stripe_push.pushing import push_period
from tokentill.stripe_push.standin import Fault, StripeStandIn
from tokentill.stripe_push.standin.faults import FaultKind
from tokentill.stripe_push.standin.metering import Behaviour
from tokentill.till import Till

METER = "tokentill_usd"
USERS = ("alice", "bob")
EVENTS = 2 * 4
"""Days with usage, for both customers together."""
ROUNDS_MAX = 6
HOLD_MS = 30


@pytest.fixture
def month(database: Database) -> Till:
    """Two customers with four days each, invoiced."""
    shop = till(database, clock=MovableClock())
    shop.ingest(
        record(f"{user}-{day}", user=user, when=str(day), input=day * 1_000_000, output=123_457)
        for user in USERS
        for day in (1, 9, 17, 31)
    )
    assert len(shop.close(OCTOBER).issued) == 2
    return shop


@contextmanager
def stripe(
    month: Till, *faults: Fault, behaviour: Behaviour | None = None
) -> Iterator[tuple[StripeStandIn, StripeGateway]]:
    """A stand-in with a linked customer for each of ours."""
    with StripeStandIn(month.clock, faults=faults, behaviour=behaviour, hold_ms=HOLD_MS) as stand_in:
        gateway = StripeGateway(stand_in.client(timeout_seconds=5), stand_in.api_key)
        yield stand_in, gateway


def link(month: Till, stand_in: StripeStandIn, *users: str) -> dict[str, str]:
    made = {user: stand_in.client().v1.customers.create({"name": user}).id for user in users}
    for user, id_ in made.items():
        month.set_customer(user, stripe_customer=id_)
    return made


def push_until_complete(month: Till, gateway: StripeGateway) -> int:
    """Push again and again, as a cron job would; how many rounds it took."""
    for number in range(1, ROUNDS_MAX + 1):
        try:
            if push_period(
                month.database, month_of(month), gateway, clock=month.clock, sleep=lambda _: None
            ).is_complete:
                return number
        except Refused:
            continue
    pytest.fail(f"not complete after {ROUNDS_MAX} pushes")


def month_of(_month: Till) -> pushing.Month:
    return pushing.Month.parse(OCTOBER)


def held(stand_in: StripeStandIn, links: dict[str, str]) -> dict[str, int]:
    return {user: sum(stand_in.day_values(id_, METER).values()) for user, id_ in links.items()}


def invoiced(month: Till) -> dict[str, int]:
    return {invoice.customer: invoice.total_minor for invoice in month.invoices()}


def test_what_stripe_holds_is_what_was_invoiced(month: Till) -> None:
    with stripe(month) as (stand_in, gateway):
        links = link(month, stand_in, *USERS)
        pushed = month.push(OCTOBER, gateway)
        assert pushed.is_complete
        assert pushed.sent == EVENTS
        reconciled = month.reconcile(OCTOBER, gateway)
        assert reconciled.is_equal
        assert held(stand_in, links) == invoiced(month)
        assert all(total > 0 for total in invoiced(month).values())


def test_a_second_push_sends_nothing(month: Till) -> None:
    with stripe(month) as (stand_in, gateway):
        link(month, stand_in, *USERS)
        month.push(OCTOBER, gateway)
        again = month.push(OCTOBER, gateway)
        assert (again.sent, again.unchanged) == (0, EVENTS)


@pytest.mark.parametrize("repeated", ["refused", "ignored"])
@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_any_fault_at_any_event_ends_equal(month: Till, kind: FaultKind, repeated: str) -> None:
    """One stand-in a position; the outbox is made anew by linking other Stripe customers each time."""
    fired = 0
    behaviour = Behaviour(repeated_identifier="refused" if repeated == "refused" else "ignored")
    positions = (1, 2, EVENTS - 1, EVENTS)
    for position in positions:
        fault = Fault(position, kind, path="/v1/billing/meter_events")
        with stripe(month, fault, behaviour=behaviour) as (stand_in, gateway):
            links = {f"{user}": f"{id_}" for user, id_ in link(month, stand_in, *USERS).items()}
            push_until_complete(month, gateway)
            stand_in.deliver_late()
            for _ in range(ROUNDS_MAX):
                if month.reconcile(OCTOBER, gateway).is_equal:
                    break
                push_until_complete(month, gateway)
            assert held(stand_in, links) == invoiced(month)
            assert month.reconcile(OCTOBER, gateway).is_equal
            fired += stand_in.fired
        forget_pushes(month)
    assert fired == len(positions)


def forget_pushes(month: Till) -> None:
    """The outbox as it was before any push; a new stand-in knows nothing either."""
    from tokentill.store import tables

    with month.database.write() as connection:
        connection.execute(tables.push.delete())


@pytest.mark.parametrize("status", [409, 429, 500, 503])
@pytest.mark.parametrize("kind", ["status_before", "status_after"])
def test_any_status_ends_equal(month: Till, kind: FaultKind, status: int) -> None:
    faults = [Fault(position, kind, status, path="/v1/billing/meter_events") for position in (1, 2, 5)]
    with stripe(month, *faults) as (stand_in, gateway):
        links = link(month, stand_in, *USERS)
        push_until_complete(month, gateway)
        assert month.reconcile(OCTOBER, gateway).is_equal
        assert held(stand_in, links) == invoiced(month)
        assert stand_in.fired == stand_in.planned


def test_an_answer_that_never_came_is_sent_as_a_new_version_after_a_day(month: Till) -> None:
    assert isinstance(month.clock, MovableClock)
    faults = [Fault(position, "reset_after", path="/v1/billing/meter_events") for position in range(1, 2 * EVENTS * 4)]
    with stripe(month, *faults) as (stand_in, gateway):
        links = link(month, stand_in, *USERS)
        first = push_period(month.database, month_of(month), gateway, clock=month.clock, sleep=lambda _: None)
        assert not first.is_complete
        assert stand_in.fired > 0
    month.clock.advance(hours=25)
    with stripe(month) as (stand_in, gateway):
        links = link(month, stand_in, *USERS)
        push_until_complete(month, gateway)
        identifiers = {
            request.params.get("identifier") for request in stand_in.requests if "meter_events" in request.path
        }
        assert len(identifiers) == EVENTS
        assert held(stand_in, links) == invoiced(month)


def test_what_somebody_else_overwrote_is_found_and_put_right(month: Till) -> None:
    with stripe(month) as (stand_in, gateway):
        links = link(month, stand_in, *USERS)
        month.push(OCTOBER, gateway)
        params = {
            "event_name": METER,
            "payload": {"stripe_customer_id": links["bob"], "value": "99999"},
            "timestamp": 1_791_547_200,
            "identifier": "a stranger",
        }
        stand_in.client().v1.billing.meter_events.create(params)  # type: ignore[arg-type]
        found = month.reconcile(OCTOBER, gateway)
        assert not found.is_equal
        assert [invoice.customer for invoice in found.invoices if not invoice.is_equal] == ["bob"]
        push_until_complete(month, gateway)
        assert month.reconcile(OCTOBER, gateway).is_equal
        assert held(stand_in, links) == invoiced(month)


def test_whoever_is_not_linked_is_listed_and_the_others_are_pushed(month: Till) -> None:
    with stripe(month) as (stand_in, gateway):
        links = link(month, stand_in, "bob")
        pushed = month.push(OCTOBER, gateway)
        assert pushed.unlinked == ("alice",)
        assert not pushed.is_complete
        assert held(stand_in, links) == {"bob": invoiced(month)["bob"]}
        assert month.reconcile(OCTOBER, gateway).unlinked == ("alice",)


def test_a_key_of_another_mode_is_refused_after_the_first_push(month: Till) -> None:
    with stripe(month) as (stand_in, gateway):
        link(month, stand_in, *USERS)
        month.push(OCTOBER, gateway)
        live = StripeGateway(stand_in.client(), "rk_live_123")
        with pytest.raises(Refused, match="in test mode, and the key is of acct_standin in live mode"):
            month.push(OCTOBER, live)


def test_a_wrong_key_is_refused_with_what_stripe_says(month: Till) -> None:
    with stripe(month) as (stand_in, _):
        link(month, stand_in, *USERS)
        wrong = StripeGateway(connect("rk_test_wrong", api_base=stand_in.base_url), "rk_test_wrong")
        with pytest.raises(Refused, match="Stripe"):
            month.push(OCTOBER, wrong)


def test_days_that_stripe_takes_no_more_are_listed_as_rejected(month: Till) -> None:
    assert isinstance(month.clock, MovableClock)
    month.clock.advance(days=20)
    with stripe(month) as (stand_in, gateway):
        link(month, stand_in, *USERS)
        pushed = month.push(OCTOBER, gateway)
        assert {untold.day.day for untold in pushed.rejected if untold.day} == {1, 9, 17}
        assert not pushed.is_complete


def test_nothing_is_pushed_before_the_close(database: Database) -> None:
    shop = till(database)
    shop.ingest([record("one")])
    with stripe(shop) as (_, gateway), pytest.raises(Refused, match="run `tokentill close 2026-10` first"):
        shop.push(OCTOBER, gateway)


def test_a_push_killed_after_any_request_and_run_again_ends_equal(sqlite_database: Database) -> None:
    """The child shares the file and the stand-in, and kills itself just before its nth event or just after it."""
    shop = till(sqlite_database, clock=MovableClock())
    shop.ingest(
        record(f"{user}-{day}", user=user, when=str(day), input=day * 1_000_000)
        for user in USERS
        for day in (1, 9, 17, 31)
    )
    shop.close(OCTOBER)
    path = str(sqlite_database.sqlite_path)
    kills = 0
    for when in ("before", "after"):
        for position in range(1, EVENTS + 1):
            with stripe(shop) as (stand_in, gateway):
                links = link(shop, stand_in, *USERS)
                child = os.fork()
                if child == 0:
                    try:
                        _push_and_die(path, shop, stand_in, position, when)
                    finally:
                        os._exit(1)
                _, how = os.waitpid(child, 0)
                kills += os.WIFSIGNALED(how) and os.WTERMSIG(how) == signal.SIGKILL
                push_until_complete(shop, gateway)
                assert shop.reconcile(OCTOBER, gateway).is_equal
                assert held(stand_in, links) == invoiced(shop)
            forget_pushes(shop)
    assert kills == 2 * EVENTS


def _push_and_die(path: str, shop: Till, stand_in: StripeStandIn, position: int, when: str) -> None:
    gateway = StripeGateway(connect(stand_in.api_key, api_base=stand_in.base_url), stand_in.api_key)
    send, sent = gateway.send_day, 0

    def counted(**given: object) -> object:
        nonlocal sent
        sent += 1
        if sent == position and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = send(**given)  # type: ignore[arg-type]
        if sent == position:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    gateway.send_day = counted  # type: ignore[assignment]
    push_period(Database.open(path), month_of(shop), gateway, clock=shop.clock, sleep=lambda _: None)


def test_amounts_are_told_in_whole_minor_units(month: Till) -> None:
    with stripe(month) as (stand_in, gateway):
        links = link(month, stand_in, *USERS)
        month.push(OCTOBER, gateway)
        for invoice in month.invoices():
            days = stand_in.day_values(links[invoice.customer], METER)
            assert minor_text(sum(days.values()), "USD") == invoice.content["total"]
            assert all(value > 0 for value in days.values())
