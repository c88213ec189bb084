"""A call that fails for what may pass is made again, be it to read or to tell, and no more often than is stated."""

from __future__ import annotations

import random

import pytest

from tests.builders import record
from tests.stripe_push.bench import EVENTS, WANTED, Bench, closed_october
from tokentill.errors import NoAnswer
from tokentill.store.database import Database
from tokentill.stripe_push.attempts import DOWN_AFTER, TRIES
from tokentill.testing.stripe import Behaviour, FaultKind, PlannedFault
from tokentill.testing.stripe.faults import STATUSES

FAULTS: list[tuple[FaultKind, int]] = [
    ("reset_before", 500),
    ("reset_after", 500),
    ("timeout_after", 500),
    *(("status_before", status) for status in STATUSES),
    ("status_after", 500),
]
ACCOUNT, METERS, CUSTOMERS = "/v1/account", "/v1/billing/meters", "/v1/customers/*"
SUMMARIES = "/v1/billing/meters/*/event_summaries"


@pytest.mark.parametrize(("kind", "status"), FAULTS)
@pytest.mark.parametrize("path", [ACCOUNT, METERS, CUSTOMERS, EVENTS, SUMMARIES])
def test_every_call_is_made_again_until_it_is_answered(
    sqlite_database: Database, path: str, kind: FaultKind, status: int
) -> None:
    faults = [PlannedFault(number, kind, status, path=path) for number in range(1, TRIES)]
    with Bench(closed_october(sqlite_database), faults=faults) as bench:
        assert bench.push_until_complete(1) == 1
        assert bench.reconcile().is_equal
        assert bench.held() == WANTED
        assert bench.stand_in.fired == bench.stand_in.planned == TRIES - 1


@pytest.mark.parametrize("path", [ACCOUNT, METERS])
def test_what_is_never_answered_is_asked_so_often_and_no_more(sqlite_database: Database, path: str) -> None:
    faults = [PlannedFault(number, "status_before", 503, path=path) for number in range(1, 100)]
    with Bench(closed_october(sqlite_database), faults=faults) as bench:
        with pytest.raises(
            NoAnswer, match=f"Stripe did not answer GET {path}: The service is .* available; try again$"
        ):
            bench.push()
        assert bench.stand_in.fired == TRIES
        assert bench.waits == [0.25, 0.5, 1, 2, 4]
        assert bench.events == []


@pytest.mark.parametrize(("said", "waited"), [(None, 0.25), (0, 0.25), (7, 7), (3600, 60)])
@pytest.mark.parametrize("path", [ACCOUNT, EVENTS])
def test_stripe_is_given_the_time_that_it_asks_for(
    sqlite_database: Database, path: str, said: int | None, waited: float
) -> None:
    fault = PlannedFault(1, "status_before", 429, path=path, retry_after_seconds=said)
    with Bench(closed_october(sqlite_database), faults=[fault]) as bench:
        assert bench.push().is_complete
        assert bench.waits == [waited]


def test_a_customer_for_whom_stripe_does_not_answer_stops_no_other(sqlite_database: Database) -> None:
    tries = range(1, TRIES + 1)
    faults = [
        *(PlannedFault(number, "reset_before", path=CUSTOMERS) for number in tries),
        *(PlannedFault(number, "reset_before", path=SUMMARIES) for number in tries),
    ]
    with Bench(closed_october(sqlite_database), faults=faults) as bench:
        pushed = bench.push()
        assert [(found.customer, found.day) for found in pushed.unknown] == [("alice", None)]
        assert (pushed.sent, pushed.is_complete) == (1, False)
        assert bench.push().is_complete
        reconciled = bench.reconcile()
        assert [found.customer for found in reconciled.unknown] == ["alice"]
        assert [(found.customer, found.is_equal) for found in reconciled.invoices] == [("bob", True)]
        assert not reconciled.is_equal
        assert bench.reconcile().is_equal
        assert bench.stand_in.fired == bench.stand_in.planned


def test_while_stripe_is_down_each_call_is_tried_once(sqlite_database: Database) -> None:
    usage = [record(f"a{day}", user="alice", when=str(day), input=1_000_000) for day in range(1, 21)]
    faults = [PlannedFault(number, "reset_before", path=EVENTS) for number in range(1, 1000)]
    with Bench(closed_october(sqlite_database, usage=usage), faults=faults, linked=["alice"]) as bench:
        assert len(bench.push().unknown) == 20
        assert len(bench.events) == DOWN_AFTER * TRIES + 20 - DOWN_AFTER


@pytest.mark.parametrize("behaviour", [Behaviour(), Behaviour(repeated_identifier_param="identifier")])
@pytest.mark.parametrize("kind", ["reset_after", "timeout_after", "status_after"])
def test_an_identifier_that_stripe_has_already_is_delivered(
    database: Database, behaviour: Behaviour, kind: FaultKind
) -> None:
    fault = PlannedFault(1, kind, path=EVENTS)
    with Bench(closed_october(database), faults=[fault], behaviour=behaviour) as bench:
        pushed = bench.push()
        assert [found.status for found in bench.events][:2] == [500 if kind == "status_after" else None, 400]
        assert (pushed.sent, pushed.rejected, pushed.unknown) == (3, (), ())
        assert bench.held() == WANTED
        assert bench.reconcile().is_equal
        assert bench.stand_in.fired == 1


def test_a_month_of_thirty_customers_arrives_to_the_cent_though_every_eighth_call_fails(
    sqlite_database: Database,
) -> None:
    chosen = random.Random(12)
    customers = [f"customer {number}" for number in range(30)]
    usage = [
        record(f"{customer}-{day}", user=customer, when=str(day), input=chosen.randrange(10**6, 10**8))
        for customer in customers
        for day in range(1, 32)
        if chosen.random() < 0.7
    ]
    failing = [number for number in range(1, 701) if chosen.random() < 0.12]
    faults = [PlannedFault(number, *chosen.choice(FAULTS)) for number in failing]
    with Bench(closed_october(sqlite_database, usage=usage), faults=faults, linked=customers) as bench:
        pushed = bench.push()
        assert pushed.is_complete
        assert bench.is_to_the_cent()
        assert bench.reconcile().is_equal
        (due,) = pushed.sums
        assert due.due_minor == due.in_stripe_minor == sum(bench.totals().values())
        assert bench.stand_in.fired == bench.stand_in.planned
        assert len(failing) > 70
