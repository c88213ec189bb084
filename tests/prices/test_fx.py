"""Of exchange rates for one day, the one that was recorded last holds; recorded when is told by instants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest

from tokentill.canonical import Content
from tokentill.prices.fx import FxBook

DAY = date(2026, 10, 2)


def recorded(recorded_at: str, rate: str) -> Content:
    listed = [{"from": "USD", "to": "EUR", "date": "2026-10-01", "rate": rate}]
    return {"format": 1, "kind": "fx", "recorded_at": recorded_at, "source": "a test", "rate": listed}


@pytest.mark.parametrize(
    "in_order",
    [
        ("2026-10-01T06:00:00Z", "2026-10-01T06:00:00.500000Z"),
        ("2026-10-01T06:00:00.500000Z", "2026-10-01T06:00:01Z"),
        ("2026-10-01T06:00:00Z", "2026-10-01T06:00:00.000001Z", "2026-10-01T06:00:00.100000Z"),
        ("2026-09-30T23:00:00Z", "2026-10-01T00:30:00+01:00"),
        ("2026-10-01T00:30:00+02:00", "2026-09-30T23:00:00Z"),
    ],
)
def test_the_latest_recording_of_a_day_holds_whatever_its_instant_looks_like(in_order: Sequence[str]) -> None:
    contents = [recorded(at, f"0.{index}") for index, at in enumerate(in_order, 1)]

    for mixed in permutations(contents):
        assert FxBook(mixed).rate("USD", "EUR", DAY) == Decimal(f"0.{len(contents)}")
