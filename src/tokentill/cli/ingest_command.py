"""`tokentill ingest`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tokentill.cli.calling import Commands, Invocation
from tokentill.closing.ingest import Ingested, counts_content
from tokentill.documents.escaping import shown_id
from tokentill.documents.text.records import show_ingested
from tokentill.errors import InvalidCall, Refused
from tokentill.sources.reading import read_records
from tokentill.store.usage_rows import Counts
from tokentill.till import Till

STDIN = "-"


app = Commands()


@app.command("ingest")
def _ingest(
    call: Invocation,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Files of usage records; - is standard input.")],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of the source, like openrouter:team-a; the format's own name unless given."
        ),
    ] = None,
    format: Annotated[  # noqa: A002
        str | None,
        typer.Option(
            metavar="FORMAT", help="canonical, arouter, openrouter or litellm; found by content unless given."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when a line went to quarantine.")] = False,
) -> None:
    """Take usage records in: JSONL, JSON or CSV, plain or gzip.

    Taking the same file in again changes nothing. A line that is no usage record goes to quarantine with its reason and
    stops none of the others.
    """
    missing = [file for file in files if file != STDIN and not Path(file).is_file()]
    if missing:
        raise InvalidCall(f"there is no file {missing[0]!r}")
    done: list[Ingested] = []
    refused: list[tuple[str, str]] = []
    with call.till() as till:
        _ = till.store  # a database that cannot be used is refused once, not for each file
        for file in files:
            try:
                done.append(_ingest_one(call, till, file, source, format))
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
    is_refused = bool(refused) or (strict and total.quarantined > 0)
    call.finish(content, lambda screen: show_ingested(screen, done, refused), is_refused=is_refused)


def _ingest_one(call: Invocation, till: Till, file: str, source: str | None, format_: str | None) -> Ingested:
    from_stdin = file == STDIN
    reading = read_records(
        sys.stdin.buffer if from_stdin else Path(file),
        name="stdin" if from_stdin else file,
        source=source,
        format=format_,
    )
    with call.progress(f"ingest {shown_id(reading.name)}") as progress:
        return till.ingest_reading(reading, progress=lambda _: progress(reading.bytes_read, reading.bytes_total))
