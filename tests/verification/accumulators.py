"""What rules with a memory make of a period, worked out a second time and another way.

Like the calculator beside it this imports nothing of the package and counts in fractions. It takes the records of one
customer one by one in order of time, and measures how much of each lies within an allowance, a package, a tier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil
from typing import Any

from tests.verification.calculator import (
    INPUT,
    OUTPUT,
    Folder,
    NoPrice,
    Request,
    Toml,
    charges_of,
    list_charges,
    percent_of,
    rule_of,
)

ORDERED_INPUT = ["input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "input_audio"]
ORDERED_OUTPUT = ["output", "reasoning", "output_audio", "output_image"]
BUILT_IN = {"reasoning": "output", "cache_read": "input"}
ChargeKey = tuple[str, str, str]
"""Kind, name of the rule, and what is charged: a package's quantity, or the number of a tier."""


@dataclass(slots=True)
class Memory:
    """What one rule of one contract has seen of a period, through all its versions."""

    seen: dict[str, int] = field(default_factory=dict)
    allowed: Fraction = Fraction(0)
    position: Fraction = Fraction(0)
    packaged: dict[str, int] = field(default_factory=dict)
    entered: dict[int, Fraction] = field(default_factory=dict)


@dataclass(slots=True)
class Worked:
    """A period: the amount of every record, what is charged beside them, and the instants of all of it."""

    amounts: dict[str, Fraction] = field(default_factory=dict)
    rules: dict[str, str | None] = field(default_factory=dict)
    charges: dict[ChargeKey, Fraction] = field(default_factory=dict)
    in_time: list[tuple[datetime, Fraction]] = field(default_factory=list)

    def charge(self, key: ChargeKey, amount: Fraction, at: datetime) -> None:
        self.charges[key] = self.charges.get(key, Fraction(0)) + amount
        self.in_time.append((at, amount))


def work_out(requests: Iterable[Request], customer: str, currency: str, folder: Folder) -> Worked:
    """Bill one customer's requests of one period."""
    in_time = sorted(requests, key=lambda request: (request.at, request.id))
    totals = {key: memory.position for key, memory in _go_through(in_time, customer, currency, folder, {})[1].items()}
    return _go_through(in_time, customer, currency, folder, totals)[0]


def _go_through(
    in_time: Sequence[Request], customer: str, currency: str, folder: Folder, totals: dict[tuple[str, str], Fraction]
) -> tuple[Worked, dict[tuple[str, str], Memory]]:
    worked, memories = Worked(), dict[tuple[str, str], Memory]()
    for request in in_time:
        rule = rule_of(request, customer, folder) or {}
        key = (str(rule.get("contract")), str(rule.get("name")))
        fx = folder.rate_of_day("USD", currency, request.at.astimezone(UTC).date())
        memory = memories.setdefault(key, Memory())
        total = totals.get(key, Fraction(0))
        worked.amounts[request.id] = _bill(request, rule, fx, folder, memory, total, worked)
        worked.rules[request.id] = rule.get("name")
        worked.in_time.append((request.at, worked.amounts[request.id]))
    return worked, memories


def _members(name: str) -> list[str]:
    return {"input_total": ORDERED_INPUT, "output_total": ORDERED_OUTPUT}.get(name, [name])


def _bill(
    request: Request, rule: Toml, fx: Fraction, folder: Folder, memory: Memory, total: Fraction, worked: Worked
) -> Fraction:
    if request.is_byok and "byok_fee_percent" in rule:
        return _cost(request, fx) * Fraction(rule["byok_fee_percent"]) / 100
    counts = {**request.quantities, "request": 1}
    for name, limit in rule.get("allowance", {}).get("units", {}).items():
        for leaf in _members(name):
            before = memory.seen.get(name, 0)
            memory.seen[name] = before + counts.get(leaf, 0)
            if leaf in counts:
                counts[leaf] -= _overlap(before, memory.seen[name], 0, limit)
    unpacked = dict(counts)
    for name, package in rule.get("package", {}).items():
        before = memory.packaged.get(name, 0)
        memory.packaged[name] = before + unpacked.pop(name, 0)
        begun = ceil(Fraction(memory.packaged[name], package["size"])) - ceil(Fraction(before, package["size"]))
        if memory.packaged[name] > before:
            worked.charge(("package", rule["name"], name), begun * Fraction(package["price"]), request.at)
    amount = Fraction(0)
    for tier, units, measured in _by_tier(request, rule, unpacked, memory, total, worked):
        of_request = _charges(request, rule, tier, units, measured, fx, folder)
        amount += _marked_up(of_request, request, rule, tier, memory, total, worked)
    counts |= {"input_total": _sum(counts, INPUT), "output_total": _sum(counts, OUTPUT)}
    for name, fee in rule.get("add_on", {}).items():
        amount += counts.get(name, 0) * Fraction(fee["price"]) / fee.get("per", 1)
    if "min_margin_percent" in rule:
        amount = max(amount, _cost(request, fx) * (100 + Fraction(rule["min_margin_percent"])) / 100)
    unit = rule.get("credits", {})
    if unit.get("round_up") == "request":
        amount = max(unit.get("at_least", 0), ceil(amount / Fraction(unit["worth"]))) * Fraction(unit["worth"])
    if "amount" in rule.get("allowance", {}):
        limit, allowed = Fraction(rule["allowance"]["amount"]), memory.allowed
        memory.allowed += amount
        amount = max(memory.allowed - limit, Fraction(0)) - max(allowed - limit, Fraction(0))
    return amount


def _overlap(start: Any, end: Any, low: Any, high: Any) -> Any:
    """How much of what lies between two positions lies within two limits."""
    return max(min(end, high) - max(start, low), 0)


def _sum(counts: dict[str, int], names: set[str]) -> int:
    return sum(count for name, count in counts.items() if name in names)


def _cost(request: Request, fx: Fraction) -> Fraction:
    if request.cost is None:
        raise NoPrice(f"{request.id} has no reported cost")
    return request.cost * fx


def _tier_at(tiers: list[Toml], total: Fraction) -> int:
    """The number of the tier that a total reaches: `up_to` belongs to its tier."""
    return next(n for n, tier in enumerate(tiers, start=1) if "up_to" not in tier or total <= Fraction(tier["up_to"]))


def _by_tier(
    request: Request, rule: Toml, counts: dict[str, int], memory: Memory, total: Fraction, worked: Worked
) -> list[tuple[Toml, dict[str, int], set[str]]]:
    """The request's units by tier, and which of them the tiers measure."""
    if "tiers" not in rule or rule["tiers"]["over"] == ["spend"]:
        return [({}, counts, set())]
    tiers, is_volume = rule["tiers"]["tier"], rule["tiers"]["kind"] == "volume"
    order = [leaf for name in rule["tiers"]["over"] for leaf in _members(name)]
    order.sort(key=lambda leaf: leaf != "request")
    # The smallest step stands for the first unit that is still to come.
    begins = _tier_at(tiers, total if is_volume else memory.position + Fraction(1, 10**9))
    found: dict[int, dict[str, int]] = {begins: {leaf: count for leaf, count in counts.items() if leaf not in order}}
    for leaf in order:
        before, memory.position = memory.position, memory.position + counts.get(leaf, 0)
        low, units = Fraction(0), Fraction(0)
        for number, tier in enumerate(tiers, start=1):
            high = Fraction(tier["up_to"]) if "up_to" in tier else max(low, memory.position)
            units = _overlap(before, memory.position, low, high)
            if is_volume:
                units = Fraction(counts.get(leaf, 0) if number == _tier_at(tiers, total) else 0)
            if units:
                _enter(request, rule, number, memory, worked)
                found.setdefault(number, {})[leaf] = int(units)
            low = high
    return [(tiers[number - 1], units, set(order)) for number, units in found.items()]


def _enter(request: Request, rule: Toml, number: int, memory: Memory, worked: Worked) -> None:
    tier = rule["tiers"]["tier"][number - 1]
    if number not in memory.entered:
        memory.entered[number] = Fraction(tier.get("flat", 0))
        worked.charge(("flat", rule["name"], str(number)), memory.entered[number], request.at)


def _charges(
    request: Request, rule: Toml, tier: Toml, counts: dict[str, int], measured: set[str], fx: Fraction, folder: Folder
) -> dict[str, Fraction]:
    """The basis, by quantity."""
    charges: dict[str, Fraction] = {}
    left = dict(counts)
    per = Fraction(rule.get("per", 1_000_000))
    if "rates" in tier:
        for name in [name for name in left if name in measured]:
            charges[name] = left.pop(name) * _own_rate(name, tier["rates"]) / per
    basis = rule.get("basis", "list")
    if basis == "list":
        listed = list_charges(request, folder, left)[0]
        charges |= {name: charge * fx for name, charge in listed.items()}
    elif basis == "own":
        fees = list_charges(request, folder, {})[2]
        of_list = {name: count for name, count in left.items() if name in fees and name not in rule["rates"]}
        charges |= {name: charge * fx for name, charge in charges_of(of_list, {}, per, {}, fees, request).items()}
        for name, count in left.items():
            if name not in of_list and (name != "request" or name in rule["rates"]):
                charges[name] = count * _own_rate(name, rule["rates"]) / per
    elif basis == "cost" and "request" in left:
        charges["cost"] = _cost(request, fx)
    return charges


def _own_rate(name: str, rates: dict[str, Any]) -> Fraction:
    of_sum = "output_total" if name in OUTPUT else "input_total"
    for key in (name, of_sum, BUILT_IN.get(name, name)):
        if key in rates:
            return Fraction(rates[key])
    raise NoPrice(f"no own rate for {name}")


def _marked_up(
    charges: dict[str, Fraction],
    request: Request,
    rule: Toml,
    tier: Toml,
    memory: Memory,
    total: Fraction,
    worked: Worked,
) -> Fraction:
    of_tiers = rule.get("tiers", {})
    if of_tiers.get("over") != ["spend"]:
        markup = tier.get("markup_percent", rule.get("markup_percent", 0))
        return sum((charge * (100 + percent_of(markup, name)) / 100 for name, charge in charges.items()), Fraction(0))
    basis = sum(charges.values(), Fraction(0))
    before, memory.position = memory.position, memory.position + basis
    amount, low = basis, Fraction(0)
    for number, spend_tier in enumerate(of_tiers["tier"], start=1):
        high = Fraction(spend_tier["up_to"]) if "up_to" in spend_tier else max(low, memory.position)
        inside = _overlap(before, memory.position, low, high)
        if of_tiers["kind"] == "volume":
            inside = basis if number == _tier_at(of_tiers["tier"], total) else Fraction(0)
        if inside:
            _enter(request, rule, number, memory, worked)
            markup = spend_tier.get("markup_percent", rule.get("markup_percent", 0))
            amount += inside * percent_of(markup, "") / 100
        low = high
    return amount
