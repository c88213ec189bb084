"""The hostile corpus: what files may hold that nobody meant. One more damage is one more entry in a table here.

`FIXTURES` are whole files of every source, `ROWS` their records one by one. `NEVER` are values that no record may hold
anywhere, `ANYWHERE` those that a record may hold where it has no meaning, `LINES` whole lines that are no record. Each
is JSON text as it lies in a file.
"""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

from tests.sources.lines import DATA, canonical, text
from tests.zstd import zstd_packed
from tokentill.errors import Refused
from tokentill.sources.reading import read_records
from tokentill.usage.record import UsageRecord

FIXTURES = {path.name: path.read_bytes() for path in sorted(DATA.iterdir()) if path.is_file()}
FORMAT_OF: dict[str, str | None] = {}
for _path in sorted(DATA.iterdir()):
    with read_records(_path) as _opened:
        FORMAT_OF[_path.name] = _opened.format

NEVER: dict[str, bytes] = {
    "not a number": b"NaN",
    "infinity": b"-Infinity",
    "a number of 41 digits": b"1" + b"0" * 40,
    "a number of 100,000 digits": b"9" * 100_000,
    "an exponent out of range": b"1e99999999999999999999",
    "nested 40 deep": b"[" * 40 + b"]" * 40,
    "nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "a key twice": b'{"a":1,"a":1}',
    "a key twice, once escaped": b'{"a":1,"\\u0061":1}',
    "a raw NUL": b'"a\0b"',
    "a raw line feed of another line": b'"a\x1eb"',
    "no UTF-8": b'"\xff\xfe"',
    "a raw surrogate": b'"\xed\xa0\x80"',
    "an overlong slash": b'"\xc0\xaf"',
    "single quotes": b"'a'",
    "a comment": b"1/*2*/",
    "a leading plus": b"+1",
    "a leading zero": b"007",
    "an underscore": b"1_000",
    "full-width digits": "１２".encode(),
    "hexadecimal": b"0x10",
    "a bare point": b".5",
    "nothing": b"",
    "Python's None": b"None",
}
ANYWHERE: dict[str, bytes] = {
    "10 to the 30": b"1" + b"0" * 30,
    "a negative": b"-5",
    "a fraction": b"1.5",
    "an exponent": b"1e400",
    "a tiny one": b"1e-400",
    "minus zero": b"-0",
    "true": b"true",
    "null": b"null",
    "a list": b"[1]",
    "an object": b'{"a":{"b":[]}}',
    "digits as text": b'"12"',
    "Arabic digits as text": '"١٢"'.encode(),
    "NaN as text": b'"NaN"',
    "sNaN as text": b'"sNaN"',
    "a text of 600": b'"' + b"x" * 600 + b'"',
    "an escaped NUL": b'"a\\u0000b"',
    "an escaped surrogate": b'"a\\ud800b"',
    "a bidi override": '"a\u202eb"'.encode(),
    "a bidi isolate": '"a\u2066b"'.encode(),
    "zero width": '"a\u200bb"'.encode(),
    "a mark inside": '"a\ufeffb"'.encode(),
    "a terminal's escape": b'"\\u001b[2J"',
    "SQL": b'"\'; DROP TABLE usage; --"',
    "a formula": b'"=1+1"',
    "a path": b'"../../etc/passwd"',
    "HTML": b'"<script>alert(1)</script>"',
    "the year 9999": b'"9999-12-31T23:59:59Z"',
    "a leap second": b'"2026-12-31T23:59:60Z"',
}
LINES: dict[str, bytes] = {
    "no JSON": b"hello",
    "an open object": b'{"a":',
    "two objects": b'{"a":1}{"a":2}',
    "a list": b"[1,2]",
    "null": b"null",
    "a NUL": b"\0",
    "a mark": b"\xef\xbb\xbf",
    "an open quote": b'"aaaa',
    "a million brackets": b"[" * 900_000,
    "a page of HTML": b"<!doctype html><html>502 Bad Gateway</html>",
}


def _rows_of(content: bytes) -> list[Any]:
    try:
        whole = json.loads(content, parse_float=Decimal)
    except json.JSONDecodeError:
        return [json.loads(line, parse_float=Decimal) for line in content.splitlines() if line]
    held = whole.get("data") if isinstance(whole, dict) else whole
    return held if isinstance(held, list) else [whole]


ROWS = [(name, row) for name, content in FIXTURES.items() if not name.endswith(".csv") for row in _rows_of(content)]
"""Every record of the fixtures that are JSON, with the name of its fixture."""


def places(value: Any) -> list[tuple[Any, ...]]:
    """The way to every value inside of a row that holds no other."""
    if isinstance(value, dict) and value:
        return [(key, *rest) for key, inner in value.items() for rest in places(inner)]
    if isinstance(value, list) and value:
        return [(key, *rest) for key, inner in enumerate(value) for rest in places(inner)]
    return [()]


def with_value(row: Any, place: tuple[Any, ...], raw: bytes) -> bytes:
    """The row on one line, with raw bytes in one place."""
    mark = "put-here-2f1c"

    def put(value: Any, way: tuple[Any, ...]) -> Any:
        if not way:
            return mark
        copy = dict(value) if isinstance(value, dict) else list(value)
        copy[way[0]] = put(value[way[0]], way[1:])
        return copy

    return text(put(row, place)).encode().replace(f'"{mark}"'.encode(), raw)


def good_line(number: int) -> bytes:
    """A record in canonical form that has nothing to do with any other."""
    return text(canonical(f"beside-{number}")).encode()


def flipped(content: bytes, random: Random) -> tuple[bytes, int]:
    """The content with one byte that is another one, and where."""
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ random.randrange(1, 256)]) + content[at + 1 :], at


def packings(content: bytes) -> dict[str, bytes]:
    """The same content as it may be packed."""
    return {"plain": content, "gzip": gzip.compress(content, mtime=0), "zstd": zstd_packed(content)}


def outcome(content: bytes, read: Any, **options: Any) -> tuple[list[UsageRecord], list[Any], bool]:
    """The records and the bad lines of a file, and whether it was refused as a whole."""
    refused = ""
    try:
        return (*read(content, **options), False)
    except Refused as refusal:
        refused = str(refusal)
    assert refused.isprintable(), refused
    return [], [], True


def is_part_in_order(part: list[bytes], whole: list[bytes]) -> bool:
    """Whether a list is another one, with some left out."""
    places_of = [whole.index(one) if one in whole else -1 for one in part]
    return -1 not in places_of and all(a < b for a, b in pairwise(places_of))
