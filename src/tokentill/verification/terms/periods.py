"""Whose records are whose, and in which period they lie: months by anchor day and local midnight, next to what was
issued before.

Trusts the log of documents for what was live when a document was computed, and what those documents say they cover.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tokentill.clock import MICROSECOND
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.recurring import midnight
from tokentill.zones import zone

Month = tuple[int, int]


def month_of(text: str) -> Month:
    """The month that is called `2026-10`."""
    year, number = text.split("-")
    return int(year), int(number)


def plus(month: Month, months: int) -> Month:
    """The month so many months later."""
    year, number = divmod(month[0] * 12 + month[1] - 1 + months, 12)
    return year, number + 1


@dataclass(frozen=True, slots=True)
class Period:
    """A customer's month, with its local days."""

    starts_at: datetime
    ends_at: datetime
    first_day: date
    last_day: date

    @property
    def last_instant(self) -> datetime:
        """Its last instant."""
        return self.ends_at - MICROSECOND

    @property
    def days(self) -> int:
        """How many local days it has."""
        return (self.last_day - self.first_day).days + 1

    def ends_of_days(self, zone_name: str) -> list[datetime]:
        """The last instant of each of its local days."""
        following = (self.first_day + timedelta(days=number + 1) for number in range(self.days))
        return [midnight(day, zone_name) - MICROSECOND for day in following]


@dataclass(frozen=True, slots=True)
class Issued:
    """A period that a live document ended, or (an interim invoice) billed a part of. `payer` is the document's
    customer, None for a part."""

    month: Month
    starts_at: datetime
    ends_at: datetime
    payer: str | None


class Calendar:
    """The periods of one month of all customers, beside what was issued."""

    def __init__(self, books: Books, month: Month, issued: Mapping[str, Sequence[Issued]]) -> None:
        self.month = month
        self._books = books
        self.issued = issued
        self._own = {*books.customers, *issued}
        self._periods: dict[str | None, Period] = {}
        self._payers: dict[str, str] = {}

    def period(self, customer: str | None) -> Period:
        """A customer's period."""
        known = customer if customer in self._own else None
        if known not in self._periods:
            (starts_at, first), (after, following) = (self._begin(known, plus(self.month, step)) for step in (0, 1))
            self._periods[known] = Period(starts_at, max(starts_at, after), first, following - timedelta(days=1))
        return self._periods[known]

    def payer(self, customer: str) -> str:
        """Whose invoice of the month a customer's usage stands on."""
        if customer not in self._payers:
            listed = [one.payer for one in self.issued.get(customer, ()) if one.month == self.month and one.payer]
            by_contract = self._books.payer(customer, self.period(customer).last_instant)
            self._payers[customer] = listed[0] if listed else by_contract
        return self._payers[customer]

    def bounds(self) -> tuple[datetime, datetime]:
        """From where the first period of the month begins to where the last one ends."""
        periods = [self.period(customer) for customer in (None, *self._own)]
        return min(one.starts_at for one in periods), max(one.ends_at for one in periods)

    def _begin(self, customer: str | None, month: Month) -> tuple[datetime, date]:
        """Where a period begins: by the contract, unless what was issued says otherwise."""
        by_contract, day = self._by_contract(customer, month)
        issued = () if customer is None else self.issued.get(customer, ())
        beside = [one.ends_at for one in issued if one.month == plus(month, -1)]
        beside += [one.starts_at for one in issued if one.month == month]
        at = beside[0] if beside else max([by_contract, *(one.ends_at for one in issued if one.month < month)])
        if not beside:
            at = min([at, *(one.starts_at for one in issued if one.month > month)])
        if at == by_contract:
            return by_contract, day
        zone_name = self._books.frame(customer, at)[1]
        local = at.astimezone(zone(zone_name)).date()
        return at, local if midnight(local, zone_name) == at else local + timedelta(days=1)

    def _by_contract(self, customer: str | None, month: Month) -> tuple[datetime, date]:
        (before, _), (at, day) = (self._anchor(customer, plus(month, step)) for step in (-1, 0))
        return max(before, at), day

    def _anchor(self, customer: str | None, month: Month) -> tuple[datetime, date]:
        """Local midnight of the anchor day, by what holds when the month begins on the customer's own clock."""
        first = datetime(*month, 1, tzinfo=UTC)
        latest = self._books.frame(customer, first + timedelta(hours=12))
        is_own = self._books.frame(customer, midnight(date(*month, 1), latest[1])) == latest
        _, zone_name, anchor = latest if is_own else self._books.frame(customer, first)
        day = date(*month, min(anchor, monthrange(*month)[1]))
        return midnight(day, zone_name), day


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Records of a series in [starts_at, ends_at) above one sequence number and up to another, as usage of a member.
    Instants are microseconds. `document` is the number of what covers it, `in_chain` whether the document that is
    verified goes on from that one."""

    starts_at: int
    ends_at: int
    after: int
    upto: int
    member: str
    document: str = ""
    in_chain: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time in which nothing changes. `free` is whose records are that no other document has, None where they do not
    stand on the document; `taken` and `covered` are what other documents and this one cover."""

    starts_at: int
    free: str | None
    taken: Sequence[Rectangle]
    covered: Sequence[Rectangle]

    def member(self, seq: int) -> str | None:
        """As whose usage a record stands on the document, None where it does not."""
        for one in self.taken:
            if one.after < seq <= one.upto:
                return one.member if one.in_chain else None
        return self.free

    def is_covered(self, seq: int, member: str) -> bool:
        """Whether the document says that it covers such a record."""
        return any(one.after < seq <= one.upto and one.member == member for one in self.covered)


def stretches(
    edges: Iterable[int],
    owners: Sequence[tuple[int, str | None]],
    taken: Sequence[Rectangle],
    covered: Sequence[Rectangle],
) -> list[Stretch]:
    """Cut time at edges, and say what holds in each stretch.

    Args:
        owners: from which instant on whose records stand on the document as free ones.
    """
    starts = [start for start, _ in owners]
    all_edges = {*edges, *starts, *(edge for one in (*taken, *covered) for edge in (one.starts_at, one.ends_at))}

    def over(rectangles: Sequence[Rectangle], at: int) -> tuple[Rectangle, ...]:
        return tuple(one for one in rectangles if one.starts_at <= at < one.ends_at)

    return [
        Stretch(
            at, owners[bisect_right(starts, at) - 1][1] if at >= starts[0] else None, over(taken, at), over(covered, at)
        )
        for at in sorted(all_edges)
    ]
