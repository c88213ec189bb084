"""What a journal is made of: issued documents with their rows of the ledger, when they became void, and runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from tokentill.clock import from_micros
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.issued.invoices import IssuedInvoice, issued_invoices, runs_of


@dataclass(frozen=True, slots=True)
class BookedDocument:
    """An issued document and its rows of the ledger. `position` is where its issue stands in the log of documents."""

    invoice: IssuedInvoice
    position: int
    ledger: Sequence[Mapping[Any, Any]]
    void: BookedVoid | None


@dataclass(frozen=True, slots=True)
class BookedVoid:
    """When and why a document became void, and where that stands in the log of documents."""

    position: int
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class BegunRun:
    """A run of a month: when it began, whether it closed the month, and under which contracts."""

    month: Month
    at: datetime
    is_close: bool
    contract_set: str


def booked_documents(connection: Connection) -> list[BookedDocument]:
    """Every document in the order of their numbers, those that are void among them."""
    ledger, event = tables.ledger, tables.document_event
    rows: dict[int, list[Mapping[Any, Any]]] = defaultdict(list)
    for row in connection.execute(select(ledger).order_by(ledger.c.invoice_id, ledger.c.position)).mappings():
        rows[row["invoice_id"]].append(row)
    events = {(row.invoice_id, row.kind): row for row in connection.execute(select(event))}
    booked = []
    for invoice in issued_invoices(connection):
        issue, undone = events[invoice.id, "issued"], events.get((invoice.id, "void"))
        void = None if undone is None else BookedVoid(undone.position, from_micros(undone.recorded_at), undone.reason)
        booked.append(BookedDocument(invoice, issue.position, rows[invoice.id], void))
    return booked


def begun_runs(connection: Connection) -> list[BegunRun]:
    """Every run, in the order in which they began."""
    run = tables.close_run
    months = [Month.parse(one) for one in connection.execute(select(run.c.period).distinct()).scalars()]
    runs = (
        BegunRun(month, at, state != "open" and asked.get("kind") != "interim", pins["b"])
        for month in months
        for at, _, state, asked, pins in runs_of(connection, month)
    )
    return sorted(runs, key=lambda one: (one.at, one.month))
