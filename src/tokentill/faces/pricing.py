"""The folder of prices and contracts that a till works with, read when it is first needed."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from tokentill.errors import InvalidCall
from tokentill.faces.arguments import folder_of, path_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tokentill.documents.views.checks import FolderCheck
    from tokentill.recordings.load import Folder


class Pricing:
    """A folder as `pricing/`.

    Args:
        path: None is the folder that tokentill ships.
        cache: a folder of kept results (see `recordings.load.load_folder`).

    Raises:
        InvalidCall: when there is no such folder.
    """

    def __init__(self, path: str | PathLike[str] | None = None, *, cache: str | PathLike[str] | None = None) -> None:
        self.path = folder_of(path)
        self.cache = None if cache is None else path_of("cache", cache)
        self._loaded: Folder | None = None

    @classmethod
    def of(cls, folder: Folder) -> Pricing:
        """A folder that is loaded already."""
        made = cls()
        made.path, made._loaded = folder.folder, folder
        return made

    @property
    def root(self) -> Path:
        """Where it lies."""
        from tokentill.recordings.paths import pricing_folder

        return pricing_folder(self.path)

    @property
    def folder(self) -> Folder:
        """What it says: as it was when it was first asked for, for as long as the till lives.

        Raises:
            InvalidFiles: with every mistake.
        """
        if self._loaded is None:
            self._loaded = self.loaded_anew()
        return self._loaded

    def check(self, now: datetime) -> FolderCheck:
        """What is wrong in it as it lies there at an instant, and how much is in it if it loads."""
        from tokentill.documents.views.checks import FolderCheck, FolderSize
        from tokentill.prices.book import PriceBook
        from tokentill.recordings.checking import check_folder

        findings, shown = tuple(check_folder(self.path, now=now)), str(self.path or self.root)
        if any(not finding.is_warning for finding in findings):
            return FolderCheck(shown, findings, None)
        loaded = self.loaded_anew()
        size = FolderSize(len(PriceBook(loaded.prices).models), len(loaded.paths), len(loaded.contracts))
        return FolderCheck(shown, findings, size)

    def loaded_anew(self) -> Folder:
        """What it says at this moment. A cache that cannot be written to is done without."""
        from tokentill.recordings.load import load_folder

        try:
            return load_folder(self.path, cache=self.cache)
        except InvalidCall:
            if self.cache is None:
                raise
            return load_folder(self.path)
