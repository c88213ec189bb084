"""The arithmetic behind every amount of an invoice, as people read it: steps, parts, lines, and the one rounding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal

from tokentill.documents.figures import TIMES, Aligned, aligned, count, exact, money, percent_text, plural
from tokentill.documents.ids import shown_id, shown_text
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.lines import Line, Part
from tokentill.money import EXACT, minor_digits, minor_text, sum_exact
from tokentill.pricing.applying import Step

_DOWN = Context(prec=EXACT.prec, rounding=ROUND_FLOOR)


@dataclass(frozen=True, slots=True)
class StepRow:
    """One piece of arithmetic: what it is of, how it is computed, what it comes to."""

    name: str
    note: str
    arithmetic: str
    amount: Aligned


@dataclass(frozen=True, slots=True)
class PartView:
    """The steps under one tier, window, multiplier and exchange rate; `conditions` names those that say something."""

    title: str
    conditions: tuple[str, ...]
    requests: str
    quantities: str
    steps: tuple[StepRow, ...]
    amount: Aligned


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of the invoice with its parts."""

    number: int
    description: str
    model: str
    mode: str
    rule: str
    contract: str
    rule_hash: str
    price_entry: str
    requests: str
    quantities: str
    list_amount: Aligned
    exact_amount: Aligned
    amount: str
    parts: tuple[PartView, ...]


@dataclass(frozen=True, slots=True)
class ShareRow:
    """How a line's exact amount became minor units."""

    number: int
    exact_amount: Aligned
    cut: str
    left_over: Aligned
    extra: str
    amount: str


def line_views(invoice: Invoice) -> tuple[LineView, ...]:
    """The lines in their order, numbered from 1."""
    lists, exacts = list_column(invoice)[:-1], exact_column(invoice)[:-1]
    return tuple(
        _line(number, line, list_amount, exact_amount, invoice.currency)
        for number, (line, list_amount, exact_amount) in enumerate(zip(invoice.lines, lists, exacts, strict=True), 1)
    )


def list_column(invoice: Invoice) -> tuple[Aligned, ...]:
    """The list amounts of all lines, and at last their sum."""
    amounts = ["none" if line.list_amount is None else exact(line.list_amount) for line in invoice.lines]
    return aligned([*amounts, exact(invoice.list_amount)])


def exact_column(invoice: Invoice) -> tuple[Aligned, ...]:
    """The exact amounts of all lines, and at last their sum."""
    amounts = [line.exact_amount for line in invoice.lines]
    return aligned(exact(amount) for amount in [*amounts, sum_exact(amounts)])


def share_rows(invoice: Invoice) -> tuple[ShareRow, ...]:
    """Each line cut down to whole minor units, what that leaves over, and whether it got one of the units left."""
    digits = minor_digits(invoice.currency)
    floors = [int(line.exact_amount.scaleb(digits, EXACT).to_integral_value(context=_DOWN)) for line in invoice.lines]
    cuts = [Decimal(minor_text(floor, invoice.currency)) for floor in floors]
    left = aligned(exact(EXACT.subtract(line.exact_amount, cut)) for line, cut in zip(invoice.lines, cuts, strict=True))
    exacts = exact_column(invoice)
    return tuple(
        ShareRow(
            number=number,
            exact_amount=exacts[number - 1],
            cut=money(floor, invoice.currency),
            left_over=left[number - 1],
            extra="" if line.amount_minor == floor else f"+{money(line.amount_minor - floor, invoice.currency)}",
            amount=money(line.amount_minor, invoice.currency),
        )
        for number, (line, floor) in enumerate(zip(invoice.lines, floors, strict=True), start=1)
    )


def quantities_text(quantities: Iterable[tuple[str, int]]) -> str:
    """Quantities with their names: `1,234 input · 56 output`."""
    return " · ".join(f"{count(number)} {shown_id(name)}" for name, number in quantities if number)


def _line(number: int, line: Line, list_amount: Aligned, exact_amount: Aligned, currency: str) -> LineView:
    return LineView(
        number=number,
        description=shown_id(line.description),
        model=shown_id(line.model),
        mode=shown_id(line.mode),
        rule="list price, no rule fits" if line.rule is None else shown_text(line.rule),
        contract="" if line.rule_contract is None else shown_id(line.rule_contract),
        rule_hash=line.rule_hash or "",
        price_entry=line.price_entry or "",
        requests=count(line.requests),
        quantities=quantities_text(line.quantities.items()),
        list_amount=list_amount,
        exact_amount=exact_amount,
        amount=money(line.amount_minor, currency),
        parts=tuple(_part(index, part, len(line.parts)) for index, part in enumerate(line.parts, start=1)),
    )


def _part(number: int, part: Part, of: int) -> PartView:
    amounts = aligned([*(exact(step.amount) for step in part.steps), exact(part.exact_amount)])
    conditions = []
    if part.tier is not None:
        conditions.append(f"tier {shown_text(part.tier)}")
    if part.window is not None:
        conditions.append(f"window {shown_text(part.window)}")
    if part.multiplier != 1:
        conditions.append(f"multiplier {exact(part.multiplier)}, contained in the rates")
    if part.fx != 1:
        conditions.append(f"exchange rate {exact(part.fx)}")
    return PartView(
        title=f"Part {number} of {of}" if of > 1 else "",
        conditions=tuple(conditions),
        requests=plural(part.requests, "request", "requests"),
        quantities=quantities_text(part.quantities),
        steps=tuple(_step(step, amount) for step, amount in zip(part.steps, amounts[:-1], strict=True)),
        amount=amounts[-1],
    )


def _step(step: Step, amount: Aligned) -> StepRow:
    note = f"at the rate of {shown_id(step.priced_as)}" if step.priced_as not in (None, step.name) else ""
    if step.kind == "markup" and step.percent is not None and step.of_amount is not None:
        arithmetic = f"{percent_text(step.percent.normalize(EXACT))} of {exact(step.of_amount)}"
        return StepRow("discount" if step.percent < 0 else "markup", _markup_note(step.name), arithmetic, amount)
    if step.kind == "cost":
        factors = [exact(step.of_amount)] if step.of_amount is not None else []
        name, note = "gateway cost", "as the gateway reported it"
    else:
        per = "" if step.per in (None, 1) else f" / {count(step.per or 1)}"
        factors = [count(step.quantity or 0), exact(step.rate or Decimal(0)) + per]
        name = shown_id(step.name) if step.kind == "rate" else f"{shown_id(step.name)} add-on"
    if step.fx != 1:
        factors.append(exact(step.fx))
    return StepRow(name, note, f" {TIMES} ".join(factors), amount)


def _markup_note(name: str) -> str:
    return "" if name == "default" else f"on {shown_id(name)}"
