"""Whether a time zone exists."""

from __future__ import annotations

import difflib
from functools import lru_cache

from tokentill.zones import zone_names


@lru_cache(maxsize=1024)
def zone_mistake(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of a time zone, and what may be meant; None when it exists."""
    if name in zone_names():
        return None
    near = difflib.get_close_matches(name, sorted(zone_names()), 1, 0.6)
    hint = f'did you mean "{near[0]}"?' if near else "write an IANA name such as Europe/Berlin"
    return f'time zone "{name[:60]}" is unknown', hint
