"""From the sum of an invoice's lines to what is due, one row a step, in the order in which it is worked out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tokentill.canonical import Content
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import amount_shown, exact, percent_text
from tokentill.money import EXACT, sum_exact

_BEFORE_TAX = ("coupon", "minimum", "cap", "commitment", "true_up", "invoiced")


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """One step with its arithmetic and what it adds; for a sum (`is_sum`), what has come together so far."""

    name: str
    note: str
    amount: str
    is_sum: bool = False


def totals_rows(content: Content, interims: Sequence[Mapping[str, Any]] = ()) -> tuple[TotalsRow, ...]:
    """The rows below the lines: subtotal, what is taken off and put on, tax, total, prepaid credits, due.

    Args:
        content: canonical content of an invoice.
        interims: the interim invoices that it deducts, oldest first, where they are known; their numbers are named.
    """
    items = content.get("items", [])
    before_tax = [item for item in items if item["kind"] in _BEFORE_TAX]
    taxes = [item for item in items if item["kind"] == "tax"]
    after_tax = [item for item in items if item["kind"] not in (*_BEFORE_TAX, "tax")]
    rows = [_sum("Subtotal", content["subtotal"])]
    numbers = iter(interims)
    rows += [item_row(item, next(numbers, None) if item["kind"] == "invoiced" else None) for item in before_tax]
    if before_tax and taxes:
        net = sum_exact(Decimal(text) for text in (content["subtotal"], *(item["amount"] for item in before_tax)))
        rows.append(_sum("Taxable", format(net, "f")))
    rows += [item_row(item) for item in taxes] or [TotalsRow("Tax", "", amount_shown(content["tax"]))]
    rows.append(_sum(f"Total {content['currency']}", content["total"]))
    if after_tax:
        rows += [item_row(item) for item in after_tax]
        rows.append(_sum(f"Due {content['currency']}", content["due"]))
    return tuple(rows)


def interim_names(content: Content, interims: Iterable[Mapping[str, Any]]) -> str:
    """The interim invoices of a period in one sentence, empty where there are none."""
    listed = [
        f"{shown_text(interim['number'])} of {interim['issued_at'][:10]}"
        f" ({amount_shown(interim['total'])} {content['currency']}, {amount_shown(interim['due'])} due)"
        for interim in interims
    ]
    return "; ".join(listed)


def _sum(name: str, amount: str) -> TotalsRow:
    return TotalsRow(name, "", amount_shown(amount), is_sum=True)


def item_row(item: Mapping[str, Any], interim: Mapping[str, Any] | None = None) -> TotalsRow:
    """The row of one step; `interim` is the invoice that it takes off."""
    name, note = _words(item, interim)
    return TotalsRow(name, note, amount_shown(item["amount"]))


def _words(item: Mapping[str, Any], interim: Mapping[str, Any] | None) -> tuple[str, str]:
    """What a step is called, and how it comes about."""
    amount = Decimal(item["amount"])
    item = {key: value for key, value in item.items() if value is not None}
    of = amount_shown(item["of"]) if "of" in item else ""
    share = f"{percent_text(Decimal(item['percent']).normalize(EXACT))} of {of}" if "percent" in item else ""
    corrects = f"of the correction of {item['corrects']['period']}" if "corrects" in item else ""
    match item["kind"]:
        case "coupon":
            return f"Coupon {shown_id(item['name'])}", share or f"a fixed amount, from {of}"
        case "minimum" | "cap":
            before = amount_shown(format(EXACT.subtract(Decimal(item["of"]), amount), "f"))
            what_for = "raised to" if item["kind"] == "minimum" else "limited to"
            return _capital(shown_text(item["name"])), f"{before} is {what_for} {of}"
        case "commitment":
            drawn = EXACT.add(Decimal(item["before"]), Decimal(item["drawn"]))
            name = f"{_capital(shown_text(item['name']))} until {item['ends']}"
            return (
                name,
                f"{amount_shown(item['drawn'])} of usage draws {amount_shown(format(drawn, 'f'))} of {of} so far",
            )
        case "true_up":
            return f"{_capital(shown_text(item['name']))}, not used", f"at the end of the term, of {of}"
        case "invoiced":
            by = "" if interim is None else f", {shown_text(interim['number'])} of {interim['issued_at'][:10]}"
            return _capital(shown_text(item["name"])) + by, "invoiced before, without its tax"
        case "tax" if corrects:
            return shown_text(item["name"]), f"{corrects}, on {of}"
        case "credit" if corrects:
            given_back = ", given back" if amount > 0 else ""
            return f"Prepaid credit {shown_id(item['name'])}", f"{corrects}{given_back}"
        case "tax" if "invoiced" in item:
            invoiced = f"less {amount_shown(item['invoiced'])} invoiced before"
            return shown_text(item["name"]), f"{share}, {invoiced}" if share else invoiced
        case "tax":
            return shown_text(item["name"]), share
        case "balance" if "original" in item and "opening" in item:
            original = f"{amount_shown(item['original'])} {item['original_currency']}"
            rate = "" if item["rate"] == "1" else f", at {item['rate']}"
            return f"Opening balance of {item['day']}", f"{shown_text(item['reason'])}: {original}{rate}"
        case "balance" if "opening" in item:
            return f"Opening balance of {item['day']}", shown_text(item["reason"])
        case "balance" if "original" in item:
            original = f"{amount_shown(item['original'])} {item['original_currency']}"
            rate = "" if item["rate"] == "1" else f", at {item['rate']}"
            return "Brought forward", f"carried on by {shown_id(item['customer'])}: {original}{rate}"
        case "balance":
            return "Brought forward", "carried on from earlier invoices"
        case "credit":
            left = amount_shown(format(EXACT.add(Decimal(item["of"]), amount), "f"))
            given_back = ", given back" if amount > 0 else ""
            return f"Prepaid credit {shown_id(item['name'])}", f"{of} before, {left} left{given_back}"
        case "carried" if amount > 0:
            return "Carried forward", "in the customer's favour, for the next invoice"
        case "carried":
            return "Carried forward", "too small to be paid now, for the next invoice"
    return shown_text(item["name"]), exact(amount)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
