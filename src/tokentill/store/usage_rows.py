"""Taking usage records in: each identity once, revisions and quarantined lines beside them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, tuple_

from tokentill.canonical import Content, canonical_bytes, fields_of, form_of
from tokentill.clock import from_micros, to_micros
from tokentill.errors import ensure
from tokentill.invoicing.periods import Month
from tokentill.money import EXACT
from tokentill.sources.kept_lines import KeptLine
from tokentill.store import tables
from tokentill.store.database import hold_counter, insert_new, insert_rows, next_value
from tokentill.store.decoding import LOOKED_UP_MAX, columns_of, decoding, rows_among
from tokentill.store.withdrawals import ALL_VERSIONS, InForce
from tokentill.usage.aggregates import Series
from tokentill.usage.quantities import TOKEN_LEAVES
from tokentill.usage.record import SERIES_FIELDS, UsageRecord, series_fields_of

_LEAVES = frozenset(TOKEN_LEAVES)
_LIMB = 10**8

Identity = tuple[int, str]
"""The id of a source, and a record id in it."""
RevisionKey = tuple[int, str, bytes]
"""An identity and the digest of a payload."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that is not a usage record, and why."""

    label: str
    line: int
    reason: str
    record_id: str | None
    excerpt: str
    digest: bytes
    occurred_at: datetime | None = None
    kept: KeptLine | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of records, and of control totals: new ones, others for what there was one of, and those known. The
    parts add up to `read`.
    """

    accepted: int = 0
    duplicates: int = 0
    revisions: int = 0
    quarantined: int = 0
    totals: int = 0
    totals_revised: int = 0
    totals_known: int = 0

    @property
    def read(self) -> int:
        """Number of records, control totals and bad lines that were read."""
        return sum(astuple(self))

    @property
    def has_totals(self) -> bool:
        """Whether there were control totals among it."""
        return bool(self.totals or self.totals_revised or self.totals_known)

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*map(add, astuple(self), astuple(other)))


def store_batch(
    connection: Connection,
    records: Sequence[UsageRecord],
    bad: Sequence[Bad],
    *,
    label: str,
    at: datetime,
    part_of: int | None = None,
) -> Counts:
    """Store one batch in the caller's writing transaction. What is there already stays as it is.

    The batch holds the lock on sequence numbers from its first look until the transaction ends, so what lies at or
    below a number that somebody has seen can never grow. A batch that brings nothing new takes no number and writes
    nothing. A payload that counted once, or that somebody rejected, is a duplicate when it comes again.

    Args:
        part_of: the first batch of the same import, where this is not it.
    """
    if not records and not bad:
        return Counts()
    hold_counter(connection, "batch")
    sources = _source_ids(connection, {record.source for record in records})
    first_of: dict[tuple[int, str], UsageRecord] = {}
    for record in records:
        first_of.setdefault((sources[record.source], record.record_id), record)
    stored = _stored(connection, list(first_of))
    new = {identity: record for identity, record in first_of.items() if identity not in stored}
    unseen = set(new)
    duplicates, revised, again = 0, {}, []
    for record in records:
        identity = (sources[record.source], record.record_id)
        kept = stored.get(identity)
        if identity in unseen:
            unseen.remove(identity)
        elif record.digest in ((first_of[identity].digest,) if kept is None else kept.digests):
            duplicates += 1
        else:
            again.append(key := (*identity, record.digest))
            revised[key] = record
    stored_revisions = _stored_revisions(connection, list(revised))
    rejected = sum(stored_revisions.get(key, False) for key in again)
    counts = Counts(len(new), duplicates + rejected, len(again) - rejected, len(bad))
    for key in stored_revisions:
        del revised[key]
    quarantined = {(line.digest, line.line): line for line in reversed(bad)}
    for known_line in _stored_quarantine(connection, list(quarantined)):
        del quarantined[known_line]
    if not (new or revised or quarantined):
        return counts
    seq = store_batch_row(connection, counts, new.values(), label=label, at=at, part_of=part_of)
    _insert_usage(connection, new, seq)
    kept_of = {key: stored.get(key[:2]) or Kept.of(first_of[key[:2]]) for key in revised}
    _insert_revisions(connection, revised, kept_of, seq)
    _insert_quarantined(connection, list(quarantined.values()), seq)
    return counts


def store_batch_row(
    connection: Connection,
    counts: Counts,
    new: Collection[UsageRecord],
    *,
    label: str,
    at: datetime,
    part_of: int | None = None,
) -> int:
    """Take the next sequence number, for a batch that brings these new records."""
    seq = next_value(connection, "batch")
    connection.execute(
        insert(tables.batch).values(
            seq=seq,
            label=label,
            recorded_at=to_micros(at),
            **columns_of(counts, "accepted", "duplicates", "revisions", "quarantined"),
            first_at=min((to_micros(record.occurred_at) for record in new), default=None),
            last_at=max((to_micros(record.occurred_at) for record in new), default=None),
            part_of=part_of,
        )
    )
    return seq


def store_version(connection: Connection, record: UsageRecord, version: int, *, label: str, at: datetime) -> int:
    """Store another version of a record, as a batch of its own, in a transaction that holds the batch's lock.

    Returns:
        Its sequence number.
    """
    seq = store_batch_row(connection, Counts(accepted=1), [record], label=label, at=at)
    source_id = _source_ids(connection, {record.source})[record.source]
    _insert_usage(connection, {(source_id, record.record_id): record}, seq, version)
    return seq


@decoding("a series of usage")
def series_by_id(connection: Connection, ids: Iterable[int]) -> dict[int, Series]:
    """The series of these ids."""
    table = tables.series
    query = select(*_SERIES_COLUMNS)
    return {row.id: _series(row) for row in rows_among(connection, query, (table.c.id,), sorted(ids))}


@decoding("a series of usage")
def series_of_months(connection: Connection, first: int, last: int) -> dict[int, Series]:
    """The series that have records in some month from `first` to `last` (see `month_number`)."""
    table, in_month = tables.series, tables.series_month
    inside = select(in_month.c.series_id).where(in_month.c.month.between(first, last))
    query = select(*_SERIES_COLUMNS).where(table.c.id.in_(inside))
    return {row.id: _series(row) for row in connection.execute(query)}


def months_with_usage(connection: Connection) -> list[Month]:
    """Every calendar month (UTC) that has records, in order of time."""
    numbers = connection.execute(select(tables.series_month.c.month).distinct()).scalars()
    return [Month(1970, 1).plus(number) for number in sorted(numbers)]


def series_used_after(connection: Connection, seq: int, starts_at: datetime, ends_at: datetime) -> set[int]:
    """The series that have records in [starts_at, ends_at) with a sequence number above one."""
    usage, batch = tables.usage, tables.batch
    query = (
        select(usage.c.series_id)
        .join(batch, batch.c.seq == usage.c.seq)
        .where(
            batch.c.seq > seq,
            batch.c.last_at >= to_micros(starts_at),
            batch.c.first_at < to_micros(ends_at),
            usage.c.occurred_at >= to_micros(starts_at),
            usage.c.occurred_at < to_micros(ends_at),
        )
        .distinct()
    )
    return set(connection.execute(query).scalars())


def usage_extent(connection: Connection) -> tuple[datetime, datetime] | None:
    """From the first instant of all records to the microsecond after the last one; None where there is no record."""
    batch = tables.batch.c
    first, last = connection.execute(select(func.min(batch.first_at), func.max(batch.last_at))).one()
    return None if first is None else (from_micros(first), from_micros(last + 1))


def month_number(at: datetime) -> int:
    """The calendar month of an instant in UTC, counted from January 1970."""
    at = at.astimezone(UTC)
    return (at.year - 1970) * 12 + at.month - 1


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One usage record as it is kept. `is_waived` says that it reports no usage, and is billed at nothing."""

    series: Series
    record_id: str
    occurred_at: datetime
    input_total: int
    quantities: Mapping[str, int]
    cost: Decimal | None
    seq: int
    version: int = 1
    digest: bytes = b""
    is_waived: bool = False

    @property
    def is_unmeasured(self) -> bool:
        """Whether it cost something, and all of its quantities are zero."""
        return bool(self.cost) and not any(self.quantities.values())

    @property
    def reports_usage(self) -> bool:
        """Whether it says what was used (see `UsageAggregate.reports_usage`)."""
        return self.series.usage_state != "missing" and not self.is_unmeasured

    def content(self) -> Content:
        """The content of the record that was taken in (see `UsageRecord.content`)."""
        return {
            **fields_of(self.series, *SERIES_FIELDS),
            **fields_of(self, "record_id", "occurred_at"),
            "quantities": dict(sorted(self.quantities.items())),
            "cost": form_of(self.cost),
        }


def records_where(
    connection: Connection,
    place: ColumnElement[int],
    inside: Any,
    series: Mapping[int, Series],
    force: InForce,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> Iterator[tuple[int, StoredRecord]]:
    """The records of a join with usage, in order of time, each with the place that the join gives it."""
    usage, unit = tables.usage, tables.usage_unit
    chosen = (*conditions, *force.conditions)
    units: dict[int, dict[str, int]] = {}
    of_units = select(unit).select_from(inside.join(unit, unit.c.usage_id == usage.c.id)).where(*chosen)
    for row in connection.execute(of_units):
        units.setdefault(row.usage_id, {})[row.name] = row.quantity
    query = select(place.label("place"), force.is_waived.label("waived"), usage).select_from(inside).where(*chosen)
    for row in connection.execute(query.order_by(usage.c.occurred_at, usage.c.id)):
        fields = row._mapping
        quantities = {leaf: fields[leaf] for leaf in TOKEN_LEAVES if fields[leaf]}
        yield (
            row.place,
            StoredRecord(
                series=series[row.series_id],
                record_id=row.record_id,
                occurred_at=from_micros(row.occurred_at),
                input_total=row.input_total,
                quantities={**quantities, **units.get(row.id, {})},
                cost=cost_of(*(fields[limb] for limb in tables.COST_LIMBS)) if row.has_cost else None,
                seq=row.seq,
                version=row.version,
                digest=bytes(row.digest),
                is_waived=bool(row.waived),
            ),
        )


def versions_of(
    connection: Connection, identities: Sequence[Identity]
) -> dict[Identity, list[tuple[int, StoredRecord]]]:
    """Every version of records, by their source's id and record id, oldest first and each with its row's id."""
    usage = tables.usage
    versions: dict[Identity, list[tuple[int, StoredRecord]]] = {}
    for start in range(0, len(identities), LOOKED_UP_MAX):
        chosen = tuple_(usage.c.source_id, usage.c.record_id).in_(identities[start : start + LOOKED_UP_MAX])
        rows = connection.execute(select(usage.c.id, usage.c.source_id, usage.c.series_id).where(chosen)).all()
        sources = {row.id: row.source_id for row in rows}
        series = series_by_id(connection, {row.series_id for row in rows})
        for id_, record in records_where(connection, usage.c.id, usage, series, ALL_VERSIONS, [chosen]):
            versions.setdefault((sources[id_], record.record_id), []).append((id_, record))
    return {identity: sorted(listed, key=lambda version: version[1].version) for identity, listed in versions.items()}


def source_id_of(connection: Connection, name: str) -> int | None:
    """The id of a source, None when no record comes from it."""
    return connection.execute(select(tables.source.c.id).where(tables.source.c.name == name)).scalar()


def cost_limbs(cost: Decimal) -> tuple[int, int, int]:
    """A cost as whole 1e-8, 1e-16 and 1e-24 units."""
    whole = int(cost.scaleb(24, EXACT).to_integral_exact(context=EXACT))
    rest, third = divmod(whole, _LIMB)
    first, second = divmod(rest, _LIMB)
    return first, second, third


def cost_of(first: int, second: int, third: int) -> Decimal:
    """The cost that limbs, or sums of limbs, stand for."""
    return Decimal((int(first) * _LIMB + int(second)) * _LIMB + int(third)).scaleb(-24, EXACT)


def cost_text_of(first: int, second: int, third: int) -> str:
    """`cost_text(cost_of(...))` of a stored cost, faster.

    Raises:
        ValueError: when these are not the limbs of one cost.
    """
    if first < 0 or not (0 <= second < _LIMB and 0 <= third < _LIMB):
        raise ValueError("limbs out of range")
    whole, rest = divmod(first, _LIMB)
    digits = f"{rest:08d}{second:08d}{third:08d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def series_digest(fields: Mapping[str, Any]) -> bytes:
    """16 bytes that stand for a series, by its columns."""
    return sha256(canonical_bytes(fields)).digest()[:16]


def _source_ids(connection: Connection, names: set[str]) -> dict[str, int]:
    table = tables.source
    if names:
        stored = set(connection.execute(select(table.c.name).where(table.c.name.in_(sorted(names)))).scalars())
        if missing := sorted(names - stored):
            connection.execute(insert_new(connection, table), [{"name": name} for name in missing])
    rows = connection.execute(select(table.c.name, table.c.id).where(table.c.name.in_(sorted(names))))
    return {row.name: row.id for row in rows}


@dataclass(slots=True)
class Kept:
    """What is stored of an identity: the payloads that counted, and the version and instant of the one that does."""

    digests: Sequence[bytes]
    version: int
    occurred_at: int

    @classmethod
    def of(cls, record: UsageRecord) -> Kept:
        """What is stored once a record is."""
        return cls((record.digest,), 1, to_micros(record.occurred_at))


def _stored(connection: Connection, identities: Sequence[Identity]) -> dict[Identity, Kept]:
    """The identities that are stored. The batch's lock keeps others from adding any meanwhile."""
    usage = tables.usage
    stored: dict[Identity, Kept] = {}
    identity_of = (usage.c.source_id, usage.c.record_id)
    query = select(*identity_of, usage.c.digest, usage.c.version, usage.c.occurred_at).order_by(usage.c.version)
    for source_id, record_id, digest, version, occurred_at in rows_among(connection, query, identity_of, identities):
        before = stored.get(identity := (source_id, record_id))
        digests = [] if before is None else before.digests
        stored[identity] = Kept([*digests, bytes(digest)], version, occurred_at)
    return stored


def _stored_revisions(connection: Connection, keys: Sequence[RevisionKey]) -> dict[RevisionKey, bool]:
    """The revisions that are stored, and whether somebody rejected them."""
    revision, decision = tables.revision, tables.revision_decision
    columns = ("source_id", "record_id", "digest")
    rejected = and_(*(decision.c[name] == revision.c[name] for name in columns), decision.c.decision == "rejected")
    key_of = tuple(revision.c[name] for name in columns)
    query = select(*key_of, decision.c.decision).select_from(revision.outerjoin(decision, rejected))
    return {
        (row.source_id, row.record_id, bytes(row.digest)): row.decision is not None
        for row in rows_among(connection, query, key_of, keys)
    }


def _stored_quarantine(connection: Connection, keys: Sequence[tuple[bytes, int]]) -> set[tuple[bytes, int]]:
    key_of = (tables.quarantine.c.digest, tables.quarantine.c.line)
    return {(bytes(row.digest), row.line) for row in rows_among(connection, select(*key_of), key_of, keys)}


def _insert_usage(connection: Connection, new: Mapping[Identity, UsageRecord], seq: int, version: int = 1) -> None:
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


def _insert_revisions(
    connection: Connection, revised: Mapping[RevisionKey, UsageRecord], kept_of: Mapping[RevisionKey, Kept], seq: int
) -> None:
    rows = [
        {
            "source_id": source_id,
            "record_id": record_id,
            "digest": digest,
            "seq": seq,
            "content": canonical_bytes(record.content()).decode(),
            "version": kept_of[source_id, record_id, digest].version,
            "occurred_at": kept_of[source_id, record_id, digest].occurred_at,
            "revised_at": to_micros(record.occurred_at),
        }
        for (source_id, record_id, digest), record in revised.items()
    ]
    insert_rows(connection, tables.revision, rows)


def _kept_columns(kept: KeptLine | None) -> dict[str, Any]:
    """What is kept of a line, as columns hold it."""
    names = ("raw", "header", "source", "format")
    return dict.fromkeys(names) if kept is None else columns_of(kept, *names)


def _insert_quarantined(connection: Connection, bad: Sequence[Bad], seq: int) -> None:
    names = ("digest", "line", "label", "reason", "record_id", "excerpt", "occurred_at")
    rows = [{**columns_of(line, *names), **_kept_columns(line.kept), "seq": seq} for line in bad]
    insert_rows(connection, tables.quarantine, rows)


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


_SERIES_COLUMNS = tuple(tables.series.c[field.name] for field in fields(Series))


def _series(row: Any) -> Series:
    """Of a row of `_SERIES_COLUMNS`."""
    *before, tags, is_byok, status, usage_state = row
    values = (*before, () if tags == "[]" else tuple(json.loads(tags)), bool(is_byok), status, usage_state)
    return Series(*values)
