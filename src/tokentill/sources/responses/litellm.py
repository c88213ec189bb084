"""LiteLLM: responses of its proxy and of its SDK, in the form of Chat Completions whoever served them.

Convention and names: those of `sources.gateways.litellm`, with the same paths, so that a response has the quantities of
its row in the spend logs. Responses and Messages that it passes on are read by their own conventions. What LiteLLM
thinks the request cost is not in the body: pass `cost=` with the decimal of the header `x-litellm-response-cost` where
a contract bills it.
"""

from __future__ import annotations

from typing import Any

from tokentill.sources.gateways.litellm import FIELDS, quantities_of
from tokentill.sources.responses import anthropic, openai
from tokentill.sources.responses.building import (
    VendorResponse,
    answer_of,
    mode_said,
    reported_leaves,
    said_on_top,
    usage_of,
)
from tokentill.sources.responses.outside import part, parts
from tokentill.usage.record import Given

_TOP = ("model", "created", "created_at", "service_tier")


def read(response: object, overrides: Given) -> dict[str, Any]:
    """The usage of a response; see `Usage.from_litellm`."""
    answer = answer_of(response)
    top = parts(answer.response, _TOP)
    return usage_of(
        overrides,
        source="litellm",
        **said_on_top(answer, top),
        mode=mode_said(top.get("service_tier")),
        provider=parts(part(answer.response, "_hidden_params"), ("custom_llm_provider",)).get("custom_llm_provider"),
        quantities=_leaves(answer),
    )


def _leaves(answer: VendorResponse) -> dict[str, int]:
    if anthropic.is_message(answer):
        return anthropic.leaves_in(answer)
    if "prompt_tokens" not in answer.usage:
        return openai.leaves_in(answer.usage)
    values = FIELDS.pick({"metadata": {"usage_object": answer.usage}})
    quantities, _ = quantities_of(values)
    return quantities or reported_leaves(values)
