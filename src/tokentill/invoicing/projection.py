"""What a running period would come to at its end, if its usage went on as it did until now.

Pure. A projection is for the eye: no part of an invoice's content, of its hash, or of anything that is approved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokentill.canonical import Content, fields_of
from tokentill.contracts.book import ContractBook
from tokentill.invoicing.burn_down import Accrued, segments_of
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.totals import agreed_for, compute_totals
from tokentill.money import EXACT, ZERO, minor_text, round_to_minor, sum_exact

LEAST_ELAPSED = timedelta(days=1)
"""Less of a period says nothing about the rest of it."""

_SECOND = timedelta(seconds=1)
_GROWS = ("package",)
"""Charges that grow with usage; the others are charged once for the period."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What a period would come to at its end. `total_minor` is all of it, its interim invoices included.

    Usage of `elapsed_seconds` is carried on in proportion to `of_seconds`, as an exact fraction, rounded once; fees and
    lines that people added stay as they are, then coupons, minimum, cap and taxes as on an invoice. What tiers and
    allowances would do to further usage is not looked at.
    """

    currency: str
    elapsed_seconds: int
    of_seconds: int
    subtotal_minor: int
    total_minor: int

    def content(self) -> Content:
        """Canonical content."""
        return {
            "is_projection": True,
            **fields_of(self, "elapsed_seconds", "of_seconds"),
            "subtotal": minor_text(self.subtotal_minor, self.currency),
            "total": minor_text(self.total_minor, self.currency),
        }


def projection_of(
    invoice: Invoice, contracts: ContractBook, now: datetime, interim_totals_minor: Iterable[int] = ()
) -> Projection | None:
    """Carry an invoice on to the end of its period; None where the period does not run, or has only begun."""
    period, currency = invoice.period, invoice.currency
    if not period.holds(now) or now - period.starts_at < LEAST_ELAPSED or invoice.blocked_by is not None:
        return None
    elapsed, whole = (now - period.starts_at) // _SECOND, (period.ends_at - period.starts_at) // _SECOND
    growing = [charge.amount for charge in invoice.charges if charge.kind in _GROWS]
    fixed = sum_exact(charge.amount for charge in invoice.charges if charge.kind not in _GROWS)
    used = sum_exact([*(line.exact_amount for line in invoice.lines), *growing])
    scaled = EXACT.add(EXACT.multiply(used, whole), EXACT.multiply(fixed, elapsed))
    subtotal_minor = round_to_minor(scaled, currency, divisor=elapsed)
    agreed = agreed_for(invoice.customer, period, contracts)
    amounts = (ZERO,) * len(segments_of(period, agreed.grants))
    totals = compute_totals(
        Accrued(subtotal_minor, amounts, is_empty=not (invoice.lines or invoice.charges)),
        currency,
        period,
        agreed,
        invoice.carried,
        kind="period",
    )
    return Projection(currency, elapsed, whole, subtotal_minor, totals.total_minor + sum(interim_totals_minor))
