"""JSON from outside, read strictly and exactly.

One object at a time, from bytes. Numbers with a point or an exponent become `Decimal`, never float; `NaN`, repeated
keys, deep nesting and endless numbers are refused. Every failure is an `InvalidRecord`, whatever the bytes are.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.usage.type_words import type_text

DEPTH_MAX = 32
NUMBER_CHARACTERS_MAX = 40

_WHITESPACE = " \t\n\r"
# The last quote may be missing: a string that nobody closed is one token to its end, and is never gone over again.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)


def parse_object(raw: bytes, depth_max: int = DEPTH_MAX) -> dict[str, Any]:
    """The one JSON object that `raw` is, nested no deeper than so many levels.

    Raises:
        InvalidRecord: with the reason, when it is anything else.
    """
    if raw.count(b"{") + raw.count(b"[") > depth_max:
        _refuse_depth(raw, depth_max)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"byte {error.start + 1} of it is not valid UTF-8") from None
    if text[:1] != "{":
        text = text.lstrip(_WHITESPACE)
    try:
        value, end = _scan(text, 0)
    except StopIteration as stop:
        raise InvalidRecord(f"not valid JSON: no value at character {stop.value + 1}") from None
    except json.JSONDecodeError as error:
        raise InvalidRecord(f"not valid JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}") from None
    except RecursionError:
        raise InvalidRecord(f"nested deeper than {depth_max} levels") from None
    if end != len(text) and text[end:].strip(_WHITESPACE):
        raise InvalidRecord(f"not valid JSON: more after the value that ends at character {end}")
    if type(value) is not dict:
        raise InvalidRecord(f"not a JSON object but {type_text(value)}")
    return value


def repeated(names: Iterable[str]) -> list[str]:
    """Those of these names that occur more than once, in the order in which they come."""
    return [name for name, count in Counter(names).items() if count > 1]


def _refuse_depth(raw: bytes, depth_max: int) -> None:
    depth = 0
    for token in _BRACKETS.finditer(raw):
        if token[0] in b"{[":
            depth += 1
            if depth > depth_max:
                raise InvalidRecord(f"nested deeper than {depth_max} levels")
        elif token[0] in b"}]":
            depth -= 1


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRecord(f"the key {repeated(name for name, _ in pairs)[0][:64]!r} occurs twice in one object")
    return members


def exact_decimal(text: str) -> Decimal:
    """A number with a point or an exponent.

    Raises:
        InvalidRecord: for one that is too long, or out of range.
    """
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise InvalidRecord(f"a number of {len(text)} characters; at most {NUMBER_CHARACTERS_MAX} are accepted")
    try:
        return Decimal(text)
    except ArithmeticError:
        raise InvalidRecord(f"the number {text} is out of range") from None


def _integer(text: str) -> int:
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise InvalidRecord(f"a number of {len(text)} characters; at most {NUMBER_CHARACTERS_MAX} are accepted")
    return int(text)


def _refuse_constant(name: str) -> object:
    raise InvalidRecord(f"{name} is not a number that JSON has")


_scan: Callable[[str, int], tuple[Any, int]] = vars(
    json.JSONDecoder(
        object_pairs_hook=_unique, parse_float=exact_decimal, parse_int=_integer, parse_constant=_refuse_constant
    )
)["scan_once"]
