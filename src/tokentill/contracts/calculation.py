"""What a rule makes of quantities, in one order: basis, then markup, then add-ons, which are not marked up.

Pure. Linear: for one rule, one of its tiers, one card and one exchange rate, the amount of a sum is the sum of the
amounts. What is not linear (a margin floor, credits for each request) or depends on what came before (allowances,
tiers over spend) was decided record by record or in order of time, and comes in added up as `Consumption`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from tokentill.contracts.rules import Rule, RuleTier, leaves_of, sum_over
from tokentill.money import EXACT, ZERO, sum_exact
from tokentill.prices.entries import BUILT_IN_FALLBACK
from tokentill.prices.rate_cards import ONE, RateCard, Rated, RatedLine, amount_of, price_quantity
from tokentill.usage.quantities import REQUEST, sum_of

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


@dataclass(frozen=True, slots=True)
class Billed:
    """What a rule makes of quantities: an exact amount with its steps, or the reason why there is none."""

    amount: Decimal | None
    steps: tuple[Step, ...]
    reason: str | None = None


@dataclass(slots=True)
class Consumption:
    """What was decided for some requests one by one or in order of time, added up.

    Args:
        included: units that an allowance covers; they are priced at nothing.
        spend: the basis amount that fell into each tier over spend, by the tier's number.
        margin: what was missing to the floor of margin.
        credits: credits of all requests, and `credits_added`, what rounding up to them added.
        allowed: the amount that an allowance covers.
    """

    included: dict[str, int] = field(default_factory=dict)
    spend: dict[int, Decimal] = field(default_factory=dict)
    margin: Decimal = ZERO
    credits: int = 0
    credits_added: Decimal = ZERO
    allowed: Decimal = ZERO

    def add(self, other: Consumption) -> None:
        """Add what was decided for other requests."""
        for name, count in other.included.items():
            self.included[name] = self.included.get(name, 0) + count
        for number, amount in other.spend.items():
            self.spend[number] = EXACT.add(self.spend.get(number, ZERO), amount)
        self.margin = EXACT.add(self.margin, other.margin)
        self.credits += other.credits
        self.credits_added = EXACT.add(self.credits_added, other.credits_added)
        self.allowed = EXACT.add(self.allowed, other.allowed)


RateQuantities = Callable[[Mapping[str, int]], Rated]
NOTHING_CONSUMED = Consumption()


@dataclass(frozen=True, slots=True)
class RatingBasis:
    """What one rule, one tier and one card are applied to.

    Args:
        rule: None bills the list price as it is.
        tier: the tier of a rule with tiers over quantities.
        rate: gives the list price of quantities.
        card: the card of that list price, None where there is none.
        fx: units of the contract's currency for one unit of the price table's; own rates, add-ons, tiers and packages
            are in the contract's currency already.
        cost_fx: the same for one unit of the reported cost's currency, None where no exchange rate is listed.
        is_byok: whether the requests were made with the caller's own key at the provider.
    """

    rule: Rule | None
    tier: RuleTier | None
    rate: RateQuantities
    card: RateCard | None
    fx: Decimal
    cost_fx: Decimal | None
    is_byok: bool = False


def apply_rule(
    basis: RatingBasis, quantities: Mapping[str, int], *, cost: Decimal | None, consumed: Consumption = NOTHING_CONSUMED
) -> Billed:
    """Bill quantities under a rule.

    Args:
        basis: the rule, and what it is applied to.
        quantities: sums of leaves and counters without what an allowance includes; `request` is the number of requests.
        cost: what the gateway reports it charged for all of them, None if any of them has no reported cost.
        consumed: what was decided for them before.
    """
    rule = basis.rule
    if rule is not None and basis.is_byok and rule.byok_fee_percent is not None:
        return _byok_fee(rule, rule.byok_fee_percent, basis, cost)
    steps = basis_steps(basis, quantities, cost)
    if isinstance(steps, str):
        return Billed(None, (), steps)
    if rule is not None:
        if rule.min_margin_percent is not None and (cost is None or basis.cost_fx is None):
            reason = "the gateway did not report one" if cost is None else "no exchange rate for it is listed"
            return Billed(None, (), f"rule {rule.name!r} keeps a margin over the gateway's cost, and {reason}")
        if rule.tiers is not None and rule.tiers.is_over_spend:
            steps += _spend_markups(rule, consumed)
        else:
            own = None if basis.tier is None else basis.tier.markup_percent
            steps += _markup_steps(rule.markup_percent if own is None else own, steps)
        steps += _add_on_steps(rule, quantities)
        steps += _taken_steps(rule, consumed)
        if rule.credits is not None and not rule.credits.is_per_request:
            unit = rule.credits
            worth_of = EXACT.divide(sum_exact(step.amount for step in steps), unit.worth)
            steps.append(Step("credits", unit.name, ZERO, rate=unit.worth, per=1, of_amount=worth_of))
    return Billed(sum_exact(step.amount for step in steps), tuple(steps))


def basis_steps(basis: RatingBasis, quantities: Mapping[str, int], cost: Decimal | None) -> list[Step] | str:
    """The amounts that are marked up, or the reason why there are none."""
    rule, fx = basis.rule, basis.fx
    if rule is None:
        return _list_steps(basis.rate(quantities), fx)
    packaged = leaves_of(rule.package)
    left = {name: count for name, count in quantities.items() if name not in packaged}
    steps: list[Step] = []
    if basis.tier is not None and basis.tier.rates is not None and rule.tiers is not None:
        measured = {name: left.pop(name) for name in rule.tiers.measured if name in left}
        priced = _own_steps(rule, basis.tier.rates, measured, None, fx)
        if isinstance(priced, str):
            return priced
        steps = priced
    if rule.basis == "list":
        rest = _list_steps(basis.rate(left), fx)
    elif rule.basis == "own":
        rest = _own_steps(rule, rule.rates, left, basis.card, fx)
    elif rule.basis == "cost":
        rest = _cost_steps(rule, basis, cost)
    else:
        rest = []
    return rest if isinstance(rest, str) else steps + rest


def _list_steps(rated: Rated, fx: Decimal) -> list[Step] | str:
    if rated.amount is None:
        return rated.reason or "there is no list price"
    return [_rate_step(line, fx) for line in rated.lines]


def _rate_step(line: RatedLine, fx: Decimal) -> Step:
    amount = EXACT.multiply(line.amount, fx)
    return Step("rate", line.name, amount, line.quantity, line.priced_as, line.rate, line.per, fx=fx)


def _own_steps(
    rule: Rule, rates: Mapping[str, Decimal], quantities: Mapping[str, int], card: RateCard | None, fx: Decimal
) -> list[Step] | str:
    """Amounts at rates of the contract. A leaf without a rate has that of its sum, then that of its fallback."""
    fees = {} if card is None else {name: fee for name, fee in card.fees.items() if name not in rates}
    of_sums = {name: of for name in quantities if (of := sum_over(name)) is not None and of in rates}
    fallback = {**BUILT_IN_FALLBACK, **of_sums}
    steps = []
    for name in sorted(quantities):
        if not quantities[name]:
            continue
        line = price_quantity(name, quantities[name], rates, rule.per, fallback, fees, ONE, rule.hash)
        if line is not None:
            steps.append(_rate_step(line, fx if name in fees else ONE))
        elif name != REQUEST:
            return f"rule {rule.name!r} has no rate of its own for {name!r}"
    return steps


def _cost_steps(rule: Rule, basis: RatingBasis, cost: Decimal | None) -> list[Step] | str:
    if cost is None:
        return f"rule {rule.name!r} bills the gateway's cost, and the gateway did not report one"
    if basis.cost_fx is None:
        return _no_cost_fx(rule)
    return [Step("cost", "cost", EXACT.multiply(cost, basis.cost_fx), of_amount=cost, fx=basis.cost_fx)]


def _byok_fee(rule: Rule, percent: Decimal, basis: RatingBasis, cost: Decimal | None) -> Billed:
    if cost is None:
        return Billed(None, (), f"rule {rule.name!r} takes a fee of the provider's cost, and none was reported")
    if basis.cost_fx is None:
        return Billed(None, (), _no_cost_fx(rule))
    amount = percent_of(percent, EXACT.multiply(cost, basis.cost_fx))
    step = Step("byok_fee", "cost", amount, percent=percent, of_amount=cost, fx=basis.cost_fx)
    return Billed(amount, (step,))


def _no_cost_fx(rule: Rule) -> str:
    return f"rule {rule.name!r} needs the gateway's cost in the contract's currency, and no exchange rate is listed"


def percent_of(percent: Decimal, amount: Decimal) -> Decimal:
    """So many percent of an exact amount, exactly."""
    return EXACT.divide(EXACT.multiply(amount, percent), HUNDRED)


def _markup_steps(markup: Mapping[str, Decimal], basis: Sequence[Step]) -> list[Step]:
    """One step for each percentage, over everything that it concerns."""
    of_percent: dict[tuple[str, Decimal], list[Decimal]] = {}
    for step in basis:
        named = _percent_for(markup, step.name)
        if named is not None and named[1]:
            of_percent.setdefault(named, []).append(step.amount)
    steps = []
    for (name, percent), amounts in of_percent.items():
        of_amount = sum_exact(amounts)
        steps.append(Step("markup", name, percent_of(percent, of_amount), percent=percent, of_amount=of_amount))
    return steps


def _percent_for(markup: Mapping[str, Decimal], name: str) -> tuple[str, Decimal] | None:
    """The percentage of one quantity: its own, or its sum's, or the default."""
    for key in (name, sum_over(name), "default"):
        if key is not None and key in markup:
            return key, markup[key]
    return None


def _spend_markups(rule: Rule, consumed: Consumption) -> list[Step]:
    """The markup of each tier, on the part of the basis amount that fell into it."""
    steps = []
    for number in sorted(consumed.spend):
        tier = rule.tiers.tiers[number - 1] if rule.tiers is not None else None
        own = None if tier is None else tier.markup_percent
        percent = (rule.markup_percent if own is None else own).get("default", ZERO)
        if percent and tier is not None:
            amount = percent_of(percent, consumed.spend[number])
            steps.append(Step("markup", tier.label, amount, percent=percent, of_amount=consumed.spend[number]))
    return steps


def _add_on_steps(rule: Rule, quantities: Mapping[str, int]) -> list[Step]:
    steps = []
    for name, fee in sorted(rule.add_on.items()):
        count = sum_of(quantities, name)
        if count:
            amount = amount_of(count, fee.price, fee.per)
            steps.append(Step("add_on", name, amount, count, rate=fee.price, per=fee.per))
    return steps


def _taken_steps(rule: Rule, consumed: Consumption) -> list[Step]:
    steps = [
        Step("included", name, ZERO, count, rate=ZERO, per=1)
        for name, count in sorted(consumed.included.items())
        if count
    ]
    if consumed.margin:
        steps.append(Step("margin", "floor", consumed.margin, percent=rule.min_margin_percent))
    if rule.credits is not None and rule.credits.is_per_request and consumed.credits:
        unit = rule.credits
        steps.append(Step("credits", unit.name, consumed.credits_added, consumed.credits, rate=unit.worth, per=1))
    if consumed.allowed:
        steps.append(Step("allowance", "amount", EXACT.minus(consumed.allowed)))
    return steps
