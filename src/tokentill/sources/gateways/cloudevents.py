"""CloudEvents 1.0: usage events in structured form, singly or in batches, as OpenMeter and Kong's AI gateway use them.

An event is known by its `source` and `id`. `subject` is the user, `time` the instant; `data` says the rest. Either it
counts a whole request (`input_tokens`, `output_tokens` and their like), or, as Kong does, one kind of its tokens
(`tokens` and `type`). Events of one kind are joined by the request that they name (`request_id`, which Kong's plugin
takes from a header as an attribute): together they are one record, whose id is that request's. One of them without a
request is refused, since the input decides the price of the output; so is a request of which a kind is missing or
comes twice. All events of a request are to be in one file.

Convention: nobody states one for cached tokens and reasoning in events, so the total has to show it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways import Format, SourceRow, no_table
from tokentill.sources.gateways.arouter import mode_of, status_of
from tokentill.sources.gateways.conventions import convention_of, leaves_by
from tokentill.sources.gateways.fields import amount, count, count_cell, instant
from tokentill.sources.gateways.mapping import FieldMap, under
from tokentill.usage.ids import check_ids
from tokentill.usage.record import STANDARD, UsageRecord
from tokentill.usage.type_words import type_text

_IN = ("data.usage", "data")
PATHS: dict[str, tuple[str, ...]] = {
    "record_id": ("id",),
    "source": ("source",),
    "occurred_at": ("time",),
    "user": ("subject",),
    "request": ("data.request_id", "data.requestId", "requestid"),
    "tokens": ("data.tokens",),
    "kind": ("data.type", "data.token_type"),
    "model": ("data.model", "data.response_model"),
    "provider": ("data.provider", "data.provider_name"),
    "api_key": ("data.api_key", "data.consumer"),
    "tier": ("data.service_tier",),
    "status": ("data.status",),
    "cost": ("data.cost",),
    "prompt": (*under(_IN, "input_tokens"), *under(_IN, "prompt_tokens")),
    "completion": (*under(_IN, "output_tokens"), *under(_IN, "completion_tokens")),
    "total": under(_IN, "total_tokens"),
    "cached": (
        *under(_IN, "cache_read_input_tokens"),
        *under(_IN, "cached_tokens"),
        "data.usage.prompt_tokens_details.cached_tokens",
    ),
    "cache_write": (*under(_IN, "cache_creation_input_tokens"), *under(_IN, "cache_write_tokens")),
    "reasoning_output": (
        *under(_IN, "reasoning_tokens"),
        "data.usage.completion_tokens_details.reasoning_tokens",
    ),
}
FIELDS = FieldMap(PATHS)
KINDS = {
    **dict.fromkeys(("input", "prompt"), "prompt"),
    **dict.fromkeys(("output", "completion"), "completion"),
    "total": "total",
    **dict.fromkeys(("cached", "cache_read"), "cached"),
    "cache_write": "cache_write",
    "reasoning": "reasoning_output",
}
_SHARED = ("source", "user", "model", "provider", "api_key", "tier")


def read(row: SourceRow, source: str | None) -> UsageRecord:
    """One event that counts a whole request, or the events of one request, as `joined` makes them.

    Raises:
        InvalidRecord: with the reason.
    """
    events = row.get("events")
    values = _joined_values(events) if isinstance(events, list) else _values(row)
    for role in ("source", "record_id", "model"):
        if role not in values:
            raise InvalidRecord(f"{PATHS[role][0]} is missing")
    if "tokens" in values:
        raise InvalidRecord(
            "the event counts one kind of tokens, and does not say of which request (data.request_id); with Kong, have"
            " a header that names the request as an attribute of the events"
        )
    if source is not None and values["source"] != source:
        raise InvalidRecord(f"source is {str(values['source'])[:64]!r}, and this is to be read as {source!r}")
    quantities, usage_state = leaves_by(convention_of("cloudevents"), values)
    if usage_state == "missing" and row.get("data") is None and events is None:
        raise InvalidRecord("the event has no data, so it is no usage")
    return UsageRecord(
        source=values["source"],
        record_id=values["record_id"],
        occurred_at=instant("time", values.get("occurred_at")),
        model=values["model"],
        quantities=quantities,
        user=values.get("user"),
        api_key=values.get("api_key"),
        provider=values.get("provider"),
        mode=mode_of(values["tier"]) if "tier" in values else STANDARD,
        status=status_of(values.get("status"), None, None),
        usage_state=usage_state,
        cost=amount("cost", values["cost"]) if "cost" in values else None,
    )


def request_of(row: SourceRow) -> tuple[str, str] | None:
    """The source and the request of an event that counts one kind of tokens; None for any other."""
    try:
        values = _values(row)
        if "tokens" not in values or "request" not in values:
            return None
        check_ids({role: values.get(role, "") for role in ("source", "request")}, {})
    except InvalidRecord:
        return None
    return values["source"], values["request"]


def joined(rows: Sequence[SourceRow]) -> SourceRow:
    """The events of one request as one row."""
    return {"specversion": "1.0", "id": _values(rows[0])["request"], "events": list(rows)}


def _values(row: SourceRow) -> dict[str, Any]:
    data = row.get("data")
    if data is not None and not isinstance(data, dict):
        raise InvalidRecord(f"data is {type_text(data)}, not an object")
    return FIELDS.pick(row)


def _joined_values(events: Sequence[SourceRow]) -> dict[str, Any]:
    """The roles of one request, of which each event tells one."""
    if not events or not all(isinstance(event, dict) for event in events):
        raise InvalidRecord("events is not a list of events")
    values: dict[str, Any] = {}
    known: dict[Any, dict[str, Any]] = {}
    for told in map(_values, events):
        own_id = told.get("record_id")
        check_ids({"id": own_id or ""}, {})
        if own_id in known:
            if known[own_id] != told:
                raise InvalidRecord(f"the event {str(own_id)[:64]!r} comes twice, with different content")
            continue
        known[own_id] = told
        _take(values, told)
    instants = [instant("time", told.get("occurred_at")) for told in known.values()]
    first = min(range(len(instants)), key=instants.__getitem__)
    return {**values, "occurred_at": list(known.values())[first]["occurred_at"]}


def _take(values: dict[str, Any], told: Mapping[str, Any]) -> None:
    """Put what one event tells of a request into what is known of it."""
    kind = told.get("kind")
    role = KINDS.get(kind) if isinstance(kind, str) else None
    if role is None:
        raise InvalidRecord(f"data.type is {str(kind)[:40]!r}, not one of {', '.join(KINDS)}")
    if role in values:
        raise InvalidRecord(f"the request has two events that count its {kind} tokens")
    number = told.get("tokens")
    values[role] = count_cell("tokens", number) if isinstance(number, str) else count("tokens", number)
    for name in _SHARED:
        if name in told and values.setdefault(name, told[name]) != told[name]:
            raise InvalidRecord(f"the events of one request differ in their {name}")
    values["record_id"] = told.get("request")


def _recognises(names: Collection[str]) -> bool:
    return "specversion" in names and ("type" in names or "events" in names)


EVENTS = Format(
    "cloudevents",
    None,
    ("id",),
    _recognises,
    read,
    no_table,
    ("time",),
    request_of=request_of,
    joined=joined,
)
