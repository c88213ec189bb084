"""Computing issued invoices again from their pins, and checking that the database is whole.

Needs the database alone: the recordings that an invoice used are kept in it under their hashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy import Connection

from tokentill.canonical import Content, canonical_bytes, fields_of
from tokentill.closing.compute import Computed, compute_period
from tokentill.closing.pins import engine_fault, pinned_inputs, zone_fault
from tokentill.errors import IntegrityFault
from tokentill.invoicing.periods import Month
from tokentill.store.consistency import check_agreement
from tokentill.store.documents import coverage_of, periods_of
from tokentill.store.invoices import IssuedInvoice
from tokentill.store.ledger import rows_of, stored_rows

_PLACE = attrgetter("series_id", "starts_at", "seq_after")


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
    """What was verified, and the faults of the database as a whole.

    `pricing` are the sets of prices and of contracts that the invoices were computed with, from the copies in the
    database: the hashes of both, and how many invoices.
    """

    invoices: tuple[Verified, ...]
    faults: tuple[str, ...]
    pricing: tuple[tuple[str, str, int], ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and all(verified.fault is None for verified in self.invoices)

    def content(self) -> Content:
        """What `verify --json` prints."""
        named = ("number", "customer", "period", "content_hash", "fault")
        return {
            "verified": sum(verified.fault is None for verified in self.invoices),
            "faults": list(self.faults),
            "invoices": [fields_of(verified, *named) for verified in self.invoices],
            "pricing": [{"a": a, "b": b, "invoices": count} for a, b, count in self.pricing],
        }


def verify_invoices(connection: Connection, invoices: Sequence[IssuedInvoice], *, whole: bool) -> Verification:
    """See that what is stored agrees with itself, and compute invoices again where it does.

    `whole` also checks what concerns the whole database: its guards, the series of numbers, the audit chain, and that
    no record is on two documents.
    """
    checked = check_agreement(connection, {issued.number for issued in invoices}, whole=whole)
    faults = [fault for check in checked for fault in check.faults]
    fault_of: dict[str, str | None] = {
        fault.number: f"{fault.message}: the database was changed by hand; compare it with a backup"
        for fault in reversed(faults)
        if fault.number is not None
    }
    runs: dict[tuple[str, str, bytes], list[IssuedInvoice]] = {}
    for issued in invoices:
        if issued.number not in fault_of:
            in_common = (issued.period, issued.kind, canonical_bytes(issued.pins))
            runs.setdefault(in_common, []).append(issued)
    for run in runs.values():
        computed = _compute(connection, run)
        fault_of |= {issued.number: _fault(connection, issued, computed) for issued in run}
    verified = [
        Verified(issued.number, issued.customer, issued.period, issued.content_hash, fault_of[issued.number])
        for issued in invoices
    ]
    sets = Counter((issued.pins.get("a", ""), issued.pins.get("b", "")) for issued in invoices)
    return Verification(
        tuple(verified),
        tuple(fault.message for fault in faults if fault.number is None),
        tuple((*pair, number) for pair, number in sorted(sets.items())),
    )


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
            manual=first.pins.get("m", 0),
            only=first.customer if len(run) == 1 else None,
            version=first.pins["f"],
        )
    except (IntegrityFault, LookupError, ValueError) as fault:  # what was changed by hand may be anything
        return f"it cannot be computed again: {fault}"


def _fault(connection: Connection, issued: IssuedInvoice, computed: Computed | str) -> str | None:
    """What differs from what was stored when the invoice is computed again, or None."""
    if isinstance(computed, str):
        return computed
    again = next((invoice for invoice in computed.invoices if invoice.customer == issued.customer), None)
    if again is None:
        return computed.failed.get(issued.customer, "the customer has no usage at its pins")
    if canonical_bytes(again.content()) != issued.content_bytes:
        zones = zone_fault(issued.pins)
        hint = "" if zones is None else f" (it was computed with {zones})"
        return f"computed again it comes to {again.content_hash}, not {issued.content_hash}{hint}"
    if stored_rows(connection, issued.id) != rows_of(again):
        return "what it carries on is not what its content says: the database was changed by hand"
    covered = sorted((segment.covered() for segment in computed.segments(issued.customer)), key=_PLACE)
    if covered != sorted(coverage_of(connection, issued.id), key=_PLACE):
        return "what it covers is not what its pins say: the database was changed by hand"
    ended = {customer: (period.starts_at, period.ends_at) for customer, period in computed.members[issued.customer]}
    if periods_of(connection, issued.id) != (ended if issued.kind == "period" else {}):
        return "the periods that it ends are not those that its pins say: the database was changed by hand"
    return None
