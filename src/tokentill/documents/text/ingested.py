"""What was taken in as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from tokentill.closing.ingest import Ingested, counts_content
from tokentill.documents.escaping import shown_id
from tokentill.documents.text.screen import Screen

PROBLEMS_SHOWN = 10


def show_ingested(screen: Screen, done: Sequence[Ingested], refused: Sequence[tuple[str, str]]) -> None:
    """Counts of each file, then its bad lines, and the files that were refused as a whole with the reason."""
    columns = ("file", "format", "read", "accepted", "duplicates", "revisions", "quarantined")
    rows = [
        (
            shown_id(ingested.name),
            ingested.format or "",
            *(f"{count:,}" for count in counts_content(ingested.counts).values()),
        )
        for ingested in done
    ]
    if rows:
        screen.table(columns, rows, right=columns[2:])
    for ingested in done:
        for bad in ingested.bad[:PROBLEMS_SHOWN]:
            screen.note(f"{shown_id(ingested.name)}:{bad.line}: quarantined: {shown_id(bad.reason)}")
        if ingested.counts.quarantined > PROBLEMS_SHOWN:
            screen.note(f"... and {ingested.counts.quarantined - PROBLEMS_SHOWN} more; --json lists them")
        if ingested.counts.revisions:
            screen.note(
                f"{ingested.counts.revisions} records came again with other content; what counted before is billed"
                " (`tokentill usage revisions list`)"
            )
        if ingested.personal_count:
            first = sorted(ingested.personal)[0]
            screen.note(
                f"{ingested.personal_count} user ids look like personal data, as {shown_id(first)}"
                f" ({ingested.personal[first]}); ids should be opaque"
            )
    for file, reason in refused:
        screen.note(f"{shown_id(file)}: {reason}")
