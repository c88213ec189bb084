"""How fast records are taken in, as a ratio to a bare `INSERT OR IGNORE` of the same columns in the same run.

    python benchmarks/ingest.py [--records 200000] [--rounds 3]

Ours is the whole command, its start included; the reference is one `sqlite3.executemany` of rows that are ready, with
a key over source and record id, in one transaction. Ids are random, and one record in a hundred comes twice. The
simple records have one model and three quantities; the wide ones have a cost, forty models, 5,000 users, tags, and one
line in fifty that is odd. What is compared is processor time, since a machine that others use spends less of it on
waiting; a ratio of 1 would be as fast as the bare statement.
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
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

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


def bare_seconds(rows: list[tuple[Any, ...]], database: Path) -> float:
    """Processor time of the bare statement."""
    connection = sqlite3.connect(database)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536")
    connection.execute(f"CREATE TABLE usage ({', '.join(COLUMNS)}, PRIMARY KEY (source, record_id)) WITHOUT ROWID")
    begun = time.process_time()
    connection.executemany(f"INSERT OR IGNORE INTO usage VALUES ({', '.join('?' * len(COLUMNS))})", rows)
    connection.commit()
    took = time.process_time() - begun
    connection.close()
    return took


def command_seconds(file: Path, folder: Path, round_: int) -> tuple[float, int]:
    """Processor time of the command, and the bytes of its database."""
    database = folder / f"ours-{round_}.db"
    command = [sys.executable, "-m", "tokentill", "ingest", str(file), "--json"]
    environment = {**os.environ, "TOKENTILL_DB": f"sqlite:///{database}"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, database.stat().st_size


def row_of(record: Record) -> tuple[Any, ...]:
    """A record as the reference stores it."""
    flat = record | record["quantities"]
    return tuple(json.dumps(value) if isinstance(value, list) else value for value in map(flat.get, COLUMNS))


def measure(kind: str, make: Callable[[int, random.Random], Record], records: int, rounds: int) -> None:
    """Measure in turns, and print a line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = list(with_duplicates(make, records))
        file = folder / "activity.jsonl"
        with file.open("w", encoding="utf-8") as opened:
            opened.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in listed)
        rows = [row_of(record) for record in listed]
        del listed
        bare, ours, size = [], [], 0
        for round_ in range(rounds):
            bare.append(bare_seconds(rows, folder / f"bare-{round_}.db"))
            took, size = command_seconds(file, folder, round_)
            ours.append(took)
            for left in folder.glob("*.db*"):
                left.unlink()
    each_us = median(ours) / records * 1e6
    ratio = median(b / o for b, o in zip(bare, ours, strict=True))
    print(
        f"| {kind:<6} | {records:>9,} | {median(bare):6.2f} s | {median(ours):6.2f} s | {each_us:5.1f} | {ratio:5.2f} |"
        f" {size / records:4.0f} |",
        flush=True,
    )


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--records", type=int, default=200_000)
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    print("| lines  |   records |     bare | command  | us a record | ratio | bytes a record |")
    print("|---|---|---|---|---|---|---|")
    measure("simple", simple, chosen.records, chosen.rounds)
    measure("wide", wide, chosen.records, chosen.rounds)


if __name__ == "__main__":
    main()
