"""The folder of prices and contracts that a till works with, read when it is first needed."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from tokentill.errors import InvalidCall
from tokentill.faces.arguments import folder_of, path_of
from tokentill.settings import read_settings
from tokentill.shipped import shipped_folder

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tokentill.canonical import Content
    from tokentill.closing.computation.pins import Inputs
    from tokentill.documents.views.checks import FolderCheck
    from tokentill.invoicing.preview import PricingUsed
    from tokentill.invoicing.rating_groups import Books
    from tokentill.recordings.load import Folder


class Pricing:
    """A folder as `pricing/`.

    Args:
        path: None is the one that settings lead to: TOKENTILL_PRICING, `tokentill.toml`, `./pricing`, and otherwise the
            list prices that tokentill ships (see `tokentill.settings`).
        shipped_prices: whether shipped list prices lie beneath it; as `tokentill.toml` says unless given.
        cache: a folder of kept results (see `recordings.load.load_folder`).

    Raises:
        InvalidCall: when there is no such folder, or `tokentill.toml` has a mistake.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None = None,
        *,
        shipped_prices: bool | None = None,
        cache: str | PathLike[str] | None = None,
    ) -> None:
        settings = read_settings(pricing=None if path is None else str(path_of("pricing", path)))
        self.path = folder_of(settings.pricing, settings.found_by)
        self.found_by = settings.found_by
        self.shipped_prices = settings.shipped_prices if shipped_prices is None else shipped_prices
        self.cache = None if cache is None else path_of("cache", cache)
        self._loaded: Folder | None = None
        self._books: tuple[tuple[str, str], Books] | None = None

    @classmethod
    def of(cls, folder: Folder) -> Pricing:
        """A folder that is loaded already."""
        made = cls(folder.folder, shipped_prices=bool(folder.beneath))
        made._loaded = folder
        return made

    def beside(self, path: str) -> Pricing:
        """Another folder, read as this one is."""
        return Pricing(path, shipped_prices=self.shipped_prices, cache=self.cache)

    def books(self, inputs: Inputs, pins: Content) -> Books:
        """The books of inputs with these pins; those that were asked for last are kept."""
        kept, key = self._books, (pins["a"], pins["b"])
        if kept is None or kept[0] != key:
            kept = self._books = (key, inputs.books())
        return kept[1]

    @property
    def root(self) -> Path:
        """Where it lies."""
        from tokentill.recordings.paths import pricing_folder

        return pricing_folder(self.path)

    @property
    def is_shipped(self) -> bool:
        """Whether it is the one that tokentill ships, wherever it was named."""
        return self.path is None or self.root.resolve() == shipped_folder("pricing").resolve()

    def used(self, pins: Content) -> PricingUsed:
        """What a computation at pins that are of this folder was made with."""
        from tokentill.invoicing.preview import PricingUsed  # prices alone do without

        return PricingUsed(
            folder=str(self.root),
            found_by=self.found_by,
            is_shipped=self.is_shipped,
            recordings=tuple(sorted(self.folder.paths.values())),
            beneath=len(self.folder.beneath),
            a=pins["a"],
            b=pins["b"],
        )

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

        findings = tuple(check_folder(self.path, shipped_prices=self.shipped_prices, now=now))
        shown = str(self.path or self.root)
        if any(not finding.is_warning for finding in findings):
            return FolderCheck(shown, findings, None)
        loaded = self.loaded_anew()
        models, own = loaded.price_book().models, PriceBook(loaded.prices).models
        size = FolderSize(len(models), len(loaded.paths), len(loaded.contracts), len(own))
        return FolderCheck(shown, findings, size)

    def loaded_anew(self) -> Folder:
        """What it says at this moment. A cache that cannot be written to is done without."""
        from tokentill.recordings.load import load_folder

        try:
            return load_folder(self.path, shipped_prices=self.shipped_prices, cache=self.cache)
        except InvalidCall:
            if self.cache is None:
                raise
            return load_folder(self.path, shipped_prices=self.shipped_prices)
