"""Streamed answers as the vendors send them, and what they use; the numbers are those of `response_shapes`."""

from __future__ import annotations

from typing import Any

from tests.capture.vendor_server import event
from tests.sources.response_shapes import ANTHROPIC, OPENAI_CHAT, OPENAI_RESPONSES

CHAT_QUANTITIES = {"input": 86, "cache_read": 1920, "output": 108, "reasoning": 192}
RESPONSES_QUANTITIES = {
    "input": 150,
    "cache_read": 128,
    "cache_write": 50,
    "output": 12,
    "reasoning": 40,
    "web_search": 1,
    "file_search": 1,
}
MESSAGE_QUANTITIES = {
    "input": 2048,
    "cache_read": 1800,
    "cache_write_5m": 148,
    "cache_write_1h": 100,
    "output": 383,
    "reasoning": 120,
    "web_search": 1,
}
DONE = event("[DONE]")


def chat_chunk(text: str = "", finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of a chat completion."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    top = {name: OPENAI_CHAT[name] for name in ("id", "created", "model", "service_tier")}
    return {**top, "object": "chat.completion.chunk", "choices": [choice], **more}


CHAT_USAGE = event(chat_chunk(choices=[], usage=OPENAI_CHAT["usage"]))
CHAT_EVENTS = (
    event(chat_chunk("Hel", usage=None)),
    event(chat_chunk("lo", usage=None)),
    event(chat_chunk(finish_reason="stop", usage=None)),
    CHAT_USAGE,
    DONE,
)


def _responses_event(kind: str, number: int, **more: Any) -> bytes:
    return event({"type": kind, "sequence_number": number, **more}, kind)


_RESPONSE = {
    **OPENAI_RESPONSES,
    "output": OPENAI_RESPONSES["output"][:4],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
RESPONSES_EVENTS = (
    _responses_event("response.created", 0, response={**_RESPONSE, "status": "in_progress", "usage": None}),
    _responses_event(
        "response.output_text.delta", 1, item_id="msg", output_index=0, content_index=0, delta="Hello", logprobs=[]
    ),
    _responses_event("response.completed", 2, response=_RESPONSE),
)


def message_event(kind: str, **more: Any) -> bytes:
    """An event of a message of Anthropic's."""
    return event({"type": kind, **more}, kind)


_USAGE = ANTHROPIC["usage"]
_AT_THE_END = ("output_tokens", "output_tokens_details", "server_tool_use")
_START = {**{name: value for name, value in _USAGE.items() if name not in _AT_THE_END}, "output_tokens": 1}
MESSAGE_EVENTS = (
    message_event("message_start", message={**ANTHROPIC, "content": [], "stop_reason": None, "usage": _START}),
    message_event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    message_event("ping"),
    message_event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi!"}),
    message_event("content_block_stop", index=0),
    message_event(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": None},
        usage={name: _USAGE[name] for name in _AT_THE_END},
    ),
    message_event("message_stop"),
)
