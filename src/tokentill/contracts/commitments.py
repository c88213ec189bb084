"""What a customer commits itself to use over a term of several months.

Pure. An amount is agreed for the days from `starts` until just before `ends`. Usage draws it down month by month; what
lies above it is billed times `overage_factor`, and what is left of it at the end is billed then (see
`invoicing.commitments`). A commitment is known by the day on which it starts, whatever version of a contract states it.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Self
from zoneinfo import ZoneInfo

from tokentill.canonical import Content


@dataclass(frozen=True, slots=True)
class Commitment:
    """An amount of usage that is agreed for the days of [starts, ends), in the contract's currency."""

    amount: Decimal
    starts: date
    ends: date
    overage_factor: Decimal
    name: str
    is_unusual: bool = field(default=False, compare=False)

    @classmethod
    def from_content(cls, content: Content) -> Self:
        """From the canonical content of an `[invoice.commitment]` table, which states its end or its months."""
        starts = date.fromisoformat(content["starts"])
        ends = date.fromisoformat(content["ends"]) if "ends" in content else months_later(starts, content["months"])
        return cls(
            Decimal(content["amount"]),
            starts,
            ends,
            Decimal(content.get("overage_factor", 1)),
            content.get("name", "commitment"),
            content.get("unusual", False),
        )


@dataclass(frozen=True, slots=True)
class CommittedTerm:
    """A commitment with the instants between which usage draws it down."""

    commitment: Commitment
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def in_zone(cls, commitment: Commitment, zone: ZoneInfo) -> Self:
        """By the local midnights of a time zone."""
        edges = (
            datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
            for day in (commitment.starts, commitment.ends)
        )
        return cls(commitment, *edges)


def months_later(day: date, months: int) -> date:
    """The same day so many months later, the last one of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
