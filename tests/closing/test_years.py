"""A year in which everything is learned too late comes to what it would have come to, had it been known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.closing.years import known_from_the_start, lived_year, totals
from tests.shares import daily
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready

SEEDS = range(int(os.environ.get("TOKENTILL_YEARS", "6")))
DAILY = 3


@pytest.mark.parametrize("seed", SEEDS if "TOKENTILL_YEARS" in os.environ else daily(SEEDS, DAILY))
def test_a_year_comes_to_the_same_whenever_it_was_learned(seed: int, tmp_path: Path) -> None:
    known = Database.open(str(tmp_path / "known.db"))
    make_ready(known)
    lived = lived_year(seed)
    assert totals(lived.shop.till) == known_from_the_start(lived.year, known), lived.year.happened
    assert lived.shop.till.late().records == ()
    assert lived.shop.till.verify().is_sound
