"""Defects that are planted in the product on purpose, to see that campaigns of imports catch each of them."""

from __future__ import annotations

from collections.abc import Callable


def plant(name: str, patch: Callable[..., object] = setattr) -> None:
    """Plant a defect by its name; none where it has none. `patch(where, name, value)` sets a value."""
    if name:
        DEFECTS[name](patch)


DEFECTS: dict[str, Callable[[Callable[..., object]], None]] = {}
