"""Usage without a price is an error with a code, for callers that want one."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.builders import price, prices
from tokentill import PriceBook, Refused, Unpriced, Usage

AT = datetime(2026, 10, 15, tzinfo=UTC)
MODE = {"rates": {"input": "1", "output": "2"}, "valid_from": "2026-11-01T00:00:00Z"}
TIER = [{"when": {"input_tokens_gt": 100}, "rates": {"input": "6", "output": "30"}}]
BOOK = PriceBook.from_mapping(
    prices(
        price(aliases=["large"], mode={"batch": MODE}),
        price("acme/tiered", rates={"input": "3", "output": "15", "cache_write": "4"}, tier=TIER),
    )
)


@pytest.mark.parametrize(
    ("usage", "code", "model", "quantity"),
    [
        (Usage("acme/huge", AT, {"input": 1}), "unknown_model", "acme/huge", None),
        (Usage("large", datetime(2025, 1, 1, tzinfo=UTC), {"input": 1}), "no_price_then", "acme/large", None),
        (Usage("large", AT, {"input": 1}, mode="flex"), "unknown_mode", "acme/large", None),
        (Usage("large", AT, {"input": 1}, mode="batch"), "no_mode_price_then", "acme/large", None),
        (Usage("large", AT, {"input": 1, "web_search": 2}), "no_rate", "acme/large", "web_search"),
        (Usage("acme/tiered", AT, {"input": 99, "cache_write": 2}), "no_rate", "acme/tiered", "cache_write"),
        (Usage("acme/tiered", AT, {"cache_write": 9}, input_tokens=101), "no_rate", "acme/tiered", "cache_write"),
    ],
)
def test_the_code_says_why_there_is_no_price(usage: Usage, code: str, model: str, quantity: str | None) -> None:
    rated = BOOK.rate(usage)
    with pytest.raises(Unpriced) as unpriced:
        BOOK.rate_or_raise(usage)

    error = unpriced.value
    assert (error.code, error.model, error.at, error.quantity) == (code, model, usage.occurred_at, quantity)
    assert rated.status == "unpriced"
    assert str(error) == rated.reason
    assert isinstance(error, Refused)


@pytest.mark.parametrize("quantities", [{}, {"input": 0}, {"input": 5, "output": 7}, {"input": 5, "web_search": 0}])
def test_what_has_a_price_is_rated_as_ever(quantities: dict[str, Any]) -> None:
    usage = Usage("large", AT, quantities)
    assert BOOK.rate_or_raise(usage) == BOOK.rate(usage)


def test_the_error_travels_between_processes() -> None:
    with pytest.raises(Unpriced) as unpriced:
        BOOK.rate_or_raise(Usage("acme/huge", AT, {"input": 1}))
    error = pickle.loads(pickle.dumps(unpriced.value))
    assert (str(error), error.code, error.at) == (str(unpriced.value), "unknown_model", AT)
