"""Pulling brings all that a gateway has, once, whatever goes wrong on the way, and says where some may be missing."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from tests.builders import MovableClock, record
from tests.pulling.bench import (
    LAST,
    NOW,
    PAGED,
    Waits,
    held,
    pull,
    pull_under_faults,
    source,
    undisturbed,
)
from tests.pulling.gateways import FIRST, KEY, Gateway, rows_of_month, shape
from tests.shares import IN_CAMPAIGNS
from tokentill.closing.records import ingest as ingesting
from tokentill.closing.records.ingest import ingest
from tokentill.errors import InvalidCall, NoAnswer, Refused
from tokentill.pulling import client as clients
from tokentill.store.database import Database
from tokentill.store.intake.pulls import gaps_by_source
from tokentill.store.migrating import make_ready

SEEDS = 40 if IN_CAMPAIGNS else 3
KILLS_MIN = 12 if IN_CAMPAIGNS else 5
ROWS = rows_of_month(20)


@pytest.fixture
def second_database(tmp_path: Path) -> Iterator[Database]:
    """A database to compare with: what is held is the same on both kinds."""
    other = Database.open(str(tmp_path / "undisturbed.db"))
    make_ready(other)
    yield other
    other.close()


# What comes


@pytest.mark.parametrize("kind", PAGED)
def test_every_record_of_the_window_comes_once(database: Database, kind: str) -> None:
    with Gateway(shape(kind, rows_of_month(40))) as gateway:
        first = pull(database, source(kind, gateway))
        again = pull(database, source(kind, gateway))

    inside = [row["id"] for row in rows_of_month(40) if datetime.fromisoformat(row["at"]) < LAST]
    assert [row[1].partition(":")[0] for row in held(database)["usage"]] == inside
    assert (first.ingested.counts.accepted, first.gaps, first.checkpoint.upto) == (len(inside), (), LAST)
    assert (again.ingested.counts.accepted, again.ingested.counts.revisions) == (0, 0)


@pytest.mark.parametrize("kind", PAGED)
def test_one_user_is_pulled_alone_and_has_a_checkpoint_of_their_own(sqlite_database: Database, kind: str) -> None:
    with Gateway(shape(kind, ROWS)) as gateway:
        pulled = pull(sqlite_database, source(kind, gateway), user="user_1")
        with pytest.raises(InvalidCall, match="no checkpoint"):
            pull(sqlite_database, source(kind, gateway), since=None)

    assert pulled.checkpoint.user == "user_1"
    taken = [row[1].partition(":")[0] for row in held(sqlite_database)["usage"]]
    assert taken == [row["id"] for row in ROWS if row["user"] == "user_1"]


def test_without_a_beginning_it_goes_on_from_the_checkpoint_less_the_overlap_and_finds_late_rows(
    sqlite_database: Database,
) -> None:
    *others, late = rows_of_month(24)
    with Gateway(shape("litellm", others)) as gateway:
        pull(sqlite_database, source("litellm", gateway))
        gateway.shape.rows.append(late)
        pulled = pull(sqlite_database, source("litellm", gateway), since=None, until=LAST + timedelta(days=1))
        asked = [params["start_date"] for _, params, _ in gateway.requests]

    assert datetime.fromisoformat(late["at"]) < LAST
    assert pulled.ingested.counts.accepted == 1
    assert f"{LAST - timedelta(hours=24):%Y-%m-%d %H:%M:%S}" in asked


def test_no_window_ends_later_than_now(sqlite_database: Database) -> None:
    now = FIRST + timedelta(days=2)
    with Gateway(shape("litellm", ROWS)) as gateway:
        pulled = pull(sqlite_database, source("litellm", gateway), until=LAST, clock=MovableClock(now))
        with pytest.raises(InvalidCall, match="nothing to pull"):
            pull(sqlite_database, source("litellm", gateway), since=LAST, until=None, clock=MovableClock(now))

    assert pulled.checkpoint.upto == now


def test_a_window_behind_a_hole_does_not_move_the_checkpoint(sqlite_database: Database) -> None:
    day = timedelta(days=1)
    with Gateway(shape("litellm", ROWS)) as gateway:
        declared = source("litellm", gateway)
        upto = [
            pull(sqlite_database, declared, since=FIRST + start * day, until=FIRST + end * day).checkpoint.upto
            for start, end in ((0, 1), (2, 3), (1, 2), (2, 4))
        ]

    assert upto == [FIRST + number * day for number in (1, 1, 2, 4)]


def test_requests_without_usage_are_looked_up_one_by_one(sqlite_database: Database) -> None:
    missing = [record(row["id"], source="gateway", usage_state="missing") for row in ROWS[:2]]
    ingest(
        sqlite_database,
        [*missing, record("gone", source="gateway", usage_state="missing")],
        name="x",
        clock=MovableClock(),
    )
    with Gateway(shape("openrouter", ROWS)) as gateway:
        pulled = pull(sqlite_database, source("openrouter", gateway, page_size=None), since=None, until=None)
        other = pull(sqlite_database, source("openrouter", gateway), ids=["gen-00007"])

    assert pulled.ingested.counts.revisions == 2
    assert "'gone'" in pulled.gaps[0].why
    assert (other.ingested.counts.accepted, other.gaps) == (1, ())


def test_a_bad_row_is_quarantined_once_however_often_its_page_comes(sqlite_database: Database) -> None:
    rows = [{**row, "input": -5} if number == 3 else row for number, row in enumerate(ROWS)]
    with Gateway(shape("litellm", rows)) as gateway:
        first = pull(sqlite_database, source("litellm", gateway, page_size=7))
        pull(sqlite_database, source("litellm", gateway, page_size=2))

    assert first.ingested.counts.quarantined == 1
    assert len(held(sqlite_database)["quarantine"]) == 1
    assert len(held(sqlite_database)["usage"]) == len(rows) - 1


def test_a_cache_write_of_unknown_lifetime_has_the_lifetime_that_its_source_declares(sqlite_database: Database) -> None:
    with Gateway(shape("arouter", ROWS)) as gateway:
        declared = source("arouter", gateway, cache_write_ttl="1h")

    written = declared.of_record(record("a", cache_write=5, cache_write_1h=2, input=1))
    assert dict(written.quantities) == {"cache_write_1h": 7, "input": 1}
    assert dict(source("arouter", gateway).of_record(record("a", cache_write=5)).quantities) == {"cache_write": 5}


# What may be missing


def test_a_full_page_without_a_cursor_is_a_gap_until_a_pull_is_whole(sqlite_database: Database) -> None:
    with Gateway(shape("arouter bare", ROWS)) as gateway:
        gap = pull(sqlite_database, source("arouter bare", gateway))
        whole = pull(sqlite_database, source("arouter bare", gateway, page_size=100))

    assert gap.checkpoint.upto is None
    assert ["a full page of 7 records" in one.why for one in gap.gaps] == [True]
    assert (gap.gaps[0].starts_at, gap.gaps[0].ends_at) == (FIRST, LAST)
    assert (whole.gaps, whole.checkpoint.upto) == ((), LAST)


def test_a_total_that_the_pages_do_not_reach_is_a_gap_of_its_day(sqlite_database: Database) -> None:
    with Gateway(shape("litellm", ROWS)) as gateway:
        asked = gateway.shape.answer
        hidden = ROWS[6]["id"]

        def without_one(params: Any) -> Any:
            answer = asked(params)
            return {**answer, "data": [row for row in answer["data"] if row["request_id"] != hidden]}

        gateway.shape.answer = without_one  # type: ignore[method-assign]
        pulled = pull(sqlite_database, source("litellm", gateway))
        gateway.shape.answer = asked  # type: ignore[method-assign]
        after = pull(sqlite_database, source("litellm", gateway), since=None)

    day = datetime.fromisoformat(ROWS[6]["at"]).replace(hour=0)
    assert [(gap.starts_at, gap.ends_at) for gap in pulled.gaps] == [(day, day + timedelta(days=1))]
    assert "4 of the 5 records" in pulled.gaps[0].why
    assert pulled.checkpoint.upto == day
    assert (after.gaps, after.checkpoint.upto) == ((), LAST)
    with sqlite_database.read() as connection:
        assert gaps_by_source(connection) == []


def test_a_cursor_that_leads_in_a_circle_stops_the_pull_and_what_came_is_stored(sqlite_database: Database) -> None:
    with Gateway(shape("langwatch", ROWS), [None, *["loop"] * 50]) as gateway:
        declared = source("langwatch", gateway, page_size=2)
        with pytest.raises(Refused, match=r"in a circle.*stored \(2 records\)"):
            pull(sqlite_database, declared)
        stored = len(held(sqlite_database)["usage"])
        asked = len(gateway.requests)
        gateway.plan.clear()
        after = pull(sqlite_database, declared)

    assert (stored, after.ingested.counts.accepted, after.gaps) == (2, len(ROWS) - 2, ())
    assert gateway.requests[asked][1]["cursor"] == "c1"  # it goes on where it was, not at the beginning


# What goes wrong


@pytest.mark.parametrize("kind", PAGED)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_faults_of_a_gateway_change_nothing_of_what_is_stored(
    sqlite_database: Database, second_database: Database, kind: str, seed: int
) -> None:
    gateway = pull_under_faults(sqlite_database, kind, Random(f"{kind} {seed}"))

    assert gateway.fired.total() >= 3
    assert gateway.elsewhere == 0
    assert held(sqlite_database) == undisturbed(second_database, kind, rows_of_month(20))


@pytest.mark.parametrize("kind", PAGED)
def test_faults_change_nothing_on_postgresql(
    postgresql_database: Database, second_database: Database, kind: str
) -> None:
    gateway = pull_under_faults(postgresql_database, kind, Random(kind))

    assert gateway.fired.total() >= 3
    assert held(postgresql_database) == undisturbed(second_database, kind, rows_of_month(20))


@pytest.mark.parametrize("fault", ["429 seconds", "429 date", "skewed clock"])
def test_a_gateway_is_never_asked_before_it_says(sqlite_database: Database, fault: str) -> None:
    waits = Waits()
    with Gateway(shape("arouter", ROWS[:3]), [fault] * 2) as gateway:
        pull(sqlite_database, source("arouter", gateway), sleep=waits)

    assert gateway.fired == Counter({fault: 2})
    assert len(waits) == 2
    assert min(waits) >= (1 if fault == "429 seconds" else 2)


def test_a_gateway_that_asks_for_too_long_a_wait_is_not_asked_again(sqlite_database: Database) -> None:
    waits = Waits()
    with Gateway(shape("arouter", ROWS)) as gateway:
        gateway.answer = lambda *_: (None, _answer(429, {"Retry-After": "3600"}))  # type: ignore[method-assign]
        with pytest.raises(NoAnswer, match="asks to wait 3600 s"):
            pull(sqlite_database, source("arouter", gateway), sleep=waits)

    assert waits == []


def test_waits_grow_differ_and_end(sqlite_database: Database) -> None:
    waits = Waits()
    with Gateway(shape("arouter", ROWS), ["503"] * 99) as gateway, pytest.raises(NoAnswer, match="asked 8 times"):
        pull(sqlite_database, source("arouter", gateway), sleep=waits)

    assert gateway.fired["503"] == clients.TRIES == 8
    for number, wait in enumerate(waits):
        most = min(clients.WAIT_MS_MAX, clients.WAIT_MS_FIRST << number) / 1000
        assert most / 2 <= wait <= most
    assert len(set(waits)) == 7


@pytest.mark.parametrize(("status", "words"), [(400, "no such column"), (401, "refuses the key"), (404, "Not Found")])
def test_another_4xx_is_asked_once_and_names_no_key(sqlite_database: Database, status: int, words: str) -> None:
    body = {400: b'{"error":{"message":"no such column"}}', 404: b'{"detail":"Not Found"}'}
    with Gateway(shape("arouter", ROWS)) as gateway:
        calls: list[object] = []

        def answer(*asked: object) -> Any:
            calls.append(asked)
            return None, _answer(
                status, body=body.get(status, b'{"error":{"message":"wrong key ' + KEY.encode() + b'"}}')
            )

        gateway.answer = answer  # type: ignore[method-assign, assignment]
        with pytest.raises(Refused, match=words) as refusal:
            pull(sqlite_database, source("arouter", gateway))

    assert len(calls) == 1
    assert KEY[:8] not in str(refusal.value)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("redirect elsewhere", "another host"), ("gzip bomb", "decompress"), ("no list", "no list of records")],
)
def test_what_is_no_answer_to_the_question_is_refused(sqlite_database: Database, fault: str, words: str) -> None:
    with Gateway(shape("arouter", ROWS), [fault] * 99) as gateway, pytest.raises(Refused, match=words):
        pull(sqlite_database, source("arouter", gateway))

    assert (gateway.fired[fault], gateway.elsewhere) == (1, 0)


def test_an_answer_that_drips_for_ever_is_given_up(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "ANSWER_SECONDS_MAX", 0)
    with (
        Gateway(shape("arouter", ROWS), ["slow drip"] * 99) as gateway,
        pytest.raises(NoAnswer, match="took more than"),
    ):
        pull(sqlite_database, source("arouter", gateway))


def test_the_key_is_in_one_header_and_in_no_file(sqlite_database: Database) -> None:
    with Gateway(shape("arouter", ROWS)) as gateway:
        pull(sqlite_database, source("arouter", gateway))
        for environment in ({}, {"GATEWAY_KEY": "  "}, {"GATEWAY_KEY": f"{KEY}\n{KEY}"}):
            with pytest.raises(InvalidCall, match="GATEWAY_KEY") as refusal:
                pull(sqlite_database, source("arouter", gateway), environment=environment)
            assert KEY not in str(refusal.value)

    for path, params, headers in gateway.requests:
        assert [name for name, value in headers.items() if KEY in value] == ["authorization"]
        assert KEY not in path + repr(params)
    assert sqlite_database.sqlite_path is not None
    assert KEY.encode() not in sqlite_database.sqlite_path.read_bytes()


# Kills


@pytest.mark.parametrize("kind", PAGED)
def test_a_pull_that_is_killed_at_any_statement_and_run_again_ends_as_one_that_was_not(
    tmp_path: Path, second_database: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "BATCH_RECORDS_MAX", 5)
    expected = undisturbed(second_database, kind, rows_of_month(20))
    with Gateway(shape(kind, rows_of_month(20))) as gateway:
        database = _made(tmp_path / "counted.db")
        edges = _edges_of(database, lambda: pull(database, source(kind, gateway)))
        database.close()
        step = max(1, edges // (edges if IN_CAMPAIGNS else KILLS_MIN))
        kills = 0
        for edge in range(1, edges + 1, step):
            database = _made(tmp_path / f"killed-{edge}.db")
            kills += _killed_at(edge, database, lambda: pull(database, source(kind, gateway)))  # noqa: B023
            pull(database, source(kind, gateway))
            assert held(database) == expected, f"killed at edge {edge} of {edges}"
            database.close()

    assert kills == len(range(1, edges + 1, step)) >= KILLS_MIN


def _made(path: Path) -> Database:
    database = Database.open(str(path))
    make_ready(database)
    return database


def _edges_of(database: Database, work: Callable[[], object], kill_at: int = 0) -> int:
    """Do something, count the edges of its statements and commits, and be killed at one of them."""
    seen = 0

    def edge(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(database.engine, name, edge)
    work()
    return seen


def _killed_at(edge: int, database: Database, work: Callable[[], object]) -> bool:
    """Do something in a child process that is killed; whether it was."""
    child = os.fork()
    if not child:
        try:
            _edges_of(database, work, edge)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def _answer(status: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Any:
    from tests.pulling.gateways import Answer

    return Answer(body, status, headers or {})


def test_there_is_a_time_to_compare_with() -> None:
    assert NOW > LAST > FIRST.astimezone(UTC)
