"""Which card holds for each row: by kind of request, by segment of its timeline, by window, by band of input.

Each of the four becomes a code, and the codes one number; the card is then looked up once for every number that
occurs, not for every row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from tokentill.clock import from_micros, to_micros
from tokentill.errors import ensure
from tokentill.prices.book import PriceBook
from tokentill.prices.columns.data import (
    INT64_MAX,
    NOT_STATED,
    Codes,
    Columns,
    Flags,
    Integers,
    marks_passed,
    present_codes,
)
from tokentill.prices.entries import Window
from tokentill.prices.rate_cards import RateCard
from tokentill.prices.timeline import PriceSegment
from tokentill.usage.quantities import INPUT_LEAVES

LEAF_COUNTED_MAX = INT64_MAX // len(INPUT_LEAVES)
"""No more of a leaf is counted for the input total, so that it fits into 64 bits. Every tier begins far below."""

_DAY, _HOUR = 86_400, 3_600
_MICROS = 1_000_000
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""


def rate_cards_of(book: PriceBook, columns: Columns) -> tuple[list[RateCard | None], Codes]:
    """The cards that occur, None where there is no price, and for each row the place of its own."""
    if not len(columns):
        return [], np.zeros(0, dtype=np.intp)
    kinds, kind_codes, kind_count = _kinds(columns)
    timelines = {kind: book.timeline(*columns.kind(kind)) for kind in kinds.tolist()}
    at = columns.occurred_at_us
    first, last = int(at.min()), int(at.max())
    changes = {to_micros(edge) for timeline in timelines.values() for edge in timeline.edges}
    edges = sorted(change for change in changes if first < change <= last)
    slots = len(edges) + 1
    pairs, codes = present_codes(kind_codes * slots + marks_passed(at, edges), kind_count * slots)
    starts = [from_micros(start) for start in (first, *edges)]
    return _within([timelines[pair // slots].at(starts[pair % slots]) for pair in pairs.tolist()], codes, columns)


def _kinds(columns: Columns) -> tuple[Codes, Codes, int]:
    """The kinds of request that occur (see `Columns.kind`), that of each row, and how many there could be."""
    codes = columns.model_codes.astype(np.intp) * (len(columns.modes) * len(columns.geos))
    if columns.mode_codes is not None:
        codes += columns.mode_codes * len(columns.geos)
    if columns.geo_codes is not None:
        codes += columns.geo_codes
    count = len(columns.models) * len(columns.modes) * len(columns.geos)
    return present_codes(codes, count)[0], codes, count


def _within(segments: list[PriceSegment | None], codes: Codes, columns: Columns) -> tuple[list[RateCard | None], Codes]:
    """The cards of rows whose segments are known: by open window, then by band of input."""
    windows = 1 + max((len(segment.rates.windows) for segment in segments if segment), default=0)
    thresholds = sorted({threshold for segment in segments if segment for threshold in segment.thresholds})
    marks = [threshold + 1 for threshold in thresholds]
    bands = len(marks) + 1
    numbers = codes
    if windows > 1:
        numbers = numbers * windows + _window_numbers(segments, codes, columns.occurred_at_us)
    if marks:
        ensure(marks[-1] <= LEAF_COUNTED_MAX, f"a tier begins above {LEAF_COUNTED_MAX} input tokens")
        numbers = numbers * bands + marks_passed(input_totals(columns), marks)
    combinations, kind_codes = present_codes(numbers, len(segments) * windows * bands)
    cards: list[RateCard | None] = []
    for combination in combinations.tolist():
        place, window, band = combination // bands // windows, combination // bands % windows, combination % bands
        segment = segments[place]
        if segment is None:
            cards.append(None)
        else:
            cards.append(segment.cards[window][bisect_left(segment.thresholds, marks[band - 1] if band else 0)])
    return cards, kind_codes


def input_totals(columns: Columns) -> Integers:
    """The input total that decides the tier of each row."""
    totals = np.zeros(len(columns), dtype=np.int64)
    for name in INPUT_LEAVES:
        if name in columns.quantities:
            totals += np.minimum(columns.quantities[name], LEAF_COUNTED_MAX)
    if columns.input_tokens is None:
        return totals
    return np.where(columns.input_tokens == NOT_STATED, totals, columns.input_tokens)


def _window_numbers(segments: list[PriceSegment | None], codes: Codes, at_us: Integers) -> Codes:
    """The open window of each row, from 1; 0 where none is open or its cards have none."""
    numbers = np.zeros(len(codes), dtype=np.intp)
    for place, segment in enumerate(segments):
        if segment is not None and segment.rates.windows:
            rows = np.flatnonzero(codes == place)
            numbers[rows] = open_windows(segment.rates.windows, at_us[rows])
    return numbers


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
