"""The long form of every fault: each disturbs one command of two months, which is then given again and nothing else.

After each one no record is lost or doubled, every document has the bytes of a run that nothing disturbed, and nothing
is left half done; after every twentieth the rest of the months ends so too. A campaign fails when fewer faults fired
than it planned.

TOKENTILL_CAMPAIGN_SHARE says which share of the planned faults is made (1), TOKENTILL_CAMPAIGN_SEED where chance
begins (2026).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaigns.conftest import SEED, Figure, planned
from tests.campaigns.crashing_server import CrashingServer
from tests.closing.attacks import Attack, Months, full_disk, kill_at, spread, struck
from tests.closing.commands import COMMANDS
from tests.closing.killing import REFUSED, KillServer
from tests.closing.places import PostgresqlDatabase, SqliteFile

pytestmark = pytest.mark.campaign

CUSTOMERS = 3
PLAYED_ON_EACH = 20
CONCURRENT = tuple(name for name, command in COMMANDS.items() if not command.tells_stripe)


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    """A process that runs jobs in children and kills them."""
    with KillServer() as started:
        yield started


@pytest.fixture(scope="module")
def sqlite(server: KillServer, tmp_path_factory: pytest.TempPathFactory) -> Months:
    """Two months in a SQLite file that nothing disturbed."""
    folder = tmp_path_factory.mktemp("months")
    return Months(server, SqliteFile(folder), folder, CUSTOMERS)


@pytest.fixture(scope="module")
def postgresql(
    server: KillServer, postgresql_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Months, PostgresqlDatabase]]:
    """The same in a PostgreSQL database."""
    place = PostgresqlDatabase(postgresql_url)
    yield Months(server, place, tmp_path_factory.mktemp("months"), CUSTOMERS), place
    place.remove()


def test_sqlite_killed_at_every_statement_and_commit(sqlite: Months, figure: Figure) -> None:
    with figure("SQLite: killed at a statement or commit edge", planned(len(sqlite.edges))) as count:
        for number, (name, edge) in enumerate(spread(sqlite.edges, count.planned)):
            with sqlite.attack(name) as attack:
                count.fired += kill_at(edge)(attack, attack.job())
                _end(attack, number, f"killed at edge {edge} of {name}")


def test_sqlite_killed_at_any_instruction_up_to_three_times(sqlite: Months, figure: Figure) -> None:
    calls = sqlite.calls
    with figure("SQLite: killed at any instruction, up to three times in a row", planned(2_000)) as count:
        for number, chance in count.attempts():
            name, _ = sqlite.any_edge(chance)
            with sqlite.attack(name) as attack:
                for _ in range(chance.randint(1, 3)):
                    at = chance.randint(1, calls[name])
                    count.fired += kill_at(at, "calls")(attack, attack.job())
                _end(attack, number, f"cycle {number} of seed {SEED}: {name}")


def test_sqlite_on_a_disk_that_becomes_full(sqlite: Months, figure: Figure) -> None:
    with figure("SQLite: the disk is full", planned(200)) as count:
        for number, chance in count.attempts():
            name, _ = sqlite.any_edge(chance)
            with sqlite.attack(name) as attack:
                limit = chance.randint(0, Path(sqlite.place.url).stat().st_size)
                count.fired += full_disk(limit)(attack, attack.job())
                _end(attack, number, f"cycle {number} of seed {SEED}: {name}, {limit} bytes")


def test_sqlite_killed_and_given_again_under_another_clock(sqlite: Months, figure: Figure) -> None:
    with figure("SQLite: killed, and the clock jumps forward or back", planned(200)) as count:
        for number, chance in count.attempts():
            name, edge = sqlite.any_edge(chance)
            first, second = chance.randint(0, 2), chance.randint(0, 2)  # Stripe takes 35 days
            where = f"cycle {number} of seed {SEED}: edge {edge} of {name}, {first} days ahead, then {second}"
            with sqlite.attack(name) as attack:
                count.fired += kill_at(edge)(attack, attack.job(days_ahead=first))
                attack.finish(where, days_ahead=second)


def test_postgresql_clients_killed_at_statements_and_commits(
    postgresql: tuple[Months, PostgresqlDatabase], figure: Figure
) -> None:
    months, _ = postgresql
    wanted = min(planned(1_000), len(months.edges))
    with figure("PostgreSQL: the client is killed at a statement or commit edge", wanted) as count:
        for number, (name, edge) in enumerate(spread(months.edges, count.planned)):
            with months.attack(name) as attack:
                count.fired += kill_at(edge)(attack, attack.job())
                _end(attack, number, f"killed at edge {edge} of {name}")


def test_postgresql_loses_every_connection(postgresql: tuple[Months, PostgresqlDatabase], figure: Figure) -> None:
    months, place = postgresql
    with figure("PostgreSQL: every connection is lost", planned(200)) as count:
        for number, chance in count.attempts():
            name, edge = months.any_edge(chance)
            with months.attack(name) as attack:
                ended = struck(months.server, attack.job(), months.folder, edge, chance, place.cut)
                count.fired += ended.status == REFUSED
                _end(attack, number, f"cycle {number} of seed {SEED}: edge {edge} of {name}")


def test_postgresql_servers_killed_at_any_moment(server: KillServer, tmp_path: Path, figure: Figure) -> None:
    def crash() -> None:
        crashing.kill()
        crashing.start()

    with CrashingServer() as crashing:
        months = Months(server, PostgresqlDatabase(crashing.url), tmp_path, CUSTOMERS)
        with figure("PostgreSQL: the server is killed while commands run", planned(400)) as count:
            for number, chance in count.attempts():
                name, edge = months.any_edge(chance)
                with months.attack(name) as attack:
                    ended = struck(server, attack.job(), months.folder, edge, chance, crash)
                    count.fired += ended.status == REFUSED
                    _end(attack, number, f"cycle {number} of seed {SEED}: edge {edge} of {name}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_three_at_once_of_which_one_is_killed(request: pytest.FixtureRequest, kind: str, figure: Figure) -> None:
    found = request.getfixturevalue(kind)
    months: Months = found if kind == "sqlite" else found[0]
    label = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind]
    with figure(f"{label}: three at once, one of them killed or behind another", planned(250)) as count:
        for number, chance in count.attempts():
            name, edge = months.any_edge(chance, *CONCURRENT)
            with months.attack(name) as attack:
                job = attack.job(edges="statements")
                ended = months.server.run_at_once([attack.job(edges="statements", kill_at=edge), job, job])
                assert {one.status for one in ended[1:]} <= {0, REFUSED}, ended
                count.fired += ended[0].was_killed or ended[0].status == REFUSED
                # Who stages a file that another one stages or accepts leaves an import that brings nothing.
                where = f"round {number} of seed {SEED}: edge {edge} of {name}"
                _end(attack, number, where, but=("imports",) if name == "stage" else ())


def _end(attack: Attack, number: int, where: str, *, but: tuple[str, ...] = ()) -> None:
    """Give the command again, and all others after it in every twentieth cycle."""
    attack.finish(where, but=but)
    if number % PLAYED_ON_EACH == 0 and attack.stand_in is None and not but:
        attack.play_on(where)
