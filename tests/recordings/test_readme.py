"""The files that pricing/README.md shows: together they are a folder without mistakes that says what the text says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tokentill.contracts.book import ContractBook
from tokentill.contracts.lost import lost_statements
from tokentill.prices.book import PriceBook
from tokentill.prices.fx import FxBook
from tokentill.recordings.checking import check_folder
from tokentill.recordings.load import load_folder
from tokentill.recordings.recording import KINDS
from tokentill.usage.attribution import Attribution
from tokentill.usage.record import Usage

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "pricing" / "README.md"
ROOMS = {kind: room for room, kinds in KINDS.items() for kind in kinds}
AT, IN_JUNE = datetime(2027, 1, 15, tzinfo=UTC), datetime(2027, 6, 15, tzinfo=UTC)


def shown_files() -> list[tuple[str, str]]:
    """Every TOML file that the page shows: its room and its text."""
    blocks = re.findall(r"^( *)```toml\n(.*?)^ *```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    texts = [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in blocks]
    return [(ROOMS[str(re.search(r'^kind = "(\w+)"', text, re.MULTILINE)[1])], text) for text in texts]  # type: ignore[index]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page, beside the shipped prices and the shipped default."""
    for room in ("models", "contracts"):
        for file in (ROOT / "pricing" / room).glob("*.toml"):
            (tmp_path / room).mkdir(exist_ok=True)
            (tmp_path / room / file.name).write_bytes(file.read_bytes())
    for number, (room, text) in enumerate(shown_files()):
        (tmp_path / room).mkdir(exist_ok=True)
        (tmp_path / room / f"shown-{number}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_page_shows_a_file_of_every_kind() -> None:
    kinds = {re.search(r'^kind = "(\w+)"', text, re.MULTILINE)[1] for _, text in shown_files()}  # type: ignore[index]
    assert kinds == set(ROOMS)


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
    assert [tax.percent for tax in terms.taxes or ()] == [Decimal(19)]
    assert (terms.minimum is None, book.invoice_terms("acme", IN_JUNE).minimum) == (False, None)
    assert [rule.contract for rule in book.rules("acme", IN_JUNE)] == ["plan standard"]
    assert [book.invoice_terms(whom, AT).requires_approval for whom in ("acme", "somebody")] == [False, True]
    prices = PriceBook(loaded.prices)
    for reported in ("our-best-model", "our-proxy/gpt-5.4", "our-proxy/openai/gpt-5.4:nitro"):
        assert prices.canonical_model(reported, AT) == "openai/gpt-5.4"
    assert prices.canonical_model("our-proxy/gemini-2.5-pro", AT) is None
    assert prices.canonical_model("our-best-model", datetime(2026, 11, 30, tzinfo=UTC)) is None
    entry = prices.entry_at("gpt-5.4", AT)
    assert entry.standard.rates["input"] == Decimal(2)  # type: ignore[union-attr]


def test_its_attribution_rules_exchange_rate_and_removal_do_what_they_are_said_to(folder: Path) -> None:
    loaded = load_folder(folder)
    attribution = Attribution(loaded.attribution)

    def customer_of(user: str, api_key: str = "k", source: str = "litellm") -> str | None:
        return attribution.attribute(source=source, user=user, api_key=api_key, at=AT).customer

    assert [customer_of("org_globex"), customer_of("ann"), customer_of("ann", "key_of_the_batch_jobs")] == [
        "globex",
        None,
        "acme",
    ]
    assert customer_of("ann", "key_of_the_batch_jobs", "arouter") is None
    assert FxBook(loaded.fx).rate("USD", "EUR", AT.date()) == Decimal("0.8571")
    gone = [
        {"kind": "customer", "id": "globex"},
        {"kind": "plan", "id": "trial", "rule": [{"name": "pilot"}]},
        {"kind": "customer", "id": "initech"},
    ]
    assert lost_statements(gone, loaded.contracts) == ("customer initech",)
