"""What is agreed over more than one month, worked out a second time.

Imports nothing of the package. Amounts are whole cents or fractions of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from tests.verification.calculator import rounded


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


def charged_of_a_yearly_fee(
    amount: int, starts: date, agreed: Mapping[date, bool], month: tuple[date, date]
) -> dict[date, int]:
    """What a month charges of a fee by the year, in cents, by the first day of the year. Looks at each day by itself.

    Args:
        agreed: of each day, whether the fee is agreed on it.
        month: its first and its last day.
    """
    charged: dict[date, int] = {}
    for number in range(-1, 60):
        first, following = anniversary(starts, number), anniversary(starts, number + 1)
        days = [first + timedelta(days=n) for n in range((following - first).days)]
        agreed_days = [day for day in days if agreed.get(day) and number >= 0]
        if agreed_days and month[0] <= agreed_days[0] <= month[1]:
            charged[first] = rounded(Fraction(amount * len(agreed_days), len(days)))
    return charged


def anniversary(day: date, years: int) -> date:
    """The same day so many years later, or the day before the 1st of March."""
    try:
        return date(day.year + years, day.month, day.day)
    except ValueError:
        return date(day.year + years, 3, 1) - timedelta(days=1)


def documents_of_a_commitment(
    used: Sequence[int], committed: int, factor: Fraction, first: int, last: int
) -> list[int]:
    """What the document of each month comes to, in cents, where months `first` to `last` are the committed term."""
    totals, drawn = [], 0
    for month, cents in enumerate(used):
        total = Fraction(cents)
        if first <= month <= last:
            above = [position for position in range(drawn, drawn + cents) if position >= committed]
            total += len(above) * (factor - 1)
            drawn += cents
        rest = max(0, committed - drawn) if month == last else 0
        totals.append(rounded(total) + rest)
    return totals
