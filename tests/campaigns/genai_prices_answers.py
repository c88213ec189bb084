"""What genai-prices answers: run by the Python of an environment in which it is installed, and never imported.

One JSON document a line comes in on standard input and one goes out. Amounts are texts of exact decimals, as
`calc_price` computes them; a usage that it refuses gives the message of its error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import StartDateConstraint, TieredPrices


def found(provider_id: str, model_ids: list[str]) -> dict[str, Any]:
    """Which of the ids a provider's list knows, and under which name; None where the provider is not known."""
    providers = [provider for provider in get_snapshot().providers if provider.id == provider_id]
    models = dict.fromkeys(model_ids)
    for model_id in model_ids:
        for provider in providers:
            model = provider.find_model(model_id)
            models[model_id] = None if model is None else model.id
    return models


def edges(provider_id: str, model_name: str) -> dict[str, list[Any]]:
    """The days, times of day and input totals at which a model's price changes in this catalog."""
    (provider,) = (provider for provider in get_snapshot().providers if provider.id == provider_id)
    (model,) = (model for model in provider.models if model.id == model_name)
    days, times, totals = set(), set(), set()
    for constraint, prices in parts(model):
        if isinstance(constraint, StartDateConstraint):
            days.add(constraint.start_date.isoformat())
        elif constraint is not None:
            times |= {constraint.start_time.strftime("%H:%M"), constraint.end_time.strftime("%H:%M")}
        for price in vars(prices).values():
            if isinstance(price, TieredPrices):
                totals |= {tier.start for tier in price.tiers}
    return {"days": sorted(days), "times": sorted(times), "input_totals": sorted(totals)}


def parts(model: Any) -> Iterator[tuple[Any, Any]]:
    """Every price of a model with the condition under which it holds."""
    for price in model.prices if isinstance(model.prices, list) else [model.prices]:
        yield getattr(price, "constraint", None), getattr(price, "prices", price)
    for variant in model.price_variants or ():
        yield variant.constraint, variant.prices


def amount(provider_id: str, model_id: str, at: str, context: dict[str, str], usage: dict[str, int]) -> str:
    """The exact price of one usage, or `refused: ` and why there is none."""
    try:
        price = calc_price(
            Usage(**usage),
            model_id,
            provider_id=provider_id,
            genai_request_timestamp=datetime.fromisoformat(at),
            price_context=context,
        )
    except (LookupError, ValueError) as error:
        return f"refused: {error}"
    return str(price.total_price)


QUESTIONS = {"found": found, "edges": edges, "amounts": lambda *calls: [amount(*call) for call in calls]}

for line in sys.stdin:
    question, arguments = json.loads(line)
    print(json.dumps(QUESTIONS[question](*arguments)), flush=True)
