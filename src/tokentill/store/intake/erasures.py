"""Taking a user's id out of everything that is kept of usage, in one transaction, with a token in its place.

Rows that never change otherwise change here alone, with their guards lifted in the same transaction. What is checked by
a digest gets the digest of what it is now: those of batches, usage, series and revisions in their rows, and what must
keep its old one (entries of the audit log, sets of bindings that documents were computed from) by the entry
`user.erased`, which `audit` and those who read the sets look up here. Old digests of records are not kept: with them,
who has the rest of a record could try out whose it was.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from sqlalchemy import Column, Connection, Table, and_, bindparam, delete, func, insert, or_, select, update

from tokentill.canonical import Content, canonical_bytes, content_hash, content_of
from tokentill.errors import IntegrityFault
from tokentill.store import tables
from tokentill.store.audit import ERASED, AuditEntry, audit_entries, redacted_hashes
from tokentill.store.customers import bindings
from tokentill.store.guards import unguarded
from tokentill.store.usage.batch_digests import batch_faults, digests_of_batches
from tokentill.store.usage.usage_digests import usage_row_faults
from tokentill.store.usage.usage_rows import RevisionKey, records_where, series_by_id, series_digest, versions_of
from tokentill.store.usage.withdrawals import ALL_VERSIONS
from tokentill.usage.aggregates import Series
from tokentill.usage.ids import tells_of_key
from tokentill.usage.privacy import NOT_KEPT
from tokentill.usage.record import SERIES_FIELDS, UsageRecord, digest_of_content

TOKEN = "erased:"  # noqa: S105 - what tokens begin with
_CHANGED = (
    *("series", "usage", "batch", "revision", "revision_decision", "witness", "binding", "quarantine", "staged_record"),
    "audit",
)


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """How many rows of each kind name the token now, and what else has to be known of them (see `ERASED`)."""

    series: int
    records: int
    revisions: int
    witnesses: int
    bindings: int
    staged: int
    quarantined: int
    audit: Mapping[str, str]
    binding_sets: Mapping[str, str]


def binding_set_hash(connection: Connection, stated: str) -> str:
    """The hash that a set of bindings has now, which had another one before users were erased from it."""
    return _followed(connection, "binding_sets", stated)


def cell_now(connection: Connection, stated: str) -> str:
    """What stands for the cell of a control total now, in hexadecimal, if a user was erased from it."""
    return _followed(connection, "cells", stated)


def is_token(user: str | None) -> bool:
    """Whether a user was erased."""
    return user is not None and user.startswith(TOKEN)


def erase_rows(connection: Connection, user: str, token: str, source: str | None) -> ErasedRows:
    """Put a token in the place of a user, in the caller's writing transaction, which holds the batch's counter.

    Args:
        source: only in records of this source.

    Raises:
        IntegrityFault: when a row is not what its digest says; then nothing is to be erased but looked into.
    """
    before = _binding_sets(connection)
    with unguarded(connection, _CHANGED):
        records, series = _erase_usage(connection, user, token, source)
        bound = _erase_bindings(connection, user, token, source)
        return ErasedRows(
            series=series,
            records=records,
            revisions=_erase_told(connection, tables.revision, user, token, source),
            witnesses=_erase_told(connection, tables.witness, user, token, source),
            bindings=bound,
            staged=_erase_staged(connection, user, token, source),
            quarantined=_erase_quarantined(connection, user, token),
            audit=_erase_audit(connection, user, token, source),
            binding_sets={old: new for old, new in zip(before, _binding_sets(connection), strict=True) if old != new},
        )


def same_records_again(connection: Connection, revised: Mapping[RevisionKey, UsageRecord]) -> set[RevisionKey]:
    """Those payloads that differ from what is stored in nothing but a user who was erased, or the team and the name of
    their API key, where the stored record has the key and says nothing of it: earlier versions did not read them.
    """
    if not revised:
        return set()
    stored = versions_of(connection, sorted({key[:2] for key in revised}))
    return {
        key
        for key, record in revised.items()
        for _, version in stored.get(key[:2], ())
        if _as_stored(record, version.series).digest == version.digest
    }


def _as_stored(record: UsageRecord, series: Series) -> UsageRecord:
    """A record without what cannot be in the stored row of it, which is of this series."""
    user = series.user if is_token(series.user) else record.user
    unnamed = series.api_key is not None and not any(map(tells_of_key, series.tags))
    tags = tuple(tag for tag in record.tags if not tells_of_key(tag)) if unnamed else record.tags
    return replace(record, user=user, tags=tags)


def _followed(connection: Connection, kind: str, stated: str) -> str:
    """What stands for something now that erasures gave another name, one after the other."""
    replaced: dict[str, str] = {}
    for content in _erasures(connection):
        replaced |= content.get(kind, {})
    while stated in replaced:
        stated = replaced.pop(stated)
    return stated


def _erasures(connection: Connection) -> list[Content]:
    table = tables.audit.c
    rows = connection.execute(select(table.content).where(table.action == ERASED).order_by(table.seq)).scalars()
    return [content_of(row) or {} for row in rows]


def _erase_usage(connection: Connection, user: str, token: str, source: str | None) -> tuple[int, int]:
    table, usage = tables.series, tables.usage
    query = select(table).where(table.c.user == user)
    rows = connection.execute(query if source is None else query.where(table.c.source == source)).all()
    ids = [row.id for row in rows]
    if not ids:
        return 0, 0
    own = usage.c.series_id.in_(ids)
    erased = select(usage.c.id).where(own)
    faults = chain(usage_row_faults(connection, erased), (fault for _, fault in batch_faults(connection, erased)))
    if fault := next(filter(None, faults), None):
        raise IntegrityFault(f"{fault}; see `db check`")
    for row in rows:
        fields = {**{name: row._mapping[name] for name in SERIES_FIELDS}, "user": token}
        connection.execute(update(table).where(table.c.id == row.id).values(user=token, digest=series_digest(fields)))
    series = series_by_id(connection, ids)
    having = [own, usage.c.digest.is_not(None)]
    records = records_where(connection, usage.c.id, usage, series, ALL_VERSIONS, having)
    _put_digests(connection, usage.c.id, ((id_, record.digest) for id_, record in records))
    batch = tables.batch.c
    brought = select(batch.seq).where(batch.digest.is_not(None), batch.seq.in_(select(usage.c.seq).where(own)))
    found = digests_of_batches(connection, brought)
    _put_digests(connection, batch.seq, ((seq, digest) for seq, _, digest in found))
    return connection.execute(select(func.count()).select_from(usage).where(own)).scalar_one(), len(ids)


def _put_digests(connection: Connection, key: Column[int], digests: Iterable[tuple[int, bytes | None]]) -> None:
    """Give rows of a table the digests of what they say now."""
    new = [{"row": row, "new": digest} for row, digest in digests]
    if new:
        statement = update(key.table).where(key == bindparam("row")).values(digest=bindparam("new"))
        connection.execute(statement, new)


def _erase_bindings(connection: Connection, user: str, token: str, source: str | None) -> int:
    table = tables.binding
    chosen = table.c.user == user
    if source is not None:
        chosen = and_(chosen, or_(table.c.source == source, table.c.source.is_(None)))
    return connection.execute(update(table).where(chosen).values(user=token)).rowcount


def _binding_sets(connection: Connection) -> list[str]:
    """What the bindings of each stored set are hashed to as they are."""
    listed = bindings(connection)
    table = tables.recording.c
    rows = connection.execute(select(table.content).where(table.kind == "contract-set").order_by(table.hash)).scalars()
    stated = [json.loads(bytes(stored))["bindings"] for stored in rows]
    uptos = [bound["upto"] for bound in stated if isinstance(bound, dict)]
    return [content_hash([one.content() for one in listed if one.seq <= upto]) for upto in uptos]


def _erase_told(connection: Connection, table: Table[Any], user: str, token: str, source: str | None) -> int:
    """Revisions and what was told beside what counts are known by their digest; so each is stored anew, and what people
    said of a revision goes over to it.
    """
    key = table.primary_key.columns.keys()
    decision = tables.revision_decision
    rows = connection.execute(select(table).where(table.c.content.contains(_member("user", user), autoescape=True)))
    count = 0
    for row in rows.all():
        content = json.loads(row.content)
        if content["user"] != user or source not in (None, content["source"]):
            continue
        written = canonical_bytes({**content, "user": token})
        new = {**row._mapping, "content": written.decode(), "digest": digest_of_content(written)}
        connection.execute(insert(table).values(**new))
        if table is tables.revision:
            old = [decision.c[name] == row._mapping[name] for name in key]
            connection.execute(update(decision).where(*old).values(digest=new["digest"]))
        connection.execute(delete(table).where(*(table.c[name] == row._mapping[name] for name in key)))
        count += 1
    return count


def _erase_staged(connection: Connection, user: str, token: str, source: str | None) -> int:
    table = tables.staged_record
    named = _finder(user)
    count = 0
    for row in connection.execute(select(table)).all():
        content = json.loads(row.content)
        bad = content.get("bad")
        if bad is not None:
            raw = "" if bad["kept"] is None else _text(b64decode(bad["kept"]["raw"]))
            if not named.search(raw) and not named.search(row.content):
                continue
            bad |= {"raw": NOT_KEPT, "kept": None, "reason": named.sub(token, bad["reason"])}
            bad["record_id"] = bad["record_id"] and named.sub(token, bad["record_id"])
        elif content["user"] == user and source in (None, content["source"]):
            content["user"] = token
        else:
            continue
        at = (table.c.seq == row.seq, table.c.position == row.position)
        connection.execute(update(table).where(*at).values(content=canonical_bytes(content).decode()))
        count += 1
    return count


def _erase_quarantined(connection: Connection, user: str, token: str) -> int:
    """Of a bad line nobody knows what in it is the user; so nothing of it stays but why it is bad."""
    table, named = tables.quarantine, _finder(user)
    columns = (table.c.digest, table.c.line, table.c.reason, table.c.record_id, table.c.excerpt, table.c.raw)
    changed = [
        row
        for row in connection.execute(select(*columns)).all()
        if any(map(named.search, (row.reason, row.record_id or "", row.excerpt, _text(row.raw))))
    ]
    for row in changed:
        said: dict[str, Any] = {"reason": named.sub(token, row.reason), "excerpt": NOT_KEPT}
        said |= {"record_id": row.record_id and named.sub(token, row.record_id), "raw": None, "header": None}
        at = (table.c.digest == row.digest, table.c.line == row.line)
        connection.execute(update(table).where(*at).values(**said))
    return len(changed)


def _erase_audit(connection: Connection, user: str, token: str, source: str | None) -> dict[str, str]:
    """Bindings stand in the log, too. Their entries keep their places in the chain, and the new entry says what they
    are hashed to now.
    """
    known, now = redacted_hashes(connection), {}
    for entry in list(audit_entries(connection)):
        content = json.loads(entry.content)
        if entry.action != "binding.added" or content["user"] != user:
            continue
        if source is not None and content["source"] not in (source, None):
            continue
        if entry.expected_hash not in (entry.hash, known.get(entry.seq)):
            raise IntegrityFault(f"audit entry {entry.seq} was changed; see `db check`")
        written = canonical_bytes({**content, "user": token}).decode()
        names = ("seq", "at", "actor", "action", "previous_hash", "hash")
        redacted = AuditEntry(**{name: getattr(entry, name) for name in names}, content=written)
        connection.execute(update(tables.audit).where(tables.audit.c.seq == entry.seq).values(content=written))
        now[str(entry.seq)] = redacted.expected_hash
    return now


def _member(name: str, value: str) -> str:
    """A member of an object as canonical JSON has it."""
    return canonical_bytes({name: value}).decode()[1:-1]


def _finder(user: str) -> re.Pattern[str]:
    """Finds a user in a text, in which it may stand as JSON; not inside of a longer id."""
    forms = {user, canonical_bytes(user).decode()[1:-1], json.dumps(user, ensure_ascii=False)[1:-1]}
    return re.compile(rf"(?<![\w.@-])(?:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))})(?![\w@-])")


def _text(raw: bytes | None) -> str:
    return "" if raw is None else bytes(raw).decode("utf-8", "replace")
