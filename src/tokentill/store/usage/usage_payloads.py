"""What stored records say, to compare with what came again."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, select

from tokentill.store import tables
from tokentill.store.bulk import among, stored_among
from tokentill.store.decoding import rows_among
from tokentill.usage.quantities import TOKEN_LEAVES

Payload = tuple[Any, ...]
"""What a record says but its identity: the id of its series, its instant, its cost, its token leaves, its units, its
request key."""

StoredVersion = tuple[int, int, Payload]
"""The number of a version, its instant and its payload."""


def stored_payloads(
    connection: Connection, source_id: int, record_ids: Collection[str]
) -> dict[str, list[StoredVersion]]:
    """The versions of the records of a source among these that are stored, oldest first.

    Args:
        record_ids: each once, best in order.
    """
    usage = tables.usage.c
    said = (usage.series_id, usage.occurred_at, usage.has_cost, *(usage[limb] for limb in tables.COST_LIMBS))
    query = select(usage.id, usage.record_id, usage.version, *said, *(usage[leaf] for leaf in TOKEN_LEAVES))
    there = stored_among(connection, usage.record_id, record_ids, usage.source_id == source_id)
    if not there:
        return {}
    chosen = query.where(usage.source_id == source_id, among(connection, usage.record_id, there))
    rows = connection.execute(chosen.order_by(usage.version)).all()
    ids = [row.id for row in rows]
    units, keys = _units(connection, ids), _request_keys(connection, ids)
    stored: dict[str, list[StoredVersion]] = {}
    for id_, record_id, version, *said_of_it in rows:
        payload = (*said_of_it, tuple(units.get(id_, ())), keys.get(id_))
        stored.setdefault(record_id, []).append((version, said_of_it[1], payload))
    return stored


def _units(connection: Connection, ids: list[int]) -> dict[int, list[tuple[str, int]]]:
    """The quantities without a column of these rows, in order of their names."""
    unit = tables.usage_unit
    units: dict[int, list[tuple[str, int]]] = {}
    for usage_id, name, quantity in rows_among(connection, select(*unit.c), (unit.c.usage_id,), ids):
        units.setdefault(usage_id, []).append((name, quantity))
    return {usage_id: sorted(listed) for usage_id, listed in units.items()}


def _request_keys(connection: Connection, ids: list[int]) -> dict[int, str]:
    keyed = tables.usage_request.c
    query = select(keyed.usage_id, keyed.request_key).where(keyed.request_key.is_not(None))
    return dict(rows_among(connection, query, (keyed.usage_id,), ids))
