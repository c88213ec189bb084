"""The triggers that keep stored rows from being changed: which ones there must be, and whether they are there.

`guards.toml` holds a hash of each definition; a test holds them equal to what the migrations make. Triggers that
somebody added beside them are left alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, text


@cache
def expected_guards(dialect: str) -> Mapping[str, str]:
    """Each guard that a database of this kind must have, with the hash of its definition."""
    guards: Mapping[str, str] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))[dialect]
    return guards


def guards_of(connection: Connection) -> dict[str, str]:
    """Each guard that a database has, with the hash of its definition; `disabled` where it is switched off."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, sql, 1 FROM sqlite_master WHERE type = 'trigger'"))
    else:
        # With the function, since what a trigger does stands there; without the name of the schema that all is in.
        rows = connection.execute(
            text(
                "SELECT t.tgname, replace(pg_get_triggerdef(t.oid) || ' ' || pg_get_functiondef(t.tgfoid),"
                " quote_ident(n.nspname) || '.', ''), t.tgenabled IN ('O', 'A') FROM pg_trigger t"
                " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE NOT t.tgisinternal AND n.nspname = current_schema()"
            )
        )
    return {
        name: sha256(" ".join(definition.split()).encode()).hexdigest()[:16] if is_on else "disabled"
        for name, definition, is_on in rows
        if name.startswith("guard_")
    }


@contextmanager
def unguarded(connection: Connection, names: Sequence[str]) -> Iterator[None]:
    """Let rows of some tables be changed meanwhile, in the caller's writing transaction: nobody else sees them without
    their guards, and if it is taken back nothing was lifted.
    """
    if connection.dialect.name != "sqlite":
        for name in names:
            connection.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER guard_{name}_rows"))
        yield
        for name in names:
            connection.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER guard_{name}_rows"))
        return
    lifted = [f"guard_{name}_{change}" for name in names for change in ("update", "delete")]
    made: dict[str, str] = dict(
        connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    )
    for name in lifted:
        connection.execute(text(f"DROP TRIGGER {name}"))
    yield
    for name in lifted:
        connection.exec_driver_sql(made[name])  # as it stands, whatever colons are in it


def guard_faults(connection: Connection) -> list[str]:
    """Which guards are missing, switched off, or not what they should be."""
    present = guards_of(connection)
    faults = []
    for name, definition in expected_guards(connection.dialect.name).items():
        if present.get(name) != definition:
            table = name.removeprefix("guard_").rpartition("_")[0]
            state = {None: "is missing", "disabled": "is switched off"}.get(present.get(name), "was changed")
            faults.append(
                f"the trigger {name} {state}, so rows of {table} could be changed by hand;"
                " compare them with a backup, and make it again as migrations/versions do"
            )
    return faults
