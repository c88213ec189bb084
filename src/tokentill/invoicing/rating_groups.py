"""From aggregates of usage to groups that one price and one rule decide.

Pure. The key of a group is defined here once: everything that decides an amount but the quantities. Inside a group
rating is linear, so any engine may add quantities up as it likes before they come here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from tokentill.contracts.book import ContractBook
from tokentill.contracts.calculation import NOTHING_CONSUMED, Billed, Consumption, Portion, RatingBasis, apply_rule
from tokentill.contracts.default_set import is_held, with_default_set
from tokentill.contracts.features.tiers import RuleTier
from tokentill.contracts.rules import RequestTraits, Rule
from tokentill.invoicing.splits import Split
from tokentill.money import EXACT, ZERO, sum_exact
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.fx import FxBook, NoRate
from tokentill.prices.rate_cards import ONE, RateCard, Rated, rate_quantities
from tokentill.usage.aggregates import GATEWAY_CURRENCY, Series, UsageAggregate
from tokentill.usage.attribution import Attribution
from tokentill.usage.quantities import REQUEST


@dataclass(frozen=True, slots=True)
class Books:
    """Everything people wrote that an invoice depends on."""

    prices: PriceBook
    contracts: ContractBook
    attribution: Attribution
    fx: FxBook

    def shared_edges(self, models: Iterable[str], starts_at: datetime, ends_at: datetime) -> set[datetime]:
        """Every instant of [starts_at, ends_at) at which something may change that decides what many customers pay."""
        edges = self.prices.edges(models, starts_at, ends_at)
        edges |= self.contracts.shared_edges() | self.attribution.rule_edges()
        return {edge for edge in edges if starts_at <= edge < ends_at}


@dataclass(slots=True)
class Sums:
    """Quantities that were added up, with their requests and reported cost.

    `consumed` is what was decided about them in order of time or one by one; what it includes is not in `quantities`.
    """

    requests: int = 0
    quantities: dict[str, int] = field(default_factory=dict)
    cost: Decimal = ZERO
    requests_with_cost: int = 0
    requests_at_no_cost: int = 0
    consumed: Consumption | None = None

    @classmethod
    def of(cls, aggregate: UsageAggregate) -> Sums:
        """Those of an aggregate, to be changed by who asked for them."""
        of_cost = (aggregate.cost, aggregate.requests_with_cost, aggregate.requests_at_no_cost)
        return cls(aggregate.requests, dict(aggregate.quantities), *of_cost)

    def copy(self) -> Sums:
        """The same, which nobody adds to."""
        return replace(self, quantities=dict(self.quantities))

    def portion(self, portion: Portion) -> Sums:
        """Those of a portion of these requests: their cost goes with the whole portion."""
        counts = {name: count for name, count in portion.quantities.items() if name != REQUEST}
        consumed = None if portion.consumption is NOTHING_CONSUMED else portion.consumption
        if portion.is_whole:
            return replace(self, quantities=counts, consumed=consumed)
        return Sums(quantities=counts, consumed=consumed)

    def add(self, other: Sums) -> None:
        """Add other sums to these."""
        self.requests += other.requests
        for name, count in other.quantities.items():
            self.quantities[name] = self.quantities.get(name, 0) + count
        if other.cost:
            self.cost = EXACT.add(self.cost, other.cost)
        self.requests_with_cost += other.requests_with_cost
        self.requests_at_no_cost += other.requests_at_no_cost
        if other.consumed is not None:
            self.consumed = other.consumed if self.consumed is None else self.consumed.plus(other.consumed)

    @property
    def billable(self) -> dict[str, int]:
        """The quantities with the counter of requests, without what an allowance includes."""
        included = 0 if self.consumed is None else self.consumed.included.get(REQUEST, 0)
        return {**self.quantities, REQUEST: self.requests - included}

    @property
    def all_quantities(self) -> dict[str, int]:
        """The quantities with what an allowance includes, without the counter of requests."""
        if self.consumed is None or not self.consumed.included:
            return self.quantities
        quantities = dict(self.quantities)
        for name, count in self.consumed.included.items():
            if name != REQUEST:
                quantities[name] = quantities.get(name, 0) + count
        return quantities

    @property
    def listed(self) -> tuple[tuple[str, int], ...]:
        """The same, in order of their names."""
        return tuple(sorted(self.all_quantities.items()))

    @property
    def reported_cost(self) -> Decimal | None:
        """The reported cost of all requests, None when one of them has none."""
        return self.cost if self.requests_with_cost == self.requests else None


RULES_MAX = 100_000
"""So many choices of a rule are remembered; a stream of usage may have any number of users."""
GroupKey = tuple[str, ...]
TimeKey = tuple[date, int]
"""A UTC day, and the segment of time between the edges of prepaid credits (see `invoicing.burn_down`)."""


@dataclass(slots=True)
class RatingGroup:
    """Everything that one card, one rule in one tier and one exchange rate decide, with its sums by time."""

    model: str
    mode: str
    card: RateCard | None
    no_price: str | None
    rule: Rule | None
    tier: RuleTier | None
    fx: Decimal
    cost_fx: Decimal | None
    is_byok: bool
    key: GroupKey
    total: Sums = field(default_factory=Sums)
    by_time: dict[TimeKey, Sums] = field(default_factory=dict)
    split: Split = ()

    def add(self, day: date, sums: Sums, segment: int = 0) -> None:
        """Add what a segment of a day brought to the sums, which are the group's own from now on."""
        self.total.add(sums)
        before = self.by_time.setdefault((day, segment), sums)
        if before is not sums:
            before.add(sums)

    @property
    def empty(self) -> RatingGroup:
        """The same group with sums of its own, which are empty."""
        return replace(self, total=Sums(), by_time={})

    def in_tier(self, tier: RuleTier) -> RatingGroup:
        """The same group, empty, for another tier of its rule."""
        return replace(self, tier=tier, key=(*self.key[:-1], str(tier.number)), total=Sums(), by_time={})

    def split_by(self, split: Split) -> RatingGroup:
        """The same group, empty, of the records that have these values."""
        values = ("" if value is None else f"={value}" for _, value in split)
        return replace(self, split=split, key=(*self.key[:-1], *values, self.key[-1]), total=Sums(), by_time={})

    @property
    def is_linear(self) -> bool:
        """Whether sums stand for their records; otherwise they are billed in order of time, or one by one."""
        return self.rule is None or self.rule.is_linear or self.is_byok

    def rated(self, quantities: Mapping[str, int]) -> Rated:
        """The list price of quantities in this group."""
        if self.card is None:
            return Rated("unpriced", self.no_price, None, (), self.model, None, None)
        return rate_quantities(self.card, quantities)

    def list_amount(self, sums: Sums) -> Decimal | None:
        """What sums come to at the list price, with what an allowance includes, in the contract's currency."""
        rated = self.rated({**sums.all_quantities, REQUEST: sums.requests}).amount
        return None if rated is None else EXACT.multiply(rated, self.fx)

    @property
    def basis(self) -> RatingBasis:
        """The rule, and what it is applied to."""
        return RatingBasis(self.rule, self.tier, self.rated, self.card, self.fx, self.cost_fx, is_byok=self.is_byok)

    def billed(self, sums: Sums) -> Billed:
        """What the group's rule makes of sums."""
        # A reported cost of 0 would make the amount nothing.
        bills_cost = self.rule is not None and (self.rule.basis == "cost" or self.is_byok)
        if self.rule is not None and bills_cost and sums.requests_at_no_cost and self.list_amount(sums) != ZERO:
            count = f"{sums.requests_at_no_cost} of {sums.requests} requests that used something"
            return Billed(None, (), f"rule {self.rule.name!r} bills the gateway's cost, and it is 0 for {count}")
        consumed = NOTHING_CONSUMED if sums.consumed is None else sums.consumed
        return apply_rule(self.basis, sums.billable, cost=sums.reported_cost, consumed=consumed)

    def amounts(self) -> dict[TimeKey, Decimal]:
        """The exact amount of each segment of a day; by linearity they add up to that of the whole."""
        if not self.is_linear or self.is_byok:
            return {key: self.billed(sums).amount or ZERO for key, sums in self.by_time.items()}
        units = {name: apply_rule(self.basis, {name: 1}, cost=ZERO).amount or ZERO for name in self.total.billable}
        bills_cost = self.rule is not None and self.rule.basis == "cost"
        of_cost = apply_rule(self.basis, {}, cost=ONE).amount or ZERO if bills_cost else ZERO
        amounts = {}
        for key, sums in self.by_time.items():
            parts = (EXACT.multiply(Decimal(count), units[name]) for name, count in sums.billable.items())
            amounts[key] = sum_exact([EXACT.multiply(sums.cost, of_cost), *parts])
        return amounts


class RatingContext:
    """Puts the aggregates of one customer into groups. Remembers what it looked up; make one a run.

    `bills_unmeasured` takes the zeros of requests that cost something for what they say, as was done up to version 2
    of the calculation. Without `has_default_set` only contracts decide, as up to version 4.
    """

    def __init__(self, books: Books, *, bills_unmeasured: bool = False, has_default_set: bool = True) -> None:
        self.books = books
        self._bills_unmeasured = bills_unmeasured
        self._has_default_set = has_default_set
        self._edges: dict[str | None, list[datetime]] = {}
        self._rules: dict[tuple[str | None, Series, str, int, bool, bool], Rule | None] = {}
        self._groups: dict[tuple[object, ...], RatingGroup] = {}

    def groups(self, customer: str | None, currency: str, aggregates: Iterable[UsageAggregate]) -> list[RatingGroup]:
        """The groups of a customer's aggregates, in order of their keys, as if no rule depended on what came before."""
        groups: dict[GroupKey, RatingGroup] = {}
        for aggregate in aggregates:
            group = self.group_of(customer, currency, aggregate)
            kept = groups.get(group.key)
            if kept is None:
                kept = groups[group.key] = group.empty
            kept.add(aggregate.day, Sums.of(aggregate))
        return in_order(groups)

    def rate_card(self, aggregate: UsageAggregate) -> RateCard | NoPrice:
        """The card of an aggregate, or why it has no price."""
        series = aggregate.series
        return self.books.prices.rate_card(
            series.model, at=aggregate.at, mode=series.mode, input_total=aggregate.input_tokens, geo=series.geo
        )

    def model(self, aggregate: UsageAggregate) -> str:
        """The canonical id of the model of an aggregate, or the reported one if it has none then."""
        model = aggregate.series.model
        return self.books.prices.canonical_model(model, aggregate.at) or model

    def rule(self, customer: str | None, aggregate: UsageAggregate, model: str | None = None) -> Rule | None:
        """The rule that bills an aggregate for a customer; `model` is the aggregate's, where it is known already."""
        series = aggregate.series
        edges = self._edges.get(customer)
        if edges is None:
            edges = self._edges[customer] = sorted(self.books.contracts.edges_for(customer))
        if model is None:
            model = self.model(aggregate)
        key = (customer, series, model, bisect_right(edges, aggregate.at), aggregate.zero_cost, aggregate.has_result)
        if key not in self._rules:
            if len(self._rules) >= RULES_MAX:
                self._rules.clear()
            traits = RequestTraits.of(series, model=model, zero_cost=aggregate.zero_cost)
            rule = self.books.contracts.rule_for(customer, traits, aggregate.at)
            if self._has_default_set:
                rule = with_default_set(rule, traits, has_result=aggregate.has_result)
            self._rules[key] = rule
        return self._rules[key]

    def is_held(self, customer: str | None, aggregate: UsageAggregate) -> bool:
        """Whether an aggregate keeps its customer's invoice back, since it is an estimate that nobody accepted."""
        state = aggregate.series.usage_state
        if state != "estimated" or not self._has_default_set:
            return False
        return is_held(self.rule(customer, aggregate), state, is_accepted=aggregate.is_accepted)

    def keeps_back(self, customer: str | None, aggregate: UsageAggregate) -> bool:
        """Whether an aggregate keeps its customer's invoice back."""
        return self.is_missing(customer, aggregate) or self.is_held(customer, aggregate)

    def is_missing(self, customer: str | None, aggregate: UsageAggregate) -> bool:
        """Whether an aggregate keeps its customer's invoice back, since nobody knows what was used.

        That is so where the source reports no usage, unless a rule asks for just that and says what it comes to; and
        where all quantities are zero of requests that cost something, unless the rule or the price says what such a
        request comes to: by its cost, by the request, or that it is free.
        It is decided here and not when a record is taken in: prices and contracts that come later may say so.
        """
        if aggregate.reports_usage:
            return False
        rule = self.rule(customer, aggregate)
        if aggregate.series.usage_state == "missing":
            return rule is None or "usage_state" not in rule.match or not rule.bills_requests
        is_byok = aggregate.series.is_byok and rule is not None and rule.byok_fee is not None
        if self._bills_unmeasured or is_byok or (rule is not None and rule.bills_requests):
            return False
        card = self.rate_card(aggregate)
        if rule is not None and rule.basis == "own":
            return isinstance(card, NoPrice) or REQUEST not in card.fees
        return isinstance(card, RateCard) and card.needs_quantities

    def group_of(self, customer: str | None, currency: str, aggregate: UsageAggregate) -> RatingGroup:
        """The group that an aggregate belongs to, to be asked and copied (`empty`), never to be added to."""
        model, card = self.model(aggregate), self.rate_card(aggregate)
        rule = self.rule(customer, aggregate, model)
        series = aggregate.series
        priced_card = None if isinstance(card, NoPrice) else card
        table_currency = GATEWAY_CURRENCY if priced_card is None else priced_card.entry.currency
        fx = self.books.fx.rate(table_currency, currency, aggregate.day)
        of_cost = fx
        if table_currency != GATEWAY_CURRENCY:
            of_cost = self.books.fx.rate(GATEWAY_CURRENCY, currency, aggregate.day)
        # A group that is remembered keeps its card and its rule, so nothing else gets their ids meanwhile.
        what = id(card) if priced_card is not None else card
        decided = (model, series.mode, series.is_byok, what, id(rule), fx, of_cost)
        group = self._groups.get(decided)
        if group is None:
            if len(self._groups) >= RULES_MAX:
                self._groups.clear()
            group = self._groups[decided] = _group(model, series, card, rule, fx, of_cost)
        return group


def _group(
    model: str,
    series: Series,
    card: RateCard | NoPrice,
    rule: Rule | None,
    fx: Decimal | NoRate,
    of_cost: Decimal | NoRate,
) -> RatingGroup:
    no_price = card.reason if isinstance(card, NoPrice) else None
    priced_card = None if isinstance(card, NoPrice) else card
    cost_fx = None if isinstance(of_cost, NoRate) else of_cost
    if isinstance(fx, NoRate):
        no_price, priced_card, fx = fx.reason, None, ONE
    is_byok = series.is_byok and rule is not None and rule.byok_fee is not None
    choice = ("",) * 4 if priced_card is None else tuple(str(part) for part in priced_card.key)
    beside = (str(fx), no_price or "", "byok" if is_byok else "", "" if cost_fx == fx else str(cost_fx), "")
    key = (model, series.mode, rule.hash if rule else "", *choice, *beside)
    return RatingGroup(model, series.mode, priced_card, no_price, rule, None, fx, cost_fx, is_byok, key)


def in_order(groups: Mapping[GroupKey, RatingGroup]) -> list[RatingGroup]:
    """Groups in the bytewise order of their keys."""
    return [groups[key] for key in sorted(groups, key=lambda key: [part.encode() for part in key])]
