"""Invoices with everything on them that a contract can agree to, as an accountant reads them in a terminal.

The text lies in `golden/`; TOKENTILL_WRITE_GOLDEN=1 writes it anew, to be read before it is kept. That the figures are
right is not taken from there: every printed sum and every printed piece of arithmetic is worked out again in fractions.
"""

from __future__ import annotations

import math
import os
import re
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cli.running import Cli
from tests.documents.everything import OCTOBER, PAYER, months_of_everything
from tokentill.canonical import Content
from tokentill.store.database import Database

pytestmark = pytest.mark.postgresql_one_in(8)

GOLDEN = Path(__file__).parent / "golden"
IS_WRITING = os.environ.get("TOKENTILL_WRITE_GOLDEN") == "1"
NUMBERS = [f"INV-{number:06d}" for number in range(1, 6)]
DIGITS = {"USD": 2, "JPY": 0, "KWD": 3}


@pytest.fixture
def issued(cli: Cli, database: Database, database_url: str) -> Cli:
    """The command line on a database, of each kind, in which both months are issued."""
    months_of_everything(database)
    cli.patch.setenv("TOKENTILL_DB", database_url)
    cli.write_pricing()
    return cli


def compare(name: str, text: str) -> None:
    """Hold text to what is kept, hashes left out: they are looked at where invoices are computed."""
    shown = re.sub(r"sha256:[0-9a-f]{64}", "sha256:...", text)
    path = GOLDEN / name
    if IS_WRITING:
        path.write_text(shown, "utf-8")
    assert shown == path.read_text("utf-8")


def test_every_invoice_reads_so(issued: Cli) -> None:
    compare("invoices.txt", "\n".join(issued("invoices", "show", number).out for number in NUMBERS))
    compare("list.txt", issued("invoices", "list").out)


def test_every_line_is_explained_so(issued: Cli) -> None:
    compare("explained.txt", issued("explain", "INV-000003").out)


def minor(text: str, currency: str) -> Fraction:
    return Fraction(text) * 10 ** DIGITS[currency]


def rounded(amount: Fraction) -> int:
    """To a whole number, halves away from zero."""
    return int(math.copysign(math.floor(abs(amount) + Fraction(1, 2)), amount))


def test_every_document_adds_up_from_its_lines_to_what_is_due(issued: Cli) -> None:
    documents: list[Content] = issued("invoices", "list", "--json").json["invoices"]
    assert [document["number"] for document in documents] == NUMBERS
    for document in documents:
        currency = document["currency"]

        def of(text: str, currency: str = currency) -> Fraction:
            return minor(text, currency)

        running = sum(of(line["amount"]) for line in document["lines"])
        assert running == of(document["subtotal"])
        items: list[Content] = document.get("items", [])
        order = ["coupon", "minimum", "cap", "invoiced", "tax", "balance", "credit", "carried"]
        assert [order.index(item["kind"]) for item in items] == sorted(order.index(item["kind"]) for item in items)
        taxable = running + sum(of(item["amount"]) for item in items if order.index(item["kind"]) < order.index("tax"))
        for item in items:
            if item["kind"] == "tax":
                whole = taxable - sum(of(one["amount"]) for one in items if one["kind"] == "invoiced")
                share = rounded(whole * Fraction(item["percent"]) / 100)
                assert of(item["of"]) == whole
                assert of(item["amount"]) == share - of(item.get("invoiced", "0"))
            if item["kind"] in ("minimum", "cap"):
                assert running + of(item["amount"]) == of(item["of"])
            if item["kind"] == "coupon" and "percent" in item:
                assert of(item["amount"]) == -rounded(running * Fraction(item["percent"]) / 100)
            running += of(item["amount"])
            if item["kind"] == "credit":
                assert 0 < -of(item["amount"]) <= of(item["of"])
        assert running == of(document.get("due", document["total"])) >= 0
        taxes = sum(of(item["amount"]) for item in items if item["kind"] == "tax")
        assert (taxes, taxable + taxes) == (of(document["tax"]), of(document["total"]))


def test_the_month_is_billed_once_in_two_documents(issued: Cli) -> None:
    """300.00 of committed spend with both taxes, 361.50, is what the interim invoice and the rest come to."""
    early, rest = (issued("invoices", "show", number, "--json").json for number in ("INV-000002", "INV-000003"))
    assert Fraction(early["total"]) + Fraction(rest["total"]) == Fraction("361.50")
    assert [found["number"] for found in rest["interim_invoices"]] == ["INV-000002"]
    assert (early["kind"], early["part"], rest["kind"]) == ("interim", 1, "period")
    paid = {"INV-000001": "2.00", "INV-000002": "10.50", "goodwill": "12.50"}
    assert Fraction(paid["INV-000001"]) + Fraction(paid["INV-000002"]) == Fraction(paid["goodwill"])


def worked_out(text: str) -> Fraction | None:
    """What a printed piece of arithmetic comes to; None where it is words."""
    text = text.replace(",", "").replace("\N{MINUS SIGN}", "-").removesuffix(" rounded")
    if " less " in text:
        value, _, less = text.partition(" less ")
        first, second = worked_out(value), worked_out(less.removesuffix(" so far").removesuffix(" invoiced before"))
        return None if first is None or second is None else first - second
    text = re.sub(r"^(-?[0-9.]+) [^x]*?(?= x )", r"\1", text)  # the name of what is counted
    text = re.sub(r"^([0-9.-]+) % of ", r"\1 / 100 x ", text)
    parts = re.split(r" ([x/]) ", text)
    if not all(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", part) for part in parts[::2]):
        return None
    value = Fraction(parts[0])
    for sign, part in zip(parts[1::2], parts[2::2], strict=True):
        value = value * Fraction(part) if sign == "x" else value / Fraction(part)
    return value


def test_every_printed_piece_of_arithmetic_comes_to_what_stands_behind_it(issued: Cli) -> None:
    checked, in_words = 0, []
    for number in NUMBERS:
        lines = issued("explain", number, "--records", "0").out.splitlines()
        for line in (line.strip() for line in lines if " = " in line):
            left, _, amount = line.rpartition(" = ")
            arithmetic = left.rpartition(": ")[2] if ": " in left else left
            value = worked_out(arithmetic)
            if value is None:
                in_words += [] if line.startswith("step ") else [arithmetic]
                continue
            expected = Fraction(amount.replace(",", "").replace("\N{MINUS SIGN}", "-"))
            is_rounded = arithmetic.endswith("rounded")
            assert (Fraction(rounded(value * 100), 100) if is_rounded else value) == expected, line
            checked += 1
    assert checked >= 35
    assert set(in_words) <= {"what was missing", "taken off", "1,000,000 at no charge"}


def test_the_lines_of_children_stand_together(issued: Cli) -> None:
    text = issued("invoices", "show", "INV-000003").out
    own, _, of_child = text.partition("used by acme lab, under its own contract: 6.84 USD")
    assert "used by acme itself: 180.91 USD" in own
    assert "platform fee: 21 of 31 days at 99" in own
    assert [line.split()[0] for line in of_child.splitlines() if " lab " in line] == ["6", "7"]
    explained = issued("explain", "INV-000003", "7").out
    assert "line 7: acme/small, of acme lab, 1 request" in explained


def test_a_period_is_listed_with_its_interim_invoice(issued: Cli) -> None:
    listed = issued("invoices", "list", "--period", OCTOBER, "--customer", PAYER).out
    assert re.search(r"^INV-000002  acme +2026-10 interim 1  issued +32\.08 +0\.00  USD", listed, re.MULTILINE)
    assert re.search(r"^INV-000003  acme +2026-10 +issued +329\.42 +51\.00  USD", listed, re.MULTILINE)
