"""The log of documents, and the records that each of them covers.

The log only grows: an issue and a void are rows of it. So what was live at a position of the log stays what it was,
and an invoice that was computed at a position can be computed again at the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Select, and_, bindparam, func, not_, or_, select

from tokentill.clock import from_micros, parse_instant, to_micros
from tokentill.invoicing.coverage import CoveredSegment, Documents, IssuedPeriod, TakenSegment
from tokentill.invoicing.forms import InvoiceKind
from tokentill.invoicing.periods import Month, Period
from tokentill.store import tables
from tokentill.store.database import current_value, insert_rows, next_values
from tokentill.store.decoding import columns_of, decoded, decoding

PERIOD_MAX = timedelta(days=95)
"""No period is longer: it ends before the second month after its own is over, by any anchor day and time zone."""


def newest_position(connection: Connection) -> int:
    """The position of the log of documents as it stands; 0 when nothing was issued yet."""
    return current_value(connection, "document")


def live_at(position: int | None, header: Any = tables.invoice) -> ColumnElement[bool]:
    """Whether an invoice was live at a position of the log: issued by then, and not void by then. None is now."""
    if position is None:
        is_issued: ColumnElement[bool] = header.c.status == "issued"
        return is_issued
    return and_(_happened("issued", position, header), not_(_happened("void", position, header)))


_LATER = tables.invoice.alias("later")
_EVENTS = {kind: tables.document_event.alias(kind) for kind in ("issued", "void")}


def _happened(kind: str, position: int, header: Any) -> ColumnElement[bool]:
    event = _EVENTS[kind]
    happened = select(event.c.position).where(
        event.c.invoice_id == header.c.id, event.c.kind == kind, event.c.position <= position
    )
    return happened.correlate(header).exists()


def position_before(connection: Connection, invoice_id: int) -> int:
    """The position of the log of documents just before a document was issued."""
    event = tables.document_event
    query = select(event.c.position).where(event.c.invoice_id == invoice_id, event.c.kind == "issued")
    return int(connection.execute(query).scalar_one()) - 1


def period_covered(row_of: Any = tables.coverage, header: Any = tables.invoice) -> ColumnElement[str]:
    """The period that a row of coverage is of: the one that the document corrects, or its own."""
    return func.coalesce(func.nullif(row_of.c.period, ""), header.c.period)


def customer_covered(row_of: Any = tables.coverage, header: Any = tables.invoice) -> ColumnElement[str]:
    """Whose document a row of coverage is of: that which is corrected, or its own."""
    return func.coalesce(func.nullif(row_of.c.corrected, ""), header.c.customer)


def still_covers(
    position: int | None, row_of: Any = tables.coverage, header: Any = tables.invoice
) -> ColumnElement[bool]:
    """Whether what a document covers of a period was not taken over by a later correction of that period."""
    later, correction = _LATER, tables.correction
    taken_over = (
        select(correction.c.invoice_id)
        .join(later, later.c.id == correction.c.invoice_id)
        .where(
            correction.c.customer == customer_covered(row_of, header),
            correction.c.period == period_covered(row_of, header),
            or_(row_of.c.period != "", correction.c.currency == header.c.currency),
            correction.c.invoice_id > header.c.id,
            live_at(position, later),
        )
    )
    return not_(taken_over.correlate(row_of, header).exists())


def log_event(
    connection: Connection, invoice_id: int, kind: str, *, at: datetime, actor: str, reason: str = ""
) -> None:
    """Append to the log of documents, in the transaction of the event itself. A void makes its invoice void."""
    log_events(connection, [invoice_id], kind, at=at, actor=actor, reason=reason)


def log_events(
    connection: Connection, invoice_ids: Sequence[int], kind: str, *, at: datetime, actor: str, reason: str = ""
) -> None:
    """Append the same of documents in their order, likewise."""
    positions = next_values(connection, "document", len(invoice_ids))
    said = {"kind": kind, "recorded_at": to_micros(at), "actor": actor, "reason": reason}
    rows = [{"position": at, "invoice_id": id_, **said} for at, id_ in zip(positions, invoice_ids, strict=True)]
    insert_rows(connection, tables.document_event, rows)


def documents_around(connection: Connection, month: Month, position: int | None) -> Documents:
    """The documents that were live at a position of the log, as far as they concern a month: what they cover in its
    time, and the periods that they ended next to it.
    """
    lo = month.first_instant - timedelta(days=2)
    hi = month.plus(2).first_instant + timedelta(days=2)
    periods: dict[str, list[IssuedPeriod]] = {}
    member, header, event = tables.member_period, tables.invoice, tables.document_event
    query = (
        select(member, header.c.customer.label("payer"), header.c.number, header.c.pins, event.c.position)
        .join(header, header.c.id == member.c.invoice_id)
        .join(event, and_(event.c.invoice_id == header.c.id, event.c.kind == "issued"))
        .where(
            or_(
                member.c.period.in_([str(month.plus(step)) for step in (-1, 0, 1)]),
                and_(member.c.ends_at > to_micros(lo), member.c.starts_at < to_micros(hi)),
            ),
            member.c.ends_at > to_micros(lo - PERIOD_MAX),
            member.c.ends_at <= to_micros(hi + PERIOD_MAX),
            live_at(position),
        )
        .order_by(member.c.customer, member.c.starts_at)
    )
    pinned: dict[str, int | None] = {}
    for row in connection.execute(query):
        if row.pins not in pinned:
            pinned[row.pins] = json.loads(row.pins).get("l")
        position_of = pinned[row.pins]
        if position_of is None:
            position_of = row.position - 1
        period = decoded(IssuedPeriod, row, position=position_of, month=Month.parse(row.period))
        periods.setdefault(row.customer, []).append(period)
    return Documents(periods=periods, running=_running_periods(connection, month, position))


@decoding("an interim invoice")
def _running_periods(connection: Connection, month: Month, position: int | None) -> dict[str, list[IssuedPeriod]]:
    """The periods next to a month of which interim invoices billed a part, by payer and by whom they cover."""
    covered, header, event = tables.coverage, tables.invoice, tables.document_event
    near = and_(
        header.c.kind == "interim",
        header.c.period.in_([str(month.plus(step)) for step in (-1, 0, 1)]),
        live_at(position),
    )
    members: dict[int, set[str]] = {}
    query = select(covered.c.invoice_id, covered.c.member).join(header, header.c.id == covered.c.invoice_id)
    for invoice_id, member in connection.execute(query.where(near, covered.c.member.is_not(None)).distinct()):
        members.setdefault(invoice_id, set()).add(member)
    issued = select(header, event.c.position).join(
        event, and_(event.c.invoice_id == header.c.id, event.c.kind == "issued")
    )
    periods: dict[str, list[IssuedPeriod]] = {}
    for row in connection.execute(issued.where(near).order_by(header.c.id)):
        content = json.loads(row.content)
        starts_at, ends_at = parse_instant(content["period_start"]), parse_instant(content["period_end"])
        for customer in sorted({row.customer, *members.get(row.id, ())}):
            period = IssuedPeriod(
                customer, row.customer, row.number, row.position - 1, Month.parse(row.period), starts_at, ends_at
            )
            periods.setdefault(customer, []).append(period)
    return periods


def issued_extents(connection: Connection, position: int | None) -> dict[Month, tuple[datetime, datetime]]:
    """From where the first issued period of each month begins to where the last one ends."""
    member, header = tables.member_period.c, tables.invoice
    query = (
        select(member.period, func.min(member.starts_at).label("starts_at"), func.max(member.ends_at).label("ends_at"))
        .join_from(tables.member_period, header, header.c.id == member.invoice_id)
        .where(live_at(position))
        .group_by(member.period)
        .order_by(member.period)
    )
    return {
        Month.parse(row.period): (from_micros(row.starts_at), from_micros(row.ends_at))
        for row in connection.execute(query)
    }


def taken_within(
    connection: Connection,
    starts_at: datetime,
    ends_at: datetime,
    position: int | None,
    series_ids: Iterable[int] | None = None,
) -> dict[int, list[TakenSegment]]:
    """What live documents cover of [starts_at, ends_at), by series; of all series, or of these."""
    row_of, header = tables.coverage, tables.invoice
    query = (
        select(
            *(column for column in row_of.c if column.name not in ("period", "corrected")),
            *(header.c[name] for name in ("currency", "kind")),
            customer_covered().label("customer"),
            period_covered().label("period"),
            (row_of.c.period != "").label("corrects"),
        )
        .join(header, header.c.id == row_of.c.invoice_id)
        .where(
            row_of.c.ends_at > to_micros(starts_at),
            row_of.c.ends_at <= to_micros(ends_at + PERIOD_MAX),
            row_of.c.starts_at < to_micros(ends_at),
            live_at(position),
            still_covers(position),
        )
        .order_by(row_of.c.series_id, row_of.c.starts_at, row_of.c.seq_after, row_of.c.invoice_id)
    )
    chosen = None if series_ids is None else frozenset(series_ids)
    by_series: dict[int, list[TakenSegment]] = {}
    for row in connection.execute(query):
        if chosen is None or row.series_id in chosen:
            kind: InvoiceKind = "period" if row.corrects else row.kind
            segment = TakenSegment(decoded(CoveredSegment, row), row.customer, row.period, row.currency, kind)
            by_series.setdefault(row.series_id, []).append(segment)
    return by_series


def coverage_of(connection: Connection, invoice_id: int, period: str = "", customer: str = "") -> list[CoveredSegment]:
    """What a document covers of its own period, or of a customer's that it corrects."""
    table = tables.coverage
    of_period = and_(table.c.invoice_id == invoice_id, table.c.period == period, table.c.corrected == customer)
    query = select(table).where(of_period).order_by(table.c.series_id, table.c.starts_at)
    return [decoded(CoveredSegment, row) for row in connection.execute(query)]


def numbers_covering(
    connection: Connection, series_id: int, at: datetime, seq: int, kind: InvoiceKind = "period"
) -> list[str]:
    """The live documents of a kind that a record stands on: of a period one, or none."""
    row_of, header, micros = tables.coverage, tables.invoice, to_micros(at)
    query = (
        select(header.c.number)
        .join(row_of, header.c.id == row_of.c.invoice_id)
        .where(
            row_of.c.series_id == series_id,
            row_of.c.starts_at <= micros,
            row_of.c.ends_at > micros,
            row_of.c.seq_after < seq,
            row_of.c.seq_upto >= seq,
            or_(header.c.kind == kind, row_of.c.period != "") if kind == "period" else header.c.kind == kind,
            live_at(None),
            still_covers(None),
        )
        .order_by(header.c.id)
    )
    return list(connection.execute(query).scalars())


def ends_period_at(connection: Connection, customer: str, at: datetime) -> bool:
    """Whether a live document ended the period of a customer that holds an instant."""
    member, header, micros = tables.member_period, tables.invoice, to_micros(at)
    query = (
        select(header.c.number)
        .join(member, header.c.id == member.c.invoice_id)
        .where(member.c.customer == customer, member.c.starts_at <= micros, member.c.ends_at > micros, live_at(None))
    )
    return connection.execute(query.limit(1)).first() is not None


def periods_of(connection: Connection, invoice_id: int) -> dict[str, tuple[datetime, datetime]]:
    """The periods that a document ended, by customer."""
    table = tables.member_period
    rows = connection.execute(select(table).where(table.c.invoice_id == invoice_id).order_by(table.c.customer))
    return {row.customer: (from_micros(row.starts_at), from_micros(row.ends_at)) for row in rows}


@dataclass(frozen=True, slots=True)
class StoredCorrection:
    """A correction as it is kept: which document corrects what, and by how much, in that document's currency."""

    corrects_id: int
    period: str
    customer: str
    currency: str
    net_minor: int
    tax_minor: int


def coverage_rows(
    invoice_id: int, covered: Iterable[CoveredSegment], period: str = "", customer: str = ""
) -> Iterator[dict[str, Any]]:
    """What a document covers as rows: of its own period, or of a customer's that it corrects."""
    names = ("series_id", "starts_at", "ends_at", "seq_after", "seq_upto", "member")
    own = {"invoice_id": invoice_id, "period": period, "corrected": customer}
    return ({**own, **columns_of(segment, *names)} for segment in covered)


def period_rows(invoice_id: int, month: Month, members: Iterable[tuple[str, Period]]) -> Iterator[dict[str, Any]]:
    """The periods that a document ends as rows."""
    own = {"invoice_id": invoice_id, "period": str(month)}
    ended = ((customer, period) for customer, period in members if period.has_time)
    return ({**own, "customer": customer, **columns_of(period, "starts_at", "ends_at")} for customer, period in ended)


def corrections_after(connection: Connection, invoice_id: int) -> list[str]:
    """The live documents that correct what a document billed or corrected, in the order of their issue."""
    header, later, own = tables.invoice, tables.correction.alias("later"), tables.correction.alias("own")
    corrected = select(own.c.invoice_id).where(
        own.c.invoice_id == invoice_id,
        own.c.customer == later.c.customer,
        own.c.period == later.c.period,
        own.c.currency == later.c.currency,
    )
    correcting = select(later.c.invoice_id).where(
        later.c.invoice_id > invoice_id, or_(later.c.corrects_id == invoice_id, corrected.correlate(later).exists())
    )
    query = select(header.c.number).where(header.c.id.in_(correcting), live_at(None)).order_by(header.c.id)
    return list(connection.execute(query).scalars())


def overlap_after_void(connection: Connection, invoice_id: int) -> str | None:
    """The number of a live document that bills what a document gave up that was just made void, so that an older one
    covers it again.
    """
    corrected, header, row_of = tables.correction, tables.invoice, tables.coverage
    older = (
        select(header.c.id)
        .join(row_of, row_of.c.invoice_id == header.c.id)
        .join(
            corrected,
            and_(corrected.c.customer == customer_covered(), corrected.c.period == period_covered()),
        )
        .where(corrected.c.invoice_id == invoice_id, header.c.id < invoice_id, live_at(None))
        .distinct()
    )
    overlap = _first_overlap(connection, list(connection.execute(older).scalars()))
    return None if overlap is None else overlap[1]


def corrections_on(connection: Connection, invoice_id: int) -> set[StoredCorrection]:
    """What a document corrects."""
    rows = connection.execute(select(tables.correction).where(tables.correction.c.invoice_id == invoice_id))
    return {decoded(StoredCorrection, row) for row in rows}


def first_clash(connection: Connection, invoice_ids: Sequence[int], month: Month) -> tuple[int, str] | None:
    """The first of the documents of a month's run that cannot stand beside the other live ones, and why; to be asked
    once all that is issued together is stored, in the transaction in which nobody else issues anything.

    It covers a record of another one, ends a period that another one ended, or leaves time between its period and that
    of a document of the month beside it.
    """
    if found := _first_gap(connection, invoice_ids, month):
        return found[
            0
        ], f"{found[1]} was issued meanwhile for a month beside, and does not join its period; close again"
    if found := _first_overlap(connection, invoice_ids):
        return found[0], f"{found[1]} covers some of its usage, and does not give it up now; close again"
    return None


def overlapping_documents(connection: Connection) -> list[tuple[str, str]]:
    """Pairs of live documents that cover the same record, or end the same segment of a customer's time; none, ever."""
    header = tables.invoice
    rows = connection.execute(select(header.c.id, header.c.number).where(live_at(None)).order_by(header.c.id)).all()
    found = ((row.number, _first_overlap(connection, [row.id])) for row in rows)
    return [(number, overlap[1]) for number, overlap in found if overlap is not None]


def _first_overlap(connection: Connection, invoice_ids: Sequence[int]) -> tuple[int, str] | None:
    """The first of some documents with the number of a live one that covers, or ends, what it does, and is not of its
    chain.
    """
    for query in (_on_two_documents(), _ended_twice()):
        row = connection.execute(query, {"documents": invoice_ids}).first()
        if row is not None:
            return row[0], row[1]
    return None


_THESE: BindParameter[Any] = bindparam("documents", expanding=True)


@cache
def _on_two_documents() -> Select[int, str]:
    """One of these documents with the number of a live one that covers what it does, and is not of its chain. It is
    asked of each document by itself, and made once.
    """
    header = tables.invoice
    mine, other = tables.coverage.alias("mine"), tables.coverage.alias("other")
    own = tables.invoice.alias("own")
    same_chain = and_(
        customer_covered(other, header) == customer_covered(mine, own),
        period_covered(other, header) == period_covered(mine, own),
        header.c.currency == own.c.currency,
        or_(header.c.kind == "interim", own.c.kind == "interim"),
        other.c.period == "",
        mine.c.period == "",
    )
    return (
        select(own.c.id, header.c.number)
        .select_from(mine)
        .join(own, own.c.id == mine.c.invoice_id)
        .join(
            other,
            and_(
                other.c.series_id == mine.c.series_id,
                other.c.ends_at > mine.c.starts_at,
                other.c.starts_at < mine.c.ends_at,
                other.c.seq_after < mine.c.seq_upto,
                mine.c.seq_after < other.c.seq_upto,
            ),
        )
        .join(header, header.c.id == other.c.invoice_id)
        .where(
            mine.c.invoice_id.in_(_THESE),
            header.c.id != own.c.id,
            header.c.status == "issued",
            not_(same_chain),
            still_covers(None, mine, own),
            still_covers(None, other, header),
        )
        .limit(1)
    )


@cache
def _ended_twice() -> Select[int, str]:
    """One of these documents with the number of a live one that ends what it ends."""
    header = tables.invoice
    period, issued = tables.member_period.alias("period"), tables.member_period.alias("issued")
    return (
        select(period.c.invoice_id, header.c.number)
        .select_from(period)
        .join(
            issued,
            and_(
                issued.c.customer == period.c.customer,
                issued.c.ends_at > period.c.starts_at,
                issued.c.starts_at < period.c.ends_at,
            ),
        )
        .join(header, header.c.id == issued.c.invoice_id)
        .where(period.c.invoice_id.in_(_THESE), header.c.id != period.c.invoice_id, live_at(None))
        .limit(1)
    )


def _first_gap(connection: Connection, invoice_ids: Sequence[int], month: Month) -> tuple[int, str] | None:
    """The first of some documents of a month with the number of a live one of the month before or after that leaves
    time between their periods.
    """
    header = tables.invoice
    mine, beside = tables.member_period.alias("mine"), tables.member_period.alias("beside")
    before = and_(beside.c.period == str(month.plus(-1)), beside.c.ends_at != mine.c.starts_at)
    after = and_(beside.c.period == str(month.plus(1)), beside.c.starts_at != mine.c.ends_at)
    query = (
        select(mine.c.invoice_id, header.c.number)
        .select_from(mine)
        .join(beside, beside.c.customer == mine.c.customer)
        .join(header, header.c.id == beside.c.invoice_id)
        .where(mine.c.invoice_id.in_(invoice_ids), live_at(None), or_(before, after))
    )
    return _first_of(connection, query)


def _first_of(connection: Connection, query: Select[int, str]) -> tuple[int, str] | None:
    row = connection.execute(query.limit(1)).first()
    return None if row is None else (row[0], row[1])


def voided_months(connection: Connection) -> set[Month]:
    """The months of which some document became void."""
    event, header = tables.document_event, tables.invoice
    query = select(header.c.period).join(event).where(event.c.kind == "void").distinct()
    return {Month.parse(period) for period in connection.execute(query).scalars()}
