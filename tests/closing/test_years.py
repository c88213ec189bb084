"""A year in which everything is learned too late comes to what it would have come to, had it been known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.closing.years import Incremental, Year, known_from_the_start, totals
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready

SEEDS = range(int(os.environ.get("TOKENTILL_YEARS", "6")))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_year_comes_to_the_same_whenever_it_was_learned(seed: int, tmp_path: Path) -> None:
    lived, known = (Database.open(str(tmp_path / f"{name}.db")) for name in ("lived", "known"))
    make_ready(lived)
    make_ready(known)
    year = Year(seed)
    incremental = Incremental(year, lived)
    incremental.run()
    assert totals(incremental.shop.till) == known_from_the_start(year, known), year.happened
    assert incremental.shop.till.late().records == ()
    assert incremental.shop.till.verify().is_sound
