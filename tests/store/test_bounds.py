"""A record of an instant that cannot be right is quarantined with what to do, and never taken and shown nowhere."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import AFTER_OCTOBER, MovableClock, at, record, till
from tests.store.bench import rows_of_all_tables
from tokentill.clock import FixedClock, instant_text
from tokentill.closing.records.ingest import Ingested
from tokentill.errors import InvalidRecord
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds
from tokentill.usage.record import UsageRecord

OF_2062 = record("slipped", when="2062-10-20T12:00:00+00:00")


def one_of(ingested: Ingested) -> tuple[int, str, str | None]:
    """The only bad line."""
    assert ingested.counts.quarantined == 1
    [bad] = ingested.bad
    return bad.line, bad.reason, bad.record_id


def as_file(*records: UsageRecord) -> io.BytesIO:
    return io.BytesIO(b"".join(json.dumps(found.content()).encode() + b"\n\n" for found in records))


def test_a_record_of_a_year_with_a_slipped_digit_is_quarantined_from_python(database: Database) -> None:
    shop = till(database)

    line, reason, record_id = one_of(shop.ingest([record("good"), OF_2062, record("also good")]))

    assert (line, record_id) == (2, "slipped")
    assert reason == (
        "occurred_at 2062-10-20T12:00:00Z is more than 2 days ahead of the clock, which says 2026-11-02T09:00:00Z;"
        " correct the record, or raise ahead_days (in [ingest] of tokentill.toml, or Till.open's bounds)"
    )
    assert len(rows_of_all_tables(database)["usage"]) == 2


def test_the_same_in_a_file_names_the_line(database: Database) -> None:
    line, reason, record_id = one_of(till(database).ingest_file(as_file(record("good"), OF_2062), name="file"))

    assert (line, record_id) == (3, "slipped")
    assert "ahead of the clock" in reason
    [kept] = rows_of_all_tables(database)["quarantine"]
    assert '{"source": "arouter", "record_id": "slipped"' in str(kept)


def test_a_record_from_before_all_gateways_is_quarantined(database: Database) -> None:
    _, reason, _ = one_of(till(database).ingest([record("1", when="2019-12-31T23:59:59.999999+00:00")]))

    assert reason == (
        "occurred_at 2019-12-31T23:59:59.999999Z is before 2020-01-01T00:00:00Z, the oldest instant that is taken;"
        " correct the record, or set oldest (in [ingest] of tokentill.toml, or Till.open's bounds)"
    )


def test_a_record_that_was_dated_ahead_is_taken_once_the_clock_is_there(database: Database) -> None:
    clock = MovableClock()
    shop = till(database, clock=clock)
    early = record("early", when="2026-11-05T12:00:00+00:00")
    assert shop.ingest([early]).counts.quarantined == 1

    clock.advance(days=2)

    assert shop.ingest([early]).counts.accepted == 1


@pytest.mark.parametrize(
    ("when", "is_taken"),
    [
        (datetime(2019, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), False),
        (datetime(2020, 1, 1, tzinfo=UTC), True),
        (AFTER_OCTOBER, True),
        (AFTER_OCTOBER + timedelta(days=1, hours=14), True),
        (AFTER_OCTOBER + timedelta(days=2), True),
        (AFTER_OCTOBER + timedelta(days=2, microseconds=1), False),
    ],
)
def test_both_bounds_are_within(when: datetime, is_taken: bool) -> None:
    """A record that is dated a day ahead, in whatever zone, by a clock that goes wrong by hours, is taken."""
    if is_taken:
        DEFAULT_BOUNDS.check(when, AFTER_OCTOBER)
    else:
        with pytest.raises(InvalidRecord, match="occurred_at"):
            DEFAULT_BOUNDS.check(when, AFTER_OCTOBER)


def test_bounds_that_are_as_wide_as_can_be_refuse_nothing() -> None:
    wide = Bounds(oldest=datetime.min.replace(tzinfo=UTC), ahead=timedelta.max)

    wide.check(datetime.max.replace(tzinfo=UTC), AFTER_OCTOBER)


def test_other_bounds_can_be_given(tmp_path: Path) -> None:
    bounds = Bounds(oldest=at("10"), ahead=timedelta(hours=1))
    clock = FixedClock(at("20"))
    with Till.open(str(tmp_path / "t.db"), clock=clock, bounds=bounds) as shop:
        found = shop.ingest([record(str(day), when=instant_text(at(str(day)))) for day in (9, 10, 20, 21)])

    assert [bad.record_id for bad in found.bad] == ["9", "21"]
    assert found.counts.accepted == 2


def test_without_any_the_defaults_hold(tmp_path: Path) -> None:
    with Till.open(str(tmp_path / "t.db")) as shop:
        assert shop.bounds == Bounds() == DEFAULT_BOUNDS
        assert shop.ingest([OF_2062]).counts.quarantined == 1
