"""Where the days of a place begin."""

from __future__ import annotations

from datetime import UTC, date, datetime

from tokentill.zones import zone


def midnight(day: date, zone_name: str) -> datetime:
    """The UTC instant at which a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone(zone_name)).astimezone(UTC)
