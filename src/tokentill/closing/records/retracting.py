"""Taking records back: a wrong source, a test's traffic, an export that was loaded twice.

A retraction is a dated fact with a reason, and nothing is removed. Previews leave the records out from then on; what is
issued stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields, fields_of
from tokentill.closing.computation.pins import newest_inputs
from tokentill.closing.records.record_decisions import SignedReason
from tokentill.errors import NotFound
from tokentill.invoicing.coverage import OwnedSegment, Ownership, Periods
from tokentill.invoicing.periods import Month
from tokentill.recordings.load import Folder
from tokentill.store.audit import append_audit
from tokentill.store.database import Database, current_value, hold_counter
from tokentill.store.intake import retractions
from tokentill.store.intake.batches import Counts, store_batch_row
from tokentill.store.intake.imports import import_numbered
from tokentill.store.intake.retractions import Conditions, Retraction, StoodOn
from tokentill.store.issued.documents import documents_around, taken_within
from tokentill.store.usage.aggregates import requests_of_spans
from tokentill.store.usage.cuts import Span
from tokentill.store.usage.usage_rows import series_by_id, source_id_of, versions_of
from tokentill.store.usage.usage_sums import keep_sums
from tokentill.store.usage.withdrawals import InForce, in_force
from tokentill.usage.aggregates import Series
from tokentill.usage.filters import RecordFilter

Retractable = tuple[str, str] | int | RecordFilter
"""What can be taken back: a record by its source and id, an import by its number, or what a filter means."""


@dataclass(frozen=True, slots=True)
class RetractedPart(ContentOfFields):
    """How many of the records are of a customer and period; both are None for what belongs to nobody."""

    customer: str | None
    period: str | None
    requests: int


@dataclass(frozen=True, slots=True)
class Retracted:
    """What was taken back, or would be. `seq` is the number of the retraction; None where it was not made, since
    nothing is to be taken back or only asked what would be.

    `already` counts those of the records that were retracted before. `stands_on` are issued documents that the records
    stand on; they stay as they are.
    """

    what: str
    by: str
    reason: str
    at: datetime
    records: int
    already: int
    parts: tuple[RetractedPart, ...]
    stands_on: tuple[StoodOn, ...]
    seq: int | None = None
    dry_run: bool = False

    def content(self) -> Content:
        """What `usage retract --json` prints."""
        named = ("seq", "dry_run", "what", "records", "already", "by", "reason", "at", "parts", "stands_on")
        return fields_of(self, *named)


@dataclass(frozen=True, slots=True)
class Retractions(ContentOfFields):
    """Everything that was taken back, oldest first: `usage retractions list --json`."""

    retractions: tuple[Retraction, ...]


def retract(
    database: Database, folder: Folder, named: Retractable, signed: SignedReason, *, dry_run: bool = False
) -> Retracted:
    """Take records back. What was retracted before stays as it is, so doing it again changes nothing.

    Args:
        dry_run: only say what would be taken back.

    Raises:
        NotFound: when there is no such record or import, or the filter means none.
        InvalidCall: when there is no reason.
    """
    signed = signed.checked("a retraction")
    if dry_run:
        with database.read() as connection:
            return _looked_at(connection, folder, named, signed)[0]
    with database.write() as connection:
        hold_counter(connection, "batch")
        retracted, chosen, force = _looked_at(connection, folder, named, signed)
        if not retracted.records:
            return replace(retracted, dry_run=False)
        label = retractions.LABEL + retracted.what
        seq = store_batch_row(connection, Counts(), label=label, at=signed.at)
        digest = retractions.retract_rows(
            connection, chosen, force, seq, by=signed.by, reason=signed.reason, at=signed.at
        )
        keep_sums(connection, seq)
        content = {"seq": seq, "what": retracted.what, "records": retracted.records, "rows": digest}
        append_audit(connection, "usage.retracted", {**content, "reason": signed.reason}, at=signed.at, actor=signed.by)
        return replace(retracted, seq=seq, dry_run=False)


def _looked_at(
    connection: Connection, folder: Folder, named: Retractable, signed: SignedReason
) -> tuple[Retracted, Conditions, InForce]:
    """What would be taken back, and how its rows are chosen."""
    what, chosen = _chosen(connection, named)
    seq = current_value(connection, "batch")
    force = in_force(connection, seq)
    counting = (*chosen, *force.conditions)
    parts = _parts(connection, folder, counting)
    retracted = Retracted(
        what=what,
        by=signed.by,
        reason=signed.reason,
        at=signed.at,
        records=sum(part.requests for part in parts),
        already=retractions.count_retracted(connection, chosen, seq),
        parts=parts,
        stands_on=tuple(retractions.documents_of(connection, counting)),
        dry_run=True,
    )
    if not retracted.records and not retracted.already:
        raise NotFound(f"{what} has no record that counts; `tokentill usage summary` shows what was used")
    return retracted, chosen, force


def _chosen(connection: Connection, named: Retractable) -> tuple[str, Conditions]:
    """What is named, in words, and its rows."""
    if isinstance(named, RecordFilter):
        return f"filter {named}", retractions.of_filter(named)
    if isinstance(named, int):
        one = import_numbered(connection, named)
        return f"import {named} ({one.name})", retractions.of_import(named)
    source, record_id = named
    source_id = source_id_of(connection, source)
    identity = (source_id or 0, record_id)
    if not versions_of(connection, [identity]):
        raise NotFound(f"there is no record {record_id!r} of source {source!r}")
    return f"record {record_id} of {source}", retractions.of_record(*identity)


def _parts(connection: Connection, folder: Folder, counting: Conditions) -> tuple[RetractedPart, ...]:
    """Whose the rows are, and in which period they lie."""
    extent = retractions.extent_of(connection, counting)
    if extent is None:
        return ()
    series = series_by_id(connection, retractions.series_ids_of(connection, counting))
    counted: Counter[tuple[str | None, str | None]] = Counter()
    inputs, seq = newest_inputs(connection, folder)
    books = inputs.books()
    last = Month(extent[1].year, extent[1].month).plus(1)
    month = Month(extent[0].year, extent[0].month).plus(-1)
    while month <= last:
        documents = documents_around(connection, month, inputs.position)
        periods = Periods(month, books, documents)
        taken = taken_within(connection, periods.starts_at, periods.ends_at, inputs.position, series)
        ownership = Ownership(books, periods, replace(documents, taken=taken), seq)
        segments = _segments(ownership, series)
        for place, requests in requests_of_spans(connection, [Span.of(one) for one in segments], counting):
            member = segments[place].member
            counted[member, None if member is None else str(month)] += requests
        month = month.plus(1)
    if in_no_period := retractions.count_rows(connection, counting) - counted.total():
        counted[None, None] += in_no_period  # contracts may leave gaps
    return tuple(
        RetractedPart(customer, period, requests)
        for (customer, period), requests in sorted(counted.items(), key=lambda item: _place(*item[0]))
    )


def _segments(ownership: Ownership, series: Mapping[int, Series]) -> list[OwnedSegment]:
    return [segment for one in series.values() for segment in ownership.segments(one)]


def _place(customer: str | None, period: str | None) -> tuple[bool, bytes, str]:
    return (customer is None, (customer or "").encode(), period or "")
