"""A projection carries the usage of a running period on to its end, exactly, and is no part of the invoice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import OCTOBER, MovableClock, contract, record, till
from tests.documents.preview_builders import books, invoice
from tokentill.invoicing.projection import projection_of
from tokentill.store.database import Database

pytestmark = pytest.mark.postgresql_one_in(8)

BEGIN, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
INVOICE, CONTRACTS = invoice("alice"), books().contracts


@given(st.timedeltas(timedelta(days=-2), timedelta(days=33)))
def test_usage_is_carried_on_in_proportion_to_time_and_rounded_once(elapsed_time: timedelta) -> None:
    now = BEGIN + elapsed_time
    projection = projection_of(INVOICE, CONTRACTS, now)
    if not BEGIN + timedelta(days=1) <= now < END:
        assert projection is None
        return
    assert projection is not None
    elapsed, whole = (now - BEGIN) // timedelta(seconds=1), (END - BEGIN) // timedelta(seconds=1)
    cents = Fraction(sum(line.exact_amount for line in INVOICE.lines)) * whole / elapsed * 100
    assert projection.total_minor == int(cents + Fraction(1, 2))
    assert (projection.elapsed_seconds, projection.of_seconds) == (elapsed, whole)


def test_fees_and_lines_that_people_added_stay_and_tax_follows(database: Database) -> None:
    taxed = contract(invoice={"tax": [{"name": "VAT", "percent": "10"}], "base_fee": {"amount": "31"}})
    shop = till(database, taxed, clock=MovableClock(datetime(2026, 10, 11, 21, tzinfo=UTC)))
    shop.ingest([record("one", input=1_000_000, when="3")])
    shop.add_line(OCTOBER, "alice", amount="-1", description="outage", reason="SLA")
    one = shop.preview(OCTOBER).customers[0]
    assert one.projection is not None
    usage = Fraction(one.invoice.lines[0].exact_amount) * Fraction(31 * 24, 10 * 24 + 21)
    assert one.projection.subtotal_minor == int(100 * (usage + 30) + Fraction(1, 2))
    assert one.projection.total_minor == one.projection.subtotal_minor + int(
        Fraction(one.projection.subtotal_minor, 10) + Fraction(1, 2)
    )


def test_it_is_no_part_of_what_is_approved_and_ends_with_the_period(database: Database) -> None:
    clock = MovableClock(datetime(2026, 10, 11, tzinfo=UTC))
    shop = till(database, clock=clock)
    shop.ingest(
        [record("one", input=1_000_000, when="3"), record("two", user="bob", model="acme/unheard-of", when="3")]
    )
    early = shop.preview(OCTOBER)
    assert [one.projection is None for one in early.customers] == [False, True]
    clock.advance(days=5)
    later = shop.preview(OCTOBER)
    assert early.customers[0].projection != later.customers[0].projection
    assert early.customers[0].invoice.content_hash == later.customers[0].invoice.content_hash
    printed = later.content()["invoices"][0]["projection"]
    assert printed["is_projection"] is True
    assert Decimal(printed["total"]) > Decimal(later.content()["invoices"][0]["total"])
    clock.advance(days=20)
    assert "projection" not in shop.preview(OCTOBER).content()["invoices"][0]
