"""`tokentill preview`, `close`, `invoices ...`, `status` and `verify`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tokentill.cli.calling import (
    AcceptOption,
    ByOption,
    Commands,
    Invocation,
    NumberArgument,
    PeriodArgument,
    PeriodOption,
    ReasonOption,
)
from tokentill.documents.escaping import shown_id
from tokentill.documents.figures import plural
from tokentill.documents.text.comparisons import show_document_differences
from tokentill.documents.text.invoices import (
    show_chain_head,
    show_closed,
    show_closed_months,
    show_due_months,
    show_invoice,
    show_invoices,
    show_preview,
    show_verification,
)
from tokentill.documents.text.reviews import show_moved
from tokentill.documents.text.status import show_status
from tokentill.errors import InvalidCall
from tokentill.faces.arguments import instant_in

if TYPE_CHECKING:
    from tokentill.closing.closed import Closed
    from tokentill.documents.text.screen import Screen

app = Commands()
invoices = app.group("invoices", "Look at issued invoices, export them, or make one void.")


@app.command("preview")
def _preview(
    call: Invocation,
    period: PeriodArgument,
    customer: Annotated[
        str | None, typer.Option("--customer", metavar="ID", help="Only this customer, with its lines.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="DIR", help="Write review pages to this folder as well.")
    ] = None,
    with_staged: Annotated[
        str | None,
        typer.Option(
            "--with-staged",
            metavar="NAME",
            help="Count what was staged under this name, too; the number of an import will do.",
        ),
    ] = None,
) -> None:
    """Show what a period would come to if it were closed now.

    Nothing is stored. Below the table stands what keeps customers, or the whole period, from being closed.
    """
    if html is not None and customer is not None:
        raise InvalidCall("the pages are of a whole period; leave out --customer or --html")
    with call.till() as till:
        preview = till.preview(period, customer, with_staged=with_staged)
    pages: list[Path] = []
    if html is not None:
        from tokentill.documents.review_pages import write_review_pages

        pages = list(write_review_pages(preview, html))

    def show(screen: Screen) -> None:
        show_preview(screen, preview)
        if with_staged is not None:
            screen.say(f"counted with {shown_id(with_staged)}, which is staged; nothing was stored")
        if customer is not None:
            only = preview.customers[0]
            show_invoice(screen, {**only.invoice.content(), **only.interims_content()})
            if only.moved is not None:
                screen.say("\nsince the approval:")
                show_moved(screen, only.moved)
        if pages:
            screen.say(f"\n{plural(len(pages), 'page', 'pages')} written; open {html}/index.html")

    content = preview.content()
    if pages:
        content["pages"] = [str(page) for page in pages]
    call.finish(content, show)


@app.command("close")
def _close(
    call: Invocation,
    period: Annotated[
        str | None,
        typer.Argument(
            metavar="PERIOD", help="The period, like 2026-10; every month in which somebody is due unless given."
        ),
    ] = None,
    customers: Annotated[
        list[str] | None,
        typer.Argument(metavar="CUSTOMER", help="With --interim: only these, whether they reached it or not."),
    ] = None,
    require_approval: Annotated[
        bool, typer.Option("--require-approval", help="Refuse customers whose preview was not approved as it stands.")
    ] = False,
    interim: Annotated[
        bool,
        typer.Option(
            "--interim",
            help="Bill what has accrued so far in a running period, of customers who reached the threshold of their"
            " contract.",
        ),
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="End a close that was cut off where it stands, and begin anew.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Without a period: only say which months would be closed, and for whom.")
    ] = False,
    accept: AcceptOption = False,
    by: ByOption = None,
) -> None:
    """Issue the invoices of a period, each once.

    Run it again at any time, also after a kill: it goes on from where it was. Customers with something against them
    are refused with the reason, and the others are issued. With --interim it issues interim invoices instead; the
    invoice of the period then bills the rest.
    """
    named = list(customers or ())
    if dry_run and (period is not None or by or require_approval or accept):
        raise InvalidCall("--dry-run is of all months and does nothing; `tokentill preview PERIOD` is of one period")
    if period is None:
        if interim or abandon:
            raise InvalidCall("name the period; without one every month is closed in which somebody is due")
        _close_due(call, dry_run=dry_run, require_approval=require_approval, accept=accept, by=by)
        return
    if named and not interim:
        raise InvalidCall("a close takes every customer; customers are named for interim invoices, with --interim")
    with call.till() as till, call.progress(f"close {period}") as progress:
        closed = till.close(
            period,
            require_approval=require_approval,
            interim=named or interim,
            abandon=abandon,
            accept_pricing_change=accept,
            by=by,
            progress=progress,
        )

    def show(screen: Screen) -> None:
        show_closed(screen, closed, is_interim=interim)
        show_chain_head(screen, closed)

    call.finish(closed.content(), show, is_refused=closed.is_refused)


def _close_due(call: Invocation, *, dry_run: bool, require_approval: bool, accept: bool, by: str | None) -> None:
    """Close every month in which somebody is due, or say which ones these are."""
    with call.till() as till:
        if dry_run:
            call.answer(till.due_months(), show_due_months)
            return
        with call.progress("close") as progress:
            closed = till.close_due(
                require_approval=require_approval, accept_pricing_change=accept, by=by, progress=progress
            )
    call.answer(closed, show_closed_months, is_refused=closed.is_refused)


@invoices.command("list")
def _invoices_list(
    call: Invocation,
    period: PeriodOption = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only this customer.")] = None,
) -> None:
    """List issued invoices in the order of their numbers."""
    with call.till() as till:
        invoices = till.invoices(period=period, customer=customer)
    content = {"invoices": [invoice.document() for invoice in invoices]}
    call.finish(content, lambda screen: show_invoices(screen, invoices))


@invoices.command("show")
def _invoices_show(call: Invocation, number: NumberArgument) -> None:
    """Show one invoice with its lines."""
    with call.till() as till:
        document = till.document(number)
    call.finish(document, lambda screen: show_invoice(screen, document))


@invoices.command("diff")
def _invoices_diff(
    call: Invocation,
    before: Annotated[str, typer.Argument(metavar="A", help="An invoice's number, like INV-000001.")],
    after: Annotated[
        str, typer.Argument(metavar="B", help="Another one; or `preview`, what would stand in the place of A now.")
    ],
) -> None:
    """Show what differs between two invoices, by line, step and total.

    With `preview` an invoice is held against what its customer's period would come to now.
    """
    with call.till() as till:
        call.answer(till.diff(before, after), show_document_differences)


@invoices.command("export")
def _export(
    call: Invocation,
    period: PeriodOption = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only this customer.")] = None,
    format_: Annotated[Literal["csv", "json"], typer.Option("--format", metavar="FORMAT", help="csv or json.")] = "csv",
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to; - is standard output.")] = "-",
) -> None:
    """Export the lines of issued invoices as CSV or JSON.

    One row a line, tax or other step; the amounts of an invoice come to what is due by it. Void invoices are marked.
    Text that a spreadsheet would compute begins with an apostrophe.
    """
    with call.till() as till:
        rows = till.export(period=period, customer=customer)
    is_json = format_ == "json" or (out == "-" and call.shared.json)
    text = json.dumps(rows.content(), indent=2, ensure_ascii=True) + "\n" if is_json else rows.csv()
    if out == "-":
        call.screen.write(text)
        return
    Path(out).write_text(text, encoding="utf-8", newline="")
    done = f"{plural(len(rows.rows), 'row', 'rows')} written to {out}"
    call.finish({"file": out, "rows": len(rows.rows)}, lambda screen: screen.say(done))


@invoices.command("journal")
def _journal(
    call: Invocation,
    period: Annotated[
        str | None, typer.Argument(metavar="PERIOD", help="Only documents of this period, like 2026-10.")
    ] = None,
    starts_at: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="Only what is dated from this day (UTC) on.")
    ] = None,
    ends_at: Annotated[
        str | None, typer.Option("--until", "--to", metavar="DAY", help="Only what is dated before this day (UTC).")
    ] = None,
    format_: Annotated[
        Literal["beancount", "hledger", "ledger"],
        typer.Option("--format", metavar="FORMAT", help="beancount, hledger or ledger."),
    ] = "beancount",
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to; - is standard output.")] = "-",
) -> None:
    """Write what was issued as a double-entry journal.

    It is for a bookkeeping program. What is receivable from each customer is what its documents say is due; prepaid
    credit is a liability until documents draw it or it expires. Payments are not known here. Days are those of the
    documents, in UTC.
    """
    with call.till() as till:
        journal = till.journal(period, starts_at=_first_instant(starts_at), ends_at=_first_instant(ends_at))
    if out == "-":
        if call.shared.json:
            call.finish(journal.content(), lambda _: None)
        else:
            call.screen.write(journal.text(format_))
        return
    Path(out).write_text(journal.text(format_), encoding="utf-8", newline="")
    count = len(journal.transactions)
    done = f"{plural(count, 'transaction', 'transactions')} written to {out}"
    call.finish({"file": out, "transactions": count}, lambda screen: screen.say(done))


def _first_instant(text: str | None) -> datetime | None:
    """A day as its first instant in UTC; an instant as it is."""
    if text is None:
        return None
    return instant_in(f"{text}T00:00:00Z" if len(text) == len("2026-10-01") else text)


@invoices.command("void")
def _invoices_void(
    call: Invocation,
    number: NumberArgument,
    reason: ReasonOption,
    by: ByOption = None,
    reissue: Annotated[
        bool, typer.Option("--reissue", help="Close its period again for its customer, with the newest inputs.")
    ] = False,
) -> None:
    """Make an invoice void.

    Its number and its content stay. What it billed is on no invoice any more, until its period is closed again; a push
    takes it back from Stripe.
    """
    with call.till() as till:
        if reissue:
            closed = till.reissue(number, reason=reason, by=by)
            voided = till.document(number)
            content = {**voided, "reissued": closed.content()}
            call.finish(content, lambda screen: _show_reissued(screen, number, closed), is_refused=closed.is_refused)
            return
        issued = till.void(number, reason=reason, by=by)
    again = f"`tokentill close {issued.period}` issues its usage anew, and `tokentill push {issued.period}`"
    done = f"{number} of {shown_id(issued.customer)} is void; {again} tells Stripe"
    call.finish(issued.document(), lambda screen: screen.say(done))


def _show_reissued(screen: Screen, number: str, closed: Closed) -> None:
    screen.say(f"{number} is void; its number stays")
    show_closed(screen, closed)


@app.command("status")
def _status(
    call: Invocation,
    period: Annotated[
        str | None, typer.Argument(metavar="PERIOD", help="The period, like 2026-10; last month unless given.")
    ] = None,
) -> None:
    """Show how far a period is, and what to do next.

    On one screen: database, prices and contracts, the last imports, what the period comes to, and what is in the way.
    """
    with call.till() as till:
        call.answer(till.status(period), show_status)


@app.command("verify")
def _verify(
    call: Invocation,
    number: Annotated[
        str | None, typer.Argument(metavar="INVOICE", help="One invoice; all of them unless given.")
    ] = None,
    period: PeriodOption = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Also compute them with the code that makes invoices now.")
    ] = False,
) -> None:
    """Work invoices out a second time, from raw records.

    The code shares nothing with that of the close, and compares every figure.
    """
    with call.till() as till:
        verification = till.verify(number, period=period, replay=replay)
    call.answer(verification, show_verification, is_refused=not verification.is_sound)
