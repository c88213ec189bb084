"""One record a line: JSON lines, and the physical lines of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tokentill.sources.layouts import EndFault, LayoutFault, LongPiece, Piece, digest_of

OPEN_END = "the file ends here without a line end, so it may be cut off"


def lines_of(chunks: Iterable[bytes], bytes_max: int, end_fault: EndFault) -> Iterator[Piece]:
    """Every line that is not blank, with its number from 1.

    A line above `bytes_max` comes with its fault and without its bytes. When the bytes end too early, the last piece
    says so and is not to be read.
    """
    number = 0
    held: list[bytes] = []
    held_bytes = 0
    long: LongPiece | None = None
    for chunk in chunks:
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and long is not None:
            long.add(lines[0])
            number += 1
            yield number, long.head, long.fault("the line", bytes_max)
            long = None
            del lines[0]
        elif lines and held:
            held.append(lines[0])
            lines[0] = b"".join(held)
            held, held_bytes = [], 0
        for line in lines:
            number += 1
            if len(line) > bytes_max:
                yield number, line[:1024], LongPiece(line).fault("the line", bytes_max)
            elif line and not line.isspace():
                yield number, line, None
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
        yield number + 1, long.head, long.fault("the line", bytes_max, end)
    elif end is not None:
        rest = b"".join(held)
        yield number + 1, rest, LayoutFault(end, digest_of(rest))
    elif held:
        rest = b"".join(held)
        if not rest.isspace():
            yield number + 1, rest, LayoutFault(OPEN_END, digest_of(rest), is_certain=False)
