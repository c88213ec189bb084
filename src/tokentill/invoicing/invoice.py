"""The pure function that every invoice is: cells of usage and books in, one invoice out.

Computing an invoice allocates no number, reads no clock and touches no database. Preview, close and verify call
`compute_invoice` and differ only in what they do with the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from tokentill.canonical import Content, content_hash
from tokentill.clock import instant_text
from tokentill.invoicing.grouping import Cell, Group, Grouping, Sums
from tokentill.invoicing.periods import Period
from tokentill.invoicing.settling import (
    NOTHING_CARRIED,
    Carried,
    InvoiceKind,
    Settlement,
    agreed_for,
    base_fees,
    settle,
)
from tokentill.invoicing.turns import Charge, RecordsOf, Trace, bill_usage
from tokentill.money import EXACT, ZERO, allocate_shares, amount_text, minor_text, round_to_minor, sum_exact
from tokentill.pricing.applying import Step

VERSION_OF_F = 1
"""Recorded with every invoice; goes up when the same inputs would give another invoice."""


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
            **({} if self.rule_tier is None else {"rule_tier": self.rule_tier}),
            "tier": self.tier,
            "window": self.window,
            "multiplier": amount_text(self.multiplier),
            "fx": amount_text(self.fx),
            "requests": self.requests,
            "quantities": dict(self.quantities),
            "steps": [_step_content(step) for step in self.steps],
            "exact_amount": amount_text(self.exact_amount),
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a model in a mode, billed by one rule from one price entry. `customer` is a child, if it is one's."""

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

    @property
    def requests(self) -> int:
        """Number of requests on the line."""
        return sum(part.requests for part in self.parts)

    @property
    def quantities(self) -> dict[str, int]:
        """Quantities of all parts together."""
        sums = Sums()
        for part in self.parts:
            sums.add(0, dict(part.quantities), ZERO, 0)
        return dict(sorted(sums.quantities.items()))

    @property
    def description(self) -> str:
        """What people read on the line."""
        return self.model if self.mode == "standard" else f"{self.model}, {self.mode}"

    def content(self, currency: str) -> Content:
        """Canonical content."""
        return {
            **({} if self.customer is None else {"customer": self.customer}),
            "kind": "usage",
            "description": self.description,
            "model": self.model,
            "mode": self.mode,
            "rule": self.rule,
            "rule_contract": self.rule_contract,
            "rule_hash": self.rule_hash,
            "price_entry": self.price_entry,
            "requests": self.requests,
            "quantities": self.quantities,
            "list_amount": None if self.list_amount is None else amount_text(self.list_amount),
            "exact_amount": amount_text(self.exact_amount),
            "amount": minor_text(self.amount_minor, currency),
            "parts": [part.content() for part in self.parts],
        }


@dataclass(frozen=True, slots=True)
class Unbilled:
    """Usage that cannot be billed, and why. It refuses the close for its customer."""

    model: str
    mode: str
    reason: str
    requests: int
    quantities: tuple[tuple[str, int], ...]

    def content(self) -> Content:
        """Canonical content."""
        return {
            "model": self.model,
            "mode": self.mode,
            "reason": self.reason,
            "requests": self.requests,
            "quantities": dict(self.quantities),
        }


@dataclass(frozen=True, slots=True)
class DayAmount:
    """What a UTC day comes to, exactly, before any rounding."""

    day: date
    requests: int
    exact_amount: Decimal

    def content(self) -> Content:
        """Canonical content."""
        return {
            "day": self.day.isoformat(),
            "requests": self.requests,
            "exact_amount": amount_text(self.exact_amount),
        }


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a customer owes for a period. `unpriced` and `missing` keep it from being issued."""

    customer: str
    period: Period
    currency: str
    lines: tuple[Line, ...]
    subtotal_minor: int
    cost: Decimal | None
    requests_without_cost: int
    daily: tuple[DayAmount, ...]
    unpriced: tuple[Unbilled, ...]
    missing: tuple[Unbilled, ...]
    charges: tuple[Charge, ...]
    settlement: Settlement
    carried: Carried = NOTHING_CARRIED
    kind: InvoiceKind = "period"
    interim_at: Decimal | None = None

    @property
    def net_minor(self) -> int:
        """The subtotal after coupons, minimum, cap and interim invoices: what is taxable."""
        return self.settlement.net_minor

    @property
    def tax_minor(self) -> int:
        """All taxes together."""
        return self.settlement.tax_minor

    @property
    def total_minor(self) -> int:
        """The amount of the invoice in minor units."""
        return self.settlement.total_minor

    @property
    def due_minor(self) -> int:
        """What is to be paid now: the total with the balance brought forward, less prepaid credits and what is carried
        forward."""
        return self.settlement.due_minor

    @property
    def reaches_interim(self) -> bool:
        """Whether what is not invoiced yet has reached the threshold of the contract."""
        return self.interim_at is not None and self.net_minor >= round_to_minor(self.interim_at, self.currency)

    @property
    def requests(self) -> int:
        """Number of requests on all lines."""
        return sum(line.requests for line in self.lines)

    @property
    def list_amount(self) -> Decimal:
        """The exact list amount of all lines that have one."""
        return sum_exact(line.list_amount for line in self.lines if line.list_amount is not None)

    @property
    def blocked_by(self) -> str | None:
        """Why it cannot be issued, or None."""
        if self.unpriced:
            first = self.unpriced[0]
            more = f" (and {len(self.unpriced) - 1} more)" if len(self.unpriced) > 1 else ""
            return f"unpriced usage: {first.reason}{more}"
        if self.missing:
            count = sum(found.requests for found in self.missing)
            return f"missing usage: {count} records report no usage at all"
        return None

    def content(self) -> Content:
        """Canonical content: what was computed, and nothing of how it came about."""
        items = [item.content(self.currency) for item in self.settlement.items]
        return {
            **({} if self.kind == "period" else {"kind": self.kind}),
            **({"items": items, "due": minor_text(self.due_minor, self.currency)} if items else {}),
            "customer": self.customer,
            "period": str(self.period.month),
            "period_start": instant_text(self.period.starts_at),
            "period_end": instant_text(self.period.ends_at),
            "currency": self.currency,
            "lines": [line.content(self.currency) for line in self.lines]
            + [_charge_content(charge, self.currency) for charge in self.charges],
            "subtotal": minor_text(self.subtotal_minor, self.currency),
            "tax": minor_text(self.tax_minor, self.currency),
            "total": minor_text(self.total_minor, self.currency),
            "cost": None if self.cost is None else amount_text(self.cost),
            "requests_without_cost": self.requests_without_cost,
            "daily": [day.content() for day in self.daily],
            "unpriced": [found.content() for found in self.unpriced],
            "missing": [found.content() for found in self.missing],
        }

    @property
    def content_hash(self) -> str:
        """Hash of the canonical content."""
        return content_hash(self.content())


def invoice_document(content: Content, *, number: str | None, status: str, pins: Content, **more: Any) -> Content:
    """An invoice as it is printed: the computed content, and how it came about."""
    return {"number": number, "status": status, **content, "pins": pins, "content_hash": content_hash(content), **more}


def compute_invoice(
    customer: str,
    period: Period,
    currency: str,
    cells: Iterable[Cell],
    grouping: Grouping,
    *,
    children: Mapping[str, Sequence[Cell]] | None = None,
    carried: Carried = NOTHING_CARRIED,
    kind: InvoiceKind = "period",
    records_of: RecordsOf | None = None,
    trace: Trace | None = None,
) -> Invoice:
    """Compute one customer's invoice.

    Args:
        customer: whose it is.
        period: the stretch of time that all cells lie in.
        currency: the invoice's currency, from the contract at the period's last instant.
        cells: the customer's usage in the period, in any order and any split.
        grouping: the books, ready to be asked.
        children: the usage of the customers whose invoice this one is, too, each under its own contract.
        carried: what earlier documents left.
        kind: `interim` bills what has accrued so far, without fees, coupons, minimum or balance.
        records_of: asked for single records where a rule needs them (see `invoicing.turns`).
        trace: told what each cell added to which group.
    """
    used: list[_Usage] = []
    missing: list[Cell] = []
    for member, found in ((customer, cells), *sorted((children or {}).items(), key=lambda item: item[0].encode())):
        reported: list[Cell] = []
        for cell in found:
            (missing if cell.series.usage_state == "missing" else reported).append(cell)
        at_end = grouping.contracts.rules(member, period.last_instant) if kind == "period" else ()
        groups, charges = bill_usage(
            member, currency, reported, grouping, rules_at_end=at_end, records_of=records_of, trace=trace
        )
        if kind == "period":
            charges += base_fees(member, period, grouping.contracts, currency)
        child = None if member == customer else member
        used.append(_Usage(child, [_BilledGroup.of(group) for group in groups], charges))
    billed = [found for usage in used for found in usage.groups]
    lines = [line for usage in used for line in _lines(usage)]
    charges = [replace(charge, customer=usage.child) for usage in used for charge in usage.charges]
    exact = [*(line.exact_amount for line in lines), *(charge.amount for charge in charges)]
    subtotal_minor = round_to_minor(sum_exact(exact), currency)
    shares = allocate_shares(exact, subtotal_minor, currency)
    with_cost = sum(found.group.total.requests_with_cost for found in billed)
    daily = _daily([found.group for found in billed if found.amount is not None])
    agreed = agreed_for(customer, period, grouping.contracts)
    settlement = settle(
        subtotal_minor,
        currency,
        period,
        agreed,
        carried,
        kind=kind,
        daily=[(day.day, day.exact_amount) for day in daily],
    )
    return Invoice(
        customer=customer,
        period=period,
        currency=currency,
        lines=tuple(replace(line, amount_minor=share) for line, share in zip(lines, shares, strict=False)),
        subtotal_minor=subtotal_minor,
        cost=sum_exact(found.group.total.cost for found in billed) if with_cost else None,
        requests_without_cost=sum(found.group.total.requests for found in billed) - with_cost,
        daily=daily,
        unpriced=_unbilled(found for found in billed if found.amount is None),
        missing=_missing(missing),
        charges=tuple(
            replace(charge, amount_minor=share) for charge, share in zip(charges, shares[len(lines) :], strict=True)
        ),
        settlement=settlement,
        carried=carried,
        kind=kind,
        interim_at=agreed.terms.interim_at,
    )


@dataclass(frozen=True, slots=True)
class _BilledGroup:
    """A group with what it comes to."""

    group: Group
    amount: Decimal | None
    steps: tuple[Step, ...]
    reason: str | None

    @classmethod
    def of(cls, group: Group) -> _BilledGroup:
        billed = group.billed(group.total)
        return cls(group, billed.amount, billed.steps, billed.reason)


@dataclass(frozen=True, slots=True)
class _Usage:
    """What one customer used: the invoice's own (`child` is None), or one of its children."""

    child: str | None
    groups: list[_BilledGroup]
    charges: list[Charge] = field(default_factory=list)


def _lines(usage: _Usage) -> list[Line]:
    by_line: dict[LineKey, list[_BilledGroup]] = {}
    for found in usage.groups:
        if found.amount is not None:
            by_line.setdefault(line_key(found.group), []).append(found)
    in_order = sorted(by_line.items(), key=lambda item: [(part or "").encode() for part in item[0]])
    return [_line(found, usage.child) for _, found in in_order]


LineKey = tuple[str, str, str | None, str | None]


def line_key(group: Group) -> LineKey:
    """On which line of a customer a group stands: model, mode, hash of the rule, hash of the price entry."""
    rule_hash = group.rule.hash if group.rule else None
    return (group.model, group.mode, rule_hash, group.plan.entry.hash if group.plan else None)


def _line(found: Sequence[_BilledGroup], child: str | None) -> Line:
    first = found[0].group
    list_amounts = [billed.group.list_amount(billed.group.total) for billed in found]
    known = [amount for amount in list_amounts if amount is not None]
    return Line(
        model=first.model,
        mode=first.mode,
        rule=first.rule.name if first.rule else None,
        rule_contract=first.rule.contract if first.rule else None,
        rule_hash=first.rule.hash if first.rule else None,
        price_entry=first.plan.entry.hash if first.plan else None,
        list_amount=sum_exact(known) if len(known) == len(list_amounts) else None,
        exact_amount=sum_exact(billed.amount or ZERO for billed in found),
        amount_minor=0,
        parts=tuple(_part(billed) for billed in found),
        customer=child,
    )


def _part(billed: _BilledGroup) -> Part:
    group = billed.group
    return Part(
        tier=group.plan.variant.tier if group.plan else None,
        window=group.plan.variant.window if group.plan else None,
        multiplier=group.plan.multiplier if group.plan else Decimal(1),
        fx=group.fx,
        requests=group.total.requests,
        quantities=tuple(sorted(group.total.all_quantities.items())),
        steps=billed.steps,
        exact_amount=billed.amount or ZERO,
        rule_tier=None if group.tier is None else group.tier.label,
    )


def _daily(groups: Sequence[Group]) -> tuple[DayAmount, ...]:
    amounts: dict[date, Decimal] = {}
    requests: dict[date, int] = {}
    for group in groups:
        for day, amount in group.daily_amounts().items():
            amounts[day] = EXACT.add(amounts.get(day, ZERO), amount)
            requests[day] = requests.get(day, 0) + group.days[day].requests
    return tuple(DayAmount(day, requests[day], amounts[day]) for day in sorted(amounts))


def _unbilled(found: Iterable[_BilledGroup]) -> tuple[Unbilled, ...]:
    return tuple(
        Unbilled(
            billed.group.model,
            billed.group.mode,
            billed.reason or "",
            billed.group.total.requests,
            tuple(sorted(billed.group.total.all_quantities.items())),
        )
        for billed in found
    )


def _missing(cells: Sequence[Cell]) -> tuple[Unbilled, ...]:
    by_kind: dict[tuple[str, str], int] = {}
    for cell in cells:
        key = (cell.series.model, cell.series.mode)
        by_kind[key] = by_kind.get(key, 0) + cell.requests
    reason = "the gateway reported no usage for these requests"
    return tuple(Unbilled(model, mode, reason, count, ()) for (model, mode), count in sorted(by_kind.items()))


def _charge_content(charge: Charge, currency: str) -> Content:
    """A line that is not of usage, with the same keys as one that is."""
    arithmetic: Content = {"name": charge.name, "quantity": charge.quantity, "rate": amount_text(charge.rate)}
    for key in ("units", "size", "of_days"):
        value = getattr(charge, key)
        if value is not None:
            arithmetic[key] = value
    return {
        **({} if charge.customer is None else {"customer": charge.customer}),
        "kind": charge.kind,
        "description": charge.description,
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
        "charge": arithmetic,
    }


def _step_content(step: Step) -> Content:
    content: Content = {"kind": step.kind, "name": step.name, "amount": amount_text(step.amount)}
    if step.quantity is not None:
        content["quantity"] = step.quantity
    if step.priced_as is not None and step.priced_as != step.name:
        content["priced_as"] = step.priced_as
    for key in ("rate", "percent", "of_amount"):
        value = getattr(step, key)
        if value is not None:
            content[key] = amount_text(value)
    if step.per is not None:
        content["per"] = step.per
    if step.fx != 1:
        content["fx"] = amount_text(step.fx)
    return content
