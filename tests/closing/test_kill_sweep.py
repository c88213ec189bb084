"""A close that is killed before or after a commit or a statement, and run again, ends in the same bytes.

Every cycle is a fresh process that closes the month and gets SIGKILL at one chosen edge, then another fresh process
that closes again; what it leaves is compared with a run that nothing disturbed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import till
from tests.closing.commands import Job
from tests.closing.killing import KillServer
from tests.invoicing.bench import Outcome, numbers, outcome
from tests.shares import IN_CAMPAIGNS, stride
from tokentill.store import tables
from tokentill.store.audit import audit_faults
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready

CUSTOMERS = 6
STRIDE = 9 if IN_CAMPAIGNS else 61
COMMITS_MIN = 2 + 3
"""One to begin the run, one each for one, two and three invoices, one to end the run."""


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    """A process that runs jobs in children and kills them."""
    with KillServer() as started:
        yield started


@pytest.fixture(scope="module")
def prepared(server: KillServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the usage of six customers, not closed yet."""
    path = tmp_path_factory.mktemp("prepared") / "prepared.db"
    database = Database.open(str(path))
    make_ready(database)
    database.close()
    server.finish(Job(str(path), ("ingest",), CUSTOMERS))
    return path


@pytest.fixture(scope="module")
def undisturbed(server: KillServer, prepared: Path) -> dict[bool, Outcome]:
    """What is issued where nothing is killed, at the old prices (False) and at the dearer ones (True)."""
    found = {}
    for is_dearer in (False, True):
        path = shutil.copy(prepared, prepared.with_name(f"undisturbed-{is_dearer}.db"))
        server.finish(Job(str(path), is_dearer=is_dearer))
        found[is_dearer] = looked_at(path)[0]
        assert [number for number, *_ in found[is_dearer]] == list(numbers(CUSTOMERS))
    assert found[False][0][2] != found[True][0][2]
    assert found[False][0][3] != found[True][0][3]
    return found


def looked_at(path: Path) -> tuple[Outcome, int]:
    """What a file holds, which must be sound, and how many runs were begun in it."""
    database = Database.open(str(path))
    try:
        one = till(database)
        assert one.verify().is_sound
        with database.read() as connection:
            assert audit_faults(connection) == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            runs = connection.execute(tables.close_run.select()).all()
        assert len(runs) <= 1
        return outcome(one), len(runs)
    finally:
        database.close()


def test_a_close_killed_at_every_edge_of_a_commit_ends_in_the_same_bytes(
    server: KillServer, prepared: Path, undisturbed: dict[bool, Outcome], tmp_path: Path
) -> None:
    planned = server.count(Job(str(shutil.copy(prepared, tmp_path / "counted.db"))))
    assert planned >= 2 * COMMITS_MIN
    before = server.kills
    edges = range(1, planned + 1, stride(3))  # before a commit, after the next one, before the one after that
    for edge in edges:
        path = shutil.copy(prepared, tmp_path / f"killed-{edge}.db")
        assert server.run(Job(str(path), kill_at=edge)).was_killed
        server.finish(Job(str(path)))
        assert looked_at(path)[0] == undisturbed[False], f"killed at edge {edge} of {planned}"
    assert server.kills - before == len(edges)


def test_what_people_write_after_a_kill_does_not_get_into_a_run_that_had_begun(
    server: KillServer, prepared: Path, undisturbed: dict[bool, Outcome], tmp_path: Path
) -> None:
    """Killed at one in so many edges of all statements. A run that had not begun rightly takes the new prices."""
    edges = server.count(Job(str(shutil.copy(prepared, tmp_path / "counted.db")), edges="statements"))
    planned = range(1, edges + 1, STRIDE)
    assert edges >= 12 * CUSTOMERS
    before, begun = server.kills, 0
    for edge in planned:
        path = shutil.copy(prepared, tmp_path / f"killed-{edge}.db")
        assert server.run(Job(str(path), edges="statements", kill_at=edge)).was_killed
        had_begun = looked_at(path)[1] == 1
        begun += had_begun
        server.finish(Job(str(path), is_dearer=True))
        assert looked_at(path)[0] == undisturbed[not had_begun], f"killed at edge {edge} of {edges}"
    assert server.kills - before == len(planned)
    assert len(planned) // 2 < begun < len(planned)


def test_a_close_that_is_killed_again_and_again_still_ends_in_the_same_bytes(
    server: KillServer, prepared: Path, undisturbed: dict[bool, Outcome], tmp_path: Path
) -> None:
    """Each attempt is killed a little later than the one before, so that most are resumptions of resumptions."""
    path = shutil.copy(prepared, tmp_path / "killed.db")
    attempts = 0
    for edge in range(4, 50, stride(2)):
        ended = server.run(Job(str(path), edges="statements", kill_at=6 * edge))
        if not ended.was_killed:
            assert ended.status == 0, ended.message
            break
        attempts += 1
    assert attempts >= CUSTOMERS // 3
    assert looked_at(path)[0] == undisturbed[False]
