"""Price entries where they stand in their files, and the sets of rates that each of them holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tokentill.canonical import Content
from tokentill.errors import Finding
from tokentill.money import EXACT
from tokentill.prices.entries import entry_hash
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recording, Recordings


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """One `[[price]]` table that states prices, and where it stands."""

    recording: Recording
    place: KeyPath
    content: Content
    model: str
    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime

    @property
    def currency(self) -> str:
        """The currency of the recording."""
        return str(self.recording.content["currency"])

    @property
    def per(self) -> int:
        """How many units the rates are for."""
        return int(self.content.get("per", 1_000_000))

    def finding(self, path: KeyPath, message: str, hint: str = "", *, is_warning: bool = False) -> Finding:
        """A finding at a key of this entry."""
        text = f"{self.model}: {message}"
        return self.recording.file.finding((*self.place, *path), text, hint, is_warning=is_warning)


@dataclass(frozen=True, slots=True)
class RateSetAt:
    """One set of rates of an entry, what to call it, and the set that it stands in for (None for the entry's own)."""

    label: str
    path: KeyPath
    rates: Mapping[str, str]
    instead_of: Mapping[str, str] | None


def entries(recordings: Recordings) -> Iterator[PlacedEntry]:
    """Every entry that states prices, in order of files."""
    for recording in recordings.prices:
        for index, price in enumerate(recording.content["price"]):
            if "model" in price and "valid_from" in price:
                yield PlacedEntry(
                    recording,
                    ("price", index),
                    price,
                    price["model"],
                    datetime.fromisoformat(price["valid_from"]),
                    datetime.fromisoformat(price["valid_to"]) if "valid_to" in price else None,
                    datetime.fromisoformat(recording.content["recorded_at"]),
                )


def live_entries(recordings: Recordings) -> dict[str, list[PlacedEntry]]:
    """By model, the entries that no later recording withdraws, in order of `valid_from`, then `recorded_at`."""
    withdrawn: dict[str, datetime] = {}
    for recording in recordings.prices:
        recorded_at = datetime.fromisoformat(recording.content["recorded_at"])
        for price in recording.content["price"]:
            if "withdraws" in price:
                withdrawn[price["withdraws"]] = max(recorded_at, withdrawn.get(price["withdraws"], recorded_at))
    by_model: dict[str, list[PlacedEntry]] = {}
    for entry in entries(recordings):
        gone_at = withdrawn.get(entry_hash(entry.content, entry.currency))
        if gone_at is None or entry.recorded_at > gone_at:
            by_model.setdefault(entry.model, []).append(entry)
    for found in by_model.values():
        found.sort(key=lambda entry: (entry.valid_from, entry.recorded_at))
    return by_model


def rate_sets(entry: PlacedEntry) -> Iterator[RateSetAt]:
    """The rates of an entry, of its modes, and of the tiers and windows of each."""
    base = entry.content.get("rates", {})
    if base:
        yield RateSetAt("the standard rates", ("rates",), base, None)
    yield from _inner_sets("", (), entry.content, base)
    for name, mode in entry.content.get("mode", {}).items():
        path: KeyPath = ("mode", name)
        yield RateSetAt(f'mode "{name}"', (*path, "rates"), mode["rates"], base)
        yield from _inner_sets(f' of mode "{name}"', path, mode, mode["rates"])


def _inner_sets(of: str, path: KeyPath, content: Content, base: Mapping[str, str]) -> Iterator[RateSetAt]:
    for index, tier in enumerate(content.get("tier", ())):
        yield RateSetAt(f"tier {index + 1}{of}", (*path, "tier", index, "rates"), tier["rates"], base)
    for index, window in enumerate(content.get("window", ())):
        window_path: KeyPath = (*path, "window", index)
        yield RateSetAt(f"window {index + 1}{of}", (*window_path, "rates"), window["rates"], base)
        yield from _inner_sets(f" of window {index + 1}{of}", window_path, window, window["rates"])


def tables_with_tiers(entry: PlacedEntry) -> Iterator[tuple[KeyPath, Content]]:
    """The entry, its modes, and the windows of each: every table that may have a `tier` list."""
    tables: list[tuple[KeyPath, Content]] = [((), entry.content)]
    tables += [(("mode", name), mode) for name, mode in entry.content.get("mode", {}).items()]
    for path, table in tables:
        yield path, table
        for index, window in enumerate(table.get("window", ())):
            yield (*path, "window", index), window


def per_million(rate: str, per: int) -> Decimal:
    """A rate as that of a million units."""
    return EXACT.divide(EXACT.multiply(Decimal(rate), Decimal(1_000_000)), Decimal(per))
