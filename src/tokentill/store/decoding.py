"""Stored values that cannot be read any more: they were changed by hand or are damaged, and the message says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tokentill.errors import IntegrityFault, InvalidCall


@contextmanager
def decoding(subject: str) -> Iterator[None]:
    """Around the making of values from rows, or as a decorator of a function that does nothing else.

    Raises:
        IntegrityFault: when they cannot be made.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, InvalidCall) as error:
        raise IntegrityFault(
            f"{subject} cannot be read ({type(error).__name__}: {error}): the database is damaged, or was changed by"
            " hand; `tokentill db check` looks at it whole, and a backup restores it"
        ) from error
