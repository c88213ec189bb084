"""Approving by the declared policy, and parking what is out of all bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from tokentill.canonical import Content, fields_of
from tokentill.closing.computation.compute import Computed, compared
from tokentill.closing.reviews.review import make_review
from tokentill.contracts.review_policy import ReviewPolicy
from tokentill.invoicing.periods import Month
from tokentill.invoicing.preview import Preview, Review
from tokentill.invoicing.rating_groups import Books
from tokentill.invoicing.review_policy import parked, why_it_waits
from tokentill.money import minor_text


@dataclass(frozen=True, slots=True)
class Waiting:
    """A customer whose invoice waits for a person, and everything that makes it wait. `total` is in major units."""

    customer: str
    total: str
    currency: str
    reasons: tuple[str, ...]

    def content(self) -> Content:
        """Canonical content."""
        return fields_of(self, "customer", "total", "currency", "reasons")


@dataclass(frozen=True, slots=True)
class PolicyApprovals:
    """What a declared policy approved of a period, and what waits; `already` were approved before as they stand."""

    month: Month
    approved: tuple[Review, ...]
    waiting: tuple[Waiting, ...]
    already: tuple[str, ...] = ()

    def content(self) -> Content:
        """What `review approve --all-within --json` prints."""
        return {"period": str(self.month), **fields_of(self, "approved", "waiting", "already")}


def approvals_by_policy(preview: Preview, policy: ReviewPolicy, *, by: str, note: str, at: datetime) -> PolicyApprovals:
    """Put the invoices of a preview that are not issued to those that the policy approves and those that wait.

    Args:
        by: who runs it.
    """
    approved: list[Review] = []
    waiting: list[Waiting] = []
    already: list[str] = []
    for one in preview.customers:
        invoice = one.invoice
        if one.issued_number is not None:
            continue
        if one.review_state == "approved" and (one.parked is None or one.is_seen):
            already.append(invoice.customer)
        elif reasons := why_it_waits(one, preview, policy):
            total = minor_text(invoice.total_minor, invoice.currency)
            waiting.append(Waiting(invoice.customer, total, invoice.currency, tuple(reasons)))
        else:
            review = make_review(preview, invoice.customer, "approved", by=by, note=note, seen_hash=None, at=at)
            name, hash_ = policy.name_for(invoice.terms)
            approved.append(replace(review, policy=name, policy_hash=hash_))
    return PolicyApprovals(preview.month, tuple(approved), tuple(waiting), tuple(already))


def parked_customers(
    connection: Connection, computed: Computed, books: Books, pins: Content, policy: ReviewPolicy
) -> dict[str, str]:
    """Whose invoices of a period are parked, with the reason. Costs nothing where nobody states any bounds."""
    if all(policy.beyond(invoice.terms) is None for invoice in computed.invoices):
        return {}
    reasons = {one.invoice.customer: parked(one, policy) for one in compared(connection, computed, books, pins)}
    return {customer: reason for customer, reason in reasons.items() if reason is not None}
