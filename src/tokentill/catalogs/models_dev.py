"""models.dev's `api.json`: prices of a million tokens, with tiers of the context."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tokentill.canonical import Content
from tokentill.catalogs.catalog import CatalogReading, Unfit, list_of, model_id, one_cache_write, rate_table

MEMBER = "api.json"

_LEAVES = {
    "input": "input",
    "output": "output",
    "reasoning": "reasoning",
    "cache_read": "cache_read",
    "cache_write": "cache_write_5m",
    "input_audio": "input_audio",
    "output_audio": "output_audio",
}
_LEGACY, _LEGACY_THRESHOLD = "context_over_200k", 200_000


def read(reading: CatalogReading, tree: Mapping[str, Any]) -> None:
    """Take every model of every provider over that has a cost."""
    for vendor, provider in tree.items():
        models = provider.get("models") if isinstance(provider, dict) else None
        if not isinstance(models, dict):
            raise Unfit(f"{vendor[:40]!r} has no table of models")
        for name, entry in models.items():
            if not isinstance(entry, dict):
                raise Unfit(f"{name[:80]!r} is not a table")
            model = name if name.startswith(f"{vendor}/") else model_id(vendor, name)
            cost = entry.get("cost")
            if cost is not None:
                reading.model(model, partial(_content, reading, model, cost), (name,))
            if isinstance(modes := (entry.get("experimental") or {}), dict) and modes.get("modes"):
                reading.leave_out(model, "experimental.modes", "they are stated as experimental")


def _content(reading: CatalogReading, model: str, cost: Any) -> Content:
    if not isinstance(cost, dict):
        raise Unfit("its cost is not a table")
    unknown = set(cost) - {*_LEAVES, "tiers", _LEGACY}
    for key in sorted(unknown):
        reading.leave_out(model, key, "no quantity of a record is counted like this")
    base = reading.rates(model, cost, _LEAVES)
    if "input" not in base or "output" not in base:
        raise Unfit("it has no price for input and output")
    if not any(base.values()):
        raise Unfit("its prices are all 0; the catalog does not say whether it is free or its price is unknown")
    above = {}
    for tier in list_of(cost.get("tiers"), "tiers"):
        condition = tier.get("tier") if isinstance(tier, dict) else None
        if not isinstance(condition, dict) or condition.get("type", "context") != "context":
            raise Unfit("a tier of another shape than this reader knows")
        size = condition.get("size")
        if type(size) is not int or size < 0 or size in above:
            raise Unfit("a tier without a size of its own")
        above[size] = reading.rates(model, tier, _LEAVES)
    if not above and isinstance(cost.get(_LEGACY), dict):
        above[_LEGACY_THRESHOLD] = reading.rates(model, cost[_LEGACY], _LEAVES)
    known = {size: {name: rate for name, rate in rates.items() if name in base} for size, rates in above.items()}
    return one_cache_write(rate_table(base, known))
