"""What an adjustment comes from: the corrected period before and after a change of fact, and the records that changed.

Values alone; `explain_corrections` finds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tokentill.canonical import Content, ContentOfFields, fields_of
from tokentill.closing.questions.explain import ExplainedRecord
from tokentill.errors import ensure
from tokentill.money import EXACT, ZERO, minor_text
from tokentill.store.usage.usage_rows import StoredRecord

ChangeKind = Literal["came late", "revised", "taken back", "moved here", "moved away", "billed otherwise"]
"""What became of a record. What is billed otherwise is as it was, at another price, rule or place in a tier."""


@dataclass(frozen=True, slots=True)
class WhoSaid(ContentOfFields):
    """Who accepted a revision or took a record back, and why."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One record as it was billed before a change of fact and after it; None where it was not.

    Amounts are exact, in the currency of the corrected document. `other` is the customer that a record was moved from
    or to.
    """

    what: ChangeKind
    before: ExplainedRecord | None
    after: ExplainedRecord | None
    said: WhoSaid | None = None
    other: str | None = None

    @property
    def record(self) -> StoredRecord:
        """The record as it is now, or was."""
        explained = self.after or self.before
        ensure(explained is not None, "a change of no record")
        return explained.record  # type: ignore[union-attr]

    @property
    def exact_amount(self) -> Decimal:
        """What it adds to the adjustment."""
        before, after = (ZERO if one is None else one.exact_amount for one in (self.before, self.after))
        return EXACT.subtract(after, before)

    def content(self) -> Content:
        """Canonical content."""
        sides = {
            name: None if side is None else fields_of(side.record, "quantities") | fields_of(side, "exact_amount")
            for name, side in (("before", self.before), ("after", self.after))
        }
        return {
            **fields_of(self, "what"),
            "source": self.record.series.source,
            **fields_of(self.record, "record_id", "occurred_at"),
            **fields_of(self.record.series, "user", "model"),
            **sides,
            **fields_of(self, "exact_amount", "said", "other"),
        }


@dataclass(frozen=True, slots=True)
class SideOfLine:
    """A line of the corrected period before or after a change of fact, with its price entry and its rule."""

    requests: int
    quantities: Mapping[str, int]
    exact_amount: Decimal
    price_entry: Content | None
    price_source: str | None
    rule: Content | None

    def content(self) -> Content:
        """Canonical content."""
        return fields_of(self, "requests", "quantities", "exact_amount", "price_entry", "price_source", "rule")


@dataclass(frozen=True, slots=True)
class ExplainedAdjustment:
    """What made an adjustment line: the corrected period's line before and after, and the records that changed.

    `currency` is that of the corrected document, and `rate` what the difference was converted at, if it was. `before`
    or `after` is None where there is no such line. Of a step of totals (a coupon, a minimum, a cap) there are no
    records.
    """

    customer: str
    period: str
    number: str
    cause: str
    currency: str
    rate: str | None
    before: SideOfLine | None
    after: SideOfLine | None
    records: tuple[RecordChange, ...]

    def content(self) -> Content:
        """Canonical content."""
        named = fields_of(self, "customer", "period", "number", "cause", "currency", "rate")
        return {**named, **fields_of(self, "before", "after", "records")}


@dataclass(frozen=True, slots=True)
class CorrectedStep:
    """What a tax or a prepaid credit comes to in the whole corrected period, before all changes of fact and after them,
    with what is taxable of it; in minor units of the corrected document's currency.
    """

    currency: str
    before_minor: int
    after_minor: int
    taxable_before_minor: int
    taxable_after_minor: int

    def content(self) -> Content:
        """Canonical content."""
        names = ("before", "after", "taxable_before", "taxable_after")
        amounts = {name: minor_text(getattr(self, f"{name}_minor"), self.currency) for name in names}
        return {"currency": self.currency, **amounts}
