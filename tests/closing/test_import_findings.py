"""What is odd about an import is said at once: ids that another source has, and periods that were closed before."""

from __future__ import annotations

import pytest

from tests.builders import OCTOBER, contract, record, till
from tests.invoicing.bench import numbers
from tokentill.closing.records import ingest as ingest_module
from tokentill.store.database import Database
from tokentill.store.intake import import_findings

pytestmark = pytest.mark.postgresql_one_in(8)

NOVEMBER = "2026-11-01T08:00Z"


def test_ids_that_another_source_has_are_counted_for_both(database: Database) -> None:
    one = till(database)
    one.ingest([record("r1"), record("r2"), record("r3")])
    again = one.ingest([record("r1", source="b"), record("r2", source="b"), record("x", source="b")])
    assert again.counts.accepted == 3
    assert again.content()["ids_of_other_sources"] == [
        {"source": "b", "other_source": "arouter", "records": 2, "of": 3}
    ]
    third = one.ingest([record("r1", source="c"), record("r1", source="c"), record("r3", source="arouter")])
    assert third.content()["ids_of_other_sources"] == [
        {"source": "c", "other_source": "arouter", "records": 1, "of": 1},
        {"source": "c", "other_source": "b", "records": 1, "of": 1},
    ]
    assert one.ingest([record("r9")]).content()["ids_of_other_sources"] == []


def test_both_exports_in_one_import_are_told_apart(database: Database) -> None:
    both = [record(f"r{number}", source=source) for source in ("a", "b") for number in range(3)]
    assert till(database).ingest(both).ids_elsewhere == {("a", "b"): 3, ("b", "a"): 3}


def test_a_revised_record_counts_once_and_batches_add_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_module, "BATCH_RECORDS_MAX", 2)
    one = till(database)
    one.ingest([record(f"r{number}") for number in range(5)])
    one.ingest([record("r0", input=7)])
    one.accept_revision("arouter", "r0", reason="corrected")
    again = one.ingest([record(f"r{number}", source="b") for number in range(5)])
    assert (again.ids_elsewhere, again.ids) == ({("b", "arouter"): 5}, {"b": 5})


def test_only_the_newest_sources_are_looked_into(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_findings, "OTHER_SOURCES_MAX", 2)
    one = till(database)
    for source in ("a", "b", "c"):
        one.ingest([record("r", source=source)])
    assert set(one.ingest([record("r", source="d")]).ids_elsewhere) == {("d", "b"), ("d", "c")}


def test_new_records_of_a_closed_period_are_counted_and_what_was_there_is_not(database: Database) -> None:
    one = till(database)
    assert one.ingest([record("r1"), record("s", when="2026-09-10T00:00Z")]).in_closed == {}
    one.close("2026-09")
    assert one.close(OCTOBER).issued == numbers(1, after=1)
    more = one.ingest(
        [record("r1"), record("r2"), record("r3"), record("t", when="2026-09-11T00:00Z"), record("n", when=NOVEMBER)]
    )
    assert more.content()["in_closed_periods"] == [
        {"period": "2026-09", "records": 1},
        {"period": "2026-10", "records": 2},
    ]
    assert sorted(late.record_id for late in one.late().records) == ["r2", "r3", "t"]
    assert one.ingest([record("r2"), record("n", when=NOVEMBER)]).in_closed == {}


def test_each_batch_counts_its_own(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_module, "BATCH_RECORDS_MAX", 2)
    one = till(database)
    one.ingest([record("r")])
    one.close(OCTOBER)
    assert one.ingest([record(f"r{number}") for number in range(5)]).in_closed.total() == 5


def test_a_period_of_another_zone_ends_where_it_ends_and_no_record_counts_twice(database: Database) -> None:
    west = contract("customer", "bob", time_zone="America/New_York")
    one = till(database, west)
    one.ingest([record("a"), record("b", user="bob"), record("c", user="bob", when="2026-09-20T00:00Z")])
    one.close("2026-09")
    one.close(OCTOBER)
    # 1 October 02:00 UTC is September of bob, and October of alice: it is one record, of a period that was closed.
    assert one.ingest([record("d", user="bob", when="2026-10-01T02:00Z")]).in_closed.total() == 1
    assert one.ingest([record("e", when=NOVEMBER)]).in_closed == {}


def test_a_period_that_is_void_is_not_closed(database: Database) -> None:
    one = till(database)
    one.ingest([record("r")])
    (number,) = one.close(OCTOBER).issued
    one.void(number, reason="a mistake")
    assert one.ingest([record("r2")]).in_closed == {}
