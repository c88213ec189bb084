"""Usage of a segment of time, summed in the database into aggregates (see `invoicing.rating_groups`)."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    case,
    cast,
    column,
    func,
    literal_column,
    not_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from tokentill.clock import from_micros, to_micros
from tokentill.invoicing.coverage import CoveredSegment, OwnedSegment
from tokentill.money import ZERO
from tokentill.store import tables
from tokentill.store.missing_rows import has_no_result, is_at_zero_cost, is_unmeasured, uses_nothing
from tokentill.store.usage_rows import StoredRecord, cost_of, records_where
from tokentill.store.withdrawals import Counting, InForce, in_force
from tokentill.usage.aggregates import RecordKey, Series, UsageAggregate
from tokentill.usage.quantities import TOKEN_LEAVES, brings_output

DAY_MICROS = 86_400_000_000
DAYS_APART_ABOVE = 1_000_000
"""With more records than this SQLite sums a month day by day: it sorts what it groups in memory."""
SPANS_AT_ONCE = 2_000
"""So many spans are asked for in one query."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """How usage is cut for everybody: in time at `boundaries` and every UTC midnight, by input totals at `thresholds`.

    Both rise. The boundaries are instants at which something may change that decides an amount.
    """

    starts_at: datetime
    ends_at: datetime
    boundaries: tuple[datetime, ...]
    thresholds: tuple[int, ...]

    @classmethod
    def of(
        cls, starts_at: datetime, ends_at: datetime, edges: Collection[datetime], thresholds: Collection[int]
    ) -> Cuts:
        """Cut [starts_at, ends_at)."""
        inside = {edge.astimezone(UTC) for edge in edges if starts_at < edge < ends_at}
        between = sorted(edge for edge in inside if to_micros(edge) % DAY_MICROS)
        return cls(starts_at, ends_at, tuple(between), tuple(sorted(thresholds)))

    def cuts_at(self, at: datetime) -> bool:
        """Whether everybody's usage is cut at an instant anyway."""
        if at <= self.starts_at or at >= self.ends_at or not to_micros(at) % DAY_MICROS:
            return True
        index = bisect_left(self.boundaries, at)
        return index < len(self.boundaries) and self.boundaries[index] == at

    def band(self, input_total: int) -> int:
        """How many thresholds an input total exceeds."""
        return bisect_left(self.thresholds, input_total)

    def start_of(self, day: int, passed: int, floor: datetime) -> datetime:
        """Where a segment begins, that of a UTC day (from 1970) in which some boundaries are passed."""
        start = max(_midnight(day), floor)
        return max(start, self.boundaries[passed - 1]) if passed else start

    def next_after(self, at: datetime) -> datetime:
        """The next instant after one at which everybody's usage is cut."""
        midnight = from_micros((to_micros(at) // DAY_MICROS + 1) * DAY_MICROS)
        index = bisect_right(self.boundaries, at)
        return min([midnight, self.ends_at, *self.boundaries[index : index + 1]])

    def start_around(self, at: datetime, floor: datetime) -> datetime:
        """Where the segment begins that holds an instant."""
        return self.start_of(to_micros(at) // DAY_MICROS, bisect_right(self.boundaries, at), floor)


@lru_cache(maxsize=1024)
def _midnight(day: int) -> datetime:
    return from_micros(day * DAY_MICROS)


@lru_cache(maxsize=1024)
def _date(day: int) -> date:
    return _midnight(day).date()


class Span(NamedTuple):
    """Records of one series in [starts_at, ends_at) with a sequence number above `seq_after` and up to `seq_upto`.

    `floor` is where the segment begins that the span lies in, unless a cut for everybody lies after it: an instant at
    which all usage of the same customer is cut. `counting` says what counts, if not what does so at the end.
    """

    series_id: int
    starts_at: datetime
    ends_at: datetime
    seq_after: int
    seq_upto: int
    floor: datetime
    counting: Counting | None = None

    @classmethod
    def of(
        cls,
        segment: CoveredSegment | OwnedSegment,
        floor: datetime | None = None,
        counting: Counting | None = None,
    ) -> Span:
        """That of a segment, which is its own floor unless another one is given."""
        own = (segment.series_id, segment.starts_at, segment.ends_at, segment.seq_after, segment.seq_upto)
        return cls(*own, floor or segment.starts_at, counting)


def aggregates_of_all(
    connection: Connection, cuts: Cuts, series: Mapping[int, Series], *, seq_max: int
) -> Iterator[UsageAggregate]:
    """All usage up to a sequence number, cut for everybody alike. Series that are not named are left out."""
    usage = tables.usage
    starts_at, ends_at = to_micros(cuts.starts_at), to_micros(cuts.ends_at)
    conditions = [*_between(starts_at, ends_at), usage.c.seq <= seq_max]
    force = in_force(connection, seq_max)
    parts: Sequence[Sequence[ColumnElement[bool]]] = ((),)
    if connection.dialect.name == "sqlite" and _is_large(connection):
        midnights = range(starts_at // DAY_MICROS * DAY_MICROS, ends_at, DAY_MICROS)
        parts = [_between(max(at, starts_at), min(at + DAY_MICROS, ends_at)) for at in midnights]
    for row, quantities in _summed(connection, cuts, usage.c.series_id, usage, force, conditions, parts):
        if row.place in series:
            yield _aggregate(row, quantities, cuts, series[row.place], cuts.starts_at)


def _between(starts_at: int, ends_at: int) -> list[ColumnElement[bool]]:
    return [tables.usage.c.occurred_at >= starts_at, tables.usage.c.occurred_at < ends_at]


def _is_large(connection: Connection) -> bool:
    last = connection.execute(select(func.max(tables.usage.c.id))).scalar()
    return last is not None and last > DAYS_APART_ABOVE


def aggregates_of_spans(
    connection: Connection, cuts: Cuts, spans: Sequence[Span], series: Mapping[int, Series], *, seq_max: int
) -> Iterator[tuple[int, UsageAggregate]]:
    """The usage of spans, as aggregates with the place of their span in the sequence.

    What counts is decided at `seq_max`, also of a span that ends below it.
    """
    for places, part in _parts_of(spans):
        force = in_force(connection, seq_max, part[0].counting)
        span, inside = _span_table(connection, part)
        for row, quantities in _summed(connection, cuts, span.c.n, inside, force):
            own_span = part[row.place]
            yield places[row.place], _aggregate(row, quantities, cuts, series[own_span.series_id], own_span.floor)


def records_of_spans(
    connection: Connection, spans: Sequence[Span], series: Mapping[int, Series], *, seq_max: int
) -> Iterator[tuple[int, StoredRecord]]:
    """The records of spans one by one, each with the place of its span in the sequence; what counts at `seq_max`."""
    for places, part in _parts_of(spans):
        force = in_force(connection, seq_max, part[0].counting)
        span, inside = _span_table(connection, part)
        for place, record in records_where(connection, span.c.n, inside, series, force):
            yield places[place], record


def _parts_of(spans: Sequence[Span]) -> Iterator[tuple[list[int], list[Span]]]:
    """Spans that count alike, so many as are asked for at once, with their places in the sequence."""
    by_counting: dict[Counting | None, list[int]] = {}
    for place, span in enumerate(spans):
        by_counting.setdefault(span.counting, []).append(place)
    for listed in by_counting.values():
        for first in range(0, len(listed), SPANS_AT_ONCE):
            places = listed[first : first + SPANS_AT_ONCE]
            yield places, [spans[place] for place in places]


def requests_of_spans(
    connection: Connection, spans: Sequence[Span], conditions: Sequence[ColumnElement[bool]]
) -> Iterator[tuple[int, int]]:
    """How many rows of each span meet conditions, with the place of the span in the sequence; spans without any are
    left out.
    """
    for first in range(0, len(spans), SPANS_AT_ONCE):
        span, inside = _span_table(connection, spans[first : first + SPANS_AT_ONCE])
        query = select(span.c.n, func.count()).select_from(inside).where(*conditions).group_by(span.c.n)
        for place, requests in connection.execute(query.order_by(span.c.n)):
            yield first + place, requests


def aggregate_of_record(record: StoredRecord, at: datetime) -> UsageAggregate:
    """An aggregate of one record alone. `at` is any instant of its segment of time, the same for all records in it."""
    return UsageAggregate(
        series=record.series,
        at=at,
        day=record.occurred_at.date(),
        input_tokens=record.input_total,
        requests=1,
        quantities=record.quantities,
        cost=record.cost or ZERO,
        requests_with_cost=int(record.cost is not None),
        requests_at_no_cost=int(record.cost is not None and not record.cost and any(record.quantities.values())),
        record=RecordKey(record.occurred_at, record.series.source, record.record_id),
        is_waived=record.is_waived,
        is_unmeasured=record.is_unmeasured,
        is_accepted=record.is_accepted,
        zero_cost=record.cost is not None and not record.cost,
        has_result=bool(record.cost) or brings_output(record.quantities),
    )


def _summed(
    connection: Connection,
    cuts: Cuts,
    place: ColumnElement[int],
    inside: Any,
    force: InForce,
    conditions: Sequence[ColumnElement[bool]] = (),
    parts: Sequence[Sequence[ColumnElement[bool]]] = ((),),
) -> Iterator[tuple[Any, Mapping[str, int]]]:
    """Sums by place, segment, band and facts (see `UsageAggregate.facts`), with those of rare units.

    The conditions of each of `parts` choose some of the days, which are summed one part after the other.
    """
    usage, unit = tables.usage, tables.usage_unit
    keys: list[ColumnElement[Any]] = [
        place.label("place"),
        literal_column(f"usage.occurred_at / {DAY_MICROS}", BigInteger).label("day"),
        _passed("usage.occurred_at >=", [to_micros(at) for at in cuts.boundaries]).label("passed"),
        _passed("usage.input_total >", cuts.thresholds).label("band"),
        force.is_waived.label("waived"),
        case((is_unmeasured(), 1), else_=0).label("unmeasured"),
        force.is_accepted.label("accepted"),
        case((is_at_zero_cost(), 1), else_=0).label("zero_cost"),
        case((has_no_result(), 0), else_=1).label("result"),
    ]
    named: list[ColumnElement[Any]] = [literal_column(key.name) for key in keys]
    chosen = (*conditions, *force.conditions)

    def grouped(source: Any, *columns: ColumnElement[Any], by: Sequence[ColumnElement[Any]] = ()) -> Select[Any]:
        return select(*keys, *columns).select_from(source).where(*chosen).group_by(*named, *by)

    units: dict[tuple[int, ...], dict[str, int]] = {}
    if connection.execute(select(unit.c.usage_id).limit(1)).first() is not None:
        with_units = grouped(
            inside.join(unit, unit.c.usage_id == usage.c.id),
            unit.c.name,
            func.sum(unit.c.quantity).label("quantity"),
            by=[unit.c.name],
        )
        for row in connection.execute(with_units):
            units.setdefault(tuple(row[: len(keys)]), {})[row.name] = int(row.quantity)
    sums = grouped(
        inside,
        func.count().label("requests"),
        func.min(usage.c.input_total).label("input_total"),
        func.sum(usage.c.has_cost).label("with_cost"),
        func.sum(_at_no_cost()).label("at_no_cost"),
        *(func.sum(usage.c[name]).label(name) for name in (*TOKEN_LEAVES, *tables.COST_LIMBS)),
    )
    for part in parts:
        for row in connection.execute(sums.where(*part)):
            yield row, units.get(tuple(row[: len(keys)]), {}) if units else {}


@cache
def _at_no_cost() -> ColumnElement[int]:
    """Whether a request used something, and the gateway reports that it cost nothing."""
    usage = tables.usage.c
    is_free = (usage[limb] == 0 for limb in tables.COST_LIMBS)
    counted: ColumnElement[int] = case((and_(usage.has_cost == 1, *is_free, not_(uses_nothing())), 1), else_=0)
    return counted


def _aggregate(row: Any, units: Mapping[str, int], cuts: Cuts, series: Series, floor: datetime) -> UsageAggregate:
    _, day, passed, _, waived, unmeasured, accepted, zero_cost, result, *sums = row
    requests, input_total, with_cost, at_no_cost, *sums = sums
    quantities = {leaf: int(count) for leaf, count in zip(TOKEN_LEAVES, sums, strict=False) if count}
    quantities |= units
    at = cuts.start_of(day, passed, floor)
    return UsageAggregate(
        series=series,
        at=at,
        day=_date(day),
        input_tokens=int(input_total),
        requests=int(requests),
        quantities=quantities,
        cost=cost_of(*sums[len(TOKEN_LEAVES) :]) if with_cost else ZERO,
        requests_with_cost=int(with_cost),
        requests_at_no_cost=int(at_no_cost),
        is_waived=bool(waived),
        is_unmeasured=bool(unmeasured),
        is_accepted=bool(accepted),
        zero_cost=bool(zero_cost),
        has_result=bool(result),
    )


def _span_table(connection: Connection, spans: Sequence[Span]) -> tuple[Any, Any]:
    """A table of spans, and its join with the usage that lies in them. The spans are one bound value, so that the
    database is asked the same however many there are.
    """
    rows = [
        (entry.series_id, to_micros(entry.starts_at), to_micros(entry.ends_at), entry.seq_after, entry.seq_upto)
        for entry in spans
    ]
    names = ("series_id", "starts_at", "ends_at", "seq_after", "seq_upto")
    place: ColumnElement[Any]
    values: list[ColumnElement[Any]]
    if connection.dialect.name == "sqlite":
        entry_of = func.json_each(json.dumps(rows)).table_valued("key", "value", name="entry")
        place = entry_of.c.key
        values = [func.json_extract(entry_of.c.value, f"$[{number}]") for number in range(len(names))]
    else:
        listed = func.jsonb_array_elements(cast(rows, JSONB))
        named = listed.table_valued(column("value", JSONB), with_ordinality="key")
        entry_of = named.render_derived(name="entry")
        place = entry_of.c.key - 1
        values = [cast(entry_of.c.value[number].astext, BigInteger) for number in range(len(names))]
    columns = (value.label(name) for name, value in zip(names, values, strict=True))
    span = select(place.label("n"), *columns).cte("span").prefix_with("MATERIALIZED")
    return span, span.join(tables.usage, tables.usage_in(span))


def _passed(compared: str, limits: Sequence[int]) -> ColumnElement[int]:
    """How many of some rising limits a number has passed."""
    cases = " ".join(f"WHEN {compared} {limit} THEN {count}" for count, limit in reversed(list(enumerate(limits, 1))))
    return literal_column(f"CASE {cases} ELSE 0 END" if cases else "0", Integer)
