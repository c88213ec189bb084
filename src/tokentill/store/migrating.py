"""Bringing a database's tables up to date, with Alembic and the migrations that travel with the package."""

from __future__ import annotations

from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from tokentill.errors import DatabaseNotReady
from tokentill.shipped import shipped_folder
from tokentill.store.database import Database

SchemaState = Literal["empty", "current", "older", "newer", "foreign"]


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the shipped migrations, on a connection that is in a writing transaction."""
    config = Config()
    config.set_main_option("script_location", str(shipped_folder("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def schema_state(connection: Connection) -> SchemaState:
    """What a database holds, compared with what this version of tokentill needs."""
    scripts = ScriptDirectory.from_config(alembic_config())
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        # Alembic's own table is what a downgrade to the very beginning leaves behind.
        return "foreign" if set(inspect(connection).get_table_names()) - {"alembic_version"} else "empty"
    if revision == scripts.get_current_head():
        return "current"
    return "older" if revision in {script.revision for script in scripts.walk_revisions()} else "newer"


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the tables to a revision, in one transaction: all of it happens, or nothing."""
    with database.write() as connection:
        command.upgrade(alembic_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the tables back to a revision, in one transaction."""
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
        upgrade(database)
        return
    raise DatabaseNotReady(f"the database {database.url_shown} " + _WHAT_TO_DO[state])


_WHAT_TO_DO: dict[SchemaState, str] = {
    "empty": "has no tables yet; run `tokentill db upgrade`",
    "older": "was made by an older tokentill; make a backup, then run `tokentill db upgrade`",
    "newer": "was made by a newer tokentill; install that version",
    "foreign": "holds tables that are not tokentill's; name another database",
}
