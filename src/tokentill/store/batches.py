"""Taking usage records in, batch by batch: each identity once, revisions and quarantined lines beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from operator import add
from typing import Any

from sqlalchemy import Connection, and_, insert, select

from tokentill.canonical import canonical_bytes
from tokentill.clock import to_micros
from tokentill.sources.kept_lines import KeptLine
from tokentill.store import tables
from tokentill.store.bulk import among
from tokentill.store.database import hold_counter, insert_rows, next_value
from tokentill.store.decoding import columns_of, rows_among
from tokentill.store.erasures import same_records_again
from tokentill.store.requests import name_version, store_told, told_of_requests
from tokentill.store.usage_inserts import by_source, insert_usage, source_ids
from tokentill.store.usage_rows import Identity, RevisionKey
from tokentill.store.usage_sums import keep_sums
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import DEFAULT_REPORTING, EXPORT, Reporting


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
    parts add up to `read`, but for `replaced`, those of the accepted that count instead of another record of their
    request, and `witnesses`, those of the duplicates that tell of it otherwise or as another reporter, which is kept.
    """

    accepted: int = 0
    duplicates: int = 0
    revisions: int = 0
    quarantined: int = 0
    totals: int = 0
    totals_revised: int = 0
    totals_known: int = 0
    replaced: int = 0
    witnesses: int = 0

    @property
    def read(self) -> int:
        """Number of records, control totals and bad lines that were read."""
        return int(sum(astuple(self))) - self.replaced - self.witnesses

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
    reporting: Reporting = DEFAULT_REPORTING,
) -> Counts:
    """Store one batch in the caller's writing transaction. What is there already stays as it is.

    The batch holds the lock on sequence numbers from its first look until the transaction ends, so what lies at or
    below a number that somebody has seen can never grow. A batch that brings nothing new takes no number and writes
    nothing. A payload that counted once, or that somebody rejected, is a duplicate when it comes again.

    Args:
        part_of: the first batch of the same import, where this is not it.
        reporting: who tells of the records.

    Raises:
        InvalidCall: when a source does not have the reporter.
    """
    if not records and not bad:
        return Counts()
    hold_counter(connection, "batch")
    sources = source_ids(connection, {record.source for record in records})
    told = told_of_requests(connection, sources, records, reporting)
    records = told.alone
    identities = [(sources[record.source], record.record_id) for record in records]
    first_of: dict[Identity, UsageRecord] = {}
    for identity, record in zip(identities, records, strict=True):
        first_of.setdefault(identity, record)
    stored = _stored(connection, first_of)
    new = {identity: record for identity, record in first_of.items() if identity not in stored}
    unseen = set(new)
    duplicates, revised, again = 0, {}, []
    for identity, record in zip(identities, records, strict=True):
        kept = stored.get(identity)
        if identity in unseen:
            unseen.remove(identity)
        elif record.digest in ((first_of[identity].digest,) if kept is None else kept.digests):
            duplicates += 1
        else:
            again.append(key := (*identity, record.digest))
            revised[key] = record
    for key in same_records_again(connection, revised):
        duplicates += again.count(key)
        again = [other for other in again if other != key]
        del revised[key]
    stored_revisions = _stored_revisions(connection, list(revised))
    rejected = sum(stored_revisions.get(key, False) for key in again)
    instead, beside = len(told.replacements), len(told.witnesses)
    accepted, known = len(new) + instead, duplicates + rejected + told.duplicates
    counts = Counts(accepted, known, len(again) - rejected, len(bad), replaced=instead, witnesses=beside)
    for key in stored_revisions:
        del revised[key]
    quarantined = {(line.digest, line.line): line for line in reversed(bad)}
    for known_line in _stored_quarantine(connection, list(quarantined)):
        del quarantined[known_line]
    if not (new or revised or quarantined or instead or beside):
        return counts
    count = [*new.values(), *told.brings]
    seq = store_batch_row(connection, counts, count, label=label, at=at, part_of=part_of, reporter=reporting.reporter)
    insert_usage(connection, new, seq)
    store_told(connection, told, new, seq, by=reporting.reporter, at=at)
    keep_sums(connection, seq)
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
    reporter: str = EXPORT,
) -> int:
    """Take the next sequence number, for a batch that brings these new records."""
    seq = next_value(connection, "batch")
    instants = [record.occurred_at for record in new]
    connection.execute(
        insert(tables.batch).values(
            seq=seq,
            label=label,
            recorded_at=to_micros(at),
            **columns_of(counts, "accepted", "duplicates", "revisions", "quarantined"),
            first_at=to_micros(min(instants)) if instants else None,
            last_at=to_micros(max(instants)) if instants else None,
            part_of=part_of,
            reporter=None if reporter == EXPORT else reporter,
        )
    )
    return seq


def store_version(
    connection: Connection, record: UsageRecord, version: int, before_id: int, *, label: str, at: datetime
) -> int:
    """Store another version of a record, as a batch of its own, in a transaction that holds the batch's lock.

    Args:
        before_id: the row of the version before it.

    Returns:
        Its sequence number.
    """
    seq = store_batch_row(connection, Counts(accepted=1), [record], label=label, at=at)
    source_id = source_ids(connection, {record.source})[record.source]
    insert_usage(connection, {(source_id, record.record_id): record}, seq, version)
    name_version(connection, before_id, record, version)
    return seq


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


def _stored(connection: Connection, identities: Iterable[Identity]) -> dict[Identity, Kept]:
    """The identities that are stored. The batch's lock keeps others from adding any meanwhile."""
    usage = tables.usage.c
    stored: dict[Identity, Kept] = {}
    query = select(usage.record_id, usage.digest, usage.version, usage.occurred_at).order_by(usage.version)
    for source_id, record_ids in by_source(identities).items():
        chosen = query.where(usage.source_id == source_id, among(connection, usage.record_id, record_ids))
        for record_id, digest, version, occurred_at in connection.execute(chosen):
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
