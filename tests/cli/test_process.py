"""The real thing: `python -m tokentill` as a process, with pipes, signals, a terminal and completion."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.cli.running import JUNE, ROOT, Cli, usage
from tests.shares import daily
from tokentill.closing.records.ingest import BATCH_RECORDS_FIRST
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.migrating import schema_state

COMMAND = [sys.executable, "-m", "tokentill"]
SECONDS_MAX = 60
TAKES_SIGINT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from tokentill.cli import main
from tokentill.sources import beside
beside.AHEAD_BYTES = 2**20
main()
"""
"""The command, also where the tests run in the background and their children would inherit that SIGINT is ignored. It
reads a megabyte ahead of what it stores.
"""

BEHIND = 20_000
"""So many records are more than what is read ahead: the first batch is stored before them."""


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TOKENTILL", "NO_COLOR", "FORCE_"))}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm-256color", **more}


def run(folder: Path, *arguments: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def on_a_terminal(folder: Path, *arguments: str, **more: str) -> str:
    """What a command writes to a terminal, both streams together."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, env=environment(**more), stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    said = b"".join(_read_all(leader))
    os.close(leader)
    process.wait(SECONDS_MAX)
    return said.decode()


def _read_all(leader: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the other side is closed
            return
        if not piece:
            return
        yield piece


def test_python_m_tokentill_is_the_command(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"tokentill ")


def test_statuses_reach_the_shell(tmp_path: Path) -> None:
    assert run(tmp_path, "db", "upgrade").returncode == 0
    assert run(tmp_path, "invoices", "list").returncode == 0
    assert run(tmp_path, "invoices", "show", "INV-000001").returncode == 1
    assert run(tmp_path, "preview", "October").returncode == 2
    assert run(tmp_path, "octopus").returncode == 2


def test_into_a_pipe_go_no_colours(month: Cli) -> None:
    for arguments in (["preview", JUNE], ["invoices", "show", "INV-1"], ["--help"], ["octopus"]):
        done = run(month.folder, *arguments)
        assert b"\x1b" not in done.stdout + done.stderr


def test_on_a_terminal_there_are_colours_unless_no_color_or_json_says_otherwise(month: Cli) -> None:
    assert "\x1b[" in on_a_terminal(month.folder, "preview", JUNE)
    assert "\x1b[3" not in on_a_terminal(month.folder, "preview", "October", NO_COLOR="1")
    said = on_a_terminal(month.folder, "preview", JUNE, "--json")
    assert "\x1b" not in said
    assert json.loads(said)["period"] == JUNE


def test_long_work_shows_a_bar_on_a_terminal_only(month: Cli) -> None:
    assert "close 2025-06" in on_a_terminal(month.folder, "close", JUNE)
    assert b"close" not in run(month.folder, "close", JUNE).stderr


def test_a_reader_that_has_seen_enough_is_no_trouble(month: Cli) -> None:
    month("ingest", month.write_usage(*(usage(f"m-{n}", f"user-{n}") for n in range(1200)), path="many.jsonl"))
    for arguments in ("preview 2025-06", "preview 2025-06 --json", "--help"):
        done = subprocess.run(
            f"{sys.executable} -m tokentill {arguments} | head -1; exit 0",
            shell=True,
            cwd=month.folder,
            env=environment(),
            capture_output=True,
            timeout=SECONDS_MAX,
            check=True,
        )
        assert done.stdout.count(b"\n") == 1
        assert b"Traceback" not in done.stderr
        assert b"BrokenPipe" not in done.stderr


@pytest.mark.parametrize("as_json", daily([True, False], 1), ids=["json", "text"])
def test_ctrl_c_ends_an_import_with_130_and_it_goes_on_next_time(tmp_path: Path, as_json: bool) -> None:
    """The records come through a pipe that stays open, so that the import is certainly under way."""
    lines = [json.dumps(usage(f"r-{number}")).encode() + b"\n" for number in range(BATCH_RECORDS_FIRST + BEHIND)]
    with subprocess.Popen(
        [sys.executable, "-c", TAKES_SIGINT, "ingest", "-", *(["--json"] if as_json else [])],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(b"".join(lines))
            process.stdin.flush()
            _wait_for_records(tmp_path / "tokentill.db")
            _wait_until_it_waits(process.pid)
            process.send_signal(signal.SIGINT)
            status = process.wait(20)
        finally:
            process.kill()
        out, err = process.stdout.read(), process.stderr.read()

    assert status == 130
    assert b"Traceback" not in err
    assert b"interrupted; what was stored is whole" in err
    if as_json:
        assert json.loads(out)["kind"] == "Interrupted"
    else:
        assert out == b""
    again = json.loads(run(tmp_path, "ingest", "-", "--json", stdin=b"".join(lines)).stdout)
    assert again["read"] == BATCH_RECORDS_FIRST + BEHIND
    assert again["duplicates"] == BATCH_RECORDS_FIRST
    assert again["accepted"] == BEHIND


def _wait_until_it_waits(pid: int) -> None:
    """Until a process has slept for a while: it has read all that is in the pipe."""
    state, asleep = Path(f"/proc/{pid}/stat"), 0
    for _ in range(400):
        asleep = asleep + 1 if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "S" else 0
        if asleep == 5:
            return
        time.sleep(0.05)
    raise AssertionError("the process does not come to wait for more")


def _wait_for_records(path: Path) -> None:
    """Until the first batch is stored."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and _records_in(path):
            return
        time.sleep(0.05)
    pytest.fail("nothing was stored")


def _records_in(path: Path) -> int:
    database = Database.open(str(path))
    try:
        with database.read() as connection:
            if schema_state(connection) != "current":
                return 0
            return int(connection.execute(select(func.count()).select_from(tables.usage)).scalar_one())
    finally:
        database.close()


def test_completion_is_shown_for_bash_and_completes_commands(tmp_path: Path) -> None:
    # Where no shell is the parent, as under a service, none can be detected.
    script = run(tmp_path, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert script.returncode == 0
    assert b"complete -o default -F _tokentill_completion tokentill" in script.stdout

    completed = run(tmp_path, _TOKENTILL_COMPLETE="complete_bash", COMP_WORDS="tokentill invoices s", COMP_CWORD="2")
    assert completed.stdout.split() == [b"show"]


def test_two_imports_at_once_both_end_well(tmp_path: Path) -> None:
    rows = [usage(f"r-{number}") for number in range(500)]
    (tmp_path / "usage.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    processes = [
        subprocess.Popen(
            [*COMMAND, "ingest", "usage.jsonl", "--json"],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=SECONDS_MAX) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], said
    found = [json.loads(out) for out, _ in said]
    assert sum(one["accepted"] for one in found) == 500
    assert sum(one["duplicates"] for one in found) == 500


def test_the_demo_removes_nothing_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("years of work")
    refused = run(tmp_path, "demo", "--out", "own")
    assert refused.returncode == 1
    assert b"holds something that is not from a demo" in refused.stderr
    assert (tmp_path / "own" / "thesis.txt").exists()
