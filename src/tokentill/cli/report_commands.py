"""`tokentill report ...`: what a period came to, and what stands out in what was taken in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokentill.cli.calling import Commands, Invocation, PeriodArgument
from tokentill.documents.text.completeness import show_compared_sources, show_completeness
from tokentill.documents.text.reports import show_close_report
from tokentill.documents.text.screen import Screen
from tokentill.documents.text.witnesses import show_near_duplicates, show_witnesses

app = Commands()
report = app.group("report", "Report on a period: its close, what is missing or alike.")


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


@report.command("completeness")
def _completeness(
    call: Invocation,
    period: PeriodArgument,
    source: Annotated[str | None, typer.Option("--source", metavar="NAME", help="Only this source.")] = None,
) -> None:
    """Set the records of each source and day beside its control totals.

    The exit status is 1 when a source that has to state totals has days that are not complete.
    """
    with call.till() as till:
        made = till.completeness(period, source=source)
    call.answer(made, show_completeness, is_refused=bool(made.blocked_by))


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


@report.command("sources")
def _sources(
    call: Invocation,
    period: PeriodArgument,
    first: Annotated[str, typer.Argument(metavar="A", help="A source, as the application's own capture.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one, as the gateway's export.")],
) -> None:
    """Compare two sources that tell of the same requests.

    By record id and by user and day: what is missing on either side, and what they say otherwise. The exit status is 1
    when there is anything.
    """
    with call.till() as till:
        made = till.compare_sources(period, first, second)
    call.answer(made, show_compared_sources, is_refused=not made.is_equal)
