"""Billing in a named unit of fixed worth; where declared, each request costs whole credits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from tokentill.canonical import Content
from tokentill.contracts.steps import Step
from tokentill.money import EXACT, ZERO, credits_of


@dataclass(frozen=True, slots=True)
class CreditUnit:
    """A named unit of fixed worth that is billed instead of money, rounded up for each request where declared."""

    counts_on: ClassVar[bool] = False

    name: str
    worth: Decimal
    is_per_request: bool
    at_least: int

    @classmethod
    def from_content(cls, content: Content) -> CreditUnit:
        """From the canonical content of a `credits` table."""
        is_per_request = content["round_up"] == "request"
        return cls(content["name"], Decimal(content["worth"]), is_per_request, content.get("at_least", 0))

    @property
    def is_linear(self) -> bool:
        """Whether nothing is rounded up."""
        return not self.is_per_request


def rounded_up(unit: CreditUnit, amount: Decimal) -> tuple[int, Decimal]:
    """The whole credits that one request costs, and what rounding up adds to its amount."""
    count = max(unit.at_least, credits_of(amount, unit.worth))
    return count, EXACT.subtract(EXACT.multiply(Decimal(count), unit.worth), amount)


def rounded_steps(unit: CreditUnit, count: int, added: Decimal) -> Iterator[Step]:
    """The whole credits of requests, and what rounding up added."""
    if unit.is_per_request and count:
        yield Step("credits", unit.name, added, count, rate=unit.worth, per=1)


def worth_steps(unit: CreditUnit, amount: Decimal) -> Iterator[Step]:
    """An amount in credits, where nothing is rounded up."""
    if not unit.is_per_request:
        yield Step("credits", unit.name, ZERO, rate=unit.worth, per=1, of_amount=EXACT.divide(amount, unit.worth))
