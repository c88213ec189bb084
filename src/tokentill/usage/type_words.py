"""What a value is, in the words of the JSON, CSV and TOML that people write, and not in those of Python. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal


def type_text(value: object) -> str:
    """What a value is, in words for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (int, "a whole number"),
        ((Decimal, float), "a number with a point"),
        (str, "a text"),
        ((list, tuple), "a list"),
        (Mapping, "an object"),
        (datetime, "an instant"),
        (date, "a day"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), type(value).__name__)
