"""Corrections on the documents of a month: as lines of its invoices, or as credit notes of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from tokentill.canonical import Content, canonical_bytes
from tokentill.closing.computation.corrections import Correction
from tokentill.errors import ensure
from tokentill.invoicing.carried import OpenBalance
from tokentill.invoicing.commitments import DRAWN_KINDS
from tokentill.invoicing.corrections import Adjustment, adjustment_in
from tokentill.invoicing.coverage import Ownership
from tokentill.invoicing.forms import InvoiceKind
from tokentill.invoicing.invoice import Invoice, credit_note
from tokentill.invoicing.obstacles import Obstacle
from tokentill.invoicing.periods import Month
from tokentill.invoicing.rating_groups import Books
from tokentill.prices.fx import NoRate
from tokentill.store.issued.invoices import IssuedInvoice, issued_invoices
from tokentill.store.issued.ledger import LedgerRow, stored_rows


@dataclass(frozen=True, slots=True)
class BilledCorrection:
    """A correction with its adjustment as the invoice of who pays says it."""

    correction: Correction
    adjustment: Adjustment | None
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True)
class Corrected:
    """The corrections that are due when a month is closed.

    `by_payer` are those that the invoice of a payer is to bill, `notes` those that are credit notes, and `waiting`
    those of the month itself, which the next invoice bills.
    """

    by_payer: Mapping[str, Sequence[BilledCorrection]] = field(default_factory=dict)
    notes: tuple[Correction, ...] = ()
    waiting: tuple[Correction, ...] = ()

    @classmethod
    def of(cls, month: Month, due: Mapping[str, Sequence[Correction]], ownership: Ownership, books: Books) -> Corrected:
        """Put corrections on documents."""
        by_payer: dict[str, list[BilledCorrection]] = {}
        notes: list[Correction] = []
        waiting: list[Correction] = []
        for payer, corrections in sorted(due.items(), key=lambda item: item[0].encode()):
            bills_to = ownership.payer(payer)
            for correction in corrections:
                if _is_note(correction, month, books):
                    notes.append(correction)
                elif correction.period.month < month:
                    billed = _billed(correction, bills_to, ownership, books)
                    by_payer.setdefault(bills_to, []).append(billed)
                else:
                    waiting.append(correction)
        return cls(by_payer, tuple(notes), tuple(waiting))

    def adjustments(self, payer: str) -> list[Adjustment]:
        """What the invoice of a payer bills of them."""
        return [billed.adjustment for billed in self.by_payer.get(payer, ()) if billed.adjustment is not None]

    def noted(self, payer: str) -> list[Adjustment]:
        """What the credit notes of a payer give back."""
        return [note.adjustment for note in self.notes if note.payer == payer and note.adjustment is not None]

    @property
    def balances(self) -> dict[str, list[OpenBalance]]:
        """What credit notes carry on in their customers' accounts."""
        balances: dict[str, list[OpenBalance]] = {}
        for note in self.notes:
            if note.adjustment is not None and note.adjustment.due_minor:
                balance = OpenBalance(note.payer, note.adjustment.currency, note.adjustment.due_minor)
                balances.setdefault(note.payer, []).append(balance)
        return balances

    def obstacles(self, payer: str) -> tuple[Obstacle, ...]:
        """What keeps the corrections of a payer from being billed, and so its invoice."""
        return tuple(one for billed in self.by_payer.get(payer, ()) for one in billed.obstacles)

    def failed(self, payer: str) -> str | None:
        """Why a payer has no invoice that could be computed."""
        reasons = (billed.correction.failed for billed in self.by_payer.get(payer, ()))
        return next((reason for reason in reasons if reason is not None), None)


NOTHING_CORRECTED = Corrected()


def note_of(correction: Correction) -> Invoice:
    """A correction as a credit note."""
    ensure(correction.adjustment is not None, "a correction that cannot be computed is no credit note")
    return credit_note(correction.payer, correction.period, correction.adjustment)  # type: ignore[arg-type]


def _is_note(correction: Correction, month: Month, books: Books) -> bool:
    """Whether a contract wants a credit note. What is to be paid, or cannot be computed yet, goes on an invoice, and so
    does what is more than is left of the document that it corrects.
    """
    adjustment = correction.adjustment
    if adjustment is None or correction.obstacles or correction.period.month > month:
        return False
    terms = books.contracts.invoice_terms(correction.payer, correction.period.last_instant)
    is_wanted = terms.adjustments == "credit-note"
    return is_wanted and adjustment.total_minor < 0 and -adjustment.total_minor <= correction.left_minor


def _billed(correction: Correction, payer: str, ownership: Ownership, books: Books) -> BilledCorrection:
    adjustment, month = correction.adjustment, ownership.periods.month
    if adjustment is None:
        return BilledCorrection(correction, None)
    obstacles = correction.obstacles
    if payer != correction.payer:
        adjustment = adjustment.of_child(correction.payer)
    currency = ownership.currency(payer)
    if currency != adjustment.currency:
        rate = books.fx.rate(adjustment.currency, currency, ownership.periods.of(payer).last_day)
        if isinstance(rate, NoRate):
            reason = f"the correction of {correction.document.period} cannot be converted: {rate.reason}"
            return BilledCorrection(correction, None, (*obstacles, Obstacle("uncarried", month, (payer,), reason)))
        adjustment = adjustment.converted(currency, rate)
    return BilledCorrection(correction, adjustment, obstacles)


def issued_adjustments(
    connection: Connection, month: Month, payers: Collection[str], ownership: Ownership, kind: InvoiceKind
) -> dict[str, list[Adjustment]]:
    """The adjustments on the invoices of a month that are issued, for what would stand in their place now."""
    issued = [payer for payer in payers if ownership.is_issued(payer)] if kind == "period" else []
    if not issued:
        return {}
    only = issued[0] if len(issued) == 1 else None
    documents = issued_invoices(connection, period=str(month), customer=only, status="issued")
    chosen = frozenset(issued)
    return {
        document.customer: _adjustments_in(document, stored_rows(connection, document.id))
        for document in documents
        if document.kind == "period" and document.customer in chosen
    }


def _adjustments_in(document: IssuedInvoice, rows: Iterable[LedgerRow]) -> list[Adjustment]:
    content = document.content
    by_key: dict[bytes, tuple[Content, list[Content]]] = {}
    for line in content["lines"]:
        if line["kind"] == "adjustment":
            key = canonical_bytes(line["corrects"])
            by_key.setdefault(key, (line["corrects"], []))[1].append(line)
    items = [item for item in content.get("items", ()) if item.get("corrects") is not None]
    adjustments = (adjustment_in(corrects, lines, items, document.currency) for corrects, lines in by_key.values())
    drawn: dict[str, dict[tuple[str, str], int]] = {}
    coupons: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.period and row.customer == document.customer:
            if row.kind in DRAWN_KINDS:
                drawn.setdefault(row.period, {})[row.kind, row.name] = row.amount_minor
            elif row.kind == "coupon":
                coupons.setdefault(row.period, {})[row.name] = row.amount_minor
    listed = []
    for one in adjustments:
        period = one.corrects.period
        billed = replace(one.billed, drawn=drawn.pop(period, {}), coupons=coupons.pop(period, {}))
        listed.append(billed if one.original is None else replace(one, original=billed))
    return listed
