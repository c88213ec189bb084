"""Two months of every command, of which one is disturbed by a fault and given again: what it must come to, and what it
did.

The months are played once with nothing disturbed. A database is then put back to how it was before any one command,
which is all that has to run: what it leaves must be what it left then. Now and then the rest of the months runs too.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from tests.builders import MovableClock
from tests.closing.commands import COMMANDS, Job, opened
from tests.closing.killing import REFUSED, Ended, KillServer
from tests.closing.places import Place
from tests.invoicing.bench import rows_of
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.testing.stripe import StripeStandIn

METER = "tokentill_usd"
NAMES = tuple(COMMANDS)
Rows = Mapping[str, list[tuple[Any, ...]]]
Fault = Callable[["Attack", Job], bool]
"""Disturbs a job, and says whether the fault fired."""


@dataclass(frozen=True)
class Held:
    """Everything that must be as if nothing had happened: documents by their bytes, what counts, what Stripe has."""

    documents: tuple[tuple[Any, ...], ...]
    records: tuple[tuple[Any, ...], ...]
    imports: tuple[tuple[Any, ...], ...]
    stripe: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class After:
    """How things are after a command that nothing disturbed, and how many statement and commit edges it has."""

    edges: int
    rows: Rows
    held: Held


@dataclass
class Months:
    """The months as they go when nothing disturbs them, in a place where any command can be attacked.

    They end with the command that is the `last` one.
    """

    server: KillServer
    place: Place
    folder: Path
    customers: int
    last: str = NAMES[-1]
    linked: list[str] = field(default_factory=list)
    after: dict[str, After] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.database = Database.open(self.place.url)
        self.till, _ = opened(self.database)
        self._link()
        self.place.keep(NAMES[0])
        names = NAMES[: NAMES.index(self.last) + 1]
        with self.standing_in(NAMES[0]) as (stand_in, clock):
            for name in names:
                clock.instant = COMMANDS[name].at
                self.server.rehearse(self.job(stand_in, (name,)))
        self.place.put_back(NAMES[0])
        for name, following in zip(names, (*names[1:], "end"), strict=True):
            with self.standing_in(name) as (stand_in, _):
                edges = self.server.count(self.job(stand_in, (name,), edges="statements"))
                telling = stand_in if COMMANDS[name].tells_stripe else None
                self.after[name] = After(edges, self.rows(), self.held(telling))
            shutil.copy(self.folder / "now.stripe", self._kept(following))
            self.place.keep(following)

    @property
    def end(self) -> Held:
        """What the months come to."""
        return self.after[self.last].held

    @cached_property
    def edges(self) -> Sequence[tuple[str, int]]:
        """Every edge: the command, and the number of the edge in it."""
        return [(name, edge) for name, after in self.after.items() for edge in range(1, after.edges + 1)]

    @cached_property
    def calls(self) -> Mapping[str, int]:
        """How many calls each command makes."""
        found = {}
        for name in NAMES:
            with self.attack(name) as attack:
                found[name] = self.server.count(attack.job(edges="calls"))
        return found

    def any_edge(self, chance: Random, *names: str) -> tuple[str, int]:
        """An edge, of some commands or of all."""
        return chance.choice([(name, edge) for name, edge in self.edges if name in (names or NAMES)])

    def job(self, stand_in: StripeStandIn | None, steps: Sequence[str], **more: Any) -> Job:
        """Some commands, one after the other."""
        stripe = "" if stand_in is None else stand_in.base_url
        return Job(self.place.url, tuple(steps), self.customers, stripe=stripe, **more)

    @contextmanager
    def attack(self, name: str) -> Iterator[Attack]:
        """Everything as it is before a command."""
        self.place.put_back(name)
        with self.standing_in(name) if COMMANDS[name].tells_stripe else nullcontext((None, None)) as (stand_in, _):
            yield Attack(self, name, stand_in)
        self.database.close()

    @contextmanager
    def standing_in(self, name: str) -> Iterator[tuple[StripeStandIn, MovableClock]]:
        """Stripe as it was before a command, and its clock, at the time of the command."""
        shutil.copy(self._kept(name), self.folder / "now.stripe")
        clock = MovableClock(COMMANDS[name].at)
        with StripeStandIn(clock, self.folder / "now.stripe") as stand_in:
            yield stand_in, clock

    def _kept(self, name: str) -> Path:
        return self.folder / f"{name}.stripe"

    def _link(self) -> None:
        """Give each customer a Stripe customer."""
        with StripeStandIn(MovableClock(), self._kept(NAMES[0])) as stand_in:
            client = stand_in.client()
            for number in range(self.customers):
                name = f"u{number:03d}"
                self.linked.append(client.v1.customers.create({"name": name}).id)
                self.till.set_customer(name, stripe_customer=self.linked[-1])
        self.database.close()

    def rows(self) -> Rows:
        """Every row of every table."""
        rows = rows_of(self.database)
        self.database.close()
        return rows

    def held(self, stand_in: StripeStandIn | None) -> Held:
        """What there is now, which must be sound and over: no run is open, no row unsent."""
        one = self.till
        verification = one.verify()
        assert verification.is_sound, verification.content()
        rows = rows_of(self.database)
        with self.database.read() as connection:
            states = set(connection.execute(select(tables.close_run.c.state)).scalars())
            pushes = set(connection.execute(select(tables.push.c.state)).scalars())
            gone = set(connection.execute(select(tables.withdrawal.c.usage_id)).scalars())
            said = [column for column in tables.usage.c if column.name not in ("id", "record_id", "version", "seq")]
            usage = tables.usage.c
            records = [
                (row[0], row[1], repr(tuple(row[3:])).encode(), row[2])
                for row in connection.execute(select(usage.id, usage.record_id, usage.version, *said))
            ]
        assert states <= {"done"}, states
        assert pushes <= {"accepted", "confirmed", "replaced"}, pushes
        imports = tuple(sorted((each.name, each.state, each.accepted) for each in one.imports().imports))
        assert len({row[1:2] + row[3:] for row in records}) == len(records) == len(rows["usage"])
        documents = tuple((found.number, found.status, found.customer, found.content_bytes) for found in one.invoices())
        self.database.close()
        return Held(
            documents,
            tuple(sorted((row[1], bytes(row[2]), row[3], row[0] in gone) for row in records)),
            imports,
            self.told(stand_in),
        )

    def told(self, stand_in: StripeStandIn | None) -> tuple[tuple[Any, ...], ...]:
        """What Stripe has, customer by customer; nothing where it stands still."""
        if stand_in is None:
            return ()
        return tuple(tuple(sorted(stand_in.day_values(customer, METER).items())) for customer in self.linked)


@dataclass
class Attack:
    """One command that is disturbed."""

    months: Months
    name: str
    stand_in: StripeStandIn | None

    def job(self, **more: Any) -> Job:
        """The command."""
        return self.months.job(self.stand_in, (self.name,), **more)

    def run(self, **more: Any) -> None:
        """Give the command, undisturbed."""
        self.months.server.finish(self.job(**more))

    def finish(self, where: str, *, but: Sequence[str] = (), **more: Any) -> None:
        """Give the command again, undisturbed, and hold what is there then against what there was without a fault.

        Nothing else is done to recover. The same rows throughout were verified already. Others are verified, and come
        to the same in all that counts `but` some fields of it.
        """
        months, after = self.months, self.months.after[self.name]
        self.run(**more)
        if months.rows() == after.rows and months.told(self.stand_in) == after.held.stripe:
            return
        self._must_hold(after.held, where, but=but)

    def play_on(self, where: str) -> None:
        """Give all commands that follow, which end as they would have."""
        assert self.stand_in is None
        with self.months.standing_in(self.name) as (self.stand_in, clock):
            for name in NAMES[NAMES.index(self.name) + 1 :]:
                clock.instant = COMMANDS[name].at
                self.months.server.finish(self.months.job(self.stand_in, (name,)))
            self._must_hold(self.months.end, where)

    def _must_hold(self, expected: Held, where: str, *, but: Sequence[str] = ()) -> None:
        left_out: dict[str, Any] = dict.fromkeys(but, ())
        assert replace(self.months.held(self.stand_in), **left_out) == replace(expected, **left_out), where


def kill_at(edge: int, edges: str = "statements") -> Fault:
    """Kill the process at an edge."""
    return lambda attack, job: attack.months.server.run(replace(job, edges=edges, kill_at=edge)).was_killed  # type: ignore[arg-type]


def full_disk(file_bytes_max: int) -> Fault:
    """Let no file grow beyond a size: the command is refused, with the reason."""

    def disturb(attack: Attack, job: Job) -> bool:
        ended = attack.months.server.run(replace(job, file_bytes_max=file_bytes_max))
        assert ended.status >= 0, ended
        return ended.status != 0

    return disturb


def struck(
    server: KillServer, job: Job, folder: Path, edge: int, chance: Random, strike: Callable[[], object]
) -> Ended:
    """Do a job, and strike some moment after an edge; the strike is over when this ends."""
    flag = folder / "flag"
    flag.unlink(missing_ok=True)
    over = threading.Event()
    seconds = chance.choice((0, chance.uniform(0, 0.02)))

    def wait_and_strike() -> None:
        while not flag.exists() and not over.is_set():
            time.sleep(0.0005)
        if not over.wait(seconds):
            strike()

    thread = threading.Thread(target=wait_and_strike)
    thread.start()
    try:
        ended = server.run(replace(job, edges="statements", flag_at=edge, flag=str(flag)))
    finally:
        over.set()
        thread.join()
    assert ended.status in (0, REFUSED), ended
    return ended


def spread(edges: Sequence[tuple[str, int]], wanted: int) -> Sequence[tuple[str, int]]:
    """So many edges, evenly over all of them; each once where there are no more. Their order is mixed."""
    last = len(edges) - 1
    places = {last * n // max(1, wanted - 1) for n in range(wanted)} if wanted <= last else range(last + 1)
    return Random(len(edges)).sample([edges[place] for place in sorted(places)], len(places))
