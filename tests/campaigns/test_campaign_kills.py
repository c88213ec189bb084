"""Long fault runs: ingest and close, killed at random instants, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.builders import OCTOBER, MovableClock, contract, price, prices, record, till
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

pytestmark = pytest.mark.campaign

CYCLES = int(os.environ.get("TOKENTILL_CAMPAIGN_CYCLES", "300"))
KILLED_SHARE_MIN = 0.5
CUSTOMERS = 25
CONTENTS = (
    prices(price(), price("acme/small", rates={"input": "0.1", "output": "0.4"})),
    contract(rules=[{"name": "all", "markup_percent": {"default": "20"}}]),
)
Outcome = list[tuple[str, str, bytes]]


def usage() -> list[UsageRecord]:
    return [
        record(f"gen-{number}", user=f"user_{number % CUSTOMERS}", when=str(1 + number % 28), input=100 + number)
        for number in range(2_000)
    ]


def ingest_and_close(shop: Till) -> None:
    records = usage()
    for start in range(0, len(records), 250):
        shop.ingest(records[start : start + 250])
    shop.close(OCTOBER)


def outcome(shop: Till) -> Outcome:
    return [(found.number, found.customer, found.content_bytes) for found in shop.invoices()]


def killed_after(url: str, delay_seconds: float) -> bool:
    """Do the work in a child and kill it after a while; whether it was still at work."""
    child = os.fork()
    if child == 0:
        try:
            ingest_and_close(till(Database.open(url), *CONTENTS, clock=MovableClock()))
        finally:
            os._exit(0)
    time.sleep(delay_seconds)
    os.kill(child, signal.SIGKILL)
    _, how = os.waitpid(child, 0)
    return os.WIFSIGNALED(how)


def undisturbed(database: Database) -> tuple[Outcome, float]:
    """What comes out when nothing fails, and how long it takes."""
    shop = till(database, *CONTENTS, clock=MovableClock())
    started = time.monotonic()
    ingest_and_close(shop)
    return outcome(shop), time.monotonic() - started


def check(database: Database, url: str, expected: Outcome, delay_seconds: float) -> bool:
    was_killed = killed_after(url, delay_seconds)
    shop = till(database, *CONTENTS, clock=MovableClock())
    ingest_and_close(shop)
    assert outcome(shop) == expected
    assert shop.verify().is_sound
    return was_killed


def test_sqlite_killed_at_random_instants_ends_in_the_same_bytes(tmp_path: Path, sqlite_database: Database) -> None:
    expected, seconds = undisturbed(sqlite_database)
    rng = random.Random(2026)
    killed = 0
    for cycle in range(CYCLES):
        path = tmp_path / f"cycle-{cycle}.db"
        database = Database.open(str(path))
        make_ready(database)
        killed += check(database, str(path), expected, rng.uniform(0, seconds))
        for left in tmp_path.glob(f"cycle-{cycle}.db*"):
            left.unlink()
    assert killed >= KILLED_SHARE_MIN * CYCLES


@pytest.mark.parametrize("cycle", range(max(1, CYCLES // 10)))
def test_postgresql_clients_killed_at_random_instants_end_in_the_same_bytes(
    postgresql_database: Database, sqlite_database: Database, cycle: int
) -> None:
    expected, seconds = undisturbed(sqlite_database)
    url = postgresql_database.engine.url.render_as_string(hide_password=False)
    check(postgresql_database, url, expected, random.Random(cycle).uniform(0, seconds))
