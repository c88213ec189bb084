"""One record a row of a Parquet file. The package pyarrow reads it, which the extra `parquet` installs.

Every row becomes a JSON object with exact values, and goes on as a line of JSON does: whole numbers, decimals and texts
as they are, instants as text with `Z` where the column has a time zone and without where it has none. A text in a
column that a table of comma-separated values would have is read as a cell of it. A binary floating number is taken only
where it is whole, as programs write counts that have gaps: nobody can tell what amount one stands for otherwise.

A part of a row group is in memory at a time. What a file says of its own size is held against the limits before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib import import_module
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from tokentill.errors import InvalidRecord, Refused
from tokentill.sources.compression import ByteInput, Limits
from tokentill.sources.layouts import HEAD_BYTES, LayoutFault, Piece, digest_of
from tokentill.sources.layouts.table import Column

MAGIC = b"PAR1"
ROWS_AT_ONCE = 1024
ROWS_A_BYTE_MAX = 64
"""A file of more rows has nothing in them that could tell one from another."""
WHOLE_MAX = 2**53
"""Up to here a binary floating number tells whole numbers apart."""
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        number, cells = 0, {column.name: column for column in columns}
        rows_all = max(self._file.metadata.num_rows, 1)
        try:
            for batch in self._file.iter_batches(ROWS_AT_ONCE, use_threads=False):
                readers = [self._reader(batch.column(place), field) for place, field in enumerate(self._schema)]
                for place in range(batch.num_rows):
                    number += 1
                    yield self._piece(number, readers, place, cells)
                self._bytes.bytes_read = self._size * number // rows_all
        except (self._arrow.ArrowException, OSError, ValueError) as error:
            reason = f"the file is damaged behind row {number}, and not read further: {_first_line(error)}"
            yield number + 1, b"", LayoutFault(reason, digest_of(f"{number} {self._size}".encode()))

    def _piece(
        self, number: int, readers: Sequence[Callable[[int], Any]], place: int, cells: Mapping[str, Column]
    ) -> Piece:
        row: dict[str, Any] = {}
        reason: str | None = None
        for name, value_at in zip(self._schema.names, readers, strict=True):
            try:
                value = _exact(name, value_at(place))
                if value is not None and value != "":
                    _put(row, cells.get(name), name, value)
            except (InvalidRecord, ValueError) as error:
                reason = reason or (str(error) if isinstance(error, InvalidRecord) else f"{name}: {error}")
        raw = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
        if reason is None and len(raw) > self._limits.line_bytes_max:
            reason = f"the row is longer than {self._limits.line_bytes_max} bytes ({len(raw)})"
        if reason is None:
            return number, raw, None
        return number, raw[:HEAD_BYTES], LayoutFault(reason, digest_of(raw))

    def _reader(self, column: Any, field: Any) -> Callable[[int], Any]:
        """What gives the value of a column in a row. Instants keep all of their digits."""
        types = self._arrow.types
        if not types.is_timestamp(field.type):
            return lambda place: column[place].as_py()
        counts, has_zone = column.cast(self._arrow.int64()), field.type.tz is not None
        per_second = _UNITS[field.type.unit]

        def instant_at(place: int) -> str | None:
            count = counts[place].as_py()
            return None if count is None else _instant_text(count, per_second, has_zone=has_zone)

        return instant_at

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


def _put(row: dict[str, Any], cell: Column | None, name: str, value: Any) -> None:
    """Put a value into a row where the column belongs."""
    if cell is not None and isinstance(value, str):
        value = _plain(cell.read(name, value))
    target = row if cell is None or cell.into is None else row.setdefault(cell.into, {})
    target[name] = value


def _plain(value: Any) -> Any:
    """What a cell was read as, as JSON has it: an amount is its text."""
    return format(value, "f") if isinstance(value, Decimal) else value


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


def _instant_text(count: int, per_second: int, *, has_zone: bool) -> str:
    seconds, fraction = divmod(count, per_second)
    digits = len(str(per_second)) - 1
    try:
        whole = (_EPOCH + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")
    except OverflowError:
        raise InvalidRecord(f"an instant is {count} {per_second}ths of a second from 1970") from None
    return f"{whole}{f'.{fraction:0{digits}d}' if digits else ''}{'Z' if has_zone else ''}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
