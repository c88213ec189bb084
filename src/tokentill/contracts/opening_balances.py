"""What customers owed, or had to their credit, before tokentill billed them.

Pure. An opening balance stands on the first invoice of a period that does not end before its day, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Self

from tokentill.canonical import Content


@dataclass(frozen=True, slots=True)
class OpeningBalance:
    """An amount in whole minor units of its currency: positive is owed by the customer, negative is in its favour."""

    customer: str
    id: str
    currency: str
    amount: Decimal
    day: date
    reason: str
    recorded_at: datetime
    is_new_customer: bool = field(default=False, compare=False)

    @classmethod
    def from_content(cls, content: Content, *, recorded_at: datetime) -> Self:
        """From the canonical content of an `[[opening_balance]]` table."""
        return cls(
            **{name: content[name] for name in ("customer", "id", "currency", "reason")},
            amount=Decimal(content["amount"]),
            day=date.fromisoformat(content["date"]),
            recorded_at=recorded_at,
            is_new_customer=content.get("new_customer", False),
        )

    @property
    def valid_from(self) -> datetime:
        """About when its day begins, for questions about contracts of that time."""
        return datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
