"""JSON from outside, read at once where nothing about it is odd, and otherwise strictly."""

from __future__ import annotations

from typing import Any

import msgspec

from tokentill.errors import InvalidRecord
from tokentill.sources.strict_json import DEPTH_MAX, NUMBER_CHARACTERS_MAX, exact_decimal, parse_object

_LONG_WHOLE = b"0" * (NUMBER_CHARACTERS_MAX + 1)
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_decode = msgspec.json.Decoder(float_hook=exact_decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode
_ERRORS = (msgspec.MsgspecError, InvalidRecord, UnicodeDecodeError, OverflowError, RecursionError)


def parse_line(raw: bytes) -> dict[str, Any]:
    """The one JSON object that `raw` is, as `parse_object` reads it.

    Raises:
        InvalidRecord: as `parse_object`.
    """
    quick = quick_object(raw)
    return parse_object(raw) if quick is None else quick


def quick_object(raw: bytes) -> dict[str, Any] | None:
    """The object where nothing about it is odd; otherwise None, and the strict way has the word.

    A doubled key is found by the number of quotes: without escapes every key and text has two, and nothing else any.
    """
    is_deep = raw.count(b"{") + raw.count(b"[") > DEPTH_MAX
    if is_deep or b"\\" in raw or _LONG_WHOLE in raw.translate(_ZEROS):
        return None
    try:
        value = _decode(raw)
        is_whole = type(value) is dict and _encode(value).count(b'"') == raw.count(b'"')
    except _ERRORS:
        return None
    return value if is_whole else None
