"""Records as text for a terminal: what was taken in, and single ones that people decide about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokentill.clock import instant_text
from tokentill.closing.ingest import Ingested, counts_content
from tokentill.closing.missing_usage import Missing
from tokentill.closing.record_decisions import Lines, Revised, Revisions, Waived
from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import plural
from tokentill.documents.text.screen import Screen
from tokentill.store.quarantine import QuarantinedLine
from tokentill.store.revisions import Revision
from tokentill.usage.shell_words import command_line

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
                f"{plural(ingested.counts.revisions, 'record', 'records')} came again with other content; what counted"
                " before is billed"
                " (`tokentill usage revisions list`)"
            )
        if ingested.personal_count:
            first = sorted(ingested.personal)[0]
            screen.note(
                f"{plural(ingested.personal_count, 'user id looks', 'user ids look')} like personal data, as"
                f" {shown_id(first)} ({ingested.personal[first]}); ids should be opaque"
            )
    for file, reason in refused:
        screen.note(f"{shown_id(file)}: {reason}")


def show_missing(screen: Screen, missing: Missing) -> None:
    """Records without usage, and what to do about the first."""
    if not missing.records:
        screen.say("no record is without usage, but those that were waived")
        return
    screen.table(
        ("source", "record", "occurred at", "customer", "model", "why"),
        [
            (
                shown_id(record.record.series.source),
                shown_id(record.record.record_id),
                instant_text(record.record.occurred_at),
                "nobody" if record.customer is None else short_id(record.customer),
                shown_text(record.record.series.model),
                record.reason,
            )
            for record in missing.records
        ],
    )
    first = missing.records[0].record
    waive = command_line("usage waive --reason 'WHY'", ids=(first.series.source, first.record_id))
    screen.say(
        "\nload an export that has their usage, and accept what changed (`tokentill usage revisions list`);"
        f" or bill nothing, as with:\n  {waive}"
    )


def show_waived(screen: Screen, waived: Waived) -> None:
    """Who said that a record is billed at nothing, and why."""
    record = f"{shown_id(waived.source)} {shown_id(waived.record_id)}"
    screen.say(f"{record} is billed at nothing, says {shown_text(waived.by)}: {shown_text(waived.reason)}")


def show_revisions(screen: Screen, listed: Revisions) -> None:
    """Records that came again, one a line."""
    if not listed.revisions:
        screen.say("no such record came again with other content")
        return
    screen.table(
        ("source", "record", "came at", "state", "digest", "differs"),
        [
            (
                shown_id(revision.source),
                shown_id(revision.record_id),
                instant_text(revision.came_at),
                revision.state,
                revision.digest.hex()[:12],
                "; ".join(_differences(revision)),
            )
            for revision in listed.revisions
        ],
    )
    if any(revision.state == "open" for revision in listed.revisions):
        screen.say("\n`tokentill usage revisions show SOURCE RECORD_ID` prints the commands that decide")


def show_revisions_of_record(screen: Screen, listed: Revisions) -> None:
    """What differs in each of them, and the commands that decide."""
    for revision in listed.revisions:
        record = f"{shown_id(revision.source)} {shown_id(revision.record_id)}"
        came = f"came at {instant_text(revision.came_at)} from {shown_id(revision.file)}"
        screen.say(f"{record}, revision {revision.digest.hex()[:12]}: {revision.state}; {came}")
        for difference in _differences(revision):
            screen.say(f"  {difference}")
        said = revision.decided
        if said is not None:
            signed = f"{said.decision} by {shown_text(said.by)} at {instant_text(said.at)}"
            screen.say(f"  {signed}: {shown_text(said.reason)}")
            continue
        options = f"--digest {revision.digest.hex()[:12]} --reason 'WHY'"
        for decision in ("accept", "reject"):
            named = (revision.source, revision.record_id)
            screen.say(f"  {command_line('usage revisions', decision, options, ids=named)}")


def show_decided(screen: Screen, revised: Revised) -> None:
    """What became of a revision."""
    revision = revised.revision
    record = f"{shown_id(revision.source)} {shown_id(revision.record_id)}"
    counts = "counts from now on" if revision.state == "accepted" else "is not asked about again"
    screen.say(f"{record}: revision {revision.digest.hex()[:12]} is {revision.state}, and {counts}")
    if revised.stands_on:
        screen.note(
            f"it stands on {', '.join(revised.stands_on)} as it was; the new version is late: `tokentill usage late`"
        )


def show_lines(screen: Screen, listed: Lines) -> None:
    """Quarantined lines."""
    if not listed.lines:
        screen.say("no such line is in quarantine")
        return
    screen.table(
        ("id", "file", "line", "record", "occurred at", "state", "reason"),
        [
            (
                line.id,
                shown_id(line.file),
                str(line.line),
                "" if line.record_id is None else short_id(line.record_id),
                "not known" if line.occurred_at is None else instant_text(line.occurred_at),
                line.state,
                shown_text(line.reason),
            )
            for line in listed.lines
        ],
        right=("line",),
    )


def show_line(screen: Screen, line: QuarantinedLine) -> None:
    """One of them in full."""
    screen.say(f"{shown_id(line.file)}:{line.line}: {shown_text(line.reason)}")
    screen.say(f"  {shown_text(line.excerpt)}")
    if line.discarded is not None:
        by, reason, at = line.discarded
        screen.say(f"  discarded by {shown_text(by)} at {instant_text(at)}: {shown_text(reason)}")
    else:
        screen.say(f"  tokentill usage quarantine discard {line.id} --reason 'WHY'")


def _differences(revision: Revision) -> list[str]:
    """What differs, one text a field; of quantities only those that are not the same."""
    listed = []
    for name, (old, new) in revision.differences.items():
        if name != "quantities":
            listed.append(f"{name} {_value(old)} -> {_value(new)}")
            continue
        changed = ((quantity, old.get(quantity, 0), new.get(quantity, 0)) for quantity in sorted({*old, *new}))
        listed += [f"{quantity} {before:,} -> {after:,}" for quantity, before, after in changed if before != after]
    return listed


def _value(value: Any) -> str:
    if isinstance(value, str):
        return shown_id(value)
    if isinstance(value, list):
        return ", ".join(map(shown_id, value)) or "none"
    return "none" if value is None else str(value).lower()
