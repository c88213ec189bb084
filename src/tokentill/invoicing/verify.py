"""Computing issued invoices again from their pins, and checking that the database is whole.

Needs the database alone: the recordings that an invoice used are kept in it under their hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from tokentill.canonical import Content, canonical_bytes
from tokentill.errors import IntegrityFault
from tokentill.invoicing.computing import compute_period
from tokentill.invoicing.invoice import VERSION_OF_F, Invoice
from tokentill.invoicing.periods import Month
from tokentill.invoicing.pins import pinned_inputs
from tokentill.store.agreement import check_agreement
from tokentill.store.invoices import IssuedInvoice


@dataclass(frozen=True, slots=True)
class Verified:
    """One invoice, and what is wrong with it (None: nothing)."""

    number: str
    customer: str
    period: str
    content_hash: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What was verified, and the faults of the database as a whole."""

    invoices: tuple[Verified, ...]
    faults: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and all(found.fault is None for found in self.invoices)

    def content(self) -> Content:
        """What `verify --json` prints."""
        return {
            "verified": sum(found.fault is None for found in self.invoices),
            "faults": list(self.faults),
            "invoices": [
                {
                    "number": found.number,
                    "customer": found.customer,
                    "period": found.period,
                    "content_hash": found.content_hash,
                    "fault": found.fault,
                }
                for found in self.invoices
            ],
        }


def verify_invoices(connection: Connection, invoices: Sequence[IssuedInvoice], *, whole: bool) -> Verification:
    """See that what is stored agrees with itself, and compute invoices again where it does.

    `whole` also checks what concerns the whole database: its guards, the series of numbers, the audit chain.
    """
    checked = check_agreement(connection, {issued.number for issued in invoices}, whole=whole)
    faults = [fault for found in checked for fault in found.faults]
    fault_of: dict[str, str | None] = {
        fault.number: f"{fault.message}: the database was changed by hand; compare it with a backup"
        for fault in reversed(faults)
        if fault.number is not None
    }
    runs: dict[tuple[str, str, bytes], list[IssuedInvoice]] = {}
    for issued in invoices:
        if issued.number not in fault_of:
            runs.setdefault(_run_key(issued), []).append(issued)
    for run in runs.values():
        fault_of |= _faults(connection, run)
    verified = [
        Verified(issued.number, issued.customer, issued.period, issued.content_hash, fault_of[issued.number])
        for issued in invoices
    ]
    return Verification(tuple(verified), tuple(fault.message for fault in faults if fault.number is None))


def _faults(connection: Connection, run: Sequence[IssuedInvoice]) -> dict[str, str | None]:
    """What comes out otherwise than it was stored, of invoices that are computed at once."""
    try:
        computed = _compute(connection, run)
    except (IntegrityFault, LookupError, ValueError) as fault:  # what was changed by hand may be anything
        return {issued.number: f"it cannot be computed again: {fault}" for issued in run}
    return {issued.number: _fault(issued, computed.get(issued.customer)) for issued in run}


def _run_key(issued: IssuedInvoice) -> tuple[str, str, bytes]:
    """What the invoices have in common that are computed at once."""
    return (issued.period, issued.kind, canonical_bytes(issued.pins))


def _compute(connection: Connection, run: Sequence[IssuedInvoice]) -> dict[str, Invoice]:
    first = run[0]
    if first.pins["f"] != VERSION_OF_F:
        raise IntegrityFault(
            f"{first.number} was computed by version {first.pins['f']} of the calculation, and this tokentill has"
            f" {VERSION_OF_F}; verify it with the version that issued it"
        )
    books = pinned_inputs(connection, first.pins).books()
    found = compute_period(
        connection,
        Month.parse(first.period),
        books,
        first.pins["s"],
        kind=first.kind,
        before={issued.customer: issued.id for issued in run},
    )
    return {invoice.customer: invoice for invoice in found.invoices}


def _fault(issued: IssuedInvoice, computed: Invoice | None) -> str | None:
    if computed is None:
        return "the customer has no usage at its pins"
    if canonical_bytes(computed.content()) != issued.content_bytes:
        return f"computed again it comes to {computed.content_hash}, not {issued.content_hash}"
    return None
