"""`tokentill ingest` and `tokentill usage ...`: take records in, look at them, and decide what becomes of some."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from tokentill.cli.calling import ByOption, Commands, Group, Invocation, PeriodOption, ReasonOption, instant_option
from tokentill.closing.records.ingest import Ingested, counts_content
from tokentill.closing.records.usage_summary import SummaryKey
from tokentill.documents.escaping import shown_id
from tokentill.documents.figures import plural
from tokentill.documents.text.invoices import show_late
from tokentill.documents.text.records import (
    show_decided,
    show_ingested,
    show_line,
    show_lines,
    show_missing,
    show_retried,
    show_revisions,
    show_revisions_of_record,
    show_waived,
)
from tokentill.documents.text.retractions import show_import, show_imports, show_retracted, show_retractions
from tokentill.documents.text.usage import show_trace, show_usage
from tokentill.errors import InvalidCall, Refused
from tokentill.sources.finding import STDIN, files_of
from tokentill.sources.reading import FORMATS, read_records
from tokentill.store.batches import Counts
from tokentill.store.quarantine import LineState
from tokentill.store.revisions import RevisionState
from tokentill.till import Till
from tokentill.usage.privacy import POLICIES, PrivacyPolicy

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


app = Commands()
usage = app.group("usage", "Count what was used; look at records, and decide about some.", cls=UsageGroup)
revisions = usage.group("revisions", "Records that came again with other content: look at them, and decide.")
retractions = usage.group("retractions", "What was taken back.")
imports = usage.group("imports", "What was taken in, by import.")
quarantine = usage.group("quarantine", "Lines that are no usage record: look at them, and decide.")


@app.command("ingest")
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
    staged: Annotated[
        bool, typer.Option("--staged", help="Only keep it to be looked at, until it is accepted or dropped.")
    ] = False,
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
                done.append(_ingest_one(call, till, file, source, format, privacy, is_staged=staged))
            except Refused as refusal:
                refused.append((file, str(refusal)))
    total = Counts()
    for ingested in done:
        total = total.plus(ingested.counts)
    content = {
        **counts_content(total),
        "files": [ingested.content() for ingested in done],
        "refused": [{"file": file, "reason": reason} for file, reason in refused],
    }
    is_refused = bool(refused) or any(ingested.is_all_quarantined for ingested in done)
    is_refused = is_refused or (strict and any(one.counts.quarantined or one.incomplete for one in done))
    call.finish(content, lambda screen: show_ingested(screen, done, refused), is_refused=is_refused)


def _ingest_one(
    call: Invocation,
    till: Till,
    file: str,
    source: str | None,
    format_: str | None,
    privacy: PrivacyPolicy | None,
    *,
    is_staged: bool,
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
        return till.ingest_reading(reading, staged=is_staged, progress=told, privacy=privacy)


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
    """List the records that report no usage.

    Each keeps its customer's invoice back, until a revision of it is accepted or it is waived.
    """
    with call.till() as till:
        call.answer(till.missing(period), show_missing)


@usage.command("waive")
def _waive(
    call: Invocation, source: SourceArgument, record_id: RecordArgument, reason: ReasonOption, by: ByOption = None
) -> None:
    """Bill nothing for a record that reports no usage.

    It stays on its customer's document as a count.
    """
    with call.till() as till:
        call.answer(till.waive(source, record_id, reason=reason, by=by), show_waived)


@usage.command("retract")
def _retract(
    call: Invocation,
    reason: ReasonOption,
    record: Annotated[
        tuple[str, str] | None, typer.Option("--record", metavar="SOURCE RECORD_ID", help="This one record.")
    ] = None,
    import_number: Annotated[
        int | None,
        typer.Option("--import", metavar="N", help="What this import brought; `usage imports list` numbers them."),
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


@imports.command("accept")
def _imports_accept(
    call: Invocation,
    number: ImportArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with it for good.")] = "",
    by: ByOption = None,
) -> None:
    """Take a staged import in, as a whole.

    One that was cut off on the way goes on where it was.
    """
    with call.till() as till:
        taken = till.accept_import(number, reason=reason, by=by)
    call.answer(taken, lambda screen, ingested: show_ingested(screen, [ingested], ()))


@imports.command("drop")
def _imports_drop(call: Invocation, number: ImportArgument, reason: ReasonOption, by: ByOption = None) -> None:
    """Leave a staged import be, as a whole.

    Its records may be taken in by another import.
    """
    with call.till() as till:
        dropped = till.drop_import(number, reason=reason, by=by)
    call.finish(dropped.content(), lambda screen: screen.say(f"import {number} is dropped; it counts for nothing"))


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
