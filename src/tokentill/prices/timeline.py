"""The cards of one kind of request over all time, made once so that a price is looked up and not worked out.

Pure. A kind of request is a model, a mode and a geography. Between two edges of its timeline one entry with one set
of rates holds, and within such a segment the open window and the context tier choose the card. Every card comes from
`rate_cards.rate_card_within`, so a price that is looked up here is the one that is worked out there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tokentill.prices.entries import PriceEntry, RateSet
from tokentill.prices.rate_cards import RateCard, rate_card_within
from tokentill.usage.quantities import sum_of
from tokentill.usage.record import Usage
from tokentill.versions import in_force

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PriceSegment:
    """The cards between two edges, first by window (the first are those outside every window), then by band of input.

    Band 0 is up to the first of `thresholds`, band 1 is above it, and so on. `only` is the card where there is no
    choice, and `low` the one up to `first_threshold` where there are tiers but no windows.
    """

    rates: RateSet
    thresholds: tuple[int, ...]
    cards: tuple[tuple[RateCard, ...], ...]
    only: RateCard | None
    low: RateCard | None
    first_threshold: int

    def rate_card(self, at: datetime, input_total: int) -> RateCard:
        """The card of a request in this segment."""
        return self.bands(at)[bisect_left(self.thresholds, input_total)]

    def rate_card_of(self, usage: Usage) -> RateCard:
        """The card of a usage. Its input total is added up only where it could reach a tier."""
        if self.low and usage.input_tokens is None and sum(usage.quantities.values()) <= self.first_threshold:
            return self.low
        return self.rate_card(usage.occurred_at, input_tokens_of(usage))

    def bands(self, at: datetime) -> tuple[RateCard, ...]:
        """The cards that hold at an instant, by band of input."""
        window = self.rates.open_window(at)
        return self.cards[0 if window is None else window + 1]


@dataclass(frozen=True, slots=True)
class Timeline:
    """When which cards hold. `segments[n]` ends at `edges[n]`, and is None where there is no price."""

    edges: tuple[datetime, ...]
    segments: tuple[PriceSegment | None, ...]
    last_edge: datetime = field(init=False)
    last: PriceSegment | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "last_edge", self.edges[-1] if self.edges else _NEVER)
        object.__setattr__(self, "last", self.segments[-1])

    def at(self, instant: datetime) -> PriceSegment | None:
        """The segment that an instant lies in; an edge is the first instant of the next one."""
        return self.segments[bisect_right(self.edges, instant)]


def input_tokens_of(usage: Usage) -> int:
    """The input total that decides the context tier: what the usage says, otherwise the sum of its input leaves."""
    return sum_of(usage.quantities, "input_total") if usage.input_tokens is None else usage.input_tokens


def timeline_of(spans: Sequence[tuple[datetime, Sequence[PriceEntry]]], mode: str, geo: str | None) -> Timeline:
    """The timeline of a mode and a geography.

    Args:
        spans: from which instant on the entries of which model hold, in order; there is no price before the first.
    """
    edges = {start for start, _ in spans[1:]}
    for _, entries in spans:
        for entry in entries:
            for validity in (entry, entry.modes.get(mode)):
                if validity is not None:
                    edges |= {edge for edge in (validity.valid_from, validity.valid_to) if edge is not None}
    starts = [start for start, _ in spans]
    ordered = sorted(edges)
    segments = (_segment(spans[bisect_right(starts, edge) - 1][1], edge, mode, geo) for edge in ordered)
    return Timeline(tuple(ordered), (None, *segments))


def _segment(entries: Sequence[PriceEntry], at: datetime, mode: str, geo: str | None) -> PriceSegment | None:
    entry = in_force(entries, at)
    rates = None if entry is None else entry.rate_set(mode, at)
    if entry is None or rates is None or isinstance(rates, str):
        return None
    thresholds = sorted(rates.thresholds())
    inputs = [0, *(threshold + 1 for threshold in thresholds)]
    cards = tuple(
        tuple(rate_card_within(entry, mode, rates, window, input_total, geo) for input_total in inputs)
        for window in (None, *range(len(rates.windows)))
    )
    low = cards[0][0] if len(cards) == 1 else None
    return PriceSegment(
        rates=rates,
        thresholds=tuple(thresholds),
        cards=cards,
        only=None if thresholds else low,
        low=low,
        first_threshold=thresholds[0] if thresholds else 0,
    )
