"""The comparison with genai-prices, as far as it goes without genai-prices: its list, its page and its usages.

The comparison itself is `tests/campaigns/test_catalogs.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random

import pytest

from tests.builders import at
from tests.campaigns.catalog_differences import Difference, load_differences, predict
from tests.campaigns.catalog_page import PAGE, page
from tests.campaigns.catalog_usages import MOMENT, Edges, context_of, counts_of, random_usages
from tokentill import PriceBook, Usage
from tokentill.usage.quantities import sum_of

BOOK = PriceBook.load()
DIFFERENCES = load_differences()
NO_OTHER_EDGES: dict[str, list[str | int]] = {"days": [], "times": [], "input_totals": []}


def named(model: str) -> list[Difference]:
    return [one for one in DIFFERENCES if one.names(model)]


def edges_of(model: str) -> Edges:
    return Edges.of(BOOK.entries(model), NO_OTHER_EDGES)


def test_the_page_is_written_from_the_list() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.campaigns.catalog_page"


@pytest.mark.parametrize("one", DIFFERENCES, ids=lambda one: one.id)
def test_a_difference_says_why_by_what_evidence_and_of_which_models_of_ours(one: Difference) -> None:
    assert [other.id for other in DIFFERENCES].count(one.id) == 1
    assert one.title
    assert one.why
    assert one.evidence
    for pattern in one.models:
        assert any(replace(one, models=[pattern]).names(model) for model in BOOK.models), pattern
    for pattern in one.but_not:
        assert any(replace(one, models=[pattern], but_not=()).names(model) for model in BOOK.models), pattern


@pytest.mark.parametrize("model", BOOK.models)
def test_without_differences_a_prediction_is_our_amount(model: str) -> None:
    for usage in random_usages(Random(f"everyday {model}"), BOOK, model, edges_of(model), 60):
        rated = BOOK.rate(usage)
        predicted = predict(BOOK, usage, ())
        assert predicted.amount == (None if rated.amount is None else Fraction(rated.amount)), usage
        assert predicted.used == ()


def test_usages_lie_on_both_sides_of_every_edge() -> None:
    edges = edges_of("x-ai/grok-4.20")
    usages = list(random_usages(Random(1), BOOK, "x-ai/grok-4.20", edges, 3000))
    instants = {usage.occurred_at for usage in usages}
    totals = {sum_of(usage.quantities, "input_total") for usage in usages}

    assert list(edges.instants) == [datetime.fromisoformat(f"2026-{day}T00:00:00Z") for day in ("03-09", "04-30")]
    assert {edge + step for edge in edges.instants for step in (-MOMENT, timedelta(0), MOMENT)} <= instants
    assert list(edges.input_totals) == [199_999]
    assert {199_998, 199_999, 200_000} <= totals
    assert {usage.mode for usage in usages} == {None, "standard", "batch", "flex", "priority", "fast"}
    assert len({usage.occurred_at.utcoffset() for usage in usages}) > 50


def test_the_edges_of_windows_are_times_of_day() -> None:
    edges = edges_of("deepseek/deepseek-v4-pro")
    usages = random_usages(Random(1), BOOK, "deepseek/deepseek-v4-pro", edges, 3000)

    assert list(edges.minutes) == [60, 240, 360, 600]
    assert {(4, 0, 0), (3, 59, 59), (10, 0, 0), (9, 59, 59)} <= {
        (utc.hour, utc.minute, utc.second) for usage in usages for utc in [usage.occurred_at.astimezone(at("1").tzinfo)]
    }


def test_their_totals_contain_our_parts() -> None:
    parts = {"input": 1, "cache_read": 2, "cache_write_5m": 4, "cache_write_1h": 8, "cache_write": 16}
    parts |= {"input_audio": 32, "input_audio_cache_read": 64, "input_image": 128, "input_image_cache_read": 256}
    parts |= {"input_video": 512, "output": 1, "reasoning": 2, "output_audio": 4, "output_image": 8, "web_search": 3}
    counts = counts_of(Usage("any", at("1"), parts))

    assert counts["input_tokens"] == 1023
    assert counts["cache_read_tokens"] == 2 + 64 + 256
    assert counts["cache_write_tokens"] == 4 + 8 + 16
    assert counts["input_audio_tokens"] == 32 + 64
    assert counts["cache_image_read_tokens"] == 256
    assert counts["output_tokens"] == 15
    assert counts["web_searches"] == 3
    assert counts["storage_searches"] == 0
    assert context_of(Usage("any", at("1"), {}, mode="batch")) == {"processing": "batch"}


@pytest.mark.parametrize(
    ("usage", "amount", "used"),
    [
        # Sunday, 2026-10-18, in what are peak hours from Monday to Friday: our rate is 0.15.
        (Usage("deepseek-v4-flash", at("18 02:00"), {"input": 10}), 3, ["deepseek-v4-flash-weekends"]),
        (Usage("deepseek-v4-flash", at("19 02:00"), {"input": 10}), 3, []),
        (Usage("o3", at("2025-06-09T23:00:00Z"), {"cache_read": 10}), 5, ["o3-cached-before-its-cut"]),
        (Usage("o3", at("2025-06-10T00:00:00Z"), {"cache_read": 10}), 5, []),
        (Usage("grok-4.5", at("2026-01-01T00:00:00Z"), {"input": 10}), 20, ["before-the-first-price"]),
        (Usage("gpt-5.4", at("15"), {"input": 10}, geo="eu"), 25, ["geography"]),
        (Usage("gpt-5.4", at("15"), {"input": 10}, mode="fast"), 50, ["fast-is-priority"]),
        (Usage("command-a", at("15"), {"input": 10}, mode="flex"), 25, ["modes-that-are-not-listed"]),
        (
            Usage("gpt-5.4", at("11"), {"input": 10, "input_audio": 2}, mode="flex"),
            30,
            ["service-tiers-before-their-check", "kinds-of-tokens"],
        ),
    ],
    ids=str,
)
def test_what_the_list_predicts(usage: Usage, amount: int, used: list[str]) -> None:
    """Amounts in millionths."""
    predicted = predict(BOOK, usage, named(str(BOOK.canonical_model(usage.model, usage.occurred_at))))

    assert predicted.amount == Fraction(amount, 1_000_000)
    assert [one.id for one in predicted.used] == used
