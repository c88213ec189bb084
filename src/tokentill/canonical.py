"""One canonical form of content, and its hash.

Canonical content is made of dicts, lists, strings, integers, booleans and None; amounts are decimal strings
(`money.amount_text`), instants are RFC 3339 strings in UTC (`clock.instant_text`). Its bytes are JSON with sorted
keys and no spaces, so equal content has equal bytes on every machine and database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from tokentill.clock import instant_text
from tokentill.money import amount_text

Content = dict[str, Any]

_PLAIN = (str, int)


def form_of(value: Any) -> Any:
    """A value in canonical form: an amount, instant or day as its text, and what has content of its own as that.

    Raises:
        TypeError: for a float or any other type that has no canonical form.
    """
    if value is None or type(value) in _PLAIN or isinstance(value, _PLAIN):
        return value
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [form_of(item) for item in value]
    if isinstance(value, Mapping):
        return {key: form_of(item) for key, item in value.items()}
    if hasattr(value, "content"):
        return value.content()
    raise TypeError(f"a {type(value).__name__} ({value!r}) has no canonical form")


def fields_of(owner: object, *names: str) -> Content:
    """The named fields of a value, each under its name and in canonical form."""
    return {name: form_of(getattr(owner, name)) for name in names}


def stated_fields_of(owner: object, *names: str) -> Content:
    """The same, of those fields that are neither None nor an empty tuple."""
    return {name: form_of(value) for name in names if (value := getattr(owner, name)) is not None and value != ()}


class ContentOfFields:
    """A dataclass whose canonical content is its fields, each under its name, in their order."""

    __slots__ = ()

    def content(self: Any) -> Content:
        """Canonical content."""
        return fields_of(self, *_field_names(self.__class__))


@cache
def _field_names(owner: Any) -> tuple[str, ...]:
    return tuple(member.name for member in fields(owner))


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def canonical_bytes(content: object) -> bytes:
    """The canonical JSON bytes of content.

    Raises:
        TypeError: for a float or any other type that has no canonical form.
    """
    _refuse_floats(content)
    return _encode(content).encode()


def content_hash(content: object) -> str:
    """`sha256:` and 64 hex digits over the canonical bytes."""
    return hash_of_bytes(canonical_bytes(content))


def hash_of_bytes(content_bytes: bytes) -> str:
    """The hash of content that is in its canonical bytes already."""
    return "sha256:" + hashlib.sha256(content_bytes).hexdigest()


def content_of(content_bytes: bytes | str, hash_: str | None = None) -> Content | None:
    """What canonical bytes say; None when they are no canonical content, or not what their hash says."""
    given = content_bytes.encode() if isinstance(content_bytes, str) else content_bytes
    try:
        content = json.loads(given)
        is_canonical = isinstance(content, dict) and canonical_bytes(content) == given
    except (ValueError, TypeError, RecursionError):
        return None
    return content if is_canonical and hash_ in (None, hash_of_bytes(given)) else None


def _refuse_floats(content: object) -> None:
    stack: list[Any] = [(content,)]
    while stack:
        listed = stack.pop()
        for item in listed.values() if isinstance(listed, dict) else listed:
            if item is None or type(item) in _PLAIN:
                continue
            if isinstance(item, (dict, list, tuple)):
                stack.append(item)
            elif isinstance(item, float):
                raise TypeError(f"a float ({item!r}) has no canonical form")
