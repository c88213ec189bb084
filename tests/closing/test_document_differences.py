"""Two invoices are held against each other, or one against what would stand in its place now."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from tests.builders import OCTOBER
from tests.closing.test_one_document_a_record import NOVEMBER, Shop, agreed, worth
from tests.closing.years import lived_year
from tests.shares import daily
from tokentill.errors import InvalidCall, NotFound
from tokentill.store.database import Database

pytestmark = pytest.mark.postgresql_one_in(8)

IN_DECEMBER = "2026-12-20T09:00:00+00:00"


def test_an_invoice_is_held_against_what_would_stand_in_its_place(database: Database) -> None:
    shop = Shop(database, agreed("alice", invoice={"tax": [{"name": "VAT", "percent": "10"}]}))
    shop.take(worth(30, "10-20"))
    shop.close(OCTOBER)
    assert shop.till.diff("INV-000001", "preview").is_same
    shop.take(worth(300, "10-21"))
    found = shop.till.diff("INV-000001", "preview")
    (line,) = found.differences.lines
    assert (line.requests, line.exact_amount, line.before, line.after) == (1, 300, 30, 330)
    assert line.quantities == {"input": 100_000_000}
    assert [(item.kind, item.amount) for item in found.differences.items] == [("tax", 30)]
    assert found.differences.amounts[-1] == ("due", 33, 363)
    back = shop.till.diff("preview", "INV-000001")
    assert (back.before[0], back.after[0]) == (None, "INV-000001")
    assert back.differences.lines[0].exact_amount == -300


def test_corrections_of_two_documents_are_told_apart(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"), worth(3, "09-20"))
    shop.close("2026-09")
    shop.close(OCTOBER)
    shop.take(worth(300, "10-21"), worth(60, "09-21"), worth(9, "11-05"))
    shop.close(NOVEMBER, IN_DECEMBER)
    lines = shop.till.diff("INV-000002", "INV-000003").differences.lines
    assert {(line.corrects, line.exact_amount) for line in lines} == {
        (None, -21),
        ("INV-000001", 60),
        ("INV-000002", 300),
    }


def test_a_wrong_call_is_told(database: Database) -> None:
    shop = Shop(database)
    with pytest.raises(InvalidCall, match="name one by its number"):
        shop.till.diff("preview", "preview")
    with pytest.raises(NotFound, match="INV-000009"):
        shop.till.diff("INV-000009", "preview")


@pytest.mark.parametrize("seed", daily(range(6), 1))
def test_differences_add_up_to_the_difference_of_what_is_due(seed: int) -> None:
    till = lived_year(seed).shop.till
    issued = till.invoices()
    for first, second in pairwise(issued):
        differences = till.diff(first.number, second.number).differences
        added = sum(one.amount for one in (*differences.lines, *differences.items))
        assert added == Decimal(second.content["due"]) - Decimal(first.content["due"])
