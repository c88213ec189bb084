"""A pull of a source as its settings declare it: from which address, with which key, of which window."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tokentill.clock import Clock, instant_text
from tokentill.errors import InvalidCall
from tokentill.pulling.client import GatewayClient, Pause
from tokentill.pulling.keys import key_of
from tokentill.pulling.kinds import PAGED, address_of
from tokentill.pulling.paging import PullWindow
from tokentill.pulling.pulling import Pulled, Pulling, PullProgress, pull_generations, pull_window
from tokentill.sources.source_settings import SourceSettings
from tokentill.store.database import Database, current_value
from tokentill.store.intake.pulls import checkpoint_of
from tokentill.store.usage.missing_rows import records_without_usage
from tokentill.usage.bounds import Bounds
from tokentill.usage.reporters import DEFAULT_REPORTING, Reporting

_BEGINNING, _END = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PullAsked:
    """What is asked for: a window, the requests of one user alone, single generations. None and empty is all."""

    since: datetime | None = None
    until: datetime | None = None
    user: str | None = None
    ids: Sequence[str] = ()


def pull_source(
    database: Database,
    sources: Mapping[str, SourceSettings],
    source: SourceSettings,
    asked: PullAsked,
    *,
    environment: Mapping[str, str],
    clock: Clock,
    bounds: Bounds,
    progress: PullProgress = lambda _done, _all: None,
    reporting: Reporting = DEFAULT_REPORTING,
    sleep: Pause = time.sleep,
) -> Pulled:
    """Take in what a source's gateway has of a window.

    Without `since` it begins at the checkpoint of the last pull, less the overlap; without `until` it ends now. No
    window ends later than now: what is not there yet would be taken for read.

    Raises:
        InvalidCall: when settings or the call lack something, or contradict each other.
        NoAnswer, Refused: when the gateway did not answer, or not to be understood. What came before is stored.
    """
    with client_of(source, environment, clock, sleep) as client:
        pulling = Pulling(
            source=source,
            client=client,
            path=address_of(source)[1],
            user=asked.user,
            name=f"pull {source.name}",
            clock=clock,
            bounds=bounds,
            progress=progress,
            sources=sources,
            reporting=reporting,
        )
        paged = PAGED.get(source.kind)
        if paged is None:
            if asked.user is not None:
                raise InvalidCall(f"{source.kind} looks single requests up; user=... means nothing to it")
            return pull_generations(database, pulling, asked.ids or _ids_without_usage(database, source, asked))
        if asked.ids:
            raise InvalidCall(f"{source.kind} lists its records; ids=... means nothing to it")
        window = _window(database, source, asked, clock)
        pulling.name = f"pull {source.name} {window}" + (f" of {asked.user}" if asked.user else "")
        return pull_window(database, pulling, paged, window)


def client_of(
    source: SourceSettings, environment: Mapping[str, str], clock: Clock, sleep: Pause = time.sleep
) -> GatewayClient:
    """The gateway of a source, with its key.

    Raises:
        InvalidCall: when settings lack something.
    """
    url, _ = address_of(source)
    key = key_of(source, environment)
    return GatewayClient(source.name, url, key, timeout_seconds=source.timeout_seconds, clock=clock, sleep=sleep)


def _window(database: Database, source: SourceSettings, asked: PullAsked, clock: Clock) -> PullWindow:
    now = clock.now()
    until = now if asked.until is None else min(asked.until, now)
    since = asked.since
    if since is None:
        with database.read() as connection:
            checkpoint = checkpoint_of(connection, source.name, asked.user).upto
        if checkpoint is None:
            raise InvalidCall(f"source {source.name} has no checkpoint to go on from; say from when with since=...")
        since = checkpoint - source.overlap
    if since >= until:
        past = "" if asked.until is None or asked.until <= now else f", as it is {instant_text(now)}"
        raise InvalidCall(f"there is nothing to pull from {instant_text(since)} until {instant_text(until)}{past}")
    return PullWindow(since, until)


def _ids_without_usage(database: Database, source: SourceSettings, asked: PullAsked) -> list[str]:
    """The requests of a source that report no usage, and count."""
    with database.read() as connection:
        seq = current_value(connection, "batch")
        records = records_without_usage(connection, asked.since or _BEGINNING, asked.until or _END, seq)
        return [found.record_id for found in records if found.series.source == source.name and not found.is_waived]
