"""Close runs, issued invoices and what reviewers said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, update

from tokentill.canonical import Content, canonical_bytes, hash_of_bytes
from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.errors import NotFound, Refused, ensure
from tokentill.invoicing.coverage import CoveredSegment
from tokentill.invoicing.forms import KINDS, InvoiceKind
from tokentill.invoicing.invoice import Invoice, invoice_document
from tokentill.invoicing.periods import Month, Period
from tokentill.invoicing.preview import InterimInvoice, Review
from tokentill.money import to_minor
from tokentill.store import tables
from tokentill.store.database import current_value, hold_counter, insert_rows, next_value
from tokentill.store.decoding import columns_of, decoded, decoding
from tokentill.store.documents import (
    StoredCorrection,
    corrections_after,
    log_event,
    overlap_after_void,
    store_correction,
    store_coverage,
)
from tokentill.store.ledger import add_to_ledger, rows_of

InvoiceStatus = Literal["issued", "void"]


@dataclass(frozen=True, slots=True)
class CloseRun:
    """One attempt to close a period, with everything it pinned and was asked.

    `epoch` goes up when another process takes over.
    """

    id: int
    period: str
    epoch: int
    pins: Content
    started_at: datetime
    asked: Content


@dataclass(frozen=True, slots=True)
class Closing:
    """All runs that closed a month, as far as it matters for what came late.

    `first_seq` is the lowest sequence number that one of them was pinned to, and `contract_sets` are the contracts that
    they were pinned to.
    """

    first_seq: int
    contract_sets: frozenset[str]


@dataclass(frozen=True, slots=True)
class IssuedInvoice:
    """An invoice as it was stored. `content` never changes; `status` may become `void`."""

    number: str
    customer: str
    period: str
    status: InvoiceStatus
    currency: str
    total_minor: int
    content_bytes: bytes
    content_hash: str
    pins: Content
    issued_at: datetime
    id: int
    kind: InvoiceKind
    part: int

    @property
    def due_minor(self) -> int:
        """What is to be paid by this document, in minor units."""
        due = self.content.get("due")
        return self.total_minor if due is None else to_minor(due, self.currency)

    @property
    def is_whole(self) -> bool:
        """Whether the stored content is what its hash says."""
        return hash_of_bytes(self.content_bytes) == self.content_hash

    @property
    def content(self) -> Content:
        """What was computed.

        Raises:
            IntegrityFault: when it is not what was stored any more.
        """
        ensure(
            self.is_whole,
            f"the stored content of {self.number} is not what its hash says: the database is damaged, or was changed by"
            " hand; `tokentill verify` names every such invoice, and a backup restores it",
        )
        content: Content = json.loads(self.content_bytes)
        return content

    def document(self) -> Content:
        """The invoice as it is printed. `part` counts the interim invoices of a customer's period from 1."""
        return {
            **invoice_document(self.content, number=self.number, status=self.status, pins=self.pins),
            "content_hash": self.content_hash,
            "issued_at": instant_text(self.issued_at),
            **({} if self.kind == "period" else {"part": self.part}),
        }

    def as_interim(self) -> InterimInvoice:
        """As the invoice of its period names it."""
        return InterimInvoice(self.number, self.currency, self.total_minor, self.due_minor, self.issued_at)


def open_run(connection: Connection, period: str) -> CloseRun | None:
    """The run of a period that is under way or was cut off, or None."""
    table = tables.close_run
    row = connection.execute(select(table).where(table.c.period == period, table.c.state == "open")).one_or_none()
    return None if row is None else _run(row)


def start_run(connection: Connection, period: str, pins: Content, options: Content, at: datetime) -> CloseRun:
    """Begin a run with its pins and with what it was asked, which hold for all of it."""
    kept = {"pins": canonical_bytes(pins).decode(), "asked": canonical_bytes(options).decode()}
    begun = insert(tables.close_run).values(period=period, state="open", epoch=1, started_at=to_micros(at), **kept)
    return _run(connection.execute(begun.returning(tables.close_run)).one())


def closings(connection: Connection) -> dict[Month, Closing]:
    """What is known of every month that some run closed, in order of time."""
    table = tables.close_run
    rows = connection.execute(select(table).where(table.c.state != "open").order_by(table.c.period, table.c.id))
    runs = [run for run in map(_run, rows) if run.asked.get("kind") != "interim"]
    return {
        Month.parse(period): Closing(min(pins["s"] for pins in listed), frozenset(pins["b"] for pins in listed))
        for period, of_period in groupby(runs, key=attrgetter("period"))
        for listed in [[run.pins for run in of_period]]
    }


def runs_of(connection: Connection, month: Month) -> Iterator[tuple[datetime, datetime | None, str, Content, Content]]:
    """Every run of a month in order: when it began and ended, its state, what it was asked, its pins."""
    table = tables.close_run
    for row in connection.execute(select(table).where(table.c.period == str(month)).order_by(table.c.id)):
        run = _run(row)
        ended_at = None if row.finished_at is None else from_micros(row.finished_at)
        yield run.started_at, ended_at, row.state, run.asked, run.pins


def take_over(connection: Connection, run: CloseRun) -> CloseRun:
    """Resume a run. Whoever worked on it before is fenced out from now on.

    Raises:
        Refused: when another process ended it.
    """
    table = tables.close_run
    still_open = update(table).where(table.c.id == run.id, table.c.state == "open")
    row = connection.execute(still_open.values(epoch=table.c.epoch + 1).returning(table)).one_or_none()
    if row is None:
        raise _taken_over(run)
    return _run(row)


def finish_run(
    connection: Connection, run: CloseRun, state: Literal["done", "refused"], at: datetime, *, left_over: int | None
) -> None:
    """End a run. `left_over` is how many requests of its period are on no document, None where nobody counted."""
    hold_run(connection, run)
    table = tables.close_run
    ended = {"state": state, "finished_at": to_micros(at), "left_over": left_over}
    connection.execute(update(table).where(table.c.id == run.id).values(**ended))


def hold_run(connection: Connection, run: CloseRun) -> None:
    """Lock a run for this transaction, and see that it is still ours.

    Raises:
        Refused: when another process took it over or ended it.
    """
    table = tables.close_run
    row = connection.execute(select(table.c.state, table.c.epoch).where(table.c.id == run.id).with_for_update()).one()
    if row.state != "open" or row.epoch != run.epoch:
        raise _taken_over(run)


def _taken_over(run: CloseRun) -> Refused:
    return Refused(
        f"another close of {run.period} took over from this one; nothing is lost."
        f" Run `tokentill close {run.period}` again to see how it ended"
    )


def issue(
    connection: Connection,
    run: CloseRun,
    invoice: Invoice,
    covered: Sequence[CoveredSegment],
    members: Sequence[tuple[str, Period]],
    corrections: Sequence[tuple[StoredCorrection, Sequence[CoveredSegment]]] = (),
    *,
    at: datetime,
    actor: str,
) -> tuple[int, str] | None:
    """Store an invoice under the next number, in the caller's transaction that holds the run.

    Args:
        covered: the records that stand on it.
        members: whose periods it ends.
        corrections: the periods that it corrects, each with all that is covered of it now.

    Returns:
        Its id and number; None when the customer has its invoice for the period already.

    Raises:
        CoveredTwice: when a document of a period beside it does not join.
    """
    table, period = tables.invoice, str(invoice.period.month)
    mine = (table.c.customer == invoice.customer, table.c.period == period)
    is_live = (*mine, table.c.status == "issued", table.c.kind == "period")
    if invoice.kind != "credit-note" and connection.execute(select(table.c.id).where(*is_live)).first() is not None:
        return None
    of_run = select(table.c.id).where(*mine, table.c.close_run_id == run.id, table.c.kind == invoice.kind)
    # Also where that is void by now: the next run issues another one.
    if connection.execute(of_run).first() is not None:
        return None
    part = 0
    if invoice.kind != "period":
        parts = select(func.coalesce(func.max(table.c.part), 0)).where(*mine, table.c.kind == invoice.kind)
        part = connection.execute(parts).scalar_one() + 1
    content = invoice.content()
    amounts = [*(line.amount_minor for line in invoice.lines), *(charge.amount_minor for charge in invoice.charges)]
    amounts += [line.amount_minor for adjustment in invoice.adjustments for line in adjustment.lines]
    ensure(sum(amounts) == invoice.subtotal_minor, "lines do not add up")
    number = f"INV-{next_value(connection, 'invoice'):06d}"
    invoice_id = connection.execute(
        insert(table)
        .values(
            **columns_of(invoice, "customer", "currency", "tax_minor", "total_minor", "content_hash", "kind"),
            number=number,
            period=period,
            status="issued",
            subtotal_minor=invoice.net_minor,
            content=canonical_bytes(content),
            pins=canonical_bytes(run.pins).decode(),
            issued_at=to_micros(run.started_at),
            close_run_id=run.id,
            part=part,
        )
        .returning(table.c.id)
    ).scalar_one()
    lines = [
        {
            "invoice_id": invoice_id,
            "position": position,
            **{key: line[key] for key in ("model", "mode", "rule", "requests", "exact_amount", "kind")},
            "amount_minor": amount,
        }
        for position, (line, amount) in enumerate(zip(content["lines"], amounts, strict=True), start=1)
    ]
    insert_rows(connection, tables.invoice_line, lines)
    add_to_ledger(connection, invoice_id, rows_of(invoice))
    log_event(connection, invoice_id, "issued", at=at, actor=actor)
    ended = members if KINDS[invoice.kind].ends_period else ()
    store_coverage(connection, invoice_id, invoice.period.month, covered, ended)
    for correction, covered_now in corrections:
        store_correction(connection, invoice_id, correction, covered_now)
    return invoice_id, number


def void_invoice(connection: Connection, issued: IssuedInvoice, *, reason: str, at: datetime, actor: str) -> None:
    """Make an invoice void, in the caller's writing transaction. Its number stays, and so does its content.

    Raises:
        Refused: when it is void already, or a later document takes off what it billed.
    """
    hold_counter(connection, "invoice")  # nothing is issued meanwhile that goes on from it
    table = tables.invoice
    status = connection.execute(select(table.c.status).where(table.c.id == issued.id)).scalar_one()
    if status != "issued":
        raise Refused(f"{issued.number} is void already")
    later = select(table.c.number).where(
        table.c.customer == issued.customer,
        table.c.period == issued.period,
        table.c.currency == issued.currency,
        table.c.status == "issued",
        table.c.id > issued.id,
    )
    numbers = connection.execute(later.order_by(table.c.id.desc())).scalars().all()
    if issued.kind == "interim" and numbers:
        raise Refused(
            f"{numbers[0]} takes off what {issued.number} billed, and would bill too little without it; make"
            f" {' and '.join(numbers)} void first"
        )
    if correcting := corrections_after(connection, issued.id):
        raise Refused(
            f"{correcting[-1]} corrects what {issued.number} billed, and would be wrong without it; make"
            f" {' and '.join(reversed(correcting))} void first"
        )
    log_event(connection, issued.id, "void", at=at, actor=actor, reason=reason)
    if rival := overlap_after_void(connection, issued.id):
        raise Refused(f"{rival} bills usage that {issued.number} gave up; make {rival} void first")


def issued_invoices(
    connection: Connection, *, period: str | None = None, customer: str | None = None, status: str | None = None
) -> list[IssuedInvoice]:
    """Invoices in the order of their numbers."""
    table = tables.invoice
    query = select(table).order_by(table.c.id)
    for column, value in ((table.c.period, period), (table.c.customer, customer), (table.c.status, status)):
        if value is not None:
            query = query.where(column == value)
    return [_issued(row) for row in connection.execute(query)]


def invoice_by_number(connection: Connection, number: str) -> IssuedInvoice:
    """The invoice of a number.

    Raises:
        NotFound: when there is none.
    """
    row = connection.execute(select(tables.invoice).where(tables.invoice.c.number == number)).one_or_none()
    if row is None:
        raise NotFound(f"there is no invoice {number!r}; `tokentill invoices list` shows all")
    return _issued(row)


def interims_of(connection: Connection, invoice: IssuedInvoice) -> list[IssuedInvoice]:
    """The interim invoices of the same customer and period that were issued before an invoice, oldest first."""
    issued = issued_invoices(connection, period=invoice.period, customer=invoice.customer, status="issued")
    return [
        document
        for document in issued
        if (document.kind, document.currency) == ("interim", invoice.currency) and document.id < invoice.id
    ]


def number_faults(connection: Connection) -> list[str]:
    """What is wrong with the series of numbers: gaps, and numbers that the counter does not know of."""
    numbers = list(connection.execute(select(tables.invoice.c.number).order_by(tables.invoice.c.id)).scalars())
    expected = [f"INV-{number:06d}" for number in range(1, current_value(connection, "invoice") + 1)]
    if sorted(numbers) == sorted(expected):
        return []
    wrong = sorted(set(numbers) ^ set(expected))
    return [f"the series of invoice numbers has a gap or a stranger: {', '.join(wrong[:5])}"]


def add_review(connection: Connection, review: Review) -> None:
    """Append what a reviewer said."""
    connection.execute(
        insert(tables.review).values(
            seq=next_value(connection, "review"),
            **columns_of(review, "customer", "kind", "content_hash", "note", "policy", "policy_hash"),
            pins=None if review.pins is None else canonical_bytes(review.pins).decode(),
            period=str(review.month),
            reviewer=review.by,
            recorded_at=to_micros(review.at),
        )
    )


@decoding("a review")
def last_reviews(connection: Connection, period: str, customer: str | None = None) -> dict[str, Review]:
    """The last word on each customer's preview of a period, or on that of one customer."""
    table = tables.review
    newest = select(func.max(table.c.seq)).where(table.c.period == period).group_by(table.c.customer)
    if customer is not None:
        newest = newest.where(table.c.customer == customer)
    rows = connection.execute(select(table).where(table.c.seq.in_(newest)))
    return {
        row.customer: decoded(
            Review,
            row,
            month=Month.parse(row.period),
            by=row.reviewer,
            at=from_micros(row.recorded_at),
            pins=None if row.pins is None else _pins(row.pins),
        )
        for row in rows
    }


@decoding("the run of a close")
def _run(row: Any) -> CloseRun:
    pins = _pins(row.pins)
    # Runs of older versions kept what they were asked among their pins.
    asked = json.loads(row.asked) or {key: pins[key] for key in ("kind", "customers") if key in pins}
    return decoded(CloseRun, row, pins=pins, asked=asked)


@decoding("an issued invoice")
def _issued(row: Any) -> IssuedInvoice:
    return decoded(IssuedInvoice, row, content_bytes=bytes(row.content), pins=_pins(row.pins))


def _pins(text: str) -> Content:
    pins: Content = json.loads(text)
    if not pins.keys() >= {"s", "a", "b", "f"}:
        raise ValueError("a pin is missing")
    return pins
