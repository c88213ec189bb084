"""`tokentill report ...`: what a period came to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokentill.cli.calling import Commands, Invocation, PeriodArgument
from tokentill.documents.text.reports import show_close_report
from tokentill.documents.text.screen import Screen

app = Commands()
report = app.group("report", "Report what the close of a period came to.")


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
