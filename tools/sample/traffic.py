"""Which models the sample month uses, how, and at what hours: tables that `month` draws from.

Rates are the list prices in force from 1 September to 2 November 2026; they make the cost that the gateway reports.
All weights are integers, so that a draw is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

Rates = tuple[str, str, str]
"""USD per million tokens: input, cache read, output."""


@dataclass(frozen=True, slots=True)
class Priced:
    """Rates of one processing mode: as usual, and from `long_from` input tokens on."""

    rates: Rates
    long_from: int | None = None
    long_rates: Rates | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """What the gateway lists for one model in autumn 2026, and how it is used here."""

    providers: tuple[str, ...]
    modes: Mapping[str, Priced]
    names: tuple[tuple[str, int], ...]
    prompt: tuple[int, int]
    completion: tuple[int, int]
    reasons: bool = False
    peak: Rates | None = None
    earlier: tuple[datetime, Rates, Rates] | None = None
    """Until when it had other rates, and which: as usual, and at peak."""
    search_per_1k: str | None = None
    request_per_1k: str = "0"


def _standard(rates: Rates, batch: Rates | None = None, **others: Rates) -> dict[str, Priced]:
    modes = {"standard": Priced(rates)} | {mode: Priced(set_) for mode, set_ in others.items()}
    return modes | ({"batch": Priced(batch)} if batch else {})


MODELS: dict[str, Model] = {
    "openai/gpt-5.4": Model(
        ("OpenAI", "OpenAI", "OpenAI", "Azure"),
        {
            "standard": Priced(("2.5", "0.25", "15"), 272_001, ("5", "0.5", "22.5")),
            "batch": Priced(("1.25", "0.13", "7.5"), 272_001, ("2.5", "0.25", "11.25")),
            "flex": Priced(("1.25", "0.13", "7.5"), 272_001, ("2.5", "0.25", "11.25")),
            "priority": Priced(("5", "0.5", "30")),
        },
        (("openai/gpt-5.4", 80), ("gpt-5.4", 12), ("openai/gpt-5.4:nitro", 8)),
        (900, 105_000),
        (60, 4_200),
        reasons=True,
        search_per_1k="10",
    ),
    "openai/gpt-5.4-mini": Model(
        ("OpenAI", "OpenAI", "Azure"),
        _standard(
            ("0.75", "0.075", "4.5"),
            ("0.375", "0.0375", "2.25"),
            flex=("0.375", "0.0375", "2.25"),
            priority=("1.5", "0.15", "9"),
        ),
        (("openai/gpt-5.4-mini", 100),),
        (300, 32_000),
        (30, 2_600),
        reasons=True,
    ),
    "openai/gpt-5-nano": Model(
        ("OpenAI",),
        _standard(("0.05", "0.005", "0.4"), ("0.025", "0.0025", "0.2")),
        (("openai/gpt-5-nano", 100),),
        (40, 6_000),
        (5, 700),
        reasons=True,
    ),
    "anthropic/claude-sonnet-4.6": Model(
        ("Anthropic", "Anthropic", "Amazon Bedrock", "Google"),
        _standard(("3", "0.3", "15"), ("1.5", "0.15", "7.5")),
        (("anthropic/claude-sonnet-4.6", 87), ("claude-sonnet-4-6", 13)),
        (1_200, 118_000),
        (80, 4_800),
        search_per_1k="10",
    ),
    "anthropic/claude-haiku-4.5": Model(
        ("Anthropic", "Amazon Bedrock"),
        _standard(("1", "0.1", "5"), ("0.5", "0.05", "2.5")),
        (("anthropic/claude-haiku-4.5", 100),),
        (400, 34_000),
        (40, 2_400),
    ),
    "anthropic/claude-opus-4.8": Model(
        ("Anthropic",),
        _standard(("5", "0.5", "25"), ("2.5", "0.25", "12.5")),
        (("anthropic/claude-opus-4.8", 100),),
        (2_000, 130_000),
        (150, 5_200),
        reasons=True,
    ),
    "google/gemini-2.5-flash": Model(
        ("Google", "Google AI Studio"),
        _standard(
            ("0.3", "0.03", "2.5"),
            ("0.15", "0.03", "1.25"),
            flex=("0.15", "0.03", "1.25"),
            priority=("0.54", "0.054", "4.5"),
        ),
        (("google/gemini-2.5-flash", 100),),
        (300, 48_000),
        (30, 3_000),
        reasons=True,
    ),
    "google/gemini-2.5-pro": Model(
        ("Google",),
        {"standard": Priced(("1.25", "0.125", "10"), 200_001, ("2.5", "0.25", "15"))},
        (("google/gemini-2.5-pro", 100),),
        (1_000, 110_000),
        (100, 5_000),
        reasons=True,
    ),
    "deepseek/deepseek-v4-flash": Model(
        ("DeepSeek",),
        _standard(("0.15", "0.003", "0.6")),
        (("deepseek/deepseek-v4-flash", 100),),
        (300, 60_000),
        (30, 4_000),
        reasons=True,
        peak=("0.3", "0.006", "1.2"),
        earlier=(datetime(2026, 9, 10, tzinfo=UTC), ("0.22", "0.007", "0.66"), ("0.44", "0.014", "1.32")),
    ),
    "deepseek/deepseek-v4-flash:free": Model(
        ("DeepSeek",),
        _standard(("0", "0", "0")),
        (("deepseek/deepseek-v4-flash:free", 100),),
        (100, 9_000),
        (20, 1_500),
    ),
    "mistralai/mistral-large-2512": Model(
        ("Mistral",),
        _standard(("0.5", "0.05", "1.5"), ("0.25", "0.025", "0.75")),
        (("mistralai/mistral-large-2512", 90), ("mistralai/mistral-large-2512:floor", 10)),
        (400, 40_000),
        (40, 2_400),
    ),
    "mistralai/mistral-small-2603": Model(
        ("Mistral",),
        _standard(("0.15", "0.015", "0.6"), ("0.075", "0.0075", "0.3")),
        (("mistralai/mistral-small-2603", 100),),
        (150, 16_000),
        (20, 1_400),
    ),
    "x-ai/grok-4.3": Model(
        ("xAI",),
        {
            "standard": Priced(("1.25", "0.2", "2.5"), 200_000, ("2.5", "0.4", "5")),
            "batch": Priced(("1", "0.16", "2"), 200_000, ("2", "0.32", "4")),
        },
        (("x-ai/grok-4.3", 100),),
        (600, 90_000),
        (60, 4_000),
        reasons=True,
    ),
    "perplexity/sonar": Model(
        ("Perplexity",),
        _standard(("1", "1", "1")),
        (("perplexity/sonar", 100),),
        (60, 3_000),
        (80, 1_200),
        request_per_1k="12",
    ),
}

HABITS: dict[str, tuple[tuple[str, int], ...]] = {
    "agent": (
        ("openai/gpt-5.4", 36),
        ("anthropic/claude-sonnet-4.6", 34),
        ("anthropic/claude-opus-4.8", 5),
        ("openai/gpt-5.4-mini", 10),
        ("google/gemini-2.5-pro", 6),
        ("x-ai/grok-4.3", 4),
        ("anthropic/claude-haiku-4.5", 5),
    ),
    "chat": (
        ("openai/gpt-5.4-mini", 28),
        ("anthropic/claude-haiku-4.5", 20),
        ("google/gemini-2.5-flash", 22),
        ("openai/gpt-5.4", 12),
        ("deepseek/deepseek-v4-flash", 10),
        ("mistralai/mistral-large-2512", 6),
        ("deepseek/deepseek-v4-flash:free", 2),
    ),
    "budget": (
        ("openai/gpt-5-nano", 26),
        ("deepseek/deepseek-v4-flash", 26),
        ("mistralai/mistral-small-2603", 20),
        ("google/gemini-2.5-flash", 16),
        ("deepseek/deepseek-v4-flash:free", 12),
    ),
    "research": (
        ("perplexity/sonar", 22),
        ("x-ai/grok-4.3", 22),
        ("google/gemini-2.5-pro", 22),
        ("anthropic/claude-sonnet-4.6", 22),
        ("google/gemini-2.5-flash", 12),
    ),
    "gemini": (("google/gemini-2.5-flash", 62), ("google/gemini-2.5-pro", 22), ("openai/gpt-5.4", 16)),
    "free": (("deepseek/deepseek-v4-flash:free", 1),),
    "tiny": (("openai/gpt-5-nano", 1),),
}

HOURS: dict[str, tuple[int, ...]] = {
    "eu": (1, 1, 1, 1, 1, 2, 4, 8, 11, 12, 12, 10, 9, 11, 12, 11, 8, 6, 4, 3, 3, 2, 2, 1),
    "us": (4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 2, 4, 6, 9, 11, 12, 12, 11, 11, 12, 11, 9, 7, 5),
    "asia": (9, 11, 12, 12, 9, 10, 12, 12, 11, 10, 7, 5, 4, 3, 3, 2, 1, 1, 1, 1, 1, 2, 4, 7),
}
