"""What several told of the same requests, and what looks as if it was taken in twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import OCTOBER, MovableClock, price, prices, record, till
from tokentill.store.database import Database
from tokentill.till import Till


@pytest.fixture
def shop(database: Database) -> Till:
    """A till without any usage."""
    return till(database, prices(price()), clock=MovableClock())


def days(one: Till, **more: Any) -> list[tuple[Any, ...]]:
    """By reporter and day: requests, missing, unequal."""
    listed = one.witnesses(OCTOBER, **more).days
    return [(day.reporter, day.day.day, day.requests, day.missing, day.unequal) for day in listed]


def test_what_is_missing_on_either_side_or_unequal_is_named_by_day_and_record(shop: Till) -> None:
    shop.ingest([record("a", input=1), record("b", input=2), record("c", input=3, when="16"), record("e", input=5)])
    told = [record("a", input=1, tags=["app"]), record("b", input=7), record("d", input=4), record("e", input=5)]
    shop.ingest(told, reporter="capture")
    assert days(shop) == [
        *[("capture", 15, 4, 0, 1), ("export", 15, 4, 1, 0)],
        *[("capture", 16, 1, 1, 0), ("export", 16, 1, 0, 0)],
    ]
    report = shop.witnesses(OCTOBER)
    assert {(one.record_id, one.reporter, one.state) for one in report.records} == {
        ("b", "capture", "unequal"),
        ("c", "capture", "missing"),
        ("d", "export", "missing"),
    }
    unequal = next(one for one in report.content()["records"] if one["state"] == "unequal")
    assert unequal["differences"] == {"input": {"billed": 2, "told": 7}}
    assert not report.is_equal
    assert days(shop, source="other") == []


def test_it_is_the_same_whoever_tells_first(shop: Till) -> None:
    shop.ingest([record("a", input=7, cost="1"), record("k", input=2)], reporter="capture")
    shop.ingest([record("a", input=1, cost="1.0", user=None), record("b", input=2, request_key="k")])
    assert days(shop) == [("capture", 15, 2, 0, 1), ("export", 15, 2, 0, 0)]


def test_where_only_the_export_tells_there_is_nothing_to_compare(shop: Till) -> None:
    shop.ingest([record("a")])
    nothing: dict[str, Any] = {"days": [], "records": [], "not_named": 0, "is_equal": True}
    assert shop.witnesses(OCTOBER).content() == {"period": OCTOBER, **nothing}


def test_records_alike_in_all_but_their_ids_are_counted_by_sources_and_days(shop: Till) -> None:
    shop.ingest([record(f"a{n}", when="15 10:00", input=n + 1) for n in range(8)])
    shop.ingest([record(f"b{n}", when="15 10:00", input=n + 1, source="again") for n in range(8)])
    others: list[dict[str, Any]] = [{"user": "bob"}, {"model": "acme/small"}, {"input": 99}, {"web_search": 1}]
    shop.ingest([record(f"x{n}", **{"when": "15 10:00", "input": 1, **more}) for n, more in enumerate(others)])
    shop.ingest([record("twice", when="16", input=9), record("too", when="16", input=9)])
    shop.ingest([record("near", when="2026-10-15T10:00:00.9+00:00", input=8, source="third")])
    found = shop.near_duplicates(OCTOBER)
    assert [(one.source, one.other_source, one.day.day, one.records) for one in found.days] == [
        ("again", "third", 15, 1),
        ("arouter", "again", 15, 8),
        ("arouter", "arouter", 16, 1),
        ("arouter", "third", 15, 1),
    ]
    assert ("a0", "b0") in {(one.record_id, one.other_record_id) for one in found.examples}
    assert found.requests == {"arouter": 14, "again": 8, "third": 1}
    shop.retract(filter="source=again", reason="loaded twice")
    assert [one.other_source for one in shop.near_duplicates(OCTOBER).days] == ["arouter", "third"]
