"""How fast list prices are found: one record, a stream, columns, loading; beside other libraries and a bare loop.

    python benchmarks/rating.py [--records 1000000] [--only-own]

The bare loop looks the rates of a model up and adds `count * rate` in Decimals over the same mappings of quantities:
the least that anybody would have to do for an exact amount. Every ratio is to it, measured in the same process in
turns. A row of its own shows the loop unrolled for three fixed counts.
genai-prices and litellm are installed into environments of their own, which are thrown away afterwards; where they
cannot be had, their rows say so. Columns need numpy: `pip install 'tokentill[columns]'`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import venv
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path

from rating_work import (
    Request,
    bare_loop,
    bare_total,
    micros_each,
    quantities_of,
    rates_of_one,
    requests,
    unrolled_loop,
)

from tokentill import PriceBook, Usage
from tokentill.clock import to_micros
from tokentill.prices.rate_cards import RateCard
from tokentill.prices.streams import rate_stream

STARTS_AT = datetime(2026, 10, 1, tzinfo=UTC)
AT = datetime(2026, 10, 15, tzinfo=UTC)
OTHERS = {"genai-prices": "0.2.3", "litellm": "1.110.2"}
ROUNDS = 7
MONTH_MICROS = 31 * 86_400_000_000
INSTALL_SECONDS_MAX = 600


def models_of_the_mix(book: PriceBook) -> list[tuple[str, str | None]]:
    """Every model that has prices for text in October, by itself and in batch mode where that is listed."""
    found = []
    for model in book.models:
        for mode in (None, "batch"):
            plan = book.rate_card(model, at=STARTS_AT, mode=mode, input_total=0)
            if isinstance(plan, RateCard) and {"input", "output"} <= set(plan.choice.rates):
                found.append((model, mode))
    return found


def mixed_usages(book: PriceBook, count: int) -> list[Usage]:
    """Usages of all models over a month, in modes, three in a hundred with a long context."""
    chosen = random.Random(11)
    kinds = models_of_the_mix(book)
    found = []
    for _ in range(count):
        model, mode = chosen.choice(kinds)
        total = chosen.randint(200_000, 400_000) if chosen.random() < 0.03 else chosen.randint(200, 60_000)
        cached = total * chosen.choice((0, 50, 90)) // 100
        quantities = {"input": total - cached, "cache_read": cached, "output": chosen.randint(1, 4_000)}
        if chosen.random() < 0.3:
            quantities["reasoning"] = chosen.randint(1, 4_000)
        at = STARTS_AT + timedelta(microseconds=chosen.randrange(MONTH_MICROS))
        found.append(Usage(model, at, quantities, mode))
    return found


def mixed_columns(book: PriceBook, count: int) -> Callable[[], object]:
    """The same mix as columns; what is measured is the rating of columns that were made before."""
    import numpy as np

    from tokentill.prices.columns import Columns, rate_columns

    chosen = np.random.default_rng(13)
    kinds = models_of_the_mix(book)
    models = sorted({model for model, _ in kinds})
    kind = chosen.integers(0, len(kinds), count)
    total = np.where(
        chosen.random(count) < 0.03, chosen.integers(200_000, 400_001, count), chosen.integers(200, 60_001, count)
    )
    cached = total * chosen.choice([0, 50, 90], count) // 100
    reasoning = np.where(chosen.random(count) < 0.3, chosen.integers(1, 4_001, count), 0)
    columns = Columns(
        models=models,
        model_codes=np.array([models.index(model) for model, _ in kinds])[kind],
        modes=[None, "batch"],
        mode_codes=np.array([int(mode is not None) for _, mode in kinds])[kind],
        occurred_at_us=to_micros(STARTS_AT) + chosen.integers(0, MONTH_MICROS, count),
        quantities={
            "input": total - cached,
            "cache_read": cached,
            "output": chosen.integers(1, 4_001, count),
            "reasoning": reasoning,
        },
    )
    rated = rate_columns(book, columns)
    for row in chosen.integers(0, count, 2_000).tolist():
        if rated.amount(row) != book.rate(columns.usage(row)).amount:
            raise AssertionError(f"row {row} is not what its record comes to")
    return lambda: rate_columns(book, columns)


def own_rows(book: PriceBook, records: int) -> Iterator[tuple[str, float, float]]:
    """Name, microseconds a record and ratio to the bare loop of everything of our own."""
    work = requests(20_000)
    rates = rates_of_one()
    bare = [(request[0], quantities_of(request)) for request in work]
    unrolled = {model: tuple(of_model.values()) for model, of_model in rates.items()}
    usages = [usage_of(request) for request in work]
    ours = sum(rated.amount for rated in rate_stream(book, usages) if rated.amount is not None)
    if ours != bare_total(work):
        raise AssertionError(f"the same work comes to {ours}, and in the bare loop to {bare_total(work)}")
    pool = mixed_usages(book, min(records, 50_000))
    passes = records // len(pool)
    works: dict[str, tuple[int, Callable[[], object]]] = {
        "bare": (len(work), lambda: bare_loop(bare, rates)),
        "unrolled": (len(work), lambda: unrolled_loop(work, unrolled)),
        "one": (len(work), lambda: rate_each(book, usages)),
        "stream": (
            passes * len(pool),
            lambda: deque(rate_stream(book, chain.from_iterable(repeat(pool, passes))), maxlen=0),
        ),
    }
    names = {
        "bare": "bare Decimal loop",
        "unrolled": "the loop unrolled for three fixed counts",
        "one": "`book.rate`, one record with its lines",
        "stream": f"`rate_stream`, {passes * len(pool):,} records",
    }
    try:
        works["columns"] = (records, mixed_columns(book, records))
        names["columns"] = f"`rate_columns`, {records:,} records"
    except ImportError:
        print("NOT MEASURED: columns need numpy; pip install 'tokentill[columns]'", file=sys.stderr)
    for name, (micros, ratio) in micros_each(works, ROUNDS).items():
        yield names[name], micros, ratio


def usage_of(request: Request) -> Usage:
    """A request of the common work."""
    return Usage(request[0], AT, quantities_of(request))


def rate_each(book: PriceBook, usages: list[Usage]) -> None:
    """Rate one record at a time, each with its lines."""
    for usage in usages:
        book.rate(usage)


def other_row(library: str) -> tuple[str, float, float] | str:
    """The same for another library, or why it was not measured."""
    called = {"genai-prices": "`calc_price`", "litellm": "`cost_per_token`"}[library]
    name = f"{library} {OTHERS[library]}, {called}"
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": ""}
        try:
            venv.create(folder, with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run(
                [*install, f"{library}=={OTHERS[library]}"],
                check=True,
                capture_output=True,
                timeout=INSTALL_SECONDS_MAX,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"NOT MEASURED: {name}: it cannot be installed ({error})"
        script = Path(__file__).with_name("rating_others.py")
        done = subprocess.run(
            [str(python), str(script), library, "1000", str(ROUNDS)],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
        )
    if done.returncode:
        return f"NOT MEASURED: {name}: it failed ({done.stderr.strip().splitlines()[-1:]})"
    found = json.loads(done.stdout.splitlines()[-1])
    exact = bare_total(requests(1000))
    print(f"{name}: 1,000 requests come to {found['total']}; exactly they are {exact}", file=sys.stderr)
    return name, found["micros"], found["ratio"]


LOADING = """
import sys, time
started = time.perf_counter()
from tokentill import PriceBook
PriceBook
imported = time.perf_counter()
PriceBook.load(sys.argv[1] or None, cache=sys.argv[2] or None)
print(imported - started, time.perf_counter() - imported)
"""


def loading_rows(pricing: str) -> Iterator[tuple[str, float]]:
    """Name and milliseconds of importing the library and of loading all prices, each in new processes."""

    def fresh(cache: str) -> tuple[float, float]:
        runs = []
        for _ in range(2 * ROUNDS + 1):
            done = subprocess.run(
                [sys.executable, "-c", LOADING, pricing, cache], check=True, capture_output=True, text=True
            )
            runs.append([float(word) * 1e3 for word in done.stdout.split()])
        kept = runs[1:]  # the first one fills the caches
        return statistics.median(run[0] for run in kept), statistics.median(run[1] for run in kept)

    imported, read = fresh("")
    with tempfile.TemporaryDirectory() as folder:
        _, cached = fresh(folder)
    yield "`from tokentill import PriceBook`", imported
    yield "`PriceBook.load`, everything read and checked", read
    yield "`PriceBook.load`, from the cache", cached


def main() -> None:
    """Measure, and print two tables."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--records", type=int, default=1_000_000)
    arguments.add_argument("--pricing", default="", help="a pricing folder; the shipped one unless given")
    arguments.add_argument("--only-own", action="store_true", help="leave the other libraries out")
    chosen = arguments.parse_args()
    rows = list(own_rows(PriceBook.load(), chosen.records))
    for library in () if chosen.only_own else OTHERS:
        row = other_row(library)
        if isinstance(row, str):
            print(row, file=sys.stderr)
        else:
            rows.append(row)
    print(f"| {'pricing':<40} | us a record | records a second | times the bare loop |")
    print(f"|{'-' * 42}|-------------|------------------|---------------------|")
    for name, micros, ratio in rows:
        print(f"| {name:<40} | {micros:11.3f} | {1e6 / micros:16,.0f} | {ratio:19.2f} |")
    print(f"\n| {'a new process':<46} | milliseconds |")
    print(f"|{'-' * 48}|--------------|")
    for name, millis in loading_rows(chosen.pricing):
        print(f"| {name:<46} | {millis:12.0f} |")


if __name__ == "__main__":
    main()
