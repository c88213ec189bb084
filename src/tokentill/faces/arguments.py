"""Arguments of a call, looked at before anything is done: each is what it should be, or the call is wrong.

A message writes an argument as Python does, `reason=...`; the command line writes it as its option.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from tokentill.errors import InvalidCall
from tokentill.settings import GIVEN

Kind = TypeVar("Kind")


def text_of(name: str, value: object) -> str:
    """A text that says something.

    Raises:
        InvalidCall: for anything else.
    """
    text = any_text(name, value)
    if not text.strip():
        raise InvalidCall(f"{name}=... is empty; name something")
    return text


def any_text(name: str, value: object) -> str:
    """A text, be it empty.

    Raises:
        InvalidCall: for anything else, and for what no database can hold.
    """
    if not isinstance(value, str):
        raise InvalidCall(f"{name}=... must be a str, not {_kind(value)}")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidCall(f"{name}=... holds what is no text (a NUL or half a character): {value!a:.80}")
    return value


def optional(checked: Callable[[str, object], Kind], name: str, value: object) -> Kind | None:
    """What `checked` makes of an argument, or None where it was not given."""
    return None if value is None else checked(name, value)


def texts_of(name: str, value: object) -> tuple[str, ...]:
    """Several texts; one alone is one of them."""
    if isinstance(value, str):
        return (text_of(name, value),)
    return tuple(text_of(name, one) for one in listed(name, value, "texts"))


def listed(name: str, value: Any, what: str) -> Iterable[Any]:
    """Several of something, to be looked at one by one."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        raise InvalidCall(f"{name}=... must be a list of {what}, not {_kind(value)}")
    return value


def of_type(name: str, value: Kind, kind: type[Kind]) -> Kind:
    """A value of a class."""
    if not isinstance(value, kind):
        raise InvalidCall(f"{name}=... must be a {kind.__name__}, not {_kind(value)}")
    return value


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> Any:
    """One of the words that are allowed."""
    if not isinstance(value, str) or value not in allowed:
        raise InvalidCall(f"{name}=... must be {' or '.join(allowed)}, not {value!r}")
    return value


def number_of(name: str, value: object) -> int:
    """A number that counts from 1.

    Raises:
        InvalidCall: for anything else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise InvalidCall(f"{name}=... must be a number from 1 on, not {value!r}")
    return value


def reason_for(what: str, value: object) -> str:
    """Why somebody did `what`."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidCall(f"{what} needs a reason; add reason=...")
    return text_of("reason", value)


def instant_of(name: str, value: object) -> datetime:
    """An instant, in UTC.

    Raises:
        InvalidCall: for anything but a datetime with a time zone.
    """
    if not isinstance(value, datetime):
        raise InvalidCall(f"{name}=... must be a datetime with a time zone, not {_kind(value)}")
    if value.tzinfo is None:
        raise InvalidCall(f"{name}=... has no time zone ({value.isoformat()}); give it one, as tzinfo=timezone.utc")
    return value.astimezone(UTC)


def instant_in(text: str) -> datetime:
    """An instant that somebody wrote.

    Raises:
        InvalidCall: when it is none, or has no time zone.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidCall(f"{text!r} is not an instant; write it like 2026-10-15T00:00:00Z") from None
    if instant.tzinfo is None:
        raise InvalidCall(f"{text!r} has no time zone; write it like 2026-10-15T00:00:00Z")
    return instant.astimezone(UTC)


def path_of(name: str, value: object) -> str | PathLike[str]:
    """A path, whether or not anything is there."""
    if not isinstance(value, str | PathLike) or not str(value):
        raise InvalidCall(f"{name}=... must be a path, not {value!r}")
    return value


def folder_of(value: object, found_by: str) -> str | PathLike[str] | None:
    """A folder of prices and contracts that exists; None is the one that tokentill ships."""
    if value is None:
        return None
    path = path_of("pricing", value)
    if not Path(path).is_dir():
        named = "" if found_by == GIVEN else f", which {found_by} names,"
        raise InvalidCall(f"the pricing folder {str(path)!r}{named} does not exist; name one with pricing=...")
    return path


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
