"""Usage of a stretch of time, summed in the database into cells (see `invoicing.grouping`)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    and_,
    case,
    column,
    func,
    literal,
    select,
    values,
)

from tokentill.clock import to_micros
from tokentill.invoicing.grouping import Cell, RecordKey
from tokentill.money import ZERO
from tokentill.store import tables
from tokentill.store.decoding import decoding
from tokentill.store.usage_rows import StoredRecord, cost_of, records_of, series_by_id
from tokentill.usage.quantities import TOKEN_LEAVES


@dataclass(frozen=True, slots=True)
class Stretches:
    """How a period is cut: in time at `boundaries`, by input totals at `thresholds`. Both rise."""

    boundaries: tuple[datetime, ...]
    thresholds: tuple[int, ...]

    @classmethod
    def of(
        cls, starts_at: datetime, ends_at: datetime, edges: Collection[datetime], thresholds: Collection[int]
    ) -> Stretches:
        """Cut [starts_at, ends_at) wherever something may change that decides an amount, and at every UTC midnight.

        Args:
            edges: instants at which something may change.
            thresholds: input totals above which some price tier begins.
        """
        return cls(tuple(_boundaries(starts_at, ends_at, edges)), tuple(sorted(thresholds)))

    def band(self, input_total: int) -> int:
        """How many thresholds an input total exceeds."""
        return bisect_left(self.thresholds, input_total)

    def around(self, at: datetime) -> tuple[datetime, datetime]:
        """The boundaries that an instant lies between."""
        index = bisect_right(self.boundaries, at)
        return self.boundaries[index - 1], self.boundaries[index]


@decoding("usage")
def usage_of_period(
    connection: Connection,
    stretches: Stretches,
    *,
    seq_max: int,
    series_ids: Collection[int] | None = None,
) -> list[Cell]:
    """All usage of a period up to a sequence number, as cells.

    Args:
        series_ids: only these series, or all.
    """
    boundaries = stretches.boundaries
    if len(boundaries) < 2:
        return []
    usage = tables.usage
    segment = _segments(boundaries)
    band = _band(stretches.thresholds)
    conditions = [usage.c.seq <= seq_max]
    if series_ids is not None:
        conditions.append(usage.c.series_id.in_(sorted(series_ids)))
    inside = segment.join(
        usage, and_(usage.c.occurred_at >= segment.c.starts_at, usage.c.occurred_at < segment.c.ends_at)
    )
    keys: list[ColumnElement[Any]] = [usage.c.series_id, segment.c.n.label("segment"), band.label("band")]
    query = (
        select(
            *keys,
            func.count().label("requests"),
            func.min(usage.c.input_total).label("input_total"),
            func.sum(usage.c.has_cost).label("with_cost"),
            *(func.sum(usage.c[name]).label(name) for name in (*TOKEN_LEAVES, *tables.COST_LIMBS)),
        )
        .select_from(inside)
        .where(*conditions)
        .group_by(*keys)
    )
    rows = connection.execute(query).all()
    units = _units(connection, inside, keys, conditions)
    series = series_by_id(connection, None if series_ids is None else {row.series_id for row in rows})
    return list(_cells(rows, units, series, boundaries))


def records_of_cells(
    connection: Connection, cells: Sequence[Cell], stretches: Stretches, seq_max: int
) -> list[list[Cell]]:
    """The records that cells of one stretch of time are the sums of, each as a cell of its own."""
    found: dict[tuple[int, int], list[Cell]] = {
        (cell.series.id, stretches.band(cell.input_tokens)): [] for cell in cells
    }
    starts_at, ends_at = stretches.around(cells[0].at)
    series = {cell.series.id: cell.series for cell in cells}
    for record in records_of(connection, series, starts_at, ends_at, seq_max):
        listed = found.get((record.series.id, stretches.band(record.input_total)))
        if listed is not None:
            listed.append(cell_of_record(record, starts_at))
    return [found[(cell.series.id, stretches.band(cell.input_tokens))] for cell in cells]


def cell_of_record(record: StoredRecord, at: datetime) -> Cell:
    """A cell of one record alone. `at` is any instant of its stretch of time, the same for all records in it."""
    return Cell(
        series=record.series,
        at=at,
        day=record.occurred_at.date(),
        input_tokens=record.input_total,
        requests=1,
        quantities=record.quantities,
        cost=record.cost or ZERO,
        requests_with_cost=int(record.cost is not None),
        record=RecordKey(record.occurred_at, record.series.source, record.record_id),
    )


def _cells(
    rows: Sequence[Any], units: dict[tuple[int, int, int], dict[str, int]], series: Any, boundaries: Sequence[datetime]
) -> Iterator[Cell]:
    for row in rows:
        fields = row._mapping
        quantities = {leaf: int(fields[leaf]) for leaf in TOKEN_LEAVES if fields[leaf]}
        quantities |= units.get((row.series_id, row.segment, row.band), {})
        starts_at = boundaries[row.segment]
        yield Cell(
            series=series[row.series_id],
            at=starts_at,
            day=starts_at.date(),
            input_tokens=int(row.input_total),
            requests=int(row.requests),
            quantities=quantities,
            cost=cost_of(*(fields[limb] for limb in tables.COST_LIMBS)),
            requests_with_cost=int(row.with_cost),
        )


def _units(
    connection: Connection, inside: Any, keys: Sequence[ColumnElement[Any]], conditions: Sequence[ColumnElement[bool]]
) -> dict[tuple[int, int, int], dict[str, int]]:
    unit = tables.usage_unit
    query = (
        select(*keys, unit.c.name, func.sum(unit.c.quantity).label("quantity"))
        .select_from(inside.join(unit, unit.c.usage_id == tables.usage.c.id))
        .where(*conditions)
        .group_by(*keys, unit.c.name)
    )
    found: dict[tuple[int, int, int], dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault((row.series_id, row.segment, row.band), {})[row.name] = int(row.quantity)
    return found


def _boundaries(starts_at: datetime, ends_at: datetime, edges: Collection[datetime]) -> list[datetime]:
    if starts_at >= ends_at:
        return []
    found = {starts_at, ends_at, *(edge for edge in edges if starts_at < edge < ends_at)}
    midnight = datetime.combine(starts_at.astimezone(UTC).date(), time(), UTC) + timedelta(days=1)
    while midnight < ends_at:
        found.add(midnight)
        midnight += timedelta(days=1)
    return sorted(edge.astimezone(UTC) for edge in found)


def _segments(boundaries: Sequence[datetime]) -> CTE:
    pairs = pairwise(boundaries)
    rows = [(n, to_micros(starts_at), to_micros(ends_at)) for n, (starts_at, ends_at) in enumerate(pairs)]
    columns = (column("n", Integer), column("starts_at", BigInteger), column("ends_at", BigInteger))
    return values(*columns, name="segment", literal_binds=True).data(rows).cte("segment")


def _band(thresholds: Sequence[int]) -> ColumnElement[Any]:
    """How many thresholds an input total exceeds."""
    if not thresholds:
        return literal(0)
    above = [
        (tables.usage.c.input_total > threshold, index) for index, threshold in reversed(list(enumerate(thresholds, 1)))
    ]
    return case(*above, else_=0)
