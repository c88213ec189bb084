"""Two sources that tell of the same requests: what one has and the other has not, and what they say otherwise. Pure.

As an application's own capture beside its gateway's export. By record id where ids are shared; by user and day always.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of
from tokentill.invoicing.completeness import NOTHING, CountedUsage, UsageOfDay
from tokentill.invoicing.periods import Month


@dataclass(frozen=True, slots=True)
class DayOfSources(ContentOfFields):
    """The requests of a user on a UTC day, as each of two sources tells; `user` is None for those without one."""

    user: str | None
    day: date
    first: CountedUsage
    second: CountedUsage

    @property
    def is_equal(self) -> bool:
        """Whether both tell of as many requests and tokens."""
        return (self.first.requests, self.first.tokens) == (self.second.requests, self.second.tokens)


@dataclass(frozen=True, slots=True)
class UnequalRecord(ContentOfFields):
    """A record that both sources have, and not with the same tokens, user or model."""

    record_id: str
    apart: tuple[str, ...]
    first: Content
    second: Content


@dataclass(frozen=True, slots=True)
class RecordIds(ContentOfFields):
    """The records of two sources by their ids. Of each kind the first are named, in the order of ids, and all counted.

    `shared` are those whose id both have, `equal` those of them that say the same.
    """

    shared: int
    equal: int
    missing_in_first: int
    missing_in_second: int
    unequal: tuple[UnequalRecord, ...] = ()
    ids_missing_in_first: tuple[str, ...] = ()
    ids_missing_in_second: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedSources:
    """Two sources beside each other, over all UTC days that a period touches. What was retracted is left out.

    `records` is None where no id of one is an id of the other: their ids are of two kinds then.
    """

    month: Month
    starts_at: datetime
    ends_at: datetime
    first: str
    second: str
    days: tuple[DayOfSources, ...]
    records: RecordIds | None

    @property
    def unequal_days(self) -> tuple[DayOfSources, ...]:
        """Users and days of which the two do not tell the same."""
        return tuple(day for day in self.days if not day.is_equal)

    @property
    def is_equal(self) -> bool:
        """Whether nothing is missing on either side, and nothing said otherwise."""
        ids = self.records
        by_id = ids is None or not (ids.shared - ids.equal or ids.missing_in_first or ids.missing_in_second)
        return by_id and not self.unequal_days

    def users_only(self, place: int) -> tuple[str, ...]:
        """The users of whom only the first (0) or only the second (1) tells, in bytewise order."""
        users: list[set[str]] = [set(), set()]
        for day in self.days:
            for number, counted in enumerate((day.first, day.second)):
                if counted.requests and day.user is not None:
                    users[number].add(day.user)
        return tuple(sorted(users[place] - users[1 - place], key=str.encode))

    def content(self) -> Content:
        """What `report sources --json` prints."""
        return {
            "period": str(self.month),
            "from": form_of(self.starts_at),
            "until": form_of(self.ends_at),
            **fields_of(self, "first", "second", "is_equal", "records"),
            "users_only_in_first": list(self.users_only(0)),
            "users_only_in_second": list(self.users_only(1)),
            "days": [{**day.content(), "is_equal": day.is_equal} for day in self.days],
        }


def compared_days(first: str, usage: Iterable[UsageOfDay]) -> tuple[DayOfSources, ...]:
    """The days of two sources, by user and day.

    Args:
        first: the name of the first source; usage of any other is the second's.
        usage: broken down by user.
    """
    sides: dict[tuple[str, date], list[CountedUsage]] = {}
    for one in usage:
        both = sides.setdefault((one.user or "", one.day), [NOTHING, NOTHING])
        place = 0 if one.source == first else 1
        both[place] = both[place].plus(one.counted)
    named = sorted(sides.items(), key=lambda item: (item[0][0].encode(), item[0][1]))
    return tuple(
        DayOfSources(user or None, day, *both) for (user, day), both in named if any(one.requests for one in both)
    )
