"""A month of every command, disturbed by a fault and then given again: what it must come to, and what it did."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.builders import MovableClock, till
from tests.closing.killing import COMMANDS, Ended, Job, KillServer, contents
from tests.invoicing.bench import rows_of
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready
from tokentill.testing.stripe import StripeStandIn

METER = "tokentill_usd"
Fault = Callable[["Attack", Job], bool]
"""Disturbs a job, and says whether the fault fired."""


@dataclass(frozen=True)
class Held:
    """Everything that must be as if nothing had happened: documents by their bytes, what counts, what Stripe has."""

    documents: tuple[tuple[Any, ...], ...]
    records: tuple[tuple[Any, ...], ...]
    imports: tuple[tuple[Any, ...], ...]
    stripe: tuple[tuple[Any, ...], ...]


@dataclass
class Attack:
    """One database in which a month of commands is disturbed, with its own stand-in of Stripe."""

    server: KillServer
    url: str
    customers: int
    stand_in: StripeStandIn
    linked: list[str] = field(default_factory=list)

    def job(self, **more: Any) -> Job:
        """All commands, one after the other."""
        return Job(self.url, tuple(COMMANDS), self.customers, stripe=self.stand_in.base_url, **more)

    def link(self) -> None:
        """Give each customer a Stripe customer."""
        client = self.stand_in.client()
        database = Database.open(self.url)
        try:
            one = till(database, *contents())
            for number in range(self.customers):
                name = f"u{number:03d}"
                self.linked.append(client.v1.customers.create({"name": name}).id)
                one.set_customer(name, stripe_customer=self.linked[-1])
        finally:
            database.close()

    def finish(self, **more: Any) -> None:
        """Give the commands again, undisturbed; nothing else is done to recover."""
        ended = self.server.run(self.job(**more))
        assert ended.status == 0, ended.message

    def held(self) -> Held:
        """What there is now, which must be sound and over: no run is open, no import half taken, no row unsent."""
        database = Database.open(self.url)
        try:
            one = till(database, *contents())
            verification = one.verify()
            assert verification.is_sound, verification.content()["faults"]
            rows = rows_of(database)
            with database.read() as connection:
                states = set(connection.execute(select(tables.close_run.c.state)).scalars())
                pushes = set(connection.execute(select(tables.push.c.state)).scalars())
                gone = set(connection.execute(select(tables.withdrawal.c.usage_id)).scalars())
                records = connection.execute(
                    select(tables.usage.c.id, tables.usage.c.record_id, tables.usage.c.digest, tables.usage.c.version)
                ).all()
            assert states <= {"done"}, states
            assert pushes <= {"accepted", "confirmed", "replaced"}, pushes
            imports = tuple(sorted((each.name, each.state, each.accepted) for each in one.imports().imports))
            assert {state for _, state, _ in imports} == {"taken"}, imports
            assert len({row[1:2] + row[3:] for row in records}) == len(records) == len(rows["usage"])
            return Held(
                tuple((found.number, found.status, found.customer, found.content_bytes) for found in one.invoices()),
                tuple(sorted((row[1], bytes(row[2]), row[3], row[0] in gone) for row in records)),
                imports,
                tuple(
                    (number, tuple(sorted(self.stand_in.day_values(customer, METER).items())))
                    for number, customer in enumerate(self.linked)
                ),
            )
        finally:
            database.close()


def made(path: Path) -> Path:
    """A SQLite file with all tables and nothing in them."""
    database = Database.open(str(path))
    make_ready(database)
    database.close()
    return path


@contextmanager
def sqlite_attack(server: KillServer, empty: Path, path: Path, customers: int) -> Iterator[Attack]:
    """An attack on a new SQLite file."""
    remove(path)
    shutil.copy(empty, path)
    with attack_on(server, str(path), customers) as attack:
        yield attack
    remove(path)


@contextmanager
def attack_on(server: KillServer, url: str, customers: int) -> Iterator[Attack]:
    """An attack on a database that has all tables."""
    with StripeStandIn(MovableClock()) as stand_in:
        attack = Attack(server, url, customers, stand_in)
        attack.link()
        yield attack


def remove(path: Path) -> None:
    """Remove a SQLite file with its journals."""
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()


def kill_at(edge: int, edges: str = "statements") -> Fault:
    """Kill the process at an edge."""
    return lambda attack, job: attack.server.run(replace(job, edges=edges, kill_at=edge)).was_killed  # type: ignore[arg-type]


def full_disk(file_bytes_max: int) -> Fault:
    """Let no file grow beyond a size: the command is refused, with the reason."""

    def disturb(attack: Attack, job: Job) -> bool:
        ended: Ended = attack.server.run(replace(job, file_bytes_max=file_bytes_max))
        assert ended.status >= 0, ended
        return ended.status != 0

    return disturb


def count_edges(attack: Attack, edges: str = "statements") -> int:
    """How many edges the month has; it is then over."""
    return attack.server.count(attack.job(edges=edges))


def spread(total: int, wanted: int) -> Sequence[int]:
    """So many numbers from 1 to a total, evenly; all of them where there are no more."""
    return (
        sorted({1 + (total - 1) * n // max(1, wanted - 1) for n in range(wanted)})
        if wanted < total
        else range(1, total + 1)
    )
