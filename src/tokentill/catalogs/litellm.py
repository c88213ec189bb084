"""LiteLLM's `model_prices_and_context_window_backup.json`: prices of one token, each condition in the name of a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from tokentill.canonical import Content
from tokentill.catalogs.catalog import (
    CatalogReading,
    Unfit,
    add_fee,
    list_of,
    model_id,
    one_cache_write,
    per_million,
    rate_table,
    table_of,
)
from tokentill.money import EXACT, amount_text
from tokentill.prices.entries import DAYS

MEMBER = "litellm/model_prices_and_context_window_backup.json"

_SPECIMEN = "sample_spec"
_LEAVES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "input_audio",
    "output_cost_per_audio_token": "output_audio",
    "cache_read_input_audio_token_cost": "input_audio_cache_read",
    "input_cost_per_image_token": "input_image",
    "output_cost_per_image_token": "output_image",
    "cache_read_input_image_token_cost": "input_image_cache_read",
    "input_cost_per_video_token": "input_video",
}
_COUNTERS = {"input_cost_per_request": "request", "ocr_cost_per_page": "page", "input_cost_per_character": "character"}
_GEO = {"regional_processing_uplift_multiplier_eu": "eu", "regional_processing_uplift_multiplier_us": "us"}
_MODES = {"batches": "batch", "flex": "flex", "priority": "priority", "fast": "fast", "ultrafast": "ultrafast"}
_KEY = re.compile(
    r"(?P<base>[a-z_]+?(?:_above_1hr)?)(?:_above_(?P<thousands>\d{1,6})k_tokens)?(?:_(?P<mode>batches|flex|priority|fast|ultrafast))?",
    re.ASCII,
)
_IS_PRICE = re.compile(r"cost|price|pricing|multiplier", re.ASCII)
_SAME_AS = {"input_cost_per_token_cache_hit": "cache_read_input_token_cost"}
_INCLUSIVE = ("xai",)
"""Providers whose long-context price begins at the threshold itself."""

_WEEKDAYS = dict(enumerate(DAYS, start=1))
_HOURS = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)", re.ASCII)


def read(reading: CatalogReading, tree: Mapping[str, Any]) -> None:
    """Take every model over that has a price."""
    for key, entry in tree.items():
        if key == _SPECIMEN:
            continue
        if not isinstance(entry, dict) or not isinstance(entry.get("litellm_provider"), str):
            if isinstance(entry, dict) and any(_IS_PRICE.search(name) for name in entry):
                reading.leave_out(key, "", "it names no provider")
            continue
        provider = entry["litellm_provider"]
        name = key.removeprefix(f"{provider}/")
        model = model_id(provider, name)
        reading.model(model, partial(_content, reading, model, entry), (key, name))


def _content(reading: CatalogReading, model: str, entry: Mapping[str, Any]) -> Content | None:
    prices = {key: value for key, value in entry.items() if _IS_PRICE.search(key) and value is not None}
    if not prices:
        return None
    sets: dict[str, dict[int, dict[str, Any]]] = {}
    rest = {}
    for key, value in prices.items():
        parts = _KEY.fullmatch(key)
        if parts is None or parts["base"] not in _LEAVES:
            rest[key] = value
            continue
        threshold = int(parts["thousands"] or 0) * 1000
        if threshold and entry["litellm_provider"] in _INCLUSIVE:
            threshold -= 1
        by_threshold = sets.setdefault(_MODES.get(parts["mode"] or "", "standard"), {})
        by_threshold.setdefault(threshold, {})[parts["base"]] = value
    content = _rates(reading, model, sets.pop("standard", {}))
    for mode, by_threshold in sets.items():
        if 0 not in by_threshold or "rates" not in content:
            reading.leave_out(model, f"mode {mode}", "it has prices for long requests only, or the model has none")
            continue
        content.setdefault("mode", {})[mode] = _without_new(reading, model, mode, by_threshold, content)
    _add_rest(reading, model, entry, rest, content)
    if not content.get("rates") and not content.get("fees"):
        raise Unfit("none of its prices has a place in a price table")
    if content.get("rates") and not any(Decimal(rate) for rate in content["rates"].values()):
        raise Unfit("its prices are all 0; the catalog does not say whether it is free or its price is unknown")
    if "rates" not in content:
        raise Unfit("it has fees alone; state its rates by hand")
    return one_cache_write(content)


def _rates(reading: CatalogReading, model: str, by_threshold: Mapping[int, Mapping[str, Any]]) -> Content:
    base = per_million(reading.rates(model, by_threshold.get(0, {}), _LEAVES))
    if not base:
        return {}
    above = {}
    for threshold, written in by_threshold.items():
        if threshold:
            rates = per_million(reading.rates(model, written, _LEAVES))
            above[threshold] = {name: rate for name, rate in rates.items() if name in base}
            for name in sorted(set(rates) - set(base)):
                reading.leave_out(model, f"{name} above {threshold} tokens", "it has no price below")
    return rate_table(base, above)


def _without_new(
    reading: CatalogReading, model: str, mode: str, by_threshold: Mapping[int, Mapping[str, Any]], content: Content
) -> Content:
    """The rates of a mode, without those that the standard rates do not have."""
    kept = {}
    for threshold, written in by_threshold.items():
        kept[threshold] = {key: value for key, value in written.items() if _LEAVES[key] in content["rates"]}
        for key in set(written) - set(kept[threshold]):
            reading.leave_out(model, f"{key} of {mode}", "the standard prices have none of that kind")
    return _rates(reading, model, kept) or {"rates": {}}


def _add_rest(
    reading: CatalogReading, model: str, entry: Mapping[str, Any], rest: Mapping[str, Any], content: Content
) -> None:
    """Fees, factors, hours and ranges; what remains is left out by name."""
    for key, value in rest.items():
        if key in _COUNTERS:
            add_fee(content, _COUNTERS[key], reading.figure(value, key), 1)
        elif key in _GEO:
            factor = amount_text(reading.figure(value, key))
            content.setdefault("multiplier", {"geo": {}})["geo"][_GEO[key]] = factor
        elif key == "search_context_cost_per_query":
            _add_search(reading, model, value, content)
        elif key == "off_peak_pricing":
            content["window"] = _windows(reading, model, value, content)
        elif key == "tiered_pricing":
            content.update(_ranges(reading, model, value))
        elif _SAME_AS.get(key) in entry and entry[_SAME_AS[key]] == value:
            continue
        else:
            reading.leave_out(model, key, "no quantity of a record is counted like this")


def _add_search(reading: CatalogReading, model: str, value: Any, content: Content) -> None:
    prices = {
        reading.figure(price, "search_context_cost_per_query")
        for price in table_of(value, "search_context_cost_per_query").values()
    }
    if len(prices) == 1:
        add_fee(content, "web_search", EXACT.multiply(prices.pop(), Decimal(1000)), 1000)
    elif prices:
        reading.leave_out(model, "search_context_cost_per_query", "the price depends on how much is searched")


def _windows(reading: CatalogReading, model: str, value: Any, content: Content) -> list[Content]:
    written = table_of(value, "off_peak_pricing")
    if "tier" in content:
        raise Unfit("it has hours and long-context prices, and does not say how they combine")
    rates = per_million(reading.rates(model, written, _LEAVES))
    windows = []
    for window in list_of(written.get("windows"), "windows"):
        hours = table_of(window, "a window").get("hours_utc")
        days = [
            _WEEKDAYS.get(day) if type(day) is int else None
            for day in list_of(window.get("weekdays", [*_WEEKDAYS]), "weekdays")
        ]
        for span in hours if isinstance(hours, list) else [hours]:
            match = _HOURS.fullmatch(span) if isinstance(span, str) else None
            if match is None or None in days:
                raise Unfit("its hours cannot be read")
            between = [match[1], "24:00" if match[2] == "00:00" else match[2]]
            when: Content = {"between": between, "time_zone": "UTC"}
            if len(set(days)) < len(DAYS):
                when = {"days": days, **when}
            windows.append({"when": when, "rates": rate_table(rates, {})["rates"]})
    return windows


def _ranges(reading: CatalogReading, model: str, value: Any) -> Content:
    """`start < input tokens <= end`, the whole request."""
    above: dict[int, dict[str, Decimal]] = {}
    for part in list_of(value, "tiered_pricing"):
        bounds = list_of(table_of(part, "a range").get("range"), "range")
        if len(bounds) != 2:
            raise Unfit("tiered_pricing without a range")
        start = reading.figure(bounds[0], "range")
        if start != int(start):
            raise Unfit("a range that does not begin at a whole number")
        listed = {key: price for key, price in part.items() if key in _LEAVES}
        above[int(start)] = per_million(reading.rates(model, listed, _LEAVES))
    base = above.pop(0, None)
    if not base:
        raise Unfit("tiered_pricing does not begin at 0")
    if any(set(rates) != set(base) for rates in above.values()):
        raise Unfit("its ranges do not price the same quantities")
    return rate_table(base, above)
