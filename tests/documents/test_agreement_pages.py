"""Review pages of invoices with everything on them: fees, children, interim invoices, and all steps to what is due."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders import MovableClock, at, attribution, contract, folder, grants, price, prices, record
from tests.documents.everything import CHILD, OCTOBER, PAYER, till_of_everything
from tests.documents.page_reading import PageReader
from tests.documents.test_pages_in_a_browser import BROWSERS, dom_of
from tests.documents.test_review_pages import ALLOWED_TAGS, HOSTILE, amounts_of, page_of
from tokentill.canonical import Content
from tokentill.documents.escaping import page_name, shown_id, shown_text
from tokentill.documents.review_pages import review_pages, write_review_pages
from tokentill.documents.totals_rows import totals_rows
from tokentill.invoicing.preview import Preview
from tokentill.store.database import Database
from tokentill.till import Till


@pytest.fixture
def preview(sqlite_database: Database) -> Preview:
    """October of everything, over and not closed yet."""
    return till_of_everything(sqlite_database).preview(OCTOBER)


def read(preview: Preview) -> dict[str, PageReader]:
    return {name: PageReader(page) for name, page in review_pages(preview).items()}


def test_every_figure_is_on_the_page_and_the_page_is_whole(preview: Preview) -> None:
    pages = read(preview)
    for found in preview.customers:
        reader = page_of(pages, found.invoice.customer)
        content = found.invoice.content()
        left_out = {"requests_without_cost", "period", "tax"}  # each tax has a row of its own
        kept = {key: value for key, value in content.items() if key not in left_out}
        signless = {number.lstrip("-") for number in reader.numbers}
        assert {number.lstrip("-") for number in amounts_of(kept)} <= signless, found.invoice.customer
    for reader in pages.values():
        ids = reader.values("id")
        assert len(ids) == len(set(ids))
        assert {target[1:] for target in reader.values("href") if target.startswith("#")} <= set(ids)
        assert set(reader.tags) <= ALLOWED_TAGS
        assert not reader.open[2:], "every tag is closed"


def test_the_steps_from_the_lines_to_what_is_due_stand_in_their_order(preview: Preview) -> None:
    text = page_of(read(preview), PAYER).text
    expected = (
        "Subtotal 13 57.673314 187.746 187.75",
        "Coupon launch-10 10 % of 187.75 \N{MINUS SIGN}18.78",
        "Coupon sorry a fixed amount, from 168.97 \N{MINUS SIGN}5.00",
        "Committed spend 163.97 is raised to 300.00 136.03",
        "Interim invoice 1, INV-000002 of 2026-10-20 invoiced before, without its tax \N{MINUS SIGN}26.62",
        "Taxable 273.38",
        "VAT 19 % of 300.00, less 5.06 invoiced before 51.94",
        "city levy 1.5 % of 300.00, less 0.40 invoiced before 4.10",
        "Total USD 329.42",
        "Prepaid credit prepaid 2026 78.42 before, 0.00 left \N{MINUS SIGN}78.42",
        "Prepaid credit sparks 200.00 before, 0.00 left \N{MINUS SIGN}200.00",
        "Due USD 51.00",
    )
    assert " ".join(expected) in re.sub(r"[\u2007\u2008 ]+", " ", text)


def test_what_is_charged_beside_requests_shows_its_arithmetic(preview: Preview) -> None:
    text = page_of(read(preview), PAYER).text
    for said in (
        "image, packages of 100 images by the hundred",
        "205 begin 3 at 4.5 each",
        "205 image begin 3 packages of 100 3 × 4.5",
        "charged once, on entering the tier above 5,000,000 1 × 7.5",
        "agreed on 21 of the 31 days of the period 99 × 21 / 31, rounded 67.06",
        "tier of the rule: up to 5,000,000",
        "of the same requests · 3,500,000 input · tier of the rule: above 5,000,000",
        "input included in the period 1,000,000 at no charge",
        "covered by the allowance of the period taken off \N{MINUS SIGN}0.5",
        "of the provider's cost, as the gateway reported it 5 % of 4",
        "raises each request to its cost and 10 % what was missing 0.14",
        "one spark is worth 0.002 2 × 0.002, less 0.001971 so far",
    ):
        assert said in text, said


def test_the_lines_of_a_child_stand_together_under_its_name(preview: Preview) -> None:
    pages = read(preview)
    assert page_name(CHILD) not in pages, "its usage stands on its parent's invoice"
    text = page_of(pages, PAYER).text
    own, child = text.index("Used by acme itself 180.91"), text.index("Used by acme lab , under its own contract 6.84")
    assert own < text.index("platform fee, larger") < child < text.index("Subtotal")
    assert "Customer: acme lab · Model: acme/small · mode: standard · rule: lab" in text
    assert "Used by" not in page_of(pages, "koi").text


def test_what_a_month_comes_to_is_said_with_its_interim_invoices(preview: Preview) -> None:
    text = page_of(read(preview), PAYER).text
    assert "Total 329.42 USD" in text
    assert "Due 51.00 USD" in text
    assert "Whole period 361.50 USD" in text
    assert "by interim invoices of this period: INV-000002 of 2026-10-20 (32.08 USD, 0.00 due)" in text
    assert "Change +359.50" in text, "against the 2.00 of September, of the whole month"
    # 300.00 before tax for 39.3011 at the gateway
    assert "Margin +260.6989 (86.9 %) before tax" in text
    index = read(preview)["index.html"].text
    assert "329.42 51.00 due" in index
    assert "0.276 0.000 due" in index


def test_minor_units_are_those_of_the_currency(preview: Preview) -> None:
    pages = read(preview)
    assert "Cap 1,344 is limited to 1,200 \N{MINUS SIGN}144" in page_of(pages, "koi").text
    assert "1,200.0" not in page_of(pages, "koi").text
    oasis = page_of(pages, "oasis").text
    assert "Carried forward too small to be paid now, for the next invoice \N{MINUS SIGN}0.276" in oasis
    assert "Due KWD 0.000" in oasis


def test_a_running_month_says_who_has_reached_the_threshold(sqlite_database: Database) -> None:
    shop = till_of_everything(sqlite_database)
    assert isinstance(shop.clock, MovableClock)
    shop.clock.instant = at("28 09:00")
    pages = read(shop.preview(OCTOBER))
    text = page_of(pages, PAYER).text
    # 56.50 have accrued without fees, of which 26.62 are invoiced: 29.88 are left
    assert "The threshold of 25 USD for an interim invoice is reached" in text
    assert "tokentill close 2026-10 --interim bills what has accrued so far" in text
    assert "Not due yet Interim invoice" in pages["index.html"].text
    shop.close(OCTOBER, interim=True)
    after = page_of(read(shop.preview(OCTOBER)), PAYER).text
    assert "The threshold of" not in after
    assert "Interim invoice 2, INV-000003 of 2026-10-28" in after


def hostile_preview(database: Database) -> Preview:
    """A month in which everything that people may name has a hostile name."""
    names = iter([text for text in HOSTILE if len(text) < 100] * 3)
    child = next(names)
    rules: list[Content] = [
        {
            "name": next(names),
            "match": {"model": ["acme/image"]},
            "package": {"image": {"price": "4.5", "size": 100}},
        },
        {
            "name": next(names),
            "match": {"model": ["acme/small"]},
            "credits": {"name": next(names), "worth": "0.002", "round_up": "request"},
        },
        {"name": next(names), "markup_percent": "20"},
    ]
    terms: Content = {
        "base_fee": {"amount": "99", "name": next(names)},
        "minimum": {"amount": "300", "name": next(names)},
        "coupon": [{"id": next(names), "percent": "10"}],
        "tax": [{"name": next(names), "percent": "19"}],
    }
    agreed = folder(
        prices(price(), price("acme/small"), price("acme/image", fees={"image": {"price": "1"}})),
        contract("customer", "payer", rules=rules, invoice=terms),
        contract("customer", child, invoice={"parent": "payer"}),
        grants({"customer": "payer", "id": next(names), "amount": "5"}),
        attribution(),
    )
    shop = Till(database, agreed, clock=MovableClock(at("20")), grace=timedelta(0))
    shop.ingest(
        [
            record("1", user="payer", model="acme/image", image=130, when="3"),
            record("2", user="payer", model="acme/small", input=1, when="3"),
            record("3", user="payer", when="3"),
            record("4", user=child, when="4"),
        ]
    )
    assert len(shop.close(OCTOBER, interim=["payer"]).issued) == 1
    return shop.preview(OCTOBER)


def names_of(preview: Preview) -> list[str]:
    """Everything that was named, as it is written on a page."""
    content = preview.customers[0].invoice.content()
    shown_as_ids = [item["name"] for item in content["items"] if item["kind"] in ("coupon", "credit")]
    shown_as_ids += [line["customer"] for line in content["lines"] if "customer" in line]
    prose = [item["name"] for item in content["items"] if item["kind"] in ("minimum", "tax")]
    prose += [line["rule"] for line in content["lines"] if line["rule"]]
    return [*map(shown_id, shown_as_ids), *(text for text in map(shown_text, prose))]


def test_hostile_names_are_text_and_nothing_else(sqlite_database: Database, tmp_path: Path) -> None:
    preview = hostile_preview(sqlite_database)
    paths = write_review_pages(preview, tmp_path / "pages")
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    for number, path in enumerate(paths):
        source = path.read_text("utf-8")
        assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f]", source)
        seen = source if browser is None else dom_of(browser, path, tmp_path / f"profile-{number}")
        reader = PageReader(seen)
        assert set(reader.tags) <= ALLOWED_TAGS | ({"tbody"} if browser else set())
        assert not [name for _, name, _ in reader.attributes if name.startswith("on") or name == "style"]
    text = PageReader((tmp_path / "pages" / page_name("payer")).read_text("utf-8")).text.lower()
    names = names_of(preview)
    assert len(names) >= 8
    for name in names:
        assert " ".join(name.lower().split()) in text, name


def test_steps_that_turn_around_or_come_from_elsewhere_say_so() -> None:
    items = [
        {"kind": "tax", "name": "old", "amount": "-0.09", "invoiced": "0.09"},
        {
            "kind": "balance",
            "name": "brought forward",
            "amount": "1.13",
            "customer": "acme lab",
            "original": "1.50",
            "original_currency": "USD",
            "rate": "0.75",
        },
        {"kind": "credit", "name": "g", "amount": "3.00", "of": "7.00"},
    ]
    content = {"items": items, "subtotal": "0.00", "tax": "-0.09", "total": "-0.09", "due": "4.04", "currency": "EUR"}
    assert [(row.name, row.note, row.amount) for row in totals_rows(content)] == [
        ("Subtotal", "", "0.00"),
        ("old", "less 0.09 invoiced before", "\N{MINUS SIGN}0.09"),
        ("Total EUR", "", "\N{MINUS SIGN}0.09"),
        ("Brought forward", "carried on by acme lab: 1.50 USD, at 0.75", "1.13"),
        ("Prepaid credit g", "7.00 before, 10.00 left, given back", "3.00"),
        ("Due EUR", "", "4.04"),
    ]
