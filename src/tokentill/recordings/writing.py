"""Canonical content of a price table as TOML that a person would have written.

The inverse of reading: what is written reads back as content of the same hash. Equal content has equal text.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from tokentill.canonical import Content
from tokentill.usage.quantities import TOKEN_LEAVES

WIDTH = 118
SCHEMA_LINE = "#:schema ../schema/prices.json"

_AMOUNT_TABLES = ("rates", "geo")
_AMOUNT_KEYS = ("price",)
_INSTANT_KEYS = ("recorded_at", "valid_from", "valid_to")
_SUB_TABLES = ("tier", "window", "mode")
_HEADER_KEYS = ("format", "kind", "recorded_at", "currency", "applies_to_closed", "source", "note")
_ENTRY_KEYS = (
    "id prefix model models same_price apart_from aliases valid_from valid_to free per when rates fees fallback"
    " multiplier withdraws drops unusual source note".split()
)


def price_table_text(content: Content, *, comments: Iterable[str] = ()) -> str:
    """The TOML text of a recording of kind `prices`.

    Args:
        content: canonical content.
        comments: paragraphs to put before the header.
    """
    lines = [SCHEMA_LINE]
    for paragraph in comments:
        lines += ["#", *(f"# {line}" for line in textwrap.wrap(paragraph, WIDTH - 2))]
    lines += ["", *_pairs({key: content[key] for key in _HEADER_KEYS if key in content}, "")]
    model = None
    for entry in content.get("price", ()):
        if entry.get("model") != model:
            model = entry.get("model")
            lines += ["", "", f"# {model} ".ljust(WIDTH, "-")]
        lines += ["", "[[price]]", *_table(entry, "price", "")]
    for kind in ("alias", "route"):
        for item in content.get(kind, ()):
            lines += ["", f"[[{kind}]]", *_table(item, kind, "")]
    return "\n".join(lines) + "\n"


def _table(table: Content, name: str, indent: str) -> list[str]:
    """The keys of a table, then its sub-tables, each a step further in."""
    unknown = set(table) - {*_ENTRY_KEYS, *_SUB_TABLES}
    if unknown:
        raise ValueError(f"no way to write {', '.join(sorted(unknown))}")
    lines = _pairs({key: table[key] for key in _ENTRY_KEYS if key in table}, indent)
    inner = indent + "  "
    lines += [
        f"{indent}{kind} = {_value(table[kind], kind)}" for kind in _SUB_TABLES if kind in table and not table[kind]
    ]
    for kind in ("tier", "window"):
        for item in table.get(kind, ()):
            lines += ["", f"{inner}[[{name}.{kind}]]", *_table(item, f"{name}.{kind}", inner)]
    for mode, rates in table.get("mode", {}).items():
        mode_name = f"{name}.mode.{_key(mode)}"
        lines += ["", f"{inner}[{mode_name}]", *_table(rates, mode_name, inner)]
    return lines


def _pairs(table: Mapping[str, Any], indent: str) -> list[str]:
    width = max(map(len, table), default=0)
    lines = []
    for key, value in table.items():
        start = f"{indent}{key.ljust(width)} = "
        text = _value(value, key)
        is_long = len(start) + len(text) > WIDTH
        if is_long and isinstance(value, str):
            text = _long_text(value, indent)
        elif is_long and isinstance(value, list):
            text = _long_list(value, indent)
        lines.append(start + text)
    return lines


def _long_list(values: list[Any], indent: str) -> str:
    """A list over several lines, one value on each."""
    return "\n".join(["[", *(f"{indent}  {_value(value, '')}," for value in values), f"{indent}]"])


def _value(value: Any, key: str, table: str = "") -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, Mapping):
        order = sorted(value, key=_place) if key == "rates" else value
        inside = ", ".join(f"{_key(name)} = {_value(value[name], name, key)}" for name in order)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item, "") for item in value) + "]"
    if key in _INSTANT_KEYS or table in _AMOUNT_TABLES or key in _AMOUNT_KEYS:
        return str(value)
    return _quoted(value)


def _place(name: str) -> tuple[int, str]:
    is_known = name in TOKEN_LEAVES
    return (TOKEN_LEAVES.index(name) if is_known else len(TOKEN_LEAVES), name)


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()
    return name if is_bare else _quoted(name)


def _quoted(text: str) -> str:
    return '"' + _escaped(text) + '"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _long_text(text: str, indent: str) -> str:
    """A text over several lines, each ended by a backslash so that it reads back as one."""
    inner = indent + "  "
    lines = [""]
    for word in _escaped(text).split(" "):
        if lines[-1] and len(inner) + len(lines[-1]) + len(word) > WIDTH - 2:
            lines.append("")
        lines[-1] += word + " "
    lines[-1] = lines[-1][:-1]
    if any(line.startswith(" ") or not line for line in lines):
        return _quoted(text)  # a line must not begin with a space: the backslash before it would swallow it
    return '"""\\\n' + "\\\n".join(inner + line for line in lines) + '"""'
