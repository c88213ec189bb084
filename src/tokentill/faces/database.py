"""`till.database`: bring a database's tables to this version, and check whether it is whole."""

from __future__ import annotations

from os import PathLike

from sqlalchemy import Connection, select, text

from tokentill.closing.questions.verify import independent_checks
from tokentill.documents.views.checks import DatabaseCheck, DatabaseUpgrade
from tokentill.errors import NotFound
from tokentill.faces.arguments import path_of
from tokentill.shipped import shipped_folder
from tokentill.store import tables
from tokentill.store.checks.consistency import Checked, check_agreement
from tokentill.store.database import Database
from tokentill.store.migrating import schema_state, upgrade


class DatabaseFace:
    """One database, whether or not it is ready to be used."""

    def __init__(self, store: Database) -> None:
        self._store = store

    @classmethod
    def open(cls, db: str | PathLike[str]) -> DatabaseFace:
        """A database by its URL, or by the path of a SQLite file.

        Raises:
            InvalidCall: for a URL that cannot be read.
        """
        return cls(Database.open(str(path_of("db", db))))

    def upgrade(self) -> DatabaseUpgrade:
        """Make the tables, or bring them to this version: all of it happens, or nothing."""
        with self._store.read() as connection:
            before = schema_state(connection)
        if before in ("empty", "older"):
            upgrade(self._store)
        with self._store.read() as connection:
            return DatabaseUpgrade(self._store.url_shown, before, schema_state(connection))

    def roles(self) -> str:
        """The SQL that makes the roles of a PostgreSQL database: its owner, the application, and who only looks."""
        return (shipped_folder("migrations") / "roles.sql").read_text("utf-8")

    def check(self) -> DatabaseCheck:
        """Check that the database is whole.

        The version of its tables, its own integrity, whether all that it holds about issued documents and usage
        agrees with itself, whether each record is in one place, and whether every document is what its records come
        to: what somebody changed by hand is found.

        Raises:
            NotFound: when there is no such SQLite file; looking makes none.
        """
        if self._store.sqlite_path is not None and not self._store.sqlite_path.exists():
            raise NotFound(f"there is no database {self._store.url_shown}; `tokentill db upgrade` makes it")
        checks: tuple[Checked, ...] = ()
        with self._store.read() as connection:
            state = schema_state(connection)
            faults = [] if state == "current" else [f"the tables are {state}; run `tokentill db upgrade`"]
            if self._store.is_sqlite:
                faults += _sqlite_faults(connection)
            if state == "current" and not faults:  # what is inside a file that is not whole cannot be told
                checks = check_agreement(connection, whole=True, usage=select(tables.usage.c.id))
                wrong = {fault.number for check in checks for fault in check.faults}
                checks += independent_checks(connection, wrong - {None})
                faults += [str(fault) for check in checks for fault in check.faults]
        return DatabaseCheck(self._store.url_shown, state, tuple(faults), checks)


def _sqlite_faults(connection: Connection) -> list[str]:
    messages = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
    if messages != ["ok"]:
        return [f"SQLite: {fault}" for fault in messages]
    return [f"SQLite: broken reference {tuple(row)}" for row in connection.execute(text("PRAGMA foreign_key_check"))]
