"""ARouter: records of its activity export and of its generation look-up.

Convention (docs.arouter.ai, usage accounting and prompt caching): `prompt_tokens` includes what was read from and
written to the cache, `completion_tokens` includes reasoning, and their sum is `total_tokens`. `usage.cost` is USD; for
a request with the caller's own provider key (BYOK) it is what that provider charges. The schema of `/v1/activity` is
not published: `PATHS` is a tolerant reading of what ARouter documents elsewhere and of the gateways it follows.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways import Format, SourceRow, unwrapped
from tokentill.sources.gateways.fields import amount, columns_by_kind, count_cell, flag, flag_cell, instant
from tokentill.sources.gateways.inclusive import leaves_of
from tokentill.sources.gateways.mapping import FieldMap, under
from tokentill.sources.gateways.plain_rows import PlainRows
from tokentill.usage.record import STANDARD, Status, UsageRecord
from tokentill.usage.type_words import type_text

IDS = ("id", "generation_id", "request_id")
TIMES = ("created_at", "timestamp", "date")
PROMPTS = ("prompt_tokens", "native_tokens_prompt", "tokens_prompt", "input_tokens")
COMPLETIONS = ("completion_tokens", "native_tokens_completion", "tokens_completion", "output_tokens")

_INSIDE = ("usage.prompt_tokens_details", "usage.input_tokens_details", "usage")
_OUTSIDE = ("usage.completion_tokens_details", "usage.output_tokens_details", "usage")
PATHS: dict[str, tuple[str, ...]] = {
    "record_id": IDS,
    "occurred_at": TIMES,
    "user": ("user", "external_user", "user_id"),
    "api_key": ("api_key", "api_key_name", "key_name", "api_key_id", "key_id", "api_key_hash"),
    "model": ("model", "model_permaslug", "canonical_slug"),
    "provider": ("provider", "provider_name"),
    "tier": ("service_tier", "usage.service_tier"),
    "status": ("status",),
    "finish_reason": ("finish_reason", "finish_reason_normalized"),
    "cancelled": ("cancelled",),
    "requests": ("requests",),
    "cost": ("usage.cost", "cost", "cost_total", "total_cost", "usage"),
    "is_byok": ("usage.is_byok", "is_byok"),
    "byok_cost": ("byok_usage_inference",),
    "prompt": ("usage.prompt_tokens", "usage.input_tokens", *PROMPTS),
    "completion": ("usage.completion_tokens", "usage.output_tokens", *COMPLETIONS),
    "total": ("usage.total_tokens", "total_tokens"),
    "cached": (*under(_INSIDE, "cached_tokens"), "cached_tokens", "native_tokens_cached", "tokens_cached"),
    "cache_write": (*under(_INSIDE, "cache_write_tokens"), "cache_write_tokens"),
    "audio_input": ("usage.prompt_tokens_details.audio_tokens",),
    "video_input": ("usage.prompt_tokens_details.video_tokens",),
    "reasoning_output": (
        *under(_OUTSIDE, "reasoning_tokens"),
        *("reasoning_tokens", "native_tokens_reasoning", "tokens_reasoning"),
    ),
    "audio_output": ("usage.completion_tokens_details.audio_tokens",),
    "image_output": ("usage.completion_tokens_details.image_tokens",),
    "web_search": ("usage.server_tool_use_details.web_search_requests",),
}
FIELDS = FieldMap(PATHS)

STANDARD_TIERS = frozenset(("default", "standard", "auto", ""))
_STATUS: dict[str, Status] = {
    **dict.fromkeys(("ok", "success", "succeeded", "completed", "complete"), "ok"),
    **dict.fromkeys(("error", "failed", "failure"), "error"),
    **dict.fromkeys(("cancelled", "canceled"), "cancelled"),
}
_KINDS = ("prompt", "completion", "cached", "reasoning")
_CELLS = {
    **dict.fromkeys((f"tokens_{kind}" for kind in _KINDS), count_cell),
    **dict.fromkeys((f"native_tokens_{kind}" for kind in _KINDS), count_cell),
    "requests": count_cell,
    **dict.fromkeys(("cancelled", "is_byok"), flag_cell),
}


def read(row: SourceRow, source: str | None) -> UsageRecord:
    """One activity record.

    Raises:
        InvalidRecord: with the reason.
    """
    values = FIELDS.pick(row if len(row) > 1 else unwrapped(row))
    get = values.get
    if "record_id" not in values:
        shape = "a daily total, not one request" if "requests" in values else f"without an id ({', '.join(IDS)})"
        raise InvalidRecord(f"the record is {shape}")
    if "model" not in values:
        raise InvalidRecord("model is missing")
    quantities, usage_state = leaves_of(values)
    cost = amount("cost", values["cost"]) if "cost" in values else None
    is_byok = flag("is_byok", values["is_byok"]) if "is_byok" in values else False
    if "byok_cost" in values:
        cost, is_byok = _with_byok_cost(cost, amount("byok_usage_inference", values["byok_cost"]), is_byok)
    return UsageRecord(
        source=source or ACTIVITY.name,
        record_id=values["record_id"],
        occurred_at=instant("the time of the request", get("occurred_at")),
        model=values["model"],
        quantities=quantities,
        user=get("user"),
        api_key=get("api_key"),
        provider=get("provider"),
        mode=mode_of(values["tier"]) if "tier" in values else STANDARD,
        status=status_of(get("status"), get("finish_reason"), get("cancelled")),
        usage_state=usage_state,
        is_byok=is_byok,
        cost=cost,
    )


def mode_of(tier: object) -> str:
    """The mode that a service tier means; words that are not known are kept.

    Raises:
        InvalidRecord: when it is not text.
    """
    if not isinstance(tier, str):
        raise InvalidRecord(f"service_tier is {type_text(tier)}, not a text")
    return STANDARD if tier in STANDARD_TIERS else tier


def status_of(status: object, finish_reason: object, cancelled: object) -> Status:
    """How a request ended, by the first of these fields that says so; `ok` when none does."""
    if status is None and cancelled is None and finish_reason == "stop":
        return "ok"
    if cancelled is True:
        return "cancelled"
    if status is not None and status != "":
        return _STATUS.get(status, "unknown") if isinstance(status, str) else "unknown"
    if finish_reason in ("error", "cancelled"):
        return "error" if finish_reason == "error" else "cancelled"
    return "ok"


def _with_byok_cost(cost: Decimal | None, byok_cost: Decimal, is_byok: bool) -> tuple[Decimal | None, bool]:
    if not byok_cost:
        return cost, is_byok
    if cost and cost != byok_cost:
        raise InvalidRecord(f"cost ({cost}) and byok_usage_inference ({byok_cost}) differ: which is it?")
    return byok_cost, True


def _recognises(names: Collection[str]) -> bool:
    return all(any(name in names for name in choices) for choices in (IDS, TIMES, ("usage", *PROMPTS)))


PLAIN = PlainRows(
    FIELDS,
    series=("user", "api_key", "model", "provider", "tier", "status", "finish_reason", "cancelled", "is_byok"),
    unread=("requests",),
    absent=("byok_cost",),
)
ACTIVITY = Format("arouter", "arouter", IDS, _recognises, read, columns_by_kind(_CELLS), TIMES, plain=PLAIN)
