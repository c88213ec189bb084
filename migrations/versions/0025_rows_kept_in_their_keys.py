"""Small rows that come in great numbers are kept in their keys on SQLite.

They were kept twice, in a table and in the index of its key. PostgreSQL has no such tables.
"""

from __future__ import annotations

from tokentill.store.schema_changes import change_definition, change_guard_on_sqlite, is_postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLES = ("series_month", "usage_unit")
KEPT_TWICE, KEPT_ONCE = "\n STRICT", "\n WITHOUT ROWID,\n STRICT"


def upgrade() -> None:
    for table in () if is_postgresql() else TABLES:
        change_guard_on_sqlite(f"guard_{table}_insert", _by_number(table), "WHEN ")
        change_definition(table, {KEPT_TWICE: KEPT_ONCE})


def downgrade() -> None:
    for table in () if is_postgresql() else TABLES:
        change_definition(table, {KEPT_ONCE: KEPT_TWICE})
        change_guard_on_sqlite(f"guard_{table}_insert", "WHEN ", _by_number(table))


def _by_number(table: str) -> str:
    """The words of its guard that look for a row of the same number."""
    return f"WHEN EXISTS (SELECT 1 FROM {table} WHERE rowid = NEW.rowid) OR "
