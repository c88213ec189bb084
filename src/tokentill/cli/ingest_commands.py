"""`tokentill ingest ...` and `tokentill imports ...`: take usage records in, and look at what came."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokentill.cli.calling import ByOption, Commands, Group, Invocation, ReasonOption
from tokentill.closing.records.ingest import Ingested, counts_content
from tokentill.documents.escaping import shown_id
from tokentill.documents.text.records import show_ingested
from tokentill.documents.text.retractions import show_import, show_imports
from tokentill.errors import Refused
from tokentill.sources.finding import STDIN, files_of
from tokentill.sources.reading import FORMATS, read_records
from tokentill.store.intake.batches import Counts
from tokentill.store.intake.imports import Imports
from tokentill.usage.privacy import POLICIES, PrivacyPolicy
from tokentill.usage.reporters import EXPORT

if TYPE_CHECKING:
    from tokentill.canonical import Content
    from tokentill.documents.text.screen import Screen
    from tokentill.till import Till

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
imports = app.group("imports", "Look at imports: what came when, and what became of it.")


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
