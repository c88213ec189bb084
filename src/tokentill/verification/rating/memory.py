"""Rules with a memory: what a period includes, tiers, packages, and what is decided for each request alone.

Records come one by one in order of time. A memory goes on through the versions of a contract: it belongs to a rule by
the contract's and its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tokentill.verification.amounts import NOTHING, text_of
from tokentill.verification.rating.prices import leaves
from tokentill.verification.rating.rules import Kind, rounds_up, tier_label
from tokentill.verification.rating.sums import Decided, Sums
from tokentill.verification.terms.keys import Table, known


@dataclass(frozen=True, slots=True)
class Charge:
    """A line beside usage. `begun` says how much of it was begun or entered in which part of the period; the rest lies
    at the end."""

    kind: str
    description: str
    rule: Table | None
    amount: Fraction
    stated: Table
    begun: dict[int, Fraction] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """What one rule has seen of a period so far. `total` is what all of it adds up to, for tiers by volume."""

    total: Fraction = NOTHING
    units: dict[str, int] = field(default_factory=dict)
    allowed: Fraction = NOTHING
    position: Fraction = NOTHING
    packaged: dict[str, int] = field(default_factory=dict)
    packages: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    entered: dict[int, tuple[Table, int | None]] = field(default_factory=dict)

    def take(self, kind: Kind, sums: Sums, part: int, in_tier: Callable[[int], Kind]) -> Iterator[tuple[Kind, Sums]]:
        """One record: what of it falls into which tier, with everything that is decided about it.

        Args:
            part: the part of the period that it lies in.
            in_tier: the same kind in a tier of that number.
        """
        rule = kind.rule or {}
        decided = Decided()
        rest = self._include(rule, {**sums.counts, "request": sums.requests}, decided)
        self._pack(rule, rest, part)
        pieces = [(kind, rest)]
        tiers = rule.get("tiers", {})
        if tiers.get("over") == ["spend"]:
            amount = kind.basis_amount(rest, sums.cost)
            for number, inside in self._split(rule, amount):
                decided.spend[number] = inside
                self._enter(number, rule, part)
        elif tiers:
            pieces = [(in_tier(number), counts) for number, counts in self._by_tier(rule, rest, part)]
        own = Sums(sums.requests, sums.with_cost, sums.at_no_cost, sums.cost_e24, decided=decided)
        taken = [(piece, own if not number else Sums()) for number, (piece, _) in enumerate(pieces)]
        for (_, of_piece), (_, counts) in zip(taken, pieces, strict=True):
            of_piece.counts = {name: count for name, count in counts.items() if name != "request" and count}
        amounts = [piece.amount(of_piece) for piece, of_piece in taken]
        self._raise(rule, kind, sums, decided, amounts)
        for number, (piece, of_piece) in enumerate(taken):
            if covered := self._cover(rule, amounts[number]):
                of_piece.decided = of_piece.decided or Decided()
                of_piece.decided.allowed = covered
            yield piece, of_piece

    def _include(self, rule: Table, counts: dict[str, int], decided: Decided) -> dict[str, int]:
        """Take off what the period includes."""
        rest = dict(counts)
        for name, limit in known(rule.get("allowance", {}), "an allowance").get("units", {}).items():
            for leaf in leaves([name]):
                count, before = rest.get(leaf, 0), self.units.get(name, 0)
                self.units[name] = before + count
                if inside := max(0, min(limit, before + count) - before):
                    decided.included[leaf] = inside
                    rest[leaf] = count - inside
        return rest

    def _pack(self, rule: Table, counts: dict[str, int], part: int) -> None:
        """Count what comes in packages, and begin those that are needed."""
        for name, package in rule.get("package", {}).items():
            size = known(package, "a package")["size"]
            before = self.packaged.get(name, 0)
            now = self.packaged[name] = before + sum(counts.get(leaf, 0) for leaf in leaves([name]))
            if now == before:
                continue
            begun = -(-now // size) - -(-before // size)
            seen = self.packages.setdefault((rule["hash"], name), [rule, 0, 0, {}])
            seen[1] += begun
            seen[2] += now - before
            if begun:
                seen[3][part] = seen[3].get(part, NOTHING) + begun * Fraction(package["price"])

    def _split(self, rule: Table, amount: Fraction) -> list[tuple[int, Fraction]]:
        """What follows the position, by tier."""
        tiers = [known(tier, "a tier of a rule") for tier in known(rule["tiers"], "the tiers of a rule")["tier"]]
        before, self.position = self.position, self.position + amount
        if rule["tiers"]["kind"] == "volume":
            return [(_reached(tiers, self.total), amount)] if amount else []
        pieces, low = [], NOTHING
        for number, tier in enumerate(tiers, start=1):
            high = Fraction(tier["up_to"]) if "up_to" in tier and number < len(tiers) else max(self.position, low)
            if (inside := min(high, self.position) - max(low, before)) > 0:
                pieces.append((number, inside))
            low = high
        return pieces

    def _by_tier(self, rule: Table, counts: dict[str, int], part: int) -> list[tuple[int, dict[str, int]]]:
        """Units by the tier that they fall in; what the tiers do not measure goes with the first unit."""
        tiers = rule["tiers"]["tier"]
        measured = sorted(leaves(rule["tiers"]["over"]), key=lambda leaf: leaf != "request")
        if rule["tiers"]["kind"] == "volume":
            reached = _reached(tiers, self.total)
            units = sum(counts.get(leaf, 0) for leaf in measured)
            self.position += units
            if units:
                self._enter(reached, rule, part)
            return [(reached, counts)]
        first = next(
            (n for n, t in enumerate(tiers, 1) if "up_to" not in t or self.position < Fraction(t["up_to"])), len(tiers)
        )
        found = {first: {name: count for name, count in counts.items() if name not in measured}}
        for leaf in measured:
            for number, inside in self._split(rule, Fraction(counts.get(leaf, 0))):
                found.setdefault(number, {})[leaf] = int(inside)
                self._enter(number, rule, part)
        return sorted(found.items())

    def _enter(self, number: int, rule: Table, part: int | None) -> None:
        self.entered.setdefault(number, (rule, part))

    def _raise(self, rule: Table, kind: Kind, sums: Sums, decided: Decided, amounts: list[Fraction]) -> None:
        """Raise one request to its floor of margin, then to whole credits."""
        if "min_margin_percent" in rule and sums.with_cost:
            floor = sums.cost * kind.needed_cost_fx * (100 + Fraction(rule["min_margin_percent"])) / 100
            decided.margin = max(NOTHING, floor - sum(amounts))
            amounts[0] += decided.margin
        if rounds_up(rule):
            worth, amount = Fraction(rule["credits"]["worth"]), sum(amounts, NOTHING)
            decided.credits = max(rule["credits"].get("at_least", 0), -(-amount // worth))
            decided.credits_added = decided.credits * worth - amount
            amounts[0] += decided.credits_added

    def _cover(self, rule: Table, amount: Fraction) -> Fraction:
        """What the amount that a period includes covers of an amount."""
        if "amount" not in rule.get("allowance", {}):
            return NOTHING
        limit, before = Fraction(rule["allowance"]["amount"]), self.allowed
        self.allowed += amount
        return max(NOTHING, min(limit, self.allowed) - min(limit, before))

    def charges(self) -> list[Charge]:
        """Packages that were begun, then flat amounts of tiers that were entered."""
        listed = []
        for (_, name), (rule, begun, units, when) in sorted(self.packages.items(), key=lambda item: item[0]):
            price, size = Fraction(rule["package"][name]["price"]), rule["package"][name]["size"]
            stated = {"name": name, "quantity": begun, "rate": text_of(price), "units": units, "size": size}
            listed.append(Charge("package", f"{name}, packages of {size:,}", rule, begun * price, stated, when))
        for number, (rule, part) in sorted(self.entered.items()):
            if flat := Fraction(rule["tiers"]["tier"][number - 1].get("flat", 0)):
                label = tier_label(rule, number)
                stated = {"name": label, "quantity": 1, "rate": text_of(flat)}
                begun = {} if part is None else {part: flat}
                listed.append(Charge("flat", f"flat amount, {label}", rule, flat, stated, begun))
        return listed

    def enter_unused(self, rule: Table) -> None:
        """Enter the first tier of a rule under which nothing was counted, for its flat amount."""
        if not self.entered:
            self._enter(1, rule, None)


def _reached(tiers: list[Table], total: Fraction) -> int:
    """The tier that a whole total reaches: `up_to` belongs to its tier."""
    up_to = [
        (n, tier) for n, tier in enumerate(tiers, start=1) if "up_to" not in tier or total <= Fraction(tier["up_to"])
    ]
    return up_to[0][0] if up_to else len(tiers)
