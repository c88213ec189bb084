"""A void invoice asks for nothing: whatever had been told of it, Stripe ends with what the others ask for."""

from __future__ import annotations

from datetime import date

import pytest

from tests.builders import OCTOBER, record
from tests.stripe_push.bench import EVENTS, WANTED, Bench, closed_october, outbox
from tokentill.store.database import Database
from tokentill.store.issued.push_rows import PushRow
from tokentill.stripe_push.attempts import TRIES
from tokentill.stripe_push.gateway import SendOutcome, StripeGateway
from tokentill.testing.stripe import PlannedFault

pytestmark = pytest.mark.postgresql_one_in(8)

DAY_3, DAY_9 = date(2026, 10, 3), date(2026, 10, 9)
LEFT = {"alice": {}, "bob": WANTED["bob"]}


def void_alice(bench: Bench) -> None:
    bench.shop.void("INV-000001", reason="a mistake")


def ends_equal(bench: Bench) -> None:
    """A push and a comparison, and another push that has nothing to say."""
    assert bench.push().is_complete
    assert bench.is_to_the_cent()
    reconciled = bench.reconcile()
    assert reconciled.is_equal
    for found in reconciled.sums:
        assert found.due_minor == found.in_stripe_minor
    assert bench.push().sent == 0


def test_one_that_was_pushed_is_taken_back(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        bench.push()
        void_alice(bench)
        assert not bench.reconcile().is_equal
        ends_equal(bench)
        assert bench.held() == LEFT


def test_one_that_was_never_pushed_is_never_told(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        void_alice(bench)
        ends_equal(bench)
        assert bench.held() == LEFT
        assert len(bench.events) == 1


def test_a_month_of_void_invoices_that_was_never_pushed_is_equal_at_nothing(database: Database) -> None:
    with Bench(closed_october(database)) as bench:
        void_alice(bench)
        bench.shop.void("INV-000002", reason="a mistake")
        pushed, reconciled = bench.push(), bench.reconcile()
        assert (pushed.is_complete, pushed.sums, reconciled.is_equal, reconciled.invoices) == (True, (), True, ())
        assert [found.path for found in bench.requests] == ["/v1/account"]


@pytest.mark.parametrize("reached", [False, True])
@pytest.mark.parametrize("first", [1, 2])
def test_one_that_was_partly_pushed_is_taken_back(database: Database, first: int, reached: bool) -> None:
    """One of its two days arrived, or none is known to have."""
    kind = "reset_after" if reached else "reset_before"
    faults = [PlannedFault(number, kind, path=EVENTS) for number in range(first, first + TRIES)]
    with Bench(closed_october(database), faults=faults) as bench:
        assert len(bench.push().unknown) == 1
        void_alice(bench)
        ends_equal(bench)
        assert bench.held() == LEFT
        assert bench.stand_in.fired == TRIES


class Killed(Exception):
    """The process ends."""


@pytest.mark.parametrize("days", [0, 1, 2])
def test_one_whose_push_was_killed_is_taken_back(database: Database, days: int) -> None:
    class Mortal(StripeGateway):
        told = 0

        def send_day(self, row: PushRow) -> SendOutcome:
            if self.told == days:
                raise Killed
            self.told += 1
            return super().send_day(row)

    with Bench(closed_october(database)) as bench:
        living, bench.gateway = bench.gateway, bench.connect(Mortal)
        with pytest.raises(Killed):
            bench.push()
        bench.gateway = living
        assert "sending" in {state for *_, state in outbox(database)}
        void_alice(bench)
        ends_equal(bench)
        assert bench.held() == LEFT


@pytest.mark.parametrize("is_pushed_between", [False, True])
@pytest.mark.parametrize("is_pushed_before", [False, True])
def test_one_that_was_issued_anew_is_told_as_it_is_now(
    database: Database, is_pushed_before: bool, is_pushed_between: bool
) -> None:
    with Bench(closed_october(database)) as bench:
        if is_pushed_before:
            bench.push()
        void_alice(bench)
        if is_pushed_between:
            bench.push()
        bench.shop.ingest([record("late", user="alice", when="31 12:00", input=1_000_000)])
        assert bench.shop.close(OCTOBER).issued == ("INV-000003",)
        ends_equal(bench)
        assert bench.held() == {"alice": {DAY_3: 300, DAY_9: 150, date(2026, 10, 31): 300}, "bob": WANTED["bob"]}
        bench.shop.void("INV-000003", reason="a mistake again")
        ends_equal(bench)
        assert bench.held() == LEFT
