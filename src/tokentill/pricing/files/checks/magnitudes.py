"""Guards against unit mistakes: numbers that may be right, but that a person should have looked at. All warn."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from tokentill.clock import instant_text
from tokentill.errors import Finding
from tokentill.money import EXACT, amount_text
from tokentill.pricing.files.checks.placed import entries, live_entries, per_million, rate_sets
from tokentill.pricing.files.recordings import Recordings
from tokentill.usage.record import TOKEN_LEAVES

RATE_PER_MILLION_MAX = Decimal(1000)
RATE_PER_MILLION_MIN = Decimal("0.0001")
CHANGE_MAX = Decimal(5)

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


def prices_change_within_reason(recordings: Recordings) -> Iterator[Finding]:
    """From one entry of a model to the next, no rate changes more than fivefold."""
    for found in live_entries(recordings).values():
        for earlier, later in pairwise(found):
            if earlier.currency != later.currency:
                continue
            for name, rate in later.content.get("rates", {}).items():
                before = earlier.content.get("rates", {}).get(name)
                if before is None:
                    continue
                old, new = per_million(before, earlier.per), per_million(rate, later.per)
                if old and new and max(old, new) > EXACT.multiply(CHANGE_MAX, min(old, new)):
                    message = (
                        f'rate "{name}" changes more than {CHANGE_MAX}x, from {amount_text(old)} to'
                        f" {amount_text(new)} for a million at {instant_text(later.valid_from)}"
                    )
                    yield later.finding(("rates", name), message, "check the unit of the source", is_warning=True)
