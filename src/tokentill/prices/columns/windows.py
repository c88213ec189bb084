"""Which window of the day is open, for a whole column of instants."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from tokentill.clock import from_micros
from tokentill.prices.columns.codes import Codes, Flags, Integers, present_codes
from tokentill.prices.entries import Window

_DAY, _HOUR = 86_400, 3_600
_MICROS = 1_000_000
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""


def open_windows(windows: Sequence[Window], at_us: Integers) -> Codes:
    """For each instant the number of the window that is open, from 1; 0 where none is.

    The first one that is open counts, as in `RateSet.open_window`.
    """
    numbers = np.zeros(len(at_us), dtype=np.intp)
    for number in range(len(windows), 0, -1):
        numbers[_holds(windows[number - 1], at_us)] = number
    return numbers


def _holds(window: Window, at_us: Integers) -> Flags:
    """`Window.holds` for a column."""
    at = at_us // _MICROS
    local = at + _utc_offsets(window.zone, at)
    minute = local % _DAY // 60
    weekday = (local // _DAY + _EPOCH_WEEKDAY) % 7
    days: Flags = np.array([day in window.days for day in range(7)], dtype=np.bool_)
    starts, ends = window.starts_minute, window.ends_minute
    is_after_start: Flags = (minute >= starts) & days[weekday]
    if starts < ends:
        is_open: Flags = is_after_start & (minute < ends)
    else:
        is_open = is_after_start | ((minute < starts) & (minute < ends) & days[weekday - 1])
    return is_open


def _utc_offsets(zone: ZoneInfo, at: Integers) -> Integers:
    """Seconds that clocks in a zone are ahead of UTC. An hour in which they are changed is looked at by the second."""
    first = int(at.min(initial=0)) // _HOUR
    hours, places = present_codes(at // _HOUR - first, int(at.max(initial=0)) // _HOUR - first + 1)
    starts = [(first + int(hour)) * _HOUR for hour in hours]
    offsets = np.array([_utc_offset(zone, start) for start in starts], dtype=np.int64)
    ends = np.array([_utc_offset(zone, start + _HOUR - 1) for start in starts], dtype=np.int64)
    by_row = offsets[places]
    for row in np.flatnonzero((offsets != ends)[places]):
        by_row[row] = _utc_offset(zone, int(at[row]))
    return by_row


def _utc_offset(zone: ZoneInfo, at: int) -> int:
    offset = from_micros(at * _MICROS).astimezone(zone).utcoffset()
    return 0 if offset is None else offset.days * _DAY + offset.seconds
