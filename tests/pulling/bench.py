"""Pulls in tests: a source on a gateway on loopback, without waiting between tries, and what a database then holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from tests.builders import MovableClock
from tests.pulling.gateways import FAULTS, FIRST, KEY, Gateway, Row, rows_of_month, shape
from tokentill.clock import Clock
from tokentill.errors import Refused
from tokentill.pulling.pulling import Pulled
from tokentill.pulling.pulls import PullAsked, pull_source
from tokentill.sources.source_settings import SourceSettings
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.usage.usage_rows import versions_of
from tokentill.usage.bounds import DEFAULT_BOUNDS

KEY_ENV = "GATEWAY_KEY"
PAGED = ("arouter", "litellm", "langwatch")
LAST = FIRST + timedelta(days=5)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
PAGE_SIZES = {"langwatch": 2}
"""Days of some rows have to be of several pages, where a gateway is asked day by day."""
CALLS_MAX = 60

Held = dict[str, list[tuple[Any, ...]]]


class Waits(list[float]):
    """Sleeps not at all, and keeps how long it was to."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def source(kind: str, gateway: Gateway, **more: Any) -> SourceSettings:
    given = {"page_size": PAGE_SIZES.get(kind, 7), "timeout_seconds": 5, **more}
    return SourceSettings("gateway", kind.split()[0], url=gateway.url, key_env=KEY_ENV, **given)  # type: ignore[arg-type]


def pull(
    database: Database,
    declared: SourceSettings,
    *,
    since: datetime | None = FIRST,
    until: datetime | None = LAST,
    user: str | None = None,
    ids: Sequence[str] = (),
    clock: Clock | None = None,
    sleep: Callable[[float], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Pulled:
    return pull_source(
        database,
        {declared.name: declared},
        declared,
        PullAsked(since, until, user, ids),
        environment={KEY_ENV: KEY} if environment is None else environment,
        clock=clock or MovableClock(NOW),
        bounds=DEFAULT_BOUNDS,
        sleep=Waits() if sleep is None else sleep,
    )


def held(database: Database) -> Held:
    """All usage, revisions and quarantined lines, whatever batches they came in; and up to when all is whole."""
    usage, origin = tables.usage.c, tables.source.c
    with database.read() as connection:
        names = dict(connection.execute(select(origin.id, origin.name)).all())
        listed = connection.execute(select(usage.source_id, usage.record_id).distinct()).all()
        rows = [
            (names[source_id], record_id, stored.version, stored.digest)
            for (source_id, record_id), versions in versions_of(connection, list(map(tuple, listed))).items()
            for _, stored in versions
        ]
        revised = connection.execute(select(tables.revision.c.record_id, tables.revision.c.digest))
        bad = connection.execute(
            select(tables.quarantine.c.digest, tables.quarantine.c.line, tables.quarantine.c.reason)
        )
        whole = connection.execute(
            select(tables.pull.c.source, tables.pull.c.asked_user, tables.pull.c.checkpoint_at).order_by(
                tables.pull.c.number.desc()
            )
        ).first()
        return {
            "usage": sorted(rows),
            "revisions": sorted(map(tuple, revised)),
            "quarantine": sorted(map(tuple, bad)),
            "checkpoint": [] if whole is None else [tuple(whole)],
        }


def undisturbed(database: Database, kind: str, rows: Sequence[Row]) -> Held:
    """What a pull comes to that nothing disturbs."""
    with Gateway(shape(kind, rows)) as gateway:
        pulled = pull(database, source(kind, gateway))
    assert not pulled.gaps
    return held(database)


def schedule(chance: Random, length: int = 14) -> list[str | None]:
    """Faults for the requests of a pull, in any order; some requests are answered as they should be."""
    return [chance.choice(FAULTS) if chance.random() < 0.6 else None for _ in range(length)]


def pull_under_faults(database: Database, kind: str, chance: Random) -> Gateway:
    """Pull while the gateway misbehaves, again until a call succeeds with no gap; returns what the gateway saw."""
    with Gateway(shape(kind, rows_of_month(20)), schedule(chance), hold_seconds=0.05) as gateway:
        declared = source(kind, gateway)
        for _ in range(CALLS_MAX):
            with suppress(Refused):
                if not pull(database, declared).gaps and not gateway.plan:
                    return gateway
    raise AssertionError(f"{CALLS_MAX} calls did not bring all: {gateway.fired}")
