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
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL_STRING = re.compile(r"'[^'\n]*'")
_BASIC_TEXT = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL)
_LITERAL_TEXT = re.compile(r"'''(?:[^']|'(?!''))*'{3,5}", re.DOTALL)
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
        self.found: dict[KeyPath, int] = {}
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def lines(self) -> Mapping[KeyPath, int]:
        try:
            self.walk()
        except (_Lost, RecursionError):
            return self.found
        return self.found

    @abstractmethod
    def walk(self) -> None:
        """Go through the whole text."""

    def mark(self, path: KeyPath, at: int | None = None) -> None:
        """Remember where a path was written first."""
        self.found.setdefault(path, bisect_right(self._starts, self.at if at is None else at))

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
        self._value(path)

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

    def _value(self, path: KeyPath) -> None:
        if self.peek("["):
            self._list(path)
        elif self.peek("{"):
            self._inline_table(path)
        elif self.peek('"""'):
            self.take(_BASIC_TEXT)
        elif self.peek("'''"):
            self.take(_LITERAL_TEXT)
        elif self.peek('"'):
            self.take(_BASIC_STRING)
        elif self.peek("'"):
            self.take(_LITERAL_STRING)
        else:
            self.take(_SCALAR)

    def _list(self, path: KeyPath) -> None:
        self.expect("[")
        self.take(_BLANK_LINES)
        index = 0
        while not self.peek("]"):
            self.mark((*path, index))
            self._value((*path, index))
            index += 1
            self.take(_BLANK_LINES)
            if not self.peek("]"):
                self.expect(",")
                self.take(_BLANK_LINES)
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.expect("{")
        self.take(_BLANK_LINES)
        while not self.peek("}"):
            self._key_and_value(path)
            self.take(_BLANK_LINES)
            if not self.peek("}"):
                self.expect(",")
                self.take(_BLANK_LINES)
        self.at += 1


class _JsonWalk(_Walk):
    def walk(self) -> None:
        self.take(_JSON_SPACE)
        self._value(())

    def _value(self, path: KeyPath) -> None:
        if self.peek("{"):
            self._collection(path, "}")
        elif self.peek("["):
            self._collection(path, "]")
        elif self.peek('"'):
            self.take(_BASIC_STRING)
        else:
            self.take(_JSON_SCALAR)

    def _collection(self, path: KeyPath, end: str) -> None:
        self.at += 1
        self.take(_JSON_SPACE)
        index = 0
        while not self.peek(end):
            starts_at = self.at
            item: KeyPath = (*path, index)
            if end == "}":
                item = (*path, str(json.loads(self.take(_BASIC_STRING))))
                self.take(_JSON_SPACE)
                self.expect(":")
                self.take(_JSON_SPACE)
            self.mark(item, starts_at)
            self._value(item)
            index += 1
            self.take(_JSON_SPACE)
            if not self.peek(end):
                self.expect(",")
                self.take(_JSON_SPACE)
        self.at += 1
