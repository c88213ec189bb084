"""Exported rows come to what is due, say what they correct, and hold nothing that a spreadsheet would compute."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from tests.builders import OCTOBER
from tests.closing.test_one_document_a_record import NOVEMBER, Shop, agreed, worth
from tests.closing.years import lived_year
from tests.shares import daily
from tokentill.store.database import Database
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

IN_DECEMBER = "2026-12-20T09:00:00+00:00"


def sums_of_rows(till: Till) -> dict[str, Decimal]:
    """What the cells of the CSV come to, by document."""
    sums: dict[str, Decimal] = {}
    for row in csv.DictReader(io.StringIO(till.export().csv())):
        sums[row["number"]] = sums.get(row["number"], Decimal(0)) + Decimal(row["amount"])
    return sums


@pytest.mark.parametrize("seed", daily(range(6), 1))
def test_the_rows_of_every_document_come_to_what_is_due(seed: int) -> None:
    till = lived_year(seed).shop.till
    rows = sums_of_rows(till)
    for one in till.invoices():
        assert rows.get(one.number, Decimal(0)) == Decimal(one.content["due"])
    assert {row.kind for row in till.export().rows} >= {"usage", "adjustment"}


def test_a_credit_note_and_its_tax_say_what_they_correct(database: Database) -> None:
    shop = Shop(
        database, agreed("alice", invoice={"adjustments": "credit-note", "tax": [{"name": "T", "percent": "10"}]})
    )
    shop.take(worth(30, "10-20"), worth(300, "10-21"))
    shop.close(OCTOBER)
    shop.till.retract(record=("arouter", "alice-300"), reason="a test")
    shop.close(NOVEMBER, IN_DECEMBER)
    rows = [row for row in shop.till.export().rows if row.document == "credit-note"]
    assert [(row.kind, row.amount, row.corrects, row.corrected_period) for row in rows] == [
        ("adjustment", "-300.00", "INV-000001", OCTOBER),
        ("tax", "-30.00", "INV-000001", OCTOBER),
        ("carried", "330.00", None, None),
    ]
    assert (rows[0].cause, rows[0].corrected_kind, rows[0].requests) == ("retraction", "usage", -1)
    first = next(row for row in shop.till.export().rows)
    assert (first.corrects, first.cause, first.corrected_kind) == (None, None, None)


def test_text_that_a_spreadsheet_would_compute_is_told_from_numbers(database: Database) -> None:
    formula = "=1+1"
    shop = Shop(database, agreed(formula, invoice={"tax": [{"name": "@tax", "percent": "10"}]}))
    shop.take(worth(30, "10-20", formula, id_="1"), worth(300, "10-21", formula, id_="2"))
    shop.close(OCTOBER)
    shop.till.retract(record=("arouter", "2"), reason="a test")
    shop.close(NOVEMBER, IN_DECEMBER)
    cells = [cell for row in csv.reader(io.StringIO(shop.till.export().csv())) for cell in row]
    risky = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert risky
    assert all(Decimal(cell) < 0 for cell in risky), "what begins so is a negative number"
