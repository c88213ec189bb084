"""A wrong correction that is stored consistently is found: the corrected period is worked out independently.

Each case makes one mistake in the code of the close, and leaves it there while the documents are verified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from tests.builders import OCTOBER, at, contract, grants, price, prices, record
from tests.closing.test_one_document_a_record import EUROS, NOVEMBER, Shop, agreed, worth
from tests.invoicing.bench import drop_guards
from tests.shares import daily
from tokentill.closing.computation import compute, corrected, corrections
from tokentill.closing.questions.verify import verify_invoices
from tokentill.invoicing import corrections as adjusting
from tokentill.store import tables
from tokentill.store.checks.consistency import check_agreement
from tokentill.store.database import Database
from tokentill.store.issued.invoices import issued_invoices
from tokentill.store.usage.withdrawals import Counting
from tokentill.till import Till
from tokentill.verification.verifying import verify_documents

IN_DECEMBER = "2026-12-20T09:00:00+00:00"
VAT = {"tax": [{"name": "VAT", "percent": "19"}], "coupon": [{"id": "welcome", "percent": "10"}]}


def world(database: Database) -> Till:
    """A closed month of which everything changed, and the month after it."""
    terms = [
        contract("customer", "alice", invoice=VAT),
        contract("customer", "bob", invoice={"adjustments": "credit-note"}),
        grants({"id": "prepaid", "amount": "100", "customer": "alice", "valid_from": "2026-09-01T00:00:00Z"}),
        agreed("cem"),
    ]
    listed = prices(price(), price("acme/small", rates={"input": "0.7", "output": "1.1"}))
    shop = Shop(database, listed, *terms, EUROS)
    shop.take(
        worth(30, "10-20", id_="a1"),
        worth(31, "10-20", id_="a2"),
        worth(60, "10-21", "bob", id_="b1"),
        worth(61, "10-21", "bob", id_="b2"),
        worth(90, "10-22", "cem", id_="c1"),
        worth(7, "10-23", "dora", id_="d1"),
        record("e1", user="eve", when="24", model="acme/small", input=1_777_777),
    )
    shop.till.add_line(OCTOBER, "alice", amount="2.50", description="seat", reason="an order")
    shop.close(OCTOBER)
    dearer = price("acme/small", rates={"input": "0.9", "output": "1.1"}, valid_from="2026-10-01T00:00:00Z")
    in_euros = agreed("cem", "11-02", "2026-11-01T00:00:00Z", currency="EUR")
    asking = prices(dearer, recorded_at="2026-11-21T00:00:00Z") | {"applies_to_closed": True}
    shop.write(listed, *terms, in_euros, asking, EUROS)
    shop.take(
        worth(33, "10-24", id_="a3"),
        worth(34, "10-25", id_="a4"),
        worth(32, "10-20", id_="a2"),
        worth(91, "10-22", "cem", id_="c2"),
        *(worth(3, "11-05", user, id_=f"{user}-3") for user in ("alice", "bob", "cem", "dora", "eve")),
    )
    shop.till.accept_revision("arouter", "a2", reason="final")
    shop.till.retract(record=("arouter", "b1"), reason="a test")
    shop.till.bind([("dora", "alice", at("1"), None)])
    shop.close(NOVEMBER, IN_DECEMBER)
    return shop.till


def faults_of(database: Database) -> list[str]:
    with database.read() as connection:
        numbers = {issued.number for issued in issued_invoices(connection)}
        return [fault for _, fault in verify_documents(connection, numbers) if fault is not None]


def test_corrections_that_right_code_made_are_sound(database: Database) -> None:
    shop = world(database)
    kinds = [one.kind for one in shop.invoices()]
    assert kinds.count("credit-note") == 1
    with database.read() as connection:
        found = verify_invoices(connection, issued_invoices(connection), whole=True, replay=True)
    assert [(one.number, one.fault) for one in found.invoices if one.fault] == []
    assert found.faults == ()
    causes = {line["cause"] for one in shop.invoices() for line in one.content["lines"] if line["kind"] == "adjustment"}
    assert causes == {"late", "revision", "retraction", "attribution", "price"}


def one_more(name: str) -> Callable[..., Any]:
    """An adjustment with one minor unit more in one of its mappings."""

    def wrong(function: Callable[..., Any]) -> Callable[..., Any]:
        def mistaken(*args: Any) -> Any:
            right = function(*args)
            return replace(right, **{name: {key: value + 1 for key, value in getattr(right, name).items()}})

        return mistaken

    return wrong


def one_cent_more(function: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(*args: Any) -> Any:
        right = function(*args)
        if not right.lines:
            return right
        first, *others = right.lines
        lines = (replace(first, amount_minor=first.amount_minor + 1), *others)
        return replace(right, lines=lines, net_minor=right.net_minor + 1)

    return mistaken


def changed_line(**fields: Callable[[Any], Any]) -> Callable[..., Any]:
    """Lines of differences in which some fields are others."""

    def wrong(less: Callable[..., Any]) -> Callable[..., Any]:
        def mistaken(self: Any, before: Any) -> Any:
            right = less(self, before)
            if right.is_nothing:
                return right
            return replace(right, **{name: of(getattr(right, name)) for name, of in fields.items()})

        return mistaken

    return wrong


def of_another_line(content: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, corrects, currency: content(self, corrects, currency) | {"model": "acme/other"}


def of_another_period(content: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, corrects, currency: content(self, {**corrects, "period": "2026-09"}, currency)


def nothing_due(_: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *_, **__: {}


def without_a_late_record(init: Callable[..., Any]) -> Callable[..., Any]:
    def mistaken(self: Any, *args: Any) -> None:
        init(self, *args)
        self.free = self.free[1:]

    return mistaken


def with_what_was_taken_back(_: Any) -> Callable[..., Any]:
    return lambda revision, retraction, waiver: Counting(revision, 0, waiver)


def nothing_moved(_: Any) -> Any:
    return property(lambda self: [])


def twice_the_rate(converted: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, currency, rate: converted(self, currency, rate * 2)


def without_the_price(stages: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self: (stage for stage in stages(self) if stage[0] not in ("price", "contract"))


def called(cause: str, other: str) -> Callable[..., Any]:
    """Differences that another cause is said of."""

    def wrong(stages: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self: ((other if stage[0] == cause else stage[0], *stage[1:]) for stage in stages(self))

    return wrong


MISTAKES: dict[str, tuple[Any, str, Callable[..., Any], str]] = {
    "a cent more": (corrections, "adjustment_of", one_cent_more, "the amount before taxes of 2026-10"),
    "a wrong tax": (corrections, "adjustment_of", one_more("taxes"), "tax 'VAT' of 2026-10"),
    "a wrong credit": (corrections, "adjustment_of", one_more("credits"), "credit 'prepaid' of 2026-10"),
    "a wrong coupon": (corrections, "adjustment_of", one_more("coupons"), "coupon 'welcome' of 2026-10"),
    "a request more": (
        adjusting.CorrectedLine,
        "less",
        changed_line(requests=lambda count: count + 1),
        "requests on line 'acme/large' of 2026-10",
    ),
    "a token more": (
        adjusting.CorrectedLine,
        "less",
        changed_line(quantities=lambda counts: {**counts, "input": counts.get("input", 0) + 1}),
        "input on line 'acme/large' of 2026-10",
    ),
    "a wrong exact amount": (
        adjusting.CorrectedLine,
        "less",
        changed_line(exact_amount=lambda amount: amount + Decimal("0.0001")),
        "exact_amount of line 'acme/large' of 2026-10",
    ),
    "another line": (adjusting.AdjustmentLine, "content", of_another_line, "requests on line"),
    "another period": (adjusting.AdjustmentLine, "content", of_another_period, "and should be"),
    "nothing corrected": (compute, "corrections_due", nothing_due, "it does not correct INV-000001"),
    "a late record left out": (corrections._Batch, "__init__", without_a_late_record, "does not cover record"),
    "what was taken back is billed": (corrections, "Counting", with_what_was_taken_back, "of 2026-10 on all its"),
    "what moved stays": (corrections._ClosedMonth, "moves", nothing_moved, "'d1'"),
    "a wrong exchange rate": (corrected.Adjustment, "converted", twice_the_rate, "the rate of the correction"),
    "a price that is not looked at": (corrections._Batch, "_stages", without_the_price, "exact_amount of line"),
    "another cause": (corrections._Batch, "_stages", called("late", "revision"), "with cause 'late'"),
    "a price that is called a contract": (corrections._Batch, "_stages", called("price", "contract"), "with cause"),
}


@pytest.mark.parametrize("mistake", daily(MISTAKES, 5))
def test_a_wrong_correction_that_is_stored_is_found(
    mistake: str, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, wrong, told = MISTAKES[mistake]
    monkeypatch.setattr(module, name, wrong(getattr(module, name)))
    world(sqlite_database)
    faults = faults_of(sqlite_database)
    assert faults, "nobody noticed"
    assert any(told in fault for fault in faults), faults


@pytest.mark.parametrize("column", ["net_minor", "tax_minor"])
def test_what_is_kept_of_a_correction_is_what_it_comes_to(column: str, sqlite_database: Database) -> None:
    world(sqlite_database)
    assert faults_of(sqlite_database) == []
    drop_guards(sqlite_database)
    with sqlite_database.write() as connection:
        connection.execute(update(tables.correction).values({column: tables.correction.c[column] + 1}))
    assert len(faults_of(sqlite_database)) >= 4


def test_a_credit_note_that_gives_back_more_than_there_was_is_found(sqlite_database: Database) -> None:
    world(sqlite_database)
    drop_guards(sqlite_database)
    name = "credit_notes_are_within_their_documents"
    with sqlite_database.read() as connection:
        (check,) = [one for one in check_agreement(connection, whole=True) if one.check == name]
    assert (check.looked_at, check.faults) == (1, ())
    with sqlite_database.write() as connection:
        connection.execute(update(tables.correction).values(net_minor=-12_101))
        (check,) = [one for one in check_agreement(connection, whole=True) if one.check == name]
    assert [fault.message for fault in check.faults] == [
        "INV-000008 gives back 12101 minor units, and 12100 are left of INV-000002"
    ]


def test_a_staged_import_is_no_usage_until_it_is_accepted(sqlite_database: Database) -> None:
    shop = Shop(sqlite_database, prices(price()), contract())
    shop.take(worth(30, "10-20"))
    shop.till.ingest([worth(300, "10-21")], name="more", stage="looked at")
    shop.close(OCTOBER)
    assert shop.till.verify().is_sound
    assert shop.till.invoice("INV-000001").content["total"] == "30.00"


def test_what_an_allowance_included_of_usage_that_went_away_is_seen_in_order_of_time(database: Database) -> None:
    """The records of two models take turns in time; their new owner has no allowance."""
    listed = prices(price(), price("acme/small", rates={"input": "0.7", "output": "1.1"}))
    included = {"name": "included", "allowance": {"units": {"input": 1_500_000}}}
    shop = Shop(database, listed, contract("customer", "alice", rules=[included]))
    shop.take(
        record("1", when="9", model="acme/small", input=939_172),
        record("2", when="20", input=762_209),
        record("3", when="22", model="acme/small", input=1_402_322),
    )
    shop.close(OCTOBER)
    shop.till.bind([("alice", "bob", at("2026-10-01T00:00Z"), None)])
    assert shop.close(NOVEMBER, IN_DECEMBER)
    assert shop.till.verify().is_sound


def test_what_is_given_back_of_a_grant_opens_no_later_period(sqlite_database: Database) -> None:
    """Credit of January goes over into February, which was paid by less of it than there is since a retraction."""
    monthly = {
        "id": "monthly",
        "customer": "alice",
        "amount": "4",
        "every": "month",
        "rollover": {"max": "3", "months": 2},
    }
    shop = Shop(
        sqlite_database,
        prices(price()),
        contract(),
        grants(monthly | {"valid_from": "2026-01-01T00:00:00Z"}),
        now="2026-01-02T00:00:00+00:00",
    )
    shop.take(worth(2, "01-10", id_="a1"), worth(1, "01-11", id_="a2"))
    shop.close("2026-01", "2026-02-03T09:00:00+00:00")
    shop.take(worth(7, "02-10", id_="b1"), worth(2, "02-11", "bob"))
    shop.close("2026-02", "2026-03-03T09:00:00+00:00")
    shop.till.retract(record=("arouter", "a2"), reason="a test", by="rita")
    shop.close("2026-03", "2026-04-03T09:00:00+00:00")
    shop.take(worth(1, "04-10", id_="d1"), worth(3, "02-12", "bob"))
    shop.close("2026-04", "2026-05-03T09:00:00+00:00")
    assert shop.till.verify().is_sound
    assert [one.content["due"] for one in shop.till.invoices() if one.customer == "alice"] == [
        "0.00",
        "2.00",
        "0.00",
        "0.00",
    ]
