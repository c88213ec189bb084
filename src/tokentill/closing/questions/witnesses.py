"""What several reporters told of the same requests, held against each other: the means to check a gateway's bill.

Of each request one report is billed, and nothing here changes which. Day by day it is counted how many of the requests
another reporter did not tell of, and of how many it told something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of
from tokentill.invoicing.periods import Month
from tokentill.store.intake.witness_rows import Report, ToldRequest, reporters_within, told_within
from tokentill.store.usage.usage_rows import StoredRecord

RECORDS_MAX = 10_000
"""Records that a report names one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class WitnessDay(ContentOfFields):
    """A reporter on a day of a source, in UTC: how many requests count, of how many it did not tell, and of how many it
    told something else than what is billed.
    """

    source: str
    day: date
    reporter: str
    requests: int
    missing: int
    unequal: int


@dataclass(frozen=True, slots=True)
class WitnessedRecord:
    """A record that counts and of which a reporter did not tell, or told something else: by field what is billed and
    what it told.
    """

    source: str
    record_id: str
    occurred_at: datetime
    billed_by: str
    reporter: str
    state: Literal["missing", "unequal"]
    differences: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def content(self) -> Content:
        """Canonical content."""
        named = fields_of(self, "source", "record_id", "occurred_at", "billed_by", "reporter", "state")
        of_fields = {
            name: {"billed": form_of(billed), "told": form_of(told)}
            for name, (billed, told) in sorted(self.differences.items())
        }
        return {**named, "differences": of_fields}


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What reporters told in a calendar month, in UTC: what `report witnesses --json` prints. `not_named` counts the
    records beyond `RECORDS_MAX`.
    """

    period: str
    days: tuple[WitnessDay, ...]
    records: tuple[WitnessedRecord, ...]
    not_named: int = 0

    @property
    def is_equal(self) -> bool:
        """Whether everybody told the same."""
        return not self.records

    def content(self) -> Content:
        """Canonical content."""
        return {
            **fields_of(self, "period", "days"),
            "records": [record.content() for record in self.records],
            **fields_of(self, "not_named", "is_equal"),
        }


def compare_witnesses(connection: Connection, month: Month, source: str | None = None) -> Witnesses:
    """Hold what reporters told in a month against each other.

    Args:
        source: only this one.
    """
    starts_at = datetime(month.year, month.month, 1, tzinfo=UTC)
    after = month.plus(1)
    ends_at = datetime(after.year, after.month, 1, tzinfo=UTC)
    days: list[WitnessDay] = []
    records: list[WitnessedRecord] = []
    not_named = 0
    for source_id, (name, reporters) in reporters_within(connection, starts_at, ends_at).items():
        if source not in (None, name):
            continue
        day = starts_at
        while day < ends_at:
            counts: dict[str, Counter[str]] = {reporter: Counter() for reporter in sorted(reporters)}
            for told in told_within(connection, source_id, day, day + timedelta(days=1)):
                for found in _differing(name, told, counts):
                    not_named += len(records) >= RECORDS_MAX
                    records += [found] if len(records) < RECORDS_MAX else []
            days += [
                WitnessDay(name, day.date(), reporter, one["requests"], one["missing"], one["unequal"])
                for reporter, one in counts.items()
                if one["requests"]
            ]
            day += timedelta(days=1)
    return Witnesses(str(month), tuple(days), tuple(records), not_named)


def _differing(source: str, told: ToldRequest, counts: dict[str, Counter[str]]) -> Iterator[WitnessedRecord]:
    """What others than the one that is billed did not tell, or otherwise; counted on the way."""
    record = told.record
    for reporter, count in counts.items():
        count["requests"] += 1
        if reporter == told.reporter:
            continue
        other = told.others.get(reporter)
        differences = {} if other is None else _differences(record, other)
        if other is not None and not differences:
            continue
        state: Literal["missing", "unequal"] = "missing" if other is None else "unequal"
        count[state] += 1
        named = (source, record.record_id, record.occurred_at, told.reporter, reporter)
        yield WitnessedRecord(*named, state, differences)


def _differences(billed: StoredRecord, told: Report) -> dict[str, tuple[Any, Any]]:
    """What two reports of a request say otherwise. Who does not know a user or a cost says nothing of it."""
    names = sorted(billed.quantities.keys() | told.quantities.keys())
    pairs: dict[str, tuple[Any, Any]] = {
        name: (billed.quantities.get(name, 0), told.quantities.get(name, 0)) for name in names
    }
    known: dict[str, tuple[Any, Any]] = {
        "user": (billed.series.user, told.series.user if isinstance(told, StoredRecord) else told.user),
        "cost": (_stated(billed.cost), _stated(told.cost)),
    }
    pairs |= {name: pair for name, pair in known.items() if None not in pair}
    return {name: (one, other) for name, (one, other) in pairs.items() if one != other}


def _stated(cost: Decimal | None) -> Decimal | None:
    return None if cost is None else cost.normalize()
