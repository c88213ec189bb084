"""The report of a close: the sums of its documents, rounding to the last digit, and a place for every request."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, contract, price, prices, record, till
from tests.store.bench import rows_of_all_tables
from tokentill.contracts.review_bounds import ReviewBounds
from tokentill.contracts.review_policy import ReviewPolicy
from tokentill.store.audit import audit_entries
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

EURO = contract("customer", "eve", currency="USD", invoice={"tax": [{"name": "VAT", "percent": "19"}]})


def shop_of(database: Database) -> Till:
    shop = till(database, EURO, clock=MovableClock(AFTER_OCTOBER))
    shop.ingest(
        [
            record("one", input=1_234_567),
            record("two", user="bob", input=7),
            record("three", user="eve", input=333_333),
            record("four", user="dan", model="acme/unheard-of"),
            record("five", user="bob", usage_state="missing"),
        ]
    )
    shop.waive("arouter", "five", reason="failed")
    return shop


def test_sums_and_rounding_are_those_of_the_documents(database: Database) -> None:
    shop = shop_of(database)
    assert shop.close(OCTOBER).chain_head == shop.close_report(OCTOBER).chain_head
    report = shop.close_report(OCTOBER)
    (sums,) = report.sums
    contents = [invoice.content for invoice in shop.invoices()]
    assert sums.documents == 3
    for name in ("subtotal", "tax", "total"):
        assert Decimal(sums.content()[name]) == sum(Decimal(content[name]) for content in contents)
    exact = sum(Decimal(line["exact_amount"]) for content in contents for line in content["lines"])
    assert sums.exact == exact
    assert sums.rounding == sum(Decimal(content["subtotal"]) for content in contents) - exact
    assert abs(sums.rounding) <= Decimal("0.005") * sums.documents
    assert [one.kind for one in report.refused] == ["unpriced"]


def test_every_request_of_the_period_has_a_place(database: Database) -> None:
    shop = shop_of(database)
    before = shop.close_report(OCTOBER).requests
    assert (before.all, before.ready, before.refused, before.is_complete) == (5, 4, 1, True)
    shop.close(OCTOBER)
    shop.ingest([record("late", when="3"), record("new", user="new", when="4")])
    after = shop.close_report(OCTOBER).requests
    assert (after.all, after.on_documents, after.late, after.refused, after.ready) == (7, 4, 1, 1, 1)
    assert (after.waived, after.is_complete) == (1, True)
    assert sum(usage.requests for usage in shop.close_report(OCTOBER).late) == 1
    shop.ingest([record("whose", user=None)])
    requests = shop.close_report(OCTOBER).requests
    assert (requests.all, requests.unattributed, requests.is_complete) == (8, 1, True)
    assert (requests.refused, requests.ready) == (2, 0)  # all that is open is refused while usage is unattributed


def test_it_names_who_approved_what_by_which_policy(database: Database) -> None:
    shop = shop_of(database)
    shop.ingest([record(f"{user}-9", user=user, when="2026-09-02T12:00Z", input=7) for user in ("alice", "bob")])
    shop.close("2026-09")
    shop.policy = ReviewPolicy(approve_within=ReviewBounds(total=Decimal(1), stated_by="tokentill.toml"))
    shop.review(OCTOBER, "alice", "approved", by="rita")
    shop.close(OCTOBER)
    report = shop.close_report(OCTOBER)
    assert [(one.customer, one.by, one.policy) for one in report.approvals] == [("alice", "rita", None)]
    assert report.not_approved == 2
    assert report.runs[0].pins == shop.invoices(period=OCTOBER)[0].pins


def test_the_head_of_the_audit_log_is_its_last_entry(database: Database) -> None:
    shop = shop_of(database)
    head = shop.close(OCTOBER).chain_head
    with shop.store.read() as connection:
        last = [*audit_entries(connection)][-1]
    assert head is not None
    assert (head.seq, head.hash) == (last.seq, last.hash)


def test_a_page_says_the_same_and_looking_changes_nothing(database: Database, tmp_path: Path) -> None:
    shop = shop_of(database)
    shop.close(OCTOBER)
    shop.void("INV-000001", reason="wrong")
    before = rows_of_all_tables(database)
    report = shop.close_report(OCTOBER)
    page = shop.write_close_report(report, tmp_path / "close.html").read_text("utf-8")
    assert rows_of_all_tables(database) == before
    assert report.voided == ("INV-000001",)
    assert report.chain_head is not None
    for text in ("INV-000001", report.chain_head.hash, "unpriced", "Report of the close", "issued without an approval"):
        assert text in page
    assert "<script" not in page
    assert shop.write_close_report(report, tmp_path / "again.html").read_text("utf-8") == page


def test_a_period_that_nobody_closed_says_so(database: Database) -> None:
    shop = till(database, prices(price()), clock=MovableClock(AFTER_OCTOBER))
    report = shop.close_report(OCTOBER)
    assert (report.sums, report.runs, report.requests.all) == ((), (), 0)
