"""What reporters told of the same requests: the records that count, and what else was told of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from tokentill.clock import to_micros
from tokentill.store import tables
from tokentill.store.database import current_value
from tokentill.store.intake.staging import record_of
from tokentill.store.usage.usage_rows import StoredRecord, records_where, series_by_id, within
from tokentill.store.usage.withdrawals import ALL_VERSIONS, InForce, in_force
from tokentill.usage.record import UsageRecord
from tokentill.usage.reporters import EXPORT

Report = StoredRecord | UsageRecord


@dataclass(frozen=True, slots=True)
class ToldRequest:
    """A request: the record that counts, who told of it, and what other reporters told of it last."""

    record: StoredRecord
    reporter: str
    others: dict[str, Report]


def reporters_within(connection: Connection, starts_at: datetime, ends_at: datetime) -> dict[int, tuple[str, set[str]]]:
    """By the id of a source its name and who told of its requests in a segment of time, where somebody did beside its
    export.
    """
    usage, batch, witness, source = tables.usage, tables.batch, tables.witness, tables.source
    first, last = to_micros(starts_at), to_micros(ends_at)
    name = func.coalesce(batch.c.reporter, EXPORT)
    counted = (
        select(usage.c.source_id, name).join(batch, batch.c.seq == usage.c.seq).where(*within(first, last)).distinct()
    )
    told = select(witness.c.source_id, witness.c.reporter).where(
        witness.c.occurred_at >= first, witness.c.occurred_at < last
    )
    names: dict[int, str] = dict(connection.execute(select(source.c.id, source.c.name)).all())
    reporters: dict[int, set[str]] = {}
    for source_id, reporter in (*connection.execute(counted), *connection.execute(told.distinct())):
        reporters.setdefault(source_id, set()).add(reporter)
    return {id_: (names[id_], listed | {EXPORT}) for id_, listed in sorted(reporters.items()) if listed != {EXPORT}}


def told_within(
    connection: Connection, source_id: int, starts_at: datetime, ends_at: datetime
) -> Iterator[ToldRequest]:
    """The requests of a source that count in [starts_at, ends_at), in order of time; all of them are in memory."""
    usage, request = tables.usage, tables.usage_request
    force = in_force(connection, current_value(connection, "batch"))
    conditions = [
        usage.c.source_id == source_id,
        *within(to_micros(starts_at), to_micros(ends_at)),
    ]
    name = func.coalesce(request.c.request, usage.c.record_id)
    named = select(usage.c.id, name, _reporter()).select_from(
        usage.outerjoin(request, request.c.usage_id == usage.c.id).join(tables.batch, tables.batch.c.seq == usage.c.seq)
    )
    counted = {row[0]: (row[1], row[2]) for row in connection.execute(named.where(*conditions, *force.conditions))}
    requests = named.with_only_columns(name).where(*conditions, *force.conditions)
    others: dict[str, dict[str, tuple[int, Report]]] = {}
    for told_of, reporter, seq, report in (
        *_witnesses(connection, source_id, requests),
        *_replaced(connection, source_id, requests),
    ):
        of_request = others.setdefault(told_of, {})
        if reporter not in of_request or of_request[reporter][0] <= seq:
            of_request[reporter] = (seq, report)
    for id_, record in _records(connection, conditions, force):
        told_of, reporter = counted[id_]
        last = {who: report for who, (_, report) in others.get(told_of, {}).items() if who != reporter}
        yield ToldRequest(record, reporter, last)


def _reporter() -> ColumnElement[str]:
    return func.coalesce(tables.batch.c.reporter, EXPORT)


def _witnesses(connection: Connection, source_id: int, requests: Select[Any]) -> Iterator[tuple[str, str, int, Report]]:
    table = tables.witness.c
    query = select(table.request, table.reporter, table.seq, table.content).where(table.source_id == source_id)
    for row in connection.execute(query.where(table.request.in_(requests))):
        yield row.request, row.reporter, row.seq, record_of(json.loads(row.content))


def _replaced(
    connection: Connection,
    source_id: int,
    requests: Select[Any],
) -> Iterator[tuple[str, str, int, Report]]:
    """What counted of requests once, and does no more."""
    usage, request, gone, batch = tables.usage, tables.usage_request, tables.withdrawal, tables.batch
    inside = usage.join(request, request.c.usage_id == usage.c.id).join(batch, batch.c.seq == usage.c.seq)
    inside = inside.join(gone, and_(gone.c.usage_id == usage.c.id, gone.c.cause == "revision"))
    query = select(usage.c.id, request.c.request, _reporter().label("reporter")).select_from(inside)
    query = query.where(request.c.source_id == source_id, request.c.request.in_(requests))
    rows = {row.id: row for row in connection.execute(query)}
    for start in range(0, len(rows), 500):
        some = list(rows)[start : start + 500]
        for id_, record in _records(connection, [usage.c.id.in_(some)], ALL_VERSIONS):
            yield rows[id_].request, rows[id_].reporter, record.seq, record


def _records(
    connection: Connection, conditions: list[ColumnElement[bool]], force: InForce
) -> Iterator[tuple[int, StoredRecord]]:
    usage = tables.usage
    ids = connection.execute(select(usage.c.series_id).where(*conditions).distinct()).scalars()
    yield from records_where(connection, usage.c.id, usage, series_by_id(connection, ids), force, conditions)
