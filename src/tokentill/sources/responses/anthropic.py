"""Anthropic: messages, also those that gateways pass on in this form.

Convention (anthropic-sdk-python, docstrings of `Usage`): `input_tokens` is what was neither read from nor written to
the cache; `cache_creation` says how much was written for 5 minutes and for 1 hour, and what
`cache_creation_input_tokens` has more than that was written for an unknown time. `output_tokens` includes
thinking. Tokens of a `compaction` among the `iterations` are not in the totals and are added. A message says no time.
Fetching web pages is free of charge but for their tokens, and is not counted.
"""

from __future__ import annotations

from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.fields import count
from tokentill.sources.responses.building import (
    VendorResponse,
    answer_of,
    counted,
    mode_said,
    said_on_top,
    text_or_none,
    usage_of,
)
from tokentill.sources.responses.outside import part, parts
from tokentill.usage.record import STANDARD, Given
from tokentill.usage.type_words import type_text

MARKS = ("input_tokens", "output_tokens")
ONLY_HERE = ("cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation")
_OPENAI = ("prompt_tokens", "total_tokens", "input_tokens_details")
_NO_GEO = ("global", "not_available")
_NO_TIER = (None, "", STANDARD)


def read(response: object, overrides: Given) -> dict[str, Any]:
    """The usage of a message; see `Usage.from_anthropic`."""
    answer = answer_of(response, marks=MARKS)
    geo = text_or_none("inference_geo", answer.usage.get("inference_geo"))
    return usage_of(
        overrides,
        source="anthropic",
        **said_on_top(answer, parts(answer.response, ("model",))),
        mode=mode_in(answer.usage),
        geo=None if geo in _NO_GEO else geo,
        quantities=leaves_in(answer),
    )


def is_message(answer: VendorResponse) -> bool:
    """Whether a gateway passes on a message in this form."""
    usage = answer.usage
    return "prompt_tokens" not in usage and (
        part(answer.response, "type") == "message" or any(name in usage for name in ONLY_HERE)
    )


def leaves_in(answer: VendorResponse) -> dict[str, int]:
    """The disjoint quantities of a message.

    Raises:
        InvalidRecord: when its numbers contradict each other, or are of several models.
    """
    strange = [name for name in _OPENAI if answer.usage.get(name) is not None]
    if strange:
        raise InvalidRecord(f"{strange[0]} is not a count of Anthropic's, where cached tokens are beside the input")
    quantities = _leaves(answer.usage)
    for iteration in _iterations(answer):
        for name, added in _leaves(iteration).items():
            quantities[name] = quantities.get(name, 0) + added
    searches = _table(answer.usage, "server_tool_use").get("web_search_requests")
    if searches:
        quantities["web_search"] = count("web_search_requests", searches)
    return quantities


def mode_in(usage: dict[str, Any]) -> str | None:
    """The mode: `service_tier`, or `speed` where that is not standard.

    Raises:
        InvalidRecord: when both are something special, which no price list has.
    """
    tier, speed = usage.get("service_tier"), usage.get("speed")
    if speed in _NO_TIER:
        return mode_said(tier)
    if tier not in _NO_TIER:
        raise InvalidRecord(f"service_tier is {str(tier)[:40]!r} and speed is {str(speed)[:40]!r}: pass mode=")
    return mode_said(speed)


def _leaves(usage: dict[str, Any]) -> dict[str, int]:
    for name in MARKS:
        if usage.get(name) is None:
            raise InvalidRecord(f"{name} is missing; of a stream, pass the final message")
    creation = _table(usage, "cache_creation")
    short = counted(creation, "ephemeral_5m_input_tokens")
    long = counted(creation, "ephemeral_1h_input_tokens")
    written = usage.get("cache_creation_input_tokens")
    unknown = 0 if written is None else count("cache_creation_input_tokens", written) - short - long
    if unknown < 0:
        raise InvalidRecord(
            f"cache writes of 5 minutes ({short}) and 1 hour ({long}) are more than all cache writes ({written})"
        )
    output = counted(usage, "output_tokens")
    thinking = counted(_table(usage, "output_tokens_details"), "thinking_tokens")
    if thinking > output:
        raise InvalidRecord(f"thinking_tokens ({thinking}) is more than output_tokens ({output})")
    return {
        "input": counted(usage, "input_tokens"),
        "cache_read": counted(usage, "cache_read_input_tokens"),
        "cache_write_5m": short,
        "cache_write_1h": long,
        "cache_write": unknown,
        "output": output - thinking,
        "reasoning": thinking,
    }


def _iterations(answer: VendorResponse) -> list[dict[str, Any]]:
    """The iterations whose tokens are not in the totals."""
    iterations = answer.usage.get("iterations") or []
    if not isinstance(iterations, list) or not all(isinstance(entry, dict) for entry in iterations):
        raise InvalidRecord("iterations is not a list of objects")
    model = parts(answer.response, ("model",)).get("model")
    for entry in iterations:
        if entry.get("model") not in (None, model):
            raise InvalidRecord(
                f"the iterations are of several models ({str(entry['model'])[:64]!r} among them): pass each of them"
                " alone, with its model"
            )
    return [entry for entry in iterations if entry.get("type") == "compaction"]


def _table(usage: dict[str, Any], name: str) -> dict[str, Any]:
    table = usage.get(name)
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise InvalidRecord(f"{name} is {type_text(table)}, not an object")
    return table
