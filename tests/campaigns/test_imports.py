"""Imports under every fault, on both databases: killed, at once, on a full disk, without a connection, in any order.

Worlds of activity are made by seed: files of several kinds and reporters, with lines that are odd, bad, blank, known or
contradict others. After each fault the same command is given again and nothing else is done. Every table then holds
what a run that nothing disturbed leaves, no record is lost or doubled, and `verify` finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.builders import MovableClock, till
from tests.campaigns.conftest import SEED, Figure, planned
from tests.campaigns.crashing_server import CrashingServer
from tests.closing.attacks import spread, struck
from tests.closing.commands import PRIVACY_KEY, PRIVACY_SECRET
from tests.closing.import_attacks import Imports, give_at_once, must_be_refused, shuffled
from tests.closing.killing import REFUSED, KillServer
from tests.closing.places import Place, PostgresqlDatabase, SqliteFile
from tokentill.store.database import Database

pytestmark = pytest.mark.campaign

WORLDS = 8
ALL_ON_EACH = 20
ROOM_BYTES = (33_000, 80_000)
"""Room for the file that processes share (32 KiB), and not for what most imports write to SQLite's journal."""

LABELS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
Worlds = Callable[[int], Imports]


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    """A process that runs jobs in children and kills them."""
    with KillServer() as started:
        yield started


@pytest.fixture
def place(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Place]:
    """An empty database, which is kept as it is under the name "empty"."""
    made = SqliteFile(tmp_path) if kind == "sqlite" else PostgresqlDatabase(request.getfixturevalue("postgresql_url"))
    made.keep("empty")
    yield made
    made.remove()


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    """The same database, opened. Nobody has it open who calls `close` in between."""
    opened = Database.open(place.url)
    yield opened
    opened.close()


@pytest.fixture
def worlds(server: KillServer, place: Place, tmp_path: Path) -> Worlds:
    """Makes the imports of the world of a number, undisturbed; there is one at a time."""

    def made(number: int) -> Imports:
        folder = tmp_path / f"world {number}"
        folder.mkdir()
        place.put_back("empty")
        return Imports(server, place, folder, SEED + number)

    return made


@pytest.mark.parametrize(("kind", "kills"), [("sqlite", 2_000), ("postgresql", 1_500)])
def test_killed_at_statements_and_commits(kind: str, kills: int, worlds: Worlds, figure: Figure) -> None:
    with figure(f"{LABELS[kind]}: an import is killed at a statement or commit edge", planned(kills)) as count:
        for number in range(WORLDS):
            one = worlds(number)
            wanted = (count.planned - count.fired) // (WORLDS - number)
            for place, (step, edge) in enumerate(spread(one.edges, wanted)):
                with one.attack(int(step)):
                    job = one.job(int(step), edges="statements", kill_at=edge)
                    count.fired += one.server.run(job).was_killed
                    _end(one, int(step), place, f"world {number} of seed {SEED}: edge {edge} of step {step}")


@pytest.mark.parametrize("kind", ["sqlite"])
def test_killed_at_any_instruction_up_to_three_times(kind: str, worlds: Worlds, figure: Figure) -> None:
    with figure(f"{LABELS[kind]}: an import is killed at any instruction, up to thrice", planned(1_500)) as count:
        for number in range(WORLDS):
            one = worlds(WORLDS + number)
            calls = one.calls
            upto = count.planned * (number + 1) // WORLDS
            for cycle in range(5 * count.planned):
                if count.fired >= upto:
                    break
                chance = Random(f"{SEED} {number} {cycle}")
                step, _ = one.any_edge(chance)
                with one.attack(step):
                    for _ in range(chance.randint(1, 3)):
                        at = chance.randint(1, calls[step])
                        count.fired += one.server.run(one.job(step, edges="calls", kill_at=at)).was_killed
                    _end(one, step, cycle, f"world {number}, cycle {cycle} of seed {SEED}: step {step}")


def _end(one: Imports, step: int, number: int, where: str) -> None:
    """Give the step again, and all others after it in every twentieth cycle."""
    one.finish(step, where)
    if number % ALL_ON_EACH == 0:
        one.finish_all(step, where)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_order_any_cut_and_anything_twice_come_to_the_same(
    kind: str, place: Place, database: Database, monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    monkeypatch.setenv(PRIVACY_KEY.key_env, PRIVACY_SECRET)
    with figure(f"{LABELS[kind]}: rows shuffled, cut into other files and given twice", planned(1_000)) as count:
        for number, chance in count.attempts():
            place.put_back("empty")
            shuffled(till(database, clock=MovableClock()), SEED + number, chance, monkeypatch)
            database.close()
            count.fired += 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_imports_at_once_give_the_union_once(
    kind: str, server: KillServer, place: Place, database: Database, tmp_path: Path, figure: Figure
) -> None:
    label = f"{LABELS[kind]}: two or three imports at once, some of them killed"
    with figure(label, planned(250)) as count:
        for number, chance in count.attempts():
            place.put_back("empty")
            give_at_once(server, database, tmp_path, SEED + number, chance)
            count.fired += 1


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_batch_that_does_not_wait_for_another_is_caught(
    kind: str, server: KillServer, place: Place, database: Database, tmp_path: Path
) -> None:
    def give() -> None:
        for number in range(200):
            place.put_back("empty")
            chance = Random(SEED + number)
            give_at_once(server, database, tmp_path, SEED + number, chance, defect="nobody waits")

    with pytest.raises(AssertionError):
        give()


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_disk_is_full(kind: str, worlds: Worlds, figure: Figure) -> None:
    with figure(f"{LABELS[kind]}: the disk is full while an import runs", planned(150)) as count:
        one = worlds(0)
        for number, chance in count.attempts():
            step, _ = one.any_edge(chance)
            with one.attack(step):
                limit = chance.randint(*ROOM_BYTES)
                ended = one.server.run(replace(one.job(step), file_bytes_max=limit))
                count.fired += must_be_refused(ended)
                _end(one, step, number, f"cycle {number} of seed {SEED}: step {step}, {limit} bytes")


@pytest.mark.parametrize("kind", ["postgresql"])
def test_every_connection_is_lost(kind: str, worlds: Worlds, figure: Figure) -> None:
    with figure(f"{LABELS[kind]}: every connection is lost while an import runs", planned(150)) as count:
        one = worlds(0)
        assert isinstance(one.place, PostgresqlDatabase)
        for number, chance in count.attempts():
            step, edge = one.any_edge(chance)
            with one.attack(step):
                ended = struck(one.server, one.job(step), one.folder, edge, chance, one.place.cut)
                count.fired += must_be_refused(ended)
                _end(one, step, number, f"cycle {number} of seed {SEED}: edge {edge} of step {step}")


def test_the_server_is_killed(server: KillServer, tmp_path: Path, figure: Figure) -> None:
    def crash() -> None:
        crashing.kill()
        crashing.start()

    with CrashingServer() as crashing:
        one = Imports(server, PostgresqlDatabase(crashing.url), tmp_path, SEED)
        with figure("PostgreSQL: the server is killed while an import runs", planned(150)) as count:
            for number, chance in count.attempts():
                step, edge = one.any_edge(chance)
                with one.attack(step):
                    ended = struck(one.server, one.job(step), one.folder, edge, chance, crash)
                    count.fired += ended.status == REFUSED
                    must_be_refused(ended)
                    _end(one, step, number, f"cycle {number} of seed {SEED}: edge {edge} of step {step}")
