"""New rows of usage, with the series, the months and the units that they name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, select

from tokentill.clock import to_micros
from tokentill.errors import ensure
from tokentill.store import tables
from tokentill.store.bulk import among, insert_tuples
from tokentill.store.database import insert_new
from tokentill.store.decoding import rows_among
from tokentill.store.usage_rows import Identity, cost_limbs, month_number, series_digest
from tokentill.usage.quantities import INPUT_LEAVES, TOKEN_LEAVES
from tokentill.usage.record import SERIES_FIELDS, UsageRecord, series_fields_of

SeriesKey = tuple[Any, ...]
"""The values of `SERIES_FIELDS`."""

_LEAVES = frozenset(TOKEN_LEAVES)
_NO_COST = (0, 0, 0, 0)


def source_ids(connection: Connection, names: set[str]) -> dict[str, int]:
    """The id of each source, which begins to be one if it is none."""
    table = tables.source
    if names:
        stored = set(connection.execute(select(table.c.name).where(table.c.name.in_(sorted(names)))).scalars())
        if missing := sorted(names - stored):
            connection.execute(insert_new(connection, table), [{"name": name} for name in missing])
    rows = connection.execute(select(table.c.name, table.c.id).where(table.c.name.in_(sorted(names))))
    return {row.name: row.id for row in rows}


def insert_usage(connection: Connection, new: Mapping[Identity, UsageRecord], seq: int, version: int = 1) -> None:
    """Insert records under a sequence number, with all that they name."""
    if not new:
        return
    keys = [series_fields_of(record) for record in new.values()]
    ids_by_key = _series_ids(connection, dict.fromkeys(keys))
    series_ids = [ids_by_key[key] for key in keys]
    _insert_months(connection, new.values(), series_ids)
    used = set().union(*[record.quantities for record in new.values()])
    leaves = [leaf for leaf in TOKEN_LEAVES if leaf in used]  # the column of any other one is 0 by itself
    inputs = sum(leaf in INPUT_LEAVES for leaf in leaves)
    rows = []
    for (source_id, record_id), record, series_id in zip(new, new.values(), series_ids, strict=True):
        counts = [*map(record.quantities.get, leaves, repeat(0))]
        cost = _NO_COST if record.cost is None else (1, *cost_limbs(record.cost))
        total = sum(counts[:inputs])
        at = to_micros(record.occurred_at)
        rows.append((source_id, record_id, series_id, seq, at, total, *counts, *cost, record.digest, version))
    names = ("source_id", "record_id", "series_id", "seq", "occurred_at", "input_total", *leaves)
    # No ON CONFLICT: the look-up ran under the batch's lock, and the unique constraint is the last word.
    insert_tuples(connection, tables.usage, (*names, "has_cost", *tables.COST_LIMBS, "digest", "version"), rows)
    if units := used - _LEAVES:
        _insert_units(connection, new, units, version)


def _insert_units(
    connection: Connection, new: Mapping[Identity, UsageRecord], units: Iterable[str], version: int
) -> None:
    """The quantities that have no column."""
    usage = tables.usage
    counted = {identity: record for identity, record in new.items() if not record.quantities.keys().isdisjoint(units)}
    ids: dict[Identity, int] = {}
    for source_id, record_ids in by_source(counted).items():
        query = select(usage.c.record_id, usage.c.id).where(usage.c.source_id == source_id, usage.c.version == version)
        for record_id, id_ in connection.execute(query.where(among(connection, usage.c.record_id, record_ids))):
            ids[source_id, record_id] = id_
    names = sorted(units)
    rows = [
        (ids[identity], name, record.quantities[name])
        for identity, record in counted.items()
        for name in names
        if name in record.quantities
    ]
    insert_tuples(connection, tables.usage_unit, ("usage_id", "name", "quantity"), rows)


def by_source(identities: Iterable[Identity]) -> dict[int, list[str]]:
    """The record ids of each source."""
    record_ids: dict[int, list[str]] = {}
    for source_id, record_id in identities:
        record_ids.setdefault(source_id, []).append(record_id)
    return record_ids


def _insert_months(connection: Connection, records: Iterable[UsageRecord], series_ids: Iterable[int]) -> None:
    """Note in which months series have records. The batch's lock keeps others from noting any meanwhile."""
    table = tables.series_month
    key_of = (table.c.month, table.c.series_id)
    instants = {(record.occurred_at.year, record.occurred_at.month): record.occurred_at for record in records}
    numbers = {month: month_number(at) for month, at in instants.items()}
    used = {
        (numbers[record.occurred_at.year, record.occurred_at.month], series_id)
        for record, series_id in zip(records, series_ids, strict=True)
    }
    stored = {(row.month, row.series_id) for row in rows_among(connection, select(*key_of), key_of, sorted(used))}
    insert_tuples(connection, table, ("month", "series_id"), sorted(used - stored))


def _series_content(values: SeriesKey) -> dict[str, Any]:
    content = dict(zip(SERIES_FIELDS, values, strict=True))
    flags = {name: int(content[name]) for name in ("is_byok", "is_replayed")}
    return {**content, "tags": json.dumps(content["tags"]), **flags}


@lru_cache(maxsize=100_000)
def _digest_of(key: SeriesKey) -> bytes:
    """16 bytes that stand for a series. Remembered, since a month has far fewer series than records."""
    return series_digest(_series_content(key))


def _series_ids(connection: Connection, keys: Iterable[SeriesKey]) -> dict[SeriesKey, int]:
    table = tables.series
    key_of = {_digest_of(key): key for key in keys}
    ids = _series_ids_stored(connection, key_of)
    missing = [digest for digest in key_of if digest not in ids]
    if missing:  # the batch's lock keeps others from adding any meanwhile
        rows = [(digest, *_series_content(key_of[digest]).values()) for digest in missing]
        insert_tuples(connection, table, ("digest", *SERIES_FIELDS), rows)
        ids |= _series_ids_stored(connection, missing)
    ensure(len(ids) == len(key_of), "a series was not stored")
    return {key: ids[digest] for digest, key in key_of.items()}


def _series_ids_stored(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    columns = tables.series.c
    query = select(columns.digest, columns.id)
    return {bytes(row.digest): row.id for row in rows_among(connection, query, (columns.digest,), sorted(digests))}
