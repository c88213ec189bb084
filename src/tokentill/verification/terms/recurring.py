"""Grants that recur, part by part: each month or year anew, and what is left of one goes over for some months.

Worked out from what is stated alone. Months are counted from 0, the one that begins with the grant.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tokentill import zones
from tokentill.verification.terms.keys import Table, known

MICROSECOND = timedelta(microseconds=1)


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def midnight(day: date, zone_name: str) -> datetime:
    """The UTC instant at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zones.zone(zone_name)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Recurring:
    """A recurring grant in the time zone of its customer."""

    grant: Table
    zone: str

    @property
    def step(self) -> int:
        """How many months one lasts."""
        return 12 if self.grant["every"] == "year" else 1

    @property
    def over(self) -> Table:
        """How much goes over at most, and for how many months."""
        return known(self.grant.get("rollover", {"max": "0", "months": 0}), "what goes over of a grant")

    def starts(self, month: int) -> datetime:
        """When a month begins."""
        first: datetime = self.grant["valid_from"].astimezone(zones.zone(self.zone))
        day = months_after(first.date(), month)
        local = first.replace(year=day.year, month=day.month, day=day.day, fold=0 if month else first.fold)
        return local.astimezone(UTC)

    def id(self, number: int, month: int) -> str:
        """What a part is called: that of an occurrence in a month after its own time, or in it."""
        begins = self.starts(number * self.step).astimezone(zones.zone(self.zone))
        after = month - (number + 1) * self.step + 1
        name = f"{begins.year:04d}" if self.step == 12 else f"{begins.year:04d}-{begins.month:02d}"
        return f"{self.grant['id']}@{name}" + (f"+{after}" if after > 0 else "")

    def parts(self, starts_at: datetime, ends_at: datetime) -> Iterator[Table]:
        """The parts that are in effect at some instant of a period, as grants."""
        end, month = self.grant.get("expires_at"), 0
        until = ends_at if end is None else min(ends_at, end)
        seen: set[str] = set()
        while (begins := self.starts(month)) < until:
            if self.starts(month + 1) > starts_at:
                for number in range(month // self.step, -1, -1):
                    first, after = number * self.step, (number + 1) * self.step
                    id_, last = self.id(number, month), self.starts(after + self.over["months"])
                    if month >= after + self.over["months"] or id_ in seen:
                        continue
                    seen.add(id_)
                    edges = (
                        (self.starts(first), self.starts(after)) if month < after else (begins, self.starts(month + 1))
                    )
                    expires, last = (at if end is None else min(at, end) for at in (edges[1], last))
                    own = {"id": id_, "valid_from": edges[0], "expires_at": expires, "last_expires_at": last}
                    yield {**self.grant, **own, "recurs": self}
            month += 1

    def left(self, at: datetime, whole: int, over_max: int, drawn: Mapping[str, int]) -> dict[str, int]:
        """What the parts that are in effect at an instant have left, in minor units, by what was drawn from each."""
        month, had = 0, dict[int, int]()
        while True:
            room, now = over_max, dict[str, tuple[int, int]]()
            for number in range(month // self.step, -1, -1):
                after = (number + 1) * self.step
                if month < after:
                    had.setdefault(number, whole)
                elif month < after + self.over["months"]:
                    had[number] = min(room, max(0, had[number] - drawn.get(self.id(number, month - 1), 0)))
                    room -= had[number]
                else:
                    continue
                now[self.id(number, month)] = (number, had[number])
            if self.starts(month + 1) > at:
                return {id_: minor - self._drawn_since(number, month, drawn) for id_, (number, minor) in now.items()}
            month += 1

    def _drawn_since(self, number: int, month: int, drawn: Mapping[str, int]) -> int:
        """What was drawn from a part, and from what went over of it later."""
        last = (number + 1) * self.step + self.over["months"]
        return sum(drawn.get(id_, 0) for id_ in {self.id(number, later) for later in range(month, last)})
