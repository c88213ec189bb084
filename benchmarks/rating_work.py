"""The work that every library is given in `rating.py`, and the bare Decimal loop that it is compared with.

Nothing but the standard library, so that it runs in the environment of any of them.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable
from decimal import Decimal

ZERO = Decimal()
NAMES = ("input", "cache_read", "output")
MODELS = {
    "openai/gpt-5.4": ("2.5", "0.25", "15"),
    "anthropic/claude-sonnet-4.6": ("3", "0.30", "15"),
    "google/gemini-2.5-flash": ("0.30", "0.03", "2.5"),
}
"""Model, and its list prices in October 2026 for a million tokens of input, cached input and output."""

Request = tuple[str, int, int, int]
"""Model, input tokens that were not cached, cached ones, output tokens."""


def requests(count: int) -> list[Request]:
    """Requests of 200 to 60,000 input tokens, 0, half or nine tenths of them cached, and up to 4,000 output tokens."""
    chosen = random.Random(7)
    found = []
    for _ in range(count):
        total = chosen.randint(200, 60_000)
        cached = total * chosen.choice((0, 50, 90)) // 100
        found.append((chosen.choice(list(MODELS)), total - cached, cached, chosen.randint(1, 4_000)))
    return found


def quantities_of(request: Request) -> dict[str, int]:
    """The counts of a request by name."""
    _, plain, cached, output = request
    return {"input": plain, "cache_read": cached, "output": output}


def bare_loop(work: list[tuple[str, dict[str, int]]], rates: dict[str, dict[str, Decimal]]) -> None:
    """The sum of three multiplications for each model with its counts; what it comes to is thrown away."""
    for model, quantities in work:
        of_model = rates[model]
        amount = ZERO
        for name, count in quantities.items():
            amount += count * of_model[name]


def unrolled_loop(work: list[Request], rates: dict[str, tuple[Decimal, Decimal, Decimal]]) -> None:
    """The same for three counts that are always these three."""
    for model, plain, cached, output in work:
        of_input, of_cached, of_output = rates[model]
        plain * of_input + cached * of_cached + output * of_output


def rates_of_one() -> dict[str, dict[str, Decimal]]:
    """Rates for one token, by model and name."""
    return {
        model: {name: Decimal(rate) / 10**6 for name, rate in zip(NAMES, rates, strict=True)}
        for model, rates in MODELS.items()
    }


def bare_total(work: list[Request]) -> Decimal:
    """What all requests come to together, to compare results with."""
    rates = rates_of_one()
    counts = ((rates[request[0]], quantities_of(request)) for request in work)
    return sum((count * of_model[name] for of_model, found in counts for name, count in found.items()), ZERO)


def micros_each(works: dict[str, tuple[int, Callable[[], object]]], rounds: int) -> dict[str, tuple[float, float]]:
    """Microseconds a request of each work, and how many times the bare loop's, both medians over rounds.

    The works take turns, so that a noisy moment concerns them all; each ratio is of one round. A work is the number
    of its requests and what to do; one of them is called `bare`.
    """
    gc.collect()
    gc.freeze()  # the data of the benchmark itself is no work for the collector
    rows: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, (count, work) in works.items():
            started = time.perf_counter()
            work()
            rows[name].append((time.perf_counter() - started) / count * 1e6)
    return {
        name: (
            statistics.median(row),
            statistics.median(one / bare for one, bare in zip(row, rows["bare"], strict=True)),
        )
        for name, row in rows.items()
    }
