"""Databases that many tests begin with: filled once a process, then copied."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import psycopg

from tokentill.store.database import Database

_files: dict[str, bytes] = {}
_templates: dict[str, str] = {}


def fill(database: Database, name: str, make: Callable[[Database], object]) -> Database:
    """Fill a new database as `make` does, or with a copy of what `make` made under this name before.

    `make` ends with nobody connected, and what it fills depends on the name alone.
    """
    if database.is_sqlite:
        _fill_file(database, name, make)
    else:
        _fill_on_postgresql(database, name, make)
    return database


def forget_templates(server_url: str) -> None:
    """Drop what is kept on a PostgreSQL server."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        for template in _templates.values():
            connection.execute(f"DROP DATABASE {template}")
    _templates.clear()


def _fill_file(database: Database, name: str, make: Callable[[Database], object]) -> None:
    path = database.sqlite_path
    assert path is not None
    if name in _files:
        database.close()
        path.write_bytes(_files[name])
        return
    make(database)
    database.close()
    assert not path.with_name(f"{path.name}-wal").exists(), "somebody is still connected"
    _files[name] = path.read_bytes()


def _fill_on_postgresql(database: Database, name: str, make: Callable[[Database], object]) -> None:
    url = database.engine.url
    server_url = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    if name not in _templates:
        make(database)
        source, target = url.database, f"tokentill_kept_{uuid4().hex}"
        _templates[name] = target
    else:
        source, target = _templates[name], str(url.database)
    database.close()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {target} TEMPLATE {source} STRATEGY file_copy")
