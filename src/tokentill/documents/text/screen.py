"""Where text goes: what a printing function may ask of a terminal, a file or a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Screen(Protocol):
    """Takes lines, notes and tables, word for word; what is printed holds no markup."""

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line of the answer."""

    def note(self, text: str) -> None:
        """Print a message beside the answer, for those who look on."""

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
        """Print a table; columns named in `right` are aligned so."""
