"""Price tables that a program states itself: from mappings to canonical contents, by the same checks as files.

A finding is placed by its path in the mapping, `mapping 1: price[0].rates.input`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from tokentill.canonical import Content
from tokentill.errors import Finding, InvalidFiles
from tokentill.recordings.checks import prices, twice
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import NESTING_MAX, FileText, Unreadable, paths_in
from tokentill.recordings.recording import Recording, Recordings, recording_of

_VALUES = (str, int, Decimal, datetime, date, time)
KIND = "prices"


@dataclass(frozen=True)
class MappingText(FileText):
    """A mapping in the place of a file. Its keys are in order as if each stood on a line of its own."""

    tree: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def lines(self) -> Mapping[KeyPath, int]:
        """The number of every key path; 1 is the whole."""
        return {path: number for number, path in enumerate(paths_in(self.tree), start=2)}

    def where(self, key_path: KeyPath) -> str:
        """The path of a key, or of what is nearest around it."""
        while key_path and key_path not in self.lines:
            key_path = key_path[:-1]
        return _where(self.shown, key_path)


def price_contents(mappings: Iterable[Mapping[str, Any]]) -> list[Content]:
    """The canonical contents of price tables, each as a JSON file would state it.

    Raises:
        InvalidFiles: with every mistake. Nothing is taken then.
    """
    findings: list[Finding] = []
    listed: list[Recording] = []
    unread: dict[str, str | None] = {}
    for number, mapping in enumerate(mappings, start=1):
        name = f"mapping {number}"
        try:
            if not isinstance(mapping, Mapping):
                raise Unreadable(Finding(name, "this is no mapping"))
            text = MappingText(name, name, "", _value(mapping, name, ()))
            if text.tree.get("kind") != KIND:
                raise Unreadable(text.finding(("kind",), f'"kind" is not "{KIND}"', f'write kind = "{KIND}"'))
            listed.append(recording_of(text.tree, text, KIND))
        except Unreadable as error:
            findings.extend(error.findings)
            unread[f"models/{name}"] = None
    recordings = Recordings(Path(), tuple(listed), unread=unread)
    findings += [finding for check in (*twice.CHECKS, *prices.CHECKS) for finding in check(recordings)]
    findings = [finding for finding in findings if not finding.is_warning]
    if findings:
        raise InvalidFiles(list(dict.fromkeys(findings)))
    return [recording.content for recording in listed]


def _value(value: object, name: str, path: KeyPath) -> Any:
    """Mappings and sequences as dicts and lists; what no file could hold is refused."""

    def refused(message: str, hint: str = "") -> Unreadable:
        return Unreadable(Finding(_where(name, path), message, hint))

    if len(path) > NESTING_MAX:
        raise refused(f"it is nested more than {NESTING_MAX} levels deep")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise refused(f"the key {key!r} is not a text")
        return {key: _value(item, name, (*path, key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item, name, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, float):
        raise refused(f"{value!r} is a float, which is no exact number", f'write "{value!r}" or Decimal("{value!r}")')
    if not isinstance(value, _VALUES):
        raise refused(f"a value of {type(value).__name__} stands here")
    return value


def _where(name: str, path: KeyPath) -> str:
    """`mapping 1: price[0].rates.input`; a key that is no plain word stands in quotes."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += ("." if text else "") + (key if key.isidentifier() and key.isascii() else json.dumps(key[:64]))
    return f"{name}: {text}" if text else name
