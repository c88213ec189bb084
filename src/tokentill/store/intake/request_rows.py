"""Rows of usage as reports of requests: which request each tells of, who told, and whether another counts instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, select

from tokentill.store import tables
from tokentill.store.bulk import among
from tokentill.store.usage.usage_rows import Identity
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import EXPORT


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """A stored row of usage as a report of a request. `is_replaced` says that another record counts instead of it."""

    id: int
    source_id: int
    record_id: str
    version: int
    reporter: str
    request: str
    request_key: str | None
    is_replaced: bool
    is_retracted: bool
    is_keyed: bool

    @property
    def identity(self) -> Identity:
        """Its source and record id."""
        return self.source_id, self.record_id


def counted_of_request(connection: Connection, source_id: int, record: UsageRecord) -> list[ReportedRow]:
    """The rows of usage that count of the request that a record tells of, also by its own id."""
    rows = reported_rows(connection, {source_id: ([record.record_id, record.request], [record.request])})
    return [row for row in rows if not row.is_replaced and _is_of(row, record)]


def counted_instead(connection: Connection, source_id: int, record_id: str) -> str | None:
    """The record that counts of a request instead of another report of it; None where no other one does."""
    rows = reported_rows(connection, {source_id: ([record_id], [record_id])})
    own = [row for row in rows if row.record_id == record_id]
    witness = tables.witness.c
    told = select(witness.request).where(witness.source_id == source_id, witness.record_id == record_id)
    requests = {row.request for row in own} | set(connection.execute(told).scalars())
    if any(not row.is_replaced for row in own) or not requests:
        return None
    of_request = reported_rows(connection, {source_id: (list(requests), list(requests))})
    counted = [row.record_id for row in of_request if not row.is_replaced and row.request in requests]
    return min(counted, default=None)


def _is_of(row: ReportedRow, record: UsageRecord) -> bool:
    return row.record_id == record.record_id or _names(row, record.request)


def _names(row: ReportedRow, request: str) -> bool:
    """Whether a row is known under the name of a request."""
    return request in (row.request, row.request_key) or (row.request_key is None and row.record_id == request)


def reported_rows(
    connection: Connection, wanted: Mapping[int, tuple[Sequence[str], Sequence[str]]]
) -> Iterable[ReportedRow]:
    """Rows of usage by the source's id: those of these record ids, and those that are known under these requests."""
    usage, request = tables.usage, tables.usage_request
    rows: dict[int, ReportedRow] = {}
    for source_id, (ids, requests) in wanted.items():
        by_id = and_(usage.c.source_id == source_id, among(connection, usage.c.record_id, set(ids)))
        of_requests = (
            and_(request.c.source_id == source_id, among(connection, column, set(requests)))
            for column in (request.c.request, request.c.request_key)
        )
        for condition in (by_id, *of_requests):
            rows.update((row.id, row) for row in _rows_where(connection, condition))
    return rows.values()


def _rows_where(connection: Connection, condition: ColumnElement[bool]) -> Iterable[ReportedRow]:
    usage, request, batch = tables.usage, tables.usage_request, tables.batch
    gone = tables.withdrawal.alias("gone")
    replaced = and_(gone.c.usage_id == usage.c.id, gone.c.cause == "revision")
    taken_back = tables.withdrawal.alias("taken_back")
    retracted = and_(taken_back.c.usage_id == usage.c.id, taken_back.c.cause == "retraction")
    query = (
        select(
            *(usage.c[name] for name in ("id", "source_id", "record_id", "version")),
            func.coalesce(batch.c.reporter, EXPORT).label("reporter"),
            func.coalesce(request.c.request, usage.c.record_id).label("request"),
            request.c.request_key,
            gone.c.seq.is_not(None).label("is_replaced"),
            taken_back.c.seq.is_not(None).label("is_retracted"),
            request.c.usage_id.is_not(None).label("is_keyed"),
        )
        .select_from(
            usage.join(batch, batch.c.seq == usage.c.seq)
            .outerjoin(request, request.c.usage_id == usage.c.id)
            .outerjoin(gone, replaced)
            .outerjoin(taken_back, retracted)
        )
        .where(condition)
    )
    for row in connection.execute(query):
        yield ReportedRow(**row._mapping)
