"""The records of two sources beside each other by record id: counted in the database, the first of them named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, not_, or_, select

from tokentill.canonical import Content
from tokentill.clock import to_micros
from tokentill.invoicing.compared_sources import RecordIds, UnequalRecord
from tokentill.store import tables
from tokentill.store.usage.usage_rows import source_id_of
from tokentill.store.usage.usage_sums import DAY_MICROS
from tokentill.usage.quantities import TOKEN_LEAVES

NAMED_MAX = 100


def compared_ids(
    connection: Connection, first: str, second: str, starts_at: datetime, ends_at: datetime, *, seq_max: int
) -> RecordIds | None:
    """The records of the UTC days that [starts_at, ends_at) touches, each beside that of its id in the other source,
    whenever that one was; None where no id is shared.
    """
    ids = source_id_of(connection, first), source_id_of(connection, second)
    if ids[0] is None or ids[1] is None:
        return None
    sides = [
        _SourceRows(source_id, f"side_{place}", seq_max) for place, source_id in enumerate(ids) if source_id is not None
    ]
    days = to_micros(starts_at) // DAY_MICROS * DAY_MICROS, -(-to_micros(ends_at) // DAY_MICROS) * DAY_MICROS
    one, other = sides
    shared, unequal = _shared(connection, one, other, days)
    if not shared:
        return None
    named = tuple(_unequal(row) for row in unequal[:NAMED_MAX])
    missing = [_missing(connection, here, there, days) for here, there in ((other, one), (one, other))]
    (in_first, ids_first), (in_second, ids_second) = missing
    return RecordIds(shared, shared - len(unequal), in_first, in_second, named, ids_first, ids_second)


class _SourceRows:
    """The records of one source that count."""

    def __init__(self, source_id: int, name: str, seq_max: int) -> None:
        self.usage, self.series = tables.usage.alias(name), tables.series.alias(f"{name}_series")
        gone = tables.withdrawal.alias(f"{name}_gone")
        is_gone = select(gone.c.seq).where(
            gone.c.usage_id == self.usage.c.id, gone.c.cause.in_(("revision", "retraction")), gone.c.seq <= seq_max
        )
        self.counts = and_(
            self.usage.c.source_id == source_id,
            self.usage.c.seq <= seq_max,
            not_(is_gone.correlate(self.usage).exists()),
        )
        self.tokens: ColumnElement[Any] = reduce(add, (self.usage.c[leaf] for leaf in TOKEN_LEAVES))

    def within(self, days: tuple[int, int]) -> ColumnElement[bool]:
        """Whether a record lies in some days."""
        return and_(self.usage.c.occurred_at >= days[0], self.usage.c.occurred_at < days[1])


def _shared(
    connection: Connection, one: _SourceRows, other: _SourceRows, days: tuple[int, int]
) -> tuple[int, Sequence[Any]]:
    """How many ids both have, of which at least one record lies in the days, and the records that differ."""
    joined = (
        one.usage.join(other.usage, other.usage.c.record_id == one.usage.c.record_id)
        .join(one.series, one.series.c.id == one.usage.c.series_id)
        .join(other.series, other.series.c.id == other.usage.c.series_id)
    )
    inside = (one.counts, other.counts, or_(one.within(days), other.within(days)))
    shared = connection.execute(select(func.count()).select_from(joined).where(*inside)).scalar_one()
    if not shared:
        return 0, ()
    columns = [
        column.label(f"{name}_{place}")
        for place, side in enumerate((one, other))
        for name, column in (("tokens", side.tokens), ("user", side.series.c.user), ("model", side.series.c.model))
    ]
    differs = or_(
        one.tokens != other.tokens,
        func.coalesce(one.series.c.user, "") != func.coalesce(other.series.c.user, ""),
        one.series.c.model != other.series.c.model,
    )
    query = select(one.usage.c.record_id, *columns).select_from(joined).where(*inside, differs)
    return shared, sorted(connection.execute(query).all(), key=lambda row: row.record_id.encode())


def _unequal(row: Any) -> UnequalRecord:
    sides: list[Content] = [
        {name: getattr(row, f"{name}_{place}") for name in ("tokens", "user", "model")} for place in (0, 1)
    ]
    apart = tuple(name for name in sides[0] if sides[0][name] != sides[1][name])
    return UnequalRecord(row.record_id, apart, *sides)


def _missing(
    connection: Connection, here: _SourceRows, there: _SourceRows, days: tuple[int, int]
) -> tuple[int, tuple[str, ...]]:
    """How many records of one side the other has not, and the first of their ids."""
    beside = select(there.usage.c.id).where(there.counts, there.usage.c.record_id == here.usage.c.record_id)
    missing = (here.counts, here.within(days), not_(beside.correlate(here.usage).exists()))
    count = connection.execute(select(func.count()).select_from(here.usage).where(*missing)).scalar_one()
    query = select(here.usage.c.record_id).where(*missing).order_by(here.usage.c.occurred_at, here.usage.c.id)
    return count, tuple(sorted(connection.execute(query.limit(NAMED_MAX)).scalars(), key=str.encode))
