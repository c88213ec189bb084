"""On which line of a TOML or JSON file a key stands.

The standard parsers give values without places. This walks the same text for its structure alone, and only once a
finding needs a line; the text is known to be valid, or nearly so, by then. A key path is a tuple of keys and list
indices, `("price", 0, "rates", "input")`.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Mapping
from contextlib import suppress

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL_STRING = re.compile(r"'[^'\n]*'")
_BASIC_TEXT = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL)
_LITERAL_TEXT = re.compile(r"'''(?:[^']|'(?!''))*'{3,5}", re.DOTALL)
_STRINGS = {'"""': _BASIC_TEXT, "'''": _LITERAL_TEXT, '"': _BASIC_STRING, "'": _LITERAL_STRING}
_SCALAR = re.compile(r"[^,\]}#\n]+")
_JSON_SPACE = re.compile(r"[ \t\r\n]*")
_JSON_SCALAR = re.compile(r"[^,\]}\s]+")


def toml_lines(text: str) -> Mapping[KeyPath, int]:
    """The line of every key, table header and list item of a TOML text, from 1."""
    return _TomlWalk(text).lines()


def json_lines(text: str) -> Mapping[KeyPath, int]:
    """The line of every key and list item of a JSON text, from 1."""
    return _JsonWalk(text).lines()


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or of the nearest table around it that is written; 1 for none."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


class _Lost(Exception):
    """The text is not what the parser of its language would take; lines found so far are kept."""


class _Walk(ABC):
    """A place in a text, and the lines of the keys passed so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.by_path: dict[KeyPath, int] = {}
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def lines(self) -> Mapping[KeyPath, int]:
        with suppress(_Lost, RecursionError):
            self.walk()
        return self.by_path

    @abstractmethod
    def walk(self) -> None:
        """Go through the whole text."""

    @abstractmethod
    def value(self, path: KeyPath) -> None:
        """Go through the value that begins here."""

    def item(self, path: KeyPath) -> None:
        """Go through an item of a list."""
        self.mark(path)
        self.value(path)

    def collection(self, end: str, blank: re.Pattern[str], member: Callable[[int], None]) -> None:
        """Go through a list or a table, from its bracket to its end, member by member."""
        self.at += 1
        self.take(blank)
        index = 0
        while not self.peek(end):
            member(index)
            index += 1
            self.take(blank)
            if not self.peek(end):
                self.expect(",")
                self.take(blank)
        self.at += 1

    def mark(self, path: KeyPath, at: int | None = None) -> None:
        """Remember where a path was written first."""
        self.by_path.setdefault(path, bisect_right(self._starts, self.at if at is None else at))

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise _Lost
        self.at = match.end()
        return match[0]

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def expect(self, text: str) -> None:
        if not self.peek(text):
            raise _Lost
        self.at += len(text)


class _TomlWalk(_Walk):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._items: dict[KeyPath, int] = {}

    def walk(self) -> None:
        table: KeyPath = ()
        self.take(_BLANK_LINES)
        while self.at < len(self.text):
            if self.peek("["):
                table = self._header()
            else:
                self._key_and_value(table)
            self.take(_BLANK_LINES)

    def _header(self) -> KeyPath:
        starts_at = self.at
        is_item = self.peek("[[")
        self.at += 2 if is_item else 1
        keys = self._dotted_key()
        self.expect("]]" if is_item else "]")
        path: KeyPath = ()
        for key in keys[:-1]:
            path = self._inside((*path, key))
            self.mark(path, starts_at)
        path = (*path, keys[-1])
        if is_item:
            self._items[path] = self._items.get(path, -1) + 1
            self.mark(path, starts_at)
        path = self._inside(path)
        self.mark(path, starts_at)
        return path

    def _inside(self, path: KeyPath) -> KeyPath:
        """The table that a header means: the last item where the path is an array of tables."""
        return (*path, self._items[path]) if path in self._items else path

    def _key_and_value(self, table: KeyPath) -> None:
        starts_at = self.at
        path = table
        for key in self._dotted_key():
            path = (*path, key)
            self.mark(path, starts_at)
        self.expect("=")
        self.take(_BLANK)
        self.value(path)

    def _dotted_key(self) -> list[str]:
        keys = [self._key()]
        while self.peek("."):
            self.at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        self.take(_BLANK)
        if self.peek('"'):
            written = self.take(_BASIC_STRING)
            key = str(json.loads(written)) if "\\U" not in written else written[1:-1]
        elif self.peek("'"):
            key = self.take(_LITERAL_STRING)[1:-1]
        else:
            key = self.take(_BARE_KEY)
        self.take(_BLANK)
        return key

    def value(self, path: KeyPath) -> None:
        if self.peek("["):
            self.collection("]", _BLANK_LINES, lambda index: self.item((*path, index)))
        elif self.peek("{"):
            self.collection("}", _BLANK_LINES, lambda _: self._key_and_value(path))
        else:
            self.take(next((pattern for start, pattern in _STRINGS.items() if self.peek(start)), _SCALAR))


class _JsonWalk(_Walk):
    def walk(self) -> None:
        self.take(_JSON_SPACE)
        self.value(())

    def value(self, path: KeyPath) -> None:
        if self.peek("{"):
            self.collection("}", _JSON_SPACE, lambda _: self._key_and_value(path))
        elif self.peek("["):
            self.collection("]", _JSON_SPACE, lambda index: self.item((*path, index)))
        else:
            self.take(_BASIC_STRING if self.peek('"') else _JSON_SCALAR)

    def _key_and_value(self, table: KeyPath) -> None:
        starts_at = self.at
        path = (*table, str(json.loads(self.take(_BASIC_STRING))))
        self.mark(path, starts_at)
        self.take(_JSON_SPACE)
        self.expect(":")
        self.take(_JSON_SPACE)
        self.value(path)
