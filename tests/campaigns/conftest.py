"""What campaigns print at their end: a table of the faults that fired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Figure = Callable[[str, int, int], None]


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Notes how many faults of a kind were planned, and how many fired; fewer than planned is a failure."""

    def note(kind: str, planned: int, fired: int) -> None:
        record_property("fault", (kind, planned, fired))
        assert fired >= planned > 0, f"{kind}: {fired} of {planned} fired"

    return note


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
        terminalreporter.write_line(f"{'fault':<70} {'planned':>8} {'fired':>8}")
        for kind, planned, fired in rows:
            terminalreporter.write_line(f"{kind:<70} {planned:>8,} {fired:>8,}")
