"""Requests with the caller's own key at the provider: percent of the reported cost, in place of everything else."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from tokentill.contracts.steps import Step, percent_of
from tokentill.money import EXACT


@dataclass(frozen=True, slots=True)
class ByokFee:
    """The fee for requests with the caller's own key, in percent of their reported cost."""

    is_linear: ClassVar[bool] = True
    counts_on: ClassVar[bool] = False

    percent: Decimal

    def step(self, cost: Decimal, fx: Decimal) -> Step:
        """The fee on a reported cost, of which one unit is `fx` of the contract's currency."""
        amount = percent_of(self.percent, EXACT.multiply(cost, fx))
        return Step("byok_fee", "cost", amount, percent=self.percent, of_amount=cost, fx=fx)
