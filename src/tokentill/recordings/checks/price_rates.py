"""Whether the rates of price entries make sense: quantities, tiers, windows and modes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from tokentill.canonical import Content
from tokentill.errors import Finding
from tokentill.prices.entries import BUILT_IN_FALLBACK
from tokentill.recordings.checks.placed_entries import PlacedEntry, entries, rate_sets, tables_with_tiers
from tokentill.recordings.checks.windows import windows_meet
from tokentill.recordings.checks.zones import zone_mistake
from tokentill.recordings.mistakes import KNOWN_ELSEWHERE, near_miss
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recordings
from tokentill.usage.quantities import REQUEST, SUMS, TOKEN_LEAVES

KNOWN_COUNTERS = (REQUEST, "web_search", "web_fetch", "file_search", "image", "audio_second", "page", "character")
"""Counters that sources report. The set is open: a fee may name another one, but hardly a misspelt one of these."""


def a_tier_has_one_condition(recordings: Recordings) -> Iterator[Finding]:
    """Every tier says from where it holds, in one way."""
    for entry in entries(recordings):
        for path, table in tables_with_tiers(entry):
            for index, tier in enumerate(table.get("tier", ())):
                conditions = tier.get("when", {})
                if len(conditions) != 1:
                    what = "tier without a condition" if not conditions else "tier with two conditions"
                    hint = "write when = { input_tokens_gt = ... } or { input_tokens_gte = ... }"
                    yield entry.finding((*path, "tier", index, "when"), what, hint)


def thresholds_rise(recordings: Recordings) -> Iterator[Finding]:
    """Each tier begins above the one before it; else the last that fits would not be the highest."""
    for entry in entries(recordings):
        for path, table in tables_with_tiers(entry):
            above = -1
            for index, tier in enumerate(table.get("tier", ())):
                when = tier.get("when", {})
                if len(when) != 1:
                    continue
                threshold = when["input_tokens_gt"] if "input_tokens_gt" in when else when["input_tokens_gte"] - 1
                if threshold <= above:
                    message = f"thresholds do not rise: tier {index + 1} begins at or below tier {index}"
                    yield entry.finding((*path, "tier", index, "when"), message, "order the tiers by input tokens")
                above = max(above, threshold)


def windows_can_be_told_apart(recordings: Recordings) -> Iterator[Finding]:
    """A window is not empty, its zone exists, it overlaps no other one, and it says which tiers it has."""
    for entry in entries(recordings):
        for path, table in tables_with_tiers(entry):
            windows = table.get("window", ())
            for index, window in enumerate(windows):
                at: KeyPath = (*path, "window", index)
                yield from _one_window(entry, at, window, has_tiers_outside=bool(table.get("tier")))
                other = next(
                    (
                        n
                        for n in range(index)
                        if windows_meet(windows[n]["when"], window["when"], entry.valid_from.year)
                    ),
                    None,
                )
                if other is not None:
                    message = f"window {index + 1} overlaps window {other + 1}"
                    yield entry.finding((*at, "when"), message, "windows are half-open and must not share a minute")


def _one_window(entry: PlacedEntry, path: KeyPath, window: Content, *, has_tiers_outside: bool) -> Iterator[Finding]:
    when = window["when"]
    mistake = zone_mistake(when.get("time_zone", "UTC"))
    if mistake:
        yield entry.finding((*path, "when", "time_zone"), *mistake)
    starts, ends = when["between"]
    if starts in (ends, "24:00"):
        message = f"the window from {starts} to {ends} is empty"
        yield entry.finding((*path, "when", "between"), message, "for a whole day write 00:00 to 24:00")
    if has_tiers_outside and "tier" not in window:
        message = "the tiers outside a window do not hold inside it"
        hint = "give the window its own tier list, or tier = [] to say that it has none"
        yield entry.finding(path, message, hint, is_warning=True)


def quantities_are_known(recordings: Recordings) -> Iterator[Finding]:
    """Rates are of leaf quantities, fees of counters, fallbacks from leaf to leaf."""
    for entry in entries(recordings):
        for rates in rate_sets(entry):
            for name in rates.rates:
                if name not in TOKEN_LEAVES:
                    hint = near_miss(name, TOKEN_LEAVES) or "a counter belongs in fees: { price = ..., per = ... }"
                    if name in KNOWN_COUNTERS:
                        hint = f"a counter belongs in fees: fees = {{ {name} = {{ price = ..., per = ... }} }}"
                    yield entry.finding((*rates.path, name), f'rate "{name}" is not a known quantity', hint)
        fees: list[tuple[KeyPath, Content]] = [(("fees",), entry.content.get("fees", {}))]
        modes = entry.content.get("mode", {})
        fees += [(("mode", name, "fees"), mode.get("fees", {})) for name, mode in modes.items()]
        for path, table in fees:
            for name in table:
                yield from _fee_name(entry, (*path, name), name)
        for name, target in entry.content.get("fallback", {}).items():
            for word in (name, target):
                if word not in TOKEN_LEAVES:
                    message = f'fallback "{word}" is not a known quantity'
                    yield entry.finding(("fallback", name), message, near_miss(word, TOKEN_LEAVES))


def fallbacks_lead_to_a_rate(recordings: Recordings) -> Iterator[Finding]:
    """A declared fallback ends at a quantity that has a rate: not in a circle, and not (a warning) at none."""
    for entry in entries(recordings):
        declared = entry.content.get("fallback", {})
        every = {**BUILT_IN_FALLBACK, **declared}
        for name in declared:
            last, seen = name, {name}
            while last in every and every[last] not in seen:
                last = every[last]
                seen.add(last)
            if last in every:
                message = f'fallback "{name}" leads to itself'
                yield entry.finding(("fallback", name), message, "name the quantity whose rate holds")
            elif not seen - {name} & set(entry.content.get("rates", {})):
                message = f'fallback "{name}" leads to "{last}", which has no rate'
                hint = "such usage will be unpriced; name a quantity that has a rate"
                yield entry.finding(("fallback", name), message, hint, is_warning=True)


def _fee_name(entry: PlacedEntry, path: KeyPath, name: str) -> Iterator[Finding]:
    if name in TOKEN_LEAVES or name in SUMS:
        hint = f"write it under rates: rates = {{ {name} = ... }}"
        yield entry.finding(path, f'fee "{name}" is a token quantity, not a counter', hint)
    elif looks_like_tokens(name):
        yield entry.finding(path, f'fee "{name}" is not a known quantity', near_miss(name, TOKEN_LEAVES))
    elif name not in KNOWN_COUNTERS and difflib.get_close_matches(name, KNOWN_COUNTERS, 1, 0.85):
        message = f'fee "{name}" is a counter that no source is known to report'
        yield entry.finding(path, message, near_miss(name, KNOWN_COUNTERS), is_warning=True)


def looks_like_tokens(name: str) -> bool:
    """Whether an unknown name is more likely a misspelt leaf quantity than a counter: `outputs`, `cached_input`."""
    if name in KNOWN_ELSEWHERE or "token" in name or "cache" in name:
        return True
    return bool(difflib.get_close_matches(name, TOKEN_LEAVES, 1, 0.85))


def a_mode_is_not_standard(recordings: Recordings) -> Iterator[Finding]:
    """The standard rates are the entry's own; a mode of that name would never be used."""
    for entry in entries(recordings):
        if "standard" in entry.content.get("mode", {}):
            yield entry.finding(
                ("mode", "standard"), '"standard" is the entry itself', "write its rates as the entry's"
            )


def sets_price_what_the_base_prices(recordings: Recordings) -> Iterator[Finding]:
    """A mode, tier or window prices no dimension that the rates it stands in for lack."""
    for entry in entries(recordings):
        for rates in rate_sets(entry):
            for name in sorted(set(rates.rates) - set(rates.instead_of or rates.rates)):
                message = f'{rates.label} has a rate for "{name}", which the rates it replaces lack'
                yield entry.finding((*rates.path, name), message, "add it there, or remove it here")


def sets_lack_nothing_of_the_base(recordings: Recordings) -> Iterator[Finding]:
    """A mode, tier or window prices every dimension of the rates it stands in for, or a fallback does. Warning."""
    for entry in entries(recordings):
        fallback = {**BUILT_IN_FALLBACK, **entry.content.get("fallback", {})}
        for rates in rate_sets(entry):
            for name in sorted(set(rates.instead_of or ()) - set(rates.rates)):
                if not _is_covered(name, rates.rates, fallback):
                    message = f'{rates.label} has no rate for "{name}", which the rates it replaces have'
                    yield entry.finding(rates.path, message, "such usage will be unpriced", is_warning=True)


def _is_covered(name: str, rates: Mapping[str, str], fallback: Mapping[str, str]) -> bool:
    for _ in range(len(fallback) + 1):
        if name in rates:
            return True
        if name not in fallback:
            return False
        name = fallback[name]
    return False
