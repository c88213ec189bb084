"""What takes many rows at once says what single statements say, and an import leaves nothing switched off or open."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.builders import record
from tests.store.test_ingest import CLOCK, HOSTILE_IDS, take
from tokentill.closing.records.ingest import ingest
from tokentill.errors import IntegrityFault
from tokentill.store import tables
from tokentill.store.bulk import MANY, among, insert_tuples
from tokentill.store.database import Database
from tokentill.store.intake.batches import Counts, store_batch_row
from tokentill.store.usage.usage_inserts import KnownSeries, insert_usage, usage_rows
from tokentill.usage.columns import SeriesNumbers, UsageColumns
from tokentill.usage.record import UsageRecord


def test_what_breaks_a_constraint_is_refused_whole_and_as_ever(database: Database) -> None:
    with pytest.raises(IntegrityError, match="source"), database.write() as connection:
        insert_tuples(connection, tables.source, ("name",), [("a",), ("b",), ("a",)])
    with database.read() as connection:
        assert connection.execute(select(tables.source)).all() == []


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.write() as connection:
        insert_tuples(connection, tables.source, ("name",), [])


def test_rows_are_found_by_any_text_and_by_no_other(database: Database) -> None:
    name = tables.source.c.name
    with database.write() as connection:
        insert_tuples(connection, tables.source, ("name",), [(id_,) for id_ in HOSTILE_IDS])
    with database.read() as connection:
        assert sorted(connection.execute(select(name)).scalars()) == sorted(HOSTILE_IDS)
        for asked in (HOSTILE_IDS[::2], HOSTILE_IDS[1::2], HOSTILE_IDS[:1], [], ["nobody", HOSTILE_IDS[0]]):
            found = set(connection.execute(select(name).where(among(connection, name, asked))).scalars())
            assert found == set(asked) - {"nobody"}


@pytest.mark.parametrize("is_on", [True, False])
def test_the_collector_is_afterwards_what_it_was(sqlite_database: Database, *, is_on: bool) -> None:
    during = []

    def records(*, fails: bool) -> Iterator[UsageRecord]:
        during.append(gc.isenabled())
        yield record("one")
        if fails:
            raise OSError("the disk is gone")

    was_on = gc.isenabled()
    try:
        (gc.enable if is_on else gc.disable)()
        take(sqlite_database, records(fails=False))
        assert gc.isenabled() == is_on
        with pytest.raises(OSError, match="the disk is gone"):
            take(sqlite_database, records(fails=True))
        assert gc.isenabled() == is_on
    finally:
        (gc.enable if was_on else gc.disable)()
    assert during == [False, False]


def test_an_import_of_many_batches_opens_one_connection_and_closes_it(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokentill.closing.records.ingest.BATCH_RECORDS_MAX", 2)
    seen: list[str] = []

    def note(what: str) -> Any:
        return lambda *_: seen.append(what)

    event.listen(sqlite_database.engine, "connect", note("opened"))
    event.listen(sqlite_database.engine, "close", note("closed"))
    ingest(sqlite_database, [record(f"r{n}") for n in range(9)], name="file", clock=CLOCK)
    assert seen == ["opened", "closed"]


@pytest.mark.parametrize("wrong", ["source", "sources far apart", "batch"])
def test_many_rows_that_refer_to_nothing_are_refused(database: Database, wrong: str) -> None:
    columns = UsageColumns.of([record(f"r{number}") for number in range(MANY)], SeriesNumbers())
    known = KnownSeries(columns.names)
    with database.write() as connection:
        rows = usage_rows(connection, known, columns, [1] * MANY)
        assert rows is not None
        seq = store_batch_row(connection, Counts(accepted=MANY), rows, label="file", at=CLOCK.now())
        if wrong == "batch":
            seq += 1
        else:
            other = 10**9 if wrong == "sources far apart" else rows.sources[0] + 1
            rows = replace(rows, sources=[*rows.sources[1:], other])
        with pytest.raises((IntegrityFault, DBAPIError), match="not there"):
            insert_usage(connection, known, rows, seq)
        connection.rollback()


def test_the_guards_are_back_when_many_rows_are_in(database: Database) -> None:
    columns = UsageColumns.of([record(f"r{number}") for number in range(MANY)], SeriesNumbers())
    known = KnownSeries(columns.names)
    with database.write() as connection:
        rows = usage_rows(connection, known, columns, [1] * MANY)
        insert_usage(connection, known, rows, store_batch_row(connection, Counts(), rows, label="file", at=CLOCK.now()))
        stray = "INSERT INTO usage (id, source_id, record_id, series_id, seq, occurred_at, input_total, has_cost)"
        with pytest.raises(DBAPIError, match="not there"):
            connection.exec_driver_sql(f"{stray} VALUES (987654321, 1, 'stray', 1, 987654321, 0, 0, 0)")
        connection.rollback()
