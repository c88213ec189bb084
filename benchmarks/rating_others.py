"""Prices the work of `rating_work.py` with another library, in an environment of its own; started by `rating.py`.

    python rating_others.py genai-prices|litellm REQUESTS ROUNDS

Prints one JSON object: microseconds a request, the ratio to the bare loop, and the total. What stands outside of the
function `price` is not timed: usages are made beforehand where the library has a type for them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from rating_work import Request, bare_loop, micros_each, quantities_of, rates_of_one, requests

AT = datetime(2026, 10, 15, tzinfo=timezone.utc)  # noqa: UP017 - another library may want an older Python


def with_genai_prices(work: list[Request]) -> tuple[Callable[[], object], Callable[[], Any]]:
    """`calc_price` at the instant of the requests, with its usages made beforehand."""
    from genai_prices import Usage, calc_price

    names = {"anthropic/claude-sonnet-4.6": "anthropic/claude-sonnet-4-6"}
    prepared = []
    for model, plain, cached, output in work:
        provider, name = names.get(model, model).split("/")
        usage = Usage(input_tokens=plain + cached, cache_read_tokens=cached, output_tokens=output)
        prepared.append((usage, name, provider))

    def price() -> None:
        for usage, name, provider in prepared:
            calc_price(usage, name, provider_id=provider, genai_request_timestamp=AT)

    def total() -> Any:
        return sum(
            calc_price(usage, name, provider_id=provider, genai_request_timestamp=AT).total_price
            for usage, name, provider in prepared
        )

    return price, total


def with_litellm(work: list[Request]) -> tuple[Callable[[], object], Callable[[], Any]]:
    """`cost_per_token` of today's table: it knows no instants, and counts in floats."""
    from litellm import cost_per_token

    names = {
        "openai/gpt-5.4": "gpt-5.4",
        "anthropic/claude-sonnet-4.6": "claude-sonnet-4-6",
        "google/gemini-2.5-flash": "gemini/gemini-2.5-flash",
    }
    prepared = [
        {
            "model": names[model],
            "prompt_tokens": plain + cached,
            "completion_tokens": output,
            "cache_read_input_tokens": cached,
        }
        for model, plain, cached, output in work
    ]

    def price() -> None:
        for arguments in prepared:
            cost_per_token(**arguments)

    return price, lambda: sum(sum(cost_per_token(**arguments)) for arguments in prepared)


def main(library: str, count: str, rounds: str) -> None:
    """Measure one library."""
    work = requests(int(count))
    price, total = {"genai-prices": with_genai_prices, "litellm": with_litellm}[library](work)
    rates = rates_of_one()
    bare = [(request[0], quantities_of(request)) for request in requests(20_000)]
    result = str(total())
    took = micros_each({"bare": (len(bare), lambda: bare_loop(bare, rates)), "price": (len(work), price)}, int(rounds))
    print(json.dumps({"micros": took["price"][0], "ratio": took["price"][1], "total": result}))


if __name__ == "__main__":
    main(*sys.argv[1:])
