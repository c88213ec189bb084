"""What was checked or upgraded, a pricing folder or a database, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import count, plural

if TYPE_CHECKING:
    from tokentill.documents.text.screen import Screen
    from tokentill.documents.views.checks import DatabaseCheck, DatabaseUpgrade, FolderCheck


def show_check(screen: Screen, checked: FolderCheck, counted: Literal["recordings", "contracts"]) -> None:
    """Every finding, then how much is in the folder; `counted` names what is counted beside models."""
    for finding in checked.findings:
        screen.say(f"{'warning: ' if finding.is_warning else ''}{finding}")
    if checked.size is None:
        mistakes = plural(len(checked.errors), "mistake", "mistakes")
        until = "it is" if len(checked.errors) == 1 else "they are"
        screen.say(f"{mistakes}; nothing of this folder loads until {until} put right")
    else:
        number = checked.size.contracts if counted == "contracts" else checked.size.recordings
        models = plural(checked.size.models, "model", "models")
        shipped = checked.size.models - checked.size.own_models
        models += f" ({count(shipped)} of them shipped)" if shipped else ""
        size = f"{plural(number, counted[:-1], counted)}, {models}"
        size += f", {plural(len(checked.findings), 'warning', 'warnings')}"
        screen.say(f"{checked.folder}: {size}")
    for boundary in checked.kept_boundaries:
        screen.say(f"{shown_id(boundary.customer)}: {boundary}")


def show_upgrade(screen: Screen, upgraded: DatabaseUpgrade) -> None:
    """Whether the database can be used now."""
    cannot = f"cannot be brought up to date: its tables are {upgraded.now}"
    screen.say(f"{upgraded.database} {'is up to date' if upgraded.is_current else cannot}")


def show_database_check(screen: Screen, checked: DatabaseCheck) -> None:
    """What is wrong, and what was looked at."""
    faults = checked.faults
    screen.say(f"{checked.database} " + (f"has {plural(len(faults), 'fault', 'faults')}" if faults else "is sound"))
    for fault in faults:
        screen.say(f"  {shown_text(fault)}")
    if any(check.faults for check in checked.checks):
        screen.say("  Stored facts that contradict each other were changed by hand; compare them with a backup.")
    screen.table(
        ("", "check", "looked at", "faults"),
        [
            (
                check.invariant or "",
                check.check.replace("_", " "),
                plural(check.looked_at, _single(check.of), check.of) + _figures(check.figures),
                count(len(check.faults)),
            )
            for check in checked.checks
        ],
        right=("looked at", "faults"),
    )


def _figures(figures: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{count(number)} {name}" for name, number in figures if number)
    return f": {shown}" if shown else ""


def _single(many: str) -> str:
    """One of what a check looked at."""
    for end, one in (("ies", "y"), ("ches", "ch"), ("s", "")):
        if many.endswith(end):
            return many.removesuffix(end) + one
    return many
