"""Records added up, in whole numbers, and what was decided for them one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from tokentill.verification.amounts import NOTHING


@dataclass(slots=True)
class Decided:
    """What was decided for records one by one, added up: units included, spend by tier, margin, credits, what an
    allowance covers."""

    included: dict[str, int] = field(default_factory=dict)
    spend: dict[int, Fraction] = field(default_factory=dict)
    margin: Fraction = NOTHING
    credits: int = 0
    credits_added: Fraction = NOTHING
    allowed: Fraction = NOTHING

    def add(self, other: Decided) -> None:
        """Add what was decided for other records."""
        for name, count in other.included.items():
            self.included[name] = self.included.get(name, 0) + count
        for number, amount in other.spend.items():
            self.spend[number] = self.spend.get(number, NOTHING) + amount
        self.margin += other.margin
        self.credits += other.credits
        self.credits_added += other.credits_added
        self.allowed += other.allowed


@dataclass(slots=True)
class Sums:
    """Records added up. Costs are whole 1e-24 units; what is included is in `decided`, and not in `counts`."""

    requests: int = 0
    with_cost: int = 0
    at_no_cost: int = 0
    cost_e24: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    decided: Decided | None = None

    def add(self, other: Sums) -> None:
        """Add other records."""
        self.requests += other.requests
        self.with_cost += other.with_cost
        self.at_no_cost += other.at_no_cost
        self.cost_e24 += other.cost_e24
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        if other.decided is not None:
            self.decided = Decided() if self.decided is None else self.decided
            self.decided.add(other.decided)

    @property
    def billable(self) -> dict[str, int]:
        """The quantities with the requests themselves, without what is included."""
        included = 0 if self.decided is None else self.decided.included.get("request", 0)
        return {**self.counts, "request": self.requests - included}

    @property
    def used(self) -> dict[str, int]:
        """All quantities, what is included with them."""
        counts = dict(self.counts)
        for name, count in ({} if self.decided is None else self.decided.included).items():
            if name != "request":
                counts[name] = counts.get(name, 0) + count
        return {name: count for name, count in sorted(counts.items()) if count}

    @property
    def cost(self) -> Fraction:
        """The reported cost."""
        return Fraction(self.cost_e24, 10**24)
