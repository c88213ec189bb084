"""genai-prices' `data.py`: prices of a million tokens, dated, in tiers of the whole request, with variants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from tokentill.canonical import Content
from tokentill.catalogs.catalog import (
    CatalogReading,
    Listing,
    Unfit,
    add_fee,
    list_of,
    model_id,
    one_cache_write,
    rate_table,
    rate_texts,
)
from tokentill.catalogs.genai_literals import Built, LiteralNumber, read_assigned
from tokentill.clock import instant_text

MEMBER = "genai_prices/data.py"

_LEAVES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "input_audio",
    "cache_audio_read_mtok": "input_audio_cache_read",
    "output_audio_mtok": "output_audio",
    "input_image_mtok": "input_image",
    "cache_image_read_mtok": "input_image_cache_read",
    "output_image_mtok": "output_image",
    "input_video_mtok": "input_video",
}
_COUNTERS = {
    "web_searches_kcount": ("web_search", 1000),
    "storage_searches_kcount": ("file_search", 1000),
    "requests_kcount": ("request", 1000),
    "input_document_kpages": ("page", 1000),
    "input_mchars": ("character", 1_000_000),
}
_MODE_OF = {"service_tier": None, "processing": None, "speed": None}
_STANDARD = "default"


def read(reading: CatalogReading) -> None:
    """Take every model of every provider over."""
    for provider in _each(read_assigned(reading.file, "providers"), "Provider"):
        for info in _each(provider.get("models"), "ModelInfo"):
            name, vendor = info.get("id"), provider.get("id")
            if not isinstance(name, str) or not isinstance(vendor, str):
                raise Unfit("a model without an id")
            model = model_id(vendor, name)
            try:
                _take(reading, model, info, tuple(sorted({name, *_exact_ids(info.get("match"))})))
            except Unfit as unfit:
                reading.leave_out(model, "", str(unfit))


def _take(reading: CatalogReading, model: str, info: Built, aliases: tuple[str, ...]) -> None:
    """The price in force, and every later one that is announced."""
    dated, hours = _by_time(info.get("prices"))
    current = max((start for start in dated if start is None or start <= reading.effective), key=_place, default=False)
    if current is False:
        raise Unfit(f"it has no price yet at {instant_text(reading.effective)}")
    starts = [start for start in dated if start == current or (start is not None and start > reading.effective)]
    for start in starts:
        at = reading.effective if start == current else start
        content = _content(reading, model, dated[start])
        if hours:
            content["window"] = [_window(reading, model, when, price, dated[start]) for when, price in hours]
            if "tier" in content:
                raise Unfit("it has hours and long-context prices, and does not say how they combine")
        for variant in _each(info.get("price_variants") or [], "PriceVariant"):
            _add_variant(reading, model, variant, dated[start], content, at or reading.effective)
        valid_from = None if start == current else start
        reading.listings.append(Listing(model, aliases, valid_from, content))


def _place(start: datetime | None) -> datetime:
    return start or datetime.min.replace(tzinfo=UTC)


def _by_time(prices: Any) -> tuple[dict[datetime | None, Built], list[tuple[Built, Built]]]:
    """Prices by their first instant (None: from ever), and those of hours of the day."""
    if isinstance(prices, Built) and prices.kind == "ModelPrice":
        return {None: prices}, []
    dated: dict[datetime | None, Built] = {}
    hours = []
    for conditional in _each(prices, "ConditionalPrice"):
        constraint, price = conditional.get("constraint"), conditional.get("prices")
        if not isinstance(price, Built):
            raise Unfit("a dated price of another shape than this reader knows")
        if isinstance(constraint, Built) and constraint.kind == "TimeOfDateConstraint":
            hours.append((constraint, price))
            continue
        dated[_start(constraint)] = price
    return dated, hours


def _start(constraint: Any) -> datetime | None:
    """The first instant of a constraint: its day is read as midnight UTC, as genai-prices does."""
    if constraint is None:
        return None
    is_known = isinstance(constraint, Built) and constraint.kind == "StartDateConstraint"
    day = constraint.get("start_date") if is_known else None
    if not isinstance(day, date):
        raise Unfit("a condition that this reader does not know")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _content(reading: CatalogReading, model: str, price: Built) -> Content:
    base, above = _rates(reading, model, price)
    if "input" not in base and "output" not in base:
        raise Unfit("it has no price for input or output")
    content = rate_table(base, above)
    for key, figure in price.values.items():
        if key in _LEAVES or figure is None:
            continue
        if key not in _COUNTERS or not isinstance(figure, LiteralNumber):
            reading.leave_out(model, key, "no quantity of a record is counted like this")
            continue
        name, per = _COUNTERS[key]
        add_fee(content, name, reading.figure(figure.text, key), per)
    if not any(Decimal(rate) for rate in content["rates"].values()):
        raise Unfit("its prices are all 0; the catalog does not say whether it is free or its price is unknown")
    return one_cache_write(content)


def _rates(
    reading: CatalogReading, model: str, price: Built, inherited: Built | None = None
) -> tuple[dict[str, Decimal], dict[int, dict[str, Decimal]]]:
    """The rates of a price, and what changes above which input total.

    Args:
        inherited: the price that a variant changes only in part.
    """
    values = {**(inherited.values if inherited else {}), **{k: v for k, v in price.values.items() if v is not None}}
    written: dict[str, Any] = {}
    above: dict[int, dict[str, Decimal]] = {}
    for key in _LEAVES:
        value = values.get(key)
        if isinstance(value, Built) and value.kind == "TieredPrices":
            written[key] = value.get("base")
            for tier in _each(value.get("tiers"), "Tier"):
                start, figure = tier.get("start"), tier.get("price")
                if type(start) is not int or not isinstance(figure, LiteralNumber):
                    raise Unfit(f"{key}: a tier of another shape than this reader knows")
                above.setdefault(start, {})[_LEAVES[key]] = reading.figure(figure.text, key)
        elif value is not None:
            written[key] = value
    if not all(isinstance(figure, LiteralNumber) for figure in written.values()):
        raise Unfit("a price of another shape than this reader knows")
    base = reading.rates(model, {key: figure.text for key, figure in written.items()}, _LEAVES)
    return base, {start: {name: rate for name, rate in rates.items() if name in base} for start, rates in above.items()}


def _window(reading: CatalogReading, model: str, when: Built, price: Built, usual: Built) -> Content:
    starts, ends = when.get("start_time"), when.get("end_time")
    if not isinstance(starts, time) or not isinstance(ends, time):
        raise Unfit("hours of another shape than this reader knows")
    base, above = _rates(reading, model, price, usual)
    if above:
        raise Unfit("it has hours and long-context prices, and does not say how they combine")
    between = [starts.strftime("%H:%M"), ends.strftime("%H:%M").replace("00:00", "24:00")]
    return {"when": {"between": between, "time_zone": "UTC"}, "rates": rate_texts(base)}


def _add_variant(
    reading: CatalogReading, model: str, variant: Built, usual: Built, content: Content, at: datetime
) -> None:
    """A variant as a mode. It changes the standard prices in the parts that it names."""
    when = variant.get("when")
    names = list(when.items()) if isinstance(when, Mapping) else []
    if len(names) != 1 or names[0][0] not in _MODE_OF or not isinstance(names[0][1], str):
        reading.leave_out(model, f"variant {dict(names)}", "no mode of a record is like this")
        return
    mode, price = names[0][1], variant.get("prices")
    if mode == _STANDARD or not isinstance(price, Built):
        return
    base, above = _rates(reading, model, price, usual)
    for name in sorted(set(base) - set(content["rates"])):
        reading.leave_out(model, f"{name} of {mode}", "the standard prices have none of that kind")
        del base[name]
    table = rate_table(base, above)
    start = _start(variant.get("constraint"))
    if start is not None and start > at:
        table["valid_from"] = instant_text(start)
    if mode in content.get("mode", {}) and "valid_from" in table:
        reading.leave_out(model, f"mode {mode} from {table['valid_from']}", "import again from that day on")
        return
    content.setdefault("mode", {})[mode] = table


def _exact_ids(match: Any) -> Iterable[str]:
    """The ids that a model is matched by exactly; prefixes and patterns are not aliases."""
    if isinstance(match, Built) and match.kind == "ClauseEquals" and isinstance(match.get("equals"), str):
        yield match.get("equals")
    elif isinstance(match, Built) and match.kind == "ClauseOr":
        for clause in list_of(match.get("or_"), "or_"):
            yield from _exact_ids(clause)


def _each(values: Any, kind: str) -> list[Built]:
    if not isinstance(values, list) or not all(isinstance(value, Built) and value.kind == kind for value in values):
        raise Unfit(f"where {kind} should stand there is something that this reader does not know")
    return values
