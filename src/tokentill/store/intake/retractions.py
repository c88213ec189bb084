"""Records that are taken back, all in one statement each: how many, on which documents, and from when on.

A retraction is a batch of its own without records, and a withdrawal for each record that it takes back. Nothing is
removed; what was computed at an older sequence number stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, and_, func, insert, literal, not_, select

from tokentill.canonical import ContentOfFields
from tokentill.clock import from_micros, to_micros
from tokentill.store import tables
from tokentill.store.decoding import decoded
from tokentill.store.issued.documents import live_at
from tokentill.store.usage.usage_rows import of_batches
from tokentill.store.usage.withdrawals import InForce, is_withdrawn
from tokentill.usage.filters import SERIES_KEYS, RecordFilter

LABEL = "retraction of "
Conditions = Sequence[ColumnElement[bool]]
"""What to ask of rows of `usage`."""


@dataclass(frozen=True, slots=True)
class Retraction(ContentOfFields):
    """A statement that records are taken back: from which sequence number on, what was named, and how many they are."""

    seq: int
    what: str
    records: int
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoodOn(ContentOfFields):
    """An issued document that retracted records stand on."""

    number: str
    customer: str
    period: str
    requests: int


def of_record(source_id: int, record_id: str) -> Conditions:
    """The rows of one record."""
    return (tables.usage.c.source_id == source_id, tables.usage.c.record_id == record_id)


def of_import(number: int) -> Conditions:
    """The rows that an import brought."""
    batch = tables.batch.c
    return of_batches(func.coalesce(batch.part_of, batch.seq) == number)


def of_filter(asked: RecordFilter) -> Conditions:
    """The rows that a filter means."""
    usage, series = tables.usage.c, tables.series.c
    named = [series[name] == value for name in SERIES_KEYS if (value := getattr(asked, name)) is not None]
    conditions: list[ColumnElement[bool]] = []
    if named:
        conditions.append(usage.series_id.in_(select(series.id).where(*named)))
    if asked.starts_at is not None:
        conditions.append(usage.occurred_at >= to_micros(asked.starts_at))
    if asked.ends_at is not None:
        conditions.append(usage.occurred_at < to_micros(asked.ends_at))
    return conditions


def count_rows(connection: Connection, chosen: Conditions) -> int:
    """How many rows there are."""
    return connection.execute(select(func.count()).select_from(tables.usage).where(*chosen)).scalar_one()


def count_retracted(connection: Connection, chosen: Conditions, seq_max: int) -> int:
    """How many of the rows were taken back up to a sequence number."""
    return count_rows(connection, (*chosen, is_withdrawn("retraction", seq_max)))


def extent_of(connection: Connection, chosen: Conditions) -> tuple[datetime, datetime] | None:
    """The first and the last instant of rows; None where there are none."""
    at = tables.usage.c.occurred_at
    first, last = connection.execute(select(func.min(at), func.max(at)).where(*chosen)).one()
    return None if first is None else (from_micros(first), from_micros(last))


def series_ids_of(connection: Connection, chosen: Conditions) -> list[int]:
    """The series that rows are of."""
    series_id = tables.usage.c.series_id
    return list(connection.execute(select(series_id).where(*chosen).distinct().order_by(series_id)).scalars())


def documents_of(connection: Connection, chosen: Conditions) -> list[StoodOn]:
    """The live documents that records stand on, as they are or as an earlier version of them was."""
    row_of, header, usage, stood = tables.coverage, tables.invoice, tables.usage, tables.usage.alias("stood")
    gone = tables.withdrawal.alias("gone")
    gone_before = select(gone.c.seq).where(
        gone.c.usage_id == stood.c.id, gone.c.cause.in_(("revision", "retraction")), gone.c.seq <= row_of.c.seq_upto
    )
    query = (
        select(header.c.number, header.c.customer, header.c.period, func.count(usage.c.id.distinct()).label("requests"))
        .select_from(usage)
        .join(stood, and_(stood.c.source_id == usage.c.source_id, stood.c.record_id == usage.c.record_id))
        .join(row_of, tables.usage_in(row_of, stood))
        .join(header, header.c.id == row_of.c.invoice_id)
        .where(*chosen, live_at(None), not_(gone_before.correlate(stood, row_of).exists()))
        .group_by(header.c.id, header.c.number, header.c.customer, header.c.period)
        .order_by(header.c.id)
    )
    return [decoded(StoodOn, row) for row in connection.execute(query)]


def retract_rows(
    connection: Connection, chosen: Conditions, force: InForce, seq: int, *, by: str, reason: str, at: datetime
) -> str:
    """Take back the rows that count, from a sequence number on, in the transaction that took the number.

    Returns:
        The digest of their ids (see `retracted_digests`).
    """
    columns = ("usage_id", "cause", "seq", "reviewer", "reason", "recorded_at")
    said = (literal("retraction"), literal(seq), literal(by), literal(reason), literal(to_micros(at)))
    rows = select(tables.usage.c.id, *said).where(*chosen, *force.conditions)
    connection.execute(insert(tables.withdrawal).from_select(columns, rows))
    return next(digest for _, _, digest in retracted_digests(connection, seq))


def retracted_digests(connection: Connection, seq: int | None = None) -> Iterator[tuple[int, int, str]]:
    """Each retraction by its sequence number, all or one, with how many rows it took back and a digest of their ids."""
    table = tables.withdrawal.c
    query = select(table.seq, table.usage_id).where(table.cause == "retraction")
    if seq is not None:
        query = query.where(table.seq == seq)
    rows = connection.execute(query.order_by(table.seq, table.usage_id))
    for number, of_number in groupby(rows, key=lambda row: row.seq):
        digest, count = sha256(), 0
        for row in of_number:
            digest.update(f"{row.usage_id}\n".encode())
            count += 1
        yield number, count, f"sha256:{digest.hexdigest()}"


def stored_retractions(connection: Connection) -> list[Retraction]:
    """All retractions, oldest first."""
    table, batch = tables.withdrawal, tables.batch
    said = (table.c.reviewer.label("by"), table.c.reason, table.c.recorded_at.label("at"))
    query = (
        select(table.c.seq, batch.c.label, func.count().label("records"), *said)
        .join(batch, batch.c.seq == table.c.seq)
        .where(table.c.cause == "retraction")
        .group_by(table.c.seq, batch.c.label, table.c.reviewer, table.c.reason, table.c.recorded_at)
        .order_by(table.c.seq)
    )
    return [
        decoded(Retraction, row, what=row.label.removeprefix(LABEL), at=from_micros(row.at))
        for row in connection.execute(query)
    ]
