"""Langfuse: observations, as its API (`/api/public/v2/observations`) and its exports give them.

Convention (Langfuse, token usage): the keys of `usageDetails` are disjoint, and a `total` is their sum. Keys are names
that whoever traced has chosen; one that is not known here is refused. `totalCost` is USD, and may be what Langfuse
worked out. Observations that are no call of a model (spans, agents, tools) are passed over. Traces may be sampled: a
witness, and a source to bill by only where nothing better exists.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways import Format, SourceRow, no_table
from tokentill.sources.gateways.conventions import disjoint_leaves
from tokentill.sources.gateways.fields import amount, instant
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.usage.record import UsageRecord
from tokentill.usage.type_words import type_text

PATHS: dict[str, tuple[str, ...]] = {
    "record_id": ("id",),
    "occurred_at": ("startTime",),
    "user": ("userId",),
    "model": ("providedModelName", "model"),
    "level": ("level",),
    "cost": ("totalCost",),
}
FIELDS = FieldMap(PATHS)
LEAVES = {
    "input": "input",
    **dict.fromkeys(
        ("input_cached_tokens", "input_cached", "input_cache_read", "cache_read_input_tokens"), "cache_read"
    ),
    **dict.fromkeys(("input_cache_creation", "input_cache_write", "cache_creation_input_tokens"), "cache_write"),
    **dict.fromkeys(("input_audio_tokens", "input_audio"), "input_audio"),
    **dict.fromkeys(("input_image_tokens", "input_image"), "input_image"),
    "output": "output",
    **dict.fromkeys(("output_reasoning_tokens", "output_reasoning"), "reasoning"),
    **dict.fromkeys(("output_audio_tokens", "output_audio"), "output_audio"),
    **dict.fromkeys(("output_image_tokens", "output_image"), "output_image"),
}
"""Keys of `usageDetails` and the quantities that they count."""
CALLS = (None, "GENERATION", "EMBEDDING")
NO_CALLS = frozenset("SPAN EVENT AGENT TOOL CHAIN RETRIEVER EVALUATOR GUARDRAIL".split())


def split(row: SourceRow) -> list[SourceRow]:
    """The observation, unless it is no call of a model."""
    kind = row.get("type")
    return [] if isinstance(kind, str) and kind in NO_CALLS else [row]


def read(row: SourceRow, source: str | None) -> UsageRecord:
    """One observation.

    Raises:
        InvalidRecord: with the reason.
    """
    kind = row.get("type")
    if kind not in CALLS:
        raise InvalidRecord(f"type is {str(kind)[:40]!r}, which is not known to be a call of a model")
    values = FIELDS.pick_with(row, "record_id", "model")
    details: Any = row.get("usageDetails") or {}
    if not isinstance(details, dict):
        raise InvalidRecord(f"usageDetails is {type_text(details)}, not an object")
    quantities, usage_state = disjoint_leaves(details, LEAVES)
    return UsageRecord(
        source=source or OBSERVATIONS.name,
        record_id=values["record_id"],
        occurred_at=instant("startTime", values.get("occurred_at")),
        model=values["model"],
        quantities=quantities,
        user=values.get("user"),
        status="error" if values.get("level") == "ERROR" else "ok",
        usage_state=usage_state,
        cost=amount("totalCost", values["cost"]) if "cost" in values else None,
    )


def _recognises(names: Collection[str]) -> bool:
    return "usageDetails" in names or all(name in names for name in ("id", "traceId", "startTime", "type"))


OBSERVATIONS = Format("langfuse", "langfuse", ("id",), _recognises, read, no_table, ("startTime",), split)
