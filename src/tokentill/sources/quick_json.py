"""JSON from outside, read at once where nothing about it is odd, and otherwise strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tokentill.errors import InvalidRecord
from tokentill.sources.strict_json import DEPTH_MAX, NUMBER_CHARACTERS_MAX, exact_decimal, parse_object

_ODD_ESCAPE = re.compile(rb"\\(?!u(?!0022))")
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_decode = msgspec.json.Decoder(float_hook=exact_decimal).decode
encode = msgspec.json.Encoder(decimal_format="number").encode
ERRORS = (msgspec.MsgspecError, InvalidRecord, UnicodeDecodeError, OverflowError, RecursionError)
"""What decoding raises for bytes that are not as the strict way would have them."""


def parse_line(raw: bytes) -> dict[str, Any]:
    """The one JSON object that `raw` is, as `parse_object` reads it.

    Raises:
        InvalidRecord: as `parse_object`.
    """
    quick = quick_object(raw)
    return parse_object(raw) if quick is None else quick


def quick_object(raw: bytes) -> dict[str, Any] | None:
    """The object where nothing about it is odd; otherwise None, and the strict way has the word.

    A doubled key is found by the number of quotes: without escapes of quotes every key and text has two, and nothing
    else any.
    """
    if has_odd_escapes(raw) or is_deep_or_long(raw):
        return None
    try:
        value = _decode(raw)
        is_whole = type(value) is dict and encode(value).count(b'"') == raw.count(b'"')
    except ERRORS:
        return None
    return value if is_whole else None


def is_deep_or_long(raw: bytes, digits_max: int = NUMBER_CHARACTERS_MAX) -> bool:
    """Whether an object may be nested deeper than the strict way takes, or hold a whole number of more digits."""
    return raw.count(b"{") + raw.count(b"[") > DEPTH_MAX or b"0" * (digits_max + 1) in raw.translate(_ZEROS)


def has_odd_escapes(raw: bytes) -> bool:
    """Whether there are other escapes than those of characters by their numbers, or one of a quote."""
    return _ODD_ESCAPE.search(raw) is not None


def decoded_lines(
    decode: Callable[[bytes], Any], lines: Sequence[bytes], is_odd: Callable[[bytes], bool] = has_odd_escapes
) -> tuple[list[Any], list[int]]:
    """What typed decoding makes of the lines that it takes and that are not odd, and their places."""
    try:
        if not is_odd(b"".join(lines)):
            return list(map(decode, lines)), list(range(len(lines)))
    except ERRORS:
        pass  # some line is odd; which one, is seen line by line
    decoded, places = [], []
    for place, line in enumerate(lines):
        try:
            if line and not is_odd(line):
                decoded.append(decode(line))
                places.append(place)
        except ERRORS:
            continue  # it has no place here, so the strict way reads it, and says what is wrong
    return decoded, places
