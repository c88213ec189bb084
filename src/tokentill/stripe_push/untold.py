"""What Stripe does not hold as it should, and why: what a push and a comparison report alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tokentill.canonical import Content, ContentOfFields
from tokentill.money import EXACT, ZERO, minor_text
from tokentill.stripe_push.days import OutOfTime


@dataclass(frozen=True, slots=True)
class Untold(ContentOfFields):
    """A customer, or one day of it, that Stripe does not know as it should, and why."""

    customer: str
    day: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class RefusedLink(ContentOfFields):
    """A customer that owes something, and is linked to a Stripe customer that Stripe does not bill; with the reason."""

    customer: str
    stripe_customer: str
    reason: str


@dataclass(frozen=True, slots=True)
class UntakenDay(ContentOfFields):
    """A day that Stripe holds another amount for, in minor units, and takes no event for: `too_old`, or `to_come`."""

    customer: str
    stripe_customer: str
    currency: str
    day: date
    wanted_minor: int
    held_minor: Decimal
    reason: OutOfTime

    @property
    def missing_minor(self) -> Decimal:
        """What is to be billed by hand for it; below zero, what is to be credited."""
        return EXACT.subtract(Decimal(self.wanted_minor), self.held_minor)


@dataclass(frozen=True, slots=True)
class CurrencySum:
    """What all customers owe in a currency for a period, and how much of it Stripe has, in minor units."""

    currency: str
    due_minor: int
    in_stripe_minor: Decimal

    def content(self) -> Content:
        """Canonical content."""
        return {
            "currency": self.currency,
            "due": minor_text(self.due_minor, self.currency),
            "in_stripe": minor_text(self.in_stripe_minor, self.currency),
        }


def sums_by_currency(parts: Iterable[CurrencySum]) -> tuple[CurrencySum, ...]:
    """Sums of sums, one a currency, in the order of their codes."""
    due: dict[str, int] = {}
    in_stripe: dict[str, Decimal] = {}
    for part in parts:
        due[part.currency] = due.get(part.currency, 0) + part.due_minor
        in_stripe[part.currency] = EXACT.add(in_stripe.get(part.currency, ZERO), part.in_stripe_minor)
    return tuple(CurrencySum(currency, due[currency], in_stripe[currency]) for currency in sorted(due))
