"""Which document has which record when somebody changes a contract, a binding or a parent after a document was issued.

Each record is worth what its name says: a million input tokens cost 3 dollars.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.builders import OCTOBER, MovableClock, attribution, contract, folder, record, till
from tests.invoicing.bench import records_by_number
from tokentill.canonical import Content
from tokentill.errors import Refused
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.record import UsageRecord

pytestmark = pytest.mark.postgresql_one_in(8)

NOVEMBER = "2026-11"
EUROS: Content = {
    "format": 1,
    "kind": "fx",
    "recorded_at": "2026-09-01T00:00:00Z",
    "source": "a test",
    "rate": [{"from": "USD", "to": "EUR", "date": "2026-01-01", "rate": "0.9"}],
}


class Shop:
    """A till of which the clock and the pricing folder may change."""

    def __init__(self, database: Database, *contents: Content, now: str = "2026-11-20T09:00:00+00:00") -> None:
        self.clock = MovableClock(datetime.fromisoformat(now))
        self.till: Till = till(database, *contents, clock=self.clock)

    def take(self, *records: UsageRecord) -> None:
        """Take records in; the clock is moved to the last of them, if it has not got there."""
        self.clock.instant = max(self.clock.instant, *(one.occurred_at for one in records))
        self.till.ingest(records)

    def write(self, *contents: Content) -> None:
        """Everything that stands in the pricing folder from now on."""
        self.till = Till(self.till.store, folder(*contents), clock=self.clock, grace=self.till.grace)

    def close(self, month: str, at: str | None = None, *, interim: bool | list[str] = False) -> tuple[str, ...]:
        """Close a month at an instant; returns who got a document."""
        if at is not None:
            self.clock.instant = datetime.fromisoformat(at)
        issued = self.till.close(month, interim=interim).issued
        return tuple(self.till.invoice(number).customer for number in issued)

    def documents(self) -> list[tuple[str, str, str, str, set[str]]]:
        """Every live document: customer, month, total, currency and records."""
        records = records_by_number(self.till)
        return [
            (found.customer, found.period, found.content["total"], found.currency, records[found.number])
            for found in self.till.invoices()
            if found.number in records
        ]

    def periods(self, customer: str) -> list[tuple[str, str, str]]:
        """The issued periods of a customer: month, first instant, end."""
        found = self.till.invoices(customer=customer)
        return [(one.period, one.content["period_start"], one.content["period_end"]) for one in found]

    def late(self) -> set[tuple[str, str, str, str]]:
        """Late records: source, id, customer, month."""
        return {(one.source, one.record_id, one.customer, one.period) for one in self.till.late().records}

    def is_settled(self) -> bool:
        """Whether everything that was issued is sound, and closing again issues nothing."""
        months = ("2026-09", OCTOBER, NOVEMBER)
        return self.till.verify().is_sound and not any(self.till.close(month).issued for month in months)


def worth(dollars: int, when: str, user: str = "alice", *, id_: str | None = None) -> UsageRecord:
    """A record of so many dollars, of a day in 2026 (`11-05`) at noon or of an instant (`11-05T01:30`)."""
    if "T" not in when:
        when += "T12:00"
    tokens = int(Decimal(dollars) * 1_000_000 / 3)
    return record(id_ or f"{user}-{dollars}", user=user, when=f"2026-{when}:00+00:00", input=tokens)


def agreed(
    customer: str, written: str | None = None, valid_from: str = "2026-01-01T00:00:00Z", **more: object
) -> Content:
    """A customer's contract; `written` is the day of 2026 on which it was."""
    recorded_at = f"2026-{written}T00:00:00Z" if written else "2026-09-01T00:00:00Z"
    return contract("customer", customer, recorded_at=recorded_at, valid_from=valid_from, **more)


class TestAContractThatMovesAnIssuedBoundary:
    def test_a_later_anchor_day_lengthens_the_next_period(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "11-05"), worth(3, "11-20"))
        shop.close(OCTOBER)
        shop.write(agreed("alice", "11-21", "2026-11-01T00:00:00Z", anchor_day=15))
        shop.close(NOVEMBER, "2026-12-20T09:00:00+00:00")
        assert shop.documents() == [
            ("alice", OCTOBER, "30.00", "USD", {"alice-30"}),
            ("alice", NOVEMBER, "303.00", "USD", {"alice-300", "alice-3"}),
        ]
        assert shop.periods("alice") == [
            (OCTOBER, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            (NOVEMBER, "2026-11-01T00:00:00Z", "2026-12-15T00:00:00Z"),
        ]
        assert shop.late() == set()
        assert shop.is_settled()

    def test_the_lengthened_period_is_not_due_before_its_new_end(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "11-05"))
        shop.close(OCTOBER)
        shop.write(agreed("alice", "11-21", "2026-11-01T00:00:00Z", anchor_day=15))
        shop.clock.instant = datetime(2026, 12, 10, tzinfo=UTC)
        closed = shop.till.close(NOVEMBER)
        assert (closed.issued, closed.not_due) == ((), ("alice",))
        assert shop.close(NOVEMBER, "2026-12-15T00:00:00+00:00") == ("alice",)

    def test_an_earlier_anchor_day_shortens_the_next_period(self, database: Database) -> None:
        monthly = agreed("alice", anchor_day=15)
        shop = Shop(database, monthly)
        shop.take(worth(30, "10-20"), worth(300, "11-05"))
        shop.close(OCTOBER)
        shop.take(worth(3, "11-20"))
        shop.write(monthly, agreed("alice", "11-21", "2026-11-01T00:00:00Z", anchor_day=1))
        shop.close(NOVEMBER, "2026-12-20T09:00:00+00:00")
        assert shop.documents() == [
            ("alice", OCTOBER, "330.00", "USD", {"alice-30", "alice-300"}),
            ("alice", NOVEMBER, "3.00", "USD", {"alice-3"}),
        ]
        assert shop.periods("alice") == [
            (OCTOBER, "2026-10-15T00:00:00Z", "2026-11-15T00:00:00Z"),
            (NOVEMBER, "2026-11-15T00:00:00Z", "2026-12-01T00:00:00Z"),
        ]
        assert shop.late() == set()
        assert shop.is_settled()

    def test_a_time_zone_further_west_leaves_no_hours_between_two_periods(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "11-01T01:30"), worth(3, "11-20"))
        shop.close(OCTOBER)
        shop.write(agreed("alice", "11-21", "2026-11-01T00:00:00Z", time_zone="America/New_York"))
        shop.close(NOVEMBER, "2026-12-20T09:00:00+00:00")
        assert shop.documents() == [
            ("alice", OCTOBER, "30.00", "USD", {"alice-30"}),
            ("alice", NOVEMBER, "303.00", "USD", {"alice-300", "alice-3"}),
        ]
        assert shop.periods("alice")[1] == (NOVEMBER, "2026-11-01T00:00:00Z", "2026-12-01T05:00:00Z")
        assert shop.is_settled()

    def test_a_time_zone_further_east_bills_no_hours_twice(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "10-31T23:30"), worth(3, "11-20"))
        shop.close(OCTOBER)
        shop.write(agreed("alice", "11-21", "2026-10-31T00:00:00Z", time_zone="Europe/Berlin"))
        shop.close(NOVEMBER, "2026-12-20T09:00:00+00:00")
        assert shop.documents() == [
            ("alice", OCTOBER, "330.00", "USD", {"alice-30", "alice-300"}),
            ("alice", NOVEMBER, "3.00", "USD", {"alice-3"}),
        ]
        assert shop.periods("alice")[1] == (NOVEMBER, "2026-11-01T00:00:00Z", "2026-11-30T23:00:00Z")
        assert shop.is_settled()

    def test_a_run_that_was_cut_off_before_leaves_no_gap_to_a_period_that_was_issued_meanwhile(
        self, database: Database
    ) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20", "ann"), worth(3, "10-20", "bob"), worth(300, "11-01T04:00", "bob"))

        def stop(_done: int, _all: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            shop.till.close(OCTOBER, progress=stop)
        shop.write(agreed("bob", "11-21", "2026-10-14T00:00:00Z", anchor_day=28))
        shop.take(worth(9, "11-30", "bob"))
        assert shop.close(NOVEMBER, "2026-12-30T09:00:00+00:00") == ("bob",)
        for _ in range(2):  # the run that was cut off, and what it had not pinned
            shop.close(OCTOBER)
        assert set(shop.periods("bob")) == {
            (OCTOBER, "2026-10-01T00:00:00Z", "2026-11-28T00:00:00Z"),
            (NOVEMBER, "2026-11-28T00:00:00Z", "2026-12-28T00:00:00Z"),
        }
        assert shop.documents()[1:] == [
            ("bob", NOVEMBER, "9.00", "USD", {"bob-9"}),
            ("bob", OCTOBER, "303.00", "USD", {"bob-3", "bob-300"}),
        ]
        assert shop.late() == set()
        assert shop.is_settled()

    def test_a_record_that_arrives_between_the_old_boundary_and_the_new_one_is_late_for_the_issued_period(
        self, database: Database
    ) -> None:
        monthly = agreed("alice", anchor_day=15)
        shop = Shop(database, monthly)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.write(monthly, agreed("alice", "11-21", "2026-11-01T00:00:00Z", anchor_day=1))
        shop.take(worth(300, "11-05"))
        assert shop.late() == {("arouter", "alice-300", "alice", OCTOBER)}
        assert shop.close(NOVEMBER, "2026-12-20T09:00:00+00:00") == ("alice",)
        (line,) = shop.till.invoice("INV-000002").content["lines"]
        assert (line["cause"], line["corrects"]["period"], line["amount"]) == ("late", OCTOBER, "300.00")
        assert shop.late() == set()

    def test_an_interim_invoice_holds_the_boundaries_of_its_period(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "11-05"))
        assert shop.close(NOVEMBER, "2026-11-10T00:00:00+00:00", interim=["alice"]) == ("alice",)
        shop.write(agreed("alice", "11-21", "2026-10-15T00:00:00Z", anchor_day=28))
        shop.take(worth(3, "11-22"))
        shop.close(OCTOBER, "2026-12-30T09:00:00+00:00")
        shop.close(NOVEMBER)
        assert shop.documents() == [
            ("alice", NOVEMBER, "300.00", "USD", {"alice-300"}),
            ("alice", OCTOBER, "30.00", "USD", {"alice-30"}),
            ("alice", NOVEMBER, "3.00", "USD", {"alice-300", "alice-3"}),
        ]
        november = (NOVEMBER, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
        assert shop.periods("alice") == [november, (OCTOBER, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"), november]
        assert shop.late() == set()
        assert shop.is_settled()


class TestABindingAfterADocument:
    def test_a_record_stays_with_whom_it_was_billed_to(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(300, "10-20", "u1"), worth(3, "10-21", "bob"))
        shop.till.review(OCTOBER, "bob", "held", note="a look", by="rita")
        assert shop.close(OCTOBER) == ("u1",)
        shop.till.bind([("u1", "bob", datetime(2026, 10, 1, tzinfo=UTC), None)])
        shop.till.review(OCTOBER, "bob", "released", by="rita")
        assert shop.close(OCTOBER) == ("bob",)
        assert shop.documents() == [
            ("u1", OCTOBER, "300.00", "USD", {"u1-300"}),
            ("bob", OCTOBER, "3.00", "USD", {"bob-3"}),
        ]
        assert shop.late() == set()
        assert shop.is_settled()

    def test_the_period_invoice_keeps_a_record_that_its_interim_invoice_billed(self, database: Database) -> None:
        shop = Shop(database, now="2026-10-21T09:00:00+00:00")
        shop.take(worth(300, "10-20", "u1"), worth(3, "10-20", "bob"))
        assert shop.close(OCTOBER, interim=["u1"]) == ("u1",)
        shop.till.bind([("u1", "bob", datetime(2026, 10, 1, tzinfo=UTC), None)])
        shop.take(worth(30, "10-22", "u1"))
        shop.close(OCTOBER, "2026-11-03T00:00:00+00:00")
        documents = {(customer, total): records for customer, _, total, _, records in shop.documents()}
        assert documents.pop(("u1", "300.00")) == {"u1-300"}
        assert documents.pop(("bob", "33.00")) == {"bob-3", "u1-30"}
        assert documents in ({}, {("u1", "0.00"): {"u1-300"}})
        assert shop.late() == set()
        assert shop.is_settled()

    def test_a_run_that_was_cut_off_and_one_after_a_binding_bill_a_record_once(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(300, "10-20", "ann"), worth(3, "10-21", "bob"))

        def stop(_done: int, _all: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            shop.till.close(OCTOBER, progress=stop)
        assert [document[0] for document in shop.documents()] == ["ann"]
        shop.till.bind([("ann", "bob", datetime(2026, 10, 1, tzinfo=UTC), None)])
        shop.close(OCTOBER)
        assert shop.documents() == [
            ("ann", OCTOBER, "300.00", "USD", {"ann-300"}),
            ("bob", OCTOBER, "3.00", "USD", {"bob-3"}),
        ]
        assert shop.is_settled()

    def test_what_belonged_to_nobody_and_is_bound_to_a_billed_customer_is_late(self, database: Database) -> None:
        by_template = attribution(
            {"match": {"user": "user_{id}"}, "customer": "{id}"}, default="unattributed", tolerance_percent="100"
        )
        shop = Shop(database, by_template)
        shop.take(worth(300, "10-20", "stray"), worth(3, "10-21", "user_bob"))
        assert shop.close(OCTOBER) == ("bob",)
        assert shop.late() == set()
        shop.till.bind([("stray", "bob", datetime(2026, 10, 1, tzinfo=UTC), None)])
        assert shop.late() == {("arouter", "stray-300", "bob", OCTOBER)}
        assert shop.close(OCTOBER) == ()

    def test_a_record_that_comes_from_another_month_of_another_customer_is_late(self, database: Database) -> None:
        """It lay in eve's September, which is not issued, and lies in October of bob, which is."""
        shop = Shop(database, agreed("eve", anchor_day=31), now="2026-10-30T09:00:00+00:00")
        shop.take(worth(300, "10-09", "eve"), worth(3, "10-21", "bob"))
        assert shop.close(OCTOBER, "2026-11-02T09:00:00+00:00") == ("bob",)
        assert shop.late() == set()
        shop.till.bind([("eve", "bob", datetime(2026, 9, 1, tzinfo=UTC), None)])
        assert shop.late() == {("arouter", "eve-300", "bob", OCTOBER)}
        assert [one.requests for one in shop.till.close(OCTOBER).late] == [1]

    def test_what_belonged_to_nobody_and_is_bound_to_somebody_without_a_document_is_billed(
        self, database: Database
    ) -> None:
        by_template = attribution(
            {"match": {"user": "user_{id}"}, "customer": "{id}"}, default="unattributed", tolerance_percent="100"
        )
        shop = Shop(database, by_template)
        shop.take(worth(300, "10-20", "stray"), worth(3, "10-21", "user_bob"))
        shop.close(OCTOBER)
        shop.till.bind([("stray", "ann", datetime(2026, 10, 1, tzinfo=UTC), None)])
        assert shop.close(OCTOBER) == ("ann",)
        assert shop.documents()[1] == ("ann", OCTOBER, "300.00", "USD", {"stray-300"})
        assert shop.late() == set()


class TestAParentAfterADocument:
    def test_a_child_that_was_billed_is_not_billed_again_on_its_parent_s_invoice(self, database: Database) -> None:
        parent = agreed("parent", invoice={"base_fee": {"amount": "10"}})
        shop = Shop(database, agreed("child"), parent)
        shop.take(worth(300, "10-20", "child"))
        shop.till.review(OCTOBER, "parent", "held", note="a look", by="rita")
        assert shop.close(OCTOBER) == ("child",)
        joins = agreed("child", "11-21", "2026-10-01T00:00:00Z", invoice={"parent": "parent"})
        shop.write(agreed("child"), parent, joins)
        shop.till.review(OCTOBER, "parent", "released", by="rita")
        assert shop.close(OCTOBER) == ("parent",)
        assert shop.documents() == [
            ("child", OCTOBER, "300.00", "USD", {"child-300"}),
            ("parent", OCTOBER, "10.00", "USD", set()),
        ]
        assert shop.late() == set()

    def test_a_parent_s_invoice_leaves_out_what_an_interim_invoice_of_its_child_billed(
        self, database: Database
    ) -> None:
        shop = Shop(database, agreed("child"), agreed("parent"), now="2026-10-21T09:00:00+00:00")
        shop.take(worth(300, "10-20", "child"))
        assert shop.close(OCTOBER, interim=["child"]) == ("child",)
        joins = agreed("child", "10-25", "2026-10-25T00:00:00Z", invoice={"parent": "parent"})
        shop.write(agreed("child"), agreed("parent"), joins)
        shop.take(worth(30, "10-26", "child"), worth(3, "10-26", "parent"))
        assert shop.close(OCTOBER, "2026-11-03T00:00:00+00:00") == ("parent",)
        assert shop.documents() == [
            ("child", OCTOBER, "300.00", "USD", {"child-300"}),
            ("parent", OCTOBER, "33.00", "USD", {"child-30", "parent-3"}),
        ]
        assert shop.late() == set()
        assert shop.is_settled()

    def test_a_child_that_leaves_its_parent_stays_on_what_the_parent_was_billed(self, database: Database) -> None:
        child = agreed("child", invoice={"parent": "parent"})
        shop = Shop(database, child, agreed("parent"), now="2026-10-21T09:00:00+00:00")
        shop.take(worth(300, "10-20", "child"))
        assert shop.close(OCTOBER, interim=["parent"]) == ("parent",)
        leaves = agreed("child", "10-25", "2026-10-25T00:00:00Z")
        shop.write(child, agreed("parent"), leaves)
        shop.take(worth(30, "10-26", "child"), worth(3, "10-26", "parent"))
        shop.close(OCTOBER, "2026-11-03T00:00:00+00:00")
        documents = {(customer, total): records for customer, _, total, _, records in shop.documents()}
        assert documents == {
            ("parent", "300.00"): {"child-300"},
            ("parent", "3.00"): {"child-300", "parent-3"},
            ("child", "30.00"): {"child-30"},
        }
        assert shop.is_settled()

    def test_a_parent_s_invoice_waits_for_the_last_of_its_members_periods(self, database: Database) -> None:
        own = agreed("child", anchor_day=20)
        joins = agreed("child", "10-25", "2026-11-05T00:00:00Z", invoice={"parent": "parent"})
        shop = Shop(database, own, joins, agreed("parent"), now="2026-11-02T09:00:00+00:00")
        shop.take(worth(30, "10-25", "child"), worth(3, "10-25", "parent"))
        closed = shop.till.close(OCTOBER)
        assert (closed.issued, closed.not_due) == ((), ("parent",))
        shop.take(
            worth(300, "11-03", "child"),
            worth(600, "11-15", "child"),
            worth(9, "11-25", "child"),
        )
        assert shop.close(OCTOBER, "2026-12-02T00:00:00+00:00") == ("parent",)
        assert shop.close(NOVEMBER) == ("parent",)
        assert shop.documents() == [
            ("parent", OCTOBER, "933.00", "USD", {"child-30", "parent-3", "child-300", "child-600"}),
            ("parent", NOVEMBER, "9.00", "USD", {"child-9"}),
        ]
        assert shop.late() == set()
        assert shop.is_settled()


class TestAnotherCurrencyAfterADocument:
    def test_the_period_invoice_leaves_out_what_an_interim_invoice_in_another_currency_billed(
        self, database: Database
    ) -> None:
        shop = Shop(database, agreed("alice"), EUROS, now="2026-10-21T09:00:00+00:00")
        shop.take(worth(300, "10-20"))
        assert shop.close(OCTOBER, interim=["alice"]) == ("alice",)
        euros = agreed("alice", "10-25", "2026-10-25T00:00:00Z", currency="EUR")
        shop.write(agreed("alice"), EUROS, euros)
        shop.take(worth(30, "10-26"))
        assert shop.close(OCTOBER, "2026-11-03T00:00:00+00:00") == ("alice",)
        assert shop.documents() == [
            ("alice", OCTOBER, "300.00", "USD", {"alice-300"}),
            ("alice", OCTOBER, "27.00", "EUR", {"alice-30"}),
        ]
        assert shop.late() == set()
        assert shop.is_settled()

    def test_the_period_invoice_in_the_same_currency_lists_the_interim_s_records_and_bills_the_rest(
        self, database: Database
    ) -> None:
        shop = Shop(database, now="2026-10-21T09:00:00+00:00")
        shop.take(worth(300, "10-20"))
        shop.close(OCTOBER, interim=["alice"])
        shop.take(worth(30, "10-26"))
        shop.close(OCTOBER, "2026-11-03T00:00:00+00:00")
        assert shop.documents() == [
            ("alice", OCTOBER, "300.00", "USD", {"alice-300"}),
            ("alice", OCTOBER, "30.00", "USD", {"alice-300", "alice-30"}),
        ]
        assert shop.is_settled()


class TestTheFirstPeriodOfAContract:
    @pytest.mark.parametrize(
        ("zone", "offset", "begins", "ends"),
        [
            ("America/New_York", "-04:00", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"),
            ("America/Los_Angeles", "-07:00", "2026-11-01T07:00:00Z", "2026-12-01T08:00:00Z"),
            ("Pacific/Honolulu", "-10:00", "2026-11-01T10:00:00Z", "2026-12-01T10:00:00Z"),
            ("Europe/Berlin", "+01:00", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"),
            ("Asia/Tokyo", "+09:00", "2026-10-31T15:00:00Z", "2026-11-30T15:00:00Z"),
            ("UTC", "+00:00", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ],
    )
    def test_begins_at_the_local_midnight_at_which_the_contract_does(
        self, sqlite_database: Database, zone: str, offset: str, begins: str, ends: str
    ) -> None:
        local_midnight = datetime.fromisoformat(f"2026-11-01T00:00:00{offset}").astimezone(UTC)
        valid_from = local_midnight.isoformat().replace("+00:00", "Z")
        shop = Shop(sqlite_database, agreed("alice", None, valid_from, time_zone=zone))
        shop.take(worth(30, "10-20"), worth(3, "11-20"))
        for month in (OCTOBER, NOVEMBER):
            shop.close(month, "2026-12-20T09:00:00+00:00")
        assert shop.periods("alice") == [(OCTOBER, "2026-10-01T00:00:00Z", begins), (NOVEMBER, begins, ends)]

    def test_has_the_records_from_that_midnight_on(self, database: Database) -> None:
        shop = Shop(database, agreed("alice", None, "2026-11-01T04:00:00Z", time_zone="America/New_York"))
        shop.take(worth(30, "11-01T03:59"), worth(3, "11-01T04:00"))
        for month in (OCTOBER, NOVEMBER):
            shop.close(month, "2026-12-20T09:00:00+00:00")
        assert shop.documents() == [
            ("alice", OCTOBER, "30.00", "USD", {"alice-30"}),
            ("alice", NOVEMBER, "3.00", "USD", {"alice-3"}),
        ]


class TestLateRecordsAndVoidDocuments:
    def test_a_record_that_arrives_after_its_period_was_issued_is_named_as_late(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        assert (shop.late(), shop.till.preview(OCTOBER).late, shop.till.close(OCTOBER).late) == (set(), (), ())
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        assert shop.late() == {("arouter", "alice-300", "alice", OCTOBER)}
        for late in (shop.till.preview(OCTOBER).late, shop.till.close(OCTOBER).late):
            assert [(one.customer, str(one.month), one.requests) for one in late] == [("alice", OCTOBER, 1)]
        assert shop.documents() == [("alice", OCTOBER, "30.00", "USD", {"alice-30"})]

    def test_a_record_of_a_period_that_is_not_issued_is_not_late(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(3, "10-20", "bob"))
        shop.till.review(OCTOBER, "alice", "held", note="a look", by="rita")
        shop.close(OCTOBER)
        shop.take(worth(300, "10-21"))
        assert shop.late() == set()
        assert shop.documents() == [("bob", OCTOBER, "3.00", "USD", {"bob-3"})]

    def test_the_records_of_a_void_document_are_billed_by_the_next_close(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(300, "10-21"))
        shop.till.void("INV-000001", reason="a record was missing")
        assert (shop.documents(), shop.late()) == ([], set())
        assert shop.close(OCTOBER) == ("alice",)
        assert shop.documents() == [("alice", OCTOBER, "330.00", "USD", {"alice-30", "alice-300"})]
        assert [found.status for found in shop.till.invoices()] == ["void", "issued"]
        assert shop.till.invoices()[1].number == "INV-000002"
        assert shop.is_settled()

    def test_a_document_that_becomes_void_while_its_run_is_cut_off_is_issued_again(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20", "ann"), worth(3, "10-20", "bob"), worth(300, "10-20", "cee"))

        def stop(done: int, _all: int) -> None:
            if done == 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            shop.till.close(OCTOBER, progress=stop)
        shop.till.void("INV-000001", reason="a mistake")
        while shop.close(OCTOBER):
            pass
        assert sorted(shop.documents()) == [
            ("ann", OCTOBER, "30.00", "USD", {"ann-30"}),
            ("bob", OCTOBER, "3.00", "USD", {"bob-3"}),
            ("cee", OCTOBER, "300.00", "USD", {"cee-300"}),
        ]
        assert shop.is_settled()

    def test_an_interim_invoice_that_a_later_one_deducts_becomes_void_after_that_only(self, database: Database) -> None:
        shop = Shop(database, now="2026-10-21T09:00:00+00:00")
        shop.take(worth(300, "10-20"))
        shop.close(OCTOBER, interim=["alice"])
        shop.take(worth(30, "10-26"))
        shop.close(OCTOBER, "2026-11-03T00:00:00+00:00")
        with pytest.raises(Refused, match="INV-000002"):
            shop.till.void("INV-000001", reason="a mistake")
        for number in ("INV-000002", "INV-000001"):
            shop.till.void(number, reason="a mistake")
        shop.close(OCTOBER)
        assert shop.documents() == [("alice", OCTOBER, "330.00", "USD", {"alice-300", "alice-30"})]
        assert shop.is_settled()

    def test_after_a_void_a_record_goes_to_whom_it_is_bound_by_then(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(300, "10-20", "u1"), worth(3, "10-21", "bob"))
        shop.close(OCTOBER)
        shop.till.bind([("u1", "bob", datetime(2026, 10, 1, tzinfo=UTC), None)])
        for number in ("INV-000001", "INV-000002"):
            shop.till.void(number, reason="the wrong customer")
        assert shop.close(OCTOBER) == ("bob",)
        assert shop.documents() == [("bob", OCTOBER, "303.00", "USD", {"u1-300", "bob-3"})]
        assert shop.is_settled()

    def test_a_period_that_is_issued_again_after_a_void_ends_where_the_next_one_begins(
        self, database: Database
    ) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "11-05"), worth(3, "11-20"))
        for month in (OCTOBER, NOVEMBER):
            shop.close(month, "2026-12-20T09:00:00+00:00")
        shop.write(agreed("alice", "12-21", "2026-11-01T00:00:00Z", anchor_day=15))
        shop.till.void("INV-000001", reason="a mistake")
        assert shop.close(OCTOBER) == ("alice",)
        assert shop.periods("alice")[-1] == (OCTOBER, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
        assert shop.documents() == [
            ("alice", NOVEMBER, "303.00", "USD", {"alice-300", "alice-3"}),
            ("alice", OCTOBER, "30.00", "USD", {"alice-30"}),
        ]
