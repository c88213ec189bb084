"""`tokentill usage ...`: look at records, and decide what becomes of single ones."""

from __future__ import annotations

from typing import Annotated

import typer

from tokentill.cli.calling import ByOption, Commands, Invocation, PeriodOption
from tokentill.documents.figures import plural
from tokentill.documents.text.invoices import show_late
from tokentill.documents.text.records import (
    show_decided,
    show_line,
    show_lines,
    show_missing,
    show_revision,
    show_revisions,
    show_waived,
)
from tokentill.documents.text.screen import Screen
from tokentill.errors import InvalidCall
from tokentill.store.quarantine import LineState
from tokentill.store.revisions import RevisionState

SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="The source of the record.")]
RecordArgument = Annotated[str, typer.Argument(metavar="RECORD_ID", help="The id of the record in it.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with it for good.")]
DigestOption = Annotated[
    str | None, typer.Option("--digest", metavar="PREFIX", help="Which revision, by the beginning of its digest.")
]


app = Commands()
usage = app.group("usage", "Look at records, and decide what becomes of some.")
revisions = usage.group("revisions", "Records that came again with other content: look at them, and decide.")
quarantine = usage.group("quarantine", "Lines that are no usage record: look at them, and leave them be.")


@usage.command("late")
def _late(call: Invocation) -> None:
    """List the records that are late.

    Their period was issued without them, and no document has them.
    """
    with call.till() as till:
        late = till.late()
    call.answer(late, show_late)


@usage.command("missing")
def _missing(call: Invocation, period: PeriodOption = None) -> None:
    """List the records that report no usage.

    Each keeps its customer's invoice back, until a revision of it is accepted or it is waived.
    """
    with call.till() as till:
        missing = till.missing(period)
    call.answer(missing, show_missing)


@usage.command("waive")
def _waive(
    call: Invocation, source: SourceArgument, record_id: RecordArgument, reason: ReasonOption, by: ByOption = None
) -> None:
    """Bill nothing for a record that reports no usage.

    It stays on its customer's document as a count.
    """
    with call.till() as till:
        waived = till.waive(source, record_id, reason=reason, by=by)
    call.answer(waived, show_waived)


@revisions.command("list")
def _revisions_list(
    call: Invocation,
    period: PeriodOption = None,
    state: Annotated[
        RevisionState | None,
        typer.Option("--state", metavar="STATE", help="Only those that are open, accepted or rejected."),
    ] = None,
) -> None:
    """List records that came again with other content."""
    with call.till() as till:
        listed = till.revisions(period, state=state)
    call.answer(listed, show_revisions)


@revisions.command("show")
def _revisions_show(
    call: Invocation, source: SourceArgument, record_id: RecordArgument, digest: DigestOption = None
) -> None:
    """Show what differs, and the commands that decide."""
    with call.till() as till:
        listed = till.revision(source, record_id, digest=digest)

    def show(screen: Screen) -> None:
        for revision in listed.revisions:
            show_revision(screen, revision)

    call.finish(listed.content(), show)


@revisions.command("accept")
def _accept(
    call: Invocation,
    source: SourceArgument,
    record_id: RecordArgument,
    reason: ReasonOption,
    digest: DigestOption = None,
    by: ByOption = None,
) -> None:
    """Let the revised content count from now on.

    An issued document keeps what it was made with; the new version is late then, as a record is that came late.
    """
    with call.till() as till:
        revised = till.accept_revision(source, record_id, reason=reason, digest=digest, by=by)
    call.answer(revised, show_decided)


@revisions.command("reject")
def _reject(
    call: Invocation,
    source: SourceArgument,
    record_id: RecordArgument,
    reason: ReasonOption,
    digest: DigestOption = None,
    by: ByOption = None,
) -> None:
    """Leave the revised content be; nobody is asked about it again."""
    with call.till() as till:
        revised = till.reject_revision(source, record_id, reason=reason, digest=digest, by=by)
    call.answer(revised, show_decided)


@quarantine.command("list")
def _quarantine_list(
    call: Invocation,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="PERIOD", help="Only this period, and lines that do not tell when."),
    ] = None,
    file: Annotated[str | None, typer.Option("--file", metavar="FILE", help="Only lines of this import.")] = None,
    state: Annotated[
        LineState | None, typer.Option("--state", metavar="STATE", help="Only those that are open or discarded.")
    ] = None,
) -> None:
    """List lines that are no usage record."""
    with call.till() as till:
        lines = till.quarantine(period, file=file, state=state)
    call.answer(lines, show_lines)


@quarantine.command("show")
def _quarantine_show(
    call: Invocation, line: Annotated[str, typer.Argument(metavar="ID", help="The line's id.")]
) -> None:
    """Show one line with its reason and its beginning."""
    with call.till() as till:
        each = till.quarantined_line(line)
    call.answer(each, show_line)


@quarantine.command("discard")
def _discard(
    call: Invocation,
    reason: ReasonOption,
    lines: Annotated[list[str] | None, typer.Argument(metavar="ID", help="The ids of lines.")] = None,
    file: Annotated[str | None, typer.Option("--file", metavar="FILE", help="All lines of this import.")] = None,
    by: ByOption = None,
) -> None:
    """Leave quarantined lines be.

    Previews and closes name them no more. Nothing is removed.
    """
    if not lines and file is None:
        raise InvalidCall("nothing to discard; name lines by their ids, or an import with --file FILE")
    with call.till() as till:
        discarded = till.discard(*(lines or ()), reason=reason, file=file, by=by)
    done = plural(len(discarded.lines), "line is", "lines are")
    call.finish(discarded.content(), lambda screen: screen.say(f"{done} discarded now"))
