"""Guards against unit mistakes: numbers that may be right, but that a person should have looked at. All warn."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from tokentill.canonical import Content
from tokentill.clock import instant_text
from tokentill.errors import Finding
from tokentill.money import EXACT, amount_text
from tokentill.recordings.checks.placed_entries import PlacedEntry, entries, live_entries, per_million, rate_sets
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recordings
from tokentill.usage.quantities import TOKEN_LEAVES

RATE_PER_MILLION_MAX = Decimal(1000)
RATE_PER_MILLION_MIN = Decimal("0.0001")
CHANGE_MAX = Decimal(5)
APART_MAX = Decimal(10)
"""How far the rates of a mode, tier or window are from those that they stand in for; published ones reach 6."""
FEE_PER_UNIT_MAX = Decimal(1)
"""In the table's currency. Searches, pages, images and seconds are listed in cents; by the thousand, in tens."""

_CACHE_READ_OF = {
    "cache_read": "input",
    "input_audio_cache_read": "input_audio",
    "input_image_cache_read": "input_image",
}


def rates_are_of_usual_size(recordings: Recordings) -> Iterator[Finding]:
    """A million tokens cost no more than 1000, and, if anything, no less than 0.0001."""
    for entry in entries(recordings):
        for rates in rate_sets(entry):
            for name, rate in rates.rates.items():
                million = per_million(rate, entry.per)
                if name not in TOKEN_LEAVES or RATE_PER_MILLION_MIN <= million <= RATE_PER_MILLION_MAX or not million:
                    continue
                message = f'rate "{name}" is {amount_text(million)} {entry.currency} for a million tokens'
                hint = f"is it meant per {entry.per} tokens? Check the unit of the source"
                yield entry.finding((*rates.path, name), message, hint, is_warning=True)


def cached_is_not_dearer(recordings: Recordings) -> Iterator[Finding]:
    """Reading from a cache costs no more than not doing so."""
    for entry in entries(recordings):
        for rates in rate_sets(entry):
            for cached, plain in _CACHE_READ_OF.items():
                if {cached, plain} <= set(rates.rates) and Decimal(rates.rates[cached]) > Decimal(rates.rates[plain]):
                    message = f'{rates.label}: "{cached}" is dearer than "{plain}"'
                    yield entry.finding((*rates.path, cached), message, "were the two exchanged?", is_warning=True)


def output_is_not_cheaper(recordings: Recordings) -> Iterator[Finding]:
    """Writing a token costs no less than reading one, unless it is free."""
    for entry in entries(recordings):
        for rates in rate_sets(entry):
            if {"input", "output"} <= set(rates.rates):
                reading, writing = Decimal(rates.rates["input"]), Decimal(rates.rates["output"])
                if 0 < writing < reading:
                    message = f'{rates.label}: "output" is cheaper than "input"'
                    yield entry.finding((*rates.path, "output"), message, "were the two exchanged?", is_warning=True)


def sets_are_not_far_apart(recordings: Recordings) -> Iterator[Finding]:
    """A mode, tier or window costs no more than ten times, and no less than a tenth of, what it stands in for."""
    for entry in entries(recordings):
        for rates in rate_sets(entry):
            for name, rate in rates.rates.items():
                usual, here = Decimal((rates.instead_of or {}).get(name, "0")), Decimal(rate)
                if usual and here and max(usual, here) > EXACT.multiply(APART_MAX, min(usual, here)):
                    message = f'{rates.label}: "{name}" is {amount_text(here)} instead of {amount_text(usual)}'
                    hint = "that is more than ten times apart; check the unit of the source"
                    yield entry.finding((*rates.path, name), message, hint, is_warning=True)


def fees_are_of_usual_size(recordings: Recordings) -> Iterator[Finding]:
    """One unit of a counter costs no more than 1: a fee for a thousand units without its `per` is caught."""
    for entry in entries(recordings):
        tables: list[tuple[KeyPath, Content]] = [(("fees",), entry.content.get("fees", {}))]
        tables += [(("mode", name, "fees"), m.get("fees", {})) for name, m in entry.content.get("mode", {}).items()]
        for path, fees in tables:
            for name, fee in fees.items():
                one = EXACT.divide(Decimal(fee["price"]), Decimal(fee.get("per", 1)))
                if one > FEE_PER_UNIT_MAX:
                    message = f'fee "{name}" is {amount_text(one)} {entry.currency} for one {name}'
                    hint = "is the price for a thousand? Then add per = 1_000"
                    yield entry.finding((*path, name), message, hint, is_warning=True)


def prices_change_within_reason(recordings: Recordings) -> Iterator[Finding]:
    """From one entry of a model to the next, no rate or fee, of no mode, changes more than fivefold."""
    for found in live_entries(recordings).values():
        for earlier, later in pairwise(found):
            if earlier.currency != later.currency:
                continue
            before = {path: amount for path, _, amount in _amounts(earlier)}
            for path, what, new in _amounts(later):
                old = before.get(path)
                if old and new and max(old, new) > EXACT.multiply(CHANGE_MAX, min(old, new)):
                    message = (
                        f"{what} changes more than {CHANGE_MAX}x, from {amount_text(old)} to"
                        f" {amount_text(new)} for a million at {instant_text(later.valid_from)}"
                    )
                    yield later.finding(path, message, "check the unit of the source", is_warning=True)


def _amounts(entry: PlacedEntry) -> Iterator[tuple[KeyPath, str, Decimal]]:
    """Where the rates and fees of an entry and its modes stand, what they are, and what a million units cost."""
    tables: list[tuple[KeyPath, str, Content]] = [((), "", entry.content)]
    tables += [(("mode", name), f" of mode {name}", mode) for name, mode in entry.content.get("mode", {}).items()]
    for path, whose, table in tables:
        for name, rate in table.get("rates", {}).items():
            yield (*path, "rates", name), f'rate "{name}"{whose}', per_million(rate, entry.per)
        for name, fee in table.get("fees", {}).items():
            yield (*path, "fees", name), f'fee "{name}"{whose}', per_million(fee["price"], fee.get("per", 1))
