"""How records lie in a file: one a line, one an element of a JSON list, one a row of a table.

A layout cuts bytes into the bytes of single records, in bounded memory, and says where each lies. It does not know
what a record means. Each yields `Piece`s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

HEAD_BYTES = 1024
"""How much of a piece that is too long is kept, to show it."""

OPEN_END = "the file ends here without a line end, so it may be cut off"


@dataclass(frozen=True, slots=True)
class LayoutFault:
    """Why a piece cannot be read, or, when not `is_certain`, what to add if reading it fails."""

    reason: str
    digest: bytes
    is_certain: bool = True


Piece = tuple[int, bytes, LayoutFault | None]
"""Line or element number from 1, the bytes of the record, and what is wrong with them."""

EndFault = Callable[[], str | None]
"""Asked when the bytes are over: why they ended too early, or None."""


def digest_of(raw: bytes) -> bytes:
    """The first 16 bytes of the SHA-256 of a piece."""
    return sha256(raw).digest()[:16]


RUN_PIECES = 1_000


def is_blank(line: bytes) -> bool:
    """Whether there is nothing on a line."""
    return not line or line.isspace()


class LongPiece:
    """A piece that is longer than the limit: only its head, its length and its digest are held."""

    def __init__(self, start: bytes) -> None:
        self.head = start[:HEAD_BYTES]
        self._hash = sha256(start)
        self.length = len(start)

    def add(self, more: bytes) -> None:
        """Take in what follows, without keeping it."""
        self._hash.update(more)
        self.length += len(more)

    def fault(self, noun: str, bytes_max: int, end: str | None = None) -> LayoutFault:
        """Why it is not read."""
        reason = f"{noun} is longer than {bytes_max} bytes ({self.length})"
        return LayoutFault(f"{reason}; {end}" if end else reason, self._hash.digest()[:16])


Run = tuple[int, Sequence[bytes]]
"""The number of a line from 1, and the bytes of it and of those behind it. Some may be blank."""


def lines_of(runs: Iterable[Run | Piece]) -> Iterator[Piece]:
    """Every line that is not blank, one by one."""
    for run in runs:
        if len(run) == 3:
            yield run
            continue
        number, lines = run
        for line in lines:
            if not is_blank(line):
                yield number, line, None
            number += 1


def runs_of_pieces(pieces: Iterable[Piece]) -> Iterator[Run | Piece]:
    """Pieces together that come one after another and have no fault; none of them is blank."""
    first, held = 0, list[bytes]()
    for piece in pieces:
        number, raw, fault = piece
        if held and (fault is not None or len(held) == RUN_PIECES or number != first + len(held)):
            yield first, held
            held = []
        if fault is not None:
            yield piece
        else:
            first = first if held else number
            held.append(raw)
    if held:
        yield first, held


def runs_of_lines(chunks: Iterable[bytes], bytes_max: int, end_fault: EndFault) -> Iterator[Run | Piece]:
    """All lines, with their numbers from 1, together as they come.

    A line above `bytes_max` comes alone, with its fault and without its bytes. When the bytes end too early, the last
    piece says so and is not to be read.
    """
    number = 1
    held: list[bytes] = []
    held_bytes = 0
    long: LongPiece | None = None
    for chunk in chunks:
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and long is not None:
            long.add(lines[0])
            yield number, long.head, long.fault("the line", bytes_max)
            number += 1
            long = None
            del lines[0]
        elif lines and held:
            held.append(lines[0])
            lines[0] = b"".join(held)
            held, held_bytes = [], 0
        yield from _within(number, lines, bytes_max)
        number += len(lines)
        if long is not None:
            long.add(rest)
        elif rest:
            held.append(rest)
            held_bytes += len(rest)
            if held_bytes > bytes_max:
                long = LongPiece(b"".join(held))
                held, held_bytes = [], 0
    end = end_fault()
    if long is not None:
        yield number, long.head, long.fault("the line", bytes_max, end)
    elif end is not None:
        rest = b"".join(held)
        yield number, rest, LayoutFault(end, digest_of(rest))
    elif held:
        rest = b"".join(held)
        if not rest.isspace():
            yield number, rest, LayoutFault(OPEN_END, digest_of(rest), is_certain=False)


def _within(number: int, lines: list[bytes], bytes_max: int) -> Iterator[Run | Piece]:
    """Lines from a number on, without those that are too long, which come alone."""
    start = 0
    if max(map(len, lines), default=0) > bytes_max:
        for place, line in enumerate(lines):
            if len(line) > bytes_max:
                if place > start:
                    yield number + start, lines[start:place]
                yield number + place, line[:HEAD_BYTES], LongPiece(line).fault("the line", bytes_max)
                start = place + 1
    if start < len(lines):
        yield number + start, lines[start:] if start else lines
