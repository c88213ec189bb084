"""What is odd about records that were just taken in: their ids are another source's, or their period was closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from tokentill.clock import to_micros
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.bulk import among
from tokentill.store.issued.documents import issued_extents
from tokentill.store.usage.usage_rows import within

OTHER_SOURCES_MAX = 8
"""Ids are looked up in so many other sources, the newest ones, so that what an import costs stays within bounds."""

Segments = Mapping[Month, tuple[datetime, datetime]]


def ids_of_other_sources(connection: Connection, source: str, record_ids: Collection[str]) -> Counter[str]:
    """How many of the ids of a source's records other sources have, too, by their names."""
    table, usage = tables.source, tables.usage
    newest = select(table.c.id, table.c.name).where(table.c.name != source).order_by(table.c.id.desc())
    others = {row.id: row.name for row in connection.execute(newest.limit(OTHER_SOURCES_MAX))}
    counts: Counter[str] = Counter()
    if others:
        of_others = usage.c.source_id.in_(sorted(others)), usage.c.version == 1
        query = select(usage.c.source_id, func.count().label("records")).where(*of_others).group_by(usage.c.source_id)
        for row in connection.execute(query.where(among(connection, usage.c.record_id, record_ids))):
            counts[others[row.source_id]] += row.records
    return counts


def closed_segments(connection: Connection) -> dict[Month, tuple[datetime, datetime]]:
    """The time of each month that was closed: from where its first issued period begins to where the last one ends, but
    for what lies in the month before.
    """
    segments: dict[Month, tuple[datetime, datetime]] = {}
    reached: datetime | None = None
    for month, (starts_at, ends_at) in sorted(issued_extents(connection, None).items()):
        segments[month] = (starts_at if reached is None else max(starts_at, reached), ends_at)
        reached = ends_at if reached is None else max(ends_at, reached)
    return segments


def usage_in_segments(connection: Connection, segments: Segments, seq_after: int, seq_upto: int) -> Counter[Month]:
    """How many records with a sequence number above one and up to another lie in each of some segments of time."""
    batch = tables.batch
    extent = select(func.min(batch.c.first_at), func.max(batch.c.last_at)).where(
        batch.c.seq > seq_after, batch.c.seq <= seq_upto
    )
    first, last = connection.execute(extent).one()
    counts: Counter[Month] = Counter()
    for month, (starts_at, ends_at) in segments.items():
        if first is None or to_micros(ends_at) <= first or to_micros(starts_at) > last:
            continue
        query = select(func.count(tables.usage.c.id)).where(
            *within(to_micros(starts_at), to_micros(ends_at), batch.c.seq > seq_after, batch.c.seq <= seq_upto)
        )
        if count := connection.execute(query).scalar_one():
            counts[month] = count
    return counts
