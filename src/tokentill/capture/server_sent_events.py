"""Server-sent events, cut from bytes as they come (after the HTML standard, section 9.2), one event held at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class EventParser:
    """Gives the data of each event, however its bytes are split.

    Args:
        bytes_max: the longest event that is held, all of its lines together. A longer one is left out.

    Attributes:
        left_out: how many events were longer.
    """

    bytes_max: int
    left_out: int = field(default=0, init=False)
    _line: bytearray = field(default_factory=bytearray, init=False)
    _searched: int = field(default=0, init=False)
    _data: list[bytes] = field(default_factory=list, init=False)
    _held: int = field(default=0, init=False)
    _is_long: bool = field(default=False, init=False)
    _is_first: bool = field(default=True, init=False)

    def add(self, chunk: bytes) -> Iterator[bytes]:
        """The events that end in this chunk."""
        self._line += chunk
        start = 0
        for end in _LINE_END.finditer(self._line, self._searched):
            if end[0] == b"\r" and end.end() == len(self._line):
                break  # a line feed may follow
            yield from self._take(bytes(self._line[start : end.start()]))
            start = end.end()
        del self._line[:start]
        self._searched = max(len(self._line) - 1, 0)
        # Its last byte may be half of a line end.
        if len(self._line) > 1 and self._held + len(self._line) - 1 > self.bytes_max:
            self._is_long, self._data = True, []
            self._line[:-1] = b":"  # a comment, so that the line is not taken for a blank one
            self._searched = 1

    def end(self) -> Iterator[bytes]:
        """The event that nothing but the end of the stream ended. Many servers leave out the last blank line."""
        line, self._line = bytes(self._line), bytearray()
        yield from self._take(line.rstrip(b"\r"))
        yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[bytes]:
        self._held += len(line)
        if self._is_first:
            line, self._is_first = line.removeprefix(_BOM), False
        if self._held > self.bytes_max:
            self._is_long, self._data = True, []
        if line:
            name, _, value = line.partition(b":")
            if name == b"data" and not self._is_long:
                self._data.append(value.removeprefix(b" "))
            return
        data, is_long = self._data, self._is_long
        self._data, self._held, self._is_long = [], 0, False
        if is_long:
            self.left_out += 1
        elif data:
            yield b"\n".join(data)
