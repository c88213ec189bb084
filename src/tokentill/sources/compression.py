"""Bytes of a file or stream, decompressed within limits.

Only what is needed is in memory at a time. A gzip or zstd stream that is cut off or damaged gives what was good and
then a `fault`; one that grows beyond the limits is refused. zstd is Python's own where it has it, or the package
`zstandard`, which the extra `zstd` installs.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO, Literal

from tokentill.errors import InvalidCall, Refused

Compression = Literal["none", "gzip", "zstd"]

READ_BYTES = 256 * 1024
INFLATED_BYTES = 1024 * 1024
SALVAGE_BYTES = 64
ZSTD_BYTES = 1024
"""Decompressed at a time: what comes of it is at most 128 KiB for each 4 bytes, so never more than 32 MiB."""
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
FOREIGN = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"BZh": "bzip2; decompress it first (bzip2 -dc FILE | ... -)",
    b"\xfd7zXZ": "xz; decompress it first (xz -dc FILE | ... -)",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much hostile input may cost.

    Args:
        inflated_bytes_max: what one compressed input may decompress to, in all.
        ratio_max: how many times larger than its compressed bytes it may become, ...
        ratio_from_bytes: ... once so much has come out.
        line_bytes_max: the longest line, JSON element or CSV row that is held in memory and read.
    """

    inflated_bytes_max: int = 8 * 1024**3
    ratio_max: int = 200
    ratio_from_bytes: int = 64 * 1024**2
    line_bytes_max: int = 1024**2


DEFAULT = Limits()


class ByteInput:
    """The bytes of one input, from its first to its last, once.

    Attributes:
        compression: found by the first bytes, never by the name.
        bytes_read: bytes taken from the input so far, before decompression.
        fault: after the last chunk: why it ended too early, or None.
    """

    def __init__(self, stream: BinaryIO, name: str, limits: Limits) -> None:
        self._stream = stream
        self._name = name
        self._limits = limits
        self.bytes_read = 0
        self.fault: str | None = None
        first = self._read()
        while 0 < len(first) < 8 and (more := self._read()):
            first += more
        self._first = first
        self.compression: Compression = "none"
        if first.startswith(GZIP):
            self.compression = "gzip"
        elif first.startswith(ZSTD):
            self.compression = "zstd"
            self._zstd = zstd_decompressor()
            if self._zstd is None:
                raise Refused(
                    f"{name} is zstd, which this Python cannot read; install it (pip install 'tokentill[zstd]'), or"
                    " decompress the file first (zstd -dc FILE | ... -)"
                )
        for magic, kind in FOREIGN.items():
            if first.startswith(magic):
                raise Refused(f"{name} is {kind}")

    def chunks(self) -> Iterator[bytes]:
        """The decompressed bytes in chunks of `READ_BYTES` to `INFLATED_BYTES` or little more; the last may be shorter.

        Raises:
            Refused: when the input cannot be read or decompresses to more than the limits allow.
        """
        forms = {"none": self._plain, "gzip": self._inflated, "zstd": self._zstd_inflated}
        return _gathered(forms[self.compression]())

    def starts_with(self, magic: bytes) -> bool:
        """Whether these are its first bytes, as they are stored, before any of them was taken."""
        return self._first.startswith(magic)

    def seekable(self, copied: Callable[[], BinaryIO]) -> BinaryIO:
        """The stream itself, where it can be read from any place and begins with these bytes; otherwise a copy."""
        try:
            is_at_its_place = self._stream.seekable() and self._stream.tell() == self.bytes_read
        except (OSError, ValueError, AttributeError):  # a pipe, or what cannot say where it is, is copied
            is_at_its_place = False
        return self._stream if is_at_its_place else copied()

    def _plain(self) -> Iterator[bytes]:
        chunk = self._first
        self._first = b""
        while chunk:
            yield chunk
            chunk = self._read()

    def _read(self) -> bytes:
        try:
            chunk = self._stream.read(READ_BYTES)
        except OSError as error:
            raise Refused(f"{self._name} cannot be read: {error.strerror or error}") from error
        if not isinstance(chunk, bytes):
            raise InvalidCall(f"{self._name} gives {type(chunk).__name__}; open it in binary mode")
        self.bytes_read += len(chunk)
        return chunk

    def _inflated(self) -> Iterator[bytes]:
        data, self._first = self._first, b""
        inflater = zlib.decompressobj(wbits=31)
        inflated = 0
        while data:
            earlier = inflater.copy()
            try:
                chunk = inflater.decompress(data, INFLATED_BYTES)
            except zlib.error:
                self.fault = "the gzip data is damaged here, and what follows is lost; get the file again"
                yield from _salvaged(earlier, data)
                return
            inflated += len(chunk)
            self._check(inflated)
            if chunk:
                yield chunk
            if not inflater.eof:
                data = inflater.unconsumed_tail or self._read()
                continue
            data = inflater.unused_data.lstrip(b"\0")
            while not data and (more := self._read()):
                data = more.lstrip(b"\0")
            while 0 < len(data) < len(GZIP) and (more := self._read()):
                data += more
            if data and not data.startswith(GZIP):
                self.fault = "something follows the gzip data that is not gzip, and was not read"
                return
            if data:
                inflater = zlib.decompressobj(wbits=31)
        if not inflater.eof:
            self.fault = "the gzip data ends too early, so the file is cut off here; get it again"

    def _zstd_inflated(self) -> Iterator[bytes]:
        """As `_inflated`, frame after frame; what follows a frame and is none is damage."""
        assert self._zstd is not None
        make, error = self._zstd
        inflater, inflated = make(), 0
        for piece in (
            chunk[at : at + ZSTD_BYTES] for chunk in self._plain() for at in range(0, len(chunk), ZSTD_BYTES)
        ):
            while piece:
                if inflater.eof:
                    inflater = make()
                try:
                    inflated_piece = inflater.decompress(piece)
                except error:
                    self.fault = "the zstd data is damaged here, and what follows is lost; get the file again"
                    return
                inflated += len(inflated_piece)
                self._check(inflated)
                if inflated_piece:
                    yield inflated_piece
                piece = inflater.unused_data if inflater.eof else b""
        if not inflater.eof:
            self.fault = "the zstd data ends too early, so the file is cut off here; get it again"

    def _check(self, inflated: int) -> None:
        limits = self._limits
        if inflated > limits.inflated_bytes_max:
            size = f"{limits.inflated_bytes_max} bytes"
            raise Refused(f"{self._name} decompresses to more than {size}; split it, or raise the limit")
        if inflated > limits.ratio_from_bytes and inflated > limits.ratio_max * self.bytes_read:
            raise Refused(
                f"{self._name} decompresses to more than {limits.ratio_max} times its size, as a decompression bomb "
                "does; decompress it yourself if it is not one"
            )


def zstd_decompressor() -> tuple[Callable[[], Any], type[Exception]] | None:
    """What makes decompressors of one zstd frame, and the error that they raise; None where there is neither."""
    with suppress(ImportError):
        own = import_module("compression.zstd")
        return own.ZstdDecompressor, own.ZstdError
    with suppress(ImportError):
        package = import_module("zstandard")
        return lambda: package.ZstdDecompressor().decompressobj(), package.ZstdError
    return None


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Small chunks joined: whoever holds an open record copies it once a chunk."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= READ_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _salvaged(inflater: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), SALVAGE_BYTES):
        try:
            chunk = inflater.decompress(data[start : start + SALVAGE_BYTES])
        except zlib.error:
            return
        if chunk:
            yield chunk
