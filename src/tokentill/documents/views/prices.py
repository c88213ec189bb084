"""What is said of prices: one and why it is in force, and those that change, compared or taken over from a catalog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tokentill.canonical import Content, fields_of, form_of
from tokentill.clock import instant_text
from tokentill.documents.figures import share_percent
from tokentill.money import EXACT, amount_text
from tokentill.prices.diff import Difference, FigureChange, figures
from tokentill.prices.entries import PriceEntry

if TYPE_CHECKING:
    from tokentill.catalogs.price_import import Import


@dataclass(frozen=True, slots=True)
class PriceShown:
    """What a model costs at an instant. `stated` is the price as its recording states it.

    `route` is the prefix of the route that led to it; empty for an id, an alias or a stripped suffix.
    """

    asked: str
    at: datetime
    entry: PriceEntry
    stated: Content
    entries: tuple[PriceEntry, ...]
    route: str = ""

    @property
    def because(self) -> str:
        """How the entry was chosen."""
        model, chosen = self.entry.model, self.entry
        route = f" by the route {self.route}" if self.route else ""
        name = "" if self.asked == model else f"{self.asked} is priced as {model}{route}; "
        return (
            f"{name}of the entries that cover {instant_text(self.at)} this one has the greatest valid_from"
            f" ({instant_text(chosen.valid_from)}), then the greatest recorded_at ({instant_text(chosen.recorded_at)})"
        )

    def content(self) -> Content:
        """What `prices show --json` prints."""
        chosen = self.entry
        return {
            "asked": self.asked,
            "model": chosen.model,
            "at": instant_text(self.at),
            "entry": {**self.stated, **fields_of(chosen, "hash", "currency", "recorded_at", "source")},
            "because": self.because,
            "entries": [
                {
                    **fields_of(entry, "hash", "valid_from", "valid_to", "recorded_at"),
                    "in_force": entry.hash == chosen.hash,
                }
                for entry in self.entries
            ],
        }


@dataclass(frozen=True, slots=True)
class Released:
    """The files that were released now, by their paths in the folder."""

    paths: tuple[str, ...]

    def content(self) -> Content:
        """What `prices lock --json` prints."""
        return {"released": list(self.paths)}


@dataclass(frozen=True, slots=True)
class ComparedPrices:
    """One side of a comparison: what was given, the instant that was looked at, and how many models it knows."""

    given: str
    at: datetime
    models: int

    def content(self) -> Content:
        """For JSON."""
        return fields_of(self, "given", "at", "models")


@dataclass(frozen=True, slots=True)
class PriceChanges:
    """What differs between the prices of two sides."""

    before: ComparedPrices
    after: ComparedPrices
    differences: tuple[Difference, ...]

    @property
    def added(self) -> tuple[PriceEntry, ...]:
        """Prices of the second side alone."""
        return tuple(one.after for one in self.differences if one.before is None and one.after is not None)

    @property
    def vanished(self) -> tuple[PriceEntry, ...]:
        """Prices of the first side alone."""
        return tuple(one.before for one in self.differences if one.after is None and one.before is not None)

    @property
    def changed(self) -> tuple[Difference, ...]:
        """What both sides price, and not alike."""
        return tuple(one for one in self.differences if one.before is not None and one.after is not None)

    def content(self) -> Content:
        """What `prices diff --json` prints."""
        return {
            **fields_of(self, "before", "after"),
            "added": _entries_content(self.added),
            "vanished": _entries_content(self.vanished),
            "changed": [_difference_content(one) for one in self.changed],
        }


@dataclass(frozen=True, slots=True)
class PriceImport:
    """What an import does, and where it was written: None for a dry run, or where there was nothing to write."""

    plan: Import
    written: Path | None
    is_dry: bool

    def content(self) -> Content:
        """What `prices import --json` prints."""
        plan = self.plan
        return {
            "catalog": plan.catalog.name,
            "source": plan.catalog.source,
            "effective": instant_text(plan.effective),
            "added": _entries_content(plan.added),
            "changed": [
                {
                    **fields_of(one, "model", "valid_from"),
                    "changes": [_change_content(change) for change in one.changes],
                }
                for one in plan.changed
            ],
            "vanished": list(plan.vanished),
            "conflicts": [fields_of(one, "model", "reason") for one in plan.conflicts],
            "unchanged": list(plan.unchanged),
            "left_out": [fields_of(one, "model", "key", "reason") for one in plan.left_out],
            "warnings": [str(finding) for finding in plan.warnings],
            "written": None if self.written is None else str(self.written),
        }


def change_percent(change: FigureChange) -> Decimal | None:
    """By how much a figure changes; None where one side has none."""
    if change.before is None or change.after is None:
        return None
    return share_percent(EXACT.subtract(change.after, change.before), change.before)


def _change_content(change: FigureChange) -> Content:
    return {**fields_of(change, "rates", "quantity", "before", "after"), "percent": form_of(change_percent(change))}


def _difference_content(one: Difference) -> Content:
    return {
        "model": one.model,
        "before": None if one.before is None else one.before.hash,
        "after": None if one.after is None else one.after.hash,
        "changes": [_change_content(change) for change in one.changes],
    }


def _entries_content(entries: Iterable[PriceEntry]) -> list[Content]:
    return [
        {
            **fields_of(entry, "model", "hash", "valid_from", "currency"),
            "figures": [
                {"rates": rates, "quantity": quantity, "amount": amount_text(amount)}
                for (rates, quantity), amount in figures(entry).items()
            ],
        }
        for entry in entries
    ]
