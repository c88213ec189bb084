"""The vendors' own libraries, plain and streamed, asynchronous or not: each call is one record with its usage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.capture.conftest import API_KEY, Captured
from tests.capture.vendor_server import Reply, compressed, event, plain, streamed
from tests.capture.wire_shapes import (
    CHAT_EVENTS,
    CHAT_QUANTITIES,
    DONE,
    MESSAGE_EVENTS,
    MESSAGE_QUANTITIES,
    RESPONSES_EVENTS,
    RESPONSES_QUANTITIES,
    chat_chunk,
)
from tests.sources.response_shapes import (
    ANTHROPIC,
    AROUTER,
    GEMINI,
    LITELLM,
    MISTRAL,
    OPENAI_CHAT,
    OPENAI_EMBEDDING,
    OPENAI_RESPONSES,
    OPENROUTER,
)
from tokentill import capture

QUESTION: Any = [{"role": "user", "content": "hi"}]
ASKED: dict[str, Any] = {"model": "gpt-5.4", "messages": QUESTION}
TO_CLAUDE: dict[str, Any] = {"model": "claude-sonnet-4-6", "max_tokens": 9, "messages": QUESTION}
WITH_USAGE: Any = {"include_usage": True}
PLAIN_RESPONSE = {**OPENAI_RESPONSES, "output": OPENAI_RESPONSES["output"][:4]}


def chat(captured: Captured) -> None:
    captured.openai().chat.completions.create(**ASKED, user="u1")


def chat_streamed(captured: Captured) -> None:
    stream = captured.openai().chat.completions.create(**ASKED, user="u1", stream=True, stream_options=WITH_USAGE)
    texts = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert "".join(filter(None, texts)) == "Hello"


def responses(captured: Captured) -> None:
    captured.openai().responses.create(model="gpt-5.4", input="hi", user="u1")


def responses_streamed(captured: Captured) -> None:
    stream = captured.openai().responses.create(model="gpt-5.4", input="hi", user="u1", stream=True)
    assert [event.type for event in stream][-1] == "response.completed"


def message(captured: Captured) -> None:
    captured.anthropic().messages.create(**TO_CLAUDE, metadata={"user_id": "u1"})


def message_streamed(captured: Captured) -> None:
    with captured.anthropic().messages.stream(**TO_CLAUDE, metadata={"user_id": "u1"}) as stream:
        assert "".join(stream.text_stream) == "Hi!"


def chat_async(captured: Captured) -> None:
    async def ask() -> None:
        async with captured.async_http() as http:
            await captured.async_openai(http).chat.completions.create(**ASKED, user="u1")

    asyncio.run(ask())


def chat_streamed_async(captured: Captured) -> None:
    async def ask() -> None:
        async with captured.async_http() as http:
            completions = captured.async_openai(http).chat.completions
            stream = await completions.create(**ASKED, user="u1", stream=True, stream_options=WITH_USAGE)
            assert len([chunk async for chunk in stream]) == 4

    asyncio.run(ask())


def message_streamed_async(captured: Captured) -> None:
    async def ask() -> None:
        async with captured.async_http() as http:
            messages = captured.async_anthropic(http).messages
            async with messages.stream(**TO_CLAUDE, metadata={"user_id": "u1"}) as stream:
                assert [text async for text in stream.text_stream] == ["Hi!"]

    asyncio.run(ask())


CHAT_ID, RESPONSE_ID, MESSAGE_ID = "chatcmpl-Cq1", "resp_67ccd", "msg_01XFDUDYJgAACzvnptvVoYEL"
CALLS: list[tuple[Callable[[Captured], None], Reply, dict[str, int], str]] = [
    (chat, plain(OPENAI_CHAT), CHAT_QUANTITIES, CHAT_ID),
    (chat_async, plain(OPENAI_CHAT), CHAT_QUANTITIES, CHAT_ID),
    (chat_streamed, streamed(*CHAT_EVENTS), CHAT_QUANTITIES, CHAT_ID),
    (chat_streamed_async, streamed(*CHAT_EVENTS), CHAT_QUANTITIES, CHAT_ID),
    (responses, plain(PLAIN_RESPONSE), RESPONSES_QUANTITIES, RESPONSE_ID),
    (responses_streamed, streamed(*RESPONSES_EVENTS), RESPONSES_QUANTITIES, RESPONSE_ID),
    (message, plain(ANTHROPIC), MESSAGE_QUANTITIES, MESSAGE_ID),
    (message_streamed, streamed(*MESSAGE_EVENTS), MESSAGE_QUANTITIES, MESSAGE_ID),
    (message_streamed_async, streamed(*MESSAGE_EVENTS), MESSAGE_QUANTITIES, MESSAGE_ID),
]


@pytest.mark.parametrize("is_compressed", [False, True], ids=["as it is", "gzip"])
@pytest.mark.parametrize(("call", "reply", "quantities", "id_"), CALLS, ids=[call[0].__name__ for call in CALLS])
def test_a_call_is_one_record_with_what_it_used(
    captured: Captured,
    call: Callable[[Captured], None],
    reply: Reply,
    quantities: dict[str, int],
    id_: str,
    is_compressed: bool,
) -> None:
    captured.server.reply_with(compressed(reply) if is_compressed else reply)

    call(captured)

    record = captured.record
    assert dict(record.quantities) == quantities
    assert (record.record_id, record.user, record.usage_state, record.status) == (id_, "u1", "reported", "ok")
    assert record.source == ("anthropic" if "message" in call.__name__ else "openai")
    assert record.mode == ("flex" if "responses" in call.__name__ else "standard")
    assert record.api_key is None
    assert captured.server.received[0].headers.get("Authorization", f"Bearer {API_KEY}") == f"Bearer {API_KEY}"


def test_a_call_of_a_tool_is_counted_as_any_other(captured: Captured) -> None:
    tool = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"at":'}}
    chunks = [
        chat_chunk(choices=[{"index": 0, "delta": {"tool_calls": [tool]}}]),
        chat_chunk(finish_reason="tool_calls"),
    ]
    captured.server.reply_with(streamed(*map(event, chunks), *CHAT_EVENTS[-2:]))

    stream = captured.openai().chat.completions.create(**ASKED, stream=True, stream_options=WITH_USAGE)

    assert [chunk.choices[0].delta.tool_calls is not None for chunk in stream if chunk.choices] == [True, False]
    assert dict(captured.record.quantities) == CHAT_QUANTITIES


def test_an_embedding_has_the_id_of_its_request(captured: Captured) -> None:
    captured.server.reply_with(plain(OPENAI_EMBEDDING, x_request_id="req_1"))

    captured.openai().embeddings.create(model="text-embedding-3-small", input="hi", encoding_format="float")

    assert (captured.record.record_id, dict(captured.record.quantities)) == ("req_1", {"input": 8})


def test_requests_that_nobody_gave_an_id_have_one_each(captured: Captured) -> None:
    """Also where a gateway repeats an id of the application's own."""
    captured.server.reply_with(plain(OPENAI_EMBEDDING, x_request_id="ours"))
    embeddings = captured.openai().embeddings
    for _ in range(3):
        embeddings.create(model="m", input="hi", encoding_format="float", extra_headers={"x-request-id": "ours"})

    ids = {record.record_id for record in captured.records}
    assert len(ids) == 3
    assert all(id_.startswith("capture-") for id_ in ids)


GATEWAYS: list[tuple[str, dict[str, Any], str, dict[str, int], str | None]] = [
    (
        "arouter",
        AROUTER,
        "/v1/chat/completions",
        {"input": 60, "cache_read": 60, "output": 55, "reasoning": 30},
        "0.00144",
    ),
    (
        "openrouter:a",
        OPENROUTER,
        "/api/v1/chat/completions",
        {"input": 94, "cache_write": 100, "output": 2, "web_search": 3},
        "19.95",
    ),
    ("litellm", LITELLM, "/chat/completions", {**MESSAGE_QUANTITIES}, "0.0123"),
    ("arouter", ANTHROPIC, "/v1/messages", {**MESSAGE_QUANTITIES}, None),
    (
        "mistral",
        MISTRAL,
        "/v1/chat/completions",
        {"input": 504, "cache_read": 512, "output": 34, "audio_second": 5},
        None,
    ),
    ("gemini", GEMINI, "/v1beta/models/gemini-2.5-flash:generateContent", {"web_search": 1}, None),
]


@pytest.mark.parametrize(("source", "answer", "path", "quantities", "cost"), GATEWAYS, ids=[row[0] for row in GATEWAYS])
def test_a_source_says_by_whose_convention_an_answer_is_read(
    captured: Captured, source: str, answer: dict[str, Any], path: str, quantities: dict[str, int], cost: str | None
) -> None:
    made = Captured(captured.server, {"source": source})
    headers = {"x_litellm_response_cost": "0.0123"} if source == "litellm" else {}
    made.server.reply_with(plain(answer, **headers))

    made.http.post(path, json={"model": "asked", "user": "u1"})

    assert quantities.items() <= dict(made.record.quantities).items()
    assert (made.record.source, made.record.user) == (source, "u1")
    assert made.record.cost is None if cost is None else str(made.record.cost) == cost


def test_a_proxy_of_litellm_is_known_by_its_headers(captured: Captured) -> None:
    captured.server.reply_with(plain(LITELLM, x_litellm_call_id="call-1"))

    captured.openai().chat.completions.create(**ASKED)

    assert (captured.record.source, dict(captured.record.quantities)) == ("litellm", MESSAGE_QUANTITIES)


def test_an_answer_from_a_cache_of_litellm_is_a_request_of_its_own(captured: Captured) -> None:
    """It repeats the id of the answer that was kept."""
    captured.server.reply_with(
        plain(LITELLM, x_litellm_call_id="call-1"),
        plain(LITELLM, x_litellm_call_id="call-2", x_litellm_cache_key="k"),
    )
    for _ in range(2):
        captured.openai().chat.completions.create(**ASKED)

    assert [record.record_id for record in captured.records] == ["chatcmpl-l", "call-2"]
    assert [record.tags for record in captured.records] == [(), ("response-cache",)]


def test_litellm_repeats_a_choice_beside_the_usage(captured: Captured) -> None:
    repeated = chat_chunk(choices=[{"index": 0, "delta": {}}], usage={**OPENAI_CHAT["usage"], "cost": 0.00006})
    captured.server.reply_with(
        streamed(
            event(chat_chunk("Hello")), event(chat_chunk(finish_reason="stop")), event(repeated), x_litellm_call_id="c"
        )
    )

    captured.http.post("/chat/completions", json=ASKED)

    assert (dict(captured.record.quantities), str(captured.record.cost)) == (CHAT_QUANTITIES, "0.00006")


def test_a_stream_of_gemini_counts_once_and_at_its_end(captured: Captured) -> None:
    first = {**GEMINI, "usageMetadata": {"promptTokenCount": 500, "totalTokenCount": 500}}
    last = {**GEMINI, "candidates": [{"finishReason": "STOP", "content": {}}]}
    path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    captured.server.reply_with(streamed(event(first), event(last)), streamed(event(first)))

    for _ in range(2):
        captured.http.post(path, json={})

    assert [record.usage_state for record in captured.records] == ["reported", "missing"]
    assert captured.records[0].quantities["output"] == 120
    assert captured.records[0].quantities["web_search"] == 1


@pytest.mark.parametrize(
    "path",
    ["/v1/models", "/v1/messages/count_tokens", "/v1/messages/batches", "/v1/threads/t/messages", "/v1/files"],
)
def test_requests_that_call_no_model_make_no_record(captured: Captured, path: str) -> None:
    captured.server.reply_with(plain({"usage": {"prompt_tokens": 1}}))

    captured.http.post(path, json={})

    assert captured.records == []
    assert (captured.transport.lost, captured.transport.refused) == (0, 0)


def test_the_user_of_a_request_wins_over_that_of_the_block(captured: Captured) -> None:
    captured.server.reply_with(plain(OPENAI_CHAT))
    completions = captured.openai().chat.completions
    with capture.user("block"):
        completions.create(**ASKED)
        completions.create(**ASKED, user="request")
    completions.create(**ASKED)

    assert [record.user for record in captured.records] == ["block", "request", None]


def test_a_user_that_no_id_can_be_loses_no_record(captured: Captured) -> None:
    captured.server.reply_with(plain(OPENAI_CHAT))

    captured.openai().chat.completions.create(**ASKED, user="u" * 600)

    assert (captured.record.user, captured.record.usage_state) == (None, "reported")


def test_users_of_tasks_do_not_mix(captured: Captured) -> None:
    """Each asks for a model of its own name, which the answer leaves out."""
    captured.server.reply_with(plain({**OPENAI_CHAT, "model": None}))

    async def ask(http: Any, id_: str) -> None:
        with capture.user(id_):
            await asyncio.sleep(0)
            await captured.async_openai(http).chat.completions.create(**{**ASKED, "model": id_})

    async def ask_all() -> None:
        async with captured.async_http() as http:
            await asyncio.gather(*(ask(http, f"u{number}") for number in range(20)))

    asyncio.run(ask_all())

    assert [record.model for record in captured.records] == [record.user for record in captured.records]
    assert sorted(str(record.user) for record in captured.records) == sorted(f"u{number}" for number in range(20))


def test_a_background_response_is_missing_until_somebody_says_its_usage(captured: Captured) -> None:
    captured.server.reply_with(plain({**PLAIN_RESPONSE, "status": "queued", "usage": None}))

    captured.openai().responses.create(model="gpt-5.4", input="hi", background=True)

    assert (captured.record.usage_state, captured.record.status) == ("missing", "unknown")
    assert captured.record.record_id == RESPONSE_ID


def test_a_stream_without_usage_is_missing_and_the_log_says_how_to_ask(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    captured.server.reply_with(streamed(*CHAT_EVENTS[:3], DONE))

    list(captured.openai().chat.completions.create(**ASKED, stream=True))

    record = captured.record
    assert (record.usage_state, record.status, record.record_id) == ("missing", "ok", CHAT_ID)
    assert "include_usage" in caplog.text
    assert dict(record.quantities) == {}
