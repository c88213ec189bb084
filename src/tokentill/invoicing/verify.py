"""Computing issued invoices again from their pins, and checking that the database is whole.

Needs the database alone: the recordings that an invoice used are kept in it under their hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tokentill.canonical import Content, canonical_bytes, content_hash
from tokentill.errors import IntegrityFault
from tokentill.invoicing.computing import Computed, compute_period
from tokentill.invoicing.coverage import Covered
from tokentill.invoicing.periods import Month
from tokentill.invoicing.pins import engine_fault, pinned_inputs, zone_fault
from tokentill.money import minor_text
from tokentill.store.audit import audit_faults
from tokentill.store.documents import coverage_of, overlapping_documents, periods_of
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
    """Compute invoices again, and compare. `whole` also checks the series of numbers, the audit chain, and that no
    record is on two documents.
    """
    runs: dict[tuple[str, str, bytes], list[IssuedInvoice]] = {}
    for issued in invoices:
        runs.setdefault(_run_key(issued), []).append(issued)
    computed = {key: _compute(connection, found) for key, found in runs.items()}
    lines: dict[str, dict[str, list[Content]]] = {}
    verified = []
    for issued in invoices:
        if issued.period not in lines:
            lines[issued.period] = stored_lines(connection, issued.period)
        fault = _fault(connection, issued, lines[issued.period].get(issued.number, []), computed[_run_key(issued)])
        verified.append(Verified(issued.number, issued.customer, issued.period, issued.content_hash, fault))
    faults = [*number_faults(connection), *audit_faults(connection), *_covered_twice(connection)] if whole else []
    return Verification(tuple(verified), tuple(faults))


def _run_key(issued: IssuedInvoice) -> tuple[str, str, bytes]:
    """What the invoices have in common that are computed at once."""
    return (issued.period, issued.kind, canonical_bytes(issued.pins))


def _compute(connection: Connection, run: Sequence[IssuedInvoice]) -> Computed | str:
    """A period at the pins of some of its invoices, or why it cannot be computed again."""
    first = run[0]
    if fault := engine_fault(first.pins):
        return f"it was computed by {fault}; verify it with the version that issued it"
    try:
        return compute_period(
            connection,
            Month.parse(first.period),
            pinned_inputs(connection, first.pins).books(),
            first.pins["s"],
            kind=first.kind,
            position=first.pins["l"],
            only=first.customer if len(run) == 1 else None,
        )
    except IntegrityFault as fault:
        return str(fault)


def _covered_twice(connection: Connection) -> list[str]:
    return [f"{one} and {other} cover the same record" for one, other in overlapping_documents(connection)]


def _fault(
    connection: Connection, issued: IssuedInvoice, lines: Sequence[Content], computed: Computed | str
) -> str | None:
    content = issued.content
    if canonical_bytes(content) != issued.content_bytes or content_hash(content) != issued.content_hash:
        return "its stored content is not what its hash says: the database was changed by hand"
    if isinstance(computed, str):
        return computed
    again = next((invoice for invoice in computed.invoices if invoice.customer == issued.customer), None)
    if again is None:
        return computed.failed.get(issued.customer, "the customer has no usage at its pins")
    if canonical_bytes(again.content()) != issued.content_bytes:
        zones = zone_fault(issued.pins)
        other = "" if zones is None else f" (it was computed with {zones})"
        return f"computed again it comes to {again.content_hash}, not {issued.content_hash}{other}"
    rows = rows_of(again)
    if not _agree(issued, lines, content) or stored_rows(connection, issued.id) != rows:
        return "its columns or its lines are not what its content says: the database was changed by hand"
    covered = sorted((stretch.covered() for stretch in computed.stretches(issued.customer)), key=_place)
    if covered != sorted(coverage_of(connection, issued.id), key=_place):
        return "what it covers is not what its pins say: the database was changed by hand"
    ended = {customer: (period.starts_at, period.ends_at) for customer, period in computed.members[issued.customer]}
    if periods_of(connection, issued.id) != (ended if issued.kind == "period" else {}):
        return "the periods that it ends are not those that its pins say: the database was changed by hand"
    return None


def _place(covered: Covered) -> tuple[int, datetime, int]:
    return (covered.series_id, covered.starts_at, covered.seq_after)


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
