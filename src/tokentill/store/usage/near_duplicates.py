"""Records of different identity that are alike in all else: one request, perhaps, that was taken in twice.

One statement looks at each record of a segment of time once, and what comes of it are only the groups that are alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Text, cast, func, literal_column, select

from tokentill.clock import from_micros, to_micros
from tokentill.store import tables
from tokentill.store.database import current_value
from tokentill.store.decoding import rows_among
from tokentill.store.usage.usage_rows import Identity, within
from tokentill.store.usage.withdrawals import in_force
from tokentill.usage.quantities import TOKEN_LEAVES

_SECOND = 1_000_000


class Alike(NamedTuple):
    """Rows of usage with the ids of their sources, alike in user, model, quantities and second."""

    at: datetime
    user: str | None
    model: str
    members: tuple[tuple[int, int], ...]


def alike_within(connection: Connection, starts_at: datetime, ends_at: datetime) -> Iterator[Alike]:
    """The groups of records that count in [starts_at, ends_at) and are alike, in order of time."""
    usage, series, unit = tables.usage, tables.series, tables.usage_unit
    force = in_force(connection, current_value(connection, "batch"))
    of_row = (
        select(func.coalesce(func.sum(unit.c.quantity), 0)).where(unit.c.usage_id == usage.c.id).correlate(usage),
        select(func.min(unit.c.name)).where(unit.c.usage_id == usage.c.id).correlate(usage),
    )
    rows = (
        select(
            (usage.c.occurred_at - usage.c.occurred_at % _SECOND).label("second"),
            series.c.user,
            series.c.model,
            *(usage.c[leaf] for leaf in TOKEN_LEAVES),
            *(query.scalar_subquery().label(name) for query, name in zip(of_row, ("units", "unit"), strict=True)),
            (cast(usage.c.source_id, Text) + literal_column("':'", Text) + cast(usage.c.id, Text)).label("member"),
        )
        .join(series, series.c.id == usage.c.series_id)
        .where(*within(to_micros(starts_at), to_micros(ends_at)), *force.conditions)
        .subquery()
    )
    key = [column for column in rows.c if column.name != "member"]
    members = func.aggregate_strings(rows.c.member, ",").label("members")
    query = select(rows.c.second, rows.c.user, rows.c.model, members).group_by(*key).having(func.count() > 1)
    with connection.execute(query.order_by(rows.c.second), execution_options={"yield_per": 5_000}) as result:
        for second, user, model, listed in result:
            pairs = (one.partition(":") for one in listed.split(","))
            placed = sorted((int(source_id), int(row_id)) for source_id, _, row_id in pairs)
            yield Alike(from_micros(second), user, model, tuple(placed))


def requests_by_source(connection: Connection, starts_at: datetime, ends_at: datetime) -> dict[str, int]:
    """How many records of each source count in [starts_at, ends_at)."""
    usage, source = tables.usage, tables.source
    force = in_force(connection, current_value(connection, "batch"))
    inside = within(to_micros(starts_at), to_micros(ends_at))
    query = select(source.c.name, func.count()).join_from(usage, source, source.c.id == usage.c.source_id)
    return dict(connection.execute(query.where(*inside, *force.conditions).group_by(source.c.name)).all())


def identities_of(connection: Connection, ids: list[int]) -> dict[int, Identity]:
    """The source and record id of rows of usage, by row."""
    usage = tables.usage.c
    query = select(usage.id, usage.source_id, usage.record_id)
    return {row.id: (row.source_id, row.record_id) for row in rows_among(connection, query, (usage.id,), sorted(ids))}


def source_names(connection: Connection) -> dict[int, str]:
    """The names of all sources, by id."""
    return dict(connection.execute(select(tables.source.c.id, tables.source.c.name)).all())
