"""Usage objects in an envelope: what a vendor's API answered, with what only the caller knows beside it.

One object a request. `surface` names the API whose form and convention it has; `response` holds the answer, or `usage`
its usage object alone. Everything else is what the answer does not say (`user`) or what is to hold in place of what it
says. Keys that are not known are refused. An answer that reports no usage is a record whose usage is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from tokentill.errors import InvalidRecord, MissingUsage
from tokentill.sources.gateways import Format, SourceRow, no_table
from tokentill.sources.gateways.canonical_form import hint
from tokentill.sources.gateways.fields import amount, instant
from tokentill.sources.responses import anthropic, arouter, bedrock, gemini, litellm, mistral, openai, openrouter
from tokentill.sources.responses.building import VendorResponse, said_on_top, usage_of
from tokentill.sources.responses.outside import parts
from tokentill.usage.record import Given, UsageRecord
from tokentill.usage.type_words import type_text

SURFACES: Mapping[str, Callable[[object, Given], dict[str, Any]]] = {
    "openai": openai.read,
    "anthropic": anthropic.read,
    "gemini": gemini.read,
    "mistral": mistral.read,
    "bedrock": bedrock.read,
    "arouter": arouter.read,
    "openrouter": openrouter.read,
    "litellm": litellm.read,
}
GIVEN = tuple("record_id occurred_at user api_key model provider source tags mode geo cost is_byok is_replayed".split())
FIELDS = ("surface", "response", "usage", "status", *GIVEN)
_KNOWN = frozenset(FIELDS)


def read(row: SourceRow, source: str | None) -> UsageRecord:
    """One answer in its envelope.

    Raises:
        InvalidRecord: with the reason.
    """
    unknown = next((name for name in row if name not in _KNOWN), None)
    if unknown is not None:
        raise InvalidRecord(f"the key {unknown[:64]!r} is not known{hint(unknown, FIELDS)}")
    surface = row.get("surface")
    reader = SURFACES.get(surface) if isinstance(surface, str) else None
    if reader is None or surface is None:
        shown = repr(surface[:40]) if isinstance(surface, str) else type_text(surface)
        raise InvalidRecord(f"surface is {shown}, not one of {', '.join(SURFACES)}")
    if row.get("response") is not None and row.get("usage") is not None:
        raise InvalidRecord("there is a response and a usage object: which is it?")
    answer = row.get("response") if row.get("usage") is None else row["usage"]
    if answer is not None and not isinstance(answer, dict):
        raise InvalidRecord(f"the response or usage is {type_text(answer)}, not an object")
    given = _given(row, source)
    try:
        traits = reader(answer or {}, given)
    except MissingUsage:
        if row.get("usage"):
            raise InvalidRecord(f"the usage object has no count of {surface}'s") from None
        on_top = said_on_top(VendorResponse(answer or {}, {}), parts(answer or {}, ("model", "created", "created_at")))
        traits = {**usage_of(given, source=surface, quantities={}, **on_top), "usage_state": "missing"}
    if traits["record_id"] is None:
        raise InvalidRecord("nothing says the id of the request; write a record_id")
    return UsageRecord(**traits, status="ok" if row.get("status") is None else row["status"])


def _given(row: SourceRow, source: str | None) -> Given:
    """What the envelope says."""
    given: dict[str, Any] = {name: row[name] for name in GIVEN if row.get(name) is not None}
    if source is not None:
        if given.get("source", source) != source:
            raise InvalidRecord(f"source is {str(given['source'])[:64]!r}, and this is to be read as {source!r}")
        given["source"] = source
    if "occurred_at" in given:
        given["occurred_at"] = instant("occurred_at", given["occurred_at"])
    if "cost" in given:
        given["cost"] = amount("cost", given["cost"])
    return cast(Given, given)


def _recognises(names: Collection[str]) -> bool:
    return "surface" in names and ("usage" in names or "response" in names)


ENVELOPED = Format("usage", None, ("record_id",), _recognises, read, no_table)
