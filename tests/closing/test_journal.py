"""Everything that is issued is in the journal: it comes to nothing, and what is receivable is what documents say."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import OCTOBER, contract, grants, price, prices
from tests.closing.journals import hold, of_customers, sums
from tests.closing.test_one_document_a_record import EUROS, NOVEMBER, Shop, agreed, worth
from tests.closing.world_runs import WorldRun
from tests.closing.worlds import World
from tests.closing.years import lived_year
from tests.documents.bookkeeping import PROGRAMS, balances, complaints, need
from tests.invoicing.bench import new_sqlite
from tests.invoicing.generated_terms import granted, invoice_terms
from tests.shares import daily
from tokentill.canonical import Content
from tokentill.documents.views.journal import JournalFormat
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready
from tokentill.till import Till

pytestmark = pytest.mark.postgresql_one_in(8)

DECEMBER = "2026-12"
IN_NOVEMBER, IN_DECEMBER, IN_JANUARY = (f"{day}T09:00:00+00:00" for day in ("2026-11-20", "2026-12-20", "2027-01-20"))
GOLDEN = Path(__file__).parent / "data" / "journal.hledger"
ODD_IDS = (
    "alice",
    "C-alice",
    "acme-corp",
    "acme--corp",
    "a:b",
    "x; y",
    'q"uo\\te',
    "ä\u202eö",
    "[2026-01-01]",
    " ",
    "a,b",
)


def opened(path: Path) -> Database:
    database = Database.open(str(path))
    make_ready(database)
    return database


@pytest.mark.parametrize("seed", daily(range(6), 1))
def test_a_year_of_corrections_is_balanced_and_comes_to_what_is_due(seed: int) -> None:
    hold(lived_year(seed).shop.till)


@pytest.mark.parametrize("seed", daily([4, 9], 1))
def test_a_world_of_everything_that_people_do_is_balanced_and_comes_to_what_is_due(seed: int) -> None:
    with new_sqlite() as database:
        world = WorldRun(World.of(seed), database)
        world.live_through()
        hold(world.new_till())


@settings(max_examples=max(5, settings().max_examples // 3))
@given(invoice_terms(), granted(), st.integers(1, 4_000), st.booleans())
def test_whatever_is_agreed_the_journal_comes_to_what_the_documents_say(
    terms: Content, listed: list[Content], dollars: int, is_void: bool
) -> None:
    database = opened(Path(tempfile.mkdtemp()) / "a.db")
    contents = [agreed("alice", invoice={**terms, "interim_at": "1"}), EUROS, *([grants(*listed)] if listed else [])]
    shop = Shop(database, *contents, now="2026-10-10T09:00:00+00:00")
    shop.take(worth(dollars, "10-05"))
    shop.close(OCTOBER, interim=["alice"])
    shop.take(worth(7, "10-20"), worth(3, "10-21", "bob"))
    shop.close(OCTOBER, IN_NOVEMBER)
    hold(shop.till)
    if is_void:
        last = shop.till.invoices(customer="alice")[-1]
        shop.till.reissue(last.number, reason="a test")
        hold(shop.till)
    shop.take(worth(9, "10-22"), worth(2, "11-05"))
    shop.close(NOVEMBER, IN_DECEMBER)
    journal = hold(shop.till)
    database.close()
    liable = of_customers(journal, "Liabilities:Prepaid-Credit")
    assert all(amount <= 0 for amount in liable.values()), "credit is never an asset of ours"


class TestPrepaidCredit:
    def test_is_a_liability_that_documents_draw_and_expiry_makes_revenue(self, database: Database) -> None:
        bought = grants({"id": "bought", "amount": "100", "expires_at": "2026-11-01T00:00:00Z"})
        shop = Shop(database, bought)
        shop.take(worth(30, "10-20"), worth(0, "09-20", "bob"))
        shop.close("2026-09", "2026-10-25T09:00:00+00:00")
        assert sums(hold(shop.till)) == {
            ("Assets:Payments-For-Credit:C-alice", "USD"): Decimal(100),
            ("Liabilities:Prepaid-Credit:C-alice:N-bought", "USD"): Decimal(-100),
        }, "what is left is not known before October is closed"
        shop.clock.instant = datetime.fromisoformat(IN_NOVEMBER)
        shop.close(OCTOBER)
        journal = hold(shop.till)
        assert sums(journal) == {
            ("Assets:Payments-For-Credit:C-alice", "USD"): Decimal(100),
            ("Income:Usage", "USD"): Decimal(-30),
            ("Income:Breakage", "USD"): Decimal(-70),
        }
        of_alice = [one for one in journal.transactions if one.customer == "alice"]
        assert [(one.kind, str(one.date)) for one in of_alice] == [
            ("prepaid-credit", "2026-01-01"),
            ("breakage", "2026-10-31"),
            ("period", "2026-11-20"),
        ]

    def test_what_is_drawn_after_it_became_revenue_lowers_that_revenue(self, database: Database) -> None:
        bought = grants({"id": "bought", "amount": "100", "expires_at": "2026-11-01T00:00:00Z"})
        shop = Shop(database, bought)
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        before = shop.till.journal(ends_at=datetime.fromisoformat("2026-12-01T00:00:00+00:00"))
        shop.take(worth(60, "10-21"), worth(3, "11-05"))
        shop.close(NOVEMBER, IN_DECEMBER)
        journal = hold(shop.till)
        assert sums(journal)["Income:Breakage", "USD"] == Decimal(-10)
        assert journal.transactions[: len(before.transactions)] == before.transactions, "what was booked stays"

    @pytest.mark.parametrize(("paid", "liability", "given"), [("0", 0, 30), ("50", -35, 15), ("100", -70, 0)])
    def test_counts_for_what_was_paid_for_it(self, paid: str, liability: int, given: int, database: Database) -> None:
        shop = Shop(database, grants({"id": "g", "amount": "100", "paid": paid}))
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        found = sums(hold(shop.till))
        assert found.get(("Liabilities:Prepaid-Credit:C-alice:N-g", "USD"), 0) == liability
        assert found.get(("Income:Discounts:Given-Credit", "USD"), 0) == given

    def test_is_what_closes_were_made_with_whatever_the_folder_says(self, database: Database) -> None:
        bought, more = {"id": "bought", "amount": "100"}, {"id": "more", "amount": "50"}
        shop = Shop(database, grants(bought, more))
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        before = shop.till.journal().content()
        shop.write(contract())
        assert shop.till.journal().content() == before
        shop.till.close(NOVEMBER, accept_pricing_change=True)
        shop.take(worth(3, "11-05"))
        shop.clock.instant = datetime.fromisoformat(IN_DECEMBER)
        shop.till.close(NOVEMBER, accept_pricing_change=True)
        found = of_customers(hold(shop.till), "Liabilities:Prepaid-Credit")
        assert found == {("alice", "USD"): Decimal(-70)}, "what was drawn from stays, what was not is stated no more"

    def test_comes_back_by_a_void(self, database: Database) -> None:
        shop = Shop(database, grants({"id": "g", "amount": "100"}))
        shop.take(worth(30, "10-20"))
        shop.close(OCTOBER)
        before = sums(shop.till.journal())
        shop.till.reissue("INV-000001", reason="a test")
        assert sums(hold(shop.till)) == before
        assert [one.kind for one in shop.till.journal().transactions] == ["prepaid-credit", "period", "void", "period"]


def test_a_void_takes_everything_back_at_its_instant(database: Database) -> None:
    taxed = agreed("alice", invoice={"tax": [{"name": "VAT", "percent": "19"}]})
    shop = Shop(database, taxed)
    shop.take(worth(30, "10-20"))
    shop.close(OCTOBER)
    shop.clock.instant = datetime.fromisoformat(IN_DECEMBER)
    shop.till.void("INV-000001", reason="wrong address")
    journal = hold(shop.till)
    assert sums(journal) == {}
    assert [(one.kind, str(one.date), one.reason) for one in journal.transactions] == [
        ("period", "2026-11-20", ""),
        ("void", "2026-12-20", "wrong address"),
    ]


def test_a_credit_note_lowers_revenue_and_is_carried_on(database: Database) -> None:
    noted = agreed("alice", invoice={"adjustments": "credit-note", "tax": [{"name": "VAT", "percent": "10"}]})
    shop = Shop(database, noted)
    shop.take(worth(30, "10-20"), worth(300, "10-21"))
    shop.close(OCTOBER)
    shop.till.retract(record=("arouter", "alice-300"), reason="a test")
    shop.close(NOVEMBER, IN_DECEMBER)
    journal = hold(shop.till)
    assert [one.kind for one in journal.transactions] == ["period", "credit-note"]
    assert sums(journal) == {
        ("Assets:Carried-Forward:C-alice", "USD"): Decimal(-330),
        ("Assets:Receivable:C-alice", "USD"): Decimal(363),
        ("Liabilities:Tax:N-VAT", "USD"): Decimal(-3),
        ("Income:Usage", "USD"): Decimal(-330),
        ("Income:Adjustments:Usage", "USD"): Decimal(300),
    }


def test_a_balance_in_another_currency_is_balanced_in_each(database: Database) -> None:
    small = agreed("alice", invoice={"smallest_amount": "50"})
    shop = Shop(database, small, EUROS)
    shop.take(worth(30, "10-20"))
    shop.close(OCTOBER)
    euros = agreed("alice", "11-21", "2026-11-01T00:00:00Z", currency="EUR", invoice={"smallest_amount": "0"})
    shop.write(small, euros, EUROS)
    shop.take(worth(300, "11-05"))
    shop.close(NOVEMBER, IN_DECEMBER)
    found = sums(hold(shop.till))
    assert {key for key in found if key[0] == "Equity:Conversion"} == {
        ("Equity:Conversion", "EUR"),
        ("Equity:Conversion", "USD"),
    }


def test_a_period_and_days_choose_what_is_written(database: Database) -> None:
    shop = Shop(database)
    shop.take(worth(30, "10-20"), worth(3, "11-05"))
    shop.close(OCTOBER)
    shop.close(NOVEMBER, IN_DECEMBER)
    till = shop.till
    december = datetime.fromisoformat("2026-12-01T00:00:00+00:00")
    assert [one.number for one in till.journal(OCTOBER).transactions] == ["INV-000001"]
    assert [one.number for one in till.journal(ends_at=december).transactions] == ["INV-000001"]
    assert [one.number for one in till.journal(starts_at=december).transactions] == ["INV-000002"]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A database with odd ids, three currencies, tax, grants, a void, corrections and an interim invoice."""
    database = opened(tmp_path_factory.mktemp("journal") / "a.db")
    rates = [
        {"from": "USD", "to": currency, "date": "2026-01-01", "rate": rate}
        for currency, rate in (("EUR", "0.9"), ("JPY", "149.25"), ("KWD", "0.30711"))
    ]
    tax = {"tax": [{"name": "VAT, reduced; 7 %", "percent": "7"}]}
    shop = Shop(
        database,
        prices(price()),
        {"format": 1, "kind": "fx", "recorded_at": "2026-01-01T00:00:00Z", "source": "a test", "rate": rates},
        agreed("alice", invoice={**tax, "interim_at": "1", "coupon": [{"id": "hello", "percent": "10"}]}),
        agreed("yen", currency="JPY", invoice=tax),
        agreed("dinar", currency="KWD", invoice={"smallest_amount": "5"}),
        grants(
            {"id": "bought", "amount": "20", "expires_at": "2026-11-01T00:00:00Z"},
            {"id": 'half, "paid"', "amount": "50", "paid": "25", "expires_at": "2026-10-15T00:00:00Z", "priority": 1},
            {"id": "g", "amount": "1000", "currency": "JPY", "customer": "yen"},
        ),
        now="2026-10-10T09:00:00+00:00",
    )
    shop.take(worth(30, "10-05", id_="1"), worth(30, "10-05", "yen", id_="2"))
    shop.close(OCTOBER, interim=["alice"])
    shop.take(*(worth(7 + n, "10-20", id_, id_=f"odd-{n}") for n, id_ in enumerate(ODD_IDS)))
    shop.take(worth(9, "10-21", "dinar"), worth(11, "10-23", "yen"))
    shop.close(OCTOBER, IN_NOVEMBER)
    shop.take(worth(9, "10-22", id_="late"), worth(2, "11-05"), worth(3, "11-05", "yen"), worth(40, "11-06", "dinar"))
    shop.close(NOVEMBER, IN_DECEMBER)
    shop.till.reissue(shop.till.invoices(customer="a:b")[-1].number, reason='wrong, so [to say] "twice"\nat least')
    yield shop.till
    database.close()


def test_it_reads_so(everything: Till) -> None:
    """TOKENTILL_WRITE_GOLDEN=1 writes the file anew; its sums are looked at below."""
    text = everything.journal().text("hledger")
    if os.environ.get("TOKENTILL_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(text, encoding="utf-8", newline="")
    assert text == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("program", PROGRAMS)
def test_bookkeeping_programs_load_it_and_find_the_balances_that_it_has(
    program: JournalFormat, everything: Till, tmp_path: Path
) -> None:
    need(program)
    journal = hold(everything)
    text = journal.text(program)
    assert complaints(program, text, tmp_path) == ""
    assert balances(program, text, tmp_path) == sums(journal)


@pytest.mark.parametrize("program", PROGRAMS)
def test_bookkeeping_programs_refuse_one_that_lost_a_cent(
    program: JournalFormat, everything: Till, tmp_path: Path
) -> None:
    need(program)
    text = everything.journal().text(program)
    broken = text.replace("3.00 USD", "3.01 USD", 1)
    assert broken != text
    assert complaints(program, broken, tmp_path)


def test_a_journal_of_nothing_is_empty(database: Database) -> None:
    till = Shop(database, contract()).till
    assert till.journal().content() == {"transactions": []}
