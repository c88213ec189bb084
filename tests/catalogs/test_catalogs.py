"""Imports of the real catalogs inside the wheels of genai-prices and LiteLLM, which are read and never installed."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from tests.catalog_wheels import catalog_wheel
from tests.shares import in_campaigns
from tokentill import PriceBook
from tokentill.catalogs import Catalog, plan_import, read_catalog, write_import
from tokentill.recordings.load import load_folder
from tokentill.shipped import shipped_folder

EFFECTIVE = datetime(2026, 12, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)


@cache
def catalog(kind: str) -> Catalog:
    return read_catalog(kind, str(catalog_wheel(kind)), EFFECTIVE)


def text_in(kind: str, member: str) -> str:
    with zipfile.ZipFile(catalog_wheel(kind)) as wheel:
        return wheel.read(member).decode()


def test_every_price_of_a_token_in_litellm_is_a_million_times_what_is_written() -> None:
    written = json.loads(text_in("litellm", "litellm/model_prices_and_context_window_backup.json"), parse_float=str)
    names = {
        "input": "input_cost_per_token",
        "output": "output_cost_per_token",
        "cache_read": "cache_read_input_token_cost",
        "input_audio": "input_cost_per_audio_token",
    }

    compared = 0
    for listing in catalog("litellm").listings:
        entry = written[listing.aliases[0]]
        if "tiered_pricing" in entry:
            continue
        for ours, theirs in names.items():
            if ours in listing.content["rates"]:
                assert Fraction(listing.content["rates"][ours]) == Fraction(str(entry[theirs])) * 1_000_000
                compared += 1

    assert compared > 8000


def test_every_plain_price_of_genai_prices_is_what_is_written() -> None:
    """Found a second time by pattern, in the models that have one price without conditions."""
    text = text_in("genai-prices", "genai_prices/data.py")
    expected = {}
    for provider in re.split(r"\n    Provider\(\n", text)[1:]:
        vendor = re.match(r" +id='([^']+)'", provider)
        for block in provider.split("ModelInfo(\n")[1:]:
            id_ = re.match(r" +id='([^']+)'", block)
            prices = block.partition("price_variants=")[0]
            if "ConditionalPrice" in prices or "TieredPrices" in prices:
                continue
            figures = dict(re.findall(r"\b(\w+)_mtok=Decimal\('([0-9.]+)'\)", prices))
            expected[vendor[1], id_[1]] = {k: Fraction(v) for k, v in figures.items()}  # type: ignore[index]

    compared = 0
    for listing in catalog("genai-prices").listings:
        vendor, _, name = listing.model.partition("/")
        figures = expected.get((vendor, name))
        for ours in ("input", "output", "cache_read"):
            if figures and ours in listing.content["rates"]:
                assert Fraction(listing.content["rates"][ours]) == figures[ours], listing.model
                compared += 1

    assert compared > 3500


@pytest.mark.parametrize("kind", ["genai-prices", in_campaigns("litellm")])
def test_a_real_catalog_goes_into_a_copy_of_the_shipped_prices_and_nothing_vanishes(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "pricing"
    shutil.copytree(shipped_folder("pricing"), folder)
    before = PriceBook.load(folder)

    plan = plan_import(catalog(kind), load_folder(folder), EFFECTIVE, NOW)
    path = write_import(plan, folder / "models")

    after = PriceBook.load(folder)
    assert path is not None
    assert len(plan.added) > 1500
    assert set(after.models) == {*before.models, *(entry.model for entry in plan.added)}
    assert {*plan.unchanged, *(one.model for one in plan.changed), *(one.model for one in plan.conflicts)} > {
        *("openai/gpt-5.4", "anthropic/claude-sonnet-4.6", "google/gemini-2.5-flash")
    }
    changed = {one.model for one in plan.changed}
    for model in before.models:
        if model not in changed:
            assert after.entry_at(model, EFFECTIVE) == before.entry_at(model, EFFECTIVE)


def test_long_context_modes_and_searches_of_a_real_model_arrive() -> None:
    for kind in ("genai-prices", "litellm"):
        (content,) = [one.content for one in catalog(kind).listings if one.model == "openai/gpt-5.4"]
        assert content["rates"] == {"input": "2.5", "cache_read": "0.25", "output": "15"}
        assert content["tier"] == [
            {"when": {"input_tokens_gt": 272_000}, "rates": {"input": "5", "cache_read": "0.5", "output": "22.5"}}
        ]
        assert content["mode"]["batch"]["rates"] == {"input": "1.25", "cache_read": "0.13", "output": "7.5"}
        assert {"batch", "flex", "priority"} <= set(content["mode"])


def test_the_float_noise_of_a_real_catalog_is_refused() -> None:
    noisy = [left for left in catalog("genai-prices").left_out if "float noise" in left.reason]

    assert len(noisy) > 10
    assert all("--round takes" in left.reason for left in noisy)
    assert not [left for left in catalog("litellm").left_out if left.reason.endswith("is negative")]
