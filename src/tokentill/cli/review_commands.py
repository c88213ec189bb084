"""`tokentill review ...`: what people say of previews, and the lines that they add to invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokentill.cli.calling import (
    AcceptOption,
    ByOption,
    Commands,
    CustomerArgument,
    Invocation,
    PeriodArgument,
    ReasonOption,
)
from tokentill.documents.escaping import shown_id
from tokentill.documents.text.reviews import (
    manual_line_text,
    show_approvals,
    show_manual_lines,
    show_review,
    show_review_list,
)
from tokentill.errors import InvalidCall

if TYPE_CHECKING:
    from tokentill.invoicing.preview import Review, ReviewKind

NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="A remark to keep with it.")]
HashOption = Annotated[
    str | None,
    typer.Option(
        "--hash", metavar="HASH", help="The content hash you looked at; refused when the preview has changed since."
    ),
]

app = Commands()
review = app.group("review", "Approve or hold a preview, or add a line to it.")


@review.command("approve")
def _approve(
    call: Invocation,
    period: PeriodArgument,
    customers: Annotated[
        list[str] | None, typer.Argument(metavar="CUSTOMER...", help="Customers, by id: all or nobody.")
    ] = None,
    all_within: Annotated[
        bool,
        typer.Option(
            "--all-within",
            help="Instead of naming them: all that the declared policy approves ([review] approve_within).",
        ),
    ] = False,
    seen: HashOption = None,
    by: ByOption = None,
    note: NoteOption = "",
    accept: AcceptOption = False,
) -> None:
    """Approve previews of customers as they stand.

    The approval is of the content hash: if anything moves afterwards, the approval is stale.
    """
    if all_within == bool(customers):
        raise InvalidCall("name the customers to approve, or ask for --all-within, and not both")
    if customers is None or all_within:
        if seen is not None:
            raise InvalidCall("a hash is of one customer; name one, or leave out --hash")
        with call.till() as till:
            by_policy = till.approve_within(period, by=by, note=note, accept_pricing_change=accept)
        call.answer(by_policy, show_approvals)
        return
    if len(customers) == 1:
        _review(call, period, customers[0], "approved", by=by, note=note, seen=seen, accept=accept)
        return
    if seen is not None:
        raise InvalidCall("a hash is of one customer; name one, or leave out --hash")
    with call.till() as till:
        made = till.approve(till.preview(period), customers, by=by, note=note, accept_pricing_change=accept)
    content = {"reviews": [review.content() for review in made]}
    call.finish(content, lambda screen: screen.say("\n".join(map(_review_text, made))))


@review.command("list")
def _review_list(call: Invocation, period: PeriodArgument) -> None:
    """List what was said of each preview of a period.

    The last word on each, by whom and when, and what it is worth now: approved, stale, held, or none.
    """
    with call.till() as till:
        call.answer(till.reviews(period), show_review_list)


@review.command("show")
def _show(call: Invocation, period: PeriodArgument, customer: CustomerArgument) -> None:
    """Show the last word on a preview, and what moved since.

    Of an approval that is stale: which inputs changed, and what that does to each line and step.
    """
    with call.till() as till:
        call.answer(till.shown_review(period, customer), show_review)


@review.command("hold")
def _hold(
    call: Invocation,
    period: PeriodArgument,
    customer: CustomerArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; shown to everybody.")],
    by: ByOption = None,
    accept: AcceptOption = False,
) -> None:
    """Keep a customer from being closed, until it is released."""
    _review(call, period, customer, "held", by=by, note=reason, accept=accept)


@review.command("release")
def _release(
    call: Invocation,
    period: PeriodArgument,
    customer: CustomerArgument,
    by: ByOption = None,
    note: NoteOption = "",
    accept: AcceptOption = False,
) -> None:
    """Release a hold."""
    _review(call, period, customer, "released", by=by, note=note, accept=accept)


def _review(
    call: Invocation,
    period: str,
    customer: str,
    kind: ReviewKind,
    *,
    by: str | None,
    note: str,
    seen: str | None = None,
    accept: bool,
) -> None:
    with call.till() as till:
        review = till.review(period, customer, kind, by=by, note=note, seen_hash=seen, accept_pricing_change=accept)
    call.finish(review.content(), lambda screen: screen.say(_review_text(review)))


def _review_text(review: Review) -> str:
    return f"{shown_id(review.customer)} is {review.kind} for {review.month}: {review.content_hash}"


@review.command("add-line")
def _add_line(
    call: Invocation,
    period: PeriodArgument,
    customer: CustomerArgument,
    amount: Annotated[
        str, typer.Option("--amount", metavar="AMOUNT", help="In the invoice's currency, like 120 or -12.50.")
    ],
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What the invoice says of it.")],
    reason: ReasonOption,
    may_be_negative: Annotated[
        bool, typer.Option("--allow-negative", help="It may make the subtotal negative.")
    ] = False,
    by: ByOption = None,
) -> None:
    """Add a line to a customer's invoice of a period.

    It is added up with the other lines before the rounding, and taxed as they are. An approval from before is stale.
    """
    with call.till() as till:
        line = till.add_line(
            period,
            customer,
            amount=amount,
            description=description,
            reason=reason,
            may_be_negative=may_be_negative,
            by=by,
        )
    call.finish(line.content(), lambda screen: screen.say(f"added {manual_line_text(line)}"))


@review.command("remove-line")
def _remove_line(
    call: Invocation,
    line: Annotated[int, typer.Argument(metavar="LINE", help="The line's number, as `review lines` shows it.")],
    reason: ReasonOption,
    by: ByOption = None,
) -> None:
    """Take a line away again that somebody added.

    That it was there, and who removed it and why, is kept.
    """
    with call.till() as till:
        removed = till.remove_line(line, reason=reason, by=by)
    call.finish(removed.content(), lambda screen: screen.say(f"removed {manual_line_text(removed)}"))


@review.command("lines")
def _lines(call: Invocation, period: PeriodArgument) -> None:
    """List the lines that people added to invoices of a period.

    Each with who added it and why; those that were removed stay in the list.
    """
    with call.till() as till:
        call.answer(till.lines(period), show_manual_lines)
