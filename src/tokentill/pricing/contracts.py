"""Contracts and their markup rules: which rule fits a record, and what it makes of a list price.

Pure. The first rule that fits wins: the customer's rules in file order, then its plan's, then the default's. A
rule is applied in one order: basis, then markup, then add-ons, which are not marked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from tokentill.canonical import Content, content_hash
from tokentill.money import EXACT, sum_exact
from tokentill.pricing.entries import BUILT_IN_FALLBACK, Fee, parse_instant
from tokentill.pricing.rating import ONE, Plan, Rated, RatedLine, amount_of, price_quantity
from tokentill.usage.record import OUTPUT_LEAVES, REQUEST, TOKEN_LEAVES, sum_of

Basis = Literal["list", "own", "cost", "free"]
ContractKind = Literal["customer", "plan", "default"]
MATCH_KEYS = ("model", "provider", "mode", "api_key", "user", "source", "tag")
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Traits:
    """What a rule can match: the traits of a record that its contract may look at."""

    model: str
    provider: str | None
    mode: str
    api_key: str | None
    user: str | None
    source: str
    tags: tuple[str, ...]

    def values(self, key: str) -> tuple[str, ...]:
        """The values under a match key; none when the record does not have it."""
        if key == "tag":
            return self.tags
        value = getattr(self, key)
        return () if value is None else (value,)


@dataclass(frozen=True, slots=True)
class Rule:
    """One markup rule of a contract. `hash` covers what it does, so that an invoice can name the rule it used."""

    name: str
    contract: str
    match: Mapping[str, tuple[str, ...]]
    basis: Basis
    per: int
    rates: Mapping[str, Decimal]
    markup_percent: Mapping[str, Decimal]
    add_on: Mapping[str, Fee]
    hash: str

    @classmethod
    def from_content(cls, content: Content, *, contract: str, number: int) -> Rule:
        """From the canonical content of a `[[rule]]` table; `number` is its place in the file, from 1."""
        markup = content.get("markup_percent", {})
        markup = markup if isinstance(markup, dict) else {"default": markup}
        return cls(
            name=content.get("name", f"rule {number}"),
            contract=contract,
            match={key: tuple(patterns) for key, patterns in content.get("match", {}).items()},
            basis=content.get("basis", "list"),
            per=content.get("per", 1_000_000),
            rates={name: Decimal(rate) for name, rate in content.get("rates", {}).items()},
            markup_percent={name: Decimal(percent) for name, percent in markup.items()},
            add_on={name: Fee.from_content(fee) for name, fee in content.get("add_on", {}).items()},
            hash=content_hash({**content, "contract": contract}),
        )

    def fits(self, traits: Traits) -> bool:
        """Whether every given match key has a value that fits one of its patterns."""
        return all(
            any(glob_fits(pattern, value) for pattern in patterns for value in traits.values(key))
            for key, patterns in self.match.items()
        )


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of a customer's, a plan's or the default contract."""

    kind: ContractKind
    id: str
    plan: str | None
    recorded_at: datetime
    valid_from: datetime
    valid_to: datetime | None
    currency: str | None
    time_zone: str | None
    anchor_day: int | None
    rules: tuple[Rule, ...]
    hash: str

    @classmethod
    def from_content(cls, content: Content) -> Contract:
        """From the canonical content of a contract file."""
        recorded_at, valid_from = parse_instant(content["recorded_at"]), parse_instant(content["valid_from"])
        if recorded_at is None or valid_from is None:
            raise ValueError("a contract without recorded_at and valid_from")
        label = content["kind"] if content["kind"] == "default" else f"{content['kind']} {content['id']}"
        return cls(
            kind=content["kind"],
            id=content["id"],
            plan=content.get("plan"),
            recorded_at=recorded_at,
            valid_from=valid_from,
            valid_to=parse_instant(content.get("valid_to")),
            currency=content.get("currency"),
            time_zone=content.get("time_zone"),
            anchor_day=content.get("anchor_day"),
            rules=tuple(
                Rule.from_content(rule, contract=label, number=number)
                for number, rule in enumerate(content.get("rule", ()), start=1)
            ),
            hash=content_hash(content),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What a customer's contracts say about its invoices at an instant: currency, time zone, anchor day."""

    currency: str
    zone: ZoneInfo
    anchor_day: int


class ContractBook:
    """Every contract that is known. Immutable."""

    def __init__(self, recordings: Iterable[Content]) -> None:
        self._versions: dict[tuple[str, str], list[Contract]] = {}
        hashes = []
        for content in recordings:
            if content["kind"] in ("customer", "plan", "default"):
                contract = Contract.from_content(content)
                key = (contract.kind, "" if contract.kind == "default" else contract.id)
                self._versions.setdefault(key, []).append(contract)
                hashes.append(contract.hash)
        self.recordings = tuple(sorted(hashes))

    @property
    def customers(self) -> tuple[str, ...]:
        """Ids of all customers that have a contract of their own, sorted bytewise."""
        return tuple(sorted((id_ for kind, id_ in self._versions if kind == "customer"), key=str.encode))

    def versions(self, kind: ContractKind, id_: str) -> Sequence[Contract]:
        """All recorded versions of one contract."""
        return self._versions.get((kind, "" if kind == "default" else id_), ())

    def at(self, kind: ContractKind, id_: str, at: datetime) -> Contract | None:
        """The version in force: the greatest `valid_from`, then the greatest `recorded_at`."""
        covering = [
            version
            for version in self.versions(kind, id_)
            if version.valid_from <= at and (version.valid_to is None or at < version.valid_to)
        ]
        return max(covering, key=lambda version: (version.valid_from, version.recorded_at), default=None)

    def chain(self, customer: str | None, at: datetime) -> Iterator[Contract]:
        """The contracts that speak for a customer at an instant: its own, its plan's, the default."""
        own = None if customer is None else self.at("customer", customer, at)
        plan = self.at("plan", own.plan, at) if own is not None and own.plan is not None else None
        for contract in (own, plan, self.at("default", "", at)):
            if contract is not None:
                yield contract

    def rule_for(self, customer: str | None, traits: Traits, at: datetime) -> Rule | None:
        """The first rule that fits, or None: list price, billed as it is."""
        rules = (rule for contract in self.chain(customer, at) for rule in contract.rules)
        return next((rule for rule in rules if rule.fits(traits)), None)

    def terms(self, customer: str | None, at: datetime) -> Terms:
        """Currency, time zone and anchor day at an instant: USD, UTC and the first where no contract says."""
        chain = list(self.chain(customer, at))
        return Terms(
            currency=next((contract.currency for contract in chain if contract.currency), "USD"),
            zone=ZoneInfo(next((contract.time_zone for contract in chain if contract.time_zone), "UTC")),
            anchor_day=next((contract.anchor_day for contract in chain if contract.anchor_day), 1),
        )

    def edges(self) -> set[datetime]:
        """Every instant at which some contract begins or ends."""
        versions = [version for found in self._versions.values() for version in found]
        return {version.valid_from for version in versions} | {
            version.valid_to for version in versions if version.valid_to is not None
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of arithmetic on the way to an amount.

    `rate` and `add_on`: quantity x rate / per x fx; `cost`: of_amount x fx; `markup`: percent of of_amount.
    """

    kind: Literal["rate", "cost", "markup", "add_on"]
    name: str
    amount: Decimal
    quantity: int | None = None
    priced_as: str | None = None
    rate: Decimal | None = None
    per: int | None = None
    percent: Decimal | None = None
    of_amount: Decimal | None = None
    fx: Decimal = ONE


@dataclass(frozen=True, slots=True)
class Billed:
    """What a rule makes of quantities: an exact amount with its steps, or the reason why there is none."""

    amount: Decimal | None
    steps: tuple[Step, ...]
    reason: str | None = None


def apply_rule(
    rule: Rule | None,
    quantities: Mapping[str, int],
    rated: Rated,
    *,
    plan: Plan | None,
    cost: Decimal | None,
    fx: Decimal = ONE,
) -> Billed:
    """Bill quantities under a rule: basis, then markup, then add-ons.

    Linear: for one rule, one plan and one exchange rate, the amount of a sum is the sum of the amounts.

    Args:
        rule: None bills the list price as it is.
        quantities: sums of leaves and counters; `request` is the number of requests.
        rated: their list price.
        plan: the plan of that list price, None where there is none.
        cost: what the gateway reports it charged for all of them, None if any of them has no reported cost.
        fx: units of the contract's currency for one unit of the price table's; own rates and add-ons are in the
            contract's currency already.
    """
    if rule is None or rule.basis == "list":
        if rated.amount is None:
            return Billed(None, (), rated.reason)
        steps = [_rate_step(line, fx) for line in rated.lines]
    elif rule.basis == "own":
        own = _own_steps(rule, quantities, plan, fx)
        if isinstance(own, str):
            return Billed(None, (), own)
        steps = own
    elif rule.basis == "cost":
        if cost is None:
            return Billed(None, (), f"rule {rule.name!r} bills the gateway's cost, and the gateway did not report one")
        steps = [Step("cost", "cost", EXACT.multiply(cost, fx), of_amount=cost, fx=fx)]
    else:
        steps = []
    if rule is not None:
        steps += _markup_steps(rule, steps)
        steps += _add_on_steps(rule, quantities)
    return Billed(sum_exact(step.amount for step in steps), tuple(steps))


def _rate_step(line: RatedLine, fx: Decimal) -> Step:
    amount = EXACT.multiply(line.amount, fx)
    return Step("rate", line.name, amount, line.quantity, line.priced_as, line.rate, line.per, fx=fx)


def _own_steps(rule: Rule, quantities: Mapping[str, int], plan: Plan | None, fx: Decimal) -> list[Step] | str:
    fees = {} if plan is None else {name: fee for name, fee in plan.fees.items() if name not in rule.rates}
    steps = []
    for name in sorted(quantities):
        if not quantities[name]:
            continue
        line = price_quantity(name, quantities[name], rule.rates, rule.per, BUILT_IN_FALLBACK, fees, ONE, rule.hash)
        if line is not None:
            steps.append(_rate_step(line, fx if name in fees else ONE))
        elif name != REQUEST:
            return f"rule {rule.name!r} has no rate of its own for {name!r}"
    return steps


def _markup_steps(rule: Rule, basis: Sequence[Step]) -> list[Step]:
    """One step for each percentage, over everything that it concerns."""
    of_percent: dict[tuple[str, Decimal], list[Decimal]] = {}
    for step in basis:
        named = _percent_for(rule.markup_percent, step.name)
        if named is not None and named[1]:
            of_percent.setdefault(named, []).append(step.amount)
    steps = []
    for (name, percent), amounts in of_percent.items():
        of_amount = sum_exact(amounts)
        amount = EXACT.divide(EXACT.multiply(of_amount, percent), HUNDRED)
        steps.append(Step("markup", name, amount, percent=percent, of_amount=of_amount))
    return steps


def _percent_for(markup: Mapping[str, Decimal], name: str) -> tuple[str, Decimal] | None:
    """The percentage of one quantity: its own, or its sum's, or the default."""
    of_sum = "output_total" if name in OUTPUT_LEAVES else "input_total" if name in TOKEN_LEAVES else None
    for key in (name, of_sum, "default"):
        if key is not None and key in markup:
            return key, markup[key]
    return None


def _add_on_steps(rule: Rule, quantities: Mapping[str, int]) -> list[Step]:
    steps = []
    for name, fee in sorted(rule.add_on.items()):
        count = sum_of(quantities, name)
        if count:
            amount = amount_of(count, fee.price, fee.per)
            steps.append(Step("add_on", name, amount, count, rate=fee.price, per=fee.per))
    return steps


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.compile("".join(parts), re.DOTALL)


def glob_fits(pattern: str, value: str) -> bool:
    """Whether a glob of `*` and `?` fits the whole of a value, case-sensitively."""
    return pattern == value or _glob(pattern).fullmatch(value) is not None
