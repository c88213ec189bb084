"""A closed month is put right by documents that follow it: adjustments on the next invoice, or a credit note.

Each record is worth what its name says: a million input tokens cost 3 dollars.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.builders import OCTOBER, at, contract, grants, price, prices
from tests.closing.test_one_document_a_record import EUROS, NOVEMBER, Shop, agreed, worth
from tests.invoicing.bench import rows_of
from tokentill.canonical import Content
from tokentill.closing import close
from tokentill.errors import Refused
from tokentill.invoicing.forms import DOCUMENT_FORM
from tokentill.store.database import Database
from tokentill.usage.record import UsageRecord

pytestmark = pytest.mark.postgresql_one_in(8)

DECEMBER = "2026-12"
PRICES = prices(price())
DEARER = prices(price(valid_from="2026-10-01T00:00:00Z", rates={"input": "6"}), recorded_at="2026-11-21T00:00:00Z")
IN_NOVEMBER, IN_DECEMBER, IN_JANUARY = (f"{day}T09:00:00+00:00" for day in ("2026-11-20", "2026-12-20", "2027-01-20"))


def adjustments(shop: Shop, number: str) -> list[Content]:
    """The adjustment lines of a document."""
    return [line for line in shop.till.invoice(number).content["lines"] if line["kind"] == "adjustment"]


def told(lines: list[Content]) -> list[tuple[str, str, int, str]]:
    """Of each adjustment: its cause, the document that it corrects, requests and amount."""
    return [(line["cause"], line["corrects"]["number"], line["requests"], line["amount"]) for line in lines]


def total(shop: Shop, customer: str) -> str:
    """All live documents of a customer together."""
    live = [one for one in shop.till.invoices(customer=customer) if one.status == "issued"]
    return f"{sum(one.total_minor for one in live) / 100:.2f}"


class TestTheNextInvoice:
    def test_bills_a_record_that_came_late(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        assert shop.late() == {("arouter", "alice-300", "alice", OCTOBER)}
        preview = shop.till.preview(NOVEMBER).customers[0].invoice
        assert shop.close(NOVEMBER, IN_DECEMBER) == ("alice",)
        issued = shop.till.invoice("INV-000002")
        assert (issued.content["form"], issued.content_hash) == (DOCUMENT_FORM, preview.content_hash)
        (line,) = adjustments(shop, "INV-000002")
        assert told([line]) == [("late", "INV-000001", 1, "300.00")]
        assert (line["corrects"]["period"], line["quantities"], line["exact_amount"]) == (
            OCTOBER,
            {"input": 100_000_000},
            "300",
        )
        assert (issued.content["subtotal"], issued.content["total"], issued.content["due"]) == ("303.00",) * 3
        assert shop.late() == set()
        assert shop.is_settled()

    def test_takes_off_a_record_that_was_taken_back(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "10-21"))
        shop.close(OCTOBER)
        shop.till.retract(record=("arouter", "alice-300"), reason="a test")
        shop.take(worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        assert told(adjustments(shop, "INV-000002")) == [("retraction", "INV-000001", -1, "-300.00")]
        issued = shop.till.invoice("INV-000002")
        assert (issued.content["total"], issued.content["due"]) == ("-297.00", "0.00")
        assert shop.is_settled()

    def test_bills_the_difference_of_an_accepted_revision(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20", id_="a"))
        shop.close(OCTOBER)
        shop.take(worth(33, "10-20", id_="a"), worth(3, "11-05"))
        shop.till.accept_revision("arouter", "a", reason="final")
        shop.close(NOVEMBER, IN_DECEMBER)
        assert told(adjustments(shop, "INV-000002")) == [("revision", "INV-000001", 0, "3.00")]
        assert shop.is_settled()

    def test_tells_the_causes_apart(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20", id_="a"), worth(60, "10-20", id_="b"), worth(3, "10-20", "bob"))
        shop.close(OCTOBER)
        shop.take(worth(33, "10-20", id_="a"), worth(9, "10-22", id_="c"), worth(3, "11-05"))
        shop.till.accept_revision("arouter", "a", reason="final")
        shop.till.retract(record=("arouter", "b"), reason="a test")
        shop.close(NOVEMBER, IN_DECEMBER)
        assert told(adjustments(shop, "INV-000003")) == [
            ("late", "INV-000001", 1, "9.00"),
            ("revision", "INV-000001", 0, "3.00"),
            ("retraction", "INV-000001", -1, "-60.00"),
        ]
        assert total(shop, "alice") == "45.00"
        assert shop.is_settled()

    def test_is_made_for_a_correction_alone(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(300, "10-21"))
        assert shop.close(NOVEMBER, IN_DECEMBER) == ("alice",)
        assert shop.close(DECEMBER, IN_JANUARY) == ()
        assert total(shop, "alice") == "330.00"

    def test_adds_the_taxes_of_what_it_corrects(self, database: Database) -> None:
        old = agreed("alice", invoice={"tax": [{"name": "VAT", "percent": "10"}]})
        shop = Shop(database, old)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        newer = agreed("alice", "11-02", "2026-11-01T00:00:00Z", invoice={"tax": [{"name": "VAT", "percent": "20"}]})
        shop.write(old, newer)
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        content = shop.till.invoice("INV-000002").content
        taxes = [
            (item["name"], item["amount"], item.get("corrects")) for item in content["items"] if item["kind"] == "tax"
        ]
        assert taxes == [("VAT", "0.60", None), ("VAT", "30.00", {"number": "INV-000001", "period": OCTOBER})]
        assert (content["tax"], content["total"]) == ("30.60", "333.60")
        assert shop.is_settled()

    def test_corrects_the_correction(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        shop.till.retract(record=("arouter", "alice-300"), reason="a test")
        shop.take(worth(6, "12-05"))
        shop.close(DECEMBER, IN_JANUARY)
        assert told(adjustments(shop, "INV-000003")) == [("retraction", "INV-000001", -1, "-300.00")]
        assert total(shop, "alice") == "39.00"
        assert shop.is_settled()

    def test_is_in_another_currency_at_the_rate_of_its_last_day(self, database: Database) -> None:
        old = agreed("alice")
        shop = Shop(database, old, EUROS)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.write(old, agreed("alice", "11-02", "2026-11-01T00:00:00Z", currency="EUR"), EUROS)
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        (line,) = adjustments(shop, "INV-000002")
        assert (line["amount"], line["corrects"]["currency"], line["corrects"]["rate"]) == ("270.00", "USD", "0.9")
        assert shop.till.invoice("INV-000002").content["total"] == "272.70"
        assert shop.is_settled()


class TestAPriceOrAContract:
    def test_that_asks_for_closed_periods_prices_them_anew(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(3, "11-05"))
        dearer = DEARER
        shop.write(PRICES, dearer | {"applies_to_closed": True})
        shop.close(NOVEMBER, IN_DECEMBER)
        assert [(cause, amount) for cause, _, _, amount in told(adjustments(shop, "INV-000002"))] == [
            ("price", "60.00"),
            ("price", "-30.00"),
        ]
        assert total(shop, "alice") == "66.00"
        assert shop.is_settled()

    def test_that_does_not_ask_leaves_them_be(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(3, "11-05"))
        dearer = DEARER
        shop.write(PRICES, dearer)
        shop.close(NOVEMBER, IN_DECEMBER)
        assert adjustments(shop, "INV-000002") == []
        assert total(shop, "alice") == "36.00"
        assert shop.is_settled()

    def test_a_late_record_is_priced_as_its_month_was(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        dearer = DEARER
        shop.write(PRICES, dearer)
        shop.take(worth(300, "10-21"))
        shop.close(NOVEMBER, IN_DECEMBER)
        assert told(adjustments(shop, "INV-000002")) == [("late", "INV-000001", 1, "300.00")]

    def test_a_contract_that_asks(self, database: Database) -> None:
        old = agreed("alice")
        shop = Shop(database, old)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(3, "11-05"))
        rule = [{"name": "half", "markup_percent": "-50"}]
        newer = agreed("alice", "11-21", "2026-10-01T00:00:00Z", rule=rule)
        shop.write(old, newer | {"applies_to_closed": True})
        shop.close(NOVEMBER, IN_DECEMBER)
        causes = {(cause, amount) for cause, _, _, amount in told(adjustments(shop, "INV-000002"))}
        assert causes == {("contract", "-30.00"), ("contract", "15.00")}
        assert total(shop, "alice") == "16.50"
        assert shop.is_settled()


class TestABinding:
    def test_moves_usage_from_one_issued_period_to_another(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(9, "10-20", "bob"), worth(300, "10-21", "zoe"))
        shop.close(OCTOBER)
        shop.take(worth(3, "11-05"), worth(3, "11-05", "bob"))
        shop.till.bind([("zoe", "alice", worth(3, "10-01").occurred_at, None)])
        shop.close(NOVEMBER, IN_DECEMBER)
        by_customer = {one.customer: told(adjustments(shop, one.number)) for one in shop.till.invoices(period=NOVEMBER)}
        assert by_customer == {
            "alice": [("attribution", "INV-000001", 1, "300.00")],
            "bob": [],
            "zoe": [("attribution", "INV-000003", -1, "-300.00")],
        }
        assert (total(shop, "alice"), total(shop, "zoe")) == ("333.00", "0.00")
        assert shop.late() == set()
        assert shop.is_settled()

    def test_moves_usage_both_ways(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(9, "10-20", "bob"))
        shop.close(OCTOBER)
        at = worth(3, "10-01").occurred_at
        shop.till.bind([("bob", "alice", at, None), ("alice", "bob", at, None)])
        shop.close(NOVEMBER, IN_DECEMBER)
        assert (total(shop, "alice"), total(shop, "bob")) == ("9.00", "30.00")
        assert shop.is_settled()

    def test_whoever_takes_waits_for_whoever_gives(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "10-21", "zoe"))
        shop.close(OCTOBER)
        shop.take(worth(3, "11-05"), worth(3, "11-05", "bob"))
        shop.till.bind([("zoe", "alice", worth(3, "10-01").occurred_at, None)])
        shop.clock.instant = worth(3, "12-20").occurred_at
        shop.till.review(NOVEMBER, "zoe", "held", note="ask first")
        closed = shop.till.close(NOVEMBER)
        assert [refusal.customer for refusal in closed.refused] == ["alice", "zoe"]
        assert [shop.till.invoice(number).customer for number in closed.issued] == ["bob"]
        shop.till.review(NOVEMBER, "zoe", "released")
        assert len(shop.till.close(NOVEMBER).issued) == 2
        assert total(shop, "alice") == "333.00"
        assert shop.is_settled()

    def test_that_acts_where_no_record_lies_makes_no_document(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(9, "10-20", "bob"))
        shop.close(OCTOBER)
        shop.till.bind([("alice", "bob", worth(3, "10-25").occurred_at, None)])
        assert shop.close(NOVEMBER, IN_DECEMBER) == ()
        assert shop.is_settled()

    def test_that_acts_where_no_record_lies_leaves_what_comes_there_to_its_customer(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(9, "10-20", "bob"))
        shop.close(OCTOBER)
        shop.till.bind([("alice", "bob", worth(3, "10-25").occurred_at, None)])
        shop.take(worth(300, "10-21"), worth(600, "10-26"))
        assert shop.late() == {("arouter", "alice-300", "alice", OCTOBER), ("arouter", "alice-600", "bob", OCTOBER)}
        shop.close(NOVEMBER, IN_DECEMBER)
        assert (total(shop, "alice"), total(shop, "bob")) == ("330.00", "609.00")
        assert shop.late() == set()
        assert shop.is_settled()
        shop.till.bind([("alice", "cem", worth(3, "10-25").occurred_at, None)])
        shop.take(worth(6, "12-05", "bob"))
        shop.close(DECEMBER, IN_JANUARY)
        assert (total(shop, "alice"), total(shop, "bob"), total(shop, "cem")) == ("330.00", "15.00", "0.00")
        assert shop.close(OCTOBER) == ("cem",)
        assert (total(shop, "alice"), total(shop, "cem")) == ("330.00", "600.00")
        assert shop.is_settled()

    def test_does_not_move_what_was_taken_back(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "10-26"), worth(9, "10-20", "bob"))
        shop.close(OCTOBER)
        shop.till.bind([("alice", "bob", worth(3, "10-25").occurred_at, None)])
        shop.till.retract(record=("arouter", "alice-300"), reason="a test")
        shop.take(worth(3, "11-05", "bob"))
        shop.close(NOVEMBER, IN_DECEMBER)
        by_customer = {one.customer: told(adjustments(shop, one.number)) for one in shop.till.invoices(period=NOVEMBER)}
        assert by_customer == {"alice": [("retraction", "INV-000001", -1, "-300.00")], "bob": []}
        assert shop.is_settled()


class TestACreditNote:
    WANTED = contract("customer", "alice", invoice={"adjustments": "credit-note"})

    @staticmethod
    def shop(database: Database, *records: UsageRecord) -> Shop:
        shop = Shop(database, TestACreditNote.WANTED)
        shop.take(*records)
        shop.close(OCTOBER)
        return shop

    def test_gives_back_what_was_billed_too_much(self, database: Database) -> None:
        shop = self.shop(database, worth(30, "10-20"), worth(300, "10-21"))
        shop.till.retract(record=("arouter", "alice-300"), reason="a test")
        assert shop.close(OCTOBER) == ("alice",)
        note = shop.till.invoice("INV-000002")
        assert (note.kind, note.content["kind"], note.period) == ("credit-note", "credit-note", OCTOBER)
        assert note.content["corrects"] == {"period": OCTOBER, "number": "INV-000001"}
        assert (note.content["total"], note.content["due"]) == ("-300.00", "0.00")
        assert told(adjustments(shop, "INV-000002")) == [("retraction", "INV-000001", -1, "-300.00")]
        assert shop.is_settled()
        shop.take(worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        third = shop.till.invoice("INV-000003").content
        assert (third["total"], third["due"]) == ("3.00", "0.00")
        assert total(shop, "alice") == "33.00"
        assert shop.is_settled()

    def test_is_issued_with_the_next_invoice_which_brings_it_forward(self, database: Database) -> None:
        shop = self.shop(database, worth(30, "10-20"), worth(300, "10-21"))
        shop.till.retract(record=("arouter", "alice-30"), reason="a test")
        shop.take(worth(90, "11-05"))
        assert shop.close(NOVEMBER, IN_DECEMBER) == ("alice", "alice")
        invoice = shop.till.invoice("INV-000003").content
        assert (invoice["total"], invoice["due"]) == ("90.00", "60.00")
        assert shop.is_settled()

    def test_gives_credit_back_that_the_invoice_with_it_draws(self, database: Database) -> None:
        shop = Shop(database, TestACreditNote.WANTED, grants({"id": "g", "amount": "100"}))
        shop.take(worth(30, "10-20"), worth(60, "10-21"))
        shop.close(OCTOBER)
        shop.till.retract(record=("arouter", "alice-60"), reason="a test")
        shop.take(worth(90, "11-05"))
        assert shop.close(NOVEMBER, IN_DECEMBER) == ("alice", "alice")
        invoice = shop.till.invoice("INV-000003").content
        assert (invoice["total"], invoice["due"]) == ("90.00", "20.00")
        assert shop.is_settled()

    def test_never_exceeds_what_is_left_of_its_invoice(self, database: Database) -> None:
        shop = self.shop(database, worth(30, "10-20"))
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        shop.till.retract(record=("arouter", "alice-300"), reason="a test")
        shop.till.retract(record=("arouter", "alice-30"), reason="a test")
        shop.take(worth(3, "12-05", id_="d"))
        shop.close(DECEMBER, IN_JANUARY)
        assert [one.kind for one in shop.till.invoices()] == ["period"] * 3
        assert total(shop, "alice") == "6.00"


class TestTwoClosesAtOnce:
    """The other one does all of its work at a moment between two transactions of this one."""

    def test_bring_one_credit_note(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        shop = TestACreditNote.shop(database, worth(30, "10-20"), worth(300, "10-21"))
        shop.till.retract(record=("arouter", "alice-300"), reason="a test")
        self.meet(monkeypatch, "_start", lambda: shop.close(OCTOBER))
        assert shop.close(OCTOBER) == ()
        assert total(shop, "alice") == "30.00"
        assert shop.is_settled()

    @pytest.mark.parametrize("terms", [(), (TestACreditNote.WANTED,)], ids=["adjustment", "credit note"])
    @pytest.mark.parametrize("change", ["late", "retraction"])
    def test_of_two_months_correct_once(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, terms: tuple[Content, ...], change: str
    ) -> None:
        shop = Shop(database, *terms)
        shop.take(worth(30, "10-20"), worth(300, "10-21"))
        shop.close(OCTOBER)
        if change == "late":
            shop.take(worth(90, "10-22"))
        else:
            shop.till.retract(record=("arouter", "alice-300"), reason="a test")
        shop.take(worth(3, "11-05"), worth(6, "12-05"))
        self.meet(monkeypatch, "_issued", lambda: shop.close(NOVEMBER))
        closed = shop.close(DECEMBER, IN_JANUARY)
        assert closed in ((), ("alice",))
        shop.close(DECEMBER)
        assert total(shop, "alice") == ("429.00" if change == "late" else "39.00")
        assert shop.is_settled()

    @staticmethod
    def meet(monkeypatch: pytest.MonkeyPatch, name: str, other: Callable[[], object]) -> None:
        """Let another close run when this one comes to a function, once."""
        function = getattr(close, name)

        def meeting(*arguments: object) -> object:
            monkeypatch.undo()
            other()
            return function(*arguments)

        monkeypatch.setattr(close, name, meeting)


class TestAVoid:
    def test_is_refused_under_a_correction(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        with pytest.raises(Refused, match="INV-000002 corrects what INV-000001 billed"):
            shop.till.void("INV-000001", reason="a mistake")
        shop.till.void("INV-000002", reason="a mistake")
        shop.till.void("INV-000001", reason="a mistake")
        assert shop.close(OCTOBER) == ("alice",)
        assert shop.close(NOVEMBER) == ("alice",)
        assert total(shop, "alice") == "333.00"
        assert shop.is_settled()

    def test_of_a_correction_makes_it_due_again(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        closed = shop.till.reissue("INV-000002", reason="a mistake")
        assert closed.issued == ("INV-000003",)
        assert told(adjustments(shop, "INV-000003")) == [("late", "INV-000001", 1, "300.00")]
        assert shop.is_settled()

    def test_and_reissue_given_again_does_what_is_left(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(30, "10-20", "bob"))
        shop.close(OCTOBER)
        shop.till.void("INV-000001", reason="a mistake")  # where it was cut off
        assert shop.till.reissue("INV-000001", reason="a mistake").issued == ("INV-000003",)
        before = rows_of(database)
        again = shop.till.reissue("INV-000001", reason="a mistake")
        assert (again.issued, again.is_refused) == ((), False)
        assert rows_of(database) == before
        assert shop.is_settled()

    def test_is_refused_where_somebody_else_bills_what_was_given_up(self, database: Database) -> None:
        shop = Shop(database)
        shop.take(worth(30, "10-20"), worth(300, "10-21", "zoe"))
        shop.close(OCTOBER)
        shop.till.bind([("zoe", "alice", worth(3, "10-01").occurred_at, None)])
        shop.close(NOVEMBER, IN_DECEMBER)
        with pytest.raises(Refused, match="bills usage that INV-000004 gave up"):
            shop.till.void("INV-000004", reason="a mistake")


class TestWhatIsNotOfUsage:
    @pytest.mark.parametrize(
        "terms",
        [
            [contract("customer", "alice")],
            [
                contract("customer", "alice", invoice={"base_fee": {"amount": "31"}}),
                contract(
                    "customer",
                    "alice",
                    valid_from="2026-10-16T00:00:00Z",
                    recorded_at="2026-09-02T00:00:00Z",
                    invoice={"base_fee": {"amount": "62"}},
                ),
            ],
            [contract("customer", "kid", invoice={"parent": "alice", "base_fee": {"amount": "31"}})],
        ],
        ids=["manual lines of one name", "a fee that changed within the month", "a fee of a child without usage"],
    )
    def test_stays_what_it_was_when_a_record_came_late(self, database: Database, terms: list[Content]) -> None:
        shop = Shop(database, *terms)
        shop.take(worth(30, "10-20"))
        for amount in ("5", "7"):
            shop.till.add_line(OCTOBER, "alice", amount=amount, description="seat", reason="an order")
        shop.close(OCTOBER)
        shop.take(worth(300, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        assert told(adjustments(shop, "INV-000002")) == [("late", "INV-000001", 1, "300.00")]
        assert shop.till.verify().is_sound


def test_usage_that_moves_to_a_customer_with_other_periods_stands_in_each_of_them(database: Database) -> None:
    shop = Shop(database, contract("customer", "alice", anchor_day=15))
    shop.take(worth(9, "09-20"), worth(30, "10-20"), worth(600, "10-05", "zoe"), worth(300, "10-21", "zoe"))
    for month in ("2026-09", OCTOBER):
        shop.close(month, IN_NOVEMBER)
    shop.till.bind([("zoe", "alice", worth(3, "10-01").occurred_at, None)])
    shop.close(NOVEMBER, IN_DECEMBER)
    (number,) = (one.number for one in shop.till.invoices(period=NOVEMBER, customer="alice"))
    lines = adjustments(shop, number)
    assert [(line["corrects"]["period"], line["amount"]) for line in lines] == [
        ("2026-09", "600.00"),
        (OCTOBER, "300.00"),
    ]
    assert shop.is_settled()


def test_no_grant_gets_back_more_than_it_paid(database: Database) -> None:
    """All of two months moves away. The first gives back credit that would have gone over into the second one."""
    monthly = {
        "id": "monthly",
        "customer": "alice",
        "amount": "4",
        "every": "month",
        "rollover": {"max": "3", "months": 2},
    }
    granted = grants(monthly | {"valid_from": "2026-09-01T00:00:00Z"})
    shop = Shop(database, prices(price()), contract(), granted, now="2026-09-02T00:00:00+00:00")
    for month, day, after in (("2026-09", "09-10", "2026-10-03"), ("2026-10", "10-10", "2026-11-03")):
        shop.take(worth(9, day, id_=day))
        shop.close(month, f"{after}T09:00:00+00:00")
    shop.till.bind([("alice", "bob", at("2026-09-01T00:00Z"), None)])
    shop.close("2026-11", "2026-12-03T09:00:00+00:00")
    (document,) = (one.content for one in shop.till.invoices(period="2026-11") if one.customer == "alice")
    given_back = {item["name"]: item["amount"] for item in document["items"] if item["kind"] == "credit"}
    assert given_back == {"monthly@2026-09": "4.00", "monthly@2026-10": "4.00"}
    assert (document["total"], document["due"]) == ("-18.00", "0.00")
    assert shop.till.verify().is_sound
