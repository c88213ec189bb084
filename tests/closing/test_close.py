"""Closing a period: who is refused and why, and that every invoice exists exactly once, whatever comes in between."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.builders import (
    AFTER_OCTOBER,
    OCTOBER,
    MovableClock,
    attribution,
    contract,
    folder,
    price,
    prices,
    record,
    till,
)
from tests.invoicing.bench import beside_guards, count_of, drop_guards, numbers, outcome, rows_of
from tests.kept import fill
from tests.shares import daily
from tokentill.canonical import canonical_bytes, content_hash
from tokentill.closing import issuing
from tokentill.closing.closed import Closed, RefusedCustomer
from tokentill.errors import IntegrityFault, InvalidCall, NotFound, Refused
from tokentill.store import tables
from tokentill.store.audit import audit_entries, audit_faults
from tokentill.store.database import Database
from tokentill.store.issued.invoices import finish_run, start_run, take_over
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

DEAR = prices(price(rates={"input": "300", "output": "1500"}))
UNKNOWN_LATER = prices(price(), price("acme/new", rates={"input": "1", "output": "2"}))


def reasons(closed: Closed) -> dict[str, str]:
    """Why each customer was refused."""
    return {found.customer: found.reason for found in closed.refused}


def customers_of(one: Till) -> dict[str, str]:
    """The customer of each number."""
    return {found.number: found.customer for found in one.invoices()}


def actions(one: Till) -> list[str]:
    """What the audit log tells of, oldest first."""
    with one.store.read() as connection:
        return [entry.action for entry in audit_entries(connection)]


def stop_after(invoices: int) -> Callable[[int, int], None]:
    """A progress function that ends the close like a kill, once so many invoices were issued."""

    def progress(done: int, _all: int) -> None:
        if done == invoices:
            raise KeyboardInterrupt

    return progress


class TestRefusals:
    def test_what_concerns_one_customer_refuses_that_one_and_the_others_are_issued(self, database: Database) -> None:
        one = till(database)
        one.ingest(
            [
                record("1", user="ann"),
                record("2", user="ben", model="acme/unheard-of"),
                record("3", user="cem", usage_state="missing"),
                record("4", user="dan"),
                record("5", user="eve", mode="batch"),
                record("6", user="fay", web_search=1),
                record("7", user="gus"),
            ]
        )
        one.review(OCTOBER, "dan", "held", by="rita", note="asks about the price")
        closed = one.close(OCTOBER)
        assert closed.is_refused
        assert closed.blocked_by == ()
        assert closed.issued == numbers(2)
        assert customers_of(one) == {"INV-000001": "ann", "INV-000002": "gus"}
        assert [found.customer for found in closed.refused] == ["ben", "cem", "dan", "eve", "fay"]
        found = reasons(closed)
        assert found["ben"] == "unpriced usage: model 'acme/unheard-of' is in no price table"
        assert found["cem"].startswith("missing usage: 1 record reports no usage at all; `tokentill usage missing")
        assert found["dan"] == "held by rita: asks about the price"
        assert found["eve"] == "unpriced usage: mode 'batch' is not listed for acme/large"
        assert found["fay"] == "unpriced usage: acme/large has no rate for 'web_search' (mode standard)"
        assert one.verify().is_sound

    def test_usage_before_the_first_price_is_not_billed_at_a_later_one(self, database: Database) -> None:
        one = till(database, prices(price(valid_from="2026-10-10T00:00:00Z")))
        one.ingest([record("1", when="9 23:59"), record("2", user="bob", when="10 00:00")])
        closed = one.close(OCTOBER)
        assert set(reasons(closed)) == {"alice"}
        assert "has no price in force at 2026-10-09T" in reasons(closed)["alice"]
        assert customers_of(one) == {"INV-000001": "bob"}

    def test_a_cost_that_was_not_reported_refuses_a_customer_billed_by_cost(self, database: Database) -> None:
        cost_plus = {"name": "cost-plus", "basis": "cost", "markup_percent": "10"}
        one = till(database, contract("customer", "ann", rules=[cost_plus]))
        one.ingest([record("1", user="ann", cost="0.5"), record("2", user="ann"), record("3", user="bob")])
        closed = one.close(OCTOBER)
        assert set(reasons(closed)) == {"ann"}
        assert "'cost-plus' bills the gateway's cost" in reasons(closed)["ann"]
        assert closed.issued == numbers(1)

    def test_a_currency_without_an_exchange_rate_refuses_its_customers(self, database: Database) -> None:
        one = till(database, contract("customer", "ann", currency="EUR"))
        one.ingest([record("1", user="ann"), record("2", user="bob")])
        closed = one.close(OCTOBER)
        assert "no exchange rate from USD to EUR" in reasons(closed)["ann"]
        assert customers_of(one) == {"INV-000001": "bob"}

    def test_more_unattributed_usage_than_is_tolerated_refuses_everybody_and_writes_nothing(
        self, database: Database
    ) -> None:
        one = till(database, attribution(tolerance_percent="9.99"))
        one.ingest([record(str(number)) for number in range(9)])
        one.ingest([record("nobody", user=None)])
        before = rows_of(database)
        closed = one.close(OCTOBER)
        assert closed.is_refused
        assert (closed.issued, closed.refused) == ((), ())
        assert len(closed.blocked_by) == 1
        assert "1 request belongs to nobody: 10 % of the list amount, where 9.99 %" in closed.blocked_by[0]
        assert rows_of(database) == before

    def test_unattributed_usage_within_the_tolerance_does_not_keep_anybody_from_being_issued(
        self, database: Database
    ) -> None:
        one = till(database, attribution(tolerance_percent="10"))
        one.ingest([record(str(number)) for number in range(9)])
        one.ingest([record("nobody", user=None)])
        closed = one.close(OCTOBER)
        assert not closed.is_refused
        assert closed.issued == numbers(1)
        assert one.invoices()[0].content["lines"][0]["requests"] == 9

    def test_unattributed_usage_without_a_price_refuses_whatever_the_tolerance(self, database: Database) -> None:
        one = till(database, attribution(tolerance_percent="100"))
        one.ingest([record("1"), record("2", user=None, model="acme/unheard-of")])
        closed = one.close(OCTOBER)
        assert closed.issued == ()
        assert "has no known list amount" in closed.blocked_by[0]

    def test_unattributed_usage_of_other_months_does_not_count(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1"), record("2", user=None, when="2026-09-30T23:59:59+00:00")])
        assert one.close(OCTOBER).issued == numbers(1)

    def test_bound_users_unblock_a_refused_period(self, database: Database) -> None:
        one = till(database, attribution(default="unattributed"))
        one.ingest([record("1", user="u-17"), record("2", user="u-18")])
        assert one.close(OCTOBER).blocked_by
        since = datetime(2026, 1, 1, tzinfo=UTC)
        one.bind([("u-17", "acme", since, None), ("u-18", "acme", since, None)])
        assert one.close(OCTOBER).issued == numbers(1)
        assert customers_of(one) == {"INV-000001": "acme"}
        assert one.verify().is_sound

    def test_a_customer_who_was_refused_is_issued_by_a_later_run_with_pins_of_its_own(self, database: Database) -> None:
        first = till(database)
        first.ingest([record("1", user="ann", model="acme/new"), record("2", user="bob")])
        assert set(reasons(first.close(OCTOBER))) == {"ann"}
        second = till(database, UNKNOWN_LATER, clock=MovableClock(datetime(2026, 11, 3, tzinfo=UTC)))
        closed = second.close(OCTOBER)
        assert closed.issued == ("INV-000002",)
        assert closed.already_issued == 1
        bob, ann = second.invoices()
        assert (bob.customer, ann.customer) == ("bob", "ann")
        assert bob.pins["a"] != ann.pins["a"]
        assert bob.pins["b"] == ann.pins["b"]
        assert ann.issued_at > bob.issued_at
        assert second.verify().is_sound


class TestNumbersAndRuns:
    def test_numbers_are_gapless_and_follow_the_bytes_of_the_customers_ids(self, database: Database) -> None:
        ids = ["b", "a", "B", "é", "z", "a ", "~", "10", "9", "ä", "日本", "😀", "\uffee"]
        one = till(database)
        one.ingest([record(str(number), user=user) for number, user in enumerate(ids)])
        assert one.close(OCTOBER).issued == numbers(len(ids))
        assert [found.customer for found in one.invoices()] == sorted(ids, key=str.encode)

    def test_numbers_go_on_over_periods(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1", user="ann"), record("2", user="bob")])
        one.ingest([record("3", user="ann", when="2026-09-15T00:00:00+00:00")])
        assert one.close(OCTOBER).issued == numbers(2)
        assert one.close("2026-09").issued == ("INV-000003",)
        assert one.verify().is_sound

    def test_a_refused_customer_takes_no_number(self, database: Database) -> None:
        one = till(database)
        one.ingest([record(str(number), user=f"u{number}") for number in range(6)])
        for held in ("u1", "u4"):
            one.review(OCTOBER, held, "held", by="rita", note="later")
        assert one.close(OCTOBER).issued == numbers(4)
        for held in ("u4", "u1"):
            one.review(OCTOBER, held, "released", by="rita")
        assert one.close(OCTOBER).issued == ("INV-000005", "INV-000006")
        assert one.verify().is_sound

    def test_closing_again_writes_nothing_and_says_so(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1", user="ann"), record("2", user="bob")])
        one.close(OCTOBER)
        before = rows_of(database)
        later = till(database, DEAR, clock=MovableClock(datetime(2027, 5, 1, tzinfo=UTC)))
        for again in (one, later):
            closed = again.close(OCTOBER)
            assert closed == Closed(closed.month, (), 2, (), ())
            assert not closed.is_refused
        assert rows_of(database) == before
        assert before["audit"], "there is a log that could have grown"

    def test_a_close_with_everybody_refused_writes_nothing(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1", model="acme/unheard-of")])
        before = rows_of(database)
        closed = one.close(OCTOBER)
        assert closed.is_refused
        assert rows_of(database) == before

    def test_a_month_without_usage_has_nothing_to_issue(self, database: Database) -> None:
        one = till(database)
        before = rows_of(database)
        closed = one.close(OCTOBER)
        assert closed == Closed(closed.month, (), 0, (), ())
        assert rows_of(database) == before

    def test_a_period_that_is_none_is_a_wrong_call(self, sqlite_database: Database) -> None:
        for text in ("2026-13", "2026-1", "26-10", "2026-10 ", "2026-10\n", "٢٠٢٦-10", "october"):
            with pytest.raises(InvalidCall, match="is not a period"):
                till(sqlite_database).close(text)

    def test_an_amount_of_nothing_is_an_invoice_too(self, database: Database) -> None:
        free = {"name": "free", "basis": "free"}
        one = till(database, contract("customer", "ann", rules=[free]))
        one.ingest([record("1", user="ann"), record("2", user="bob", output=0, input=0)])
        assert one.close(OCTOBER).issued == numbers(2)
        ann, bob = one.invoices()
        assert ann.content["total"] == bob.content["total"] == "0.00"
        assert ann.content["lines"][0]["requests"] == 1
        assert ann.content["lines"][0]["list_amount"] == "0.0045"
        assert one.verify().is_sound

    def test_every_issued_invoice_is_told_in_the_audit_log_once(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1", user="ann"), record("2", user="bob")])
        one.close(OCTOBER)
        assert actions(one) == ["close.started", "invoice.issued", "invoice.issued", "close.finished"]
        with database.read() as connection:
            assert audit_faults(connection) == []


class TestDue:
    def test_a_period_is_due_at_its_end_and_not_a_moment_before(self, database: Database) -> None:
        clock = MovableClock(datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC))
        one = till(database, clock=clock)
        one.ingest([record("1")])
        before = rows_of(database)
        closed = one.close(OCTOBER)
        assert (closed.issued, closed.not_due, closed.is_refused) == ((), ("alice",), False)
        assert rows_of(database) == before
        clock.advance(microseconds=1)
        assert one.close(OCTOBER).issued == numbers(1)

    def test_customers_west_of_utc_are_due_later_and_those_in_the_east_earlier(self, database: Database) -> None:
        clock = MovableClock(datetime(2026, 10, 31, 10, tzinfo=UTC))
        one = till(
            database,
            contract("customer", "kiritimati", time_zone="Pacific/Kiritimati"),
            contract("customer", "honolulu", time_zone="Pacific/Honolulu"),
            clock=clock,
        )
        one.ingest([record(user, user=user) for user in ("kiritimati", "honolulu", "utc")])
        assert one.close(OCTOBER).not_due == ("honolulu", "utc")
        clock.instant = datetime(2026, 11, 1, tzinfo=UTC)
        closed = one.close(OCTOBER)
        assert (closed.issued, closed.already_issued, closed.not_due) == (("INV-000002",), 1, ("honolulu",))
        clock.instant = datetime(2026, 11, 1, 10, tzinfo=UTC)
        assert one.close(OCTOBER).issued == ("INV-000003",)
        assert list(customers_of(one).values()) == ["kiritimati", "utc", "honolulu"]
        assert one.verify().is_sound

    def test_grace_keeps_a_period_open_for_late_records(self, database: Database) -> None:
        clock = MovableClock(datetime(2026, 11, 3, 23, 59, 59, tzinfo=UTC))
        one = till(database, clock=clock, grace=timedelta(days=3))
        one.ingest([record("1")])
        assert one.close(OCTOBER).not_due == ("alice",)
        assert not one.preview(OCTOBER).customers[0].is_due
        one.ingest([record("2")])
        clock.advance(seconds=1)
        assert one.preview(OCTOBER).customers[0].is_due
        assert one.close(OCTOBER).issued == numbers(1)
        assert one.invoices()[0].content["lines"][0]["requests"] == 2

    def test_an_anchor_day_moves_the_end_into_the_next_month(self, database: Database) -> None:
        clock = MovableClock(datetime(2026, 11, 14, 23, tzinfo=UTC))
        one = till(database, contract("customer", "ann", anchor_day=15), clock=clock)
        one.ingest(
            [
                record("early", user="ann", when="14 23:59"),
                record("in", user="ann", when="15 00:00"),
                record("in too", user="ann", when="2026-11-14T23:59:59+00:00"),
                record("late", user="ann", when="2026-11-15T00:00:00+00:00"),
            ]
        )
        assert one.close(OCTOBER).not_due == ("ann",)
        clock.advance(hours=1)
        one.close(OCTOBER)
        invoice = one.invoices()[0]
        assert invoice.content["period_start"] == "2026-10-15T00:00:00Z"
        assert invoice.content["period_end"] == "2026-11-15T00:00:00Z"
        explained = one.explain(invoice.number)
        assert [found.record.record_id for found in explained[0].records] == ["in", "in too"]


class TestLateRecords:
    def test_a_late_record_does_not_change_what_is_issued_and_is_seen_in_the_preview(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1", user="ann"), record("2", user="bob")])
        one.close(OCTOBER)
        before = outcome(one)
        one.ingest([record("late", user="ann"), record("later", user="ann"), record("new", user="cem")])
        assert outcome(one) == before
        previewed = {found.invoice.customer: found for found in one.preview(OCTOBER).customers}
        assert {customer: found.late_requests for customer, found in previewed.items()} == {
            "ann": 2,
            "bob": 0,
            "cem": 0,
        }
        assert previewed["ann"].issued_number == "INV-000001"
        assert previewed["ann"].issued_hash != previewed["ann"].invoice.content_hash
        assert previewed["bob"].issued_hash == previewed["bob"].invoice.content_hash
        closed = one.close(OCTOBER)
        assert (closed.issued, closed.already_issued) == (("INV-000003",), 2)
        assert outcome(one)[:2] == before
        assert one.verify().is_sound

    def test_an_invoice_is_still_explained_without_the_records_that_came_later(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1"), record("2")])
        one.close(OCTOBER)
        one.ingest([record("late")])
        records = one.explain("INV-000001", 1)[0].records
        assert [found.record.record_id for found in records] == ["1", "2"]


class TestPins:
    def test_a_changed_folder_does_not_change_a_run_that_was_cut_off(self, database: Database) -> None:
        one = till(database)
        one.ingest([record(str(number), user=f"u{number}") for number in range(5)])
        with pytest.raises(KeyboardInterrupt):
            one.close(OCTOBER, progress=stop_after(1))
        assert len(one.invoices()) == 1
        one.ingest([record("late", user="u4"), record("new", user="u9")])
        later = till(database, DEAR, clock=MovableClock(datetime(2026, 12, 24, tzinfo=UTC)))
        closed = later.close(OCTOBER)
        assert closed.resumed
        assert closed.issued == ("INV-000002", "INV-000003", "INV-000004", "INV-000005")
        assert closed.already_issued == 1
        invoices = later.invoices()
        assert len({canonical_bytes(found.pins) for found in invoices}) == 1
        assert len({found.issued_at for found in invoices}) == 1
        assert {found.content["total"] for found in invoices} == {"0.00"}
        assert {found.content["lines"][0]["exact_amount"] for found in invoices} == {"0.0045"}
        assert later.verify().is_sound
        # What came after the pins is the business of the next run.
        closed = later.close(OCTOBER)
        assert (closed.issued, closed.resumed) == (("INV-000006",), False)
        assert later.invoice("INV-000006").content["lines"][0]["exact_amount"] == "0.45"
        assert later.verify().is_sound

    def test_a_run_that_was_cut_off_at_its_end_is_only_finished(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1", user="ann"), record("2", user="bob")])
        with pytest.raises(KeyboardInterrupt):
            one.close(OCTOBER, progress=stop_after(2))
        closed = one.close(OCTOBER)
        assert closed.resumed
        assert (closed.issued, closed.already_issued, closed.refused) == ((), 2, ())
        assert actions(one)[-2:] == ["close.resumed", "close.finished"]
        assert not one.close(OCTOBER).resumed

    def test_a_cut_off_run_of_another_period_is_left_alone(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1"), record("2", when="2026-09-10T00:00:00+00:00")])
        with pytest.raises(KeyboardInterrupt):
            one.close("2026-09", progress=stop_after(1))
        closed = one.close(OCTOBER)
        assert (closed.resumed, closed.issued) == (False, ("INV-000002",))
        assert one.close("2026-09").resumed

    def test_whoever_was_taken_over_issues_nothing_more(self, database: Database) -> None:
        one = till(database)
        one.ingest([record(str(number), user=f"u{number}") for number in range(4)])
        other = till(database)
        taken_over: list[Closed] = []

        def progress(done: int, _all: int) -> None:
            if done == 1:
                taken_over.append(other.close(OCTOBER))

        with pytest.raises(Refused, match="took over"):
            one.close(OCTOBER, progress=progress)
        assert taken_over[0].resumed
        assert taken_over[0].issued == ("INV-000002", "INV-000003", "INV-000004")
        assert [found.customer for found in one.invoices()] == ["u0", "u1", "u2", "u3"]
        assert one.verify().is_sound

    def test_whoever_was_taken_over_stays_out_though_the_other_was_cut_off_too(self, database: Database) -> None:
        one = till(database)
        one.ingest([record(str(number), user=f"u{number}") for number in range(4)])
        other = till(database)

        def progress(done: int, _all: int) -> None:
            if done == 1:
                with pytest.raises(KeyboardInterrupt):
                    other.close(OCTOBER, progress=stop_after(1))

        with pytest.raises(Refused, match="took over"):
            one.close(OCTOBER, progress=progress)
        assert [found.customer for found in one.invoices()] == ["u0", "u1"]
        assert one.close(OCTOBER).issued == ("INV-000003", "INV-000004")

    def test_verification_needs_the_database_alone(self, database: Database) -> None:
        first = till(database)
        first.ingest([record("1")])
        first.close(OCTOBER)
        stranger = till(database, prices(price("other/model")), contract(currency="JPY", anchor_day=9))
        assert stranger.verify().is_sound
        assert stranger.explain("INV-000001")[0].price_entry is not None

    def test_usage_up_to_the_pin_is_all_that_is_billed(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1")])
        one.ingest([record("2")])
        one.close(OCTOBER)
        assert one.invoices()[0].pins["s"] == 2
        with database.read() as connection:
            pins = connection.execute(select(tables.close_run.c.pins)).scalar_one()
        assert canonical_bytes(one.invoices()[0].pins).decode() == pins


class TestReviews:
    def test_with_approval_required_only_an_approval_of_the_present_content_counts(self, database: Database) -> None:
        one = till(database)
        users = ("approved", "nothing", "released", "stale")
        one.ingest([record(user, user=user) for user in users])
        one.review(OCTOBER, "approved", "approved", by="rita")
        one.review(OCTOBER, "stale", "approved", by="rita")
        one.review(OCTOBER, "released", "held", by="rita", note="wait")
        one.review(OCTOBER, "released", "released", by="rita")
        one.ingest([record("more", user="stale")])
        closed = one.close(OCTOBER, require_approval=True)
        assert list(customers_of(one).values()) == ["approved"]
        assert reasons(closed) == {
            "nothing": "its preview was not approved",
            "released": "its preview was not approved",
            "stale": "the approval by rita is stale: the invoice has changed since",
        }
        assert one.close(OCTOBER).issued == ("INV-000002", "INV-000003", "INV-000004")

    def test_a_contract_can_require_the_approval(self, database: Database) -> None:
        """By the customer's contract, else its plan, else the default, as they are at the end of the period."""
        asked = {"review": {"require_approval": True}}
        not_asked = {"review": {"require_approval": False}}
        contracts = [
            contract(**asked),
            contract("plan", "pro", **not_asked),
            contract("customer", "by-default"),
            contract("customer", "by-plan", plan="pro"),
            contract("customer", "by-own", plan="pro", **asked),
            contract("customer", "not-yet", plan="pro"),
            contract("customer", "not-yet", plan="pro", valid_from="2026-11-01T00:00:00Z", **asked),
            contract("customer", "since-the-31st", plan="pro"),
            contract("customer", "since-the-31st", plan="pro", valid_from="2026-10-31T00:00:00Z", **asked),
            contract("customer", "child", plan="pro", invoice={"parent": "by-own"}),
        ]
        users = ("by-default", "by-plan", "by-own", "not-yet", "since-the-31st", "child", "nobody-special")
        one = till(database, *contracts)
        one.ingest([record(user, user=user) for user in users])
        asked_of = {"by-default", "by-own", "since-the-31st", "nobody-special"}
        preview = one.preview(OCTOBER)
        assert {each.invoice.customer for each in preview.customers if each.needs_approval} == asked_of
        plain = till(database, *[{**one, "review": {"require_approval": False}} for one in contracts])
        hashes = [each.invoice.content_hash for each in preview.customers]
        assert [each.invoice.content_hash for each in plain.preview(OCTOBER).customers] == hashes

        assert reasons(one.close(OCTOBER)) == dict.fromkeys(asked_of, "its preview was not approved")
        assert set(customers_of(one).values()) == {"by-plan", "not-yet"}
        one.review(OCTOBER, "by-own", "approved", by="rita")
        assert not one.preview(OCTOBER, customer="by-own").customers[0].needs_approval
        assert one.close(OCTOBER).issued == ("INV-000003",)
        assert one.verify().is_sound

    def test_a_close_that_goes_on_asks_for_the_approvals_of_the_contracts_that_it_pinned(
        self, database: Database
    ) -> None:
        asked = contract("customer", "ben", review={"require_approval": True})
        one = till(database, asked)
        one.ingest([record("1", user="ann"), record("2", user="ben"), record("3", user="cem")])
        with pytest.raises(KeyboardInterrupt):
            one.close(OCTOBER, progress=stop_after(1))
        resumed = till(database, contract("customer", "ben")).close(OCTOBER)
        assert resumed.resumed
        assert reasons(resumed) == {"ben": "its preview was not approved"}

    def test_an_interim_invoice_has_no_preview_that_a_contract_could_ask_to_approve(self, database: Database) -> None:
        asked = contract("customer", "alice", review={"require_approval": True}, invoice={"interim_at": "0.0001"})
        one = till(database, asked, clock=MovableClock(datetime(2026, 10, 20, tzinfo=UTC)))
        one.ingest([record("1", input=5_000_000)])
        assert one.close(OCTOBER, interim=True).issued == numbers(1)

    def test_an_approval_is_not_staled_by_other_customers(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1", user="ann")])
        one.review(OCTOBER, "ann", "approved", by="rita")
        one.ingest([record("2", user="bob"), record("3", user="ann", when="2026-09-03T00:00:00+00:00")])
        states = {found.invoice.customer: found.review_state for found in one.preview(OCTOBER).customers}
        assert states == {"ann": "approved", "bob": "none"}
        assert one.close(OCTOBER, require_approval=True).issued == numbers(1)

    def test_a_changed_price_stales_an_approval(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1")])
        one.review(OCTOBER, "alice", "approved", by="rita")
        dear = till(database, DEAR)
        assert dear.preview(OCTOBER).customers[0].review_state == "stale"
        assert "is stale" in reasons(dear.close(OCTOBER, require_approval=True))["alice"]

    def test_an_approval_of_what_is_no_longer_there_is_refused(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1")])
        seen = one.preview(OCTOBER).customers[0].invoice.content_hash
        one.ingest([record("2")])
        before = rows_of(database)
        with pytest.raises(Refused, match="look at it again"):
            one.review(OCTOBER, "alice", "approved", by="rita", seen_hash=seen)
        assert rows_of(database) == before
        now = one.preview(OCTOBER).customers[0].invoice.content_hash
        for too_short in (now.removeprefix("sha256:")[:11], "", "sha256:"):
            with pytest.raises(Refused, match="look at it again"):
                one.review(OCTOBER, "alice", "approved", by="rita", seen_hash=too_short)
        review = one.review(OCTOBER, "alice", "approved", by="rita", seen_hash=now.removeprefix("sha256:")[:12])
        assert review.content_hash == now

    def test_a_hold_needs_a_reason_and_stays_until_it_is_released(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1")])
        for nothing in ("", "  \n"):
            with pytest.raises(InvalidCall, match="a hold needs a reason"):
                one.review(OCTOBER, "alice", "held", by="rita", note=nothing)
        assert one.preview(OCTOBER).customers[0].review_state == "none"
        one.review(OCTOBER, "alice", "held", by="rita", note="disputed")
        one.ingest([record("2")])
        assert one.preview(OCTOBER).customers[0].review_state == "held"
        with pytest.raises(Refused, match="release it first"):
            one.review(OCTOBER, "alice", "approved", by="rita")
        assert reasons(one.close(OCTOBER)) == {"alice": "held by rita: disputed"}
        one.review(OCTOBER, "alice", "released", by="rita")
        with pytest.raises(Refused, match="is not held"):
            one.review(OCTOBER, "alice", "released", by="rita")
        assert one.close(OCTOBER).issued == numbers(1)

    def test_what_cannot_be_issued_cannot_be_approved(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1", model="acme/unheard-of")])
        with pytest.raises(Refused, match="cannot be approved: unpriced usage"):
            one.review(OCTOBER, "alice", "approved", by="rita")
        one.review(OCTOBER, "alice", "held", by="rita", note="no price yet")

    def test_what_is_issued_can_no_longer_be_reviewed(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1")])
        one.close(OCTOBER)
        before = rows_of(database)
        with pytest.raises(Refused, match="was issued INV-000001"):
            one.review(OCTOBER, "alice", "held", by="rita", note="too late")
        assert rows_of(database) == before

    def test_somebody_without_usage_cannot_be_reviewed(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1")])
        with pytest.raises(NotFound, match="has no usage in 2026-10"):
            one.review(OCTOBER, "Alice", "held", by="rita", note="who?")

    def test_a_hold_that_comes_while_a_run_goes_on_counts(self, database: Database) -> None:
        one = till(database)
        one.ingest([record(str(number), user=f"u{number}") for number in range(4)])

        def progress(done: int, _all: int) -> None:
            if done == 1:
                one.review(OCTOBER, "u2", "held", by="rita", note="just seen")

        closed = one.close(OCTOBER, progress=progress)
        assert closed.issued == numbers(3)
        assert closed.refused == (RefusedCustomer("u2", "held by rita: just seen"),)
        assert [found.customer for found in one.invoices()] == ["u0", "u1", "u3"]
        assert one.verify().is_sound

    def test_a_hold_that_comes_between_a_cut_and_the_resumption_counts(self, database: Database) -> None:
        one = till(database)
        one.ingest([record(str(number), user=f"u{number}") for number in range(4)])
        with pytest.raises(KeyboardInterrupt):
            one.close(OCTOBER, progress=stop_after(1))
        one.review(OCTOBER, "u3", "held", by="rita", note="wait")
        closed = one.close(OCTOBER)
        assert closed.resumed
        assert reasons(closed) == {"u3": "held by rita: wait"}
        one.review(OCTOBER, "u3", "released", by="rita")
        assert one.close(OCTOBER).issued == ("INV-000004",)

    @pytest.mark.postgresql_one_in(1)  # each takes its own locks
    def test_a_hold_and_an_issue_at_the_same_moment_do_not_both_succeed(
        self, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = till(database)
        one.ingest([record("1")])
        looked, held = threading.Event(), threading.Event()
        last_reviews = issuing.last_reviews

        def look_and_wait(connection: Any, period: str, customers: Any = None) -> Any:
            found = last_reviews(connection, period, customers)
            if customers is not None:  # the last look before the invoice is stored
                looked.set()
                held.wait(1)
            return found

        monkeypatch.setattr(issuing, "last_reviews", look_and_wait)
        outcomes: list[str] = []

        def hold() -> None:
            other = Database.open(database_url)
            looked.wait(20)
            try:
                till(other).review(OCTOBER, "alice", "held", by="rita", note="stop")
                outcomes.append("held")
            except Refused:
                outcomes.append("refused")
            finally:
                held.set()
                other.close()

        reviewer = threading.Thread(target=hold)
        reviewer.start()
        closed = one.close(OCTOBER)
        reviewer.join(30)
        assert (outcomes, closed.issued) in ((["held"], ()), (["refused"], numbers(1)))


class TestTwoClosers:
    def test_a_run_that_another_closer_ended_is_not_taken_over(self, database: Database) -> None:
        with database.write() as connection:
            run = start_run(connection, OCTOBER, {"s": 0, "a": "", "b": "", "f": 1}, {}, AFTER_OCTOBER)
            finish_run(connection, run, "done", AFTER_OCTOBER, left_over=0)
        with pytest.raises(Refused, match="took over"), database.write() as connection:
            take_over(connection, run)

    @pytest.mark.postgresql_one_in(1)  # each takes its own locks
    @pytest.mark.parametrize("closers", daily([4, 2], 1))
    def test_closers_at_once_issue_every_invoice_exactly_once(
        self, database: Database, database_url: str, closers: int
    ) -> None:
        users = [f"u{number:02d}" for number in range(12)]
        till(database).ingest([record(user, user=user) for user in users])
        gate = threading.Barrier(closers)
        faults: list[BaseException] = []

        def close(number: int) -> None:
            own_random = random.Random(number)
            own = Database.open(database_url)
            try:
                one = till(own)
                gate.wait(20)
                for attempt in range(30):
                    try:
                        one.close(OCTOBER)
                        return
                    except Refused as refused:
                        assert "took over" in str(refused)  # noqa: PT017
                        time.sleep(own_random.uniform(0, 0.02 * 2 ** min(attempt, 5)))
                raise AssertionError("thirty attempts were not enough")
            except BaseException as fault:  # noqa: BLE001
                faults.append(fault)
            finally:
                own.close()

        threads = [threading.Thread(target=close, args=(number,)) for number in range(closers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert faults == []
        one = till(database)
        assert [found.number for found in one.invoices()] == list(numbers(12))
        assert sorted(found.customer for found in one.invoices()) == users
        assert count_of(database, tables.invoice_line) == 12
        assert actions(one).count("invoice.issued") == 12
        assert actions(one).count("close.started") == actions(one).count("close.finished")
        assert one.verify().is_sound
        assert one.close(OCTOBER).already_issued == 12


class TestExplain:
    def test_a_line_is_explained_by_its_records_its_price_and_its_rule(self, database: Database) -> None:
        rule = {"name": "plus", "match": {"model": ["acme/*"]}, "markup_percent": "20"}
        one = till(database, prices(price(source="the price page")), contract(rules=[rule]))
        one.ingest(
            [record("1", when="3"), record("2", when="2", api_key="k"), record("3", user="bob"), record("0", when="1")]
        )
        one.close(OCTOBER)
        (explained,) = one.explain("INV-000001", 1)
        assert [found.record.record_id for found in explained.records] == ["0", "2", "1"]
        assert {found.exact_amount for found in explained.records} == {Decimal("0.0054")}
        assert explained.line["exact_amount"] == "0.0162"
        assert explained.price_source == "the price page"
        assert explained.price_entry is not None
        assert explained.price_entry["rates"]["input"] == "3"
        assert explained.rule is not None
        assert explained.rule["contract"] == "default"
        assert explained.rule["markup_percent"] == "20"

    def test_a_line_or_an_invoice_that_is_not_there_is_named(self, database: Database) -> None:
        one = till(database)
        one.ingest([record("1")])
        one.close(OCTOBER)
        for line in (0, 2, -1):
            with pytest.raises(NotFound, match="are counted from 1 to 1"):
                one.explain("INV-000001", line)
        with pytest.raises(NotFound, match="no invoice 'INV-000002'"):
            one.explain("INV-000002")

    def test_a_user_who_moves_to_another_customer_is_explained_at_both(self, database: Database) -> None:
        one = till(database)
        one.bind(
            [
                ("u", "old", datetime(2026, 1, 1, tzinfo=UTC), None),
                ("u", "new", datetime(2026, 10, 15, 12, tzinfo=UTC), None),
            ]
        )
        one.ingest([record("before", user="u", when="15 11:59"), record("after", user="u", when="15 12:00")])
        one.close(OCTOBER)
        found = {
            invoice.customer: [each.record.record_id for each in one.explain(invoice.number, 1)[0].records]
            for invoice in one.invoices()
        }
        assert found == {"new": ["after"], "old": ["before"]}


class TestVerifyFindsTampering:
    @pytest.fixture
    def closed(self, database: Database) -> Till:
        """A till whose October is closed and whose database no longer guards itself."""
        one = till(database)

        def close_and_drop_guards(_: Database) -> None:
            one.ingest([record(user, user=user, input=10**6) for user in ("ann", "bob", "cem")])
            one.close(OCTOBER)
            assert one.verify().is_sound
            drop_guards(database)
            assert not one.verify().is_sound
            assert beside_guards(one.verify()) == []

        fill(database, "October without guards", close_and_drop_guards)
        return one

    def test_in_the_content_of_an_invoice(self, closed: Till) -> None:
        with closed.store.write() as connection:
            content = closed.invoice("INV-000002").content_bytes.replace(b'"total":"3.00"', b'"total":"2.00"')
            where = tables.invoice.c.number == "INV-000002"
            connection.execute(update(tables.invoice).where(where).values(content=content))
        verification = closed.verify()
        assert [found.number for found in verification.invoices if found.fault] == ["INV-000002"]
        assert closed.verify("INV-000001").is_sound
        assert not closed.verify("INV-000002").is_sound

    def test_in_the_content_of_an_invoice_together_with_its_hash(self, closed: Till) -> None:
        content = {**closed.invoice("INV-000002").content, "total": "2.00"}
        with closed.store.write() as connection:
            connection.execute(
                update(tables.invoice)
                .where(tables.invoice.c.number == "INV-000002")
                .values(content=canonical_bytes(content), content_hash=content_hash(content))
            )
        (fault,) = [found.fault for found in closed.verify().invoices if found.fault]
        assert "its subtotal_minor is 300, and its content says 200" in str(fault)

    @pytest.mark.parametrize("column", ["total_minor", "currency", "customer"])
    def test_in_the_columns_beside_the_content(self, closed: Till, column: str) -> None:
        values: dict[str, Any] = {
            "total_minor": {"total_minor": 1, "subtotal_minor": 1},
            "currency": {"currency": "EUR"},
            "customer": {"customer": "eve"},
        }[column]
        with closed.store.write() as connection:
            where = tables.invoice.c.number == "INV-000002"
            connection.execute(update(tables.invoice).where(where).values(**values))
        assert [found.number for found in closed.verify().invoices if found.fault] == ["INV-000002"]

    def test_in_the_lines(self, closed: Till) -> None:
        with closed.store.write() as connection:
            connection.execute(
                update(tables.invoice_line).values(amount_minor=1).where(tables.invoice_line.c.invoice_id == 2)
            )
        assert not closed.verify().is_sound

    def test_in_a_usage_record(self, closed: Till) -> None:
        with closed.store.write() as connection:
            connection.execute(update(tables.usage).where(tables.usage.c.record_id == "cem").values(input=1))
            of_cem = select(tables.usage.c.seq).where(tables.usage.c.record_id == "cem")
            batch = connection.execute(select(tables.batch).where(tables.batch.c.seq.in_(of_cem))).one()
        assert [found.customer for found in closed.verify().invoices if found.fault] == ["cem"]
        assert beside_guards(closed.verify()) == [
            "record 'cem': its input total is not the sum of its parts",
            f"batch {batch.seq} ({batch.label!r}): its {batch.accepted} usage records are not what its digest says",
        ]
        with pytest.raises(IntegrityFault, match="come to"):
            closed.explain("INV-000003")

    def test_in_a_usage_record_that_was_taken_away(self, closed: Till) -> None:
        with closed.store.write() as connection:
            connection.execute(tables.usage.delete().where(tables.usage.c.record_id == "ann"))
        fault, *others = [found.fault for found in closed.verify().invoices]
        assert str(fault).startswith("it covers records of series 1, and there are none in its period")
        assert others == [None, None]

    def test_in_a_recording(self, closed: Till) -> None:
        with closed.store.write() as connection:
            table = tables.recording
            content = connection.execute(select(table.c.content).where(table.c.kind == "prices")).scalar_one()
            cheaper = bytes(content).replace(b'"input":"3"', b'"input":"2"')
            assert cheaper != bytes(content)
            connection.execute(update(table).where(table.c.kind == "prices").values(content=cheaper))
        verification = closed.verify()
        assert all("cannot be worked out again: the recording" in str(one.fault) for one in verification.invoices)
        (fault,) = beside_guards(verification)
        assert "is not what its hash says" in fault

    def test_in_a_recording_that_was_taken_away(self, closed: Till) -> None:
        with closed.store.write() as connection:
            connection.execute(tables.recording.delete().where(tables.recording.c.kind == "attribution"))
        verification = closed.verify()
        assert all("cannot be worked out again: the recording" in str(one.fault) for one in verification.invoices)
        (fault,) = beside_guards(verification)
        assert "that the close run 1 was computed from is not stored" in fault

    @pytest.mark.parametrize(
        "change",
        [{"actor": "nobody"}, {"content": "{}"}, {"action": "close.resumed"}, {"recorded_at": 1}],
        ids=["actor", "content", "action", "instant"],
    )
    def test_in_an_audit_entry(self, closed: Till, change: dict[str, Any]) -> None:
        with closed.store.write() as connection:
            connection.execute(update(tables.audit).where(tables.audit.c.seq == 3).values(**change))
        verification = closed.verify()
        assert "audit entry 3 was changed, or the one before it" in beside_guards(verification)
        unheard = [found.number for found in verification.invoices if "records its issue 0 times" in str(found.fault)]
        assert unheard == (["INV-000002"] if change.keys() & {"content", "action"} else [])

    @pytest.mark.parametrize("seq", [1, 3, 5])
    def test_in_an_audit_entry_that_was_taken_away(self, closed: Till, seq: int) -> None:
        assert count_of(closed.store, tables.audit) == 5
        with closed.store.write() as connection:
            connection.execute(tables.audit.delete().where(tables.audit.c.seq == seq))
        assert beside_guards(closed.verify())

    def test_in_an_invoice_that_was_taken_away(self, closed: Till) -> None:
        with closed.store.write() as connection:
            for table in (tables.invoice_line, tables.coverage, tables.member_period, tables.document_event):
                connection.execute(table.delete().where(table.c.invoice_id == 2))
            connection.execute(tables.invoice.delete().where(tables.invoice.c.number == "INV-000002"))
        assert beside_guards(closed.verify()) == [
            "the series of invoice numbers has a gap or a stranger: INV-000002",
            "the log of documents has 2 rows, and 3 were made",
            "INV-000002 was issued, says the audit log, and is not there",
        ]

    def test_in_an_invoice_that_was_slipped_in(self, closed: Till) -> None:
        with closed.store.write() as connection:
            row = connection.execute(select(tables.invoice).where(tables.invoice.c.id == 1)).one()._asdict()
            row |= {"id": 77, "number": "INV-000077", "customer": "eve"}
            connection.execute(insert(tables.invoice).values(**row))
        verification = closed.verify()
        assert beside_guards(verification) == [
            "the series of invoice numbers has a gap or a stranger: INV-000077",
            "the log of documents does not agree with the status of INV-000077",
        ]
        assert [found.number for found in verification.invoices if found.fault] == ["INV-000077"]


def test_a_preview_stores_nothing_but_which_contracts_were_looked_at(database: Database) -> None:
    one = till(database)
    one.ingest([record("1"), record("2", user="bob", model="acme/unheard-of"), record("3", user=None)])
    before = rows_of(database)
    one.preview(OCTOBER)
    once = rows_of(database)
    changed = {name for name, rows in once.items() if rows != before[name]}
    assert changed == {"audit", "counter", "recording"}
    one.preview(OCTOBER)
    one.preview(OCTOBER, "alice")
    one.verify()
    assert rows_of(database) == once


def test_a_preview_of_the_running_month_is_not_due_and_changes_nothing_of_the_close(database: Database) -> None:
    clock = MovableClock(datetime(2026, 10, 20, tzinfo=UTC))
    one = till(database, clock=clock)
    one.ingest([record("1")])
    assert not one.preview(OCTOBER).customers[0].is_due
    clock.instant = datetime(2026, 11, 5, tzinfo=UTC)
    one.ingest([record("2", when="31 23:59")])
    assert one.close(OCTOBER).issued == numbers(1)
    assert one.invoices()[0].content["lines"][0]["requests"] == 2


def test_the_same_folder_has_the_same_pins_in_whatever_order_it_is_read(database: Database) -> None:
    contents = (prices(price()), prices(price("b/b"), recorded_at="2026-09-03T00:00:00Z"), contract(), attribution())
    one, other = till(database, *contents), till(database, *reversed(contents))
    one.ingest([record("1")])
    assert one.preview(OCTOBER).pins == other.preview(OCTOBER).pins
    assert folder(*contents) != folder(*reversed(contents))
