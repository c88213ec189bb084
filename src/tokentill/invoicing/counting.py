"""What a rule counts through a period, and what is charged for it beside the records: packages begun, tiers entered.

Pure. See `invoicing.accumulators` for the order in which it counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from tokentill.contracts.rules import Rule, RuleTier
from tokentill.money import EXACT, ZERO

ChargeKind = Literal["package", "flat", "base_fee"]


@dataclass(frozen=True, slots=True)
class Charge:
    """What a period is charged beside its records: packages begun, tiers entered, fees.

    `amount` is `quantity` x `rate`, or for a fee that was prorated over `of_days`, rounded to the minor unit.
    `units` are those that `quantity` packages of `size` hold. `begun` says how much of the amount was begun or entered
    in which stretch of time (see `invoicing.burn_down`); the rest lies at the end of the period.
    """

    kind: ChargeKind
    name: str
    rule: Rule | None
    quantity: int
    rate: Decimal
    amount: Decimal
    units: int | None = None
    size: int | None = None
    of_days: int | None = None
    customer: str | None = None
    amount_minor: int = 0
    begun: tuple[tuple[int, Decimal], ...] = field(default=(), compare=False)

    @property
    def description(self) -> str:
        """What people read on the line."""
        if self.kind == "package":
            return f"{self.name}, packages of {self.size:,}"
        return f"flat amount, {self.name}" if self.kind == "flat" else self.name


@dataclass(slots=True)
class Accumulator:
    """What one rule has counted so far in a period."""

    included: dict[str, int] = field(default_factory=dict)
    allowed: Decimal = ZERO
    position: Decimal = ZERO
    packaged: dict[str, int] = field(default_factory=dict)
    entered: set[int] = field(default_factory=set)

    def copy(self) -> Accumulator:
        return replace(self, included=dict(self.included), packaged=dict(self.packaged), entered=set(self.entered))

    def meets_boundary(self, before: Accumulator, rules: Iterable[Rule]) -> bool:
        """Whether a boundary of one of the rules was reached since `before`, so that the order decides something."""
        for rule in rules:
            if rule.allowance is not None:
                for name, units in rule.allowance.units.items():
                    if before.included.get(name, 0) < units <= self.included.get(name, 0):
                        return True
                amount = rule.allowance.amount
                if amount is not None and before.allowed < amount <= self.allowed:
                    return True
            graduated = rule.tiers if rule.tiers is not None and rule.tiers.kind == "graduated" else None
            if graduated and any(before.position < edge <= self.position for edge in graduated.boundaries):
                return True
        return False


class PeriodCharges:
    """Packages and flat amounts of tiers, each charged once, when it is begun or entered."""

    def __init__(self) -> None:
        self._packages: dict[tuple[str, str], tuple[Rule, str, int, int]] = {}
        self._counted: dict[str, int] = {}
        self._flats: dict[int, tuple[Rule, RuleTier]] = {}
        self._begun: dict[tuple[str, str] | int, dict[int, Decimal]] = {}

    def count(self, rule: Rule, counters: Accumulator, stretch: int = 0) -> list[Charge]:
        """Look at the counters after a cell that a rule billed; returns what was begun and entered since."""
        begun = []
        for name, package in rule.package.items():
            before, now = self._counted.get(name, 0), counters.packaged.get(name, 0)
            packages = package.begun(now) - package.begun(before)
            _, _, packages_before, units = self._packages.get((rule.hash, name), (rule, name, 0, 0))
            self._packages[(rule.hash, name)] = (rule, name, packages_before + packages, units + now - before)
            self._counted[name] = now
            if packages:
                begun.append(_package_charge(rule, name, packages, now - before))
                self._note((rule.hash, name), stretch, begun[-1].amount)
        if rule.tiers is not None:
            for number in sorted(counters.entered - set(self._flats)):
                if number <= len(rule.tiers.tiers):
                    tier = rule.tiers.tiers[number - 1]
                    self._flats[number] = (rule, tier)
                    if tier.flat:
                        begun.append(_flat_charge(rule, tier))
                        self._note(number, stretch, tier.flat)
        return begun

    def _note(self, key: tuple[str, str] | int, stretch: int, amount: Decimal) -> None:
        amounts = self._begun.setdefault(key, {})
        amounts[stretch] = EXACT.add(amounts.get(stretch, ZERO), amount)

    def _noted(self, key: tuple[str, str] | int) -> tuple[tuple[int, Decimal], ...]:
        return tuple(sorted(self._begun.get(key, {}).items()))

    def enter_if_unused(self, rule: Rule) -> None:
        """Enter the first tier of a rule under which nothing was counted."""
        if rule.tiers is not None and not self._flats:
            self._flats[1] = (rule, rule.tiers.tiers[0])

    def listed(self) -> list[Charge]:
        """All charges of the period, in order of rules and names."""
        charges = [
            replace(_package_charge(rule, name, packages, units), begun=self._noted(key))
            for key, (rule, name, packages, units) in sorted(self._packages.items())
            if units
        ]
        return charges + [
            replace(_flat_charge(rule, tier), begun=self._noted(number))
            for number, (rule, tier) in sorted(self._flats.items())
            if tier.flat
        ]


def _package_charge(rule: Rule, name: str, packages: int, units: int) -> Charge:
    package = rule.package[name]
    amount = EXACT.multiply(Decimal(packages), package.price)
    return Charge("package", name, rule, packages, package.price, amount, units=units, size=package.size)


def _flat_charge(rule: Rule, tier: RuleTier) -> Charge:
    return Charge("flat", tier.label, rule, 1, tier.flat, tier.flat)
