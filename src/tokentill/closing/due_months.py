"""In which months somebody is due and has no invoice, and who is not due yet and from when on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tokentill.canonical import Content, fields_of, form_of
from tokentill.closing.closed import Closed
from tokentill.closing.computation.compute import Computed, compute_period
from tokentill.invoicing.obstacles import Obstacle
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import OpenMonth
from tokentill.invoicing.rating_groups import Books
from tokentill.store.issued.invoices import closings
from tokentill.store.usage.usage_rows import months_with_usage

EARLIER_MAX = 12
"""How many months that nobody ever closed are looked at when a later one is closed."""


@dataclass(frozen=True, slots=True)
class NotDue:
    """A customer that is not due yet, and from when on it is."""

    customer: str
    due_at: datetime

    def content(self) -> Content:
        """Canonical content."""
        return fields_of(self, "customer", "due_at")


@dataclass(frozen=True, slots=True)
class DueMonth:
    """A month in which customers are due and have no invoice. `obstacles` are what would refuse some of them now, and
    `blocked_by` what would refuse all.
    """

    month: Month
    due: tuple[str, ...]
    not_due: tuple[NotDue, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    blocked_by: tuple[str, ...] = ()

    def content(self) -> Content:
        """Canonical content."""
        return {"period": str(self.month), **fields_of(self, "due", "not_due", "obstacles", "blocked_by")}


@dataclass(frozen=True, slots=True)
class DueMonths:
    """All months in which somebody is due, oldest first: what `close` without a period would close."""

    months: tuple[DueMonth, ...]

    def content(self) -> Content:
        """What `close --dry-run --json` prints."""
        return fields_of(self, "months")


@dataclass(frozen=True, slots=True)
class ClosedMonths:
    """What a close of all who are due did, month by month, oldest first."""

    months: tuple[Closed, ...]

    @property
    def is_refused(self) -> bool:
        """Whether somebody was refused in any of them: exit status 1."""
        return any(closed.is_refused for closed in self.months)

    def content(self) -> Content:
        """What `close --json` without a period prints."""
        return {"months": form_of(self.months)}


def due_months(connection: Connection, books: Books, pins: Content, now: datetime, grace: timedelta) -> list[DueMonth]:
    """Every month up to now in which somebody is due, oldest first.

    It begins with the first month that has usage, or was closed. A fee that was agreed from long before that is not
    asked for by itself.
    """
    known = [*months_with_usage(connection), *closings(connection)]
    if not known:
        return []
    first = min(known)
    # By anchor day or zone the first usage may lie in the period before.
    months = _from_to(first.plus(-1), Month(now.year, now.month))
    found = [_due_month(connection, month, books, pins, now, grace) for month in months]
    return [one for one, computed in found if one.due and (one.month >= first or computed.usage.requests)]


def earlier_open(
    connection: Connection, books: Books, pins: Content, now: datetime, grace: timedelta, *, month: Month
) -> tuple[OpenMonth, ...]:
    """Months before another one that nobody ever closed, with whoever is due in them: the last of them."""
    closed = closings(connection)
    never = [one for one in months_with_usage(connection) if one < month and one not in closed][-EARLIER_MAX:]
    open_ = []
    for one in never:
        found, computed = _due_month(connection, one, books, pins, now, grace)
        if found.due:
            requests = sum(map(computed.usage.requests_of, found.due))
            open_.append(OpenMonth(one, found.due, requests))
    return tuple(open_)


def _due_month(
    connection: Connection, month: Month, books: Books, pins: Content, now: datetime, grace: timedelta
) -> tuple[DueMonth, Computed]:
    pinned = {"position": pins["l"], "manual": pins.get("m", 0)}
    computed = compute_period(connection, month, books, pins["s"], is_close=True, **pinned)
    customers = sorted({*(invoice.customer for invoice in computed.invoices), *computed.failed}, key=str.encode)
    due_at = {customer: computed.due_at(customer) + grace for customer in customers}
    due = tuple(customer for customer in customers if due_at[customer] <= now)
    return DueMonth(month, due, tuple(not_due(due_at, now))), computed


def not_due(due_at: dict[str, datetime], now: datetime) -> Iterator[NotDue]:
    """Who is not due yet, of customers with the instants at which they are."""
    return (NotDue(customer, at) for customer, at in due_at.items() if now < at)


def _from_to(first: Month, last: Month) -> Iterable[Month]:
    month = first
    while month <= last:
        yield month
        month = month.plus(1)
