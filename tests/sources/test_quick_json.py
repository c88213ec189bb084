"""An object that is read at once is the one that the strict way reads; what is odd is left to that."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from tests.shares import IN_CAMPAIGNS
from tokentill.errors import InvalidRecord
from tokentill.sources.quick_json import quick_object
from tokentill.sources.strict_json import parse_object

NUMBERS = (
    *("0", "-0", "-0.0", "1.0", "1e2", "1E400", "1e-400", "01", "1.", ".5", "-1.50", "NaN", "Infinity"),
    *("18446744073709551616", "-9223372036854775809", "9" * 40, "9" * 41, "0." + "0" * 38 + "1", "0." + "0" * 39 + "1"),
)
OTHERS = (
    "true",
    "null",
    '"a"',
    '"\u00e9"',
    '"\\u00e9"',
    "[1,2.5]",
    "{}",
    '{"a":1,"a":2}',
    '{"a":{"b":1,"b":1}}',
    '"\x01"',
)
FRAMES = (
    '{"k":%s}',
    ' {"k" : %s } ',
    '{"k":%s}x',
    '{"k":[%s]}',
    '{"k":%s,"k":1}',
    '{"":%s}',
    '\ufeff{"k":%s}',
    '\f{"k":%s}',
)
LINES = (
    b'{"a":1.50,"b":[1,2,{"c":null}],"d":"x","e":-12,"f":1e-7}',
    b'{"id":"r1","n":123,"cost":0.000012,"m":{"a":{"b":3}}}',
)
BYTES = b'{}[]",:0123456789.eE+-truefalsn \t\xc3\xa9\x80\x00'
MUTATED = 1_000_000 if IN_CAMPAIGNS else 5_000


def same(one: Any, other: Any) -> bool:
    """Whether two values are one, also in their types, the order of their keys and how an amount was written."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return str(one) == str(other) if isinstance(one, Decimal) else bool(one == other)


def strict(raw: bytes) -> object:
    try:
        return parse_object(raw)
    except InvalidRecord as error:
        return str(error)


def mutated(chance: random.Random) -> bytes:
    raw = bytearray(chance.choice(LINES))
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(raw) + 1)
        raw[place : place + chance.randrange(4)] = bytes(chance.choices(BYTES, k=chance.randrange(3)))
    return bytes(raw)


def test_both_ways_read_the_same() -> None:
    chance = random.Random(13)
    given = [(frame % value).encode() for frame in FRAMES for value in (*NUMBERS, *OTHERS)]
    given += [mutated(chance) for _ in range(MUTATED)]
    quick = {raw: value for raw in given if (value := quick_object(raw)) is not None}
    taken = sum(raw in quick for raw in given)
    assert 0.05 * len(given) < taken < 0.95 * len(given)  # neither way is idle
    assert [raw for raw, value in quick.items() if not same(value, strict(raw))] == []
