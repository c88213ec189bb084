"""LiteLLM proxy: rows of its spend logs (`GET /spend/logs/v2`, or the table `LiteLLM_SpendLogs`).

Convention (the proxy's source): `prompt_tokens` includes cache reads and writes, reasoning is folded into
`completion_tokens`, and their sum is `total_tokens`; the details lie in `metadata.usage_object` and
`metadata.additional_usage_values`, and must agree. `spend` is USD. `end_user` is the customer's id, `user` a member of
the proxy's own staff and not read. `api_key` is the hash of a key; the team that the key is of, and what people call
it, become the tags `team=ID` and `key_alias=ALIAS`, which no tag of a request can pass for.
`startTime` is UTC, also without an offset or with
a space for the `T`. `cache_hit` means the proxy's response cache (spend is then 0 and the tokens are a replay): such a
row is a replay (`is_replayed`) and carries the tag `response-cache`, which a caller's `request_tags` cannot give it.

Images, audio, pages, characters and searches are counted where a row counts no tokens, and says how many there were: in
the usage object (`seconds` of audio, `pages_processed`, counts of what was embedded), or in the response, where the
proxy is set to store it (the images that came, the search units that were billed). A reranking that bills search units
is charged by them, whatever it counts beside. Rows of speech say nothing of the kind. What a row does not say, or says
as a fraction, is not made up: such a row has a cost and no quantity, which is missing usage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways import Format, SourceRow
from tokentill.sources.gateways.arouter import mode_of, status_of
from tokentill.sources.gateways.fields import amount, columns_by_kind, count, instant_or_naive_utc, text_cell
from tokentill.sources.gateways.inclusive import leaves_of
from tokentill.sources.gateways.mapping import FieldMap, under
from tokentill.sources.gateways.plain_rows import PlainRows
from tokentill.sources.gateways.quick_values import Instants
from tokentill.sources.strict_json import parse_object
from tokentill.usage.ids import KEY_ALIAS_TAG, TEAM_TAG, callers_tag
from tokentill.usage.record import RESPONSE_CACHE_TAG, STANDARD, UsageRecord, UsageState
from tokentill.usage.type_words import type_text

_OBJECT = "metadata.usage_object"
_VALUES = "metadata.additional_usage_values"
_INPUT = f"{_OBJECT}.prompt_tokens_details"
_OBJECTS = (_OBJECT, _VALUES)
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
    "team": ("team_id", "metadata.user_api_key_team_id"),
    "key_alias": ("metadata.user_api_key_alias",),
    "cache_hit": ("cache_hit",),
    "prompt": ("prompt_tokens", f"{_OBJECT}.prompt_tokens"),
    "completion": ("completion_tokens", f"{_OBJECT}.completion_tokens"),
    "total": ("total_tokens", f"{_OBJECT}.total_tokens"),
    "cached": (f"{_INPUT}.cached_tokens", *under(_OBJECTS, "cache_read_input_tokens")),
    "cache_write": (f"{_INPUT}.cache_creation_tokens", *under(_OBJECTS, "cache_creation_input_tokens")),
    "cache_write_5m": under(_CREATION, "ephemeral_5m_input_tokens"),
    "cache_write_1h": under(_CREATION, "ephemeral_1h_input_tokens"),
    "audio_input": (f"{_INPUT}.audio_tokens",),
    "image_input": (f"{_INPUT}.image_tokens",),
    "video_input": (f"{_INPUT}.video_tokens",),
    "reasoning_output": (f"{_OBJECT}.completion_tokens_details.reasoning_tokens",),
    "audio_output": (f"{_OBJECT}.completion_tokens_details.audio_tokens",),
    "image_output": (f"{_OBJECT}.completion_tokens_details.image_tokens",),
    "web_search": under((f"{_OBJECT}.server_tool_use", _INPUT), "web_search_requests"),
    "image": (f"{_INPUT}.image_count",),
    "audio_second": (f"{_INPUT}.audio_length_seconds", *under(_OBJECTS, "seconds")),
    "character": (f"{_INPUT}.character_count",),
    "page": under(_OBJECTS, "pages_processed"),
}
UNITS = ("image", "audio_second", "character", "page")
"""Roles that are counters of the same name, of requests that are not charged by tokens."""
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
    quantities, usage_state = quantities_of(values)
    units = _units_of_response(row)
    if "search_unit" in units or not any(quantities.values()):
        quantities, usage_state = units or quantities, "reported" if units else usage_state
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
        tags=(*_tags_of(get("tags"), get("cache_hit")), *_tags_of_key(get("team"), get("key_alias"))),
        status=status_of(get("status"), None, None),
        usage_state=usage_state,
        cost=amount("spend", values["cost"]) if "cost" in values else None,
    )


def quantities_of(values: Mapping[str, Any]) -> tuple[dict[str, int], UsageState]:
    """Disjoint quantities: those of tokens, or the units that a request without tokens counts.

    Raises:
        InvalidRecord: when something is not a count, or the totals do not fit.
    """
    quantities, usage_state = leaves_of(values)
    if any(quantities.values()):
        return quantities, usage_state
    units = {name: number for name in UNITS if (number := _whole(name, values.get(name)))}
    return (units, "reported") if units else (quantities, usage_state)


def _whole(name: str, value: object) -> int | None:
    """A count, which LiteLLM may write with a point; None for a fraction, and for none."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return count(name, int(value)) if value.is_finite() and value == value.to_integral_value() else None
    return count(name, value)


def _units_of_response(row: SourceRow) -> dict[str, int]:
    """What the stored response of a request for images or of a reranking counts; nothing where none is stored."""
    call_type, response = str(row.get("call_type") or ""), row.get("response")
    if not _may_count_units(call_type):
        return {}
    if isinstance(response, str):
        try:
            response = parse_object(response.encode()) if response.strip() else None
        except (InvalidRecord, UnicodeEncodeError):  # the proxy cuts off long ones
            return {}
    if not isinstance(response, dict):
        return {}
    if "rerank" in call_type:
        meta = response.get("meta")
        billed = meta.get("billed_units") if isinstance(meta, dict) else None
        units = _whole("search_units", billed.get("search_units")) if isinstance(billed, dict) else None
        return {"search_unit": units} if units else {}
    images = response.get("data")
    return {"image": len(images)} if isinstance(images, list) and images else {}


def _may_count_units(call_type: str) -> bool:
    return "image" in call_type or "rerank" in call_type


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
        texts.extend(callers_tag(tag) for tag in tags if tag != RESPONSE_CACHE_TAG)
    elif tags is not None and tags not in ("", {}):
        raise InvalidRecord(f"request_tags is {type_text(tags)}, not a list of texts")
    if cache_hit in (True, "True", "true"):
        texts.append(RESPONSE_CACHE_TAG)
    return texts


def _tags_of_key(team: object, alias: object) -> Iterator[str]:
    """What the proxy itself says of the key: the team that it is of, and what people call it."""
    for name, prefix, value in (("team_id", TEAM_TAG, team), ("user_api_key_alias", KEY_ALIAS_TAG, alias)):
        if value is not None and not isinstance(value, str):
            raise InvalidRecord(f"{name} is {type_text(value)}, not a text")
        if value:
            yield prefix + value


def _recognises(names: Collection[str]) -> bool:
    return "request_id" in names and ("startTime" in names or "spend" in names)


PLAIN = PlainRows(
    FIELDS,
    series=("user", "api_key", "model", "provider", "tier", "status", "tags", "team", "key_alias", "cache_hit"),
    beside=("call_type",),
    unread=UNITS,
    is_plain=lambda traits: not _may_count_units(str(traits["call_type"])),
    instants=Instants("[T ]", is_naive_utc=True),
)
SPEND_LOG = Format(
    "litellm",
    "litellm",
    ("request_id",),
    _recognises,
    read,
    columns_by_kind({"cache_hit": text_cell}),
    ("startTime",),
    plain=PLAIN,
)
