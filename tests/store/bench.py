"""What tests of the store need beside the builders: databases without tables, every table, refused statements."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.migrating import downgrade, upgrade


@contextmanager
def postgresql_without_tables(server_url: str) -> Iterator[Database]:
    """A new PostgreSQL database in which there is nothing."""
    name = f"tokentill_{uuid4().hex}"
    server = create_engine(make_url(server_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    database = Database.open(make_url(server_url).set(database=name).render_as_string(hide_password=False))
    try:
        yield database
    finally:
        database.close()
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


BEFORE_DIGESTS_OF_BATCHES = "0018"


def with_digests_of_rows(database: Database) -> None:
    """Let rows of usage have a digest each instead of one a batch, as older versions made them; so they stay what they
    are when the tables go down and up.
    """
    downgrade(database, BEFORE_DIGESTS_OF_BATCHES)
    upgrade(database)


def rows_of_all_tables(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in a fixed order."""
    with database.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in tables.metadata.sorted_tables
        }


def count_of_rows(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    return {name: len(rows) for name, rows in rows_of_all_tables(database).items()}


def triggers_of(database: Database) -> dict[str, str]:
    """The definition of every trigger, by table and name."""
    if database.is_sqlite:
        query = "SELECT tbl_name || '.' || name, sql FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
        )
    with database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(text(query))}


def refuse(database: Database, statement: str, match: str) -> None:
    """See that the database itself refuses a statement, with a message."""
    with pytest.raises(DBAPIError, match=match), database.write() as connection:
        connection.exec_driver_sql(statement)


def table_names(database: Database) -> set[str]:
    """The tables that are there."""
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def run_in_child(work: Callable[[], None]) -> int:
    """Run work in a forked process that leaves nothing behind in this one.

    Returns:
        0 when it came to its end, the number of the signal that killed it, or -1 for an error of its own.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forks beside threads from 3.12 on; the child starts none
        child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 (the child may not return into pytest, whatever happens)
            import traceback

            traceback.print_exc()
            os._exit(255)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    return 0 if os.WEXITSTATUS(status) == 0 else -1


class Killer:
    """Kills this process at the nth edge: before each statement, before each commit and after it."""

    def __init__(self, at: int) -> None:
        self._left = at

    def edge(self, *_: object, **__: object) -> None:
        """One more edge."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, engine: Engine) -> None:
        """Make every statement and commit of an engine an edge."""
        event.listen(engine, "before_cursor_execute", self.edge)
        event.listen(engine, "commit", self.edge)
        event.listen(engine, "checkin", self.edge)
