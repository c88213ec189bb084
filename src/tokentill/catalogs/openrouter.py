"""The answer of `GET /models` of OpenRouter, and of ARouter, which is modelled on it: prices of one token, as texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from tokentill.canonical import Content
from tokentill.catalogs.catalog import CatalogReading, Unfit, add_fee, list_of, one_cache_write, per_million, rate_table
from tokentill.money import EXACT
from tokentill.prices.entries import DAYS

MEMBER = "models.json"

_LEAVES = {
    "prompt": "input",
    "completion": "output",
    "internal_reasoning": "reasoning",
    "input_cache_read": "cache_read",
    "input_cache_write": "cache_write_5m",
    "input_cache_write_1h": "cache_write_1h",
    "audio": "input_audio",
    "audio_output": "output_audio",
    "input_audio_cache": "input_audio_cache_read",
    "image_token": "input_image",
}
_COUNTERS = {"request": 1, "web_search": 1000}
"""What is listed by the piece, and for how many our price tables list it."""

_CONDITIONS = ("min_prompt_tokens", "utc_start", "utc_end", "utc_days")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMELESS = re.compile(r"-1(?:\.0+)?", re.ASCII)

Hours = tuple[str, str, tuple[str, ...]]


def read(reading: CatalogReading, tree: Mapping[str, Any]) -> None:
    """Take every model over."""
    models = tree.get("data")
    if not isinstance(models, list):
        raise Unfit('it has no list "data" of models')
    for entry in models:
        model = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(model, str):
            raise Unfit("a model without an id")
        slug = entry.get("canonical_slug")
        aliases = (slug,) if isinstance(slug, str) and slug else ()
        reading.model(model, partial(_content, reading, model, entry.get("pricing")), aliases)


def _content(reading: CatalogReading, model: str, pricing: Any) -> Content | None:
    if not isinstance(pricing, dict):
        raise Unfit("it has no pricing")
    if any(isinstance(value, str) and _NAMELESS.fullmatch(value) for value in pricing.values()):
        raise Unfit("its price depends on the model that a request is passed on to")
    if reading.figure(pricing.get("discount") or 0, "discount"):
        raise Unfit("it is discounted; state by hand what you are charged")
    base = reading.rates(model, pricing, _LEAVES)
    if "input" not in base or "output" not in base:
        raise Unfit("it has no price for prompt and completion")
    if not any(base.values()):
        return {"free": True}
    changes = [_change(reading, model, override) for override in list_of(pricing.get("overrides"), "overrides")]
    content = _rates(base, changes)
    windows = dict.fromkeys(hours for hours, _, _ in changes if hours is not None)
    if windows:
        content["window"] = [{"when": _when(hours), **_rates(base, changes, hours)} for hours in windows]
    _add_fees(reading, model, pricing, content)
    return one_cache_write(content)


def _rates(
    base: Mapping[str, Decimal],
    changes: list[tuple[Hours | None, int | None, dict[str, Decimal]]],
    hours: Hours | None = None,
) -> Content:
    """The rates at some hours: of the changes whose conditions all hold, the later one wins for each price."""

    def at(threshold: int) -> dict[str, Decimal]:
        rates = dict(base)
        for when, above, changed in changes:
            if when in (None, hours) and (above is None or above <= threshold):
                rates |= {name: rate for name, rate in changed.items() if name in base}
        return rates

    thresholds = {above for when, above, _ in changes if above is not None and when in (None, hours)}
    return rate_table(per_million(at(-1)), {above: per_million(at(above)) for above in thresholds})


def _change(reading: CatalogReading, model: str, override: Any) -> tuple[Hours | None, int | None, dict[str, Decimal]]:
    """One override: at which hours, above how many input tokens, and what it changes."""
    if not isinstance(override, dict):
        raise Unfit("an override of another shape than this reader knows")
    unknown = set(override) - {*_LEAVES, *_CONDITIONS}
    if unknown:
        raise Unfit(f"an override with {sorted(unknown)[0][:40]!r}, which this reader does not know")
    above = override.get("min_prompt_tokens")
    threshold = None if above is None else _whole(reading, above, "min_prompt_tokens")
    hours = None
    if any(key in override for key in ("utc_start", "utc_end", "utc_days")):
        days = override.get("utc_days", list(_DAYS))
        if not isinstance(days, list) or not days or any(day not in _DAYS for day in days):
            raise Unfit("an override on days that cannot be read")
        starts, ends = (_clock(reading, override.get(key, 0), key) for key in ("utc_start", "utc_end"))
        hours = (starts, "24:00" if ends == "00:00" else ends, tuple(DAYS[_DAYS.index(day)] for day in days))
    if threshold is None and hours is None:
        raise Unfit("an override without a condition")
    return hours, threshold, reading.rates(model, {key: override[key] for key in _LEAVES if key in override}, _LEAVES)


def _when(hours: Hours) -> Content:
    starts, ends, days = hours
    when: Content = {"between": [starts, ends], "time_zone": "UTC"}
    return when if len(set(days)) == len(DAYS) else {"days": list(days), **when}


def _clock(reading: CatalogReading, value: Any, key: str) -> str:
    hour, minute = divmod(_whole(reading, value, key), 100)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise Unfit(f"{key} is not a time of day")
    return f"{hour:02}:{minute:02}"


def _whole(reading: CatalogReading, value: Any, key: str) -> int:
    number = reading.figure(value, key)
    if number != int(number):
        raise Unfit(f"{key} is not a whole number")
    return int(number)


def _add_fees(reading: CatalogReading, model: str, pricing: Mapping[str, Any], content: Content) -> None:
    for key, value in pricing.items():
        if key in _LEAVES or key in ("overrides", "discount") or value is None:
            continue
        price = reading.figure(value, key)
        if not price:
            continue
        if key in _COUNTERS:
            add_fee(content, key, EXACT.multiply(price, Decimal(_COUNTERS[key])), _COUNTERS[key])
        else:
            reading.leave_out(model, key, "no quantity of a record is counted like this")
