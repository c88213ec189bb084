"""Periods: half-open segments of time, from a customer's anchor day at local midnight to the next.

Pure. The start of a period is a function of the terms in force when its calendar month begins, and its end is the
start of the next one, so that periods join without gap or overlap even where the terms change. What was issued stays
(see `invoicing.coverage`).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tokentill.errors import InvalidCall

if TYPE_CHECKING:
    from tokentill.contracts.book import Terms

_PERIOD = re.compile(r"\A(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])\Z", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """The name of a period, `2026-10`: the calendar month in which it starts."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `YYYY-MM`.

        Raises:
            InvalidCall: for anything else.
        """
        match = _PERIOD.match(text)
        if match is None:
            raise InvalidCall(f"{text!r} is not a period; write it like 2026-10")
        return cls(int(match[1]), int(match[2]))

    def plus(self, months: int) -> Month:
        """The month that lies so many months later."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    @property
    def first_instant(self) -> datetime:
        """Its first instant in UTC."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True)
class Period:
    """One customer's segment [starts_at, ends_at), as UTC instants, with its days in the customer's zone."""

    month: Month
    starts_at: datetime
    ends_at: datetime
    first_day: date
    last_day: date

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in the period."""
        return self.starts_at <= at < self.ends_at

    @property
    def has_time(self) -> bool:
        """Whether it lasts at all; where boundaries move, what is left between two of them may be nothing."""
        return self.starts_at < self.ends_at

    @property
    def last_instant(self) -> datetime:
        """The last instant of the period, at which what concerns the whole invoice is read."""
        return self.ends_at - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a period begins: an instant, and the first local day that begins there or after it."""

    at: datetime
    day: date

    @classmethod
    def at_instant(cls, at: datetime, zone: ZoneInfo) -> Boundary:
        """A boundary that no anchor day sets, but a period that was issued."""
        day = at.astimezone(zone).date()
        return cls(at, day if local_midnight(day, zone) == at else day + timedelta(days=1))


def period_of(month: Month, terms_at: Callable[[datetime], Terms]) -> Period:
    """The period of a month under the terms that `terms_at` gives for an instant, where none was issued yet."""
    return joined_period(month, natural_start(month, terms_at), natural_start(month.plus(1), terms_at))


def joined_period(month: Month, first: Boundary, following: Boundary) -> Period:
    """The period of a month from one boundary to the next."""
    ends_at = max(first.at, following.at)
    return Period(month, first.at, ends_at, first.day, following.day - timedelta(days=1))


def natural_start(month: Month, terms_at: Callable[[datetime], Terms]) -> Boundary:
    """Where the period of a month begins by what the contracts say."""
    before, first = (_anchor(month.plus(step), terms_at) for step in (-1, 0))
    # Over the date line the 1st may begin before the 31st did; a period waits for the end of the one before.
    return Boundary(max(before.at, first.at), first.day)


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The UTC instant at which a local day begins.

    Where midnight comes twice it is the first; where clocks skip it, the instant of the change, which is the
    first of the day.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone, fold=0).astimezone(UTC)


def _anchor(month: Month, terms_at: Callable[[datetime], Terms]) -> Boundary:
    terms = _terms_of(month, terms_at)
    last_of_month = calendar.monthrange(month.year, month.month)[1]
    day = date(month.year, month.month, min(terms.anchor_day, last_of_month))
    return Boundary(local_midnight(day, terms.zone), day)


def _terms_of(month: Month, terms_at: Callable[[datetime], Terms]) -> Terms:
    """The terms that say where a month's period begins: those in force when the month does, by their own clock.

    West of Greenwich the month begins after its first instant in UTC, by up to twelve hours.
    """
    latest = terms_at(month.first_instant + timedelta(hours=12))
    own = local_midnight(date(month.year, month.month, 1), latest.zone)
    return latest if terms_at(own) == latest else terms_at(month.first_instant)
