"""Writes `migrations/new_file.sql`, what the migrations make in a new SQLite file: `python -m tests.store.new_file`."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from tokentill.shipped import shipped_folder
from tokentill.store.database import Database
from tokentill.store.migrating import upgrade


def migrated() -> str:
    """The statements."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        database = Database.open(str(path))
        upgrade(database)
        database.close()
        return dumped(path)


def dumped(path: Path) -> str:
    """The statements that make the file anew."""
    with closing(sqlite3.connect(path)) as connection:
        statements = [one for one in connection.iterdump() if one not in ("BEGIN TRANSACTION;", "COMMIT;")]
    return "\n".join(statements) + "\n"


if __name__ == "__main__":
    (shipped_folder("migrations") / "new_file.sql").write_text(migrated(), "utf-8")
