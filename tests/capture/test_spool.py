"""What a spool has taken is there after any crash, once, and is taken in by `ingest` as any file is."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.capture.conftest import Captured
from tests.capture.spool_writer import AT, record_number
from tests.capture.vendor_server import plain
from tests.sources.response_shapes import OPENAI_CHAT
from tokentill import FixedClock, Till, Usage, UsageRecord
from tokentill.capture import CaptureTransport, Spool
from tokentill.sources.reading import Quarantined, read_records

ROOT = Path(__file__).resolve().parents[2]
WITH_SOURCE = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
WRITERS, RECORDS_EACH = 4, 200


def good_and_bad(path: Path) -> tuple[list[str], list[Quarantined]]:
    items = list(read_records(path))
    return (
        [item.record_id for item in items if isinstance(item, UsageRecord)],
        [item for item in items if isinstance(item, Quarantined)],
    )


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    records = [
        record_number(1, tags=("a", "b")),
        UsageRecord("m", AT, {}, source="s", record_id="r", usage_state="missing", status="cancelled", user="ü\u2028"),
        Usage.from_openrouter({**OPENAI_CHAT, "usage": {**OPENAI_CHAT["usage"], "cost": 0.00006}}).record(),
    ]
    spool = Spool(tmp_path / "spool.jsonl", fsync=True)
    for record in records:
        spool(record)

    assert list(read_records(tmp_path / "spool.jsonl")) == records


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    Spool(tmp_path / "spool.jsonl")(record_number(1))

    assert stat.S_IMODE((tmp_path / "spool.jsonl").stat().st_mode) == 0o600


def test_it_may_be_moved_away_while_it_is_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.jsonl")
    spool(record_number(1))
    (tmp_path / "spool.jsonl").rename(tmp_path / "moved.jsonl")
    spool(record_number(2))

    assert good_and_bad(tmp_path / "moved.jsonl") == (["gen-1"], [])
    assert good_and_bad(tmp_path / "spool.jsonl") == (["gen-2"], [])


def test_a_line_that_was_cut_off_harms_no_other(tmp_path: Path) -> None:
    path = tmp_path / "spool.jsonl"
    spool = Spool(path)
    spool(record_number(1))
    with path.open("ab") as crashed:
        crashed.write(record_number(2).content_bytes()[:100])
    taken, cut = good_and_bad(path)
    assert (taken, len(cut)) == (["gen-1"], 1)
    assert "may be cut off" in cut[0].reason

    spool(record_number(3))

    taken, cut = good_and_bad(path)
    assert (taken, [bad.line for bad in cut]) == (["gen-1", "gen-3"], [2])


def writing(path: Path, first: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.capture.spool_writer", str(path), str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=WITH_SOURCE)


def test_several_processes_share_it(tmp_path: Path) -> None:
    path = tmp_path / "spool.jsonl"
    writers = [writing(path, number * RECORDS_EACH, RECORDS_EACH) for number in range(WRITERS)]
    for writer in writers:
        writer.communicate()

    taken, cut = good_and_bad(path)
    assert sorted(taken) == sorted(f"gen-{number}" for number in range(WRITERS * RECORDS_EACH))
    assert cut == []


def test_a_full_disk_costs_the_record_that_did_not_fit_and_no_other(tmp_path: Path) -> None:
    """A limit on the size of the file cuts a write as a full disk does."""
    path = tmp_path / "spool.jsonl"
    spool = Spool(path)
    spool(record_number(1))
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, unlimited[1]))
    try:
        with pytest.raises(OSError, match="took a part of the record only"):
            spool(record_number(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        signal.signal(signal.SIGXFSZ, ignored)
    spool(record_number(3))

    taken, cut = good_and_bad(path)
    assert (taken, len(cut)) == (["gen-1", "gen-3"], 1)


KILLS = 8


def _killed_while_writing(path: Path, first: int, after: int) -> Iterator[int]:
    """The numbers that the spool had taken when its process was killed."""
    with writing(path, first, 10_000) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            yield int(line)
            if int(line) == first + after:
                os.kill(writer.pid, signal.SIGKILL)


def test_nothing_that_was_handed_over_is_lost_or_doubled_when_the_process_is_killed(tmp_path: Path) -> None:
    path, chance = tmp_path / "spool.jsonl", Random(13)
    handed_over: set[str] = set()
    till = Till.open(f"sqlite:///{tmp_path}/till.db", clock=FixedClock(AT + timedelta(days=1)))
    for round_ in range(KILLS):
        numbers = list(_killed_while_writing(path, round_ * 10_000, chance.randrange(200)))
        handed_over |= {f"gen-{number}" for number in numbers}
        till.ingest_file(path)

    taken, _ = good_and_bad(path)
    assert handed_over <= set(taken)
    assert len(taken) - len(handed_over) <= KILLS  # written, and killed before that was said
    assert len(set(taken)) == len(taken)
    again = till.ingest_file(path).counts
    assert (again.accepted, again.duplicates) == (0, len(taken))


def test_a_till_takes_records_as_they_are_made(captured: Captured, tmp_path: Path) -> None:
    clock = FixedClock(AT)
    till = Till.open(f"sqlite:///{tmp_path}/till.db", clock=clock)
    captured.server.reply_with(plain(OPENAI_CHAT))
    with httpx.Client(transport=CaptureTransport(till, source="arouter", clock=clock)) as client:
        for _ in range(2):
            client.post(captured.server.url + "/v1/chat/completions", json={"user": "u1"})

    assert till.usage().total.requests == 1  # the same answer is the same request
    assert {listed.name for listed in till.imports().imports} == {"capture"}
