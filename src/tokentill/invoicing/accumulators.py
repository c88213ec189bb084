"""A period in order of time: what allowances include, which tier each unit falls in, which packages are begun.

Pure. A rule with allowances or tiers bills record by record in the order of `RecordKey`, whatever arrived first.
Where no boundary lies inside a segment of time the order within it decides nothing, so sums stand for their records
there; otherwise the records of that segment are billed in their place. Both ways give the same amounts, which a test
holds equal.

Accumulators go on through the versions of a contract: a rule is known by its contract and its name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Literal

from tokentill.contracts.calculation import Accumulator, Portion, consume
from tokentill.contracts.features.tiers import RuleTier
from tokentill.contracts.rules import Rule
from tokentill.errors import IntegrityFault
from tokentill.invoicing.rating_groups import GroupKey, RatingContext, RatingGroup, Sums, in_order
from tokentill.invoicing.splits import split_of
from tokentill.money import EXACT, ZERO
from tokentill.usage.aggregates import UsageAggregate

ChargeKind = Literal["package", "flat", "base_fee", "manual", "overage"]


@dataclass(frozen=True, slots=True)
class Charge:
    """What a period is charged beside its records: packages begun, tiers entered, fees, lines that people added.

    `amount` is `quantity` x `rate`, or for a fee that was prorated over `of_days`, rounded to the minor unit. A fee for
    a year says the day on which that begins; an overage is `rate` x `of_amount`.
    `units` are those that `quantity` packages of `size` hold. `begun` says how much of the amount was begun or entered
    in which segment of time (see `invoicing.burn_down`); the rest lies at the end of the period. `number` is that of a
    line that somebody added.
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
    number: int | None = None
    begun: tuple[tuple[int, Decimal], ...] = field(default=(), compare=False)
    year_from: date | None = None
    of_amount: Decimal | None = None

    @property
    def description(self) -> str:
        """What people read on the line."""
        if self.kind == "package":
            return f"{self.name}, packages of {self.size:,}"
        prefix = {"flat": "flat amount, ", "overage": "overage, "}.get(self.kind, "")
        return f"{prefix}{self.name}"


class PeriodCharges:
    """Packages and flat amounts of tiers, each charged once, when it is begun or entered."""

    def __init__(self) -> None:
        self._packages: dict[tuple[str, str], tuple[Rule, str, int, int]] = {}
        self._counted: dict[str, int] = {}
        self._flats: dict[int, tuple[Rule, RuleTier]] = {}
        self._begun: dict[tuple[str, str] | int, dict[int, Decimal]] = {}

    def count(self, rule: Rule, accumulator: Accumulator, segment: int = 0) -> list[Charge]:
        """Look at the accumulator after an aggregate that a rule billed; returns what was begun and entered since."""
        begun = []
        for name, package in rule.package.items():
            before, now = self._counted.get(name, 0), accumulator.packaged.get(name, 0)
            packages = package.begun(now) - package.begun(before)
            _, _, packages_before, units = self._packages.get((rule.hash, name), (rule, name, 0, 0))
            self._packages[(rule.hash, name)] = (rule, name, packages_before + packages, units + now - before)
            self._counted[name] = now
            if packages:
                begun.append(_package_charge(rule, name, packages, now - before))
                self._note((rule.hash, name), segment, begun[-1].amount)
        if rule.tiers is not None:
            for number in sorted(accumulator.tiers.entered - set(self._flats)):
                if number <= len(rule.tiers.tiers):
                    tier = rule.tiers.tiers[number - 1]
                    self._flats[number] = (rule, tier)
                    if tier.flat:
                        begun.append(_flat_charge(rule, tier))
                        self._note(number, segment, tier.flat)
        return begun

    def _note(self, key: tuple[str, str] | int, segment: int, amount: Decimal) -> None:
        amounts = self._begun.setdefault(key, {})
        amounts[segment] = EXACT.add(amounts.get(segment, ZERO), amount)

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
    amount = package.charge(packages)
    return Charge("package", name, rule, packages, package.price, amount, units=units, size=package.size)


def _flat_charge(rule: Rule, tier: RuleTier) -> Charge:
    return Charge("flat", tier.label, rule, 1, tier.flat, tier.flat)


Trace = Callable[[UsageAggregate, RatingGroup, Sums], None]
"""Told of everything that is added to a group, and the aggregate it comes from."""


def bill_usage(
    customer: str | None,
    currency: str,
    aggregates: Iterable[UsageAggregate],
    context: RatingContext,
    *,
    rules_at_end: Iterable[Rule] = (),
    segments: Sequence[datetime] = (),
    lines_by: Sequence[str] = (),
    wanted: list[UsageAggregate] | None = None,
    trace: Trace | None = None,
) -> tuple[list[RatingGroup], list[Charge]]:
    """Put a customer's usage of one period into groups, with everything decided that depends on its order.

    Args:
        aggregates: all of the period, in any order.
        rules_at_end: rules in force at the end of the period, whose first tier may have a flat amount without usage.
        segments: where the segments begin by which amounts are kept apart; no aggregate reaches over one.
        lines_by: by which traits of records their amounts are kept apart (see `invoicing.splits`).
        wanted: gets the aggregates that have to be billed record by record. Where there are any, the result is of no
            use; call again with their records in their place.
        trace: told what each aggregate added to which group.

    Returns:
        The groups in order of their keys, and what is charged beside them.
    """
    groups = _Groups(segments, trace)
    by_accumulator: dict[tuple[str, str], list[tuple[UsageAggregate, RatingGroup]]] = {}
    for aggregate in aggregates:
        group = context.group_of(customer, currency, aggregate)
        if lines_by:
            group = group.split_by(split_of(aggregate.series, lines_by))
        if group.rule is None or group.is_linear:
            groups.add(aggregate, group, Sums.of(aggregate))
        elif wanted is not None and group.rule.is_per_request and aggregate.record is None:
            wanted.append(aggregate)
        else:
            by_accumulator.setdefault(group.rule.accumulator_key, []).append((aggregate, group))
    charged = {key: _bill_in_turn(by_accumulator[key], groups, wanted) for key in sorted(by_accumulator)}
    for rule in rules_at_end:
        if rule.flat_at_zero is not None:
            charged.setdefault(rule.accumulator_key, PeriodCharges()).enter_if_unused(rule)
    return in_order(groups.by_key), [charge for key in sorted(charged) for charge in charged[key].listed()]


class _Groups:
    def __init__(self, segments: Sequence[datetime], trace: Trace | None) -> None:
        self.by_key: dict[GroupKey, RatingGroup] = {}
        self._segments = segments
        self._trace = trace

    def segment_of(self, aggregate: UsageAggregate) -> int:
        return max(0, bisect_right(self._segments, aggregate.at) - 1)

    def add(self, aggregate: UsageAggregate, group: RatingGroup, sums: Sums) -> None:
        kept = self.by_key.get(group.key)
        if kept is None:
            kept = self.by_key[group.key] = group.empty
        if self._trace is not None:
            self._trace(aggregate, kept, sums.copy())
        kept.add(aggregate.day, sums, self.segment_of(aggregate) if self._segments else 0)


def _bill_in_turn(
    usage: Sequence[tuple[UsageAggregate, RatingGroup]], groups: _Groups, wanted: list[UsageAggregate] | None
) -> PeriodCharges:
    """Bill all usage of one rule, under all of its versions, in order of time."""
    in_time = sorted(usage, key=lambda item: _time_of(item[0]))
    totals = total_of(in_time, wanted)
    accumulator = Accumulator()
    charges = PeriodCharges()
    for _, segment in groupby(in_time, key=lambda item: item[0].at):
        listed = list(segment)
        for aggregate, group in _as_needed(listed, accumulator, totals, wanted):
            pieces, accumulator = take(aggregate, group, accumulator, totals)
            for piece, sums in pieces:
                groups.add(aggregate, piece, sums)
            if group.rule is not None:
                charges.count(group.rule, accumulator, groups.segment_of(aggregate))
    return charges


def _time_of(aggregate: UsageAggregate) -> tuple[object, ...]:
    """The order of aggregates in time; sums, whose order decides nothing, by their series before the records."""
    record = (0, aggregate.series.id, aggregate.input_tokens) if aggregate.record is None else (1, *aggregate.record)
    return (aggregate.at, record)


def _as_needed(
    listed: list[tuple[UsageAggregate, RatingGroup]],
    accumulator: Accumulator,
    total: Decimal | None,
    wanted: list[UsageAggregate] | None,
) -> list[tuple[UsageAggregate, RatingGroup]]:
    """The aggregates of one segment of time, as sums where their order decides nothing, otherwise record by record."""
    rules = {group.rule.hash: group.rule for _, group in listed if group.rule is not None}
    if not any(aggregate.record is None for aggregate, _ in listed):
        return listed
    if not any(rule.is_per_request for rule in rules.values()):
        after = accumulator
        for aggregate, group in listed:
            _, after = take(aggregate, group, after, total)
        if not after.meets_boundary(accumulator, rules.values()):
            return listed
    if wanted is None:
        raise IntegrityFault("a rule has to be asked record by record, and there are only sums")
    wanted += [aggregate for aggregate, _ in listed if aggregate.record is None]
    return listed


def take(
    aggregate: UsageAggregate, group: RatingGroup, accumulator: Accumulator, total: Decimal | None
) -> tuple[list[tuple[RatingGroup, Sums]], Accumulator]:
    """Decide about one aggregate (see `contracts.calculation.consume`): its portions, and what is used up now."""
    sums = Sums.of(aggregate)

    def pieces_of(portion: Portion) -> tuple[RatingGroup, Sums]:
        return (group if portion.tier is None else group.in_tier(portion.tier)), sums.portion(portion)

    def bill(portion: Portion) -> Decimal | None:
        piece, of_piece = pieces_of(portion)
        return piece.billed(of_piece).amount

    portions, used_up = consume(group.basis, sums.billable, sums.reported_cost, accumulator, total, bill)
    return [pieces_of(portion) for portion in portions], used_up


def total_of(
    in_time: Sequence[tuple[UsageAggregate, RatingGroup]], wanted: list[UsageAggregate] | None = None
) -> Decimal | None:
    """What the period adds up to for tiers by volume, after what is included; None where no version has such tiers."""
    if not any(group.rule is not None and group.rule.has_volume for _, group in in_time):
        return None
    accumulator = Accumulator()
    for _, segment in groupby(in_time, key=lambda item: item[0].at):
        for aggregate, group in _as_needed(list(segment), accumulator, ZERO, wanted):
            _, accumulator = take(aggregate, group, accumulator, ZERO)
    return accumulator.tiers.position
