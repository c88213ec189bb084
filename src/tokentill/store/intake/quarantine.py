"""Lines that are not records: what is kept of them, and what people said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from tokentill.canonical import Content, fields_of
from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.store import tables
from tokentill.store.database import insert_rows
from tokentill.store.decoding import decoded, decoding, rows_among
from tokentill.usage.reporters import EXPORT

if TYPE_CHECKING:
    from tokentill.sources.kept_lines import KeptLine

LineState = Literal["open", "discarded", "taken"]
LineDecision = Literal["discarded", "taken"]
QuarantineKey = tuple[bytes, int]
"""The digest of a line, and its number."""


@dataclass(frozen=True, slots=True)
class QuarantinedLine:
    """A line that is not a record, as it is kept.

    `decision` is what became of it, and `decided` says who decided so, why and when. `is_kept` says that all of it is
    kept, so that it can be read again (see `kept_lines`).
    """

    digest: bytes
    line: int
    file: str
    reason: str
    record_id: str | None
    occurred_at: datetime | None
    excerpt: str
    came_at: datetime
    reporter: str = EXPORT
    is_kept: bool = False
    decision: LineDecision | None = None
    decided: tuple[str, str, datetime] | None = None

    @property
    def key(self) -> QuarantineKey:
        """What it is stored under."""
        return self.digest, self.line

    @property
    def id(self) -> str:
        """What a command names it by: the beginning of its digest, and its line number."""
        return f"{self.digest.hex()[:12]}:{self.line}"

    @property
    def state(self) -> LineState:
        """`open` as long as nobody looked at it."""
        return "open" if self.decision is None else self.decision

    def content(self) -> Content:
        """Canonical content."""
        by, reason, at = self.decided or (None, None, None)
        said = None if at is None else {"by": by, "reason": reason, "at": instant_text(at)}
        return {
            **fields_of(self, "id", "file", "line", "reason", "record_id", "occurred_at", "excerpt", "came_at"),
            **fields_of(self, "is_kept", "state"),
            **{decision: said if self.decision == decision else None for decision in get_args(LineDecision)},
        }


def quarantined_lines(
    connection: Connection,
    *,
    within: tuple[datetime, datetime] | None = None,
    file: str | None = None,
    line: int | None = None,
    record_id: str | None = None,
) -> list[QuarantinedLine]:
    """Lines in the order in which they came.

    Args:
        within: only those of this segment of time, and those whose instant is not known.
        file: only those of imports under this name.
        line: only those of this number.
        record_id: only those that name this record.
    """
    table, batch, decision = tables.quarantine, tables.batch, tables.quarantine_decision
    shown = [column for column in table.columns if column.name not in ("raw", "header")]
    query = (
        select(*shown, table.c.label.label("file"), batch.c.recorded_at.label("came_at"))
        .add_columns(func.coalesce(batch.c.reporter, EXPORT).label("reporter"))
        .add_columns(table.c.raw.is_not(None).label("kept"), decision.c.decision, decision.c.reviewer)
        .add_columns(decision.c.reason.label("why"), decision.c.recorded_at.label("decided_at"))
        .join(batch, batch.c.seq == table.c.seq)
        .outerjoin(decision)
        .order_by(table.c.seq, table.c.label, table.c.line, table.c.digest)
    )
    if within is not None:
        query = query.where(_lies_in(*within))
    for column, value in ((table.c.label, file), (table.c.line, line), (table.c.record_id, record_id)):
        if value is not None:
            query = query.where(column == value)
    return [_line(row) for row in connection.execute(query)]


def count_quarantined(connection: Connection, starts_at: datetime, ends_at: datetime) -> int:
    """How many lines that nobody looked at lie in [starts_at, ends_at), or at no instant that is known."""
    table, decision = tables.quarantine, tables.quarantine_decision
    undecided = select(func.count()).select_from(table.outerjoin(decision)).where(decision.c.decision.is_(None))
    return int(connection.execute(undecided.where(_lies_in(starts_at, ends_at))).scalar_one())


@decoding("a quarantined line")
def kept_lines(connection: Connection, keys: Sequence[QuarantineKey]) -> dict[QuarantineKey, KeptLine]:
    """What is kept of lines; those that are not kept are left out."""
    from tokentill.sources.kept_lines import KeptLine  # here: previews only count lines

    table = tables.quarantine.c
    query = select(table.digest, table.line, table.raw, table.header, table.source, table.format)
    rows = rows_among(connection, query.where(table.raw.is_not(None)), (table.digest, table.line), keys)
    return {
        (bytes(row.digest), row.line): KeptLine(
            bytes(row.raw), None if row.header is None else bytes(row.header), row.source, row.format
        )
        for row in rows
    }


def decided_keys(connection: Connection, keys: Sequence[QuarantineKey]) -> set[QuarantineKey]:
    """Those of lines that somebody decided on."""
    table = tables.quarantine_decision.c
    rows = rows_among(connection, select(table.digest, table.line), (table.digest, table.line), keys)
    return {(bytes(row.digest), row.line) for row in rows}


def decide_lines(
    connection: Connection, keys: Sequence[QuarantineKey], decision: LineDecision, *, by: str, reason: str, at: datetime
) -> None:
    """Write down what became of lines. They stay where they are."""
    said = {"decision": decision, "reviewer": by, "reason": reason, "recorded_at": to_micros(at)}
    rows = [{"digest": digest, "line": line, **said} for digest, line in keys]
    insert_rows(connection, tables.quarantine_decision, rows)


def _lies_in(starts_at: datetime, ends_at: datetime) -> ColumnElement[bool]:
    at = tables.quarantine.c.occurred_at
    return or_(at.is_(None), and_(at >= to_micros(starts_at), at < to_micros(ends_at)))


@decoding("a quarantined line")
def _line(row: Any) -> QuarantinedLine:
    decided = None if row.decided_at is None else (row.reviewer, row.why, from_micros(row.decided_at))
    return decoded(QuarantinedLine, row, digest=bytes(row.digest), is_kept=bool(row.kept), decided=decided)
