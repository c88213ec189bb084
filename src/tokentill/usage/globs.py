"""Patterns of ids: `*` for any text, `?` for one character, everything else for itself."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.compile("".join(parts), re.DOTALL)


def glob_fits(pattern: str, value: str) -> bool:
    """Whether a glob of `*` and `?` fits the whole of a value, case-sensitively."""
    return pattern == value or _glob(pattern).fullmatch(value) is not None
