"""What the databases do by themselves is tested as the product uses them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.quick_tables import empty_file
from tokentill.store.database import Database


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """A new SQLite file with all tables, and a connection for each transaction."""
    path = tmp_path / "tokentill.db"
    path.write_bytes(empty_file())
    database = Database.open(str(path))
    yield database
    database.close()
