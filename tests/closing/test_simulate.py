"""A period under other prices and contracts is held against what was issued, or would be. Nothing is stored.

Each record is worth what its name says: a million input tokens cost 3 dollars.
"""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.builders import OCTOBER, contract, folder, price, prices, record
from tests.closing.test_one_document_a_record import NOVEMBER, Shop, agreed, worth
from tests.closing.years import lived_year
from tests.shares import daily
from tokentill.closing.computation.pins import pinned_inputs
from tokentill.errors import NotFound
from tokentill.invoicing.simulation import SimulatedCustomer, Simulation
from tokentill.recordings.load import Folder
from tokentill.store import tables
from tokentill.store.database import Database

pytestmark = pytest.mark.postgresql_one_in(8)

IN_DECEMBER = "2026-12-20T09:00:00+00:00"
DEARER = prices(price(rates={"input": "6", "output": "30"}))


def sides(one: SimulatedCustomer) -> tuple[int | None, int | None, int | None]:
    """Revenue before and after, and the change."""
    return (
        None if one.before is None else one.before.revenue_minor,
        None if one.after is None else one.after.revenue_minor,
        one.change_minor,
    )


def changes(simulation: Simulation) -> dict[str, tuple[int | None, int | None, int | None]]:
    """The same of everybody."""
    return {one.customer: sides(one) for one in simulation.customers}


def pinned(shop: Shop, number: str) -> Folder:
    """The prices and contracts that an invoice was issued with, as a folder."""
    with shop.till.store.read() as connection:
        inputs = pinned_inputs(connection, shop.till.invoice(number).pins)
    return folder(*inputs.prices, *inputs.contracts)


def rows(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    with database.read() as connection:
        return {one.name: len(connection.execute(select(one)).all()) for one in tables.metadata.sorted_tables}


def test_what_was_issued_is_held_against_other_prices_and_nothing_is_stored(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"), worth(300, "10-21", "bob"))
    shop.close(OCTOBER)
    before = rows(database)
    simulation = shop.till.simulate(OCTOBER, folder(DEARER))
    assert changes(simulation) == {"alice": (3000, 6000, 3000), "bob": (30000, 60000, 30000)}
    assert simulation.revenue == [("USD", 33000, 66000)]
    assert [one.before and one.before.number for one in simulation.customers] == ["INV-000001", "INV-000002"]
    pins = shop.till.invoice("INV-000001").pins
    assert simulation.issued_with == ((pins["a"], pins["b"], 2),)
    assert simulation.pricing_before is None
    assert simulation.pricing_after.a != pins["a"]
    assert rows(database) == before


def test_what_came_or_was_taken_back_since_an_invoice_is_on_neither_side(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"), worth(60, "10-21"))
    shop.close(OCTOBER)
    shop.take(worth(300, "10-22"), worth(3, "11-05"))
    shop.till.retract(record=("arouter", "alice-60"), reason="a test")
    assert changes(shop.till.simulate(OCTOBER, folder(DEARER))) == {"alice": (9000, 18000, 9000)}
    shop.close(NOVEMBER, IN_DECEMBER)
    assert shop.till.invoice("INV-000002").content["subtotal"] == "243.00"
    assert changes(shop.till.simulate(NOVEMBER, folder(DEARER))) == {"alice": (300, 600, 300)}


def test_a_period_that_is_not_closed_is_simulated_too(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"))
    simulation = shop.till.simulate(OCTOBER, folder(DEARER))
    assert changes(simulation) == {"alice": (3000, 6000, 3000)}
    assert simulation.pricing_before is not None
    assert simulation.issued_with == ()


def test_who_was_refused_is_simulated_beside_who_was_issued(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"), worth(300, "10-21", "bob"))
    shop.till.review(OCTOBER, "bob", "held", note="ask first")
    shop.close(OCTOBER)
    simulation = shop.till.simulate(OCTOBER, folder(DEARER))
    assert changes(simulation) == {"alice": (3000, 6000, 3000), "bob": (30000, 60000, 30000)}
    assert [one.before and one.before.number for one in simulation.customers] == ["INV-000001", None]


def test_what_cannot_be_billed_is_listed_and_counts_in_no_sum(database: Database) -> None:
    shop = Shop(database, prices(price(), price("acme/small")))
    shop.take(worth(30, "10-20"), record("s", user="bob", model="acme/small", input=1_000_000))
    shop.close(OCTOBER)
    simulation = shop.till.simulate(OCTOBER, folder(DEARER))
    assert [(one.kind, one.customers, one.model) for one in simulation.obstacles] == [
        ("unpriced", ("bob",), "acme/small")
    ]
    assert simulation.revenue == [("USD", 3000, 6000)]
    assert changes(simulation)["bob"][2] is None


def test_who_is_on_one_side_alone_is_named(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"), worth(300, "10-21", "bob"))
    shop.close(OCTOBER)
    together = folder(agreed("bob", invoice={"parent": "alice"}))
    simulation = shop.till.simulate(OCTOBER, together)
    assert (simulation.only("before"), simulation.only("after")) == (("bob",), ())
    assert changes(simulation) == {"alice": (3000, 33000, 30000), "bob": (30000, None, -30000)}
    minimum = folder(agreed("cee", invoice={"minimum": {"amount": "20"}}))
    simulation = shop.till.simulate(OCTOBER, minimum)
    assert simulation.only("after") == ("cee",)
    assert simulation.revenue == [("USD", 33000, 35000)]


def test_margins_are_of_both_sides(database: Database) -> None:
    shop = Shop(database)
    shop.take(record("r", input=1_000_000, cost="2"))
    shop.close(OCTOBER)
    before, after = shop.till.simulate(OCTOBER, folder(DEARER)).margins
    assert [(one.margin, one.cost) for one in (*before, *after)] == [(1, 2), (4, 2)]


def test_one_customer_is_shown_line_by_line(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"), worth(300, "10-21", "bob"))
    shop.close(OCTOBER)
    (one,) = shop.till.simulate(OCTOBER, folder(DEARER), "bob").customers
    assert one.differences is not None
    assert [(line.exact_amount, line.requests) for line in one.differences.lines] == [(300, 0)]
    with pytest.raises(NotFound, match="nobody"):
        shop.till.simulate(OCTOBER, folder(DEARER), "nobody")


def test_another_currency_has_no_change(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"))
    shop.close(OCTOBER)
    euros = {"format": 1, "kind": "fx", "recorded_at": "2026-09-01T00:00:00Z", "source": "a test"}
    rate = [{"from": "USD", "to": "EUR", "date": "2026-01-01", "rate": "0.9"}]
    simulation = shop.till.simulate(OCTOBER, folder(contract(currency="EUR"), {**euros, "rate": rate}))
    assert changes(simulation) == {"alice": (3000, 2700, None)}
    assert simulation.revenue == []


@pytest.mark.parametrize("seed", daily(range(6), 1))
def test_the_same_folder_changes_nothing_whatever_happened(seed: int) -> None:
    lived = lived_year(seed)
    own = lived.shop.till.folder
    for month in lived.year.month_names:
        simulation = lived.shop.till.simulate(month, own)
        assert simulation.customers
        if (simulation.pricing_after.a, simulation.pricing_after.b) in {(a, b) for a, b, _ in simulation.issued_with}:
            assert len(simulation.issued_with) > 1 or simulation.changes_nothing
    for one in lived.shop.till.invoices():
        same = lived.shop.till.simulate(one.period, pinned(lived.shop, one.number), one.customer)
        assert same.changes_nothing or one.kind == "credit-note"
