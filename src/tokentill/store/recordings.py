"""Content-addressed copies of what people wrote, so that an invoice can be verified without the files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from tokentill.canonical import Content, canonical_bytes, content_hash, content_of
from tokentill.clock import to_micros
from tokentill.errors import IntegrityFault
from tokentill.store import tables
from tokentill.store.database import insert_new
from tokentill.store.decoding import rows_among


def keep_recordings(connection: Connection, contents: Iterable[Content], at: datetime) -> None:
    """Keep copies of recordings; one that is there already stays as it is."""
    rows = [
        {
            "hash": content_hash(content),
            "kind": content["kind"],
            "content": canonical_bytes(content),
            "first_seen_at": to_micros(at),
        }
        for content in contents
    ]
    rows.sort(key=lambda row: str(row["hash"]))
    table = tables.recording
    hashes = [row["hash"] for row in rows]
    stored = {row.hash for row in rows_among(connection, select(table.c.hash), (table.c.hash,), hashes)}
    if new := [row for row in rows if row["hash"] not in stored]:
        connection.execute(insert_new(connection, table), new)


def recordings_of(connection: Connection, hashes: Iterable[str]) -> list[Content]:
    """The recordings of these hashes, each checked against its hash.

    Raises:
        IntegrityFault: when one is missing or is not what its hash says.
    """
    table = tables.recording
    ordered = sorted(set(hashes))
    by_hash: dict[str, Content] = {}
    for row in rows_among(connection, select(table.c.hash, table.c.content), (table.c.hash,), ordered):
        content = content_of(bytes(row.content), row.hash)
        if content is None:
            raise IntegrityFault(f"the stored recording {row.hash} was changed")
        by_hash[row.hash] = content
    for missing in (hash_ for hash_ in ordered if hash_ not in by_hash):
        raise IntegrityFault(f"the recording {missing} that an invoice was computed from is not stored")
    return [by_hash[hash_] for hash_ in ordered]
