"""LangWatch: spend events of its gateway (`GET /api/gateway/v1/spend-events`), also as its webhooks deliver them.

Convention (the gateway's description of its spend events): `input_tokens` is what was neither read from nor written to
a cache. Whether `reasoning_tokens` are inside `output_tokens` is not stated: a record that has some is refused, unless
`--format langwatch:reasoning-inside` or `langwatch:reasoning-beside` says it. Costs are integers in billionths of a
US dollar. A request that was settled without an answer comes with nulls, and may come again completed, under another
event id: the record id is that of the event and the request key that of the request, so that one replaces the other
and they never add up. A settled event is missing usage, and one that names no model is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from functools import partial

from tokentill.errors import InvalidRecord
from tokentill.money import EXACT
from tokentill.sources.gateways import Format, SourceRow, no_table
from tokentill.sources.gateways.conventions import Convention, convention_of, leaves_by
from tokentill.sources.gateways.fields import count, instant
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.usage.ids import callers_tag
from tokentill.usage.record import Status, UsageRecord
from tokentill.usage.type_words import type_text

PATHS: dict[str, tuple[str, ...]] = {
    "record_id": ("id",),
    "request_key": ("data.gateway_request_id",),
    "occurred_at": ("data.occurred_at", "created"),
    "user": ("data.end_user_id",),
    "api_key": ("data.virtual_key_id",),
    "model": ("data.model",),
    "status": ("data.status",),
    "tags": ("data.labels",),
    "nano_usd": ("data.cost.nano_usd",),
    "prompt": ("data.usage.input_tokens",),
    "completion": ("data.usage.output_tokens",),
    "cached": ("data.usage.cache_read_input_tokens",),
    "cache_write": ("data.usage.cache_creation_input_tokens",),
    "cache_write_1h": ("data.usage.cache_creation_1h_tokens",),
    "reasoning_output": ("data.usage.reasoning_tokens",),
}
FIELDS = FieldMap(PATHS)
STATUS: dict[object, Status] = {"success": "ok", "error": "error"}
_OTHER_COUNTS = ("input_audio_tokens", "output_audio_tokens", "input_image_tokens", "output_image_tokens")


def read(row: SourceRow, source: str | None, *, convention: Convention) -> UsageRecord:
    """One spend event.

    Raises:
        InvalidRecord: with the reason.
    """
    values = FIELDS.pick_with(row, "record_id", "request_key", "model")
    usage = row["data"].get("usage") or {}
    strange = next((name for name in _OTHER_COUNTS if usage.get(name)), None)
    if strange is not None:
        raise InvalidRecord(f"data.usage counts {strange}, and what they are part of is not known here")
    quantities, usage_state = leaves_by(convention, values)
    tags = values.get("tags", [])
    if not isinstance(tags, list):
        raise InvalidRecord(f"data.labels is {type_text(tags)}, not a list of texts")
    cost = None
    if "nano_usd" in values:
        cost = EXACT.scaleb(Decimal(count("data.cost.nano_usd", values["nano_usd"])), -9)
    return UsageRecord(
        source=source or "langwatch",
        record_id=values["record_id"],
        request_key=values["request_key"],
        occurred_at=instant("data.occurred_at", values.get("occurred_at")),
        model=values["model"],
        quantities=quantities,
        user=values.get("user"),
        api_key=values.get("api_key"),
        tags=tuple(map(callers_tag, tags)),
        status=STATUS.get(values.get("status"), "unknown") if isinstance(values.get("status"), str) else "unknown",
        usage_state=usage_state,
        cost=cost,
    )


def _recognises(names: Collection[str]) -> bool:
    return "schema_version" in names and "created" in names and "data" in names


def _format(name: str, convention: Convention) -> Format:
    return Format(name, "langwatch", ("id",), _recognises, partial(read, convention=convention), no_table, ("created",))


SPEND_EVENTS = _format("langwatch", convention_of("langwatch"))
DECLARED = tuple(_format(f"langwatch:reasoning-{place}", Convention("beside", place)) for place in ("inside", "beside"))
"""The same, for those who know where their version counts reasoning."""
