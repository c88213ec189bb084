"""Numbers are shown exactly, grouped, and never through a float."""

from __future__ import annotations

import ast
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokentill.documents
from tokentill.documents.chart import HEIGHT, daily_chart
from tokentill.documents.figures import aligned, count, exact, money, percent_text, share_percent, signed_money


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (123456, "USD", "1,234.56"),
        (-5, "USD", "\u22120.05"),
        (1234567, "JPY", "1,234,567"),
        (1234567, "KWD", "1,234.567"),
        (0, "KWD", "0.000"),
        (10**16, "USD", "100,000,000,000,000.00"),
    ],
)
def test_money_keeps_all_digits_of_its_currency(minor: int, currency: str, shown: str) -> None:
    assert money(minor, currency) == shown


def test_a_rise_has_a_plus_and_a_fall_a_minus() -> None:
    assert [signed_money(minor, "USD") for minor in (150, -150, 0)] == ["+1.50", "\u22121.50", "0.00"]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**20), max_value=10**20))
def test_an_exact_amount_is_shown_with_every_digit(amount: Decimal) -> None:
    assert Decimal(exact(amount).replace(",", "").replace("\u2212", "-")) == amount


def test_points_of_a_column_stand_below_each_other() -> None:
    column = aligned(["1", "20.5", "3.125"])
    assert [found.text for found in column] == ["1", "20.5", "3.125"]
    ends = [len(found.text.partition(".")[2]) + len(found.pad) for found in column]
    assert ends == [4, 3, 3], "a number without a point has a blank in its place"


def test_a_percentage_of_nothing_is_none() -> None:
    assert share_percent(Decimal(5), Decimal(0)) is None
    assert percent_text(Decimal("12.5"), is_change=True) == "+12.5\u00a0%"
    assert share_percent(Decimal(1), Decimal(3)) == Decimal("33.3")


def test_counts_are_grouped() -> None:
    assert count(1234567) == "1,234,567"


def test_a_chart_keeps_its_bars_inside_and_its_zero_line_between_credit_and_charge() -> None:
    days = {date(2026, 10, 1): Decimal("12.34"), date(2026, 10, 2): Decimal(-4), date(2026, 10, 31): Decimal("0.001")}
    chart = daily_chart(days, date(2026, 10, 1), date(2026, 10, 31), "USD")
    assert chart is not None
    assert [bar["is_negative"] for bar in chart["bars"]] == [False, True, False]
    zero = next(tick for tick in chart["ticks"] if tick["is_zero"])
    assert chart["bars"][1]["y"] == zero["y"]
    for bar in chart["bars"]:
        assert 0 <= Decimal(bar["y"]) <= Decimal(bar["y"]) + Decimal(bar["height"]) <= HEIGHT
        assert Decimal(bar["x"]) + Decimal(bar["width"]) <= 100
    assert "1 October 2026: 12.34 USD" in chart["bars"][0]["label"]


def test_a_period_of_zeros_has_no_chart() -> None:
    assert daily_chart({}, date(2026, 10, 1), date(2026, 10, 31), "USD") is None


def test_no_float_is_written_or_called_in_this_folder() -> None:
    for path in Path(tokentill.documents.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
            assert not (isinstance(node, ast.Name) and node.id == "float"), path
            assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _is_numeric(node)), path


def _is_numeric(node: ast.BinOp) -> bool:
    """A division whose right side is no text; paths are put together with `/` too."""
    right = node.right
    is_path = isinstance(right, ast.Name) and right.id in {"name", "MANIFEST"}
    return not is_path and not (isinstance(right, ast.Constant) and isinstance(right.value, str))
