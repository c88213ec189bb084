"""What migrations change on both databases, where the two have it in different forms: checks and guards.

Migrations of several versions use this, so that what it makes has to stay as it is: `guards.toml` and the tests of
migrations hold it. Works on the connection that Alembic has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from alembic import op
from sqlalchemy import text

from tokentill.errors import IntegrityFault


def is_postgresql() -> bool:
    """Whether it is PostgreSQL that is migrated, and not SQLite."""
    return op.get_bind().dialect.name == "postgresql"


def refuse_to_lose(lost: Mapping[str, str]) -> None:
    """See that there is nothing that the older tables cannot hold: what it is, and the query that counts it.

    Raises:
        RuntimeError: with how many of the first there are.
    """
    for what, query in lost.items():
        if count := op.get_bind().execute(text(query)).scalar_one():
            raise RuntimeError(f"{count} {what} would be lost; an older tokentill has no place for them")


def change_check(table: str, check: str, before: str, after: str) -> None:
    """Put another condition in the place of that of a check.

    Raises:
        IntegrityFault: when a table of SQLite does not have the check.
    """
    if is_postgresql():
        op.drop_constraint(check, table, type_="check")
        op.create_check_constraint(op.f(check), table, after)
    else:
        change_definition(table, {f"CONSTRAINT {check} CHECK ({before})": f"CONSTRAINT {check} CHECK ({after})"})


def change_definition(table: str, words: Mapping[str, str]) -> None:
    """Make a table of SQLite anew with other words in its definition, and its rows, indexes and triggers as they were.

    The rows lie aside meanwhile: only a table that is made under its own name keeps what refers to it. Whether every
    reference is kept is asked at the end instead of after each row.
    """
    definition, *made_of_it = _statements(f"tbl_name = '{table}'")
    in_order = "" if "WITHOUT ROWID" in definition else " ORDER BY rowid"
    for before, after in words.items():
        if definition.count(before) != 1:
            raise IntegrityFault(f"the table {table} is not the one that tokentill made; restore it from a backup")
        definition = definition.replace(before, after)
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute(f"CREATE TABLE rows_aside AS SELECT * FROM {table}{in_order}")
    op.drop_table(table)
    for statement in (
        definition,
        f"INSERT INTO {table} SELECT * FROM rows_aside ORDER BY rowid",
        "DROP TABLE rows_aside",
        *made_of_it,
    ):
        _execute(statement)
    if op.get_bind().execute(text("PRAGMA foreign_key_check")).first() is not None:
        raise IntegrityFault(f"rows refer to what is not in {table}; restore the database from a backup")
    op.execute("PRAGMA defer_foreign_keys = OFF")


def guard(table: str, *met: str) -> None:
    """Keep the rows of a table as they are.

    Args:
        table: its name.
        met: when a row of it is what a new one, `NEW`, would replace; SQLite replaces without asking other guards.
    """
    if is_postgresql():
        for kind, events, each in (("rows", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER guard_{table}_{kind} BEFORE {events} ON {table}"
                f" FOR EACH {each} EXECUTE FUNCTION tokentill_refuse()"
            )
        return
    replaced = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {condition})" for condition in met)
    for change, when in (("update", ""), ("delete", ""), ("insert", f" WHEN {replaced}")):
        op.execute(
            f"CREATE TRIGGER guard_{table}_{change} BEFORE {change.upper()} ON {table}{when}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def row_of(*key: str) -> tuple[str, str]:
    """When a row is met (see `guard`): by its number in SQLite, or by its key."""
    return "rowid = NEW.rowid", " AND ".join(f"{name} = NEW.{name}" for name in key)


def change_guard_on_sqlite(trigger: str, before: str, after: str) -> None:
    """Put other words in the place of some in a trigger.

    Raises:
        IntegrityFault: when they are not there.
    """
    (definition,) = _statements(f"name = '{trigger}'")
    if definition.count(before) != 1:
        raise IntegrityFault(f"the trigger {trigger} is not the one that tokentill made; restore it from a backup")
    op.execute(f"DROP TRIGGER {trigger}")
    _execute(definition.replace(before, after))


@contextmanager
def unguarded(table: str) -> Iterator[None]:
    """Let the rows of a table be updated meanwhile."""
    if is_postgresql():
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER guard_{table}_rows")
        yield
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER guard_{table}_rows")
        return
    (definition,) = _statements(f"name = 'guard_{table}_update'")
    op.execute(f"DROP TRIGGER guard_{table}_update")
    yield
    _execute(definition)


def _statements(of: str) -> list[str]:
    """What made these things on SQLite: tables first, then indexes, then triggers."""
    order = "CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name"
    query = f"SELECT sql FROM sqlite_master WHERE {of} AND sql IS NOT NULL ORDER BY {order}"
    return list(op.get_bind().execute(text(query)).scalars())


def _execute(statement: str) -> None:
    """Run a statement as it stands, whatever colons are in it."""
    op.get_bind().exec_driver_sql(statement)
