"""`tokentill ingest` and `tokentill usage ...`: take records in, look at them, and decide what becomes of some."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from tokentill.canonical import Content
from tokentill.cli.calling import ByOption, Commands, Group, Invocation, PeriodOption, ReasonOption, instant_option
from tokentill.closing.records.ingest import Ingested, counts_content
from tokentill.closing.records.usage_summary import SummaryKey
from tokentill.documents.escaping import shown_id
from tokentill.documents.figures import plural
from tokentill.documents.text.completeness import show_control_totals, show_withdrawn
from tokentill.documents.text.invoices import show_late
from tokentill.documents.text.records import (
    show_decided,
    show_decision_on_record,
    show_ingested,
    show_line,
    show_lines,
    show_missing,
    show_retried,
    show_revisions,
    show_revisions_of_record,
)
from tokentill.documents.text.retractions import show_import, show_imports, show_retracted, show_retractions
from tokentill.documents.text.screen import Screen
from tokentill.documents.text.usage import show_trace, show_usage
from tokentill.errors import InvalidCall, Refused
from tokentill.sources.finding import STDIN, files_of
from tokentill.sources.reading import FORMATS, read_records
from tokentill.store.intake.batches import Counts
from tokentill.store.intake.imports import Imports
from tokentill.store.intake.quarantine import LineState
from tokentill.store.intake.revisions import RevisionState
from tokentill.till import Till
from tokentill.usage.privacy import POLICIES, PrivacyPolicy
from tokentill.usage.reporters import EXPORT

SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="The source of the record.")]
RecordArgument = Annotated[str, typer.Argument(metavar="RECORD_ID", help="The id of the record in it.")]
DigestOption = Annotated[
    str | None, typer.Option("--digest", metavar="PREFIX", help="Which revision, by the beginning of its digest.")
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help="Name of the source, like openrouter:team-a; the format's own name unless given.",
    ),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)}; found by content unless given.",
    ),
]


class UsageGroup(Group):
    """Without the name of a command, `tokentill usage` counts what was used."""

    alone = "summary"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Its arguments; those of no command are the summary's."""
        if (not args or args[0].startswith("-")) and not {*args} & {*self.commands, "--help", "-h"}:
            args = [self.alone, *args]
        return super().parse_args(ctx, args)


class IngestGroup(Group):
    """`tokentill ingest FILE...` takes files in; `accept` and `drop` decide about what was staged."""

    alone = "files"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Its arguments; what does not begin with a decision is files."""
        first = 0
        while first < len(args) and args[first].startswith("--"):  # the shared options may stand before it
            first += 2 if args[first] in ("--db", "--pricing") else 1
        if args[first : first + 1] not in ([name] for name in self.commands if name != self.alone):
            args = [self.alone, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """The command that is meant; the one that takes files in has no name of its own."""
        name, command, rest = super().resolve_command(ctx, args)
        return None if name == self.alone else name, command, rest


app = Commands()
ingest = app.group("ingest", "Take usage records in: JSONL, JSON or CSV, plain, gzip or zstd.", cls=IngestGroup)
usage = app.group("usage", "Count what was used; look at records, and decide about some.", cls=UsageGroup)
revisions = usage.group("revisions", "Records that came again with other content: look at them, and decide.")
retractions = usage.group("retractions", "What was taken back.")
imports = app.group("imports", "Look at imports: what came when, and what became of it.")
quarantine = usage.group("quarantine", "Lines that are no usage record: look at them, and decide.")
control_totals = usage.group("control-totals", "What sources say that days add up to.")


@ingest.command("files", hidden=True)
def _ingest(
    call: Invocation,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Files of usage records, folders and globs; - is standard input."),
    ],
    source: SourceOption = None,
    format: FormatOption = None,  # noqa: A002
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with 1 when a line went to quarantine, or a file is not all there is."),
    ] = False,
    stage: Annotated[
        str | None,
        typer.Option("--stage", metavar="NAME", help="Only keep it under this name, until it is accepted or dropped."),
    ] = None,
    reporter: Annotated[
        str,
        typer.Option(
            "--reporter", metavar="NAME", help="Who tells of the records, like capture; the source's own export else."
        ),
    ] = EXPORT,
    privacy: Annotated[
        PrivacyPolicy | None,
        typer.Option(
            "--privacy",
            metavar="POLICY",
            help=f"What becomes of user ids: {', '.join(POLICIES)}; as settings say for their source unless given.",
        ),
    ] = None,
) -> None:
    """Take usage records in: JSONL, JSON or CSV, plain, gzip or zstd.

    `tokentill ingest accept NAME` takes in what was staged under a name, `tokentill ingest drop NAME` leaves it be.
    Taking the same file in again changes nothing. A line that is no usage record goes to quarantine with its reason and
    stops none of the others. A file of which every line does ends with exit status 1.
    """
    files = files_of(files)
    done: list[Ingested] = []
    refused: list[tuple[str, str]] = []
    with call.till() as till:
        till.make_database()  # a database that cannot be used is refused once, not for each file
        for file in files:
            try:
                done.append(
                    _ingest_one(call, till, file, source, format, stage=stage, reporter=reporter, privacy=privacy)
                )
            except Refused as refusal:
                refused.append((file, str(refusal)))
    is_refused = bool(refused) or any(ingested.is_all_quarantined for ingested in done)
    is_refused = is_refused or (strict and any(one.counts.quarantined or one.incomplete for one in done))
    call.finish(_content(done, refused), lambda screen: show_ingested(screen, done, refused), is_refused=is_refused)


def _content(done: Sequence[Ingested], refused: Sequence[tuple[str, str]] = ()) -> Content:
    """What `ingest --json` prints: all together, and each file."""
    total = Counts()
    for ingested in done:
        total = total.plus(ingested.counts)
    return {
        **counts_content(total),
        "files": [ingested.content() for ingested in done],
        "refused": [{"file": file, "reason": reason} for file, reason in refused],
    }


def _ingest_one(
    call: Invocation, till: Till, file: str, source: str | None, format_: str | None, **how: Any
) -> Ingested:
    from_stdin = file == STDIN
    reading = read_records(
        sys.stdin.buffer if from_stdin else Path(file),
        name="stdin" if from_stdin else file,
        source=source,
        format=format_,
    )
    with call.progress(f"ingest {shown_id(reading.name)}") as progress:
        told = lambda _: progress(reading.bytes_read, reading.bytes_total)  # noqa: E731
        return till.ingest_reading(reading, progress=told, **how)


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
        call.answer(till.usage(period, by=cast(SummaryKey, by), **within), show_usage)


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


@imports.command("list")
def _imports_list(call: Invocation) -> None:
    """List the imports that brought something, with their numbers."""
    with call.till() as till:
        call.answer(till.imports(), show_imports)


ImportArgument = Annotated[int, typer.Argument(metavar="N", help="The number of the import.")]


@imports.command("show")
def _imports_show(call: Invocation, number: ImportArgument) -> None:
    """Show one import; of a staged one, what it would come to now."""
    with call.till() as till:
        call.answer(till.import_shown(number), show_import)


StagedArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The name that it was staged under, or the number of the import.")
]


@ingest.command("accept")
def _accept_staged(
    call: Invocation,
    staged: StagedArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with it for good.")] = "",
    by: ByOption = None,
) -> None:
    """Take a staged import in, as a whole.

    One that was cut off on the way goes on where it was.
    """
    with call.till() as till:
        taken = [till.accept_import(number, reason=reason, by=by) for number in till.staged_imports(staged)]
    call.finish(_content(taken), lambda screen: show_ingested(screen, taken, ()))


@ingest.command("drop")
def _drop(call: Invocation, staged: StagedArgument, reason: ReasonOption, by: ByOption = None) -> None:
    """Leave a staged import be, as a whole.

    Its records may be taken in by another import.
    """
    with call.till() as till:
        dropped = [till.drop_import(number, reason=reason, by=by) for number in till.staged_imports(staged)]

    def show(screen: Screen) -> None:
        for one in dropped:
            screen.say(f"import {one.number} ({shown_id(one.name)}) is dropped; it counts for nothing")

    call.finish(Imports(tuple(dropped)).content(), show)


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
