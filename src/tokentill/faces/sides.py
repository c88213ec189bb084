"""The two sides of a comparison: two instants, two times of knowledge, or two folders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path

from tokentill.clock import Clock, instant_text
from tokentill.errors import InvalidCall
from tokentill.faces.arguments import instant_in, instant_of, optional, path_of
from tokentill.faces.pricing import Pricing
from tokentill.recordings.load import Folder

SideGiven = str | PathLike[str] | datetime
"""An instant, as such or as text, or a pricing folder."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side: what was given, the folder, what was known by when (None: all), and the instant that is looked at."""

    given: str
    folder: Folder
    as_of: datetime | None
    at: datetime


def sides_of(
    pricing: Pricing, before: SideGiven, after: SideGiven, *, at: datetime | None, as_of: bool, clock: Clock
) -> tuple[Side, Side]:
    """Both sides, as they were given.

    Raises:
        InvalidCall: when they are of two kinds, or of a kind that the options do not go with.
    """
    shown = _shown("before", before), _shown("after", after)
    are_folders = _is_folder(before), _is_folder(after)
    instant = optional(instant_of, "at", at) or clock.now()
    if all(are_folders):
        if as_of:
            raise InvalidCall("as_of=... is for two instants, and these are folders")
        first, second = (pricing.beside(text).folder for text in shown)
        return Side(shown[0], first, None, instant), Side(shown[1], second, None, instant)
    if any(are_folders):
        raise InvalidCall("A and B are of two kinds; name two folders, or two instants")
    starts, ends = _instant("before", before), _instant("after", after)
    folder = pricing.folder
    if as_of:
        return Side(shown[0], folder, starts, instant), Side(shown[1], folder, ends, instant)
    if at is not None:
        raise InvalidCall("at=... goes with as_of=... or with two folders; A and B are the instants here")
    return Side(shown[0], folder, None, starts), Side(shown[1], folder, None, ends)


def _is_folder(given: SideGiven) -> bool:
    return not isinstance(given, datetime) and Path(given).is_dir()


def _shown(name: str, given: SideGiven) -> str:
    return instant_text(instant_of(name, given)) if isinstance(given, datetime) else str(path_of(name, given))


def _instant(name: str, given: SideGiven) -> datetime:
    return instant_of(name, given) if isinstance(given, datetime) else instant_in(str(given))
