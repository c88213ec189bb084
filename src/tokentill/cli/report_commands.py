"""`tokentill report ...`: what a period came to, and what stands out in what was taken in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokentill.cli.calling import Commands, Invocation, PeriodArgument
from tokentill.documents.text.reports import show_close_report
from tokentill.documents.text.screen import Screen
from tokentill.documents.text.witnesses import show_near_duplicates, show_witnesses

app = Commands()
report = app.group("report", "Report on a period: its close, what several told of, what is alike.")


@report.command("close")
def _close(
    call: Invocation,
    period: PeriodArgument,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page as well.")] = None,
) -> None:
    """Report what the close of a period came to.

    Totals by currency, rounding, what is on no document and why, what would be refused, who approved what by which
    policy, the pins, and where the audit log stands.
    """
    with call.till() as till:
        made = till.close_report(period)
        if html is not None:
            till.write_close_report(made, html)
    content = made.content()
    if html is not None:
        content["page"] = str(html)

    def show(screen: Screen) -> None:
        show_close_report(screen, made)
        if html is not None:
            screen.say(f"\nwritten to {html}")

    call.finish(content, show)


@report.command("witnesses")
def _witnesses(
    call: Invocation,
    period: PeriodArgument,
    source: Annotated[str | None, typer.Option("--source", metavar="NAME", help="Only this source.")] = None,
) -> None:
    """Compare what several reporters told of the same requests.

    By day and by record: of what one of them told nothing, and where it told something else than what is billed. One
    report of a request is billed, and the others only witness it. The month is that of UTC.
    """
    with call.till() as till:
        call.answer(till.witnesses(period, source=source), show_witnesses)


@report.command("near-duplicates")
def _near_duplicates(call: Invocation, period: PeriodArgument) -> None:
    """List records of different ids that are alike in all else.

    In user, model, quantities and second: an export that was loaded under two names, say. The month is that of UTC.
    """
    with call.till() as till:
        call.answer(till.near_duplicates(period), show_near_duplicates)
