"""Dated exchange rates. A rate holds from its day (UTC) to the next listed one; none earlier, no inverse."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import ClassVar

from tokentill.canonical import Content, content_hash
from tokentill.clock import parse_instant
from tokentill.prices.rate_cards import ONE
from tokentill.versions import precedence


@dataclass(frozen=True, slots=True)
class FxRate:
    """How many units of one currency are one unit of another, from the beginning of a day (UTC) on, without an end.

    `is_unusual` tells `prices check` that the number is meant.
    """

    valid_to: ClassVar[None] = None

    from_currency: str
    to_currency: str
    valid_from: datetime
    recorded_at: datetime
    rate: Decimal
    is_unusual: bool = False

    @classmethod
    def from_content(cls, content: Content, *, recorded_at: datetime) -> FxRate:
        """From the canonical content of a `[[rate]]` table."""
        pair = (content["from"], content["to"])
        rate, is_unusual = Decimal(content["rate"]), content.get("unusual", False)
        return cls(*pair, _starts_at(content["date"]), recorded_at, rate, is_unusual)

    @property
    def pair(self) -> tuple[str, str]:
        """From which currency to which one."""
        return self.from_currency, self.to_currency


@dataclass(frozen=True, slots=True)
class NoRate:
    """Why there is no exchange rate."""

    reason: str


class FxBook:
    """Every exchange rate that is known. Where a day is listed twice, the later recording holds. Immutable."""

    def __init__(self, recordings: Iterable[Content]) -> None:
        ordered = sorted((content for content in recordings if content["kind"] == "fx"), key=content_hash)
        rates: dict[tuple[str, str], list[FxRate]] = {}
        for content in ordered:
            recorded_at = parse_instant(content["recorded_at"])
            for stated in content["rate"]:
                rate = FxRate.from_content(stated, recorded_at=recorded_at)
                rates.setdefault(rate.pair, []).append(rate)
        self._rates = {pair: sorted(listed, key=precedence) for pair, listed in rates.items()}
        self.recordings = tuple(map(content_hash, ordered))

    def rate(self, from_currency: str, to_currency: str, day: date) -> Decimal | NoRate:
        """How many units of one currency are one unit of the other on a day."""
        if from_currency == to_currency:
            return ONE
        listed = self._rates.get((from_currency, to_currency), [])
        index = bisect_right(listed, _starts_at(day.isoformat()), key=lambda rate: rate.valid_from)
        if not index:
            return NoRate(
                f"no exchange rate from {from_currency} to {to_currency} is listed for {day.isoformat()} or before;"
                " add one to pricing/fx/"
            )
        return listed[index - 1].rate  # no rate has an end, so the last that covers the day is the one in force


def _starts_at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
