"""Records that came again with another payload, and what people said of them.

A revision counts for nothing until somebody accepts it. It is then a version of its record, in a row of usage.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select

from tokentill.canonical import Content, ContentOfFields, fields_of
from tokentill.clock import from_micros, to_micros
from tokentill.store import tables
from tokentill.store.decoding import columns_of, decoded
from tokentill.store.intake.staging import record_of
from tokentill.store.usage.usage_rows import Identity, StoredRecord, versions_of
from tokentill.usage.record import UsageRecord

RevisionState = Literal["open", "accepted", "rejected"]
Decision = Literal["accepted", "rejected"]


@dataclass(frozen=True, slots=True)
class Decided(ContentOfFields):
    """What somebody said of a revision."""

    decision: Decision
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """A payload that a record came again with.

    `counted` is what it is compared with: the version that counts, or for an accepted revision the one that it
    replaced. `counted_id` is the row of the version that counts now, and `is_current` says that this is it.
    """

    source: str
    record_id: str
    digest: bytes
    file: str
    came_at: datetime
    revised: Content
    counted: StoredRecord
    counted_id: int
    identity: Identity
    is_current: bool = False
    decided: Decided | None = None

    @property
    def state(self) -> RevisionState:
        """Whether somebody decided on it."""
        return "open" if self.decided is None else self.decided.decision

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """The fields that are not the same, each with the old and the new value."""
        old, new = ({"is_replayed": False, **content} for content in (self.counted.content(), self.revised))
        names = sorted(old.keys() | new.keys())
        both = ((name, old.get(name), new.get(name)) for name in names)
        return {name: (before, after) for name, before, after in both if before != after}

    def record(self) -> UsageRecord:
        """The record that the payload is."""
        return record_of(self.revised)

    def content(self) -> Content:
        """Canonical content."""
        return {
            **fields_of(self, "source", "record_id"),
            "digest": self.digest.hex(),
            **fields_of(self, "file", "came_at", "state", "decided"),
            "differences": {name: {"old": old, "new": new} for name, (old, new) in self.differences.items()},
            **fields_of(self, "counted", "revised"),
        }


def stored_revisions(
    connection: Connection, *, within: tuple[datetime, datetime] | None = None, identity: Identity | None = None
) -> list[Revision]:
    """Revisions in the order in which they came.

    Args:
        within: only those whose record lies in this segment of time, before or after.
        identity: only those of this record.
    """
    table, source, batch = tables.revision, tables.source, tables.batch
    query = (
        select(table, source.c.name.label("source"), batch.c.label.label("file"), batch.c.recorded_at.label("came_at"))
        .join(source, source.c.id == table.c.source_id)
        .join(batch, batch.c.seq == table.c.seq)
        .order_by(table.c.seq, source.c.name, table.c.record_id, table.c.digest)
    )
    if within is not None:
        query = query.where(_lies_in(*within))
    if identity is not None:
        query = query.where(table.c.source_id == identity[0], table.c.record_id == identity[1])
    rows = connection.execute(query).all()
    decision = tables.revision_decision
    decisions: dict[tuple[int, str, bytes], Decided] = {}
    chosen = query.with_only_columns(decision).join(decision).order_by(None)
    # An accepted revision may have been rejected before; that is then no longer what holds.
    for row in connection.execute(chosen.order_by(decision.c.decision.desc())):
        decided = Decided(row.decision, row.reviewer, row.reason, from_micros(row.recorded_at))
        decisions[row.source_id, row.record_id, bytes(row.digest)] = decided
    versions = versions_of(connection, list(dict.fromkeys((row.source_id, row.record_id) for row in rows)))
    revisions = []
    for row in rows:
        identity_of, digest = (row.source_id, row.record_id), bytes(row.digest)
        records = [record for _, record in versions[identity_of]]
        place = next((n for n, record in enumerate(records) if record.digest == digest), len(records))
        revisions.append(
            decoded(
                Revision,
                row,
                digest=digest,
                revised=json.loads(row.content),
                counted=records[place - 1],
                counted_id=versions[identity_of][-1][0],
                identity=identity_of,
                is_current=place == len(records) - 1,
                decided=decisions.get((*identity_of, digest)),
            )
        )
    return revisions


def count_open_revisions(connection: Connection, starts_at: datetime, ends_at: datetime) -> int:
    """How many revisions that nobody decided on have their record in [starts_at, ends_at), before or after."""
    table, decision = tables.revision, tables.revision_decision
    undecided = select(func.count()).select_from(table.outerjoin(decision)).where(decision.c.decision.is_(None))
    return int(connection.execute(undecided.where(_lies_in(starts_at, ends_at))).scalar_one())


def decide(connection: Connection, revision: Revision, decided: Decided) -> None:
    """Append what somebody said, in the caller's writing transaction."""
    said = {**columns_of(decided, "decision", "reason"), "reviewer": decided.by, "recorded_at": to_micros(decided.at)}
    row = {"source_id": revision.identity[0], **columns_of(revision, "record_id", "digest"), **said}
    connection.execute(insert(tables.revision_decision).values(**row))


def _lies_in(starts_at: datetime, ends_at: datetime) -> ColumnElement[bool]:
    first, last = to_micros(starts_at), to_micros(ends_at)
    table = tables.revision.c
    return or_(*(and_(at >= first, at < last) for at in (table.occurred_at, table.revised_at)))
