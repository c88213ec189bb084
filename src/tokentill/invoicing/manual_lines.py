"""Lines that people add to an invoice before it is issued: a credit for an outage, a fee for a migration.

Pure. A manual line is an input of the calculation like a contract: it is added up with the other lines before the one
rounding, and taxed as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tokentill.canonical import Content, ContentOfFields, fields_of
from tokentill.invoicing.accumulators import Charge
from tokentill.invoicing.periods import Month
from tokentill.money import from_minor, minor_text


@dataclass(frozen=True, slots=True)
class Removal(ContentOfFields):
    """Who took a line away again, why and when; `number` is its place among all that was added and removed."""

    number: int
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ManualLine:
    """One line, and who added it, why and when, and who removed it. `number` is its own for good.

    Args:
        amount_minor: in minor units of `currency`, negative where it takes away.
        may_be_negative: whether it may make the subtotal of its invoice negative.
    """

    number: int
    month: Month
    customer: str
    currency: str
    amount_minor: int
    description: str
    may_be_negative: bool
    by: str
    reason: str
    at: datetime
    removed: Removal | None = None

    @property
    def amount_text(self) -> str:
        """The amount in major units."""
        return minor_text(self.amount_minor, self.currency)

    def charge(self) -> Charge:
        """What it adds to an invoice."""
        amount = from_minor(self.amount_minor, self.currency)
        return Charge("manual", self.description, None, 1, amount, amount, number=self.number)

    def content(self) -> Content:
        """Canonical content."""
        return {
            "line": self.number,
            "period": str(self.month),
            **fields_of(self, "customer", "currency"),
            "amount": self.amount_text,
            **fields_of(self, "description", "may_be_negative", "by", "reason", "at", "removed"),
        }


@dataclass(frozen=True, slots=True)
class ManualLines:
    """The lines that people added to invoices of a period, those that were removed among them."""

    month: Month
    lines: tuple[ManualLine, ...]

    def content(self) -> Content:
        """What `review lines --json` prints."""
        return {"period": str(self.month), **fields_of(self, "lines")}


LinesByCustomer = Mapping[str, Sequence[ManualLine]]
"""The manual lines of a period, by the customer whose usage they stand beside."""


def manual_charges(lines: Sequence[ManualLine], currency: str) -> tuple[list[Charge], list[str]]:
    """What manual lines add to an invoice in a currency, and why some cannot stand on it."""
    fitting = [line.charge() for line in lines if line.currency == currency]
    reasons = [
        f"manual line {line.number} of {line.amount_text} {line.currency} cannot stand on an invoice in {currency};"
        f" remove it, and add it again in {currency}"
        for line in lines
        if line.currency != currency
    ]
    return fitting, reasons


def negative_subtotal(added: LinesByCustomer, subtotal_minor: int, currency: str) -> list[str]:
    """Why manual lines keep an invoice back whose subtotal they make negative, unless one of them may."""
    lines = [line for of_member in added.values() for line in of_member]
    if subtotal_minor >= 0 or not lines or any(line.may_be_negative for line in lines):
        return []
    numbers = ", ".join(str(line.number) for line in lines if line.amount_minor < 0)
    return [
        f"with manual line {numbers} the subtotal is {minor_text(subtotal_minor, currency)} {currency}; remove it and"
        " add a smaller one, or one that may make it negative (--allow-negative)"
    ]
