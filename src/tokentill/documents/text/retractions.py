"""Imports and retractions as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import count, plural
from tokentill.documents.text.records import show_ingested
from tokentill.store.intake.imports import Imports

if TYPE_CHECKING:
    from tokentill.closing.records.retracting import Retracted, Retractions
    from tokentill.closing.records.staging import ImportShown
    from tokentill.documents.text.screen import Screen

STANDS_ON_SHOWN = 20


def show_retracted(screen: Screen, retracted: Retracted) -> None:
    """How many records were or would be taken back, of whom, and what they stand on."""
    records, what = plural(retracted.records, "record", "records"), shown_text(retracted.what)
    if not retracted.records:
        before = plural(retracted.already, "record was", "records were")
        screen.say(f"nothing is left to take back, {before} taken back before: {what}")
        return
    screen.table(
        ("customer", "period", "requests"),
        [
            (
                "nobody" if part.customer is None else shown_id(part.customer),
                part.period or "",
                count(part.requests),
            )
            for part in retracted.parts
        ],
        right=("requests",),
    )
    again = f" ({count(retracted.already)} were before)" if retracted.already else ""
    if retracted.dry_run:
        screen.say(f"\n{records} would be taken back{again}: {what}; nothing was changed")
    else:
        screen.say(f"\n{records} {'is' if retracted.records == 1 else 'are'} taken back{again}: {what}")
    for stood in retracted.stands_on[:STANDS_ON_SHOWN]:
        stand = "stands" if stood.requests == 1 else "stand"
        on = f"{stood.number} of {shown_id(stood.customer)} for {stood.period}"
        screen.note(f"{count(stood.requests)} of them {stand} on {on}, which stays as it is")
    if len(retracted.stands_on) > STANDS_ON_SHOWN:
        screen.note(f"... and on {len(retracted.stands_on) - STANDS_ON_SHOWN} more documents; --json lists them")


def show_retractions(screen: Screen, listed: Retractions) -> None:
    """Everything that was taken back."""
    if not listed.retractions:
        screen.say("nothing was taken back")
        return
    screen.table(
        ("at", "what", "records", "by", "reason"),
        [
            (
                instant_text(one.at),
                shown_text(one.what),
                count(one.records),
                shown_text(one.by),
                shown_text(one.reason),
            )
            for one in listed.retractions
        ],
        right=("records",),
    )


def show_imports(screen: Screen, listed: Imports) -> None:
    """Every import, with its number."""
    if not listed.imports:
        screen.say("nothing was imported yet")
        return
    counts: tuple[str, ...] = ("accepted", "duplicates", "revisions", "quarantined", "retracted")
    if any(one.control_totals for one in listed.imports):
        counts = (*counts, "control_totals")
    names = tuple(name.replace("_", " ") for name in counts)
    screen.table(
        ("import", "name", "at", "state", *names),
        [
            (
                *(str(one.number), shown_id(one.name), instant_text(one.at), one.state),
                *(count(getattr(one, name)) for name in counts),
            )
            for one in listed.imports
        ],
        right=("import", *names),
    )


def show_import(screen: Screen, shown: ImportShown) -> None:
    """One import: what it brought, what was said of it, and what it would come to."""
    show_imports(screen, Imports((shown.imported,)))
    for kind, (by, reason, at) in shown.events.items():
        if kind != "taken":
            because = f": {shown_text(reason)}" if reason else ""
            screen.say(f"  {kind} by {shown_text(by)} at {instant_text(at)}{because}")
    if shown.would_be is not None:
        screen.say("\nif it were accepted now:")
        show_ingested(screen, [shown.would_be], ())
