"""Processes that are killed on purpose, at an instruction that is chosen beforehand.

`KillServer` starts this module as a process of its own. It has one thread and imports everything once, so that it
may fork a fresh child for each job; a child connects to the database itself and sends itself SIGKILL at its
`kill_at`-th edge. A job that was rehearsed has its statements compiled before the fork. What an edge is, the job says:

- `commits`: right before and right after every commit;
- `statements`: these, and right before and right after every statement;
- `calls`: every call of a Python or C function and every return from one.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import event

from tests.builders import MovableClock
from tests.closing.commands import Edges, Job, opened, work
from tests.closing.defects import plant
from tests.closing.import_worlds import in_small_parts
from tokentill.errors import Refused
from tokentill.store.database import Database
from tokentill.till import Till

ROOT = Path(__file__).resolve().parents[2]
KILLED = -signal.SIGKILL
REFUSED = 3


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit status (negative: the signal), and how many edges it saw, if it lived to tell."""

    status: int
    seen: int | None
    message: str

    @property
    def was_killed(self) -> bool:
        """Whether it was killed, as planned."""
        return self.status == KILLED


class KillServer:
    """Runs jobs in children that may be killed. Use it as a context manager."""

    def __init__(self) -> None:
        self.kills = 0

    def __enter__(self) -> KillServer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.closing.killing"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def run(self, job: Job) -> Ended:
        """Do one job and say how it ended."""
        return self.run_at_once([job])[0]

    def run_at_once(self, jobs: Sequence[Job]) -> list[Ended]:
        """Do some jobs at the same time and say how they ended."""
        ended = self._ask(jobs)
        self.kills += sum(found.was_killed for found in ended)
        return ended

    def rehearse(self, job: Job) -> None:
        """Do a job in the server itself, so that children with the same URL begin warm."""
        (ended,) = self._ask([job], is_rehearsal=True)
        assert ended.status == 0, ended.message

    def finish(self, job: Job) -> None:
        """Do a job that nothing disturbs."""
        ended = self.run(job)
        assert ended.status == 0, ended.message

    def count(self, job: Job) -> int:
        """How many edges a job has that nothing disturbs."""
        ended = self.run(job)
        assert ended.status == 0, ended.message
        assert ended.seen
        return ended.seen

    def _ask(self, jobs: Sequence[Job], *, is_rehearsal: bool = False) -> list[Ended]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([is_rehearsal, [asdict(job) for job in jobs]]) + "\n")
        self._process.stdin.flush()
        return [Ended(**found) for found in json.loads(self._process.stdout.readline())]


@dataclass(frozen=True)
class _Opened:
    """A database with a till of the scenario and its clock. No connection is open before or after a job."""

    database: Database
    till: Till
    clock: MovableClock

    @classmethod
    def of(cls, job: Job) -> _Opened:
        database = Database.open(job.url)
        return cls(database, *opened(database, is_dearer=job.is_dearer))


_REHEARSED: dict[tuple[str, bool], _Opened] = {}


def _serve() -> None:
    in_small_parts(setattr)
    for line in sys.stdin:
        is_rehearsal, asked = json.loads(line)
        jobs = [Job(**job) for job in asked]
        if is_rehearsal:
            ended = [_rehearse(job) for job in jobs]
        else:
            ended = [_wait(child, told) for child, told in [_start(job) for job in jobs]]
        print(json.dumps(ended), flush=True)


def _rehearse(job: Job) -> dict[str, Any]:
    gc.unfreeze()
    one = _REHEARSED.setdefault((job.url, job.is_dearer), _Opened.of(job))
    try:
        work(job, one.till, one.clock)
    except Exception as fault:  # noqa: BLE001 - whatever it was, the test wants to read it
        return {"status": 1, "seen": None, "message": repr(fault)}
    finally:
        one.database.close()
        gc.collect()
        gc.freeze()  # what is there before a fork stays one copy
    return {"status": 0, "seen": None, "message": ""}


def _start(job: Job) -> tuple[int, int]:
    told, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(tell)
        return child, told
    os.close(told)
    status, edges = 1, _Edges(job)
    try:
        status = _work_and_tell(job, edges, tell)
    finally:
        os._exit(status)


def _work_and_tell(job: Job, edges: _Edges, tell: int) -> int:
    message, status = "", 0
    try:
        plant(job.defect)
        one = _REHEARSED.get((job.url, job.is_dearer)) or _Opened.of(job)
        edges.watch(one.database, job.edges)
        work(job, one.till, one.clock)
    except Refused as refused:
        message, status = str(refused), REFUSED
    except BaseException as fault:  # noqa: BLE001 - whatever it was, the test wants to read it
        message, status = repr(fault), 1
    finally:
        sys.setprofile(None)
    os.write(tell, json.dumps({"seen": edges.seen, "message": message}).encode())
    return status


def _wait(child: int, told: int) -> dict[str, Any]:
    with os.fdopen(told, "rb") as pipe:
        text = pipe.read()
    _, how = os.waitpid(child, 0)
    found: dict[str, Any] = {"seen": None, "message": ""}
    with suppress(ValueError):
        found = json.loads(text)
    return {"status": os.waitstatus_to_exitcode(how), **found}


class _Edges:
    """Counts edges, and kills this process at one of them, or makes a file there."""

    def __init__(self, job: Job) -> None:
        self.seen = 0
        self._kill_at, self._flag_at, self._flag = job.kill_at, job.flag_at, job.flag

    def watch(self, database: Database, edges: Edges) -> None:
        """From now on."""
        if edges == "calls":
            sys.setprofile(self._edge)
            return
        dialect = database.engine.dialect
        commit: Callable[[Any], None] = dialect.do_commit

        def do_commit(connection: Any) -> None:
            self._edge()
            commit(connection)
            self._edge()

        dialect.do_commit = do_commit  # type: ignore[method-assign]
        if edges == "statements":
            event.listen(database.engine, "before_cursor_execute", self._edge)
            event.listen(database.engine, "after_cursor_execute", self._edge)

    def _edge(self, *_arguments: object) -> None:
        self.seen += 1
        if self.seen == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.seen == self._flag_at:
            Path(self._flag).touch()


if __name__ == "__main__":
    _serve()
