"""The arithmetic behind every amount of an invoice, as people read it: steps, parts, lines, and the one rounding.

Works from canonical content, so that a preview and an invoice that was issued years ago read alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Any

from tokentill.canonical import Content
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import Aligned, aligned, amount_shown, count, exact, plural
from tokentill.documents.steps import charge_note, charge_text, step_text
from tokentill.money import EXACT, minor_digits, minor_text, sum_exact

_DOWN = Context(prec=EXACT.prec, rounding=ROUND_FLOOR)


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of the invoice. `note` is its arithmetic in short where it is not of usage.

    `parts` are what the template shows of its steps, each with what it comes to, under one tier, window, multiplier and
    exchange rate.
    """

    number: int
    is_usage: bool
    description: str
    note: str
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
    parts: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class LineGroup:
    """The lines of one customer on an invoice, with their sum. `is_child` where another customer pays for it."""

    customer: str
    is_child: bool
    lines: tuple[LineView, ...]
    amount: str


def line_groups(content: Content) -> tuple[LineGroup, ...]:
    """The lines, numbered from 1 in their order on the invoice, with those of each customer together."""
    lists, exacts = _columns(content)
    of_customer: dict[str | None, list[LineView]] = {None: []}
    amounts: dict[str | None, list[Decimal]] = {}
    for number, line in enumerate(content["lines"], start=1):
        child = line.get("customer")
        view = _line(number, line, lists[number - 1], exacts[number - 1])
        of_customer.setdefault(child, []).append(view)
        amounts.setdefault(child, []).append(Decimal(line["amount"]))
    return tuple(
        LineGroup(
            customer=content["customer"] if child is None else child,
            is_child=child is not None,
            lines=tuple(lines),
            amount=amount_shown(format(sum_exact(amounts[child]), "f")) if lines else "",
        )
        for child, lines in of_customer.items()
        if lines or len(of_customer) == 1
    )


def sums_of(content: Content) -> dict[str, Any]:
    """What all lines add up to: list and exact amounts for the feet of their columns."""
    lists, exacts = _columns(content)
    without = sum(line["list_amount"] is None for line in content["lines"] if line["kind"] == "usage")
    return {"list_amount": lists[-1], "exact_amount": exacts[-1], "without_list_amount": without}


def share_rows(content: Content) -> list[dict[str, Any]]:
    """How exact amounts became minor units, line by line.

    Each is cut down to whole ones; `left_over` is what that leaves, and `extra` the unit that it got of those left.
    """
    currency = content["currency"]
    digits = minor_digits(currency)
    lines = [(Decimal(line["exact_amount"]), Decimal(line["amount"])) for line in content["lines"]]
    floors = [int(amount.scaleb(digits, EXACT).to_integral_value(context=_DOWN)) for amount, _ in lines]
    cuts = [minor_text(floor, currency) for floor in floors]
    left = aligned(exact(EXACT.subtract(amount, Decimal(cut))) for (amount, _), cut in zip(lines, cuts, strict=True))
    exacts = _columns(content)[1]
    rows = []
    for number, ((_, amount), cut) in enumerate(zip(lines, cuts, strict=True), start=1):
        extra = EXACT.subtract(amount, Decimal(cut))
        rows.append(
            {
                "number": number,
                "exact_amount": exacts[number - 1],
                "cut": amount_shown(cut),
                "left_over": left[number - 1],
                "extra": f"+{amount_shown(format(extra, 'f'))}" if extra else "",
                "amount": amount_shown(content["lines"][number - 1]["amount"]),
            }
        )
    return rows


def quantities_text(quantities: Iterable[tuple[str, int]]) -> str:
    """Quantities with their names: `1,234 input · 56 output`."""
    return " · ".join(f"{count(number)} {shown_id(name)}" for name, number in quantities if number)


def _columns(content: Content) -> tuple[tuple[Aligned, ...], tuple[Aligned, ...]]:
    """List amounts and exact amounts of all lines, each with its sum at the end."""
    lines = content["lines"]
    lists = [None if line["list_amount"] is None else Decimal(line["list_amount"]) for line in lines]
    exacts = [Decimal(line["exact_amount"]) for line in lines]
    missing = ["none" if line["kind"] == "usage" else "" for line in lines]
    shown = [none if amount is None else exact(amount) for amount, none in zip(lists, missing, strict=True)]
    return (
        aligned([*shown, exact(sum_exact(amount for amount in lists if amount is not None))]),
        aligned(exact(amount) for amount in [*exacts, sum_exact(exacts)]),
    )


def _line(number: int, line: Mapping[str, Any], list_amount: Aligned, exact_amount: Aligned) -> LineView:
    is_usage, is_adjustment = line["kind"] == "usage", line["kind"] == "adjustment"
    is_of_model = is_usage or bool(line["model"])
    parts = [_part(index, part, len(line["parts"])) for index, part in enumerate(line["parts"], start=1)]
    no_rule = "list price, no rule fits" if is_usage else ""
    return LineView(
        number=number,
        is_usage=is_usage,
        description=shown_id(line["description"]) if is_of_model else shown_text(line["description"]),
        note="" if is_usage else charge_note(line),
        model=shown_id(line["model"]) if is_of_model else "",
        mode=shown_id(line["mode"]) if is_of_model else "",
        rule=no_rule if line["rule"] is None else shown_text(line["rule"]),
        contract="" if line["rule_contract"] is None else shown_id(line["rule_contract"]),
        rule_hash=line["rule_hash"] or "",
        price_entry=line["price_entry"] or "",
        requests=count(line["requests"]) if is_usage or is_adjustment else "",
        quantities=quantities_text(sorted(line["quantities"].items())),
        list_amount=list_amount,
        exact_amount=exact_amount,
        amount=amount_shown(line["amount"]),
        parts=tuple(parts if is_usage else [_charge_part(line)]),
    )


def _charge_part(line: Mapping[str, Any]) -> dict[str, Any]:
    """What is charged beside the records, as a part of one step."""
    amount = aligned([exact(Decimal(line["exact_amount"]))])[0]
    return {
        "title": "",
        "conditions": (),
        "requests": "" if line["kind"] == "adjustment" else "charged beside the requests",
        "quantities": "",
        "steps": [(charge_text(line), amount)],
        "amount": amount,
    }


def _part(number: int, part: Mapping[str, Any], of: int) -> dict[str, Any]:
    exacts = [*(step["amount"] for step in part["steps"]), part["exact_amount"]]
    amounts = aligned(exact(Decimal(amount)) for amount in exacts)
    return {
        "title": f"Part {number} of {of}" if of > 1 else "",
        "conditions": conditions_of(part),
        "requests": plural(part["requests"], "request", "requests") if part["requests"] else "of the same requests",
        "quantities": quantities_text(sorted(part["quantities"].items())),
        "steps": list(zip(map(step_text, part["steps"]), amounts[:-1], strict=True)),
        "amount": amounts[-1],
    }


def conditions_of(part: Mapping[str, Any]) -> tuple[str, ...]:
    """What decided the rates of a part, where it says something."""
    conditions: Sequence[str | None] = (
        part.get("rule_tier") and f"tier of the rule: {shown_text(part['rule_tier'])}",
        part["tier"] and f"tier {shown_text(part['tier'])}",
        part["window"] and f"window {shown_text(part['window'])}",
        f"multiplier {exact(Decimal(part['multiplier']))}, contained in the rates" if part["multiplier"] != "1" else "",
        f"exchange rate {exact(Decimal(part['fx']))}" if part["fx"] != "1" else "",
    )
    return tuple(condition for condition in conditions if condition)
