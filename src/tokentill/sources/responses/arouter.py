"""ARouter: its responses in the forms of Chat Completions, Responses and Messages.

Convention and names: those of `sources.gateways.arouter`, with the same paths. A message in Anthropic's form is read by
Anthropic's convention.
"""

from __future__ import annotations

from typing import Any

from tokentill.sources.gateways.arouter import FIELDS
from tokentill.sources.gateways.fields import flag
from tokentill.sources.responses import anthropic
from tokentill.sources.responses.building import (
    VendorResponse,
    amounts_exact,
    answer_of,
    mode_said,
    reported_leaves,
    said_on_top,
    usage_of,
)
from tokentill.sources.responses.outside import parts
from tokentill.usage.record import Given

_TOP = ("model", "provider", "service_tier", "created", "created_at", "is_byok")


def read(response: object, overrides: Given) -> dict[str, Any]:
    """The usage of a response; see `Usage.from_arouter`."""
    answer = answer_of(response)
    top, values = picked(answer)
    amounts_exact(values, "cost")
    return usage_of(
        overrides,
        source="arouter",
        **said_on_top(answer, top),
        mode=mode_in(answer, values),
        provider=top.get("provider"),
        cost=values.get("cost"),
        is_byok=flag("is_byok", values["is_byok"]) if "is_byok" in values else False,
        quantities=leaves_in(answer, values),
    )


def picked(answer: VendorResponse) -> tuple[dict[str, Any], dict[str, Any]]:
    """What stands at the top of a response, and roles to values."""
    top = parts(answer.response, _TOP)
    return top, FIELDS.pick({**top, "usage": answer.usage})


def leaves_in(answer: VendorResponse, values: dict[str, Any]) -> dict[str, int]:
    """The disjoint quantities of a response in any of the three forms."""
    if anthropic.is_message(answer):
        return anthropic.leaves_in(answer)
    return reported_leaves(values)


def mode_in(answer: VendorResponse, values: dict[str, Any]) -> str | None:
    """The mode of a response in any of the three forms."""
    return anthropic.mode_in(answer.usage) if anthropic.is_message(answer) else mode_said(values.get("tier"))
