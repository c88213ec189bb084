"""How fast records are taken in, as a ratio to a bare `INSERT OR IGNORE` of the same columns in the same run.

    python benchmarks/ingest.py [--records 200000] [--rounds 3] [--kinds simple wide] [--growth] [--postgresql URL]

Ours is the whole command, its start included; the reference is one `sqlite3.executemany` of rows that are ready, with
a key over source and record id, in one transaction. Ids are random, and one record in a hundred comes twice. The
simple records have one model and three quantities; the wide ones have a cost, forty models, 5,000 users, tags, and one
line in fifty that is odd; the other kinds are simple records as LiteLLM, OpenRouter and Parquet have them. What is
compared is the time by the clock, since lines are read by a process beside the one that stores them, and the time of
all processors beside it; a ratio of 1 would be as fast as the bare statement. `--growth` takes in a tenth of the
records, too, and tells the exponent with which time grows. `--postgresql` measures in a database of its own, which is
emptied: the reference is one COPY into a temporary table, and one `INSERT ... ON CONFLICT DO NOTHING`; there, the time
of processors leaves the server out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import log10
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psycopg

STARTS_AT = datetime(2026, 10, 1, tzinfo=UTC)
COLUMNS = (
    *("source", "record_id", "occurred_at", "user", "api_key", "model", "provider", "mode", "tags"),
    *("input", "cache_read", "output", "reasoning", "web_search", "cost", "is_byok"),
)
ID_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"

Record = dict[str, Any]


def simple(number: int, chance: random.Random) -> Record:
    """A record of the kind that most gateways have most of."""
    tokens = 200 + number * 7919 % 9000
    return {
        "source": "bench",
        "record_id": "".join(chance.choices(ID_CHARACTERS, k=20)),
        "occurred_at": _instant(chance),
        "user": f"user_{number * 31 % 500}",
        "model": "openai/gpt-5.4",
        "quantities": {"input": tokens, "cache_read": tokens // 3, "output": tokens // 5},
    }


def wide(number: int, chance: random.Random) -> Record:
    """A record that says all that a record may say."""
    user = int(5000 * chance.random() ** 3)
    record = simple(number, chance) | {
        "user": f"user_{user}",
        "api_key": f"key_{user % 4}",
        "model": f"vendor/model-{(user + chance.randrange(4)) % 40}",
        "provider": "vendor",
        "mode": "batch" if chance.random() < 0.1 else "standard",
        "cost": f"0.{chance.randrange(10**9):09d}",
        "is_byok": False,
    }
    if chance.random() < 0.3:
        record["tags"] = ["feature=search"]
    if chance.random() < 0.02:  # odd: right, but not as most lines are
        record["record_id"] = "caf\u00e9-" + record["record_id"]
        record["quantities"]["web_search"] = 1
    return record


def _instant(chance: random.Random) -> str:
    at = STARTS_AT + timedelta(milliseconds=chance.randrange(30 * 86_400_000))
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_litellm(record: Record) -> Record:
    """A record as a row of the spend logs."""
    counts, at = record["quantities"], record["occurred_at"]
    prompt = counts["input"] + counts["cache_read"]
    totals = {"prompt_tokens": prompt, "completion_tokens": counts["output"], "total_tokens": prompt + counts["output"]}
    usage = {**totals, "prompt_tokens_details": {"cached_tokens": counts["cache_read"]}}
    return {
        "request_id": record["record_id"],
        "call_type": "acompletion",
        "api_key": "88dc28",
        "spend": counts["input"] / 10**6,
        **totals,
        "startTime": at,
        "endTime": at,
        "model": "gpt-5.4",
        "model_group": "gpt-5.4",
        "custom_llm_provider": "openai",
        "user": "default",
        "end_user": record["user"],
        "team_id": None,
        "metadata": {"usage_object": usage, "user_api_key_alias": "alias", "user_api_key_team_id": None},
        "cache_hit": "False",
        "request_tags": [],
        "status": "success",
    }


def as_openrouter(record: Record) -> Record:
    """A record as a generation object."""
    counts = record["quantities"]
    prompt, cost = counts["input"] + counts["cache_read"], counts["input"] / 10**6
    return {
        "id": record["record_id"],
        "created_at": record["occurred_at"],
        "model": record["model"],
        "external_user": record["user"],
        "app_id": 1,
        "is_byok": False,
        "provider_name": "OpenAI",
        "native_tokens_prompt": prompt,
        "native_tokens_completion": counts["output"],
        "native_tokens_cached": counts["cache_read"],
        "native_tokens_reasoning": 0,
        "tokens_prompt": prompt,
        "tokens_completion": counts["output"],
        "total_cost": cost,
        "usage": cost,
        "latency": 321,
        "streamed": True,
        "cancelled": False,
        "finish_reason": "stop",
    }


def write_lines(records: Iterable[Record], file: Path) -> None:
    """JSON lines."""
    with file.open("w", encoding="utf-8") as opened:
        for record in records:
            opened.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_parquet(records: Iterable[Record], file: Path) -> None:
    """A table with the quantities as columns."""
    import pyarrow
    from pyarrow import parquet

    flat = pyarrow.Table.from_pylist([{**one, **one["quantities"]} for one in records]).drop(["quantities"])
    at = flat.schema.get_field_index("occurred_at")
    instants = [datetime.fromisoformat(text) for text in flat["occurred_at"].to_pylist()]
    typed = pyarrow.array(instants, pyarrow.timestamp("us", "UTC"))
    parquet.write_table(flat.set_column(at, "occurred_at", typed), file)


class Kind(NamedTuple):
    """How records are made, and written to a file."""

    make: Callable[[int, random.Random], Record]
    form: Callable[[Record], Record] = dict
    write: Callable[[Iterable[Record], Path], None] = write_lines


KINDS = {
    "simple": Kind(simple),
    "wide": Kind(wide),
    "litellm": Kind(simple, as_litellm),
    "openrouter": Kind(simple, as_openrouter),
    "parquet": Kind(simple, write=write_parquet),
}


def with_duplicates(make: Callable[[int, random.Random], Record], records: int) -> Iterator[Record]:
    """Records, of which one in a hundred came before."""
    chance, seen = random.Random(7), list[Record]()
    for number in range(records):
        if number % 100 == 99:
            yield chance.choice(seen)
            continue
        record = make(number, chance)
        if number % 10 == 0:
            seen.append(record)
        yield record


class Took(NamedTuple):
    """Processor time and time by the clock, in seconds; the bytes of the database, and of memory at the most."""

    processor: float
    clock: float
    size: int = 0
    memory: int = 0


def bare(rows: list[tuple[Any, ...]], database: Path) -> Took:
    """What the bare statement takes."""
    connection = sqlite3.connect(database)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536")
    connection.execute(f"CREATE TABLE usage ({', '.join(COLUMNS)}, PRIMARY KEY (source, record_id)) WITHOUT ROWID")
    begun, begun_at = time.process_time(), time.perf_counter()
    connection.executemany(f"INSERT OR IGNORE INTO usage VALUES ({', '.join('?' * len(COLUMNS))})", rows)
    connection.commit()
    took = Took(time.process_time() - begun, time.perf_counter() - begun_at)
    connection.close()
    return took


def bare_on_postgresql(rows: list[tuple[Any, ...]], url: str) -> Took:
    """What COPY and one INSERT take, in an emptied database."""
    columns = ", ".join(f'"{name}" text' for name in COLUMNS)
    with psycopg.connect(url, autocommit=True) as connection:
        emptied(connection)
        connection.execute(f"CREATE TABLE bare ({columns}, PRIMARY KEY (source, record_id))")
        begun, begun_at = time.process_time(), time.perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE coming ({columns}) ON COMMIT DROP")
            with cursor.copy("COPY coming FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute("INSERT INTO bare SELECT * FROM coming ON CONFLICT DO NOTHING")
        took = Took(time.process_time() - begun, time.perf_counter() - begun_at)
        emptied(connection)
    return took


def emptied(connection: psycopg.Connection[Any]) -> None:
    """Take away all that a database holds."""
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")


def made_ready(url: str, folder: Path) -> None:
    """Make the tables of an emptied database."""
    environment = {**os.environ, "TOKENTILL_DB": url}
    subprocess.run([sys.executable, "-m", "tokentill", "db", "upgrade"], env=environment, cwd=folder, check=True)


def size_on_postgresql(url: str) -> int:
    """The bytes of a database."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return 0 if found is None else int(found[0])


def command(file: Path, url: str, size: Callable[[], int]) -> Took:
    """What the whole command takes."""
    environment = {**os.environ, "TOKENTILL_DB": url}
    arguments = [sys.executable, "-m", "tokentill", "ingest", str(file), "--json"]
    before, begun_at = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    memory = 0
    with subprocess.Popen(arguments, env=environment, cwd=file.parent, stdout=subprocess.DEVNULL) as started:
        while started.poll() is None:
            memory = max(memory, memory_of(started.pid))
            time.sleep(0.05)
    if started.returncode:
        raise SystemExit("the command failed")
    after, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begun_at
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(processor, clock, size(), memory)


def memory_of(process: int) -> int:
    """The most memory that a process had, in bytes; 0 where the system does not say. (What `getrusage` says of children
    counts this process, of which they are copies at first.)
    """
    try:
        status = Path(f"/proc/{process}/status").read_text("ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def row_of(record: Record) -> tuple[Any, ...]:
    """A record as the reference stores it."""
    flat = record | record["quantities"]
    return tuple(json.dumps(value) if isinstance(value, list) else value for value in map(flat.get, COLUMNS))


def on_sqlite(rows: list[tuple[Any, ...]], file: Path) -> tuple[Took, Took]:
    """The reference and the command, each in a new file."""
    ours = file.with_name("ours.db")
    pair = bare(rows, file.with_name("bare.db")), command(file, f"sqlite:///{ours}", lambda: ours.stat().st_size)
    for left in file.parent.glob("*.db*"):
        left.unlink()
    return pair


def on_postgresql(rows: list[tuple[Any, ...]], file: Path, url: str) -> tuple[Took, Took]:
    """The same in a database that is emptied before."""
    reference = bare_on_postgresql(rows, url)
    made_ready(url, file.parent)
    return reference, command(file, url, lambda: size_on_postgresql(url))


def measure(kind: str, records: int, rounds: int, url: str | None) -> float:
    """Measure in turns, and print a line. Gives the time of the command by the clock."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "activity"
        made = list(with_duplicates(KINDS[kind].make, records))
        KINDS[kind].write(map(KINDS[kind].form, made), file)
        rows = list(map(row_of, made))
        del made
        pairs = [on_sqlite(rows, file) if url is None else on_postgresql(rows, file, url) for _ in range(rounds)]
    references, ours = zip(*pairs, strict=True)
    ratios = [median(getattr(b, of) / getattr(o, of) for b, o in pairs) for of in ("clock", "processor")]
    each_us = [median(one.clock for one in listed) / records * 1e6 for listed in (references, ours)]
    print(
        f"| {kind:<10} | {records:>10,} | {each_us[0]:17.1f} | {each_us[1]:7.1f} |"
        f" {ratios[0]:5.2f} | {ratios[1]:10.2f} |"
        f" {ours[-1].size / records:14.0f} | {ours[-1].memory / 2**20:6.0f} |",
        flush=True,
    )
    return each_us[1] * records


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--records", type=int, default=200_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--kinds", nargs="+", choices=KINDS, default=["simple", "wide"])
    arguments.add_argument("--growth", action="store_true", help="take in a tenth of the records, too")
    arguments.add_argument("--postgresql", metavar="URL", help="a database of its own, which is emptied")
    chosen = arguments.parse_args()
    print("| records    |     number | bare, us a record | command | ratio | processors | bytes a record |     MB |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in chosen.kinds:
        more: tuple[int, str | None] = chosen.rounds, chosen.postgresql
        small = measure(kind, chosen.records // 10, *more) if chosen.growth else None
        large = measure(kind, chosen.records, *more)
        if small is not None:
            print(f"{kind}: ten times the records take {large / small:.1f} times as long, n^{log10(large / small):.2f}")


if __name__ == "__main__":
    main()
