"""Documents that a run issues, in groups of those that go together: all of a group are issued, or none.

A credit note goes with the invoice that brings its amount forward, and where usage went from one customer's issued
period to another's, the document that takes it goes with the one that gives it up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from tokentill.closing.computation.compute import Computed
from tokentill.closing.computation.corrected import note_of
from tokentill.closing.computation.corrections import Correction
from tokentill.invoicing.coverage import CoveredSegment
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.periods import Period
from tokentill.store.issued.invoices import Issue


@dataclass(frozen=True, slots=True)
class ToIssue:
    """A document with what it covers, whose periods it ends, and the corrections on it."""

    invoice: Invoice
    covered: Sequence[CoveredSegment] = ()
    members: Sequence[tuple[str, Period]] = ()
    corrections: Sequence[Correction] = ()

    @property
    def is_note(self) -> bool:
        """Whether it is a credit note, which nobody reviews and which carries nothing on."""
        return self.invoice.kind == "credit-note"

    def to_store(self) -> Issue:
        """As the store takes it."""
        corrections = [(correction.stored(), correction.covered) for correction in self.corrections]
        return Issue(self.invoice, self.covered, self.members, corrections)

    @property
    def order(self) -> tuple[bool, bytes, str]:
        """Credit notes first, then by customer."""
        return (not self.is_note, self.invoice.customer.encode(), str(self.invoice.period.month))


@dataclass(frozen=True, slots=True)
class IssueGroup:
    """Documents that are issued together, in this order."""

    documents: tuple[ToIssue, ...]


def grouped(
    computed: Computed, invoices: Iterable[Invoice], concerns: Callable[[str], bool], refused: Collection[str]
) -> tuple[tuple[IssueGroup, ...], dict[str, str]]:
    """The documents of a run in groups, and why customers have none although nothing else keeps them from it.

    Args:
        invoices: those that may be issued.
        concerns: whether a customer's documents are asked for.
        refused: customers whose invoice is kept back; no credit note takes its place.
    """
    corrected = computed.corrected
    documents = [
        ToIssue(
            invoice,
            [segment.covered() for segment in computed.segments(invoice.customer)],
            computed.members[invoice.customer],
            [one.correction for one in corrected.by_payer.get(invoice.customer, ()) if one.adjustment is not None],
        )
        for invoice in invoices
    ]
    documents += [ToIssue(note_of(one), corrections=(one,)) for one in corrected.notes if concerns(one.payer)]
    if not any(document.corrections for document in documents):
        return tuple(IssueGroup((document,)) for document in sorted(documents, key=_place)), {}
    conflicts: dict[str, str] = {}
    others = [one.correction for listed in corrected.by_payer.values() for one in listed]
    others += [*corrected.notes, *corrected.waiting]
    while (missing := _first_missing(documents, others)) is not None:
        taking, giving = missing
        if giving is not None and giving.payer not in refused and _may_be_note(giving):
            documents.append(ToIssue(note_of(giving), corrections=(giving,)))
            continue
        documents.remove(taking)
        customer = taking.invoice.customer
        given_by = ", ".join(sorted({repr(one) for each in taking.corrections for one in each.takes_from}))
        conflicts[customer] = f"usage that is its now stands on documents of {given_by}, and is not given up yet"
    return _groups(documents), conflicts


def _may_be_note(correction: Correction) -> bool:
    """Whether a correction that others wait for can be a credit note at once."""
    adjustment = correction.adjustment
    return adjustment is not None and not correction.obstacles and 0 <= -adjustment.total_minor <= correction.left_minor


def _first_missing(
    documents: Iterable[ToIssue], corrections: Sequence[Correction]
) -> tuple[ToIssue, Correction | None] | None:
    """A document that takes usage which none of the documents gives up, and the correction that would."""
    listed = list(documents)
    on_documents = {id(one) for document in listed for one in document.corrections}
    for document in listed:
        for taking in document.corrections:
            for payer in sorted(taking.takes_from):
                giving = [one for one in corrections if one.payer == payer and taking.payer in one.gives_to]
                absent = [one for one in giving if id(one) not in on_documents]
                if absent or not giving:
                    return document, absent[0] if absent else None
    return None


def _groups(documents: Sequence[ToIssue]) -> tuple[IssueGroup, ...]:
    """Documents that go together, each group in its order, by the first customer of whose documents each has."""
    joined: dict[str, str] = {}

    def first_of(payer: str) -> str:
        while (before := joined.setdefault(payer, payer)) != payer:
            payer = before
        return payer

    for document in documents:
        payers = {one.payer for one in document.corrections}
        payers |= {payer for one in document.corrections for payer in one.takes_from}
        for payer in payers:
            joined[first_of(payer)] = first_of(document.invoice.customer)
    together: dict[str, list[ToIssue]] = {}
    for document in documents:
        together.setdefault(first_of(document.invoice.customer), []).append(document)
    groups = [IssueGroup(tuple(sorted(listed, key=lambda one: one.order))) for listed in together.values()]
    return tuple(sorted(groups, key=lambda group: min(_place(one) for one in group.documents)))


def _place(document: ToIssue) -> bytes:
    return document.invoice.customer.encode()
