"""Lines that another process reads: the same comes of them, whatever becomes of that process."""

from __future__ import annotations

import io
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shares import daily
from tests.sources import test_quick_lines, test_quick_rows
from tests.sources.lines import canonical, lines
from tests.sources.test_quick_parquet import Table
from tokentill.clock import SYSTEM_CLOCK
from tokentill.closing.records.ingest import ingest
from tokentill.sources import beside
from tokentill.sources.blocks import Block
from tokentill.sources.reading import LeftAlone, read_records
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready
from tokentill.usage.privacy import Privacy, PrivacyKey

WITH_FEW_SERIES = "import tokentill.usage.columns as c; c.SERIES_MAX = 50\nfrom tokentill.sources import beside as b"
STARTS = {
    "other code": "print('x' * 4_000, flush=True); input()",
    "ends at once": "pass",
    "says nothing": "import time; time.sleep(600)",
    "ends when it is asked": f"print({beside.__file__!r}, end='', flush=True)",
}


class Beside:
    """What the other process did. `answers` counts what it read; it is killed once it `dies_after` so many answers,
    or `ends_with` another signal.
    """

    def __init__(self) -> None:
        self.answers = 0
        self.dies_after: int | None = None
        self.ends_with = signal.SIGKILL
        self.processes: list[Any] = []


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Beside:
    """Another process for every reading: waited for, and asked for each run but the first ones."""
    seen = Beside()
    begin, answer, is_ready = beside._Ahead.__init__, beside._Ahead._answer, beside._Ahead.is_ready

    def begun(ahead: beside._Ahead, *given: Any) -> None:
        begin(ahead, *given)
        seen.processes.append(ahead._process)

    def answered(ahead: beside._Ahead, what: object) -> bytes:
        if seen.answers == seen.dies_after:
            ahead._process.send_signal(seen.ends_with)
        told = answer(ahead, what)
        seen.answers += 1
        return told

    def awaited(ahead: beside._Ahead, names: Any) -> bool:
        if sys.exc_info()[0] is None:
            ahead._greeting.exception(timeout=60)
        return is_ready(ahead, names)

    monkeypatch.setattr(beside, "BEGIN_BYTES", 0)
    monkeypatch.setattr(beside, "AHEAD_BYTES", 500_000)
    monkeypatch.setattr(beside, "_is_worth_it", lambda: True)
    monkeypatch.setattr(beside._Ahead, "__init__", begun)
    monkeypatch.setattr(beside._Ahead, "_answer", answered)
    monkeypatch.setattr(beside._Ahead, "is_ready", awaited)
    return seen


def plain_lines(count: int, users: int = 9) -> bytes:
    """Canonical lines, of which some are odd: blank, no JSON, of another source, with a character beyond ASCII."""
    odd = {5: b"\n", 77: b"{\n", 400: lines(canonical("x", source="other")), 902: lines(canonical("caf\u00e9"))}
    return b"".join(
        odd.get(number % 1_000) or lines(canonical(f"r{number}", user=f"u{number % users}")) for number in range(count)
    )


def blocks_of(content: bytes, format_: str) -> list[Any]:
    """All that is read, as it comes to be stored, with the meaning of each number of a series."""
    read = read_records(io.BytesIO(content), name="file", format=format_)
    return list(map(plain, read.blocks(lambda item: item, LeftAlone())))


def plain(block: Block) -> Any:
    columns = block.columns
    series = [columns.names.keys[number] for number in columns.series]
    return series, columns.values()[1:], block.others, block.places


CONTENTS: dict[str, Callable[[], bytes]] = {
    "canonical": lambda: plain_lines(20_000),
    "hostile": lambda: b"\n".join(line for seed in range(2) for line in test_quick_lines.lines(seed, 5_000)) + b"\n",
    **{
        name: lambda name=name: b"\n".join(test_quick_rows.lines(name, 3, 8_000)) + b"\n"
        for name in test_quick_rows.ROWS
    },
    "parquet": lambda: Table(2).content(),
}


@pytest.mark.parametrize("kind", daily(CONTENTS, 4))
def test_another_process_reads_what_this_one_reads(kind: str, other: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    content, format_ = CONTENTS[kind](), kind if kind in test_quick_rows.ROWS else "canonical"
    beside_it = blocks_of(content, format_)
    assert other.answers > 0
    with monkeypatch.context() as alone:
        alone.setattr(beside, "_is_worth_it", lambda: False)
        assert blocks_of(content, format_) == beside_it
    assert [process.returncode is None for process in other.processes] == [False]


@pytest.mark.parametrize("answers", [0, 1, 3])
def test_a_process_that_ends_is_done_without(answers: int, other: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    content = plain_lines(40_000)
    other.dies_after = answers
    beside_it = blocks_of(content, "canonical")
    assert other.answers == answers
    monkeypatch.setattr(beside, "_is_worth_it", lambda: False)
    assert blocks_of(content, "canonical") == beside_it


def test_a_process_that_does_not_answer_is_not_waited_for(other: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    content = plain_lines(40_000)
    other.dies_after, other.ends_with = 2, signal.SIGSTOP
    monkeypatch.setattr(beside, "ANSWER_SECONDS_MAX", 0.2)
    beside_it = blocks_of(content, "canonical")
    assert [process.returncode for process in other.processes] == [-signal.SIGKILL]
    monkeypatch.setattr(beside, "_is_worth_it", lambda: False)
    assert blocks_of(content, "canonical") == beside_it


@pytest.mark.parametrize("kind", STARTS)
def test_a_process_that_is_not_what_was_started_is_not_used(
    kind: str, other: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_instead(STARTS[kind], monkeypatch)
    monkeypatch.setattr(beside._Ahead, "is_ready", _IS_READY)  # which waits for nothing
    content = plain_lines(20_000)
    read = blocks_of(content, "canonical")
    assert other.answers == 0
    assert [process.returncode is None for process in other.processes] == [False]
    monkeypatch.setattr(beside, "_is_worth_it", lambda: False)
    assert blocks_of(content, "canonical") == read


_IS_READY = beside._Ahead.is_ready


def start_instead(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start another program than the one that reads."""
    start = beside.subprocess.Popen
    monkeypatch.setattr(beside.subprocess, "Popen", lambda _, **options: start([sys.executable, "-c", code], **options))


def test_series_begin_anew_in_both_processes(other: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    start_instead(f"{WITH_FEW_SERIES}; b.main()", monkeypatch)
    content = plain_lines(40_000, users=120)
    beside_it = blocks_of(content, "canonical")
    assert other.answers > 3
    monkeypatch.setattr(beside, "_is_worth_it", lambda: False)
    assert blocks_of(content, "canonical") == beside_it


def test_a_reading_that_is_left_leaves_no_process(other: Beside) -> None:
    read = read_records(io.BytesIO(plain_lines(60_000)), name="file", format="canonical")
    blocks: Iterator[Block] = iter(read.blocks(lambda item: item, LeftAlone()))
    while not other.answers:
        next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert [process.returncode is None for process in other.processes] == [False]
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


def test_what_is_declared_of_a_source_holds_there_too(other: Beside, tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'till.db'}")
    make_ready(database)
    key = PrivacyKey("k1", "KEY", secret=b"s" * 32)
    privacy = Privacy("keep", {"own": "hash"}, (key,))
    with read_records(io.BytesIO(plain_lines(20_000)), name="file", format="canonical") as read:
        done = ingest(database, read, name="file", clock=SYSTEM_CLOCK, privacy=privacy)
    assert other.answers > 0
    assert (done.counts.accepted, done.counts.quarantined) == (19_922, 20)
    with database.read() as connection:
        rows = connection.exec_driver_sql('SELECT source, "user" FROM series').all()
    assert {user.startswith("h1:k1:") for name, user in rows if name == "own" and user} == {True}
