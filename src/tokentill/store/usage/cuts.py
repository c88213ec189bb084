"""How usage is cut in time and by input totals, and spans of single series."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from tokentill.clock import from_micros, to_micros
from tokentill.invoicing.coverage import CoveredSegment, OwnedSegment
from tokentill.store.usage.usage_sums import DAY_MICROS
from tokentill.store.usage.withdrawals import Counting


@dataclass(frozen=True, slots=True)
class Cuts:
    """How usage is cut for everybody: in time at `boundaries` and every UTC midnight, by input totals at `thresholds`.

    Both rise. The boundaries are instants at which something may change that decides an amount.
    """

    starts_at: datetime
    ends_at: datetime
    boundaries: tuple[datetime, ...]
    thresholds: tuple[int, ...]

    @classmethod
    def of(
        cls, starts_at: datetime, ends_at: datetime, edges: Collection[datetime], thresholds: Collection[int]
    ) -> Cuts:
        """Cut [starts_at, ends_at)."""
        inside = {edge.astimezone(UTC) for edge in edges if starts_at < edge < ends_at}
        between = sorted(edge for edge in inside if to_micros(edge) % DAY_MICROS)
        return cls(starts_at, ends_at, tuple(between), tuple(sorted(thresholds)))

    def days(self, starts_at: datetime, ends_at: datetime) -> tuple[int, int, list[int]]:
        """The first and the last whole day (UTC, from 1970) inside of an interval, and those between that are cut."""
        first, last = -(-to_micros(starts_at) // DAY_MICROS), to_micros(ends_at) // DAY_MICROS - 1
        return first, last, sorted(day for day in self.broken if first <= day <= last)

    @property
    def broken(self) -> frozenset[int]:
        """The days that are cut."""
        return frozenset(to_micros(at) // DAY_MICROS for at in self.boundaries)

    def without_days(self, starts_at: datetime, ends_at: datetime) -> list[tuple[datetime, datetime]]:
        """What whole days leave of an interval, day by day."""
        first, last, broken = self.days(starts_at, ends_at)
        if first > last:
            return [(starts_at, ends_at)] if starts_at < ends_at else []
        parts = [(starts_at, midnight(first)), *((midnight(day), midnight(day + 1)) for day in broken)]
        return [(start, end) for start, end in (*parts, (midnight(last + 1), ends_at)) if start < end]

    def cuts_at(self, at: datetime) -> bool:
        """Whether everybody's usage is cut at an instant anyway."""
        if at <= self.starts_at or at >= self.ends_at or not to_micros(at) % DAY_MICROS:
            return True
        index = bisect_left(self.boundaries, at)
        return index < len(self.boundaries) and self.boundaries[index] == at

    def band(self, input_total: int) -> int:
        """How many thresholds an input total exceeds."""
        return bisect_left(self.thresholds, input_total)

    def start_of(self, day: int, passed: int, floor: datetime) -> datetime:
        """Where a segment begins, that of a UTC day (from 1970) in which some boundaries are passed."""
        start = max(midnight(day), floor)
        return max(start, self.boundaries[passed - 1]) if passed else start

    def next_after(self, at: datetime) -> datetime:
        """The next instant after one at which everybody's usage is cut."""
        next_midnight = midnight(to_micros(at) // DAY_MICROS + 1)
        index = bisect_right(self.boundaries, at)
        return min([next_midnight, self.ends_at, *self.boundaries[index : index + 1]])

    def start_around(self, at: datetime, floor: datetime) -> datetime:
        """Where the segment begins that holds an instant."""
        return self.start_of(to_micros(at) // DAY_MICROS, bisect_right(self.boundaries, at), floor)


@lru_cache(maxsize=1024)
def midnight(day: int) -> datetime:
    """When a UTC day, counted from 1970, begins."""
    return from_micros(day * DAY_MICROS)


class Span(NamedTuple):
    """Records of one series in [starts_at, ends_at) with a sequence number above `seq_after` and up to `seq_upto`.

    `floor` is where the segment begins that the span lies in, unless a cut for everybody lies after it: an instant at
    which all usage of the same customer is cut. `counting` says what counts, if not what does so at the end.
    """

    series_id: int
    starts_at: datetime
    ends_at: datetime
    seq_after: int
    seq_upto: int
    floor: datetime
    counting: Counting | None = None

    @classmethod
    def of(
        cls,
        segment: CoveredSegment | OwnedSegment,
        floor: datetime | None = None,
        counting: Counting | None = None,
    ) -> Span:
        """That of a segment, which is its own floor unless another one is given."""
        own = (segment.series_id, segment.starts_at, segment.ends_at, segment.seq_after, segment.seq_upto)
        return cls(*own, floor or segment.starts_at, counting)
