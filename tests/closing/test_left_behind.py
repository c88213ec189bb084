"""What comes for a month that was closed is named by every later preview and close, whosever it is."""

from __future__ import annotations

import pytest

from tests.builders import MovableClock, at, record, till
from tokentill.store.database import Database

pytestmark = pytest.mark.postgresql_one_in(8)

SEPTEMBER, OCTOBER = "2026-09", "2026-10"


def test_usage_of_somebody_without_an_invoice_of_a_closed_month_is_named_until_it_is_issued(database: Database) -> None:
    shop = till(database, clock=MovableClock(at("2026-10-05T00:00:00+00:00")))
    shop.ingest([record("a", when="2026-09-10T00:00:00+00:00")])
    shop.close(SEPTEMBER)
    assert shop.preview(OCTOBER).aside.open_months == ()

    late = [record(f"b{day}", user="bob", when=f"2026-09-{day}T00:00:00+00:00") for day in (11, 12)]
    shop.ingest([*late, record("c", when="2026-10-02T00:00:00+00:00")])
    shop.clock.instant = at("2026-11-05T00:00:00+00:00")  # type: ignore[attr-defined]
    for aside in (shop.preview(OCTOBER).aside, shop.close(OCTOBER).aside):
        (one,) = aside.open_months
        assert (str(one.month), one.customers, one.requests) == (SEPTEMBER, ("bob",), 2)
    assert shop.preview(SEPTEMBER).aside.open_months == ()

    assert len(shop.close(SEPTEMBER).issued) == 1
    assert shop.close(OCTOBER).aside.open_months == ()


def test_a_customer_whose_period_still_runs_is_not_waited_for(database: Database) -> None:
    from tests.builders import contract

    east = contract("customer", "east", anchor_day=20)
    shop = till(database, east, clock=MovableClock(at("2026-10-05T00:00:00+00:00")))
    shop.ingest([record("a", when="2026-09-10T00:00:00+00:00")])
    shop.close(SEPTEMBER)
    shop.ingest([record("e", user="east", when="2026-09-25T00:00:00+00:00")])
    assert shop.preview(OCTOBER).aside.open_months == ()
    shop.clock.instant = at("2026-10-21T00:00:00+00:00")  # type: ignore[attr-defined]
    assert [one.customers for one in shop.preview(OCTOBER).aside.open_months] == [("east",)]
