"""Tables and statements that are made once a process, for the hundreds of databases that tests make.

A new SQLite file gets its tables as the product makes them; `store/test_migrations.py` runs the migrations themselves.
Databases of a kind share compiled statements, which depend on the kind alone.
"""

from __future__ import annotations

import os
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
from tokentill.store import migrating
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready, upgrade

KEPT_STATEMENTS_MAX = 5_000

_kept_open: WeakSet[Database] = WeakSet()
_lent: dict[str, tuple[Any, LRUCache[Any, Any]]] = {}


@cache
def empty_file() -> bytes:
    """A SQLite file with every table, guard and first row, and nobody connected. From now on statements are lent."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        database = Database.open(str(path))
        make_ready(database)
        lend_statements(database.engine)
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


def make_tables(database: Database) -> None:
    """What `upgrade` does to a database; quickly for an empty SQLite file."""
    if not database.is_sqlite or not migrating.make_tables(database):
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
