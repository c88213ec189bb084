"""The line of a key in a TOML or JSON text, which the standard parsers do not tell."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tokentill.recordings.positions import KeyPath, json_lines, line_of, toml_lines
from tokentill.shipped import shipped_folder

TRICKY = '''# [[price]] in a comment
title = "a = 1 # no comment"   # comment with ] and "
"quoted key" . 'other' = 1
text = """
[[price]]
fake = 1 \\""" still
"""
literal = \'\'\'
[price]
it''s\'\'\'
list = [
  # a comment, with a comma
  1,
  [ 2, { deep = "x" } ],
]

[[price]]
model = "a"
rates = { input = 1, "cache_read" = 0.3 }
mode.batch.rates = { input = 1 }

  [[price.tier]]
  when = { input_tokens_gt = 1 }

  [[price.tier]]
  when = { input_tokens_gt = 2 }

[[price]]
model = \'b\'
  [price.mode.flex]
  rates.input = 2
    [[price.mode.flex.tier]]
    rates = { input = 1 }
[ other . "table" ]
at = 2026-01-01 00:00:00Z
'''

EXPECTED: dict[KeyPath, int] = {
    ("title",): 2,
    ("quoted key", "other"): 3,
    ("text",): 4,
    ("literal",): 8,
    ("list",): 11,
    ("list", 0): 13,
    ("list", 1): 14,
    ("list", 1, 1, "deep"): 14,
    ("price", 0): 17,
    ("price", 0, "rates", "cache_read"): 19,
    ("price", 0, "mode", "batch", "rates", "input"): 20,
    ("price", 0, "tier", 0): 22,
    ("price", 0, "tier", 1, "when", "input_tokens_gt"): 26,
    ("price", 1): 28,
    ("price", 1, "model"): 29,
    ("price", 1, "mode", "flex"): 30,
    ("price", 1, "mode", "flex", "rates", "input"): 31,
    ("price", 1, "mode", "flex", "tier", 0, "rates"): 33,
    ("other", "table", "at"): 35,
}


def paths_of(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths_of(item, (*path, key))


@pytest.mark.parametrize(("path", "line"), EXPECTED.items(), ids=map(str, EXPECTED))
def test_the_line_of_a_key_is_where_it_is_written(path: KeyPath, line: int) -> None:
    assert line_of(toml_lines(TRICKY), path) == line


def test_every_key_of_a_toml_text_has_a_line() -> None:
    assert set(paths_of(tomllib.loads(TRICKY))) - set(toml_lines(TRICKY)) == set()


@pytest.mark.parametrize("file", sorted(shipped_folder("pricing").glob("*/*.toml")), ids=lambda file: file.name)
def test_every_key_of_a_shipped_file_stands_on_its_line(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines, written = toml_lines(text), text.split("\n")

    for path in paths_of(tomllib.loads(text)):
        key = path[-1] if isinstance(path[-1], str) else path[-2]
        if not (isinstance(path[-1], int) and key in ("days", "between", "aliases", "models")):
            assert str(key) in written[lines[path] - 1]


def test_a_json_text_gives_the_lines_of_the_same_keys() -> None:
    tree = {"a": [1, {"b": 'x, ] } " y'}], "c": {"d": {}, "e": []}, 'q"k': None}
    text = json.dumps(tree, indent=1)

    lines = json_lines(text)

    assert set(paths_of(tree)) == set(lines)
    for path, line in lines.items():
        if isinstance(path[-1], str):
            assert json.dumps(path[-1]) + ":" in text.split("\n")[line - 1]


def test_a_key_that_is_not_written_has_the_line_of_its_table() -> None:
    assert line_of(toml_lines(TRICKY), ("price", 1, "rates", "input")) == 28
    assert line_of(toml_lines(TRICKY), ("nowhere",)) == 1


def test_a_text_that_breaks_off_gives_the_lines_up_to_there() -> None:
    assert toml_lines('a = 1\nb = 2\nc = "') == {("a",): 1, ("b",): 2, ("c",): 3}
    assert json_lines('{"a": 1,\n"b": [2') == {("a",): 1, ("b",): 2, ("b", 0): 2}
