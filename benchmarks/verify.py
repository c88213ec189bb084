"""How long it takes to verify a closed month from its raw rows, and how much memory.

    python benchmarks/verify.py [--records 1000000] [--customers 5000]

One customer in fifty has a contract with tiers, so that every record of it is billed by itself in order of time. The
reference is reading the same rows one by one and doing nothing with them.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from main_job import NOW, PERIOD, lines, seconds
from sqlalchemy import select

from tokentill import Till
from tokentill.clock import FixedClock
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.verification.verifying import verify_documents

TIERED = """format = 1
kind = "customer"
id = "user_{number}"
recorded_at = 2026-09-01T00:00:00Z
valid_from = 2026-01-01T00:00:00Z

[[rule]]
name = "tiers"
tiers = {{ kind = "graduated", over = ["input_total"], tier = [
  {{ up_to = 100000, markup_percent = 20 }}, {{ markup_percent = 10 }} ] }}
"""


def closed_month(folder: Path, records: int, customers: int) -> Till:
    """A database in which the month was closed."""
    pricing = folder / "pricing"
    (pricing / "contracts").mkdir(parents=True)
    for number in range(0, customers, 50):
        text = TIERED.format(number=number)
        (pricing / "contracts" / f"user_{number}.toml").write_text(text, encoding="utf-8")
    activity = folder / "activity.jsonl"
    with activity.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines(records, customers))
    till = Till.open(str(folder / "tokentill.db"), str(pricing), clock=FixedClock(NOW))
    till.ingest_file(activity)
    till.close(PERIOD)
    return till


def read_plainly(database: Database) -> Iterator[object]:
    """Every row of usage, one by one."""
    with database.read() as connection:
        query = select(tables.usage).order_by(tables.usage.c.series_id, tables.usage.c.occurred_at)
        with connection.execute(query, execution_options={"yield_per": 5000}) as result:
            for rows in result.partitions():
                yield from rows


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=5_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        till = closed_month(Path(folder), asked.records, asked.customers)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        numbers = {issued.number for issued in till.invoices()}
        started, began = time.perf_counter(), time.process_time()
        with till.store.read() as connection:
            faults = [fault for _, fault in verify_documents(connection, numbers) if fault is not None]
        independent, of_cpu = time.perf_counter() - started, time.process_time() - began
        reference = seconds(lambda: sum(1 for _ in read_plainly(till.store)))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, began = time.perf_counter(), time.process_time()
        is_sound = till.verify().is_sound
        whole, whole_cpu = time.perf_counter() - started, time.process_time() - began
        figures = {
            "records": asked.records,
            "invoices": len(numbers),
            "faults": len(faults),
            "sound": is_sound,
            "independent_seconds": round(independent, 1),
            "independent_cpu_seconds": round(of_cpu, 1),
            "verify_seconds": round(whole, 1),
            "verify_cpu_seconds": round(whole_cpu, 1),
            "reading_rows_seconds": round(reference, 1),
            "memory_mb_before": before // 1024,
            "memory_mb": after // 1024,
        }
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
