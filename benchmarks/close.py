"""How long the close of a large month takes, how much memory, and how both grow.

    python benchmarks/close.py [--records 1000000] [--customers 5000] [--folder DIR]

Each step runs in a process of its own. The reference is DuckDB, in an environment of its own: the bare sums of the same
columns by user, model and day, from a Parquet file of the same records. The close is measured again with a tenth of the
records, and with a tenth of the customers, too; the exponents say how it grows. `--folder` keeps the databases, and
takes those that are there: ten million records take a while to ingest.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

PERIOD = "2026-10"
PREVIEWS = 20
"""One takes too short to be measured alone."""

DUCKDB = "duckdb==2.0.1"
SUMS = """SELECT "user", model, day, count(*), sum(input), sum(cache_read), sum(output), sum(cost)
FROM '{parquet}' GROUP BY ALL"""
PARQUET = """COPY (SELECT "user", model, occurred_at::TIMESTAMP::DATE AS day, quantities.input, quantities.cache_read,
quantities.output, cost::DECIMAL(18, 6) AS cost FROM read_json('{activity}')) TO '{parquet}'"""


def measured(work: Callable[[], object]) -> dict[str, float]:
    """Seconds on the clock and of the processor, and the most memory of this process so far in megabytes."""
    started, busy = time.perf_counter(), time.process_time()
    work()
    took = {"seconds": time.perf_counter() - started, "busy": time.process_time() - busy}
    return took | {"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def ingest(database: str, activity: str) -> dict[str, Any]:
    """Take the records in."""
    return {"ingest": measured(lambda: _till(database).ingest_file(Path(activity)))}


def close(database: str, customer: str) -> dict[str, Any]:
    """Preview one customer, close the month, and close it again."""
    till = _till(database)
    till.preview(PERIOD, customer=customer)  # reads the pricing folder
    previews = measured(lambda: [till.preview(PERIOD, customer=customer) for _ in range(PREVIEWS)])
    one = {name: taken / PREVIEWS for name, taken in previews.items() if name != "megabytes"}
    found = {"preview of one customer": {**previews, **one}}
    issued: list[int] = []
    found["close"] = measured(lambda: issued.append(len(till.close(PERIOD).issued)))
    found["close again"] = measured(lambda: till.close(PERIOD))
    return {**found, "issued": issued[0]}


def parquet(activity: str, file: str) -> dict[str, Any]:
    """Make a Parquet file of the records with DuckDB."""
    import duckdb

    return {"parquet": measured(lambda: duckdb.sql(PARQUET.format(activity=activity, parquet=file)))}


def sums(file: str) -> dict[str, Any]:
    """The bare sums with DuckDB."""
    import duckdb

    duckdb.sql("SELECT 1").fetchall()
    return {"sums": measured(lambda: duckdb.sql(SUMS.format(parquet=file)).fetchall())}


def _till(database: str) -> Any:
    from main_job import NOW

    from tokentill import Till
    from tokentill.clock import FixedClock

    return Till.open(database, clock=FixedClock(NOW))


PARTS: dict[str, Callable[..., dict[str, Any]]] = {"ingest": ingest, "close": close, "parquet": parquet, "sums": sums}


def in_process(python: str, part: str, *arguments: object) -> dict[str, Any]:
    """What a part says that runs in a process of its own."""
    command = [python, __file__, "--part", part, *map(str, arguments)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    return found


def closed(folder: Path, records: int, customers: int) -> dict[str, Any]:
    """Take a month in, unless it is there, and close a copy of it."""
    from main_job import lines

    name = f"{records}-{customers}"
    activity, database = folder / f"{name}.jsonl", folder / f"{name}.db"
    if not activity.exists():
        with activity.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines(records, customers))
    found: dict[str, Any] = {}
    if not database.exists():
        found = in_process(sys.executable, "ingest", f"{database}.new", activity)
        Path(f"{database}.new").rename(database)
    copy = folder / "closed.db"
    shutil.copyfile(database, copy)
    try:
        return found | in_process(sys.executable, "close", copy, "user_31")
    finally:
        for file in folder.glob("closed.db*"):
            file.unlink()


def with_duckdb(folder: Path, records: int, customers: int) -> dict[str, Any]:
    """The reference, over the same records."""
    python = folder / "duckdb" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "duckdb", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", DUCKDB], check=True)
    activity, file = folder / f"{records}-{customers}.jsonl", folder / f"{records}-{customers}.parquet"
    if not file.exists():
        in_process(str(python), "parquet", activity, file)
    return in_process(str(python), "sums", file)


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--records", type=int, default=1_000_000)
    arguments.add_argument("--customers", type=int, default=5_000)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.part:
        print(json.dumps(PARTS[chosen.part[0]](*chosen.part[1:])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = chosen.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        records, customers = chosen.records, chosen.customers
        whole = closed(folder, records, customers)
        fewer_records = closed(folder, records // 10, customers)
        fewer_customers = closed(folder, records // 10, customers // 10)
        reference = with_duckdb(folder, records, customers)
    print(f"{records:,} records, {customers:,} customers, {whole['issued']:,} invoices\n")
    print("| step                                  | seconds | of the processor | megabytes |")
    print("|---------------------------------------|---------|------------------|-----------|")
    shown = [
        (name, whole[name]) for name in ("ingest", "preview of one customer", "close", "close again") if name in whole
    ]
    for name, took in [*shown, ("DuckDB: bare sums from Parquet", reference["sums"])]:
        print(f"| {name:<37} | {took['seconds']:7.3f} | {took['busy']:16.3f} | {took['megabytes']:9.0f} |")
    ratio = whole["close"]["seconds"] / reference["sums"]["seconds"]
    print(f"\nthe close takes {ratio:.1f} times as long as the bare sums")
    for what, few, many in (
        ("records", fewer_records, whole),
        ("customers, with a tenth of the records", fewer_customers, fewer_records),
    ):
        exponent = math.log10(many["close"]["busy"] / few["close"]["busy"])
        print(f"exponent in {what}: {exponent:.2f} ({few['close']['busy']:.1f} to {many['close']['busy']:.1f} seconds)")


if __name__ == "__main__":
    main()
