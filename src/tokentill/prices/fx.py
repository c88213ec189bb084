"""Dated exchange rates. A rate holds from its day (UTC) to the next listed one; none earlier, no inverse."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tokentill.canonical import Content, content_hash
from tokentill.clock import parse_instant
from tokentill.prices.rate_cards import ONE


@dataclass(frozen=True, slots=True)
class NoRate:
    """Why there is no exchange rate."""

    reason: str


class FxBook:
    """Every exchange rate that is known. Where a day is listed twice, the later recording holds. Immutable."""

    def __init__(self, recordings: Iterable[Content]) -> None:
        ordered = sorted(
            (content for content in recordings if content["kind"] == "fx"),
            key=lambda content: (parse_instant(content["recorded_at"]), content_hash(content)),
        )
        rates: dict[tuple[str, str], dict[date, Decimal]] = {}
        for content in ordered:
            for rate in content["rate"]:
                by_day = rates.setdefault((rate["from"], rate["to"]), {})
                by_day[date.fromisoformat(rate["date"])] = Decimal(rate["rate"])
        self._rates = {pair: sorted(by_day.items()) for pair, by_day in rates.items()}
        self.recordings = tuple(sorted(content_hash(content) for content in ordered))

    def rate(self, from_currency: str, to_currency: str, day: date) -> Decimal | NoRate:
        """How many units of one currency are one unit of the other on a day."""
        if from_currency == to_currency:
            return ONE
        listed = self._rates.get((from_currency, to_currency), [])
        index = bisect_right([listed_day for listed_day, _ in listed], day)
        if not index:
            return NoRate(
                f"no exchange rate from {from_currency} to {to_currency} is listed for {day.isoformat()} or before;"
                " add one to pricing/fx/"
            )
        return listed[index - 1][1]
