"""Between rows and values. A stored value that cannot be read any more was changed by hand or is damaged, and the
message says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, tuple_

from tokentill.clock import from_micros, to_micros
from tokentill.errors import IntegrityFault, InvalidCall

LOOKED_UP_MAX = 500
"""Keys asked for at once; two bound values each stay below what both databases accept."""

Decoded = TypeVar("Decoded")


@contextmanager
def decoding(subject: str) -> Iterator[None]:
    """Around the making of values from rows, or as a decorator of a function that does nothing else.

    Raises:
        IntegrityFault: when they cannot be made.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, InvalidCall) as error:
        raise IntegrityFault(
            f"{subject} cannot be read ({type(error).__name__}: {error}): the database is damaged, or was changed by"
            " hand; `tokentill db check` looks at it whole, and a backup restores it"
        ) from error


def decoded(kind: type[Decoded], row: Any, **others: Any) -> Decoded:
    """A dataclass of the columns that are named as its fields, instants (`..._at`) as such, and of its other fields."""
    columns, own = dict(zip(row._fields, row, strict=True)), _field_names(kind)  # type: ignore[arg-type]
    named = {name: columns[name] for name in own if name not in others and name in columns}
    for name, value in named.items():
        if name.endswith("_at") and value is not None:
            named[name] = from_micros(value)
    return kind(**named, **others)


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def columns_of(owner: object, *names: str) -> dict[str, Any]:
    """The named fields of a value as columns hold them: an instant in microseconds, a day as text."""
    values = {name: getattr(owner, name) for name in names}
    for name, value in values.items():
        if isinstance(value, datetime):
            values[name] = to_micros(value)
        elif isinstance(value, date):
            values[name] = value.isoformat()
    return values


def rows_among(
    connection: Connection, query: Select[Any], columns: tuple[ColumnElement[Any], ...], keys: Iterable[Any]
) -> Iterator[Any]:
    """The rows of a query whose columns, or whose one column, are among some keys, asked for part by part."""
    column, listed = tuple_(*columns) if len(columns) > 1 else columns[0], list(keys)
    for start in range(0, len(listed), LOOKED_UP_MAX):
        yield from connection.execute(query.where(column.in_(listed[start : start + LOOKED_UP_MAX])))
