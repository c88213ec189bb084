"""Makes a stored set of closed periods: `python -m tests.replay.make [--code FOLDER ...]` (see docs/verification.md).

It is written to `data/`, named for the versions of the calculation and of the tables. `--code` names the sources of an
older version, which lives the same months as far as its tables go; where it is given twice, the second one takes the
database over after October.
"""

from __future__ import annotations

import argparse
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from tokentill.closing.questions.verify import verify_invoices
from tokentill.store.database import Database
from tokentill.store.issued.invoices import issued_invoices
from tokentill.store.migrating import upgrade

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).parents[2]
_BYTES = re.compile(r"X'((?:[0-9A-F]{2})+)'")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", type=Path, action="append", help="a folder with the src/ of some version")
    name, dump = made(parser.parse_args().code or [ROOT])
    if (DATA / name).exists() and (fault := fault_of_replay(DATA / name)):
        raise SystemExit(
            f"{DATA / name} is left as it is: {fault}\nwhat was issued under a version of the calculation comes to the"
            " same for good; let VERSION_OF_F go up, and keep the older version callable"
        )
    (DATA / name).write_text(dump, "utf-8")
    print(f"{DATA / name}: {len(dump)} bytes")


def made(codes: Sequence[Path] = (ROOT,)) -> tuple[str, str]:
    """The name of a set and its text, lived by the code of one version, or of two."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "lived.db"
        for code, part in ((codes[0], "until-october"), (codes[-1], "from-november")):
            path = os.pathsep.join((str(code.resolve() / "src"), str(ROOT)))
            environment = {**os.environ, "PYTHONPATH": path, "LOGNAME": "golden", "TZ": "UTC"}
            subprocess.run([sys.executable, "-m", "tests.replay.story", str(file), part], env=environment, check=True)
        return dumped(file)


def dumped(file: Path) -> tuple[str, str]:
    """What a database is kept as: the name of the file, and its statements."""
    with closing(sqlite3.connect(file)) as connection:
        (tables,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        pinned = connection.execute("SELECT DISTINCT json_extract(pins, '$.f') FROM close_run ORDER BY 1").fetchall()
        name = "-".join([*(f"f{version}" for (version,) in pinned), "tables", tables])
        return f"{name}.sql", _BYTES.sub(_as_text, "\n".join(connection.iterdump())) + "\n"


def restored(stored: Path, file: Path) -> Database:
    """A stored set as an SQLite file, brought up to the newest tables."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(stored.read_text("utf-8"))
    database = Database.open(str(file))
    upgrade(database)
    return database


def fault_of_replay(stored: Path) -> str | None:
    """What a stored set comes to that it did not come to when it was made, or None."""
    with (
        TemporaryDirectory() as folder,
        closing(restored(stored, Path(folder) / "stored.db")) as database,
        database.read() as connection,
    ):
        found = verify_invoices(connection, issued_invoices(connection), whole=True, replay=True)
    faults = [*found.faults, *(f"{one.number}: {one.fault}" for one in found.invoices if one.fault is not None)]
    return next(iter(faults), None)


def _as_text(found: re.Match[str]) -> str:
    """Bytes that are JSON, so that they can be read."""
    held = bytes.fromhex(found[1])
    if not held.startswith(b"{"):
        return found[0]
    return "CAST('" + held.decode().replace("'", "''") + "' AS BLOB)"


if __name__ == "__main__":
    main()
