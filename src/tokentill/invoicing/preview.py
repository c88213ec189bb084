"""What a period looks like before it is closed: one invoice a customer, what people said of it, what blocks the close.

Pure values. They are computed by `closing.computation.compute` and shown by the command line and the pages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tokentill.canonical import Content, ContentOfFields, fields_of, form_of, stated_fields_of
from tokentill.invoicing.completeness import Completeness
from tokentill.invoicing.coverage import KeptBoundary
from tokentill.invoicing.differences import Differences
from tokentill.invoicing.findings import PreviewFinding
from tokentill.invoicing.invoice import Invoice, invoice_document
from tokentill.invoicing.margin import CoveredMargin, margin_of_all
from tokentill.invoicing.not_billed import NotBilled, by_decision
from tokentill.invoicing.obstacles import Obstacle, together
from tokentill.invoicing.periods import Month, Period
from tokentill.invoicing.projection import Projection
from tokentill.invoicing.seen_once import NOBODY_SEEN_ONCE, UsersSeenOnce
from tokentill.invoicing.unattributed import Unattributed
from tokentill.money import minor_text, round_to_minor

ReviewKind = Literal["approved", "held", "released"]
ReviewState = Literal["none", "approved", "held", "stale"]


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer said of a preview, with the content hash that was on the page and the pins it was computed at.

    `policy` is the declared policy that approved it, with its hash, where nobody looked; `by` is who ran it then.
    Reviews of older versions kept no pins.
    """

    customer: str
    month: Month
    kind: ReviewKind
    content_hash: str
    by: str
    note: str
    at: datetime
    pins: Content | None = field(default=None, compare=False)
    policy: str | None = None
    policy_hash: str | None = None

    @property
    def signature(self) -> str:
        """Who said so: a person, or a policy and the person who ran it."""
        return self.by if self.policy is None else f"policy {self.policy}, run by {self.by}"

    def content(self) -> Content:
        """What `review approve --json` prints."""
        said: Content = {"customer": self.customer, "period": str(self.month), "review": self.kind}
        return said | fields_of(self, "content_hash", "by", "note", "at", "policy", "policy_hash", "pins")


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved since an approval: which inputs, and what that does to the invoice.

    `reason` says why the difference is not known, where it is not.
    """

    inputs: tuple[str, ...] = ()
    reason: str = ""
    differences: Differences | None = None

    def content(self) -> Content:
        """Canonical content."""
        return fields_of(self, "inputs", "reason", "differences")


def review_obstacle(
    invoice: Invoice,
    review: Review | None,
    *,
    require_approval: bool,
    parked: str | None = None,
    closed_by: str | None = None,
) -> Obstacle | None:
    """What people said of an invoice, or did not say, that keeps it from being issued.

    Its contract may require an approval, or whoever closes; an interim invoice has no preview that could be approved.

    Args:
        parked: why it waits for a person, whatever else holds.
        closed_by: who closes, where that has to be somebody else than who approved.
    """
    month, own = invoice.period.month, (invoice.customer,)
    if review is not None and review.kind == "held":
        return Obstacle("held", month, own, f"held by {review.by}: {review.note}")
    if parked is not None and not _is_seen(invoice, review):
        return Obstacle("parked", month, own, parked)
    if invoice.kind == "interim" or not (require_approval or invoice.requires_approval):
        return None
    if review is None or review.kind != "approved":
        return Obstacle("unapproved", month, own, "its preview was not approved")
    if review.content_hash != invoice.content_hash:
        reason = f"the approval by {review.signature} is stale: the invoice has changed since"
        return Obstacle("stale", month, own, reason)
    if closed_by is not None and review.by == closed_by:
        return Obstacle("four_eyes", month, own, f"{closed_by} approved it and closes; four eyes are asked for")
    return None


def _is_seen(invoice: Invoice, review: Review | None) -> bool:
    """Whether a person approved exactly this content."""
    if review is None or review.kind != "approved" or review.policy is not None:
        return False
    return review.content_hash == invoice.content_hash


def obstacles_of(invoice: Invoice, of_review: Obstacle | None) -> tuple[Obstacle, ...]:
    """Everything in the way of an invoice; what is blocked cannot be approved yet, and may be held."""
    if of_review is None or (invoice.obstacles and of_review.kind != "held"):
        return invoice.obstacles
    return (*invoice.obstacles, of_review)


@dataclass(frozen=True, slots=True)
class InterimInvoice:
    """An interim invoice that was issued for a period, as its period's invoice and preview name it."""

    number: str
    currency: str
    total_minor: int
    due_minor: int
    issued_at: datetime

    def content(self) -> Content:
        """Canonical content."""
        return {
            **fields_of(self, "number", "issued_at"),
            "total": minor_text(self.total_minor, self.currency),
            "due": minor_text(self.due_minor, self.currency),
        }


@dataclass(frozen=True, slots=True)
class Previewed:
    """One customer's invoice as it stands, with what is known about it beside its content.

    `issued_total` is what the period's invoice came to, in major units. `late_requests` counts records that came after
    the period was issued. `previous` is all that was billed for the period before, as issued or as it would be;
    `previous_is_partial` says that usage began well inside of it.
    `interims` are the interim invoices that the invoice deducts, oldest first; `reaches_interim` says that the period
    still runs and the next one may be issued. `requires_approval` says that a close refuses it until somebody approved
    it, by its contract or by settings. `moved` is what moved since an approval that is stale, where that was asked for.
    `previous_models` are those of the period before, and `parked` says why it waits for a person whatever else holds.
    `projection` is what a period that runs would come to.
    """

    invoice: Invoice
    review: Review | None
    issued_number: str | None
    issued_hash: str | None
    late_requests: int
    is_due: bool
    previous_total_minor: int | None
    previous_currency: str | None
    issued_total: str | None = None
    issued_currency: str | None = None
    previous_is_partial: bool = False
    interims: tuple[InterimInvoice, ...] = ()
    reaches_interim: bool = False
    requires_approval: bool = False
    moved: Moved | None = None
    previous_models: tuple[str, ...] | None = None
    parked: str | None = None
    projection: Projection | None = None

    @property
    def is_seen(self) -> bool:
        """Whether a person, and not a policy, approved it as it stands."""
        return _is_seen(self.invoice, self.review)

    @property
    def period_total_minor(self) -> int:
        """All that the period comes to: the invoice's total and those of its interim invoices."""
        return self.invoice.total_minor + sum(interim.total_minor for interim in self.interims)

    @property
    def review_state(self) -> ReviewState:
        """What the last review is worth now: an approval of other content is stale, a hold stays until released."""
        if self.review is None or self.review.kind == "released":
            return "none"
        if self.review.kind == "held":
            return "held"
        return "approved" if self.review.content_hash == self.invoice.content_hash else "stale"

    @property
    def blocked_by(self) -> str | None:
        """Why a close would refuse this customer, or None. Whoever closes may require an approval on top."""
        if self.issued_number is not None:
            return None
        obstacle = self._of_review
        return self.invoice.blocked_by or (None if obstacle is None else obstacle.reason)

    @property
    def has_no_answer(self) -> bool:
        """Whether what the invoice comes to is not known yet, as usage of it cannot be billed."""
        return self.issued_number is None and self.invoice.blocked_by is not None

    @property
    def needs_approval(self) -> bool:
        """Whether an approval is all that a close is waiting for."""
        return self.blocked_by is not None and self.invoice.blocked_by is None and self.review_state != "held"

    @property
    def _of_review(self) -> Obstacle | None:
        return review_obstacle(self.invoice, self.review, require_approval=self.requires_approval, parked=self.parked)

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """The causes of that, one by one."""
        if self.issued_number is not None:
            return ()
        return obstacles_of(self.invoice, self._of_review)

    @property
    def change_minor(self) -> int | None:
        """The change from the last period, both with their interim invoices; None where they cannot be compared."""
        if self.previous_total_minor is None or self.previous_currency != self.invoice.currency:
            return None
        return self.period_total_minor - self.previous_total_minor

    @property
    def has_moved(self) -> bool:
        """Whether what was issued is not what it would be now."""
        return self.issued_hash is not None and self.issued_hash != self.invoice.content_hash

    def issued_content(self) -> Content:
        """What was issued, beside what would be computed now; empty where nothing was."""
        if self.issued_total is None:
            return {}
        return fields_of(self, "issued_total", "issued_currency", "issued_hash", "has_moved")

    @property
    def has_measure(self) -> bool:
        """Whether the change means something in percent: the last period is whole, and came to 1 of its currency."""
        previous, currency = self.previous_total_minor, self.previous_currency
        if previous is None or currency is None or self.previous_is_partial:
            return False
        return previous >= round_to_minor(Decimal(1), currency)

    def interims_content(self) -> Content:
        """What is printed of interim invoices, empty where there is nothing to say."""
        return {
            **({"interim_invoices": form_of(self.interims)} if self.interims else {}),
            **({"reaches_interim": True} if self.reaches_interim else {}),
        }


@dataclass(frozen=True, slots=True)
class LateUsage:
    """Requests of a customer in a period whose document was issued without them; `number` is that document's."""

    customer: str
    payer: str
    month: Month
    number: str
    requests: int

    def content(self) -> Content:
        """Canonical content."""
        return {
            **fields_of(self, "customer", "payer"),
            "period": str(self.month),
            **fields_of(self, "number", "requests"),
        }


@dataclass(frozen=True, slots=True)
class OpenMonth:
    """A month that was closed, and customers with requests in it that came later and have no invoice of it yet."""

    month: Month
    customers: tuple[str, ...]
    requests: int

    def content(self) -> Content:
        """Canonical content."""
        return {"period": str(self.month), **fields_of(self, "customers", "requests")}


@dataclass(frozen=True, slots=True)
class Aside(ContentOfFields):
    """What was kept aside when records were taken in, that lies in a period and that nobody decided on.

    `quarantined` lines name an instant of it or none, `revisions` are records that came again with another payload.
    """

    quarantined: int = 0
    revisions: int = 0
    open_months: tuple[OpenMonth, ...] = ()


NOTHING_ASIDE = Aside()


@dataclass(frozen=True, slots=True)
class PricingUsed(ContentOfFields):
    """Which prices and contracts something was computed with.

    `found_by` says what led to the folder; `recordings` are its files, `beneath` how many shipped price tables lie
    beneath them. `a` and `b` are the hashes of the sets of prices and of contracts. `lost` is what the contracts that
    the database was used with last stated, and these do not.
    """

    folder: str
    found_by: str
    is_shipped: bool
    recordings: tuple[str, ...]
    beneath: int
    a: str
    b: str
    lost: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """In words."""
        if self.is_shipped:
            return "the list prices that tokentill ships, without any contract"
        return self.folder if self.found_by == "given" else f"{self.folder} (found by {self.found_by})"


@dataclass(frozen=True, slots=True)
class Preview:
    """A whole period at the newest pins. `default_period` is the period under the default contract.

    `failed` are customers whose invoice cannot be computed, with the reason; `late` is usage of any period that was
    issued without it; `kept` are boundaries that stay where issued periods ended, whatever a contract says; `aside` is
    what nobody decided on; `findings` stand out and refuse nothing. `with_staged` are staged imports that are counted
    as well. `requests` are all of the period, whoever they belong to, and `requests_failed` those of `failed`.
    `completeness` is what control totals say of the days that are due, None in the preview of one customer.
    `seen_once` are users who would get an invoice of a single request.
    """

    month: Month
    default_period: Period
    customers: tuple[Previewed, ...]
    unattributed: Unattributed
    pins: Content
    made_at: datetime
    failed: tuple[tuple[str, str], ...] = ()
    late: tuple[LateUsage, ...] = ()
    kept: tuple[KeptBoundary, ...] = ()
    aside: Aside = NOTHING_ASIDE
    pricing: PricingUsed | None = field(default=None, compare=False)
    findings: tuple[PreviewFinding, ...] = ()
    with_staged: tuple[int, ...] = ()
    requests: int = 0
    requests_failed: int = 0
    completeness: Completeness | None = field(default=None, compare=False)
    seen_once: UsersSeenOnce = NOBODY_SEEN_ONCE

    @property
    def invoices(self) -> tuple[Invoice, ...]:
        """The invoices of all customers."""
        return tuple(previewed.invoice for previewed in self.customers)

    @property
    def margins(self) -> list[CoveredMargin]:
        """What all invoices bill against their reported cost, by currency."""
        return margin_of_all(previewed.invoice.margin for previewed in self.customers)

    @property
    def not_billed(self) -> tuple[NotBilled, ...]:
        """What all invoices count and do not bill, by decision."""
        return by_decision(one for previewed in self.customers for one in previewed.invoice.not_billed)

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """What would refuse customers, one for each cause."""
        failed = (Obstacle("failed", self.month, (customer,), reason) for customer, reason in self.failed)
        return together((*(one for previewed in self.customers for one in previewed.obstacles), *failed))

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """What would refuse the whole close."""
        lost = () if self.pricing is None else self.pricing.lost
        incomplete = () if self.completeness is None else self.completeness.blocked_by
        gone = (f"the contracts lost {', '.join(lost)}",) if lost else ()
        return (*gone, *self.unattributed.blocked_by, *self.seen_once.blocked_by, *incomplete)

    def content(self) -> Content:
        """What `preview --json` prints."""
        return {
            "period": str(self.month),
            "with_import": self.with_staged[0] if len(self.with_staged) == 1 else None,
            "with_staged": list(self.with_staged),
            "invoices": [
                invoice_document(
                    previewed.invoice.content(),
                    number=None,
                    status="preview",
                    pins=self.pins,
                    review=previewed.review_state,
                    **fields_of(previewed, "requires_approval", "blocked_by", "issued_number"),
                    **fields_of(previewed, "late_requests", "is_due"),
                    requests=previewed.invoice.all_requests,
                    **previewed.issued_content(),
                    not_billed=form_of(previewed.invoice.not_billed),
                    margin=form_of(previewed.invoice.margin if previewed.invoice.margin.is_known else None),
                    **previewed.interims_content(),
                    **stated_fields_of(previewed, "moved", "parked", "projection"),
                )
                for previewed in self.customers
            ],
            **fields_of(self, "unattributed", "blocked_by"),
            "obstacles": form_of(self.obstacles),
            "failed": [{"customer": customer, "reason": reason} for customer, reason in self.failed],
            "late": form_of(self.late),
            "kept_boundaries": form_of(self.kept),
            **self.aside.content(),
            **({} if self.pricing is None else {"pricing": self.pricing.content()}),
            "margins": form_of(self.margins),
            "not_billed": form_of(self.not_billed),
            "findings": form_of(self.findings),
            "users_seen_once": self.seen_once.content(),
        }
