"""How records lie in a file: one a line, one an element of a JSON list, one a row of a table.

A layout cuts bytes into the bytes of single records, in bounded memory, and says where each lies. It does not know
what a record means. Each yields `Piece`s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

HEAD_BYTES = 1024
"""How much of a piece that is too long is kept, to show it."""


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
