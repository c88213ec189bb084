"""Ids of public catalogs that mean a model of ours have its price, and nothing else has it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from tests.catalog_wheels import VERSIONS, catalog_wheel
from tokentill import PriceBook, Usage
from tokentill.prices.book import NoPrice
from tokentill.recordings.load import load_folder
from tokentill.shipped import shipped_folder
from tools.catalog_ids import RECORDED_AT, Meant, Names, catalog_ids, main

AT = datetime(2026, 11, 25, tzinfo=UTC)
PRICES = load_folder(None).prices
BOOK = PriceBook(PRICES)

EXCEPTIONS = {
    "openai/gpt-4.1-nano-2025-04-14": "OpenRouter lists its cached input of 0.025 as 0.03; it is OpenAI's id, too",
}
"""Ids that have a price here which is not the catalog's, and why."""

FIFTEEN = {
    "gpt-5.4-2026-03-05": "openai/gpt-5.4",
    "gpt-5.4-mini-2026-03-17": "openai/gpt-5.4-mini",
    "gpt-5-2025-08-07": "openai/gpt-5",
    "gpt-4o-2024-08-06": "openai/gpt-4o",
    "gpt-4o-mini-2024-07-18": "openai/gpt-4o-mini",
    "gpt-4.1-2025-04-14": "openai/gpt-4.1",
    "o3-2025-04-16": "openai/o3",
    "claude-sonnet-4-5-20250929": "anthropic/claude-sonnet-4.5",
    "claude-haiku-4-5-20251001": "anthropic/claude-haiku-4.5",
    "claude-opus-4-5-20251101": "anthropic/claude-opus-4.5",
    "anthropic/claude-4.6-sonnet-20260217": "anthropic/claude-sonnet-4.6",
    "google/gemini-3.5-flash-20260519": "google/gemini-3.5-flash",
    "x-ai/grok-4.5-20260708": "x-ai/grok-4.5",
    "z-ai/glm-5.3-20260816": "z-ai/glm-5.3",
    "moonshotai/kimi-k3-20260715": "moonshotai/kimi-k3",
    "azure/gpt-5.4": "openai/gpt-5.4",
    "azure/gpt-5.4-2026-03-05": "openai/gpt-5.4",
    "vertex_ai/claude-sonnet-4-5@20250929": "anthropic/claude-sonnet-4.5",
    "vertex_ai/gemini-2.5-pro": "google/gemini-2.5-pro",
    "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0": "anthropic/claude-sonnet-4.5",
    "global.anthropic.claude-opus-4-6-v1": "anthropic/claude-opus-4.6",
    "gemini/gemini-2.5-flash": "google/gemini-2.5-flash",
    "openai/gpt-5.4-2026-03-05": "openai/gpt-5.4",
    "anthropic/claude-sonnet-4-5-20250929": "anthropic/claude-sonnet-4.5",
    "openrouter/openai/gpt-5.4": "openai/gpt-5.4",
    "xai/grok-4.5": "x-ai/grok-4.5",
    "mistral/mistral-large-2512": "mistralai/mistral-large-2512",
}
"""What gateways and SDKs report of shipped models: ids with a day, permanent names of OpenRouter, prefixes."""

ANOTHER_PRICE = (
    "gpt-4o-2024-05-13",
    "openai/gpt-4o-2024-05-13",
    "us.anthropic.claude-sonnet-4-6",
    "bedrock/us.anthropic.claude-sonnet-4-6",
    "azure/eu/gpt-5.4",
    "azure/text-embedding-3-small",
    "openrouter/moonshotai/kimi-k2.5",
    "mistral-large-latest",
    "gpt-5-chat-latest",
)
"""Ids that look like a shipped model and have another price, or mean another model now and then."""


@cache
def meant() -> tuple[Meant, ...]:
    """What the ids of the catalogs mean, told without the aliases and routes that are shipped."""
    wheels = {name: catalog_wheel(name) for name in VERSIONS}
    names = Names(PriceBook(content for content in PRICES if "price" in content), AT)
    return tuple(one for one in map(names.meant, catalog_ids(wheels, AT)) if one is not None)


@pytest.mark.parametrize(("reported", "model"), FIFTEEN.items())
def test_what_gateways_report_has_the_price_of_its_model(reported: str, model: str) -> None:
    usage = {"input": 1000, "output": 100}

    rated = BOOK.rate(Usage(reported, AT, usage))
    assert (rated.status, rated.model) == ("priced", model)
    assert rated.amount == BOOK.rate(Usage(model, AT, usage)).amount


@pytest.mark.parametrize("reported", ANOTHER_PRICE)
def test_what_has_another_price_has_none_here(reported: str) -> None:
    assert isinstance(BOOK.entry_at(reported, AT), NoPrice)


def test_no_id_of_a_catalog_that_means_a_model_at_our_price_is_without_it() -> None:
    """An id that is listed with two prices is without one, and so is a model behind a prefix."""
    differing = {(one.prefix, one.model) for one in meant() if one.difference and one.prefix}
    differing_ids = {one.found.id for one in meant() if one.difference}
    missing = {
        one.found.id: one.model
        for one in meant()
        if one.found.id not in differing_ids
        and (one.prefix, one.model) not in differing
        and BOOK.canonical_model(one.found.id, AT) != one.model
    }
    assert missing == {}
    assert len(meant()) > 1000


def test_no_id_of_a_catalog_has_another_price_than_there() -> None:
    wrong = {
        one.found.id: f"{one.model}: {one.difference}"
        for one in meant()
        if one.difference
        and BOOK.canonical_model(one.found.id, AT) is not None
        and one.found.id not in {*_known_before(), *EXCEPTIONS}
    }
    assert wrong == {}


def _known_before() -> set[str]:
    """Ids that the price entries themselves name: what another provider lists under them is no business of an alias."""
    entries = [entry for model in BOOK.models for entry in BOOK.entries(model)]
    return {name for entry in entries for name in (entry.model, *entry.aliases)}


def test_the_shipped_recording_is_what_the_tool_writes(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(shipped_folder("pricing"))
    shipped = (folder / "models/aliases-2026-11-25.toml").read_text(encoding="utf-8")
    wheels = [str(catalog_wheel(name)) for name in ("genai-prices", "litellm")]

    assert main(str(folder), *wheels) == shipped
    assert "gpt-4o-2024-05-13: input (standard) is 5 there and 2.5 here" in capsys.readouterr().err
    assert RECORDED_AT == AT
