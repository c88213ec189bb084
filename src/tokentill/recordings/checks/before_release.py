"""What a person should have looked at before a file is released: unit mistakes, and rates that are left out.

All warn. An entry or an exchange rate that says `unusual = true` means its numbers.

To release a file is to have looked, and nobody may edit it afterwards: these checks are quiet about released files, so
that what they say is news.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from tokentill.clock import instant_text
from tokentill.errors import Finding
from tokentill.money import EXACT, ZERO, amount_text
from tokentill.prices.entries import PriceEntry
from tokentill.prices.fx import FxRate
from tokentill.prices.rate_cards import ONE, amount_of, unit_price
from tokentill.recordings.checks.prices import RatesAt, modes_of, rates_of
from tokentill.recordings.checks.rules import has_own_rate, leaves_of_models
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import Located
from tokentill.recordings.recording import Recordings
from tokentill.usage.quantities import LEAVES, TOKEN_LEAVES, leaves_of
from tokentill.versions import precedence

_EXCHANGED = "were the two exchanged?"
_MILLION = 1_000_000
RATE_PER_MILLION_MAX = Decimal(1000)
RATE_PER_MILLION_MIN = Decimal("0.0001")
CHANGE_MAX = Decimal(5)
APART_MAX = Decimal(10)
"""How far the rates of a mode, tier or window are from those that they stand in for; published ones reach 6."""
FEE_PER_UNIT_MAX = Decimal(1)
"""In the table's currency. Searches, pages, images and seconds are listed in cents; by the thousand, in tens."""

DEAREST_MIN, DEAREST_OF_INPUT_MIN = Decimal("0.03"), Decimal("0.005")
"""A million tokens of a model that writes cost more in output, and of one that only reads in input."""

UNITS_OF_A_DOLLAR = {
    currency: Decimal(units)
    for units, currencies in {
        "0.3": "BHD KWD OMR",
        "1": "USD EUR GBP CHF CAD AUD NZD SGD JOD",
        "4": "AED SAR QAR ILS MYR PEN PLN RON",
        "7": "BRL CNY DKK HKD",
        "15": "CZK MXN NOK SEK UAH ZAR",
        "50": "EGP INR PHP RUB THB TRY TWD",
        "150": "HUF JPY KES PKR RSD",
        "1000": "CLP KRW NGN",
        "4000": "COP",
        "20000": "IDR VND",
    }.items()
    for currency in currencies.split()
}
"""About how many units a dollar has been for years: for mistakes of a factor, and for nothing else."""

_MEANT = "if it is meant, say unusual = true"
_CHECK_UNIT = f"check the unit of the source; {_MEANT}"

_CACHE_READ_OF = {leaf.name: leaf.cached_from for leaf in LEAVES if leaf.cached_from is not None}


def sets_lack_nothing_of_the_base(recordings: Recordings) -> Iterator[Finding]:
    """A mode, tier or window prices every dimension of the rates it stands in for, or a fallback does."""
    for entry, rates in _rate_sets(recordings):
        for name in sorted(set(rates.instead_of) - set(rates.rates)):
            if unit_price(name, rates.rates, 1, entry.value.fallback, {}, ONE) is None:
                message = f'{rates.label} has no rate for "{name}", which the rates it replaces have'
                yield entry.finding(rates.path, message, "such usage will be unpriced", is_warning=True)


def own_rates_lack_nothing_of_the_list(recordings: Recordings) -> Iterator[Finding]:
    """Own rates are of every leaf that a model of the rule has a list price for, or a fallback is.

    Leaves in packages, and those that every tier has a rate for, need none.
    """
    for rule in recordings.rules:
        if rule.value.basis != "own":
            continue
        tiers = rule.value.tiers
        elsewhere = set(leaves_of(rule.value.package))
        if tiers is not None and all(tier.rates is not None for tier in tiers.tiers):
            elsewhere |= set(tiers.measured)
        used = leaves_of_models(rule.value, recordings)
        missing = [leaf for leaf in TOKEN_LEAVES if leaf in used and leaf not in elsewhere]
        missing = [leaf for leaf in missing if not has_own_rate(leaf, rule.value.rates)]
        if missing:
            named = " and ".join(f'"{leaf}"' for leaf in missing)
            message = f"the own rates have none for {named}, which {used[missing[0]]} has"
            hint = f"add {missing[0]} = ..., or a rate of a sum; such usage will be unpriced"
            yield rule.finding(("rates",), message, hint, is_warning=True)


def zeros_are_said_to_be_free(recordings: Recordings) -> Iterator[Finding]:
    """An entry whose rates are all zero, with no fee beside them, says `free = true` instead."""
    for entry in recordings.own_entries:
        amounts = [*(rate for rates in rates_of(entry.value) for rate in rates.rates.values())]
        amounts += [fee.price for rates in entry.value.rate_sets() for fee in entry.value.fees_of(rates).values()]
        if amounts and not any(amounts):
            hint = "write free = true instead of the rates if the model is free; else state its price"
            yield entry.finding(("rates",), "its rates are all zero", hint, is_warning=True)


def rates_are_of_usual_size(recordings: Recordings) -> Iterator[Finding]:
    """A million tokens cost no more than 1000, and, if anything, no less than 0.0001."""
    for entry, rates in _guarded_sets(recordings):
        for name, rate in rates.rates.items():
            million = amount_of(_MILLION, rate, entry.value.per)
            if RATE_PER_MILLION_MIN <= million <= RATE_PER_MILLION_MAX or not million:
                continue
            message = f'rate "{name}" is {amount_text(million)} {entry.value.currency} for a million tokens'
            hint = f"is it meant per {entry.value.per} tokens? {_CHECK_UNIT.capitalize()}"
            yield entry.finding((*rates.path, name), message, hint, is_warning=True)


def rates_are_not_for_a_thousand(recordings: Recordings) -> Iterator[Finding]:
    """The dearest token of an entry is not as cheap as if the rates were those of a thousand tokens."""
    for entry in _guarded(recordings):
        rates = entry.value.standard.rates
        dearest = amount_of(_MILLION, max(rates.values(), default=ZERO), entry.value.per)
        least = DEAREST_MIN if "output" in rates else DEAREST_OF_INPUT_MIN
        if RATE_PER_MILLION_MIN <= dearest < least:
            message = f"its dearest tokens are {amount_text(dearest)} {entry.value.currency} for a million"
            hint = f"are the rates for a thousand tokens? Then write per = 1_000; {_MEANT}"
            yield entry.finding(("rates",), message, hint, is_warning=True)


def fees_are_of_usual_size(recordings: Recordings) -> Iterator[Finding]:
    """One unit of a counter costs no more than 1: a fee for a thousand units without its `per` is caught."""
    for entry in _guarded(recordings):
        for path, _, million in _amounts(entry.value):
            one = EXACT.divide(million, Decimal(_MILLION))
            if path[-2] == "fees" and one > FEE_PER_UNIT_MAX:
                name = path[-1]
                message = f'fee "{name}" is {amount_text(one)} {entry.value.currency} for one {name}'
                hint = f"is the price for a thousand? Then add per = 1_000; {_MEANT}"
                yield entry.finding(path, message, hint, is_warning=True)


def cached_is_not_dearer(recordings: Recordings) -> Iterator[Finding]:
    """Reading from a cache costs no more than not doing so."""
    for entry, rates in _guarded_sets(recordings):
        for cached, plain in _CACHE_READ_OF.items():
            if {cached, plain} <= set(rates.rates) and rates.rates[cached] > rates.rates[plain]:
                message = f'{rates.label}: "{cached}" is dearer than "{plain}"'
                hint = f"{_EXCHANGED} {_MEANT.capitalize()}"
                yield entry.finding((*rates.path, cached), message, hint, is_warning=True)


def output_is_not_cheaper(recordings: Recordings) -> Iterator[Finding]:
    """Writing a token costs no less than reading one, unless it is free."""
    for entry, rates in _guarded_sets(recordings):
        reading, writing = (rates.rates.get(name, ZERO) for name in ("input", "output"))
        if 0 < writing < reading:
            message = f'{rates.label}: "output" is cheaper than "input"'
            hint = f"{_EXCHANGED} {_MEANT.capitalize()}"
            yield entry.finding((*rates.path, "output"), message, hint, is_warning=True)


def sets_are_not_far_apart(recordings: Recordings) -> Iterator[Finding]:
    """A mode, tier or window costs no more than ten times, and no less than a tenth of, what it stands in for."""
    for entry, rates in _guarded_sets(recordings):
        for name, here in rates.rates.items():
            usual = rates.instead_of.get(name, ZERO)
            if usual and here and max(usual, here) > EXACT.multiply(APART_MAX, min(usual, here)):
                message = f'{rates.label}: "{name}" is {amount_text(here)} instead of {amount_text(usual)}'
                hint = f"that is more than ten times apart; {_CHECK_UNIT}"
                yield entry.finding((*rates.path, name), message, hint, is_warning=True)


def prices_change_within_reason(recordings: Recordings) -> Iterator[Finding]:
    """From one entry of a model to the next, no rate or fee, of no mode, changes more than fivefold."""
    for entries in recordings.live_entries.values():
        for earlier, later in pairwise(entries):
            if earlier.value.currency != later.value.currency or later.value.is_unusual:
                continue
            before: Mapping[KeyPath, Decimal] = {path: amount for path, _, amount in _amounts(earlier.value)}
            for path, what, new in _amounts(later.value):
                old = before.get(path)
                if old and new and max(old, new) > EXACT.multiply(CHANGE_MAX, min(old, new)):
                    message = (
                        f"{what} changes more than {CHANGE_MAX}x, from {amount_text(old)} to"
                        f" {amount_text(new)} for a million at {instant_text(later.value.valid_from)}"
                    )
                    yield later.finding(path, message, _CHECK_UNIT, is_warning=True)


def exchange_rates_agree(recordings: Recordings) -> Iterator[Finding]:
    """An exchange rate is no more than five times off from the one before it, and from that of the inverse pair.

    The first one of two common currencies is no more than ten times off from what it has long been about.
    """
    by_pair: dict[tuple[str, str], list[Located[FxRate]]] = {}
    for rate in recordings.fx_rates:
        by_pair.setdefault(rate.value.pair, []).append(rate)
    for rate in recordings.fx_rates:
        pair, units = rate.value.pair, rate.value.rate
        before = _known_before(rate, by_pair[pair])
        inverse = _known_before(rate, by_pair.get((pair[1], pair[0]), []))
        beside = [(before, units, before.value.rate)] if before else []
        beside += [(inverse, EXACT.multiply(units, inverse.value.rate), ONE)] if inverse else []
        if not beside and not rate.value.is_unusual:
            yield from _of_usual_size(rate)
        for other, one, usual in [] if rate.value.is_unusual else beside:
            if max(one, usual) > EXACT.multiply(CHANGE_MAX, min(one, usual)):
                message = f"{_exchanged(rate.value)} is more than {CHANGE_MAX}x off from {_exchanged(other.value)}"
                hint = f"that one is at {other.where}; which is right? {_MEANT.capitalize()}"
                yield rate.finding(("rate",), message, hint, is_warning=True)
                break


def _of_usual_size(rate: Located[FxRate]) -> Iterator[Finding]:
    of, to = (UNITS_OF_A_DOLLAR.get(currency) for currency in rate.value.pair)
    if of is None or to is None:
        return
    one = EXACT.multiply(rate.value.rate, of)
    if max(one, to) > EXACT.multiply(APART_MAX, min(one, to)):
        message = f"{_exchanged(rate.value)} is more than {APART_MAX}x off from what is usual"
        hint = f"is the point in the right place, and are the two the right way round? {_MEANT.capitalize()}"
        yield rate.finding(("rate",), message, hint, is_warning=True)


def _exchanged(rate: FxRate) -> str:
    return f"{amount_text(rate.rate)} {rate.to_currency} for one {rate.from_currency}"


def _known_before(rate: Located[FxRate], others: list[Located[FxRate]]) -> Located[FxRate] | None:
    """Of other rates, the last one before a rate that was known when that one was written."""

    def place(located: Located[FxRate]) -> tuple[datetime, datetime, str, KeyPath]:
        return *precedence(located.value), located.file.path, located.position

    before = [
        other for other in others if other.value.recorded_at <= rate.value.recorded_at and place(other) < place(rate)
    ]
    return max(before, key=place, default=None)


def _guarded(recordings: Recordings) -> Iterator[Located[PriceEntry]]:
    """Every entry but those whose numbers are said to be meant."""
    return (entry for entry in recordings.own_entries if not entry.value.is_unusual)


def _guarded_sets(recordings: Recordings) -> Iterator[tuple[Located[PriceEntry], RatesAt]]:
    """Every set of rates of these."""
    return ((entry, rates) for entry in _guarded(recordings) for rates in rates_of(entry.value))


def _rate_sets(recordings: Recordings) -> Iterator[tuple[Located[PriceEntry], RatesAt]]:
    """Every set of rates of every entry."""
    return ((entry, rates) for entry in recordings.own_entries for rates in rates_of(entry.value))


def _amounts(entry: PriceEntry) -> Iterator[tuple[KeyPath, str, Decimal]]:
    """Where the rates and fees of an entry and its modes stand, what they are, and what a million units cost."""
    for _, path, rate_set in modes_of(entry):
        whose = f" of mode {path[-1]}" if path else ""
        for name, rate in rate_set.rates.items():
            yield (*path, "rates", name), f'rate "{name}"{whose}', amount_of(_MILLION, rate, entry.per)
        for name, fee in ((rate_set.fees or {}) if path else entry.fees).items():
            yield (*path, "fees", name), f'fee "{name}"{whose}', amount_of(_MILLION, fee.price, fee.per)


CHECKS = (
    sets_lack_nothing_of_the_base,
    own_rates_lack_nothing_of_the_list,
    zeros_are_said_to_be_free,
    rates_are_of_usual_size,
    rates_are_not_for_a_thousand,
    exchange_rates_agree,
    fees_are_of_usual_size,
    cached_is_not_dearer,
    output_is_not_cheaper,
    sets_are_not_far_apart,
    prices_change_within_reason,
)
