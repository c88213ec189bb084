"""A close that is killed before or after any of its commits, and run again, ends in the same bytes.

Each cycle forks a child that closes the month and kills itself with SIGKILL at one chosen edge of a commit; then the
parent closes again and compares with a run that nothing disturbed.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.builders import OCTOBER, contract, folder, price, prices, record
from tests.builders import MovableClock as Clock
from tests.invoicing.invoicing_tools import outcome
from tokentill.canonical import Content
from tokentill.store.database import Database
from tokentill.store.invoices import open_run
from tokentill.store.migrating import make_ready
from tokentill.till import Till

CUSTOMERS = ("ada", "bob", "cyd", "dee", "eve", "fay")
KILLS_MIN = 16
CONTENTS: Sequence[Content] = (
    prices(price(), price("acme/small", rates={"input": "0.1", "output": "0.4"})),
    contract(rules=[{"name": "all", "markup_percent": {"default": "20"}}]),
)


class CommitEdges:
    """Counts the edges of commits on a database, and kills this process at one of them.

    An edge is the moment before a commit or after it; a connection is closed right after its commit, which is the
    first thing that is told of it.
    """

    def __init__(self, database: Database, kill_at: int | None = None) -> None:
        self.seen = 0
        self._kill_at = kill_at
        self._has_committed = False
        event.listen(database.engine, "commit", self._before)
        event.listen(database.engine, "checkin", self._after)

    def _before(self, _connection: object) -> None:
        self._has_committed = True
        self._edge()

    def _after(self, *_arguments: object) -> None:
        if self._has_committed:
            self._has_committed = False
            self._edge()

    def _edge(self) -> None:
        self.seen += 1
        if self.seen == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def open_till(path: Path, *contents: Content) -> Till:
    database = Database.open(str(path))
    make_ready(database)
    return Till(database, folder(*(contents or CONTENTS)), clock=Clock(), grace=Clock().instant - Clock().instant)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A file with the usage of six customers, not closed yet."""
    path = tmp_path / "prepared.db"
    with open_till(path) as till:
        till.ingest(
            record(f"{customer}-{number}", user=customer, when=str(number + 1), model=model)
            for customer in CUSTOMERS
            for number, model in enumerate(("acme/large", "acme/small", "acme/large"))
        )
    return path


def close_and_be_killed(path: Path, edge: int) -> bool:
    """Close in a child that is killed at an edge; whether it was."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            till = open_till(path)
            CommitEdges(till.database, kill_at=edge)
            till.close(OCTOBER)
            status = 0
        finally:
            os._exit(status)
    _, how = os.waitpid(child, 0)
    return os.WIFSIGNALED(how) and os.WTERMSIG(how) == signal.SIGKILL


def test_a_close_killed_at_any_edge_of_a_commit_ends_in_the_same_bytes(prepared: Path, tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed.db"
    shutil.copy(prepared, undisturbed)
    with open_till(undisturbed) as till:
        edges = CommitEdges(till.database)
        assert len(till.close(OCTOBER).issued) == len(CUSTOMERS)
        planned = edges.seen
        expected = outcome(till)
    assert planned >= KILLS_MIN

    killed, resumed = 0, 0
    for edge in range(1, planned + 1):
        path = tmp_path / f"killed-{edge}.db"
        shutil.copy(prepared, path)
        killed += close_and_be_killed(path, edge)
        with open_till(path) as till, till.database.read() as connection:
            was_cut_off = open_run(connection, OCTOBER) is not None
        # What people write after the kill must not get into the run that was cut off.
        dearer = prices(price(rates={"input": "300", "output": "1500"}), recorded_at="2026-11-01T00:00:00Z")
        with open_till(path, *CONTENTS, *([dearer] if was_cut_off else [])) as till:
            closed = till.close(OCTOBER)
            assert not closed.is_refused
            assert closed.resumed == was_cut_off
            assert outcome(till) == expected, f"killed at edge {edge}"
            assert till.verify().is_sound
        resumed += was_cut_off
    assert killed == planned
    assert resumed >= 2 * len(CUSTOMERS)
