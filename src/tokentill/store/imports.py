"""Which imports brought something, and who all stored usage is of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from tokentill.canonical import ContentOfFields
from tokentill.clock import from_micros
from tokentill.store import tables


@dataclass(frozen=True, slots=True)
class UsageImport(ContentOfFields):
    """What came in under one name, and how many records of each kind; `at` is when it last brought something."""

    name: str
    at: datetime
    accepted: int
    duplicates: int
    revisions: int
    quarantined: int


def last_imports(connection: Connection, limit: int) -> list[UsageImport]:
    """The last imports, newest first; what came under one name, in however many batches, is one."""
    table = tables.batch
    counts = [func.sum(table.c[name]).label(name) for name in ("accepted", "duplicates", "revisions", "quarantined")]
    rows = connection.execute(
        select(table.c.label, func.max(table.c.recorded_at).label("at"), *counts)
        .group_by(table.c.label)
        .order_by(func.max(table.c.seq).desc())
        .limit(limit)
    )
    return [UsageImport(row.label, from_micros(row.at), *map(int, row[2:])) for row in rows]


def usage_parties(connection: Connection) -> Iterable[tuple[str, str | None, str | None]]:
    """The source, user and API key of all usage that is stored, each combination once."""
    table = tables.series
    columns = (table.c.source, table.c.user, table.c.api_key)
    return [(row[0], row[1], row[2]) for row in connection.execute(select(*columns).distinct().order_by(*columns))]


def pushed_days(connection: Connection, period: str) -> tuple[int, int]:
    """How many days of a period Stripe has, and how many it was to be told of and has not."""
    table = tables.push
    states = list(connection.scalars(select(table.c.state).where(table.c.period == period)))
    done = sum(state in ("accepted", "confirmed") for state in states)
    return done, sum(state != "replaced" for state in states) - done
