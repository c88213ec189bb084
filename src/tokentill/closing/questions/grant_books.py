"""What a grant is worth in the books: what was paid for it, what documents drew of it, and what of it expired.

A grant that recurs is bought anew each time. What goes over of an occurrence into later months stays its liability;
what does not is breakage when the part ends, once the month of that instant was closed. Amounts are in minor units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from tokentill.clock import MICROSECOND
from tokentill.contracts.invoice_terms import Grant
from tokentill.contracts.recurring import PartKey, Recurrence
from tokentill.money import round_to_minor

WHOLE = PartKey(0, 0)
"""The only part of a grant that does not recur."""
_AHEAD = timedelta(days=95)
"""A document may draw from what begins in its period, which ends no later than this after it."""


class Booked(NamedTuple):
    """What is booked of one grant or occurrence: taken off its liability, made breakage, and given."""

    id: str
    liability_minor: int
    breakage_minor: int
    given_minor: int


class Expiry(NamedTuple):
    """The end of a part: its last instant, and up to which instant draws were known when its month was closed."""

    known_at: datetime
    key: PartKey
    last: datetime


@dataclass(slots=True)
class _Bought:
    """A grant, or one occurrence of one that recurs. What nobody stated is worth nothing."""

    id: str
    starts_at: datetime | None = None
    amount_minor: int = 0
    paid_minor: int = 0
    drawn_minor: int = 0
    expired_minor: int = 0

    def paid_of(self, minor: int) -> int:
        """How much of what is used up was paid for: as large a share as of the whole, rounded down; what is drawn
        beyond it was not."""
        used = min(max(minor, 0), self.amount_minor)
        return self.paid_minor * used // self.amount_minor if used else 0

    def book(self, drawn_minor: int, expired_minor: int) -> Booked:
        """Book that so much is drawn and expired by now."""
        was = (self.paid_of(self.drawn_minor + self.expired_minor), self.paid_of(self.drawn_minor))
        now = (self.paid_of(drawn_minor + expired_minor), self.paid_of(drawn_minor))
        more, paid, drawn = now[0] - was[0], now[1] - was[1], drawn_minor - self.drawn_minor
        self.drawn_minor, self.expired_minor = drawn_minor, expired_minor
        return Booked(self.id, more, more - paid, drawn - paid)


@dataclass(slots=True)
class GrantInBooks:
    """A grant with everything that happens to it, in the order in which that was known.

    Args:
        grant: as it is stated; None is one that never was, of which all that is drawn was given.
        recurrence: of one that recurs.
        upto: occurrences that begin later are bought later.
        first_close: when it was known what was used up to an instant, None while it is not.
    """

    id: str
    grant: Grant | None
    recurrence: Recurrence | None
    upto: datetime
    first_close: Callable[[datetime], datetime | None]
    _bought: dict[int, _Bought] = field(default_factory=dict)
    _keys: dict[str, PartKey] = field(default_factory=dict)
    _open: list[Expiry] = field(default_factory=list)
    _over: set[PartKey] = field(default_factory=set)
    _drawn: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.grant is None:
            self._keys[self.id], self._bought[0] = WHOLE, _Bought(self.id)
            return
        for key in self._parts():
            id_, starts_at, expires_at = self._part(key)
            self._keys[id_] = key
            if key.months_over == 0:
                paid = self.grant.amount if self.grant.paid is None else self.grant.paid
                minor = (round_to_minor(amount, self.grant.currency) for amount in (self.grant.amount, paid))
                self._bought[key.occurrence] = _Bought(id_, starts_at, *minor)
            last = None if expires_at is None else expires_at - MICROSECOND
            known_at = None if last is None else self.first_close(last)
            if last is not None and known_at is not None:
                self._open.append(Expiry(known_at, key, last))
        self._open.sort()

    @property
    def ids(self) -> list[str]:
        """The ids under which it may be drawn from."""
        return list(self._keys)

    def bought(self) -> Iterator[tuple[str, datetime, int]]:
        """What was bought: by which id, when, and for how much; of what begins later, what was drawn from already."""
        drawn_from = {self._keys[id_].occurrence for id_ in self._drawn}
        for number, one in self._bought.items():
            is_there = self.recurrence is None or number in drawn_from
            if one.starts_at is not None and one.paid_minor and (is_there or one.starts_at <= self.upto):
                yield one.id, one.starts_at, one.paid_minor

    def draw(self, id_: str, minor: int) -> list[Booked]:
        """Draw from a part, or give back to it where that is below zero."""
        self._drawn[id_] += minor
        return self._book()

    def expire(self, until: datetime | None) -> Iterator[tuple[datetime, Booked]]:
        """What becomes breakage by what was known before an instant (None: by all), with the last instant of each."""
        while self._open and (until is None or self._open[0].known_at < until):
            expiry = self._open.pop(0)
            self._over.add(expiry.key)
            yield from ((expiry.last, booked) for booked in self._book() if booked.breakage_minor)

    def _parts(self) -> Iterator[PartKey]:
        if self.recurrence is None:
            yield WHOLE
            return
        last = self.upto + _AHEAD
        if self.recurrence.grant.expires_at is not None:
            last = min(last, self.recurrence.grant.expires_at - MICROSECOND)
        seen: dict[PartKey, None] = {}
        for month in range(self.recurrence.month_at(last) + 1):
            seen |= dict.fromkeys(self.recurrence.keys_in(month))
        yield from seen

    def _part(self, key: PartKey) -> tuple[str, datetime, datetime | None]:
        """Its id, and when it begins and ends."""
        if self.recurrence is not None:
            part = self.recurrence.part(key)
            return part.id, part.valid_from, part.expires_at
        return self.id, self.grant.valid_from, self.grant.expires_at  # type: ignore[union-attr]

    def _book(self) -> list[Booked]:
        """Book what is drawn and expired of each occurrence by now."""
        drawn: Counter[int] = Counter()
        for id_, minor in self._drawn.items():
            drawn[self._keys[id_].occurrence] += minor
        expired = self._expired(drawn)
        booked = [one.book(drawn[number], expired[number]) for number, one in self._bought.items()]
        return [one for one in booked if any(one[1:])]

    def _expired(self, drawn: Mapping[int, int]) -> Counter[int]:
        """What of each occurrence was neither drawn nor went over when a part of it ended."""
        expired: Counter[int] = Counter()
        if not self._over:
            return expired
        recurrence = self.recurrence
        if recurrence is None:
            expired[0] = max(0, self._bought[0].amount_minor - max(0, drawn.get(0, 0)))
            return expired
        after = {key: (key.occurrence + 1) * recurrence.length + key.months_over for key in self._over}
        had, end = recurrence.had_by(max(after.values()), self._drawn), recurrence.grant.expires_at
        for key, month in after.items():
            goes_over = had.get(PartKey(key.occurrence, key.months_over + 1), 0)
            if end is not None and recurrence.start_of(month) >= end:
                goes_over = 0
            expired[key.occurrence] += max(0, had[key] - self._drawn[recurrence.id_of(key)] - goes_over)
        return expired
