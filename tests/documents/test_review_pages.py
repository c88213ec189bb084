"""Review pages say everything that a preview holds, and nothing that an id would have them say."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.documents.page_reading import PageReader
from tests.documents.preview_builders import (
    DEFAULT_RULES,
    books,
    cell,
    contract,
    invoice,
    preview,
    previewed,
    review,
    unattributed,
)
from tokentill.documents.escaping import page_name, shown_id
from tokentill.documents.review_pages import review_pages
from tokentill.invoicing.findings import PreviewFinding
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.preview import Preview, Previewed

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style><script>document.title='taken'</script>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% for %}",
    "&lt;b&gt;&#60;",
    "evil\u202eterces",
    "\u2066isolated",
    " user_1",
    "user_1 ",
    "a  b",
    "\u0430cme",
    "../../etc/passwd",
    "C:\\windows",
    "x" * 500,
    "\U0001f98a\u200d\U0001f98a",
    "=1+1",
    "-rf",
    "`tokentill close 2026-10`",
]
ALLOWED_TAGS = set(
    "html head meta link title style body a header main footer nav section article h1 h2 h3 p div span strong b small"
    " bdi code pre dl dt dd table caption thead tbody tfoot tr th td figure figcaption svg line rect text title time"
    " details summary".split()
)


def all_kinds() -> Preview:
    """A preview with every kind of price, currency and state."""
    used = books(
        contract(None, currency="USD", rule=DEFAULT_RULES),
        contract("yen", currency="JPY", rule=DEFAULT_RULES),
        contract("dinar", currency="KWD", anchor_day=15, time_zone="Asia/Kuwait", rule=DEFAULT_RULES),
        contract("own", rule=[{"name": "own rates", "basis": "own", "rates": {"input": "2.8", "output": "14"}}]),
        contract("gift", rule=[{"name": "free of charge", "basis": "free"}]),
        contract("less", rule=[{"name": "discount", "markup_percent": "-12.5"}]),
    )
    mixed = [
        cell(day=3, requests=7, cache_read=5_000, input=1_234_567, output=89_012, reasoning=34_567, web_search=4),
        cell(day=4, band=250_000, requests=2),
        cell(day=5, mode="batch", requests=3),
        cell(day=6, geo="us"),
        cell("night/owl", day=7, hour=10),
        cell("night/owl", day=7, hour=18),
        cell("lab/small", mode="batch", day=8, cost="0.123456"),
        cell("gift/free", day=9),
    ]

    def of(customer: str, cells: Any = None) -> Invoice:
        return invoice(customer, mixed if cells is None else cells, of=used)

    approved, held, stale, issued, moved = (of(name) for name in ("approved", "held", "stale", "issued", "moved"))
    customers = [
        previewed(approved, review(approved, note="fine"), previous_total_minor=900, previous_currency="USD"),
        previewed(held, review(held, "held", note="ask <them> first")),
        previewed(stale, review(stale, content_hash="sha256:" + "0" * 64)),
        previewed(issued, issued_number="TT-0001", issued_hash=issued.content_hash),
        previewed(moved, issued_number="TT-0002", issued_hash="sha256:" + "1" * 64, late_requests=17),
        previewed(of("unpriced", [cell("lab/unknown", requests=12), cell()])),
        previewed(of("missing", [cell(requests=31, usage_state="missing"), cell()])),
        previewed(of("no cost", [cell(cost=None)]), previous_total_minor=0, previous_currency="USD"),
        previewed(of("later"), is_due=False, previous_total_minor=100, previous_currency="EUR"),
        previewed(of("yen")),
        previewed(of("dinar", [cell(day=20, requests=5), cell("lab/small", day=21)])),
        previewed(of("own", [cell(requests=3)])),
        previewed(of("gift")),
        previewed(of("less")),
        previewed(of("nothing", [])),
    ]
    nobody = unattributed(480, "1.75", "0.5", no_user_at_all=430, no_rule_fits=50)
    return preview(customers, nobody=nobody, of=used)


@pytest.fixture(scope="module")
def shown() -> dict[str, PageReader]:
    """Every page of `all_kinds`, read."""
    return {name: PageReader(page) for name, page in review_pages(all_kinds()).items()}


@pytest.fixture(scope="module")
def hostile_pages() -> dict[str, str]:
    """Pages of customers whose ids, models and notes are all hostile."""
    customers = []
    for text in HOSTILE:
        made = invoice(text, [cell(), cell(text, requests=2), cell(text, requests=1, usage_state="missing")])
        customers.append(previewed(made, review(made, "held", note=text), issued_number=None))
    nobody = unattributed(3, "3", "0", **dict.fromkeys(HOSTILE[:3], 1))
    return review_pages(preview(customers, nobody=nobody))


def page_of(pages: dict[str, Any], customer: str) -> Any:
    return pages[page_name(customer)]


def amounts_of(content: Any, key: str = "") -> set[str]:
    """Every amount, rate, percentage and quantity in the canonical content of an invoice."""
    if isinstance(content, dict):
        return set().union(*(amounts_of(value, name) for name, value in content.items()))
    if isinstance(content, list):
        return set().union(*(amounts_of(value, key) for value in content))
    is_trivial = (key in {"multiplier", "fx"} and content == "1") or (key == "per" and content == 1)
    if content is None or is_trivial or not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", str(content)):
        return set()
    return {str(content)}


def test_no_tag_or_attribute_comes_from_an_id(hostile_pages: dict[str, str]) -> None:
    for page in hostile_pages.values():
        reader = PageReader(page)
        assert set(reader.tags) <= ALLOWED_TAGS
        assert not [name for _, name, _ in reader.attributes if name.startswith("on") or name == "style"]
        assert not reader.open[2:], "every tag is closed"


def test_hostile_ids_are_shown_and_name_no_file(hostile_pages: dict[str, str]) -> None:
    index = PageReader(hostile_pages["index.html"])
    for text in HOSTILE:
        assert shown_id(text).split() == [] or shown_id(text) in PageReader(page_of(hostile_pages, text)).text
    assert all(re.fullmatch(r"index\.html|customer-[0-9a-f]{32}\.html", name) for name in hostile_pages)
    assert shown_id("\u0430cme") in index.text
    assert "49" not in index.title


def test_no_invisible_or_turning_character_reaches_a_page(hostile_pages: dict[str, str]) -> None:
    for page in hostile_pages.values():
        assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f]", page)


def test_pages_ask_for_nothing_from_elsewhere(hostile_pages: dict[str, str], shown: dict[str, PageReader]) -> None:
    for name, reader in {**shown, **{name: PageReader(page) for name, page in hostile_pages.items()}}.items():
        for target in reader.values("href") + reader.values("src"):
            local = re.fullmatch(r"(customer-[0-9a-f]{32}|index)\.html|#[a-z0-9-]+|data:,", target)
            assert local, f"{name} leads to {target}"
        assert "script" not in reader.tags
        style = "".join(reader.styles)
        assert not re.search(r"url\(|@import|expression|//", style)


def test_every_link_leads_to_a_page_or_a_place_that_exists(shown: dict[str, PageReader]) -> None:
    for name, reader in shown.items():
        for target in reader.values("href"):
            if target.startswith("#"):
                assert target[1:] in reader.values("id"), f"{name} has no {target}"
            elif target != "data:,":
                assert target in shown


def test_ids_of_elements_are_unique_and_labels_exist(shown: dict[str, PageReader]) -> None:
    for reader in shown.values():
        ids = reader.values("id")
        assert len(ids) == len(set(ids))
        assert set(reader.values("aria-labelledby")) <= set(ids)


def test_the_content_policy_allows_the_one_inline_style_and_nothing_else(shown: dict[str, PageReader]) -> None:
    for reader in shown.values():
        policy = next(value for value in reader.values("content") if value.startswith("default-src"))
        digest = base64.b64encode(hashlib.sha256("".join(reader.styles).encode()).digest()).decode()
        assert "default-src 'none'" in policy
        assert f"style-src 'sha256-{digest}'" in policy
        assert "unsafe" not in policy


def test_every_table_has_a_caption_and_every_heading_cell_a_scope(shown: dict[str, PageReader]) -> None:
    for reader in shown.values():
        assert reader.tags.count("table") == reader.tags.count("caption")
        assert reader.tags.count("th") == sum(1 for tag, name, _ in reader.attributes if (tag, name) == ("th", "scope"))
        assert reader.tags.count("h1") == reader.tags.count("main") == 1


def test_every_amount_of_an_invoice_is_on_its_page(shown: dict[str, PageReader]) -> None:
    for found in all_kinds().customers:
        content = found.invoice.content()
        reader = page_of(shown, found.invoice.customer)
        kept = {key: value for key, value in content.items() if key not in {"requests_without_cost", "period"}}
        assert amounts_of(kept) <= reader.numbers, found.invoice.customer
        assert found.invoice.content_hash in reader.text


def test_the_arithmetic_of_an_amount_can_be_followed() -> None:
    of = books(contract("a", rule=[{"name": "plus", "markup_percent": "20", "add_on": {"request": {"price": "0.01"}}}]))
    made = invoice("a", [cell(input=1_234_567, output=0, requests=3)], of=of)
    text = PageReader(page_of(review_pages(preview([previewed(made)], of=of)), "a")).text
    assert "1,234,567 × 3 / 1,000,000" in text
    assert "20 % of 3.703701" in text
    assert "3 × 0.01" in text
    assert "add up to 4.4744412 ." in text
    assert "4.47 USD" in text


def test_conditions_of_a_price_are_named(shown: dict[str, PageReader]) -> None:
    text = page_of(shown, "approved").text
    assert "tier input > 200000" in text
    assert "window 16:30 to 00:30 UTC" in text
    assert "multiplier 1.1" in text
    assert "at the rate of output" in text
    assert "exchange rate 149.37" in page_of(shown, "yen").text
    assert "discount" in page_of(shown, "less").text
    assert "the rule charges nothing" in page_of(shown, "gift").text


def test_totals_of_different_currencies_are_never_added(shown: dict[str, PageReader]) -> None:
    made: dict[str, int] = {}
    known = [found.invoice for found in all_kinds().customers if not found.has_no_answer]
    for one in known:
        made[one.currency] = made.get(one.currency, 0) + one.total_minor
    digits = {"USD": 2, "JPY": 0, "KWD": 3}
    index = shown["index.html"]
    assert index.text.count("not known") >= len(all_kinds().customers) - len(known) > 0
    for currency, minor in made.items():
        text = str(minor).rjust(digits[currency] + 1, "0")
        whole = text if not digits[currency] else f"{text[: -digits[currency]]}.{text[-digits[currency] :]}"
        assert whole in index.numbers
        assert f"Customers billed in {currency}" in index.text
    assert str(sum(made.values())) not in {number.replace(".", "") for number in index.numbers}


@pytest.mark.parametrize(
    ("customer", "badge", "sentence"),
    [
        ("approved", "Approved", "Approved by mira on 2026-11-01 16:40:00 UTC: fine"),
        ("held", "Held", "Held by mira on 2026-11-01 16:40:00 UTC: ask <them> first"),
        ("stale", "Approval stale", "The approval is stale"),
        ("issued", "Issued TT-0001", "computing it again gives the same content"),
        ("moved", "Moved since", "17 requests came after it was issued"),
        ("unpriced", "Unpriced usage", "12 requests have no price"),
        ("missing", "Missing usage", "31 requests report no usage at all"),
        ("later", "Not due yet", "a close leaves it for later"),
        ("yen", "Not reviewed", "Nobody has approved this invoice"),
        ("no cost", "Not reviewed", "the gateway reported no cost"),
        ("nothing", "Not reviewed", "No line: nothing of this period is billed"),
    ],
)
def test_the_state_of_a_customer_is_said(
    shown: dict[str, PageReader], customer: str, badge: str, sentence: str
) -> None:
    assert badge in shown["index.html"].text
    text = page_of(shown, customer).text
    assert badge in text
    assert sentence in text


def test_what_blocks_the_close_is_said_first_with_what_to_do(shown: dict[str, PageReader]) -> None:
    text = shown["index.html"].text
    assert text.index("What blocks the close") < text.index("Totals")
    assert "480 requests belong to nobody" in text
    assert "Unpriced usage: lab/unknown" in text
    assert "Missing usage: lab/large" in text
    assert "tokentill review release 2026-10 held" in text
    assert "Nothing blocks the close" not in text
    clear = review_pages(preview([previewed(invoice("a"))]))["index.html"]
    assert "Nothing blocks the close" in clear


def test_an_issued_customer_no_longer_blocks() -> None:
    made = invoice("a", [cell("lab/unknown")])
    pages = review_pages(preview([previewed(made, issued_number="TT-1", issued_hash=made.content_hash)]))
    assert "Nothing blocks the close" in pages["index.html"]
    assert "tokentill review" not in PageReader(page_of(pages, "a")).text


def test_an_approval_that_is_required_and_missing_blocks_the_close_and_says_so() -> None:
    waiting, approved, moved = (invoice(name) for name in ("waiting", "approved", "moved"))
    customers = [
        previewed(waiting, requires_approval=True),
        previewed(approved, review(approved), requires_approval=True),
        previewed(moved, review(moved, content_hash="sha256:" + "0" * 64), requires_approval=True),
    ]
    pages = {name: PageReader(page) for name, page in review_pages(preview(customers)).items()}
    index = pages["index.html"].text
    assert "2 customers need an approval, by contract or by settings." in index
    assert "Nothing blocks the close" not in index
    assert "These do not block the close" not in index
    assert "Needs approval" in page_of(pages, "waiting").text
    assert "a close leaves it out until then" in page_of(pages, "waiting").text
    assert "tokentill review approve 2026-10 --hash" in page_of(pages, "waiting").text
    assert "A close leaves it out until then" in page_of(pages, "moved").text
    assert "leaves it out" not in page_of(pages, "approved").text


def test_only_what_can_be_done_is_offered(shown: dict[str, PageReader]) -> None:
    yen = next(found.invoice for found in all_kinds().customers if found.invoice.customer == "yen")
    digits = yen.content_hash.removeprefix("sha256:")[:12]
    assert f"review approve 2026-10 --hash {digits} yen" in page_of(shown, "yen").text
    assert "review approve" not in page_of(shown, "unpriced").text
    assert "review approve" not in page_of(shown, "approved").text
    assert "review release 2026-10 held" in page_of(shown, "held").text


def test_the_change_from_the_last_period_is_shown_in_amount_and_percent() -> None:
    made = invoice("a", [cell(input=1_000_000, output=0)], of=books(contract(None)))
    assert made.total_minor == 300

    def text(**more: Any) -> str:
        pages = review_pages(preview([previewed(made, **more)]))
        return PageReader(page_of(pages, "a")).text

    assert "+1.00 (+50.0 %)" in text(previous_total_minor=200, previous_currency="USD")
    assert "\u22121.00 (\u221225.0 %)" in text(previous_total_minor=400, previous_currency="USD")
    assert "Change new" in text()
    assert "was in EUR" in text(previous_total_minor=400, previous_currency="EUR")


def test_customers_are_listed_by_total_the_largest_first() -> None:
    customers: list[Previewed] = [
        previewed(invoice(name, [cell(input=count, output=0)]))
        for name, count in (("s", 10**6), ("l", 10**8), ("m", 10**7))
    ]
    index = review_pages(preview(customers))["index.html"]
    rows = index[index.index('id="customers-caption-USD"') :]
    places = [rows.index(page_name(name)) for name in ("l", "m", "s")]
    assert places == sorted(places)


def test_margin_is_said_as_far_as_it_is_known(shown: dict[str, PageReader]) -> None:
    made = invoice("a", [cell(input=1_000_000, output=0, cost="2")], of=books(contract(None)))
    text = PageReader(page_of(review_pages(preview([previewed(made)])), "a")).text
    assert "Margin +1 (33.3 %)" in text
    assert "JPY, the cost of what is billed" in page_of(shown, "yen").text
    partly = [cell(day=day, input=1_000_000, output=0, cost=cost) for day, cost in ((1, "2"), (2, None))]
    text = PageReader(page_of(review_pages(preview([previewed(invoice("a", partly))])), "a")).text
    assert "50.0 % of requests have a cost; 1 request has none" in text


def test_findings_are_on_the_index_and_on_the_page_of_their_customer() -> None:
    finding = PreviewFinding("billed-below-cost", "a<b", "1 USD is billed for <usage>", {})
    pages = review_pages(replace(preview([previewed(invoice("a<b")), previewed(invoice("b"))]), findings=(finding,)))
    readers = {name: PageReader(page) for name, page in pages.items()}
    named = [name for name, reader in readers.items() if "1 USD is billed for <usage>" in reader.text]
    assert sorted(named) == sorted(["index.html", page_name("a<b")])


def test_when_and_from_what_the_preview_was_made_is_shown(shown: dict[str, PageReader]) -> None:
    for reader in shown.values():
        assert "preview made 2026-11-02 09:15:00 UTC" in reader.text
        assert "23347" in reader.numbers
        assert "sha256:" + "a1" * 32 in reader.text


def test_the_period_of_a_customer_is_its_own(shown: dict[str, PageReader]) -> None:
    text = page_of(shown, "dinar").text
    assert "15 October 2026 to 14 November 2026" in text
    assert "from 2026-10-14 21:00:00 UTC until before 2026-11-14 21:00:00 UTC" in text


def test_a_period_without_customers_has_an_index() -> None:
    pages = review_pages(preview([]))
    assert list(pages) == ["index.html"]
    assert "No customer has anything to bill" in pages["index.html"]
