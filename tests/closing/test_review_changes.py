"""A review keeps what it saw: what moved since a stale approval is shown line by line, from both pins."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, contract, price, prices, record, till
from tests.store.bench import rows_of_all_tables, with_digests_of_rows
from tokentill.invoicing.preview import Moved
from tokentill.store.database import Database
from tokentill.store.migrating import downgrade, upgrade
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)


def shop_of(database: Database) -> Till:
    shop = till(database, clock=MovableClock(AFTER_OCTOBER))
    shop.ingest([record("one", input=1_000_000), record("two", user="bob", input=500_000)])
    return shop


def moved_of(shop: Till, customer: str = "alice") -> Moved:
    moved = shop.shown_review(OCTOBER, customer).previewed.moved
    assert moved is not None
    return moved


def test_an_approval_that_holds_says_of_nothing_that_it_moved(database: Database) -> None:
    shop = shop_of(database)
    made = shop.review(OCTOBER, "alice", "approved", by="rita")
    shown = shop.shown_review(OCTOBER, "alice").content()
    assert shown["moved"] is None
    assert shown["pins"] == made.pins == shop.preview(OCTOBER).pins
    shop.ingest([record("three", user="bob", input=7)])
    assert shop.shown_review(OCTOBER, "alice").content()["moved"] is None


def test_records_that_came_since_are_the_difference(database: Database) -> None:
    shop = shop_of(database)
    shop.review(OCTOBER, "alice", "approved", by="rita")
    before = shop.preview(OCTOBER, "alice").customers[0].invoice
    shop.ingest([record("three", input=1_000_000), record("four", input=1_000_000, output=20)])
    moved = moved_of(shop)
    after = shop.preview(OCTOBER, "alice").customers[0].invoice
    assert moved.inputs == ("usage",)
    assert moved.differences is not None
    (line,) = moved.differences.lines
    assert (line.requests, dict(line.quantities)) == (2, {"input": 2_000_000, "output": 20})
    assert line.exact_amount == after.lines[0].exact_amount - before.lines[0].exact_amount
    assert [(name, new - old) for name, old, new in moved.differences.amounts][2] == (
        "total",
        Decimal(after.total_minor - before.total_minor).scaleb(-2),
    )


def test_a_line_a_price_and_a_tax_are_told_apart(database: Database) -> None:
    shop = shop_of(database)
    shop.review(OCTOBER, "alice", "approved", by="rita")
    shop.add_line(OCTOBER, "alice", amount="-1", description="outage", reason="SLA")
    dearer = prices(price(rates={"input": "300", "output": "1500"}))
    taxed = contract(invoice={"tax": [{"name": "VAT", "percent": "19"}]})
    other = till(database, dearer, taxed, clock=shop.clock)
    moved = moved_of(other)
    assert moved.inputs == ("prices", "contracts or bindings", "lines that people added")
    assert moved.differences is not None
    manual, usage = moved.differences.lines
    assert (manual.description, manual.amount, manual.before) == ("outage", Decimal("-1.00"), None)
    assert (usage.requests, usage.changed[0]) == (0, "price entry")
    assert [(item.kind, item.name, item.before) for item in moved.differences.items] == [("tax", "VAT", None)]


def test_all_stale_approvals_of_a_preview_are_explained(database: Database, tmp_path: Path) -> None:
    shop = shop_of(database)
    shop.approve(shop.preview(OCTOBER), ["alice", "bob"], by="rita")
    shop.ingest([record("three", input=5), record("four", user="bob", input=6)])
    preview = shop.preview(OCTOBER)
    requests = {}
    for one in preview.customers:
        assert one.moved is not None
        assert one.moved.differences is not None
        requests[one.invoice.customer] = [dict(line.quantities) for line in one.moved.differences.lines]
    assert requests == {"alice": [{"input": 5}], "bob": [{"input": 6}]}
    pages = {path.name: path.read_text("utf-8") for path in shop.write_review_pages(OCTOBER, tmp_path / "pages")}
    assert sum("What moved since the approval" in page for page in pages.values()) == 2
    assert [one["moved"]["inputs"] for one in preview.content()["invoices"]] == [["usage"], ["usage"]]


def test_what_reviews_saw_comes_back_after_the_tables_went_down_and_up(database: Database) -> None:
    shop = shop_of(database)
    shop.review(OCTOBER, "alice", "approved", by="rita")
    shop.review(OCTOBER, "bob", "held", by="rita", note="look: 'at' it")
    with_digests_of_rows(database)
    before = rows_of_all_tables(database)
    downgrade(database, "0007")
    upgrade(database)
    assert rows_of_all_tables(database) == before
    assert shop.verify().is_sound


def test_an_approval_of_an_older_version_says_that_it_kept_nothing(sqlite_database: Database) -> None:
    shop = shop_of(sqlite_database)
    shop.review(OCTOBER, "alice", "approved", by="rita")
    shop.ingest([record("three", input=5)])
    with sqlite_database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER guard_review_update")
        connection.exec_driver_sql("UPDATE review SET pins = NULL")
    assert "older tokentill" in moved_of(shop).reason
