"""Pulls from gateways that go wrong in every way, by random schedules: each ends as one that nothing disturbed.

A gateway on loopback misbehaves as a schedule says; the pull is given again until it succeeds. What is then stored is
what an undisturbed pull of the same records stores: none lost, none doubled, and the checkpoint at the end.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.campaigns.conftest import SEED, Figure, planned
from tests.pulling.bench import PAGED, held, pull_under_faults, undisturbed
from tests.pulling.gateways import FAULTS, rows_of_month
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready

pytestmark = pytest.mark.campaign

SEEDS = 200
FAULTS_OF_EACH = 3
NEVER = {
    "arouter": {"page after", "half the records"},
    "langwatch": {"page after", "half the records"},
    "litellm": {"loop", "gone"},
}
"""Faults that a kind of gateway has nothing to do wrong with."""


@pytest.mark.parametrize("kind", PAGED)
def test_schedules_of_faults_change_nothing_of_what_is_stored(
    tmp_path_factory: pytest.TempPathFactory, kind: str, figure: Figure
) -> None:
    folder = tmp_path_factory.mktemp("pulls")
    expected = undisturbed(_made(folder / "undisturbed.db"), kind, rows_of_month(20))
    fired: Counter[str] = Counter()
    seeds = planned(SEEDS)
    with figure(f"SQLite: a pull of {kind}, faults of HTTP by {seeds} schedules", seeds * FAULTS_OF_EACH) as count:
        for number in range(seeds):
            path = folder / f"{number}.db"
            database = _made(path)
            gateway = pull_under_faults(database, kind, Random(f"{kind} {SEED + number}"))
            assert held(database) == expected, f"schedule {number} of seed {SEED}: {gateway.fired}"
            assert gateway.elsewhere == 0
            database.close()
            path.unlink()
            fired += gateway.fired
            count.fired = fired.total()
    if seeds >= SEEDS:
        assert set(FAULTS) - set(fired) <= NEVER[kind]


@pytest.mark.parametrize("kind", PAGED)
@pytest.mark.parametrize("number", range(10))
def test_schedules_of_faults_on_postgresql(
    postgresql_database: Database, tmp_path_factory: pytest.TempPathFactory, kind: str, number: int, figure: Figure
) -> None:
    other = _made(tmp_path_factory.mktemp("pulls") / "undisturbed.db")
    expected = undisturbed(other, kind, rows_of_month(20))
    with figure(f"PostgreSQL: a pull of {kind}, faults of HTTP, schedule {number}", 1) as count:
        gateway = pull_under_faults(postgresql_database, kind, Random(f"{kind} {SEED - 1 - number}"))
        count.fired = gateway.fired.total()
        assert held(postgresql_database) == expected, f"schedule {number} of seed {SEED}: {gateway.fired}"


def _made(path: object) -> Database:
    database = Database.open(str(path))
    make_ready(database)
    return database
