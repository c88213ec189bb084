"""Arguments of a call, looked at before anything is done: each is what it should be, or the call is wrong.

A message writes an argument as Python does, `reason=...`; the command line writes it as its option.
"""

from __future__ import annotations

from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from tokentill.errors import InvalidCall


def text_of(name: str, value: object) -> str:
    """A text that says something.

    Raises:
        InvalidCall: for anything else.
    """
    if not isinstance(value, str):
        raise InvalidCall(f"{name}=... must be a str, not {_kind(value)}")
    if not value.strip():
        raise InvalidCall(f"{name}=... is empty; name something")
    return value


def optional_text(name: str, value: object) -> str | None:
    """The same, or None."""
    return None if value is None else text_of(name, value)


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> Any:
    """One of the words that are allowed."""
    if not isinstance(value, str) or value not in allowed:
        raise InvalidCall(f"{name}=... must be {' or '.join(allowed)}, not {value!r}")
    return value


def reason_for(what: str, value: object) -> str:
    """Why somebody did `what`."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidCall(f"{what} needs a reason; add reason=...")
    return value


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


def optional_instant(name: str, value: object) -> datetime | None:
    """The same, or None."""
    return None if value is None else instant_of(name, value)


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


def folder_of(value: object) -> str | PathLike[str] | None:
    """A folder of prices and contracts that exists; None is the one that tokentill ships."""
    if value is None:
        return None
    path = path_of("pricing", value)
    if not Path(path).is_dir():
        raise InvalidCall(f"the pricing folder {str(path)!r} does not exist; name one with pricing=...")
    return path


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
