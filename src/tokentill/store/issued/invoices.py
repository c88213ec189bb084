"""Close runs, issued invoices and what reviewers said."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.sql.schema import Table

from tokentill.canonical import Content, canonical_bytes, content_of, hash_of_bytes
from tokentill.clock import from_micros, instant_text, to_micros
from tokentill.errors import NotFound, Refused, ensure
from tokentill.invoicing.forms import KINDS, InvoiceKind
from tokentill.invoicing.periods import Month, Period
from tokentill.money import to_minor
from tokentill.store import tables
from tokentill.store.database import current_value, hold_counter, insert_rows, next_value, next_values
from tokentill.store.decoding import columns_of, decoded, decoding, rows_among
from tokentill.store.issued.documents import (
    StoredCorrection,
    corrections_after,
    coverage_rows,
    log_event,
    log_events,
    overlap_after_void,
    period_rows,
)
from tokentill.store.issued.ledger import ledger_rows, rows_of

if TYPE_CHECKING:
    from tokentill.invoicing.coverage import CoveredSegment
    from tokentill.invoicing.invoice import Invoice
    from tokentill.invoicing.preview import InterimInvoice, Review

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
        from tokentill.invoicing.invoice import invoice_document  # here, as in others: lists compute nothing

        return {
            **invoice_document(self.content, number=self.number, status=self.status, pins=self.pins),
            "content_hash": self.content_hash,
            "issued_at": instant_text(self.issued_at),
            **({} if self.kind == "period" else {"part": self.part}),
        }

    def as_interim(self) -> InterimInvoice:
        """As the invoice of its period names it."""
        from tokentill.invoicing.preview import InterimInvoice

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


def run_count(connection: Connection, period: str) -> int:
    """How many runs of a period were begun."""
    query = select(func.count()).where(tables.close_run.c.period == period)
    return int(connection.execute(query).scalar_one())


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


def last_close(connection: Connection) -> tuple[CloseRun, Content] | None:
    """The run that ended last, with what the audit log says of its end; None where none ever did."""
    audit, table = tables.audit, tables.close_run
    ends = select(audit.c.content).where(audit.c.action == "close.finished").order_by(audit.c.seq.desc()).limit(1)
    content = connection.execute(ends).scalar()
    ended = {} if content is None else content_of(content) or {}
    row = connection.execute(select(table).where(table.c.id == ended.get("run"), table.c.state == "done")).one_or_none()
    return None if row is None else (_run(row), ended)


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


@dataclass(frozen=True, slots=True)
class Issue:
    """A document to be stored, with the records that stand on it, whose periods it ends, and the periods that it
    corrects, each with all that is covered of it now.
    """

    invoice: Invoice
    covered: Sequence[CoveredSegment]
    members: Sequence[tuple[str, Period]]
    corrections: Sequence[tuple[StoredCorrection, Sequence[CoveredSegment]]]

    @property
    def amounts_minor(self) -> list[int]:
        """The amounts of its lines in their order."""
        invoice = self.invoice
        own = [*(line.amount_minor for line in invoice.lines), *(charge.amount_minor for charge in invoice.charges)]
        return own + [line.amount_minor for adjustment in invoice.adjustments for line in adjustment.lines]


def issue(
    connection: Connection, run: CloseRun, issues: Sequence[Issue], *, at: datetime, actor: str
) -> list[tuple[int, str] | None]:
    """Store documents under the next numbers, in the caller's transaction that holds the run. When all is stored,
    `documents.first_clash` looks at it.

    Returns:
        The id and number of each; None where the customer has its document already.
    """
    parts = _parts_to_issue(connection, run, [one.invoice for one in issues])
    todo = [(one, part) for one, part in zip(issues, parts, strict=True) if part is not None]
    if not todo:
        return [None for _ in parts]
    numbers = [f"INV-{number:06d}" for number in next_values(connection, "invoice", len(todo))]
    contents = [one.invoice.content() for one, _ in todo]
    headers = [
        _header(run, one, part, number, canonical_bytes(content))
        for (one, part), number, content in zip(todo, numbers, contents, strict=True)
    ]
    insert_rows(connection, tables.invoice, headers)
    header = tables.invoice
    of_numbers = select(header.c.id, header.c.number).where(header.c.number.in_(numbers))
    ids = {row.number: row.id for row in connection.execute(of_numbers)}
    stored = [(ids[number], number) for number in numbers]
    _insert_parts(connection, [(id_, one) for (id_, _), (one, _) in zip(stored, todo, strict=True)], contents)
    log_events(connection, [id_ for id_, _ in stored], "issued", at=at, actor=actor)
    new = iter(stored)
    return [None if part is None else next(new) for part in parts]


def _parts_to_issue(connection: Connection, run: CloseRun, invoices: Sequence[Invoice]) -> list[int | None]:
    """Which part of its customer's period each document is (0 for the period's own); None of what is there already."""
    table = tables.invoice
    whose = [(invoice.customer, str(invoice.period.month)) for invoice in invoices]
    query = select(table.c.customer, table.c.period, table.c.kind, table.c.part, table.c.status, table.c.close_run_id)
    parts: dict[tuple[str, str, str], int] = {}
    there: set[tuple[str, str, str]] = set()
    for row in rows_among(connection, query, (table.c.customer, table.c.period), set(whose)):
        key = (row.customer, row.period, row.kind)
        parts[key] = max(row.part, parts.get(key, 0))
        # What this run issued counts also where it is void by now: the next run issues another one.
        if row.close_run_id == run.id or (row.kind == "period" and row.status == "issued"):
            there.add(key)
    found: list[int | None] = []
    for invoice, of_period in zip(invoices, whose, strict=True):
        period_key, key = (*of_period, "period"), (*of_period, invoice.kind)
        is_there = key in there or (invoice.kind == "interim" and period_key in there)
        found.append(None if is_there else 0 if invoice.kind == "period" else parts.get(key, 0) + 1)
        there.add(key)
    return found


def _header(run: CloseRun, one: Issue, part: int, number: str, content: bytes) -> dict[str, Any]:
    invoice = one.invoice
    ensure(sum(one.amounts_minor) == invoice.subtotal_minor, "lines do not add up")
    return {
        **columns_of(invoice, "customer", "currency", "tax_minor", "total_minor", "kind"),
        "number": number,
        "period": str(invoice.period.month),
        "status": "issued",
        "subtotal_minor": invoice.net_minor,
        "content": content,
        "content_hash": hash_of_bytes(content),
        "pins": canonical_bytes(run.pins).decode(),
        "issued_at": to_micros(run.started_at),
        "close_run_id": run.id,
        "part": part,
    }


def _insert_parts(connection: Connection, issued: Sequence[tuple[int, Issue]], contents: Sequence[Content]) -> None:
    """Insert what is kept of documents beside their headers."""
    rows: dict[Table[Any], list[Mapping[str, Any]]] = {table: [] for table in _PARTS}
    for (id_, one), content in zip(issued, contents, strict=True):
        rows[tables.invoice_line] += _line_rows(id_, one, content)
        rows[tables.ledger] += ledger_rows(id_, rows_of(one.invoice))
        rows[tables.coverage] += coverage_rows(id_, one.covered)
        for correction, covered in one.corrections:
            rows[tables.correction].append({"invoice_id": id_, **asdict(correction)})
            rows[tables.coverage] += coverage_rows(id_, covered, correction.period, correction.customer)
        if KINDS[one.invoice.kind].ends_period:
            rows[tables.member_period] += period_rows(id_, one.invoice.period.month, one.members)
    for table, of_table in rows.items():
        insert_rows(connection, table, of_table)


_PARTS = (tables.invoice_line, tables.ledger, tables.correction, tables.coverage, tables.member_period)


def _line_rows(invoice_id: int, one: Issue, content: Content) -> Iterator[dict[str, Any]]:
    kept = ("model", "mode", "rule", "requests", "exact_amount", "kind")
    for position, (line, amount) in enumerate(zip(content["lines"], one.amounts_minor, strict=True), start=1):
        own = {"invoice_id": invoice_id, "position": position, "amount_minor": amount}
        yield own | {key: line[key] for key in kept}


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


def issued_customers(connection: Connection, month: Month) -> set[str]:
    """Who has its document of a period."""
    table = tables.invoice
    is_live = (table.c.period == str(month), table.c.status == "issued", table.c.kind == "period")
    return set(connection.execute(select(table.c.customer).where(*is_live)).scalars())


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
def last_reviews(connection: Connection, period: str, customers: Collection[str] | None = None) -> dict[str, Review]:
    """The last word on each customer's preview of a period, or on those of some customers."""
    from tokentill.invoicing.preview import Review

    table = tables.review
    newest = select(func.max(table.c.seq)).where(table.c.period == period).group_by(table.c.customer)
    if customers is not None:
        newest = newest.where(table.c.customer.in_(customers))
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
