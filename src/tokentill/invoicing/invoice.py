"""The pure function that every invoice is: cells of usage and books in, one invoice out.

Computing an invoice allocates no number, reads no clock and touches no database. Preview, close and verify call
`compute_invoice` and differ only in what they do with the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from tokentill.canonical import Content, content_hash
from tokentill.clock import instant_text
from tokentill.invoicing.grouping import Cell, Group, Grouping, Sums
from tokentill.invoicing.periods import Period
from tokentill.money import EXACT, ZERO, allocate_shares, amount_text, minor_text, round_to_minor, sum_exact
from tokentill.pricing.contracts import Step

VERSION_OF_F = 1
"""Recorded with every invoice; goes up when the same inputs would give another invoice."""


@dataclass(frozen=True, slots=True)
class Part:
    """The share of a line that one tier, window, multiplier and exchange rate decide, with its arithmetic."""

    tier: str | None
    window: str | None
    multiplier: Decimal
    fx: Decimal
    requests: int
    quantities: tuple[tuple[str, int], ...]
    steps: tuple[Step, ...]
    exact_amount: Decimal

    def content(self) -> Content:
        """Canonical content."""
        return {
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
    """One line: a model in a mode, billed by one rule from one price entry."""

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
    tax_minor: int
    cost: Decimal | None
    requests_without_cost: int
    daily: tuple[DayAmount, ...]
    unpriced: tuple[Unbilled, ...]
    missing: tuple[Unbilled, ...]

    @property
    def total_minor(self) -> int:
        """What is to be paid, in minor units."""
        return self.subtotal_minor + self.tax_minor

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
        return {
            "customer": self.customer,
            "period": str(self.period.month),
            "period_start": instant_text(self.period.starts_at),
            "period_end": instant_text(self.period.ends_at),
            "currency": self.currency,
            "lines": [line.content(self.currency) for line in self.lines],
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


def compute_invoice(customer: str, period: Period, currency: str, cells: Iterable[Cell], grouping: Grouping) -> Invoice:
    """Compute one customer's invoice.

    Args:
        customer: whose it is.
        period: the stretch of time that all cells lie in.
        currency: the invoice's currency, from the contract at the period's last instant.
        cells: the customer's usage in the period, in any order and any split.
        grouping: the books, ready to be asked.
    """
    reported: list[Cell] = []
    missing: list[Cell] = []
    for cell in cells:
        (missing if cell.series.usage_state == "missing" else reported).append(cell)
    groups = grouping.groups(customer, currency, reported)
    billed = [(group, group.billed(group.total)) for group in groups]
    lines = _lines([(group, outcome.steps, outcome.amount) for group, outcome in billed if outcome.amount is not None])
    exact = [line.exact_amount for line in lines]
    subtotal_minor = round_to_minor(sum_exact(exact), currency)
    shares = allocate_shares(exact, subtotal_minor, currency)
    costs = [group.total for group in groups]
    with_cost = sum(sums.requests_with_cost for sums in costs)
    return Invoice(
        customer=customer,
        period=period,
        currency=currency,
        lines=tuple(replace(line, amount_minor=share) for line, share in zip(lines, shares, strict=True)),
        subtotal_minor=subtotal_minor,
        tax_minor=0,
        cost=sum_exact(sums.cost for sums in costs) if with_cost else None,
        requests_without_cost=sum(sums.requests for sums in costs) - with_cost,
        daily=_daily([group for group, outcome in billed if outcome.amount is not None]),
        unpriced=_unbilled((group, outcome.reason or "") for group, outcome in billed if outcome.amount is None),
        missing=_missing(missing),
    )


def _lines(billed: Sequence[tuple[Group, tuple[Step, ...], Decimal]]) -> list[Line]:
    by_line: dict[tuple[str, str, str, str], list[tuple[Group, tuple[Step, ...], Decimal]]] = {}
    for group, steps, amount in billed:
        rule_hash = group.rule.hash if group.rule else ""
        price_entry = group.plan.entry.hash if group.plan else ""
        by_line.setdefault((group.model, group.mode, rule_hash, price_entry), []).append((group, steps, amount))
    return [_line(found) for _, found in sorted(by_line.items(), key=lambda item: [part.encode() for part in item[0]])]


def _line(found: Sequence[tuple[Group, tuple[Step, ...], Decimal]]) -> Line:
    first = found[0][0]
    list_amounts = []
    for group, _, _ in found:
        rated = group.rated(group.total.billable).amount
        list_amounts.append(None if rated is None else EXACT.multiply(rated, group.fx))
    known = [amount for amount in list_amounts if amount is not None]
    return Line(
        model=first.model,
        mode=first.mode,
        rule=first.rule.name if first.rule else None,
        rule_contract=first.rule.contract if first.rule else None,
        rule_hash=first.rule.hash if first.rule else None,
        price_entry=first.plan.entry.hash if first.plan else None,
        list_amount=sum_exact(known) if len(known) == len(list_amounts) else None,
        exact_amount=sum_exact(amount for _, _, amount in found),
        amount_minor=0,
        parts=tuple(
            Part(
                tier=group.plan.variant.tier if group.plan else None,
                window=group.plan.variant.window if group.plan else None,
                multiplier=group.plan.multiplier if group.plan else Decimal(1),
                fx=group.fx,
                requests=group.total.requests,
                quantities=tuple(sorted(group.total.quantities.items())),
                steps=steps,
                exact_amount=amount,
            )
            for group, steps, amount in found
        ),
    )


def _daily(groups: Sequence[Group]) -> tuple[DayAmount, ...]:
    amounts: dict[date, Decimal] = {}
    requests: dict[date, int] = {}
    for group in groups:
        for day, amount in group.daily_amounts().items():
            amounts[day] = EXACT.add(amounts.get(day, ZERO), amount)
            requests[day] = requests.get(day, 0) + group.days[day].requests
    return tuple(DayAmount(day, requests[day], amounts[day]) for day in sorted(amounts))


def _unbilled(found: Iterable[tuple[Group, str]]) -> tuple[Unbilled, ...]:
    return tuple(
        Unbilled(group.model, group.mode, reason, group.total.requests, tuple(sorted(group.total.quantities.items())))
        for group, reason in found
    )


def _missing(cells: Sequence[Cell]) -> tuple[Unbilled, ...]:
    by_kind: dict[tuple[str, str], int] = {}
    for cell in cells:
        key = (cell.series.model, cell.series.mode)
        by_kind[key] = by_kind.get(key, 0) + cell.requests
    reason = "the gateway reported no usage for these requests"
    return tuple(Unbilled(model, mode, reason, count, ()) for (model, mode), count in sorted(by_kind.items()))


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
