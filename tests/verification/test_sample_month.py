"""The sample month can be closed: every request has a price, and almost everything has an owner."""

from __future__ import annotations

import shutil
import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.verification import calculator

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "src" / "tokentill" / "sample"


@pytest.fixture(scope="module")
def statement(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """October under the shipped list prices with the sample's own pricing folder laid over them."""
    pricing = tmp_path_factory.mktemp("pricing")
    shutil.copytree(ROOT / "pricing" / "models", pricing / "models")
    shutil.copytree(SAMPLE / "pricing", pricing, dirs_exist_ok=True)
    return calculator.statement(SAMPLE / "activity-2026-10.jsonl.gz", pricing, "2026-10")


def test_every_request_of_the_month_can_be_billed(statement: Any) -> None:
    assert len(statement.invoices) == 57
    assert statement.unattributed_requests == 22
    assert sum(invoice.requests for invoice in statement.invoices.values()) > 20_000
    assert 500 * 100 < sum(invoice.total_minor for invoice in statement.invoices.values()) < 2_000 * 100


def test_unattributed_usage_is_there_and_within_the_tolerance(statement: Any) -> None:
    text = (SAMPLE / "pricing" / "attribution" / "sample.toml").read_text(encoding="utf-8")
    tolerance = Fraction(tomllib.loads(text, parse_float=Decimal)["tolerance_percent"])
    assert 0 < statement.unattributed_list < statement.list_total * tolerance / 100


def test_every_rule_of_the_samples_contracts_bills_something(statement: Any) -> None:
    written = set()
    for path in (SAMPLE / "pricing" / "contracts").glob("*.toml"):
        rules = tomllib.loads(path.read_text(encoding="utf-8")).get("rule", [])
        written |= {rule["name"] for rule in rules}
    used = {rule for invoice in statement.invoices.values() for _, _, rule in invoice.lines}
    assert used == written | {"error without output and cost"}, "the rules, and that of the default set"


def test_the_sample_has_customers_below_a_cent_and_customers_at_nothing(statement: Any) -> None:
    exact = {customer: invoice.total_exact for customer, invoice in statement.invoices.items()}
    assert exact["user_90001"] == 0
    assert 0 < exact["usr_w0f5lc"] < Fraction("0.005")
    assert {"user_1", "USER_1", " user_1", "user_1 ", "=1+1", "customer_"} <= exact.keys()
