"""Issued invoices as rows of a table: one a line, a tax, or another step from the lines to what is due.

The amounts of an invoice's rows come to what is due by it. Cells that a spreadsheet would compute have an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from tokentill.canonical import Content, ContentOfFields, fields_of
from tokentill.store.issued.invoices import IssuedInvoice

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OF_LINES = (
    *("kind", "description", "model", "mode", "rule", "requests"),
    *("quantities", "list_amount", "exact_amount", "amount"),
)
_NUMERIC = ("requests", "list_amount", "exact_amount", "amount")


@dataclass(frozen=True, slots=True)
class InvoiceRow(ContentOfFields):
    """One row. `kind` is that of the line or step; `exact_amount` and `list_amount` are of lines alone.

    `amount` is in major units of `currency`, as the invoice states it. A row that corrects an earlier document names it
    (`corrects`) and the period that it is of; an adjustment line has a `cause`, and in `corrected_kind` what kind of
    line it corrects.
    """

    number: str
    status: str
    document: str
    customer: str
    period: str
    position: int
    kind: str
    description: str
    used_by: str
    model: str
    mode: str
    rule: str | None
    requests: int
    quantities: Mapping[str, int]
    list_amount: str | None
    exact_amount: str | None
    amount: str
    currency: str
    by: Mapping[str, str | None]
    corrects: str | None
    corrected_period: str | None
    corrected_kind: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class InvoiceRows:
    """The rows of issued invoices, in the order of their numbers."""

    rows: tuple[InvoiceRow, ...]

    @classmethod
    def of(cls, invoices: Iterable[IssuedInvoice]) -> InvoiceRows:
        """All rows of these invoices."""
        return cls(tuple(row for invoice in invoices for row in _rows_of(invoice)))

    def content(self) -> Content:
        """What `invoices export --format json` prints."""
        return fields_of(self, "rows")

    def csv(self) -> str:
        """As CSV with a head; lines end as RFC 4180 says."""
        names = [field.name for field in fields(InvoiceRow)]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(names)
        for row in self.rows:
            writer.writerow([_cell(name, getattr(row, name)) for name in names])
        return text.getvalue()


def _rows_of(invoice: IssuedInvoice) -> Iterable[InvoiceRow]:
    content = invoice.content
    head: dict[str, Any] = {
        "number": invoice.number,
        "status": invoice.status,
        "document": invoice.kind,
        "customer": invoice.customer,
        "period": invoice.period,
        "currency": invoice.currency,
    }
    lines = content["lines"]
    for position, line in enumerate(lines, start=1):
        used_by, by = line.get("customer") or invoice.customer, line.get("by") or {}
        of_line = {key: line[key] for key in _OF_LINES} | _corrected(line)
        yield InvoiceRow(**head, position=position, used_by=used_by, by=by, **of_line)
    nothing: dict[str, Any] = {"model": "", "mode": "", "rule": None, "requests": 0, "quantities": {}}
    nothing |= {"list_amount": None, "exact_amount": None, "used_by": invoice.customer, "by": {}}
    for position, item in enumerate(content.get("items", ()), start=len(lines) + 1):
        description = item["name"] + (f", {item['percent']} %" if item.get("percent") else "")
        of_item = {"kind": item["kind"], "description": description, "amount": item["amount"]}
        of_item |= _corrected(item)
        yield InvoiceRow(**head, position=position, **of_item, **nothing)


def _corrected(stated: Content) -> Content:
    """What a line or step corrects; older documents correct nothing and do not say so."""
    corrects = stated.get("corrects") or {}
    is_adjustment = stated["kind"] == "adjustment"
    charge = stated.get("charge") or {"kind": "usage"}
    return {
        "corrects": corrects.get("number"),
        "corrected_period": corrects.get("period"),
        "corrected_kind": charge["kind"] if is_adjustment else None,
        "cause": stated.get("cause"),
    }


def _cell(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        value = "; ".join(f"{name} {'' if of is None else of}".rstrip() for name, of in value.items())
    text = "" if value is None else str(value)
    return f"'{text}" if name not in _NUMERIC and text.startswith(_FORMULA) else text
