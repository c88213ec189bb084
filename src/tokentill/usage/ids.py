"""Ids and words that come from outside: opaque, kept byte for byte, refused only where they could not be kept. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.money import amount_text
from tokentill.usage.type_words import type_text

ID_BYTES_MAX = 512
_WORD = re.compile(r"\A[a-z][a-z0-9_.-]{0,63}\Z", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+[0-9][0-9 ()./-]{7,}")


def is_word(value: object) -> bool:
    """Whether a value may name a mode: lower-case ASCII letters, digits and `_.-`."""
    return isinstance(value, str) and _WORD.match(value) is not None


def are_plain(source: str, record_id: str, model: str, *optional: str | None) -> bool:
    """Whether ids are so plain that `check_ids` would find nothing: the quick way for nearly every record."""
    if not (source and record_id and model):
        return False
    try:
        joined = "".join([source, record_id, model, *["" if value is None else value for value in optional]])
    except TypeError:
        return False
    return len(joined) <= ID_BYTES_MAX and joined.isascii() and joined.isprintable()


def check_ids(required: Mapping[str, str], optional: Mapping[str, str | None]) -> None:
    """Refuse ids as `check_id` does, and required ones that are not there.

    Raises:
        InvalidRecord: with the field and the reason.
    """
    for name, value in required.items():
        if value is None or value == "":
            raise InvalidRecord(f"{name} is missing")
        check_id(name, value)
    for name, optional_value in optional.items():
        check_id(name, optional_value)


def check_id(name: str, value: str | None) -> None:
    """Refuse an id that could not be kept unchanged everywhere: too long, control characters, lone surrogates.

    Raises:
        InvalidRecord: with the field and the reason.
    """
    if value is None:
        return
    if not isinstance(value, str):
        raise InvalidRecord(f"{name} is {type_text(value)}, not a text")
    if value.isascii() and value.isprintable() and len(value) <= ID_BYTES_MAX:
        return
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidRecord(f"{name} holds a lone surrogate, which is not a character") from None
    if size > ID_BYTES_MAX:
        raise InvalidRecord(f"{name} is {size} bytes long; {ID_BYTES_MAX} are accepted")
    for character in value:
        if unicodedata.category(character) == "Cc":
            raise InvalidRecord(f"{name} holds the control character U+{ord(character):04X}")


def looks_personal(user: str) -> str | None:
    """Say what personal data a user id looks like, or None. Only flagged: ids stay opaque."""
    if _EMAIL.search(user):
        return "email address"
    return "phone number" if _PHONE.fullmatch(user) else None


def without_personal(text: str) -> str:
    """A text with a remark in the place of what looks like personal data."""
    return _PHONE.sub("(personal data)", _EMAIL.sub("(personal data)", text))


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags without repetitions, in order of their code points.

    Raises:
        InvalidRecord: when they are not a list of texts that can be stored.
    """
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise InvalidRecord(f"tags is {type_text(tags)}, not a list of texts")
    listed = list(tags)
    for tag in listed:
        check_id("tag", tag)
        if not tag:
            raise InvalidRecord("a tag is empty")
    return tuple(sorted(set(listed)))


_COMPONENT = re.compile(r"cost_([a-z_]{1,40})=([0-9]{1,9}(?:\.[0-9]{1,24})?)", re.ASCII).fullmatch


def cost_component_tag(name: str, cost: Decimal) -> str:
    """The tag of a part of the reported cost, in USD: `cost_web_search=0.5`."""
    return f"{name}={amount_text(cost)}"


def cost_components(tags: Iterable[str]) -> Iterator[tuple[str, Decimal]]:
    """The parts of the reported cost that tags name: (`web_search`, 0.5)."""
    for tag in tags:
        match = _COMPONENT(tag)
        if match is not None:
            yield match[1], Decimal(match[2])


TEAM_TAG = "team="
"""What the tag begins with that says of which team a record is."""

KEY_ALIAS_TAG = "key_alias="
"""What the tag begins with that says what people call the API key of a record."""

_RESERVED = (TEAM_TAG, KEY_ALIAS_TAG)


def team_of(tags: Iterable[str]) -> str | None:
    """The team that tags name; None where they name none, or more than one."""
    named = {tag.removeprefix(TEAM_TAG) for tag in tags if tag.startswith(TEAM_TAG) and tag != TEAM_TAG}
    return named.pop() if len(named) == 1 else None


def callers_tag(tag: Any) -> Any:
    """A tag that whoever sends a request chose: one that looks like what a gateway says itself gets a prefix, so that
    nobody names a team that is not theirs.
    """
    return f"request_tag:{tag}" if isinstance(tag, str) and tells_of_key(tag) else tag


def tells_of_key(tag: str) -> bool:
    """Whether a tag says of which team a record is, or what people call its API key."""
    return tag.startswith(_RESERVED)
