"""Two contents of a document held against each other, figure by figure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from tokentill.canonical import canonical_bytes
from tokentill.verification.terms.keys import Table


def in_any_order(listed: Any) -> list[Table]:
    return sorted(listed, key=canonical_bytes)


def with_all_keys(content: Table) -> Table:
    """A stored content with the keys that older forms leave out, and parts and steps in an order of their own."""
    lines = [
        {
            **line,
            "quantities": {name: count for name, count in line["quantities"].items() if count},
            "parts": in_any_order({**part, "steps": in_any_order(part["steps"])} for part in line["parts"]),
        }
        for line in content["lines"]
    ]
    return {"kind": "period", "items": [], "due": content["total"], "waived": [], **content, "lines": lines}


KEYS = {
    "": "form kind customer corrects period lines items due waived",
    "line": "kind description requests quantities exact_amount amount parts",
    "item": "kind name amount",
}
"""Keys that each document of form 2, and each of its lines and items has, whether they say something or not."""


def absent_keys(content: Table) -> Iterator[str]:
    """The keys that a document of form 2 lacks."""
    rows = [("", content)]
    rows += [(f"line {number}", one) for number, one in enumerate(content.get("lines", ()), start=1)]
    rows += [(f"item {number}", one) for number, one in enumerate(content.get("items", ()), start=1)]
    for place, row in rows:
        for key in KEYS[place.partition(" ")[0]].split():
            if key not in row:
                yield f"{place or 'its content'} has no {key!r}, which documents of its form always state"


_FIRST = """customer period_start period_end currency lines subtotal items total due rule price_entry requests
    quantities exact_amount amount""".split()
_LAST = ("daily", "parts", "steps")


def _in_turn(key: str) -> tuple[int, str]:
    """Causes are named before what follows from them."""
    if key in _FIRST:
        return _FIRST.index(key), key
    return len(_FIRST) + (1 + _LAST.index(key) if key in _LAST else 0), key


def differences(worked_out: Any, stored: Any, place: str = "") -> Iterator[str]:
    """Where two contents differ, with both figures. A key that one of them has not is null there."""
    if isinstance(worked_out, dict) and isinstance(stored, dict):
        for key in sorted(worked_out.keys() | stored.keys(), key=_in_turn):
            yield from differences(worked_out.get(key), stored.get(key), f"{place}, {key}" if place else key)
    elif isinstance(worked_out, list) and isinstance(stored, list):
        if len(worked_out) != len(stored):
            yield f"{place}: there are {len(stored)}, and the records come to {len(worked_out)}"
        for number, (one, other) in enumerate(zip_longest(worked_out, stored), start=1):
            yield from differences(one, other, f"{place.removesuffix('s')} {number}{_called(one, other)}")
    elif worked_out != stored or type(worked_out) is not type(stored):
        yield f"{place} is {_shown(stored)}, and the records come to {_shown(worked_out)}"


def _called(*rows: Any) -> str:
    """What a line or an item is called, for a message."""
    names = [row.get("description") or row.get("name") or row.get("day") for row in rows if isinstance(row, dict)]
    return f" ({names[0]})" if names and names[0] else ""


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{key} {value[key]}" for key in sorted(value, key=_in_turn)[:4] if value[key] is not None)
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
