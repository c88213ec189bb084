"""Counts by module the mutants that tests killed: reads `mutmut results --all True`; see `make mutants`."""

from __future__ import annotations

import sys
from collections import Counter

KILLED = ("killed", "timeout")
found = Counter[tuple[str, bool]]()
for line in sys.stdin:
    name, _, status = line.strip().rpartition(": ")
    if name and status != "not checked":
        found[name.rpartition(".")[0], status in KILLED] += 1
for module in sorted({module for module, _ in found}):
    killed, survived = found[module, True], found[module, False]
    print(f"{module:40} {killed:5} of {killed + survived:5} killed, {100 * killed / (killed + survived):.1f} %")
