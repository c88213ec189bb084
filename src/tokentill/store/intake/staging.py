"""Imports that are looked at before they are taken in: their records and lines, and what became of them.

A staged import has a number as every other has, and a batch without records. Its lines count for nothing and take no
identity. When it is accepted, they are taken in as parts of it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import Connection, func, insert, literal, select

from tokentill.canonical import Content, canonical_bytes, fields_of
from tokentill.clock import from_micros, parse_instant, to_micros
from tokentill.store import tables
from tokentill.store.database import insert_rows
from tokentill.store.decoding import decoding
from tokentill.usage.control_totals import ControlTotal, Reported
from tokentill.usage.record import UsageRecord

if TYPE_CHECKING:
    from tokentill.sources.reading import Quarantined

StagedEventKind = Literal["staged", "accepted", "taken", "dropped"]
StagedLine: TypeAlias = "Reported | Quarantined"
_READ_AT_ONCE = 5_000
_BAD = ("name", "line", "reason", "record_id", "raw", "occurred_at")


def add_staged(connection: Connection, seq: int, after: int, lines: Sequence[StagedLine]) -> None:
    """Append lines to a staged import that has `after` of them."""
    rows = [
        {"seq": seq, "position": position, "content": _text_of(line)}
        for position, line in enumerate(lines, start=after + 1)
    ]
    insert_rows(connection, tables.staged_record, rows)


def holds_staged(connection: Connection, seq: int, after: int, lines: Sequence[StagedLine]) -> bool:
    """Whether these lines stand in a staged import behind the first `after`."""
    table = tables.staged_record.c
    query = select(table.content).where(table.seq == seq, table.position.between(after + 1, after + len(lines)))
    return list(connection.execute(query.order_by(table.position)).scalars()) == [_text_of(line) for line in lines]


def count_staged(connection: Connection, seq: int) -> int:
    """How many lines a staged import has."""
    table = tables.staged_record.c
    return connection.execute(select(func.count()).where(table.seq == seq)).scalar_one()


def staged_lines(connection: Connection, seq: int, after: int, limit: int) -> list[StagedLine]:
    """The lines of a staged import behind the first `after`, in order; at most `limit`."""
    table = tables.staged_record.c
    query = select(table.content).where(table.seq == seq, table.position > after).order_by(table.position)
    with decoding("a staged import"):
        return [_line_of(json.loads(text)) for text in connection.execute(query.limit(limit)).scalars()]


def staged_digest(connection: Connection, seq: int) -> str:
    """A digest of all that a staged import holds."""
    table, digest = tables.staged_record.c, sha256()
    query = select(table.content).where(table.seq == seq).order_by(table.position)
    with connection.execute(query, execution_options={"yield_per": _READ_AT_ONCE}) as result:
        for text in result.scalars():
            digest.update(text.encode() + b"\n")
    return f"sha256:{digest.hexdigest()}"


def copy_staged(connection: Connection, seq: int, other: int, upto: int) -> None:
    """Let another import begin with the first lines of a staged one."""
    table = tables.staged_record
    lines = select(literal(other), table.c.position, table.c.content).where(
        table.c.seq == seq, table.c.position <= upto
    )
    connection.execute(insert(table).from_select(("seq", "position", "content"), lines))


def open_staging(connection: Connection, name: str, stage: str) -> int | None:
    """The newest import of a name, staged under another one, of which nobody said what becomes of it."""
    batch, event = tables.batch.c, tables.staged_event.c
    staged = select(event.seq).where(event.kind == "staged", event.reason == stage)
    decided = select(event.seq).where(event.kind != "staged")
    query = select(func.max(batch.seq)).where(batch.label == name, batch.seq.in_(staged), batch.seq.not_in(decided))
    return connection.execute(query).scalar()


def staged_with(connection: Connection, source: str, record_id: str) -> list[tuple[int, str]]:
    """The staged imports that nobody decided on and that hold a record: number and name, oldest first."""
    staged, batch, event = tables.staged_record.c, tables.batch.c, tables.staged_event.c
    decided = select(event.seq).where(event.kind != "staged")
    named = staged.content.contains(f'"record_id":{json.dumps(record_id)}', autoescape=True)
    query = select(staged.seq, staged.content, batch.label).join_from(tables.staged_record, tables.batch)
    rows = connection.execute(query.where(named, staged.seq.not_in(decided)).order_by(staged.seq, staged.position))
    found = ((row.seq, row.label, json.loads(row.content)) for row in rows)
    return list(
        dict.fromkeys(
            (seq, label)
            for seq, label, content in found
            if (content.get("source"), content.get("record_id")) == (source, record_id)
        )
    )


def unfinished_staging(connection: Connection, name: str) -> int | None:
    """The newest import of a name that was not staged to its end."""
    batch, staged, event = tables.batch.c, tables.staged_record.c, tables.staged_event.c
    query = select(func.max(batch.seq)).where(
        batch.label == name, batch.seq.in_(select(staged.seq)), batch.seq.not_in(select(event.seq))
    )
    return connection.execute(query).scalar()


def log_staged(connection: Connection, seq: int, kind: StagedEventKind, *, by: str, reason: str, at: datetime) -> None:
    """Say what became of a staged import."""
    said = {"kind": kind, "reviewer": by, "reason": reason, "recorded_at": to_micros(at)}
    connection.execute(insert(tables.staged_event).values(seq=seq, **said))


def events_of(connection: Connection, seq: int) -> dict[StagedEventKind, tuple[str, str, datetime]]:
    """What became of a staged import: by whom, why and when."""
    table = tables.staged_event
    rows = connection.execute(select(table).where(table.c.seq == seq))
    return {row.kind: (row.reviewer, row.reason, from_micros(row.recorded_at)) for row in rows}


def _text_of(line: StagedLine) -> str:
    if isinstance(line, UsageRecord):
        return canonical_bytes(line.content()).decode()
    if isinstance(line, ControlTotal):
        return canonical_bytes({"control_total": line.content()}).decode()
    kept: Content | None = None
    if line.kept is not None:
        kept = fields_of(line.kept, "source", "format")
        kept |= {name: _base64(getattr(line.kept, name)) for name in ("raw", "header")}
    bad = {**fields_of(line, *_BAD), "digest": line.digest.hex(), "kept": kept}
    return canonical_bytes({"bad": bad}).decode()


def _line_of(content: Content) -> StagedLine:
    bad = content.get("bad")
    if "control_total" in content:
        return ControlTotal.from_content(content["control_total"])
    if bad is None:
        return record_of(content)
    from tokentill.sources.kept_lines import KeptLine  # here: what reads one record needs no format
    from tokentill.sources.reading import Quarantined

    kept = bad["kept"]
    if kept is not None:
        kept = KeptLine(**{**kept, **{name: _bytes(kept[name]) for name in ("raw", "header")}})
    fields: dict[str, Any] = {**bad, "digest": bytes.fromhex(bad["digest"]), "kept": kept}
    return Quarantined(**{**fields, "occurred_at": parse_instant(bad["occurred_at"])})


def record_of(content: Content) -> UsageRecord:
    """The record of its canonical content."""
    cost = content["cost"]
    at = datetime.fromisoformat(content["occurred_at"])
    return UsageRecord(**{**content, "occurred_at": at, "cost": None if cost is None else Decimal(cost)})


def _base64(octets: bytes | None) -> str | None:
    return None if octets is None else b64encode(octets).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
