"""The work that every library is given in `rating.py`, and the bare Decimal loop that it is compared with.

Nothing but the standard library, so that it runs in the environment of any of them.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from decimal import Decimal

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


def bare_loop(work: list[Request], rates: dict[str, tuple[Decimal, Decimal, Decimal]]) -> Decimal:
    """Three multiplications and their sum for each request; what each comes to is thrown away."""
    amount = Decimal()
    for model, plain, cached, output in work:
        of_input, of_cached, of_output = rates[model]
        amount = plain * of_input + cached * of_cached + output * of_output
    return amount


def bare_rates() -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    """Rates for one token."""
    rates = {}
    for model, (of_input, of_cached, of_output) in MODELS.items():
        rates[model] = (Decimal(of_input) / 10**6, Decimal(of_cached) / 10**6, Decimal(of_output) / 10**6)
    return rates


def bare_total(work: list[Request]) -> Decimal:
    """What all requests come to together, to compare results with."""
    rates = bare_rates()
    return sum((bare_loop([request], rates) for request in work), Decimal())


def micros_each(works: dict[str, tuple[int, Callable[[], object]]], rounds: int) -> dict[str, tuple[float, float]]:
    """Microseconds a request of each work, and how many times the bare loop's, both medians over rounds.

    The works take turns, so that a noisy moment concerns them all; each ratio is of one round. A work is the number
    of its requests and what to do; one of them is called `bare`.
    """
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
