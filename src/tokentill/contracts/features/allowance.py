"""What a period includes: units that are taken off before pricing, or an amount that is taken off at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import ClassVar

from tokentill.canonical import Content
from tokentill.contracts.steps import Step
from tokentill.money import EXACT, ZERO
from tokentill.usage.quantities import leaves_of


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a period includes: units of quantities or sums, or an amount in the contract's currency."""

    is_linear: ClassVar[bool] = False
    counts_on: ClassVar[bool] = True

    units: Mapping[str, int]
    amount: Decimal | None

    @classmethod
    def from_content(cls, content: Content) -> Allowance:
        """From the canonical content of an `allowance` table."""
        amount = content.get("amount")
        return cls(dict(content.get("units", {})), None if amount is None else Decimal(amount))


@dataclass(frozen=True, slots=True)
class AllowanceState:
    """How far a period has come: units counted by the names of the allowance, and what was billed in all."""

    units: Mapping[str, int] = field(default_factory=dict)
    amount: Decimal = ZERO

    def meets_limit(self, before: AllowanceState, allowance: Allowance) -> bool:
        """Whether a limit was reached since `before`, so that the order of the records decides something."""
        for name, limit in allowance.units.items():
            if before.units.get(name, 0) < limit <= self.units.get(name, 0):
                return True
        return allowance.amount is not None and before.amount < allowance.amount <= self.amount


def consume_units(
    allowance: Allowance, quantities: Mapping[str, int], state: AllowanceState
) -> tuple[Mapping[str, int], Mapping[str, int], AllowanceState]:
    """Take the included units off quantities; a sum's units go to its leaves in their order.

    Returns:
        The rest, what is included, and the new state.
    """
    if not allowance.units:
        return quantities, {}, state
    rest, included, counted = dict(quantities), {}, dict(state.units)
    for name, limit in allowance.units.items():
        for leaf in leaves_of((name,)):
            count, position = rest.get(leaf, 0), counted.get(name, 0)
            inside = max(0, min(limit, position + count) - min(limit, position))
            counted[name] = position + count
            if inside:
                included[leaf] = inside
                rest[leaf] = count - inside
    return rest, included, replace(state, units=counted)


def consume_amount(
    allowance: Allowance, amount: Decimal, state: AllowanceState
) -> tuple[Decimal, Decimal, AllowanceState]:
    """Take the included money off an amount. Returns the rest, what is covered, and the new state."""
    if allowance.amount is None:
        return amount, ZERO, state
    reached = EXACT.add(state.amount, amount)
    covered = max(ZERO, EXACT.subtract(min(allowance.amount, reached), min(allowance.amount, state.amount)))
    return EXACT.subtract(amount, covered), covered, replace(state, amount=reached)


def included_steps(included: Mapping[str, int]) -> Iterator[Step]:
    """The units that cost nothing, one step a quantity."""
    for name, count in sorted(included.items()):
        if count:
            yield Step("included", name, ZERO, count, rate=ZERO, per=1)


def covered_steps(covered: Decimal) -> Iterator[Step]:
    """The money that is taken off."""
    if covered:
        yield Step("allowance", "amount", EXACT.minus(covered))
