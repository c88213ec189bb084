"""What is agreed over more than one month, worked out a second time.

Imports nothing of the package. Amounts are whole cents or fractions of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Lot:
    """Cents that were granted together, and the month after which nothing of them is left."""

    last_month: int
    cents: int


def paid_by_a_monthly_grant(used: Sequence[int], granted: int, over_max: int, over_months: int) -> list[int]:
    """What a grant that recurs pays of each month's cents, month after month."""
    lots: list[Lot] = []
    paid = []
    for month, wanted in enumerate(used):
        room = over_max
        for lot in sorted(lots, key=lambda lot: -lot.last_month):
            lot.cents = min(lot.cents, room) if lot.last_month >= month else 0
            room -= lot.cents
        lots.append(Lot(month + over_months, granted))
        left = wanted
        for lot in sorted(lots, key=lambda lot: lot.last_month):
            taken = min(lot.cents, left)
            lot.cents -= taken
            left -= taken
        paid.append(wanted - left)
    return paid
