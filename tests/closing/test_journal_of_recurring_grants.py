"""In the journal a grant that recurs is bought each time, and what neither was drawn nor went over is breakage."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import OCTOBER, contract, grants
from tests.closing.journals import hold, of_customers, sums
from tests.closing.test_one_document_a_record import NOVEMBER, Shop, worth
from tests.documents.bookkeeping import PROGRAMS, balances, complaints, need
from tests.invoicing.bench import new_sqlite
from tests.shares import IN_CAMPAIGNS
from tokentill.canonical import Content
from tokentill.documents.views.journal import JournalFormat
from tokentill.store.database import Database

DECEMBER = "2026-12"
IN_DECEMBER, IN_JANUARY = "2026-12-20T09:00:00+00:00", "2027-01-20T09:00:00+00:00"
FROM_OCTOBER: Content = {"valid_from": "2026-10-01T00:00:00Z", "every": "month"}


def monthly(**more: object) -> Content:
    """100 dollars a month from October on, of which 30 go over for a month."""
    over = {"rollover": {"max": "30", "months": 1}}
    return grants({"id": "m", "amount": "100", **FROM_OCTOBER, **over, **more})


def liability(month: str) -> tuple[str, str]:
    """The account of what was bought in a month."""
    return f"Liabilities:Prepaid-Credit:C-alice:N-m-40{month[:4]}--{month[5:]}", "USD"


def two_months(database: Database, grant: Content) -> Shop:
    """50 dollars are used in October, and 20 in November."""
    shop = Shop(database, grant)
    shop.take(worth(50, "10-20"))
    shop.close(OCTOBER)
    shop.take(worth(20, "11-05"))
    shop.close(NOVEMBER, IN_DECEMBER)
    return shop


def test_each_occurrence_is_bought_and_what_does_not_go_over_is_breakage(database: Database) -> None:
    shop = two_months(database, monthly())
    journal = hold(shop.till)
    assert sums(journal) == {
        ("Assets:Payments-For-Credit:C-alice", "USD"): Decimal(300),
        liability(NOVEMBER): Decimal(-30),
        liability(DECEMBER): Decimal(-100),
        ("Income:Usage", "USD"): Decimal(-70),
        ("Income:Breakage", "USD"): Decimal(-100),
    }
    of_grants = [one for one in journal.transactions if one.number is None]
    assert [(one.kind, str(one.date), one.grant, one.postings[0].amount) for one in of_grants] == [
        ("prepaid-credit", "2026-10-01", "m@2026-10", "100.00"),
        ("breakage", "2026-10-31", "m@2026-10", "20.00"),
        ("prepaid-credit", "2026-11-01", "m@2026-11", "100.00"),
        ("breakage", "2026-11-30", "m@2026-10", "10.00"),
        ("breakage", "2026-11-30", "m@2026-11", "70.00"),
        ("prepaid-credit", "2026-12-01", "m@2026-12", "100.00"),
    ]


@pytest.mark.parametrize(("paid", "share"), [("0", 0), ("50", 2)])
def test_each_counts_for_what_was_paid_for_it(paid: str, share: int, database: Database) -> None:
    found = sums(hold(two_months(database, monthly(paid=paid)).till))
    of = {account: amount for (account, _), amount in found.items()}
    assert of.get("Assets:Payments-For-Credit:C-alice", 0) == 3 * int(paid)
    assert of.get("Income:Breakage", 0) == (-Decimal(100) / share if share else 0)
    assert of["Income:Discounts:Given-Credit"] == (Decimal(70) / share if share else 70)
    assert found.get(liability(NOVEMBER), 0) == (-Decimal(30) / share if share else 0)


def test_what_is_drawn_of_it_later_lowers_the_breakage(database: Database) -> None:
    shop = two_months(database, monthly())
    before = shop.till.journal()
    shop.take(worth(15, "10-21"))
    shop.close(DECEMBER, IN_JANUARY)
    journal = hold(shop.till)
    assert journal.transactions[: len(before.transactions)] == before.transactions, "what was booked stays"
    (document,) = [one for one in journal.transactions if one.number == "INV-000003"]
    drawn = {posting.account: posting.amount for posting in document.postings}
    assert drawn["Income:Breakage"] == "15.00"
    assert not any(account.startswith("Liabilities") for account in drawn)


def test_one_that_nobody_states_any_more_stays_with_what_was_bought(database: Database) -> None:
    shop = two_months(database, monthly())
    before = shop.till.journal().transactions
    shop.write(contract())
    shop.take(worth(3, "12-05"))
    shop.till.close(DECEMBER, accept_pricing_change=True)
    shop.clock.instant = shop.clock.instant.fromisoformat(IN_JANUARY)
    shop.till.close(DECEMBER, accept_pricing_change=True)
    bought = [one.grant for one in hold(shop.till).transactions if one.kind == "prepaid-credit"]
    assert bought == [one.grant for one in before if one.kind == "prepaid-credit"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_bookkeeping_programs_load_it(program: JournalFormat, sqlite_database: Database, tmp_path: Path) -> None:
    need(program)
    journal = hold(two_months(sqlite_database, monthly(paid="33.33")).till)
    text = journal.text(program)
    assert complaints(program, text, tmp_path) == ""
    assert balances(program, text, tmp_path) == sums(journal)


USED = st.lists(st.integers(0, 160), min_size=3, max_size=3)


@settings(max_examples=15 if IN_CAMPAIGNS else 4, deadline=None)
@given(USED, st.integers(0, 2), st.integers(1, 120), st.sampled_from(["month", "year"]), st.integers(0, 90))
def test_what_is_left_in_the_books_is_what_the_account_has_left(
    used: list[int], months_over: int, over_max: int, every: str, late: int
) -> None:
    more: Content = {"rollover": {"max": str(over_max), "months": months_over}} if months_over else {}
    grant = grants({"id": "m", "amount": "100", **FROM_OCTOBER, **more, "every": every})
    with new_sqlite() as database:
        shop = Shop(database, grant)
        for month, at, dollars in zip(
            (OCTOBER, NOVEMBER, DECEMBER), ("2026-11-20T09:00:00+00:00", IN_DECEMBER, IN_JANUARY), used, strict=True
        ):
            shop.take(
                *([worth(dollars, f"{month[5:]}-05", id_=month)] if dollars else []), worth(0, f"{month[5:]}-06", "bob")
            )
            if month == DECEMBER and late:
                shop.take(worth(late, "10-21", id_="late"))
            shop.close(month, at)
        journal = hold(shop.till)
        left = sum(one.left_minor for one in shop.till.credits("alice").grants)
        liable = of_customers(journal, "Liabilities:Prepaid-Credit")
        assert liable.get(("alice", "USD"), 0) == -Decimal(left) / 100
        assert all(amount <= 0 for (account, _), amount in sums(journal).items() if account.startswith("Liab"))
        assert not sums(journal).get(("Income:Discounts:Given-Credit", "USD")), "all of it was paid for"
