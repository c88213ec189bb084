"""Whether usage rows still say the records that were taken in: those of batches that have no digest have one each.

A record's content is put together again from its row, its series and its units, by the one definition of it
(`usage.record`), as a stream: one part of the rows and some of the series are in memory at a time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, or_, select

from tokentill.clock import micros_text
from tokentill.store import tables
from tokentill.store.decoding import rows_among
from tokentill.store.usage.usage_rows import cost_text_of, series_digest
from tokentill.usage.quantities import INPUT_LEAVES, TOKEN_LEAVES
from tokentill.usage.record import SERIES_FIELDS, Frame, content_frame, digest_of_content, framed_content

_ROWS_AT_ONCE = 5_000
_SERIES_MAX = 50_000

_NAMES = tuple(sorted(TOKEN_LEAVES))
_BEFORE_COUNT = tuple(f'"{name}":' for name in _NAMES)
_inputs_of = itemgetter(*[place for place, name in enumerate(_NAMES) if name in INPUT_LEAVES])


class SeriesSaid(NamedTuple):
    """What a series consists of: its source, its own digest, and the frame of its records' content."""

    source: str
    digest: bytes
    frame: Frame


def usage_row_faults(connection: Connection, ids: Select[Any]) -> Iterator[str | None]:
    """What is wrong with each usage row that has a digest or should have one, or None where nothing is.

    Args:
        ids: selects the ids of the rows.
    """
    usage, batch = tables.usage, tables.batch
    query = (
        select(
            *(usage.c[name] for name in ("id", "source_id", "series_id", "record_id", "occurred_at", "input_total")),
            *(usage.c[name] for name in ("digest", "has_cost", *tables.COST_LIMBS, *_NAMES)),
        )
        .join(batch, batch.c.seq == usage.c.seq)
        .where(usage.c.id.in_(ids), or_(usage.c.digest.is_not(None), batch.c.digest.is_(None)))
        .order_by(usage.c.id)
    )
    sources: dict[int, str] = dict(connection.execute(select(tables.source.c.id, tables.source.c.name)).all())
    series: dict[int, SeriesSaid | None] = {}
    with connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}) as result:
        for rows in result.partitions():
            if len(series) > _SERIES_MAX:
                series.clear()
            series.update(series_said(connection, {row[2] for row in rows} - series.keys()))
            first, last = rows[0][0], rows[-1][0]
            keys = request_keys(connection, first, last)
            yield from _faults(rows, _units(connection, first, last), keys, series, sources)


def _faults(
    rows: Sequence[Any],
    units: Mapping[int, list[tuple[str, int]]],
    keys: Mapping[int, str],
    series_by_id: Mapping[int, SeriesSaid | None],
    sources: Mapping[int, str],
) -> Iterator[str | None]:
    for id_, source_id, series_id, record_id, at, input_total, digest, has_cost, e8, e16, e24, *leaves in rows:
        series = series_by_id.get(series_id)
        if series is None or sources.get(source_id) != series.source:
            yield f"usage record {record_id!r}: its source and its series ({series_id}) are not what its digest says"
            continue
        if id_ in units:
            named = [*zip(_NAMES, leaves, strict=True), *units[id_]]
            counts = ",".join([f'"{name}":{count}' for name, count in sorted(named) if count])
        else:
            counts = ",".join([f"{name}{count}" for name, count in zip(_BEFORE_COUNT, leaves, strict=True) if count])
        try:
            cost = cost_text_of(e8, e16, e24) if has_cost else None
            content = framed_content(series.frame, cost, micros_text(at), counts, record_id, keys.get(id_))
        except (OverflowError, ValueError):  # an instant or a cost that no record can have
            content = b""
        if digest_of_content(content) != digest or sum(_inputs_of(leaves)) != input_total:
            yield f"usage record {record_id!r} of {series.source!r}: its row is not what its digest says"
        elif not has_cost and (e8 or e16 or e24):
            yield f"usage record {record_id!r} of {series.source!r}: it has no cost, but an amount of it"
        else:
            yield None


def _units(connection: Connection, first_id: int, last_id: int) -> dict[int, list[tuple[str, int]]]:
    """The quantities of these rows that have no column."""
    unit = tables.usage_unit
    query = select(unit.c.usage_id, unit.c.name, unit.c.quantity).where(unit.c.usage_id.between(first_id, last_id))
    units: dict[int, list[tuple[str, int]]] = {}
    for usage_id, name, quantity in connection.execute(query):
        units.setdefault(usage_id, []).append((name, quantity))
    return units


def request_keys(connection: Connection, first_id: int, last_id: int) -> dict[int, str]:
    """The request keys that these rows have."""
    keyed = tables.usage_request.c
    query = select(keyed.usage_id, keyed.request_key).where(keyed.usage_id.between(first_id, last_id))
    return dict(connection.execute(query.where(keyed.request_key.is_not(None))).all())


def series_said(connection: Connection, ids: Collection[int]) -> dict[int, SeriesSaid | None]:
    """Series by id; None for one that is not there, or is not what its digest says."""
    table = tables.series
    by_id: dict[int, SeriesSaid | None] = dict.fromkeys(ids)
    for row in rows_among(connection, select(table), (table.c.id,), sorted(ids)):
        fields = {name: row._mapping[name] for name in SERIES_FIELDS}
        if series_digest(fields) == row.digest:
            flags = {"is_byok": bool(row.is_byok), "is_replayed": bool(row.is_replayed)}
            fields |= {"tags": tuple(json.loads(row.tags)), **flags}
            by_id[row.id] = SeriesSaid(row.source, bytes(row.digest), content_frame(**fields))
    return by_id
