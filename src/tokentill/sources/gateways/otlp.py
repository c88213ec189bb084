"""OpenTelemetry: GenAI spans as OTLP/JSON, of a collector's file exporter or a gateway's broadcast.

Convention (OpenTelemetry semantic conventions, GenAI): input tokens include those of a cache, output tokens include
reasoning. Names from before the conventions (`cache_read_input_tokens`) were meant differently by different vendors;
cached tokens under them are taken only where a total shows what they are part of. No attribute for a cost is
standardised; OpenRouter's `gen_ai.usage.total_cost` (USD) is read.

A span is one request when its operation is a call of a model. Spans of agents, tools and workflows are not, and spans
without anything of GenAI are passed over. A call within the span of another call is a request of its own where both
have a response id and these differ; with the same id it is passed over; otherwise nobody knows, and it is refused. Of
OpenRouter only spans named `LLM Generation` are requests, and their parts are its attempts at a provider. Telemetry may
be sampled and lost in silence: it is a witness, and a source to bill by only where nothing better exists.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tokentill.clock import EPOCH, instant_text
from tokentill.errors import InvalidRecord
from tokentill.sources.gateways import Format, SourceRow, no_table
from tokentill.sources.gateways.arouter import mode_of
from tokentill.sources.gateways.conventions import convention_of, leaves_by
from tokentill.sources.gateways.fields import amount, instant
from tokentill.usage.record import STANDARD, UsageRecord
from tokentill.usage.type_words import type_text

_USAGE = "gen_ai.usage"
_OPENROUTER = "trace.metadata.openrouter"
NAMES: dict[str, tuple[str, ...]] = {
    "operation": ("gen_ai.operation.name",),
    "response_id": ("gen_ai.response.id",),
    "user": ("user.id", "enduser.id", "enduser.pseudo.id"),
    "api_key": (f"{_OPENROUTER}.api_key_name",),
    "model": ("gen_ai.response.model", "gen_ai.request.model"),
    "provider": (f"{_OPENROUTER}.provider_name", "gen_ai.provider.name", "gen_ai.system"),
    "tier": ("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
    "error": ("error.type",),
    "cost": (f"{_USAGE}.total_cost",),
    "prompt": (f"{_USAGE}.input_tokens", f"{_USAGE}.prompt_tokens"),
    "completion": (f"{_USAGE}.output_tokens", f"{_USAGE}.completion_tokens"),
    "total": (f"{_USAGE}.total_tokens",),
    "cached": (f"{_USAGE}.cache_read.input_tokens", f"{_USAGE}.input_tokens.cached"),
    "cache_write": (f"{_USAGE}.cache_creation.input_tokens",),
    "reasoning_output": (f"{_USAGE}.reasoning.output_tokens", f"{_USAGE}.output_tokens.reasoning"),
    "old_cached": (f"{_USAGE}.cache_read_input_tokens",),
    "old_cache_write": (f"{_USAGE}.cache_creation_input_tokens",),
}
"""Roles and the attributes that play them, the preferred one first; of a span before those of its resource."""
_WANTED = frozenset(name for names in NAMES.values() for name in names)
CALLS = frozenset(("chat", "text_completion", "generate_content", "embeddings", "completion", "responses"))
NO_CALLS = frozenset(
    ("invoke_agent", "create_agent", "invoke_workflow", "execute_tool", "retrieval", "search_memory", "plan")
)
_COUNTS = frozenset(("prompt", "completion", "total", "cached", "cache_write", "reasoning_output"))
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII).fullmatch
_NANOSECONDS_MAX = 7_258_118_400 * 10**9


def split(row: SourceRow) -> list[SourceRow]:
    """The calls of a document of spans, or of one resource's spans; a single call comes back as it is.

    Raises:
        InvalidRecord: when a level of it is not a list of objects.
    """
    if "span_id" in row or "fault" in row:
        return [row]
    if "resourceSpans" not in row:
        spans = list(_spans(row)) if "scopeSpans" in row else [_flat(row, {})]
    else:
        spans = [span for resource in _objects(row, "resourceSpans") for span in _spans(resource)]
    by_id = {(span["trace_id"], span["span_id"]): span for span in spans}
    return [span for span in spans if _is_call(span) and not _is_repeated(span, by_id)]


def read(row: SourceRow, source: str | None) -> UsageRecord:
    """One call, as `split` makes it.

    Raises:
        InvalidRecord: with the reason.
    """
    if "fault" in row:
        raise InvalidRecord(str(row["fault"]))
    attributes = row.get("attributes")
    if not isinstance(attributes, dict):
        raise InvalidRecord(f"attributes is {type_text(attributes)}, not an object")
    get = attributes.get
    if "operation" in attributes and get("operation") not in CALLS:
        raise InvalidRecord(
            f"gen_ai.operation.name {str(get('operation'))[:40]!r} is not known to be a call of a model"
        )
    if "model" not in attributes:
        raise InvalidRecord("gen_ai.response.model and gen_ai.request.model are missing")
    values = {role: attributes[role] for role in _COUNTS if role in attributes}
    old = {role: attributes[f"old_{role}"] for role in ("cached", "cache_write") if f"old_{role}" in attributes}
    surface = "otlp.old" if old.keys() - values.keys() else "otlp"
    quantities, usage_state = leaves_by(convention_of(surface), {**old, **values})
    return UsageRecord(
        source=source or SPANS.name,
        record_id=get("response_id") or f"{row.get('trace_id')}:{row.get('span_id')}",
        occurred_at=instant("startTimeUnixNano", row.get("occurred_at")),
        model=attributes["model"],
        quantities=quantities,
        user=get("user"),
        api_key=get("api_key"),
        provider=get("provider"),
        mode=mode_of(attributes["tier"]) if "tier" in attributes else STANDARD,
        status="error" if "error" in attributes or row.get("status") in (2, "2", "STATUS_CODE_ERROR") else "ok",
        usage_state=usage_state,
        cost=amount("gen_ai.usage.total_cost", attributes["cost"]) if "cost" in attributes else None,
    )


def _objects(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    values = holder.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise InvalidRecord(f"{name} is {type_text(values)}, not a list of objects")
    return values


def _spans(resource: Mapping[str, Any]) -> Iterator[SourceRow]:
    own = resource.get("resource")
    try:
        shared = _attributes(own) if isinstance(own, dict) else {}
    except InvalidRecord as error:
        raise InvalidRecord(f"the resource: {error}") from None
    for scope in _objects(resource, "scopeSpans"):
        for span in _objects(scope, "spans"):
            yield _flat(span, shared)


def _flat(span: Mapping[str, Any], shared: Mapping[str, Any]) -> SourceRow:
    """A span with what is wanted of it alone: nobody's prompts."""
    status = span.get("status")
    row: SourceRow = {
        "trace_id": str(span.get("traceId")),
        "span_id": str(span.get("spanId")),
        "parent_id": str(span.get("parentSpanId")),
        "name": str(span.get("name")),
        "occurred_at": _instant_text(span.get("startTimeUnixNano")),
        "status": status.get("code") if isinstance(status, dict) else None,
    }
    if not span.get("traceId") or not span.get("spanId"):
        row["fault"] = "the span has no traceId or no spanId"
    try:
        named = {**shared, **_attributes(span)}
    except InvalidRecord as error:
        return {**row, "fault": f"span {row['span_id'][:64]}: {error}", "attributes": {}}
    roles = {role: next((named[name] for name in names if name in named), None) for role, names in NAMES.items()}
    row["attributes"] = {role: value for role, value in roles.items() if value is not None}
    row["is_openrouter"] = any(name.startswith(_OPENROUTER) for name in named)
    return row


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    """The wanted attributes of a span or a resource.

    Raises:
        InvalidRecord: when one stands there twice, or has no single value.
    """
    values: dict[str, Any] = {}
    for entry in _objects(holder, "attributes"):
        name = entry.get("key")
        if not isinstance(name, str) or not (name in _WANTED or name.startswith(_OPENROUTER)):
            continue
        if name in values:
            raise InvalidRecord(f"the attribute {name} stands there twice")
        value = _value(name, entry.get("value"))
        if value is not None:
            values[name] = value
    return values


def _value(name: str, value: object) -> Any:
    if value is None or value == {}:
        return None
    if isinstance(value, dict) and len(value) == 1:
        [(kind, inner)] = value.items()
        if kind == "intValue" and isinstance(inner, str) and _DIGITS(inner):
            return int(inner)
        if kind == "doubleValue" and isinstance(inner, Decimal):
            return int(inner) if inner == inner.to_integral_value() and abs(inner) < 10**15 else inner
        if kind in ("stringValue", "intValue", "doubleValue", "boolValue") and not isinstance(inner, (dict, list)):
            return inner
    raise InvalidRecord(f"the attribute {name} has no single value")


def _is_call(span: SourceRow) -> bool:
    """Whether a span is a request, or may be one and is to be looked at."""
    attributes = span["attributes"]
    if "fault" in span:
        return "operation" in attributes or not attributes
    if span["is_openrouter"]:
        return bool(span["name"] == "LLM Generation")
    if "operation" not in attributes:
        return not _COUNTS.isdisjoint(attributes)
    operation = attributes["operation"]
    return operation in CALLS or (operation not in NO_CALLS and not _COUNTS.isdisjoint(attributes))


def _is_repeated(span: SourceRow, by_id: Mapping[tuple[str, str], SourceRow]) -> bool:
    """Whether the span tells of the same call as one that it lies in; gives it a fault where nobody knows."""
    seen = {span["span_id"]}
    outer = by_id.get((span["trace_id"], span["parent_id"]))
    while outer is not None and outer["span_id"] not in seen:
        if _is_call(outer):
            own_id, outer_id = (one["attributes"].get("response_id") for one in (span, outer))
            if own_id is None or outer_id is None:
                span["fault"] = (
                    f"the span lies in that of another call ({outer['span_id'][:64]}), and without a gen_ai.response.id"
                    " on both nobody knows whether it is the same one"
                )
            return own_id is not None and own_id == outer_id
        seen.add(outer["span_id"])
        outer = by_id.get((outer["trace_id"], outer["parent_id"]))
    return False


def _instant_text(nanoseconds: object) -> object:
    """The text of an instant that is nanoseconds since 1970, a number or text; what cannot be one stays as it is."""
    if isinstance(nanoseconds, str) and _DIGITS(nanoseconds):
        nanoseconds = int(nanoseconds)
    if type(nanoseconds) is not int or not 0 < nanoseconds < _NANOSECONDS_MAX:
        return None if nanoseconds is None else str(nanoseconds)[:40]
    return instant_text(EPOCH + timedelta(microseconds=nanoseconds // 1000))


def _recognises(names: Collection[str]) -> bool:
    return "resourceSpans" in names or "scopeSpans" in names or ("traceId" in names and "spanId" in names)


SPANS = Format("otlp", "otlp", ("span_id", "spanId"), _recognises, read, no_table, split=split)
