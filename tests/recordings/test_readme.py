"""The files that pricing/README.md shows: together they are a folder without mistakes that says what the text says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tokentill.contracts.book import ContractBook
from tokentill.prices.book import PriceBook
from tokentill.recordings.checking import check_folder
from tokentill.recordings.load import load_folder
from tokentill.usage.record import Usage

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "pricing" / "README.md"
ROOMS = {"prices": "models", "customer": "contracts", "grant": "contracts"}
AT = datetime(2027, 1, 15, tzinfo=UTC)

STANDARD = """\
format = 1
kind = "plan"
id = "standard"
recorded_at = 2026-12-01T09:00:00Z
valid_from = 2026-01-01T00:00:00Z
currency = "USD"

[[rule]]
name = "everything"
markup_percent = 30
"""


def shown_files() -> list[tuple[str, str]]:
    """Every TOML file that the page shows: its room and its text."""
    blocks = re.findall(r"^( *)```toml\n(.*?)^ *```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    texts = [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in blocks]
    return [(ROOMS[str(re.search(r'^kind = "(\w+)"', text, re.MULTILINE)[1])], text) for text in texts]  # type: ignore[index]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page, beside the shipped prices, the shipped default and a plan."""
    for room in ("models", "contracts"):
        for file in (ROOT / "pricing" / room).glob("*.toml"):
            (tmp_path / room).mkdir(exist_ok=True)
            (tmp_path / room / file.name).write_bytes(file.read_bytes())
    (tmp_path / "contracts/standard.toml").write_text(STANDARD)
    for number, (room, text) in enumerate(shown_files()):
        (tmp_path / room / f"shown-{number}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_page_shows_price_tables_a_contract_and_a_grant() -> None:
    assert [room for room, _ in shown_files()] == ["models", "models", "contracts", "contracts"]


def test_the_files_have_no_mistake_and_name_schemas_that_are_there(folder: Path) -> None:
    of_the_page = [finding for finding in check_folder(folder) if "shown-" in finding.where]
    assert [str(finding) for finding in of_the_page] == []
    for room, text in shown_files():
        schema = re.match(r"#:schema (.+)\n", text)
        assert schema is not None
        assert (ROOT / "pricing" / room / schema[1]).resolve().is_file()


def test_the_files_say_what_the_text_says_of_them(folder: Path) -> None:
    loaded = load_folder(folder)
    book = ContractBook(loaded.contracts)

    def rule_of(model: str) -> str:
        rule = book.rule_for("acme", Usage(model, AT, {}, source="arouter"), AT)
        assert rule is not None
        return rule.name

    assert rule_of("anthropic/claude-sonnet-4.6") == "claude by volume"
    assert rule_of("openai/gpt-5.4") == "everything"
    terms = book.invoice_terms("acme", AT)
    assert terms.base_fee is not None
    assert (terms.base_fee.amount, terms.base_fee.is_prorated) == (Decimal(20), True)
    assert [(grant.id, grant.amount) for grant in book.grants("acme")] == [("order-1042", Decimal(500))]
    prices = PriceBook(loaded.prices)
    for reported in ("our-best-model", "our-proxy/gpt-5.4", "our-proxy/openai/gpt-5.4:nitro"):
        assert prices.canonical_model(reported, AT) == "openai/gpt-5.4"
    assert prices.canonical_model("our-proxy/gemini-2.5-pro", AT) is None
    assert prices.canonical_model("our-best-model", datetime(2026, 11, 30, tzinfo=UTC)) is None
    entry = prices.entry_at("gpt-5.4", AT)
    assert entry.standard.rates["input"] == Decimal(2)  # type: ignore[union-attr]
