"""One record a row: comma-separated values after RFC 4180, with a header."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.layouts import EndFault, LayoutFault, Piece, digest_of, lines_of

ROW_LINES_MAX = 20
"""A quoted cell may span lines, but a quote that nobody closed must not swallow the file."""

OPEN_ROW = "ends without a line end, so it may be cut off inside of its last cell; end it with one if it is whole"


@dataclass(frozen=True, slots=True)
class Column:
    """How the cells of a column are read: `read(name, text)`, into the row or into a table of that name in it."""

    name: str
    read: Callable[[str, str], object]
    into: str | None = None


def cells_of(raw: bytes) -> list[str]:
    """The cells of one row.

    Raises:
        InvalidRecord: when it is not UTF-8 or not one row of comma-separated values.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"byte {error.start + 1} of it is not valid UTF-8") from None
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise InvalidRecord(f"not valid CSV: {error}") from None
    if len(rows) != 1:
        raise InvalidRecord("not valid CSV: not a single row")
    return rows[0]


def row_of(raw: bytes, columns: Sequence[Column]) -> dict[str, Any]:
    """A row by the names of its columns; empty cells are left out.

    Raises:
        InvalidRecord: when it has more or fewer cells than the header, or a cell cannot be read.
    """
    cells = cells_of(raw)
    if len(cells) != len(columns):
        raise InvalidRecord(f"the row has {len(cells)} cells and the header has {len(columns)}")
    row: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        if cell:
            target = row if column.into is None else row.setdefault(column.into, {})
            target[column.name] = column.read(column.name, cell)
    return row


def rows_of(chunks: Iterable[bytes], width: int, bytes_max: int, end_fault: EndFault) -> Iterator[Piece]:
    """The rows after the header line, with the number of the line that each begins in.

    Lines are joined while a quote is open. If that gives no row of `width` cells, the first of them is a piece of its
    own and reading goes on with the next, so that one stray quote costs one row.
    """
    lines = map(_of_a_table, lines_of(chunks, bytes_max, end_fault))
    header = next(lines, None)
    if header is not None and _is_broken(header):
        yield header
    waiting: deque[Piece] = deque()
    while True:
        first = waiting.popleft() if waiting else next(lines, None)
        if first is None:
            return
        number, raw, fault = first
        raw = raw[:-1] if raw.endswith(b"\r") else raw
        if _is_broken(first) or raw.count(b'"') % 2 == 0:
            yield number, raw, fault
            continue
        # A line with an open quote is the last that could be waiting, so what follows it is in `lines`.
        continuation = _lines_to_closing_quote(raw, lines, bytes_max)
        joined = b"\n".join([raw, *(line for _, line, _ in continuation)]).removesuffix(b"\r")
        if continuation and not _is_broken(continuation[-1]) and _has_cells(joined, width):
            yield number, joined, None
        else:
            waiting.extend(continuation)
            yield number, raw, fault


def _of_a_table(piece: Piece) -> Piece:
    """A line of a table. Without its end nobody can tell whether its last cell is whole, unless that is quoted: 12 may
    have been 123.
    """
    number, raw, fault = piece
    if fault is None or fault.is_certain or (raw.endswith(b'"') and raw.count(b'"') % 2 == 0):
        return piece
    return number, raw, LayoutFault(f"the {'row' if number > 1 else 'header'} {OPEN_ROW}", digest_of(raw))


def _lines_to_closing_quote(first: bytes, following: Iterator[Piece], bytes_max: int) -> list[Piece]:
    lines: list[Piece] = []
    is_open = True
    size = len(first)
    for piece in following:
        raw = piece[1]
        lines.append(piece)
        size += len(raw) + 1
        is_open ^= raw.count(b'"') % 2 == 1
        if not is_open or len(lines) == ROW_LINES_MAX or size > bytes_max or _is_broken(piece):
            break
    return lines


def _is_broken(piece: Piece) -> bool:
    return piece[2] is not None and piece[2].is_certain


def _has_cells(raw: bytes, width: int) -> bool:
    try:
        return len(cells_of(raw)) == width
    except InvalidRecord:
        return False
