"""Control totals as they are kept: each set of figures once, the newest that was not withdrawn is what counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from tokentill.canonical import Content, form_of
from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.money import amount_text
from tokentill.store import tables
from tokentill.store.database import hold_counter, insert_rows
from tokentill.store.decoding import decoding, rows_among
from tokentill.store.guards import unguarded
from tokentill.store.intake.batches import Counts, store_batch_row
from tokentill.store.intake.erasures import TOKEN
from tokentill.usage.control_totals import FIGURES, KEYS, ControlTotal

_OWN = ("source", "day", "stated_by", *KEYS, "model_alias", "part", *FIGURES)
ID_DIGITS = 12


@dataclass(frozen=True, slots=True)
class StoredTotal:
    """A version of a control total.

    `number` is that of the import that brought it, `counts` says whether it is what the records are compared with, and
    `withdrawn` who took it back, why and when.
    """

    total: ControlTotal
    version: int
    number: int
    came_at: datetime
    counts: bool = True
    withdrawn: tuple[str, str, datetime] | None = None

    @property
    def id(self) -> str:
        """What a command names it by."""
        return f"{self.total.cell.hex()[:ID_DIGITS]}:{self.version}"

    def content(self) -> Content:
        """What `usage control-totals list --json` prints."""
        by, reason, at = self.withdrawn or (None, None, None)
        said = None if at is None else {"by": by, "reason": reason, "at": instant_text(at)}
        stored = {"import": self.number, "came_at": form_of(self.came_at), "counts": self.counts, "withdrawn": said}
        return {"id": self.id, "version": self.version, **self.total.content(), **stored}


def store_totals(
    connection: Connection,
    totals: Sequence[ControlTotal],
    *,
    label: str,
    at: datetime,
    seq: int | None = None,
    part_of: int | None = None,
) -> Counts:
    """Store totals in the caller's writing transaction. Figures that a total had before are the same total again, also
    when others came in between; others are a newer version of it.

    One that differs from what is stored in nothing but a user who was erased is the same again, too.

    Args:
        seq: the batch that they come with; they take a number of their own if there is none, and something is new.
        part_of: the first batch of the same import, where this is not it.
    """
    if not totals:
        return Counts()
    hold_counter(connection, "batch")
    known, newest = _stored(connection, {total.cell for total in totals})
    known |= _same_but_erased(connection, totals)
    rows, revised = [], 0
    for total in totals:
        if (total.cell, total.digest) in known:
            continue
        known.add((total.cell, total.digest))
        version = newest[total.cell] = newest.get(total.cell, 0) + 1
        revised += version > 1
        rows.append(_row(total, version))
    if rows:
        if seq is None:
            seq = store_batch_row(connection, Counts(), label=label, at=at, part_of=part_of)
        insert_rows(connection, tables.control_total, [{**row, "seq": seq} for row in rows])
    new = len(rows) - revised
    return Counts(totals=new, totals_revised=revised, totals_known=len(totals) - len(rows))


def stored_totals(
    connection: Connection, *, days: tuple[date, date] | None = None, source: str | None = None
) -> list[StoredTotal]:
    """All versions of totals, in order.

    Args:
        days: from the first to the last one, in UTC.
        source: only of this one.
    """
    table, batch, gone = tables.control_total, tables.batch, tables.control_total_withdrawal
    is_gone = (gone.c.cell == table.c.cell) & (gone.c.version == table.c.version)
    query = (
        select(*(table.c[name] for name in ("cell", "version", "seq", *_OWN)), batch.c.recorded_at.label("came_at"))
        .add_columns(func.coalesce(batch.c.part_of, batch.c.seq).label("number"))
        .add_columns(gone.c.reviewer, gone.c.reason, gone.c.recorded_at.label("withdrawn_at"))
        .select_from(table.join(batch, batch.c.seq == table.c.seq).outerjoin(gone, is_gone))
    )
    if days is not None:
        query = query.where(table.c.day.between(*(day.isoformat() for day in days)))
    if source is not None:
        query = query.where(table.c.source == source)
    rows = connection.execute(query).all()
    counting: dict[bytes, int] = {}
    for row in rows:
        if row.withdrawn_at is None:
            counting[bytes(row.cell)] = max(row.version, counting.get(bytes(row.cell), 0))
    totals = [_stored_total(row, counting.get(bytes(row.cell)) == row.version) for row in rows]
    return sorted(totals, key=_order)


def withdraw_total(connection: Connection, stored: StoredTotal, *, by: str, reason: str, at: datetime) -> None:
    """Write down that a total was taken back."""
    said = {"reviewer": by, "reason": reason, "recorded_at": to_micros(at)}
    connection.execute(
        insert(tables.control_total_withdrawal).values(cell=stored.total.cell, version=stored.version, **said)
    )


def erase_totals(connection: Connection, user: str, token: str, source: str | None) -> tuple[int, dict[str, str]]:
    """Put a token in the place of a user, in the caller's writing transaction. Gives how many totals name it now, and
    what the audit log has to know of those that it says were withdrawn: what stands for their cells, before and now.
    """
    table, gone = tables.control_total, tables.control_total_withdrawal
    query = select(table).where(table.c.user == user)
    rows = connection.execute(query if source is None else query.where(table.c.source == source)).all()
    said: dict[str, str] = {}
    with unguarded(connection, ("control_total", "control_total_withdrawal")):
        for row in rows:
            cell = replace(_total(row), user=token).cell
            connection.execute(insert(table).values(**{**row._mapping, "user": token, "cell": cell}))
            at = [[one.c.cell == row.cell, one.c.version == row.version] for one in (gone, table)]
            if connection.execute(update(gone).where(*at[0]).values(cell=cell)).rowcount:
                said[bytes(row.cell).hex()] = cell.hex()
            connection.execute(delete(table).where(*at[1]))
    return len(rows), said


def _same_but_erased(connection: Connection, totals: Sequence[ControlTotal]) -> set[tuple[bytes, bytes]]:
    """Those totals that were stored with a user who was erased since."""
    named: dict[tuple[str, str], list[ControlTotal]] = {}
    for total in totals:
        if total.user is not None:
            named.setdefault((total.source, total.day.isoformat()), []).append(total)
    table = tables.control_total
    query, days = select(table).where(table.c.user.startswith(TOKEN)), (table.c.source, table.c.day)
    return {
        (total.cell, total.digest)
        for row in rows_among(connection, query, days, sorted(named))
        for total in named[row.source, row.day]
        if (replace(total, user=row.user).cell, total.digest) == (bytes(row.cell), bytes(row.digest))
    }


def digest_faults(connection: Connection) -> tuple[int, list[str]]:
    """How many versions of totals there are, and which are not what they were when they came."""
    table, faults, looked = tables.control_total, [], 0
    with decoding("a control total"):
        for row in connection.execute(select(table).order_by(table.c.cell, table.c.version)):
            looked, total = looked + 1, _total(row)
            if (total.cell, total.digest) != (bytes(row.cell), bytes(row.digest)):
                faults.append(
                    f"the control total {bytes(row.cell).hex()[:ID_DIGITS]}:{row.version} was changed by hand"
                )
    return looked, faults


def _stored(connection: Connection, cells: set[bytes]) -> tuple[set[tuple[bytes, bytes]], dict[bytes, int]]:
    """The figures that each cell has had, and the newest version of each. The batch's lock keeps others away."""
    table = tables.control_total
    known: set[tuple[bytes, bytes]] = set()
    newest: dict[bytes, int] = {}
    query = select(table.c.cell, table.c.digest, table.c.version)
    for row in rows_among(connection, query, (table.c.cell,), sorted(cells)):
        known.add((bytes(row.cell), bytes(row.digest)))
        newest[bytes(row.cell)] = max(row.version, newest.get(bytes(row.cell), 0))
    return known, newest


def _row(total: ControlTotal, version: int) -> dict[str, Any]:
    row = {name: getattr(total, name) for name in _OWN}
    row |= {"day": total.day.isoformat(), "cost": None if total.cost is None else amount_text(total.cost)}
    return {**row, "cell": total.cell, "version": version, "digest": total.digest}


def _total(row: Any) -> ControlTotal:
    fields = {name: getattr(row, name) for name in _OWN}
    fields |= {"day": date.fromisoformat(row.day), "cost": None if row.cost is None else Decimal(row.cost)}
    return ControlTotal(**fields)


@decoding("a control total")
def _stored_total(row: Any, counts: bool) -> StoredTotal:
    withdrawn = None if row.withdrawn_at is None else (row.reviewer, row.reason, from_micros(row.withdrawn_at))
    return StoredTotal(_total(row), row.version, row.number, from_micros(row.came_at), counts, withdrawn)


def _order(stored: StoredTotal) -> tuple[Any, ...]:
    total = stored.total
    keys = [(getattr(total, name) or "").encode() for name in KEYS]
    return (total.source.encode(), total.day, total.stated_by, *keys, total.part.encode(), total.cell, stored.version)
