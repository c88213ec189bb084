"""The long form of every fault: each disturbs a month of all commands, which are then given again and nothing else.

After each one no record is lost or doubled, every document has the bytes of a run that nothing disturbed, and nothing
is left half done. A campaign fails when fewer faults fired than it planned.

TOKENTILL_CAMPAIGN_SHARE says which share of the planned faults is made (1), TOKENTILL_CAMPAIGN_SEED where chance
begins (2026).
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.campaigns.conftest import Figure
from tests.campaigns.crashing_server import CrashingServer
from tests.closing.attacks import (
    Attack,
    Held,
    attack_on,
    count_edges,
    full_disk,
    kill_at,
    made,
    spread,
    sqlite_attack,
)
from tests.closing.killing import COMMANDS, REFUSED, KillServer
from tests.invoicing.bench import new_postgresql
from tokentill.store.database import Database
from tokentill.store.migrating import upgrade

pytestmark = pytest.mark.campaign

SHARE = float(os.environ.get("TOKENTILL_CAMPAIGN_SHARE", "1"))
SEED = int(os.environ.get("TOKENTILL_CAMPAIGN_SEED", "2026"))
CUSTOMERS = 3


def planned(number: int) -> int:
    """How many of so many faults are made."""
    return max(1, round(number * SHARE))


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    """A process that runs jobs in children and kills them."""
    with KillServer() as started:
        yield started


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables."""
    return made(tmp_path_factory.mktemp("empty") / "empty.db")


@pytest.fixture(scope="module")
def undisturbed(server: KillServer, empty: Path) -> tuple[Held, int, int]:
    """What a month comes to that nothing disturbs, and how many statement edges and calls it has."""
    with sqlite_attack(server, empty, empty.with_name("undisturbed.db"), CUSTOMERS) as attack:
        edges, held = count_edges(attack), attack.held()
    with sqlite_attack(server, empty, empty.with_name("undisturbed.db"), CUSTOMERS) as attack:
        return held, edges, count_edges(attack, "calls")


def test_sqlite_killed_at_every_statement_and_commit(
    server: KillServer, empty: Path, undisturbed: tuple[Held, int, int], tmp_path: Path, figure: Figure
) -> None:
    held, edges, _ = undisturbed
    chosen, fired = spread(edges, planned(edges)), 0
    for edge in chosen:
        with sqlite_attack(server, empty, tmp_path / "month.db", CUSTOMERS) as attack:
            fired += kill_at(edge)(attack, attack.job())
            attack.finish()
            assert attack.held() == held, f"killed at edge {edge} of {edges}"
    figure("SQLite: killed at a statement or commit edge", len(chosen), fired)


def test_sqlite_killed_at_any_instruction_up_to_three_times(
    server: KillServer, empty: Path, undisturbed: tuple[Held, int, int], tmp_path: Path, figure: Figure
) -> None:
    held, _, calls = undisturbed
    wanted, fired, cycle = planned(3_500), 0, 0
    while fired < wanted:
        chance = random.Random(SEED + cycle)
        with sqlite_attack(server, empty, tmp_path / "month.db", CUSTOMERS) as attack:
            fired += kill_at(chance.randint(1, calls * 9 // 10), "calls")(attack, attack.job())
            for _ in range(chance.randint(0, 2)):
                fired += kill_at(chance.randint(1, calls * 9 // 10), "calls")(attack, attack.job())
            attack.finish()
            assert attack.held() == held, f"cycle {cycle} of seed {SEED}"
        cycle += 1
        assert cycle <= wanted, "too few of the kills fired"
    figure("SQLite: killed at any instruction, up to three times in a row", wanted, fired)


def test_sqlite_on_a_disk_that_becomes_full(
    server: KillServer, empty: Path, undisturbed: tuple[Held, int, int], tmp_path: Path, figure: Figure
) -> None:
    wanted, fired = planned(200), 0
    for number in range(wanted):
        limit = random.Random(SEED + number).randint(20_000, 300_000)
        with sqlite_attack(server, empty, tmp_path / "month.db", CUSTOMERS) as attack:
            fired += full_disk(limit)(attack, attack.job())
            attack.finish()
            assert attack.held() == undisturbed[0], f"{limit} bytes"
    figure("SQLite: the disk is full", wanted, fired)


def test_sqlite_killed_and_given_again_under_another_clock(
    server: KillServer, empty: Path, undisturbed: tuple[Held, int, int], tmp_path: Path, figure: Figure
) -> None:
    held, edges, _ = undisturbed
    wanted, fired = planned(200), 0
    for number in range(wanted):
        chance = random.Random(SEED + number)
        with sqlite_attack(server, empty, tmp_path / "month.db", CUSTOMERS) as attack:
            first, second = chance.randint(0, 2), chance.randint(0, 2)  # Stripe takes 35 days
            fired += kill_at(chance.randint(1, edges))(attack, attack.job(days_ahead=first))
            attack.finish(days_ahead=second)
            assert attack.held() == held, f"cycle {number} of seed {SEED}: {first} days ahead, then {second}"
    figure("SQLite: killed, and the clock jumps forward or back", wanted, fired)


def test_postgresql_clients_killed_at_statements_and_commits(
    server: KillServer,
    undisturbed: tuple[Held, int, int],
    postgresql_url: str,
    postgresql_template: str,
    figure: Figure,
) -> None:
    with new_postgresql(postgresql_url, postgresql_template) as url, attack_on(server, url, CUSTOMERS) as attack:
        edges = count_edges(attack)
    wanted, fired = planned(1_000), 0
    for edge in spread(edges, wanted):
        with new_postgresql(postgresql_url, postgresql_template) as url, attack_on(server, url, CUSTOMERS) as attack:
            fired += kill_at(edge)(attack, attack.job())
            attack.finish()
            assert attack.held() == undisturbed[0], f"killed at edge {edge} of {edges}"
    figure("PostgreSQL: the client is killed at a statement or commit edge", min(wanted, edges), fired)


def test_postgresql_loses_every_connection(
    server: KillServer,
    undisturbed: tuple[Held, int, int],
    postgresql_url: str,
    postgresql_template: str,
    figure: Figure,
) -> None:
    def cut(url: str) -> None:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        engine = create_engine(parsed.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            connection.execute(text(query), {"name": parsed.database})
        engine.dispose()

    wanted, fired, number = planned(200), 0, 0
    while fired < wanted:
        number += 1
        assert number <= 5 * wanted, "too few of the faults fired"
        with new_postgresql(postgresql_url, postgresql_template) as url, attack_on(server, url, CUSTOMERS) as attack:
            with later(random.Random(SEED + number).uniform(0.05, 1.5), lambda url=url: cut(url)):  # type: ignore[misc]
                ended = server.run(attack.job())
            assert ended.status in (0, REFUSED), ended
            fired += ended.status == REFUSED
            attack.finish()
            assert attack.held() == undisturbed[0], f"cycle {number} of seed {SEED}"
    figure("PostgreSQL: every connection is lost", wanted, fired)


def test_postgresql_servers_killed_at_any_moment(
    server: KillServer, undisturbed: tuple[Held, int, int], figure: Figure
) -> None:
    wanted, fired, number = planned(400), 0, 0
    with CrashingServer() as crashing:
        template = "all_tables"
        _execute(crashing.url, f"CREATE DATABASE {template}")
        prepared = Database.open(make_url(crashing.url).set(database=template).render_as_string(hide_password=False))
        upgrade(prepared)
        prepared.close()
        while fired < wanted:
            number += 1
            assert number <= 5 * wanted, "too few of the kills fired"
            name = f"month_{number}"
            _execute(crashing.url, f"CREATE DATABASE {name} TEMPLATE {template}")
            url = make_url(crashing.url).set(database=name).render_as_string(hide_password=False)
            with attack_on(server, url, CUSTOMERS) as attack:
                with later(random.Random(SEED + number).uniform(0.05, 1.5), crashing.kill):
                    ended = server.run(attack.job())
                crashing.start()
                assert ended.status in (0, REFUSED), ended
                fired += ended.status == REFUSED
                attack.finish()
                assert attack.held() == undisturbed[0], f"cycle {number} of seed {SEED}"
            _execute(crashing.url, f"DROP DATABASE {name} WITH (FORCE)")
    figure("PostgreSQL: the server is killed while commands run", wanted, fired)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_three_at_once_of_which_one_is_killed(
    server: KillServer,
    empty: Path,
    undisturbed: tuple[Held, int, int],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    kind: str,
    figure: Figure,
) -> None:
    held, edges, _ = undisturbed
    steps = tuple(name for name in COMMANDS if name != "push")
    wanted, fired = planned(250), 0
    for number in range(wanted):
        with attacked(server, empty, tmp_path, request, kind) as attack:
            kill = random.Random(SEED + number).randint(10, edges // 3)
            job = replace(attack.job(edges="statements"), steps=steps)
            ended = server.run_at_once([replace(job, kill_at=at) for at in (kill, 0, 0)])
            assert {found.status for found in ended[1:]} <= {0, REFUSED}, ended
            fired += ended[0].was_killed or ended[0].status == REFUSED
            attack.finish()
            # Who stages a file while another one accepts it stages it anew, and brings nothing with it.
            assert replace(attack.held(), imports=()) == replace(held, imports=()), f"round {number} of seed {SEED}"
    figure(f"{kind}: rounds of three at once, one of them killed or ahead of by another", wanted, fired)


@contextmanager
def attacked(
    server: KillServer, empty: Path, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> Iterator[Attack]:
    """An attack on a new database of a kind."""
    if kind == "sqlite":
        with sqlite_attack(server, empty, tmp_path / "month.db", CUSTOMERS) as attack:
            yield attack
        return
    url, template = (request.getfixturevalue(name) for name in ("postgresql_url", "postgresql_template"))
    with new_postgresql(url, template) as made_url, attack_on(server, made_url, CUSTOMERS) as attack:
        yield attack


@contextmanager
def later(seconds: float, do: Callable[[], object]) -> Iterator[None]:
    """Do something while the block runs; the block has ended and it is done when this ends."""

    def wait_and_do() -> None:
        time.sleep(seconds)
        do()

    thread = threading.Thread(target=wait_and_do)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _execute(url: str, statement: str) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
