"""Lines that are not records: what is kept of them, and what people said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from tokentill.canonical import Content, fields_of
from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.store import tables
from tokentill.store.database import insert_rows
from tokentill.store.decoding import decoded, decoding

LineState = Literal["open", "discarded"]


@dataclass(frozen=True, slots=True)
class QuarantinedLine:
    """A line that is not a record, as it is kept. `discarded` says who looked at it and discarded it, why and when."""

    digest: bytes
    line: int
    file: str
    reason: str
    record_id: str | None
    occurred_at: datetime | None
    excerpt: str
    came_at: datetime
    discarded: tuple[str, str, datetime] | None = None

    @property
    def id(self) -> str:
        """What a command names it by: the beginning of its digest, and its line number."""
        return f"{self.digest.hex()[:12]}:{self.line}"

    @property
    def state(self) -> LineState:
        """`open` as long as nobody looked at it."""
        return "open" if self.discarded is None else "discarded"

    def content(self) -> Content:
        """Canonical content."""
        by, reason, at = self.discarded or (None, None, None)
        return {
            **fields_of(self, "id", "file", "line", "reason", "record_id", "occurred_at", "excerpt", "came_at"),
            "state": self.state,
            "discarded": None if at is None else {"by": by, "reason": reason, "at": instant_text(at)},
        }


def quarantined_lines(
    connection: Connection,
    *,
    within: tuple[datetime, datetime] | None = None,
    file: str | None = None,
    line: int | None = None,
) -> list[QuarantinedLine]:
    """Lines in the order in which they came.

    Args:
        within: only those of this segment of time, and those whose instant is not known.
        file: only those of imports under this name.
        line: only those of this number.
    """
    table, batch, decision = tables.quarantine, tables.batch, tables.quarantine_decision
    query = (
        select(table, table.c.label.label("file"), batch.c.recorded_at.label("came_at"), decision.c.reviewer)
        .add_columns(decision.c.reason.label("why"), decision.c.recorded_at.label("decided_at"))
        .join(batch, batch.c.seq == table.c.seq)
        .outerjoin(decision)
        .order_by(table.c.seq, table.c.label, table.c.line, table.c.digest)
    )
    if within is not None:
        query = query.where(_lies_in(*within))
    for column, value in ((table.c.label, file), (table.c.line, line)):
        if value is not None:
            query = query.where(column == value)
    return [_line(row) for row in connection.execute(query)]


def count_quarantined(connection: Connection, starts_at: datetime, ends_at: datetime) -> int:
    """How many lines that nobody looked at lie in [starts_at, ends_at), or at no instant that is known."""
    table, decision = tables.quarantine, tables.quarantine_decision
    undecided = select(func.count()).select_from(table.outerjoin(decision)).where(decision.c.decision.is_(None))
    return int(connection.execute(undecided.where(_lies_in(starts_at, ends_at))).scalar_one())


def discard_lines(
    connection: Connection, lines: Sequence[QuarantinedLine], *, by: str, reason: str, at: datetime
) -> None:
    """Write down that somebody looked at lines and discards them. They stay where they are."""
    decision = {"decision": "discarded", "reviewer": by, "reason": reason, "recorded_at": to_micros(at)}
    rows = [{"digest": line.digest, "line": line.line, **decision} for line in lines]
    insert_rows(connection, tables.quarantine_decision, rows)


def _lies_in(starts_at: datetime, ends_at: datetime) -> ColumnElement[bool]:
    at = tables.quarantine.c.occurred_at
    return or_(at.is_(None), and_(at >= to_micros(starts_at), at < to_micros(ends_at)))


@decoding("a quarantined line")
def _line(row: Any) -> QuarantinedLine:
    discarded = None if row.decided_at is None else (row.reviewer, row.why, from_micros(row.decided_at))
    return decoded(QuarantinedLine, row, digest=bytes(row.digest), discarded=discarded)
