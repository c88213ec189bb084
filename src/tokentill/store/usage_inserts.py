"""New rows of usage, with the series, the months and the units that they name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, insert, select

from tokentill.clock import to_micros
from tokentill.errors import ensure
from tokentill.store import tables
from tokentill.store.database import insert_new, insert_rows
from tokentill.store.decoding import rows_among
from tokentill.store.usage_rows import Identity, cost_limbs, month_number, series_digest
from tokentill.usage.quantities import TOKEN_LEAVES
from tokentill.usage.record import SERIES_FIELDS, UsageRecord, series_fields_of

_LEAVES = frozenset(TOKEN_LEAVES)


def source_ids(connection: Connection, names: set[str]) -> dict[str, int]:
    table = tables.source
    if names:
        stored = set(connection.execute(select(table.c.name).where(table.c.name.in_(sorted(names)))).scalars())
        if missing := sorted(names - stored):
            connection.execute(insert_new(connection, table), [{"name": name} for name in missing])
    rows = connection.execute(select(table.c.name, table.c.id).where(table.c.name.in_(sorted(names))))
    return {row.name: row.id for row in rows}


def insert_usage(connection: Connection, new: Mapping[Identity, UsageRecord], seq: int, version: int = 1) -> None:
    if not new:
        return
    series_ids = _series_ids(connection, new.values())
    rows, with_units = [], []
    for (source_id, _), record in new.items():
        limbs = (0, 0, 0) if record.cost is None else cost_limbs(record.cost)
        row = dict.fromkeys(TOKEN_LEAVES, 0)
        for name, count in record.quantities.items():
            if name in _LEAVES:
                row[name] = count
            else:
                with_units.append((source_id, record, name, count))
        rows.append(
            {
                **row,
                "source_id": source_id,
                "record_id": record.record_id,
                "series_id": series_ids[_series_digest(record)],
                "seq": seq,
                "occurred_at": to_micros(record.occurred_at),
                "input_total": record.input_total,
                "digest": record.digest,
                "has_cost": int(record.cost is not None),
                **dict(zip(tables.COST_LIMBS, limbs, strict=True)),
                "version": version,
            }
        )
    _insert_months(
        connection, {(month_number(record.occurred_at), series_ids[_series_digest(record)]) for record in new.values()}
    )
    # No ON CONFLICT: the look-up ran under the batch's lock, and the unique constraint is the last word.
    connection.execute(insert(tables.usage), rows)
    if with_units:
        usage = tables.usage
        identities = [(source_id, record.record_id) for source_id, record, _, _ in with_units]
        identity_of = (usage.c.source_id, usage.c.record_id)
        query = select(*identity_of, usage.c.id).where(usage.c.version == version)
        found = rows_among(connection, query, identity_of, identities)
        ids = {(row.source_id, row.record_id): row.id for row in found}
        connection.execute(
            insert(tables.usage_unit),
            [
                {"usage_id": ids[source_id, record.record_id], "name": name, "quantity": count}
                for source_id, record, name, count in with_units
            ],
        )


def _insert_months(connection: Connection, used: set[tuple[int, int]]) -> None:
    """Note in which months series have records. The batch's lock keeps others from noting any meanwhile."""
    table = tables.series_month
    key_of = (table.c.month, table.c.series_id)
    stored = {(row.month, row.series_id) for row in rows_among(connection, select(*key_of), key_of, sorted(used))}
    insert_rows(connection, table, [{"month": month, "series_id": id_} for month, id_ in sorted(used - stored)])


def _series_content(values: tuple[Any, ...]) -> dict[str, Any]:
    content = dict(zip(SERIES_FIELDS, values, strict=True))
    return {**content, "tags": json.dumps(content["tags"]), "is_byok": int(content["is_byok"])}


@lru_cache(maxsize=100_000)
def _digest_of(values: tuple[Any, ...]) -> bytes:
    return series_digest(_series_content(values))


def _series_digest(record: UsageRecord) -> bytes:
    """16 bytes that stand for a series. Remembered, since a month has far fewer series than records."""
    return _digest_of(series_fields_of(record))


def _series_ids(connection: Connection, records: Iterable[UsageRecord]) -> dict[bytes, int]:
    table = tables.series
    record_of = {_series_digest(record): record for record in records}
    ids = _series_ids_stored(connection, record_of)
    missing = [digest for digest in record_of if digest not in ids]
    if missing:
        connection.execute(
            insert_new(connection, table),
            [{"digest": digest, **_series_content(series_fields_of(record_of[digest]))} for digest in missing],
        )
        ids |= _series_ids_stored(connection, missing)
    ensure(len(ids) == len(record_of), "a series was not stored")
    return ids


def _series_ids_stored(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    columns = tables.series.c
    query = select(columns.digest, columns.id)
    return {bytes(row.digest): row.id for row in rows_among(connection, query, (columns.digest,), sorted(digests))}
