"""Many rows at once, in the way that costs each database least.

What stands here says the same as an INSERT and an IN of SQLAlchemy; both are for tens of thousands of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Table, Text, any_, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

MANY = 1_000


def insert_tuples(
    connection: Connection, table: Table[Any], names: Sequence[str], rows: Collection[tuple[Any, ...]]
) -> None:
    """Insert rows whose values the driver takes as they are. What fails leaves the transaction to be taken back.

    Args:
        names: the columns that the values belong to, in the table's own order.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        quoted = map(connection.dialect.identifier_preparer.quote, names)
        _copy(connection, f"COPY {table.name} ({', '.join(quoted)}) FROM STDIN", rows)
        return
    statement = str(insert(table).compile(dialect=connection.dialect, column_keys=list(names)))
    guard = _insert_guard(connection, table) if len(rows) >= MANY else None
    if guard is not None:
        connection.exec_driver_sql(f"DROP TRIGGER guard_{table.name}_insert")
    connection.exec_driver_sql(statement, list(rows))
    if guard is not None:
        connection.exec_driver_sql(guard)


def _insert_guard(connection: Connection, table: Table[Any]) -> str | None:
    """What makes the guard that looks for each new row of a table of SQLite whether it would replace another one.

    It is for INSERT OR REPLACE. A plain INSERT replaces none, so it is spared the look: the guard is away while many
    rows go in, in a transaction of which nobody sees anything before it is there again.
    """
    query = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?"
    return connection.exec_driver_sql(query, (f"guard_{table.name}_insert",)).scalar()


def among(connection: Connection, column: Column[str], texts: Collection[str]) -> ColumnElement[bool]:
    """Whether a column holds one of many texts, which are one value of the statement."""
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(texts), ARRAY(Text)))
    listed = func.json_each(msgspec.json.encode(list(texts)).decode()).table_valued("value")
    return column.in_(select(listed.c.value))


def _copy(connection: Connection, statement: str, rows: Collection[tuple[Any, ...]]) -> None:
    errors = connection.dialect.loaded_dbapi.Error
    try:
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
            for row in rows:
                copy.write_row(row)
    except errors as error:  # as SQLAlchemy says it, so that callers see one kind of error
        raise DBAPIError.instance(statement, None, error, errors, dialect=connection.dialect) from error
