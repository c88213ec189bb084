"""One record an element of a JSON list, or one JSON value after another.

Cuts the bytes at the ends of elements by following quotes and brackets only; whether an element is valid JSON is
decided when it is read. So one broken element costs one element, unless its brackets do not match.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.layouts import EndFault, LayoutFault, LongPiece, Piece, digest_of
from tokentill.sources.strict_json import parse_object

BACKSLASH = ord("\\")
TAIL_BYTES_MAX = 64 * 1024

_OUTSIDE_STRING = re.compile(rb'"[^"\\]*"|["{}\[\]]')
_REST_OF_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_NOT_SPACE = re.compile(rb"[^ \t\r\n]")
_SCALAR_END = re.compile(rb"[,\]\[{}\" \t\r\n]")
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_LIST_FOLLOWS = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*\[(?=[ \t\r\n]*[{\]])")
_STRING, _SCALAR, _NESTED = range(3)


def end_of_object(head: bytes, start: int) -> int | None:
    """Where the object that begins at `start` ends, or None when it does not end in `head`."""
    return next((token.end() for depth, token in _tokens_of_object(head, start) if depth == 0), None)


def start_of_list(head: bytes, start: int, names: Collection[str]) -> int | None:
    """Where the list of records begins in the object at `start` that has one under one of `names`, otherwise None."""
    quoted_names = {f'"{name}"'.encode() for name in names}
    for depth, token in _tokens_of_object(head, start):
        if depth == 1 and token[0] in quoted_names and (follows := _LIST_FOLLOWS.match(head, token.end())):
            return follows.end() - 1
    return None


def _tokens_of_object(head: bytes, start: int) -> Iterator[tuple[int, re.Match[bytes]]]:
    """The brackets and strings of the object at `start`, each with the depth after it, to its end.

    A string that does not end in `head` is the last thing there, and is left out.
    """
    depth = 0
    for token in _TOKEN.finditer(head, start):
        if token[0] == b'"':
            return
        depth += (token[0] in b"{[") - (token[0] in b"}]")
        yield depth, token
        if depth == 0:
            return


@dataclass(slots=True, kw_only=True)
class Elements:
    """The elements of a list, or of a sequence of values that nothing but space separates.

    Args:
        opening: the bytes before the list that belong to the object around it, empty when there is none.
        is_sequence: not a list, but one value after another.
        list_names: names under which the object around the list may hold no second list.

    Once all is read, `around` is what the object around the list holds beside it.
    """

    bytes_max: int
    end_fault: EndFault
    opening: bytes
    is_sequence: bool
    list_names: Collection[str]
    _buffer: bytes = field(default=b"", init=False)
    _start: int = field(default=0, init=False)
    _number: int = field(default=0, init=False)
    _depth: int = field(default=0, init=False)
    _kind: int | None = field(default=None, init=False)
    _in_string: bool = field(default=False, init=False)
    _long: LongPiece | None = field(default=None, init=False)
    _comma_seen: bool = field(default=True, init=False)
    _tail: bytes | None = field(default=None, init=False)
    _disorder: str | None = field(default=None, init=False)
    around: dict[str, Any] = field(default_factory=dict, init=False)

    @property
    def count(self) -> int:
        """How many elements were read so far."""
        return self._number

    def pieces(self, chunks: Iterable[bytes]) -> Iterator[Piece]:
        """Every element, numbered from 1. `chunks` begin after the bracket of the list."""
        position = 0
        for chunk in chunks:
            if self._tail is not None:
                self._add_tail(chunk)
                continue
            position -= self._start
            self._buffer = self._buffer[self._start :] + chunk
            self._start = 0
            while self._tail is None:
                if self._kind is None:
                    next_position = self._begin(position)
                    if next_position is None:
                        self._start = position = len(self._buffer)
                        break
                    position = next_position
                    continue
                end, position = self._end(position)
                if end is None:
                    self._hold_less()
                    break
                yield self._piece(end)
                position = end
        yield from self._last()

    def _begin(self, position: int) -> int | None:
        """Go to the next element; where to go on, or None when the buffer has no more."""
        while self._tail is None:
            match = _NOT_SPACE.search(self._buffer, position)
            if match is None:
                return None
            position, first = match.end(), match[0]
            if first == b"," and not self.is_sequence:
                if self._comma_seen:
                    self._disorder = self._disorder or f"a comma too many after element {self._number}"
                self._comma_seen = True
            elif first == b"]" and not self.is_sequence:
                if self._comma_seen and self._number:
                    self._disorder = self._disorder or f"a comma too many after element {self._number}"
                self._tail = b""
                self._add_tail(self._buffer[position:])
            else:
                self._number += 1
                if not self._comma_seen and not self.is_sequence:
                    self._disorder = self._disorder or f"no comma before element {self._number}"
                self._comma_seen = False
                self._start = match.start()
                self._in_string = first == b'"'
                self._kind = _STRING if self._in_string else _NESTED if first in b"{[" else _SCALAR
                self._depth = 1 if self._kind == _NESTED else 0
                return position
        return position

    def _end(self, position: int) -> tuple[int | None, int]:
        """Where the element ends, or None; and where to go on."""
        buffer = self._buffer
        if self._kind == _SCALAR:
            match = _SCALAR_END.search(buffer, position)
            return (None, len(buffer)) if match is None else (match.start(), match.start())
        depth, in_string = self._depth, self._in_string
        end: int | None = None
        while True:
            if in_string:
                rest = _REST_OF_STRING.match(buffer, position)
                position = max(position, len(buffer)) if rest is None else rest.end()
                if position >= len(buffer):
                    break
                if buffer[position] == BACKSLASH:
                    position += 2
                    break
                position, in_string = position + 1, False
                if depth == 0:
                    end = position
                    break
            match = _OUTSIDE_STRING.search(buffer, position)
            if match is None:
                position = max(position, len(buffer))
                break
            token, position = match[0], match.end()
            if token == b'"':
                in_string = True
            elif token in b"{[":
                depth += 1
            elif token in b"}]":
                depth -= 1
                if depth == 0:
                    end = position
                    break
        self._depth, self._in_string = depth, in_string
        return end, position

    def _hold_less(self) -> None:
        """Once an open element is too long, keep its head and digest only."""
        if self._long is not None:
            self._long.add(self._buffer[self._start :])
        elif len(self._buffer) - self._start > self.bytes_max:
            self._long = LongPiece(self._buffer[self._start :])
        if self._long is not None:
            self._start = len(self._buffer)

    def _piece(self, end: int) -> Piece:
        raw = self._buffer[self._start : end]
        self._start = end
        self._kind = None
        long, self._long = self._long, None
        if long is None and len(raw) <= self.bytes_max:
            return self._number, raw, None
        if long is None:
            long = LongPiece(raw)
        else:
            long.add(raw)
        return self._number, long.head, long.fault("the element", self.bytes_max)

    def _add_tail(self, more: bytes) -> None:
        tail = (self._tail or b"") + more
        if len(tail) > TAIL_BYTES_MAX:
            self._disorder = self._disorder or "the object around the list goes on for too long after it"
            tail = tail[:TAIL_BYTES_MAX]
        self._tail = tail

    def _last(self) -> Iterator[Piece]:
        fault = self.end_fault()
        rest = self._buffer[self._start :] if self._tail is None else b""
        if self._kind == _SCALAR and self.is_sequence and fault is None and self._long is None:
            yield self._number, rest, None
            return
        if self._kind is not None:
            reason = fault or "the file ends inside this element, so it is cut off; get it again"
            yield self._number, rest or (self._long.head if self._long else b""), LayoutFault(reason, digest_of(rest))
            return
        if fault is None and self._tail is None and not self.is_sequence:
            fault = "the list does not end, so the file is cut off here; get it again"
        problem = fault or self._disorder_around()
        if problem is not None:
            yield self._number + 1, b"", LayoutFault(problem, digest_of(b""))

    def _disorder_around(self) -> str | None:
        """What is wrong with the list as a whole, and with the object around it."""
        if self._disorder is not None:
            return f"not valid JSON: {self._disorder}"
        if self.is_sequence:
            return None
        tail = self._tail or b""
        if not self.opening:
            return "something follows the list, and was not read" if tail.strip() else None
        try:
            self.around = around = parse_object(self.opening + b"[]" + tail)
        except InvalidRecord as error:
            return f"the object around the list: {error}"
        second = next((name for name in self.list_names if around.get(name)), None)
        return None if second is None else f"there is something under {second!r} too, which was not read"
