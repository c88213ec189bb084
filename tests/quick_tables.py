"""Tables and statements that are made once a process, for the hundreds of databases that tests make.

A new SQLite file gets what the migrations make by the statements that SQLite itself keeps of it, in one transaction as
the product does; `store/test_migrations.py` runs the migrations themselves and holds both ways equal. Databases of a
kind share compiled statements, which depend on the kind alone.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import LRUCache

from tokentill.store import database as databases
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready, upgrade

KEPT_STATEMENTS_MAX = 5_000

_kept_open: WeakSet[Database] = WeakSet()
_lent: dict[str, tuple[Any, LRUCache[Any, Any]]] = {}


@cache
def empty_file() -> bytes:
    """A SQLite file with every table, guard and first row, and nobody connected."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        database = Database.open(str(path))
        make_ready(database)
        database.close()
        return path.read_bytes()


def new_file(path: Path) -> Database:
    """A new SQLite file with every table, whose connection stays open from one transaction to the next.

    The product opens one for each transaction; `tests/store` does the same.
    """
    path.write_bytes(empty_file())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "NullPool", QueuePool)
        database = Database.open(str(path))
    _kept_open.add(database)
    return database


def close_kept_open() -> None:
    """Close what is kept open, since SQLite allows no connection to go over into another process."""
    for database in _kept_open:
        database.close()


os.register_at_fork(before=close_kept_open)


@cache
def statements_of_tables() -> tuple[str, ...]:
    """What makes every table, guard and first row in an empty SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "template.db")
        database = Database.open(path)
        upgrade(database)
        lend_statements(database.engine)
        database.close()
        connection = sqlite3.connect(path)
        dump = tuple(connection.iterdump())
        connection.close()
    return tuple(statement for statement in dump if statement not in ("BEGIN TRANSACTION;", "COMMIT;"))


def make_tables(database: Database) -> None:
    """What `upgrade` does to a database; quickly for an empty SQLite file."""
    if database.is_sqlite:
        statements = statements_of_tables()
        with database.write() as connection:
            if not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
                driver = connection.connection.cursor()
                for statement in statements:
                    driver.execute(statement)
                driver.close()
                return
    upgrade(database)


def lend_statements(engine: Engine) -> None:
    """Let every engine of this kind that is made from now on use the statements that this one compiled.

    It was connected before: what a dialect learns of its server, it learns at its first connection.
    """
    _lent.setdefault(engine.dialect.name, (engine.dialect, LRUCache(KEPT_STATEMENTS_MAX)))


def with_lent_statements(make: Callable[..., Engine]) -> Callable[..., Engine]:
    """A way to make engines, where those made use what was lent to their kind."""

    def made(place: Any) -> Engine:
        engine = make(place)
        if engine.dialect.name in _lent:
            engine.dialect, engine._compiled_cache = _lent[engine.dialect.name]
        return engine

    return made
