"""Whether price entries make sense together, and the sets of rates inside each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from tokentill.clock import instant_text, parse_instant
from tokentill.errors import Finding
from tokentill.prices.entries import PriceEntry, RateSet, Tier, Window
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import Located
from tokentill.recordings.recording import Recordings

_MINUTES_A_DAY = 24 * 60
_MINUTES_A_WEEK = 7 * _MINUTES_A_DAY
_WINTER, _SUMMER = 1, 7


@dataclass(frozen=True, slots=True)
class RatesAt:
    """One set of rates of an entry, what to call it, and the set that it stands in for (none for the entry's own)."""

    label: str
    path: KeyPath
    rates: Mapping[str, Decimal]
    instead_of: Mapping[str, Decimal]


def rates_of(entry: PriceEntry) -> Iterator[RatesAt]:
    """The rates of an entry, of its modes, and of the tiers and windows of each."""
    for of, path, rate_set in modes_of(entry):
        usual = entry.standard.rates if path else {}
        if rate_set.rates:
            label = f'mode "{path[-1]}"' if path else "the standard rates"
            yield RatesAt(label, (*path, "rates"), rate_set.rates, usual)
        yield from _rates_of_tiers(of, path, rate_set.tiers, rate_set.rates)
        for index, window in enumerate(rate_set.windows):
            label, inside = f"window {index + 1}{of}", (*path, "window", index)
            yield RatesAt(label, (*inside, "rates"), window.rates, rate_set.rates)
            yield from _rates_of_tiers(f" of {label}", inside, window.tiers, window.rates)


def modes_of(entry: PriceEntry) -> Iterator[tuple[str, KeyPath, RateSet]]:
    """The standard rates and those of each mode: what to add to a label, and where they stand."""
    yield "", (), entry.standard
    for name, mode in entry.modes.items():
        yield f' of mode "{name}"', ("mode", name), mode


def _rates_of_tiers(of: str, path: KeyPath, tiers: tuple[Tier, ...], base: Mapping[str, Decimal]) -> Iterator[RatesAt]:
    for index, tier in enumerate(tiers):
        yield RatesAt(f"tier {index + 1}{of}", (*path, "tier", index, "rates"), tier.rates, base)


def entries_do_not_overlap(recordings: Recordings) -> Iterator[Finding]:
    """What was learned at one time about one model does not contradict itself.

    A later recording may reach into an earlier entry: it is the correction. An entry without `valid_to` ends where
    the next one begins.
    """
    at_once: dict[tuple[str, datetime], list[Located[PriceEntry]]] = {}
    for entry in recordings.own_entries:
        at_once.setdefault((entry.value.model, entry.value.recorded_at), []).append(entry)
    for group in at_once.values():
        group.sort(key=lambda entry: entry.value.valid_from)
        for earlier, later in pairwise(group):
            ends_at, starts_at = earlier.value.valid_to, later.value.valid_from
            if ends_at is not None and earlier.value.valid_from < starts_at < ends_at:
                message = f"overlap: valid from {instant_text(starts_at)}, before the entry at {earlier.where} ends"
                yield later.finding(("valid_from",), message, f"let that one end at {instant_text(starts_at)}")


def entries_leave_no_gap(recordings: Recordings) -> Iterator[Finding]:
    """Between the first entry of a model and its last there is always a price. Warning."""
    for entries in recordings.live_entries.values():
        covered_to = entries[0].value.valid_to
        for entry in entries[1:]:
            if covered_to is not None and covered_to < entry.value.valid_from:
                message = f"gap: no price from {instant_text(covered_to)} to {instant_text(entry.value.valid_from)}"
                hint = "usage in between is unpriced; state its price in a new recording"
                yield entry.finding(("valid_from",), message, hint, is_warning=True)
            ends = [covered_to, entry.value.valid_to]
            covered_to = None if None in ends else max(end for end in ends if end is not None)


def a_model_keeps_its_currency(recordings: Recordings) -> Iterator[Finding]:
    """From one entry of a model to the next, the currency is the same: lists in two are no conversions. Warning."""
    for entries in recordings.live_entries.values():
        for earlier, later in pairwise(entries):
            if earlier.value.currency != later.value.currency:
                message = f"its price is in {later.value.currency} now, and in {earlier.value.currency} before"
                hint = "list the model in one currency, under one id; another list is a model id of its own"
                yield later.finding(("valid_from",), message, hint, is_warning=True)


def withdrawn_entries_exist(recordings: Recordings) -> Iterator[Finding]:
    """What is withdrawn was recorded before."""
    if recordings.is_unread("models"):
        return
    recorded: dict[str, datetime] = {}
    for entry in recordings.entries:
        hash_, recorded_at = entry.value.hash, entry.value.recorded_at
        recorded[hash_] = min(recorded_at, recorded.get(hash_, recorded_at))
    for recording in recordings.prices:
        withdrawn_at = parse_instant(recording.content["recorded_at"])
        for index, price in enumerate(recording.content.get("price", ())):
            if "withdraws" in price and recorded.get(price["withdraws"], withdrawn_at) >= withdrawn_at:
                message = f"no entry recorded before this one has the hash {price['withdraws'][:19]}..."
                hint = "copy the hash of the announced entry from `tokentill prices show`"
                yield recording.file.finding(("price", index, "withdraws"), message, hint)


def sets_price_what_the_base_prices(recordings: Recordings) -> Iterator[Finding]:
    """A mode, tier or window prices no dimension that the rates it stands in for lack."""
    for entry in recordings.own_entries:
        for rates in rates_of(entry.value):
            for name in sorted(set(rates.rates) - set(rates.instead_of or rates.rates)):
                message = f'{rates.label} has a rate for "{name}", which the rates it replaces lack'
                yield entry.finding((*rates.path, name), message, "add it there, or remove it here")


def windows_share_no_minute(recordings: Recordings) -> Iterator[Finding]:
    """Two windows of one set of rates are never open at once."""
    for entry in recordings.own_entries:
        for _, path, rate_set in modes_of(entry.value):
            windows = rate_set.windows
            for index, window in enumerate(windows):
                year = entry.value.valid_from.year
                other = next((n for n in range(index) if _are_open_at_once(windows[n], window, year)), None)
                if other is not None:
                    message = f"window {index + 1} overlaps window {other + 1}"
                    hint = "windows are half-open and must not share a minute"
                    yield entry.finding((*path, "window", index, "when"), message, hint)


def _are_open_at_once(one: Window, other: Window, year: int) -> bool:
    """Whether two windows share a minute of the week.

    Those of two zones are compared in UTC, as of a January and a July: clocks are not changed within these months.
    """
    if one.zone is other.zone:
        return bool(_minutes_of_week(one) & _minutes_of_week(other))
    return any(_utc_minutes(one, year, month) & _utc_minutes(other, year, month) for month in (_WINTER, _SUMMER))


def _utc_minutes(window: Window, year: int, month: int) -> set[int]:
    offset = datetime(year, month, 15, tzinfo=window.zone).utcoffset() or timedelta(0)
    behind = offset // timedelta(minutes=1)
    return {(minute - behind) % _MINUTES_A_WEEK for minute in _minutes_of_week(window)}


def _minutes_of_week(window: Window) -> set[int]:
    length = (window.ends_minute - window.starts_minute) % _MINUTES_A_DAY or _MINUTES_A_DAY
    starts = [day * _MINUTES_A_DAY + window.starts_minute for day in window.days]
    return {minute % _MINUTES_A_WEEK for start in starts for minute in range(start, start + length)}


CHECKS = (
    entries_do_not_overlap,
    entries_leave_no_gap,
    a_model_keeps_its_currency,
    withdrawn_entries_exist,
    sets_price_what_the_base_prices,
    windows_share_no_minute,
)
