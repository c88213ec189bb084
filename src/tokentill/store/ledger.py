"""What invoices carry to later ones: coupons used, credits burnt, balances, and what interim invoices billed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from tokentill.clock import from_micros
from tokentill.invoicing.settling import Carried, InvoiceKind, Settlement
from tokentill.store import tables
from tokentill.store.decoding import decoding

LedgerRow = tuple[str, str, int]
"""Kind, name, amount in minor units."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One row of the ledger with the invoice that made it."""

    invoice_id: int
    number: str
    customer: str
    period: str
    currency: str
    issued_at: datetime
    kind: str
    name: str
    amount_minor: int


def rows_of(settlement: Settlement, kind: InvoiceKind) -> list[LedgerRow]:
    """What an invoice adds to the ledger. A balance is what goes on to the next invoice, less what came in."""
    rows: list[LedgerRow] = []
    for item in settlement.items:
        if item.kind in ("coupon", "credit"):
            rows.append((item.kind, item.name, -item.amount_minor))
        elif item.kind in ("balance", "carried"):
            rows.append(("balance", item.name, -item.amount_minor))
    if kind == "interim":
        rows.append(("invoiced", "net", settlement.net_minor))
    return rows


def add_to_ledger(connection: Connection, invoice_id: int, rows: Iterable[LedgerRow]) -> None:
    """Append an invoice's rows, in its own transaction."""
    values = [
        {"invoice_id": invoice_id, "position": position, "kind": kind, "name": name, "amount_minor": amount}
        for position, (kind, name, amount) in enumerate(rows, start=1)
    ]
    if values:
        connection.execute(insert(tables.ledger), values)


@decoding("the ledger")
def ledger_entries(connection: Connection, *, customer: str | None = None) -> list[LedgerEntry]:
    """The rows of invoices that are not void, in the order in which they were issued."""
    ledger, header = tables.ledger, tables.invoice
    query = (
        select(header, ledger.c.kind.label("entry_kind"), ledger.c.name, ledger.c.amount_minor)
        .join(header, header.c.id == ledger.c.invoice_id)
        .where(header.c.status == "issued")
        .order_by(ledger.c.invoice_id, ledger.c.position)
    )
    if customer is not None:
        query = query.where(header.c.customer == customer)
    return [
        LedgerEntry(
            row.id,
            row.number,
            row.customer,
            row.period,
            row.currency,
            from_micros(row.issued_at),
            row.entry_kind,
            row.name,
            row.amount_minor,
        )
        for row in connection.execute(query)
    ]


def stored_rows(connection: Connection, invoice_id: int) -> list[LedgerRow]:
    """The rows of one invoice as they are kept."""
    table = tables.ledger
    query = select(table).where(table.c.invoice_id == invoice_id).order_by(table.c.position)
    return [(row.kind, row.name, row.amount_minor) for row in connection.execute(query)]


def carried_by_customer(
    connection: Connection, period: str, *, before: Mapping[str, int] | int | None = None, customer: str | None = None
) -> dict[tuple[str, str], Carried]:
    """What earlier documents left to each invoice of a period, by customer and currency.

    Args:
        before: only documents with a smaller id count: for all customers, or by customer.
    """
    found: dict[tuple[str, str], list[LedgerEntry]] = {}
    for entry in ledger_entries(connection, customer=customer):
        limit = before.get(entry.customer) if isinstance(before, Mapping) else before
        if limit is None or entry.invoice_id < limit:
            found.setdefault((entry.customer, entry.currency), []).append(entry)
    return {key: _carried(entries, period) for key, entries in found.items()}


def _carried(entries: list[LedgerEntry], period: str) -> Carried:
    coupons: dict[str, set[str]] = {}
    burnt: dict[str, int] = {}
    for entry in entries:
        if entry.kind == "coupon" and entry.period != period:
            coupons.setdefault(entry.name, set()).add(entry.period)
        elif entry.kind == "credit":
            burnt[entry.name] = burnt.get(entry.name, 0) + entry.amount_minor
    return Carried(
        coupons={name: frozenset(periods) for name, periods in coupons.items()},
        credits=burnt,
        balance_minor=sum(entry.amount_minor for entry in entries if entry.kind == "balance"),
        invoiced=tuple(entry.amount_minor for entry in entries if entry.kind == "invoiced" and entry.period == period),
    )
