"""Processes that are killed on purpose, at an instruction that is chosen beforehand.

`KillServer` starts this module as a process of its own. It has one thread and imports everything once, so that it
may fork a fresh child for each job; a child opens the database itself and sends itself SIGKILL at its `kill_at`-th
edge. What an edge is, the job says:

- `commits`: right before and right after every commit;
- `statements`: these, and right before and right after every statement;
- `calls`: every call of a Python or C function and every return from one.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from sqlalchemy import event

from tests.builders import OCTOBER, MovableClock, attribution, contract, grants, price, prices, record, till
from tokentill.canonical import Content
from tokentill.clock import FixedClock
from tokentill.closing import ingest as ingesting
from tokentill.closing import staging
from tokentill.errors import Refused
from tokentill.store.database import Database
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.testing.stripe import API_KEY
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

Edges = Literal["commits", "statements", "calls"]
ROOT = Path(__file__).resolve().parents[2]
KILLED = -signal.SIGKILL
REFUSED = 3
RECORDS_OF_EACH = 4
BATCH_RECORDS = 10


@dataclass(frozen=True)
class Job:
    """What a child does: some of `COMMANDS`, for so many customers, until it is killed.

    With `is_dearer` everything has become a hundred times as expensive and the clock shows another month. `stripe` is
    where the stand-in of Stripe listens; the clock is so many `days_ahead`; no file may grow beyond `file_bytes_max`,
    as on a full disk.
    """

    url: str
    steps: Sequence[str] = ("close",)
    customers: int = 6
    edges: Edges = "commits"
    kill_at: int = 0
    is_dearer: bool = False
    stripe: str = ""
    days_ahead: int = 0
    file_bytes_max: int = 0


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


INVOICE: Content = {
    "base_fee": {"amount": "1.1"},
    "coupon": [{"id": "first", "percent": "10", "periods": 1}],
    "tax": [{"name": "VAT", "percent": "19"}],
    "smallest_amount": "1.2",
}


def contents(*, is_dearer: bool = False) -> tuple[Content, ...]:
    """Prices and contracts of the scenario."""
    large = price(rates={"input": "300", "output": "1500"}) if is_dearer else price()
    return (
        prices(large, price("acme/small", rates={"input": "0.1", "output": "0.4"})),
        contract(rules=[{"name": "all", "markup_percent": "20"}], invoice=INVOICE),
        contract("customer", "u001", time_zone="Europe/Berlin", rules=[{"name": "own", "basis": "cost"}]),
        contract("customer", "u002", rules=[{"name": "included", "allowance": {"units": {"input_total": 5000}}}]),
        grants(*({"id": "welcome", "customer": f"u{number:03d}", "amount": "0.02"} for number in range(6))),
        attribution(tolerance_percent="0"),
    )


def records(customers: int) -> list[UsageRecord]:
    """Some records of each customer, on two models."""
    return [
        record(
            f"{customer}-{number}",
            user=f"u{customer:03d}",
            when=f"{1 + (customer + 7 * number) % 31}",
            model=("acme/large", "acme/small")[number % 2],
            cost="0.0123",
            input=1000 * (customer + 1) + number,
            output=7 * customer,
        )
        for customer in range(customers)
        for number in range(RECORDS_OF_EACH)
    ]


def _ingest(one: Till, job: Job) -> None:
    one.ingest(records(job.customers), name="activity")


def _close(one: Till, _: Job) -> None:
    closed = one.close(OCTOBER)
    if closed.is_refused:
        raise AssertionError(f"refused: {closed.content()}")


def _revise(one: Till, _: Job) -> None:
    one.ingest([record("0-0", user="u000", when="1", cost="0.5", input=900_000)], name="again")
    one.accept_revision("arouter", "0-0", reason="corrected", by="rita")


def _retract(one: Till, _: Job) -> None:
    one.retract(record=("arouter", "1-1"), reason="a test", by="rita")
    one.retract(filter="user=u002 model=acme/small", reason="a load test", by="rita")


def _stage(one: Till, job: Job) -> None:
    more = [
        record(f"more-{n}", user=f"u{n % job.customers:03d}", when=f"{1 + n}", cost="0.02", input=50_000)
        for n in range(14)
    ]
    known = {imported.name: imported for imported in one.imports().imports}.get("looked at")
    number = known.number if known is not None and known.state in ("accepted", "taken") else None
    one.accept_import(number or one.ingest(more, name="looked at", staged=True).number or 0, by="rita")


def _void(one: Till, _: Job) -> None:
    if one.invoice("INV-000002").status == "issued":
        one.void("INV-000002", reason="to be issued anew", by="rita")


def _push(one: Till, job: Job) -> None:
    pushed = one.push(OCTOBER, StripeGateway.open(API_KEY, api_base=job.stripe))
    if not pushed.is_complete:
        raise AssertionError(f"not all was pushed: {pushed.content()}")


COMMANDS: dict[str, Callable[[Till, Job], None]] = {
    "ingest": _ingest,
    "revise": _revise,
    "retract": _retract,
    "stage": _stage,
    "close": _close,
    "void": _void,
    "close again": _close,
    "push": _push,
}
"""What is attacked. Each may be given again at any time, in this order, and then changes nothing."""


def work(job: Job, database: Database) -> None:
    """Do the steps of a job."""
    clock = FixedClock(MovableClock().instant)
    if job.is_dearer:
        clock = FixedClock(clock.instant.replace(month=12))
    clock = FixedClock(clock.instant + timedelta(days=job.days_ahead))
    if job.file_bytes_max:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.file_bytes_max, job.file_bytes_max))
    one = till(database, *contents(is_dearer=job.is_dearer), clock=clock)
    for step in job.steps:
        COMMANDS[step](one, job)


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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([asdict(job) for job in jobs]) + "\n")
        self._process.stdin.flush()
        ended = [Ended(**found) for found in json.loads(self._process.stdout.readline())]
        self.kills += sum(found.was_killed for found in ended)
        return ended

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


def _serve() -> None:
    ingesting.BATCH_RECORDS_MAX = staging.BATCH_RECORDS_MAX = BATCH_RECORDS
    for line in sys.stdin:
        children = [_start(Job(**job)) for job in json.loads(line)]
        print(json.dumps([_wait(child, told) for child, told in children]), flush=True)


def _start(job: Job) -> tuple[int, int]:
    told, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(tell)
        return child, told
    os.close(told)
    status, edges = 1, _Edges(job.kill_at)
    try:
        status = _work_and_tell(job, edges, tell)
    finally:
        os._exit(status)


def _work_and_tell(job: Job, edges: _Edges, tell: int) -> int:
    message, status = "", 0
    try:
        database = Database.open(job.url)
        edges.watch(database, job.edges)
        work(job, database)
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
    """Counts edges, and kills this process at one of them."""

    def __init__(self, kill_at: int) -> None:
        self.seen = 0
        self._kill_at = kill_at

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


if __name__ == "__main__":
    _serve()
