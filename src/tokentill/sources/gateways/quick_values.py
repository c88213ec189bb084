"""Whole columns of values from outside, read at once: instants, costs and ids.

Each function says of all values at once what the strict way (`fields`, `usage.record`) says of each, or that one is
odd: then the strict way has the word. What is odd has some value in the column, which means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tokentill.clock import EPOCH, MICROSECOND, to_micros
from tokentill.usage.ids import ID_BYTES_MAX
from tokentill.usage.quantities import QUANTITY_MAX

_NUMBER = rb"(?:0|(?:[1-9][0-9]{0,4})?[1-9]|(?:0|[1-9][0-9]{0,5})\.[0-9]{1,24})"
_SMALL = rb"[0-9](?:\.[0-9]{1,16})?[eE]-0?[1-8]"
_COST = rb'(?:null|%s|%s|"%s");' % (_NUMBER, _SMALL, _NUMBER)
_is_cost, _are_costs = re.compile(_COST).fullmatch, re.compile(rb"(?:%s)*+" % _COST).fullmatch
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
_OFFSET = r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
ALL_OF_TIME = (to_micros(datetime(1971, 1, 2, tzinfo=UTC)), to_micros(datetime(2199, 12, 30, tzinfo=UTC)))
"""The first and the last instant that are in order whatever their offset from UTC is, in microseconds since 1970."""


class Instants:
    """How instants are written: `separator` is what stands between the day and the time, as a pattern; `is_naive_utc`
    where a text without an offset means UTC.
    """

    def __init__(self, separator: str = "T", *, is_naive_utc: bool = False) -> None:
        pattern = rf"{_DAY}{separator}{_TIME}{_OFFSET};"
        self._is_one, self._are = re.compile(pattern).fullmatch, re.compile(rf"(?:{pattern})*+").fullmatch
        self._is_naive_utc = is_naive_utc

    def micros(self, written: Sequence[str], within: tuple[int, int], odd: set[int]) -> list[int]:
        """Instants in microseconds since 1970; those that do not lie within are odd."""
        low, high = _bounds(within)
        if self._is_naive_utc:
            written = _with_offsets(written)
        joined = ";".join(written) + ";"
        try:
            if joined.count(";") == len(written) and self._are(joined):
                instants = [(instant - EPOCH) // MICROSECOND for instant in map(datetime.fromisoformat, written)]
                if low <= min(instants, default=low) and max(instants, default=high) <= high:
                    return instants
        except (ValueError, OverflowError):
            pass  # some text is no instant; which one, is seen one by one
        return micros_within([self._one(text) for text in written], within, odd)

    def _one(self, text: str) -> int | None:
        try:
            is_one = ";" not in text and self._is_one(text + ";") is not None
            return to_micros(datetime.fromisoformat(text)) if is_one else None
        except (ValueError, OverflowError):
            return None


RFC_3339 = Instants()


def micros_within(instants: Sequence[int | None], within: tuple[int, int], odd: set[int]) -> list[int]:
    """Instants in microseconds since 1970, of which those that are missing or do not lie within are odd."""
    low, high = _bounds(within)
    known = [low - 1 if instant is None else instant for instant in instants]
    if min(known) < low or max(known) > high:
        odd.update(n for n, instant in enumerate(known) if not low <= instant <= high)
    return known


def _bounds(within: tuple[int, int]) -> tuple[int, int]:
    return max(within[0], ALL_OF_TIME[0]), min(within[1], ALL_OF_TIME[1])


def _with_offsets(written: Sequence[str]) -> Sequence[str]:
    """Texts of instants with an offset from UTC, wherever one has none."""
    ends = {text[-6:-5] for text in written}
    if ends <= {"+", "-"}:
        return written
    return [text if text[-6:-5] in ("+", "-") or text[-1:] in ("Z", "z") else f"{text}Z" for text in written]


def costs_of(written: Sequence[Any], odd: set[int]) -> list[str | None]:
    """Costs as plain numbers, each with the digits that the strict way leaves it, of the bytes that were read."""
    raw = [b"null" if one is None else one for one in written] if None in written else written
    joined = b";".join(raw) + b";"
    if joined.count(b";") != len(raw) or _are_costs(joined) is None:
        return [_cost_of(bytes(one), n, odd) for n, one in enumerate(raw)]
    texts: list[str | None] = list(joined[:-1].decode().split(";")) if raw else []
    if b'"' in joined or b"n" in joined or b"e" in joined or b"E" in joined:
        texts = [_plain(text, n, odd) for n, text in enumerate(joined[:-1].decode().split(";"))]
    return texts


def _cost_of(raw: bytes, place: int, odd: set[int]) -> str | None:
    if b";" in raw or _is_cost(raw + b";") is None:
        odd.add(place)
        return None
    return _plain(raw.decode(), place, odd)


def _plain(text: str, place: int, odd: set[int]) -> str | None:
    if text.startswith('"'):
        text = text.strip('"')
        if text[-1] == "0" and "." in text:  # the strict way shortens texts, and not numbers
            text = text.rstrip("0")
            if text.endswith("."):
                odd.add(place)
    elif text == "null":
        return None
    elif "e" in text or "E" in text:
        return format(Decimal(text), "f")
    return text


def odd_ids(ids: Sequence[str]) -> Iterable[int]:
    """The places of ids that are missing, or not so plain that they can be kept whatever they are."""
    characters_max = ID_BYTES_MAX // 4
    longest = max(map(len, ids), default=0)
    if all(ids) and longest <= characters_max and "".join(ids).isprintable():
        return ()
    return (n for n, id_ in enumerate(ids) if not (0 < len(id_) <= characters_max and id_.isprintable()))


def request_keys_of(written: Sequence[str | None], record_ids: Sequence[str], odd: set[int]) -> list[str | None]:
    """Request keys as records keep them, which is none where it is the record's own id."""
    keys = [key if key and key != id_ else None for key, id_ in zip(written, record_ids, strict=True)]
    if keys.count(None) < len(keys):
        characters_max = ID_BYTES_MAX // 4
        odd.update(n for n, key in enumerate(keys) if key and not (len(key) <= characters_max and key.isprintable()))
    return keys


def check_counts(column: Sequence[int], odd: set[int]) -> None:
    """Find counts that are none."""
    if min(column) < 0 or max(column) > QUANTITY_MAX:
        odd.update(n for n, count in enumerate(column) if not 0 <= count <= QUANTITY_MAX)
