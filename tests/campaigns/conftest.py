"""What campaigns plan and note, and what they print at their end: a table of the faults that fired."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

SHARE = float(os.environ.get("TOKENTILL_CAMPAIGN_SHARE", "1"))
SEED = int(os.environ.get("TOKENTILL_CAMPAIGN_SEED", "2026"))
FIGURES = os.environ.get("TOKENTILL_CAMPAIGN_FIGURES")
"""A file to which each campaign adds its figures, a line of JSON each."""


def planned(number: int) -> int:
    """How many of so many faults are made."""
    return max(1, round(number * SHARE))


@dataclass
class Count:
    """What a campaign planned, and what came of it so far."""

    what: str
    planned: int
    fired: int = 0
    failures: int = 0
    seconds: int = 0
    date: str = ""

    def attempts(self) -> Iterator[tuple[int, Random]]:
        """Cycles, each with its own chance, until as many faults fired as were planned; at most five times as many."""
        for number in range(5 * self.planned):
            if self.fired >= self.planned:
                return
            yield number, Random(SEED + number)


Figure = Callable[[str, int], AbstractContextManager[Count]]


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Notes how many faults of a kind were planned, and how many fired; fewer than planned is a failure. Of a campaign
    that is interrupted it notes what fired until then.
    """

    @contextmanager
    def note(what: str, planned: int) -> Iterator[Count]:
        count, begun = Count(what, planned, date=f"{datetime.now(UTC):%Y-%m-%d}"), time.monotonic()
        try:
            yield count
        except Exception:
            count.failures = 1
            raise
        finally:
            count.seconds = round(time.monotonic() - begun)
            record_property("fault", asdict(count))
            if FIGURES:
                with Path(FIGURES).open("a") as file:
                    file.write(json.dumps(asdict(count)) + "\n")
        assert count.fired >= planned > 0, f"{what}: {count.fired} of {planned} fired"

    return note


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The figures as a table of Markdown."""
    yield f"| {'what':<68} | planned | fired | failures | seconds | date       |"
    yield f"|{'-' * 70}|--------:|------:|---------:|--------:|------------|"
    for row in rows:
        yield (
            f"| {row['what']:<68} | {row['planned']:>7,} | {row['fired']:>5,} | {row['failures']:>8,}"
            f" | {row['seconds']:>7,} | {row['date']} |"
        )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what fired."""
    rows = [
        value
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, value in report.user_properties
        if name == "fault"
    ]
    if rows:
        terminalreporter.section("faults")
        for line in table(rows):
            terminalreporter.write_line(line)
