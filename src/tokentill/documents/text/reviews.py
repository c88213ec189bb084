"""What people said of previews, and the lines that they added to invoices, as text for a terminal."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import amount_shown, plural, short_hash
from tokentill.documents.moved import moved_rows

if TYPE_CHECKING:
    from tokentill.closing.reviews.approval_policy import PolicyApprovals
    from tokentill.documents.text.screen import Screen
    from tokentill.documents.views.lists import ReviewList, ReviewShown
    from tokentill.invoicing.differences import Differences
    from tokentill.invoicing.manual_lines import ManualLine, ManualLines
    from tokentill.invoicing.preview import Moved


def show_review_list(screen: Screen, listed: ReviewList) -> None:
    """A customer a row, with the last word on its preview."""
    if not listed.customers:
        screen.say(f"nobody has usage in {listed.month}")
        return
    rows = []
    for one in listed.customers:
        review = one.review
        said = (
            ("", "", "", "")
            if review is None
            else (
                review.kind,
                shown_text(review.signature),
                instant_text(review.at),
                shown_text(review.note),
            )
        )
        state = one.review_state if one.issued_number is None else f"issued as {one.issued_number}"
        rows.append((short_id(one.invoice.customer), state, *said, short_hash(one.invoice.content_hash)))
    screen.table(("customer", "state", "last word", "by", "at", "note", "preview"), rows)


def show_review(screen: Screen, shown: ReviewShown) -> None:
    """The last word on a customer's preview, and what moved since."""
    one = shown.previewed
    invoice, review = one.invoice, one.review
    state = one.review_state if one.issued_number is None else f"issued as {one.issued_number}"
    screen.say(f"{shown_id(invoice.customer)}  {shown.month}  {state}")
    if review is None:
        screen.say("nobody has said anything of it")
        return
    note = f": {shown_text(review.note)}" if review.note else ""
    screen.say(f"{review.kind} by {shown_text(review.signature)} at {instant_text(review.at)}{note}")
    screen.say(f"of {review.content_hash}")
    if review.content_hash != invoice.content_hash:
        screen.say(f"now {invoice.content_hash}")
    if one.moved is not None:
        show_moved(screen, one.moved)


def show_approvals(screen: Screen, made: PolicyApprovals) -> None:
    """What a policy approved, then everything that waits for a person, with each reason."""
    policies = dict.fromkeys((review.policy, review.policy_hash) for review in made.approved)
    for name, hash_ in policies:
        customers = [review.customer for review in made.approved if review.policy_hash == hash_]
        approved = plural(len(customers), "customer", "customers")
        screen.say(f"{made.month}: {approved} approved by the policy of {shown_text(name or '')}, {hash_}")
        screen.say(f"  {', '.join(map(short_id, customers))}")
    if not made.approved:
        screen.say(f"{made.month}: the policy approves nothing that was not approved before")
    if made.already:
        screen.say(f"{plural(len(made.already), 'customer was', 'customers were')} approved before")
    if made.waiting:
        screen.say(f"\n{plural(len(made.waiting), 'customer waits', 'customers wait')} for a person:")
    for one in sorted(made.waiting, key=lambda waiting: (waiting.currency, -Decimal(waiting.total))):
        screen.say(f"  {short_id(one.customer)}, {amount_shown(one.total)} {one.currency}")
        for reason in one.reasons:
            screen.say(f"    {shown_text(reason)}")


def show_moved(screen: Screen, moved: Moved) -> None:
    """What moved since an approval: inputs, amounts, lines and steps."""
    if moved.inputs:
        screen.say(f"changed since: {', '.join(moved.inputs)}")
    differences = moved.differences
    if differences is None:
        screen.say(f"what that does is not known: {moved.reason}")
        return
    show_differences(screen, differences)


def show_differences(screen: Screen, differences: Differences) -> None:
    """Lines, steps and amounts that differ, before and after."""
    rows = moved_rows(differences)
    columns = ("", "requests", "quantities", "exact amount", "before", "after", "difference")
    screen.table(
        columns, [row.cells for row in rows], right=("requests", "exact amount", "before", "after", "difference")
    )


def manual_line_text(line: ManualLine) -> str:
    """A line that somebody added, in one sentence."""
    return (
        f"line {line.number} of {line.amount_text} {line.currency} on the invoice of {shown_id(line.customer)} for"
        f" {line.month}: {shown_text(line.description)}"
    )


def show_manual_lines(screen: Screen, listed: ManualLines) -> None:
    """A line a row, with who added it and why, and who removed it."""
    if not listed.lines:
        screen.say(f"nobody added a line to an invoice of {listed.month}; `tokentill review add-line` does")
        return
    screen.table(
        ("line", "customer", "amount", "currency", "description", "by", "reason", "added at", "removed"),
        [
            (
                str(line.number),
                short_id(line.customer),
                line.amount_text,
                line.currency,
                shown_text(line.description),
                shown_text(line.by),
                shown_text(line.reason),
                instant_text(line.at.replace(microsecond=0)),
                "" if line.removed is None else f"by {shown_text(line.removed.by)}: {shown_text(line.removed.reason)}",
            )
            for line in listed.lines
        ],
        right=("line", "amount"),
    )
