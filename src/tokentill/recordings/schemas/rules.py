"""The rules of a contract: what they fit, what they charge, and what they count through a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from tokentill.contracts.features.tiers import SPEND
from tokentill.money import amount_text, divides_exactly
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.schemas.parts import (
    NAMES_ONLY,
    UNITS_MAX,
    FeeTable,
    Markup,
    Mistake,
    Rates,
    Rules,
    Table,
    optional,
)
from tokentill.recordings.values import (
    Patterns,
    Per,
    PercentOrMore,
    Positive,
    Quantity,
    Rate,
    Statuses,
    Text,
    UsageStates,
)
from tokentill.usage.quantities import SUMS, leaves_of

DEFAULT = "default"
"""The key of a markup that holds for every quantity without one of its own."""


class MatchTable(Table):
    """Which records a rule fits: all given keys must. Globs know only * and ?."""

    model: Patterns = optional("Canonical model id, after aliases.")
    provider: Patterns = optional("Who served the request.")
    mode: Patterns = optional("standard, batch, flex, priority, ...")
    api_key: Patterns = optional("The api key as the gateway names it.")
    user: Patterns = optional("The opaque user string.")
    source: Patterns = optional("Where the record comes from.")
    tag: Patterns = optional("Any tag of the record.")
    status: Statuses = optional("How the request ended.")
    usage_state: UsageStates = optional("Whether its quantities were reported.")
    is_byok: bool = optional("Whether it was made with the caller's own key at the provider.")
    is_replayed: bool = optional("Whether the gateway answered it from its own cache.")
    zero_cost: bool = optional("Whether a cost was reported, and it is 0.")


class AllowanceTable(Table):
    """What a period includes, used up in order of time: units of quantities or sums, or an amount of money."""

    units: Annotated[dict[Quantity, Annotated[int, Field(gt=0, le=UNITS_MAX)]], Field(min_length=1)] = optional(
        "Units that are not charged.", json_schema_extra=NAMES_ONLY
    )
    amount: Positive = optional("Amount that is not charged, in the contract's currency.")


class RuleTierTable(Table):
    """One tier of a rule. What it states holds in it instead of what the rule states."""

    up_to: Positive = optional("Inclusive; every tier but the last has it.")
    markup_percent: Markup = optional("In place of the rule's.")
    rates: Rates = optional("Own rates of the units that the tiers run over, for `per` of the rule.")
    flat: Rate = optional("Charged once when the tier is entered.")


class RuleTiersTable(Table):
    """Tiers over what a period adds up to."""

    kind: Literal["graduated", "volume"] = Field(
        description="graduated: each unit by its own tier; volume: all units by the tier that the total reaches."
    )
    over: Patterns = Field(description='Quantities or sums that are counted, or "spend": the basis amount.')
    flat_at_zero: bool = optional("Whether the first tier's flat amount is charged without usage.")
    tier: Annotated[list[RuleTierTable], Field(min_length=1)]


class PackageTable(Table):
    """Blocks of units; each begun block is charged."""

    price: Rate
    size: Annotated[int, Field(gt=0, le=UNITS_MAX)] = Field(description="Units in a package.")


class CreditsTable(Table):
    """A named unit of fixed worth that requests are billed in."""

    name: Text
    worth: Positive = Field(description="Worth of one credit in the contract's currency.")
    round_up: Literal["request", "never"] = Field(description="Whether every request is rounded up to whole credits.")
    at_least: Annotated[int, Field(ge=0, le=10**6)] = optional("Credits that any request costs at least.")


class RuleTable(Table):
    """A markup rule: basis, then markup, then add-ons."""

    name: Text = optional("Shown where an amount is explained.")
    match: MatchTable = optional("Every record unless given.")
    basis: Literal["list", "own", "cost", "free"] = optional("What is marked up; list unless given.")
    per: Per = optional("How many units the own rates are for; 1_000_000 unless given.")
    rates: Rates = optional('Own rates, with basis = "own".')
    markup_percent: Markup = optional("Of the basis; negative is a discount. One number, or by quantity and default.")
    add_on: dict[Quantity, FeeTable] = optional("Added after the markup.", json_schema_extra=NAMES_ONLY)
    byok_fee_percent: PercentOrMore = optional("Of the reported cost, instead of all else, with the caller's own key.")
    min_margin_percent: PercentOrMore = optional("Every request is raised to this margin over its reported cost.")
    allowance: AllowanceTable = optional("What a period includes.")
    tiers: RuleTiersTable = optional("Tiers over what a period adds up to.")
    package: dict[Quantity, PackageTable] = optional(
        "Quantities that are charged in blocks, in place of all else.", json_schema_extra=NAMES_ONLY
    )
    credits: CreditsTable = optional("Requests are billed in credits.")
    unusual: bool = optional("The numbers are meant, although they look like a mistake.")

    @property
    def over(self) -> list[str]:
        """What its tiers run over; nothing where it has none."""
        return self.tiers.over if self.states("tiers") else []

    @property
    def listed_tiers(self) -> list[RuleTierTable]:
        """Its tiers, if it has any."""
        return self.tiers.tier if self.states("tiers") else []

    @property
    def has_tier_rates(self) -> bool:
        """Whether some tier has rates of its own."""
        return any(tier.states("rates") for tier in self.listed_tiers)

    @property
    def counts_units(self) -> bool:
        """Whether a period includes units of some quantity."""
        return self.states("allowance") and self.allowance.states("units")


def a_rule_has_what_its_basis_needs(rule: RuleTable) -> Iterator[Mistake]:
    """Own rates go with basis = "own", and with nothing else."""
    is_own = rule.basis == "own"
    hint = 'add basis = "own", or remove it'
    if is_own and not rule.states("rates"):
        yield Mistake(("basis",), 'basis = "own" without rates', "add rates = { input = ..., output = ... }")
    if rule.states("rates") and not is_own:
        yield Mistake(("rates",), '"rates" has no effect without basis = "own"', hint)
    if rule.states("per") and not is_own and not rule.has_tier_rates:
        yield Mistake(("per",), '"per" has no effect without basis = "own"', hint)


def a_markup_has_something_to_mark_up(rule: RuleTable) -> Iterator[Mistake]:
    """There is no markup of nothing, nor one of quantities where the basis is one amount for all of them."""
    stated: list[tuple[KeyPath, Markup]] = [(("markup_percent",), rule.markup_percent or {})]
    stated += [
        (("tiers", "tier", index, "markup_percent"), tier.markup_percent or {})
        for index, tier in enumerate(rule.listed_tiers)
    ]
    for path, markup in stated:
        named = next((name for name in markup if name != DEFAULT), None)
        if rule.basis == "cost" and named is not None:
            message = f'a markup on "{named}" has no effect with basis = "cost", which is one amount for a request'
            yield Mistake(path, message, "write one percentage: markup_percent = ...")
        elif rule.basis == "free" and markup and not rule.has_tier_rates:
            message = '"markup_percent" has no effect with basis = "free": there is nothing to mark up'
            yield Mistake(path, message, "remove it, or choose another basis")
        elif rule.over == [SPEND] and markup and set(markup) != {DEFAULT}:
            message = f'with tiers over "{SPEND}" a markup by quantity has no effect'
            yield Mistake(path, message, "write one percentage: markup_percent = ...")


def tiers_leave_no_gap(tiers: RuleTiersTable) -> Iterator[Mistake]:
    """`up_to` stands in every tier but the last, rises, and is a whole number where units are counted."""
    for number, tier in enumerate(tiers.tier, start=1):
        path: KeyPath = ("tier", number - 1)
        is_last = number == len(tiers.tier)
        if is_last and tier.states("up_to"):
            message = f"the last tier ends at {tier.up_to}, and nothing says what holds above"
            yield Mistake((*path, "up_to"), message, "leave up_to out of the last tier, or add one without it")
        elif not is_last and not tier.states("up_to"):
            message = f"tier {number} has no up_to, and another tier follows it"
            yield Mistake(path, message, "add up_to = ..., the last unit that lies in it")
        if "." in (tier.up_to or "") and tiers.over != [SPEND]:
            message = f"up_to is {tier.up_to}, and units are whole"
            yield Mistake((*path, "up_to"), message, "write a whole number, or count over spend")
    bounds = [(number, Decimal(tier.up_to)) for number, tier in enumerate(tiers.tier, start=1) if tier.states("up_to")]
    for (before, below), (number, up_to) in pairwise(bounds):
        if up_to <= below:
            message = f"up_to does not rise: tier {number} ends at or below tier {before}"
            yield Mistake(("tier", number - 1, "up_to"), message, "order the tiers by up_to")


def a_flat_amount_at_zero_is_stated(tiers: RuleTiersTable) -> Iterator[Mistake]:
    """`flat_at_zero` charges the flat amount of the first tier, so there is one."""
    if tiers.flat_at_zero and not Decimal(tiers.tier[0].flat or 0):
        message = "flat_at_zero has no effect: the first tier has no flat amount"
        yield Mistake(("flat_at_zero",), message, "add flat = ... to the first tier, or remove it")


def spend_is_counted_alone(tiers: RuleTiersTable) -> Iterator[Mistake]:
    """Spend is one amount: it is not counted beside units, and its tiers have no rates."""
    if SPEND in tiers.over and len(tiers.over) > 1:
        others = " and ".join(f'"{name}"' for name in tiers.over if name != SPEND)
        message = f'"{SPEND}" is an amount, and {others} are units; tiers run over one of the two'
        yield Mistake(("over",), message, f'write over = "{SPEND}", or leave it out')
    for index, tier in enumerate(tiers.tier):
        if tiers.over == [SPEND] and tier.states("rates"):
            message = f'a tier over "{SPEND}" cannot have rates: an amount is not priced by the unit'
            yield Mistake(("tier", index, "rates"), message, "write markup_percent = ..., or count units")


def an_allowance_includes_something(allowance: AllowanceTable) -> Iterator[Mistake]:
    """An allowance is of units, of an amount, or of both."""
    if not allowance.model_fields_set:
        yield Mistake((), "the allowance includes nothing", "write units = { output = ... }, or amount = ...")


def no_quantity_is_counted_twice(rule: RuleTable) -> Iterator[Mistake]:
    """Inside an allowance, the tiers or the packages every leaf is named once, by itself or in a sum."""
    named: list[tuple[str, KeyPath, Iterable[str]]] = [
        ("the allowance", ("allowance", "units"), rule.allowance.units if rule.counts_units else ()),
        ("the tiers", ("tiers", "over"), rule.over),
        ("the packages", ("package",), rule.package or ()),
    ]
    for what, path, names in named:
        seen: dict[str, str] = {}
        for name in names:
            twin = next((seen[leaf] for leaf in leaves_of((name,)) if leaf in seen), None)
            if twin is not None:
                leaf, whole = sorted((twin, name), key=lambda name: name in SUMS)
                message = f'"{leaf}" is counted twice in {what}: "{whole}" holds it'
                yield Mistake((*path, name), message, "keep one of the two")
            seen |= dict.fromkeys(leaves_of((name,)), name)


def a_packaged_quantity_is_charged_in_packages_alone(rule: RuleTable) -> Iterator[Mistake]:
    """What is charged in packages has no other price: no rate, markup or add-on, and no tiers run over it."""
    packaged = set(leaves_of(rule.package or ()))
    places: list[tuple[str, KeyPath, str]] = [
        (key, (key, name), name) for key in ("rates", "markup_percent", "add_on") for name in getattr(rule, key) or ()
    ]
    places += [("tiers", ("tiers", "over"), name) for name in rule.over]
    for key, path, name in places:
        leaves = set(leaves_of((name,)))
        if leaves <= packaged or (key == "tiers" and leaves & packaged):
            yield Mistake(path, f'"{name}" is charged in packages, and stands in "{key}" too', "keep one of the two")


def credits_can_be_counted(unit: CreditsTable) -> Iterator[Mistake]:
    """Without rounding, amounts are a finite number of credits; with it, `at_least` has something to act on."""
    if unit.round_up == "request":
        return
    if not divides_exactly(Decimal(unit.worth).as_integer_ratio()[0]):
        message = f"amounts do not divide exactly by a worth of {amount_text(Decimal(unit.worth))}"
        yield Mistake(("worth",), message, 'choose a worth such as 0.002, 0.0025 or 0.01, or round_up = "request"')
    if unit.at_least:
        message = 'at_least has no effect with round_up = "never"'
        yield Mistake(("at_least",), message, 'write round_up = "request", or remove it')


def what_is_combined_has_a_meaning(rule: RuleTable) -> Iterator[Mistake]:
    """Combinations that are not defined are refused.

    With units included, one request has no price of its own, so nothing can be rounded up to; the reported cost is
    one amount for a request, so no part of it belongs to some of its units; tiers over nothing count nothing.
    """
    is_rounded = rule.states("credits") and rule.credits.round_up == "request"
    has_floor = rule.states("min_margin_percent")
    if rule.counts_units and (is_rounded or has_floor):
        what = "min_margin_percent" if has_floor else "credits by the request"
        message = f"an allowance of units together with {what} is not defined"
        yield Mistake(("allowance", "units"), message, "write the allowance as an amount of money")
    if rule.basis == "free" and rule.over == [SPEND]:
        message = f'tiers over "{SPEND}" with basis = "free" count nothing'
        yield Mistake(("tiers", "over"), message, "choose another basis, or count units")
    if rule.basis != "cost":
        return
    with_rates = next((index for index, tier in enumerate(rule.listed_tiers) if tier.states("rates")), 0)
    parts: tuple[tuple[str, KeyPath, bool], ...] = (
        ("an allowance of units", ("allowance", "units"), rule.counts_units),
        ("rates of a tier", ("tiers", "tier", with_rates, "rates"), rule.has_tier_rates),
        ("a package", ("package",), rule.states("package")),
    )
    for what, path, is_there in parts:
        if is_there:
            message = f'{what} together with basis = "cost" is not defined: a cost is not split by units'
            yield Mistake(path, message, "choose another basis, or count spend")


RULES: Rules = {
    RuleTable: (
        a_rule_has_what_its_basis_needs,
        a_markup_has_something_to_mark_up,
        no_quantity_is_counted_twice,
        a_packaged_quantity_is_charged_in_packages_alone,
        what_is_combined_has_a_meaning,
    ),
    RuleTiersTable: (tiers_leave_no_gap, a_flat_amount_at_zero_is_stated, spend_is_counted_alone),
    AllowanceTable: (an_allowance_includes_something,),
    CreditsTable: (credits_can_be_counted,),
}
