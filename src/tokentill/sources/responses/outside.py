"""A response from outside, whatever it is made of, as plain values: the parts that are asked for, within limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.strict_json import DEPTH_MAX, NUMBER_CHARACTERS_MAX, parse_object
from tokentill.usage.quantities import count_text

TEXT_BYTES_MAX = 64 * 1024 * 1024
INTEGER_END = 10**NUMBER_CHARACTERS_MAX
VALUES_MAX = 20_000
"""More values than any usage object has."""

_PLAIN = (str, int, bool, Decimal, float, datetime, type(None))


def opened(response: object) -> object:
    """The response itself, or what its JSON text says, with exact numbers.

    Raises:
        InvalidRecord: when it is text but not a single JSON object, or is not a response at all.
    """
    if isinstance(response, str):
        try:
            response = response.encode()
        except UnicodeEncodeError:
            raise InvalidRecord("the response holds a lone surrogate, which is not a character") from None
    if isinstance(response, (bytes, bytearray)):
        if len(response) > TEXT_BYTES_MAX:
            raise InvalidRecord(f"a response of {len(response)} bytes; at most {TEXT_BYTES_MAX} are accepted")
        return parse_object(bytes(response))
    if response is None or isinstance(response, (*_PLAIN, list, tuple, type)):
        raise InvalidRecord(f"a response is JSON text, a mapping or an object, and this is {type(response).__name__}")
    return response


def part(response: object, *names: str) -> object:
    """What a response holds under the first of these names that is there; None where all are missing."""
    for name in names:
        value = response.get(name) if isinstance(response, Mapping) else getattr(response, name, None)
        if value is not None:
            return value
    return None


def parts(response: object, names: Iterable[str]) -> dict[str, Any]:
    """The plain values under these names, without those that are missing or null."""
    return {name: plain(value) for name in names if (value := part(response, name)) is not None}


def plain(value: object) -> Any:
    """Mappings become dicts, objects of an SDK too, enums their values. Anything else stays what it is.

    Raises:
        InvalidRecord: when it is nested too deeply or holds too much.
    """
    return _Plain().of(value, 0)


class _Plain:
    """Counts the values that it makes plain."""

    def __init__(self) -> None:
        self.left = VALUES_MAX

    def of(self, value: object, depth: int) -> Any:
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, _PLAIN):
            if isinstance(value, int) and abs(value) >= INTEGER_END:
                raise InvalidRecord(f"{count_text(value)} is larger than any count")
            if isinstance(value, Decimal) and not value.is_finite():
                raise InvalidRecord(f"{value} is not a finite number")
            return value
        self.left -= 1
        if depth > DEPTH_MAX or self.left < 0:
            raise InvalidRecord(f"the usage is nested deeper than {DEPTH_MAX} levels or holds over {VALUES_MAX} values")
        if isinstance(value, (list, tuple)):
            self.left -= len(value)
            return [self.of(item, depth + 1) for item in value]
        members = _members(value)
        if members is None:
            return value
        self.left -= len(members)
        return {str(name): self.of(member, depth + 1) for name, member in members.items()}


def _members(value: object) -> Mapping[Any, object] | None:
    """What an object holds by name; None for one that holds nothing."""
    if isinstance(value, Mapping):
        return value
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        dumped = dump()
        return dumped if isinstance(dumped, Mapping) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {member.name: getattr(value, member.name) for member in fields(value)}
    return getattr(value, "__dict__", None)
