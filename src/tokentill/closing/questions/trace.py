"""One request forward: its import, its customer, its rule and price, its line, invoice and push, or where it stopped.

What stands on an issued invoice is traced by the pins of that invoice, and the database is enough. Everything else is
traced by prices and contracts as they are now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, get_args

from sqlalchemy import Connection, select

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of
from tokentill.clock import from_micros, instant_text
from tokentill.closing.computation.compute import compute_period
from tokentill.closing.computation.pins import Inputs, newest_inputs, pinned_inputs
from tokentill.closing.questions.explain import (
    ExplainedRecord,
    OwnedKey,
    key_of_line,
    lines_by_of,
    price_entry_of,
    records_by_line,
    records_of_issued,
    rule_of,
)
from tokentill.closing.questions.trace_corrections import TracedCorrection, corrections_of_record, documents_of
from tokentill.errors import NotFound
from tokentill.invoicing.coverage import Ownership, Periods
from tokentill.invoicing.forms import InvoiceKind
from tokentill.invoicing.periods import Month
from tokentill.invoicing.rating_groups import RatingContext, Sums
from tokentill.recordings.load import Folder
from tokentill.store import tables
from tokentill.store.intake.quarantine import QuarantinedLine, quarantined_lines
from tokentill.store.intake.request_rows import counted_instead
from tokentill.store.intake.revisions import Revision, stored_revisions
from tokentill.store.intake.staging import staged_with
from tokentill.store.issued.corrections import CoveringDocument, covering_documents
from tokentill.store.issued.documents import documents_around, numbers_covering
from tokentill.store.issued.invoices import invoice_by_number
from tokentill.store.issued.push_rows import PushRow, rows_of_day
from tokentill.store.usage.aggregates import aggregate_of_record
from tokentill.store.usage.usage_rows import StoredRecord, source_id_of, versions_of
from tokentill.store.usage.withdrawals import withdrawal_of

TraceState = Literal[
    "staged",
    "quarantined",
    "unattributed",
    "missing",
    "unpriced",
    "waived",
    "estimated",
    "retracted",
    "replaced",
    "late",
    "blocked",
    "not closed",
    "issued",
    "pushed",
]
"""How far a request came."""


@dataclass(frozen=True, slots=True)
class TracedVersion(ContentOfFields):
    """One version of a record: the import that brought it, and its live invoices, also interim ones."""

    version: int
    file: str
    came_at: datetime
    seq: int
    digest: str
    invoices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TracedLine(ContentOfFields):
    """A line that a request stands on, and what it adds to it, exactly. `position` counts from 1."""

    position: int
    description: str
    exact_amount: Decimal
    price_entry: Content | None
    rule: Content | None


@dataclass(frozen=True, slots=True)
class RequestTrace:
    """The way of one request. `state` says how far it came, and `why` what keeps it there; `record` is what counts now.

    `because` is what decided the customer, `payer` whose invoice it is, `number` that of the invoice, None for one that
    is not issued. `list_amount` is exact, and as `lines` in `currency`. `corrections` are what
    later documents changed of it, in the order of their issue.
    """

    source: str
    record_id: str
    state: TraceState
    why: str
    record: StoredRecord | None = None
    versions: tuple[TracedVersion, ...] = ()
    revisions: tuple[Revision, ...] = ()
    quarantined: tuple[QuarantinedLine, ...] = ()
    customer: str | None = None
    because: str | None = None
    payer: str | None = None
    period: str | None = None
    number: str | None = None
    currency: str | None = None
    list_amount: Decimal | None = None
    lines: tuple[TracedLine, ...] = ()
    pushes: tuple[PushRow, ...] = ()
    corrections: tuple[TracedCorrection, ...] = ()

    def content(self) -> Content:
        """What `trace --json` prints."""
        revised = [{"digest": one.digest.hex(), **fields_of(one, "file", "came_at", "state")} for one in self.revisions]
        pushed = [
            {**fields_of(one, "meter", "stripe_customer", "value_minor", "state"), "day": one.day.isoformat()}
            for one in self.pushes
        ]
        return {
            **fields_of(self, "source", "record_id", "state", "why"),
            **fields_of(self, "record", "versions"),
            "revisions": revised,
            **fields_of(self, "quarantined", "customer", "because", "payer", "period"),
            "invoice": self.number,
            **fields_of(self, "currency", "list_amount", "lines"),
            "pushes": form_of(pushed),
            **fields_of(self, "corrections"),
        }


def trace_record(
    connection: Connection,
    source: str,
    record_id: str,
    folder: Callable[[], Folder],
    *,
    now: datetime,
    grace: timedelta,
) -> RequestTrace:
    """Follow one request.

    Args:
        folder: the prices and contracts as they are now; asked for only when they are needed.

    Raises:
        NotFound: when no such record is known, nor any such line in quarantine.
    """
    source_id = source_id_of(connection, source)
    identity = (source_id or 0, record_id)
    versions = versions_of(connection, [identity]).get(identity, [])
    quarantined = tuple(quarantined_lines(connection, record_id=record_id))
    instead = None if source_id is None else counted_instead(connection, source_id, record_id)
    if not versions and instead is not None:
        return RequestTrace(source, record_id, "replaced", _replaced_text(instead), quarantined=quarantined)
    if not versions:
        if imports := staged_with(connection, source, record_id):
            return RequestTrace(source, record_id, "staged", _staged_text(imports), quarantined=quarantined)
        if not quarantined:
            raise NotFound(f"no record {record_id!r} of source {source!r} is known, nor such a line in quarantine")
        last = quarantined[-1]
        decided = "" if last.state == "open" else f" ({last.state})"
        return RequestTrace(source, record_id, "quarantined", f"{last.reason}{decided}", quarantined=quarantined)
    row_id, record = versions[-1]
    begun = RequestTrace(
        source,
        record_id,
        "not closed",
        "",
        record=record,
        versions=_versions(connection, [version for _, version in versions]),
        revisions=tuple(stored_revisions(connection, identity=identity)),
        quarantined=quarantined,
    )
    waiver, retraction = withdrawal_of(connection, row_id, "waiver"), withdrawal_of(connection, row_id, "retraction")
    documents = documents_of(connection, [version for _, version in versions])
    corrections = corrections_of_record(connection, record, documents)
    begun = replace(begun, corrections=corrections)
    billed_by = _billed_by(connection, record, documents)
    if billed_by is not None:
        traced = _on_invoice(connection, begun, record, billed_by)
    elif retraction is not None:
        traced = _attributed(begun, record, newest_inputs(connection, folder())[0])
    else:
        traced = _on_no_invoice(connection, begun, record, folder(), now=now, grace=grace)
    if retraction is not None:
        said = f"taken back, says {retraction.reviewer}: {retraction.reason}"
        taken_off = [one.invoice for one in corrections if one.what == "taken back"]
        if taken_off:
            said += f"; {taken_off[-1]} took it off"
        elif billed_by is not None:
            said += f"; {billed_by.number} has it still"
        return replace(traced, state="retracted", why=said)
    if instead is not None:
        on = f"; {billed_by.number} has it still, and what changes is a correction" if billed_by is not None else ""
        return replace(traced, state="replaced", why=_replaced_text(instead) + on)
    if waiver is None:
        return traced
    return replace(traced, state="waived", why=f"billed at nothing, says {waiver.reviewer}: {waiver.reason}")


def _replaced_text(instead: str) -> str:
    """Why a report of a request counts for nothing."""
    return f"it counts for nothing, since record {instead!r} tells of the same request and is better"


def _staged_text(imports: Sequence[tuple[int, str]]) -> str:
    """Where a record waits that is none yet."""
    number, name = imports[-1]
    return (
        f"it waits in import {number} ({name}), which is staged and counts for nothing:"
        f" `tokentill ingest accept {number}` takes it in"
    )


def _billed_by(
    connection: Connection, record: StoredRecord, documents: Sequence[CoveringDocument]
) -> CoveringDocument | None:
    """The document that billed a record first, be it as another version, of those of the period on which it stands now;
    later ones of that period cover what they correct.
    """
    place = (record.series.id, record.occurred_at, record.seq)
    numbers = numbers_covering(connection, *place)
    covering = covering_documents(connection, *place)
    now = next((one for one in covering if numbers and one.number == numbers[0]), None)
    if now is None:
        return None
    return next(one for one in documents if (one.customer, one.period) == (now.customer, now.period))


def _versions(connection: Connection, records: Sequence[StoredRecord]) -> tuple[TracedVersion, ...]:
    batch = tables.batch
    rows = connection.execute(select(batch).where(batch.c.seq.in_([record.seq for record in records])))
    imports = {row.seq: row for row in rows}
    return tuple(
        TracedVersion(
            record.version,
            imports[record.seq].label,
            from_micros(imports[record.seq].recorded_at),
            record.seq,
            record.digest.hex(),
            tuple(
                number
                for kind in get_args(InvoiceKind)
                for number in numbers_covering(connection, record.series.id, record.occurred_at, record.seq, kind)
            ),
        )
        for record in records
    )


def _on_invoice(
    connection: Connection, begun: RequestTrace, record: StoredRecord, document: CoveringDocument
) -> RequestTrace:
    """The way of a record that stands on an issued invoice, by the invoice's own pins; of one that came with a
    correction, on its adjustment lines.
    """
    number = document.number
    issued = invoice_by_number(connection, number)
    inputs = pinned_inputs(connection, issued.pins)
    currency = issued.currency
    if document.is_correction:
        own = [one for one in begun.corrections if one.invoice == number]
        lines = tuple(
            TracedLine(one.position, one.description, one.exact_amount, one.price_entry, one.rule)
            for one in own
            if (one.customer, one.period) == (document.customer, document.period)
        )
        currency = own[0].currency if own else currency
    else:
        lines = _lines(issued.content["lines"], records_of_issued(connection, issued, inputs.books()), record, inputs)
    pushes = tuple(rows_of_day(connection, issued.customer, issued.period, record.occurred_at.date()))
    is_pushed = any(not row.is_to_send for row in pushes)
    traced = _attributed(begun, record, inputs)
    why = f"{number} was issued at {instant_text(issued.issued_at)}"
    early = _before_billing(traced, record, inputs)
    return replace(
        traced,
        state="waived" if early else "pushed" if is_pushed else "issued",
        why=f"{early}; {why}" if early else why,
        payer=document.customer,
        period=document.period,
        number=number,
        currency=currency,
        list_amount=_list_amount(inputs, traced.customer, currency, record),
        lines=lines,
        pushes=pushes,
    )


def _on_no_invoice(
    connection: Connection,
    begun: RequestTrace,
    record: StoredRecord,
    folder: Folder,
    *,
    now: datetime,
    grace: timedelta,
) -> RequestTrace:
    """The way of a record that no document has, by prices and contracts as they are."""
    inputs, seq = newest_inputs(connection, folder)
    books = inputs.books()
    traced = _attributed(begun, record, inputs)
    customer, at = traced.customer, record.occurred_at
    if customer is None:
        return replace(traced, state="unattributed", why=f"it belongs to nobody: {traced.because}")
    month, ownership = _period_of(connection, inputs, customer, at, seq)
    payer, currency = ownership.payer(customer), ownership.currency(customer)
    traced = replace(traced, payer=payer, period=str(month), currency=currency)
    if early := _before_billing(traced, record, inputs):
        return replace(traced, state="waived", why=early)
    aggregate = aggregate_of_record(record, at)
    context = RatingContext(books)
    if context.is_held(customer, aggregate):
        why = "its quantities are an estimate, which keeps its customer's invoice back until somebody accepts it"
        return replace(traced, state="estimated", why=why)
    if context.is_missing(customer, aggregate):
        return replace(traced, state="missing", why="it reports no usage, and keeps its customer's invoice back")
    group = context.group_of(customer, currency, aggregate)
    traced = replace(traced, list_amount=_list_amount(inputs, customer, currency, record))
    if group.card is None and (group.rule is None or group.billed(Sums.of(aggregate)).amount is None):
        return replace(traced, state="unpriced", why=group.no_price or "it has no price")
    if ownership.is_issued(payer):
        return replace(traced, state="late", why=f"{ownership.issued_number(payer)} was issued without it")
    computed = compute_period(connection, month, books, seq, only=payer, position=inputs.position, manual=inputs.manual)
    invoice = next((one for one in computed.invoices if one.customer == payer), None)
    if invoice is None:
        return replace(traced, state="blocked", why=computed.failed.get(payer, "its invoice cannot be computed"))
    segments = list(computed.segments(payer))
    content = invoice.content()
    of_records = records_by_line(
        connection, payer, invoice.currency, segments, books, seq_max=seq, lines_by=lines_by_of(content)
    )
    lines = _lines(content["lines"], of_records, record, inputs)
    traced = replace(traced, lines=lines, currency=invoice.currency)
    if invoice.blocked_by is not None:
        return replace(traced, state="blocked", why=f"its customer's invoice is held back: {invoice.blocked_by}")
    due_at = computed.due_at(payer) + grace
    if now < due_at:
        return replace(traced, why=f"the period can be closed from {instant_text(due_at)} on")
    return replace(traced, why=f"nobody closed the period: `tokentill close {month}`")


def _before_billing(traced: RequestTrace, record: StoredRecord, inputs: Inputs) -> str:
    """That a record is from before its customer is billed; empty where it is not."""
    customer, contracts = traced.customer, inputs.books().contracts
    begins = None if customer is None else contracts.bill_from(customer)
    if begins is None or record.occurred_at >= begins:
        return ""
    return f"billed at nothing: its customer is billed from {instant_text(begins)} on"


def _attributed(begun: RequestTrace, record: StoredRecord, inputs: Inputs) -> RequestTrace:
    series = record.series
    attributed = inputs.books().attribution.attribute(
        source=series.source, user=series.user, api_key=series.api_key, at=record.occurred_at, tags=series.tags
    )
    return replace(begun, customer=attributed.customer, because=attributed.because)


def _period_of(
    connection: Connection, inputs: Inputs, customer: str, at: datetime, seq: int
) -> tuple[Month, Ownership]:
    """The month whose period of a customer holds an instant: that of the calendar, or one beside it."""
    books, calendar = inputs.books(), Month(at.year, at.month)
    for month in (calendar, calendar.plus(-1), calendar.plus(1)):
        documents = documents_around(connection, month, inputs.position)
        periods = Periods(month, books, documents)
        if periods.of(customer).holds(at):
            return month, Ownership(books, periods, documents, seq)
    raise NotFound(f"no period of {customer!r} holds {instant_text(at)}; its contract leaves a gap there")


def _list_amount(inputs: Inputs, customer: str | None, currency: str, record: StoredRecord) -> Decimal | None:
    aggregate = aggregate_of_record(record, record.occurred_at)
    group = RatingContext(inputs.books()).group_of(customer, currency, aggregate)
    return group.list_amount(Sums.of(aggregate))


def _lines(
    listed: Sequence[Content],
    of_records: Mapping[OwnedKey, Sequence[ExplainedRecord]],
    record: StoredRecord,
    inputs: Inputs,
) -> tuple[TracedLine, ...]:
    """The lines of an invoice that a record stands on."""
    return tuple(
        TracedLine(
            position,
            line["description"],
            explained.exact_amount,
            price_entry_of(inputs, line["price_entry"])[0],
            rule_of(inputs, line["rule_hash"]),
        )
        for position, line in enumerate(listed, start=1)
        if line["kind"] == "usage"
        for explained in of_records.get(key_of_line(line), ())
        if explained.record.record_id == record.record_id and explained.record.series.source == record.series.source
    )
