"""What decides where a record of a document goes, and what all of them come to: plans of series, which withdrawals
count, and the tally.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tokentill.clock import from_micros
from tokentill.verification.rating.memory import Memory
from tokentill.verification.rating.prices import Offer
from tokentill.verification.rating.rules import Kind
from tokentill.verification.rating.sums import Sums
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.keys import Table
from tokentill.verification.terms.periods import Stretch


@dataclass(slots=True)
class Plan:
    """A series with the stretches of time in which nothing changes, and what is offered in each; looked up once."""

    series: Table
    stretches: Sequence[Stretch]
    parts: Sequence[int]
    starts: list[int] = field(init=False)
    offers: dict[int, tuple[Offer | str, list[int], list[Table]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.starts = [stretch.starts_at for stretch in self.stretches]

    def offer(self, books: Books, place: int) -> tuple[Offer | str, list[int], list[Table]]:
        """What holds in a stretch, with the thresholds of its tiers and its windows."""
        if place not in self.offers:
            offer = Offer.at(books, self.series["model"], self.series["mode"], from_micros(self.starts[place]))
            no_choice: tuple[list[int], list[Table]] = ([], [])
            choice = no_choice if isinstance(offer, str) else (offer.thresholds, offer.windows)
            self.offers[place] = (offer, *choice)
        return self.offers[place]


class Place(NamedTuple):
    """Where a record goes; `day` is one of UTC, `band` one of input totals."""

    series_id: int
    stretch: int
    member: str
    day: int
    band: int
    window: int | None
    is_waived: bool
    is_unmeasured: bool
    is_accepted: bool
    zero_cost: bool
    has_result: bool


@dataclass(slots=True)
class Tally:
    """Everything that the records of a document come to, by member."""

    kinds: dict[str, dict[tuple[Any, ...], Kind]] = field(default_factory=dict)
    memories: dict[str, dict[tuple[str, str], Memory]] = field(default_factory=dict)
    waived: dict[tuple[str, str, int], Sums] = field(default_factory=dict)
    early: dict[tuple[str, str, str], Sums] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Counting:
    """Up to which sequence number each cause of a withdrawal is looked at, for records up to `seq`; what came after
    is looked at as it is at `seq_max`, and of that no row of `later`.
    """

    seq: int
    seq_max: int
    upto: Mapping[str, int]
    later: Collection[int] = ()

    @classmethod
    def at(cls, seq_max: int) -> Counting:
        """Everything as it is at a sequence number."""
        return cls(seq_max, seq_max, {})

    def causes(self, seq: int, withdrawn: Sequence[tuple[str, int]]) -> set[str]:
        """Why a record is not billed."""
        upto = self.upto if seq <= self.seq else {}
        return {cause for cause, since in withdrawn if since <= upto.get(cause, self.seq_max)}

    def leaves_out(self, id_: int, seq: int) -> bool:
        """Whether a row is not looked at."""
        return seq > self.seq and id_ in self.later
