"""The arithmetic on the way from quantities to an amount, one piece a step."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tokentill.money import EXACT
from tokentill.prices.rate_cards import ONE

HUNDRED = Decimal(100)
StepKind = Literal["rate", "cost", "markup", "add_on", "included", "byok_fee", "margin", "credits", "allowance"]


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of arithmetic on the way to an amount.

    `rate` and `add_on`: quantity x rate / per x fx; `cost`: of_amount x fx; `markup`: percent of of_amount;
    `included`: quantity at no charge; `byok_fee`: percent of of_amount x fx; `margin`: what is missing to the floor;
    `credits`: quantity credits at rate, less what the requests came to before (or, without rounding, of_amount
    credits); `allowance`: what the period includes.
    """

    kind: StepKind
    name: str
    amount: Decimal
    quantity: int | None = None
    priced_as: str | None = None
    rate: Decimal | None = None
    per: int | None = None
    percent: Decimal | None = None
    of_amount: Decimal | None = None
    fx: Decimal = ONE


def percent_of(percent: Decimal, amount: Decimal) -> Decimal:
    """So many percent of an exact amount, exactly."""
    return EXACT.divide(EXACT.multiply(amount, percent), HUNDRED)
