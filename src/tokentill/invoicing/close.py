"""Closing a period: pin the inputs once, issue every invoice once, and be able to go on after a kill at any point.

Every invoice is one short transaction that holds the run, so nothing is half done and nobody else can write for the
same run. What was pinned decides what is issued; a resumed run reads its pins and not the folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tokentill.canonical import Content
from tokentill.clock import Clock
from tokentill.invoicing.computing import Computed, compute_period
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.periods import Month
from tokentill.invoicing.pins import Inputs, newest_inputs, pinned_inputs
from tokentill.invoicing.preview import Review
from tokentill.invoicing.settling import NOTHING_CARRIED, InvoiceKind
from tokentill.pricing.loading import Folder
from tokentill.store.audit import append_audit
from tokentill.store.database import Database, hold_counter
from tokentill.store.holdings import entry_of_issue
from tokentill.store.invoices import (
    CloseRun,
    finish_run,
    hold_run,
    issue,
    issued_invoices,
    last_reviews,
    open_run,
    start_run,
    take_over,
)
from tokentill.store.ledger import carried_by_customer
from tokentill.store.recordings import keep_recordings

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RefusedCustomer:
    """A customer whose invoice was not issued, and why."""

    customer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """What a close did. `blocked_by` says what kept the whole run from happening.

    `nothing_to_bill` are customers that were named for an interim invoice, and have no usage that is not invoiced.
    """

    month: Month
    issued: tuple[str, ...]
    already_issued: int
    refused: tuple[RefusedCustomer, ...]
    not_due: tuple[str, ...]
    blocked_by: tuple[str, ...] = ()
    resumed: bool = False
    nothing_to_bill: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether somebody or everybody was refused: exit status 1."""
        return bool(self.refused or self.blocked_by)

    def content(self) -> Content:
        """What `close --json` prints."""
        return {
            "period": str(self.month),
            "issued": list(self.issued),
            "already_issued": self.already_issued,
            "refused": [{"customer": found.customer, "reason": found.reason} for found in self.refused],
            "not_due": list(self.not_due),
            "blocked_by": list(self.blocked_by),
            "resumed": self.resumed,
            **({"nothing_to_bill": list(self.nothing_to_bill)} if self.nothing_to_bill else {}),
        }


@dataclass(frozen=True, slots=True)
class Interim:
    """Whom to bill early: these customers, or (None) everybody who reached the threshold of the contract."""

    customers: tuple[str, ...] | None = None

    @classmethod
    def of(cls, pins: Content) -> Interim | None:
        """What a run was started for; None for the close of a period."""
        if pins.get("kind") != "interim":
            return None
        named = pins.get("customers")
        return cls(None if named is None else tuple(named))

    def pins(self) -> Content:
        """What a run remembers of it."""
        named = None if self.customers is None else list(self.customers)
        return {"kind": "interim", **({} if named is None else {"customers": named})}

    def wants(self, invoice: Invoice) -> bool:
        """Whether a customer is to be billed, and there is something to bill."""
        if self.customers is None:
            return invoice.reaches_interim and invoice.net_minor > 0
        return invoice.customer in self.customers and invoice.net_minor > 0


@dataclass(frozen=True, slots=True)
class _Todo:
    """What there is to do for a period, decided from pinned inputs at a pinned time."""

    invoices: tuple[Invoice, ...]
    refused: tuple[RefusedCustomer, ...]
    not_due: tuple[str, ...]
    already_issued: int
    nothing_to_bill: tuple[str, ...] = ()


def close_period(
    database: Database,
    month: Month,
    folder: Folder,
    *,
    clock: Clock,
    grace: timedelta = timedelta(0),
    require_approval: bool = False,
    interim: Interim | None = None,
    progress: Progress | None = None,
) -> Closed:
    """Issue the invoices of a period: each due customer gets one, once.

    Args:
        month: the period.
        folder: prices, contracts and attribution rules. A run that was cut off keeps to what it pinned instead.
        grace: how long after its end a period stays open for late records.
        require_approval: refuse customers whose preview was not approved as it stands.
        interim: bill what has accrued so far instead, of the customers that this names or that reached the threshold
            of their contract; the invoices of the period then bill the rest.
        progress: told (done, all) after each invoice.

    Raises:
        Refused: when another close of the period took over.
    """
    now = clock.now()
    with database.read() as connection:
        inputs, seq = newest_inputs(connection, folder)
        cut_off = open_run(connection, str(month))
        if cut_off is None:
            pins = {**inputs.pins(seq), **({} if interim is None else interim.pins())}
            kind: InvoiceKind = "period" if interim is None else "interim"
            computed = compute_period(connection, month, inputs.books(), seq, kind=kind)
    if cut_off is not None:
        resumed = _resume(database, month, cut_off, clock, grace, require_approval, progress)
        if Interim.of(cut_off.pins) == interim:
            return resumed
        again = close_period(
            database,
            month,
            folder,
            clock=clock,
            grace=grace,
            require_approval=require_approval,
            interim=interim,
            progress=progress,
        )
        return replace(again, issued=(*resumed.issued, *again.issued), resumed=True)
    if interim is None and computed.unattributed.blocks:
        already = _count_issued(database, month)
        return Closed(month, (), already, (), (), computed.unattributed.blocked_by)
    todo = _todo(database, computed, now, grace, require_approval, interim)
    if not todo.invoices:
        return Closed(month, (), todo.already_issued, todo.refused, todo.not_due, nothing_to_bill=todo.nothing_to_bill)
    run = _start(database, month, inputs, pins, now)
    if run is None:  # another process began a run since we looked
        return close_period(
            database,
            month,
            folder,
            clock=clock,
            grace=grace,
            require_approval=require_approval,
            interim=interim,
            progress=progress,
        )
    return _issue_all(database, run, todo, month, clock, require_approval, progress)


def _start(database: Database, month: Month, inputs: Inputs, pins: Content, at: datetime) -> CloseRun | None:
    try:
        with database.write() as connection:
            keep_recordings(connection, inputs.recordings(), at)
            run = start_run(connection, str(month), pins, at)
            append_audit(connection, "close.started", {"period": str(month), "run": run.id, "pins": pins}, at=at)
            return run
    except IntegrityError:  # one open run a period: the other one was first
        return None


def _resume(
    database: Database,
    month: Month,
    cut_off: CloseRun,
    clock: Clock,
    grace: timedelta,
    require_approval: bool,
    progress: Progress | None,
) -> Closed:
    with database.write() as connection:
        run = take_over(connection, cut_off)
        append_audit(
            connection,
            "close.resumed",
            {"period": str(month), "run": run.id, "epoch": run.epoch},
            at=clock.now(),
        )
    with database.read() as connection:
        inputs = pinned_inputs(connection, run.pins)
        interim = Interim.of(run.pins)
        kind: InvoiceKind = "period" if interim is None else "interim"
        computed = compute_period(connection, month, inputs.books(), run.pins["s"], kind=kind)
    todo = _todo(database, computed, run.started_at, grace, require_approval, interim)
    return _issue_all(database, run, todo, month, clock, require_approval, progress, resumed=True)


def _todo(
    database: Database,
    computed: Computed,
    at: datetime,
    grace: timedelta,
    require_approval: bool,
    interim: Interim | None,
) -> _Todo:
    with database.read() as connection:
        found = issued_invoices(connection, period=str(computed.month), status="issued")
        issued = {invoice.customer for invoice in found if invoice.kind == "period"}
        reviews = last_reviews(connection, str(computed.month))
    invoices: list[Invoice] = []
    refused: list[RefusedCustomer] = []
    not_due: list[str] = []
    for invoice in computed.invoices:
        if invoice.customer in issued:
            continue
        if interim is not None and not interim.wants(invoice):
            continue
        if interim is None and at < invoice.period.ends_at + grace:
            not_due.append(invoice.customer)
            continue
        reason = invoice.blocked_by or _review_refusal(invoice, reviews.get(invoice.customer), require_approval)
        if reason is None:
            invoices.append(invoice)
        else:
            refused.append(RefusedCustomer(invoice.customer, reason))
    named = () if interim is None or interim.customers is None else interim.customers
    billed = {*(invoice.customer for invoice in invoices), *(found.customer for found in refused)}
    nothing = tuple(customer for customer in named if customer not in billed)
    return _Todo(tuple(invoices), tuple(refused), tuple(not_due), len(issued), nothing)


def _issue_all(
    database: Database,
    run: CloseRun,
    todo: _Todo,
    month: Month,
    clock: Clock,
    require_approval: bool,
    progress: Progress | None,
    *,
    resumed: bool = False,
) -> Closed:
    numbers: list[str] = []
    refused = list(todo.refused)
    for done, invoice in enumerate(todo.invoices, start=1):
        outcome = _issue_one(database, run, invoice, clock, require_approval)
        if isinstance(outcome, RefusedCustomer):
            refused.append(outcome)
        elif outcome is not None:
            numbers.append(outcome)
        if progress is not None:
            progress(done, len(todo.invoices))
    with database.write() as connection:
        at = clock.now()
        finish_run(connection, run, "done", at)
        append_audit(
            connection,
            "close.finished",
            {"period": str(month), "run": run.id, "issued": len(numbers), "refused": len(refused)},
            at=at,
        )
    refused.sort(key=lambda found: found.customer.encode())
    already = todo.already_issued + len(todo.invoices) + len(todo.refused) - len(numbers) - len(refused)
    return Closed(
        month,
        tuple(numbers),
        already,
        tuple(refused),
        todo.not_due,
        resumed=resumed,
        nothing_to_bill=todo.nothing_to_bill,
    )


def _issue_one(
    database: Database, run: CloseRun, invoice: Invoice, clock: Clock, require_approval: bool
) -> str | RefusedCustomer | None:
    with database.write() as connection:
        hold_run(connection, run)
        hold_counter(connection, "invoice")  # a review waits for the issue, or the issue for the review
        # A hold may have come since the run began; it counts until the very moment of issue.
        review = last_reviews(connection, run.period, invoice.customer).get(invoice.customer)
        reason = _review_refusal(invoice, review, require_approval) or _carried_refusal(connection, run, invoice)
        if reason is not None:
            return RefusedCustomer(invoice.customer, reason)
        number = issue(connection, run, invoice)
        if number is not None:
            append_audit(connection, "invoice.issued", entry_of_issue(connection, number), at=clock.now())
        return number


def _review_refusal(invoice: Invoice, review: Review | None, require_approval: bool) -> str | None:
    if review is not None and review.kind == "held":
        return f"held by {review.by}: {review.note}"
    if not require_approval or invoice.kind == "interim":
        return None
    if review is None or review.kind != "approved":
        return "its preview was not approved"
    if review.content_hash != invoice.content_hash:
        return f"the approval by {review.by} is stale: the invoice has changed since"
    return None


def _carried_refusal(connection: Connection, run: CloseRun, invoice: Invoice) -> str | None:
    """Whether another document was issued since this one was computed, and changed what it would have to carry on."""
    found = carried_by_customer(connection, run.period, customer=invoice.customer)
    if found.get((invoice.customer, invoice.currency), NOTHING_CARRIED) == invoice.carried:
        return None
    return "another invoice was issued to it meanwhile, and changed what this one carries on; close again"


def _count_issued(database: Database, month: Month) -> int:
    with database.read() as connection:
        found = issued_invoices(connection, period=str(month), status="issued")
        return sum(invoice.kind == "period" for invoice in found)
