"""Whatever was used: each vendor's way to say it is read back as just that, and adds up to the vendor's totals."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.response_shapes import (
    ANTHROPIC,
    AROUTER,
    AT,
    CONVERSE,
    GEMINI,
    LITELLM,
    MISTRAL,
    OPENAI_CHAT,
    OPENAI_REALTIME,
    OPENAI_RESPONSES,
    OPENROUTER,
)
from tokentill import InvalidRecord, Usage
from tokentill.usage.quantities import sum_of

COUNT = st.integers(0, 10**9)
Leaves = dict[str, int]


def leaves(*names: str) -> st.SearchStrategy[Leaves]:
    return st.fixed_dictionaries(dict.fromkeys(names, COUNT))


def total(counts: Leaves, *names: str) -> int:
    return sum(counts[name] for name in names)


def usage(response: object, read: Callable[..., Usage], **more: Any) -> Usage:
    return read(response, model="m", occurred_at=AT, **more)


def without_zeros(counts: Leaves) -> Leaves:
    return {name: count for name, count in counts.items() if count}


@given(
    leaves("input", "cache_read", "cache_write", "input_audio", "output", "reasoning", "output_audio"), st.booleans()
)
def test_openai_chat(counts: Leaves, is_text: bool) -> None:
    prompt = total(counts, "input", "cache_read", "cache_write", "input_audio")
    completion = total(counts, "output", "reasoning", "output_audio")
    told = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": counts["cache_read"],
            "cache_write_tokens": counts["cache_write"],
            "audio_tokens": counts["input_audio"],
        },
        "completion_tokens_details": {
            "reasoning_tokens": counts["reasoning"],
            "audio_tokens": counts["output_audio"],
        },
    }
    response = {"usage": told}
    for read in (Usage.from_openai, Usage.from_arouter, Usage.from_openrouter):
        found = usage(json.dumps(response) if is_text else response, read)
        assert dict(found.quantities) == without_zeros(counts)
        assert found.input_total == prompt
        assert sum_of(found.quantities, "output_total") == completion


@given(leaves("input", "cache_read", "output", "reasoning"))
def test_reasoning_beside_the_completion(counts: Leaves) -> None:
    prompt = total(counts, "input", "cache_read")
    told = {
        "prompt_tokens": prompt,
        "completion_tokens": counts["output"],
        "total_tokens": prompt + counts["output"] + counts["reasoning"],
        "prompt_tokens_details": {"cached_tokens": counts["cache_read"]},
        "completion_tokens_details": {"reasoning_tokens": counts["reasoning"]},
    }
    assert dict(usage({"usage": told}, Usage.from_openai).quantities) == without_zeros(counts)


@given(
    leaves(
        "input",
        "cache_read",
        "input_audio",
        "input_audio_cache_read",
        "input_image",
        "input_image_cache_read",
        "output",
        "output_audio",
    )
)
def test_openai_realtime(counts: Leaves) -> None:
    inputs = [name for name in counts if not name.startswith("output")]
    audio = total(counts, "input_audio", "input_audio_cache_read")
    image = total(counts, "input_image", "input_image_cache_read")
    cached = {
        "text_tokens": counts["cache_read"],
        "audio_tokens": counts["input_audio_cache_read"],
        "image_tokens": counts["input_image_cache_read"],
    }
    told = {
        "input_tokens": total(counts, *inputs),
        "output_tokens": total(counts, "output", "output_audio"),
        "total_tokens": sum(counts.values()),
        "input_token_details": {
            "text_tokens": total(counts, "input", "cache_read"),
            "audio_tokens": audio,
            "image_tokens": image,
            "cached_tokens": sum(cached.values()),
            "cached_tokens_details": cached,
        },
        "output_token_details": {"text_tokens": counts["output"], "audio_tokens": counts["output_audio"]},
    }
    assert dict(usage({"usage": told}, Usage.from_openai).quantities) == without_zeros(counts)


@given(
    leaves(
        "input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write", "output", "reasoning", "web_search"
    )
)
def test_anthropic(counts: Leaves) -> None:
    told = {
        "input_tokens": counts["input"],
        "cache_read_input_tokens": counts["cache_read"],
        "cache_creation_input_tokens": total(counts, "cache_write_5m", "cache_write_1h", "cache_write"),
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts["cache_write_5m"],
            "ephemeral_1h_input_tokens": counts["cache_write_1h"],
        },
        "output_tokens": total(counts, "output", "reasoning"),
        "output_tokens_details": {"thinking_tokens": counts["reasoning"]},
        "server_tool_use": {"web_search_requests": counts["web_search"]},
    }
    response = {"type": "message", "usage": told}
    for read in (Usage.from_anthropic, Usage.from_arouter, Usage.from_openrouter, Usage.from_litellm):
        found = usage(response, read)
        assert dict(found.quantities) == without_zeros(counts)
        assert (
            found.input_total
            == told["input_tokens"] + told["cache_read_input_tokens"] + (told["cache_creation_input_tokens"])
        )


@given(
    leaves("input", "cache_read", "input_audio", "input_audio_cache_read", "output", "reasoning", "output_image"),
    st.integers(0, 1000),
    st.booleans(),
)
def test_gemini(counts: Leaves, tool_results: int, thoughts_are_candidates: bool) -> None:
    prompt = total(counts, "input", "cache_read", "input_audio", "input_audio_cache_read")
    visible = total(counts, "output", "output_image")
    told = {
        "promptTokenCount": prompt,
        "toolUsePromptTokenCount": tool_results,
        "candidatesTokenCount": visible + (counts["reasoning"] if thoughts_are_candidates else 0),
        "thoughtsTokenCount": counts["reasoning"],
        "totalTokenCount": prompt + tool_results + visible + counts["reasoning"],
        "cachedContentTokenCount": total(counts, "cache_read", "input_audio_cache_read"),
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": total(counts, "input", "cache_read")},
            {"modality": "AUDIO", "tokenCount": total(counts, "input_audio", "input_audio_cache_read")},
        ],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": counts["input_audio_cache_read"]}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": counts["output_image"]}],
    }
    found = usage({"usageMetadata": told}, Usage.from_gemini)
    assert dict(found.quantities) == without_zeros({**counts, "input": counts["input"] + tool_results})
    assert sum(found.quantities.values()) == told["totalTokenCount"]


@given(leaves("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning"))
def test_litellm(counts: Leaves) -> None:
    prompt = total(counts, "input", "cache_read", "cache_write_5m", "cache_write_1h")
    writes = total(counts, "cache_write_5m", "cache_write_1h")
    told = {
        "prompt_tokens": prompt,
        "completion_tokens": total(counts, "output", "reasoning"),
        "total_tokens": sum(counts.values()),
        "prompt_tokens_details": {
            "cached_tokens": counts["cache_read"],
            "cache_creation_tokens": writes,
            "cache_creation_token_details": {
                "ephemeral_5m_input_tokens": counts["cache_write_5m"],
                "ephemeral_1h_input_tokens": counts["cache_write_1h"],
            },
        },
        "completion_tokens_details": {"reasoning_tokens": counts["reasoning"]},
        "cache_read_input_tokens": counts["cache_read"],
        "cache_creation_input_tokens": writes,
    }
    assert dict(usage({"usage": told}, Usage.from_litellm).quantities) == without_zeros(counts)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2100)
    | st.floats()
    | st.decimals()
    | st.text(max_size=4)
    | st.sampled_from(["AUDIO", "message", "compaction", 10**30, 10**1000, -(10**1000), Decimal("sNaN"), "\ud800"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a response, by keys and indices."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The response with another value at one place."""
    if not path:
        return new
    key, *rest = path
    copied = list(value) if isinstance(value, list) else dict(value)
    copied[key] = put(copied[key], tuple(rest), new)
    return copied


READERS = [
    (Usage.from_openai, OPENAI_CHAT),
    (Usage.from_openai, OPENAI_RESPONSES),
    (Usage.from_openai, OPENAI_REALTIME),
    (Usage.from_anthropic, ANTHROPIC),
    (Usage.from_gemini, GEMINI),
    (Usage.from_arouter, AROUTER),
    (Usage.from_openrouter, OPENROUTER),
    (Usage.from_litellm, LITELLM),
    (Usage.from_mistral, MISTRAL),
    (Usage.from_bedrock, CONVERSE),
]


@pytest.mark.parametrize(("read", "response"), READERS)
@given(data=st.data())
def test_any_value_in_any_place_is_a_usage_or_an_invalid_record(
    read: Callable[..., Usage], response: dict[str, Any], data: st.DataObject
) -> None:
    changed = response
    for _ in range(data.draw(st.integers(1, 2))):
        changed = put(changed, data.draw(st.sampled_from(places(changed)[1:] or [()])), data.draw(JSON))
    try:
        found = usage(changed, read)
    except InvalidRecord:
        return
    assert all(type(count) is int and count > 0 for count in found.quantities.values())
    assert repr(found).isprintable()


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_a_usage_or_an_invalid_record(text: str | bytes) -> None:
    for read, _ in READERS:
        with pytest.raises(InvalidRecord):
            read(text)
