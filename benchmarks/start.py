"""How long the command line takes to begin, as ratios against `import typer, rich.console, rich.table` in the same run.

    python benchmarks/start.py [ROUNDS]

Each round starts every program once, so that a busy machine slows all of them alike; the median of each is compared.
The first round is left out: it fills the cache of checked prices and the byte code.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from os import environ
from statistics import median

REFERENCE = ("-c", "import typer, rich.console, rich.table")
PROGRAMS: Mapping[str, tuple[Sequence[str], int]] = {
    "tokentill --version": (("-m", "tokentill", "--version"), 2),
    "tokentill --help": (("-m", "tokentill", "--help"), 2),
    "tokentill prices show openai/gpt-5.4": (("-m", "tokentill", "prices", "show", "openai/gpt-5.4"), 3),
}
"""Each with the ratio that it stays under."""


def seconds(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    """How long a program takes."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begun


def main(rounds: int) -> int:
    """Measure, print, and end with 1 when a bound is broken."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**environ, "XDG_CACHE_HOME": cache}
        measured: dict[str, list[float]] = {}
        for _ in range(rounds + 1):
            for name, arguments in {"reference": REFERENCE, **{n: a for n, (a, _) in PROGRAMS.items()}}.items():
                measured.setdefault(name, []).append(seconds(arguments, environment))
    medians = {name: median(values[1:]) for name, values in measured.items()}
    print(f"{medians['reference'] * 1000:7.0f} ms         {REFERENCE[1]}")
    is_slow = False
    for name, (_, bound) in PROGRAMS.items():
        ratio = medians[name] / medians["reference"]
        is_slow |= ratio >= bound
        print(f"{medians[name] * 1000:7.0f} ms  {ratio:4.1f} x  {name} (under {bound} x)")
    return int(is_slow)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
