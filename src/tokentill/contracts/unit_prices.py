"""What a rule makes of each quantity by itself: list price and billed price of so many units.

Pure. It asks the same functions that bill records. What is decided for whole requests or over a period (margin floor,
credits, allowances) has no price by the unit and is left out; tiers have one price each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from tokentill.contracts.calculation import Consumption, RatingBasis, apply_rule, basis_steps
from tokentill.contracts.features.tiers import RuleTier
from tokentill.contracts.rules import Rule
from tokentill.money import EXACT, ZERO, sum_exact
from tokentill.prices.rate_cards import ONE, RateCard, Rated, rate_quantities
from tokentill.usage.quantities import REQUEST, SUMS, TOKEN_LEAVES, leaves_of

COST = "cost"
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class BilledUnitPrice:
    """The price of `per` units of a quantity, in the contract's currency.

    `listed` is None where there is no list price. `billed` has one amount for each tier of the rule, or a single one;
    None where such usage is unpriced. `cost` is not a quantity: it is one unit of the reported cost.
    """

    name: str
    per: int
    listed: Decimal | None
    billed: tuple[Decimal | None, ...]
    is_package: bool = False


def unit_prices(
    rule: Rule | None, card: RateCard | None, fx: Decimal, cost_fx: Decimal | None
) -> list[BilledUnitPrice]:
    """What everything that the card or the rule has a price for is listed at, and billed at.

    Args:
        rule: None bills the list price as it is.
        card: the list price, None where there is none.
        fx: units of the contract's currency for one unit of the price table's.
        cost_fx: the same for the reported cost, None where no exchange rate is listed.
    """
    prices, packages = [], {} if rule is None else rule.package
    for name in _names(rule, card):
        package = next((package for named, package in packages.items() if name in leaves_of((named,))), None)
        per = _per(rule, card, name) if package is None else package.size
        billed = _billed(rule, card, fx, {name: per}) if package is None else (package.price,) * len(tiers_of(rule))
        rated = _rated(card, {name: per})
        listed = None if rated.amount is None or not rated.lines else EXACT.multiply(rated.amount, fx)
        prices.append(BilledUnitPrice(name, per, listed, billed, is_package=package is not None))
    if rule is not None and rule.basis == "cost" and cost_fx is not None:
        prices.append(BilledUnitPrice(COST, 1, cost_fx, _billed(rule, card, fx, {}, cost=ONE, cost_fx=cost_fx)))
    return prices


def tiers_of(rule: Rule | None) -> tuple[RuleTier | None, ...]:
    """The tiers that `BilledUnitPrice.billed` has amounts for."""
    return (None,) if rule is None or rule.tiers is None else rule.tiers.tiers


def _names(rule: Rule | None, card: RateCard | None) -> Iterator[str]:
    """Quantities that have a price: leaves in their order, then counters."""
    named: set[str] = set()
    if card is not None:
        named |= {*card.choice.rates, *card.fees}
    if rule is not None:
        stated = {*rule.rates, *rule.add_on, *rule.package}
        for tier in rule.tiers.tiers if rule.tiers is not None else ():
            stated |= set(tier.rates or ())
        is_listed = {name for name in stated if name in SUMS and named & set(SUMS[name])}
        named |= set(leaves_of(stated - is_listed))
        if rule.basis == "cost":
            named &= {leaf for name in (*rule.add_on, *rule.package) for leaf in leaves_of((name,))}
    yield from (name for name in TOKEN_LEAVES if name in named)
    yield from sorted(named - set(TOKEN_LEAVES), key=lambda name: (name != REQUEST, name))


def _per(rule: Rule | None, card: RateCard | None, name: str) -> int:
    if name in TOKEN_LEAVES:
        return _MILLION
    if card is not None and name in card.fees:
        return card.fees[name].per
    if rule is not None and name in rule.add_on:
        return rule.add_on[name].per
    return 1


def _rated(card: RateCard | None, quantities: Mapping[str, int]) -> Rated:
    if card is None:
        return Rated("unpriced", "there is no list price", None, (), "", None, None)
    return rate_quantities(card, quantities)


def _billed(
    rule: Rule | None,
    card: RateCard | None,
    fx: Decimal,
    quantities: Mapping[str, int],
    *,
    cost: Decimal = ZERO,
    cost_fx: Decimal = ONE,
) -> tuple[Decimal | None, ...]:
    linear = None if rule is None else replace(rule, min_margin=None, credits=None)
    amounts = []
    for tier in tiers_of(rule):
        is_over_spend = rule is not None and rule.tiers is not None and rule.tiers.is_over_spend
        basis = RatingBasis(
            linear, None if is_over_spend else tier, lambda counts: _rated(card, counts), card, fx, cost_fx
        )
        consumed = Consumption()
        if is_over_spend and tier is not None:
            steps = basis_steps(basis, quantities, cost)
            spend = ZERO if isinstance(steps, str) else sum_exact(step.amount for step in steps)
            consumed = Consumption(spend={tier.number: spend})
        amounts.append(apply_rule(basis, quantities, cost=cost, consumed=consumed).amount)
    return tuple(amounts)
