"""`tokentill usage ...` and `tokentill trace`: count what was used, look at records, and decide about some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tokentill.cli.calling import ByOption, Commands, Group, Invocation, PeriodOption, ReasonOption, instant_option
from tokentill.cli.ingest_commands import FormatOption, SourceOption
from tokentill.documents.figures import plural
from tokentill.documents.text.completeness import show_control_totals, show_withdrawn
from tokentill.documents.text.invoices import show_late
from tokentill.documents.text.records import (
    show_decided,
    show_decision_on_record,
    show_line,
    show_lines,
    show_missing,
    show_retried,
    show_revisions,
    show_revisions_of_record,
)
from tokentill.documents.text.retractions import show_retracted, show_retractions
from tokentill.documents.text.usage import show_trace, show_usage
from tokentill.errors import InvalidCall
from tokentill.store.intake.quarantine import LineState
from tokentill.store.intake.revisions import RevisionState

if TYPE_CHECKING:
    from tokentill.closing.records.usage_summary import SummaryKey

SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="The source of the record.")]
RecordArgument = Annotated[str, typer.Argument(metavar="RECORD_ID", help="The id of the record in it.")]
DigestOption = Annotated[
    str | None, typer.Option("--digest", metavar="PREFIX", help="Which revision, by the beginning of its digest.")
]


class UsageGroup(Group):
    """Without the name of a command, `tokentill usage` counts what was used."""

    alone = "summary"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Its arguments; those of no command are the summary's."""
        if (not args or args[0].startswith("-")) and not {*args} & {*self.commands, "--help", "-h"}:
            args = [self.alone, *args]
        return super().parse_args(ctx, args)


app = Commands()
usage = app.group("usage", "Count what was used; look at records, and decide about some.", cls=UsageGroup)
revisions = usage.group("revisions", "Records that came again with other content: look at them, and decide.")
retractions = usage.group("retractions", "What was taken back.")
quarantine = usage.group("quarantine", "Lines that are no usage record: look at them, and decide.")
control_totals = usage.group("control-totals", "What sources say that days add up to.")


@app.command("trace")
def _trace(call: Invocation, source: SourceArgument, record_id: RecordArgument) -> None:
    """Follow one request: import, customer, price, invoice, push.

    Or where it stopped, and why. The exit status is 1 when no such record is known.
    """
    with call.till() as till:
        call.answer(till.trace(source, record_id), show_trace)


@usage.command("summary")
def _summary(
    call: Invocation,
    by: Annotated[
        str, typer.Option("--by", metavar="KEY", help="customer, user, model, day (UTC), source or key.")
    ] = "customer",
    period: Annotated[
        str | None, typer.Option("--period", metavar="PERIOD", help="Only this calendar month in UTC.")
    ] = None,
    starts_at: Annotated[
        str | None, typer.Option("--from", metavar="INSTANT", help="From when, like 2026-10-15T00:00:00Z.")
    ] = None,
    ends_at: Annotated[str | None, typer.Option("--until", metavar="INSTANT", help="Until before when.")] = None,
) -> None:
    """Count what was used: requests, tokens, reported cost and list amount.

    By anything but customer it needs neither contracts nor prices; without prices there is no list amount.
    """
    within = {"starts_at": instant_option(starts_at), "ends_at": instant_option(ends_at)}
    with call.till() as till:
        call.answer(till.usage(period, by=cast("SummaryKey", by), **within), show_usage)


@usage.command("late")
def _late(call: Invocation) -> None:
    """List the records that are late.

    Their period was issued without them, and no document has them.
    """
    with call.till() as till:
        call.answer(till.late(), show_late)


@usage.command("missing")
def _missing(call: Invocation, period: PeriodOption = None) -> None:
    """List the records that report no usage, or an estimate.

    Each keeps its customer's invoice back, until a revision of it is accepted, the estimate is, or it is waived.
    """
    with call.till() as till:
        call.answer(till.missing(period), show_missing)


@usage.command("waive")
def _waive(
    call: Invocation, source: SourceArgument, record_id: RecordArgument, reason: ReasonOption, by: ByOption = None
) -> None:
    """Bill nothing for a record that reports no usage, or an estimate.

    It stays on its customer's document as a count.
    """
    with call.till() as till:
        call.answer(till.waive(source, record_id, reason=reason, by=by), show_decision_on_record)


@usage.command("accept")
def _accept(
    call: Invocation, source: SourceArgument, record_id: RecordArgument, reason: ReasonOption, by: ByOption = None
) -> None:
    """Bill a record whose quantities are an estimate as it is.

    A contract may say what holds of all estimates, by a rule with match = { usage_state = "estimated" }.
    """
    with call.till() as till:
        call.answer(till.accept_estimate(source, record_id, reason=reason, by=by), show_decision_on_record)


@usage.command("retract")
def _retract(
    call: Invocation,
    reason: ReasonOption,
    record: Annotated[
        tuple[str, str] | None, typer.Option("--record", metavar="SOURCE RECORD_ID", help="This one record.")
    ] = None,
    import_number: Annotated[
        int | None,
        typer.Option("--import", metavar="N", help="What this import brought; `imports list` numbers them."),
    ] = None,
    filter: Annotated[  # noqa: A002
        str | None,
        typer.Option(
            "--filter",
            metavar="FILTER",
            help="What all of these mean: 'source=.. user=.. model=.. api_key=.. from=.. to=..', instants in UTC.",
        ),
    ] = None,
    by: ByOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken back.")] = False,
) -> None:
    """Take records back: a wrong source, a test's traffic, a file loaded twice.

    Nothing is removed. Previews leave the records out from then on; an issued document stays as it is.
    """
    with call.till() as till:
        retracted = till.retract(
            record=record, import_number=import_number, filter=filter, reason=reason, by=by, dry_run=dry_run
        )
    call.answer(retracted, show_retracted)


@retractions.command("list")
def _retractions_list(call: Invocation) -> None:
    """List what was taken back, by whom and why."""
    with call.till() as till:
        call.answer(till.retractions(), show_retractions)


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
        call.answer(till.revisions(period, state=state), show_revisions)


@revisions.command("show")
def _revisions_show(
    call: Invocation, source: SourceArgument, record_id: RecordArgument, digest: DigestOption = None
) -> None:
    """Show what differs, and the commands that decide."""
    with call.till() as till:
        call.answer(till.revision(source, record_id, digest=digest), show_revisions_of_record)


@revisions.command("reject", help="Leave the revised content be; nobody is asked about it again.")
@revisions.command(
    "accept",
    help="Let the revised content count from now on.\n\nAn issued document keeps what it was made with; the new "
    "version is late then, as a record is that came late.",
)
def _decide(
    call: Invocation,
    source: SourceArgument,
    record_id: RecordArgument,
    reason: ReasonOption,
    digest: DigestOption = None,
    by: ByOption = None,
) -> None:
    with call.till() as till:
        decide = till.accept_revision if call.info_name == "accept" else till.reject_revision
        call.answer(decide(source, record_id, reason=reason, digest=digest, by=by), show_decided)


@quarantine.command("list")
def _quarantine_list(
    call: Invocation,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="PERIOD", help="Only this period, and lines that do not tell when."),
    ] = None,
    file: Annotated[str | None, typer.Option("--file", metavar="FILE", help="Only lines of this import.")] = None,
    state: Annotated[
        LineState | None, typer.Option("--state", metavar="STATE", help="Only those that are open, discarded or taken.")
    ] = None,
) -> None:
    """List lines that are no usage record."""
    with call.till() as till:
        call.answer(till.quarantine(period, file=file, state=state), show_lines)


@quarantine.command("show")
def _quarantine_show(
    call: Invocation, line: Annotated[str, typer.Argument(metavar="ID", help="The line's id.")]
) -> None:
    """Show one line with its reason and its beginning."""
    with call.till() as till:
        call.answer(till.quarantined_line(line), show_line)


@control_totals.command("list")
def _control_totals_list(
    call: Invocation,
    period: Annotated[
        str | None, typer.Option("--period", metavar="PERIOD", help="Only days of this calendar month in UTC.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="NAME", help="Only of this source.")] = None,
) -> None:
    """List control totals, with versions that count no more."""
    with call.till() as till:
        call.answer(till.control_totals(period, source=source), show_control_totals)


@control_totals.command("withdraw")
def _control_totals_withdraw(
    call: Invocation,
    total: Annotated[str, typer.Argument(metavar="ID", help="The id of the total.")],
    reason: ReasonOption,
    by: ByOption = None,
) -> None:
    """Take back a control total that is wrong.

    The version before it counts again, if there is one. Nothing is removed.
    """
    with call.till() as till:
        call.answer(till.withdraw_control_total(total, reason=reason, by=by), show_withdrawn)


LinesArgument = Annotated[list[str] | None, typer.Argument(metavar="ID", help="The ids of lines.")]
FileOption = Annotated[str | None, typer.Option("--file", metavar="FILE", help="All open lines of this import.")]


@quarantine.command("discard")
def _discard(
    call: Invocation,
    reason: ReasonOption,
    lines: LinesArgument = None,
    file: FileOption = None,
    by: ByOption = None,
) -> None:
    """Leave quarantined lines be.

    Previews and closes name them no more. Nothing is removed.
    """
    _require_lines("discard", lines, file)
    with call.till() as till:
        discarded = till.discard(*(lines or ()), reason=reason, file=file, by=by)
    done = plural(len(discarded.lines), "line is", "lines are")
    call.finish(discarded.content(), lambda screen: screen.say(f"{done} discarded now"))


@quarantine.command("retry")
def _retry(
    call: Invocation,
    reason: ReasonOption,
    lines: LinesArgument = None,
    file: FileOption = None,
    source: SourceOption = None,
    format: FormatOption = None,  # noqa: A002
    by: ByOption = None,
) -> None:
    """Read quarantined lines again as they were, and take in what is a record now.

    As after an upgrade, or with another source or format than before. Lines that are none stay; the exit status is 1
    then.
    """
    _require_lines("retry", lines, file)
    with call.till() as till:
        retried = till.retry(*(lines or ()), reason=reason, file=file, source=source, format=format, by=by)
    call.answer(retried, show_retried, is_refused=bool(retried.still))


def _require_lines(deed: str, lines: list[str] | None, file: str | None) -> None:
    if not lines and file is None:
        raise InvalidCall(f"nothing to {deed}; name lines by their ids, or an import with --file FILE")
