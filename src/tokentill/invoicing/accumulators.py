"""A period in order of time: what allowances include, which tier each unit falls in, which packages are begun.

Pure. A rule with allowances or tiers is asked record by record in the order of `RecordKey`, whatever arrived first.
Where no boundary lies inside a stretch of time the order within it decides nothing, so sums stand for their records
there; otherwise the records of that stretch are wanted in their place. Both ways give the same amounts, which a test
holds equal.

Accumulator go on through the versions of a contract: a rule is known by its contract and its name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from tokentill.contracts.calculation import Consumption, basis_steps, percent_of
from tokentill.contracts.rules import Rule, RuleTier, leaves_of
from tokentill.errors import IntegrityFault, ensure
from tokentill.invoicing.counting import Accumulator, Charge, PeriodCharges
from tokentill.invoicing.rating_groups import GroupKey, RatingContext, RatingGroup, Sums, UsageAggregate, in_order
from tokentill.money import EXACT, ZERO, credits_of, sum_exact
from tokentill.usage.quantities import REQUEST

Trace = Callable[[UsageAggregate, RatingGroup, Sums], None]
"""Told of everything that is added to a group, and the cell it comes from."""


def bill_usage(
    customer: str | None,
    currency: str,
    cells: Iterable[UsageAggregate],
    grouping: RatingContext,
    *,
    rules_at_end: Iterable[Rule] = (),
    stretches: Sequence[datetime] = (),
    wanted: list[UsageAggregate] | None = None,
    trace: Trace | None = None,
) -> tuple[list[RatingGroup], list[Charge]]:
    """Put a customer's usage of one period into groups, with everything decided that depends on its order.

    Args:
        cells: all of the period, in any order.
        rules_at_end: rules in force at the end of the period, whose first tier may have a flat amount without usage.
        stretches: where the stretches begin by which amounts are kept apart; no cell reaches over one.
        wanted: gets the cells that have to be asked record by record. Where there are any, what is returned says
            nothing; ask again with their records in their place.
        trace: told what each cell added to which group.

    Returns:
        The groups in order of their keys, and what is charged beside them.
    """
    groups = _Groups(stretches, trace)
    turns: dict[tuple[str, str], list[tuple[UsageAggregate, RatingGroup]]] = {}
    for cell in cells:
        group = grouping.group_of(customer, currency, cell)
        if group.rule is None or not group.has_turns:
            groups.add(cell, group, cell.sums)
        elif wanted is not None and group.rule.is_per_request and cell.record is None:
            wanted.append(cell)
        else:
            turns.setdefault(group.rule.turn_key, []).append((cell, group))
    charged = {key: _bill_in_turn(turns[key], groups, wanted) for key in sorted(turns)}
    for rule in rules_at_end:
        if rule.flat_at_zero is not None:
            charged.setdefault(rule.turn_key, PeriodCharges()).enter_if_unused(rule)
    return in_order(groups.found), [charge for key in sorted(charged) for charge in charged[key].listed()]


class _Groups:
    def __init__(self, stretches: Sequence[datetime], trace: Trace | None) -> None:
        self.found: dict[GroupKey, RatingGroup] = {}
        self._stretches = stretches
        self._trace = trace

    def stretch_of(self, cell: UsageAggregate) -> int:
        return max(0, bisect_right(self._stretches, cell.at) - 1)

    def add(self, cell: UsageAggregate, group: RatingGroup, sums: Sums) -> None:
        kept = self.found.setdefault(group.key, group)
        kept.add(cell.day, sums, self.stretch_of(cell))
        if self._trace is not None:
            self._trace(cell, kept, sums)


def _bill_in_turn(
    asked: Sequence[tuple[UsageAggregate, RatingGroup]], groups: _Groups, wanted: list[UsageAggregate] | None
) -> PeriodCharges:
    """Bill all usage of one rule, through all of its versions, in order of time."""
    in_time = sorted(asked, key=lambda item: _time_of(item[0]))
    totals = total_of(in_time, wanted)
    counters = Accumulator()
    charges = PeriodCharges()
    for _, segment in groupby(in_time, key=lambda item: item[0].at):
        listed = list(segment)
        for cell, group in _as_needed(listed, counters, totals, wanted):
            for piece, sums in take(cell, group, counters, totals):
                groups.add(cell, piece, sums)
            if group.rule is not None:
                charges.count(group.rule, counters, groups.stretch_of(cell))
    return charges


def _time_of(cell: UsageAggregate) -> tuple[object, ...]:
    """The order of cells in time; sums, whose order decides nothing, by their series before the records."""
    record = (0, cell.series.id, cell.input_tokens) if cell.record is None else (1, *cell.record)
    return (cell.at, record)


def _as_needed(
    listed: list[tuple[UsageAggregate, RatingGroup]],
    counters: Accumulator,
    total: Decimal | None,
    wanted: list[UsageAggregate] | None,
) -> list[tuple[UsageAggregate, RatingGroup]]:
    """The cells of one stretch of time, as sums where their order decides nothing, else record by record."""
    rules = {group.rule.hash: group.rule for _, group in listed if group.rule is not None}
    if not any(cell.record is None for cell, _ in listed):
        return listed
    if not any(rule.is_per_request for rule in rules.values()):
        after = counters.copy()
        for cell, group in listed:
            take(cell, group, after, total)
        if not after.meets_boundary(counters, rules.values()):
            return listed
    if wanted is None:
        raise IntegrityFault("a rule has to be asked record by record, and there are only sums")
    wanted += [cell for cell, _ in listed if cell.record is None]
    return listed


def take(
    cell: UsageAggregate, group: RatingGroup, counters: Accumulator, total: Decimal | None
) -> list[tuple[RatingGroup, Sums]]:
    """Decide about one cell, and count it: what is included, its pieces by tier, what is rounded up."""
    rule = group.rule
    if rule is None:
        return [(group, cell.sums)]
    left = cell.sums
    _include(rule, left, counters)
    for name in rule.package:
        units = sum(left.billable.get(leaf, 0) for leaf in leaves_of((name,)))
        counters.packaged[name] = counters.packaged.get(name, 0) + units
    pieces = _pieces(rule, group, left, counters, total)
    amounts = []
    for piece, sums in pieces:
        amount = piece.billed(sums).amount
        if amount is None:
            return pieces  # it has no price, keeps its customer from being closed, and uses nothing up
        amounts.append(amount)
    if rule.is_per_request:
        amounts[0] = EXACT.add(amounts[0], _round_up(rule, group, pieces[0][1], sum_exact(amounts)))
    if rule.allowance is not None and rule.allowance.amount is not None:
        for (_, sums), amount in zip(pieces, amounts, strict=True):
            allowed = _covered(rule.allowance.amount, counters.allowed, amount)
            counters.allowed = EXACT.add(counters.allowed, amount)
            if allowed:
                sums.taken = sums.taken or Consumption()
                sums.taken.allowed = allowed
    return pieces


def _covered(limit: Decimal, position: Decimal, amount: Decimal) -> Decimal:
    """How much of an amount that begins at a position lies below a limit."""
    return max(ZERO, EXACT.subtract(min(limit, EXACT.add(position, amount)), min(limit, position)))


def _include(rule: Rule, left: Sums, counters: Accumulator) -> None:
    """Move the units that the allowance includes from the quantities to what is taken."""
    if rule.allowance is None or not rule.allowance.units:
        return
    taken = Consumption()
    for name, limit in rule.allowance.units.items():
        for leaf in leaves_of((name,)):
            count = left.requests if leaf == REQUEST else left.quantities.get(leaf, 0)
            position = counters.included.get(name, 0)
            included = max(0, min(limit, position + count) - min(limit, position))
            counters.included[name] = position + count
            if included:
                taken.included[leaf] = included
                if leaf != REQUEST:
                    left.quantities[leaf] = count - included
    if taken.included:
        left.taken = taken


def _pieces(
    rule: Rule, group: RatingGroup, left: Sums, counters: Accumulator, total: Decimal | None
) -> list[tuple[RatingGroup, Sums]]:
    """The quantities by the tiers of their rule. What the tiers do not measure goes with the first unit."""
    tiers = rule.tiers
    if tiers is None:
        return [(group, left)]
    if tiers.is_over_spend:
        return [(group, _with_spend(rule, group, left, counters, total))]
    measured = [(name, left.billable.get(name, 0)) for name in tiers.measured]
    units = Decimal(sum(count for _, count in measured))
    if tiers.kind == "volume":
        ensure(total is not None, "a volume tier needs the total of the period")
        tier = tiers.of_total(total or ZERO)
        counters.position = EXACT.add(counters.position, units)
        if units:
            counters.entered.add(tier.number)
        return [(group.in_tier(tier), left)]
    first = tiers.at(counters.position)
    by_tier: dict[int, tuple[RuleTier, dict[str, int]]] = {first.number: (first, {})}
    for name, count in measured:
        for tier, piece in tiers.split(counters.position, Decimal(count)):
            by_tier.setdefault(tier.number, (tier, {}))[1][name] = int(piece)
            counters.position = EXACT.add(counters.position, piece)
            counters.entered.add(tier.number)
    pieces: list[tuple[RatingGroup, Sums]] = []
    for number in sorted(by_tier):
        tier, of_measured = by_tier[number]
        if number == first.number:
            sums = replace(left, quantities={**left.quantities})
            for name, _ in measured:
                if name != REQUEST:
                    sums.quantities.pop(name, None)
            sums.quantities |= {name: count for name, count in of_measured.items() if count and name != REQUEST}
        else:
            sums = Sums(quantities={name: count for name, count in of_measured.items() if count and name != REQUEST})
        pieces.append((group.in_tier(tier), sums))
    return pieces


def _with_spend(rule: Rule, group: RatingGroup, left: Sums, counters: Accumulator, total: Decimal | None) -> Sums:
    """The sums, with their basis amount put to the tiers over spend."""
    tiers = rule.tiers
    steps = basis_steps(group.basis, left.billable, left.reported_cost)
    if tiers is None or isinstance(steps, str):
        return left
    amount = sum_exact(step.amount for step in steps)
    if tiers.kind == "volume":
        pieces = [(tiers.of_total(total or ZERO), amount)] if amount else []
    else:
        pieces = tiers.split(counters.position, amount)
    counters.position = EXACT.add(counters.position, amount)
    counters.entered |= {tier.number for tier, _ in pieces}
    left.taken = left.taken or Consumption()
    left.taken.spend = {tier.number: piece for tier, piece in pieces}
    return left


def _round_up(rule: Rule, group: RatingGroup, sums: Sums, amount: Decimal) -> Decimal:
    """What one request has to be raised by: to the floor of margin, then to whole credits."""
    raised = ZERO
    sums.taken = sums.taken or Consumption()
    if rule.min_margin_percent is not None and sums.reported_cost is not None and group.cost_fx is not None:
        cost = EXACT.multiply(sums.reported_cost, group.cost_fx)
        floor = EXACT.add(cost, percent_of(rule.min_margin_percent, cost))
        raised = max(ZERO, EXACT.subtract(floor, amount))
        sums.taken.margin = raised
    if rule.credits is not None and rule.credits.is_per_request:
        before = EXACT.add(amount, raised)
        sums.taken.credits = max(rule.credits.at_least, credits_of(before, rule.credits.worth))
        after = EXACT.multiply(Decimal(sums.taken.credits), rule.credits.worth)
        sums.taken.credits_added = EXACT.subtract(after, before)
        raised = EXACT.add(raised, sums.taken.credits_added)
    return raised


def total_of(
    in_time: Sequence[tuple[UsageAggregate, RatingGroup]], wanted: list[UsageAggregate] | None = None
) -> Decimal | None:
    """What the period adds up to for tiers by volume, after what is included; None where no version has such tiers."""
    if not any(group.rule is not None and group.rule.has_volume for _, group in in_time):
        return None
    counters = Accumulator()
    for _, segment in groupby(in_time, key=lambda item: item[0].at):
        for cell, group in _as_needed(list(segment), counters, ZERO, wanted):
            take(cell, group, counters, ZERO)
    return counters.position
