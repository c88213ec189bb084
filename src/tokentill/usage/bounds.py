"""Between which instants usage is taken in. Pure.

A digit that slipped makes a record of the year 2062, which would be counted and then shown in no period that anybody
looks at. So what lies out of bounds is quarantined like any other record that cannot be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tokentill.clock import MICROSECOND, instant_text, to_micros
from tokentill.errors import InvalidRecord

_WHERE = "(in [ingest] of tokentill.toml, or Till.open's bounds)"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The instants of usage that are taken, both ends among them.

    Args:
        oldest: the first one. No gateway for language models is older than the default.
        ahead: how far after the present. Two days let a record pass that is dated a day ahead, in any time zone, by a
            clock that goes wrong by hours.
    """

    oldest: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    ahead: timedelta = timedelta(days=2)

    def check(self, occurred_at: datetime, now: datetime) -> None:
        """Refuse an instant that is out of bounds.

        Raises:
            InvalidRecord: with what to do.
        """
        if occurred_at < self.oldest:
            raise InvalidRecord(
                f"occurred_at {instant_text(occurred_at)} is before {instant_text(self.oldest)}, the oldest instant"
                f" that is taken; correct the record, or set oldest {_WHERE}"
            )
        if occurred_at - now > self.ahead:
            ahead = f"{self.ahead.days} days" if self.ahead % timedelta(days=1) == timedelta(0) else str(self.ahead)
            raise InvalidRecord(
                f"occurred_at {instant_text(occurred_at)} is more than {ahead} ahead of the clock, which says"
                f" {instant_text(now)}; correct the record, or raise ahead_days {_WHERE}"
            )

    def in_micros(self, now: datetime) -> tuple[int, int]:
        """Both ends, in microseconds since 1970."""
        return to_micros(self.oldest), to_micros(now) + self.ahead // MICROSECOND


DEFAULT_BOUNDS = Bounds()
