"""Records that report no usage, or an estimate: each keeps its customer's invoice back until somebody decides on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from tokentill.canonical import Content, fields_of, form_of
from tokentill.invoicing.coverage import Periods
from tokentill.invoicing.rating_groups import Books, RatingContext
from tokentill.money import amount_text
from tokentill.store.usage.aggregates import aggregate_of_record
from tokentill.store.usage.missing_rows import records_without_usage
from tokentill.store.usage.usage_rows import StoredRecord
from tokentill.usage.aggregates import GATEWAY_CURRENCY

_BEGINNING, _END = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MissingRecord:
    """One record without usage, or with an estimate, that nobody decided on; `customer` is None where it belongs to
    nobody.
    """

    record: StoredRecord
    customer: str | None

    @property
    def is_estimate(self) -> bool:
        """Whether what was used is known as an estimate alone."""
        return self.record.series.usage_state == "estimated" and self.record.reports_usage

    @property
    def reason(self) -> str:
        """Why it blocks."""
        status, cost = self.record.series.status, self.record.cost
        if self.record.is_unmeasured and self.record.series.usage_state != "missing" and cost is not None:
            return f"it costs {amount_text(cost)} {GATEWAY_CURRENCY} and reports no quantity"
        if self.is_estimate:
            return "its quantities are an estimate"
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
    starts_at, ends_at = (_BEGINNING, _END) if periods is None else (periods.starts_at, periods.ends_at)
    context = RatingContext(books)
    missing = []
    for record in records_without_usage(connection, starts_at, ends_at, seq_max):
        traits, at = record.series, record.occurred_at
        customer = books.attribution.attribute(
            source=traits.source, user=traits.user, api_key=traits.api_key, at=at, tags=traits.tags
        ).customer
        period = None if periods is None else periods.of(customer)
        if record.is_waived or not (period is None or period.holds(at)):
            continue
        if context.keeps_back(customer, aggregate_of_record(record, at)):
            missing.append(MissingRecord(record, customer))
    missing.sort(key=lambda entry: (entry.record.occurred_at, entry.record.series.source, entry.record.record_id))
    return Missing(tuple(missing))
