"""Records whose gateway reported no usage: each keeps its customer's invoice back until it is revised or waived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from tokentill.canonical import Content, fields_of, form_of
from tokentill.invoicing.coverage import Periods
from tokentill.invoicing.rating_groups import Books
from tokentill.store.aggregates import Span, records_of_spans
from tokentill.store.usage_rows import StoredRecord, month_number, series_missing_usage

_BEGINNING, _END = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MissingRecord:
    """One record without usage that nobody waived; `customer` is None where it belongs to nobody."""

    record: StoredRecord
    customer: str | None

    @property
    def reason(self) -> str:
        """Why it blocks."""
        status = self.record.series.status
        return "the gateway reported no usage" + ("" if status == "ok" else f" (status {status})")

    def content(self) -> Content:
        """Canonical content."""
        record = self.record
        return {
            "source": record.series.source,
            **fields_of(record, "record_id", "occurred_at"),
            "customer": self.customer,
            **fields_of(record.series, "user", "model", "mode"),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Missing:
    """All records without usage that nobody waived, in order of time."""

    records: tuple[MissingRecord, ...]

    def content(self) -> Content:
        """What `usage missing --json` prints."""
        return {"missing": form_of(self.records)}


def missing_usage(connection: Connection, books: Books, seq_max: int, periods: Periods | None) -> Missing:
    """The records without usage that count and are not waived: all of them, or those of a period."""
    months = None if periods is None else (month_number(periods.starts_at), month_number(periods.ends_at))
    series = series_missing_usage(connection, months)
    starts_at, ends_at = (_BEGINNING, _END) if periods is None else (periods.starts_at, periods.ends_at)
    spans = [Span(id_, starts_at, ends_at, 0, seq_max, starts_at) for id_ in sorted(series)]
    missing = []
    for _, record in records_of_spans(connection, spans, series, seq_max=seq_max):
        traits, at = record.series, record.occurred_at
        customer = books.attribution.attribute(
            source=traits.source, user=traits.user, api_key=traits.api_key, at=at
        ).customer
        period = None if periods is None else periods.of(customer)
        if not record.is_waived and (period is None or period.holds(at)):
            missing.append(MissingRecord(record, customer))
    missing.sort(key=lambda entry: (entry.record.occurred_at, entry.record.series.source, entry.record.record_id))
    return Missing(tuple(missing))
