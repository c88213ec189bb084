"""Bringing a database's tables up to date, with Alembic and the migrations that travel with the package."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, column, inspect, literal_column, select, table

from tokentill.errors import DatabaseNotReady
from tokentill.shipped import shipped_folder
from tokentill.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

SchemaState = Literal["empty", "current", "older", "newer", "foreign"]

_VERSION = table("alembic_version", column("version_num"))


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the shipped migrations, on a connection that is in a writing transaction."""
    from alembic.config import Config  # here: a database that is up to date does without Alembic

    config = Config()
    config.set_main_option("script_location", str(shipped_folder("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def schema_state(connection: Connection) -> SchemaState:
    """What a database holds, compared with what this version of tokentill needs."""
    if not inspect(connection).has_table(_VERSION.name):
        return "foreign" if inspect(connection).get_table_names() else "empty"
    revisions = set(connection.execute(select(_VERSION.c.version_num)).scalars())
    if not revisions:  # an empty table of Alembic's is what a downgrade to the very beginning leaves behind
        return "foreign" if set(inspect(connection).get_table_names()) - {_VERSION.name} else "empty"
    known = known_revisions()
    if revisions == {known[-1]}:
        return "current"
    return "older" if revisions <= set(known) else "newer"


def known_revisions() -> list[str]:
    """The revisions of the shipped migrations, oldest first: each file's name begins with its own."""
    versions = shipped_folder("migrations") / "versions"
    return sorted(path.name.partition("_")[0] for path in versions.glob("[0-9]*_*.py"))


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the tables to a revision, in one transaction: all of it happens, or nothing."""
    from alembic import command

    with database.write() as connection:
        command.upgrade(alembic_config(connection), revision)


def make_tables(database: Database) -> bool:
    """Make in a SQLite file what all migrations make there, by the statements that travel with them, in one
    transaction. Gives whether it was done: not in a file that holds anything.
    """
    with database.write() as connection:
        if connection.execute(select(literal_column("1")).select_from(table("sqlite_master"))).first() is not None:
            return False
        for statement in new_file_statements():
            connection.exec_driver_sql(statement)
    return True


def new_file_statements() -> Iterator[str]:
    """What makes each table, guard and first row in an empty SQLite file."""
    statement = ""
    for line in (shipped_folder("migrations") / "new_file.sql").read_text("utf-8").splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.removesuffix("\n").removesuffix(";")
            statement = ""


def downgrade(database: Database, revision: str) -> None:
    """Take the tables back to a revision, in one transaction."""
    from alembic import command

    with database.write() as connection:
        command.downgrade(alembic_config(connection), revision)


def make_ready(database: Database) -> None:
    """See to it that the database can be used. A new SQLite file gets its tables; anything else must have them.

    Raises:
        DatabaseNotReady: with what to do.
    """
    with database.read() as connection:
        state = schema_state(connection)
    if state == "current":
        return
    if state == "empty" and database.is_sqlite:
        if not make_tables(database):
            upgrade(database)
        return
    raise DatabaseNotReady(f"the database {database.url_shown} " + _WHAT_TO_DO[state])


_WHAT_TO_DO: dict[SchemaState, str] = {
    "empty": "has no tables yet; run `tokentill db upgrade`",
    "older": "was made by an older tokentill; make a backup, then run `tokentill db upgrade`",
    "newer": "was made by a newer tokentill; install that version",
    "foreign": "holds tables that are not tokentill's; name another database",
}
