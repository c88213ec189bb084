"""The user of requests that name none, while a block of code runs. Threads and tasks do not see each other's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tokentill.errors import InvalidCall, InvalidRecord
from tokentill.usage.ids import check_ids

_USER: ContextVar[str | None] = ContextVar("tokentill_capture_user", default=None)


@contextmanager
def user(id_: str) -> Iterator[None]:
    """Requests that begin inside the block and name no user are this user's. What a request says itself wins.

    Raises:
        InvalidCall: when it is no id that could be kept.
    """
    try:
        check_ids({"user": id_}, {})
    except InvalidRecord as error:
        raise InvalidCall(str(error)) from None
    token = _USER.set(id_)
    try:
        yield
    finally:
        _USER.reset(token)


def present_user() -> str | None:
    """The user that holds here, or None."""
    return _USER.get()
