"""Usage that a period's document was issued without: late until a correction bills it.

Looks at closed months only as far as something can be late in them: at what came after the month was first closed,
and at all of a month when contracts or bindings have changed since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields, content_hash, form_of
from tokentill.closing.computation.month_usage import MonthUsage, usage_of_month
from tokentill.closing.computation.pins import Inputs
from tokentill.invoicing.coverage import Periods
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import LateUsage, OpenMonth
from tokentill.invoicing.rating_groups import Books
from tokentill.store.issued.documents import documents_around, issued_extents, voided_months
from tokentill.store.issued.invoices import closings
from tokentill.store.usage.aggregates import records_of_spans
from tokentill.store.usage.cuts import Span
from tokentill.store.usage.usage_rows import month_number, series_of_months, series_used_after


@dataclass(frozen=True, slots=True)
class LateRecord(ContentOfFields):
    """One record that no live document covers, in a period whose document was issued."""

    source: str
    record_id: str
    occurred_at: datetime
    user: str | None
    model: str
    customer: str
    period: str
    number: str


@dataclass(frozen=True, slots=True)
class Late:
    """All records that are late, by customer and in order of time."""

    records: tuple[LateRecord, ...]

    def content(self) -> Content:
        """What `usage late --json` prints."""
        return {"late": form_of(self.records)}


LateMonths = Sequence[tuple[Month, MonthUsage]]


def left_behind(
    months: LateMonths, now: datetime, *, month: Month, only: str | None = None
) -> tuple[tuple[LateUsage, ...], tuple[OpenMonth, ...]]:
    """What is on no document though its month was closed: how much is late, by customer and month, of all or of one
    payer; and how much came for customers who have no invoice of another month than this one, and whose period of it is
    over.
    """
    late: list[LateUsage] = []
    open_: list[OpenMonth] = []
    for closed, usage in months:
        ownership = usage.ownership
        for (payer, member), count in sorted(usage.late_requests.items()):
            if only in (None, payer):
                late.append(LateUsage(member, payer, closed, ownership.issued_number(payer), count))
        waiting = [
            payer
            for payer in sorted(usage.by_payer)
            if only in (None, payer) and not ownership.is_issued(payer) and ownership.periods.of(payer).ends_at <= now
        ]
        if waiting and closed != month:
            open_.append(OpenMonth(closed, tuple(waiting), sum(map(usage.requests_of, waiting))))
    return tuple(late), tuple(open_)


def late_records(connection: Connection, inputs: Inputs, seq_max: int) -> Late:
    """Every record that is late."""
    late = []
    for month, usage in late_months(connection, inputs, inputs.books(), seq_max):
        for (payer, member), segments in sorted(usage.late.items()):
            spans = [Span.of(segment) for segment in segments]
            for _, record in records_of_spans(connection, spans, usage.series, seq_max=seq_max):
                traits, number = record.series, usage.ownership.issued_number(payer)
                own = (traits.source, record.record_id, record.occurred_at, traits.user, traits.model)
                late.append(LateRecord(*own, member, str(month), number))
    return Late(tuple(sorted(late, key=_place)))


def _place(late: LateRecord) -> tuple[bytes, datetime, str, bytes]:
    return (late.customer.encode(), late.occurred_at, late.source, late.record_id.encode())


def late_months(connection: Connection, inputs: Inputs, books: Books, seq_max: int) -> LateMonths:
    """The closed months with usage that is on no document, in order of time, each with that usage alone.

    Args:
        books: those of `inputs`.
    """
    return list(_late_months(connection, inputs, books, seq_max))


def _late_months(
    connection: Connection, inputs: Inputs, books: Books, seq_max: int
) -> Iterator[tuple[Month, MonthUsage]]:
    position, contract_set = inputs.position, content_hash(inputs.contract_set)
    voided = voided_months(connection)
    extents = issued_extents(connection, position)
    for month, closing in closings(connection).items():
        if month not in extents:
            continue
        starts_at, ends_at = extents[month]  # what lies outside is in no issued period of the month
        # What was in another customer's month then, or was left over, may have moved into this one since.
        if month in voided or closing.contract_sets != {contract_set}:
            ids = set(series_of_months(connection, month_number(starts_at), month_number(ends_at)))
        else:
            ids = series_used_after(connection, closing.first_seq, starts_at, ends_at)
        if not ids:
            continue
        documents = documents_around(connection, month, position)
        periods = Periods(month, books, documents)
        usage = usage_of_month(connection, books, periods, documents, seq_max, position=position, late_of=ids)
        if usage.by_payer:
            yield month, usage
