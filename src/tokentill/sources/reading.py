"""Reads usage records and control totals from files and streams: good ones and quarantined ones, in order, in bounded
memory.

What an input is (compression, layout, source) is found by its content. A whole input that cannot be understood is
`Refused`; a single record that cannot be taken is a `Quarantined` that says where and why, and stops nothing.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from tokentill.errors import InvalidCall, InvalidRecord, Refused
from tokentill.sources.beside import runs_read
from tokentill.sources.blocks import Block, Quarantined, gathered
from tokentill.sources.compression import DEFAULT, ByteInput, Compression, Limits
from tokentill.sources.cut_short import CutShort
from tokentill.sources.gateways import Format, unwrapped
from tokentill.sources.gateways.canonical_form import CANONICAL
from tokentill.sources.gateways.fields import instant_or_naive_utc
from tokentill.sources.gateways.quick_values import ALL_OF_TIME
from tokentill.sources.kept_lines import KeptLine, is_confidential
from tokentill.sources.layouts import LayoutFault, digest_of, is_blank
from tokentill.sources.layouts.parquet_rows import ParquetRows
from tokentill.sources.line_readers import NONE_LOOKED_AT, InputLines, SourcesLookedAt
from tokentill.sources.opening import FORMATS, Layout, Opening, format_of_names, no_format_message
from tokentill.usage.columns import UsageColumns
from tokentill.usage.control_totals import Reported
from tokentill.usage.ids import check_id
from tokentill.usage.record import checked_instant

__all__ = ["DEFAULT", "FORMATS", "Limits", "Quarantined", "Reading", "read_records"]

EXCERPT_CHARACTERS = 200
NOT_SHOWN = "(not shown, since it holds a conversation or a key)"
HELD_ROWS_MAX = 500_000
"""How many rows are held that tell of a request in parts, until all of the input is read."""

RecordCheck = Callable[[Reported], Reported]
"""Gives what is kept of what was read; raises `InvalidRecord` for what is not to be taken."""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Which records a check gives as they are.

    Args:
        within: gives the first and the last instant of them at this moment, in microseconds since 1970.
        is_looked_at: whether records of a source are none of them, whatever their instant is.
    """

    within: Callable[[], tuple[int, int]] = lambda: ALL_OF_TIME
    is_looked_at: SourcesLookedAt = NONE_LOOKED_AT


OddLine = tuple[int, bytes, LayoutFault | None]
QuickRun = tuple[int, Sequence[bytes], UsageColumns, list[OddLine]]


class Reading(AbstractContextManager["Reading"]):
    """The records of one input, once, in its order. Made by `read_records`.

    Attributes:
        name: how messages call the input.
        layout: `jsonl`, `json`, `csv` or `parquet`, None for an input without records.
        compression: `gzip`, `zstd` or `none`, by the first bytes.
        bytes_total: size of the file in bytes, None for a stream.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        *,
        source: str | None,
        asked_format: str | None,
        limits: Limits,
        status: os.stat_result | None,
        is_owned: bool,
    ) -> None:
        self.name = name
        self.bytes_total = None if status is None else status.st_size
        self._status = status
        self._changed: CutShort | None = None
        self._source = source
        self._stream = stream
        self._is_owned = is_owned
        self._is_started = False
        self._held: dict[Hashable, tuple[int, list[dict[str, Any]]]] = {}
        self._held_rows = 0
        if asked_format is not None and asked_format not in FORMATS:
            raise InvalidCall(f"{asked_format!r} is not a format; there are {', '.join(FORMATS)}")
        declared = None if asked_format is None else FORMATS[asked_format]
        self._bytes = ByteInput(stream, name, limits)
        self.compression: Compression = self._bytes.compression
        content = Opening(self._bytes, name, declared, limits).content()
        self.layout: Layout | None = content.layout
        self._format = content.format
        self._pieces = content.pieces
        self._runs = content.runs
        self._parse = content.parse
        self._header = content.header
        self._cut_short = content.cut_short

    @property
    def source(self) -> str | None:
        """The source of all of its records, None where each may name its own."""
        named = None if self._format is None else self._format.source
        return self._source or named

    @property
    def format(self) -> str | None:
        """The name of the source's format, None as long as nothing has shown it."""
        return None if self._format is None else self._format.name

    @property
    def incomplete(self) -> CutShort | None:
        """Once all is read: whether the input says that it is not all there is, as one page of several does, or is a
        file that somebody wrote to meanwhile.
        """
        return self._changed or self._cut_short()

    @property
    def bytes_read(self) -> int:
        """How many bytes were taken from the input so far, before decompression."""
        return self._bytes.bytes_read

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._is_owned:
            self._stream.close()

    def __iter__(self) -> Iterator[Reported | Quarantined]:
        """`items`, without any further check."""
        return self.items()

    def items(self, check: RecordCheck | None = None) -> Iterator[Reported | Quarantined]:
        """Every record and everything that is not one, to the end of the input.

        Args:
            check: what becomes of each record and control total.

        Raises:
            Refused: while reading, when the input is a decompression bomb, cannot be read, or is of no known format.
            InvalidCall: when it was read before.
        """
        self._begin()
        return self._read_quickly(check) if self._is_quick else self._read(check)

    def blocks(self, check: RecordCheck, left_alone: LeftAlone) -> Iterator[Block]:
        """The same items in blocks, which cost less: most records are never an object.

        Args:
            left_alone: which records the check gives as they are.

        Raises:
            Refused, InvalidCall: as `items`.
        """
        self._begin()
        return self._quick_blocks(check, left_alone) if self._is_quick else gathered(self._read(check))

    def _begin(self) -> None:
        if self._is_started:
            raise InvalidCall(f"{self.name} was read already; call read_records again")
        self._is_started = True

    @property
    def _is_quick(self) -> bool:
        known = self._format
        return self._runs is not None and known is not None and (known is CANONICAL or known.plain is not None)

    def _read(self, check: RecordCheck | None) -> Iterator[Reported | Quarantined]:
        with self._to_the_end():
            for line, raw, fault in self._pieces:
                yield from self._read_piece(line, raw, fault, check)
            yield from self._read_joined(check)

    @contextmanager
    def _to_the_end(self) -> Iterator[None]:
        """Closed at last; a file that was read to its end is looked at once more."""
        with self:
            yield
            self._changed = None if self._status is None else _change_since(self._status, self._stream)

    def _read_quickly(self, check: RecordCheck | None) -> Iterator[Reported | Quarantined]:
        with self._to_the_end():
            for number, lines, columns, odd in self._quick_runs(LeftAlone()):
                records, strange = columns.records(), {place: (raw, fault) for place, raw, fault in odd}
                for place in range(len(lines)):
                    if place not in strange:
                        yield self._checked(number, lines, place, next(records), check)
                        continue
                    raw, fault = strange[place]
                    if fault is not None or not is_blank(raw):
                        yield from self._read_piece(number + place, raw, fault, check)

    def _quick_blocks(self, check: RecordCheck, left_alone: LeftAlone) -> Iterator[Block]:
        with self._to_the_end():
            for number, _, columns, odd in self._quick_runs(left_alone):
                block, blanks = Block(columns), 0
                for place, raw, fault in odd:
                    if fault is None and is_blank(raw):
                        blanks += 1
                        continue
                    for item in self._read_piece(number + place, raw, fault, check):
                        block.put(place - blanks, item)
                yield block

    def _quick_runs(self, left_alone: LeftAlone) -> Iterator[QuickRun]:
        """Lines with the columns of most, and the places of those that are odd, each with its fault."""
        known = CANONICAL if self._format is None else self._format
        lines = InputLines(known.name, self._source, left_alone.is_looked_at)
        for run, columns, odd in runs_read(self._runs or (), lines, left_alone.within):
            if len(run) == 3:
                number, raw, fault = run
                yield number, [raw], columns, [(0, raw, fault)]
            else:
                yield *run, columns, list(_odd_lines(run[1], odd))

    def _checked(
        self, number: int, lines: Sequence[bytes], place: int, record: Reported, check: RecordCheck | None
    ) -> Reported | Quarantined:
        """A record that was read quickly, unless the check refuses it."""
        try:
            return record if check is None else check(record)
        except InvalidRecord as error:
            raw = lines[place]
            return self._quarantined(number + place, raw, self._parse(raw), str(error))

    def _read_piece(
        self, line: int, raw: bytes, fault: LayoutFault | None, check: RecordCheck | None
    ) -> Iterator[Reported | Quarantined]:
        if fault is not None and fault.is_certain:
            yield Quarantined(self.name, line, fault.reason, None, self._shown(raw), fault.digest)
            return
        row: dict[str, Any] | None = None
        try:
            row = self._parse(raw)
            if self._format is None or not self._format.is_one_a_row:
                yield from self._read_parts(line, raw, row, check)
                return
            record = self._format.read(row, self._source)
            kept = record if check is None else check(record)
        except InvalidRecord as error:
            yield self._quarantined(line, raw, row, str(error) if fault is None else f"{error}; {fault.reason}")
        else:
            yield kept

    def _read_parts(
        self, line: int, raw: bytes, row: dict[str, Any], check: RecordCheck | None
    ) -> Iterator[Reported | Quarantined]:
        """The records of a row that may hold many. One that is none is kept alone, without the others."""
        if self._format is None:
            inner = unwrapped(row)
            self._format = format_of_names(inner)
            if self._format is None:
                raise Refused(f"{self.name}: {no_format_message(inner)}")
        known = self._format
        if known.split is None:
            parts = [(row, raw)]
        else:
            parts = [(part, json.dumps(part, default=str).encode()) for part in known.split(row)]
        for part, part_raw in parts:
            request = None if known.request_of is None else known.request_of(part)
            if request is None:
                yield self._read_part(known, line, part_raw, part, check)
            elif self._held_rows < HELD_ROWS_MAX:
                self._held_rows += 1
                self._held.setdefault(request, (line, []))[1].append(part)
            else:
                raise Refused(f"{self.name} tells of its requests in over {HELD_ROWS_MAX} parts; split it by time")

    def _read_joined(self, check: RecordCheck | None) -> Iterator[Reported | Quarantined]:
        """The records of requests that several rows told of."""
        known = self._format
        if known is not None and known.joined is not None:
            for line, rows in self._held.values():
                row = known.joined(rows)
                yield self._read_part(known, line, json.dumps(row, default=str).encode(), row, check)

    def _read_part(
        self, known: Format, line: int, raw: bytes, row: dict[str, Any], check: RecordCheck | None
    ) -> Reported | Quarantined:
        try:
            record = known.read(row, self._source)
            return record if check is None else check(record)
        except InvalidRecord as error:
            return self._quarantined(line, raw, row, str(error))

    def _quarantined(self, line: int, raw: bytes, row: dict[str, Any] | None, reason: str) -> Quarantined:
        at = self._instant_of(row)
        return Quarantined(
            self.name, line, reason, self._id_of(row), self._shown(raw), digest_of(raw), at, self._kept(raw)
        )

    def _shown(self, raw: bytes) -> str:
        return NOT_SHOWN if is_confidential(raw, self._header) else excerpt(raw)

    def _kept(self, raw: bytes) -> KeptLine | None:
        return KeptLine.of(raw, header=self._header, source=self._source, format_=self.format)

    def _id_of(self, row: dict[str, Any] | None) -> str | None:
        if row is None or self._format is None:
            return None
        inner = unwrapped(row)
        record_id = next((inner[name] for name in self._format.id_names if inner.get(name)), None)
        try:
            check_id("id", record_id)
        except InvalidRecord:
            return None
        return record_id

    def _instant_of(self, row: dict[str, Any] | None) -> datetime | None:
        """The instant of a row that is not a record; only to find the row by, so a time without an offset is UTC."""
        if row is None or self._format is None:
            return None
        inner = unwrapped(row)
        written = next((inner[name] for name in self._format.instant_names if inner.get(name)), None)
        if isinstance(written, str) and len(written) == len("2026-10-01"):
            written += " 00:00:00"  # the day of a control total
        try:
            return checked_instant(instant_or_naive_utc("instant", written))
        except InvalidRecord:
            return None


def read_records(
    source_path_or_binary_stream: str | os.PathLike[str] | BinaryIO,
    *,
    name: str | None = None,
    source: str | None = None,
    format: str | None = None,  # noqa: A002 - the word that the command line has for it
    limits: Limits = DEFAULT,
) -> Reading:
    """Open an input and find out what it is; iterate over the result to read it.

    Args:
        source_path_or_binary_stream: a path, `-` for standard input, or a stream in binary mode, which stays open.
        name: how messages call the input; the path by default.
        source: the source of the records. Canonical records name their own, which must then be this one.
        format: one of `FORMATS`, instead of finding it out.
        limits: how much hostile input may cost.

    Raises:
        InvalidCall: when there is no such file or no such format.
        Refused: when the input as a whole cannot be understood.
    """
    origin = source_path_or_binary_stream
    if source is not None:
        try:
            check_id("source", source)
        except InvalidRecord as error:
            raise InvalidCall(str(error)) from None
    is_owned = False
    status: os.stat_result | None = None
    if isinstance(origin, (str, os.PathLike)):
        path = os.fspath(origin)
        name = name or ("standard input" if path == "-" else path)
        if path == "-":
            stream: BinaryIO = sys.stdin.buffer
        else:
            stream, status = _open(Path(path), name)
            is_owned = True
    else:
        stream = origin
        name = name or str(getattr(origin, "name", "the stream"))
    try:
        return Reading(
            stream, name, source=source, asked_format=format, limits=limits, status=status, is_owned=is_owned
        )
    except BaseException:
        if is_owned:
            stream.close()
        raise


def excerpt(raw: bytes) -> str:
    """The start of raw bytes as text that is safe to show anywhere, at most `EXCERPT_CHARACTERS` long."""
    text = raw[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "backslashreplace")[:EXCERPT_CHARACTERS]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text[:EXCERPT_CHARACTERS]


def _odd_lines(lines: Sequence[bytes], odd: Sequence[int]) -> Iterator[OddLine]:
    """The lines at some places, each with its fault."""
    if not isinstance(lines, ParquetRows):
        yield from ((place, lines[place], None) for place in odd)
        return
    for place, (_, raw, fault) in zip(odd, lines.pieces(odd), strict=True):
        yield place, raw, fault


def _open(path: Path, name: str) -> tuple[BinaryIO, os.stat_result | None]:
    """The stream, and what is known of it when it is a file that stays where it is."""
    try:
        stream = path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidCall(f"{name} cannot be opened: {reason}") from None
    status = os.fstat(stream.fileno())
    return stream, status if stat.S_ISREG(status.st_mode) else None


def _change_since(before: os.stat_result, stream: BinaryIO) -> CutShort | None:
    """What to say of a file that was written to while it was read; what came later may not have been seen."""
    now = os.fstat(stream.fileno())
    if (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns):
        return None
    return CutShort(f"it changed while it was read ({before.st_size:,} bytes before, {now.st_size:,} after)")
