"""Many worlds that are held to the law of conservation (see `tests.closing.conservation`).

TOKENTILL_CAMPAIGN_WORLDS says how many there are on SQLite (2,000), a tenth of them on PostgreSQL;
TOKENTILL_CAMPAIGN_FIRST is the seed of the first (1,000). A world that breaks the law is told with as few events as
will do, and its seed makes it again.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import partial

import pytest

from tests.closing.world_stories import NewDatabase, live_by_the_law
from tests.closing.worlds import World
from tests.invoicing.bench import new_sqlite, open_postgresql

pytestmark = pytest.mark.campaign

WORLDS = int(os.environ.get("TOKENTILL_CAMPAIGN_WORLDS", "2000"))
FIRST = int(os.environ.get("TOKENTILL_CAMPAIGN_FIRST", "1000"))
PARTS = 8

PLANNED_OF_100_WORLDS = {
    "record": 1500,
    "late record": 50,
    "price step": 75,
    "backdated price": 13,
    "exchange rate": 50,
    "grant": 95,
    "binding": 150,
    "backdated binding": 120,
    "attribution changes after a close": 30,
    "anchor moves after a close": 35,
    "zone moves after a close": 30,
    "currency changes after a close": 60,
    "parent changes after a close": 20,
    "conditions change after a close": 40,
    "backdated contract": 85,
    "contract ends": 6,
    "close": 140,
    "interim by name": 30,
    "threshold": 6,
    "failure after invoices": 12,
    "failure after statements": 30,
    "held": 22,
    "released": 22,
    "void": 12,
    "period document": 650,
    "interim document": 40,
    "invoiced": 40,
    "of a child": 65,
    "in another currency": 175,
    "tax": 170,
    "coupon": 95,
    "minimum": 35,
    "cap": 1,
    "base fee": 90,
    "credit": 25,
    "carried": 120,
    "balance": 110,
}
"""How often each kind of event and step of a document must have happened in a hundred worlds, at least: about half of
how often it does."""


@pytest.mark.parametrize("part", range(PARTS))
def test_every_record_is_billed_once_or_named_in_many_worlds(part: int) -> None:
    seeds = range(FIRST + part * WORLDS // PARTS, FIRST + (part + 1) * WORLDS // PARTS)
    live_and_count(seeds, new_sqlite)


def test_every_record_is_billed_once_or_named_in_many_worlds_on_postgresql(
    postgresql_url: str, postgresql_template: str
) -> None:
    seeds = range(FIRST, FIRST + max(1, WORLDS // 10))
    live_and_count(seeds, partial(open_postgresql, postgresql_url, postgresql_template))


def live_and_count(seeds: range, new_database: NewDatabase) -> None:
    """Let the worlds of these seeds happen by the law, and see that enough happened in them."""
    fired: Counter[str] = Counter()
    for seed in seeds:
        fired += live_by_the_law(World.of(seed), new_database).fired
    print(f"seeds {seeds.start} to {seeds.stop - 1}: {dict(sorted(fired.items()))}")
    planned = {what: count * len(seeds) // 100 for what, count in PLANNED_OF_100_WORLDS.items()}
    seldom = {
        what: (fired[what], count) for what, count in planned.items() if len(seeds) >= 100 and fired[what] < count
    }
    assert not seldom, f"happened too seldom (happened, planned): {seldom}"
