"""Which imports brought something, and who all stored usage is of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, func, or_, select, union_all

from tokentill.canonical import ContentOfFields
from tokentill.clock import from_micros
from tokentill.errors import NotFound
from tokentill.store import tables
from tokentill.store.decoding import decoding
from tokentill.store.intake.batches import Bad
from tokentill.usage.reporters import EXPORT

ImportState = Literal["taken", "staged", "cut off", "accepted", "dropped"]
"""`accepted` is one that is not all taken yet, `cut off` one that was not staged to its end."""

_STATE_OF: Mapping[str | None, ImportState] = MappingProxyType(
    {None: "cut off", "staged": "staged", "accepted": "accepted", "taken": "taken", "dropped": "dropped"}
)

NUMBER_DIGITS_MAX = 19
COUNTS = ("accepted", "duplicates", "revisions", "quarantined")


@dataclass(frozen=True, slots=True)
class UsageImport(ContentOfFields):
    """What came in under one name, and how many records of each kind; `at` is when it last brought something."""

    name: str
    at: datetime
    accepted: int
    duplicates: int
    revisions: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class NumberedImport(ContentOfFields):
    """One import, in however many batches. `number` is that of its first batch, `at` when the last one came;
    `retracted` counts its records that were taken back, `staged` the lines that were looked at before, `stage` is the
    name that they were staged under. `reporter` is who told of them.
    """

    number: int
    name: str
    at: datetime
    accepted: int
    duplicates: int
    revisions: int
    quarantined: int
    retracted: int
    staged: int = 0
    state: ImportState = "taken"
    control_totals: int = 0
    stage: str | None = None
    reporter: str = EXPORT


@dataclass(frozen=True, slots=True)
class Imports(ContentOfFields):
    """All imports, oldest first: `imports list --json`."""

    imports: tuple[NumberedImport, ...]


def numbered_imports(connection: Connection, number: int | None = None) -> list[NumberedImport]:
    """All imports that brought something, or one, oldest first."""
    table, usage, gone = tables.batch, tables.usage, tables.withdrawal
    number_of = func.coalesce(table.c.part_of, table.c.seq)
    retracted = (
        select(func.count())
        .select_from(gone.join(usage, usage.c.id == gone.c.usage_id))
        .where(gone.c.cause == "retraction", usage.c.seq == table.c.seq)
    )
    total = tables.control_total
    totals = select(func.count()).select_from(total).where(total.c.seq == table.c.seq)
    staged, event = tables.staged_record, tables.staged_event
    lines: dict[int, int] = dict(connection.execute(select(staged.c.seq, func.count()).group_by(staged.c.seq)).all())
    states: dict[int, ImportState] = dict.fromkeys(lines, _STATE_OF[None])
    for kind in ("staged", "accepted", "taken", "dropped"):
        states |= dict.fromkeys(
            connection.execute(select(event.c.seq).where(event.c.kind == kind)).scalars(), _STATE_OF[kind]
        )
    named = select(event.c.seq, event.c.reason).where(event.c.kind == "staged", event.c.reason != "")
    names: dict[int, str] = dict(connection.execute(named).all())
    counts = [func.sum(table.c[name]).label(name) for name in COUNTS]
    query = (
        select(
            number_of.label("number"),
            func.min(table.c.label).label("name"),
            func.max(table.c.recorded_at).label("at"),
            func.max(table.c.reporter).label("reporter"),
            *counts,
            func.sum(retracted.correlate(table).scalar_subquery()).label("retracted"),
            func.sum(totals.correlate(table).scalar_subquery()).label("control_totals"),
        )
        .where(or_(_brought_something(), table.c.seq.in_(select(staged.c.seq))))
        .group_by(number_of)
        .order_by(number_of)
    )
    if number is not None:
        query = query.where(number_of == number)
    rows = connection.execute(query).all()
    return [
        NumberedImport(
            number=row.number,
            name=row.name,
            at=from_micros(row.at),
            **{name: int(getattr(row, name)) for name in (*COUNTS, "retracted", "control_totals")},
            staged=lines.get(row.number, 0),
            state=states.get(row.number, "taken"),
            stage=names.get(row.number),
            reporter=row.reporter or EXPORT,
        )
        for row in rows
    ]


def import_numbered(connection: Connection, number: int) -> NumberedImport:
    """One import.

    Raises:
        NotFound: when there is none of that number.
    """
    listed = numbered_imports(connection, number)
    if not listed:
        raise NotFound(f"there is no import {number}; `tokentill imports list` shows all, with their numbers")
    return listed[0]


def imports_staged_as(connection: Connection, name: str) -> tuple[int, ...]:
    """The imports that were staged under a name and that nobody decided on, otherwise all of them; a number is that of
    an import.

    Raises:
        NotFound: when there is none.
    """
    event = tables.staged_event.c
    decided = select(event.seq).where(event.kind.in_(("taken", "dropped")))
    query = select(event.seq).where(event.kind == "staged", event.reason == name).order_by(event.seq)
    for chosen in (query.where(event.seq.not_in(decided)), query):
        if numbers := tuple(connection.execute(chosen).scalars()):
            return numbers
    if name.isascii() and name.isdecimal() and len(name) < NUMBER_DIGITS_MAX:
        return (int(name),)
    raise NotFound(f"nothing was staged under the name {name!r}; `tokentill imports list` shows what was")


def import_going_on(connection: Connection, name: str, identity: tuple[str, str] | None, bad: Bad | None) -> int | None:
    """The import of a name that brought a record, by its source and id, or a line before: what begins with it is that
    import, run again.
    """
    table, usage, source, line = tables.batch, tables.usage, tables.source, tables.quarantine
    if identity is not None:
        source_name, record_id = identity
        counted = select(usage.c.seq).join(source, source.c.id == usage.c.source_id)
        counted = counted.where(source.c.name == source_name, usage.c.record_id == record_id)
        witness = tables.witness
        beside = select(witness.c.seq).join(source, source.c.id == witness.c.source_id)
        beside = beside.where(source.c.name == source_name, witness.c.record_id == record_id)
        seqs: Any = union_all(counted, beside)
    elif bad is not None:
        seqs = select(line.c.seq).where(line.c.digest == bad.digest, line.c.line == bad.line)
    else:
        return None
    number_of = func.coalesce(table.c.part_of, table.c.seq)
    return connection.execute(select(func.min(number_of)).where(table.c.label == name, table.c.seq.in_(seqs))).scalar()


def _brought_something() -> ColumnElement[bool]:
    brought = (tables.batch.c[name] > 0 for name in COUNTS)
    return or_(*brought, tables.batch.c.seq.in_(select(tables.control_total.c.seq)))


def last_imports(connection: Connection, limit: int) -> list[UsageImport]:
    """The last imports, newest first; what came under one name, in however many batches, is one."""
    table = tables.batch
    counts = [func.sum(table.c[name]).label(name) for name in COUNTS]
    rows = connection.execute(
        select(table.c.label, func.max(table.c.recorded_at).label("at"), *counts)
        .where(_brought_something())
        .group_by(table.c.label)
        .order_by(func.max(table.c.seq).desc())
        .limit(limit)
    )
    return [UsageImport(row.label, from_micros(row.at), *map(int, row[2:])) for row in rows]


@decoding("usage")
def usage_parties(connection: Connection) -> Iterable[tuple[str, str | None, str | None, tuple[str, ...]]]:
    """The source, user, API key and tags of all usage that is stored, each combination once."""
    table = tables.series
    columns = (table.c.source, table.c.user, table.c.api_key, table.c.tags)
    return [
        (row[0], row[1], row[2], tuple(json.loads(row[3])))
        for row in connection.execute(select(*columns).distinct().order_by(*columns))
    ]


def pushed_days(connection: Connection, period: str) -> tuple[int, int]:
    """How many days of a period Stripe has, and how many it was to be told of and has not."""
    table = tables.push
    states = list(connection.scalars(select(table.c.state).where(table.c.period == period)))
    done = sum(state in ("accepted", "confirmed") for state in states)
    return done, sum(state != "replaced" for state in states) - done
