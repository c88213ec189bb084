"""What a rule makes of quantities, in the order of docs/contracts.md: basis, markup, add-ons, features.

Pure. `consume` decides, record by record or in order of time, what depends on that; `apply_rule` makes an amount of it,
with its steps. The latter is linear: for one rule, one of its tiers, one card and one exchange rate, the amount of a
sum is the sum of the amounts, where what was decided comes in added up as `Consumption`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from tokentill.contracts.features.allowance import (
    AllowanceState,
    consume_amount,
    consume_units,
    covered_steps,
    included_steps,
)
from tokentill.contracts.features.byok import ByokFee
from tokentill.contracts.features.credits import rounded_steps, rounded_up, worth_steps
from tokentill.contracts.features.margin import margin_steps, missing_to_floor
from tokentill.contracts.features.package import count as count_packages
from tokentill.contracts.features.package import rest_of
from tokentill.contracts.features.tiers import RuleTier, TierState, consume_spend, spend_steps
from tokentill.contracts.features.tiers import consume_units as consume_tiers
from tokentill.contracts.rules import Rule
from tokentill.contracts.steps import Step, percent_of
from tokentill.money import EXACT, ZERO, sum_exact
from tokentill.prices.rate_cards import ONE, RateCard, Rated, RatedLine, amount_of, price_quantity
from tokentill.usage.quantities import BUILT_IN_FALLBACK, REQUEST, sum_of, sum_over


@dataclass(frozen=True, slots=True)
class Billed:
    """What a rule makes of quantities: an exact amount with its steps, or the reason why there is none."""

    amount: Decimal | None
    steps: tuple[Step, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Consumption:
    """What was decided for some requests one by one or in order of time, added up.

    Args:
        included: units that an allowance covers; they are priced at nothing.
        spend: the basis amount that fell into each tier over spend, by the tier's number.
        margin: what was missing to the floor of margin.
        credits: credits of all requests, and `credits_added`, what rounding up to them added.
        allowed: the amount that an allowance covers.
    """

    included: Mapping[str, int] = field(default_factory=dict)
    spend: Mapping[int, Decimal] = field(default_factory=dict)
    margin: Decimal = ZERO
    credits: int = 0
    credits_added: Decimal = ZERO
    allowed: Decimal = ZERO

    def plus(self, other: Consumption) -> Consumption:
        """This, and what was decided for other requests."""
        included, spend = Counter(self.included), dict(self.spend)
        included.update(other.included)
        for number, amount in other.spend.items():
            spend[number] = EXACT.add(spend.get(number, ZERO), amount)
        return Consumption(
            included,
            spend,
            EXACT.add(self.margin, other.margin),
            self.credits + other.credits,
            EXACT.add(self.credits_added, other.credits_added),
            EXACT.add(self.allowed, other.allowed),
        )


NOTHING_CONSUMED = Consumption()
RateQuantities = Callable[[Mapping[str, int]], Rated]


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


@dataclass(frozen=True, slots=True)
class Accumulator:
    """What one rule has used up so far in a period."""

    allowance: AllowanceState = field(default_factory=AllowanceState)
    tiers: TierState = field(default_factory=TierState)
    packaged: Mapping[str, int] = field(default_factory=dict)

    def meets_boundary(self, before: Accumulator, rules: Iterable[Rule]) -> bool:
        """Whether a boundary of one of the rules was reached since `before`, so that the order decides something."""
        return any(
            (rule.allowance is not None and self.allowance.meets_limit(before.allowance, rule.allowance))
            or (rule.tiers is not None and rule.tiers.meets_boundary(before.tiers, self.tiers))
            for rule in rules
        )


@dataclass(frozen=True, slots=True)
class Portion:
    """Requests, or the part of them that falls into one tier, with what was decided about it.

    `quantities` have the counter of requests, and what is included is not among them. The first portion of requests
    `is_whole`: it stands for the requests themselves and their cost, others for nothing but their quantities.
    """

    tier: RuleTier | None
    quantities: Mapping[str, int]
    consumption: Consumption
    is_whole: bool = True


BillPortion = Callable[[Portion], Decimal | None]
"""The amount of a portion, None where it cannot be billed."""


def consume(
    basis: RatingBasis,
    quantities: Mapping[str, int],
    cost: Decimal | None,
    accumulator: Accumulator,
    total: Decimal | None,
    bill: BillPortion,
) -> tuple[list[Portion], Accumulator]:
    """Decide about requests what depends on those before them, or on each of them alone, in the order of `apply_rule`.

    Args:
        basis: the rule and what it is applied to, without a tier.
        quantities: with the counter of requests.
        cost: what the gateway reports it charged, None if not known.
        accumulator: what the rule has used up before.
        total: what the period adds up to, for tiers by volume.

    Returns:
        The portions, and what the rule has used up now. What cannot be billed keeps its customer from being closed and
        uses nothing up.
    """
    rule = basis.rule
    if rule is None:
        return [Portion(None, quantities, NOTHING_CONSUMED)], accumulator
    # 1. Included units are taken off.
    rest, allowance = quantities, accumulator.allowance
    included: Mapping[str, int] = {}
    if rule.allowance is not None:
        rest, included, allowance = consume_units(rule.allowance, rest, allowance)
    # 2. The basis, by tier where there are tiers; packages.
    packaged = count_packages(rule.package, rest, accumulator.packaged)
    consumption = Consumption(included) if included else NOTHING_CONSUMED
    portions, tiers = [Portion(None, rest, consumption)], accumulator.tiers
    if rule.tiers is not None and rule.tiers.is_over_spend:
        steps = basis_steps(basis, rest, cost)
        if not isinstance(steps, str):
            amount = sum_exact(step.amount for step in steps)
            spend, tiers = consume_spend(rule.tiers, amount, tiers, total)
            portions = [Portion(None, rest, replace(consumption, spend=spend))]
    elif rule.tiers is not None:
        by_tier, tiers = consume_tiers(rule.tiers, rest, tiers, total)
        portions = [
            Portion(tier, counts, NOTHING_CONSUMED if number else consumption, is_whole=not number)
            for number, (tier, counts) in enumerate(by_tier)
        ]
    # 3. and 4. Markup and add-ons.
    amounts = [bill(portion) for portion in portions]
    billed = [amount for amount in amounts if amount is not None]
    if len(billed) < len(amounts):
        return portions, accumulator
    # 5. The margin floor, then whole credits, then the included amount of money.
    if rule.is_per_request:
        portions[0], billed[0] = _raised(rule, basis, cost, portions[0], billed)
    if rule.allowance is not None:
        for number, amount in enumerate(billed):
            _, covered, allowance = consume_amount(rule.allowance, amount, allowance)
            if covered:
                decided = replace(portions[number].consumption, allowed=covered)
                portions[number] = replace(portions[number], consumption=decided)
    return portions, Accumulator(allowance, tiers, packaged)


def _raised(
    rule: Rule, basis: RatingBasis, cost: Decimal | None, first: Portion, amounts: Sequence[Decimal]
) -> tuple[Portion, Decimal]:
    """One request raised to the floor of margin, then to whole credits; and what its first portion comes to then."""
    amount, decided = sum_exact(amounts), first.consumption
    if rule.min_margin is not None and cost is not None and basis.cost_fx is not None:
        margin = missing_to_floor(rule.min_margin, amount, EXACT.multiply(cost, basis.cost_fx))
        decided, amount = replace(decided, margin=margin), EXACT.add(amount, margin)
    if rule.credits is not None and rule.credits.is_per_request:
        count, added = rounded_up(rule.credits, amount)
        decided, amount = replace(decided, credits=count, credits_added=added), EXACT.add(amount, added)
    return replace(first, consumption=decided), EXACT.subtract(amount, sum_exact(amounts[1:]))


def apply_rule(
    basis: RatingBasis, quantities: Mapping[str, int], *, cost: Decimal | None, consumed: Consumption = NOTHING_CONSUMED
) -> Billed:
    """Bill quantities under a rule.

    Args:
        basis: the rule, and what it is applied to.
        quantities: sums of leaves and counters without what an allowance includes; `request` is the number of requests.
        cost: what the gateway reports it charged for all of them, None if any of them has no reported cost.
        consumed: what was decided for them before (see `consume`).
    """
    rule = basis.rule
    if rule is not None and basis.is_byok and rule.byok_fee is not None:
        return _byok_fee(rule, rule.byok_fee, basis, cost)
    # 2. The basis, by tier where there are tiers; packages.
    steps = basis_steps(basis, quantities, cost)
    if isinstance(steps, str):
        return Billed(None, (), steps)
    if rule is not None:
        if rule.min_margin is not None and (cost is None or basis.cost_fx is None):
            reason = "the gateway did not report one" if cost is None else "no exchange rate for it is listed"
            return Billed(None, (), f"rule {rule.name!r} keeps a margin over the gateway's cost, and {reason}")
        # 3. Markup of the basis.
        if rule.tiers is not None and rule.tiers.is_over_spend:
            steps += spend_steps(rule.tiers, rule.markup_percent, consumed.spend)
        else:
            own = None if basis.tier is None else basis.tier.markup_percent
            steps += _markup_steps(rule.markup_percent if own is None else own, steps)
        # 4. Add-ons.
        steps += _add_on_steps(rule, quantities)
        # 1. Included units, which cost nothing, are shown here.
        steps += included_steps(consumed.included)
        # 5. The margin floor, then whole credits, then the included amount of money.
        steps += margin_steps(rule.min_margin, consumed.margin)
        if rule.credits is not None:
            steps += rounded_steps(rule.credits, consumed.credits, consumed.credits_added)
        steps += covered_steps(consumed.allowed)
        if rule.credits is not None:
            steps += worth_steps(rule.credits, sum_exact(step.amount for step in steps))
    return Billed(sum_exact(step.amount for step in steps), tuple(steps))


def basis_steps(basis: RatingBasis, quantities: Mapping[str, int], cost: Decimal | None) -> list[Step] | str:
    """The amounts that are marked up, or the reason why there are none."""
    rule, fx = basis.rule, basis.fx
    if rule is None:
        return _list_steps(basis.rate(quantities), fx)
    left = dict(rest_of(rule.package, quantities))
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


def _byok_fee(rule: Rule, fee: ByokFee, basis: RatingBasis, cost: Decimal | None) -> Billed:
    if cost is None:
        return Billed(None, (), f"rule {rule.name!r} takes a fee of the provider's cost, and none was reported")
    if basis.cost_fx is None:
        return Billed(None, (), _no_cost_fx(rule))
    step = fee.step(cost, basis.cost_fx)
    return Billed(step.amount, (step,))


def _no_cost_fx(rule: Rule) -> str:
    return f"rule {rule.name!r} needs the gateway's cost in the contract's currency, and no exchange rate is listed"


def _markup_steps(markup: Mapping[str, Decimal], basis: Sequence[Step]) -> list[Step]:
    """One step for each percentage, over everything that it concerns."""
    of_percent: dict[tuple[str, Decimal], list[Decimal]] = {}
    for step in basis:
        named = _percent_for(markup, step.name)
        if named is not None and named[1]:
            of_percent.setdefault(named, []).append(step.amount)
    return [
        Step("markup", name, percent_of(percent, of_amount), percent=percent, of_amount=of_amount)
        for (name, percent), amounts in of_percent.items()
        for of_amount in [sum_exact(amounts)]
    ]


def _percent_for(markup: Mapping[str, Decimal], name: str) -> tuple[str, Decimal] | None:
    """The percentage of one quantity: its own, or its sum's, or the default."""
    keys = (name, sum_over(name), "default")
    return next(((key, markup[key]) for key in keys if key is not None and key in markup), None)


def _add_on_steps(rule: Rule, quantities: Mapping[str, int]) -> list[Step]:
    return [
        Step("add_on", name, amount_of(count, fee.price, fee.per), count, rate=fee.price, per=fee.per)
        for name, fee in sorted(rule.add_on.items())
        if (count := sum_of(quantities, name))
    ]
