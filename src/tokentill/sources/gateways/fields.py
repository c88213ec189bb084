"""Single values from outside, read strictly: instants, counts, amounts, flags.

Values come from `strict_json` (text, int, Decimal, bool, None, list, dict) or are the text of a CSV cell. Each
function raises `InvalidRecord` with the field's name and the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from tokentill.errors import InvalidAmount, InvalidRecord
from tokentill.money import check_amount, parse_amount
from tokentill.sources.layouts.table import Column
from tokentill.usage.quantities import count_text
from tokentill.usage.type_words import type_text

_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
_OFFSET = r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_RFC_3339 = re.compile(rf"\d{{4}}-\d\d-\d\d[Tt]{_TIME}{_OFFSET}", re.ASCII).fullmatch
_OR_NAIVE = re.compile(rf"\d{{4}}-\d\d-\d\d[Tt ]{_TIME}({_OFFSET})?", re.ASCII).fullmatch
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch
_DIGITS = re.compile(r"0|[1-9][0-9]{0,39}", re.ASCII).fullmatch
_FLAGS = {"true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}
SCALE_MAX = 24


def instant(name: str, value: object) -> datetime:
    """An instant after RFC 3339, with `Z` or an offset. What is finer than a microsecond is cut off.

    Raises:
        InvalidRecord: for anything else, including a time without an offset.
    """
    if type(value) is not str:
        raise InvalidRecord(f"{name} is {'missing' if value is None else type_text(value)}")
    if _RFC_3339(value) is None:
        raise InvalidRecord(f"{name} {value[:40]!r} is not an RFC 3339 instant like 2026-10-01T12:00:00Z")
    return _instant(name, value)


def instant_or_naive_utc(name: str, value: object) -> datetime:
    """As `instant`, for sources that leave out the `T` or the offset and mean UTC.

    Raises:
        InvalidRecord: for anything else.
    """
    if type(value) is not str:
        raise InvalidRecord(f"{name} is {'missing' if value is None else type_text(value)}")
    match = _OR_NAIVE(value)
    if match is None:
        raise InvalidRecord(f"{name} {value[:40]!r} is not an instant like 2026-10-01 12:00:00+00:00")
    moment = _instant(name, value)
    return moment.replace(tzinfo=UTC) if match[1] is None else moment


def day(name: str, value: object) -> date:
    """A day, like 2026-10-01.

    Raises:
        InvalidRecord: for anything else.
    """
    if type(value) is not str:
        raise InvalidRecord(f"{name} is {'missing' if value is None else type_text(value)}")
    try:
        if _DAY(value) is not None:
            return date.fromisoformat(value)
    except ValueError as error:
        raise InvalidRecord(f"{name} {value!r} is not a day: {error}") from None
    raise InvalidRecord(f"{name} {value[:40]!r} is not a day like 2026-10-01")


def count(name: str, value: object) -> int:
    """A non-negative integer.

    Raises:
        InvalidRecord: for anything else: text, a number with a point, true.
    """
    if type(value) is not int:
        shown = f" ({value})" if type(value) is Decimal else ""
        raise InvalidRecord(f"{name} is {type_text(value)}{shown}, not a whole number")
    if value < 0:
        raise InvalidRecord(f"{name} is negative ({count_text(value)})")
    return value


def amount(name: str, value: object) -> Decimal:
    """An exact amount: a JSON number, or a decimal string.

    Raises:
        InvalidRecord: for anything else, and for one that has more than `SCALE_MAX` digits after the point.
    """
    try:
        if type(value) is Decimal:
            exponent = value.as_tuple().exponent
            if type(exponent) is int and -SCALE_MAX <= exponent <= 0:
                return value
            return check_amount(value, scale_max=SCALE_MAX)
        if type(value) is int:
            return check_amount(Decimal(value), scale_max=SCALE_MAX)
        if type(value) is str:
            return parse_amount(value, scale_max=SCALE_MAX)
    except (InvalidAmount, ArithmeticError) as error:
        raise InvalidRecord(f"{name}: {error}") from None
    raise InvalidRecord(f"{name} is {type_text(value)}, not an amount")


def flag(name: str, value: object) -> bool:
    """True or false.

    Raises:
        InvalidRecord: for anything else.
    """
    if type(value) is not bool:
        raise InvalidRecord(f"{name} is {type_text(value)}, not true or false")
    return value


def text_cell(_name: str, cell: str) -> str:
    """A CSV cell that is text."""
    return cell


def count_cell(name: str, cell: str) -> int:
    """A CSV cell that is a non-negative integer in ASCII digits.

    Raises:
        InvalidRecord: for anything else.
    """
    if _DIGITS(cell) is None:
        raise InvalidRecord(f"{name} {cell[:40]!r} is not a whole number in plain digits")
    return int(cell)


def flag_cell(name: str, cell: str) -> bool:
    """A CSV cell that is `true` or `false`.

    Raises:
        InvalidRecord: for anything else.
    """
    value = _FLAGS.get(cell)
    if value is None:
        raise InvalidRecord(f"{name} {cell[:40]!r} is not true or false")
    return value


def columns_by_kind(kinds: Mapping[str, Callable[[str, str], object]]) -> Callable[[Sequence[str]], tuple[Column, ...]]:
    """What reads a header: columns that are not in `kinds` are counts if they end like one, otherwise text."""

    def kind(name: str) -> Callable[[str, str], object]:
        return kinds.get(name, count_cell if name.endswith("_tokens") else text_cell)

    return lambda names: tuple(Column(name, kind(name)) for name in names)


def _instant(name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise InvalidRecord(f"{name} {text[:40]!r} is not an instant: {error}") from None
