"""LiteLLM proxy: rows of its spend logs (`GET /spend/logs/v2`, or the table `LiteLLM_SpendLogs`).

Convention (the proxy's source): `prompt_tokens` includes cache reads and writes, reasoning is folded into
`completion_tokens`, and their sum is `total_tokens`; the details lie in `metadata.usage_object` and
`metadata.additional_usage_values`, and must agree. `spend` is USD. `end_user` is the customer's id, `user` a member of
the proxy's own staff and not read. `api_key` is the hash of a key. `startTime` is UTC, also without an offset or with
a space for the `T`. `cache_hit` means the proxy's response cache (spend is then 0 and the tokens are a replay): such a
row carries the tag `response-cache`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways import Format, SourceRow
from tokentill.sources.gateways.arouter import RESPONSE_CACHE_TAG, mode_of, status_of
from tokentill.sources.gateways.fields import amount, columns_by_kind, instant_or_naive_utc, text_cell
from tokentill.sources.gateways.inclusive import leaves_of
from tokentill.sources.gateways.mapping import FieldMap, under
from tokentill.sources.strict_json import parse_object, type_text
from tokentill.usage.record import STANDARD, UsageRecord

_OBJECT = "metadata.usage_object"
_VALUES = "metadata.additional_usage_values"
_INPUT = f"{_OBJECT}.prompt_tokens_details"
_CREATION = (f"{_INPUT}.cache_creation_token_details", f"{_OBJECT}.cache_creation")

PATHS: dict[str, tuple[str, ...]] = {
    "record_id": ("request_id",),
    "occurred_at": ("startTime",),
    "user": ("end_user",),
    "api_key": ("api_key",),
    "model": ("model",),
    "provider": ("custom_llm_provider",),
    "tier": ("service_tier", "metadata.cost_breakdown.service_tier"),
    "status": ("status", "metadata.status"),
    "cost": ("spend",),
    "tags": ("request_tags",),
    "cache_hit": ("cache_hit",),
    "prompt": ("prompt_tokens", f"{_OBJECT}.prompt_tokens"),
    "completion": ("completion_tokens", f"{_OBJECT}.completion_tokens"),
    "total": ("total_tokens", f"{_OBJECT}.total_tokens"),
    "cached": (f"{_INPUT}.cached_tokens", *under((_OBJECT, _VALUES), "cache_read_input_tokens")),
    "cache_write": (f"{_INPUT}.cache_creation_tokens", *under((_OBJECT, _VALUES), "cache_creation_input_tokens")),
    "cache_write_5m": under(_CREATION, "ephemeral_5m_input_tokens"),
    "cache_write_1h": under(_CREATION, "ephemeral_1h_input_tokens"),
    "audio_input": (f"{_INPUT}.audio_tokens",),
    "image_input": (f"{_INPUT}.image_tokens",),
    "video_input": (f"{_INPUT}.video_tokens",),
    "reasoning_output": (f"{_OBJECT}.completion_tokens_details.reasoning_tokens",),
    "audio_output": (f"{_OBJECT}.completion_tokens_details.audio_tokens",),
    "image_output": (f"{_OBJECT}.completion_tokens_details.image_tokens",),
    "web_search": under((f"{_OBJECT}.server_tool_use", _INPUT), "web_search_requests"),
}
FIELDS = FieldMap(PATHS, agreeing=("prompt", "completion", "total", "cached", "cache_write"))


def read(row: SourceRow, source: str | None) -> UsageRecord:
    """One row of the spend logs.

    Raises:
        InvalidRecord: with the reason.
    """
    if isinstance(row.get("metadata"), str):
        row = {**row, "metadata": _object_in_text("metadata", row["metadata"])}
    values = FIELDS.pick(row)
    get = values.get
    if "record_id" not in values:
        raise InvalidRecord("request_id is missing; a daily sum is not a request (ask for summarize=false)")
    if "model" not in values:
        raise InvalidRecord("model is missing")
    quantities, usage_state = leaves_of(values)
    return UsageRecord(
        source=source or SPEND_LOG.name,
        record_id=values["record_id"],
        occurred_at=instant_or_naive_utc("startTime", get("occurred_at")),
        model=values["model"],
        quantities=quantities,
        user=get("user"),
        api_key=get("api_key"),
        provider=get("provider"),
        mode=mode_of(values["tier"]) if "tier" in values else STANDARD,
        tags=tuple(_tags_of(get("tags"), get("cache_hit"))),
        status=status_of(get("status"), None, None),
        usage_state=usage_state,
        cost=amount("spend", values["cost"]) if "cost" in values else None,
    )


def _object_in_text(name: str, text: str) -> dict[str, Any] | None:
    try:
        return parse_object(text.encode()) if text.strip() else None
    except (InvalidRecord, UnicodeEncodeError) as error:
        reason = error if isinstance(error, InvalidRecord) else "it holds a lone surrogate"
        raise InvalidRecord(f"{name}: {reason}") from None


def _tags_of(tags: object, cache_hit: object) -> list[str]:
    texts: list[str] = []
    if isinstance(tags, str) and tags.strip():
        tags = (_object_in_text("request_tags", f'{{"tags":{tags}}}') or {}).get("tags")
    if isinstance(tags, list):
        texts.extend(tags)
    elif tags is not None and tags not in ("", {}):
        raise InvalidRecord(f"request_tags is {type_text(tags)}, not a list of texts")
    if cache_hit in (True, "True", "true"):
        texts.append(RESPONSE_CACHE_TAG)
    return texts


def _recognises(names: Collection[str]) -> bool:
    return "request_id" in names and ("startTime" in names or "spend" in names)


SPEND_LOG = Format(
    "litellm", "litellm", ("request_id",), _recognises, read, columns_by_kind({"cache_hit": text_cell}), ("startTime",)
)
