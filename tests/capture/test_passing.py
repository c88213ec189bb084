"""The application sees what it would see without capture: every byte at once, and every error, whatever fails."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import threading
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture.conftest import Captured
from tests.capture.test_vendors import ASKED, CHAT_ID, TO_CLAUDE, WITH_USAGE
from tests.capture.vendor_server import WAIT_SECONDS, Reply, VendorServer, compressed, plain, streamed
from tests.capture.wire_shapes import CHAT_EVENTS, CHAT_QUANTITIES, CHAT_USAGE, DONE, MESSAGE_EVENTS
from tests.sources.response_shapes import OPENAI_CHAT
from tests.zstd import zstd_packed
from tokentill import InvalidCall
from tokentill.capture import CaptureTransport
from tokentill.usage.record import UsageRecord

PATH = "/v1/chat/completions"


@pytest.mark.parametrize(
    "reply",
    [plain(OPENAI_CHAT), compressed(plain(OPENAI_CHAT)), streamed(*CHAT_EVENTS), compressed(streamed(*CHAT_EVENTS))],
    ids=["plain", "gzip", "streamed", "streamed gzip"],
)
def test_every_byte_and_header_passes_as_it_is(captured: Captured, reply: Reply) -> None:
    captured.server.reply_with(reply)

    def sent_to(client: httpx.Client) -> tuple[str, list[tuple[bytes, bytes]], int]:
        with client.stream("POST", captured.server.url + PATH, json=ASKED) as response:
            digest = hashlib.sha256(b"".join(response.iter_raw())).hexdigest()
            return digest, [pair for pair in response.headers.raw if pair[0].lower() != b"date"], response.status_code

    with httpx.Client() as bare:
        assert sent_to(captured.http) == sent_to(bare)
    assert dict(captured.record.quantities) == CHAT_QUANTITIES


def test_no_byte_waits_for_the_next_one(captured: Captured) -> None:
    """The server sends its second piece when the application has the first one."""
    has_first = threading.Event()
    waited: list[bool] = []
    captured.server.reply_with(
        streamed(CHAT_EVENTS[0], lambda: waited.append(has_first.wait(WAIT_SECONDS)), *CHAT_EVENTS[1:])
    )

    for _ in captured.openai().chat.completions.create(**ASKED, stream=True, stream_options=WITH_USAGE):
        has_first.set()

    assert waited == [True]
    assert captured.record.usage_state == "reported"


@given(st.lists(st.integers(1, 900), max_size=6), st.sampled_from(["identity", "gzip", "deflate", "zstd"]))
def test_any_split_and_any_compression_is_read(cuts: list[int], encoding: str) -> None:
    body = b"".join(CHAT_EVENTS)
    if encoding == "gzip":
        deflater = zlib.compressobj(wbits=31)
        body = deflater.compress(body) + deflater.flush()
    elif encoding != "identity":
        body = zlib.compress(body) if encoding == "deflate" else zstd_packed(body)
    ends = [0, *sorted({cut for cut in cuts if cut < len(body)}), len(body)]

    class Pieces(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            return (body[start:end] for start, end in pairwise(ends))

    headers = {"content-type": "text/event-stream; charset=utf-8", "content-encoding": encoding}
    records: list[UsageRecord] = []
    inner = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=Pieces()))
    with httpx.Client(transport=CaptureTransport(records.append, transport=inner)) as client:
        assert client.post("https://api.openai.com" + PATH, json=ASKED).content == b"".join(CHAT_EVENTS)

    assert [dict(record.quantities) for record in records] == [CHAT_QUANTITIES]


def test_a_stream_that_the_application_closes_early_is_missing(captured: Captured) -> None:
    captured.server.reply_with(streamed(*CHAT_EVENTS))

    stream = captured.openai().chat.completions.create(**ASKED, user="u1", stream=True, stream_options=WITH_USAGE)
    next(stream)
    stream.close()

    record = captured.record
    assert (record.usage_state, record.status, record.user) == ("missing", "cancelled", "u1")


@pytest.mark.parametrize("held", range(len(CHAT_EVENTS) + 1))
def test_a_stream_that_is_cut_has_its_usage_or_misses_it_and_never_a_part(captured: Captured, held: int) -> None:
    captured.server.reply_with(streamed(*CHAT_EVENTS[:held], is_cut=True))

    with pytest.raises(httpx.RemoteProtocolError):
        captured.http.post(PATH, json=ASKED)

    is_whole = CHAT_USAGE in CHAT_EVENTS[:held]
    assert captured.record.usage_state == ("reported" if is_whole else "missing")
    assert dict(captured.record.quantities) == (CHAT_QUANTITIES if is_whole else {})
    assert captured.record.status == ("ok" if is_whole else "unknown")
    assert (captured.record.record_id == CHAT_ID) is (held > 0)


@pytest.mark.parametrize("held", range(len(MESSAGE_EVENTS) + 1))
def test_a_cut_message_is_not_billed_by_its_first_count(captured: Captured, held: int) -> None:
    captured.server.reply_with(streamed(*MESSAGE_EVENTS[:held], is_cut=True))

    with pytest.raises(httpx.RemoteProtocolError):
        captured.http.post("/v1/messages", json=TO_CLAUDE)

    assert captured.record.usage_state == ("reported" if held > 5 else "missing")


def test_a_task_that_is_cancelled_leaves_a_missing_record(captured: Captured) -> None:
    is_reading, may_end = threading.Event(), threading.Event()
    captured.server.reply_with(streamed(CHAT_EVENTS[0], is_reading.set, lambda: may_end.wait(WAIT_SECONDS)))

    async def ask() -> None:
        async with captured.async_http() as http:
            task = asyncio.create_task(http.post(captured.server.url + PATH, json=ASKED))
            await asyncio.to_thread(is_reading.wait, WAIT_SECONDS)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(ask())
    may_end.set()

    assert (captured.record.usage_state, captured.record.status) == ("missing", "cancelled")


def test_an_answer_that_the_application_forgets_is_missing(captured: Captured) -> None:
    """It is noticed with the next request, or when the client is closed."""
    captured.server.reply_with(streamed(*CHAT_EVENTS))
    request = captured.http.build_request("POST", PATH, json=ASKED)
    captured.http.send(request, stream=True)
    gc.collect()
    captured.http.close()

    assert (captured.record.usage_state, captured.record.status) == ("missing", "cancelled")


def test_each_attempt_that_was_served_is_a_record_and_a_refusal_is_none(captured: Captured) -> None:
    error = {"error": {"message": "slow down", "type": "rate_limit"}}
    captured.server.reply_with(
        plain(error, status=429, retry_after_ms="1"), plain(error, status=503, retry_after_ms="1"), plain(OPENAI_CHAT)
    )

    captured.openai(max_retries=3).chat.completions.create(**ASKED)

    assert captured.record.usage_state == "reported"
    assert (captured.transport.records, captured.transport.refused, captured.transport.lost) == (1, 2, 0)


def test_a_gateway_that_gave_up_waiting_may_have_been_charged(captured: Captured) -> None:
    captured.server.reply_with(plain({"error": "timeout"}, status=504, x_request_id="req_9"))

    with pytest.raises(openai.InternalServerError):
        captured.openai().chat.completions.create(**ASKED, user="u1")

    record = captured.record
    assert (record.record_id, record.usage_state, record.status) == ("req_9", "missing", "unknown")
    assert (record.user, record.model) == ("u1", "gpt-5.4")


def test_an_error_that_reports_usage_is_a_record(captured: Captured) -> None:
    captured.server.reply_with(plain({**OPENAI_CHAT, "error": {"message": "filtered"}}, status=400))

    assert captured.http.post(PATH, json=ASKED).status_code == 400

    assert (dict(captured.record.quantities), captured.record.status) == (CHAT_QUANTITIES, "error")


def test_a_request_without_an_answer_is_missing_and_one_that_reached_nobody_is_none(captured: Captured) -> None:
    def hang_up() -> None:
        raise OSError

    captured.server.reply_with(Reply([hang_up]))
    with pytest.raises(httpx.HTTPError):
        captured.http.post(PATH, json=ASKED, timeout=5)
    assert (captured.record.usage_state, captured.record.status) == ("missing", "unknown")

    with pytest.raises(httpx.ConnectError):
        captured.http.post("http://127.0.0.1:1" + PATH, json=ASKED)
    assert (captured.transport.records, captured.transport.refused) == (1, 1)


def test_a_timeout_before_the_answer_is_missing(captured: Captured) -> None:
    def answer_late(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    records: list[UsageRecord] = []
    transport = CaptureTransport(records.append, transport=httpx.MockTransport(answer_late))
    with httpx.Client(transport=transport) as client, pytest.raises(httpx.ReadTimeout):
        client.post("https://openrouter.ai/api/v1/chat/completions", json=ASKED)

    assert [(record.source, record.usage_state) for record in records] == [("openrouter", "missing")]


UNREADABLE = {
    "no JSON": Reply([b"<html>"], 200, {"content-type": "text/html"}),
    "empty": Reply([], 200, {"content-type": "application/json"}),
    "no usage": plain({**OPENAI_CHAT, "usage": None}),
    "usage that contradicts itself": plain({**OPENAI_CHAT, "usage": {"prompt_tokens": 1, "total_tokens": 0}}),
    "not gzip": Reply([b"x" * 30], 200, {"content-type": "application/json", "content-encoding": "gzip"}),
    "unknown compression": Reply([b"x" * 30], 200, {"content-type": "application/json", "content-encoding": "xyz"}),
    "too long": plain({**OPENAI_CHAT, "padding": "x" * 5000}),
    "a long event": streamed(*CHAT_EVENTS[:3], b"data: " + b"x" * 5000 + b"\n\n"),
    "events that are no objects": streamed(b"data: 1\n\ndata: [\n\n", DONE),
    "events of strange shapes": streamed(b'data: {"choices":7,"usage":{"prompt_tokens":-1}}\n\n', DONE),
}


@pytest.mark.parametrize("reply", UNREADABLE.values(), ids=UNREADABLE)
def test_an_answer_that_cannot_be_read_passes_and_is_missing(
    captured: Captured, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    made = Captured(captured.server, {"body_bytes_max": 4000})
    made.server.reply_with(reply)

    with made.http.stream("POST", PATH, json=ASKED) as response:
        body = b"".join(response.iter_raw())

    assert body == b"".join(piece for piece in reply.pieces if isinstance(piece, bytes))
    assert (made.record.usage_state, made.transport.lost) == ("missing", 0)
    assert "is missing: " in caplog.text


def test_a_sink_that_fails_loses_a_record_and_says_so_and_the_call_goes_on(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(record: UsageRecord) -> None:
        raise ValueError(f"never to be logged {record.user}")

    captured.server.reply_with(plain(OPENAI_CHAT))
    transport = CaptureTransport(fail)
    with httpx.Client(transport=transport) as client:
        answer = client.post(captured.server.url + PATH, json={**ASKED, "user": "u1"}).json()

    assert answer == OPENAI_CHAT
    assert (transport.records, transport.lost) == (0, 1)
    assert f"the sink did not take openai {CHAT_ID}: ValueError" in caplog.text
    assert "never to be logged" not in caplog.text


def test_a_full_disk_loses_a_record_and_says_so(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    captured.server.reply_with(plain(OPENAI_CHAT))
    transport = CaptureTransport("/dev/full")
    with httpx.Client(transport=transport) as client:
        assert client.post(captured.server.url + PATH, json=ASKED).json() == OPENAI_CHAT

    assert transport.lost == 1
    assert "No space left on device" in caplog.text


def test_a_request_that_is_sent_piece_by_piece_passes(captured: Captured) -> None:
    captured.server.reply_with(plain(OPENAI_CHAT))
    records: list[UsageRecord] = []
    body = iter([b'{"model":"m",', b'"user":"u1"}'])
    inner = httpx.MockTransport(lambda request: httpx.Response(200, json=OPENAI_CHAT, request=request))
    with httpx.Client(transport=CaptureTransport(records.append, transport=inner)) as client:
        assert client.post("https://api.openai.com" + PATH, content=body).json() == OPENAI_CHAT

    assert [(record.user, dict(record.quantities)) for record in records] == [(None, CHAT_QUANTITIES)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"sink": 7}, "sink is int, not the path of a spool, a function or a Till"),
        ({"sink": "/nowhere/at/all.jsonl"}, "the spool /nowhere/at/all.jsonl cannot be written: No such file"),
        ({"sink": print, "source": ""}, "source is missing"),
        ({"sink": print, "surface": "opnai"}, "'opnai' is not a surface; there are openai, anthropic"),
        ({"sink": asyncio.sleep}, "sink is an async function"),
    ],
)
def test_a_wrong_setting_is_said_at_once(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidCall, match=reason):
        CaptureTransport(**arguments)


SECRETS = ("sk-never-to-be-kept", "PROMPT-CANARY", "ANSWER-CANARY", "TOOL-CANARY", "HEADER-CANARY")


def test_no_prompt_answer_or_key_is_kept_or_logged(
    server: VendorServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever becomes of the call, and with everything logged that this package logs."""
    caplog.set_level(logging.DEBUG, logger="tokentill")
    answer = {**OPENAI_CHAT, "choices": [{"index": 0, "message": {"role": "assistant", "content": "ANSWER-CANARY"}}]}
    broken = b'{"ANSWER-CANARY": 1, "ANSWER-CANARY": 2, "id": "ANSWER-CANARY'
    contradicting = {**answer, "usage": {"prompt_tokens": "ANSWER-CANARY", "completion_tokens": 1}}
    replies = [
        *(plain(answer), plain(contradicting), plain({"error": "ANSWER-CANARY"}, status=500)),
        *(Reply([broken], 200, {"content-type": "application/json"}), streamed(b"data: " + broken + b"\n\n", DONE)),
        *(streamed(*CHAT_EVENTS), streamed(*CHAT_EVENTS[:1], is_cut=True)),
    ]
    spool = tmp_path / "spool.jsonl"

    def fail(_: UsageRecord) -> None:
        raise ValueError(*SECRETS)

    request = {
        "model": "gpt-5.4",
        "user": "u1",
        "messages": [{"role": "user", "content": "PROMPT-CANARY"}],
        "tools": [{"type": "function", "function": {"name": "TOOL-CANARY"}}],
    }
    headers = {"authorization": "Bearer sk-never-to-be-kept", "x-own": "HEADER-CANARY"}
    for sink in (spool, fail):
        server.reply_with(*replies)
        with httpx.Client(transport=CaptureTransport(sink), base_url=server.url, headers=headers) as client:
            for number, _ in enumerate(replies):
                try:
                    client.post(PATH, json=request)
                except httpx.RemoteProtocolError:
                    assert number == len(replies) - 1

    kept = spool.read_text() + caplog.text
    assert spool.read_text().count('"user":"u1"') == len(replies) - 1  # the error of the server is no record
    assert [secret for secret in SECRETS if secret in kept] == []
