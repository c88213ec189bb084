"""A close without a period closes every month in which somebody is due; a close names earlier months that are open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, at, contract, record, till
from tests.closing.test_close import reasons
from tests.invoicing.bench import numbers
from tokentill.closing.due_months import DueMonths
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)


def shop_of(database: Database) -> Till:
    """Alice's months begin on the 15th, bob's are those of Honolulu; there is usage from August on."""
    shop = till(
        database,
        contract("customer", "alice", anchor_day=15),
        contract("customer", "bob", time_zone="Pacific/Honolulu"),
        clock=MovableClock(AFTER_OCTOBER),
    )
    for month in ("2026-08", "2026-09", "2026-10"):
        shop.ingest(
            [record(f"{user}-{month}", user=user, when=f"{month}-20T12:00Z") for user in ("alice", "bob", "cem")]
        )
    return shop


def due(months: DueMonths) -> dict[str, tuple[str, ...]]:
    return {str(one.month): one.due for one in months.months}


EVERYBODY = ("alice", "bob", "cem")


def test_all_who_are_due_are_closed_oldest_month_first(database: Database) -> None:
    shop = shop_of(database)
    assert due(shop.due_months()) == {"2026-08": EVERYBODY, "2026-09": EVERYBODY, OCTOBER: ("bob", "cem")}
    october = shop.due_months().months[-1]
    assert [(one.customer, one.due_at) for one in october.not_due] == [("alice", at("2026-11-15T00:00Z"))]
    closed = shop.close_due()
    assert [str(one.month) for one in closed.months] == ["2026-08", "2026-09", OCTOBER]
    assert [number for one in closed.months for number in one.issued] == list(numbers(8))
    assert closed.months[-1].due_at == (("alice", at("2026-11-15T00:00Z")),)
    assert not closed.is_refused
    assert shop.close_due().months == ()
    assert shop.due_months().months == ()
    assert isinstance(shop.clock, MovableClock)
    shop.clock.advance(days=14)
    assert due(shop.due_months()) == {OCTOBER: ("alice",)}
    assert shop.verify().is_sound


def test_zones_and_grace_decide_when_somebody_is_due(database: Database) -> None:
    shop = shop_of(database)
    shop.close_due()
    shop.ingest([record(f"{user}-n", user=user, when="2026-11-03T12:00Z") for user in EVERYBODY])
    assert isinstance(shop.clock, MovableClock)
    shop.clock.instant = at("2026-12-01T09:59Z")
    assert due(shop.due_months()) == {OCTOBER: ("alice",), "2026-11": ("cem",)}
    shop.clock.instant = at("2026-12-01T10:00Z")
    assert due(shop.due_months())["2026-11"] == ("bob", "cem")
    shop.grace = timedelta(hours=1)
    assert due(shop.due_months())["2026-11"] == ("cem",)


def test_what_is_refused_in_one_month_keeps_no_other_from_being_closed(database: Database) -> None:
    shop = shop_of(database)
    shop.review("2026-08", "bob", "held", by="rita", note="asks")
    assert [one.kind for one in shop.due_months().months[0].obstacles] == ["held"]
    closed = shop.close_due()
    assert closed.is_refused
    assert [set(reasons(one)) for one in closed.months] == [{"bob"}, set(), set()]
    assert due(shop.due_months()) == {"2026-08": ("bob",)}


def test_a_close_names_the_months_before_it_that_nobody_closed(database: Database) -> None:
    shop = shop_of(database)
    named = [(str(one.month), one.customers, one.requests) for one in shop.close(OCTOBER).earlier]
    assert named == [("2026-08", EVERYBODY, 3), ("2026-09", EVERYBODY, 3)]
    shop.close("2026-08")
    assert [str(one.month) for one in shop.close(OCTOBER).earlier] == ["2026-09"]
    shop.close("2026-09")
    assert shop.close(OCTOBER).earlier == ()


def test_fees_from_before_the_first_usage_are_not_asked_for_by_themselves(database: Database) -> None:
    fee = contract("customer", "alice", invoice={"base_fee": {"amount": "5"}})
    shop = till(database, fee, clock=MovableClock(AFTER_OCTOBER))
    assert shop.close_due().months == ()
    shop.ingest([record("one", user="bob", when="2026-10-03T12:00Z")])
    assert [str(one.month) for one in shop.close_due().months] == [OCTOBER]
