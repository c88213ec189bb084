"""`tokentill db ...`: the tables, and whether the database is whole."""

from __future__ import annotations

from tokentill.cli.calling import Commands, Invocation
from tokentill.documents.text.checks import show_database_check, show_upgrade

app = Commands()
database = app.group("db", "Bring the database up to date, and check it.")


@database.command("upgrade")
def _upgrade(call: Invocation) -> None:
    """Make the tables, or bring them to this version.

    All of it happens, or nothing.
    """
    upgraded = call.database().upgrade()
    call.answer(upgraded, show_upgrade, is_refused=not upgraded.is_current)


@database.command("check")
def _check(call: Invocation) -> None:
    """Check that the database is whole.

    The version of its tables, its own integrity, and whether all that it holds about issued documents and usage agrees
    with itself: what somebody changed by hand is found.
    """
    checked = call.database().check()
    call.answer(checked, show_database_check, is_refused=not checked.is_sound)


@database.command("roles")
def _roles(call: Invocation) -> None:
    """Print the SQL that makes roles on PostgreSQL.

    An owner of the tables, an application that can change nothing of what is issued, and a reader. It goes to psql.
    """
    script = call.database().roles()
    call.finish({"sql": script}, lambda screen: screen.say(script.rstrip()))
