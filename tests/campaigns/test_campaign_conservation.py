"""Many worlds that are held to the law of conservation (see `tests.invoicing.conservation`).

TOKENTILL_CAMPAIGN_WORLDS says how many there are on SQLite (2,000), a tenth of them on PostgreSQL;
TOKENTILL_CAMPAIGN_FIRST is the seed of the first (1,000). A world that breaks the law is told with as few events as
will do, and its seed makes it again.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import partial

import pytest

from tests.invoicing.invoicing_tools import new_sqlite, open_postgresql
from tests.invoicing.world_stories import NewDatabase, live_by_the_law
from tests.invoicing.worlds import World

pytestmark = pytest.mark.campaign

WORLDS = int(os.environ.get("TOKENTILL_CAMPAIGN_WORLDS", "2000"))
FIRST = int(os.environ.get("TOKENTILL_CAMPAIGN_FIRST", "1000"))
PARTS = 8

PLANNED_OF_100_WORLDS = {
    "record": 1800,
    "late record": 60,
    "price step": 100,
    "backdated price": 15,
    "exchange rate": 70,
    "grant": 120,
    "binding": 120,
    "backdated binding": 45,
    "attribution changes after a close": 35,
    "anchor moves after a close": 12,
    "zone moves after a close": 12,
    "currency changes after a close": 25,
    "parent changes after a close": 8,
    "conditions change after a close": 20,
    "backdated contract": 70,
    "contract ends": 6,
    "close": 150,
    "interim by name": 30,
    "threshold": 4,
    "failure after invoices": 15,
    "failure after statements": 15,
    "held": 25,
    "released": 25,
    "void": 8,
    "period document": 800,
    "interim document": 40,
    "of a child": 50,
    "in another currency": 150,
    "tax": 200,
    "coupon": 80,
    "minimum": 25,
    "cap": 3,
    "base fee": 70,
    "credit": 40,
    "carried": 80,
    "balance": 40,
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
