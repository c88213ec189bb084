"""Issuing the documents of a run: many in one short transaction that holds the run, each of them once.

Whatever may have changed since they were computed is looked at in that transaction. If one of its documents cannot be
issued after all, nothing of the transaction stays, and each group of documents is tried by itself.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from tokentill.clock import Clock
from tokentill.closing.close_options import CloseOptions
from tokentill.closing.closed import RefusedCustomer, refused_customer
from tokentill.closing.groups import IssueGroup, ToIssue
from tokentill.invoicing.carried import NOTHING_CARRIED, Carried, pending
from tokentill.invoicing.corrections import drawn_by
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.obstacles import Obstacle
from tokentill.invoicing.periods import Month
from tokentill.store.audit import actor_here, append_audits
from tokentill.store.checks.holdings import entries_of_issues
from tokentill.store.database import Database, hold_counter
from tokentill.store.issued.corrections import issued_or_void_since
from tokentill.store.issued.documents import first_clash
from tokentill.store.issued.invoices import CloseRun, hold_run, issue, last_reviews
from tokentill.store.issued.ledger import carried_by_customer, rows_of
from tokentill.store.issued.manual_lines import changed_since

CloseProgress = Callable[[int, int], None]

DOCUMENTS_AT_ONCE = 100
"""So many documents are issued in one transaction, which waits for the disk once. The first ones come one, two, four at
a time: a mistake shows early, and a small run is several transactions, as a large one is.
"""


@dataclass(slots=True)
class Issued:
    """What a run has issued so far, and whom it refused.

    `totals` are in minor units by currency; `corrected` are the closed periods that a document corrects.
    """

    numbers: list[str] = field(default_factory=list)
    credit_notes: list[str] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)
    refused: list[RefusedCustomer] = field(default_factory=list)
    corrected: set[tuple[str, Month]] = field(default_factory=set)
    already_issued: int = 0

    def add(self, documents: Iterable[ToIssue], numbers: Sequence[str | None]) -> None:
        """Count documents with their numbers; None for one that was there already."""
        for document, number in zip(documents, numbers, strict=True):
            if number is None:
                self.already_issued += document.invoice.kind == "period"
                continue
            self.numbers.append(number)
            self.totals[document.invoice.currency] += document.invoice.total_minor
            self.corrected |= {(one.payer, one.period.month) for one in document.corrections}
            if document.is_note:
                self.credit_notes.append(number)


@dataclass(frozen=True, slots=True)
class Issuing:
    """What a run has to issue: groups of documents of a month in their order. `parked` says whose wait for a person,
    and why.
    """

    database: Database
    run: CloseRun
    month: Month
    groups: Sequence[IssueGroup]
    options: CloseOptions
    parked: Mapping[str, str]
    clock: Clock

    def issue_all(self, progress: CloseProgress | None) -> Issued:
        """Issue all groups, each wholly or not at all.

        Args:
            progress: told (done, all) after each transaction.

        Raises:
            Refused: when another process took the run over.
        """
        issued, past = Issued(), 0
        all_documents = sum(len(group.documents) for group in self.groups)
        waiting = deque(_batches(self.groups))
        while waiting:
            groups = waiting.popleft()
            documents = [document for group in groups for document in group.documents]
            try:
                issued.add(documents, self._issue_together(documents))
            except _NotIssued as refusal:  # nothing of the transaction was stored
                if len(groups) > 1:
                    waiting.extendleft([group] for group in reversed(groups))
                    continue
                issued.refused += refusal.of_group(groups[0], self.month)
            past += len(documents)
            if progress is not None:
                progress(past, all_documents)
        return issued

    def _issue_together(self, documents: Sequence[ToIssue]) -> list[str | None]:
        """Issue documents in one transaction, all of them or none.

        Raises:
            _NotIssued: when one of them cannot be issued.
        """
        at, actor = self.clock.now(), self.options.by or actor_here()
        stored: list[tuple[int, str] | None] = []
        with self.database.write() as connection:
            hold_run(connection, self.run)
            hold_counter(connection, "invoice")  # a review waits for the issue, or the issue for the review
            self._refuse_by_word(connection, [one for one in documents if not one.is_note])
            self._refuse_by_correction(connection, [one for one in documents if one.corrections])
            for apart in _apart(documents):
                self._refuse_by_account(connection, [one.invoice for one in apart if not one.is_note])
                stored += issue(connection, self.run, [one.to_store() for one in apart], at=at, actor=actor)
            whose = {one[0]: document.invoice for document, one in zip(documents, stored, strict=True) if one}
            entries = entries_of_issues(connection, list(whose))
            append_audits(connection, "invoice.issued", entries.values(), at=at, actor=actor)
            if clash := first_clash(connection, list(whose), self.month):
                raise _conflict(whose[clash[0]], clash[1])
        return [None if one is None else one[1] for one in stored]

    def _refuse_by_word(self, connection: Connection, documents: Sequence[ToIssue]) -> None:
        """See what people said since the run began: a hold, or a line. It counts up to the moment of issue.

        Raises:
            _NotIssued: when it keeps a document from being issued.
        """
        period, pins = self.run.period, self.run.pins
        reviews = last_reviews(connection, period, [document.invoice.customer for document in documents])
        changed = changed_since(connection, self.month, pins.get("m", 0))
        for document in documents:
            invoice = document.invoice
            review, parked = reviews.get(invoice.customer), self.parked.get(invoice.customer)
            in_the_way = self.options.obstacle(invoice, review, parked)
            if in_the_way is not None:
                raise _NotIssued(invoice.customer, in_the_way)
            if changed & {invoice.customer, *(member for member, _ in document.members)}:
                raise _conflict(invoice, "a line was added to it or removed from it meanwhile; close again")

    def _refuse_by_correction(self, connection: Connection, documents: Sequence[ToIssue]) -> None:
        """See whether what documents correct was corrected or made void since these were computed.

        Raises:
            _NotIssued: when it was.
        """
        if not documents:
            return
        since = issued_or_void_since(connection, self.run.pins.get("l", 0), but_of=self.run.id)
        for document in documents:
            for correction in (one.stored() for one in document.corrections):
                other = next((one for one in since if one.changes(correction)), None)
                if other is not None:
                    reason = f"what it corrects is not as it was since {other.number}; close again"
                    raise _conflict(document.invoice, reason)

    def _refuse_by_account(self, connection: Connection, invoices: Sequence[Invoice]) -> None:
        """See whether documents were issued since these were computed, and changed what they have to carry on.

        Raises:
            _NotIssued: when they did.
        """
        holders = {holder for invoice in invoices for holder in _holders(invoice)}
        carried = carried_by_customer(connection, self.run.period, customers=holders) if holders else {}
        for invoice in invoices:
            if _carried_now(invoice, carried) != invoice.carried:
                reason = "another invoice was issued to it meanwhile, and changed what this one carries on; close again"
                raise _conflict(invoice, reason)


def _batches(groups: Sequence[IssueGroup]) -> Iterator[Sequence[IssueGroup]]:
    """Groups in their order, in parts of twice as many documents as before, up to so many as are issued at once."""
    part: list[IssueGroup] = []
    size, documents = 1, 0
    for group in groups:
        part.append(group)
        documents += len(group.documents)
        if documents >= size:
            yield part
            part, documents, size = [], 0, min(2 * size, DOCUMENTS_AT_ONCE)
    if part:
        yield part


def _apart(documents: Sequence[ToIssue]) -> Iterator[Sequence[ToIssue]]:
    """Documents in their order, in parts of which none changes an account that another one carries on."""
    part: list[ToIssue] = []
    touched: set[str] = set()
    for document in documents:
        accounts = _holders(document.invoice) | {row.customer for row in rows_of(document.invoice)}
        if touched & accounts:
            yield part
            part, touched = [], set()
        part.append(document)
        touched |= accounts
    if part:
        yield part


def _holders(invoice: Invoice) -> set[str]:
    """Whose accounts an invoice carries on."""
    return {invoice.customer, *(balance.customer for balance in invoice.carried.balances)}


def _carried_now(invoice: Invoice, carried: Mapping[str, Carried]) -> Carried:
    """What an invoice would have to carry on now."""
    balances = invoice.carried.balances
    openings = [
        pending(balance.opening, carried.get(balance.customer, NOTHING_CARRIED))
        for balance in balances
        if balance.opening is not None
    ]
    others = [carried[holder] for holder in _holders(invoice) - {invoice.customer} if holder in carried]
    own = carried.get(invoice.customer, NOTHING_CARRIED)
    return own.with_balances_of(others).with_openings(openings).with_drawn(drawn_by(invoice.adjustments))


class _NotIssued(Exception):
    """Why a customer's document is not issued after all; ends the transaction."""

    def __init__(self, customer: str, obstacle: Obstacle) -> None:
        super().__init__(obstacle.reason)
        self.customer, self.obstacle = customer, obstacle

    def of_group(self, group: IssueGroup, month: Month) -> list[RefusedCustomer]:
        """The refusals of everybody in the group."""
        refusals = [RefusedCustomer(self.customer, self.obstacle.reason, (self.obstacle,))]
        others = sorted({document.invoice.customer for document in group.documents} - {self.customer}, key=str.encode)
        reason = f"usage goes between it and {self.customer!r}, who is refused"
        return refusals + [refused_customer("conflict", month, customer, reason) for customer in others]


def _conflict(invoice: Invoice, reason: str) -> _NotIssued:
    return _NotIssued(invoice.customer, Obstacle("conflict", invoice.period.month, (invoice.customer,), reason))
