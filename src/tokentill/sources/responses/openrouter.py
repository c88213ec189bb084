"""OpenRouter: its responses in the forms of Chat Completions, Responses and Messages.

Tokens are counted as ARouter counts them. `usage.cost` is what the account was charged: with the caller's own provider
key (BYOK) that is OpenRouter's fee alone, and `cost_details.upstream_inference_cost` is what the provider charges, so
the cost is their sum (see `sources.gateways.openrouter`).
"""

from __future__ import annotations

from typing import Any

from tokentill.sources.gateways.mapping import FieldMap
from tokentill.sources.gateways.openrouter import cost_of
from tokentill.sources.responses.arouter import leaves_in, mode_in, picked
from tokentill.sources.responses.building import amounts_exact, answer_of, said_on_top, usage_of
from tokentill.usage.record import Given

_COSTS = FieldMap(
    {"cost": ("cost",), "is_byok": ("is_byok",), "upstream_cost": ("cost_details.upstream_inference_cost",)}
)


def read(response: object, overrides: Given) -> dict[str, Any]:
    """The usage of a response; see `Usage.from_openrouter`."""
    answer = answer_of(response)
    top, values = picked(answer)
    costs = _COSTS.pick(answer.usage)
    amounts_exact(costs, "cost", "upstream_cost")
    cost, is_byok = cost_of(costs, is_export=False)
    return usage_of(
        overrides,
        source="openrouter",
        **said_on_top(answer, top),
        mode=mode_in(answer, values),
        provider=top.get("provider"),
        cost=cost,
        is_byok=is_byok,
        quantities=leaves_in(answer, values),
    )
