"""LiteLLM: responses of its proxy and of its SDK, in the form of Chat Completions whoever served them.

Convention and names: those of `sources.gateways.litellm`, with the same paths, so that a response has the quantities of
its row in the spend logs. Responses and Messages that it passes on are read by their own conventions. What LiteLLM
thinks the request cost is not in the body: pass `cost=` with the decimal of the header `x-litellm-response-cost` where
a contract bills it.
"""

from __future__ import annotations

from typing import Any

from tokentill.errors import MissingUsage
from tokentill.sources.gateways.inclusive import leaves_of
from tokentill.sources.gateways.litellm import FIELDS
from tokentill.sources.responses import anthropic, openai
from tokentill.sources.responses.building import NO_USAGE, VendorResponse, answer_of, mode_said, traits_of, usage_of
from tokentill.sources.responses.outside import part, parts
from tokentill.usage.record import Given

MARKS = ("prompt_tokens", "input_tokens")
_TOP = ("model", "created", "created_at", "service_tier")


def read(response: object, overrides: Given) -> dict[str, Any]:
    """The usage of a response; see `Usage.from_litellm`."""
    answer = answer_of(response, ("usage",), MARKS)
    top = parts(answer.response, _TOP)
    traits = traits_of(
        "litellm",
        answer,
        top,
        mode=mode_said(top.get("service_tier")),
        provider=parts(part(answer.response, "_hidden_params"), ("custom_llm_provider",)).get("custom_llm_provider"),
    )
    return usage_of(traits, _leaves(answer), overrides)


def _leaves(answer: VendorResponse) -> dict[str, int]:
    if anthropic.is_message(answer):
        return anthropic.leaves_in(answer)
    if "prompt_tokens" not in answer.usage:
        return openai.leaves_in(answer.usage)
    quantities, usage_state = leaves_of(FIELDS.pick({"metadata": {"usage_object": answer.usage}}))
    if usage_state == "missing":
        raise MissingUsage(NO_USAGE)
    return quantities
