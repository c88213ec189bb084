"""Periods that were closed by older versions, and by this one, are computed again to the same bytes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, inspect, text

from tests.builders import MovableClock, at, folder, record
from tests.documents import everything as agreed
from tests.replay.make import DATA, fault_of_replay, restored
from tests.replay.story import DEARER, lived
from tests.shares import daily, in_campaigns
from tests.store.bench import postgresql_without_tables, rows_of_all_tables
from tokentill.invoicing import invoice as invoices
from tokentill.invoicing.invoice import OLDEST_VERSION_OF_F, VERSION_OF_F
from tokentill.invoicing.rating_groups import RatingContext
from tokentill.recordings.load import Folder
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.store.migrating import downgrade, upgrade
from tokentill.till import Till

SETS = sorted(DATA.glob("*.sql"))
BYTES_MAX = 500_000
Documents = dict[str, tuple[bytes, str, int]]


def documents_of(stored: str) -> Documents:
    """Content, hash and version of the calculation of every document of a set, by number."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(stored)
        rows = connection.execute("SELECT number, content, content_hash, json_extract(pins, '$.f') FROM invoice")
        return {number: (content, hash_, f) for number, content, hash_, f in rows}


ALL = {stored.stem: documents_of(stored.read_text("utf-8")) for stored in SETS}


@pytest.fixture(params=SETS, ids=lambda stored: stored.stem)
def stored(request: pytest.FixtureRequest) -> Path:
    """Each set."""
    found: Path = request.param
    return found


def till_of(database: Database, *, instant: str = "2027-01-05T09:00Z", pricing: Folder | None = None) -> Till:
    return Till(database, pricing or folder(), clock=MovableClock(at(instant)), grace=timedelta(0))


# The stored periods


def test_every_stored_document_is_computed_again_to_the_same_bytes(stored: Path, tmp_path: Path) -> None:
    with closing(restored(stored, tmp_path / "stored.db")) as database:
        shop = till_of(database)
        verification = shop.verify(replay=True)
        assert [(one.number, one.fault) for one in verification.invoices if one.fault] == []
        assert verification.is_sound
        assert len(verification.invoices) == len(ALL[stored.stem])
        assert shop.database.check().is_sound
        documents = {one.number: (one.content_bytes, one.content_hash) for one in shop.invoices()}
    assert documents == {number: (content, hash_) for number, (content, hash_, _) in ALL[stored.stem].items()}


def test_stored_hashes_are_those_of_the_stored_bytes(stored: Path) -> None:
    for number, (content, hash_, _) in ALL[stored.stem].items():
        assert hash_ == f"sha256:{sha256(content).hexdigest()}", number


@pytest.mark.parametrize("stored", [*map(in_campaigns, SETS[:-1]), SETS[-1]], ids=[one.stem for one in SETS])
def test_what_is_stored_on_sqlite_is_computed_again_on_postgresql(
    stored: Path, tmp_path: Path, postgresql_url: str
) -> None:
    with sqlite3.connect(tmp_path / "older.db") as older:
        older.executescript(stored.read_text("utf-8"))
        (revision,) = older.execute("SELECT version_num FROM alembic_version").fetchone()
    with postgresql_without_tables(postgresql_url) as database:
        upgrade(database, revision)
        copy_rows(older, database)
        older.close()
        upgrade(database)
        with closing(restored(stored, tmp_path / "stored.db")) as on_sqlite:
            assert rows_of_all_tables(database) == rows_of_all_tables(on_sqlite)
        assert till_of(database).verify(replay=True).is_sound


def copy_rows(older: sqlite3.Connection, database: Database) -> None:
    """Fill tables of the same version, which have nothing but their counters."""
    with database.write() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # rows come as they are
        connection.execute(text("DELETE FROM counter"))
        for table in tables.metadata.sorted_tables:
            if not inspect(connection).has_table(table.name):
                continue
            rows = older.execute(f'SELECT * FROM "{table.name}"')
            names = [column[0] for column in rows.description]
            values = [dict(zip(names, row, strict=True)) for row in rows]
            if values:
                connection.execute(insert(table).values(), values)


# What the sets are


def test_the_sets_are_small_and_of_every_version_that_can_be_computed_again() -> None:
    assert sum(stored.stat().st_size for stored in SETS) < BYTES_MAX
    versions = {f for documents in ALL.values() for _, _, f in documents.values()}
    assert versions == set(range(OLDEST_VERSION_OF_F, VERSION_OF_F + 1)), "run python -m tests.replay.make"


def test_documents_of_both_forms_have_everything_that_a_document_can_have() -> None:
    older, newer = contents(range(2, 4)), contents([4, 5])
    assert {one.get("form", 1) for one in older} == {1}
    assert {one["form"] for one in newer} == {2}
    assert kinds_of(older, "items") == {"coupon", "minimum", "cap", "invoiced", "tax", "balance", "credit", "carried"}
    assert kinds_of(newer, "items") == kinds_of(older, "items") | {"commitment", "true_up"}
    assert kinds_of(older, "lines") == {"usage", "package", "flat", "base_fee"}
    assert kinds_of(newer, "lines") == kinds_of(older, "lines") | {"adjustment", "manual", "overage"}
    assert {one["kind"] for one in newer} == {"period", "interim", "credit-note"}
    causes = {line["cause"] for one in newer for line in one["lines"] if line["kind"] == "adjustment"}
    assert causes == {"late", "price", "retraction"}


def contents(versions: Any) -> list[dict[str, Any]]:
    found = [one for documents in ALL.values() for one in documents.values()]
    return [json.loads(content) for content, _, f in found if f in versions]


def kinds_of(listed: list[dict[str, Any]], of: str) -> set[str]:
    return {one["kind"] for content in listed for one in content.get(of, ())}


NO_PART_OF_A_DOCUMENT = {"pull", "key_binding"}
"""Tables that came after the newest set, and that no document is made of."""


def test_every_table_has_rows_in_the_newest_set_and_none_is_lost_by_going_back(tmp_path: Path) -> None:
    with closing(restored(SETS[-1], tmp_path / "stored.db")) as database:
        before = rows_of_all_tables(database)
        assert {name for name, rows in before.items() if not rows} == NO_PART_OF_A_DOCUMENT
        for step in ("0011", "0010", "0009", "0008", "0007"):
            with pytest.raises(RuntimeError, match="would be lost"):
                downgrade(database, step)
        assert rows_of_all_tables(database) == before


def test_the_same_months_come_to_the_same_documents_today(sqlite_database: Database) -> None:
    newest = max(ALL.values(), key=lambda documents: max(f for _, _, f in documents.values()))
    lived_now = lived(sqlite_database).invoices()
    assert {one.number: (one.content_bytes, one.content_hash, one.pins["f"]) for one in lived_now} == newest


# Another calculation is found, and what is closed is corrected


def test_a_calculation_that_forgot_an_older_version_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokentill.closing.computation.compute.rating_context", lambda books, _: RatingContext(books))
    fault = fault_of_replay(DATA / "f2-f3-tables-0007.sql")
    assert fault is not None
    assert fault.startswith("INV-000006: computed again it comes to")  # a cost without a quantity


def test_a_document_in_another_form_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoices, "FIRST_FORM_UPTO", 1)
    fault = fault_of_replay(DATA / "f2-f3-tables-0007.sql")
    assert fault is not None
    assert "computed again it comes to" in fault


@pytest.mark.parametrize("stored", daily(SETS, 2), ids=[one.stem for one in SETS])
def test_months_that_older_versions_closed_are_corrected(stored: Path, tmp_path: Path) -> None:
    with closing(restored(stored, tmp_path / "stored.db")) as database:
        pricing = folder(*agreed.everything().prices, DEARER)
        shop = till_of(database, instant="2026-12-20T09:00Z", pricing=pricing)
        before = {one.number for one in shop.invoices()}
        shop.ingest([record("later", user="dora", when="2026-10-30T12:00Z", input=1_000_000)])
        shop.ingest([record("new", user="dora", when="2026-12-10T12:00Z", input=1_000_000)])
        shop.clock = MovableClock(at("2027-01-05T09:00Z"))
        assert not shop.close("2026-12", accept_pricing_change=True).refused
        causes = {
            (line["corrects"]["period"], line["cause"])
            for one in shop.invoices()
            if one.number not in before
            for line in one.content["lines"]
            if line["kind"] == "adjustment"
        }
        assert ("2026-10", "late") in causes
        assert shop.verify(replay=True).is_sound
