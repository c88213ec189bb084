"""A response of any vendor becomes disjoint quantities by that vendor's convention, or is refused with its numbers."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, make_dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from tests.sources.response_shapes import (
    ANTHROPIC,
    AROUTER,
    AT,
    CONVERSE,
    CREATED,
    GEMINI,
    LITELLM,
    MISTRAL,
    OPENAI_AUDIO,
    OPENAI_CHAT,
    OPENAI_EMBEDDING,
    OPENAI_IMAGE,
    OPENAI_REALTIME,
    OPENAI_RESPONSES,
    OPENROUTER,
    WITHOUT_TIME,
    XAI_CHAT,
    with_usage,
)
from tokentill import InvalidRecord, MissingUsage, PriceBook, Refused, TokentillError, Usage

Read = Callable[..., Usage]

BEDROCK = {"model": "anthropic.claude-sonnet-4-6", "occurred_at": AT}
CASES: list[tuple[str, Read, dict[str, Any], dict[str, Any], dict[str, int]]] = [
    ("mistral", Usage.from_mistral, MISTRAL, {}, {"input": 504, "cache_read": 512, "output": 34, "audio_second": 5}),
    (
        "bedrock converse",
        Usage.from_bedrock,
        CONVERSE,
        BEDROCK,
        {
            "input": 4,
            "cache_read": 500,
            "cache_write": 80,
            "cache_write_1h": 1000,
            "cache_write_5m": 600,
            "output": 355,
        },
    ),
    (
        "bedrock invoke, claude",
        Usage.from_bedrock,
        ANTHROPIC,
        BEDROCK,
        {
            "input": 2048,
            "cache_read": 1800,
            "cache_write_5m": 148,
            "cache_write_1h": 100,
            "output": 383,
            "reasoning": 120,
            "web_search": 1,
        },
    ),
    (
        "bedrock invoke, openai",
        Usage.from_bedrock,
        OPENAI_CHAT,
        {"occurred_at": AT},
        {"input": 86, "cache_read": 1920, "output": 108, "reasoning": 192},
    ),
    (
        "openai chat",
        Usage.from_openai,
        OPENAI_CHAT,
        {},
        {"input": 86, "cache_read": 1920, "output": 108, "reasoning": 192},
    ),
    (
        "openai audio",
        Usage.from_openai,
        OPENAI_AUDIO,
        {},
        {"input": 119, "input_audio": 200, "output": 62, "output_audio": 180},
    ),
    (
        "openai responses",
        Usage.from_openai,
        OPENAI_RESPONSES,
        {},
        {
            "input": 150,
            "cache_read": 128,
            "cache_write": 50,
            "output": 12,
            "reasoning": 40,
            "web_search": 1,
            "file_search": 1,
        },
    ),
    ("openai embedding", Usage.from_openai, OPENAI_EMBEDDING, WITHOUT_TIME, {"input": 8}),
    (
        "openai image",
        Usage.from_openai,
        OPENAI_IMAGE,
        {"model": "gpt-image-1"},
        {"input": 10, "input_image": 40, "output": 1056},
    ),
    (
        "openai realtime",
        Usage.from_openai,
        OPENAI_REALTIME,
        {"model": "gpt-realtime", **WITHOUT_TIME},
        {
            "input": 6,
            "cache_read": 64,
            "input_audio": 30,
            "input_audio_cache_read": 32,
            "output": 30,
            "output_audio": 91,
        },
    ),
    ("xai", Usage.from_openai, XAI_CHAT, {}, {"input": 26, "cache_read": 6, "output": 9, "reasoning": 94}),
    (
        "anthropic",
        Usage.from_anthropic,
        ANTHROPIC,
        WITHOUT_TIME,
        {
            "input": 2048,
            "cache_read": 1800,
            "cache_write_5m": 148,
            "cache_write_1h": 100,
            "output": 383,
            "reasoning": 120,
            "web_search": 1,
        },
    ),
    (
        "gemini",
        Usage.from_gemini,
        GEMINI,
        WITHOUT_TIME,
        {
            "input": 640,
            "cache_read": 68,
            "input_audio": 60,
            "input_audio_cache_read": 32,
            "output": 120,
            "reasoning": 10,
            "web_search": 1,
        },
    ),
    ("arouter", Usage.from_arouter, AROUTER, {}, {"input": 60, "cache_read": 60, "output": 55, "reasoning": 30}),
    (
        "openrouter",
        Usage.from_openrouter,
        OPENROUTER,
        {},
        {"input": 94, "cache_write": 100, "output": 2, "web_search": 3},
    ),
    (
        "litellm",
        Usage.from_litellm,
        LITELLM,
        {},
        {
            "input": 2048,
            "cache_read": 1800,
            "cache_write_5m": 148,
            "cache_write_1h": 100,
            "output": 383,
            "reasoning": 120,
            "web_search": 1,
        },
    ),
]
EACH = pytest.mark.parametrize(
    ("read", "response", "given", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


class Modality(Enum):
    """As an SDK wraps a word."""

    TEXT = "TEXT"
    AUDIO = "AUDIO"
    IMAGE = "IMAGE"


class Sdk(BaseModel):
    """A pydantic object as the SDKs make them: known by attribute, with a dump."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


def as_sdk(value: Any) -> Any:
    if isinstance(value, dict):
        members = {name: as_sdk(item) for name, item in value.items()}
        if "modality" in members:
            members["modality"] = Modality(members["modality"])
        return Sdk(**members)
    return [as_sdk(item) for item in value] if isinstance(value, list) else value


def as_namespace(value: Any) -> Any:
    if isinstance(value, dict):
        return SimpleNamespace(**{name: as_namespace(item) for name, item in value.items()})
    return tuple(as_namespace(item) for item in value) if isinstance(value, list) else value


def as_dataclass(value: Any) -> Any:
    if isinstance(value, dict):
        made = make_dataclass("Made", list(value), slots=True)
        return made(**{name: as_dataclass(item) for name, item in value.items()})
    return [as_dataclass(item) for item in value] if isinstance(value, list) else value


@EACH
def test_a_response_becomes_disjoint_quantities(
    read: Read, response: dict[str, Any], given: dict[str, Any], expected: dict[str, int]
) -> None:
    usage = read(response, user="user_1", **given)

    assert dict(usage.quantities) == expected
    assert (usage.user, usage.occurred_at) == ("user_1", AT)


@EACH
@pytest.mark.parametrize("form", [json.dumps, as_bytes, as_sdk, as_namespace, as_dataclass])
def test_text_and_objects_of_an_sdk_are_read_as_the_mapping_is(
    form: Callable[[Any], Any], read: Read, response: dict[str, Any], given: dict[str, Any], expected: dict[str, int]
) -> None:
    assert read(form(response), **given) == read(response, **given)


@EACH
def test_the_usage_object_alone_gives_the_same_tokens(
    read: Read, response: dict[str, Any], given: dict[str, Any], expected: dict[str, int]
) -> None:
    alone = response.get("usage") or response["usageMetadata"]
    usage = read(as_sdk(alone), **{"model": "m", "occurred_at": AT, **given})

    counted_beside = {"web_search", "file_search"} if "output" in response or "usageMetadata" in response else set()
    assert dict(usage.quantities) == {name: n for name, n in expected.items() if name not in counted_beside}


@EACH
def test_a_response_without_usage_is_missing_and_not_zero(
    read: Read, response: dict[str, Any], given: dict[str, Any], expected: dict[str, int]
) -> None:
    name = "usageMetadata" if "usageMetadata" in response else "usage"
    for nothing in ({**response, name: None}, {**response, name: {}}, {"choices": []}, {"error": {"message": "no"}}):
        with pytest.raises(MissingUsage, match="what is missing is not zero"):
            read(nothing, **given)
        with pytest.raises(MissingUsage):
            read(as_namespace(nothing), **given)


@pytest.mark.parametrize(
    ("read", "response", "reason"),
    [
        (
            Usage.from_openai,
            with_usage(OPENAI_CHAT, prompt_tokens_details__cached_tokens=2007),
            "cached (2007) is more than prompt (2006)",
        ),
        (
            Usage.from_openai,
            with_usage(OPENAI_AUDIO, prompt_tokens_details__cached_tokens=120),
            "cached (120) + audio_input (200) are more than prompt (319)",
        ),
        (
            Usage.from_openai,
            with_usage(OPENAI_CHAT, completion_tokens_details__reasoning_tokens=301),
            "reasoning_output (301) is more than completion (300)",
        ),
        (
            Usage.from_openai,
            with_usage(OPENAI_CHAT, total_tokens=2305),
            "prompt (2006) + completion (300) is 2306, and the total says 2305",
        ),
        (Usage.from_openai, with_usage(OPENAI_CHAT, prompt_tokens=-1), "prompt is negative (-1)"),
        (
            Usage.from_openai,
            with_usage(OPENAI_CHAT, prompt_tokens=2006.0),
            "prompt is a number with a point, not a whole number",
        ),
        (
            Usage.from_openai,
            with_usage(OPENAI_CHAT, cached_tokens=1919),
            "cached is given twice, with different values",
        ),
        (Usage.from_openai, with_usage(OPENAI_CHAT, prompt_tokens=10**5000), "a whole number of 16610 bits"),
        (Usage.from_openai, {**OPENAI_CHAT, "created": Decimal("NaN")}, "NaN is not a finite number"),
        (Usage.from_openai, with_usage(OPENAI_CHAT, prompt_tokens=True), "prompt is true, not a whole number"),
        (Usage.from_openai, with_usage(OPENAI_CHAT, prompt_tokens="2006"), "prompt is a text, not a whole number"),
        (Usage.from_openai, with_usage(OPENAI_CHAT, completion_tokens=10**13, total_tokens=None), "at most"),
        (Usage.from_openai, with_usage(OPENAI_CHAT, prompt_tokens_details=[]), "prompt_tokens_details is a list"),
        (
            Usage.from_openai,
            with_usage(
                OPENAI_REALTIME | {"model": "m", "created": CREATED},
                input_token_details__cached_tokens_details__audio_tokens=63,
            ),
            "cached_audio (63) is more than audio_input (62)",
        ),
        (Usage.from_openai, {**OPENAI_CHAT, "usage": 7}, "the usage is a whole number, not an object"),
        (Usage.from_openai, {**OPENAI_CHAT, "tool_usage": {"web_search": {"num_requests": -1}}}, "num_requests is neg"),
        (Usage.from_openai, {**OPENAI_CHAT, "service_tier": "Very Fast"}, "mode 'Very Fast' is not a lower-case word"),
        (Usage.from_openai, {**OPENAI_CHAT, "created": CREATED * 1000}, "is 1.7920656e+12, not seconds since 1970"),
        (Usage.from_openai, {**OPENAI_CHAT, "created": "yesterday"}, "created 'yesterday' is not an RFC 3339 instant"),
        (Usage.from_openai, ANTHROPIC, "read it with from_anthropic"),
        (Usage.from_openai, LITELLM, "read it with from_anthropic or from_litellm"),
        (
            Usage.from_anthropic,
            with_usage(ANTHROPIC, cache_creation_input_tokens=247),
            "cache writes of 5 minutes (148) and 1 hour (100) are more than all cache writes (247)",
        ),
        (
            Usage.from_anthropic,
            with_usage(ANTHROPIC, output_tokens_details__thinking_tokens=504),
            "thinking_tokens (504) is more than output_tokens (503)",
        ),
        (
            Usage.from_anthropic,
            with_usage(ANTHROPIC, cache_read_input_tokens=-2),
            "cache_read_input_tokens is negative",
        ),
        (Usage.from_anthropic, with_usage(ANTHROPIC, output_tokens=None), "pass the final message"),
        (Usage.from_anthropic, with_usage(ANTHROPIC, speed="fast", service_tier="priority"), "pass mode="),
        (Usage.from_anthropic, with_usage(ANTHROPIC, iterations=[{"type": "message", "model": "m"}]), "several models"),
        (Usage.from_anthropic, with_usage(ANTHROPIC, iterations=[7]), "iterations is not a list of objects"),
        (
            Usage.from_anthropic,
            with_usage(ANTHROPIC, cache_creation=7),
            "cache_creation is a whole number, not an",
        ),
        (Usage.from_anthropic, OPENAI_RESPONSES, "is not a count of Anthropic's"),
        (
            Usage.from_gemini,
            with_usage(GEMINI, totalTokenCount=931),
            "(800), candidates (120) and thoughts (10) do not",
        ),
        (Usage.from_gemini, with_usage(GEMINI, totalTokenCount=None), "totalTokenCount is missing"),
        (Usage.from_gemini, with_usage(GEMINI, promptTokenCount=None), "promptTokenCount is missing"),
        (
            Usage.from_gemini,
            with_usage(GEMINI, cachedContentTokenCount=31),
            "cached_audio (32) is more than cached (31)",
        ),
        (Usage.from_gemini, with_usage(GEMINI, cachedContentTokenCount=801), "are more than prompt (800)"),
        (
            Usage.from_gemini,
            with_usage(GEMINI, promptTokensDetails=[{"modality": "SMELL", "tokenCount": 1}]),
            "counts 'SMELL', which is not a known kind of content",
        ),
        (
            Usage.from_gemini,
            with_usage(GEMINI, candidatesTokensDetails=[{"modality": "VIDEO", "tokenCount": 1}]),
            "the output holds video",
        ),
        (Usage.from_gemini, with_usage(GEMINI, prompt_token_count=3), "in two spellings: 'prompt_token_count'"),
        (Usage.from_arouter, with_usage(AROUTER, cost=-0.5), "cost -0.5 is outside 0"),
        (Usage.from_arouter, with_usage(AROUTER, cost=float("nan")), "cost: NaN is not a finite number"),
        (Usage.from_arouter, with_usage(AROUTER, is_byok="no"), "is_byok is a text, not true or false"),
        (Usage.from_arouter, {**AROUTER, "provider": 7}, "provider is a whole number, not a text"),
        (
            Usage.from_litellm,
            with_usage(LITELLM, cache_read_input_tokens=1799),
            "is given twice, with different values: 1800, 1799",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_numbers(read: Read, response: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRecord) as refused:
        read(response, **({} if "created" in response or "created_at" in response else WITHOUT_TIME))
    assert reason in str(refused.value)
    assert not isinstance(refused.value, MissingUsage)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (None, "this is NoneType"),
        (7, "this is int"),
        ([], "this is list"),
        (dict, "this is type"),
        ("", "not valid JSON"),
        ("[1]", "not a JSON object but a list"),
        ('{"usage": {"prompt_tokens": 1, "prompt_tokens": 2}}', "'prompt_tokens' occurs twice"),
        ('{"usage": NaN}', "NaN is not a number"),
        ('{"usage": ' + '{"a":' * 40 + "1" + "}" * 41, "nested deeper than 32 levels"),
        ('{"model": "m", "usage": {"prompt_tokens": 1' + "0" * 60 + "}}", "a number of 61 characters"),
        (b'{"usage": "\xff"}', "not valid UTF-8"),
        ('{"usage": "\ud800"}', "lone surrogate"),
    ],
)
def test_text_that_is_no_response_is_refused(response: Any, reason: str) -> None:
    for read in (Usage.from_openai, Usage.from_anthropic, Usage.from_gemini, Usage.from_arouter, Usage.from_litellm):
        with pytest.raises(InvalidRecord, match=reason):
            read(response, model="m", occurred_at=AT)


def test_an_endless_object_is_refused() -> None:
    ring: dict[str, Any] = {}
    ring["prompt_tokens_details"] = ring
    with pytest.raises(InvalidRecord, match="nested deeper"):
        Usage.from_openai({"usage": ring}, model="m", occurred_at=AT)
    with pytest.raises(InvalidRecord, match="over 20000 values"):
        Usage.from_openai({"usage": {"prompt_tokens_details": [[]] * 30_000}}, model="m", occurred_at=AT)


def test_a_time_of_day_that_nobody_can_hold_is_refused_at_once() -> None:
    text = json.dumps(OPENAI_CHAT).replace(str(CREATED), "1e99999999")
    with pytest.raises(InvalidRecord, match="not seconds since 1970"):
        Usage.from_openai(text)


@pytest.mark.parametrize(
    ("tier", "mode"),
    [("default", "standard"), ("auto", "standard"), ("flex", "flex"), ("priority", "priority"), (None, None)],
)
def test_the_service_tier_is_the_mode(tier: str | None, mode: str | None) -> None:
    assert Usage.from_openai({**OPENAI_CHAT, "service_tier": tier}).mode == mode
    assert Usage.from_anthropic(with_usage(ANTHROPIC, service_tier=tier), **WITHOUT_TIME).mode == mode
    assert Usage.from_gemini(with_usage(GEMINI, trafficType=None, serviceTier=tier), **WITHOUT_TIME).mode == mode


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({"speed": "fast"}, "fast"),
        ({"speed": "standard", "service_tier": "batch"}, "batch"),
        ({"speed": "standard"}, "standard"),
    ],
)
def test_the_speed_of_a_message_is_its_mode(changes: dict[str, Any], mode: str) -> None:
    assert Usage.from_anthropic(with_usage(ANTHROPIC, **changes), **WITHOUT_TIME).mode == mode


@pytest.mark.parametrize(
    ("traffic", "mode"),
    [
        ("ON_DEMAND", None),
        ("ON_DEMAND_PRIORITY", "priority"),
        ("ON_DEMAND_FLEX", "flex"),
        ("PROVISIONED_THROUGHPUT", "provisioned_throughput"),
    ],
)
def test_the_traffic_of_vertex_is_the_mode(traffic: str, mode: str | None) -> None:
    assert Usage.from_gemini(with_usage(GEMINI, trafficType=traffic), **WITHOUT_TIME).mode == mode


@pytest.mark.parametrize(("told", "geo"), [("global", None), ("not_available", None), ("us", "us"), (None, None)])
def test_where_a_message_was_processed_is_its_geography(told: str | None, geo: str | None) -> None:
    assert Usage.from_anthropic(with_usage(ANTHROPIC, inference_geo=told), **WITHOUT_TIME).geo == geo


def test_cache_writes_of_a_time_that_is_not_told_stay_apart() -> None:
    without = with_usage(ANTHROPIC, cache_creation=None)
    part = with_usage(ANTHROPIC, cache_creation_input_tokens=300)

    assert Usage.from_anthropic(without, **WITHOUT_TIME).quantities["cache_write"] == 248
    told = Usage.from_anthropic(part, **WITHOUT_TIME).quantities
    assert (told["cache_write_5m"], told["cache_write_1h"], told["cache_write"]) == (148, 100, 52)


def test_tokens_of_a_compaction_are_added_since_the_totals_leave_them_out() -> None:
    entry = {"input_tokens": 1000, "output_tokens": 50, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 0}
    iterations = [{"type": "message", **entry}, {"type": "compaction", **entry}]

    usage = Usage.from_anthropic(with_usage(ANTHROPIC, iterations=iterations), **WITHOUT_TIME)

    plain = Usage.from_anthropic(ANTHROPIC, **WITHOUT_TIME).quantities
    assert usage.quantities["input"] == plain["input"] + 1000
    assert usage.quantities["cache_read"] == plain["cache_read"] + 7
    assert usage.quantities["output"] == plain["output"] + 50


def test_thoughts_among_the_candidates_are_not_counted_twice() -> None:
    beside = Usage.from_gemini(GEMINI, **WITHOUT_TIME)
    among = Usage.from_gemini(with_usage(GEMINI, candidatesTokenCount=130), **WITHOUT_TIME)

    assert beside == among


def test_names_in_snake_case_are_read_as_those_in_camel_case() -> None:
    usage = GEMINI["usageMetadata"]
    snake = {
        "candidates": [{"grounding_metadata": {"web_search_queries": ["first", "second"]}}],
        "model_version": "gemini-2.5-flash",
        "create_time": datetime(2026, 10, 15, 12, tzinfo=UTC),
        "response_id": "abc",
        "usage_metadata": {
            "prompt_token_count": usage["promptTokenCount"],
            "candidates_token_count": usage["candidatesTokenCount"],
            "total_token_count": usage["totalTokenCount"],
            "tool_use_prompt_token_count": usage["toolUsePromptTokenCount"],
            "thoughts_token_count": usage["thoughtsTokenCount"],
            "cached_content_token_count": usage["cachedContentTokenCount"],
            "cache_tokens_details": [
                {"modality": Modality.AUDIO, "token_count": 32},
                {"modality": Modality.TEXT, "token_count": 68},
            ],
            "prompt_tokens_details": [{"modality": Modality.AUDIO, "token_count": 92}],
        },
    }
    assert Usage.from_gemini(as_namespace(snake)) == Usage.from_gemini(GEMINI, **WITHOUT_TIME)


@pytest.mark.parametrize(
    ("model", "searches"),
    [("gemini-2.5-flash", 1), ("models/gemini-2.0-flash", 1), ("gemini-3.1-pro-preview", 2), ("gemini-4-argon", 2)],
)
def test_a_grounded_prompt_counts_once_before_gemini_3_and_its_queries_since(model: str, searches: int) -> None:
    assert Usage.from_gemini({**GEMINI, "modelVersion": model}, **WITHOUT_TIME).quantities["web_search"] == searches


@pytest.mark.parametrize(
    "told",
    [
        {"prompt_cache_hit_tokens": 1920, "prompt_cache_miss_tokens": 86},  # DeepSeek
        {"cached_tokens": 1920},  # Moonshot
        {"prompt_cache_hit_tokens": 1920, "prompt_tokens_details": {"cached_tokens": 1920}},
    ],
)
def test_vendors_with_other_names_for_what_was_cached_are_read_too(told: dict[str, Any]) -> None:
    plain = {"prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306}
    usage = Usage.from_openai({**OPENAI_CHAT, "usage": {**plain, **told}})
    assert dict(usage.quantities) == {"input": 86, "cache_read": 1920, "output": 300}


def test_searches_that_are_billed_are_those_that_the_tools_report() -> None:
    tools = {"web_search": {"num_requests": 5}, "image_gen": {"input_tokens": 0, "output_tokens": 0}}
    assert Usage.from_openai({**OPENAI_RESPONSES, "tool_usage": tools}).quantities["web_search"] == 5


def test_images_that_a_tool_made_are_not_forgotten() -> None:
    tools = {"web_search": {"num_requests": 0}, "image_gen": {"input_tokens": 11, "output_tokens": 272}}

    usage = Usage.from_openai({**OPENAI_RESPONSES, "tool_usage": tools})

    assert (usage.quantities["image_gen_input"], usage.quantities["image_gen_output"]) == (11, 272)
    assert PriceBook.load().rate(usage).status == "unpriced"


def test_the_cost_is_what_the_gateway_sent_digit_by_digit() -> None:
    sent = '{"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.100000000000000000001}'
    assert Usage.from_arouter(sent, model="m", occurred_at=AT).cost == Decimal("0.100000000000000000001")
    assert Usage.from_arouter(AROUTER).cost == Decimal("0.00144")


def test_the_cost_of_the_callers_own_key_is_the_providers_and_the_fee() -> None:
    usage = Usage.from_openrouter(OPENROUTER)
    assert (usage.cost, usage.is_byok) == (Decimal("19.95"), True)

    charged = Usage.from_openrouter(with_usage(OPENROUTER, is_byok=False))
    assert (charged.cost, charged.is_byok) == (Decimal("0.95"), False)
    at_arouter = Usage.from_arouter(OPENROUTER)
    assert (at_arouter.cost, at_arouter.is_byok) == (Decimal("0.95"), True)


@pytest.mark.parametrize("read", [Usage.from_arouter, Usage.from_openrouter, Usage.from_litellm])
def test_a_gateway_that_passes_on_a_message_is_read_by_anthropics_convention(read: Read) -> None:
    passed = read(with_usage(ANTHROPIC, cost=0.01), **WITHOUT_TIME)
    assert passed.quantities == Usage.from_anthropic(ANTHROPIC, **WITHOUT_TIME).quantities
    assert passed.cost == (None if read == Usage.from_litellm else Decimal("0.01"))


@pytest.mark.parametrize("read", [Usage.from_arouter, Usage.from_openrouter, Usage.from_litellm])
def test_a_gateway_that_answers_in_the_form_of_responses_is_read_too(read: Read) -> None:
    tokens = {"input": 150, "cache_read": 128, "cache_write": 50, "output": 12, "reasoning": 40}
    assert dict(read(OPENAI_RESPONSES).quantities) == tokens


def test_what_is_given_wins_over_what_the_response_says() -> None:
    given = {
        "user": "u",
        "api_key": "key_7",
        "provider": "azure",
        "source": "mine",
        "tags": ["b", "a", "b"],
        "model": "openai/gpt-5.4",
        "occurred_at": datetime(2026, 11, 1, tzinfo=UTC),
        "mode": "batch",
        "geo": "eu",
        "cost": Decimal("0.5"),
        "is_byok": True,
    }
    usage = Usage.from_arouter(AROUTER, **given)
    assert {name: getattr(usage, name) for name in given} == {**given, "tags": ("a", "b")}


def test_a_word_that_is_not_known_is_a_wrong_call() -> None:
    with pytest.raises(TypeError, match="'usr' is not known"):
        Usage.from_openai(OPENAI_CHAT, usr="u")  # type: ignore[call-arg]


def test_a_response_that_says_no_model_or_time_needs_them_given() -> None:
    with pytest.raises(InvalidRecord, match="pass occurred_at="):
        Usage.from_anthropic(ANTHROPIC)
    with pytest.raises(InvalidRecord, match="pass model="):
        Usage.from_openai({**OPENAI_CHAT, "model": None})
    with pytest.raises(InvalidRecord, match="no time zone"):
        Usage.from_openai(OPENAI_CHAT, occurred_at=datetime(2026, 10, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"user": 7}, "user is a whole number, not a text"),
        ({"user": "a\0b"}, "control character U\\+0000"),
        ({"api_key": "k" * 600}, "600 bytes long"),
        ({"tags": "abc"}, "tags is a text, not a list"),
        ({"tags": [""]}, "a tag is empty"),
        ({"cost": 0.5}, "cost is a number with a point, not an amount"),
        ({"cost": Decimal(-1)}, "outside 0"),
        ({"geo": 7}, "geo is a whole number"),
        ({"mode": "Fast Lane"}, "not a lower-case word"),
    ],
)
def test_what_is_given_is_checked_too(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRecord, match=reason):
        Usage.from_openai(OPENAI_CHAT, **given)


def test_a_usage_cannot_be_changed_and_what_it_was_made_of_does_not_change_it() -> None:
    quantities = {"input": 1}
    usage = Usage("m", AT, quantities, user="u")
    quantities["input"] = 2

    assert usage.quantities["input"] == 1
    with pytest.raises(FrozenInstanceError):
        usage.user = "v"  # type: ignore[misc]
    with pytest.raises(TypeError):
        usage.quantities["input"] = 3  # type: ignore[index]
    assert replace(usage, user="v").user == "v"


def test_a_usage_travels_between_processes() -> None:
    usage = Usage.from_anthropic(ANTHROPIC, user="u", tags=["a"], **WITHOUT_TIME)
    assert pickle.loads(pickle.dumps(usage)) == usage
    assert copy.deepcopy(usage) == usage


def test_a_usage_shows_what_it_counts_and_ids_escaped_and_never_the_key() -> None:
    usage = Usage("m\n", AT, {"input": 1, "output": 2}, user='a"\N{RIGHT-TO-LEFT OVERRIDE}b', api_key="sk-secret")

    assert repr(usage) == '<Usage m\\n at 2026-10-15T12:00:00Z: input 1, output 2, user "a\\"\\u202eb">'
    assert repr(usage).isprintable()


def test_one_word_catches_whatever_tokentill_raises() -> None:
    with pytest.raises(TokentillError):
        Usage.from_openai({})
    assert issubclass(MissingUsage, InvalidRecord)
    assert issubclass(InvalidRecord, Refused)


def test_converse_says_its_tier_and_its_id() -> None:
    usage = Usage.from_bedrock(CONVERSE, **BEDROCK)
    assert (usage.source, usage.record_id, usage.mode) == ("bedrock", "7a5f2d4e-1", "priority")
    fast = {**CONVERSE, "serviceTier": {"type": "default"}, "performanceConfig": {"latency": "optimized"}}
    assert Usage.from_bedrock(fast, **BEDROCK).mode == "optimized"
    with pytest.raises(InvalidRecord, match="pass mode="):
        Usage.from_bedrock({**CONVERSE, "performanceConfig": {"latency": "optimized"}}, **BEDROCK)


@pytest.mark.parametrize(
    ("changes", "model", "reason"),
    [
        ({"totalTokens": 359}, "anthropic.claude", "prompt (2184) + completion (355) is 2539, and the total says 359"),
        ({}, "us.openai.gpt-5.6", "there are tokens of a cache (2180), and whether they are inside"),
        ({"cacheWriteInputTokens": 1599, "totalTokens": 2458}, "m", "are more than all cache writes (1599)"),
        ({"cacheDetails": [{"ttl": "9h", "inputTokens": 1}]}, "m", "has the ttl '9h', which is not 5m or 1h"),
        ({"inputTokens": None}, "m", "no model of Bedrock counts its usage as 'cacheDetails'"),
    ],
)
def test_converse_that_does_not_add_up_is_refused(changes: dict[str, Any], model: str, reason: str) -> None:
    with pytest.raises(InvalidRecord) as refused:
        Usage.from_bedrock(with_usage(CONVERSE, **changes), model=model, occurred_at=AT)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"generation": "Hello", "prompt_token_count": 12, "generation_token_count": 30}, {"input": 12, "output": 30}),
        ({"inputTextTokenCount": 5, "results": [{"tokenCount": 30, "outputText": "Hi"}]}, {"input": 5, "output": 30}),
        (
            {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 5, "outputTokenCount": 6, "invocationLatency": 9}},
            {"input": 5, "output": 6},
        ),
    ],
)
def test_models_of_bedrock_that_have_counts_of_their_own(body: dict[str, Any], expected: dict[str, int]) -> None:
    assert dict(Usage.from_bedrock(body, **BEDROCK).quantities) == expected
