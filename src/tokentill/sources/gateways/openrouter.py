"""OpenRouter: generation objects (`GET /api/v1/generation`) and rows of the activity CSV export.

Convention (OpenRouter's OpenAPI description and its usage accounting page): prompt tokens include cached ones,
completion tokens include reasoning; `native_tokens_*` are what the provider counted and are billed by, `tokens_*` are
normalised counts. `total_cost` is USD; with the caller's own key (BYOK) it is OpenRouter's fee alone, and what the
provider charges is `upstream_inference_cost` (CSV: `byok_usage_inference`), so the cost is their sum. Without BYOK the
two are the same money and are not added. `created_at` in the CSV may lack an offset and is UTC. `user` of the request
is `external_user` in generations and `user` in the CSV. `num_search_results` counts results, not searches, and is
not read. The export names parts of the cost, of searches and of files that were read, without saying how many there
were: each is kept as a tag, `cost_web_search=0.5`, so that a preview can name what no price bills. (`cost_cache` is
what caching changed in the cost of tokens, which are counted.) A generation that was served from the response cache
is a replay (`is_replayed`) and carries the tag `response-cache`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.money import EXACT
from tokentill.sources.gateways import Format, SourceRow, unwrapped
from tokentill.sources.gateways.arouter import mode_of, status_of
from tokentill.sources.gateways.fields import (
    amount,
    columns_by_kind,
    count_cell,
    flag,
    flag_cell,
    instant,
    instant_or_naive_utc,
)
from tokentill.sources.gateways.inclusive import leaves_of
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.sources.gateways.plain_rows import PlainRows
from tokentill.usage.ids import cost_component_tag
from tokentill.usage.record import RESPONSE_CACHE_TAG, STANDARD, UsageRecord, UsageState

PATHS: dict[str, tuple[str, ...]] = {
    "record_id": ("id", "generation_id"),
    "occurred_at": ("created_at",),
    "user": ("external_user", "user"),
    "api_key": ("api_key_name",),
    "model": ("model", "model_permaslug"),
    "variant": ("variant",),
    "provider": ("provider_name",),
    "tier": ("service_tier",),
    "region": ("data_region",),
    "finish_reason": ("finish_reason", "finish_reason_normalized"),
    "cancelled": ("cancelled",),
    "cost": ("total_cost", "cost_total", "usage", "usage.cost"),
    "is_byok": ("is_byok", "usage.is_byok"),
    "upstream_cost": ("upstream_inference_cost", "byok_usage_inference", "usage.cost_details.upstream_inference_cost"),
    "prompt": ("native_tokens_prompt", "usage.prompt_tokens"),
    "completion": ("native_tokens_completion", "usage.completion_tokens"),
    "normalised_prompt": ("tokens_prompt",),
    "normalised_completion": ("tokens_completion",),
    "total": ("usage.total_tokens",),
    "cached": ("native_tokens_cached", "tokens_cached", "usage.prompt_tokens_details.cached_tokens"),
    "cache_write": ("usage.prompt_tokens_details.cache_write_tokens",),
    "audio_input": ("usage.prompt_tokens_details.audio_tokens",),
    "video_input": ("usage.prompt_tokens_details.video_tokens",),
    "reasoning_output": (
        "native_tokens_reasoning",
        "tokens_reasoning",
        "usage.completion_tokens_details.reasoning_tokens",
    ),
    "audio_output": ("usage.completion_tokens_details.audio_tokens",),
    "image_output": ("native_tokens_completion_images",),
    "web_search": ("usage.server_tool_use_details.web_search_requests",),
    "web_fetch": ("num_fetches",),
    "cache_source": ("response_cache_source_id",),
    "cost_web_search": ("cost_web_search",),
    "cost_file_processing": ("cost_file_processing",),
    "cost_server_tool": ("usage.cost_details.server_tool_cost",),
}
COMPONENTS = {"cost_web_search": "web_search", "cost_file_processing": "", "cost_server_tool": "web_search"}
"""Roles that are a part of the cost, and the counter beside which that part is charged already."""
FIELDS = FieldMap(PATHS)
_COUNTS = ("tokens_prompt", "tokens_completion", "tokens_reasoning", "tokens_cached", "num_fetches")
_CELLS = {**dict.fromkeys(_COUNTS, count_cell), **dict.fromkeys(("cancelled", "streamed", "is_byok"), flag_cell)}


def read(row: SourceRow, source: str | None) -> UsageRecord:
    """One generation, or one row of the CSV export.

    Raises:
        InvalidRecord: with the reason.
    """
    row = unwrapped(row)
    values = FIELDS.pick(row)
    get = values.get
    is_export = "generation_id" in row
    if "record_id" not in values:
        raise InvalidRecord("the record is without an id (id, generation_id)")
    counted_state = _choose_counts(values, is_export)
    quantities, usage_state = leaves_of(values)
    cost, is_byok = cost_of(values, is_export)
    region = get("region")
    return UsageRecord(
        source=source or GENERATION.name,
        record_id=values["record_id"],
        occurred_at=(instant_or_naive_utc if is_export else instant)("created_at", get("occurred_at")),
        model=_model_of(get("model"), get("variant")),
        quantities=quantities,
        user=get("user"),
        api_key=get("api_key"),
        provider=get("provider"),
        mode=mode_of(values["tier"]) if "tier" in values else STANDARD,
        geo=None if region == "global" else region,
        tags=tuple(_tags_of(values, quantities)),
        status=status_of(None, get("finish_reason"), get("cancelled")),
        usage_state=counted_state if usage_state == "reported" else usage_state,
        is_byok=is_byok,
        cost=cost,
    )


def _tags_of(values: Mapping[str, Any], quantities: Mapping[str, int]) -> Iterator[str]:
    if values.get("cache_source"):
        yield RESPONSE_CACHE_TAG
    for name, counter in COMPONENTS.items():
        if name in values and (cost := amount(name, values[name])) > 0 and not quantities.get(counter):
            yield cost_component_tag(name, cost)


def _choose_counts(values: dict[str, Any], is_export: bool) -> UsageState:
    """Native counts, or the normalised ones where there are no others: an estimate, except in the export."""
    prompt, completion = values.pop("normalised_prompt", None), values.pop("normalised_completion", None)
    if "prompt" in values or "completion" in values or (prompt is None and completion is None):
        return "reported"
    values.update({"prompt": prompt, "completion": completion})
    for role in ("prompt", "completion"):
        if values[role] is None:
            del values[role]
    return "reported" if is_export else "estimated"


def cost_of(values: Mapping[str, Any], is_export: bool) -> tuple[Decimal | None, bool]:
    """The whole cost, and whether it was BYOK; None where a part of it is not known.

    Raises:
        InvalidRecord: when something is not an amount, or is negative.
    """
    cost = amount("cost", values["cost"]) if "cost" in values else None
    upstream = amount("upstream cost", values["upstream_cost"]) if "upstream_cost" in values else None
    is_byok = flag("is_byok", values["is_byok"]) if "is_byok" in values else is_export and bool(upstream)
    if not is_byok:
        return cost, False
    if upstream is None:
        return None, True
    if min(upstream, cost or 0) < 0:
        raise InvalidRecord(f"the cost ({cost}) or the upstream cost ({upstream}) is negative")
    return (upstream if cost is None else EXACT.add(cost, upstream)), True


def _model_of(model: object, variant: object) -> str:
    """The model with the variant that the export keeps in a column of its own: `:free` has a price of its own."""
    if not isinstance(model, str) or not model:
        raise InvalidRecord("model is missing")
    if not isinstance(variant, str) or variant in ("", "standard") or model.endswith(f":{variant}"):
        return model
    return f"{model}:{variant}"


def _recognises(names: Collection[str]) -> bool:
    is_generation = "id" in names and any(
        name in names for name in ("native_tokens_prompt", "native_tokens_completion", "total_cost")
    )
    return is_generation or ("generation_id" in names and "model_permaslug" in names)


PLAIN = PlainRows(
    FIELDS,
    series=(
        *("user", "api_key", "model", "variant", "provider", "tier", "region"),
        *("finish_reason", "cancelled", "is_byok"),
    ),
    unread=("normalised_prompt", "normalised_completion"),
    amounts=("upstream_cost",),
    absent=("cache_source", *COMPONENTS),
    foreign=("generation_id",),
    is_plain=lambda traits: traits["is_byok"] is not True,
)
GENERATION = Format(
    "openrouter",
    "openrouter",
    ("id", "generation_id"),
    _recognises,
    read,
    columns_by_kind(_CELLS),
    ("created_at",),
    plain=PLAIN,
)
