"""A value that knows its place: what a file states, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tokentill.errors import Finding
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import FileText

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Located(Generic[Value]):
    """A value, the file that states it, and at which key. `label` is what a message about it begins with."""

    value: Value
    file: FileText = field(repr=False)
    position: KeyPath = ()
    label: str = ""

    @property
    def where(self) -> str:
        """Its file and line."""
        return self.file.where(self.position)

    def finding(self, path: KeyPath, message: str, hint: str = "", *, is_warning: bool = False) -> Finding:
        """A finding at a key of the value."""
        return self.file.finding((*self.position, *path), self.label + message, hint, is_warning=is_warning)
