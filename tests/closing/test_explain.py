"""Every cent that is due is explained: lines, steps, and of an adjustment the records that changed, and how.

Each record is worth what its name says: a million input tokens cost 3 dollars.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders import OCTOBER, grants
from tests.closing.test_corrections import DEARER, DECEMBER, IN_DECEMBER, IN_JANUARY, PRICES
from tests.closing.test_one_document_a_record import EUROS, NOVEMBER, Shop, agreed, worth
from tests.closing.years import Incremental, Year, lived_year
from tests.shares import daily, stride
from tokentill.closing.questions.explained_corrections import ExplainedAdjustment
from tokentill.closing.questions.explanation import Explanation
from tokentill.errors import NotFound
from tokentill.store.database import Database

pytestmark = pytest.mark.postgresql_one_in(8)


def explained(shop: Shop, number: str) -> list[ExplainedAdjustment]:
    """The adjustments of a document, explained."""
    found = [line.adjustment for line in shop.till.explain(number).lines]
    return [one for one in found if one is not None]


def changes(adjustment: ExplainedAdjustment) -> list[tuple[str, str, int]]:
    """What became of each record of an adjustment, and what it adds."""
    return [(one.record.record_id, one.what, int(one.exact_amount)) for one in adjustment.records]


def adds_up(explanation: Explanation) -> bool:
    """Whether lines, steps and records come to what is due, and each adjustment to its exact amount."""
    parts = [Decimal(one.line["amount"]) for one in explanation.lines]
    parts += [Decimal(one.item["amount"]) for one in explanation.items]
    for line in explanation.lines:
        assert Decimal(line.line["amount"]) == Decimal(line.line["exact_amount"]) + line.rounded_by
        adjustment = line.adjustment
        if adjustment is not None and adjustment.rate is None:
            before, after = (
                Decimal(0) if side is None else side.exact_amount for side in (adjustment.before, adjustment.after)
            )
            assert after - before == Decimal(line.line["exact_amount"])
            if line.line["charge"] is None:
                assert sum(one.exact_amount for one in adjustment.records) == after - before
    return sum(parts) == Decimal(explanation.content()["due"])


class TestAnAdjustment:
    def test_names_records_that_came_late_were_revised_and_were_taken_back(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20", id_="a"), worth(60, "10-20", id_="b"))
        shop.close(OCTOBER)
        shop.take(worth(33, "10-20", id_="a"), worth(9, "10-22", id_="c"), worth(3, "11-05"))
        shop.till.accept_revision("arouter", "a", reason="final", by="rita")
        shop.till.retract(record=("arouter", "b"), reason="a test", by="tom")
        shop.close(NOVEMBER, IN_DECEMBER)
        late, revised, taken = explained(shop, "INV-000002")
        assert changes(late) == [("c", "came late", 9)]
        assert changes(revised) == [("a", "revised", 3)]
        assert changes(taken) == [("b", "taken back", -60)]
        (revision,), (retraction,) = revised.records, taken.records
        assert revision.before is not None
        assert revision.after is not None
        assert (revision.before.record.quantities, revision.after.record.quantities) == (
            {"input": 10_000_000},
            {"input": 11_000_000},
        )
        assert revision.said is not None
        assert retraction.said is not None
        assert (revision.said.by, retraction.said.by, retraction.said.reason) == ("rita", "tom", "a test")
        assert adds_up(shop.till.explain("INV-000002"))

    def test_names_whom_usage_came_from_and_went_to(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "10-21", "zoe"))
        shop.close(OCTOBER)
        shop.take(worth(3, "11-05"))
        shop.till.bind([("zoe", "alice", worth(3, "10-01").occurred_at, None)])
        shop.close(NOVEMBER, IN_DECEMBER)
        by_customer = {one.customer: explained(shop, one.number) for one in shop.till.invoices(period=NOVEMBER)}
        (came,), (went,) = by_customer["alice"], by_customer["zoe"]
        assert [(*changes(one)[0], one.records[0].other) for one in (came, went)] == [
            ("zoe-300", "moved here", 300, "zoe"),
            ("zoe-300", "moved away", -300, "alice"),
        ]

    def test_shows_the_price_before_and_after(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.write(PRICES, DEARER | {"applies_to_closed": True})
        shop.close(NOVEMBER, IN_DECEMBER)
        rates = {}
        for one in explained(shop, "INV-000002"):
            for name, side in (("before", one.before), ("after", one.after)):
                if side is not None and side.price_entry is not None:
                    rates[name] = (side.price_entry["rates"]["input"], side.exact_amount)
            assert [change[:2] for change in changes(one)] == [("alice-30", "billed otherwise")]
        assert rates == {"before": ("3", 30), "after": ("6", 60)}
        assert adds_up(shop.till.explain("INV-000002"))

    def test_shows_the_rule_before_and_after(self, database: Database) -> None:
        old = agreed("alice")
        shop = Shop(database, old)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        newer = agreed("alice", "11-21", "2026-10-01T00:00:00Z", rule=[{"name": "half", "markup_percent": "-50"}])
        shop.write(old, newer | {"applies_to_closed": True})
        shop.close(NOVEMBER, IN_DECEMBER)
        rules = {
            (name, None if side.rule is None else side.rule["name"], int(side.exact_amount))
            for one in explained(shop, "INV-000002")
            for name, side in (("before", one.before), ("after", one.after))
            if side is not None
        }
        assert rules == {("before", None, 30), ("after", "half", 15)}

    def test_of_a_step_shows_it_before_and_after(self, database: Database) -> None:
        shop = Shop(database, agreed("alice", invoice={"minimum": {"amount": "100"}}))
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(9, "10-21"))
        shop.close(NOVEMBER, IN_DECEMBER)
        minimum = [one for one in explained(shop, "INV-000002") if not one.records]
        assert [(one.before and one.before.exact_amount, one.after and one.after.exact_amount) for one in minimum] == [
            (70, 61)
        ]
        assert adds_up(shop.till.explain("INV-000002"))

    def test_has_a_tax_that_is_the_difference_of_the_whole_period(self, database: Database) -> None:
        shop = Shop(database, agreed("alice", invoice={"tax": [{"name": "VAT", "percent": "19"}]}))
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(9, "10-21"))
        shop.close(NOVEMBER, IN_DECEMBER)
        explanation = shop.till.explain("INV-000002")
        tax = next(one.corrected for one in explanation.items if one.corrected is not None)
        assert (tax.before_minor, tax.after_minor) == (570, 741)
        assert (tax.taxable_before_minor, tax.taxable_after_minor) == (3000, 3900)
        assert adds_up(explanation)

    def test_of_a_correction_is_explained_by_what_changed_since(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        shop.till.retract(record=("arouter", "alice-300"), reason="a test")
        shop.take(worth(6, "12-05"))
        shop.close(DECEMBER, IN_JANUARY)
        (taken,) = explained(shop, "INV-000003")
        assert changes(taken) == [("alice-300", "taken back", -300)]

    def test_in_another_currency_is_explained_in_that_of_its_document(self, database: Database) -> None:
        old = agreed("alice")
        shop = Shop(database, old, EUROS)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.write(old, agreed("alice", "11-02", "2026-11-01T00:00:00Z", currency="EUR"), EUROS)
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        (late,) = explained(shop, "INV-000002")
        assert (late.currency, late.rate, changes(late)) == ("USD", "0.9", [("alice-300", "came late", 300)])


class TestAStep:
    def test_a_credit_names_its_grant_and_what_it_paid_before(self, database: Database) -> None:
        shop = Shop(database, grants({"id": "prepaid", "amount": "50"}))
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(90, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        explanation = shop.till.explain("INV-000002")
        (step,) = explanation.items
        assert (step.position, step.item["of"], step.item["amount"]) == (2, "20.00", "-20.00")
        assert step.grant is not None
        assert (step.grant.id, step.grant.amount) == ("prepaid", 50)
        assert [(one.number, one.amount_minor) for one in step.documents] == [("INV-000001", 3000)]
        assert adds_up(explanation)
        alone = shop.till.explain("INV-000002", 2)
        assert (alone.lines, alone.items) == ((), (step,))
        with pytest.raises(NotFound, match="from 1 to 1, and the steps below them up to 2; there is no line 3"):
            shop.till.explain("INV-000002", 3)

    def test_a_balance_names_the_invoices_that_carried_it_on(self, database: Database) -> None:
        shop = Shop(database, agreed("alice", invoice={"smallest_amount": "50"}))
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(9, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        shop.take(worth(60, "12-05"))
        shop.close(DECEMBER, IN_JANUARY)
        (carried,) = shop.till.explain("INV-000001").items
        assert [one.number for one in carried.documents] == ["INV-000002"]
        (brought,) = shop.till.explain("INV-000003").items
        moved = [(one.number, one.what, one.amount_minor) for one in brought.documents]
        assert sum(amount for _, _, amount in moved) == 3900
        assert {number for number, _, _ in moved} <= {"INV-000001", "INV-000002"}
        assert all(adds_up(shop.till.explain(one.number)) for one in shop.till.invoices())

    def test_of_a_credit_note_is_carried_on(self, database: Database) -> None:
        shop = Shop(database, agreed("alice", invoice={"adjustments": "credit-note"}))
        shop.take(worth(30, "10-20"), worth(300, "10-21"))
        shop.close(OCTOBER)
        shop.till.retract(record=("arouter", "alice-30"), reason="a test")
        shop.take(worth(90, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        note, invoice = (shop.till.explain(f"INV-00000{number}") for number in (2, 3))
        assert [one.number for one in note.items[-1].documents] == ["INV-000003"]
        assert [(one.number, one.amount_minor) for one in invoice.items[-1].documents] == [("INV-000002", -3000)]
        assert adds_up(note)
        assert adds_up(invoice)


@pytest.mark.parametrize("seed", daily(range(6), 1))
def test_all_that_is_explained_of_a_year_comes_to_what_is_due(seed: int) -> None:
    till = lived_year(seed).shop.till
    for one in till.invoices()[:: stride(3)]:
        assert adds_up(till.explain(one.number)), one.number


def test_all_that_is_explained_of_some_months_on_postgresql_comes_to_what_is_due(
    postgresql_database: Database,
) -> None:
    lived = Incremental(Year(1, months=3), postgresql_database)
    lived.run()
    for one in lived.shop.till.invoices():
        assert adds_up(lived.shop.till.explain(one.number)), one.number
