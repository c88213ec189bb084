"""Bounds that a review policy declares: how much an invoice comes to, and how far it is from the last period's.

Pure values. Amounts are in major units of the invoice's own currency. What is done within them and beyond them is in
`invoicing.review_policy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from tokentill.canonical import Content, stated_fields_of


@dataclass(frozen=True, slots=True)
class ReviewBounds:
    """Bounds of a total and of its change, in percent and in money; None where one is not stated.

    `stated_by` is who states them: `tokentill.toml`, or a contract as `customer acme`.
    """

    total: Decimal | None = None
    change_percent: Decimal | None = None
    change: Decimal | None = None
    stated_by: str = field(default="", compare=False)

    @classmethod
    def from_content(cls, content: Mapping[str, Any] | None, stated_by: str) -> Self | None:
        """From a table of numbers; None of none."""
        if content is None:
            return None
        return cls(**{key: Decimal(value) for key, value in content.items()}, stated_by=stated_by)

    def content(self) -> Content:
        """Canonical content."""
        return stated_fields_of(self, "total", "change_percent", "change")
