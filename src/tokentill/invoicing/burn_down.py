"""Prepaid credits burn in order of time: a grant pays for what was used while it was in effect.

Pure. The edges of a customer's grants cut its period into segments, inside of which the same grants are in effect.
What is due is cut into the pieces of these segments, and segment by segment the grants pay in their burning order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import NamedTuple

from tokentill.contracts.commitments import CommittedTerm
from tokentill.contracts.invoice_terms import Grant
from tokentill.contracts.recurring import GrantPart
from tokentill.invoicing.accumulators import Charge
from tokentill.invoicing.carried import NONE_OF_THEM
from tokentill.invoicing.periods import Period
from tokentill.invoicing.rating_groups import TimeKey
from tokentill.money import EXACT, ZERO, minor_digits, round_to_minor, sum_exact


@dataclass(frozen=True, slots=True)
class Accrued:
    """What the lines of a document come to, and when.

    Args:
        subtotal_minor: all of it, rounded to minor units.
        by_segment: exact amounts of usage, packages and tiers in each segment, in major units.
        at_end: the exact amount of what lies at the end of the period: fees.
        is_empty: whether there is no usage and no charge at all.
    """

    subtotal_minor: int
    by_segment: tuple[Decimal, ...]
    at_end: Decimal = ZERO
    is_empty: bool = False

    @classmethod
    def of(
        cls,
        subtotal_minor: int,
        segments: int,
        by_time: Mapping[TimeKey, tuple[int, Decimal]],
        charges: Iterable[Charge],
        *,
        is_empty: bool,
    ) -> Accrued:
        """From amounts by time and the charges beside them.

        What a charge takes away lies nowhere: it spreads over all the rest in proportion, as a coupon does.
        """
        by_segment, at_end = [ZERO] * segments, ZERO
        for (_, segment), (_, amount) in by_time.items():
            by_segment[segment] = EXACT.add(by_segment[segment], amount)
        for charge in charges:
            for segment, amount in charge.begun:
                by_segment[segment] = EXACT.add(by_segment[segment], amount)
            begun = sum_exact(amount for _, amount in charge.begun)
            at_end = EXACT.add(at_end, max(EXACT.subtract(charge.amount, begun), ZERO))
        return cls(subtotal_minor, tuple(by_segment), at_end, is_empty)


def segments_of(
    period: Period, grants: Iterable[Grant], committed: Iterable[CommittedTerm] = ()
) -> tuple[datetime, ...]:
    """Where the segments of a period begin: with it, wherever a grant comes into effect or expires, and wherever the
    term of a commitment begins or ends."""
    edges = {edge for grant in grants for edge in (grant.valid_from, grant.expires_at) if edge is not None}
    edges |= {edge for term in committed for edge in (term.starts_at, term.ends_at)}
    return (period.starts_at, *sorted(edge for edge in edges if period.starts_at < edge < period.ends_at))


def pieces_of(
    due_minor: int, accrued: Accrued, *, discounted_minor: int, true_up_minor: int, currency: str
) -> list[int]:
    """Cut what is due into pieces by segment, which add up to it.

    Usage, packages and tiers lie where they were used, begun and entered; fees and the true-up of a minimum at the end.
    Coupons, cap and taxes spread over all of it in proportion. Without any amount all of it lies at the end.

    Args:
        due_minor: in minor units, taxes included.
        discounted_minor: what coupons left of the subtotal.
        true_up_minor: what was missing to a minimum.
    """
    *amounts, at_end = _in_whole_numbers([*(max(amount, ZERO) for amount in accrued.by_segment), accrued.at_end])
    weights = [amount * discounted_minor for amount in amounts]
    weights[-1] += at_end * discounted_minor + (sum(amounts) + at_end) * true_up_minor
    whole = sum(weights)
    if whole <= 0:
        return [0] * (len(weights) - 1) + [due_minor]
    divisor = whole * 10 ** minor_digits(currency)
    cuts = [round_to_minor(Decimal(due_minor * part), currency, divisor=divisor) for part in accumulate(weights)]
    return [after - before for before, after in pairwise([0, *cuts])]


class Burnt(NamedTuple):
    """What each grant pays, and what it had left for that, by its id and in minor units."""

    paid: dict[str, int]
    had: dict[str, int]


def burn(
    pieces: Sequence[int],
    segments: Sequence[datetime],
    grants: Sequence[Grant],
    left: Mapping[str, int],
    drawn: Mapping[str, int] = NONE_OF_THEM,
) -> Burnt:
    """Let grants pay pieces in the order of their segments.

    Args:
        grants: in the order in which they burn.
        left: what each has left for these pieces; not asked for parts of a grant that recurs.
        drawn: what other documents drew from each, for parts: what goes over depends on what was drawn before.
    """
    paid = {grant.id: 0 for grant in grants}
    had = dict(left)
    for starts_at, piece in zip(segments, pieces, strict=True):
        open_minor = piece
        in_effect = [
            grant
            for grant in grants
            if grant.valid_from <= starts_at and (grant.expires_at is None or starts_at < grant.expires_at)
        ]
        had |= {id_: minor + paid[id_] for id_, minor in _left_of_parts(in_effect, starts_at, drawn, paid).items()}
        for grant in in_effect:
            pays = max(0, min(had[grant.id] - paid[grant.id], open_minor))
            paid[grant.id] += pays
            open_minor -= pays
    return Burnt(paid, had)


def _left_of_parts(
    grants: Iterable[Grant], at: datetime, drawn: Mapping[str, int], paid: Mapping[str, int]
) -> dict[str, int]:
    """What the parts of recurring grants have left at an instant, by their ids."""
    left: dict[str, int] = {}
    recurrences = dict.fromkeys(grant.recurrence for grant in grants if isinstance(grant, GrantPart))
    by_now = {id_: drawn.get(id_, 0) + paid.get(id_, 0) for id_ in drawn.keys() | paid} if recurrences else {}
    for recurrence in recurrences:
        left |= recurrence.left_in(recurrence.month_at(at), by_now)
    return left


def _in_whole_numbers(amounts: Sequence[Decimal]) -> list[int]:
    """Amounts, all scaled by the same power of ten so that nothing is left after the point."""
    digits = max(0, *(-int(amount.as_tuple().exponent) for amount in amounts))
    return [int(amount.scaleb(digits, EXACT)) for amount in amounts]
