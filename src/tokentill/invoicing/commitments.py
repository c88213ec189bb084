"""Commitments over a term, document by document: what usage draws, what lies above, what is left at the end.

Pure. Everything is computed for the term as a whole, less what other documents have of it: so however documents are
voided and made again, all of a term together come to one overage and one true-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tokentill.canonical import Content
from tokentill.contracts.commitments import CommittedTerm
from tokentill.invoicing.accumulators import Charge
from tokentill.invoicing.burn_down import Accrued
from tokentill.invoicing.periods import Period
from tokentill.money import EXACT, ZERO, from_minor, minor_text, round_to_minor, sum_exact

Drawn = Mapping[tuple[str, str, str], int]
"""What other documents have of commitments, in minor units: by kind of row (`commitment` for what usage drew, `overage`
for what of it lay above, `true_up`), the day on which the term starts, and the currency."""


DRAWN_KINDS = ("commitment", "overage", "true_up")
NOTHING_DRAWN: Content = dict.fromkeys(("starts", "ends", "before", "drawn", "over"))
"""What an item says of no commitment."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """What one document draws from a commitment, in minor units.

    `before_minor` is what other documents drew, `over_minor` what of all draws together lies above the commitment and
    was not billed as such by another document. `true_up_minor` is billed at the end of the term for what is left, by
    the document that `ends` it; an earlier period that is corrected after the end gives back of it what it uses.
    """

    term: CommittedTerm
    amount_minor: int
    before_minor: int
    drawn_minor: int
    over_minor: int
    true_up_minor: int
    ends: bool = False

    @property
    def key(self) -> str:
        """By which it is known in the ledger: the day on which it starts."""
        return self.term.commitment.starts.isoformat()

    def overage(self, currency: str) -> Charge | None:
        """What is billed on top of the usage that lies above, at the factor less the one that its lines bill."""
        commitment = self.term.commitment
        more = EXACT.subtract(commitment.overage_factor, Decimal(1))
        if not self.over_minor or not more:
            return None
        over = from_minor(self.over_minor, currency)
        return Charge("overage", commitment.name, None, 1, more, EXACT.multiply(over, more), of_amount=over)

    def rows(self, *, is_true_up: bool) -> dict[str, int]:
        """What the item of what is drawn, or that of the end of the term, adds to the ledger. The end is written down
        also where nothing was left: by it corrections know that the term is over.
        """
        if is_true_up:
            return {"true_up": self.true_up_minor}
        drawn = {"commitment": self.drawn_minor, "overage": self.over_minor}
        return {kind: minor for kind, minor in drawn.items() if minor}

    def content(self, currency: str) -> Content:
        """What an item says of it beside its kind, name and amount."""
        amounts = {"of": self.amount_minor, "before": self.before_minor, "drawn": self.drawn_minor}
        amounts["over"] = self.over_minor
        return NOTHING_DRAWN | {
            "starts": self.key,
            "ends": self.term.commitment.ends.isoformat(),
            **{name: minor_text(minor, currency) for name, minor in amounts.items()},
        }


def draw_down(
    terms: Sequence[CommittedTerm],
    accrued: Accrued,
    segments: Sequence[datetime],
    period: Period,
    currency: str,
    drawn: Drawn,
    *,
    is_period: bool,
) -> tuple[Drawdown, ...]:
    """What a document draws from the commitments of its period.

    Args:
        accrued: usage, packages and tiers by segment; fees draw nothing.
        segments: where they begin. None of them reaches over an edge of a term.
        drawn: what documents of other periods have of these commitments.
        is_period: an interim document has no true-up.
    """
    found = []
    for term in terms:
        inside = [
            amount
            for starts_at, amount in zip(segments, accrued.by_segment, strict=True)
            if term.starts_at <= starts_at < term.ends_at
        ]
        key = term.commitment.starts.isoformat()
        before, over, trued_up = (drawn.get((kind, key, currency), 0) for kind in DRAWN_KINDS)
        amount = round_to_minor(term.commitment.amount, currency)
        used = round_to_minor(sum_exact([ZERO, *inside]), currency)
        above = before + used - amount
        ends = is_period and period.starts_at < term.ends_at <= period.ends_at
        is_over = ends or (is_period and ("true_up", key, currency) in drawn)
        true_up = max(0, -above) - trued_up if is_over else 0
        found.append(Drawdown(term, amount, before, used, max(0, above) - over, true_up, ends))
    return tuple(found)
