"""What each of some records would be to the store: new, there already, or there with other content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Connection, and_, select

from tokentill.store import tables
from tokentill.store.decoding import rows_among
from tokentill.store.intake.erasures import same_records_again
from tokentill.store.usage.usage_rows import versions_of
from tokentill.usage.record import UsageRecord

RecordOutcome = Literal["accepted", "duplicate", "revision"]

_Name = tuple[str, str]


def outcomes_of(connection: Connection, records: Sequence[UsageRecord]) -> list[RecordOutcome]:
    """What becomes of each record, in their order, when `store_batch` stores them in the same transaction.

    The caller holds the batch's lock. A payload that counted once, or that somebody rejected, is a duplicate, and so is
    one that `same_records_again` takes for the same.
    """
    known = _payloads(connection, {(record.source, record.record_id) for record in records})
    rejected = _rejected(connection, set(known))
    outcomes: list[RecordOutcome] = []
    for record in records:
        name = (record.source, record.record_id)
        if name not in known:
            known[name] = {record.digest}
            outcomes.append("accepted")
        else:
            is_known = record.digest in known[name] or (*name, record.digest) in rejected
            outcomes.append("duplicate" if is_known else "revision")
    again = _again(connection, [one for one, outcome in zip(records, outcomes, strict=True) if outcome == "revision"])
    return [
        "duplicate" if (record.source, record.record_id, record.digest) in again else outcome
        for record, outcome in zip(records, outcomes, strict=True)
    ]


def _again(connection: Connection, revised: Sequence[UsageRecord]) -> set[tuple[str, str, bytes]]:
    """Those that differ from what is stored, and are the same records all the same."""
    source = tables.source.c
    names = {record.source for record in revised}
    rows = connection.execute(select(source.id, source.name).where(source.name.in_(sorted(names)))) if names else ()
    ids = {name: id_ for id_, name in rows}
    keyed = {(ids[one.source], one.record_id, one.digest): one for one in revised if one.source in ids}
    same = [keyed[key] for key in same_records_again(connection, keyed)]
    return {(record.source, record.record_id, record.digest) for record in same}


def _payloads(connection: Connection, names: set[_Name]) -> dict[_Name, set[bytes]]:
    """The payloads that ever counted of each of these records that is stored."""
    source = tables.source.c
    sources: dict[str, int] = dict(connection.execute(select(source.name, source.id)).all())
    named = {(sources[name], record_id): (name, record_id) for name, record_id in sorted(names) if name in sources}
    versions = versions_of(connection, list(named))
    return {named[identity]: {record.digest for _, record in listed} for identity, listed in versions.items()}


def _rejected(connection: Connection, names: set[_Name]) -> set[tuple[str, str, bytes]]:
    decision, source = tables.revision_decision, tables.source
    key_of = (source.c.name, decision.c.record_id)
    of_source = and_(source.c.id == decision.c.source_id, decision.c.decision == "rejected")
    query = select(*key_of, decision.c.digest).select_from(decision.join(source, of_source))
    return {
        (name, record_id, bytes(digest))
        for name, record_id, digest in rows_among(connection, query, key_of, sorted(names))
    }
