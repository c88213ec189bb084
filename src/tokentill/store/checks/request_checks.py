"""What holds of reports of requests: each is named by its record, and what was told beside is kept as it was told."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Connection, and_, func, or_, select

from tokentill.clock import to_micros
from tokentill.store import tables
from tokentill.store.checks.invariants import Looked
from tokentill.store.intake.staging import record_of
from tokentill.usage.reporters import EXPORT

_ROWS_AT_ONCE = 5_000


def requests_are_those_of_their_records(connection: Connection) -> Looked:
    """A row of a request is that of a record of its source and version; the first one gives the request its name."""
    usage, request = tables.usage, tables.usage_request
    own = func.coalesce(request.c.request_key, usage.c.record_id)
    wrong = or_(
        usage.c.id.is_(None),
        request.c.source_id != usage.c.source_id,
        request.c.version != usage.c.version,
        and_(request.c.version == 1, request.c.request != own),
    )
    joined = request.outerjoin(usage, usage.c.id == request.c.usage_id)
    named = connection.execute(select(request.c.request).select_from(joined).where(wrong).order_by(request.c.usage_id))
    faults = [f"a report of the request {name!r} is not that of its record" for name in named.scalars()]
    return Looked(connection.execute(select(func.count()).select_from(request)).scalar_one(), "reports", faults)


def witnesses_are_what_was_told(connection: Connection) -> Looked:
    """The content of a witness is what its digest says, and its columns are what its content and its import say."""
    faults, looked = [], 0
    for fault in _witness_faults(connection):
        looked += 1
        faults += [fault] if fault else []
    return Looked(looked, "witnesses", faults)


def _witness_faults(connection: Connection) -> Iterator[str | None]:
    table, source, batch = tables.witness, tables.source, tables.batch
    known = func.coalesce(batch.c.reporter, EXPORT)
    query = (
        select(table, source.c.name, known.label("known"))
        .outerjoin(source, source.c.id == table.c.source_id)
        .outerjoin(batch, batch.c.seq == table.c.seq)
    )
    usage, request = tables.usage.c, tables.usage_request.c
    counted = select(usage.id).join_from(tables.usage, tables.usage_request, isouter=True)
    is_named = func.coalesce(request.request, usage.record_id) == table.c.request
    of_request = counted.where(usage.source_id == table.c.source_id, is_named).correlate(table).exists()
    with connection.execute(query.add_columns(of_request.label("counts"))) as result:
        for row in result.yield_per(_ROWS_AT_ONCE):
            try:
                record = record_of(json.loads(row.content))
                told = (record.source, record.record_id, record.digest, to_micros(record.occurred_at))
                is_right = told == (row.name, row.record_id, bytes(row.digest), row.occurred_at)
            except (LookupError, TypeError, ValueError):  # what was written by hand may be anything
                is_right = False
            is_right = is_right and row.known == row.reporter and bool(row.counts)
            yield None if is_right else f"what {row.reporter!r} told of record {row.record_id!r} is not as it was told"


REQUEST_CHECKS = (requests_are_those_of_their_records, witnesses_are_what_was_told)
