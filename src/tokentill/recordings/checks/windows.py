"""Whether two time windows share a minute."""

from __future__ import annotations

from datetime import datetime, timedelta

from tokentill.canonical import Content
from tokentill.prices.entries import DAYS
from tokentill.recordings.checks.zones import zone_mistake
from tokentill.zones import zone

_MINUTES_A_DAY = 24 * 60
_MINUTES_A_WEEK = 7 * _MINUTES_A_DAY
_WINTER, _SUMMER = 1, 7


def windows_meet(one: Content, other: Content, year: int) -> bool:
    """Whether two windows share a minute of the week.

    Those of two zones are compared in UTC, as of a January and a July: clocks are not changed within these months.
    """
    zones = [when.get("time_zone", "UTC") for when in (one, other)]
    if zones[0] == zones[1]:
        return bool(_minutes_of_week(one) & _minutes_of_week(other))
    if any(zone_mistake(zone) for zone in zones):
        return False
    return any(_utc_minutes(one, year, month) & _utc_minutes(other, year, month) for month in (_WINTER, _SUMMER))


def _utc_minutes(when: Content, year: int, month: int) -> set[int]:
    offset = datetime(year, month, 15, tzinfo=zone(when.get("time_zone", "UTC"))).utcoffset() or timedelta(0)
    behind = offset // timedelta(minutes=1)
    return {(minute - behind) % _MINUTES_A_WEEK for minute in _minutes_of_week(when)}


def _minutes_of_week(when: Content) -> set[int]:
    starts, ends = (int(text[:2]) * 60 + int(text[3:]) for text in when["between"])
    length = (ends - starts) % _MINUTES_A_DAY or _MINUTES_A_DAY
    first = [DAYS.index(day) * _MINUTES_A_DAY + starts for day in when.get("days", DAYS)]
    return {minute % _MINUTES_A_WEEK for start in first for minute in range(start, start + length)}
