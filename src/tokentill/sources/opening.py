"""Finds out what an input is, by its content: layout, source, and how to cut and parse it.

Looks at the head of the input only. Where nothing there can be read but there is more to come, the format stays open
and the first record that can be read decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from tokentill.errors import InvalidRecord, Refused
from tokentill.sources.compression import ByteInput, Limits
from tokentill.sources.cut_short import CutShort, cut_short
from tokentill.sources.gateways import Format, helicone, langwatch, no_table, portkey, unwrapped
from tokentill.sources.gateways.arouter import ACTIVITY
from tokentill.sources.gateways.canonical_form import CANONICAL
from tokentill.sources.gateways.canonical_table import is_plain_table
from tokentill.sources.gateways.cloudevents import EVENTS
from tokentill.sources.gateways.langfuse import OBSERVATIONS
from tokentill.sources.gateways.litellm import SPEND_LOG
from tokentill.sources.gateways.openrouter import GENERATION
from tokentill.sources.gateways.otlp import SPANS
from tokentill.sources.layouts import Piece, Run, lines_of, runs_of_lines, runs_of_pieces
from tokentill.sources.layouts.elements import Elements, end_of_object, start_of_list
from tokentill.sources.layouts.parquet import MAGIC, ParquetFile
from tokentill.sources.layouts.table import Column, cells_of, row_of, rows_of
from tokentill.sources.quick_json import parse_line
from tokentill.sources.responses.enveloped import ENVELOPED
from tokentill.sources.strict_json import parse_object, repeated
from tokentill.sources.totals import langwatch as langwatch_totals
from tokentill.sources.totals.openrouter import DAILY
from tokentill.sources.totals.typed_in import COLUMNS, CONTROL_TOTALS

Layout = Literal["jsonl", "json", "csv", "parquet"]
Parse = Callable[[bytes], dict[str, Any]]

HEAD_BYTES = 256 * 1024
ROWS_TRIED_MAX = 200
LIST_NAMES = ("data", "records", "items", "activity", "generations", "results")
RECORDS_A_PIECE = 16
"""How many times longer a piece may be that holds many records."""
_FIRST_NAME = re.compile(rb'\s*\{\s*"([A-Za-z_]{1,64})"\s*:').match
BOM = b"\xef\xbb\xbf"

_DETECTED = (
    *(ENVELOPED, SPANS, EVENTS, langwatch.SPEND_EVENTS, CANONICAL),
    *(langwatch_totals.SUMMARIES, DAILY, CONTROL_TOTALS),
    *(SPEND_LOG, helicone.REQUESTS, portkey.LOGS, OBSERVATIONS, GENERATION, ACTIVITY),
)
FORMATS = {
    format_.name: format_
    for format_ in (
        *(*_DETECTED, *helicone.DECLARED, *langwatch.DECLARED, *portkey.DECLARED),
        *langwatch_totals.DECLARED,
    )
}
"""In the order in which they are tried: the most tolerant before those that somebody has to name."""

NAMES_SHOWN_MAX = 12


@dataclass(frozen=True, slots=True)
class OpenedInput:
    """What an input holds. `layout` and `format` are None where nothing shows what they are.

    `header` is that of a table. `cut_short` tells, once all is read, whether the input says that there is more. `runs`
    gives the pieces of lines together, for those who do not take them one by one.
    """

    layout: Layout | None
    format: Format | None
    pieces: Iterator[Piece]
    parse: Parse
    header: bytes | None = None
    cut_short: Callable[[], CutShort | None] = lambda: None
    runs: Iterator[Run | Piece] | None = None


class Opening:
    """The head of an input, while it is being recognised."""

    def __init__(self, bytes_in: ByteInput, name: str, asked_format: Format | None, limits: Limits) -> None:
        self._bytes = bytes_in
        self._name = name
        self._asked = asked_format
        self._bytes_max = limits.line_bytes_max
        self._limits = limits
        self._chunks = bytes_in.chunks()
        self._parquet = self._as_parquet()
        self._head = b"" if self._parquet is not None else self._read_head()
        self._start = len(self._head) - len(self._head.lstrip())

    def content(self) -> OpenedInput:
        """What it is.

        Raises:
            Refused: when it is of no known layout or format.
        """
        if self._parquet is not None:
            return self._parquet
        head, start = self._head, self._start
        if head.startswith(MAGIC):
            raise self._refusal(f"it is Parquet inside of {self._bytes.compression}; decompress it first")
        if start == len(head):
            if not self._is_whole():
                raise self._refusal(f"it begins with more than {HEAD_BYTES} blanks")
            return OpenedInput(None, self._asked, lines_of(self._runs()), parse_line)
        if head.startswith(b"[", start):
            return self._elements(b"", start + 1)
        if head.startswith(b"{", start):
            opening = start_of_list(head, start, LIST_NAMES)
            if opening is not None:
                return self._elements(head[start:opening], opening + 1)
            end = end_of_object(head, start)
            is_whole = end is not None and b"\n" in head[start:end] and bool(_parsed([head[start:end]]))
            if is_whole or (end is None and self._format_of_many() is not None):
                return self._elements(b"", start, is_sequence=True)
            return self._json_lines()
        return self._table() or self._json_lines()

    def _as_parquet(self) -> OpenedInput | None:
        """As a Parquet file, or None when it is none."""
        if not self._bytes.starts_with(MAGIC):
            return None
        file = ParquetFile(self._bytes, self._name, self._limits)
        input_format = self._asked or format_of_names(file.names)
        if input_format is None:
            raise self._refusal(no_format_message(file.names))
        if twice := repeated(file.names):
            raise self._refusal(f"it has the column {twice[0][:64]!r} twice")
        columns: tuple[Column, ...] = ()
        flat = [name for name in file.names if name not in file.nested]
        if input_format.columns is not no_table:
            try:
                columns = input_format.columns(flat)
            except Refused as error:
                raise self._refusal(str(error)) from None
        input_format, pieces = self._widening(input_format), file.pieces(columns)
        is_plain = input_format is CANONICAL and is_plain_table(file.kinds, columns)
        runs = file.runs(columns) if is_plain else runs_of_pieces(file.pieces(columns))
        return OpenedInput("parquet", input_format, pieces, parse_line, runs=runs)

    def _json_lines(self) -> OpenedInput:
        lines = [line for line in self._head.split(b"\n") if line.lstrip().startswith(b"{")]
        input_format, runs = self._format_of(lines), self._runs()
        return OpenedInput("jsonl", input_format, lines_of(runs), parse_line, runs=runs)

    def _elements(self, opening: bytes, position: int, *, is_sequence: bool = False) -> OpenedInput:
        def scanner() -> Elements:
            return Elements(
                bytes_max=self._bytes_max,
                end_fault=lambda: self._bytes.fault,
                opening=opening,
                is_sequence=is_sequence,
                list_names=LIST_NAMES,
            )

        head = self._head[position:]
        elements = [raw for _, raw, fault in scanner().pieces([head]) if fault is None]
        input_format = self._format_of(elements) if elements else self._widening(self._asked or self._format_of_many())
        whole = scanner()
        pieces = whole.pieces(chain([head], self._chunks))
        return OpenedInput(
            "json", input_format, pieces, parse_line, cut_short=lambda: cut_short(whole.around, whole.count)
        )

    def _table(self) -> OpenedInput | None:
        """As comma-separated values, or None when the first line is not a header."""
        try:
            header = self._head[self._start :].split(b"\n", 1)[0].removesuffix(b"\r")
            names = cells_of(header)
        except InvalidRecord:
            return None
        if len(names) < 2 or any(line.startswith(b"{") for line in self._head.split(b"\n")):
            return None
        input_format = self._asked or format_of_names(names)
        if input_format is None:
            raise self._refusal(f"taken for CSV: {no_format_message(names)}")
        if not input_format.recognises(names):
            raise self._refusal(f"taken for CSV: its header is not one of the format {input_format.name}")
        if twice := repeated(names):
            raise self._refusal(f"the header has the column {twice[0][:64]!r} twice")
        try:
            columns = input_format.columns(names)
        except Refused as error:
            raise self._refusal(str(error)) from None
        pieces = rows_of(chain([self._head], self._chunks), len(columns), self._bytes_max, lambda: self._bytes.fault)
        return OpenedInput("csv", input_format, pieces, lambda raw: row_of(raw, columns), header)

    def _format_of(self, candidates: Sequence[bytes]) -> Format | None:
        """The format that was asked for, or found."""
        return self._widening(self._asked or self._found_format(candidates))

    def _widening(self, input_format: Format | None) -> Format | None:
        """The format itself. A piece that holds many records may be longer than others."""
        if input_format is not None and input_format.split is not None:
            self._bytes_max *= RECORDS_A_PIECE
        return input_format

    def _found_format(self, candidates: Sequence[bytes]) -> Format | None:
        """That of the first candidate that can be read and has one."""
        rows = [unwrapped(row) for row in _parsed(candidates[:ROWS_TRIED_MAX])]
        input_format = next(filter(None, map(format_of_names, rows)), None) if rows else self._format_of_many()
        if rows and input_format is None:
            raise self._refusal(no_format_message(rows[0]))
        if input_format is None and self._is_whole() and self._bytes.fault is None:
            problem = "it is not text" if b"\0" in self._head else "nothing in it is a JSON object or a CSV header"
            raise self._refusal(
                f"{problem}; name its format ({', '.join(FORMATS)}) to see what is wrong with each line"
            )
        return input_format

    def _format_of_many(self) -> Format | None:
        """The format of an object that holds many records and does not end in the head, by its first name."""
        first = _FIRST_NAME(self._head, self._start)
        named = None if first is None else format_of_names([first[1].decode()])
        return None if named is None or named.split is None else named

    def _runs(self) -> Iterator[Run | Piece]:
        return runs_of_lines(chain([self._head], self._chunks), self._bytes_max, lambda: self._bytes.fault)

    def _read_head(self) -> bytes:
        head: list[bytes] = []
        size = 0
        while size < HEAD_BYTES and (chunk := next(self._chunks, None)) is not None:
            head.append(chunk)
            size += len(chunk)
        return b"".join(head).removeprefix(BOM)

    def _is_whole(self) -> bool:
        """Whether the head is all there is."""
        more = next(self._chunks, None)
        if more is None:
            return True
        self._chunks = chain([more], self._chunks)
        return False

    def _refusal(self, problem: str) -> Refused:
        return Refused(f"{self._name}: {problem}")


def _parsed(candidates: Sequence[bytes]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for raw in candidates:
        with suppress(InvalidRecord):
            rows.append(parse_object(raw))
    return rows


def format_of_names(names: Collection[str]) -> Format | None:
    """The format whose fields these are, or None."""
    return next((candidate for candidate in FORMATS.values() if candidate.recognises(names)), None)


def no_format_message(names: Collection[str]) -> str:
    """Why these fields fit no format, and what to do."""
    if "requests" in names and ("date" in names or "day" in names):
        return (
            "these are daily totals, not single requests, and of no known source; export one record a request, or write"
            f" them as control totals ({', '.join(COLUMNS)})"
        )
    shown = ", ".join(repr(name[:40]) for name in sorted(names)[:NAMES_SHOWN_MAX]) or "none"
    return f"no known source has these fields: {shown}; if you know it, name the format ({', '.join(FORMATS)})"
