"""A catalog held against a `pricing/` folder: what is new, what changed, what vanished, what is in conflict.

Nothing that a folder says is lost by an import: a model that vanished from a catalog keeps its price, and where a
catalog states less of a changed price than the folder does, that is a conflict for a person, not a shorter price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from tokentill.canonical import Content
from tokentill.catalogs.catalog import Catalog, LeftOut, Listing
from tokentill.catalogs.import_file import prove, write_recording
from tokentill.clock import instant_text, parse_instant
from tokentill.errors import Finding
from tokentill.money import amount_text
from tokentill.prices.book import PriceBook
from tokentill.prices.diff import FigureChange, changes, content_by_hash, lost_parts
from tokentill.prices.entries import STRIPPED_SUFFIXES, PriceEntry
from tokentill.recordings.load import Folder
from tokentill.recordings.reading import FileText, Unreadable
from tokentill.recordings.recording import recording_of
from tokentill.usage.globs import glob_fits
from tokentill.versions import in_force

_CURRENCY = "USD"
"""Every catalog that is read lists prices in it."""


@dataclass(frozen=True, slots=True)
class ChangedPrice:
    """A price that is taken over in place of the one before it."""

    model: str
    valid_from: datetime
    changes: tuple[FigureChange, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A model whose price a person has to decide; nothing of it is taken over."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Import:
    """What an import would do. `recording` is the canonical content to be written, or None when there is nothing."""

    catalog: Catalog
    effective: datetime
    added: tuple[PriceEntry, ...]
    changed: tuple[ChangedPrice, ...]
    vanished: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    unchanged: tuple[str, ...]
    recording: Content | None = field(repr=False)
    warnings: tuple[Finding, ...] = ()

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What of the catalog has no place in a price table."""
        return self.catalog.left_out


def plan_import(
    catalog: Catalog,
    folder: Folder,
    effective: datetime,
    recorded_at: datetime,
    *,
    only: Sequence[str] = (),
    is_replacing: bool = False,
) -> Import:
    """Hold a catalog against a folder. Nothing is written.

    Args:
        only: globs of model ids; everything unless given.
        is_replacing: take a changed price over even where the folder's says more than the catalog's.

    Raises:
        Refused: when the recording would not take effect, because a later one overrides it.
        InvalidFiles: when the recording does not pass the checks beside the folder.
    """

    def is_wanted(*names: str) -> bool:
        return not only or any(glob_fits(glob, name) for glob in only for name in names)

    planning = _Planning(
        folder.price_book(),
        content_by_hash((*folder.prices, *folder.beneath)),
        effective,
        recorded_at,
        is_replacing,
    )
    chosen = [
        (target, listing)
        for listing in catalog.listings
        for target in [planning.target(listing.model, listing.aliases)]
        if is_wanted(target, listing.model)
    ]
    planning.owners = _owners(chosen)
    by_target: dict[str, list[Listing]] = {}
    for target, listing in chosen:
        by_target.setdefault(target, []).append(listing)
    for target in sorted(by_target):
        try:
            planning.take(target, by_target[target])
        except _Conflicting as conflict:
            planning.conflicts.append(Conflict(target, str(conflict)))
    listed = {*by_target, *(planning.target(omission.model) for omission in catalog.left_out)}
    gone = [
        model
        for model in PriceBook(folder.prices).models  # of what lies beneath, nothing is the folder's to list
        if model not in listed and in_force(planning.book.entries(model), effective) is not None and is_wanted(model)
    ]
    recording = planning.recording(catalog.source)
    warnings = () if recording is None else prove(recording, folder, catalog.name)
    return Import(
        replace(catalog, left_out=tuple(omission for omission in catalog.left_out if is_wanted(omission.model))),
        effective,
        tuple(planning.added),
        tuple(planning.changed),
        tuple(gone),
        tuple(planning.conflicts),
        tuple(planning.unchanged),
        recording,
        tuple(warnings),
    )


def write_import(plan: Import, folder: Path) -> Path | None:
    """Write the recording of an import to `<folder>/<catalog>-<day>.toml`; None when there is nothing to write.

    Raises:
        Refused: when there is such a file already.
    """
    if plan.recording is None:
        return None
    path = folder / f"{plan.catalog.name}-{plan.effective.date().isoformat()}.toml"
    write_recording(plan.recording, plan.catalog.name, path)
    return path


_PRECEDENCE = attrgetter("valid_from", "recorded_at")
"""Of the entries that cover an instant, the one with the greatest of these holds."""


_NOT_CARRIED = ("valid_from", "valid_to", "source", "note", "withdraws", "drops", "unusual")


class _Conflicting(Exception):
    """Why a person has to decide."""


class _CannotMerge(Exception):
    """Two prices that cannot be put together without a person."""


@dataclass(slots=True)
class _Planning:
    """An import while it is put together."""

    book: PriceBook
    contents: Mapping[str, Content]
    effective: datetime
    recorded_at: datetime
    is_replacing: bool
    owners: Mapping[str, set[str]] = field(default_factory=dict)
    added: list[PriceEntry] = field(default_factory=list)
    changed: list[ChangedPrice] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    prices: list[Content] = field(default_factory=list)

    def target(self, model: str, aliases: Iterable[str] = ()) -> str:
        """The canonical id of a catalog's model: the folder's, where it knows the model, otherwise the catalog's.

        A bare alias counts only within the same vendor.
        """
        vendor = model.partition("/")[0]
        for name in (model, *aliases):
            canonical = self.book.ids.named_at(name, self.effective)
            if canonical is not None and (name == model or canonical.startswith(f"{vendor}/")):
                return canonical
        return model

    def take(self, target: str, listings: Sequence[Listing]) -> None:
        """Take one model over: the price in force, and those that are announced."""
        if not target.isprintable():
            raise _Conflicting("its id holds a character that cannot be seen")
        prices: list[Content] = []
        entries: list[PriceEntry] = []
        for valid_from, content in self._one_each(target, listings):
            price = self._price(target, listings, valid_from, content)
            current = in_force(self.book.entries(target), valid_from)
            if current is not None:
                price = self._carried(price, current)
            entry = self._entry(price)
            before = max([*entries, *([current] if current else [])], key=_PRECEDENCE, default=None)
            figure_changes = () if before is None else changes(before, entry)
            if before is not None and before is current:
                if before.currency != entry.currency:
                    raise _Conflicting(f"the folder lists it in {before.currency}, the catalog in {entry.currency}")
                if not any(change.is_stated_after for change in figure_changes):
                    continue  # the catalog says nothing that the folder does not say, too
                if any(change.is_stated_before and change.is_stated_after for change in figure_changes):
                    self._refuse_loss(figure_changes)
                else:
                    price = self._with_more(price, before)
                    entry = self._entry(price)
                    figure_changes = changes(before, entry)
            elif before is not None and not figure_changes:
                continue
            lost = [] if before is None else lost_parts(before, entry)
            prices.append({**price, "drops": lost} if lost else price)
            entries.append(entry)
            if before is not None:
                self.changed.append(ChangedPrice(target, valid_from, figure_changes))
        if not entries:
            self.unchanged.append(target)
        elif in_force(self.book.entries(target), entries[0].valid_from) is None:
            self.added.append(entries[0])
        self.prices += prices

    def _one_each(self, target: str, listings: Sequence[Listing]) -> list[tuple[datetime, Content]]:
        """One content for each instant; two that differ are a conflict."""
        contents: dict[datetime, Content] = {}
        for listing in listings:
            valid_from = listing.valid_from or self.effective
            first = contents.setdefault(valid_from, listing.content)
            if first == listing.content:
                continue
            both = [self._entry(self._price(target, [], valid_from, content)) for content in (first, listing.content)]
            for change in changes(*both):
                if change.before is not None and change.after is not None:
                    figures = f"{amount_text(change.before)} and {amount_text(change.after)}"
                    raise _Conflicting(
                        f"the catalog lists it twice, with {figures} for {change.quantity} ({change.rates})"
                    )
            try:
                contents[valid_from] = _together(first, listing.content)
            except _CannotMerge as error:
                raise _Conflicting(f"the catalog lists it twice, and {error}") from None
        return sorted(contents.items())

    def _price(self, target: str, listings: Sequence[Listing], valid_from: datetime, content: Content) -> Content:
        aliases = {alias for listing in listings for alias in (*listing.aliases, listing.model)} - {target}
        mine = {alias for alias in aliases if self.owners.get(alias) == {target} and self._is_free(alias, target)}
        return {
            "model": target,
            "aliases": sorted(mine),
            "valid_from": instant_text(valid_from),
            "per": 1_000_000,
            **content,
        }

    def _is_free(self, alias: str, target: str) -> bool:
        return self.book.canonical_model(alias, self.effective) in (None, target) and not alias.endswith(
            STRIPPED_SUFFIXES
        )

    def _entry(self, price: Content) -> PriceEntry:
        try:
            content = self._recording_of([price])
        except Unreadable as error:
            raise _Conflicting(error.findings[0].message) from None
        return PriceEntry.from_content(content["price"][0], recorded_at=self.recorded_at, currency=_CURRENCY)

    def _carried(self, price: Content, current: PriceEntry) -> Content:
        """A price with the names and fallbacks that the folder has, which catalogs do not state."""
        old = self.contents.get(current.hash, {})
        price = {**price, "aliases": sorted({*price["aliases"], *old.get("aliases", ())} - {price["model"]})}
        fallback = {**price.get("fallback", {}), **old.get("fallback", {})}
        return price if price.get("free") or not fallback else {**price, "fallback": fallback}

    def _refuse_loss(self, figure_changes: Sequence[FigureChange]) -> None:
        lost = [change for change in figure_changes if not change.is_stated_after]
        if lost and not self.is_replacing:
            first = ", ".join(f"{change.quantity} ({change.rates})" for change in lost[:3])
            more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
            raise _Conflicting(f"its price changed, and the catalog does not state {first}{more}, which the folder has")

    def _with_more(self, price: Content, current: PriceEntry) -> Content:
        """All that the folder's price says, and what the catalog's says that it does not."""
        ours = self.contents[current.hash]
        kept = {key: value for key, value in ours.items() if key not in _NOT_CARRIED}
        aliases = sorted({*ours.get("aliases", ()), *price.get("aliases", ())})
        try:
            if ours.get("per", 1_000_000) != price.get("per", 1_000_000):
                raise _CannotMerge("their rates are for another number of units")
            return {**_together(kept, price), "aliases": aliases, "valid_from": price["valid_from"]}
        except _CannotMerge as error:
            raise _Conflicting(f"the catalog states more than the folder, and {error}") from None

    def recording(self, source: str) -> Content | None:
        """The recording of everything that is taken over."""
        if not self.prices:
            return None
        prices = sorted(self.prices, key=lambda price: (price["model"], parse_instant(price["valid_from"])))
        return self._recording_of(prices, source=source)

    def _recording_of(self, prices: list[Content], **header: str) -> Content:
        head = {"format": 1, "kind": "prices", "recorded_at": self.recorded_at, "currency": _CURRENCY, **header}
        return recording_of({**head, "price": prices}, FileText("catalog.toml", "catalog", ""), "prices").content


def _owners(chosen: Iterable[tuple[str, Listing]]) -> dict[str, set[str]]:
    """Which models a catalog calls by each name; a name that is an id belongs to that id as well."""
    owners: dict[str, set[str]] = {}
    for target, listing in chosen:
        for name in (target, listing.model, *listing.aliases):
            owners.setdefault(name, set()).add(target)
    return owners


def _together(ours: Content, theirs: Content) -> Content:
    """All that both tables say; where both say something, ours holds.

    Raises:
        _CannotMerge: when their tiers or hours do not stand side by side.
    """
    return {**ours, **{key: _both(ours[key], value) if key in ours else value for key, value in theirs.items()}}


def _both(ours: Any, theirs: Any) -> Any:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return _together(ours, theirs)
    if isinstance(ours, list) and isinstance(theirs, list) and ours and isinstance(ours[0], dict):
        if [item.get("when") for item in ours] != [item.get("when") for item in theirs]:
            raise _CannotMerge("their tiers or hours are not the same")
        return [_together(our_item, their_item) for our_item, their_item in zip(ours, theirs, strict=True)]
    return ours
