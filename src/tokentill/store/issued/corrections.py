"""What corrections start from: the documents of a closed month, the pins at which each was looked at, withdrawals."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from tokentill.canonical import Content
from tokentill.clock import from_micros, to_micros
from tokentill.invoicing.coverage import CoveredSegment, OwnedSegment
from tokentill.invoicing.periods import Month
from tokentill.money import to_minor
from tokentill.store import tables
from tokentill.store.decoding import decoded, decoding, rows_among
from tokentill.store.issued.documents import StoredCorrection, customer_covered, live_at, period_covered, still_covers
from tokentill.store.usage.usage_rows import ids_within
from tokentill.store.usage.withdrawals import in_force

CORRECTS_SINCE = 4
"""The first version of the calculation whose invoices bill corrections: older ones looked at their own period alone."""


@dataclass(frozen=True, slots=True)
class PeriodDocument:
    """The document that ended a payer's period, and the pins at which that period was last looked at."""

    id: int
    number: str
    customer: str
    period: str
    currency: str
    pins: Content
    looked_at: Content


@dataclass(frozen=True, slots=True)
class BilledSoFar:
    """What was invoiced of a payer's period by its document and corrections, in minor units.

    `adjusted_minor` is what was due of corrections of other periods on that document; `left_minor` is what credit notes
    have left of its own period's total.
    """

    net_minor: int
    tax_minor: int
    adjusted_minor: int
    left_minor: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Usage of a series that was withdrawn: the newest sequence number at which, and between which instants it lies."""

    seq: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class CoveringDocument:
    """A live document that covers a record, or covered it until a later correction: whose period of which month it is
    of, and whether it corrects that period.
    """

    number: str
    customer: str
    period: str
    is_correction: bool


def covering_documents(connection: Connection, series_id: int, at: datetime, seq: int) -> list[CoveringDocument]:
    """Every live document of a period that a record stands on or stood on, in the order of their issue."""
    row_of, header, micros = tables.coverage, tables.invoice, to_micros(at)
    is_correction = (row_of.c.period != "").label("is_correction")
    named = (customer_covered().label("customer"), period_covered().label("period"))
    query = (
        select(header.c.number, *named, is_correction)
        .join(header, header.c.id == row_of.c.invoice_id)
        .where(row_of.c.series_id == series_id, row_of.c.starts_at <= micros, row_of.c.ends_at > micros)
        .where(row_of.c.seq_after < seq, row_of.c.seq_upto >= seq, live_at(None))
        .where(or_(header.c.kind == "period", row_of.c.period != ""))
        .order_by(header.c.id, row_of.c.period)
    )
    return [decoded(CoveringDocument, row, is_correction=bool(row.is_correction)) for row in connection.execute(query)]


def correcting_documents(connection: Connection, customer: str, period: str) -> list[str]:
    """The live documents that correct a customer's period, in the order of their issue."""
    header, correction = tables.invoice, tables.correction
    query = (
        select(header.c.number)
        .join(correction, correction.c.invoice_id == header.c.id)
        .where(correction.c.customer == customer, correction.c.period == period, live_at(None))
        .order_by(header.c.id)
    )
    return list(dict.fromkeys(connection.execute(query).scalars()))


@decoding("an issued invoice")
def period_documents(connection: Connection, month: Month, position: int) -> dict[str, PeriodDocument]:
    """The documents that ended the month of each payer, as they were live at a position of the log."""
    header, correction = tables.invoice, tables.correction
    own = select(header.c.id, header.c.number, header.c.customer, header.c.period, header.c.currency, header.c.pins)
    of_month = own.where(header.c.period == str(month), header.c.kind == "period", live_at(position))
    later = select(header.c.customer, header.c.pins).where(
        header.c.period > str(month), header.c.kind == "period", live_at(position)
    )
    correcting = (
        select(correction.c.customer, header.c.pins)
        .join(header, header.c.id == correction.c.invoice_id)
        .where(correction.c.period == str(month), live_at(position))
    )
    looked_at: dict[str, list[Content]] = defaultdict(list)
    for customer, pins in connection.execute(later.union(correcting)):
        looked_at[customer].append(json.loads(pins))
    documents = {}
    for row in connection.execute(of_month):
        pins = json.loads(row.pins)
        looking = [one for one in looked_at[row.customer] if one["f"] >= CORRECTS_SINCE]
        newest = max([pins, *looking], key=lambda one: (one["l"], one["s"]))
        documents[row.customer] = decoded(PeriodDocument, row, pins=pins, looked_at=newest)
    return documents


def invoiced_of(connection: Connection, documents: Collection[PeriodDocument], position: int) -> dict[str, BilledSoFar]:
    """What was invoiced of the periods of some payers, all of one month, by payer."""
    header, correction = tables.invoice, tables.correction
    by_id = {document.id: document for document in documents}
    sums: dict[str, list[int]] = {}
    query = select(header.c.id, header.c.content)
    for row in rows_among(connection, query, (header.c.id,), sorted(by_id)):
        document = by_id[row.id]
        sums[document.customer] = _own_sums(json.loads(bytes(row.content)), document.currency)
    corrected = (
        select(correction.c.customer, correction.c.net_minor, correction.c.tax_minor, header.c.kind)
        .join(header, header.c.id == correction.c.invoice_id)
        .where(live_at(position))
    )
    for row in rows_among(connection, corrected, (correction.c.corrects_id,), sorted(by_id)):
        of_customer = sums[row.customer]
        of_customer[0] += row.net_minor
        of_customer[1] += row.tax_minor
        if row.kind == "credit-note":
            of_customer[3] += row.net_minor + row.tax_minor
    return {customer: BilledSoFar(*of_customer) for customer, of_customer in sums.items()}


_BEFORE_TAXES = frozenset(("coupon", "minimum", "cap", "true_up", "invoiced"))


def _own_sums(content: Content, currency: str) -> list[int]:
    """Net and tax of a document's own period, and what is due of the corrections on it."""
    net_minor = tax_minor = adjusted_minor = 0
    for line in content["lines"]:
        amount_minor = to_minor(line["amount"], currency)
        if line["kind"] == "adjustment":
            adjusted_minor += amount_minor
        else:
            net_minor += amount_minor
    for item in content.get("items", ()):
        amount_minor = to_minor(item["amount"], currency)
        if item.get("corrects") is not None:
            adjusted_minor += amount_minor
        elif item["kind"] == "tax":
            tax_minor += amount_minor
        elif item["kind"] in _BEFORE_TAXES:
            net_minor += amount_minor
    return [net_minor, tax_minor, adjusted_minor, net_minor + tax_minor]


def covered_of(
    connection: Connection, month: Month, customers: Collection[str], position: int
) -> dict[str, list[CoveredSegment]]:
    """What the documents and corrections of some payers' month cover as it stands, by payer; not interim invoices."""
    row_of, header = tables.coverage, tables.invoice
    query = (
        select(*row_of.c, customer_covered().label("customer"))
        .join(header, header.c.id == row_of.c.invoice_id)
        .where(
            period_covered() == str(month),
            or_(header.c.kind == "period", row_of.c.period != ""),
            live_at(position),
            still_covers(position),
        )
    )
    covered: dict[str, list[CoveredSegment]] = {customer: [] for customer in customers}
    for row in rows_among(connection, query, (customer_covered(),), sorted(customers, key=str.encode)):
        covered[row.customer].append(decoded(CoveredSegment, row))
    return covered


def counts_within(connection: Connection, segment: OwnedSegment, seq_max: int) -> bool:
    """Whether some record in a segment counts at a sequence number."""
    usage = tables.usage.c
    query = select(usage.id).where(
        usage.series_id == segment.series_id,
        usage.occurred_at >= to_micros(segment.starts_at),
        usage.occurred_at < to_micros(segment.ends_at),
        usage.seq > segment.seq_after,
        usage.seq <= segment.seq_upto,
        usage.id.between(*ids_within(connection, to_micros(segment.starts_at), to_micros(segment.ends_at))),
        *in_force(connection, seq_max).conditions,
    )
    return connection.execute(query.limit(1)).first() is not None


def withdrawn_after(connection: Connection, seq: int, seq_max: int) -> Mapping[int, Withdrawn]:
    """The series of which usage was revised or taken back above a sequence number and up to another."""
    usage, withdrawal = tables.usage, tables.withdrawal
    query = (
        select(
            usage.c.series_id,
            func.max(withdrawal.c.seq).label("seq"),
            func.min(usage.c.occurred_at).label("first_at"),
            func.max(usage.c.occurred_at).label("last_at"),
        )
        .join(usage, usage.c.id == withdrawal.c.usage_id)
        .where(withdrawal.c.seq > seq, withdrawal.c.seq <= seq_max, withdrawal.c.cause.not_in(("waiver", "acceptance")))
        .group_by(usage.c.series_id)
    )
    return {
        row.series_id: Withdrawn(int(row.seq), from_micros(row.first_at), from_micros(row.last_at))
        for row in connection.execute(query)
    }


@dataclass(frozen=True, slots=True)
class SinceThen:
    """A document that was issued or made void, and whose period it corrects, if any."""

    id: int
    number: str
    customer: str | None
    period: str | None

    def changes(self, correction: StoredCorrection) -> bool:
        """Whether a correction that was computed before is not what it would be now."""
        is_same = (self.customer, self.period) == (correction.customer, correction.period)
        return is_same or self.id == correction.corrects_id


def issued_or_void_since(connection: Connection, position: int, *, but_of: int) -> list[SinceThen]:
    """The documents that were issued or made void since a position of the log, but for those of a run, in order; one
    that corrects several periods is there once for each.
    """
    header, event, correction = tables.invoice, tables.document_event, tables.correction
    query = (
        select(header.c.id, header.c.number, correction.c.customer, correction.c.period)
        .join(event, event.c.invoice_id == header.c.id)
        .outerjoin(correction, correction.c.invoice_id == header.c.id)
        .where(event.c.position > position, header.c.close_run_id != but_of)
        .order_by(event.c.position, correction.c.customer, correction.c.period)
    )
    return [decoded(SinceThen, row) for row in connection.execute(query)]


def corrections_in_order(connection: Connection) -> list[tuple[str, str, str, bool]]:
    """Every two live documents of different runs that correct the same: the later and the earlier number, the period
    that they correct, and whether the later one was computed with the earlier one.
    """
    first, then, event = tables.correction.alias("first"), tables.correction.alias("then"), tables.document_event
    earlier, later = tables.invoice.alias("earlier"), tables.invoice.alias("later")
    query = (
        select(later.c.number, later.c.pins, earlier.c.number.label("before"), event.c.position, then.c.period)
        .join_from(then, later, later.c.id == then.c.invoice_id)
        .join(first, and_(first.c.customer == then.c.customer, first.c.period == then.c.period))
        .join(earlier, and_(earlier.c.id == first.c.invoice_id, earlier.c.id < later.c.id))
        .join(event, and_(event.c.invoice_id == earlier.c.id, event.c.kind == "issued"))
        .where(live_at(None, earlier), live_at(None, later), earlier.c.close_run_id != later.c.close_run_id)
        .order_by(later.c.id, earlier.c.id)
    )
    return [
        (row.number, row.before, row.period, json.loads(row.pins).get("l", 0) >= row.position)
        for row in connection.execute(query)
    ]
