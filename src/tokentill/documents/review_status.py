"""How one customer's invoice stands: what people said of it, what blocks it, and how it compares.

Every sentence of the review pages about a state is made here, so that the list and the customer's page say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from tokentill.documents.escaping import page_name, shown_text
from tokentill.documents.figures import (
    count,
    exact,
    instant_shown,
    money,
    percent_text,
    plural,
    share_percent,
    short_hash,
    signed_exact,
    signed_money,
)

if TYPE_CHECKING:
    from tokentill.invoicing.invoice import Invoice
    from tokentill.invoicing.lines import Unbilled
    from tokentill.invoicing.margin import CoveredMargin
    from tokentill.invoicing.preview import Previewed

Tone = Literal["good", "warn", "bad", "plain"]
Notice = tuple[Tone, str, str]
"""Something to know about an invoice: its tone, its title, and what to do about it."""

ADD_A_PRICE = (
    "Add a price for it, or an alias to the entry that holds, as a new file under pricing/models/; "
    "run `tokentill prices check`, then make the preview again."
)
LOAD_AGAIN = (
    "`tokentill usage missing` lists these records. Load them again once the gateway reports their usage (`tokentill "
    "ingest` with a newer export) and accept what changed (`tokentill usage revisions list`), or bill nothing for them "
    "(`tokentill usage waive`); then make the preview again."
)


NEEDS_APPROVAL = "Needs approval"
PARKED = "Parked"
COVERAGE_FOR_PERCENT = 95
"""A margin over the cost of fewer requests, in percent, would say too much."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in two or three words, with the tone in which it is said."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class AmountChange:
    """The total against the last period's. `minor` is None where the two cannot be compared."""

    minor: int | None
    amount: str
    percent: str
    previous: str


@dataclass(frozen=True, slots=True)
class MarginShown:
    """A margin as people read it (see `CoveredMargin`), and how far it goes where that is not everything."""

    cost: str
    margin: str
    percent: str
    note: str


@dataclass(frozen=True, slots=True)
class ReviewStatus:
    """One customer of a preview with everything that lists and pages say of it."""

    previewed: Previewed
    page: str
    content_hash: str
    badges: tuple[Badge, ...]
    change: AmountChange
    margin: MarginShown

    @property
    def invoice(self) -> Invoice:
        """The invoice of this status."""
        return self.previewed.invoice

    @property
    def customer(self) -> str:
        """The id as it is, not as it is shown."""
        return self.previewed.invoice.customer

    @property
    def is_issued(self) -> bool:
        """Whether the period's invoice has been issued."""
        return self.previewed.issued_number is not None

    @property
    def is_parked(self) -> bool:
        """Whether it waits for a person, whatever else holds."""
        previewed = self.previewed
        return not self.is_issued and previewed.parked is not None and not previewed.is_seen

    @property
    def has_moved(self) -> bool:
        """Whether it is issued, and the same period would be billed differently today."""
        return self.is_issued and self.previewed.issued_hash != self.content_hash

    @property
    def total(self) -> str:
        """The total as people read it."""
        return money(self.invoice.total_minor, self.invoice.currency)

    @property
    def has_due(self) -> bool:
        """Whether another amount than the total is to be paid now."""
        return self.invoice.due_minor != self.invoice.total_minor

    @property
    def due(self) -> str:
        """What is to be paid now, as people read it."""
        return money(self.invoice.due_minor, self.invoice.currency)

    @property
    def period_total(self) -> str:
        """What the whole period comes to, with its interim invoices, as people read it."""
        return money(self.previewed.period_total_minor, self.invoice.currency)


def review_status_of(previewed: Previewed) -> ReviewStatus:
    """Look at one customer of a preview."""
    invoice = previewed.invoice
    content_hash = invoice.content_hash
    return ReviewStatus(
        previewed=previewed,
        page=page_name(invoice.customer),
        content_hash=content_hash,
        badges=tuple(_badges(previewed, content_hash)),
        change=change_of(previewed),
        margin=margin_shown(invoice.margin, invoice.cost),
    )


def change_of(previewed: Previewed) -> AmountChange:
    """The change from the last period; `new` where there was none."""
    if previewed.previous_total_minor is None:
        return AmountChange(None, "new", "", "none")
    was_currency = previewed.previous_currency or previewed.invoice.currency
    previous = money(previewed.previous_total_minor, was_currency)
    minor = previewed.change_minor
    if minor is None:
        return AmountChange(None, f"was in {shown_text(was_currency)}", "", f"{previous} {shown_text(was_currency)}")
    before = Decimal(previewed.previous_total_minor)
    percent = share_percent(Decimal(minor), before) if previewed.has_measure else None
    in_percent = "" if percent is None else percent_text(percent, is_change=True)
    return AmountChange(minor, signed_money(minor, was_currency), in_percent, previous)


def margin_shown(margin: CoveredMargin | None, reported_cost: Decimal | None = None) -> MarginShown:
    """The margin as far as costs were reported, and how far that is; in percent where that is nearly everything.

    `reported_cost` is that of all requests in USD, where another one than that of the margin may be shown.
    """
    reported = "not reported" if reported_cost is None else exact(reported_cost)
    if margin is None or not margin.is_known:
        why = "" if reported_cost is None else " that can be set against what is billed"
        return MarginShown(reported, "not known", "", f"the gateway reported no cost{why}")
    cost, notes = exact(margin.cost), []
    if reported_cost is not None and reported_cost != margin.cost:
        notes.append(f"over {cost} {margin.currency}, the cost of what is billed")
    if not margin.is_whole:
        without = plural(margin.requests - margin.requests_with_cost, "request has", "requests have")
        notes.append(f"{percent_text(margin.coverage_percent)} of requests have a cost; {without} none")
    percent = share_percent(margin.margin, margin.billed) if margin.coverage_percent >= COVERAGE_FOR_PERCENT else None
    in_percent = "" if percent is None else percent_text(percent)
    shown = cost if reported_cost is None else reported
    return MarginShown(shown, signed_exact(margin.margin), in_percent, "; ".join(notes))


def notices_of(status: ReviewStatus) -> tuple[Notice, ...]:
    """What a reviewer has to know before anything else, worst first."""
    return tuple(_issued_notices(status) if status.is_issued else _open_notices(status))


def requests_of(usage: tuple[Unbilled, ...]) -> int:
    """Number of requests that cannot be billed."""
    return sum(unbilled.requests for unbilled in usage)


def _badges(previewed: Previewed, content_hash: str) -> list[Badge]:
    if previewed.issued_number is not None:
        badges = [Badge("good", f"Issued {shown_text(previewed.issued_number)}")]
        if previewed.issued_hash != content_hash:
            badges.append(Badge("warn", "Moved since"))
    else:
        state: dict[str, Badge] = {
            "approved": Badge("good", "Approved"),
            "held": Badge("bad", "Held"),
            "stale": Badge("warn", "Approval stale"),
            "none": Badge("plain", "Not reviewed"),
        }
        badges = [state[previewed.review_state]]
        if previewed.needs_approval and previewed.review_state == "none":
            badges = [Badge("warn", NEEDS_APPROVAL)]
        further = {
            Badge("bad", "Unpriced usage"): previewed.invoice.unpriced,
            Badge("bad", "Missing usage"): previewed.invoice.missing,
            Badge("bad", PARKED): previewed.parked is not None and not previewed.is_seen,
            Badge("plain", "Not due yet"): not previewed.is_due,
            Badge("warn", "Interim invoice"): previewed.reaches_interim,
        }
        badges += [badge for badge, is_so in further.items() if is_so]
    if previewed.late_requests:
        badges.append(Badge("warn", f"{count(previewed.late_requests)} late"))
    return badges


def _issued_notices(status: ReviewStatus) -> list[Notice]:
    previewed = status.previewed
    number = shown_text(previewed.issued_number or "")
    if not status.has_moved:
        text = "This period is invoiced, and computing it again gives the same content."
        return [("good", f"Issued as {number}", text)]
    late_requests = plural(previewed.late_requests, "request", "requests")
    late = f" {late_requests} came after it was issued." if previewed.late_requests else ""
    text = (
        f"The issued invoice has the content hash {short_hash(previewed.issued_hash or 'unknown')}; today's has "
        f"{short_hash(status.content_hash)}.{late} An issued invoice is never changed: what differs becomes "
        "adjustment lines."
    )
    return [("warn", f"Issued as {number}, and the period has moved since", text)]


def _open_notices(status: ReviewStatus) -> list[Notice]:
    previewed, invoice = status.previewed, status.invoice
    notices: list[Notice] = []
    if invoice.unpriced:
        requests = plural(requests_of(invoice.unpriced), "request has", "requests have")
        notices.append(("bad", f"Unpriced usage: {requests} no price", ADD_A_PRICE))
    if invoice.missing:
        requests = plural(requests_of(invoice.missing), "request reports", "requests report")
        notices.append(("bad", f"Missing usage: {requests} no usage at all", LOAD_AGAIN))
    for reason in invoice.uncarried:
        text = f"{shown_text(reason)}. A close leaves this customer out until it can."
        notices.append(("bad", "It cannot take over what earlier documents left", text))
    added = "A line that somebody added cannot stand on it"
    notices += [("bad", added, f"{shown_text(reason)}.") for reason in invoice.misfits]
    notices += _review_notices(status)
    if previewed.reaches_interim and invoice.interim_at is not None:
        title = f"The threshold of {exact(invoice.interim_at)} {invoice.currency} for an interim invoice is reached"
        text = (
            f"`tokentill close {invoice.period.month} --interim` bills what has accrued so far, of everybody who "
            "has reached it; the invoice of the period then bills the rest."
        )
        notices.append(("warn", title, text))
    if not previewed.is_due:
        text = "The period, or its grace time, is not over; a close leaves it for later."
        notices.append(("plain", "Not due yet", text))
    return notices


def _review_notices(status: ReviewStatus) -> list[Notice]:
    review = status.previewed.review
    state = status.previewed.review_state
    if status.is_parked and state != "held":
        reason = shown_text(status.previewed.parked or "")
        text = f"{reason}. A close leaves it out until a person approves this very content."
        return [("bad", PARKED, text)]
    if (review is None or state == "none") and status.previewed.requires_approval:
        return [("warn", NEEDS_APPROVAL, "Nobody has approved this invoice, and a close leaves it out until then.")]
    if review is None or state == "none":
        text = "Nobody has approved this invoice. A close with `--require-approval` leaves it out."
        return [("plain", "Not reviewed", text)]
    signature = f"{shown_text(review.signature)} on {instant_shown(review.at)}"
    note = f": {shown_text(review.note)}" if review.note else ""
    if state == "held":
        return [("bad", f"Held by {signature}{note}", "A close leaves it out until it is released.")]
    if state == "stale":
        text = (
            f"The approval by {signature} was of the content {short_hash(review.content_hash)}; it is "
            f"{short_hash(status.content_hash)} now. Usage, a price or a contract has changed in between: "
            "look again, then approve again."
        )
        text += " A close leaves it out until then." if status.previewed.requires_approval else ""
        return [("warn", "The approval is stale", text)]
    text = "The approval is of this very content: nothing has moved since."
    return [("good", f"Approved by {signature}{note}", text)]
