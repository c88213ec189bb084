"""Google: `generateContent` of the Gemini API and of Vertex AI, and turns of the Live API.

Convention (googleapis/python-genai, docstrings of `GenerateContentResponseUsageMetadata`): the prompt includes what was
read from the cache, results of tools come on top of it, and the total is prompt + tool results + candidates + thoughts.
Some versions count the thoughts among the candidates; the identity of the totals decides, and what fits neither is
refused. The price list has one rate for text, documents, images and video in the prompt, and another for audio; images
and audio in the output have theirs. Names come in camel case from the API and in snake case from the SDK.

Searches (the price list): up to Gemini 2.5 a prompt that was grounded counts once; from Gemini 3 on each query counts.
"""

from __future__ import annotations

import re
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.inclusive import leaves_of
from tokentill.sources.responses.building import answer_of, counted, mode_said, moment, split_cached, usage_of
from tokentill.sources.responses.outside import part, parts, plain
from tokentill.sources.strict_json import repeated
from tokentill.usage.record import Given
from tokentill.usage.type_words import type_text

MARKS = ("promptTokenCount", "prompt_token_count")
_KINDS = frozenset(("", "MODALITY_UNSPECIFIED", "TEXT", "DOCUMENT", "IMAGE", "VIDEO", "AUDIO"))
_TRAFFIC_MODES = {
    "TRAFFIC_TYPE_UNSPECIFIED": None,
    "ON_DEMAND": None,
    "ON_DEMAND_PRIORITY": "priority",
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_OFFPEAK": "offpeak",
}
_UNSPECIFIED_TIERS = ("unspecified", "SERVICE_TIER_UNSPECIFIED")
_GROUNDED_ONCE = re.compile(r"(?:\A|/)gemini-[12](?:[.-]|\Z)", re.ASCII)
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])", re.ASCII)
_TOP = ("modelVersion", "model_version", "createTime", "create_time", "responseId", "response_id")


def read(response: object, overrides: Given) -> dict[str, Any]:
    """The usage of a response; see `Usage.from_gemini`."""
    answer = answer_of(response, ("usageMetadata", "usage_metadata"), MARKS)
    usage = _snake(answer.usage)
    top = _snake(parts(answer.response, _TOP))
    quantities = _leaves(usage)
    model = overrides.get("model", top.get("model_version"))
    queries = _queries(answer.response)
    if queries:
        quantities["web_search"] = 1 if _GROUNDED_ONCE.search(str(model)) else queries
    return usage_of(
        overrides,
        source="gemini",
        record_id=top.get("response_id"),
        model=top.get("model_version"),
        occurred_at=moment("createTime", top.get("create_time")),
        mode=_mode(usage),
        quantities=quantities,
    )


def _leaves(usage: dict[str, Any]) -> dict[str, int]:
    if usage.get("prompt_token_count") is None:
        raise InvalidRecord("promptTokenCount is missing")
    tools = counted(usage, "tool_use_prompt_token_count")
    prompt = counted(usage, "prompt_token_count") + tools
    inputs = _by_kind(usage, "prompt_tokens_details", "tool_use_prompt_tokens_details")
    outputs = _by_kind(usage, "candidates_tokens_details", "response_tokens_details")
    cached = _by_kind(usage, "cache_tokens_details")
    if outputs.get("VIDEO"):
        raise InvalidRecord("the output holds video, which has no price by the token")
    values = {
        "prompt": prompt,
        "completion": _completion(usage, prompt),
        "cached": counted(usage, "cached_content_token_count"),
        "audio_input": inputs.get("AUDIO", 0),
        "cached_audio": cached.get("AUDIO", 0),
        "reasoning_output": counted(usage, "thoughts_token_count"),
        "audio_output": outputs.get("AUDIO", 0),
        "image_output": outputs.get("IMAGE", 0),
    }
    quantities, _ = leaves_of(split_cached(values))
    return quantities


def _completion(usage: dict[str, Any], prompt: int) -> int:
    """All output, with the thoughts: beside the candidates or among them, as the total says."""
    candidates = counted(usage, "candidates_token_count") + counted(usage, "response_token_count")
    thoughts = counted(usage, "thoughts_token_count")
    if usage.get("total_token_count") is None:
        if thoughts:
            raise InvalidRecord("totalTokenCount is missing, and without it nobody knows what the thoughts are part of")
        return candidates
    total = counted(usage, "total_token_count")
    for completion in (candidates + thoughts, candidates):
        if prompt + completion == total:
            return completion
    raise InvalidRecord(
        f"prompt with tool results ({prompt}), candidates ({candidates}) and thoughts ({thoughts}) do not make up the"
        f" total ({total}), with or without the thoughts"
    )


def _by_kind(usage: dict[str, Any], *names: str) -> dict[str, int]:
    """Tokens by kind of content, added up over these breakdowns."""
    tokens: dict[str, int] = {}
    for name in names:
        entries = usage.get(name)
        if entries is None:
            continue
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise InvalidRecord(f"{name} is {type_text(entries)}, not a list of objects")
        for entry in entries:
            kind = entry.get("modality") or ""
            if not isinstance(kind, str) or kind.upper() not in _KINDS:
                raise InvalidRecord(f"{name} counts {str(kind)[:40]!r}, which is not a known kind of content")
            kind = kind.upper()
            tokens[kind] = tokens.get(kind, 0) + counted(entry, "token_count")
    return tokens


def _mode(usage: dict[str, Any]) -> str | None:
    tier = usage.get("service_tier")
    if tier is not None and tier not in _UNSPECIFIED_TIERS:
        return mode_said(tier.lower() if isinstance(tier, str) else tier)
    traffic = usage.get("traffic_type")
    if traffic is None:
        return None
    if not isinstance(traffic, str):
        raise InvalidRecord(f"traffic_type is {type_text(traffic)}, not a text")
    return _TRAFFIC_MODES[traffic] if traffic in _TRAFFIC_MODES else traffic.lower()


def _queries(response: object) -> int:
    """The queries that were sent to the search engine for all candidates."""
    candidates = part(response, "candidates")
    queries: list[object] = []
    for candidate in candidates if isinstance(candidates, (list, tuple)) else ():
        grounding = part(candidate, "groundingMetadata", "grounding_metadata")
        texts = plain(part(grounding, "webSearchQueries", "web_search_queries"))
        queries.extend(texts if isinstance(texts, list) else ())
    return sum(1 for query in queries if query)


def _snake(value: Any) -> Any:
    """The same with names in snake case.

    Raises:
        InvalidRecord: when a value stands there under both names.
    """
    if isinstance(value, list):
        return [_snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {_HUMP.sub(r"_\1", name).lower(): _snake(item) for name, item in value.items() if item is not None}
    if len(named) < sum(1 for item in value.values() if item is not None):
        twin = repeated(_HUMP.sub(r"_\1", name).lower() for name in value)[0]
        raise InvalidRecord(f"a name stands there in two spellings: {twin[:64]!r}")
    return named
