"""`tokentill db ...`: the tables, and whether the database is whole."""

from __future__ import annotations

import typer
from sqlalchemy import Connection, select, text

from tokentill.canonical import Content
from tokentill.cli.calling import Invocation, command, group
from tokentill.documents.escaping import shown_text
from tokentill.documents.figures import count, plural
from tokentill.errors import NotFound
from tokentill.store import tables
from tokentill.store.agreement import Checked, check_agreement
from tokentill.store.database import Database
from tokentill.store.migrating import schema_state, upgrade


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    database = group(app, "db", "Bring the database up to date, and check it.")
    command(database, "upgrade")(_upgrade)
    command(database, "check")(_check)


def _upgrade(call: Invocation) -> None:
    """Make the tables, or bring them to this version.

    All of it happens, or nothing.
    """
    database = Database.open(call.settings.database)
    with database.read() as connection:
        before = schema_state(connection)
    if before in ("empty", "older"):
        upgrade(database)
    with database.read() as connection:
        after = schema_state(connection)
    content = {"database": database.url_shown, "was": before, "is": after}
    done = "is up to date" if after == "current" else f"cannot be brought up to date: its tables are {after}"
    call.finish(content, lambda: call.say(f"{database.url_shown} {done}"), is_refused=after != "current")


def _check(call: Invocation) -> None:
    """Check that the database is whole.

    The version of its tables, its own integrity, and whether all that it holds about issued documents and usage agrees
    with itself: what somebody changed by hand is found.
    """
    database = Database.open(call.settings.database)
    if database.sqlite_path is not None and not database.sqlite_path.exists():  # looking must not make one
        raise NotFound(f"there is no database {database.url_shown}; `tokentill db upgrade` makes it")
    checked: tuple[Checked, ...] = ()
    with database.read() as connection:
        state = schema_state(connection)
        faults = [] if state == "current" else [f"the tables are {state}; run `tokentill db upgrade`"]
        if database.is_sqlite:
            faults += _sqlite_faults(connection)
        if state == "current" and not faults:  # what is inside a file that is not whole cannot be told
            checked = check_agreement(connection, whole=True, usage=select(tables.usage.c.id))
            faults += [str(fault) for found in checked for fault in found.faults]
    content: Content = {"database": database.url_shown, "tables": state, "faults": faults}
    content["checks"] = [found.content() for found in checked]

    def show() -> None:
        call.say(f"{database.url_shown} " + (f"has {plural(len(faults), 'fault', 'faults')}" if faults else "is sound"))
        for fault in faults:
            call.say(f"  {shown_text(fault)}")
        if any(found.faults for found in checked):
            call.say("  Stored facts that contradict each other were changed by hand; compare them with a backup.")
        call.table(
            ("check", "looked at", "faults"),
            [
                (found.check.replace("_", " "), f"{count(found.looked_at)} {found.of}", count(len(found.faults)))
                for found in checked
            ],
            right=("looked at", "faults"),
        )

    call.finish(content, show, is_refused=bool(faults))


def _sqlite_faults(connection: Connection) -> list[str]:
    found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
    if found != ["ok"]:
        return [f"SQLite: {fault}" for fault in found]
    return [f"SQLite: broken reference {tuple(row)}" for row in connection.execute(text("PRAGMA foreign_key_check"))]
