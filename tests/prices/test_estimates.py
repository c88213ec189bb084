"""An estimate has exact bounds, and whatever such a call reports lies between them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.builders import price, prices
from tokentill import Estimate, InvalidCall, InvalidRecord, PriceBook, Unpriced, Usage
from tokentill.clock import SYSTEM_CLOCK
from tokentill.prices.rate_cards import Rated

AT = datetime(2026, 10, 15, tzinfo=UTC)
SHIPPED = PriceBook.load()
MODELS = [model for model in SHIPPED.models if SHIPPED.rate(Usage(model, AT, {"input": 1, "output": 1})).amount]


def test_the_bounds_by_hand() -> None:
    estimate = SHIPPED.estimate("gpt-5.4", input=1_000, max_output=500, at=AT)

    assert estimate.lowest == Decimal("0.00025")  # 1000 read from the cache at 0.25 a million
    assert estimate.highest == Decimal("0.01")  # 1000 at 2.50 and 500 at 15 a million
    assert (estimate.model, estimate.currency, estimate.at) == ("openai/gpt-5.4", "USD", AT)
    assert repr(estimate) == "<Estimate openai/gpt-5.4: 0.00025 to 0.01 USD>"
    assert [line.name for line in estimate.lowest_rated.lines] == ["cache_read"]


def test_writing_to_the_cache_is_the_dearest_where_it_has_a_price() -> None:
    estimate = SHIPPED.estimate("claude-sonnet-4-6", input=1_000, max_output=500, at=AT)
    assert (estimate.lowest, estimate.highest) == (Decimal("0.0003"), Decimal("0.0135"))  # 1 hour: 6 a million

    known = SHIPPED.estimate("claude-sonnet-4-6", input={"input": 1_000}, max_output=500, at=AT)
    assert (known.lowest, known.highest) == (Decimal("0.003"), Decimal("0.0105"))


@given(st.sampled_from(MODELS), st.integers(0, 300_000), st.integers(0, 50_000), st.data())
def test_whatever_the_call_reports_lies_between(model: str, inputs: int, most: int, data: st.DataObject) -> None:
    estimate = SHIPPED.estimate(model, input=inputs, max_output=most, at=AT)

    cached = data.draw(st.integers(0, inputs))
    kind = data.draw(st.sampled_from(["cache_read", "cache_write_5m", "cache_write_1h", "cache_write"]))
    made = data.draw(st.integers(0, most))
    reasoning = data.draw(st.integers(0, made))
    quantities = {"input": inputs - cached, kind: cached, "output": made - reasoning, "reasoning": reasoning}
    rated = SHIPPED.rate(Usage(model, AT, quantities))
    assume(rated.amount is not None)

    assert rated.amount is not None
    assert estimate.lowest <= rated.amount <= estimate.highest


@given(st.sampled_from(MODELS), st.integers(0, 300_000), st.integers(0, 50_000))
def test_both_bounds_are_prices_of_such_a_call(model: str, inputs: int, most: int) -> None:
    def repriced(rated: Rated) -> Any:
        quantities = {line.name: line.quantity for line in rated.lines if line.name != "request"}
        assert sum(n for name, n in quantities.items() if name not in ("output", "reasoning")) in (0, inputs)
        assert sum(quantities.get(name, 0) for name in ("output", "reasoning")) in (0, most)
        return SHIPPED.rate(Usage(model, AT, quantities, input_tokens=inputs)).amount

    estimate = SHIPPED.estimate(model, input=inputs, max_output=most, at=AT)
    assert repriced(estimate.lowest_rated) == estimate.lowest
    assert repriced(estimate.highest_rated) == estimate.highest


def test_the_whole_input_decides_the_context_tier_of_both_bounds() -> None:
    below = SHIPPED.estimate("gpt-5.4", input=272_000, max_output=0, at=AT)
    above = SHIPPED.estimate("gpt-5.4", input=272_001, max_output=0, at=AT)

    assert (below.highest_rated.tier, above.highest_rated.tier) == (None, "input > 272000")
    assert (below.lowest_rated.tier, above.lowest_rated.tier) == (None, "input > 272000")
    assert above.lowest > 2 * below.lowest


def test_mode_and_geography_count() -> None:
    plain = SHIPPED.estimate("gpt-5.4", input=1_000, max_output=1_000, at=AT)
    batch = SHIPPED.estimate("gpt-5.4", input=1_000, max_output=1_000, at=AT, mode="batch")
    abroad = SHIPPED.estimate("gpt-5.4", input=1_000, max_output=1_000, at=AT, geo="us")

    assert batch.highest * 2 == plain.highest
    assert abroad.highest == plain.highest * Decimal("1.1")


def test_the_fee_of_a_request_and_counters_that_are_named_count_in_both_bounds() -> None:
    fees = {"request": {"price": "0.01"}, "web_search": {"price": "10", "per": 1000}}
    book = PriceBook.from_mapping(prices(price(fees=fees)))

    estimate = book.estimate("acme/large", input={"input": 0, "web_search": 2}, max_output=0, at=AT)

    assert estimate.lowest == estimate.highest == Decimal("0.03")


def test_a_dearer_rate_of_reasoning_counts_for_the_most() -> None:
    book = PriceBook.from_mapping(prices(price(rates={"input": "1", "output": "2", "reasoning": "5"})))
    assert book.estimate("acme/large", input=0, max_output=1_000_000, at=AT).highest == 5


def test_without_an_instant_it_is_the_present_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(SYSTEM_CLOCK), "now", lambda _: AT)
    assert SHIPPED.estimate("gpt-5.4", input=1, max_output=1).at == AT


def test_a_free_model_costs_nothing() -> None:
    book = PriceBook.from_mapping(prices({"model": "m", "valid_from": "2026-01-01T00:00:00Z", "free": True}))
    estimate = book.estimate("m", input=10, max_output=10, at=AT)
    assert (estimate.lowest, estimate.highest) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "code", "quantity"),
    [
        ({"model": "gpt-54"}, "unknown_model", None),
        ({"at": datetime(2020, 1, 1, tzinfo=UTC)}, "no_price_then", None),
        ({"mode": "overnight"}, "unknown_mode", None),
        ({"model": "text-embedding-3-small"}, "no_rate", "output"),
        ({"input": {"input_audio": 1}}, "no_rate", "input_audio"),
    ],
)
def test_what_has_no_price_has_no_estimate(changes: dict[str, Any], code: str, quantity: str | None) -> None:
    call = {"model": "gpt-5.4", "input": 5, "max_output": 5, "at": AT, **changes}
    with pytest.raises(Unpriced) as unpriced:
        SHIPPED.estimate(call.pop("model"), **call)
    assert (unpriced.value.code, unpriced.value.quantity, unpriced.value.at) == (code, quantity, call["at"])


def test_counts_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidRecord, match="input is negative"):
        SHIPPED.estimate("gpt-5.4", input=-1, max_output=5, at=AT)
    with pytest.raises(InvalidRecord, match="output is a number with a point"):
        SHIPPED.estimate("gpt-5.4", input=1, max_output=5.0, at=AT)  # type: ignore[arg-type]
    with pytest.raises(InvalidCall, match="'output' stands in the input and in the output"):
        SHIPPED.estimate("gpt-5.4", input={"output": 1}, max_output=5, at=AT)


def test_an_estimate_is_a_public_name() -> None:
    assert isinstance(SHIPPED.estimate("gpt-5.4", input=1, max_output=1, at=AT), Estimate)
