"""OpenRouter: daily aggregates (`GET /api/v1/activity`), one row a day, model, endpoint and workspace.

Convention (OpenRouter's description of the answer): completion tokens include reasoning and prompt tokens include
cached ones, so all tokens are the two together; cached ones may exceed the prompt where answers came from the response
cache, and are not looked at. `usage` is what OpenRouter charged, in USD, and `byok_usage_inference` what providers
charged for requests with the caller's own key: the cost is their sum, as that of a record is. Rows of one day and model
are parts of one total. An answer for one key or one member alone does not say so: it is no total of the account.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.money import sum_exact
from tokentill.sources.gateways import Format, SourceRow
from tokentill.sources.gateways.conventions import convention_of, tokens_by
from tokentill.sources.gateways.fields import amount, columns_by_kind, count, count_cell, day
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.usage.control_totals import ControlTotal

NAME = "openrouter-daily"
PATHS: dict[str, tuple[str, ...]] = {
    "day": ("date",),
    "model": ("model",),
    "model_alias": ("model_permaslug",),
    "provider": ("provider_name",),
    "endpoint": ("endpoint_id",),
    "workspace": ("workspace_id",),
    "requests": ("requests",),
    "prompt": ("prompt_tokens",),
    "completion": ("completion_tokens",),
    "reasoning_output": ("reasoning_tokens",),
    "cost": ("usage",),
    "cost_byok": ("byok_usage_inference",),
}
FIELDS = FieldMap(PATHS)
_PARTS = ("endpoint", "provider", "workspace")
_MIDNIGHT = " 00:00:00"


def read(row: SourceRow, source: str | None) -> ControlTotal:
    """One row of the answer.

    Raises:
        InvalidRecord: with the reason.
    """
    values = FIELDS.pick_with(row, "day", "model", "requests")
    parts = {name: values[name] for name in _PARTS if values.get(name)}
    if any(not isinstance(part, str) for part in parts.values()):
        raise InvalidRecord("endpoint_id, provider_name and workspace_id have to be texts")
    alias = values.get("model_alias")
    written = values["day"]
    return ControlTotal(
        source=source or "openrouter",
        day=day("date", written.removesuffix(_MIDNIGHT) if isinstance(written, str) else written),
        stated_by=NAME + (" by workspace" if "workspace" in parts else ""),
        model=values["model"],
        model_alias=None if alias in (None, "", values["model"]) else alias,
        part=" ".join(f"{name}={part}" for name, part in parts.items()),
        requests=count("requests", values["requests"]),
        tokens=tokens_by(convention_of("openrouter.daily"), values),
        cost=_cost_of(values),
    )


def _cost_of(values: dict[str, Any]) -> Decimal | None:
    """All that was charged; None where OpenRouter's own part of it is not stated."""
    if "cost" not in values:
        return None
    costs = [
        amount(name, values[role]) for role, (name,) in PATHS.items() if role.startswith("cost") and role in values
    ]
    if min(costs) < 0:
        raise InvalidRecord(f"usage or byok_usage_inference is negative ({min(costs)})")
    return sum_exact(costs)


def _recognises(names: Collection[str]) -> bool:
    return all(name in names for name in ("date", "model", "requests")) and (
        "usage" in names or "prompt_tokens" in names
    )


DAILY = Format(NAME, "openrouter", (), _recognises, read, columns_by_kind({"requests": count_cell}), ("date",))
