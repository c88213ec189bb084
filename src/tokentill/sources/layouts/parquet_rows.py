"""Rows of a Parquet file, together, so that their values can be had column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, overload

from tokentill.sources.layouts import Piece

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_CODES = dict(zip("int8 uint8 int16 uint16 int32 uint32 int64 uint64".split(), "bBhHiIqQ", strict=True))

RowsOf = Callable[[int, Any], Iterator[Piece]]


class ParquetRows(Sequence[bytes]):
    """Rows that come one after another, as the bytes of JSON objects, and as columns.

    A column is None where the file has none of that name. Reading it raises `ValueError` for what it cannot hold, as a
    text that is none.
    """

    def __init__(self, number: int, batch: Any, tables: Mapping[str, str | None], rows_of: RowsOf) -> None:
        self._number, self._batch, self._tables, self._rows_of = number, batch, tables, rows_of

    def __reduce__(self) -> tuple[Any, ...]:
        """What another process is given: the columns alone."""
        arrow = import_module("pyarrow")
        stream = arrow.BufferOutputStream()
        with arrow.ipc.new_stream(stream, self._batch.schema) as writer:
            writer.write_batch(self._batch)
        return _columns_of, (self._number, stream.getvalue().to_pybytes(), dict(self._tables))

    def __len__(self) -> int:
        return int(self._batch.num_rows)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[bytes]: ...
    def __getitem__(self, place: int | slice) -> bytes | Sequence[bytes]:
        places = range(len(self))[place]
        raw = [raw for _, raw, _ in self.pieces([places] if isinstance(places, int) else places)]
        return raw[0] if isinstance(place, int) else raw

    def pieces(self, places: Sequence[int]) -> Iterator[Piece]:
        """The rows at some places, each with what is wrong with it."""
        if len(places) == len(self):
            yield from self._rows_of(self._number, self._batch)
            return
        for place in places:
            yield from self._rows_of(self._number + place, self._batch.slice(place, 1))

    def names_in(self, table: str) -> list[str]:
        """The columns whose cells belong into a table of that name."""
        return [name for name in self._batch.schema.names if self._tables.get(name) == table]

    @property
    def size(self) -> int:
        """About how many bytes they are."""
        return int(self._batch.nbytes)

    def traits(self, name: str) -> list[Any] | None:
        """Texts or flags that many rows have in common."""
        column = self._column(name)
        if column is None:
            return None
        encoded = column if hasattr(column, "dictionary") else column.dictionary_encode()
        values = encoded.dictionary.to_pylist()
        if column.null_count:
            return [None if n is None else values[n] for n in encoded.indices.to_pylist()]
        return [values[n] for n in _whole_numbers(encoded.indices)]

    def texts(self, name: str) -> list[Any] | None:
        """Texts of which most rows have their own."""
        column = self._column(name)
        if column is None or column.null_count or hasattr(column, "dictionary"):
            return None if column is None else column.to_pylist()
        arrow, compute = import_module("pyarrow"), import_module("pyarrow.compute")
        ends = arrow.array([0, len(column)], arrow.int64())
        joined = compute.binary_join(arrow.LargeListArray.from_arrays(ends, column), "\n")[0].as_py()
        texts: list[Any] = joined.split("\n")
        return texts if len(texts) == len(column) else column.to_pylist()

    def counts(self, name: str) -> list[Any] | None:
        """Whole numbers."""
        column = self._column(name)
        return None if column is None else _whole_numbers(column)

    def instants(self, name: str) -> list[Any] | None:
        """Instants in microseconds since 1970, cut off."""
        column = self._column(name)
        if column is None:
            return None
        per_second = PER_SECOND[column.type.unit]
        counts = _whole_numbers(column.view("int64"))
        if per_second == PER_SECOND["us"]:
            return counts
        return [None if one is None else one * PER_SECOND["us"] // per_second for one in counts]

    def amounts(self, name: str) -> list[bytes | None] | None:
        """Decimals, whole numbers, or texts, as JSON has them."""
        column = self._column(name)
        if column is None:
            return None
        texts = column.cast("string").to_pylist()
        if not _is_number(column.type):
            return [f'"{text}"'.encode() if text else None for text in texts]
        return [None if text is None else _shortest(text).encode() for text in texts]

    def _column(self, name: str) -> Any:
        return self._batch.column(name) if name in self._batch.schema.names else None


def _columns_of(number: int, stream: bytes, tables: Mapping[str, str | None]) -> ParquetRows:
    batch = import_module("pyarrow").ipc.open_stream(stream).read_next_batch()
    return ParquetRows(number, batch, tables, lambda *_: iter(()))


def _whole_numbers(column: Any) -> list[Any]:
    """The whole numbers of a column, taken from its memory where all are there."""
    if column.null_count:
        return column.to_pylist()  # type: ignore[no-any-return]
    held: Any = memoryview(column.buffers()[1])
    start, code = column.offset, _CODES[str(column.type)]
    return list(held.cast(code)[start : start + len(column)])


def _is_number(type_: Any) -> bool:
    types = import_module("pyarrow").types
    return bool(types.is_integer(type_) or types.is_decimal(type_))


def _shortest(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text
