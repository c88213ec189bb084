"""Grants that recur: a grant of its own for each month or year, and what goes over of each into later months.

Pure. A recurring grant begins anew at its `valid_from` and then every month or year at the same day and time in the
customer's time zone (the last day of a shorter month). Each occurrence is a part with an id of its own, `ID@2026-10`
or `ID@2026`, and ends where the next begins. What is left of it then goes over, where the grant says so: into the part
`ID@2026-10+1` for the first month after, `+2` for the second, as long as agreed. In any month all that went over comes
to the agreed maximum at most; what expires last is kept.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tokentill.clock import MICROSECOND
from tokentill.contracts.invoice_terms import Grant
from tokentill.money import round_to_minor


class PartKey(NamedTuple):
    """Which part: of which occurrence, counted from 0, and for how many months it went over (0: its own time)."""

    occurrence: int
    months_over: int


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A recurring grant in the time zone of its customer. Months are counted from 0, the one that begins first."""

    grant: Grant
    zone: ZoneInfo

    @property
    def length(self) -> int:
        """How many months an occurrence lasts."""
        return 12 if self.grant.every == "year" else 1

    @property
    def months_over(self) -> int:
        """For how many months what is left goes over."""
        return 0 if self.grant.rollover is None else self.grant.rollover.months

    def start_of(self, month: int) -> datetime:
        """When a month begins."""
        if month == 0:
            return self.grant.valid_from
        first = self.grant.valid_from.astimezone(self.zone)
        index = first.year * 12 + first.month - 1 + month
        year, of_year = index // 12, index % 12 + 1
        day = min(first.day, calendar.monthrange(year, of_year)[1])
        return first.replace(year=year, month=of_year, day=day, fold=0).astimezone(UTC)

    def month_at(self, at: datetime) -> int:
        """Which month an instant lies in; below 0 before the first."""
        first, local = self.grant.valid_from.astimezone(self.zone), at.astimezone(self.zone)
        month = (local.year - first.year) * 12 + local.month - first.month
        while self.start_of(month) > at:
            month -= 1
        while self.start_of(month + 1) <= at:
            month += 1
        return month

    def id_of(self, key: PartKey) -> str:
        """The id under which a part is drawn from."""
        start = self.start_of(key.occurrence * self.length).astimezone(self.zone)
        name = f"{start.year:04d}" if self.length == 12 else f"{start.year:04d}-{start.month:02d}"
        return f"{self.grant.id}@{name}" + (f"+{key.months_over}" if key.months_over else "")

    def keys_in(self, month: int) -> list[PartKey]:
        """The parts that are in effect in a month: the occurrence itself, then what went over, latest first."""
        own, into = divmod(month, self.length)
        over = ((own - 1 - back, into + 1 + back * self.length) for back in range(own))
        return [PartKey(own, 0), *(PartKey(*key) for key in over if key[1] <= self.months_over)]

    def part(self, key: PartKey) -> GrantPart:
        """A part as a grant of its own. The amount of what goes over is at most this much."""
        grant, rollover = self.grant, self.grant.rollover
        ended = (key.occurrence + 1) * self.length
        starts = ended + key.months_over - 1 if key.months_over else key.occurrence * self.length
        is_over = key.months_over > 0 and rollover is not None
        return GrantPart(
            customer=grant.customer,
            id=self.id_of(key),
            amount=min(grant.amount, rollover.amount_max) if is_over and rollover is not None else grant.amount,
            currency=grant.currency,
            priority=grant.priority,
            valid_from=self.start_of(starts),
            expires_at=self._clipped(self.start_of(ended + key.months_over)),
            recorded_at=grant.recorded_at,
            unit=grant.unit,
            recurrence=self,
            key=key,
            last_expires_at=self._clipped(self.start_of(ended + self.months_over)),
        )

    def parts_within(self, starts_at: datetime, ends_at: datetime) -> Iterator[GrantPart]:
        """Every part that is in effect at some instant of [starts_at, ends_at)."""
        end = ends_at if self.grant.expires_at is None else min(ends_at, self.grant.expires_at)
        begin = max(starts_at, self.grant.valid_from)
        if begin < end:
            months = range(self.month_at(begin), self.month_at(end - MICROSECOND) + 1)
            yield from map(self.part, dict.fromkeys(key for month in months for key in self.keys_in(month)))

    def had_by(self, month: int, drawn: Mapping[str, int]) -> dict[PartKey, int]:
        """What each part had at its beginning, in minor units, of all up to a month.

        Args:
            drawn: what was drawn from each part, by its id. What was drawn before a month decides what goes over into
                it; each part has an id of its own so that this is known.
        """
        rollover, currency = self.grant.rollover, self.grant.currency
        whole = round_to_minor(self.grant.amount, currency)
        had: dict[PartKey, int] = {}
        for at in range(month + 1):
            room = 0 if rollover is None else round_to_minor(rollover.amount_max, currency)
            for key in self.keys_in(at):
                if key.months_over == 0:
                    had.setdefault(key, whole)
                    continue
                before = PartKey(key.occurrence, key.months_over - 1)
                had[key] = min(room, max(0, had[before] - drawn.get(self.id_of(before), 0)))
                room -= had[key]
        return had

    def left_in(self, month: int, drawn: Mapping[str, int]) -> dict[str, int]:
        """What each part that is in effect in a month has left, by its id, in minor units.

        What was drawn from it after it had gone over into a later month is not left either: documents may be made in
        another order than their periods have.
        """
        had, left = self.had_by(month, drawn), {}
        for key in self.keys_in(month):
            later = (PartKey(key.occurrence, over) for over in range(key.months_over, self.months_over + 1))
            left[self.id_of(key)] = had[key] - sum(drawn.get(self.id_of(one), 0) for one in later)
        return left

    def _clipped(self, at: datetime) -> datetime:
        return at if self.grant.expires_at is None else min(at, self.grant.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantPart(Grant):
    """One occurrence of a recurring grant, or what went over of it into one month."""

    recurrence: Recurrence
    key: PartKey
    last_expires_at: datetime

    @property
    def order(self) -> tuple[int, bool, datetime, datetime, str]:
        """As of any grant, by when the last of it expires: of two parts the older one burns first."""
        return (self.priority, False, self.last_expires_at, self.valid_from, self.id)
