"""A whole import in columns leaves the database that the strict way leaves, and says the same of it."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.builders import MovableClock, at
from tests.quick_tables import make_tables
from tests.shares import IN_CAMPAIGNS
from tests.sources.test_quick_lines import lines
from tests.sources.test_quick_rows import lines as lines_of_rows
from tokentill.closing.records import ingest as ingesting
from tokentill.closing.records.ingest import ingest
from tokentill.sources import reading
from tokentill.sources.reading import read_records
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.usage.bounds import Bounds

AT_ONCE = 2_500 if IN_CAMPAIGNS else 1_000
BOUNDS = Bounds(oldest=at("3"))  # some lines are of instants before it


def activity(format_: str, seed: int) -> bytes:
    """Lines of which many have the identity of another, some are blank, and some users look like persons."""
    chance = random.Random(seed)
    given = []
    for raw in lines(seed, AT_ONCE) if format_ == "canonical" else lines_of_rows(format_, seed, AT_ONCE):
        again = re.sub(rb'"(r|gen-|chatcmpl-)[0-9]+"', lambda _: b'"r%d"' % chance.randrange(AT_ONCE), raw)
        given.append(again.replace(b'"u1"', b'"u%d@example.com"' % chance.randrange(300)))
        if chance.random() < 0.02:
            given.append(chance.choice((b"", b" \t", b"\r")))
    return b"\n".join(given) + chance.choice((b"", b"\n"))


def held(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, with series by what they consist of: their numbers tell only in which order they were met."""
    with database.read() as connection:
        rows = {table.name: connection.execute(select(table)).all() for table in tables.metadata.sorted_tables}
    digests = {row.id: row.digest for row in rows["series"]}
    told = {}
    for name, listed in rows.items():
        named = [row._asdict() for row in listed]
        for row in named:
            if "series_id" in row:
                row["series_id"] = digests[row["series_id"]]
            if name == "series":
                del row["id"]
        told[name] = sorted((tuple(row.values()) for row in named), key=repr)
    return told


def taken(
    path: Path, files: list[bytes], format_: str, monkeypatch: pytest.MonkeyPatch, *, is_quick: bool
) -> tuple[Any, ...]:
    """What imports of some files leave and say."""
    database, said, progress = Database.open(str(path)), [], list[Any]()
    make_tables(database)
    with monkeypatch.context() as changed:
        if not is_quick:
            changed.setattr(reading.Reading, "_is_quick", False)
        for number, content in enumerate(files):
            opened = read_records(io.BytesIO(content), name=f"file {number % 2}", source=None, format=format_)
            ingested = ingest(
                database, opened, name=opened.name, clock=MovableClock(), bounds=BOUNDS, progress=progress.append
            )
            said.append((ingested.content(), ingested.bad, ingested.personal_count))
    rows = held(database)
    database.close()
    path.unlink()
    return rows, said, progress


@pytest.mark.parametrize("format_", ["canonical", "litellm", "openrouter"])
@pytest.mark.parametrize(
    "parts", [pytest.param(2, id="every day"), pytest.param(200, id="a million", marks=pytest.mark.campaign)]
)
def test_an_import_in_columns_leaves_what_the_strict_one_leaves(
    parts: int, format_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = [0, 0, 0, 0]
    for seed in range(parts):
        monkeypatch.setattr(ingesting, "BATCH_RECORDS_MAX", random.Random(seed).choice((7, 500, 1_234, 100_000)))
        files = [activity(format_, 1_000 + 2 * seed), activity(format_, 1_001 + 2 * seed)]
        files.append(files[0])
        quick = taken(tmp_path / "quick.db", files, format_, monkeypatch, is_quick=True)
        strict = taken(tmp_path / "strict.db", files, format_, monkeypatch, is_quick=False)
        for name, rows in strict[0].items():
            assert quick[0][name] == rows, (seed, name)
        assert quick[1:] == strict[1:], seed
        for content, _, personal in quick[1]:
            parts_of = (content["accepted"], content["duplicates"], content["revisions"], personal)
            totals = [total + one for total, one in zip(totals, parts_of, strict=True)]
    assert min(totals) > 50 * parts  # of each kind there were enough
