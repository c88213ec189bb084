"""Many rows at once, in the way that costs each database least.

What stands here says the same as an INSERT and an IN of SQLAlchemy; both are for tens of thousands of rows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.exc import DBAPIError

MANY = 1_000


def insert_tuples(
    connection: Connection, table: Table[Any], names: Sequence[str], rows: Collection[tuple[Any, ...]]
) -> None:
    """Insert rows whose values the driver takes as they are. What fails leaves the transaction to be taken back.

    Args:
        names: the columns that the values belong to, in the table's own order.
    """
    _insert(connection, table, names, rows, len(rows))


def insert_columns(connection: Connection, table: Table[Any], columns: Mapping[str, Sequence[Any]], count: int) -> None:
    """Insert so many rows as `insert_tuples` does, by their columns. What is one number in all rows is written into the
    statement on SQLite, where each value that is not costs a call.
    """
    is_copied = connection.dialect.name == "postgresql"
    same = {name: values[0] for name, values in columns.items() if not is_copied and _is_one_number(values)}
    names = [column.name for column in table.c if column.name in columns and column.name not in same]
    _insert(connection, table, names, zip(*(columns[name] for name in names), strict=True), count, same)


def _is_one_number(values: Sequence[Any]) -> bool:
    return bool(values) and type(values[0]) is int and values.count(values[0]) == len(values)


def _insert(
    connection: Connection,
    table: Table[Any],
    names: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    count: int,
    same: Mapping[str, int] | None = None,
) -> None:
    if not count:
        return
    if connection.dialect.name == "postgresql":
        quoted = map(connection.dialect.identifier_preparer.quote, names)
        kinds = [table.c[name].type.compile(connection.dialect).lower() for name in names]
        statement = f"COPY {table.name} ({', '.join(quoted)}) FROM STDIN (FORMAT BINARY)"
        with _guards_away(connection, table, count):
            _copy(connection, statement, kinds, rows)
        return
    values: dict[str, ColumnElement[Any]] = {name: bindparam(name) for name in names}
    values |= {name: literal_column(str(value)) for name, value in (same or {}).items()}
    statement = str(insert(table).values(values).compile(dialect=connection.dialect))
    with _guards_away(connection, table, count), _cursor(connection, statement) as cursor:
        cursor.executemany(statement, rows)


@contextmanager
def _guards_away(connection: Connection, table: Table[Any], count: int) -> Iterator[None]:
    """Spare many new rows the guards that look at each: whether it would replace another one, and whether what it
    refers to is there.

    The first is for INSERT OR REPLACE on SQLite, and a plain INSERT replaces none. What they refer to has to be asked
    for all together before. The guards are away in this transaction, of which nobody sees anything before they are
    there again.
    """
    if count < MANY:
        yield
    elif connection.dialect.name == "postgresql":
        connection.execute(select(func.set_config("tokentill.references", "asked", True)))
        yield
        connection.execute(select(func.set_config("tokentill.references", "", True)))
    else:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name IN (?, ?) ORDER BY name"
        named = f"guard_{table.name}_insert", f"guard_{table.name}_refers"
        guards = connection.exec_driver_sql(query, named).all()
        for guard in guards:
            connection.exec_driver_sql(f"DROP TRIGGER {guard.name}")
        yield
        for guard in guards:
            connection.exec_driver_sql(guard.sql)


def among(connection: Connection, column: Column[str], texts: Collection[str]) -> ColumnElement[bool]:
    """Whether a column holds one of many texts, which are one value of the statement."""
    if connection.dialect.name == "postgresql":  # which looks each of an array up in an index
        value = func.json_array_elements_text(cast(bindparam(None, _as_json(texts), Text), JSON))
        return column == any_(func.array(select(value).scalar_subquery()))
    return column.in_(select(_listed(texts).c.value))


def stored_among(
    connection: Connection, column: Column[str], texts: Collection[str], *conditions: ColumnElement[bool]
) -> Collection[str]:
    """Which of many texts a column has in rows that meet some conditions. An index finds them one by one, so that those
    that are not there cost little; it costs least if they are in its order.
    """
    if connection.dialect.name == "postgresql":
        return set(connection.execute(select(column).where(*conditions, among(connection, column, texts))).scalars())
    value = _listed(texts).c.value
    is_there = select(column).where(*conditions, column == value).exists()
    return connection.execute(select(value).where(is_there)).scalars().all()


def _listed(texts: Collection[str]) -> Any:
    return func.json_each(_as_json(texts)).table_valued("value")


def _as_json(texts: Collection[str]) -> str:
    return msgspec.json.encode(list(texts)).decode()


def _copy(connection: Connection, statement: str, kinds: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with _cursor(connection, statement) as cursor, cursor.copy(statement) as copy:
        copy.set_types(kinds)
        for row in rows:
            copy.write_row(row)


@contextmanager
def _cursor(connection: Connection, statement: str) -> Iterator[Any]:
    """The driver's own cursor, whose errors become those of SQLAlchemy, so that callers see one kind of error."""
    errors = connection.dialect.loaded_dbapi.Error
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except errors as error:
        raise DBAPIError.instance(statement, None, error, errors, dialect=connection.dialect) from error
    finally:
        cursor.close()


def table_of(connection: Connection, name: str, names: Sequence[str], rows: Sequence[tuple[int, ...]]) -> Any:
    """Rows of integers as a table, with their places as `n`. They are one bound value, so that the database is asked
    the same however many there are.
    """
    place: ColumnElement[Any]
    values: list[ColumnElement[Any]]
    if connection.dialect.name == "sqlite":
        entry = func.json_each(json.dumps(rows)).table_valued("key", "value", name=f"entry_of_{name}")
        place = entry.c.key
        values = [func.json_extract(entry.c.value, f"$[{number}]") for number in range(len(names))]
    else:
        from sqlalchemy.dialects.postgresql import JSONB

        listed = func.jsonb_array_elements(cast(rows, JSONB))
        named = listed.table_valued(column("value", JSONB), with_ordinality="key")
        entry = named.render_derived(name=f"entry_of_{name}")
        place = entry.c.key - 1
        values = [cast(entry.c.value[number].astext, BigInteger) for number in range(len(names))]
    columns = (value.label(column_) for column_, value in zip(names, values, strict=True))
    return select(place.label("n"), *columns).cte(name).prefix_with("MATERIALIZED")
