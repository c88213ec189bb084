"""An import that is looked at first: it counts for nothing until it is accepted, and then as it was shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import OCTOBER, MovableClock, price, prices, record, till
from tests.invoicing.bench import numbers
from tests.store.bench import rows_of_all_tables
from tokentill.errors import InvalidCall, NotFound, Refused
from tokentill.store.database import Database
from tokentill.till import Till

MILLION = 1_000_000
pytestmark = pytest.mark.postgresql_one_in(2)

STAGED_TABLES = ("audit", "batch", "counter", "staged_record", "staged_event")


def totals(one: Till, **more: Any) -> dict[str, str]:
    """What each customer would be billed for October."""
    return {found["customer"]: found["total"] for found in one.preview(OCTOBER, **more).content()["invoices"]}


def bad(record_id: str) -> Any:
    """A record of an instant that is out of bounds."""
    return record(record_id, when="2062-10-15T00:00:00Z")


@pytest.fixture
def used(database: Database) -> Till:
    """A till with a record of 3.00."""
    searched = prices(price(fees={"web_search": {"price": "0"}}))
    one = till(database, searched, clock=MovableClock())
    one.ingest([record("a", input=MILLION)], name="first.jsonl")
    return one


LINES = [
    record("a", input=MILLION),  # a duplicate
    record("a", input=2 * MILLION),  # a revision
    record("b", user="bob", input=MILLION, web_search=2, cost="0.1", tags=["x", "y"], geo="eu"),
    record("b", user="bob", input=MILLION, web_search=2, cost="0.1", tags=["x", "y"], geo="eu"),
    bad("c"),
]


@pytest.mark.usefixtures("few_at_once")
def test_what_is_staged_counts_for_nothing_and_says_what_it_would_be(used: Till) -> None:
    shown = totals(used)
    before = rows_of_all_tables(used.store)
    staged = used.ingest(LINES, name="new.jsonl", stage="looked at")
    assert (staged.number, staged.is_staged) == (2, True)
    counts = staged.counts
    assert (counts.accepted, counts.duplicates, counts.revisions, counts.quarantined) == (1, 2, 1, 1)
    after = rows_of_all_tables(used.store)
    assert {name for name in after if after[name] != before[name]} == set(STAGED_TABLES)
    assert totals(used) == shown
    assert used.usage(OCTOBER).total.requests == 1
    assert used.verify().is_sound


@pytest.fixture(params=[2, 10_000])
def few_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many records are taken in at once."""
    monkeypatch.setattr("tokentill.closing.records.ingest.BATCH_RECORDS_MAX", request.param)
    monkeypatch.setattr("tokentill.closing.records.staging.OBJECTS_MAX", request.param)
    return int(request.param)


@pytest.mark.usefixtures("few_at_once")
def test_what_is_accepted_is_what_ingesting_the_file_would_have_been(used: Till) -> None:
    staged = used.ingest(LINES, name="new.jsonl", stage="looked at")
    previewed = totals(used, with_staged=staged.number)
    content = used.preview(OCTOBER, with_staged=staged.number).content()
    taken = used.accept_import(2, reason="it is right", by="rita")
    assert taken.counts == staged.counts
    assert totals(used) == previewed == {"alice": "3.00", "bob": "3.00"}
    assert used.preview(OCTOBER).content()["invoices"] == content["invoices"]
    assert [(one.number, one.state, one.accepted) for one in used.imports().imports] == [
        (1, "taken", 1),
        (2, "taken", 1),
    ]
    again = used.ingest(LINES, name="other.jsonl")
    assert (again.counts.accepted, again.counts.duplicates) == (0, 3)
    assert used.verify().is_sound


def test_a_preview_with_an_import_changes_nothing(used: Till) -> None:
    used.ingest(LINES, name="new.jsonl", stage="looked at")
    before = rows_of_all_tables(used.store)
    assert totals(used, with_staged=2)["bob"] == "3.00"
    assert used.import_shown(2).would_be.counts.accepted == 1  # type: ignore[union-attr]
    assert rows_of_all_tables(used.store) == before


def test_accepting_twice_and_after_a_cut_changes_nothing_more(used: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokentill.closing.records.ingest.BATCH_RECORDS_MAX", 2)
    lines = [record(f"r{n}") for n in range(6)]
    used.ingest(lines, name="new.jsonl", stage="looked at")

    def stop(counts: Any) -> None:
        if counts.accepted == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        used.accept_import(2, progress=stop)
    assert used.imports().imports[1].state == "accepted"
    with pytest.raises(Refused, match="take it back"):
        used.drop_import(2, reason="no")
    used.accept_import(2)
    before = rows_of_all_tables(used.store)
    assert used.accept_import(2).counts.duplicates == 6
    assert rows_of_all_tables(used.store) == before
    (_, one) = used.imports().imports
    assert (one.state, one.accepted, one.staged) == ("taken", 6, 6)
    assert used.retract(import_number=2, reason="wrong after all").records == 6


def test_what_is_dropped_leaves_its_identities_free(used: Till) -> None:
    used.ingest(LINES, name="new.jsonl", stage="looked at")
    assert used.drop_import(2, reason="a wrong source", by="rita").state == "dropped"
    before = rows_of_all_tables(used.store)
    assert used.drop_import(2, reason="again").state == "dropped"
    assert rows_of_all_tables(used.store) == before
    with pytest.raises(Refused, match="is dropped; only what is staged can be accepted"):
        used.accept_import(2)
    with pytest.raises(Refused, match="is dropped; only what is staged can be previewed with"):
        used.preview(OCTOBER, with_staged=2)
    assert used.revisions().revisions == ()
    assert used.ingest([record("b", user="bob", input=2 * MILLION)]).counts.accepted == 1
    assert totals(used)["bob"] == "6.00"
    assert used.close(OCTOBER).issued == numbers(2)
    assert used.verify().is_sound


def test_a_staging_that_was_cut_off_goes_on(used: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokentill.closing.records.staging.OBJECTS_MAX", 2)
    lines = [record(f"r{n}") for n in range(6)]

    def stop(counts: Any) -> None:
        if counts.accepted == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        used.ingest(lines, name="new.jsonl", stage="looked at", progress=stop)
    assert used.imports().imports[1].state == "cut off"
    with pytest.raises(Refused, match="is cut off; only what is staged can be accepted"):
        used.accept_import(2)
    staged = used.ingest(lines, name="new.jsonl", stage="looked at")
    assert (staged.number, staged.counts.accepted) == (2, 6)
    assert [one.staged for one in used.imports().imports] == [0, 6]


@pytest.mark.usefixtures("few_at_once")
def test_the_same_file_staged_again_is_the_same_import_until_somebody_decided(used: Till) -> None:
    used.ingest(LINES, name="new.jsonl", stage="looked at")
    before = rows_of_all_tables(used.store)
    assert used.ingest(LINES, name="new.jsonl", stage="looked at").number == 2
    assert rows_of_all_tables(used.store) == before
    for other in (LINES[:3], [*LINES, record("z")], [record("y"), *LINES], [*LINES[:4], record("x")]):
        staged = used.ingest(other, name="new.jsonl", stage="looked at")
        one = used.import_shown(staged.number or 0).imported
        assert (one.state, one.staged, staged.counts.read) == ("staged", len(other), len(other))
    assert [one.staged for one in used.imports().imports] == [0, 5, 3, 6, 6, 5]
    used.drop_import(2, reason="a test")
    assert used.ingest(LINES, name="new.jsonl", stage="looked at").number == 7
    assert used.verify().is_sound


def test_another_file_under_the_name_of_one_that_was_cut_off_is_not_mixed_with_it(
    used: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokentill.closing.records.staging.OBJECTS_MAX", 2)

    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    lines = [record(f"r{n}") for n in range(4)]
    with pytest.raises(KeyboardInterrupt):
        used.ingest(lines, name="new.jsonl", stage="looked at", progress=stop)
    staged = used.ingest([record("s1"), *lines], name="new.jsonl", stage="looked at")
    assert (staged.number, staged.counts.accepted) == (3, 5)
    assert [one.state for one in used.imports().imports] == ["taken", "cut off", "staged"]


def test_what_is_not_there_is_named(used: Till) -> None:
    for call in (used.import_shown, used.accept_import, lambda n: used.drop_import(n, reason="x")):
        with pytest.raises(NotFound, match="there is no import 9"):
            call(9)
    with pytest.raises(Refused, match=r"import 1 \(first.jsonl\) is taken; only what is staged"):
        used.accept_import(1)
    with pytest.raises(InvalidCall, match="needs a reason"):
        used.drop_import(1, reason=" ")
    assert used.ingest([], name="empty", stage="looked at").number is None


def test_a_name_stands_for_all_that_was_staged_under_it(used: Till) -> None:
    more = record("d", user="dora", input=MILLION)
    used.ingest([LINES[2]], name="first page.jsonl", stage="october")
    used.ingest([more], name="second page.jsonl", stage="october")
    assert used.staged_imports("october") == (2, 3)
    assert [one.stage for one in used.imports().imports] == [None, "october", "october"]
    assert totals(used, with_staged="october") == {"alice": "3.00", "bob": "3.00", "dora": "3.00"}
    assert totals(used, with_staged="3") == {"alice": "3.00", "dora": "3.00"}
    for number in used.staged_imports("october"):
        used.accept_import(number)
    assert totals(used) == {"alice": "3.00", "bob": "3.00", "dora": "3.00"}
    used.ingest([record("e", input=MILLION)], name="later.jsonl", stage="october")
    assert len(used.staged_imports("october")) == 1  # that nobody decided on
    with pytest.raises(NotFound, match="nothing was staged under the name 'november'"):
        used.preview(OCTOBER, with_staged="november")
