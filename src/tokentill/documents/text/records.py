"""Records as text for a terminal: what was taken in, and single ones that people decide about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tokentill.clock import instant_text
from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import count, plural
from tokentill.documents.remarks import LIST_LATE
from tokentill.usage.shell_words import command_line, shell_word

if TYPE_CHECKING:
    from tokentill.closing.records.ingest import Ingested
    from tokentill.closing.records.missing_usage import Missing
    from tokentill.closing.records.quarantine_decisions import Lines, Retried
    from tokentill.closing.records.record_decisions import RecordDecision, Revised, Revisions
    from tokentill.documents.text.screen import Screen
    from tokentill.store.intake.quarantine import QuarantinedLine
    from tokentill.store.intake.revisions import Revision

PROBLEMS_SHOWN = 10


def show_ingested(screen: Screen, done: Sequence[Ingested], refused: Sequence[tuple[str, str]]) -> None:
    """Counts of each file, then its bad lines, and the files that were refused as a whole with the reason."""
    of_totals = [one for one in done if one.counts.has_totals]
    _show_counts(screen, [one for one in done if one not in of_totals], _RECORD_COUNTS)
    _show_counts(screen, of_totals, _TOTAL_COUNTS)
    for ingested in done:
        if ingested.is_staged and ingested.number is not None:
            screen.say(f"\n{shown_id(ingested.name)} is import {ingested.number}, and staged: nothing of it counts yet")
            screen.say(f"  tokentill preview PERIOD --with-staged {ingested.number}")
            for verb, options in (("accept", ""), ("drop", " --reason 'WHY'")):
                screen.say(f"  {command_line('ingest', verb, str(ingested.number))}{options}")
        _note_problems(screen, ingested)
        _note_findings(screen, ingested)
    for ingested in done:
        if ingested.incomplete is not None and not _has_all_pages(ingested, done):
            screen.note(f"{shown_id(ingested.name)}: {ingested.incomplete.why}; get the rest and ingest it, too")
    for file, reason in refused:
        screen.note(f"{shown_id(file)}: {reason}")


_RECORD_COUNTS = {name: name for name in ("read", "accepted", "duplicates", "revisions", "quarantined")}
_TOTAL_COUNTS = {
    "read": "read",
    "control totals": "totals",
    "revised": "totals_revised",
    "known": "totals_known",
    "quarantined": "quarantined",
}
"""Columns, and the counts that they show."""


def _show_counts(screen: Screen, done: Sequence[Ingested], counts: Mapping[str, str]) -> None:
    """Print what was read of each file."""
    rows = [
        (shown_id(one.name), one.format or "", *(count(getattr(one.counts, name)) for name in counts.values()))
        for one in done
    ]
    if rows:
        screen.table(("file", "format", *counts), rows, right=tuple(counts))


def _note_problems(screen: Screen, ingested: Ingested) -> None:
    """Print the first bad lines of a file, and whether it has no others."""
    name = shown_id(ingested.name)
    for bad in ingested.bad[:PROBLEMS_SHOWN]:
        screen.note(f"{name}:{bad.line}: quarantined: {shown_id(bad.reason)}")
    if ingested.counts.quarantined > PROBLEMS_SHOWN:
        screen.note(f"... and {ingested.counts.quarantined - PROBLEMS_SHOWN} more; --json lists them")
    if ingested.is_all_quarantined:
        screen.note(
            f"{name}: nothing was taken in, since every line went to quarantine ({count(ingested.counts.quarantined)}):"
            f" `tokentill usage quarantine list --file {shell_word(ingested.name)}`"
        )


def _note_findings(screen: Screen, ingested: Ingested) -> None:
    """Print what is odd about the records of a file."""
    if ingested.counts.revisions:
        screen.note(
            f"{plural(ingested.counts.revisions, 'record', 'records')} came again with other content; what counted"
            " before is billed (`tokentill usage revisions list`)"
        )
    if ingested.counts.replaced:
        replace = plural(ingested.counts.replaced, "record takes", "records take")
        screen.note(f"{replace} the place of another report of the same request")
    if ingested.counts.witnesses:
        screen.note(
            f"{plural(ingested.counts.witnesses, 'report is', 'reports are')} kept beside what counts of the same"
            " request (`tokentill report witnesses PERIOD`)"
        )
    if ingested.personal_count:
        first = sorted(ingested.personal)[0]
        ids = plural(ingested.personal_count, "user id looks", "user ids look")
        screen.note(
            f"{ids} like personal data, as {shown_id(first)} ({ingested.personal[first]}); ids should be opaque"
        )
    for (source, other), shared in sorted(ingested.ids_elsewhere.items()):
        have = "has an id" if ingested.ids[source] == 1 else "have ids"
        of = f"{count(shared)} of {plural(ingested.ids[source], 'record', 'records')} of source {shown_id(source)}"
        screen.note(
            f"{shown_id(ingested.name)}: {of} {have} that source {shown_id(other)} has, too: was the export loaded"
            " under another name?"
        )
    if ingested.in_closed:
        lie = plural(ingested.in_closed.total(), "new record lies", "new records lie")
        months = ", ".join(str(month) for month in sorted(ingested.in_closed))
        screen.note(
            f"{shown_id(ingested.name)}: {lie} in a period that was closed ({months}): `{LIST_LATE}` lists what"
            " invoices were issued without; close again for customers that have none"
        )


def _has_all_pages(ingested: Ingested, done: Sequence[Ingested]) -> bool:
    """Whether every page of an answer is among the files."""
    pages = None if ingested.incomplete is None else ingested.incomplete.total_pages
    given = {one.incomplete.page for one in done if one.incomplete is not None and one.incomplete.total_pages == pages}
    return pages is not None and len(given - {None}) == pages


def show_missing(screen: Screen, missing: Missing) -> None:
    """Records without usage, and what to do about the first."""
    if not missing.records:
        screen.say("no record is without usage or an estimate, but those that were waived or accepted")
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
    estimate = next((one.record for one in missing.records if one.is_estimate), None)
    screen.say(
        "\nload an export that has their usage, and accept what changed (`tokentill usage revisions list`);"
        f" or bill nothing, as with:\n  {waive}"
    )
    if estimate is not None:
        accept = command_line("usage accept --reason 'WHY'", ids=(estimate.series.source, estimate.record_id))
        screen.say(f"an estimate is billed as it is once somebody accepts it, as with:\n  {accept}")


def show_decision_on_record(screen: Screen, decided: RecordDecision) -> None:
    """Who said that a record is billed at nothing, or as it is, and why."""
    from tokentill.closing.records.record_decisions import Waived

    record = f"{shown_id(decided.source)} {shown_id(decided.record_id)}"
    how = "at nothing" if isinstance(decided, Waived) else "as it is estimated"
    screen.say(f"{record} is billed {how}, says {shown_text(decided.by)}: {shown_text(decided.reason)}")


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
    if line.decided is not None:
        by, reason, at = line.decided
        taken = "taken in" if line.decision == "taken" else "discarded"
        screen.say(f"  {taken} by {shown_text(by)} at {instant_text(at)}: {shown_text(reason)}")
        return
    if line.is_kept:
        screen.say(f"  tokentill usage quarantine retry {line.id} --reason 'WHY'")
    else:
        screen.say("  it is not kept whole, so it cannot be read again; ingest its file again")
    screen.say(f"  tokentill usage quarantine discard {line.id} --reason 'WHY'")


def show_retried(screen: Screen, retried: Retried) -> None:
    """What became of lines that were read again, and why some are no record still."""
    counts = retried.counts
    taken = plural(len(retried.taken), "line is a record now", "lines are records now")
    parts = {"accepted": counts.accepted, "there already": counts.duplicates, "kept as revisions": counts.revisions}
    told = ", ".join(f"{number:,} {name}" for name, number in parts.items() if number)
    screen.say(f"{taken}{f' ({told})' if told else ''}; {plural(len(retried.still), 'stays', 'stay')} in quarantine")
    for one in retried.still[:PROBLEMS_SHOWN]:
        screen.note(f"{shown_id(one.line.file)}:{one.line.line}: {shown_text(one.reason)}")
    if len(retried.still) > PROBLEMS_SHOWN:
        screen.note(f"... and {len(retried.still) - PROBLEMS_SHOWN} more; --json lists them")


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
