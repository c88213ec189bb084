"""Helicone: requests, as its API (`/v1/request/query-clickhouse`) and its export give them, as JSON, JSON lines or CSV.

Convention: Helicone does not state whether cached tokens are inside `prompt_tokens`, and it may differ from deployment
to deployment. Where the total does not show it, a record with cached tokens is refused; whoever knows says so with
`--format helicone:cache-inside` or `helicone:cache-beside`. The same holds of audio, which is read as inside or not at
all. `costUSD` is USD. Times without an offset are UTC. `cache_reference_id` names the request whose answer was given
again from Helicone's own cache: such a record is a replay (`is_replayed`) and carries the tag `response-cache`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways import Format, SourceRow
from tokentill.sources.gateways.conventions import Convention, convention_of, leaves_by
from tokentill.sources.gateways.fields import amount, columns_by_kind, instant_or_naive_utc
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.usage.record import RESPONSE_CACHE_TAG, Status, UsageRecord

PATHS: dict[str, tuple[str, ...]] = {
    "record_id": ("request_id",),
    "occurred_at": ("request_created_at",),
    "user": ("request_user_id", "user_id"),
    "model": ("model_override", "response_model", "request_model", "model"),
    "provider": ("provider",),
    "status": ("response_status",),
    "cache_source": ("cache_reference_id",),
    "cost": ("costUSD", "cost"),
    "prompt": ("prompt_tokens",),
    "completion": ("completion_tokens",),
    "total": ("total_tokens",),
    "cached": ("prompt_cache_read_tokens",),
    "cache_write": ("prompt_cache_write_tokens",),
    "audio_input": ("prompt_audio_tokens",),
    "audio_output": ("completion_audio_tokens",),
}
FIELDS = FieldMap(PATHS)
NO_CACHE = ("", "00000000-0000-0000-0000-000000000000")


def read(row: SourceRow, source: str | None, *, convention: Convention) -> UsageRecord:
    """One request.

    Raises:
        InvalidRecord: with the reason.
    """
    values = FIELDS.pick_with(row, "record_id", "model")
    if convention.cache != "inside" and (values.get("audio_input") or values.get("audio_output")):
        raise InvalidRecord("there are tokens of audio, and whether they are inside the other counts is not known here")
    quantities, usage_state = leaves_by(convention, values)
    return UsageRecord(
        source=source or "helicone",
        record_id=values["record_id"],
        occurred_at=instant_or_naive_utc("request_created_at", values.get("occurred_at")),
        model=values["model"],
        quantities=quantities,
        user=values.get("user"),
        provider=values.get("provider"),
        tags=() if values.get("cache_source", "") in NO_CACHE else (RESPONSE_CACHE_TAG,),
        status=status_of_http(values.get("status")),
        usage_state=usage_state,
        cost=amount("costUSD", values["cost"]) if "cost" in values else None,
    )


def status_of_http(status: object) -> Status:
    """How a request ended, by the status of its answer; `unknown` for anything that is none."""
    if status is None:
        return "ok"
    text = str(status)
    if not (len(text) == 3 and text.isascii() and text.isdigit()):
        return "unknown"
    return "ok" if text < "400" else "error"


def _recognises(names: Collection[str]) -> bool:
    return "request_id" in names and "request_created_at" in names


def _format(name: str, convention: Convention) -> Format:
    reader = partial(read, convention=convention)
    return Format(name, "helicone", ("request_id",), _recognises, reader, columns_by_kind({}), ("request_created_at",))


REQUESTS = _format("helicone", convention_of("helicone"))
DECLARED = tuple(_format(f"helicone:cache-{place}", Convention(place)) for place in ("inside", "beside"))
"""The same, for those who know where their deployment counts cached tokens."""
