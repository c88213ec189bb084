"""Lines that people added to invoices and took away again: rows that stay, numbered in one series.

What was computed with the lines up to a number stays what it was, whatever is added or removed later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select

from tokentill.clock import from_micros, to_micros
from tokentill.errors import NotFound, Refused
from tokentill.invoicing.manual_lines import ManualLine, Removal
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.decoding import columns_of, decoded, decoding


def newest_manual_line(connection: Connection) -> int:
    """The number of what was added or removed last; 0 when nothing was."""
    added = connection.execute(select(func.max(tables.manual_line.c.number))).scalar()
    removed = connection.execute(select(func.max(tables.manual_line_removal.c.number))).scalar()
    return max(added or 0, removed or 0)


@decoding("a manual line")
def manual_lines(connection: Connection, month: Month, upto: int) -> list[ManualLine]:
    """The lines of a period that were added by a number, and not removed by it, in the order of their numbers."""
    line, removal = tables.manual_line, tables.manual_line_removal
    removed = select(removal.c.line).where(removal.c.number <= upto)
    added = select(line).where(line.c.period == str(month), line.c.number <= upto)
    rows = connection.execute(added.where(line.c.number.not_in(removed)).order_by(line.c.number))
    return [_line(row) for row in rows]


def manual_by_customer(connection: Connection, month: Month, upto: int) -> dict[str, list[ManualLine]]:
    """The same, by customer. Costs nothing as long as nobody ever added a line."""
    by_customer: dict[str, list[ManualLine]] = {}
    for line in manual_lines(connection, month, upto) if upto else ():
        by_customer.setdefault(line.customer, []).append(line)
    return by_customer


def changed_since(connection: Connection, month: Month, number: int) -> set[str]:
    """Customers of whom a line was added to a period, or removed from it, after a number."""
    line, removal = tables.manual_line, tables.manual_line_removal
    of_period = select(line.c.customer).where(line.c.period == str(month))
    added = of_period.where(line.c.number > number)
    removed = of_period.join(removal, removal.c.line == line.c.number).where(removal.c.number > number)
    return {customer for query in (added, removed) for customer in connection.execute(query).scalars()}


def store_manual_line(connection: Connection, line: ManualLine) -> None:
    """Append a line, in the caller's transaction that holds the counter of invoices."""
    connection.execute(
        insert(tables.manual_line).values(
            **columns_of(line, "number", "customer", "currency", "amount_minor", "description", "reason"),
            period=str(line.month),
            may_be_negative=int(line.may_be_negative),
            reviewer=line.by,
            recorded_at=to_micros(line.at),
        )
    )


def store_removal(connection: Connection, line: ManualLine, removal: Removal) -> None:
    """Take a line away from a number on, likewise."""
    said = {"reviewer": removal.by, "reason": removal.reason, "recorded_at": to_micros(removal.at)}
    connection.execute(insert(tables.manual_line_removal).values(line=line.number, number=removal.number, **said))


@decoding("a manual line")
def manual_line_of(connection: Connection, number: int) -> ManualLine:
    """The line of a number, removed or not.

    Raises:
        NotFound: when there is none.
    """
    table = tables.manual_line
    row = connection.execute(select(table).where(table.c.number == number)).one_or_none()
    if row is None:
        raise NotFound(f"there is no manual line {number}; `tokentill review lines PERIOD` lists those of a period")
    return _line(row)


def all_manual_lines(connection: Connection, month: Month) -> list[ManualLine]:
    """The lines of a period in the order of their numbers, each with its removal if it was removed."""
    removal = tables.manual_line_removal
    rows = connection.execute(
        select(removal)
        .join(tables.manual_line, tables.manual_line.c.number == removal.c.line)
        .where(tables.manual_line.c.period == str(month))
    )
    removed = {row.line: Removal(row.number, row.reviewer, row.reason, from_micros(row.recorded_at)) for row in rows}
    line = tables.manual_line
    listed = connection.execute(select(line).where(line.c.period == str(month)).order_by(line.c.number))
    return [replace(_line(row), removed=removed.get(row.number)) for row in listed]


def require_standing(connection: Connection, line: ManualLine) -> None:
    """See that a line was not removed.

    Raises:
        Refused: when it was.
    """
    table = tables.manual_line_removal
    row = connection.execute(select(table).where(table.c.line == line.number)).one_or_none()
    if row is not None:
        raise Refused(f"manual line {line.number} was removed already, by {row.reviewer}: {row.reason}")


def _line(row: Any) -> ManualLine:
    month = Month.parse(row.period)
    is_allowed = bool(row.may_be_negative)
    at = from_micros(row.recorded_at)
    return decoded(ManualLine, row, month=month, may_be_negative=is_allowed, by=row.reviewer, at=at)
