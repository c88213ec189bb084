"""`tokentill db ...`: the tables, and whether the database is whole."""

from __future__ import annotations

import typer
from sqlalchemy import Connection, text

from tokentill.cli.calling import Call, command, group
from tokentill.errors import NotFound
from tokentill.store.audit import audit_faults
from tokentill.store.database import Database
from tokentill.store.invoices import number_faults
from tokentill.store.migrating import schema_state, upgrade


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    database = group(app, "db", "Bring the database up to date, and check it.")
    command(database, "upgrade")(_upgrade)
    command(database, "check")(_check)


def _upgrade(call: Call) -> None:
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


def _check(call: Call) -> None:
    """Check that the database is whole.

    The version of its tables, its own integrity, the series of invoice numbers, and the chain of the audit log.
    """
    database = Database.open(call.settings.database)
    if database.sqlite_path is not None and not database.sqlite_path.exists():  # looking must not make one
        raise NotFound(f"there is no database {database.url_shown}; `tokentill db upgrade` makes it")
    with database.read() as connection:
        state = schema_state(connection)
        faults = [] if state == "current" else [f"the tables are {state}; run `tokentill db upgrade`"]
        if database.is_sqlite:
            faults += _sqlite_faults(connection)
        if state == "current" and not faults:  # what is inside a file that is not whole cannot be told
            faults += [*number_faults(connection), *audit_faults(connection)]
    content = {"database": database.url_shown, "tables": state, "faults": faults}

    def show() -> None:
        for fault in faults:
            call.say(fault)
        if not faults:
            call.say(f"{database.url_shown} is sound")

    call.finish(content, show, is_refused=bool(faults))


def _sqlite_faults(connection: Connection) -> list[str]:
    found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
    if found != ["ok"]:
        return [f"SQLite: {fault}" for fault in found]
    return [f"SQLite: broken reference {tuple(row)}" for row in connection.execute(text("PRAGMA foreign_key_check"))]
