"""Where databases of fault campaigns lie: each is kept as it was at a moment, and put back from there quickly."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from tokentill.store.database import Database
from tokentill.store.migrating import upgrade


class Place(Protocol):
    """A database at a URL that stays the same."""

    url: str

    def keep(self, name: str) -> None:
        """Keep what the database holds now."""

    def put_back(self, name: str) -> None:
        """Let the database hold what was kept."""

    def remove(self) -> None:
        """Remove the database, and all that was kept."""


class SqliteFile:
    """A SQLite file in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "months.db"
        self.url = str(self._path)
        make_tables(self.url)

    def keep(self, name: str) -> None:
        """Copy the file. Nobody has it open."""
        shutil.copy(self._path, self._folder / f"kept {name}.db")

    def put_back(self, name: str) -> None:
        """Copy it back, and remove what a killed process left beside it."""
        _remove(self._folder.glob("months.db*"))
        shutil.copy(self._folder / f"kept {name}.db", self._path)

    def remove(self) -> None:
        """Remove the files."""
        _remove([*self._folder.glob("months.db*"), *self._folder.glob("kept *.db")])


class PostgresqlDatabase:
    """A database on a PostgreSQL server, beside which the kept ones lie as templates."""

    def __init__(self, server_url: str) -> None:
        self._name = f"months_{uuid4().hex}"
        parsed = make_url(server_url)
        self.url = parsed.set(database=self._name).render_as_string(hide_password=False)
        self._kept: dict[str, str] = {}
        admin = parsed.set(drivername="postgresql+psycopg", database="postgres")
        self._engine = create_engine(admin, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self._run(f"CREATE DATABASE {self._name}")
        make_tables(self.url)

    def keep(self, name: str) -> None:
        """Copy the database. Who is still connected is put out."""
        kept = self._kept.setdefault(name, f"{self._name}_{len(self._kept)}")
        self.cut()
        self._run(f"DROP DATABASE IF EXISTS {kept}", f"CREATE DATABASE {kept} TEMPLATE {self._name}")

    def put_back(self, name: str) -> None:
        """Copy it back.

        A copied sequence may have numbers in reserve, of which PostgreSQL writes none to its log until a checkpoint: it
        would fall behind when the server is killed.
        """
        drop, create = f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)", f"CREATE DATABASE {self._name}"
        self._run(drop, f"{create} TEMPLATE {self._kept[name]}", "CHECKPOINT")

    def cut(self) -> None:
        """End every connection to the database, and wait until they are gone."""
        of_it = f"FROM pg_stat_activity WHERE datname = '{self._name}'"
        self._run(f"SELECT pg_terminate_backend(pid, 5000) {of_it}")

    def remove(self) -> None:
        """Drop the databases."""
        self._run(*(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in (self._name, *self._kept.values())))
        self._engine.dispose()

    def _run(self, *statements: str) -> None:
        with self._engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))


def make_tables(url: str) -> None:
    """Bring the tables of a new database up to date."""
    database = Database.open(url)
    upgrade(database)
    database.close()


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        path.unlink()
