"""What `ingest` counts adds up to what was read, whatever the source, however damaged, and however often."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.builders import MovableClock, price, prices, till
from tests.sources.lines import DATA
from tokentill.closing.records.ingest import Ingested
from tokentill.errors import Refused
from tokentill.sources.reading import read_records
from tokentill.store.database import Database


def added_up(ingested: Ingested) -> int:
    """How many were read, where the parts come to it."""
    content = ingested.content()
    parts = ("accepted", "duplicates", "revisions", "quarantined")
    totals = ("control_totals", "control_totals_revised", "control_totals_known")
    assert sum(content[part] for part in parts) + sum(content.get(part, 0) for part in totals) == content["read"]
    assert content["replaced"] <= content["accepted"]
    assert content["witnesses"] <= content["duplicates"]
    return int(content["read"])


@pytest.mark.parametrize("file", sorted(path.name for path in DATA.iterdir()))
def test_counts_add_up_to_what_was_read(sqlite_database: Database, tmp_path: Path, file: str) -> None:
    shop = till(sqlite_database, prices(price()), clock=MovableClock())
    content, chance = (DATA / file).read_bytes(), random.Random(file)
    damaged = [content]
    for _ in range(5):
        place = chance.randrange(len(content))
        damaged.append(content[:place] + bytes([chance.randrange(256)]) + content[place + chance.randrange(3) :])
    for number, changed in enumerate([*damaged, *damaged[:2]]):
        path = tmp_path / f"{number}-{file}"
        path.write_bytes(changed)
        try:
            told = list(read_records(path))
        except Refused:
            continue
        for reporter in ("export", "capture"):
            assert added_up(shop.ingest_file(path, reporter=reporter)) == len(told)
        again = shop.ingest_file(path)
        assert added_up(again) == len(told)
        assert again.counts.accepted == 0
    assert shop.verify().is_sound
