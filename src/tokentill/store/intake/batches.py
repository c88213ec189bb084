"""Taking usage records in, batch by batch: each identity once, revisions and quarantined lines beside them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from itertools import compress
from operator import add, not_
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, insert, select

from tokentill.canonical import canonical_bytes
from tokentill.clock import to_micros
from tokentill.store import tables
from tokentill.store.database import hold_counter, insert_rows, next_value
from tokentill.store.decoding import columns_of, rows_among
from tokentill.store.intake.erasures import same_records_again
from tokentill.store.intake.requests import name_version, store_told, told_of_requests
from tokentill.store.usage.usage_inserts import KnownSeries, UsageRows, cost_of, insert_usage, usage_rows
from tokentill.store.usage.usage_payloads import Payload, stored_payloads
from tokentill.store.usage.usage_rows import RevisionKey
from tokentill.store.usage.usage_sums import keep_sums
from tokentill.usage.columns import SeriesNumbers, UsageColumns
from tokentill.usage.quantities import TOKEN_LEAVES
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import DEFAULT_REPORTING, EXPORT, Reporting

if TYPE_CHECKING:
    from tokentill.sources.kept_lines import KeptLine


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
    records: UsageColumns | Iterable[UsageRecord],
    bad: Sequence[Bad],
    *,
    label: str,
    at: datetime,
    part_of: int | None = None,
    reporting: Reporting = DEFAULT_REPORTING,
    known: KnownSeries | None = None,
    rows_are_in: Callable[[], None] | None = None,
) -> Counts:
    """Store one batch in the caller's writing transaction. What is there already stays as it is.

    The batch holds the lock on sequence numbers from its first look until the transaction ends, so what lies at or
    below a number that somebody has seen can never grow. A batch that brings nothing new takes no number and writes
    nothing. A payload that counted once, or that somebody rejected, is a duplicate when it comes again.

    Args:
        records: what is in columns may be put in another order.
        part_of: the first batch of the same import, where this is not it.
        reporting: who tells of the records.
        known: what batches before it noted of the series that its columns name.
        rows_are_in: is called when the rows of usage are there, and most of what is left to do is the database's.

    Raises:
        InvalidCall: when a source does not have the reporter.
    """
    given = records if isinstance(records, UsageColumns) else UsageColumns.of(records, SeriesNumbers())
    known = KnownSeries(given.names) if known is None else known
    if not given and not bad:
        return Counts()
    hold_counter(connection, "batch")
    alone, told = told_of_requests(connection, known.source_ids(connection, given.series), given, reporting)
    alone.forget_how_they_came()
    sorted_out = _sorted_out(connection, alone, known)
    new, revised, again = sorted_out.new, sorted_out.revised, sorted_out.again
    for key in same_records_again(connection, {key: one.record for key, one in revised.items()}):
        again = [other for other in again if other != key]
        del revised[key]
    stored_revisions = _stored_revisions(connection, list(revised))
    rejected = sum(stored_revisions.get(key, False) for key in again)
    duplicates = len(alone) - len(new) - len(again) + rejected + told.duplicates
    counts = Counts(
        len(new) + len(told.replacements),
        duplicates,
        len(again) - rejected,
        len(bad),
        replaced=len(told.replacements),
        witnesses=len(told.witnesses),
    )
    for key in stored_revisions:
        del revised[key]
    quarantined = {(line.digest, line.line): line for line in reversed(bad)}
    for known_line in _stored_quarantine(connection, list(quarantined)):
        del quarantined[known_line]
    if not (new or revised or quarantined or told.replacements or told.witnesses):
        return counts
    versions = [1] * len(new) + [one.version for one in told.replacements]
    new.extend(UsageColumns.of((one.record for one in told.replacements), known.names))
    rows = usage_rows(connection, known, new, versions)
    said: dict[str, Any] = {"label": label, "at": at, "part_of": part_of}
    seq = store_batch_row(connection, counts, rows, reporter=reporting.reporter, **said)
    insert_usage(connection, known, rows, seq)
    if rows_are_in is not None:
        rows_are_in()
    store_told(connection, told, {} if rows is None else rows.keyed, seq, by=reporting.reporter, at=at)
    keep_sums(connection, seq, () if rows is None else rows.zero)
    _insert_revisions(connection, revised, seq)
    _insert_quarantined(connection, list(quarantined.values()), seq)
    return counts


def store_batch_row(
    connection: Connection,
    counts: Counts,
    rows: UsageRows | None = None,
    *,
    label: str,
    at: datetime,
    part_of: int | None = None,
    reporter: str = EXPORT,
) -> int:
    """Take the next sequence number, for a batch that brings these rows of usage."""
    seq = next_value(connection, "batch")
    of_rows: dict[str, Any] = {}
    if rows is not None:
        first_at, last_at = rows.extent
        named = columns_of(rows, "digest", "first_id", "last_id", "is_summed")
        of_rows = {"first_at": first_at, "last_at": last_at, **named}
    connection.execute(
        insert(tables.batch).values(
            seq=seq,
            label=label,
            recorded_at=to_micros(at),
            **columns_of(counts, "accepted", "duplicates", "revisions", "quarantined"),
            **of_rows,
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
    columns = UsageColumns.of([record], SeriesNumbers())
    known = KnownSeries(columns.names)
    rows = usage_rows(connection, known, columns, [version])
    seq = store_batch_row(connection, Counts(accepted=1), rows, label=label, at=at)
    insert_usage(connection, known, rows, seq)
    name_version(connection, before_id, record, version)
    return seq


@dataclass(frozen=True, slots=True)
class CameAgain:
    """A record that came again with another payload, and the version and instant of the one that counts."""

    record: UsageRecord
    version: int
    occurred_at: int


@dataclass(slots=True)
class SortedOut:
    """What is new of the records of a batch, in order of their identities, and which payloads came again that are not
    the one that counts: each once in `revised`, and as often as it came in `again`.
    """

    new: UsageColumns
    revised: dict[RevisionKey, CameAgain]
    again: list[RevisionKey]


def _sorted_out(connection: Connection, given: UsageColumns, known: KnownSeries) -> SortedOut:
    """Of equal identities in a batch, the first one counts. The batch's lock keeps others from adding any meanwhile."""
    known.look_up(connection, given.series)
    source_ids = known.source_ids(connection, given.series)
    new, revised, came_again = list[UsageColumns](), dict[RevisionKey, CameAgain](), list[RevisionKey]()
    for source, own in sorted(given.in_order().items(), key=lambda one: source_ids[one[0]]):
        source_id, record_ids = source_ids[source], own.record_ids
        is_first = own.are_first()
        stored = stored_payloads(connection, source_id, list(compress(record_ids, is_first)))
        is_new = is_first[:]
        for record_id in stored:
            is_new[bisect_left(record_ids, record_id)] = False
        new.append(own.chosen(is_new))
        for place in compress(range(len(own)), map(not_, is_new)):
            record_id = record_ids[place]
            if versions := stored.get(record_id):
                number = known.ids.get(own.series[place])
            else:
                first, number = bisect_left(record_ids, record_id), own.series[place]
                versions = [(1, own.instants[first], _payload(own, first, own.series[first]))]
            if all(_payload(own, place, number) != payload for _, _, payload in versions):
                record, (version, occurred_at, _) = own.record(place), versions[-1]
                came_again.append(key := (source_id, record_id, record.digest))
                revised[key] = CameAgain(record, version, occurred_at)
    return SortedOut(_together(new, given.names), revised, came_again)


def _together(parts: Sequence[UsageColumns], names: SeriesNumbers) -> UsageColumns:
    if len(parts) == 1:
        return parts[0]
    whole = UsageColumns(names)
    for part in parts:
        whole.extend(part)
    return whole


def _payload(columns: UsageColumns, place: int, series: int | None) -> Payload:
    leaves = [columns.leaves[leaf][place] if leaf in columns.leaves else 0 for leaf in TOKEN_LEAVES]
    return (
        series,
        columns.instants[place],
        *cost_of(columns.costs[place]),
        *leaves,
        columns.units[place],
        columns.request_keys[place],
    )


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


def _insert_revisions(connection: Connection, revised: Mapping[RevisionKey, CameAgain], seq: int) -> None:
    rows = [
        {
            "source_id": source_id,
            "record_id": record_id,
            "digest": digest,
            "seq": seq,
            "content": canonical_bytes(one.record.content()).decode(),
            "version": one.version,
            "occurred_at": one.occurred_at,
            "revised_at": to_micros(one.record.occurred_at),
        }
        for (source_id, record_id, digest), one in revised.items()
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
