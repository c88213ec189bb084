"""The audit log: what was done, by whom and when, each entry chained to the one before by its hash."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from tokentill.canonical import Content, canonical_bytes, content_hash
from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.store import tables
from tokentill.store.database import current_value, next_value
from tokentill.store.decoding import decoding

FIRST_HASH = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry as stored. `content` is canonical JSON text."""

    seq: int
    at: datetime
    actor: str
    action: str
    content: str
    previous_hash: str
    hash: str

    @property
    def expected_hash(self) -> str:
        """What the hash must be."""
        return _hash(self.seq, self.at, self.actor, self.action, self.content, self.previous_hash)


def append_audit(
    connection: Connection, action: str, content: Content, *, at: datetime, actor: str | None = None
) -> None:
    """Append an entry in the caller's writing transaction, so that it is there exactly when its deed is."""
    who = actor or actor_here()
    seq = next_value(connection, "audit")
    table = tables.audit
    previous = connection.execute(select(table.c.hash).where(table.c.seq == seq - 1)).scalar() or FIRST_HASH
    text = canonical_bytes(content).decode()
    connection.execute(
        insert(table).values(
            seq=seq,
            recorded_at=to_micros(at),
            actor=who,
            action=action,
            content=text,
            previous_hash=previous,
            hash=_hash(seq, at, who, action, text, previous),
        )
    )


def audit_entries(connection: Connection) -> Iterator[AuditEntry]:
    """All entries, oldest first."""
    for row in connection.execute(select(tables.audit).order_by(tables.audit.c.seq)):
        yield AuditEntry(
            row.seq, from_micros(row.recorded_at), row.actor, row.action, row.content, row.previous_hash, row.hash
        )


@decoding("the audit log")
def audit_faults(connection: Connection) -> list[str]:
    """What is wrong with the chain; nothing, when every entry is there and unchanged."""
    faults = []
    previous, seq = FIRST_HASH, 0
    for entry in audit_entries(connection):
        seq += 1
        if entry.seq != seq:
            faults.append(f"audit entry {seq} is missing")
            seq = entry.seq
        if entry.previous_hash != previous or entry.hash != entry.expected_hash:
            faults.append(f"audit entry {entry.seq} was changed, or the one before it")
        previous = entry.hash
    if seq != (last_seq := current_value(connection, "audit")):
        faults.append(f"the audit log ends with entry {seq}, and {last_seq} were made")
    return faults


def actor_here() -> str:
    """The name of whoever runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _hash(seq: int, at: datetime, actor: str, action: str, content: str, previous_hash: str) -> str:
    return content_hash(
        {
            "seq": seq,
            "at": instant_text(at),
            "actor": actor,
            "action": action,
            "content": content,
            "previous_hash": previous_hash,
        }
    )
