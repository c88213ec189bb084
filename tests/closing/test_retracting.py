"""What was taken back: billed by nobody from then on, removed from nowhere, and never back by accident."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, at, contract, price, prices, record, till
from tests.invoicing.bench import contents_by_customer, drop_guards, numbers, rows_of
from tests.store.bench import rows_of_all_tables
from tokentill import RecordFilter
from tokentill.errors import InvalidCall, NotFound
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

MILLION = 1_000_000


def totals(one: Till, period: str = OCTOBER) -> dict[str, str]:
    """What each customer would be billed for a period."""
    return {found["customer"]: found["total"] for found in one.preview(period).content()["invoices"]}


@pytest.fixture
def used(database: Database) -> Till:
    """A till with a record of 3.00 of alice, and three of bob of 3.00 each, one of them of another source."""
    one = till(database, prices(price(), price("acme/small")), clock=MovableClock())
    one.ingest([record("a", input=MILLION)], name="first.jsonl")
    one.ingest(
        [
            record("b", user="bob", input=MILLION, when="10"),
            record("c", user="bob", input=MILLION, when="20", model="acme/small"),
            record("d", user="bob", input=MILLION, when="20", source="openrouter", api_key="sk-test"),
        ],
        name="second.jsonl",
    )
    return one


def left(one: Till) -> set[str]:
    """The records that count, by what a trace says of them."""
    sources = {"a": "arouter", "b": "arouter", "c": "arouter", "d": "openrouter"}
    return {name for name, source in sources.items() if one.trace(source, name).state != "retracted"}


# What is taken back


def test_a_record_that_is_taken_back_is_on_no_preview(used: Till) -> None:
    retracted = used.retract(record=("arouter", "a"), reason="a test", by="rita")
    assert (retracted.records, retracted.already, retracted.stands_on) == (1, 0, ())
    assert [part.content() for part in retracted.parts] == [{"customer": "alice", "period": OCTOBER, "requests": 1}]
    assert "alice" not in totals(used)
    assert used.usage(OCTOBER).total.requests == 3
    trace = used.trace("arouter", "a")
    assert (trace.state, trace.why, trace.customer) == ("retracted", "taken back, says rita: a test", "alice")
    assert used.verify().is_sound


def test_an_import_is_taken_back_by_its_number(used: Till) -> None:
    first, second = used.imports().imports
    assert (first.name, first.accepted, second.name, second.accepted) == ("first.jsonl", 1, "second.jsonl", 3)
    assert used.retract(import_number=second.number, reason="loaded twice").records == 3
    assert left(used) == {"a"}
    assert [one.retracted for one in used.imports().imports] == [0, 3]
    with pytest.raises(NotFound, match="there is no import 99; `tokentill imports list`"):
        used.retract(import_number=99, reason="loaded twice")


def test_all_batches_of_one_import_are_taken_back_together(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokentill.closing.records.ingest.BATCH_RECORDS_MAX", 2)
    one = till(database, clock=MovableClock())
    one.ingest([record("z")], name="same.jsonl")
    records = [record(f"r{n}") for n in range(5)]
    number = one.ingest(records[:2], name="same.jsonl").number
    assert one.ingest(records, name="same.jsonl").number == number  # as after a kill
    assert number is not None
    assert [(found.number, found.accepted) for found in one.imports().imports] == [(1, 1), (number, 5)]
    assert one.retract(import_number=number, reason="a test").records == 5
    assert one.usage(OCTOBER).total.requests == 1


@pytest.mark.parametrize(
    ("asked", "gone"),
    [
        ("source=openrouter", "d"),
        ("user=bob", "bcd"),
        ("model=acme/small", "c"),
        ("api_key=sk-test", "d"),
        ("user=bob from=2026-10-20T12:00:00Z", "cd"),
        ("user=bob to=2026-10-20T12:00:00Z", "b"),
        ("from=2026-10-15T12:00:00Z to=2026-10-15T12:00:01Z", "a"),
        ("user='bob' source=arouter from=2026-10-20T14:00:00+02:00", "c"),
    ],
)
def test_a_filter_takes_back_what_it_means_and_nothing_else(used: Till, asked: str, gone: str) -> None:
    assert used.retract(filter=asked, reason="a test").records == len(gone)
    assert left(used) == set("abcd") - set(gone)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "it would mean every record"),
        ("user", "may have source=, user=, model=, api_key=, from=, to= each followed by a value"),
        ("usr=bob", "the filter has 'usr=bob'"),
        ("starts_at=2026-10-20T12:00:00Z", "the filter has 'starts_at="),
        ("user=", "user= and nothing behind it"),
        ("user=a user=b", "says user= twice"),
        ("user='bob", "does not close"),
        ("from=2026-10-20", "without a time zone"),
        ("from=yesterday", "write an instant like"),
        ("from=2026-10-20T12:00:00Z to=2026-10-20T12:00:00Z", "the first instant that is not meant"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(used: Till, asked: str, said: str) -> None:
    before = rows_of_all_tables(used.store)
    with pytest.raises(InvalidCall, match=said):
        used.retract(filter=asked, reason="a test")
    assert rows_of_all_tables(used.store) == before


@given(st.text(min_size=1), st.text(min_size=1), st.datetimes(timezones=st.just(UTC)))
def test_a_filter_is_written_as_it_is_read(user: str, model: str, instant: datetime) -> None:
    for asked in (RecordFilter(user=user, model=model), RecordFilter(model=model, starts_at=instant)):
        assert RecordFilter.parse(str(asked)) == asked


@pytest.mark.parametrize(
    "named",
    [{}, {"record": ("arouter", "a"), "import_number": 1}, {"import_number": "1"}, {"record": "a"}, {"filter": 3}],
)
def test_one_thing_is_named_or_the_call_is_wrong(used: Till, named: dict[str, Any]) -> None:
    with pytest.raises(InvalidCall):
        used.retract(**named, reason="a test")
    with pytest.raises(InvalidCall, match="needs a reason"):
        used.retract(record=("arouter", "a"), reason=" ")


def test_what_is_not_there_is_named(used: Till) -> None:
    with pytest.raises(NotFound, match="no record 'x' of source 'arouter'"):
        used.retract(record=("arouter", "x"), reason="a test")
    with pytest.raises(NotFound, match="filter user=carol has no record that counts"):
        used.retract(filter="user=carol", reason="a test")


# Nothing by accident


def test_a_dry_run_says_the_same_and_changes_nothing(used: Till) -> None:
    before = rows_of_all_tables(used.store)
    tried = used.retract(filter="user=bob", reason="a test", by="rita", dry_run=True)
    assert rows_of_all_tables(used.store) == before
    done = used.retract(filter="user=bob", reason="a test", by="rita")
    differs = {"seq", "dry_run"}
    assert {key: value for key, value in tried.content().items() if key not in differs} == {
        key: value for key, value in done.content().items() if key not in differs
    }
    assert (tried.seq, tried.dry_run, done.seq, done.dry_run) == (None, True, 3, False)


@pytest.mark.parametrize("named", [{"record": ("arouter", "b")}, {"import_number": 2}, {"filter": "user=bob"}])
def test_taking_back_twice_changes_nothing(used: Till, named: dict[str, Any]) -> None:
    once = used.retract(**named, reason="a test")
    before = rows_of_all_tables(used.store)
    again = used.retract(**named, reason="once more")
    assert (again.records, again.already, again.seq) == (0, once.records, None)
    assert rows_of_all_tables(used.store) == before


def test_an_overlap_is_taken_back_once(used: Till) -> None:
    used.retract(record=("arouter", "b"), reason="a test")
    retracted = used.retract(filter="user=bob", reason="all of it")
    assert (retracted.records, retracted.already) == (2, 1)
    assert [(one.records, one.what) for one in used.retractions().retractions] == [
        (1, "record b of arouter"),
        (2, "filter user=bob"),
    ]
    assert used.verify().is_sound


def test_the_same_file_does_not_bring_it_back_and_other_content_asks_first(used: Till) -> None:
    used.retract(record=("arouter", "a"), reason="a test")
    before = rows_of_all_tables(used.store)
    assert used.ingest([record("a", input=MILLION)]).counts.duplicates == 1
    assert rows_of_all_tables(used.store) == before
    assert used.ingest([record("a", input=2 * MILLION)]).counts.revisions == 1
    assert "alice" not in totals(used)
    used.accept_revision("arouter", "a", reason="it was real")
    assert totals(used)["alice"] == "6.00"
    assert used.trace("arouter", "a").state == "not closed"
    used.retract(record=("arouter", "a"), reason="it was not")
    assert "alice" not in totals(used)
    assert used.verify().is_sound


def test_a_record_without_usage_that_is_taken_back_keeps_nobody_back(database: Database) -> None:
    one = till(database, clock=MovableClock())
    one.ingest([record("a"), record("m", usage_state="missing")])
    assert len(one.missing().records) == 1
    one.retract(record=("arouter", "m"), reason="a health check")
    assert one.missing().records == ()
    assert one.close(OCTOBER).issued == numbers(1)
    assert one.verify().is_sound


# What is issued


def test_an_issued_invoice_stays_and_is_named(used: Till) -> None:
    used.close(OCTOBER)
    before = contents_by_customer(used)
    retracted = used.retract(filter="source=arouter", reason="a wrong source")
    assert [(one.number, one.customer, one.period, one.requests) for one in retracted.stands_on] == [
        ("INV-000001", "alice", OCTOBER, 1),
        ("INV-000002", "bob", OCTOBER, 2),
    ]
    assert contents_by_customer(used) == before
    assert used.verify().is_sound
    assert used.trace("arouter", "a").why.endswith("; INV-000001 has it still")
    assert len(used.explain("INV-000001")[0].records) == 1

    used.void("INV-000002", reason="to be issued anew")
    used.close(OCTOBER)
    assert used.invoice("INV-000003").content["total"] == "3.00"  # what is left of bob's
    assert used.verify().is_sound


def test_a_document_that_has_an_earlier_version_of_a_record_is_named(used: Till) -> None:
    used.close(OCTOBER)
    used.ingest([record("a", input=2 * MILLION)])
    used.accept_revision("arouter", "a", reason="corrected")
    (stood,) = used.retract(record=("arouter", "a"), reason="a test").stands_on
    assert stood.number == "INV-000001"
    assert used.late().records == ()


def test_a_period_after_an_interim_invoice_takes_it_off(database: Database) -> None:
    clock = MovableClock(at("20"))
    one = till(database, clock=clock)
    one.ingest([record("a", input=MILLION), record("b", input=2 * MILLION)])
    one.close(OCTOBER, interim=["alice"])
    (stood,) = one.retract(record=("arouter", "a"), reason="a test").stands_on
    assert stood.number == "INV-000001"
    clock.instant = AFTER_OCTOBER
    one.close(OCTOBER)
    interim, rest = one.invoices()
    assert (interim.content["total"], rest.content["total"]) == ("9.00", "-3.00")
    assert one.verify().is_sound


def test_records_are_counted_under_the_periods_in_which_they_lie(database: Database) -> None:
    berlin = contract("customer", "bob", anchor_day=10, time_zone="Europe/Berlin")
    one = till(database, contract(), berlin, clock=MovableClock())
    times = ("2026-10-09T21:59:59Z", "2026-10-09T22:00:00Z", "2026-11-01T00:00:00Z")
    one.ingest(
        [record(f"{user}{n}", user=user, when=when) for user in ("alice", "bob") for n, when in enumerate(times)]
    )
    retracted = one.retract(filter="source=arouter", reason="a test")
    assert [(part.customer, part.period, part.requests) for part in retracted.parts] == [
        ("alice", "2026-10", 2),
        ("alice", "2026-11", 1),
        ("bob", "2026-09", 1),
        ("bob", "2026-10", 2),
    ]


# Changed by hand


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM withdrawal WHERE usage_id = (SELECT min(usage_id) FROM withdrawal)",
        "DELETE FROM withdrawal",
        "UPDATE withdrawal SET reason = 'other'",
        "UPDATE withdrawal SET recorded_at = recorded_at + 1",
        "UPDATE withdrawal SET usage_id = 1 WHERE usage_id = (SELECT max(usage_id) FROM withdrawal)",
        "INSERT INTO withdrawal SELECT 1, cause, seq, reviewer, reason, recorded_at FROM withdrawal LIMIT 1",
    ],
)
def test_what_was_taken_back_by_hand_is_found(used: Till, statement: str) -> None:
    used.retract(filter="user=bob", reason="a test")
    assert used.verify().is_sound
    before = rows_of(used.store)
    drop_guards(used.store)
    with used.store.write() as connection:
        connection.exec_driver_sql(statement)
    assert rows_of(used.store) != before
    assert any("retraction 3 did not take back" in fault for fault in used.verify().faults)
