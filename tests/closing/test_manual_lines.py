"""Lines that people add: part of the calculation before the one rounding, kept for good, and on exactly one invoice."""

from __future__ import annotations

from decimal import Decimal
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import AFTER_OCTOBER, OCTOBER, MovableClock, contract, record, till
from tests.closing.test_close import stop_after
from tests.invoicing.bench import numbers
from tokentill.canonical import Content
from tokentill.errors import InvalidCall, NotFound, Refused
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

TAXED = contract(invoice={"tax": [{"name": "VAT", "percent": "19"}]})


def shop_of(database: Database, *contracts: Content) -> Till:
    """Alice with 2.50 and bob with 1.25 of usage in October."""
    shop = till(database, *contracts, clock=MovableClock(AFTER_OCTOBER))
    shop.ingest([record("one", input=1_000_000), record("two", user="bob", input=500_000)])
    return shop


def issued(shop: Till, customer: str) -> Content:
    (document,) = (one.content for one in shop.invoices(customer=customer) if one.status == "issued")
    return document


def test_a_line_is_added_up_before_the_rounding_and_taxed_as_the_rest(database: Database) -> None:
    shop = shop_of(database, TAXED)
    before = issued_amounts(shop)
    shop.add_line(OCTOBER, "alice", amount="10.00", description="set-up", reason="agreed by phone", by="rita")
    shop.add_line(OCTOBER, "alice", amount="-0.40", description="outage on 12 October", reason="SLA", by="rita")
    assert shop.close(OCTOBER).issued == numbers(2)
    content = issued(shop, "alice")
    assert [line["kind"] for line in content["lines"]] == ["usage", "manual", "manual"]
    assert [line["amount"] for line in content["lines"][1:]] == ["10.00", "-0.40"]
    net = Decimal(before["alice"]) + Decimal("9.60")
    assert Decimal(content["subtotal"]) == net
    assert Decimal(content["tax"]) == (net * Decimal("0.19")).quantize(Decimal("0.01"))
    assert issued(shop, "bob")["subtotal"] == before["bob"]
    assert shop.verify().is_sound
    assert shop.database.check().is_sound
    line = shop.explain("INV-000001", 2)[0]
    assert line.manual is not None
    assert (line.manual.by, line.manual.reason) == ("rita", "agreed by phone")
    rows = [row for row in shop.export().rows if row.kind == "manual"]
    assert [(row.description, row.amount) for row in rows] == [
        ("set-up", "10.00"),
        ("outage on 12 October", "-0.40"),
    ]


def issued_amounts(shop: Till) -> dict[str, str]:
    preview = shop.preview(OCTOBER)
    return {one.invoice.customer: one.invoice.content()["subtotal"] for one in preview.customers}


def test_an_approval_is_stale_once_a_line_is_added_and_holds_again_once_it_is_removed(database: Database) -> None:
    shop = shop_of(database)
    shop.review(OCTOBER, "alice", "approved", by="rita")
    line = shop.add_line(OCTOBER, "alice", amount="1", description="fee", reason="agreed")
    assert [one.review_state for one in shop.preview(OCTOBER, "alice").customers] == ["stale"]
    shop.remove_line(line.number, reason="twice")
    assert [one.review_state for one in shop.preview(OCTOBER, "alice").customers] == ["approved"]
    (listed,) = shop.lines(OCTOBER).lines
    assert listed.removed is not None
    assert (listed.removed.number, listed.removed.reason) == (2, "twice")
    with pytest.raises(Refused, match="manual line 1 was removed already"):
        shop.remove_line(1, reason="again")


def test_what_was_computed_with_lines_stays_when_others_are_removed_or_added_later(database: Database) -> None:
    shop = shop_of(database)
    shop.add_line(OCTOBER, "alice", amount="1", description="fee", reason="agreed")
    shop.close(OCTOBER)
    with pytest.raises(Refused, match="INV-000001 was issued to 'alice' for 2026-10, and its lines stay"):
        shop.remove_line(1, reason="no")
    with pytest.raises(Refused, match="add the line to a later period, or make that one void first"):
        shop.add_line(OCTOBER, "alice", amount="2", description="fee", reason="agreed")
    shop.void("INV-000001", reason="wrong fee")
    shop.remove_line(1, reason="wrong fee")
    shop.add_line(OCTOBER, "alice", amount="2", description="fee", reason="agreed")
    assert shop.verify().is_sound
    assert shop.close(OCTOBER).issued == ("INV-000003",)
    assert [line["amount"] for line in issued(shop, "alice")["lines"]][1:] == ["2.00"]
    assert shop.verify().is_sound


def test_a_line_that_comes_while_a_close_is_cut_off_is_on_the_invoice_and_not_lost(database: Database) -> None:
    shop = shop_of(database)
    with pytest.raises(KeyboardInterrupt):
        shop.close(OCTOBER, progress=stop_after(1))
    shop.add_line(OCTOBER, "bob", amount="1", description="fee", reason="agreed")
    resumed = shop.close(OCTOBER)
    assert [(one.customer, one.obstacles[0].kind) for one in resumed.refused] == [("bob", "conflict")]
    assert shop.close(OCTOBER).issued == ("INV-000002",)
    assert [line["kind"] for line in issued(shop, "bob")["lines"]] == ["usage", "manual"]
    assert shop.verify().is_sound


def test_a_line_may_be_all_that_a_customer_is_billed(database: Database) -> None:
    shop = shop_of(database, contract("customer", "carol"))
    shop.add_line(OCTOBER, "carol", amount="99", description="workshop", reason="order 7")
    assert len(shop.close(OCTOBER).issued) == 3
    assert issued(shop, "carol")["total"] == "99.00"
    assert shop.verify().is_sound
    with pytest.raises(NotFound, match="nothing is known of 'carl'"):
        shop.add_line("2026-11", "carl", amount="99", description="workshop", reason="order 7")


def test_a_line_of_a_child_stands_on_its_parents_invoice(database: Database) -> None:
    shop = shop_of(database, contract("customer", "bob", invoice={"parent": "alice"}))
    shop.add_line(OCTOBER, "bob", amount="5", description="seat", reason="order 8")
    assert shop.close(OCTOBER).issued == numbers(1)
    assert [(line["kind"], line.get("customer")) for line in issued(shop, "alice")["lines"]] == [
        ("usage", None),
        ("usage", "bob"),
        ("manual", "bob"),
    ]
    with pytest.raises(Refused, match="INV-000001 was issued to 'alice'"):
        shop.add_line(OCTOBER, "bob", amount="5", description="seat", reason="order 8")


def test_a_negative_subtotal_has_to_be_meant(database: Database) -> None:
    shop = shop_of(database)
    subtotal = Decimal(issued_amounts(shop)["alice"])
    with pytest.raises(Refused, match="would make the subtotal of 'alice' negative; take less away, or say that it is"):
        shop.add_line(OCTOBER, "alice", amount=str(-subtotal - 1), description="outage", reason="SLA")
    assert shop.lines(OCTOBER).lines == ()
    shop.add_line(OCTOBER, "alice", amount=str(-subtotal - 1), description="outage", reason="SLA", may_be_negative=True)
    shop.close(OCTOBER)
    content = issued(shop, "alice")
    assert (content["subtotal"], content["due"]) == ("-1.00", "0.00")
    assert [(item["kind"], item["name"], item["amount"]) for item in content["items"]] == [
        ("carried", "carried forward", "1.00")
    ]
    assert shop.verify().is_sound


def test_a_line_that_was_small_enough_and_is_no_more_refuses_its_customer(database: Database) -> None:
    shop = shop_of(database)
    shop.ingest([record("none", user="dan", usage_state="missing"), record("more", user="dan", input=1_000_000)])
    line = shop.add_line(OCTOBER, "dan", amount="-1", description="outage", reason="SLA")
    shop.waive("arouter", "none", reason="failed")
    free = contract("customer", "dan", rules=[{"name": "free", "basis": "free"}])
    cheaper = till(database, free, clock=shop.clock)
    refused = cheaper.close(OCTOBER).refused
    assert [(one.customer, one.obstacles[0].kind) for one in refused] == [("dan", "manual")]
    assert "the subtotal is -1.00 USD" in refused[0].reason
    cheaper.remove_line(line.number, reason="free anyway")
    assert not cheaper.close(OCTOBER).is_refused


def test_a_line_in_another_currency_than_the_invoice_refuses_it(database: Database) -> None:
    shop = shop_of(database)
    shop.add_line(OCTOBER, "alice", amount="1", description="fee", reason="agreed")
    in_euro = till(database, contract("customer", "alice", currency="EUR"), clock=shop.clock)
    reasons = {one.customer: [each.kind for each in one.obstacles] for one in in_euro.close(OCTOBER).refused}
    assert "manual" in reasons["alice"]


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ("0", "a line of nothing says nothing"),
        ("1.005", "write it in USD, like -12.50"),
        ("12,50", "'12,50' is not a decimal number"),
        ("1e30", "write it in USD"),
    ],
)
def test_an_amount_that_cannot_stand_on_an_invoice_is_refused(
    sqlite_database: Database, amount: str, message: str
) -> None:
    shop = shop_of(sqlite_database)
    with pytest.raises(InvalidCall, match=message):
        shop.add_line(OCTOBER, "alice", amount=amount, description="fee", reason="agreed")
    with pytest.raises(InvalidCall, match="write 1 to 200 characters, not 201"):
        shop.add_line(OCTOBER, "alice", amount="1", description="x" * 201, reason="agreed")
    with pytest.raises(InvalidCall, match="needs a reason"):
        shop.add_line(OCTOBER, "alice", amount="1", description="fee", reason=" ")


@given(st.lists(st.integers(-300, 100_000).filter(bool), max_size=6))
def test_every_line_stands_on_the_invoice_with_exactly_its_amount(amounts: list[int]) -> None:
    with TemporaryDirectory() as folder, till(Database.open(f"sqlite:///{folder}/a.db")) as shop:
        shop.ingest([record("one", input=1_234_567, output=7), record("two", model="acme/small", input=333)])
        for number, amount in enumerate(amounts):
            text = str(Decimal(amount).scaleb(-2))
            shop.add_line(OCTOBER, "alice", amount=text, description=f"{number}", reason="r", may_be_negative=True)
        content = shop.preview(OCTOBER, "alice").customers[0].invoice.content()
        manual = [line["amount"] for line in content["lines"] if line["kind"] == "manual"]
        assert [Decimal(text).scaleb(2) for text in manual] == amounts
        assert sum(Decimal(line["amount"]) for line in content["lines"]) == Decimal(content["subtotal"])
