"""Working issued invoices out again from their pins, and checking that the database is whole.

Needs the database alone: the recordings that an invoice used are kept in it under their hashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy import Connection

from tokentill.canonical import Content, canonical_bytes, fields_of
from tokentill.closing.computation.compute import Computed, compute_period
from tokentill.closing.computation.corrected import note_of
from tokentill.closing.computation.corrections import Correction
from tokentill.closing.computation.pins import engine_fault, pinned_inputs, zone_fault
from tokentill.errors import IntegrityFault
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.periods import Month
from tokentill.store.checks.consistency import Checked, StoreFault, check_agreement
from tokentill.store.issued.documents import corrections_on, coverage_of, periods_of
from tokentill.store.issued.invoices import IssuedInvoice, issued_invoices
from tokentill.store.issued.ledger import rows_of, stored_rows
from tokentill.verification.census import take_census, versions_in_force
from tokentill.verification.verifying import verify_documents

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
    database: the hashes of both, and how many invoices. `is_replayed` says that they were also computed with the code
    that makes invoices now.
    """

    invoices: tuple[Verified, ...]
    faults: tuple[str, ...]
    pricing: tuple[tuple[str, str, int], ...] = ()
    is_replayed: bool = False

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
            "replayed": self.is_replayed,
        }


def verify_invoices(
    connection: Connection, invoices: Sequence[IssuedInvoice], *, whole: bool, replay: bool = False
) -> Verification:
    """See that what is stored agrees with itself, and work invoices out independently where it does.

    What decides is `tokentill.verification`, which shares no code with what computed them. `replay` also computes them
    again with the code of the close.

    `whole` also checks what concerns the whole database: its guards, the series of numbers, the audit chain, and that
    no record is on two documents.
    """
    pins_of = {issued.number: issued.pins for issued in invoices}
    checked = check_agreement(connection, {issued.number for issued in invoices}, whole=whole)
    faults = [fault for check in checked for fault in check.faults]
    fault_of: dict[str, str | None] = {
        fault.number: f"{fault.message}: the database was changed by hand; compare it with a backup"
        for fault in reversed(faults)
        if fault.number is not None
    }
    for issued in invoices:
        if issued.number not in fault_of and (fault := engine_fault(issued.pins)):
            fault_of[issued.number] = f"it was computed by {fault}; verify it with the version that issued it"
    whole_ones = [issued for issued in invoices if issued.number not in fault_of]
    for number, difference in verify_documents(connection, {issued.number for issued in whole_ones}):
        zones = zone_fault(pins_of[number]) if difference is not None else None
        hint = "" if zones is None else f" (it was computed with {zones})"
        fault_of[number] = None if difference is None else f"{difference}{hint}"
    if replay:
        fault_of |= {number: fault for number, fault in replayed(connection, whole_ones) if fault is not None}
    verified = [
        Verified(issued.number, issued.customer, issued.period, issued.content_hash, fault_of[issued.number])
        for issued in invoices
    ]
    sets = Counter((issued.pins.get("a", ""), issued.pins.get("b", "")) for issued in invoices)
    return Verification(
        tuple(verified),
        tuple(fault.message for fault in faults if fault.number is None),
        tuple((*pair, number) for pair, number in sorted(sets.items())),
        replay,
    )


def independent_checks(connection: Connection, beside: Collection[str | None]) -> tuple[Checked, ...]:
    """The checks of `db check` that work something out: where each record is, what holds in one version, and what all
    documents come to, but for those of which something is known to be wrong.
    """
    issued = {one.number: one for one in issued_invoices(connection) if one.number not in beside}
    known = {number for number, one in issued.items() if engine_fault(one.pins) is None}
    faults = [StoreFault(number, fault) for number, fault in verify_documents(connection, known) if fault is not None]
    faults += [
        StoreFault(number, f"it was computed by {engine_fault(issued[number].pins)}")
        for number in issued
        if number not in known
    ]
    versions, alike = versions_in_force(connection)
    census = take_census(connection)
    return (
        Checked(
            "records_are_each_in_one_place", census.records, "records", _of_database(census.faults), census.figures
        ),
        Checked("prices_and_rules_hold_in_one_version", versions, "versions", _of_database(alike)),
        Checked("documents_are_what_their_records_come_to", len(issued), "documents", tuple(faults)),
    )


def _of_database(messages: Iterable[str]) -> tuple[StoreFault, ...]:
    return tuple(StoreFault(None, message) for message in messages)


def replayed(connection: Connection, invoices: Sequence[IssuedInvoice]) -> Iterator[tuple[str, str | None]]:
    """Compute invoices again with the code that computes them now: the number of each, and how it differs (None: it
    comes to the same bytes).
    """
    runs: dict[tuple[str, str, bytes], list[IssuedInvoice]] = {}
    for issued in invoices:
        runs.setdefault((issued.period, issued.kind, canonical_bytes(issued.pins)), []).append(issued)
    for run in runs.values():
        computed = _compute(connection, run)
        yield from ((issued.number, _fault(connection, issued, computed)) for issued in run)


def _compute(connection: Connection, run: Sequence[IssuedInvoice]) -> Computed | str:
    """A period at the pins of some of its invoices, or why it cannot be computed again."""
    first = run[0]
    try:
        inputs = pinned_inputs(connection, first.pins)
        return compute_period(
            connection,
            Month.parse(first.period),
            inputs.books(),
            first.pins["s"],
            kind="period" if first.kind == "credit-note" else first.kind,
            position=first.pins["l"],
            manual=first.pins.get("m", 0),
            only=first.customer if len(run) == 1 else None,
            version=first.pins["f"],
            inputs=inputs,
        )
    except (IntegrityFault, LookupError, ValueError) as fault:  # what was changed by hand may be anything
        return f"it cannot be computed again: {fault}"


def _fault(connection: Connection, issued: IssuedInvoice, computed: Computed | str) -> str | None:
    """What differs from what was stored when the invoice is computed again, or None."""
    if isinstance(computed, str):
        return computed
    again = _again(issued, computed)
    if again is None:
        return computed.failed.get(issued.customer, "the customer has no usage at its pins")
    if canonical_bytes(again.content()) != issued.content_bytes:
        zones = zone_fault(issued.pins)
        hint = "" if zones is None else f" (it was computed with {zones})"
        return f"computed again it comes to {again.content_hash}, not {issued.content_hash}{hint}"
    if stored_rows(connection, issued.id) != rows_of(again):
        return "what it carries on is not what its content says: the database was changed by hand"
    segments = () if issued.kind == "credit-note" else computed.segments(issued.customer)
    covered = sorted((segment.covered() for segment in segments), key=_PLACE)
    if covered != sorted(coverage_of(connection, issued.id), key=_PLACE):
        return "what it covers is not what its pins say: the database was changed by hand"
    corrected = _corrected(issued, computed)
    if corrections_on(connection, issued.id) != {one.stored() for one in corrected}:
        return "what it corrects is not what its pins say: the database was changed by hand"
    for one in corrected:
        covered_now = coverage_of(connection, issued.id, one.document.period, one.payer)
        if sorted(one.covered, key=_PLACE) != sorted(covered_now, key=_PLACE):
            return f"what it covers of {one.document.period} is not what its pins say: the database was changed by hand"
    members = computed.members[issued.customer] if issued.kind == "period" else ()
    ended = {customer: (period.starts_at, period.ends_at) for customer, period in members}
    if periods_of(connection, issued.id) != ended:
        return "the periods that it ends are not those that its pins say: the database was changed by hand"
    return None


def _again(issued: IssuedInvoice, computed: Computed) -> Invoice | None:
    """The document as it was computed again, or None where there is none."""
    if issued.kind == "credit-note":
        return next((note_of(one) for one in _corrected(issued, computed)), None)
    return next((invoice for invoice in computed.invoices if invoice.customer == issued.customer), None)


def _corrected(issued: IssuedInvoice, computed: Computed) -> list[Correction]:
    """The corrections that a document is to bill."""
    corrected = computed.corrected
    if issued.kind == "credit-note":
        billed = (one.correction for listed in corrected.by_payer.values() for one in listed)
        every = (*corrected.notes, *corrected.waiting, *billed)
        return [one for one in every if (one.payer, one.document.period) == (issued.customer, issued.period)]
    if issued.kind != "period":
        return []
    return [one.correction for one in corrected.by_payer.get(issued.customer, ())]
