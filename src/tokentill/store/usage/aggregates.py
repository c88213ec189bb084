"""Usage of a segment of time, summed in the database into aggregates (see `invoicing.rating_groups`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import add
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
)

from tokentill.clock import to_micros
from tokentill.money import ZERO
from tokentill.store import tables
from tokentill.store.bulk import table_of
from tokentill.store.usage.cuts import Cuts, Span, midnight
from tokentill.store.usage.missing_rows import has_no_result, is_at_no_cost, is_at_zero_cost, is_unmeasured
from tokentill.store.usage.usage_rows import StoredRecord, cost_of, ids_within, reaching, records_where, within
from tokentill.store.usage.usage_sums import BANDS, DAY_MICROS, FACTS, KEY, SUMMED, passed
from tokentill.store.usage.withdrawals import Counting, InForce, in_force
from tokentill.usage.aggregates import RecordKey, Series, UsageAggregate
from tokentill.usage.quantities import TOKEN_LEAVES, brings_output

DAYS_APART_ABOVE = 1_000_000
"""With more records than this SQLite sums a month day by day: it sorts what it groups in memory."""
SPANS_AT_ONCE = 2_000
"""So many spans are asked for in one query."""

_DAY = f"usage.occurred_at / {DAY_MICROS}"
_KEY = ("place", "of_day", "passed", "of_band", *FACTS)
_Row = tuple[Any, Mapping[str, int]]
"""The columns of `_KEY`, the sums, and quantities that have no column."""


def aggregates_of_all(
    connection: Connection, cuts: Cuts, series: Mapping[int, Series], *, seq_max: int
) -> Iterator[UsageAggregate]:
    """All usage up to a sequence number, cut for everybody alike. Series that are not named are left out.

    Days that are cut inside are summed from records, the others from the sums that are kept and the records of which
    none are.
    """
    kept, usage = tables.usage_sum, tables.usage
    first, last, broken = cuts.days(cuts.starts_at, cuts.ends_at)
    whole = [kept.c.seq <= seq_max, kept.c.day.between(first, last), kept.c.day.not_in(broken)]
    apart = _apart(connection, cuts, kept.c.series_id, kept, whole)
    sums, force = _kept(cuts, kept.c.series_id, kept), in_force(connection, seq_max)
    by_records = _recorded(cuts, usage.c.series_id, usage, force)
    counting = [usage.c.seq <= seq_max, *force.conditions]
    is_apart = connection.dialect.name == "sqlite" and _is_large(connection)
    days = [(day, day) for day in range(first, last + 1) if day not in broken] if is_apart else [(first, last)]
    for from_day, to_day in days:
        kept_then = _summed(connection, sums, [*whole, kept.c.day.between(from_day, to_day)])
        beside: Iterator[_Row] = iter(())
        if is_unsummed := _unsummed(connection, from_day, to_day, broken):
            beside = _summed(connection, by_records, [*counting, *is_unsummed])
        for row, quantities in _together(kept_then, beside):
            if row[0] in series and (row[0], row[1]) not in apart:
                yield _aggregate(row, quantities, cuts, series[row[0]], cuts.starts_at)
    for starts_at, ends_at in cuts.without_days(cuts.starts_at, cuts.ends_at):
        inside = within(to_micros(starts_at), to_micros(ends_at))
        for row, quantities in _summed(connection, by_records, [*counting, *inside]):
            if row[0] in series:
                yield _aggregate(row, quantities, cuts, series[row[0]], cuts.starts_at)
    spans = [
        Span(id_, midnight(day), midnight(day + 1), 0, seq_max, cuts.starts_at)
        for id_, day in sorted(apart)
        if id_ in series
    ]
    for _, aggregate in _aggregates_by_records(connection, cuts, spans, series, seq_max):
        yield aggregate


def _is_large(connection: Connection) -> bool:
    last = connection.execute(select(func.max(tables.usage.c.id))).scalar()
    return last is not None and last > DAYS_APART_ABOVE


def aggregates_of_spans(
    connection: Connection, cuts: Cuts, spans: Sequence[Span], series: Mapping[int, Series], *, seq_max: int
) -> Iterator[tuple[int, UsageAggregate]]:
    """The usage of spans, as aggregates with the place of their span in the sequence.

    What counts is decided at `seq_max`, also of a span that ends below it. Whole days of spans that end at it are
    taken from the sums that are kept.
    """
    places: list[int] = []
    by_records: list[Span] = []

    def leave(place: int, starts_at: datetime, ends_at: datetime) -> None:
        places.append(place)
        by_records.append(spans[place]._replace(starts_at=starts_at, ends_at=ends_at))

    whole: list[tuple[int, list[int]]] = []
    for place, span in enumerate(spans):
        if span.counting is not None or span.seq_after or span.seq_upto != seq_max:
            leave(place, span.starts_at, span.ends_at)
            continue
        first, last, broken = cuts.days(span.starts_at, span.ends_at)
        if days := [day for day in range(first, last + 1) if day not in broken]:
            whole.append((place, days))
        for ends in cuts.without_days(span.starts_at, span.ends_at):
            leave(place, *ends)
    for done in range(0, len(whole), SPANS_AT_ONCE):
        part = whole[done : done + SPANS_AT_ONCE]
        rows = [(place, spans[place].series_id, day) for place, days in part for day in days]
        on_day = table_of(connection, "span", ("place", "series_id", "day"), rows)
        kept = tables.usage_sum
        inside = on_day.join(kept, and_(kept.c.day == on_day.c.day, kept.c.series_id == on_day.c.series_id))
        conditions = [kept.c.seq <= seq_max]
        apart = _apart(connection, cuts, on_day.c.place, inside, conditions)
        sums = _summed(connection, _kept(cuts, on_day.c.place, inside), conditions)
        for row, quantities in _together(sums, _unsummed_of_spans(connection, cuts, spans, part, seq_max)):
            place, day = row[:2]
            if (place, day) not in apart:
                yield place, _aggregate(row, quantities, cuts, series[spans[place].series_id], spans[place].floor)
        for place, day in sorted(apart):
            leave(place, midnight(day), midnight(day + 1))
    for number, aggregate in _aggregates_by_records(connection, cuts, by_records, series, seq_max):
        yield places[number], aggregate


def _unsummed(
    connection: Connection, first: int, last: int, broken: Collection[int]
) -> tuple[ColumnElement[bool], ...] | None:
    """Whether a record of whole days, from one to another but for those that are cut, came with a batch of which no
    sums are kept; None where there are no such batches.
    """
    batch = tables.batch.c
    ends = first * DAY_MICROS, (last + 1) * DAY_MICROS
    there = select(batch.seq).where(batch.is_summed == 0, *reaching(*ends)).limit(1)
    if connection.execute(there).first() is None:
        return None
    return *within(*ends, batch.is_summed == 0), literal_column(_DAY, Integer).not_in(broken)


def _unsummed_of_spans(
    connection: Connection, cuts: Cuts, spans: Sequence[Span], part: Sequence[tuple[int, list[int]]], seq_max: int
) -> Iterator[_Row]:
    """Records of which no sums are kept, on some whole days of some spans, by place."""
    days = [day for _, listed in part for day in (listed[0], listed[-1])]
    if (is_unsummed := _unsummed(connection, min(days), max(days), cuts.broken)) is None:
        return
    own = [
        spans[place]._replace(starts_at=midnight(listed[0]), ends_at=midnight(listed[-1] + 1)) for place, listed in part
    ]
    force = in_force(connection, seq_max)
    span, inside = _span_table(connection, own)
    for row, quantities in _summed(
        connection, _recorded(cuts, span.c.n, inside, force), [*force.conditions, *is_unsummed]
    ):
        yield (part[row[0]][0], *row[1:]), quantities


def _together(kept: Iterator[_Row], beside: Iterator[_Row]) -> Iterator[_Row]:
    """Sums of two kinds, with those of the same key added up."""
    first = next(kept, None)
    if first is None:
        yield from beside
        return
    others = {tuple(row[: len(_KEY)]): (row, quantities) for row, quantities in beside}
    for row, quantities in chain((first,), kept):
        if others and (other := others.pop(tuple(row[: len(_KEY)]), None)):
            key, (requests, input_total, *sums) = row[: len(_KEY)], row[len(_KEY) :]
            more, other_total, *other_sums = other[0][len(_KEY) :]
            added = map(add, sums, other_sums)
            units = {name: quantities.get(name, 0) + count for name, count in other[1].items()}
            yield (*key, requests + more, min(input_total, other_total), *added), {**quantities, **units}
        else:
            yield row, quantities
    yield from others.values()


def _aggregates_by_records(
    connection: Connection, cuts: Cuts, spans: Sequence[Span], series: Mapping[int, Series], seq_max: int
) -> Iterator[tuple[int, UsageAggregate]]:
    for places, part in _parts_of(spans):
        force = in_force(connection, seq_max, part[0].counting)
        span, inside = _span_table(connection, part)
        for row, quantities in _summed(connection, _recorded(cuts, span.c.n, inside, force), force.conditions):
            own_span = part[row[0]]
            yield places[row[0]], _aggregate(row, quantities, cuts, series[own_span.series_id], own_span.floor)


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


class _Summable(NamedTuple):
    """What is summed: rows of records, or rows of sums, in both cases by the same key and with the same columns."""

    key: Sequence[ColumnElement[Any]]
    sums: Sequence[ColumnElement[Any]]
    inside: Any
    inside_units: Any
    unit: Sequence[ColumnElement[Any]]


def _recorded(cuts: Cuts, place: ColumnElement[int], inside: Any, force: InForce) -> _Summable:
    """Records, by place, segment, band and facts (see `UsageAggregate.facts`)."""
    usage, unit = tables.usage, tables.usage_unit
    key: list[ColumnElement[Any]] = [
        place.label("place"),
        literal_column(_DAY, BigInteger).label("of_day"),
        passed("usage.occurred_at >=", [to_micros(at) for at in cuts.boundaries]).label("passed"),
        passed("usage.input_total >", cuts.thresholds).label("of_band"),
        force.is_waived.label("waived"),
        case((is_unmeasured(), 1), else_=0).label("unmeasured"),
        force.is_accepted.label("was_accepted"),  # `accepted` is a column of batches
        case((is_at_zero_cost(), 1), else_=0).label("zero_cost"),
        case((has_no_result(), 1), else_=0).label("no_result"),
    ]
    sums = (
        func.count().label("requests"),
        func.min(usage.c.input_total).label("input_total"),
        func.sum(usage.c.has_cost).label("with_cost"),
        func.sum(is_at_no_cost()).label("at_no_cost"),
        *(func.sum(usage.c[name]).label(name) for name in (*TOKEN_LEAVES, *tables.COST_LIMBS)),
    )
    return _Summable(
        key, sums, inside, inside.join(unit, unit.c.usage_id == usage.c.id), (unit.c.name, unit.c.quantity)
    )


def _kept(cuts: Cuts, place: ColumnElement[int], inside: Any) -> _Summable:
    """Sums that are kept, of days that nothing cuts, by the same."""
    kept, unit = tables.usage_sum.c, tables.usage_sum_unit.c
    key: list[ColumnElement[Any]] = [
        place.label("place"),
        kept.day.label("of_day"),
        passed(f"usage_sum.day * {DAY_MICROS} >=", [to_micros(at) for at in cuts.boundaries]).label("passed"),
        passed("usage_sum.input_min >", cuts.thresholds).label("of_band"),
        *(literal_column(f"(usage_sum.facts / {1 << bit}) % 2", Integer).label(name) for bit, name in enumerate(FACTS)),
    ]
    sums = (
        func.sum(kept.requests).label("requests"),
        func.min(kept.input_min).label("input_total"),
        *(func.sum(kept[name]).label(name) for name in SUMMED[1:]),
    )
    same = and_(*(unit[name] == kept[name] for name in (*KEY, "seq")))
    return _Summable(key, sums, inside, inside.join(tables.usage_sum_unit, same), (unit.name, unit.quantity))


def _apart(
    connection: Connection,
    cuts: Cuts,
    place: ColumnElement[int],
    inside: Any,
    conditions: Sequence[ColumnElement[bool]],
) -> set[tuple[int, int]]:
    """Places and days of kept sums through which a threshold goes, which has to be looked for in the records."""
    kept = tables.usage_sum.c
    through = [and_(kept.input_min <= at, kept.input_max > at) for at in cuts.thresholds if at not in BANDS]
    if not through:
        return set()
    query = select(place, kept.day).select_from(inside).where(*conditions, or_(*through)).distinct()
    return {(found_place, day) for found_place, day in connection.execute(query)}


def _summed(connection: Connection, what: _Summable, conditions: Sequence[ColumnElement[bool]] = ()) -> Iterator[_Row]:
    """Sums of what meets conditions, with those of rare units."""
    named: list[ColumnElement[Any]] = [literal_column(key.name) for key in what.key]
    sums = select(*what.key, *what.sums).select_from(what.inside).where(*conditions).group_by(*named)
    name, quantity = what.unit
    with_units = select(*what.key, name, func.sum(quantity)).select_from(what.inside_units).where(*conditions)
    with_units = with_units.group_by(*named, name)
    units: dict[tuple[int, ...], dict[str, int]] = {}
    if connection.execute(select(tables.usage_unit.c.usage_id).limit(1)).first() is not None:
        for *key, unit, summed in connection.execute(with_units):
            if summed:
                units.setdefault(tuple(key), {})[unit] = int(summed)
    for row in connection.execute(sums):
        if row.requests:
            yield row, units.get(tuple(row[: len(named)]), {}) if units else {}


def _aggregate(row: Any, units: Mapping[str, int], cuts: Cuts, series: Series, floor: datetime) -> UsageAggregate:
    _, day, passed, _, waived, unmeasured, accepted, zero_cost, no_result, *sums = row
    requests, input_total, with_cost, at_no_cost, *sums = sums
    quantities = {leaf: int(count) for leaf, count in zip(TOKEN_LEAVES, sums, strict=False) if count}
    quantities |= units
    at = cuts.start_of(day, passed, floor)
    return UsageAggregate(
        series=series,
        at=at,
        day=midnight(day).date(),
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
        has_result=not no_result,
    )


def _span_table(connection: Connection, spans: Sequence[Span]) -> tuple[Any, Any]:
    """A table of spans, and its join with the usage that lies in them."""
    names = ("series_id", "starts_at", "ends_at", "seq_after", "seq_upto", "first_id", "last_id")
    ids: dict[tuple[int, int], tuple[int, int]] = {}
    rows = []
    for entry in spans:
        ends = to_micros(entry.starts_at), to_micros(entry.ends_at)
        if ends not in ids:
            ids[ends] = ids_within(connection, *ends)
        rows.append((entry.series_id, *ends, entry.seq_after, entry.seq_upto, *ids[ends]))
    span, id_ = table_of(connection, "span", names, rows), tables.usage.c.id
    return span, span.join(tables.usage, and_(tables.usage_in(span), id_.between(span.c.first_id, span.c.last_id)))
