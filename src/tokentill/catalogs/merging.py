"""A price as a folder has it, with what a catalog states beside it."""

from __future__ import annotations

from typing import Any

from tokentill.canonical import Content

_NOT_CARRIED = ("valid_from", "valid_to", "source", "note", "withdraws")


class CannotMerge(Exception):
    """Two prices that cannot be put together without a person."""


def merged(ours: Content, theirs: Content) -> Content:
    """All that `ours` says, and what `theirs` says that `ours` does not; where both say something, ours holds.

    Raises:
        CannotMerge: when their rates are for other numbers of units, or their tiers or hours do not stand side by side.
    """
    if ours.get("per", 1_000_000) != theirs.get("per", 1_000_000):
        raise CannotMerge("their rates are for another number of units")
    kept = {key: value for key, value in ours.items() if key not in _NOT_CARRIED}
    return {**_table(kept, theirs), "aliases": sorted({*ours.get("aliases", ()), *theirs.get("aliases", ())})}


def together(first: Content, second: Content) -> Content:
    """What two listings of a model say together that contradict each other in nothing.

    Raises:
        CannotMerge: when their tiers or hours do not stand side by side.
    """
    return _table(first, second)


def _table(ours: Content, theirs: Content) -> Content:
    table = dict(ours)
    for key, value in theirs.items():
        table[key] = _value(ours[key], value) if key in ours else value
    return table


def _value(ours: Any, theirs: Any) -> Any:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return _table(ours, theirs)
    if isinstance(ours, list) and isinstance(theirs, list) and ours and isinstance(ours[0], dict):
        if [item.get("when") for item in ours] != [item.get("when") for item in theirs]:
            raise CannotMerge("their tiers or hours are not the same")
        return [_table(our_item, their_item) for our_item, their_item in zip(ours, theirs, strict=True)]
    return ours
