"""The floor of margin: each request is raised to its reported cost and so many percent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from tokentill.contracts.steps import Step, percent_of
from tokentill.money import EXACT, ZERO


@dataclass(frozen=True, slots=True)
class Margin:
    """The least margin over the gateway's cost of each request, in percent of the cost."""

    is_linear: ClassVar[bool] = False
    counts_on: ClassVar[bool] = False

    percent: Decimal


def missing_to_floor(margin: Margin, amount: Decimal, cost: Decimal) -> Decimal:
    """What the amount of one request has to be raised by, for its cost in the same currency."""
    floor = EXACT.add(cost, percent_of(margin.percent, cost))
    return max(ZERO, EXACT.subtract(floor, amount))


def margin_steps(margin: Margin | None, raised: Decimal) -> Iterator[Step]:
    """What was missing to the floor."""
    if raised:
        yield Step("margin", "floor", raised, percent=None if margin is None else margin.percent)
