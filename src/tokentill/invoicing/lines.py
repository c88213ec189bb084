"""What stands on an invoice: lines of usage with their parts and arithmetic, other charges, days, what is unbilled.

Pure. From groups and charges to lines, and from lines to canonical content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of, stated_fields_of
from tokentill.clock import instant_text
from tokentill.contracts.steps import Step
from tokentill.invoicing.accumulators import Charge
from tokentill.invoicing.corrections import CorrectedLine
from tokentill.invoicing.rating_groups import GroupKey, RatingGroup, Sums, TimeKey
from tokentill.invoicing.splits import Split, split_text
from tokentill.money import EXACT, ZERO, amount_text, minor_text, sum_exact
from tokentill.usage.aggregates import UsageAggregate

NOTHING_CORRECTED: Content = {"corrects": None, "cause": None}


@dataclass(frozen=True, slots=True)
class Part:
    """The share of a line that one tier, window, multiplier and exchange rate decide, with its arithmetic.

    `tier` is the price's context tier, `rule_tier` the tier of the contract's rule.
    """

    tier: str | None
    window: str | None
    multiplier: Decimal
    fx: Decimal
    requests: int
    quantities: tuple[tuple[str, int], ...]
    steps: tuple[Step, ...]
    exact_amount: Decimal
    rule_tier: str | None = None

    def content(self) -> Content:
        """Canonical content."""
        return {
            **fields_of(self, "tier", "rule_tier", "window", "multiplier", "fx", "requests"),
            "quantities": dict(self.quantities),
            "steps": [_step_content(step) for step in self.steps],
            "exact_amount": amount_text(self.exact_amount),
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a model in a mode, billed by one rule from one price entry. `customer` is a child, if it is one's.

    `split` are the values that its records have of what the lines are split by. `bills_nothing` says that its rule
    bills none of its requests.
    """

    model: str
    mode: str
    rule: str | None
    rule_contract: str | None
    rule_hash: str | None
    price_entry: str | None
    list_amount: Decimal | None
    exact_amount: Decimal
    amount_minor: int
    parts: tuple[Part, ...]
    customer: str | None = None
    split: Split = ()
    bills_nothing: bool = False

    @property
    def requests(self) -> int:
        """Number of requests on the line."""
        return sum(part.requests for part in self.parts)

    @property
    def quantities(self) -> dict[str, int]:
        """Quantities of all parts together."""
        sums: Counter[str] = Counter()
        for part in self.parts:
            sums.update(dict(part.quantities))
        return dict(sorted(sums.items()))

    @property
    def description(self) -> str:
        """What people read on the line."""
        of_mode = "" if self.mode == "standard" else f", {self.mode}"
        return f"{self.model}{of_mode}{split_text(self.split)}"

    def content(self, currency: str) -> Content:
        """Canonical content."""
        return {
            "by": dict(self.split) if self.split else None,
            "kind": "usage",
            **fields_of(self, "customer", "description", "model", "mode", "rule", "rule_contract", "rule_hash"),
            **fields_of(self, "price_entry", "requests", "quantities", "list_amount", "exact_amount"),
            "amount": minor_text(self.amount_minor, currency),
            "parts": form_of(self.parts),
            **NOTHING_CORRECTED,
            "charge": None,
        }

    def compared(self) -> CorrectedLine:
        """As a correction compares it."""
        named = ("customer", "description", "model", "mode", "rule", "rule_contract", "rule_hash", "price_entry")
        amounts = ("requests", "quantities", "list_amount", "exact_amount")
        return CorrectedLine("usage", **{name: getattr(self, name) for name in (*named, *amounts)}, split=self.split)


@dataclass(frozen=True, slots=True)
class Unbilled:
    """Usage that cannot be billed, and why. It refuses the close for its customer. `cost` is the gateway's."""

    model: str
    mode: str
    reason: str
    requests: int
    quantities: tuple[tuple[str, int], ...]
    cost: Decimal = ZERO

    @property
    def is_estimate(self) -> bool:
        """Whether what was used is known as an estimate alone."""
        return self.reason.startswith(ESTIMATED)

    def content(self) -> Content:
        """Canonical content."""
        return {**fields_of(self, "model", "mode", "reason", "requests"), "quantities": dict(self.quantities)}


@dataclass(frozen=True, slots=True)
class DayAmount(ContentOfFields):
    """What a UTC day comes to, exactly, before any rounding."""

    day: date
    requests: int
    exact_amount: Decimal


@dataclass(frozen=True, slots=True)
class BilledGroup:
    """A group with what it comes to."""

    group: RatingGroup
    amount: Decimal | None
    steps: tuple[Step, ...]
    reason: str | None

    @classmethod
    def of(cls, group: RatingGroup) -> BilledGroup:
        """Bill a group."""
        billed = group.billed(group.total)
        return cls(group, billed.amount, billed.steps, billed.reason)


@dataclass(frozen=True, slots=True)
class MemberUsage:
    """What one customer used: the invoice's own (`child` is None), or one of its children."""

    child: str | None
    groups: list[BilledGroup]
    charges: list[Charge] = field(default_factory=list)


def lines_of(usage: MemberUsage) -> list[Line]:
    """The lines of one customer's usage, in order of model, mode, rule and price entry."""
    by_line: dict[LineKey, list[BilledGroup]] = {}
    for billed in usage.groups:
        if billed.amount is not None:
            by_line.setdefault(line_key(billed.group), []).append(billed)
    in_order = sorted(by_line.items(), key=lambda item: _line_order(item[0]))
    return [_line(groups, usage.child) for _, groups in in_order]


LineKey = tuple[str, str, str | None, str | None, Split]


def line_key(group: RatingGroup) -> LineKey:
    """On which line of a customer a group stands: model, mode, hash of the rule, hash of the price entry, split."""
    rule_hash = group.rule.hash if group.rule else None
    return (group.model, group.mode, rule_hash, group.card.entry.hash if group.card else None, group.split)


def _line_order(key: LineKey) -> tuple[list[bytes], list[tuple[bool, bytes]]]:
    """By model, mode, rule and price entry, then by what lines are split by, bytewise; without a value last."""
    *parts, split = key
    texts = [part or "" for part in parts if not isinstance(part, tuple)]
    return [text.encode() for text in texts], [(value is None, (value or "").encode()) for _, value in split]


def _line(groups: Sequence[BilledGroup], child: str | None) -> Line:
    first = groups[0].group
    list_amounts = [billed.group.list_amount(billed.group.total) for billed in groups]
    listed = [amount for amount in list_amounts if amount is not None]
    return Line(
        model=first.model,
        mode=first.mode,
        rule=first.rule.name if first.rule else None,
        rule_contract=first.rule.contract if first.rule else None,
        rule_hash=first.rule.hash if first.rule else None,
        price_entry=first.card.entry.hash if first.card else None,
        list_amount=sum_exact(listed) if len(listed) == len(list_amounts) else None,
        exact_amount=sum_exact(billed.amount or ZERO for billed in groups),
        amount_minor=0,
        parts=tuple(_part(billed) for billed in groups),
        customer=child,
        split=first.split,
        bills_nothing=first.rule is not None and first.rule.bills_nothing and not first.is_byok,
    )


def _part(billed: BilledGroup) -> Part:
    group = billed.group
    return Part(
        tier=group.card.choice.tier if group.card else None,
        window=group.card.choice.window if group.card else None,
        multiplier=group.card.multiplier if group.card else Decimal(1),
        fx=group.fx,
        requests=group.total.requests,
        quantities=group.total.listed,
        steps=billed.steps,
        exact_amount=billed.amount or ZERO,
        rule_tier=None if group.tier is None else group.tier.label,
    )


def amounts_by_time(groups: Iterable[RatingGroup]) -> dict[TimeKey, tuple[int, Decimal]]:
    """Requests and exact amount of each segment of each UTC day."""
    by_time: dict[TimeKey, tuple[int, Decimal]] = {}
    for group in groups:
        for key, amount in group.amounts().items():
            requests, amount_before = by_time.get(key, (0, ZERO))
            by_time[key] = (requests + group.by_time[key].requests, EXACT.add(amount_before, amount))
    return by_time


def daily_of(by_time: Mapping[TimeKey, tuple[int, Decimal]]) -> tuple[DayAmount, ...]:
    """What each UTC day comes to."""
    by_day: dict[date, tuple[int, Decimal]] = {}
    for (day, _), (requests, amount) in by_time.items():
        requests_before, amount_before = by_day.get(day, (0, ZERO))
        by_day[day] = (requests_before + requests, EXACT.add(amount_before, amount))
    return tuple(DayAmount(day, *by_day[day]) for day in sorted(by_day))


def unbilled_of(groups: Iterable[BilledGroup]) -> tuple[Unbilled, ...]:
    """Groups that have no amount, as they are listed; not by what lines are split by."""
    whole: dict[GroupKey, BilledGroup] = {}
    for billed in groups:
        group = billed.group
        split = len(group.split)
        key = (*group.key[: len(group.key) - 1 - split], group.key[-1], billed.reason or "")
        kept = whole.setdefault(key, replace(billed, group=replace(group, total=Sums())) if split else billed)
        if split:
            kept.group.total.add(group.total)
    return tuple(
        Unbilled(
            group.model, group.mode, billed.reason or "", group.total.requests, group.total.listed, group.total.cost
        )
        for billed in whole.values()
        for group in [billed.group]
    )


MISSING = "the gateway reported no usage for these requests"
UNMEASURED = "the gateway charged for these requests and reported no quantity"
ESTIMATED = "the quantities of these requests are an estimate"
NOT_ACCEPTED = ", and nobody accepted it"
REASONS = (MISSING, UNMEASURED, ESTIMATED)
WAIVED = ", and somebody decided to bill nothing for them"


def missing_of(aggregates: Sequence[UsageAggregate], decided: str = "") -> tuple[Unbilled, ...]:
    """Requests whose gateway reported no usage, by model and mode; those that report zeros and a cost, and those that
    report an estimate, apart.

    The reason does not tell the cost: a document on which they were waived is the customer's.
    """
    by_kind: dict[tuple[str, str, int], Sums] = {}
    for aggregate in aggregates:
        kind = (aggregate.series.model, aggregate.series.mode, _why_missing(aggregate))
        by_kind.setdefault(kind, Sums()).add(Sums.of(aggregate))
    return tuple(
        Unbilled(
            model,
            mode,
            REASONS[why] + (decided or (NOT_ACCEPTED if REASONS[why] is ESTIMATED else "")),
            sums.requests,
            sums.listed,
            sums.cost,
        )
        for (model, mode, why), sums in sorted(by_kind.items(), key=itemgetter(0))
    )


def waived_by_reason(aggregates: Iterable[UsageAggregate]) -> dict[str, list[UsageAggregate]]:
    """What somebody decided to bill nothing for, by the reason that `missing_of` gives."""
    by_reason: dict[str, list[UsageAggregate]] = {}
    for aggregate in aggregates:
        by_reason.setdefault(REASONS[_why_missing(aggregate)] + WAIVED, []).append(aggregate)
    return by_reason


def _why_missing(aggregate: UsageAggregate) -> int:
    """Whether no usage was reported (0), none at a cost (1), or an estimate (2)."""
    if aggregate.series.usage_state == "missing":
        return 0
    return 1 if aggregate.is_unmeasured else 2


def early_of(aggregates: Sequence[UsageAggregate], bill_from: datetime) -> tuple[Unbilled, ...]:
    """Requests from before the instant from which on their customer is billed, by model and mode."""
    by_kind: dict[tuple[str, str], Sums] = {}
    for aggregate in aggregates:
        by_kind.setdefault((aggregate.series.model, aggregate.series.mode), Sums()).add(Sums.of(aggregate))
    reason = f"used before {instant_text(bill_from)}, from which on this customer is billed"
    return tuple(
        Unbilled(model, mode, reason, sums.requests, sums.listed, sums.cost)
        for (model, mode), sums in sorted(by_kind.items(), key=itemgetter(0))
    )


def charge_content(charge: Charge, currency: str) -> Content:
    """A line that is not of usage, with the same keys as one that is."""
    return {
        **fields_of(charge, "customer", "kind", "description"),
        **NOTHING_CORRECTED,
        "by": None,
        "model": "",
        "mode": "",
        "rule": charge.rule.name if charge.rule else None,
        "rule_contract": charge.rule.contract if charge.rule else None,
        "rule_hash": charge.rule.hash if charge.rule else None,
        "price_entry": None,
        "requests": 0,
        "quantities": {},
        "list_amount": None,
        "exact_amount": amount_text(charge.amount),
        "amount": minor_text(charge.amount_minor, currency),
        "parts": [],
        "charge": stated_fields_of(
            charge, "name", "quantity", "rate", "units", "size", "of_days", "number", "year_from", "of_amount"
        ),
    }


def compared_charge(charge: Charge) -> CorrectedLine:
    """A charge as a correction compares it."""
    rule = charge.rule
    return CorrectedLine(
        charge.kind,
        charge.customer,
        charge.description,
        "",
        "",
        rule.name if rule else None,
        rule.contract if rule else None,
        rule.hash if rule else None,
        None,
        0,
        {},
        None,
        charge.amount,
    )


def _step_content(step: Step) -> Content:
    priced_as = () if step.priced_as == step.name else ("priced_as",)
    fx = () if step.fx == 1 else ("fx",)
    return stated_fields_of(
        step, "kind", "name", "amount", "quantity", *priced_as, "rate", "percent", "of_amount", "per", *fx
    )
