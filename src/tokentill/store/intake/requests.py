"""Reports of one request: which record counts, and what else was told of it.

A record that takes the place of another is the next version of its request, and the other is withdrawn from the
sequence number on that it came with; so pins, corrections and verification know of it what they know of revisions. A
report that is no better than what counts is kept beside it as a witness, and counts for nothing. What is told once, and
by the source's own export, costs nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from tokentill.canonical import canonical_bytes
from tokentill.clock import to_micros
from tokentill.store import tables
from tokentill.store.bulk import among, insert_tuples
from tokentill.store.database import insert_rows
from tokentill.store.intake.request_rows import ReportedRow, reported_rows
from tokentill.store.usage.usage_inserts import VersionKey, by_source, usage_ids
from tokentill.store.usage.usage_rows import Identity, StoredRecord, versions_of
from tokentill.store.usage.withdrawals import withdraw
from tokentill.usage.columns import UsageColumns
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import EXPORT, Rank, Reporting, rank_of

WitnessKey = tuple[int, str, str, bytes]
"""The id of a source, a record id in it, a reporter, and the digest of what it told."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A record that counts from now on, as the next version of a request, and the rows that it replaces."""

    identity: Identity
    record: UsageRecord
    request: str
    version: int
    replaced: Sequence[ReportedRow]


@dataclass(slots=True)
class ToldRequests:
    """What a batch tells of requests: records that stand for themselves, those that replace what counts, and witnesses.

    `duplicates` counts what was told before, and witnesses.
    """

    alone: list[UsageRecord] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)
    witnesses: dict[WitnessKey, tuple[str, UsageRecord]] = field(default_factory=dict)
    duplicates: int = 0


def told_of_requests(
    connection: Connection, sources: Mapping[str, int], given: UsageColumns, reporting: Reporting
) -> tuple[UsageColumns, ToldRequests]:
    """Sort the records of a batch by what they tell of their requests, under the batch's lock. Gives those that stand
    for themselves, and what is told by the others.
    """
    is_plain = reporting.reporter == EXPORT and given.request_keys.count(None) == len(given)
    if is_plain and not _tells_of_requests(connection, sources.values()):
        return given, ToldRequests()
    told = _Sorting(connection, sources, list(given.records()), reporting).sorted()
    return UsageColumns.of(told.alone, given.names), told


def store_told(
    connection: Connection, told: ToldRequests, keyed: Mapping[VersionKey, str], seq: int, *, by: str, at: datetime
) -> None:
    """Store what a batch tells of requests, under its number. The rows of its records are stored.

    Args:
        keyed: those of them that have a request key.
        by: the reporter.
    """
    rows = [
        (*key, seq, request, canonical_bytes(record.content()).decode(), to_micros(record.occurred_at))
        for key, (request, record) in told.witnesses.items()
    ]
    names = ("source_id", "record_id", "reporter", "digest", "seq", "request", "content", "occurred_at")
    insert_tuples(connection, tables.witness, names, rows)
    for one in told.replacements:
        for row in one.replaced:
            reason = f"record {one.record.record_id} tells of the same request"
            withdraw(connection, row.id, "revision", seq, by=by, reason=reason, at=at)
    _name_replaced(connection, chain.from_iterable(one.replaced for one in told.replacements))
    named: dict[VersionKey, tuple[str, str | None]] = {version: (key, key) for version, key in keyed.items()}
    named |= {(*one.identity, one.version): (one.request, one.record.request_key) for one in told.replacements}
    _name_requests(connection, named)


def name_version(connection: Connection, before_id: int, record: UsageRecord, version: int) -> None:
    """Let another version of a record be one of its request as well, where its request has a name of its own.

    Args:
        before_id: the row of the version before it.
    """
    table, usage = tables.usage_request.c, tables.usage.c
    query = select(usage.source_id, table.request).join_from(tables.usage, tables.usage_request, isouter=True)
    before = connection.execute(query.where(usage.id == before_id)).one()
    if before.request is None and record.request_key is None:
        return
    request = before.request or record.record_id
    _name_requests(connection, {(before.source_id, record.record_id, version): (request, record.request_key)})


class _Contested(NamedTuple):
    """The rows of a request and the reports that may count instead of them, with further payloads of those."""

    request: Identity
    rows: Sequence[ReportedRow]
    fresh: Sequence[UsageRecord]
    again: Sequence[UsageRecord]

    @property
    def counted(self) -> list[ReportedRow]:
        """The rows that no other record replaced."""
        return [row for row in self.rows if not row.is_replaced]


class _Sorting:
    """The sorting of one batch."""

    def __init__(
        self, connection: Connection, sources: Mapping[str, int], records: Sequence[UsageRecord], reporting: Reporting
    ) -> None:
        self._sources, self._records, self._reporting = sources, records, reporting
        for source in sources:
            reporting.check(source)
        self._told = ToldRequests()
        by_id: dict[int, tuple[list[str], list[str]]] = {}
        for record in records:
            ids, requests = by_id.setdefault(sources[record.source], ([], []))
            ids += (record.record_id, record.request)
            requests.append(record.request)
        self._by_identity: dict[Identity, list[ReportedRow]] = {}
        self._by_request: dict[Identity, list[ReportedRow]] = {}
        for row in _with_their_requests(connection, by_id):
            self._by_identity.setdefault(row.identity, []).append(row)
            names = {row.request, row.request_key or row.record_id}
            for name in names:
                self._by_request.setdefault((row.source_id, name), []).append(row)
        versions = versions_of(connection, list(self._by_identity))
        self._stored: dict[int, StoredRecord] = dict(chain.from_iterable(versions.values()))
        identities = {(sources[record.source], record.record_id) for record in records}
        self._decided = _decided_revisions(connection, identities)
        self._beside = _stored_witnesses(connection, identities)

    def sorted(self) -> ToldRequests:
        """What the batch tells."""
        groups: dict[Identity, tuple[dict[int, ReportedRow], list[UsageRecord]]] = {}
        named: dict[Identity, Identity] = {}
        for record in self._records:
            source_id = self._sources[record.source]
            rows = [
                *self._by_identity.get((source_id, record.record_id), ()),
                *self._by_request.get((source_id, record.request), ()),
            ]
            own = (source_id, rows[0].request if rows else record.request)
            request = named.setdefault((source_id, record.record_id), own)  # a record is of one request only
            of_request, told = groups.setdefault(request, ({}, []))
            if request == own:
                of_request.update((row.id, row) for row in (*rows, *self._by_request.get(request, ())))
            told.append(record)
        contested = [self._contested(request, *group) for request, group in groups.items()]
        self._decide([one for one in contested if one is not None])
        return self._told

    def _contested(
        self, request: Identity, of_request: Mapping[int, ReportedRow], told: Sequence[UsageRecord]
    ) -> _Contested | None:
        """What there is to decide about a request; None for nothing. What was told before is sorted out."""
        rows, fresh, again, seen = list(of_request.values()), list[UsageRecord](), list[UsageRecord](), set[Any]()
        for record in told:
            key = (record.record_id, record.digest)
            own = [row for row in rows if row.record_id == record.record_id]
            same = [row for row in own if self._stored[row.id].digest == record.digest]
            if same:
                self._told.duplicates += 1
                if all(row.reporter != self._reporting.reporter for row in same):
                    self._note_witness(request, record)
            elif key in seen or self._witness_key(request, record) in self._beside:
                self._told.duplicates += 1
            elif self._is_revision(record, own):
                self._told.alone.append(record)
            elif any(record.record_id == other.record_id for other in fresh):
                again.append(record)
            else:
                fresh.append(record)
            seen.add(key)
        return _Contested(request, rows, fresh, again) if fresh else None

    def _is_revision(self, record: UsageRecord, own: Sequence[ReportedRow]) -> bool:
        """Whether who told of a record tells of it otherwise now, which somebody has to decide on."""
        if (self._sources[record.source], record.record_id, record.digest) in self._decided:
            return True
        return any(not row.is_replaced and row.reporter == self._reporting.reporter for row in own)

    def _decide(self, contested: Sequence[_Contested]) -> None:
        """Let the best report of each request count, and keep the others beside it."""
        ranks = self._ranks([row for one in contested for row in one.counted])
        for one in contested:
            best = max(one.fresh, key=self._rank)
            beside = [record for record in (*one.fresh, *one.again) if record is not best]
            if not one.rows:
                self._told.alone.append(best)
                self._told.alone += (record for record in one.again if record.record_id == best.record_id)
                beside = [record for record in beside if record.record_id != best.record_id]
            elif one.counted and all(self._rank(best) > ranks[row.id] for row in one.counted):
                source_id, name = one.request
                version = max(row.version for row in one.rows) + 1
                replacement = Replacement((source_id, best.record_id), best, name, version, one.counted)
                self._told.replacements.append(replacement)
            else:
                beside.append(best)
            self._told.duplicates += len(beside)
            for record in beside:
                self._note_witness(one.request, record)

    def _rank(self, record: UsageRecord) -> Rank:
        place = self._reporting.place(record.source, self._reporting.reporter)
        named = (record.usage_state, record.occurred_at, record.quantities, record.record_id, record.digest)
        return rank_of(place, *named)

    def _ranks(self, rows: Sequence[ReportedRow]) -> dict[int, Rank]:
        """The ranks of stored rows, by id."""
        ranks = {}
        for row in rows:
            stored = self._stored[row.id]
            place = self._reporting.place(stored.series.source, row.reporter)
            named = (stored.series.usage_state, stored.occurred_at, stored.quantities)
            ranks[row.id] = rank_of(place, *named, stored.record_id, stored.digest)
        return ranks

    def _note_witness(self, request: Identity, record: UsageRecord) -> None:
        if (key := self._witness_key(request, record)) not in self._beside:
            self._told.witnesses.setdefault(key, (request[1], record))

    def _witness_key(self, request: Identity, record: UsageRecord) -> WitnessKey:
        return request[0], record.record_id, self._reporting.reporter, record.digest


def _with_their_requests(
    connection: Connection, wanted: Mapping[int, tuple[Sequence[str], Sequence[str]]]
) -> Iterable[ReportedRow]:
    """Rows as `reported_rows` finds them, with all others of the requests that these are of: a record may say later
    that it is of another one than it is known to be of.
    """
    rows = {row.id: row for row in reported_rows(connection, wanted)}
    asked = {source_id: set(requests) for source_id, (_, requests) in wanted.items()}
    others: dict[int, tuple[list[str], list[str]]] = {}
    for row in rows.values():
        if row.request not in asked[row.source_id]:
            others.setdefault(row.source_id, ([], []))[1].append(row.request)
    return (rows | {row.id: row for row in reported_rows(connection, others)}).values()


def _tells_of_requests(connection: Connection, source_ids: Collection[int]) -> bool:
    """Whether a source told of requests under other names than their own, or other reporters than its export did."""
    request, batch = tables.usage_request.c, tables.batch.c
    named = select(request.usage_id).where(request.source_id.in_(sorted(source_ids))).limit(1)
    told = select(batch.seq).where(batch.reporter.is_not(None)).limit(1)
    return any(connection.execute(query).first() is not None for query in (named, told))


def _decided_revisions(connection: Connection, identities: Collection[Identity]) -> set[tuple[int, str, bytes]]:
    """Payloads that came as revisions before, which stay what people say of them."""
    table, decided = tables.revision.c, set()
    query = select(table.source_id, table.record_id, table.digest)
    for source_id, record_ids in by_source(identities).items():
        chosen = query.where(table.source_id == source_id, among(connection, table.record_id, record_ids))
        decided |= {(row.source_id, row.record_id, bytes(row.digest)) for row in connection.execute(chosen)}
    return decided


def _stored_witnesses(connection: Connection, identities: Collection[Identity]) -> set[WitnessKey]:
    """What was told of records before and counts for nothing."""
    table, beside = tables.witness.c, set[WitnessKey]()
    query = select(table.record_id, table.reporter, table.digest)
    for source_id, record_ids in by_source(identities).items():
        chosen = query.where(table.source_id == source_id, among(connection, table.record_id, record_ids))
        beside |= {(source_id, row.record_id, row.reporter, bytes(row.digest)) for row in connection.execute(chosen)}
    return beside


def _name_requests(connection: Connection, versions: Mapping[VersionKey, tuple[str, str | None]]) -> None:
    """Say which request versions of records tell of: its name, and the request key that they give."""
    ids = usage_ids(connection, versions)
    rows: list[dict[str, Any]] = [
        {
            "usage_id": ids[source_id, record_id, version],
            "source_id": source_id,
            "request": request,
            "version": version,
            "request_key": request_key,
        }
        for (source_id, record_id, version), (request, request_key) in versions.items()
    ]
    insert_rows(connection, tables.usage_request, rows)


def _name_replaced(connection: Connection, rows: Iterable[ReportedRow]) -> None:
    """Let what was replaced be known as a version of its request; one with a request key is already."""
    names = ("source_id", "request", "version", "request_key")
    first = [{"usage_id": row.id, **{name: getattr(row, name) for name in names}} for row in rows if not row.is_keyed]
    insert_rows(connection, tables.usage_request, first)
