"""What records come to by source and UTC day, and by model, key or user.

Counts are summed in SQL, and so are the whole limbs of costs, which are put together here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, case, func, literal, literal_column, not_, select

from tokentill.clock import from_micros, to_micros
from tokentill.invoicing.completeness import CountedUsage, UsageOfDay
from tokentill.store import tables
from tokentill.store.usage.usage_rows import cost_of, within
from tokentill.store.usage.usage_sums import DAY_MICROS
from tokentill.store.usage.withdrawals import is_withdrawn
from tokentill.usage.control_totals import KEYS
from tokentill.usage.quantities import TOKEN_LEAVES


def usage_by_day(
    connection: Connection,
    keys: Collection[str],
    starts_at: datetime,
    ends_at: datetime,
    *,
    seq_max: int,
    sources: Collection[str] | None = None,
) -> Iterator[UsageOfDay]:
    """The records of all UTC days that [starts_at, ends_at) touches, by source, day and some of `KEYS`.

    What another version replaced is left out; what was retracted is counted by itself.

    Args:
        sources: only these.
    """
    usage, series = tables.usage, tables.series
    first, last = to_micros(starts_at), to_micros(ends_at)
    days = first // DAY_MICROS * DAY_MICROS, -(-last // DAY_MICROS) * DAY_MICROS
    day = literal_column(f"usage.occurred_at / {DAY_MICROS}", BigInteger).label("day")
    named: list[ColumnElement[Any]] = [series.c.source, *(_key(name).label(name) for name in keys)]
    is_replaced, is_retracted = _withdrawn(connection, seq_max)
    is_inside = case((and_(usage.c.occurred_at >= first, usage.c.occurred_at < last), 1), else_=0)
    by = [*named, day, is_retracted.label("retracted")]
    query = (
        select(*by, *_sums(), func.max(is_inside).label("inside"))
        .select_from(usage.join(series, series.c.id == usage.c.series_id))
        .where(*within(*days), usage.c.seq <= seq_max, not_(is_replaced))
        .group_by(*(literal_column(f'"{column.name}"') for column in by))
    )
    if sources is not None:
        query = query.where(series.c.source.in_(sorted(sources)))
    found: dict[tuple[Any, ...], UsageOfDay] = {}
    for row in connection.execute(query):
        model, api_key, user = (getattr(row, name) if name in keys else None for name in KEYS)
        key = (row.source, row.day, model, api_key, user)
        on = from_micros(row.day * DAY_MICROS).date()
        one = found.get(key) or UsageOfDay(row.source, on, model, api_key, user, CountedUsage())
        own = _counted(row)
        if row.retracted:
            found[key] = one._replace(retracted=own)
        else:
            found[key] = one._replace(counted=own, is_inside=bool(row.inside))
    yield from found.values()


def _key(name: str) -> ColumnElement[Any]:
    """A column of series; of users and keys an empty text for none."""
    column = tables.series.c[name]
    return column if name == "model" else func.coalesce(column, "")


def _sums() -> list[ColumnElement[Any]]:
    usage = tables.usage.c
    return [
        func.count().label("requests"),
        func.sum(usage.has_cost).label("with_cost"),
        *(func.sum(usage[name]).label(name) for name in (*TOKEN_LEAVES, *tables.COST_LIMBS)),
    ]


def _counted(row: Any) -> CountedUsage:
    tokens = sum(int(getattr(row, leaf)) for leaf in TOKEN_LEAVES)
    cost = cost_of(*(int(getattr(row, limb)) for limb in tables.COST_LIMBS))
    return CountedUsage(int(row.requests), tokens, cost, int(row.with_cost))


def _withdrawn(connection: Connection, seq_max: int) -> tuple[ColumnElement[bool], ColumnElement[int]]:
    """Whether another version counts instead of a row, and 1 for one that was retracted. Nothing is asked of rows as
    long as nothing was ever withdrawn.
    """
    if connection.execute(select(tables.withdrawal.c.seq).limit(1)).first() is None:
        return literal_column("1") == literal(0), literal_column("0")
    return is_withdrawn("revision", seq_max), case((is_withdrawn("retraction", seq_max), 1), else_=0)
