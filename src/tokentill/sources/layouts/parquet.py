"""One record a row of a Parquet file. The package pyarrow reads it, which the extra `parquet` installs.

Every row becomes a JSON object with exact values, and goes on as a line of JSON does: whole numbers, decimals and texts
as they are, instants as text with `Z` where the column has a time zone and without where it has none. A text in a
column that a table of comma-separated values would have is read as a cell of it. A binary floating number is taken only
where it is whole, as programs write counts that have gaps: nobody can tell what amount one stands for otherwise.

A part of a row group is in memory at a time. What a file says of its own size is held against the limits before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from importlib import import_module
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import msgspec

from tokentill.errors import InvalidRecord, Refused
from tokentill.sources.compression import ByteInput, Limits
from tokentill.sources.layouts import HEAD_BYTES, LayoutFault, Piece, digest_of
from tokentill.sources.layouts.parquet_rows import PER_SECOND, ParquetRows
from tokentill.sources.layouts.table import Column

MAGIC = b"PAR1"
ROWS_AT_ONCE = 1024
ROWS_A_BYTE_MAX = 64
"""A file of more rows has nothing in them that could tell one from another."""
WHOLE_MAX = 2**53
"""Up to here a binary floating number tells whole numbers apart."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS_MAX = 100
PLAIN_BYTES_MAX = 64 * 1024
"""No row is longer whose columns are no more than that, and each of which is short."""


class ParquetFile:
    """A Parquet file that is open.

    Raises:
        Refused: when it cannot be read, is too large for the limits, or pyarrow is not installed.
    """

    def __init__(self, bytes_in: ByteInput, name: str, limits: Limits) -> None:
        self._name, self._limits, self._bytes = name, limits, bytes_in
        try:
            self._arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        except ImportError:
            raise Refused(
                f"{name} is Parquet, which needs the package pyarrow; install it (pip install 'tokentill[parquet]'), or"
                " convert the file to JSON lines first"
            ) from None
        stream = bytes_in.seekable(lambda: _copied(bytes_in, name, limits))
        self._size = stream.seek(0, 2)
        try:
            self._file = parquet.ParquetFile(stream, pre_buffer=False, buffer_size=64 * 1024, memory_map=False)
            self._schema = self._file.schema_arrow
        except (self._arrow.ArrowException, OSError, ValueError) as error:
            raise Refused(f"{name} is Parquet, and damaged or cut off: {_first_line(error)}") from None
        self._check_size()

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return list(self._schema.names)

    @property
    def nested(self) -> set[str]:
        """The columns that hold lists or objects, which no cell of a table does."""
        is_nested = self._arrow.types.is_nested
        return {field.name for field in self._schema if is_nested(field.type)}

    def pieces(self, columns: Sequence[Column]) -> Iterator[Piece]:
        """Its rows as JSON objects, each with its number from 1.

        Args:
            columns: how texts are read, where a table would have these columns.
        """
        for run in self.runs(columns):
            if len(run) == 3:
                yield run
            else:
                yield from run[1].pieces(range(len(run[1])))

    def runs(self, columns: Sequence[Column]) -> Iterator[tuple[int, ParquetRows] | Piece]:
        """Its rows together as they come, whose values can be had by column; for the end of a damaged file, a piece."""
        number, cells = 0, {column.name: column for column in columns}
        tables = {column.name: column.into for column in columns}
        rows_all = max(self._file.metadata.num_rows, 1)
        try:
            for batch in self._file.iter_batches(ROWS_AT_ONCE, use_threads=False):
                if batch.num_rows:
                    yield number + 1, ParquetRows(number + 1, batch, tables, partial(self._rows_of, cells=cells))
                number += batch.num_rows
                self._bytes.bytes_read = self._size * number // rows_all
        except (self._arrow.ArrowException, OSError, ValueError) as error:
            reason = f"the file is damaged behind row {number}, and not read further: {_first_line(error)}"
            yield number + 1, b"", LayoutFault(reason, digest_of(f"{number} {self._size}".encode()))

    def _rows_of(self, number: int, batch: Any, cells: Mapping[str, Column]) -> Iterator[Piece]:
        """The rows of a batch, of which the first has that number."""
        names = self._schema.names
        places = [(name, None if name not in cells else cells[name].into) for name in names]
        listed = [
            self._values(batch.column(place), field, cells.get(field.name)) for place, field in enumerate(self._schema)
        ]
        for values in zip(*listed, strict=True):
            yield self._piece(number, places, values)
            number += 1

    @property
    def kinds(self) -> dict[str, str]:
        """What each column holds: `text`, `whole`, `flag`, `decimal`, `instant`, or `other`."""
        if len(self._schema) > COLUMNS_MAX or self._limits.line_bytes_max < PLAIN_BYTES_MAX:
            return dict.fromkeys(self._schema.names, "other")
        return {field.name: self._kind(field.type) for field in self._schema}

    def _kind(self, type_: Any) -> str:
        types = self._arrow.types
        if types.is_dictionary(type_):
            type_ = type_.value_type
        if types.is_timestamp(type_):
            return "instant" if type_.tz is not None else "other"
        kinds = {"text": (types.is_string, types.is_large_string), "whole": (types.is_integer,)}
        kinds |= {"flag": (types.is_boolean,), "decimal": (types.is_decimal128,)}
        return next((kind for kind, are in kinds.items() if any(is_one(type_) for is_one in are)), "other")

    def _piece(self, number: int, places: Sequence[tuple[str, str | None]], values: Sequence[Any]) -> Piece:
        """A row of values, each as JSON has it, or what is wrong with it."""
        row: dict[str, Any] = {}
        reason: str | None = None
        for (name, into), value in zip(places, values, strict=True):
            if value is None or value == "":
                continue
            if isinstance(value, InvalidRecord):
                reason = reason or str(value)
            elif into is None:
                row[name] = value
            else:
                row.setdefault(into, {})[name] = value
        raw = msgspec.json.encode(row)
        if reason is None and len(raw) > self._limits.line_bytes_max:
            reason = f"the row is longer than {self._limits.line_bytes_max} bytes ({len(raw)})"
        if reason is None:
            return number, raw, None
        return number, raw[:HEAD_BYTES], LayoutFault(reason, digest_of(raw))

    def _values(self, column: Any, field: Any, cell: Column | None) -> list[Any]:
        """The values of a column. Of one that is wrong, why it is."""
        types = self._arrow.types
        is_text = types.is_string(field.type) or types.is_large_string(field.type)
        if types.is_timestamp(field.type):  # so that instants keep all of their digits
            counts, per_second, has_zone = column.cast(self._arrow.int64()), PER_SECOND[field.type.unit], field.type.tz
            column = [None if one is None else (one, per_second, has_zone is not None) for one in counts.to_pylist()]
            return [_tried(_instant_text, field.name, one) for one in column]
        if types.is_integer(field.type) or types.is_boolean(field.type) or (is_text and cell is None):
            with suppress(ValueError):  # of a text that is none; then each is looked at
                return column.to_pylist()  # type: ignore[no-any-return]
        return [_tried(_exact_cell, field.name, (one, cell)) for one in column]

    def _check_size(self) -> None:
        about = self._file.metadata
        inflated = sum(about.row_group(n).total_byte_size for n in range(about.num_row_groups))
        limits = self._limits
        is_bomb = inflated > limits.ratio_from_bytes and inflated > limits.ratio_max * self._size
        if inflated > limits.inflated_bytes_max or is_bomb or about.num_rows > ROWS_A_BYTE_MAX * self._size:
            raise Refused(
                f"{self._name} says that it holds {about.num_rows} rows of {inflated} bytes in {self._size} bytes of"
                " file, which is more than is read; split it, or convert it to JSON lines"
            )


def _copied(bytes_in: ByteInput, name: str, limits: Limits) -> BinaryIO:
    """A stream's bytes in a file, since Parquet is read from its end."""
    copy: Any = TemporaryFile()  # noqa: SIM115 - it lives as long as what reads it
    for chunk in bytes_in.chunks():
        if copy.tell() + len(chunk) > limits.inflated_bytes_max:
            raise Refused(f"{name} is larger than {limits.inflated_bytes_max} bytes")
        copy.write(chunk)
    copy.seek(0)
    return copy  # type: ignore[no-any-return]


def _tried(read: Callable[..., Any], name: str, given: tuple[Any, ...] | None) -> Any:
    """What is read of a value, or what is wrong with it."""
    try:
        return None if given is None else read(name, *given)
    except InvalidRecord as error:
        return error
    except ValueError as error:
        return InvalidRecord(f"{name}: {error}")


def _exact_cell(name: str, scalar: Any, cell: Column | None) -> Any:
    """A value as JSON has it; a text is read as the cell of a table that it would be. An amount is its text."""
    value = _exact(name, scalar.as_py())
    if cell is None or not isinstance(value, str) or not value:
        return value
    read = cell.read(name, value)
    return format(read, "f") if isinstance(read, Decimal) else read


def _exact(name: str, value: Any) -> Any:
    """A value as JSON has it, or None.

    Raises:
        InvalidRecord: for one that JSON cannot have exactly.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else format(value, "f")
    if isinstance(value, float):
        if not value.is_integer() or abs(value) > WHOLE_MAX:
            raise InvalidRecord(f"{name} is the binary floating number {value!r}; write it as a decimal or as text")
        return int(value)
    if isinstance(value, dict):
        return {inner: _exact(f"{name}.{inner}", one) for inner, one in value.items() if one is not None}
    if isinstance(value, list):
        if value and all(isinstance(one, tuple) and len(one) == 2 for one in value):
            return _of_map(name, value)
        return [_exact(name, one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, time)):
        return value.isoformat()
    raise InvalidRecord(
        f"{name} is {'binary' if isinstance(value, bytes) else type(value).__name__}, which is not read"
    )


def _of_map(name: str, entries: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    if len({key for key, _ in entries}) < len(entries):
        raise InvalidRecord(f"{name} has a key twice")
    return {str(key): _exact(f"{name}.{key}", one) for key, one in entries if one is not None}


def _instant_text(name: str, count: int, per_second: int, has_zone: bool) -> str:
    seconds, fraction = divmod(count, per_second)
    digits = len(str(per_second)) - 1
    try:
        whole = (_EPOCH + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")
    except OverflowError:
        raise InvalidRecord(f"{name} is {count} {per_second}ths of a second from 1970") from None
    return f"{whole}{f'.{fraction:0{digits}d}' if digits else ''}{'Z' if has_zone else ''}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
