"""Which imports brought something, and who all stored usage is of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select

from tokentill.canonical import ContentOfFields
from tokentill.clock import from_micros
from tokentill.errors import NotFound
from tokentill.store import tables
from tokentill.store.bulk import among
from tokentill.store.decoding import decoding, rows_among
from tokentill.usage.reporters import EXPORT

if TYPE_CHECKING:
    from tokentill.store.intake.batches import Bad
    from tokentill.usage.control_totals import ControlTotal

ImportState = Literal["taken", "staged", "cut off", "accepted", "dropped"]
"""`accepted` is one that is not all taken yet, `cut off` one that was not staged to its end."""

_STATE_OF: Mapping[str | None, ImportState] = MappingProxyType(
    {None: "cut off", "staged": "staged", "accepted": "accepted", "taken": "taken", "dropped": "dropped"}
)

NUMBER_DIGITS_MAX = 19
_AT_ONCE = 5_000
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


Key = tuple[Any, ...]
"""What an import may bring: a record by its source and id, a total by its cell and figures, a line by its digest and
number."""


def import_going_on(
    connection: Connection,
    name: str,
    records: Iterable[tuple[str, str]],
    totals: Iterable[ControlTotal],
    bad: Iterable[Bad],
) -> int | None:
    """The import of a name that brought a record, a total or a line before: what begins with it is that import, run
    again. What only imports of other names brought says nothing of where this one begins.
    """
    if connection.execute(select(tables.batch.c.seq).where(tables.batch.c.label == name).limit(1)).first() is None:
        return None
    by_kind: tuple[tuple[Iterable[Key], Callable[[Connection, Sequence[Any]], Iterable[Any]]], ...] = (
        (records, _brought_records),
        (((total.cell, total.digest) for total in totals), _brought_totals),
        (((line.digest, line.line) for line in bad), _brought_lines),
    )
    for keys, brought_by in by_kind:
        for part in _parts(iter(keys)):
            labels: dict[Key, dict[str, int]] = {}
            for first, second, label, number in brought_by(connection, part):
                numbers = labels.setdefault((first, second), {})
                numbers[label] = min(number, numbers.get(label, number))
            for key in part:
                if key not in labels or name in labels[key]:
                    return labels.get(key, {}).get(name)
    return None


def _parts(keys: Iterator[Key]) -> Iterator[list[Key]]:
    """The first one, which mostly decides, then many at once."""
    size = 1
    while part := list(islice(keys, size)):
        yield part
        size = _AT_ONCE


_NUMBER_OF = func.coalesce(tables.batch.c.part_of, tables.batch.c.seq)


def _brought_records(connection: Connection, part: Sequence[tuple[str, str]]) -> Iterator[Any]:
    """By what imports each record came: as it counted, as a witness, or as a revision."""
    source, batch = tables.source, tables.batch
    for name in {name for name, _ in part}:
        ids = [record_id for source_name, record_id in part if source_name == name]
        for table in (tables.usage, tables.witness, tables.revision):
            joined = table.join(source, source.c.id == table.c.source_id).join(batch, batch.c.seq == table.c.seq)
            query = select(source.c.name, table.c.record_id, batch.c.label, _NUMBER_OF).select_from(joined)
            yield from connection.execute(query.where(source.c.name == name, among(connection, table.c.record_id, ids)))


def _brought_totals(connection: Connection, part: Sequence[Key]) -> Iterator[Any]:
    return _brought(connection, tables.control_total, ("cell", "digest"), part)


def _brought_lines(connection: Connection, part: Sequence[Key]) -> Iterator[Any]:
    return _brought(connection, tables.quarantine, ("digest", "line"), part)


def _brought(connection: Connection, table: Table[Any], names: tuple[str, str], part: Sequence[Key]) -> Iterator[Any]:
    columns = (table.c[names[0]], table.c[names[1]])
    query = select(*columns, tables.batch.c.label, _NUMBER_OF).join(tables.batch, tables.batch.c.seq == table.c.seq)
    for first, second, *of_import in rows_among(connection, query, columns, part):
        yield bytes(first), bytes(second) if isinstance(second, (bytes, memoryview)) else second, *of_import


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
