"""The two sides of a comparison: two instants, two times of knowledge, or two folders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tokentill.cli.calling import Invocation, instant_argument
from tokentill.clock import SYSTEM_CLOCK
from tokentill.errors import InvalidCall
from tokentill.recordings.load import Folder, load_folder

Before = Annotated[str, typer.Argument(metavar="A", help="An instant, or a pricing folder.")]
After = Annotated[str, typer.Argument(metavar="B", help="Another one of the same kind.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="When, for as-of times and folders; now unless given."),
]
AsOf = Annotated[bool, typer.Option("--as-of", help="A and B are times of knowledge, not of validity.")]


@dataclass(frozen=True, slots=True)
class Side:
    """One side: what was given, the folder, what was known by when (None: all), and the instant that is looked at."""

    given: str
    folder: Folder
    as_of: datetime | None
    at: datetime


def sides_of(call: Invocation, before: str, after: str, *, at: str | None, as_of: bool) -> tuple[Side, Side]:
    """Both sides, as they were given.

    Raises:
        InvalidCall: when they are of two kinds, or of a kind that the options do not go with.
    """
    are_folders = Path(before).is_dir(), Path(after).is_dir()
    instant = SYSTEM_CLOCK.now() if at is None else instant_argument(at)
    if all(are_folders):
        if as_of:
            raise InvalidCall("--as-of is for two instants, and these are folders")
        return Side(before, load_folder(before), None, instant), Side(after, load_folder(after), None, instant)
    if any(are_folders):
        raise InvalidCall("A and B are of two kinds; name two folders, or two instants")
    first, second = instant_argument(before), instant_argument(after)
    folder = load_folder(call.settings.pricing)
    if as_of:
        return Side(before, folder, first, instant), Side(after, folder, second, instant)
    if at is not None:
        raise InvalidCall("--at goes with --as-of or with two folders; A and B are the instants here")
    return Side(before, folder, None, first), Side(after, folder, None, second)
