"""Records that cost something and report no quantity: missing usage, unless the rule or the price needs none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders import OCTOBER, contract, price, prices, record, till
from tests.invoicing.pure_invoices import books_of
from tokentill.canonical import Content
from tokentill.invoicing.preview import Previewed
from tokentill.library.biller import Biller
from tokentill.store.database import Database
from tokentill.till import Till
from tokentill.usage.record import Usage, UsageRecord

pytestmark = pytest.mark.postgresql_one_in(8)


def costly(record_id: str = "image", cost: str | None = "0.50", **more: Any) -> UsageRecord:
    """A record of which all quantities are zero, and that cost something."""
    return record(record_id, cost=cost, **{"input": 0, **more})


def alice(one: Till) -> Previewed:
    (previewed,) = one.preview(OCTOBER).customers
    return previewed


def test_a_cost_without_a_quantity_is_missing_usage_and_not_billed_at_nothing(database: Database) -> None:
    one = till(database)
    one.ingest([costly(), record("chat", cost="0.01")])
    (missing,) = alice(one).invoice.missing
    assert (missing.requests, missing.reason) == (1, "the gateway charged for these requests and reported no quantity")
    assert "missing usage: 1 record reports no quantity, at a cost of 0.5 USD" in str(alice(one).blocked_by)
    (listed,) = one.missing(OCTOBER).content()["missing"]
    assert (listed["record_id"], listed["reason"]) == ("image", "it costs 0.5 USD and reports no quantity")
    assert one.close(OCTOBER).is_refused


def test_it_is_waived_as_missing_usage_is(database: Database) -> None:
    one = till(database)
    one.ingest([costly(), costly("other"), record("chat")])
    one.waive("arouter", "image", reason="a test of ours")
    assert [listed.record.record_id for listed in one.missing().records] == ["other"]
    one.waive("arouter", "other", reason="a test of ours")
    assert one.missing().records == ()
    (number,) = one.close(OCTOBER).issued
    (waived,) = one.invoice(number).content["waived"]
    assert waived["reason"].startswith("the gateway charged for these requests and reported no quantity, and somebody")
    assert b"USD" not in one.invoice(number).content_bytes.replace(b'"currency":"USD"', b"")
    assert one.verify().is_sound
    assert one.database.check().is_sound
    assert [len(line.records) for line in one.explain(number)] == [1]


def test_it_comes_again_with_its_quantities(database: Database) -> None:
    one = till(database)
    one.ingest([costly()])
    one.ingest([costly(input=1_000_000)])
    one.accept_revision("arouter", "image", reason="a newer export")
    assert alice(one).blocked_by is None
    assert alice(one).invoice.total_minor == 300


def test_what_costs_nothing_and_uses_nothing_is_billed_at_nothing_as_ever(database: Database) -> None:
    one = till(database)
    one.ingest([costly("failed", cost="0"), costly("silent", cost=None)])
    assert alice(one).blocked_by is None
    assert one.missing().records == ()


PER_REQUEST = price("acme/large", fees={"request": {"price": "0.04", "per": 1}})
PER_IMAGE = price("acme/large", fees={"image": {"price": "0.04", "per": 1}})
FREE = price("acme/large", rates={}, free=True)
CASES: dict[str, tuple[Content, Content, str | None]] = {
    "the model is charged by the request": (PER_REQUEST, contract(), "0.04"),
    "the model is charged by the image": (PER_IMAGE, contract(), None),
    "the model is free": (FREE, contract(), "0"),
    "the rule bills the cost": (price(), contract(rules=[{"basis": "cost", "markup_percent": "10"}]), "0.55"),
    "the rule bills nothing": (price(), contract(rules=[{"basis": "free"}]), "0"),
    "the rule has a rate for requests": (
        price(),
        contract(rules=[{"basis": "own", "per": 1, "rates": {"request": "0.07", "input": "1"}}]),
        "0.07",
    ),
    "the rule has rates for tokens": (price(), contract(rules=[{"basis": "own", "rates": {"input": "1"}}]), None),
    "the rule adds something to each request": (
        price(),
        contract(rules=[{"add_on": {"request": {"price": "0.01", "per": 1}}}]),
        None,
    ),
    "the rule keeps a margin over the cost of what it cannot price": (
        price(),
        contract(rules=[{"min_margin_percent": "10"}]),
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_billed_where_the_rule_or_the_price_needs_no_quantity(database: Database, name: str) -> None:
    entry, agreed, amount = CASES[name]
    one = till(database, prices(entry), agreed)
    one.ingest([costly()])
    invoice = alice(one).invoice
    assert bool(invoice.missing) is bool(one.missing().records) is (amount is None)
    if amount is not None:
        assert [line.exact_amount for line in invoice.lines] == [Decimal(amount)]
    books = books_of([prices(entry), agreed])
    biller = Biller(books.prices, books.contracts, books.fx)
    usage = Usage("acme/large", costly().occurred_at, {"input": 0}, cost=Decimal("0.50"))
    assert biller.bill(usage, customer="alice").amount == (None if amount is None else Decimal(amount))


def test_usage_of_nobody_that_costs_and_reports_no_quantity_has_no_known_amount(database: Database) -> None:
    one = till(database)
    one.ingest([costly(user=None)])
    assert one.preview(OCTOBER).unattributed.unpriced_requests == 1
    assert [listed.customer for listed in one.missing(OCTOBER).records] == [None]


def test_sums_and_single_records_agree_where_a_rule_counts_on(database: Database) -> None:
    rule = {"allowance": {"units": {"input_total": 2_000_000}}}
    one = till(database, contract(rules=[rule]))
    records = [record(f"r{n}", input=900_000, cost="1", when=f"15 12:0{n}") for n in range(4)]
    one.ingest([*records, costly(when="15 12:02")])
    one.waive("arouter", "image", reason="a test of ours")
    assert alice(one).blocked_by is None
    assert alice(one).invoice.total_minor == 480


def test_what_was_issued_by_an_earlier_calculation_is_computed_again_as_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = till(database)
    one.ingest([costly(), record("chat", input=1_000_000)])
    monkeypatch.setattr("tokentill.closing.computation.pins.VERSION_OF_F", 2)
    (number,) = one.close(OCTOBER).issued
    monkeypatch.undo()
    assert one.invoice(number).pins["f"] == 2
    assert one.verify().is_sound
    assert alice(one).invoice.missing
