"""A checked or upgraded database as text for a terminal."""

from __future__ import annotations

from tokentill.documents.escaping import shown_text
from tokentill.documents.figures import count, plural
from tokentill.documents.text.screen import Screen
from tokentill.documents.views.database_check import DatabaseCheck, DatabaseUpgrade


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
        ("check", "looked at", "faults"),
        [
            (check.check.replace("_", " "), f"{count(check.looked_at)} {check.of}", count(len(check.faults)))
            for check in checked.checks
        ],
        right=("looked at", "faults"),
    )
