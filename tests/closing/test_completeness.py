"""Control totals beside the records: what is kept of them, what is compared, and what a close waits for."""

from __future__ import annotations

import json
import random
import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import OCTOBER, at, contract, record, till
from tests.shares import IN_CAMPAIGNS
from tokentill.errors import InvalidCall, NotFound
from tokentill.invoicing.completeness import ComparedDay
from tokentill.invoicing.tolerance import NO_TOTALS, Tolerance, TotalsPolicy
from tokentill.store.database import Database
from tokentill.store.intake.pulls import PullRow, PullRowKind, append_pulls
from tokentill.till import Till
from tokentill.usage.control_totals import ControlTotal
from tokentill.usage.record import UsageRecord

DEMANDED = TotalsPolicy(required=("arouter",))

pytestmark = pytest.mark.postgresql_one_in(2)


def total(day: int, **stated: object) -> ControlTotal:
    """A total of a day of October."""
    if "cost" in stated:
        stated["cost"] = Decimal(str(stated["cost"]))
    return ControlTotal("arouter", date(2026, 10, day), **stated)  # type: ignore[arg-type]


def shop_with(database: Database, *items: UsageRecord | ControlTotal, policy: TotalsPolicy = NO_TOTALS) -> Till:
    shop = till(database)
    shop.totals = policy
    shop.ingest(items)
    return shop


def days_of(shop: Till, source: str | None = None) -> list[tuple[int, str]]:
    return [(one.day.day, one.state) for one in shop.completeness(OCTOBER, source=source).days]


def only_day(shop: Till) -> ComparedDay:
    (day,) = shop.completeness(OCTOBER).days
    return day


# What is kept


def test_the_same_total_twice_is_one_and_another_figure_is_a_newer_version(database: Database) -> None:
    shop = shop_with(database)
    first = shop.ingest([total(3, requests=5), total(3, requests=5, user="bob")], name="a").counts
    again = shop.ingest([total(3, requests=5)], name="b").counts
    newer = shop.ingest([total(3, requests=6)], name="c").counts
    older = shop.ingest([total(3, requests=5)], name="a").counts
    assert (first.totals, first.read) == (2, 2)
    assert (again.totals_known, newer.totals_revised, older.totals_known) == (1, 1, 1)
    stored = shop.control_totals().totals
    assert [(one.total.user, one.version, one.total.requests, one.counts) for one in stored] == [
        (None, 1, 5, False),
        (None, 2, 6, True),
        ("bob", 1, 5, True),
    ]


def test_counts_add_up_to_what_was_read_and_an_import_names_its_totals(tmp_path: Path, database: Database) -> None:
    shop = shop_with(database)
    file = tmp_path / "totals.csv"
    rows = ["arouter,2026-10-03,5", "arouter,2026-10-03,5", "arouter,2026-10-03,6", "arouter,2026-10-04,x"]
    file.write_text("source,day,requests\n" + "\n".join(rows) + "\n")
    ingested = shop.ingest_file(file)
    content = ingested.content()
    parts = ("accepted", "duplicates", "revisions", "quarantined")
    totals = ("control_totals", "control_totals_revised", "control_totals_known")
    assert [content[name] for name in (*parts, *totals)] == [0, 0, 0, 2, 1, 0, 1]
    assert sum(content[name] for name in (*parts, *totals)) == content["read"] == 4
    assert [bad.reason for bad in ingested.bad] == [
        "an earlier line states other figures for the same total",
        "requests 'x' is not a whole number in plain digits",
    ]
    (one,) = shop.imports().imports
    assert (one.number, one.control_totals) == (ingested.number, 1)
    assert shop.ingest_file(file).number == ingested.number
    assert len(shop.control_totals().totals) == 1


def test_staged_totals_count_for_nothing_until_they_are_accepted(database: Database) -> None:
    shop = shop_with(database, record("one", when="3"))
    staged = shop.ingest([total(3, requests=1)], name="totals", stage="totals")
    assert staged.counts.totals == 1
    assert not shop.control_totals().totals
    assert staged.number is not None
    shop.accept_import(staged.number)
    assert days_of(shop) == [(3, "within")]


def test_a_total_that_is_wrong_is_withdrawn_and_the_one_before_it_counts_again(database: Database) -> None:
    shop = shop_with(database, record("one", when="3"))
    shop.ingest([total(3, requests=1)], name="right")
    shop.ingest([total(3, requests=10)], name="wrong")
    assert days_of(shop) == [(3, "outside")]
    wrong = next(one for one in shop.control_totals().totals if one.counts)
    with pytest.raises(InvalidCall, match="reason"):
        shop.withdraw_control_total(wrong.id, reason=" ")
    shop.withdraw_control_total(wrong.id, reason="a slip")
    again = shop.withdraw_control_total(wrong.id, reason="again").withdrawn
    assert again is not None
    assert again[1:] == ("a slip", shop.clock.now())
    assert days_of(shop) == [(3, "within")]
    assert shop.database.check().is_sound
    with pytest.raises(NotFound, match="control-totals list"):
        shop.withdraw_control_total("ffff:1", reason="none")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE control_total SET requests = 2",
        "UPDATE control_total SET day = '2026-10-04'",
        "UPDATE control_total_withdrawal SET reason = 'another'",
        "DELETE FROM control_total_withdrawal",
    ],
)
def test_what_is_changed_by_hand_is_found(sqlite_database: Database, change: str) -> None:
    shop = shop_with(sqlite_database, total(3, requests=1))
    shop.withdraw_control_total(shop.control_totals().totals[0].id, reason="a slip")
    assert shop.database.check().is_sound
    with closing(sqlite3.connect(str(sqlite_database.sqlite_path))) as connection, connection:
        for table in ("control_total", "control_total_withdrawal"):
            for deed in ("update", "delete"):
                connection.execute(f"DROP TRIGGER guard_{table}_{deed}")
        connection.execute(change)
    faults = [fault for fault in shop.database.check().faults if "trigger" not in fault]
    assert len(faults) == 1
    assert "control total" in faults[0]


# What is compared


def test_a_key_is_the_sum_of_its_users_and_of_those_without_one(database: Database) -> None:
    records = [
        record("a", when="3", user="ann", api_key="k", cost="0.1", input=10),
        record("b", when="3", user="bob", api_key="k", cost="0.2", output=5, reasoning=2),
        record("c", when="3", user=None, api_key="k", cache_read=7),
        record("d", when="3", user="ann", api_key="other", input=100),
    ]
    shop = shop_with(database, *records, total(3, api_key="k", requests=3, tokens=24, cost="0.3"))
    day = only_day(shop)
    assert [(one.api_key, one.state) for one in day.totals] == [("k", "within"), ("other", "no_total")]
    assert day.state == "no_total"
    shop.ingest([total(3, requests=4)], name="all of it")
    assert only_day(shop).state == "within"
    shop.ingest([total(3, user="", requests=1), total(3, user="ann", requests=2)], name="users")
    users = [one for one in only_day(shop).totals if one.user is not None]
    assert [(one.user, one.state) for one in users] == [("", "within"), ("ann", "within"), ("bob", "no_total")]


def test_parts_of_a_total_are_added_and_names_of_a_model_are_one(database: Database) -> None:
    dated = {"model": "acme/large", "model_alias": "acme/large-2025"}
    shop = shop_with(
        database,
        record("a", when="3", input=10),
        record("b", when="3", input=20, model="acme/large-2025"),
        total(3, **dated, part="endpoint=1", requests=1, tokens=20),
        total(3, **dated, part="endpoint=2", requests=1, tokens=10),
    )
    (one,) = only_day(shop).totals
    assert one.stated is not None
    assert (one.state, one.stated.requests, one.stated.tokens) == ("within", 2, 30)


def test_two_statements_of_one_day_are_compared_each_by_itself(database: Database) -> None:
    shop = shop_with(
        database,
        record("a", when="3", input=10),
        total(3, requests=1),
        total(3, stated_by="the invoice", requests=2),
    )
    assert [(one.stated_by, one.state) for one in only_day(shop).totals] == [
        ("control-totals", "within"),
        ("the invoice", "outside"),
    ]
    assert only_day(shop).state == "outside"


def test_days_without_records_and_days_without_totals_are_named(database: Database) -> None:
    shop = shop_with(database, record("a", when="3"), total(4, requests=2), total(5, requests=0))
    assert days_of(shop) == [(3, "no_total"), (4, "no_records"), (5, "within")]
    assert days_of(shop, "other") == []


def test_what_was_retracted_may_make_up_the_difference(database: Database) -> None:
    shop = shop_with(database, record("a", when="3"), record("test", when="3"), total(3, requests=2))
    assert days_of(shop) == [(3, "within")]
    shop.retract(record=("arouter", "test"), reason="a test's traffic")
    day = only_day(shop)
    assert (day.state, day.counted.requests, day.retracted.requests) == ("with_retracted", 1, 1)
    shop.retract(record=("arouter", "a"), reason="as well")
    shop.ingest([total(3, requests=3)], name="more")
    assert days_of(shop) == [(3, "no_records")]


def test_a_cost_that_no_record_reports_is_not_compared_beside_other_figures(database: Database) -> None:
    shop = shop_with(database, record("a", when="3"), total(3, requests=1, cost="1"), total(3, user="alice", cost="1"))
    assert [(one.user, one.state) for one in only_day(shop).totals] == [(None, "within"), ("alice", "outside")]


@pytest.mark.parametrize(
    ("written", "counted", "is_within"),
    [
        ("0.5%", (199, 1000, "10"), True),
        ("0.5%", (198, 1000, "10"), False),
        (1, (199, 1001, "10"), True),
        (1, (199, 1000, "10.01"), False),
        ({"cost_percent": Decimal("0.1")}, (200, 1000, "10.01"), True),
        ({"cost_percent": Decimal("0.1")}, (200, 1000, "10.011"), False),
        ({"requests": 2, "requests_percent": 10}, (180, 1000, "10"), True),
        ({}, (200, 1000, "10"), True),
        ({}, (200, 1001, "10"), False),
    ],
)
def test_tolerance_lets_differ_by_a_count_or_a_share(
    written: object, counted: tuple[int, int, str], is_within: bool
) -> None:
    tolerance = Tolerance.of(written, "tolerance")
    figures = zip(("requests", "tokens", "cost"), (200, 1000, 10), map(Decimal, counted), strict=True)
    assert all(tolerance.allows(name, Decimal(stated), found) for name, stated, found in figures) is is_within


@pytest.mark.parametrize("written", ["half", "101%", -1, True, {"request": 1}, {"cost": "much"}, [1]])
def test_a_tolerance_that_is_none_is_a_mistake_in_settings(written: object) -> None:
    with pytest.raises(InvalidCall, match=r"sources.a.tolerance"):
        TotalsPolicy.of({"a": {"tolerance": written}}, "tokentill.toml: ")


USERS, KEYS, MODELS = ("ann", "bob", None), ("k1", "k2", None), ("acme/large", "acme/small")


@st.composite
def worlds(draw: st.DrawFn) -> list[UsageRecord]:
    number = draw(st.integers(0, 12))
    return [
        record(
            f"r{place}",
            when=f"2026-10-0{draw(st.integers(1, 3))}T{draw(st.integers(0, 23)):02d}:00:00+00:00",
            user=draw(st.sampled_from(USERS)),
            api_key=draw(st.sampled_from(KEYS)),
            model=draw(st.sampled_from(MODELS)),
            cost=draw(st.sampled_from([None, "0.1", "0.000000000000000000000003", "2"])),
            input=draw(st.integers(0, 10**12)),
            reasoning=draw(st.integers(1, 9)),
        )
        for place in range(number)
    ]


@settings(max_examples=15 if IN_CAMPAIGNS else 4)
@given(records=worlds(), keys=st.sets(st.sampled_from(["model", "api_key", "user"])), seed=st.randoms())
def test_totals_that_are_counted_another_way_are_met_however_they_come(
    tmp_path_factory: pytest.TempPathFactory, records: list[UsageRecord], keys: set[str], seed: random.Random
) -> None:
    stated: dict[tuple[object, ...], list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 3)
    for one in records:
        of = tuple((getattr(one, key) or "") if key in keys else None for key in ("model", "api_key", "user"))
        figures = (1, sum(one.quantities.values()), one.cost or 0)
        before = stated[one.occurred_at.date(), *of]
        stated[one.occurred_at.date(), *of] = [old + Fraction(new) for old, new in zip(before, figures, strict=True)]
    totals = [
        ControlTotal("arouter", day, model=of[0], api_key=of[1], user=of[2], requests=int(one), tokens=int(tokens),
                     cost=Decimal(int(cost * 10**24)).scaleb(-24))
        for (day, *of), (one, tokens, cost) in stated.items()
    ]  # fmt: skip
    answers = []
    for shuffled in (False, True):
        database = Database.open(str(tmp_path_factory.mktemp("totals") / "till.db"))
        with till(database) as shop:
            shop.ingest(records)
            parts = [*totals, *totals] if shuffled else totals
            if shuffled:
                seed.shuffle(parts)
            for place in range(0, len(parts), 3 if shuffled else 1000):
                shop.ingest(parts[place : place + (3 if shuffled else 1000)], name=f"part {place}")
            made = shop.completeness(OCTOBER)
            answers.append(json.dumps(made.content()))
            assert not made.incomplete
            assert sum(day.counted.requests for day in made.days) == len(records)
            costs = sum(Fraction(one.cost or 0) for one in records)
            assert sum(Fraction(day.counted.cost) for day in made.days) == costs
            if totals:
                lost = seed.choice(records)
                shop.retract(record=("arouter", lost.record_id), reason="lost")
                state = {day.state for day in shop.completeness(OCTOBER).days}
                assert "with_retracted" in state
    assert answers[0] == answers[1]


# What a close waits for


def test_a_close_waits_for_totals_that_are_demanded_and_no_amount_changes(database: Database) -> None:
    shop = shop_with(database, record("a", when="3"), record("b", when="4"))
    before = [one.content() for one in shop.preview(OCTOBER).invoices]
    shop = shop_with(database, total(3, requests=1), total(4, requests=9), policy=DEMANDED)
    preview = shop.preview(OCTOBER)
    assert [one.content() for one in preview.invoices] == before
    (reason,) = preview.blocked_by
    assert "1 day differs by more than the tolerance (2026-10-04)" in reason
    assert "`tokentill report completeness 2026-10 --source arouter`" in reason
    closed = shop.close(OCTOBER)
    assert (closed.issued, closed.blocked_by) == ((), preview.blocked_by)
    shop.ingest([total(4, requests=1)], name="as it is")
    assert len(shop.close(OCTOBER).issued) == 1


def test_a_window_that_no_pull_has_read_as_a_whole_keeps_a_close_back_or_is_a_finding(database: Database) -> None:
    shop = shop_with(database, record("a", when="3"), total(3, requests=1))

    def note(kind: PullRowKind, start: str, end: str, why: str | None = None) -> None:
        with database.write() as connection:
            append_pulls(connection, "arouter", None, [PullRow(kind, at(start), at(end), why=why)], at=at("20"))

    note("gap", "5 00:00", "6 00:00", "a full page of 7 records names no next one")
    note("gap", "2026-09-05T00:00Z", "2026-09-06T00:00Z", "of another month")
    (finding,) = shop.preview(OCTOBER).findings
    assert (finding.kind, dict(finding.figures)) == ("pull-gaps", {"source": "arouter", "gaps": 1})
    assert finding.text == (
        "source arouter: records may be missing from 2026-10-05T00:00:00Z to 2026-10-06T00:00:00Z, since no pull has"
        " read it as a whole (a full page of 7 records names no next one);"
        " `tokentill pull arouter --since 2026-10-05T00:00:00Z --until 2026-10-06T00:00:00Z` reads it again"
    )
    shop.totals = DEMANDED
    assert not shop.preview(OCTOBER).findings
    assert (shop.close(OCTOBER).issued, shop.close(OCTOBER).blocked_by) == ((), (finding.text,))
    (gap,) = shop.completeness(OCTOBER).gaps
    assert (gap.starts_at, gap.ends_at, gap.user) == (at("5 00:00"), at("6 00:00"), None)

    note("whole", "5 00:00", "6 00:00")
    assert len(shop.close(OCTOBER).issued) == 1


def test_a_day_without_a_total_keeps_a_close_back_and_is_a_finding_where_totals_are_not_demanded(
    database: Database,
) -> None:
    shop = shop_with(database, record("a", when="3"), record("b", when="4"), total(3, requests=1))
    (finding,) = (one for one in shop.preview(OCTOBER).findings if one.kind == "control-totals")
    assert "1 day lacks a control total of all its records (2026-10-04)" in finding.text
    shop.totals = DEMANDED
    assert not [one for one in shop.preview(OCTOBER).findings if one.kind == "control-totals"]
    assert shop.close(OCTOBER).blocked_by
    shop.totals = NO_TOTALS
    assert shop.close(OCTOBER).issued


def test_only_days_of_periods_that_are_due_are_waited_for(sqlite_database: Database) -> None:
    later = contract("customer", "bob", anchor_day=15)
    shop = till(sqlite_database, later)
    shop.totals = DEMANDED
    november = record("b", user="bob", when="2026-11-01T12:00:00+00:00")
    shop.ingest([record("a", when="3"), total(3, requests=1), november])
    assert shop.close(OCTOBER).issued


def test_a_local_midnight_belongs_to_two_days_in_utc(sqlite_database: Database) -> None:
    berlin = contract(time_zone="Europe/Berlin")
    shop = till(sqlite_database, berlin)
    shop.totals = DEMANDED
    shop.ingest([record("a", when="2026-09-30T22:30:00+00:00"), record("b", when="2026-09-30T10:00:00+00:00")])
    september = ControlTotal("arouter", date(2026, 9, 30), requests=1)
    shop.ingest([september], name="short")
    assert "2026-09-30" in shop.close(OCTOBER).blocked_by[0]
    shop.ingest([ControlTotal("arouter", date(2026, 9, 30), requests=2)], name="whole")
    assert shop.close(OCTOBER).issued


# Witnesses


def test_two_sources_are_compared_by_record_and_by_user_and_day(database: Database) -> None:
    shop = shop_with(
        database,
        record("same", when="3"),
        record("other tokens", when="3", input=5),
        record("another user", when="4", user="bob"),
        record("only here", when="4", user="carol"),
        record("same", when="3", source="app"),
        record("other tokens", when="3", input=6, source="app"),
        record("another user", when="4", user="ben", source="app"),
        record("only there", when="4", source="app"),
        record("taken back", when="4", source="app"),
    )
    shop.retract(record=("app", "taken back"), reason="a test")
    made = shop.compare_sources(OCTOBER, "app", "arouter")
    assert made.records is not None
    assert [(one.record_id, one.apart) for one in made.records.unequal] == [
        ("another user", ("user",)),
        ("other tokens", ("tokens",)),
    ]
    assert (made.records.shared, made.records.equal) == (3, 1)
    assert made.records.ids_missing_in_first == ("only here",)
    assert made.records.ids_missing_in_second == ("only there",)
    assert (made.users_only(0), made.users_only(1)) == (("ben",), ("bob", "carol"))
    assert {(day.user, day.day.day) for day in made.unequal_days} == {
        *[("alice", 3), ("alice", 4), ("ben", 4), ("bob", 4), ("carol", 4)],
    }
    assert not made.is_equal


def test_sources_of_other_ids_are_compared_by_user_and_day_alone(database: Database) -> None:
    shop = shop_with(database, record("a", when="3"), record("x", when="3", source="app"))
    made = shop.compare_sources(OCTOBER, "app", "arouter")
    assert made.records is None
    assert made.is_equal
    with pytest.raises(NotFound, match="no record is of source 'none'"):
        shop.compare_sources(OCTOBER, "app", "none")
    with pytest.raises(InvalidCall, match="itself"):
        shop.compare_sources(OCTOBER, "app", "app")


def test_days_are_those_that_the_period_touches(sqlite_database: Database) -> None:
    shop = shop_with(sqlite_database, total(1, requests=0), total(31, requests=0))
    made = shop.completeness(OCTOBER)
    assert made.ends_at - made.starts_at == timedelta(days=31)
    assert [day.day.day for day in made.days] == [1, 31]
