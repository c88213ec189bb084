"""What `tokentill init` made."""

from __future__ import annotations

from dataclasses import dataclass

from tokentill.canonical import ContentOfFields


@dataclass(frozen=True, slots=True)
class Started(ContentOfFields):
    """A folder to bill from, and the paths in it that were made, as `init --json` prints them."""

    folder: str
    made: tuple[str, ...]
