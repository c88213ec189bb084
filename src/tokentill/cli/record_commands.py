"""`tokentill usage missing`, `waive`, `revisions ...` and `quarantine ...`: what people decide about single records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from tokentill.cli.calling import Invocation, command, group
from tokentill.cli.invoice_commands import ByOption
from tokentill.clock import instant_text
from tokentill.closing.missing_usage import Missing
from tokentill.closing.record_decisions import Revised, Waived
from tokentill.documents.escaping import shell_word, short_id, shown_id, shown_text
from tokentill.documents.figures import plural
from tokentill.errors import InvalidCall
from tokentill.store.quarantine import LineState, QuarantinedLine
from tokentill.store.revisions import Revision, RevisionState

PeriodOption = Annotated[str | None, typer.Option("--period", metavar="PERIOD", help="Only this period.")]
SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="The source of the record.")]
RecordArgument = Annotated[str, typer.Argument(metavar="RECORD_ID", help="The id of the record in it.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with it for good.")]
DigestOption = Annotated[
    str | None,
    typer.Option("--digest", metavar="PREFIX", help="Which revision, by the beginning of its digest."),
]


def add_to(usage: typer.Typer) -> None:
    """Add the commands of this module to the group of usage."""
    command(usage, "missing")(_missing)
    command(usage, "waive")(_waive)
    revisions = group(usage, "revisions", "Records that came again with other content: look at them, and decide.")
    command(revisions, "list")(_revisions_list)
    command(revisions, "show")(_revisions_show)
    command(revisions, "accept")(_accept)
    command(revisions, "reject")(_reject)
    quarantine = group(usage, "quarantine", "Lines that are no usage record: look at them, and leave them be.")
    command(quarantine, "list")(_quarantine_list)
    command(quarantine, "show")(_quarantine_show)
    command(quarantine, "discard")(_discard)


def _missing(call: Invocation, period: PeriodOption = None) -> None:
    """List the records that report no usage.

    Each keeps its customer's invoice back, until a revision of it is accepted or it is waived.
    """
    with call.till() as till:
        missing = till.missing(period)
    call.finish(missing.content(), lambda: _show_missing(call, missing))


def _waive(
    call: Invocation, source: SourceArgument, record_id: RecordArgument, reason: ReasonOption, by: ByOption = None
) -> None:
    """Bill nothing for a record that reports no usage.

    It stays on its customer's document as a count.
    """
    with call.till() as till:
        waived = till.waive(source, record_id, reason=reason, by=by)
    call.finish(waived.content(), lambda: _show_waived(call, waived))


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
        found = till.revisions(period, state=state)
    call.finish(found.content(), lambda: _show_revisions(call, found.revisions))


def _revisions_show(
    call: Invocation, source: SourceArgument, record_id: RecordArgument, digest: DigestOption = None
) -> None:
    """Show what differs, and the commands that decide."""
    with call.till() as till:
        found = till.revision(source, record_id, digest=digest)

    def show() -> None:
        for revision in found.revisions:
            _show_revision(call, revision)

    call.finish(found.content(), show)


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
    call.finish(revised.content(), lambda: _show_decided(call, revised))


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
    call.finish(revised.content(), lambda: _show_decided(call, revised))


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
        found = till.quarantine(period, file=file, state=state)
    call.finish(found.content(), lambda: _show_lines(call, found.lines))


def _quarantine_show(
    call: Invocation, line: Annotated[str, typer.Argument(metavar="ID", help="The line's id.")]
) -> None:
    """Show one line with its reason and its beginning."""
    with call.till() as till:
        found = till.quarantined_line(line)
    call.finish(found.content(), lambda: _show_line(call, found))


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
        found = till.discard(*(lines or ()), reason=reason, file=file, by=by)
    done = plural(len(found.lines), "line is", "lines are")
    call.finish(found.content(), lambda: call.say(f"{done} discarded now"))


def _show_missing(call: Invocation, missing: Missing) -> None:
    if not missing.records:
        call.say("no record is without usage, but those that were waived")
        return
    call.table(
        ("source", "record", "occurred at", "customer", "model", "why"),
        [
            (
                shown_id(found.record.series.source),
                shown_id(found.record.record_id),
                instant_text(found.record.occurred_at),
                "nobody" if found.customer is None else short_id(found.customer),
                shown_text(found.record.series.model),
                found.reason,
            )
            for found in missing.records
        ],
    )
    first = missing.records[0].record
    named = _words(first.series.source, first.record_id)
    call.say(
        "\nload an export that has their usage, and accept what changed (`tokentill usage revisions list`);"
        f" or bill nothing, as with: tokentill usage waive --reason 'WHY' {named}"
    )


def _show_waived(call: Invocation, waived: Waived) -> None:
    record = f"{shown_id(waived.source)} {shown_id(waived.record_id)}"
    call.say(f"{record} is billed at nothing, says {shown_text(waived.by)}: {shown_text(waived.reason)}")


def _show_revisions(call: Invocation, revisions: Sequence[Revision]) -> None:
    if not revisions:
        call.say("no such record came again with other content")
        return
    call.table(
        ("source", "record", "came at", "state", "digest", "differs"),
        [
            (
                shown_id(found.source),
                shown_id(found.record_id),
                instant_text(found.came_at),
                found.state,
                found.digest.hex()[:12],
                "; ".join(_differences(found)),
            )
            for found in revisions
        ],
    )
    if any(found.state == "open" for found in revisions):
        call.say("\n`tokentill usage revisions show SOURCE RECORD_ID` prints the commands that decide")


def _show_revision(call: Invocation, revision: Revision) -> None:
    record = f"{shown_id(revision.source)} {shown_id(revision.record_id)}"
    came = f"came at {instant_text(revision.came_at)} from {shown_id(revision.file)}"
    call.say(f"{record}, revision {revision.digest.hex()[:12]}: {revision.state}; {came}")
    for difference in _differences(revision):
        call.say(f"  {difference}")
    if revision.decided is not None:
        said = revision.decided
        call.say(f"  {said.decision} by {shown_text(said.by)} at {instant_text(said.at)}: {shown_text(said.reason)}")
    else:
        for decision in ("accept", "reject"):
            options = f"--digest {revision.digest.hex()[:12]} --reason 'WHY'"
            call.say(f"  tokentill usage revisions {decision} {options} {_words(revision.source, revision.record_id)}")


def _show_decided(call: Invocation, revised: Revised) -> None:
    revision = revised.revision
    record = f"{shown_id(revision.source)} {shown_id(revision.record_id)}"
    counts = "counts from now on" if revision.state == "accepted" else "is not asked about again"
    call.say(f"{record}: revision {revision.digest.hex()[:12]} is {revision.state}, and {counts}")
    if revised.stands_on:
        call.note(
            f"it stands on {', '.join(revised.stands_on)} as it was; the new version is late: `tokentill usage late`"
        )


def _show_lines(call: Invocation, lines: Sequence[QuarantinedLine]) -> None:
    if not lines:
        call.say("no such line is in quarantine")
        return
    call.table(
        ("id", "file", "line", "record", "occurred at", "state", "reason"),
        [
            (
                found.id,
                shown_id(found.file),
                str(found.line),
                "" if found.record_id is None else short_id(found.record_id),
                "not known" if found.occurred_at is None else instant_text(found.occurred_at),
                found.state,
                shown_text(found.reason),
            )
            for found in lines
        ],
        right=("line",),
    )


def _show_line(call: Invocation, line: QuarantinedLine) -> None:
    call.say(f"{shown_id(line.file)}:{line.line}: {shown_text(line.reason)}")
    call.say(f"  {shown_text(line.excerpt)}")
    if line.discarded is not None:
        by, reason, at = line.discarded
        call.say(f"  discarded by {shown_text(by)} at {instant_text(at)}: {shown_text(reason)}")
    else:
        call.say(f"  tokentill usage quarantine discard {line.id} --reason 'WHY'")


def _differences(revision: Revision) -> list[str]:
    """What differs, one text a field; of quantities only those that are not the same."""
    found = []
    for name, (old, new) in revision.differences.items():
        if name != "quantities":
            found.append(f"{name} {_value(old)} -> {_value(new)}")
            continue
        changed = ((quantity, old.get(quantity, 0), new.get(quantity, 0)) for quantity in sorted({*old, *new}))
        found += [f"{quantity} {before:,} -> {after:,}" for quantity, before, after in changed if before != after]
    return found


def _value(value: Any) -> str:
    if isinstance(value, str):
        return shown_id(value)
    if isinstance(value, list):
        return ", ".join(map(shown_id, value)) or "none"
    return "none" if value is None else str(value).lower()


def _words(source: str, record_id: str) -> str:
    """The two words that name a record in a command, ready to be pasted."""
    dashes = "-- " if source.startswith("-") or record_id.startswith("-") else ""
    return f"{dashes}{shell_word(source)} {shell_word(record_id)}"
