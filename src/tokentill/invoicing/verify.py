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
from tokentill.money import minor_text
from tokentill.store.audit import audit_faults
from tokentill.store.invoices import IssuedInvoice, number_faults, stored_lines
from tokentill.store.ledger import rows_of, stored_rows


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
    runs: dict[tuple[str, str, bytes], list[IssuedInvoice]] = {}
    for issued in invoices:
        runs.setdefault(_run_key(issued), []).append(issued)
    computed = {key: _compute(connection, found) for key, found in runs.items()}
    lines: dict[str, dict[str, list[Content]]] = {}
    verified = []
    for issued in invoices:
        if issued.period not in lines:
            lines[issued.period] = stored_lines(connection, issued.period)
        again = computed[_run_key(issued)].get(issued.customer)
        fault = _fault(connection, issued, lines[issued.period].get(issued.number, []), again)
        verified.append(Verified(issued.number, issued.customer, issued.period, issued.content_hash, fault))
    faults = [*number_faults(connection), *audit_faults(connection)] if whole else []
    return Verification(tuple(verified), tuple(faults))


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


def _fault(
    connection: Connection, issued: IssuedInvoice, lines: Sequence[Content], computed: Invoice | None
) -> str | None:
    if not issued.is_whole or canonical_bytes(content := issued.content) != issued.content_bytes:
        return "its stored content is not what its hash says: the database was changed by hand"
    if computed is None:
        return "the customer has no usage at its pins"
    if canonical_bytes(computed.content()) != issued.content_bytes:
        return f"computed again it comes to {computed.content_hash}, not {issued.content_hash}"
    rows = rows_of(computed.settlement, computed.kind)
    if not _agree(issued, lines, content) or stored_rows(connection, issued.id) != rows:
        return "its columns or its lines are not what its content says: the database was changed by hand"
    return None


def _agree(issued: IssuedInvoice, lines: Sequence[Content], content: Content) -> bool:
    """Whether what is stored beside the content, and is what gets listed and pushed, says the same."""
    currency = content["currency"]
    columns = (issued.customer, issued.period, issued.currency, minor_text(issued.total_minor, currency))
    if columns != tuple(content[key] for key in ("customer", "period", "currency", "total")):
        return False
    kept = ("kind", "model", "mode", "rule", "requests", "exact_amount", "amount")
    stored = [{**line, "amount": minor_text(line["amount_minor"], currency)} for line in lines]
    return [[line[key] for key in kept] for line in stored] == [
        [line[key] for key in kept] for line in content["lines"]
    ]
