"""How far the pulls of a source came: windows that were read as a whole, gaps, and the cursor to go on at.

Rows are appended in the transaction that stores the records that they speak of, so none says more than what is stored.
A source has a checkpoint for all of its users together, and one for each user that was asked for alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, insert, select

from tokentill.canonical import ContentOfFields
from tokentill.clock import from_micros, to_micros
from tokentill.store import tables
from tokentill.store.database import hold_counter
from tokentill.store.decoding import decoded, decoding

PullRowKind = Literal["page", "whole", "gap"]


@dataclass(frozen=True, slots=True)
class PullRow:
    """One note: what [starts_at, ends_at) came to. `cursor` is where a `page` ends, `why` what a `gap` may lack."""

    kind: PullRowKind
    starts_at: datetime
    ends_at: datetime
    cursor: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Gap(ContentOfFields):
    """A window of which records may be missing, and why. Its ends are None where it is about single records."""

    starts_at: datetime | None
    ends_at: datetime | None
    user: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Checkpoint(ContentOfFields):
    """Up to when all is whole, from the first pull on. `user` is None for all of a source's users together."""

    source: str
    user: str | None
    upto: datetime | None


def checkpoint_of(connection: Connection, source: str, user: str | None) -> Checkpoint:
    """The checkpoint of a source, for all users or for one."""
    table = tables.pull.c
    query = select(table.checkpoint_at).where(table.source == source, table.asked_user == (user or ""))
    micros = connection.execute(query.order_by(table.number.desc()).limit(1)).scalar()
    with decoding("a checkpoint"):
        return Checkpoint(source, user, None if micros is None else from_micros(micros))


def append_pulls(
    connection: Connection, source: str, user: str | None, rows: Sequence[PullRow], *, at: datetime
) -> None:
    """Note how far a pull came, in the caller's writing transaction; the checkpoint follows from it."""
    if not rows:
        return
    hold_counter(connection, "batch")  # two pulls of one source are numbered one after the other
    table = tables.pull
    last = connection.execute(
        select(table.c.number, table.c.checkpoint_at)
        .where(table.c.source == source, table.c.asked_user == (user or ""))
        .order_by(table.c.number.desc())
        .limit(1)
    ).one_or_none()
    number, checkpoint = (0, None) if last is None else last
    first_gap = _first_gap(connection, source, user) if checkpoint is None else None
    for row in rows:
        number += 1
        starts, ends = to_micros(row.starts_at), to_micros(row.ends_at)
        if row.kind == "gap":
            first_gap = starts if first_gap is None else min(first_gap, starts)
        elif row.kind == "whole" and _goes_on(starts, ends, checkpoint, first_gap):
            checkpoint = ends
        connection.execute(
            insert(table).values(
                source=source,
                asked_user=user or "",
                number=number,
                kind=row.kind,
                starts_at=starts,
                ends_at=ends,
                cursor=row.cursor,
                why=row.why,
                checkpoint_at=checkpoint,
                recorded_at=to_micros(at),
            )
        )


def _goes_on(starts: int, ends: int, checkpoint: int | None, first_gap: int | None) -> bool:
    """Whether all is whole up to the end of a window that is: it begins where all was, or with the first pull."""
    if checkpoint is None:
        return first_gap is None or starts <= first_gap
    return starts <= checkpoint < ends


def _first_gap(connection: Connection, source: str, user: str | None) -> int | None:
    table = tables.pull.c
    of_source = (table.source == source, table.asked_user == (user or ""), table.kind == "gap")
    return connection.execute(select(func.min(table.starts_at)).where(*of_source)).scalar()


def cursor_of(
    connection: Connection, source: str, user: str | None, starts_at: datetime, ends_at: datetime
) -> str | None:
    """The cursor at which a pull of this very window was cut off; None where it was not, or is over."""
    table = tables.pull.c
    same = (table.starts_at == to_micros(starts_at), table.ends_at == to_micros(ends_at))
    query = select(table.kind, table.cursor).where(table.source == source, table.asked_user == (user or ""), *same)
    last = connection.execute(query.order_by(table.number.desc()).limit(1)).one_or_none()
    return last.cursor if last is not None and last.kind == "page" else None


def open_gaps(connection: Connection, source: str) -> list[Gap]:
    """The windows of a source of which records may be missing and that no later pull read as a whole."""
    return [gap for _, gap in gaps_by_source(connection, source)]


def gaps_by_source(connection: Connection, source: str | None = None) -> list[tuple[str, Gap]]:
    """The same of all sources, or of one, each with the name of its source.

    A later pull for all users closes a gap of one of them.
    """
    table = tables.pull
    query = select(table).where(table.c.kind != "page")
    if source is not None:
        query = query.where(table.c.source == source)
    rows = connection.execute(query.order_by(table.c.source, table.c.recorded_at, table.c.asked_user, table.c.number))
    found: list[tuple[str, Gap]] = []
    with decoding("a note of a pull"):
        for row in rows:
            note, user = decoded(PullRow, row), row.asked_user or None
            if note.kind == "gap":
                gap = Gap(note.starts_at, note.ends_at, user, note.why or "")
                found = [one for one in found if one != (row.source, gap)] + [(row.source, gap)]
            else:
                found = [left for one in found for left in _without(one, row.source, user, note)]
    return found


def _without(one: tuple[str, Gap], source: str, user: str | None, whole: PullRow) -> Iterable[tuple[str, Gap]]:
    """What stays of a gap where a later pull was whole."""
    gap_source, gap = one
    if gap_source != source or user not in (None, gap.user) or gap.starts_at is None or gap.ends_at is None:
        return [one]
    parts = [(gap.starts_at, min(gap.ends_at, whole.starts_at)), (max(gap.starts_at, whole.ends_at), gap.ends_at)]
    return [(source, replace(gap, starts_at=start, ends_at=end)) for start, end in parts if start < end]
