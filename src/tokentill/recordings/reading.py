"""From the bytes of one file to the tree of values that it holds, exactly and within stated limits."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from tokentill.errors import Finding
from tokentill.recordings.paths import FILE_BYTES_MAX
from tokentill.recordings.positions import KeyPath, json_lines, line_of, toml_lines
from tokentill.recordings.values import JsonFraction

NESTING_MAX = 12
"""More levels than any file of ours has: price, mode, window, tier, rates are nine with their lists."""

MESSAGE_CHARACTERS_MAX = 600

Value = TypeVar("Value")

_FLATTER = "no file of ours needs more; write the tables as the README of this folder shows them"
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)\Z")


class Unreadable(Exception):
    """A file that cannot be taken as it is, with the findings that say why."""

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("\n".join(str(finding) for finding in findings))


@dataclass(frozen=True)
class FileText:
    """A file that was read: where it lies, its text, and the lines of its keys.

    `shown` is the path as it is printed; `path` is relative to the folder.
    """

    path: str
    shown: str
    text: str = field(repr=False)

    @property
    def is_toml(self) -> bool:
        """Whether the text is TOML; else it is JSON."""
        return self.path.lower().endswith(".toml")

    @cached_property
    def lines(self) -> Mapping[KeyPath, int]:
        """The line of every key path, found when first asked for."""
        return toml_lines(self.text) if self.is_toml else json_lines(self.text)

    def where(self, key_path: KeyPath) -> str:
        """The place of a key as it is printed."""
        return f"{self.shown}:{line_of(self.lines, key_path)}"

    def finding(self, key_path: KeyPath, message: str, hint: str = "", *, is_warning: bool = False) -> Finding:
        """A finding at the place of a key."""
        return Finding(self.where(key_path), _printable(message), _printable(hint), is_warning)


@dataclass(frozen=True, slots=True)
class Located(Generic[Value]):
    """A value, the file that states it, and at which key. `label` is what a message about it begins with."""

    value: Value
    file: FileText = field(repr=False)
    position: KeyPath = ()
    label: str = ""

    @property
    def where(self) -> str:
        """Its file and line."""
        return self.file.where(self.position)

    def finding(self, path: KeyPath, message: str, hint: str = "", *, is_warning: bool = False) -> Finding:
        """A finding at a key of the value."""
        return self.file.finding((*self.position, *path), self.label + message, hint, is_warning=is_warning)


def _printable(text: str) -> str:
    """A message without characters that a terminal would act on or could not encode, and of bounded length."""
    if len(text) > MESSAGE_CHARACTERS_MAX:
        text = text[: MESSAGE_CHARACTERS_MAX - 3] + "..."
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def read_text(file: Path, path: str, shown: str) -> FileText:
    """Read a file of text.

    Raises:
        Unreadable: when it is too large, is not UTF-8, or cannot be opened.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        raise Unreadable(Finding(f"{shown}:1", message, "let this user read it, or move it elsewhere")) from None
    if len(raw) > FILE_BYTES_MAX:
        message = f"the file is larger than {FILE_BYTES_MAX} bytes"
        raise Unreadable(Finding(f"{shown}:1", message, "split it into several recordings"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(Finding(f"{shown}:{line}", "the file is not UTF-8 here", "save it as UTF-8")) from None
    return FileText(path, shown, text)


def parse(file: FileText) -> dict[str, Any]:
    """The values of a file: decimals as `Decimal` (TOML) or as strings (JSON), instants as datetimes or strings.

    Raises:
        Unreadable: with the line of the mistake.
    """
    try:
        tree = _parse_toml(file) if file.is_toml else _parse_json(file)
    except RecursionError:
        raise Unreadable(Finding(f"{file.shown}:1", "the file is nested too deeply", _FLATTER)) from None
    if not isinstance(tree, dict):
        raise Unreadable(Finding(f"{file.shown}:1", "the file is not a table of keys", "begin it with {"))
    for deep in (path for path in paths_in(tree) if len(path) > NESTING_MAX):
        raise Unreadable(file.finding(deep, f"the file is nested more than {NESTING_MAX} levels deep", _FLATTER))
    return tree


def _parse_toml(file: FileText) -> Any:
    try:
        return tomllib.loads(file.text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _TOML_PLACE.search(message)
        line = int(place[1]) if place and place[1] else file.text.count("\n") + 1
        message = _TOML_PLACE.sub("", message)
        raise Unreadable(Finding(f"{file.shown}:{line}", f"not valid TOML: {message}", _toml_hint(message))) from None
    except ValueError:
        message = "a number, day or time in this file cannot be read"
        raise Unreadable(
            Finding(f"{file.shown}:1", message, "days are like 2026-09-01, numbers have few digits")
        ) from None


def _parse_json(file: FileText) -> Any:
    try:
        return json.loads(
            file.text, parse_float=JsonFraction, parse_constant=JsonFraction, object_pairs_hook=_pairs_without_twins
        )
    except json.JSONDecodeError as error:
        where = f"{file.shown}:{error.lineno}"
        raise Unreadable(Finding(where, f"not valid JSON: {error.msg}", "look here and on the line before")) from None
    except _Twin as twin:
        # Where it is written for the last time; near enough for a key that is written twice.
        line = file.text.count("\n", 0, max(file.text.rfind(json.dumps(str(twin))), 0)) + 1
        message = f'"{twin}" is written twice in one table'
        raise Unreadable(Finding(f"{file.shown}:{line}", message, "remove one of the two")) from None
    except ValueError:
        message = "a number in this file has too many digits"
        raise Unreadable(Finding(f"{file.shown}:1", message, "no price needs more than 12 digits")) from None


def _toml_hint(message: str) -> str:
    """What to do about a mistake of syntax; texts without quotes and keys written twice are the usual ones."""
    if "overwrite" in message or "twice" in message or "redefine" in message:
        return "this key or table is written before; remove one of the two"
    if "value" in message.lower():
        return "write a text in double quotes, a number as 0.30, an instant as 2026-09-01T00:00:00Z"
    return "look here and on the line before"


class _Twin(Exception):
    """A key that is written twice in one JSON object."""


def _pairs_without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twin(key)
            seen.add(key)
    return table


def paths_in(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The path of everything inside a value, each before what is inside it, in order."""
    items: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key)
        yield from paths_in(item, (*path, key))
