"""Imports that are killed, shuffled, given at once or refused come to what an undisturbed one does: the short form.

And each defect that is planted on purpose is caught by one of these laws.
"""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.builders import MovableClock, till
from tests.closing.attacks import spread
from tests.closing.commands import PRIVACY_KEY, PRIVACY_SECRET
from tests.closing.defects import DEFECTS, UNDER_CONCURRENCY, plant
from tests.closing.import_attacks import Imports, give_at_once, must_be_refused, shuffled
from tests.closing.import_worlds import world
from tests.closing.killing import KillServer
from tests.closing.places import PostgresqlDatabase, SqliteFile
from tests.shares import IN_CAMPAIGNS, daily, stride
from tokentill.store.database import Database

SEED = 22
KILLS = 9 if IN_CAMPAIGNS else 5


@pytest.fixture(scope="module")
def server() -> Iterator[KillServer]:
    """A process that runs jobs in children and kills them."""
    with KillServer() as started:
        yield started


@pytest.fixture(scope="module")
def imports(server: KillServer, tmp_path_factory: pytest.TempPathFactory) -> Imports:
    """The imports of a world in a SQLite file that nothing disturbed."""
    folder = tmp_path_factory.mktemp("imports")
    return Imports(server, SqliteFile(folder), folder, SEED)


@pytest.fixture(autouse=True)
def privacy_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hides the users of a source."""
    monkeypatch.setenv(PRIVACY_KEY.key_env, PRIVACY_SECRET)


def test_worlds_have_something_of_everything(imports: Imports) -> None:
    rows = imports.after[-1].rows
    names = ("revision", "witness", "quarantine", "control_total", "withdrawal", "usage_unit", "staged_record")
    assert all(rows[name] for name in names)
    assert max(row["version"] for row in rows["control_total"]) == 2
    assert len(rows["batch"]) > len(imports.steps)
    assert {step.command for step in imports.steps} == {"take", "stage a file", "accept"}
    assert {step.given.packed for step in imports.steps} == {"", "gzip", "zstd"}
    assert any(row.record and row.record.user and row.record.user.startswith("h1:") for row in world(1).rows)


def test_killed_anywhere_and_given_again_an_import_ends_the_same(imports: Imports) -> None:
    fired = 0
    for step, edge in spread(imports.edges, KILLS):
        fired += killed(imports, int(step), edge)
    assert fired == KILLS


def test_a_full_disk_refuses_an_import_and_given_again_it_ends_the_same(imports: Imports) -> None:
    with imports.attack(0):
        ended = imports.server.run(replace(imports.job(0), file_bytes_max=20_000))
        assert must_be_refused(ended)
        imports.finish(0, "a full disk")


def test_a_command_on_a_full_disk_says_so_and_ends_with_a_code_of_its_own(tmp_path: Path) -> None:
    made, database = world(SEED), tmp_path / "activity.db"
    file = tmp_path / "activity.jsonl"
    file.write_bytes(b"\n".join(row.text for row in made.of("export")))
    command = [sys.executable, "-m", "tokentill", "ingest", str(file), "--db", str(database)]
    how: dict[str, Any] = {"capture_output": True, "text": True}
    undisturbed = subprocess.run([*command[:-1], str(tmp_path / "other.db")], check=True, **how)
    size = (tmp_path / "other.db").stat().st_size
    ended = subprocess.run(command, check=False, **how, preexec_fn=lambda: let_files_grow_to(size // 3))
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "nothing was half done. Run the command again" in ended.stderr
    again = subprocess.run(command, check=True, **how)
    assert again.stdout == undisturbed.stdout


@pytest.mark.parametrize("seed", daily([3, 4], 1))
def test_any_order_cut_and_repetition_come_to_the_same(
    sqlite_database: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled(till(sqlite_database, clock=MovableClock()), seed, Random(seed), monkeypatch)


def test_any_order_comes_to_the_same_on_postgresql(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled(till(postgresql_database, clock=MovableClock()), 7, Random(7), monkeypatch)


def test_imports_at_once_give_the_union_once(database: Database, server: KillServer, tmp_path: Path) -> None:
    give_at_once(server, database, tmp_path, 3, Random(3))


def test_on_postgresql_an_import_is_killed_cut_off_and_given_again(
    server: KillServer, postgresql_url: str, tmp_path: Path
) -> None:
    place = PostgresqlDatabase(postgresql_url)
    try:
        one = Imports(server, place, tmp_path, SEED, requests=8)
        for step in range(0, len(one.steps), stride(8)):
            assert killed(one, step, one.after[step].edges // 2)
    finally:
        place.remove()


def killed(one: Imports, step: int, edge: int) -> bool:
    """Kill a step at an edge and give it again: whether it was killed."""
    with one.attack(step):
        was_killed = one.server.run(one.job(step, edges="statements", kill_at=edge)).was_killed
        one.finish(step, f"killed at edge {edge} of step {step}")
    return was_killed


def let_files_grow_to(size: int) -> None:
    """Let no file of this process grow beyond a size."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def orders_are_alike(imports: Imports, name: str, patch: pytest.MonkeyPatch) -> None:
    """Rows in any order come to the same."""
    for seed in (4, 3):
        imports.place.put_back("0")
        with patch.context() as planted:
            plant(name, planted.setattr)
            shuffled(till(imports.database, clock=MovableClock()), seed, Random(seed), patch)
        imports.database.close()


def steps_end_the_same(imports: Imports, name: str, _: pytest.MonkeyPatch) -> None:
    """Each step ends as it does undisturbed, also when it is given twice."""
    with defective(imports, name):
        for step in range(len(imports.steps)):
            with imports.attack(step):
                imports.server.finish(imports.job(step))
                imports.finish(step, name)


def kills_change_nothing(imports: Imports, name: str, _: pytest.MonkeyPatch) -> None:
    """A step that is killed ends as it does undisturbed."""
    taken = [number for number, step in enumerate(imports.steps) if step.command == "take"]
    longest = max(taken, key=lambda number: imports.after[number].edges)
    with defective(imports, name):
        for edge in range(100, 200, 3):
            assert killed(imports, longest, edge)


LAWS: tuple[Callable[[Imports, str, pytest.MonkeyPatch], None], ...] = (
    orders_are_alike,
    steps_end_the_same,
    kills_change_nothing,
)


@contextmanager
def defective(imports: Imports, name: str) -> Iterator[None]:
    """Let every process have a defect."""
    imports.defect = name
    try:
        yield
    finally:
        imports.defect = ""


@pytest.mark.parametrize("name", daily([name for name in DEFECTS if name not in UNDER_CONCURRENCY], 3))
def test_planted_defects_are_caught(imports: Imports, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for law in LAWS:
        try:
            law(imports, name, monkeypatch)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it was caught
            print(f"{name}: {law.__name__}: {str(fault)[:300]}")
            return
        finally:
            imports.database.close()
    raise AssertionError(f"nobody catches it when {name}")
