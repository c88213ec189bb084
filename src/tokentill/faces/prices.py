"""`till.prices`: check, look at, compare, import and release price tables. No database is needed for any of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from tokentill.clock import SYSTEM_CLOCK, Clock
from tokentill.documents.views.prices import PriceShown, Released
from tokentill.errors import InvalidCall, NotFound
from tokentill.faces.arguments import instant_of, optional, path_of, text_of, texts_of
from tokentill.faces.pricing import Pricing
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.entries import entry_hash

if TYPE_CHECKING:
    from tokentill.canonical import Content
    from tokentill.documents.views.checks import FolderCheck
    from tokentill.documents.views.lists import PriceList
    from tokentill.documents.views.prices import PriceChanges, PriceImport
    from tokentill.faces.sides import SideGiven
    from tokentill.prices.entries import PriceEntry

ROOM = "models"


class Prices:
    """The price tables of a folder. A `Till` has one; `Prices.open` makes one without a till."""

    def __init__(self, pricing: Pricing, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._pricing = pricing
        self._clock = clock

    @classmethod
    def open(cls, pricing: str | PathLike[str] | None = None, *, cache: str | PathLike[str] | None = None) -> Prices:
        """The prices of a folder as `pricing/`; None is the one that settings lead to (see `Till.open`).

        Raises:
            InvalidCall: when there is no such folder.
        """
        return cls(Pricing(pricing, cache=cache))

    def check(self) -> FolderCheck:
        """Check every file of the folder as it lies there now. Mistakes are findings, not errors."""
        return self._pricing.check(self._clock.now())

    def show(self, model: str, *, at: datetime | None = None, as_of: datetime | None = None) -> PriceShown:
        """What a model costs at an instant, and why.

        Args:
            model: as the gateway reports it.
            at: when; now unless given.
            as_of: as it was known then; everything unless given.

        Raises:
            NotFound: when the model has no price then.
            InvalidFiles: when the folder has mistakes.
        """
        asked = text_of("model", model)
        book = self._pricing.folder.price_book(optional(instant_of, "as_of", as_of))
        instant = optional(instant_of, "at", at) or self._clock.now()
        chosen = book.entry_at(asked, instant)
        if isinstance(chosen, NoPrice):
            raise NotFound(chosen.reason)
        folder = self._pricing.folder
        stated = _stated((*folder.prices, *folder.beneath), chosen)
        meaning = book.ids.at(asked, instant)
        route = meaning.prefix + (f" apart from {', '.join(meaning.apart_from)}" if meaning.apart_from else "")
        return PriceShown(asked, instant, chosen, stated, tuple(book.entries(chosen.model)), route)

    def list_(self, *, at: datetime | None = None) -> PriceList:
        """Every model that has a price in force at an instant; now unless given.

        Raises:
            InvalidFiles: when the folder has mistakes.
        """
        from tokentill.documents.views.lists import ListedPrice, PriceList

        folder, instant = self._pricing.folder, optional(instant_of, "at", at) or self._clock.now()
        book = folder.price_book()
        own_book = PriceBook(() if self._pricing.is_shipped else folder.prices)
        own = {entry.hash for model in own_book.models for entry in own_book.entries(model)}
        aliases = book.ids.alias_counts(instant)
        entries = [entry for model in book.models if not isinstance(entry := book.entry_at(model, instant), NoPrice)]
        listed = (ListedPrice(entry, entry.hash in own, aliases[entry.model]) for entry in entries)
        return PriceList(instant, tuple(listed))

    def diff(
        self, before: SideGiven, after: SideGiven, *, at: datetime | None = None, as_of: bool = False
    ) -> PriceChanges:
        """What differs between the prices of two instants, or of two folders.

        Args:
            before, after: two instants, as such or as text; or two folders.
            at: when, for two folders or times of knowledge; now unless given.
            as_of: the two instants are times of knowledge, not of validity.

        Raises:
            InvalidCall: when the two are of two kinds.
        """
        from tokentill.documents.views.prices import ComparedPrices, PriceChanges
        from tokentill.faces.sides import sides_of
        from tokentill.prices.diff import compare_books

        sides = sides_of(self._pricing, before, after, at=at, as_of=as_of, clock=self._clock)
        books = [side.folder.price_book(side.as_of) for side in sides]
        first, second = (
            ComparedPrices(side.given, side.at, len(book.models)) for side, book in zip(sides, books, strict=True)
        )
        differences = compare_books(*books, before_at=first.at, after_at=second.at)
        return PriceChanges(first, second, tuple(differences))

    def import_(
        self,
        file: str | PathLike[str],
        *,
        kind: str,
        effective: datetime,
        only: Sequence[str] = (),
        rounded: bool = False,
        replace: bool = False,
        dry_run: bool = False,
        out: str | PathLike[str] | None = None,
    ) -> PriceImport:
        """Take prices over from a catalog, as one new recording.

        Args:
            file: the catalog, a wheel that holds it, or the name of an installed package. None of its code is run.
            kind: genai-prices, litellm, openrouter, models.dev or arouter.
            effective: from when the prices hold.
            only: patterns of model ids to take; all unless given.
            rounded: take the number that was meant for one with float noise.
            replace: take changed prices even where the folder says more than the catalog.
            dry_run: write nothing.
            out: where to write; `models` of the folder unless given.

        Raises:
            InvalidFiles: when the catalog or the folder cannot be read.
            Refused: when the file to be written is there already.
        """
        from tokentill.catalogs.price_import import plan_import, write_import
        from tokentill.catalogs.readers import CATALOGS, read_catalog
        from tokentill.documents.views.prices import PriceImport

        if kind not in CATALOGS:
            raise InvalidCall(f"kind=... {kind} is not known; write one of {', '.join(CATALOGS)}")
        since = instant_of("effective", effective)
        if self._pricing.path is None and out is None and not dry_run:
            raise InvalidCall(
                "the shipped list prices are not written to; name your own folder with pricing=..., or out=..."
            )
        patterns = texts_of("only", only)
        folder = self._pricing.root / ROOM if out is None else Path(path_of("out", out))
        catalog = read_catalog(kind, str(path_of("file", file)), since, rounded=rounded)
        now = self._clock.now().replace(microsecond=0)
        plan = plan_import(catalog, self._pricing.loaded_anew(), since, now, only=patterns, is_replacing=replace)
        written = None if dry_run else write_import(plan, folder)
        return PriceImport(plan, written, is_dry=dry_run)

    def lock(self) -> Released:
        """Release the new files of the folder. A released file is never edited again; a new fact is a new file.

        Raises:
            InvalidCall: for the shipped prices, which are released already.
            InvalidFiles: when anything in the folder is wrong, a released file that was edited above all.
        """
        from tokentill.recordings.load import lock_folder

        if self._pricing.path is None:
            raise InvalidCall("the shipped list prices are released already; name your own folder with pricing=...")
        return Released(tuple(lock_folder(self._pricing.path, shipped_prices=self._pricing.shipped_prices)))


def _stated(recordings: Sequence[Content], chosen: PriceEntry) -> Content:
    for recording in recordings:
        for price in recording.get("price", ()):
            if price.get("model") == chosen.model and entry_hash(price, recording["currency"]) == chosen.hash:
                return dict(price)
    raise NotFound(f"the entry {chosen.hash} is in no recording")
