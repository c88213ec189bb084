"""Whatever a catalog holds: what comes of it is a price, or a reason, and what OpenRouter's conditions say."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalogs.texts import EFFECTIVE, model, openrouter, planned
from tokentill import PriceBook
from tokentill.catalogs import read_catalog
from tokentill.errors import InvalidFiles

TREES: dict[str, Any] = {
    "openrouter": {
        "data": [
            {
                "id": "v/a",
                "canonical_slug": "v/a-1",
                "pricing": {
                    "prompt": "0.000002",
                    "completion": "0.000008",
                    "web_search": "0.01",
                    "overrides": [{"min_prompt_tokens": 9, "utc_start": 100, "utc_days": ["monday"], "prompt": "0.1"}],
                },
            }
        ]
    },
    "litellm": {
        "m": {
            "litellm_provider": "v",
            "input_cost_per_token": "2e-06",
            "output_cost_per_token": "8e-06",
            "input_cost_per_token_above_200k_tokens": "4e-06",
            "search_context_cost_per_query": {"search_context_size_low": "0.01"},
            "regional_processing_uplift_multiplier_eu": "1.1",
        },
        "n": {
            "litellm_provider": "v",
            "input_cost_per_token": "2e-06",
            "off_peak_pricing": {
                "input_cost_per_token": "1e-06",
                "windows": [{"hours_utc": ["10:00-00:00"], "weekdays": [1]}],
            },
        },
        "o": {"litellm_provider": "v", "tiered_pricing": [{"range": [0, 9], "input_cost_per_token": "1e-06"}]},
    },
    "models.dev": {
        "v": {
            "models": {
                "m": {
                    "cost": {"input": "2", "output": "8", "tiers": [{"tier": {"size": 9}, "input": "3"}]},
                    "experimental": {"modes": {"fast": {}}},
                }
            }
        }
    },
}  # fmt: skip

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["-1", "0", "1e-9"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a tree with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in [(value, key), *places(item)]]


@pytest.mark.parametrize("kind", TREES)
@given(data=st.data())
def test_whatever_stands_in_a_catalog_is_a_price_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    tree = json.loads(json.dumps(TREES[kind]))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(tree)))
        if key in container or isinstance(key, int):
            container[key] = data.draw(json_values)
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        plan = planned(folder, json.dumps(tree), kind=kind)
    except InvalidFiles as refused:
        problems = refused.findings
    else:
        problems = ()
        assert (plan.recording is None) == (not plan.added)
        assert all(rate >= 0 for listed in plan.added for rate in listed.standard.rates.values())
    assert all(problem.hint and str(problem).isprintable() for problem in problems)


genai_values = st.sampled_from(
    [
        "None",
        "True",
        "1",
        "'m'",
        "[]",
        "{}",
        "[1]",
        "Decimal('1')",
        "ModelPrice()",
        "Odd(x=1)",
        "datetime.date(2026, 1, 1)",
    ]
)
GENAI = (
    "providers = [Provider(id=@, models=[ModelInfo(id=@, match=ClauseOr(or_=@), prices=[ConditionalPrice(constraint=@,"
    " prices=ModelPrice(input_mtok=TieredPrices(base=@, tiers=[Tier(start=@, price=@)]), output_mtok=@)),"
    " ConditionalPrice(constraint=TimeOfDateConstraint(start_time=@, end_time=@), prices=@)],"
    " price_variants=[PriceVariant(when={'service_tier': @}, prices=@, constraint=@)])])]"
)
GENAI_RIGHT = (
    *("'v'", "'m'", "[ClauseEquals(equals='m')]", "None", "Decimal('1')", "9", "Decimal('2')", "Decimal('3')"),
    *("datetime.time(1, 0)", "datetime.time(4, 0)"),
    "ModelPrice(input_mtok=Decimal('2'), output_mtok=Decimal('3'))",
    *("'flex'", "ModelPrice(input_mtok=Decimal('2'))", "None"),
)


@given(data=st.data())
def test_whatever_stands_in_genai_prices_is_a_price_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    words = list(GENAI_RIGHT)
    for _ in range(data.draw(st.integers(0, 3))):
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(genai_values)
    parts = GENAI.split("@")
    text = "".join(part + word for part, word in zip(parts, [*words, ""], strict=True))
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        plan = planned(folder, text, kind="genai-prices")
    except InvalidFiles as refused:
        problems = refused.findings
    else:
        problems = ()
        assert plan.added or plan.left_out or plan.conflicts or not plan.catalog.listings
    assert all(problem.hint and str(problem).isprintable() for problem in problems)


conditions = st.fixed_dictionaries(
    {},
    optional={
        "min_prompt_tokens": st.integers(0, 5),
        "prompt": st.sampled_from(["0.000001", "0.000003", "0.000005"]),
        "completion": st.sampled_from(["0.000001", "0.000007"]),
    },
)
hours = st.sampled_from(
    [{}, {"utc_start": 100, "utc_end": 400}, {"utc_days": ["friday"], "utc_start": 600, "utc_end": 0}]
)


overriding = st.tuples(conditions, hours).filter(lambda pair: pair[0].get("min_prompt_tokens") is not None or pair[1])


@given(st.lists(overriding, max_size=4), st.integers(0, 7), st.integers(0, 23), st.integers(1, 14))
def test_openrouter_overrides_mean_what_openrouter_says(
    written: list[tuple[dict[str, Any], dict[str, Any]]], tokens: int, hour: int, day: int
) -> None:
    """Of the overrides whose conditions all hold, the later one wins for each price; what none names stays."""
    overrides = [{**condition, **when} for condition, when in written]
    at = datetime(2026, 12, day, hour, 30, tzinfo=UTC)
    expected = {"prompt": "0.000002", "completion": "0.000008"}
    for one in overrides:
        starts, ends = one.get("utc_start", 0) // 100, (one.get("utc_end", 0) // 100) or 24
        is_day = at.strftime("%A").lower() in one.get("utc_days", [at.strftime("%A").lower()])
        if one.get("min_prompt_tokens", -1) < tokens and starts <= hour < ends and is_day:
            expected |= {key: one[key] for key in expected if key in one}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "models.json"
        file.write_text(openrouter(model("v/a", overrides=overrides)), encoding="utf-8")
        (listing,) = read_catalog("openrouter", str(file), EFFECTIVE).listings
    price = {"model": "v/a", "valid_from": "2026-12-01T00:00:00Z", **listing.content}
    head = {"format": 1, "kind": "prices", "recorded_at": "2026-11-01T00:00:00Z", "currency": "USD"}

    plan = PriceBook([{**head, "price": [price]}]).rate_card("v/a", at=at, mode=None, input_total=tokens)

    assert plan.choice.rates == {  # type: ignore[union-attr]
        "input": Decimal(expected["prompt"]) * 1_000_000,
        "output": Decimal(expected["completion"]) * 1_000_000,
    }
