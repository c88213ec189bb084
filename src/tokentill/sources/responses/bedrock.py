"""Amazon Bedrock: Converse, and InvokeModel, which answers in the form of the model's vendor.

Convention (AWS, `TokenUsage`; rows of `gateways.conventions`): of Converse, what was read from and written to the cache
is beside `inputTokens`, and the total counts it all; `cacheDetails` says for how long it was written. Models of OpenAI
are an exception: their streams count a cache write twice and their plain answers once, so their cached tokens are
refused. Of InvokeModel, Claude answers as Anthropic, OpenAI's and other models as OpenAI, Nova as Converse, and Llama
and Titan have counts of their own; a stream ends with `amazon-bedrock-invocationMetrics`. A response names neither its
model nor its time; Converse says the service tier that served it. The id is the request id of the response's metadata.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.conventions import convention_of, leaves_by
from tokentill.sources.gateways.fields import count
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.sources.responses import anthropic, openai
from tokentill.sources.responses.building import VendorResponse, answer_of, found_leaves, mode_said, usage_of
from tokentill.sources.responses.outside import part, parts
from tokentill.usage.record import Given
from tokentill.usage.type_words import type_text

METRICS = "amazon-bedrock-invocationMetrics"
CONVERSE = FieldMap(
    {
        "prompt": ("inputTokens", "inputTokenCount"),
        "completion": ("outputTokens", "outputTokenCount"),
        "total": ("totalTokens",),
        "cached": ("cacheReadInputTokens", "cacheReadInputTokenCount"),
        "cache_write": ("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
    },
    agreeing=("prompt", "completion", "cached", "cache_write"),
)
"""Also of Nova under InvokeModel, and of the metrics at the end of a stream."""
LLAMA = FieldMap({"prompt": ("prompt_token_count",), "completion": ("generation_token_count",)})
_LIFETIMES = {"5m": "cache_write_5m", "1h": "cache_write_1h"}
_OPENAI = re.compile(r"(?:\A|[./:])openai\.", re.ASCII)
MARKS = ("inputTokens", "inputTokenCount", "prompt_token_count", "inputTextTokenCount", "input_tokens", "prompt_tokens")


def read(response: object, overrides: Given) -> dict[str, Any]:
    """The usage of a response; see `Usage.from_bedrock`."""
    answer = answer_of(response, ("usage", METRICS), MARKS)
    model = overrides.get("model", part(answer.response, "modelId", "model"))
    metadata = part(answer.response, "ResponseMetadata", "$metadata")
    return usage_of(
        overrides,
        source="bedrock",
        model=model,
        record_id=part(metadata, "RequestId", "requestId") or part(answer.response, "requestId", "id"),
        mode=_mode(answer),
        quantities=leaves_in(answer, model),
    )


def leaves_in(answer: VendorResponse, model: object = None) -> dict[str, int]:
    """The disjoint quantities of a response, by the names that its usage has.

    Raises:
        MissingUsage: when it counts no tokens.
        InvalidRecord: when its numbers contradict each other, or its form is not known.
    """
    reader = next((reader for mark, reader in _READERS.items() if answer.usage.get(mark) is not None), None)
    if reader is None:
        shown = ", ".join(repr(str(name)[:40]) for name in sorted(answer.usage, key=str)[:6])
        raise InvalidRecord(f"no model of Bedrock counts its usage as {shown}")
    return reader(answer, model)


def _converse(answer: VendorResponse, model: object) -> dict[str, int]:
    provider = "openai" if isinstance(model, str) and _OPENAI.search(model) else None
    values = CONVERSE.pick(answer.usage) | _lifetimes(answer.usage)
    return found_leaves(leaves_by(convention_of("bedrock.converse", provider), values))


def _lifetimes(usage: Mapping[str, Any]) -> dict[str, int]:
    """Cache writes by how long they are kept."""
    entries = usage.get("cacheDetails")
    if entries is None:
        return {}
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidRecord(f"cacheDetails is {type_text(entries)}, not a list of objects")
    written: dict[str, int] = {}
    for entry in entries:
        role = _LIFETIMES.get(entry["ttl"]) if isinstance(entry.get("ttl"), str) else None
        if role is None:
            raise InvalidRecord(f"cacheDetails has the ttl {str(entry.get('ttl'))[:40]!r}, which is not 5m or 1h")
        written[role] = written.get(role, 0) + count("cacheDetails.inputTokens", entry.get("inputTokens"))
    return written


def _llama(answer: VendorResponse, _model: object) -> dict[str, int]:
    return found_leaves(leaves_by(convention_of("bedrock.invoke"), LLAMA.pick(answer.usage)))


def _titan(answer: VendorResponse, _model: object) -> dict[str, int]:
    """Titan counts the input of the request, and the output of each of its results."""
    results = answer.usage.get("results") or ()
    if not isinstance(results, (list, tuple)) or not all(isinstance(result, dict) for result in results):
        raise InvalidRecord(f"results is {type_text(results)}, not a list of objects")
    output = sum(count("results.tokenCount", result.get("tokenCount")) for result in results)
    values = {"prompt": answer.usage["inputTextTokenCount"], "completion": output}
    return found_leaves(leaves_by(convention_of("bedrock.invoke"), values))


_READERS: dict[str, Callable[[VendorResponse, object], dict[str, int]]] = {
    "inputTokens": _converse,
    "inputTokenCount": _converse,
    "prompt_tokens": lambda answer, _model: openai.leaves_in(answer.usage),
    "input_tokens": lambda answer, _model: anthropic.leaves_in(answer),
    "prompt_token_count": _llama,
    "inputTextTokenCount": _titan,
}
"""By the name of the input's count, which each form has for itself."""


def _mode(answer: VendorResponse) -> str | None:
    """The service tier, or `optimized` where the answer was made with optimized latency."""
    top = parts(answer.response, ("serviceTier", "performanceConfig", "service_tier"))
    tier = top.get("serviceTier", top.get("service_tier"))
    mode = mode_said(tier.get("type") if isinstance(tier, dict) else tier)
    performance = top.get("performanceConfig")
    latency = performance.get("latency") if isinstance(performance, dict) else None
    if latency in (None, "standard"):
        return mode
    if mode not in (None, "standard"):
        raise InvalidRecord(f"the tier is {mode!r} and the latency {str(latency)[:40]!r}: pass mode=")
    return mode_said(latency)
