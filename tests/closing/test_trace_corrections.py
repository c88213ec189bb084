"""A request is followed through the documents that correct its period.

Each record is worth what its name says: a million input tokens cost 3 dollars.
"""

from __future__ import annotations

import pytest

from tests.builders import OCTOBER
from tests.closing.test_corrections import DEARER, DECEMBER, IN_DECEMBER, IN_JANUARY, PRICES
from tests.closing.test_one_document_a_record import NOVEMBER, Shop, worth
from tests.closing.years import Incremental, Year
from tests.shares import daily
from tokentill.closing.questions.trace import RequestTrace
from tokentill.errors import NotFound
from tokentill.store.database import Database

pytestmark = pytest.mark.postgresql_one_in(8)


def corrected(trace: RequestTrace) -> list[tuple[str, str, str, int]]:
    """Of each correction: the document, what it corrects, what became of the record, and by how much."""
    return [(one.invoice, one.corrects, one.what, int(one.exact_amount)) for one in trace.corrections]


def test_a_record_that_came_late_is_on_the_document_that_billed_it(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"))
    shop.close(OCTOBER)
    shop.take(worth(300, "10-21"), worth(3, "11-05"))
    shop.close(NOVEMBER, IN_DECEMBER)
    late = shop.till.trace("arouter", "alice-300")
    assert (late.state, late.number, late.period, late.payer) == ("issued", "INV-000002", OCTOBER, "alice")
    assert [(line.position, line.exact_amount) for line in late.lines] == [(2, 300)]
    assert corrected(late) == [("INV-000002", "INV-000001", "came late", 300)]
    assert late.content()["corrections"][0]["position"] == 2
    first = shop.till.trace("arouter", "alice-30")
    assert (first.number, [line.exact_amount for line in first.lines], first.corrections) == ("INV-000001", [30], ())


def test_a_revision_and_a_retraction_name_what_they_changed(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20", id_="a"), worth(60, "10-20", id_="b"))
    shop.close(OCTOBER)
    shop.take(worth(33, "10-20", id_="a"), worth(3, "11-05"))
    shop.till.accept_revision("arouter", "a", reason="final")
    shop.till.retract(record=("arouter", "b"), reason="a test", by="tom")
    assert "INV-000001 has it still" in shop.till.trace("arouter", "b").why
    shop.close(NOVEMBER, IN_DECEMBER)
    revised, taken = (shop.till.trace("arouter", name) for name in "ab")
    assert next(one.invoices for one in revised.versions) == ("INV-000002",)
    assert (revised.number, [line.exact_amount for line in revised.lines]) == ("INV-000001", [30])
    assert corrected(revised) == [("INV-000002", "INV-000001", "revised", 3)]
    assert corrected(taken) == [("INV-000002", "INV-000001", "taken back", -60)]
    assert (taken.state, taken.number) == ("retracted", "INV-000001")
    assert taken.why == "taken back, says tom: a test; INV-000002 took it off"


def test_a_record_that_moved_is_followed_from_one_customer_to_the_other(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"), worth(300, "10-21", "zoe"))
    shop.close(OCTOBER)
    shop.till.bind([("zoe", "alice", worth(3, "10-01").occurred_at, None)])
    shop.close(NOVEMBER, IN_DECEMBER)
    trace = shop.till.trace("arouter", "zoe-300")
    assert (trace.customer, trace.payer, trace.period) == ("alice", "alice", OCTOBER)
    assert {(one.customer, one.what, one.other, int(one.exact_amount)) for one in trace.corrections} == {
        ("zoe", "moved away", "alice", -300),
        ("alice", "moved here", "zoe", 300),
    }


def test_prices_and_corrections_of_corrections_are_told_in_order(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"))
    shop.close(OCTOBER)
    shop.write(PRICES, DEARER | {"applies_to_closed": True})
    shop.close(NOVEMBER, IN_DECEMBER)
    shop.till.retract(record=("arouter", "alice-30"), reason="a test")
    shop.close(DECEMBER, IN_JANUARY)
    trace = shop.till.trace("arouter", "alice-30")
    assert trace.number == "INV-000001"
    assert sum(int(one.exact_amount) for one in trace.corrections) == -30
    assert [one.invoice for one in trace.corrections] == ["INV-000002", "INV-000002", "INV-000003"]
    assert trace.corrections[-1].what == "taken back"


def test_what_is_only_staged_says_so(database: Database) -> None:
    shop = Shop(database)
    shop.till.ingest([worth(30, "10-20", id_='r"%')], name="late.jsonl", stage="looked at")
    trace = shop.till.trace("arouter", 'r"%')
    assert trace.state == "staged"
    assert "late.jsonl" in trace.why
    assert "tokentill ingest accept 1" in trace.why
    for other in (("arouter", "r"), ("other", 'r"%')):
        with pytest.raises(NotFound):
            shop.till.trace(*other)
    shop.till.accept_import(1)
    assert shop.till.trace("arouter", 'r"%').state == "not closed"


@pytest.mark.parametrize("seed", daily(range(2), 1))
def test_every_record_of_a_year_comes_to_what_is_billed_of_it(database: Database, seed: int) -> None:
    year = Year(seed, months=3)
    lived = Incremental(year, database)
    lived.run()
    for id_ in sorted(year.taken_back):
        trace = lived.shop.till.trace("arouter", id_)
        own = sum(line.exact_amount for line in trace.lines)
        later = sum(one.exact_amount for one in trace.corrections if one.invoice != trace.number)
        assert own + later == 0
