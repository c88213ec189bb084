"""Days for which Stripe takes no event are known before anything is sent; the rest is pushed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import OCTOBER, MovableClock, at, contract, record, till
from tests.stripe_push.bench import EVENTS, Bench, closed_october
from tokentill.store.database import Database
from tokentill.stripe_push.attempts import TRIES
from tokentill.stripe_push.days import noon_of, out_of_time
from tokentill.testing.stripe import Behaviour, PlannedFault

pytestmark = pytest.mark.postgresql_one_in(8)

DAY_3, DAY_9, DAY_20 = date(2026, 10, 3), date(2026, 10, 9), date(2026, 10, 20)
TOO_LATE_FOR_THE_3RD = at("2026-11-10T00:00:00+00:00")
BEHAVIOURS = [Behaviour(), Behaviour(timestamp_outside="reported")]


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-10_000_000, 10_000_000))
def test_an_event_is_taken_from_35_days_back_to_5_minutes_ahead(day: date, seconds: int) -> None:
    now = noon_of(day) + timedelta(seconds=seconds)
    expected = "too_old" if seconds > 35 * 86_400 else "to_come" if seconds < -300 else None
    assert out_of_time(day, now) == expected


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_days_that_are_too_old_are_not_sent_and_the_rest_is(database: Database, behaviour: Behaviour) -> None:
    clock = MovableClock(TOO_LATE_FOR_THE_3RD)
    with Bench(closed_october(database, clock=clock), clock, behaviour=behaviour) as bench:
        for number in (1, 2):
            pushed = bench.push()
            assert pushed.sent == (2 if number == 1 else 0)
            assert [found.content() for found in pushed.not_taken] == [
                {
                    "customer": "alice",
                    "stripe_customer": bench.links["alice"],
                    "currency": "USD",
                    "day": "2026-10-03",
                    "wanted_minor": 300,
                    "held_minor": "0",
                    "reason": "too_old",
                }
            ]
            assert (pushed.rejected, pushed.unknown, pushed.is_complete) == ((), (), False)
            assert [(found.due_minor, found.in_stripe_minor) for found in pushed.sums] == [(1050, 750)]
        assert len(bench.events) == 2
        assert bench.stand_in.error_reports == []
        reconciled = bench.reconcile()
        assert reconciled.not_taken == pushed.not_taken
        assert (reconciled.is_equal, reconciled.can_be_pushed) == (False, False)
        assert [found.is_equal for found in reconciled.invoices] == [False, True]


def test_a_day_that_got_through_without_an_answer_is_not_asked_for_once_more(database: Database) -> None:
    """Whoever bills by hand what is missing would bill it twice."""
    clock = MovableClock()
    faults = [PlannedFault(number, "reset_after", path=EVENTS) for number in range(1, TRIES + 1)]
    with Bench(closed_october(database, clock=clock), clock, faults=faults) as bench:
        assert [found.day for found in bench.push().unknown] == [DAY_3]
        clock.instant = TOO_LATE_FOR_THE_3RD
        pushed = bench.push()
        assert (pushed.sent, pushed.not_taken, pushed.is_complete) == (0, (), True)
        assert bench.reconcile().is_equal
        assert bench.stand_in.fired == TRIES


def test_what_became_more_or_less_after_its_time_is_the_difference_to_the_cent(database: Database) -> None:
    clock = MovableClock()
    with Bench(closed_october(database, clock=clock), clock) as bench:
        bench.push()
        clock.instant = at("2026-11-20T00:00:00+00:00")
        bench.shop.void("INV-000001", reason="a mistake")
        bench.shop.void("INV-000002", reason="a mistake")
        bench.shop.ingest([record("late", user="alice", when="3", input=1_000_000)])
        bench.shop.bind([("bob", "carol", at("1 00:00"), None)])
        bench.shop.close(OCTOBER)
        pushed = bench.push()
        # bob's 20th may still be told to be zero; alice's 3rd is beyond
        assert [(found.customer, found.day, found.missing_minor) for found in pushed.not_taken] == [
            ("alice", DAY_3, Decimal(300))
        ]
        assert bench.held()["bob"] == {}
        clock.instant = at("2026-12-20T00:00:00+00:00")
        bench.shop.void("INV-000003", reason="a mistake")
        assert [(found.customer, found.day, found.missing_minor) for found in bench.push().not_taken] == [
            ("alice", DAY_3, Decimal(-300)),
            ("alice", DAY_9, Decimal(-150)),
        ]
        assert bench.reconcile().not_taken == bench.push().not_taken


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_day_whose_noon_is_to_come_waits_for_it(database: Database, behaviour: Behaviour) -> None:
    clock = MovableClock(at("20 09:00"))
    shop = till(database, contract(), clock=clock)
    shop.ingest([record("a1", when="3", input=1_000_000), record("a2", when="20 08:00", input=100_000)])
    assert shop.close(OCTOBER, interim=["alice"]).issued
    with Bench(shop, clock, behaviour=behaviour, linked=["alice"]) as bench:
        pushed = bench.push()
        assert [(found.day, found.reason) for found in pushed.not_taken] == [(DAY_20, "to_come")]
        assert (pushed.sent, pushed.is_complete) == (1, False)
        assert bench.stand_in.error_reports == []
        clock.advance(hours=3)
        assert bench.push().is_complete
        assert bench.held() == {"alice": {DAY_3: 300, DAY_20: 30}}
        assert bench.reconcile().is_equal


def test_where_the_clocks_differ_the_word_of_stripe_counts(database: Database) -> None:
    clock = MovableClock(at("2026-11-07T11:59:00+00:00"))  # noon of the 3rd is 35 days back in a minute
    with Bench(closed_october(database, clock=clock), clock) as bench:
        clock.instant = at("2026-11-07T12:01:00+00:00")
        bench.clock = MovableClock(at("2026-11-07T11:59:00+00:00"))
        for _ in range(2):
            pushed = bench.push()
            assert [(found.day, found.reason) for found in pushed.not_taken] == [(DAY_3, "too_old")]
            assert pushed.rejected == ()
        assert [found.status for found in bench.events].count(400) == 2
