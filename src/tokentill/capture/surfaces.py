"""Which requests call a model, in what form they are answered, and by whose convention the answer is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Form = Literal["chat", "responses", "messages", "gemini"]
"""The form of an answer, plain and streamed: OpenAI's chunks and lists, its events, Anthropic's, Google's."""

_FORMS: tuple[tuple[re.Pattern[str], Form], ...] = (
    (re.compile(r"/(?:(?:chat/|fim/|agents/)?completions|embeddings)/?\Z", re.ASCII), "chat"),
    (re.compile(r"/responses/?\Z", re.ASCII), "responses"),
    (re.compile(r"/messages/?\Z", re.ASCII), "messages"),
    (re.compile(r":(?:generate|streamGenerate)Content\Z", re.ASCII), "gemini"),
)
_NO_CALLS = ("/threads/", "/conversations/")
"""Where messages are kept, and no model is called."""

HOSTS = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api.arouter.ai": "arouter",
    "api.arouter.com": "arouter",
    "api.arouter.io": "arouter",
    "openrouter.ai": "openrouter",
    "api.mistral.ai": "mistral",
}
_OF_FORMS: Mapping[Form, str] = {
    "chat": "openai",
    "responses": "openai",
    "messages": "anthropic",
    "gemini": "gemini",
}
LITELLM_MARK = "x-litellm-"


def form_of(method: str, path: str) -> Form | None:
    """The form of the answer, None for a request that calls no model (or none that is known here)."""
    if method != "POST" or any(part in path for part in _NO_CALLS):
        return None
    return next((form for pattern, form in _FORMS if pattern.search(path)), None)


def surface_of(form: Form, host: str, headers: Mapping[str, str]) -> str:
    """Whose convention holds, for a caller who did not say it: by the host, LiteLLM's headers, or the form."""
    by_host = HOSTS.get(host)
    if by_host is not None:
        return by_host
    return "litellm" if any(name.lower().startswith(LITELLM_MARK) for name in headers) else _OF_FORMS[form]
