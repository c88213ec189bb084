"""From where on a preview names what stands out. Pure, and light to import: settings know it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ReviewLimits:
    """From where on a reported cost is far above the list amount: by more than a factor, and by an amount at least.

    Args:
        cost_factor: at least 1.
        cost_amount: in USD, for all requests of a customer to one model.
    """

    cost_factor: Decimal = Decimal(3)
    cost_amount: Decimal = Decimal(1)


DEFAULT_LIMITS = ReviewLimits()
