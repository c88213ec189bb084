"""The audit log: what was done, by whom and when, each entry chained to the one before by its hash."""

from __future__ import annotations

import getpass
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from tokentill.canonical import Content, ContentOfFields, canonical_bytes, content_hash, fields_of
from tokentill.clock import from_micros, to_micros
from tokentill.store import tables
from tokentill.store.database import current_value, insert_rows, next_values
from tokentill.store.decoding import columns_of, decoded, decoding

FIRST_HASH = "sha256:" + "0" * 64
ERASED = "user.erased"
"""The action of an entry by which a user's id was taken out of earlier ones (see `erasures`). They keep their hashes,
and so their places in the chain; under `audit` it says what they are hashed to without the id."""


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
        return content_hash(fields_of(self, "seq", "at", "actor", "action", "content", "previous_hash"))


@dataclass(frozen=True, slots=True)
class ChainHead(ContentOfFields):
    """The last entry of the audit log. Kept elsewhere, it shows later whether anything before it was changed."""

    seq: int
    hash: str


def chain_head(connection: Connection) -> ChainHead | None:
    """The last entry; None of an empty log."""
    table = tables.audit
    row = connection.execute(select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else ChainHead(row.seq, row.hash)


def append_audit(
    connection: Connection, action: str, content: Content, *, at: datetime, actor: str | None = None
) -> None:
    """Append an entry in the caller's writing transaction, so that it is there exactly when its deed is."""
    append_audits(connection, action, [content], at=at, actor=actor)


def append_audits(
    connection: Connection, action: str, contents: Collection[Content], *, at: datetime, actor: str | None = None
) -> None:
    """Append an entry for each content, in their order, likewise."""
    if not contents:
        return
    seqs = next_values(connection, "audit", len(contents))
    table, actor = tables.audit, actor or actor_here()
    previous = connection.execute(select(table.c.hash).where(table.c.seq == seqs[0] - 1)).scalar() or FIRST_HASH
    rows = []
    for seq, content in zip(seqs, contents, strict=True):
        entry = AuditEntry(seq, at, actor, action, canonical_bytes(content).decode(), previous, "")
        stored = columns_of(entry, "seq", "actor", "action", "content", "previous_hash")
        previous = entry.expected_hash
        rows.append({**stored, "recorded_at": to_micros(at), "hash": previous})
    insert_rows(connection, table, rows)


def audit_entries(connection: Connection) -> Iterator[AuditEntry]:
    """All entries, oldest first."""
    for row in connection.execute(select(tables.audit).order_by(tables.audit.c.seq)):
        yield decoded(AuditEntry, row, at=from_micros(row.recorded_at))


def redacted_hashes(connection: Connection) -> dict[int, str]:
    """What entries are hashed to that a user's id was taken out of, by their numbers."""
    table, hashes = tables.audit.c, dict[int, str]()
    for content in connection.execute(
        select(table.content).where(table.action == ERASED).order_by(table.seq)
    ).scalars():
        hashes |= {int(seq): hash_ for seq, hash_ in json.loads(content)["audit"].items()}
    return hashes


@decoding("the audit log")
def audit_faults(connection: Connection) -> list[str]:
    """What is wrong with the chain; nothing, when every entry is there and unchanged."""
    faults = []
    redacted = redacted_hashes(connection)
    previous, seq = FIRST_HASH, 0
    for entry in audit_entries(connection):
        seq += 1
        if entry.seq != seq:
            faults.append(f"audit entry {seq} is missing")
            seq = entry.seq
        if entry.previous_hash != previous or entry.expected_hash != redacted.get(entry.seq, entry.hash):
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
