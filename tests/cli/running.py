"""Calls of the command line in this process, and a small month to call it on.

The month is June 2025, which is over on every machine that runs the tests.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tokentill.cli import app, main

ROOT = Path(__file__).resolve().parents[2]
JUNE = "2025-06"

PRICES = """\
format = 1
kind = "prices"
recorded_at = 2025-01-02T00:00:00Z
currency = "USD"
source = "a price list"

[[price]]
model = "acme/large"
aliases = ["large"]
valid_from = 2025-01-01T00:00:00Z
per = 1_000_000
rates = { input = 3, cache_read = 0.3, output = 15 }

[[price]]
model = "acme/gift"
valid_from = 2025-01-01T00:00:00Z
free = true
"""

DEFAULT = """\
format = 1
kind = "default"
id = "default"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z
currency = "USD"
time_zone = "UTC"
anchor_day = 1
"""

DUNE = """\
format = 1
kind = "customer"
id = "dune"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z
time_zone = "Europe/Berlin"

[[rule]]
name = "partner"
markup_percent = 20
"""

ATTRIBUTION = """\
format = 1
kind = "attribution"
recorded_at = 2025-01-02T00:00:00Z
valid_from = 2025-01-01T00:00:00Z
default = "each-user"
tolerance_percent = TOLERANCE
"""


_loaded = cache(app.loaded)
"""Commands are made from their modules once a process, and not at every call."""


@dataclass(frozen=True)
class Said:
    """How a call ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


_kept_months: list[bytes] = []
"""The database of the small month, once it was made."""


class Cli:
    """Calls `tokentill` in a folder of its own.

    A call ends with status 0 unless another one is expected, or any (None).
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.patch = monkeypatch
        monkeypatch.chdir(folder)
        for name in list(os.environ):
            if name.startswith(("TOKENTILL_", "_TOKENTILL", "FORCE_COLOR", "NO_COLOR", "TTY_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder.with_name(f"{folder.name}-cache")))

    def __call__(self, *arguments: str, status: int | None = 0, stdin: bytes = b"") -> Said:
        out, err = io.StringIO(), io.StringIO()
        with self.patch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(app, "loaded", _loaded)
            patch.setattr(sys, "argv", ["tokentill", *arguments])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            with pytest.raises(SystemExit) as ended:
                main()
        said = Said(int(ended.value.code or 0), out.getvalue(), err.getvalue())
        assert status is None or said.status == status, f"{arguments} ended with {said.status}\n{said.out}\n{said.err}"
        return said

    def write(self, path: str, content: str | bytes) -> str:
        """Write a file into the folder; returns its path as it was given."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def write_pricing(self, folder: str = "pricing", *, tolerance: str = "50") -> str:
        """Write a small pricing folder."""
        self.write(f"{folder}/models/acme.toml", PRICES)
        self.write(f"{folder}/contracts/default.toml", DEFAULT)
        self.write(f"{folder}/contracts/dune.toml", DUNE)
        self.write(f"{folder}/attribution/rules.toml", ATTRIBUTION.replace("TOLERANCE", tolerance))
        return folder

    def write_usage(self, *rows: dict[str, Any], path: str = "usage.jsonl") -> str:
        """Write canonical records as JSON lines."""
        return self.write(path, "".join(json.dumps(row) + "\n" for row in rows))

    def with_database(self) -> Cli:
        """Make an empty database."""
        self("db", "upgrade")
        return self

    def month(self) -> Cli:
        """Write and ingest the small month: alice and dune, and one request of nobody."""
        self.write_pricing()
        usage_file = self.write_usage(*MONTH)
        if _kept_months:
            self.write("tokentill.db", _kept_months[0])
        else:
            self("ingest", usage_file)
            _kept_months.append((self.folder / "tokentill.db").read_bytes())
        return self


def usage(
    record_id: str,
    user: str | None = "alice",
    *,
    model: str = "acme/large",
    when: str = "2025-06-10T12:00:00Z",
    quantities: dict[str, int] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A canonical record; 1,000,000 input and 100,000 output tokens, which list at 4.50, unless said otherwise."""
    counted = {"input": 1_000_000, "output": 100_000} if quantities is None else quantities
    return {
        "source": "own",
        "record_id": record_id,
        "occurred_at": when,
        "user": user,
        "model": model,
        "quantities": counted,
        **more,
    }


MONTH: Sequence[dict[str, Any]] = (
    usage("a-1", cost="4.25"),
    usage("a-2", when="2025-06-11T12:00:00Z", cost="4.25"),
    usage("a-3", model="acme/gift", quantities={"input": 50, "output": 5}),
    usage("d-1", "dune", quantities={"input": 333_333, "cache_read": 100}),
    usage("n-1", None, quantities={"input": 1000}),
)
