"""The only place that asks what time it is.

Everything else is handed a `Clock`, so that a close can be replayed and a test can stand still.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_EPOCH_IN_UTC = EPOCH.replace(tzinfo=None)


class Clock:
    """Tells the present instant as an aware UTC datetime."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock(Clock):
    """A clock that always tells the same instant."""

    instant: datetime

    def now(self) -> datetime:
        """The one instant that this clock knows."""
        return self.instant


SYSTEM_CLOCK = Clock()


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, exactly (no float on the way)."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """The UTC instant that lies `micros` microseconds after 1970-01-01T00:00:00Z."""
    return EPOCH + timedelta(microseconds=micros)


def instant_text(instant: datetime) -> str:
    """RFC 3339 with `Z`; microseconds are printed only when there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


@overload
def parse_instant(text: str) -> datetime: ...
@overload
def parse_instant(text: None) -> None: ...
@overload
def parse_instant(text: str | None) -> datetime | None: ...
def parse_instant(text: str | None) -> datetime | None:
    """The instant of a canonical text (see `instant_text`), None for None."""
    return None if text is None else datetime.fromisoformat(text)


def micros_text(micros: int) -> str:
    """`instant_text(from_micros(micros))`, faster."""
    return (_EPOCH_IN_UTC + timedelta(microseconds=micros)).isoformat() + "Z"
