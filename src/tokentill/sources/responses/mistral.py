"""Mistral: Chat Completions, Fill-in-the-middle, Agents and Embeddings.

Convention (docs.mistral.ai, prompt caching): the form is OpenAI's; `cached_tokens` are inside the prompt, and billed at
a rate of their own. Seconds of audio in a prompt are counted beside the tokens and become the counter `audio_second`.
"""

from __future__ import annotations

from typing import Any

from tokentill.sources.gateways.conventions import convention_of, leaves_by
from tokentill.sources.gateways.mapping import FieldMap, under
from tokentill.sources.responses.building import answer_of, counted, found_leaves, said_on_top, usage_of
from tokentill.sources.responses.outside import parts
from tokentill.usage.record import Given

_DETAILS = ("prompt_tokens_details", "prompt_token_details")
PATHS: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt_tokens",),
    "completion": ("completion_tokens",),
    "total": ("total_tokens",),
    "cached": (*under(_DETAILS, "cached_tokens"), "num_cached_tokens", "cached_tokens"),
}
FIELDS = FieldMap(PATHS, agreeing=("cached",))
_TOP = ("model", "created")


def read(response: object, overrides: Given) -> dict[str, Any]:
    """The usage of a response; see `Usage.from_mistral`."""
    answer = answer_of(response, marks=("prompt_tokens",))
    quantities = found_leaves(leaves_by(convention_of("mistral"), FIELDS.pick(answer.usage)))
    if seconds := counted(answer.usage, "prompt_audio_seconds"):
        quantities["audio_second"] = seconds
    return usage_of(
        overrides, source="mistral", **said_on_top(answer, parts(answer.response, _TOP)), quantities=quantities
    )
