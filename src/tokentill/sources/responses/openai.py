"""OpenAI: Chat Completions, Responses, Embeddings, Images and Realtime, and vendors that answer in these forms.

Convention (openai-python, docstrings of the usage types): prompt or input tokens include what was read from and written
to the cache, completion or output tokens include reasoning and rejected predictions, and their sum is the total.
Images in a prompt are input tokens like any others in Chat Completions and Responses, and have a price of their own in
Images and Realtime, which report them under `input_token(s)_details`. xAI reports reasoning beside the completion; the
identity of the totals decides. DeepSeek and Moonshot have names of their own for what was read from the cache.
`service_tier` is the tier that served the request. Batch results do not say that they are: pass `mode="batch"`.

Searches: `tool_usage.web_search.num_requests` counts those that are billed; without it, each `web_search_call` that
searches is one (opening a page is not). Chat Completions reports no searches. Tokens of the image generation tool are
another model's: they become the counters `image_gen_input` and `image_gen_output`, so that they are not forgotten.
"""

from __future__ import annotations

from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.conventions import convention_of, leaves_by
from tokentill.sources.gateways.fields import count
from tokentill.sources.gateways.mapping import FieldMap, under
from tokentill.sources.responses import anthropic
from tokentill.sources.responses.building import (
    answer_of,
    found_leaves,
    mode_said,
    said_on_top,
    split_cached,
    usage_of,
)
from tokentill.sources.responses.outside import part, parts
from tokentill.usage.record import Given

_CHAT, _RESPONSES, _REALTIME = "prompt_tokens_details", "input_tokens_details", "input_token_details"
_CHAT_OUT, _RESPONSES_OUT, _REALTIME_OUT = "completion_tokens_details", "output_tokens_details", "output_token_details"
_INPUTS, _OUTPUTS = (_CHAT, _RESPONSES, _REALTIME), (_CHAT_OUT, _RESPONSES_OUT, _REALTIME_OUT)


PATHS: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt_tokens", "input_tokens"),
    "completion": ("completion_tokens", "output_tokens"),
    "total": ("total_tokens",),
    "cached": (*under(_INPUTS, "cached_tokens"), "prompt_cache_hit_tokens", "cached_tokens"),
    "cache_write": under(_INPUTS, "cache_write_tokens"),
    "audio_input": under(_INPUTS, "audio_tokens"),
    "image_input": under((_RESPONSES, _REALTIME), "image_tokens"),
    "cached_audio": under(_INPUTS, "cached_tokens_details.audio_tokens"),
    "cached_image": under((_RESPONSES, _REALTIME), "cached_tokens_details.image_tokens"),
    "reasoning_output": under(_OUTPUTS, "reasoning_tokens"),
    "audio_output": under(_OUTPUTS, "audio_tokens"),
}
FIELDS = FieldMap(PATHS, agreeing=("prompt", "completion", "cached", "cache_write"))
_TOP = ("model", "created", "created_at", "service_tier")
_CALLS = {"web_search_call": "web_search", "file_search_call": "file_search"}


def read(response: object, overrides: Given) -> dict[str, Any]:
    """The usage of a response; see `Usage.from_openai`."""
    answer = answer_of(response)
    quantities = leaves_in(answer.usage) | _tools(answer.response)
    top = parts(answer.response, _TOP)
    mode = mode_said(top.get("service_tier"))
    return usage_of(overrides, source="openai", **said_on_top(answer, top), mode=mode, quantities=quantities)


def leaves_in(usage: dict[str, Any]) -> dict[str, int]:
    """The disjoint quantities of a usage object.

    Raises:
        MissingUsage: when it counts no tokens.
        InvalidRecord: when its numbers contradict each other.
    """
    strange = [name for name in anthropic.ONLY_HERE if usage.get(name) is not None]
    if strange:
        raise InvalidRecord(f"{strange[0]} is not a count of OpenAI's; read it with from_anthropic or from_litellm")
    return found_leaves(leaves_by(convention_of("openai"), split_cached(FIELDS.pick(usage))))


def _tools(response: object) -> dict[str, int]:
    """What hosted tools did, by the counters that price tables name."""
    counts: dict[str, int] = {}
    output = part(response, "output")
    for item in output if isinstance(output, (list, tuple)) else ():
        counter = _CALLS.get(str(part(item, "type")))
        action = part(part(item, "action"), "type") if counter == "web_search" else None
        if counter is not None and action in (None, "search"):
            counts[counter] = counts.get(counter, 0) + 1
    tools = part(response, "tool_usage")
    if tools is not None:
        used = parts(tools, ("web_search", "image_gen"))
        searches = _number(used, "web_search", "num_requests")
        if searches is not None:
            counts["web_search"] = searches
        for counter, name in (("image_gen_input", "input_tokens"), ("image_gen_output", "output_tokens")):
            counts[counter] = _number(used, "image_gen", name) or 0
    return counts


def _number(used: dict[str, Any], tool: str, name: str) -> int | None:
    of_tool = used.get(tool)
    if of_tool is None:
        return None
    if not isinstance(of_tool, dict):
        raise InvalidRecord(f"tool_usage.{tool} is not an object")
    value = of_tool.get(name)
    return None if value is None else count(f"tool_usage.{tool}.{name}", value)
