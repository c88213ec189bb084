"""What a reviewer says of a preview: approve it, hold it, or release a hold. Each word is kept with the hash it saw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from tokentill.canonical import Content, fields_of, stated_fields_of
from tokentill.closing.computation.pins import Inputs
from tokentill.closing.pricing_use import keep_use
from tokentill.errors import InvalidCall, NotFound, Refused
from tokentill.invoicing.preview import Preview, PricingUsed, Review, ReviewKind
from tokentill.store.audit import append_audit
from tokentill.store.database import hold_counter
from tokentill.store.issued.invoices import add_review, issued_invoices
from tokentill.store.recordings import keep_recordings
from tokentill.usage.shell_words import command_line

NOTE_LENGTH_MAX = 2000


def store_reviews(connection: Connection, reviews: Sequence[Review], inputs: Inputs, used: PricingUsed) -> None:
    """Append reviews in the caller's writing transaction, with everything that the preview was computed from.

    Raises:
        Refused: when one of the invoices was issued meanwhile.
    """
    hold_counter(connection, "invoice")  # nothing is issued between the look and the word
    keep_recordings(connection, inputs.recordings(), reviews[0].at)
    use = keep_use(connection, inputs, used, reviews[0].at)
    for review in reviews:
        _store_review(connection, review, use)


def _store_review(connection: Connection, review: Review, use: Content) -> None:
    documents = issued_invoices(connection, period=str(review.month), customer=review.customer, status="issued")
    issued = [invoice for invoice in documents if invoice.kind == "period"]
    if issued:
        raise Refused(
            f"{review.customer!r} was issued {issued[0].number} for {review.month}; it can no longer be reviewed"
        )
    add_review(connection, review)
    content = {"period": str(review.month), **fields_of(review, "customer", "content_hash", "note", "pins")}
    content |= {**stated_fields_of(review, "policy", "policy_hash"), **use}
    append_audit(connection, f"review.{review.kind}", content, at=review.at, actor=review.by)


def make_review(
    preview: Preview, customer: str, kind: ReviewKind, *, by: str, note: str, seen_hash: str | None, at: datetime
) -> Review:
    """A review of a customer's preview as it stands.

    Args:
        seen_hash: the content hash that the reviewer looked at, or a beginning of it. None takes the present one.

    Raises:
        NotFound: when the customer has no preview in the period.
        Refused: when the preview has changed since the reviewer saw it, or cannot be reviewed so.
        InvalidCall: for a hold without a reason.
    """
    previewed = next((previewed for previewed in preview.customers if previewed.invoice.customer == customer), None)
    if previewed is None:
        raise NotFound(
            f"{customer!r} has no usage in {preview.month}; `tokentill preview {preview.month}` lists who has"
        )
    content_hash = previewed.invoice.content_hash
    if seen_hash is not None and not _same(content_hash, seen_hash):
        raise Refused(
            f"the preview of {customer!r} is {content_hash} now, not {seen_hash}; look at it again before you decide"
        )
    if len(note) > NOTE_LENGTH_MAX:
        raise InvalidCall(f"a note may be {NOTE_LENGTH_MAX} characters long, and this one is {len(note)}")
    if kind == "held" and not note.strip():
        raise InvalidCall("a hold needs a reason; add --reason TEXT")
    if kind == "approved" and previewed.invoice.blocked_by is not None:
        raise Refused(f"{customer!r} cannot be approved: {previewed.invoice.blocked_by}")
    if kind == "approved" and previewed.review_state == "held":
        release = command_line("review release", str(preview.month), ids=(customer,))
        raise Refused(f"{customer!r} is held; release it first: `{release}`")
    if kind == "released" and previewed.review_state != "held":
        raise Refused(f"{customer!r} is not held in {preview.month}")
    return Review(customer, preview.month, kind, content_hash, by, note, at, preview.pins)


def _same(content_hash: str, prefix: str) -> bool:
    """Whether a hash was meant; twelve of its digits are enough."""
    digits = prefix.removeprefix("sha256:")
    return len(digits) >= 12 and content_hash.removeprefix("sha256:").startswith(digits)
