"""Long fault runs: ingest and close, killed at every statement, at random instructions and beside each other.

TOKENTILL_CAMPAIGN_CYCLES says how many random cycles there are (300), TOKENTILL_CAMPAIGN_SEED where they begin (2026);
a failing cycle names its number, and the same seed makes it again.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.builders import till
from tests.closing.commands import RECORDS_OF_EACH, Job
from tests.closing.killing import REFUSED, KillServer
from tests.invoicing.bench import Outcome, new_postgresql, numbers, outcome
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready

pytestmark = pytest.mark.campaign

CYCLES = int(os.environ.get("TOKENTILL_CAMPAIGN_CYCLES", "300"))
SEED = int(os.environ.get("TOKENTILL_CAMPAIGN_SEED", "2026"))
CUSTOMERS = 12
MONTH = ("ingest", "close")


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    """A process that runs jobs in children and kills them."""
    with KillServer() as started:
        yield started


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and nothing in them."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    database = Database.open(str(path))
    make_ready(database)
    database.close()
    return path


@pytest.fixture(scope="module")
def expected(server: KillServer, empty: Path) -> Outcome:
    """What a month comes to that nothing disturbs."""
    path = shutil.copy(empty, empty.with_name("undisturbed.db"))
    server.finish(Job(str(path), MONTH, CUSTOMERS))
    found = looked_at(str(path))
    assert [number for number, *_ in found] == list(numbers(CUSTOMERS))
    return found


def looked_at(url: str) -> Outcome:
    """What a database holds, which must be sound and hold every record once."""
    database = Database.open(url)
    try:
        one = till(database)
        assert one.verify().is_sound
        with database.read() as connection:
            identities = connection.execute(tables.usage.select()).all()
            assert len(identities) == CUSTOMERS * RECORDS_OF_EACH
            batches = connection.execute(tables.batch.select().order_by(tables.batch.c.seq)).all()
            assert [batch.seq for batch in batches] == list(range(1, len(batches) + 1))
            assert sum(batch.accepted for batch in batches) == len(identities)
        return outcome(one)
    finally:
        database.close()


def test_sqlite_killed_at_every_statement_of_ingest_and_close_ends_in_the_same_bytes(
    server: KillServer, empty: Path, expected: Outcome, tmp_path: Path
) -> None:
    path = tmp_path / "month.db"
    shutil.copy(empty, path)
    planned = server.count(Job(str(path), MONTH, CUSTOMERS, edges="statements"))
    before = server.kills
    for edge in range(1, planned + 1):
        remove(path)
        shutil.copy(empty, path)
        job = Job(str(path), MONTH, CUSTOMERS, edges="statements", kill_at=edge)
        assert server.run(job).was_killed
        server.finish(Job(str(path), MONTH, CUSTOMERS))
        assert looked_at(str(path)) == expected, f"killed at edge {edge} of {planned}"
    assert server.kills - before == planned >= 20 * CUSTOMERS
    print(f"{planned} edges, {server.kills - before} kills")


def test_sqlite_killed_at_random_instructions_ends_in_the_same_bytes(
    server: KillServer, empty: Path, expected: Outcome, tmp_path: Path
) -> None:
    """Up to three kills in a row, so that resumptions are killed too."""
    path = tmp_path / "month.db"
    shutil.copy(empty, path)
    calls = server.count(Job(str(path), MONTH, CUSTOMERS, edges="calls"))
    before, planned = server.kills, 0
    for cycle in range(CYCLES):
        chance = random.Random(SEED + cycle)
        remove(path)
        shutil.copy(empty, path)
        # The first is well before the end of an undisturbed run. A resumption has less to do: half of it may be all.
        planned += 1
        job = Job(str(path), MONTH, CUSTOMERS, edges="calls", kill_at=chance.randint(1, calls * 95 // 100))
        assert server.run(job).was_killed, f"cycle {cycle} of seed {SEED}"
        for _ in range(chance.randint(0, 2)):
            planned += server.run(
                Job(str(path), MONTH, CUSTOMERS, edges="calls", kill_at=chance.randint(1, calls))
            ).was_killed
        server.finish(Job(str(path), MONTH, CUSTOMERS))
        assert looked_at(str(path)) == expected, f"cycle {cycle} of seed {SEED}"
    assert server.kills - before == planned >= CYCLES
    print(f"{calls} calls to choose from, {planned} kills")


def test_postgresql_clients_killed_at_random_statements_end_in_the_same_bytes(
    server: KillServer, expected: Outcome, postgresql_url: str, postgresql_template: str
) -> None:
    with new_postgresql(postgresql_url, postgresql_template) as url:
        edges = server.count(Job(url, MONTH, CUSTOMERS, edges="statements"))
    before = server.kills
    cycles = max(1, CYCLES // 2)
    for cycle in range(cycles):
        edge = random.Random(SEED + cycle).randint(1, edges)
        with new_postgresql(postgresql_url, postgresql_template) as url:
            job = Job(url, MONTH, CUSTOMERS, edges="statements", kill_at=edge)
            assert server.run(job).was_killed, f"edge {edge} of {edges}"
            server.finish(Job(url, MONTH, CUSTOMERS))
            assert looked_at(url) == expected, f"cycle {cycle} of seed {SEED}: edge {edge} of {edges}"
    assert server.kills - before == cycles
    print(f"{edges} edges to choose from, {cycles} kills")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_three_at_once_of_which_one_is_killed_end_in_the_same_bytes(
    server: KillServer, empty: Path, expected: Outcome, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    path = tmp_path / "month.db"
    rounds, killed = max(3, CYCLES // 6), 0
    for number in range(rounds):
        chance = random.Random(SEED + number)
        remove(path)
        with (
            new_postgresql(request.getfixturevalue("postgresql_url"), request.getfixturevalue("postgresql_template"))
            if kind == "postgresql"
            else copied(empty, path)
        ) as url:
            kill_at = chance.randint(10, 200)
            jobs = [Job(url, MONTH, CUSTOMERS, edges="statements", kill_at=at) for at in (kill_at, 0, 0)]
            ended = server.run_at_once(jobs)
            assert {found.status for found in ended[1:]} <= {0, REFUSED}, ended
            killed += ended[0].was_killed
            server.finish(Job(url, MONTH, CUSTOMERS))
            assert looked_at(url) == expected, f"round {number} of seed {SEED}"
    assert killed >= rounds // 2
    print(f"{rounds} rounds, {killed} kills")


@contextmanager
def copied(empty: Path, path: Path) -> Iterator[str]:
    """A new SQLite file with all tables."""
    shutil.copy(empty, path)
    yield str(path)


def remove(path: Path) -> None:
    """Remove a SQLite file with its journals."""
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
