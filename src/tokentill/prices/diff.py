"""What two price entries have in common and in what they differ, figure by figure.

Pure. Figures are compared for the same number of units, and a quantity without a rate of its own by its fallback, so
that two ways to write one price do not differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tokentill.canonical import Content
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.entries import Fee, PriceEntry, RateSet, entry_hash
from tokentill.prices.rate_cards import amount_of
from tokentill.usage.quantities import BUILT_IN_FALLBACK

FREE = "free"


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure that differs between two entries; None where one of them has none.

    It `is_stated` where an entry has a figure of its own for it, and does not fall back to another quantity's.
    """

    rates: str
    quantity: str
    before: Decimal | None
    after: Decimal | None
    is_stated_before: bool
    is_stated_after: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """How the price of one model differs between two books, or that only one of them has it."""

    model: str
    before: PriceEntry | None
    after: PriceEntry | None
    changes: tuple[FigureChange, ...]


def figures(entry: PriceEntry) -> dict[tuple[str, str], Decimal]:
    """Every figure of an entry by the rates that it is in (`standard`, `batch, input > 200000`) and what it prices.

    Rates are for a million units, fees for `per` of 1, factors for themselves.
    """
    by_key: dict[tuple[str, str], Decimal] = {}
    if entry.is_free:
        by_key["standard", FREE] = Decimal(0)
    for mode, rates in {"standard": entry.standard, **entry.modes}.items():
        by_key |= dict(_of_set(mode, rates, entry.per))
        if rates.fees is not None:
            by_key |= dict(_of_fees("fee" if mode == "standard" else f"{mode}, fee", rates.fees))
    by_key |= dict(_of_fees("fee", entry.fees))
    for kind, factors in entry.multipliers.items():
        by_key |= {(f"factor of {kind}", place): factor for place, factor in factors.items()}
    return by_key


def _of_set(mode: str, rates: RateSet, per: int) -> Iterator[tuple[tuple[str, str], Decimal]]:
    sets = [(mode, rates.rates)]
    sets += [(f"{mode}, {tier.label}", tier.rates) for tier in rates.tiers]
    for window in rates.windows:
        sets.append((f"{mode}, {window.label}", window.rates))
        sets += [(f"{mode}, {window.label}, {tier.label}", tier.rates) for tier in window.tiers]
    for label, table in sets:
        for quantity, rate in table.items():
            yield (_one_way(label), quantity), amount_of(1_000_000, rate, per)


def _one_way(label: str) -> str:
    """One label for `input > 199999` and `input >= 200000`."""
    head, sign, threshold = label.partition("input >= ")
    return f"{head}input > {int(threshold) - 1}" if sign else label


def _of_fees(label: str, fees: Mapping[str, Fee]) -> Iterator[tuple[tuple[str, str], Decimal]]:
    for name, fee in fees.items():
        yield (label, name), amount_of(1, fee.price, fee.per)


def changes(before: PriceEntry, after: PriceEntry) -> tuple[FigureChange, ...]:
    """What differs between two entries of a model; a quantity is priced by its fallback where it has no rate."""
    old, new = figures(before), figures(after)
    changed = []
    for key in sorted({*old, *new}, key=lambda key: (not key[0].startswith("standard"), key)):
        was = old.get(key, _by_fallback(old, key, before.fallback))
        is_now = new.get(key, _by_fallback(new, key, after.fallback))
        if was != is_now:
            changed.append(FigureChange(*key, was, is_now, key in old, key in new))
    return tuple(changed)


def _by_fallback(
    by_key: Mapping[tuple[str, str], Decimal], key: tuple[str, str], fallback: Mapping[str, str]
) -> Decimal | None:
    rates, quantity = key
    every = {**BUILT_IN_FALLBACK, **fallback}
    for _ in range(len(every) + 1):
        if quantity not in every:
            return None
        quantity = every[quantity]
        if (rates, quantity) in by_key:
            return by_key[rates, quantity]
    return None


def lost_parts(earlier: PriceEntry, later: PriceEntry) -> list[str]:
    """The parts of an entry that one in its place lacks: `tier`, `window`, `multiplier`, `mode.batch`, `fee.image`, ...

    Parts of a mode that is kept are called `mode.batch.tier`. A free entry needs no part but modes.
    """
    kept = set(_parts(later))
    lost = [part for part in _parts(earlier) if part not in kept]
    modes = tuple(f"{part}." for part in lost if part.startswith("mode."))
    lost = [part for part in lost if not part.startswith(modes)]
    if later.is_free:
        return [part for part in lost if part.startswith("mode.")]
    return sorted({part.split(":")[0] for part in lost})


def _parts(entry: PriceEntry) -> Iterator[str]:
    """What an entry has beside its rates; the places of multipliers one by one, as `multiplier:us`."""
    yield from _parts_of_set(entry.standard, "")
    for kind, factors in entry.multipliers.items():
        yield from (f"multiplier:{kind}:{place}" for place in factors)
    yield from (f"fee.{name}" for name in entry.fees)
    for name, mode in entry.modes.items():
        yield f"mode.{name}"
        yield from _parts_of_set(mode, f"mode.{name}.")
        yield from (f"mode.{name}.fee.{fee}" for fee in mode.fees or () if fee not in entry.fees)


def _parts_of_set(rates: RateSet, of: str) -> Iterator[str]:
    if rates.tiers:
        yield f"{of}tier"
    if rates.windows:
        yield f"{of}window"


def compare_books(before: PriceBook, after: PriceBook, *, before_at: datetime, after_at: datetime) -> list[Difference]:
    """How the price of every model differs between a book at an instant and another one, or the same, at another.

    Models whose prices are alike are not listed, whatever entry states them.
    """
    differences = []
    for model in sorted({*before.models, *after.models}):
        old, new = _in_force(before, model, before_at), _in_force(after, model, after_at)
        differing = changes(old, new) if old and new else ()
        currency_before, currency_after = (entry and entry.currency for entry in (old, new))
        if differing or currency_before != currency_after:
            differences.append(Difference(model, old, new, differing))
    return differences


def _in_force(book: PriceBook, model: str, at: datetime) -> PriceEntry | None:
    if model not in book.models:
        return None
    entry = book.entry_at(model, at)
    return None if isinstance(entry, NoPrice) else entry


def content_by_hash(recordings: Iterable[Content]) -> dict[str, Content]:
    """The canonical content of every entry, by the hash of the entry."""
    return {
        entry_hash(price, recording["currency"]): price
        for recording in recordings
        for price in recording.get("price", ())
        if "model" in price
    }
