"""A price book that is loaded again when its folder has changed, for processes that run for months."""

from __future__ import annotations

from datetime import datetime, timedelta
from os import PathLike
from pathlib import Path

from tokentill.errors import Finding, InvalidFiles
from tokentill.library.price_book import PriceBook
from tokentill.recordings.load import load_folder
from tokentill.recordings.watch import CHECK_EVERY, WatchedFolder
from tokentill.settings import folder_in_settings


class WatchedBook(WatchedFolder[PriceBook]):
    """The price book of a `pricing/` folder, loaded again when the folder has changed.

    Args:
        folder: a folder as `pricing/`.
        as_of: leave out what was recorded after this instant. By default everything is known.
        shipped_prices: whether the shipped list prices lie beneath (see `PriceBook.load`).
        check_every: how long to go without a look at the folder.

    Raises:
        InvalidFiles: when the folder is broken or empty to begin with.
        InvalidCall: when there is no such folder.
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        *,
        as_of: datetime | None = None,
        shipped_prices: bool | None = None,
        check_every: timedelta = CHECK_EVERY,
    ) -> None:
        def load(path: Path) -> PriceBook:
            loaded = load_folder(**folder_in_settings(path, shipped_prices))
            if not loaded.prices:
                raise InvalidFiles([Finding(f"{path.as_posix()}:1", "there is no price table in this folder")])
            return PriceBook(loaded.prices, beneath=loaded.beneath, as_of=as_of)

        super().__init__(folder, load, check_every=check_every)

    def __repr__(self) -> str:
        state = "" if self.problem is None else ", which is broken now"
        return f"<WatchedBook of {str(self.folder)!r}{state}: {self._value!r}>"
