"""New rows of usage, with the series, the months and the units that they name."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import repeat
from operator import add, itemgetter
from typing import Any

from sqlalchemy import Connection, func, select

from tokentill.clock import from_micros, to_micros
from tokentill.errors import ensure
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.bulk import MANY, among, insert_columns, insert_tuples
from tokentill.store.database import insert_new
from tokentill.store.decoding import LOOKED_UP_MAX, rows_among
from tokentill.store.usage.batch_digests import BatchDigest
from tokentill.store.usage.usage_rows import Identity, cost_limbs, limbs_of_costs, month_number, series_digest
from tokentill.store.usage.usage_sums import are_worth_keeping
from tokentill.usage.columns import SeriesKey, SeriesNumbers, Units, UsageColumns
from tokentill.usage.quantities import INPUT_LEAVES, TOKEN_LEAVES
from tokentill.usage.record import SERIES_FIELDS

Cost = tuple[int, int, int, int]
"""Whether a record has a cost, and its limbs (see `tables.COST_LIMBS`)."""

VersionKey = tuple[int, str, int]
"""The id of a source, a record id in it, and the number of a version."""

NO_COST: Cost = (0, 0, 0, 0)
READ_INSTEAD = 5
"""Going through a row of all costs so many times less than finding one of some."""


class KnownSeries:
    """What is stored of the series that have these numbers, as far as batches have met them. One for an import: what a
    batch that was taken back has noted does not hold.
    """

    def __init__(self, names: SeriesNumbers) -> None:
        self.names = names
        self.ids: dict[int, int] = {}
        self._digests: dict[int, bytes] = {}
        self._months: set[tuple[int, int]] = set()
        self._source_ids: dict[str, int] = {}

    def source_ids(self, connection: Connection, numbers: Iterable[int]) -> dict[str, int]:
        """The id of each source that series have. A source begins to be one if it is none."""
        names = {self.names.keys[number][0] for number in set(numbers)}
        if missing := names - self._source_ids.keys():
            self._source_ids |= source_ids(connection, missing)
        return {name: self._source_ids[name] for name in names}

    def sources(self, connection: Connection, numbers: Sequence[int]) -> list[int]:
        """The ids of the sources of series, one by one."""
        by_name = self.source_ids(connection, numbers)
        if len(by_name) == 1:
            return list(by_name.values()) * len(numbers)
        ids = {number: by_name[self.names.keys[number][0]] for number in set(numbers)}
        return list(map(ids.__getitem__, numbers))

    def digests(self, numbers: Iterable[int]) -> list[str]:
        """The digests of series that were looked up, in hexadecimal."""
        listed = list(numbers)
        written = {number: self._digests[number].hex() for number in set(listed)}
        return list(map(written.__getitem__, listed))

    def look_up(self, connection: Connection, numbers: Iterable[int]) -> None:
        """Find the ids of series that are stored."""
        unknown = set(numbers) - self.ids.keys()
        for number in unknown - self._digests.keys():
            self._digests[number] = _digest_of(self.names.keys[number])
        if unknown:
            self._note(unknown, _ids_by_digest(connection, {self._digests[number] for number in unknown}))

    def store(self, connection: Connection, numbers: Iterable[int]) -> list[int]:
        """The ids of series that were looked up; those that are not stored yet are.

        The batch's lock keeps others from adding any meanwhile.
        """
        listed, table = list(numbers), tables.series
        if missing := sorted(set(listed) - self.ids.keys()):
            last_id = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
            rows = [(self._digests[number], *_columns_of(self.names.keys[number])) for number in missing]
            insert_tuples(connection, table, ("digest", *SERIES_FIELDS), rows)
            self._note(missing, connection.execute(select(table.c.digest, table.c.id).where(table.c.id > last_id)))
            ensure(self.ids.keys() >= set(missing), "a series was not stored")
        return list(map(self.ids.__getitem__, listed))

    def _note(self, numbers: Iterable[int], stored: Iterable[Any]) -> None:
        ids = {bytes(digest): id_ for digest, id_ in stored}
        self.ids |= {number: ids[digest] for number in numbers if (digest := self._digests[number]) in ids}

    def note_months(self, connection: Connection, series_ids: Sequence[int], instants: Sequence[int]) -> None:
        """Note in which months series have records. The batch's lock keeps others from noting any meanwhile."""
        table = tables.series_month
        key_of = (table.c.month, table.c.series_id)
        numbers, starts = _months_between(min(instants), max(instants))
        if starts:
            met = set(zip((numbers[bisect_right(starts, at)] for at in instants), series_ids, strict=True))
        else:
            met = set(zip(repeat(numbers[0]), set(series_ids), strict=False))
        if new := met - self._months:
            rows = rows_among(connection, select(*key_of), key_of, sorted(new))
            if len(new) > LOOKED_UP_MAX:  # most of them are new, and so are their series
                first = min(series_id for _, series_id in new)
                within = select(*key_of).where(table.c.month.in_(numbers), table.c.series_id >= first)
                rows = iter(connection.execute(within))
            stored = {(month, series_id) for month, series_id in rows}
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


def cost_of(written: str | None) -> Cost:
    """A cost as columns hold it."""
    return NO_COST if written is None else (1, *cost_limbs(written))


def _costs(columns: UsageColumns) -> dict[str, Sequence[int]]:
    """The costs of records as columns hold them."""
    costs = columns.costs
    if costs.count(None) == len(costs):
        return {"has_cost": [0] * len(costs)}
    limbs = limbs_of_costs([cost or "0" for cost in costs])
    said = {limb: values for limb, values in zip(tables.COST_LIMBS, limbs, strict=True) if any(values)}
    return {"has_cost": [int(cost is not None) for cost in costs] if None in costs else [1] * len(costs), **said}


def _added(one: Sequence[int], other: Sequence[int]) -> Sequence[int]:
    return list(map(add, one, other))


@dataclass(frozen=True, slots=True)
class UsageRows:
    """New rows of usage but for the number of their batch, whose digest is `digest`. `columns` go by their names in the
    table; ids rise by one from `first_id` on.
    """

    first_id: int
    sources: Sequence[int]
    record_ids: Sequence[str]
    series_ids: Sequence[int]
    columns: Mapping[str, Sequence[int]]
    units: Sequence[Units]
    request_keys: Sequence[str | None]
    digest: bytes

    @property
    def extent(self) -> tuple[int, int]:
        """The first and the last instant, in microseconds since 1970."""
        return min(self.columns["occurred_at"]), max(self.columns["occurred_at"])

    @property
    def last_id(self) -> int:
        """The id of the last one."""
        return self.first_id + len(self.record_ids) - 1

    @property
    def is_summed(self) -> int:
        """1 where sums of them are worth keeping, else 0."""
        return int(are_worth_keeping(self.series_ids, self.columns["occurred_at"]))

    @property
    def zero(self) -> set[str]:
        """What sums have and is 0 in all of them."""
        amounts = {"with_cost": "has_cost", "at_no_cost": "has_cost"}
        amounts |= {name: name for name in (*TOKEN_LEAVES, *tables.COST_LIMBS)}
        zero = {name for name, column in amounts.items() if not any(self.columns.get(column, ()))}
        costs = "with_cost" in zero or min(self.columns.get("cost_e8", (0,))) > 0
        if costs and min(self.columns.get("output", (0,))) > 0:  # so none is free, nor without usage or result
            zero |= {"facts", "at_no_cost"}
        return zero

    @property
    def keyed(self) -> dict[VersionKey, str]:
        """The request keys of those that have one."""
        if self.request_keys.count(None) == len(self.request_keys):
            return {}
        versions = zip(self.sources, self.record_ids, self.columns["version"], strict=True)
        return {version: key for version, key in zip(versions, self.request_keys, strict=True) if key is not None}


def usage_rows(
    connection: Connection, known: KnownSeries, new: UsageColumns, versions: Sequence[int]
) -> UsageRows | None:
    """The rows of versions of records, whose series are stored from now on. None for no records.

    The batch's lock keeps others from taking their ids meanwhile.
    """
    if not new:
        return None
    known.look_up(connection, new.series)
    leaves = {leaf: new.leaves[leaf] for leaf in TOKEN_LEAVES if leaf in new.leaves}  # any other column is 0 by itself
    inputs = [column for leaf, column in leaves.items() if leaf in INPUT_LEAVES]
    columns: dict[str, Sequence[int]] = {
        "occurred_at": new.instants,
        "input_total": reduce(_added, inputs) if inputs else [0] * len(new),
        **leaves,
        **_costs(new),
        "version": versions,
    }
    series_ids = known.store(connection, new.series)
    digest = BatchDigest()
    digest.add({"record_id": new.record_ids, "series": known.digests(new.series), **columns})
    keyed = () if new.request_keys.count(None) == len(new) else enumerate(new.request_keys)
    digest.add(
        {
            "units": [(place, *unit) for place, units in enumerate(new.units) for unit in units],
            "request_keys": [(place, key) for place, key in keyed if key is not None],
        }
    )
    sources = known.sources(connection, new.series)
    first_id = connection.execute(select(func.coalesce(func.max(tables.usage.c.id), 0) + 1)).scalar_one()
    return UsageRows(
        first_id, sources, new.record_ids, series_ids, columns, new.units, new.request_keys, digest.digest()
    )


def insert_usage(connection: Connection, known: KnownSeries, rows: UsageRows | None, seq: int) -> None:
    """Insert rows under a sequence number, with all that they name."""
    if rows is None:
        return
    known.note_months(connection, rows.series_ids, rows.columns["occurred_at"])
    size = len(rows.record_ids)
    named = {"source_id": rows.sources, "record_id": rows.record_ids, "series_id": rows.series_ids, "seq": [seq] * size}
    columns = {"id": range(rows.first_id, rows.first_id + size), **named, **rows.columns}
    if size >= MANY:
        _ensure_there(connection, rows, seq)
    # No ON CONFLICT: the look-up ran under the batch's lock, and the unique constraint is the last word.
    insert_columns(connection, tables.usage, columns, size)
    if any(rows.units):
        units = [(id_, *unit) for id_, listed in enumerate(rows.units, rows.first_id) for unit in listed]
        insert_tuples(connection, tables.usage_unit, ("usage_id", "name", "quantity"), units)


def _ensure_there(connection: Connection, rows: UsageRows, seq: int) -> None:
    """See that what rows refer to is there, as the guard does that is away while many of them go in. Where ids have no
    gaps, it is enough to count them.
    """
    referred = ((tables.source.c.id, rows.sources), (tables.series.c.id, rows.series_ids), (tables.batch.c.seq, [seq]))
    for column, ids in referred:
        wanted = set(ids)
        first, last = min(wanted), max(wanted)
        if last - first < READ_INSTEAD * len(wanted):
            between = select(func.count()).where(column.between(first, last))
            if connection.execute(between).scalar_one() == last - first + 1:
                continue
        there = [id_ for (id_,) in rows_among(connection, select(column), (column,), sorted(wanted))]
        ensure(wanted.issubset(there), "a row of usage refers to what is not there")


def usage_ids(connection: Connection, versions: Collection[VersionKey]) -> dict[VersionKey, int]:
    """The ids of the rows of versions of records; of their other versions, too."""
    usage, ids = tables.usage.c, dict[VersionKey, int]()
    query = select(usage.record_id, usage.version, usage.id)
    for source_id, record_ids in by_source(versions).items():
        chosen = query.where(usage.source_id == source_id, among(connection, usage.record_id, record_ids))
        ids |= {(source_id, record_id, version): id_ for record_id, version, id_ in connection.execute(chosen)}
    return ids


def by_source(identities: Collection[Identity | VersionKey]) -> dict[int, list[str]]:
    """The record ids of each source."""
    sources = set(map(itemgetter(0), identities))
    if len(sources) == 1:
        return {source_id: list(map(itemgetter(1), identities)) for source_id in sources}
    record_ids: dict[int, list[str]] = {source_id: [] for source_id in sources}
    for source_id, record_id, *_ in identities:
        record_ids[source_id].append(record_id)
    return record_ids


def _months_between(first: int, last: int) -> tuple[list[int], list[int]]:
    """The numbers of the months (UTC) from one instant to another, and where each but the first begins."""
    numbers = list(range(month_number(from_micros(first)), month_number(from_micros(last)) + 1))
    return numbers, [to_micros(Month(1970, 1).plus(number).first_instant) for number in numbers[1:]]


def _columns_of(key: SeriesKey) -> tuple[Any, ...]:
    """A series as its columns hold it."""
    *before, tags, is_byok, status, usage_state, is_replayed = key
    return *before, json.dumps(tags) if tags else "[]", int(is_byok), status, usage_state, int(is_replayed)


def _digest_of(key: SeriesKey) -> bytes:
    return series_digest(dict(zip(SERIES_FIELDS, _columns_of(key), strict=True)))


def _ids_by_digest(connection: Connection, digests: Collection[bytes]) -> Iterable[Any]:
    """The digests and ids of series that have one of these digests; of others, too, where so many are asked for that
    reading all costs less.
    """
    columns = tables.series.c
    query = select(columns.digest, columns.id)
    series = connection.execute(select(func.coalesce(func.max(columns.id), 0))).scalar_one()
    if series < READ_INSTEAD * len(digests):
        return connection.execute(query)
    return rows_among(connection, query, (columns.digest,), sorted(digests))
