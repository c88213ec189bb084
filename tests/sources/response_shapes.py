"""Responses as the vendors document and send them, cut down to what matters; the numbers are theirs."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

AT = datetime(2026, 10, 15, 12, tzinfo=UTC)
CREATED = 1_792_065_600
"""The same instant in seconds."""

OPENAI_CHAT: dict[str, Any] = {
    "id": "chatcmpl-Cq1",
    "object": "chat.completion",
    "created": CREATED,
    "model": "gpt-5.4",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 2006,
        "completion_tokens": 300,
        "total_tokens": 2306,
        "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 192,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    },
    "service_tier": "default",
}

OPENAI_AUDIO: dict[str, Any] = {
    **OPENAI_CHAT,
    "model": "gpt-audio",
    "usage": {
        "prompt_tokens": 319,
        "completion_tokens": 242,
        "total_tokens": 561,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 200, "text_tokens": 119},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 180, "text_tokens": 62},
    },
}

OPENAI_RESPONSES: dict[str, Any] = {
    "id": "resp_67ccd",
    "object": "response",
    "created_at": CREATED,
    "status": "completed",
    "model": "gpt-5.4",
    "service_tier": "flex",
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "web_search_call", "id": "ws_2", "status": "completed", "action": {"type": "open_page", "url": "u"}},
        {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"]},
        {"type": "message", "role": "assistant", "content": []},
    ],
    "usage": {
        "input_tokens": 328,
        "input_tokens_details": {"cached_tokens": 128, "cache_write_tokens": 50},
        "output_tokens": 52,
        "output_tokens_details": {"reasoning_tokens": 40},
        "total_tokens": 380,
    },
}

OPENAI_EMBEDDING: dict[str, Any] = {
    "object": "list",
    "data": [],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}

OPENAI_IMAGE: dict[str, Any] = {
    "created": CREATED,
    "data": [{"b64_json": "..."}],
    "usage": {
        "input_tokens": 50,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
        "output_tokens": 1056,
        "total_tokens": 1106,
    },
}

OPENAI_REALTIME: dict[str, Any] = {
    "object": "realtime.response",
    "id": "resp_r",
    "status": "completed",
    "usage": {
        "total_tokens": 253,
        "input_tokens": 132,
        "output_tokens": 121,
        "input_token_details": {
            "text_tokens": 70,
            "audio_tokens": 62,
            "cached_tokens": 96,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 32},
        },
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
    },
}

XAI_CHAT: dict[str, Any] = {
    **OPENAI_CHAT,
    "model": "grok-4.3",
    "usage": {
        "prompt_tokens": 32,
        "completion_tokens": 9,
        "total_tokens": 135,
        "prompt_tokens_details": {"text_tokens": 32, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 94, "audio_tokens": 0},
    },
}

ANTHROPIC: dict[str, Any] = {
    "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-6",
    "content": [{"type": "text", "text": "Hi!"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 2048,
        "cache_read_input_tokens": 1800,
        "cache_creation_input_tokens": 248,
        "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
        "output_tokens": 503,
        "output_tokens_details": {"thinking_tokens": 120},
        "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 2},
        "service_tier": "standard",
        "inference_geo": "global",
    },
}

GEMINI: dict[str, Any] = {
    "candidates": [
        {
            "content": {"parts": [{"text": "..."}], "role": "model"},
            "groundingMetadata": {"webSearchQueries": ["first", "second"]},
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 500,
        "candidatesTokenCount": 120,
        "totalTokenCount": 930,
        "toolUsePromptTokenCount": 300,
        "thoughtsTokenCount": 10,
        "cachedContentTokenCount": 100,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 150},
            {"modality": "IMAGE", "tokenCount": 258},
            {"modality": "AUDIO", "tokenCount": 92},
        ],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 32}, {"modality": "TEXT", "tokenCount": 68}],
        "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 300}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 120}],
        "trafficType": "ON_DEMAND",
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abc",
}

AROUTER: dict[str, Any] = {
    "id": "gen-abc123",
    "object": "chat.completion",
    "created": CREATED,
    "model": "openai/gpt-5.4",
    "provider": "OpenAI",
    "choices": [],
    "usage": {
        "prompt_tokens": 120,
        "completion_tokens": 85,
        "total_tokens": 205,
        "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 0},
        "cost": 0.00144,
        "is_byok": False,
    },
}

OPENROUTER: dict[str, Any] = {
    **AROUTER,
    "usage": {
        "prompt_tokens": 194,
        "completion_tokens": 2,
        "total_tokens": 196,
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 100, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
        "cost": 0.95,
        "is_byok": True,
        "cost_details": {"upstream_inference_cost": 19},
        "server_tool_use_details": {"web_search_requests": 3},
    },
}

LITELLM: dict[str, Any] = {
    "id": "chatcmpl-l",
    "object": "chat.completion",
    "created": CREATED,
    "model": "claude-sonnet-4-6",
    "choices": [],
    "usage": {
        "prompt_tokens": 4096,
        "completion_tokens": 503,
        "total_tokens": 4599,
        "prompt_tokens_details": {
            "cached_tokens": 1800,
            "cache_creation_tokens": 248,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
        },
        "completion_tokens_details": {"reasoning_tokens": 120, "text_tokens": 383},
        "cache_read_input_tokens": 1800,
        "cache_creation_input_tokens": 248,
        "server_tool_use": {"web_search_requests": 1},
    },
}

MISTRAL: dict[str, Any] = {
    "id": "cmpl-e5cc70bb",
    "object": "chat.completion",
    "created": CREATED,
    "model": "mistral-small-latest",
    "choices": [],
    "usage": {
        "prompt_tokens": 1016,
        "completion_tokens": 34,
        "total_tokens": 1050,
        "prompt_tokens_details": {"cached_tokens": 512},
        "prompt_audio_seconds": 5,
    },
}

CONVERSE: dict[str, Any] = {
    "ResponseMetadata": {"RequestId": "7a5f2d4e-1", "HTTPStatusCode": 200},
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
    "stopReason": "end_turn",
    "usage": {
        "inputTokens": 4,
        "outputTokens": 355,
        "totalTokens": 2539,
        "cacheReadInputTokens": 500,
        "cacheWriteInputTokens": 1680,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 1000}, {"ttl": "5m", "inputTokens": 600}],
    },
    "metrics": {"latencyMs": 551},
    "serviceTier": {"type": "priority"},
}

WITHOUT_TIME = {"occurred_at": AT}


def with_usage(response: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The response with other numbers in its usage; `a__b` reaches into `a`, and None takes a key out."""
    changed = copy.deepcopy(response)
    usage = changed["usageMetadata" if "usageMetadata" in changed else "usage"]
    for path, value in changes.items():
        *parents, name = path.split("__")
        table = usage
        for parent in parents:
            table = table.setdefault(parent, {})
        if value is None:
            table.pop(name, None)
        else:
            table[name] = value
    return changed
