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
from tokentill.money import minor_text
from tokentill.store.audit import audit_faults
from tokentill.store.invoices import IssuedInvoice, number_faults, stored_lines


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
    lines: dict[str, dict[str, list[Content]]] = {}
    verified = []
    for issued in invoices:
        key = (issued.period, canonical_bytes(issued.pins))
        if key not in computed:
            computed[key] = _compute(connection, issued)
        if issued.period not in lines:
            lines[issued.period] = stored_lines(connection, issued.period)
        fault = _fault(issued, lines[issued.period].get(issued.number, []), computed[key].get(issued.customer))
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


def _fault(issued: IssuedInvoice, lines: Sequence[Content], computed: Invoice | None) -> str | None:
    content = issued.content
    if canonical_bytes(content) != issued.content_bytes or content_hash(content) != issued.content_hash:
        return "its stored content is not what its hash says: the database was changed by hand"
    if computed is None:
        return "the customer has no usage at its pins"
    if canonical_bytes(computed.content()) != issued.content_bytes:
        return f"computed again it comes to {computed.content_hash}, not {issued.content_hash}"
    if not _agree(issued, lines, content):
        return "its columns or its lines are not what its content says: the database was changed by hand"
    return None


def _agree(issued: IssuedInvoice, lines: Sequence[Content], content: Content) -> bool:
    """Whether what is stored beside the content, and is what gets listed and pushed, says the same."""
    currency = content["currency"]
    columns = (issued.customer, issued.period, issued.currency, minor_text(issued.total_minor, currency))
    if columns != tuple(content[key] for key in ("customer", "period", "currency", "total")):
        return False
    kept = ("model", "mode", "rule", "requests", "exact_amount", "amount")
    stored = [{**line, "amount": minor_text(line["amount_minor"], currency)} for line in lines]
    return [[line[key] for key in kept] for line in stored] == [
        [line[key] for key in kept] for line in content["lines"]
    ]
