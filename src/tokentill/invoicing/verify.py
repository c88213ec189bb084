"""Computing issued invoices again from their pins, and checking that the database is whole.

Needs the database alone: the recordings that an invoice used are kept in it under their hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from tokentill.canonical import Content, canonical_bytes, content_hash
from tokentill.errors import IntegrityFault
from tokentill.invoicing.computing import compute_period
from tokentill.invoicing.invoice import VERSION_OF_F, Invoice
from tokentill.invoicing.periods import Month
from tokentill.invoicing.pins import pinned_inputs
from tokentill.store.audit import audit_faults
from tokentill.store.invoices import IssuedInvoice, number_faults


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
    """Compute invoices again, and compare. `whole` also checks the series of numbers and the audit chain."""
    computed: dict[tuple[str, bytes], dict[str, Invoice]] = {}
    verified = []
    for issued in invoices:
        key = (issued.period, canonical_bytes(issued.pins))
        if key not in computed:
            computed[key] = _compute(connection, issued)
        fault = _fault(issued, computed[key].get(issued.customer))
        verified.append(Verified(issued.number, issued.customer, issued.period, issued.content_hash, fault))
    faults = [*number_faults(connection), *audit_faults(connection)] if whole else []
    return Verification(tuple(verified), tuple(faults))


def _compute(connection: Connection, issued: IssuedInvoice) -> dict[str, Invoice]:
    if issued.pins["f"] != VERSION_OF_F:
        raise IntegrityFault(
            f"{issued.number} was computed by version {issued.pins['f']} of the calculation, and this tokentill has"
            f" {VERSION_OF_F}; verify it with the version that issued it"
        )
    books = pinned_inputs(connection, issued.pins).books()
    found = compute_period(connection, Month.parse(issued.period), books, issued.pins["s"])
    return {invoice.customer: invoice for invoice in found.invoices}


def _fault(issued: IssuedInvoice, computed: Invoice | None) -> str | None:
    if canonical_bytes(issued.content) != issued.content_bytes or content_hash(issued.content) != issued.content_hash:
        return "its stored content is not what its hash says: the database was changed by hand"
    if computed is None:
        return "the customer has no usage at its pins"
    if canonical_bytes(computed.content()) != issued.content_bytes:
        return f"computed again it comes to {computed.content_hash}, not {issued.content_hash}"
    return None
