"""New rows of usage, with the series, the months and the units that they name."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, select

from tokentill.clock import from_micros, to_micros
from tokentill.errors import ensure
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.bulk import among, insert_tuples
from tokentill.store.database import insert_new
from tokentill.store.decoding import rows_among
from tokentill.store.usage_rows import Identity, cost_limbs, month_number, series_digest
from tokentill.usage.columns import SeriesKey, SeriesNumbers, UsageColumns
from tokentill.usage.quantities import INPUT_LEAVES, TOKEN_LEAVES
from tokentill.usage.record import SERIES_FIELDS

Cost = tuple[int, int, int, int]
"""Whether a record has a cost, and its limbs (see `tables.COST_LIMBS`)."""

NO_COST: Cost = (0, 0, 0, 0)


class KnownSeries:
    """What is stored of the series that have these numbers, as far as batches have met them. One for an import: what a
    batch that was taken back has noted does not hold.
    """

    def __init__(self, names: SeriesNumbers) -> None:
        self.names = names
        self.ids: dict[int, int] = {}
        self._months: set[tuple[int, int]] = set()
        self._source_ids: dict[str, int] = {}

    def sources(self, connection: Connection, numbers: Sequence[int]) -> list[int]:
        """The ids of the sources of series. A source begins to be one if it is none."""
        named = {number: self.names.keys[number][0] for number in set(numbers)}
        if missing := set(named.values()) - self._source_ids.keys():
            self._source_ids |= source_ids(connection, missing)
        ids = {number: self._source_ids[name] for number, name in named.items()}
        return list(map(ids.__getitem__, numbers))

    def look_up(self, connection: Connection, numbers: Iterable[int]) -> None:
        """Find the ids of series that are stored."""
        unknown = set(numbers) - self.ids.keys()
        numbers_by_digest = {_digest_of(self.names.keys[number]): number for number in unknown}
        for digest, id_ in _series_ids_stored(connection, numbers_by_digest).items():
            self.ids[numbers_by_digest[digest]] = id_

    def store(self, connection: Connection, numbers: Iterable[int]) -> list[int]:
        """The ids of series that were looked up; those that are not stored yet are.

        The batch's lock keeps others from adding any meanwhile.
        """
        listed = list(numbers)
        if missing := sorted(set(listed) - self.ids.keys()):
            rows = [(_digest_of(key), *_columns_of(key)) for key in map(self.names.keys.__getitem__, missing)]
            insert_tuples(connection, tables.series, ("digest", *SERIES_FIELDS), rows)
            self.look_up(connection, missing)
        ensure(self.ids.keys() >= set(missing), "a series was not stored")
        return list(map(self.ids.__getitem__, listed))

    def note_months(self, connection: Connection, series_ids: Sequence[int], instants: Sequence[int]) -> None:
        """Note in which months series have records. The batch's lock keeps others from noting any meanwhile."""
        table = tables.series_month
        key_of = (table.c.month, table.c.series_id)
        numbers, starts = _months_between(min(instants), max(instants))
        months = (numbers[bisect_right(starts, at)] for at in instants) if starts else repeat(numbers[0])
        if new := set(zip(months, series_ids, strict=False)) - self._months:
            stored = {
                (row.month, row.series_id) for row in rows_among(connection, select(*key_of), key_of, sorted(new))
            }
            insert_tuples(connection, table, ("month", "series_id"), sorted(new - stored))
            self._months |= new


def source_ids(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """The id of each source, which begins to be one if it is none."""
    table = tables.source
    if names:
        stored = set(connection.execute(select(table.c.name).where(table.c.name.in_(sorted(names)))).scalars())
        if missing := sorted(set(names) - stored):
            connection.execute(insert_new(connection, table), [{"name": name} for name in missing])
    rows = connection.execute(select(table.c.name, table.c.id).where(table.c.name.in_(sorted(names))))
    return {row.name: row.id for row in rows}


def costs_of(columns: UsageColumns) -> Sequence[Cost]:
    """The costs of records as columns hold them."""
    if columns.costs.count(None) == len(columns):
        return [NO_COST] * len(columns)
    return [NO_COST if cost is None else (1, *cost_limbs(cost)) for cost in columns.costs]


def insert_usage(
    connection: Connection,
    known: KnownSeries,
    columns: UsageColumns,
    costs: Sequence[Cost],
    seq: int,
    version: int = 1,
) -> None:
    """Insert records, in order of their identities, under a sequence number, with all that they name."""
    if not columns:
        return
    series_ids = known.store(connection, columns.series)
    known.note_months(connection, series_ids, columns.instants)
    sources = known.sources(connection, columns.series)
    leaves = [leaf for leaf in TOKEN_LEAVES if leaf in columns.leaves]  # the column of any other one is 0 by itself
    counts = [columns.leaves[leaf] for leaf in leaves]
    inputs = [columns.leaves[leaf] for leaf in leaves if leaf in INPUT_LEAVES]
    totals = list(map(sum, zip(*inputs, strict=True))) if inputs else repeat(0)
    digests = [record.digest for record in columns.records()]
    parts = (sources, columns.record_ids, series_ids, repeat(seq), columns.instants, totals, *counts)
    rows = list(zip(*parts, *zip(*costs, strict=True), digests, repeat(version), strict=False))
    names = ("source_id", "record_id", "series_id", "seq", "occurred_at", "input_total", *leaves)
    # No ON CONFLICT: the look-up ran under the batch's lock, and the unique constraint is the last word.
    insert_tuples(connection, tables.usage, (*names, "has_cost", *tables.COST_LIMBS, "digest", "version"), rows)
    if any(columns.units):
        _insert_units(connection, sources, columns, version)


def _insert_units(connection: Connection, sources: Sequence[int], columns: UsageColumns, version: int) -> None:
    """The quantities that have no column."""
    usage = tables.usage
    units = {
        (source_id, record_id): named
        for source_id, record_id, named in zip(sources, columns.record_ids, columns.units, strict=True)
        if named
    }
    ids: dict[Identity, int] = {}
    for source_id, record_ids in by_source(units).items():
        query = select(usage.c.record_id, usage.c.id).where(usage.c.source_id == source_id, usage.c.version == version)
        for record_id, id_ in connection.execute(query.where(among(connection, usage.c.record_id, record_ids))):
            ids[source_id, record_id] = id_
    rows = [(ids[identity], name, quantity) for identity, named in units.items() for name, quantity in named]
    insert_tuples(connection, tables.usage_unit, ("usage_id", "name", "quantity"), rows)


def by_source(identities: Iterable[Identity]) -> dict[int, list[str]]:
    """The record ids of each source."""
    record_ids: dict[int, list[str]] = {}
    for source_id, record_id in identities:
        record_ids.setdefault(source_id, []).append(record_id)
    return record_ids


def _months_between(first: int, last: int) -> tuple[list[int], list[int]]:
    """The numbers of the months (UTC) from one instant to another, and where each but the first begins."""
    numbers = list(range(month_number(from_micros(first)), month_number(from_micros(last)) + 1))
    return numbers, [to_micros(Month(1970, 1).plus(number).first_instant) for number in numbers[1:]]


def _columns_of(key: SeriesKey) -> tuple[Any, ...]:
    """A series as its columns hold it."""
    *before, tags, is_byok, status, usage_state = key
    return *before, json.dumps(tags) if tags else "[]", int(is_byok), status, usage_state


def _digest_of(key: SeriesKey) -> bytes:
    return series_digest(dict(zip(SERIES_FIELDS, _columns_of(key), strict=True)))


def _series_ids_stored(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    columns = tables.series.c
    query = select(columns.digest, columns.id)
    return {bytes(row.digest): row.id for row in rows_among(connection, query, (columns.digest,), sorted(digests))}
