"""How long the main job takes, each step beside a stated reference that is measured in the same run.

    python benchmarks/main_job.py [--records 200000] [--customers 500]

A ratio is the step's time over its reference's time; it moves far less from machine to machine than seconds do. The
references do the least that anybody would have to do: parse the lines, insert the rows, group them in SQL, multiply.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tokentill import PriceBook, Till, Usage
from tokentill.clock import FixedClock
from tokentill.sources.reading import read_records

STARTS_AT = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 2, tzinfo=UTC)
MODELS = ("openai/gpt-5.4", "anthropic/claude-sonnet-4.6", "google/gemini-2.5-pro", "openai/gpt-5.4-mini")
PERIOD = "2026-10"


def lines(records: int, customers: int) -> Iterator[str]:
    """Canonical records spread over the month, by a fixed rule."""
    step = timedelta(days=30) / records
    for number in range(records):
        tokens = 200 + number * 7919 % 9000
        yield json.dumps(
            {
                "source": "bench",
                "record_id": f"gen-{number}",
                "occurred_at": (STARTS_AT + number * step).isoformat().replace("+00:00", "Z"),
                "user": f"user_{number * 31 % customers}",
                "api_key": "key_1",
                "model": MODELS[number % len(MODELS)],
                "mode": "standard",
                "quantities": {"input": tokens, "cache_read": tokens // 3, "output": tokens // 5},
                "cost": f"0.{tokens:06d}",
                "is_byok": False,
            }
        )


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def plain_insert(file: Path, database: Path) -> None:
    """Parse every line and insert a row with a unique key, as one transaction without any check."""
    connection = sqlite3.connect(database)
    connection.execute(
        "CREATE TABLE usage (id TEXT PRIMARY KEY, at TEXT, user TEXT, model TEXT, input, cached, output)"
    )
    with file.open(encoding="utf-8") as opened:
        parsed = map(json.loads, opened)
        rows = ((r["record_id"], r["occurred_at"], r["user"], r["model"], *r["quantities"].values()) for r in parsed)
        connection.executemany("INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()


def plain_grouping(database: Path) -> None:
    """Sum tokens by user, model and day in SQL."""
    connection = sqlite3.connect(database)
    sums = "count(*), sum(input), sum(cached), sum(output)"
    query = f"SELECT user, model, substr(at, 1, 10), {sums} FROM usage GROUP BY 1, 2, 3"
    connection.execute(query).fetchall()
    connection.close()


def plain_decimals(count: int) -> None:
    """Multiply three quantities by three rates, and add."""
    rates = (Decimal("2.5"), Decimal("0.25"), Decimal(15))
    for _ in range(count):
        sum(
            (Decimal(quantity) * rate / 1_000_000 for quantity, rate in zip((1000, 200, 300), rates, strict=True)),
            Decimal(),
        )


def rate_each(book: PriceBook, count: int) -> None:
    """Rate one record at a time, each with its lines."""
    usage = Usage("openai/gpt-5.4", NOW - timedelta(days=20), {"input": 1000, "cache_read": 200, "output": 300})
    for _ in range(count):
        book.rate(usage)


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--records", type=int, default=200_000)
    arguments.add_argument("--customers", type=int, default=500)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "activity.jsonl"
        file.write_text("\n".join(lines(chosen.records, chosen.customers)) + "\n", encoding="utf-8")
        parse = seconds(lambda: [json.loads(line) for line in file.open(encoding="utf-8")])
        inserted = seconds(lambda: plain_insert(file, folder / "plain.db"))
        grouped = seconds(lambda: plain_grouping(folder / "plain.db"))
        rated_count = 20_000
        decimals = seconds(lambda: plain_decimals(rated_count))
        book = PriceBook.load()
        till = Till.open(str(folder / "tokentill.db"), clock=FixedClock(NOW))
        measured = [
            ("read and check every record", seconds(lambda: sum(1 for _ in read_records(file))), "json.loads", parse),
            ("ingest", seconds(lambda: till.ingest_file(file)), "parse and insert, no checks", inserted),
            (
                "ingest the same file again",
                seconds(lambda: till.ingest_file(file)),
                "parse and insert, no checks",
                inserted,
            ),
            ("preview", seconds(lambda: till.preview(PERIOD)), "one GROUP BY", grouped),
            ("close", seconds(lambda: till.close(PERIOD)), "one GROUP BY", grouped),
            ("verify all", seconds(till.verify), "one GROUP BY", grouped),
            (
                f"rate {rated_count:,} single records",
                seconds(lambda: rate_each(book, rated_count)),
                "bare Decimals",
                decimals,
            ),
        ]
    print(f"{chosen.records:,} records, {chosen.customers:,} customers\n")
    print(f"| {'step':<28} | seconds | {'reference':<28} | seconds | ratio |")
    print(f"|{'-' * 30}|---------|{'-' * 30}|---------|-------|")
    for step, took, reference, reference_took in measured:
        ratio = took / reference_took
        print(f"| {step:<28} | {took:7.2f} | {reference:<28} | {reference_took:7.2f} | {ratio:5.1f} |")


if __name__ == "__main__":
    main()
