"""A year in which everything is learned too late comes to what it would have come to, had it been known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.closing.years import comes_to_the_same, lived_year
from tests.shares import daily

SEEDS = range(int(os.environ.get("TOKENTILL_YEARS", "6")))
DAILY = 1


@pytest.mark.parametrize("seed", SEEDS if "TOKENTILL_YEARS" in os.environ else daily(SEEDS, DAILY))
def test_a_year_comes_to_the_same_whenever_it_was_learned(seed: int, tmp_path: Path) -> None:
    comes_to_the_same(lived_year(seed), tmp_path)
