"""The copy of an answer that is read while its bytes pass by: decompressed on its own, in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

from tokentill.capture.server_sent_events import EventParser
from tokentill.capture.streams import STREAMS, StreamedAnswer, status_in
from tokentill.capture.surfaces import Form
from tokentill.errors import InvalidRecord
from tokentill.sources.compression import zstd_decompressor
from tokentill.sources.strict_json import parse_object
from tokentill.usage.record import Status

DEPTH_MAX = 200
"""Answers repeat the schemas of a request's tools, which nest deeper than usage ever does."""
INFLATED_BYTES = 64 * 1024
_EVENT_STREAM = "text/event-stream"
_EVENTS_BEGIN = (b"data:", b"event:", b"id:", b":")
_DONE = b"[DONE]"

Unpack = Callable[[bytes], Iterator[bytes]]


class UnreadableCopy(Exception):
    """Why an answer cannot be read, without a word of what it says."""


class AnswerCopy:
    """What an answer said, as far as it has come.

    Args:
        form: in which form it is.
        content_type, content_encoding: the headers of the response.
        bytes_max: the longest plain answer, and the longest event of a streamed one, that is held and read.

    Attributes:
        status: how it ended, as far as it says so.
    """

    def __init__(self, form: Form, content_type: str, content_encoding: str, bytes_max: int) -> None:
        self.status: Status = "ok"
        self._form = form
        self._bytes_max = bytes_max
        self._unpack = _unpacking(content_encoding)
        self._plain = bytearray()
        self._fault: str | None = None
        self._stream: StreamedAnswer | None = None
        self._events = EventParser(bytes_max)
        if content_type.partition(";")[0].strip().lower() == _EVENT_STREAM:
            self._stream = STREAMS[form]()

    @property
    def is_stream(self) -> bool:
        """Whether it came as events."""
        return self._stream is not None

    def add(self, chunk: bytes) -> None:
        """Take in the next bytes, as they came over the network."""
        if self._fault is not None:
            return
        try:
            for piece in self._unpack(chunk):
                if self._stream is not None:
                    self._take(self._stream, self._events.add(piece))
                elif len(self._plain) + len(piece) > self._bytes_max:
                    raise UnreadableCopy(f"the answer is longer than {self._bytes_max} bytes")
                else:
                    self._plain += piece
        except UnreadableCopy as error:
            self._fault, self._plain = str(error), bytearray()

    def said(self) -> tuple[dict[str, Any], str | None]:
        """What it said, and why that is not all that it had to say; None when it is.

        May be asked once, when no more bytes come.
        """
        if self._stream is None and self._plain.lstrip().startswith(_EVENTS_BEGIN):
            self._stream = STREAMS[self._form]()  # events under another content type
            self._take(self._stream, self._events.add(bytes(self._plain)))
        if self._stream is None:
            return self._said_plainly()
        with suppress(UnreadableCopy):
            self._take(self._stream, self._events.end())
        self.status = self._stream.status
        if self._fault is None and not self._stream.is_whole:
            if self._events.left_out:
                self._fault = f"an event is longer than {self._bytes_max} bytes"
            else:
                self._fault = "the stream ended before it was over"
                self.status = "unknown" if self.status == "ok" else self.status
        return self._stream.said, self._fault

    def _said_plainly(self) -> tuple[dict[str, Any], str | None]:
        if self._fault is not None:
            return {}, self._fault
        plain, self._plain = bytes(self._plain), bytearray()
        if not plain.strip():
            return {}, "the answer is empty"
        try:
            answer = parse_object(plain, DEPTH_MAX)
        except InvalidRecord:  # its words may be those of the answer
            return {}, "the answer is not a whole JSON object"
        self.status = status_in(answer)
        return answer, None

    @staticmethod
    def _take(stream: StreamedAnswer, events: Iterator[bytes]) -> None:
        for data in events:
            if data.strip() == _DONE:
                stream.done()
                continue
            with suppress(InvalidRecord):  # what it would have said is missed at the end
                stream.add(parse_object(data, DEPTH_MAX))


def _unpacking(content_encoding: str) -> Unpack:
    """What takes the compression off. What it does not know, it says with the first bytes."""
    name = content_encoding.strip().lower()
    if name in ("", "identity"):
        return lambda chunk: iter((chunk,))
    if name in ("gzip", "x-gzip"):
        return _inflating(zlib.decompressobj(wbits=31))
    if name == "deflate":
        return _inflating(zlib.decompressobj())
    decompressor = _decompressor_of(name)
    if decompressor is None:
        return _refusing(f"nothing here decompresses {name[:20]!r}")
    decompress, faults = decompressor

    def unpack(chunk: bytes) -> Iterator[bytes]:
        try:
            yield decompress(chunk)
        except faults:
            raise UnreadableCopy("the answer cannot be decompressed") from None

    return unpack


def _inflating(inflater: Any) -> Unpack:
    def unpack(chunk: bytes) -> Iterator[bytes]:
        try:
            is_more = True
            while is_more:
                piece = inflater.decompress(chunk, INFLATED_BYTES)
                yield piece
                chunk = inflater.unconsumed_tail
                is_more = bool(chunk) or len(piece) == INFLATED_BYTES
        except zlib.error:
            raise UnreadableCopy("the answer cannot be decompressed") from None

    return unpack


def _decompressor_of(name: str) -> tuple[Callable[[bytes], bytes], type[Exception]] | None:
    """brotli and zstd, by the libraries that httpx takes for them; None where they are not there."""
    if name == "zstd" and (zstd := zstd_decompressor()) is not None:
        make, fault = zstd
        return make().decompress, fault
    if name == "br":
        for package in ("brotli", "brotlicffi"):
            with suppress(ImportError):
                brotli = import_module(package)
                return brotli.Decompressor().process, brotli.error
    return None


def _refusing(reason: str) -> Unpack:
    def unpack(_chunk: bytes) -> Iterator[bytes]:
        raise UnreadableCopy(reason)

    return unpack
