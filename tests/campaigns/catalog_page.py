"""Writes `docs/catalog-differences.md` from the list of differences: `python -m tests.campaigns.catalog_page`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill

from tests.campaigns.catalog_differences import Difference, load_differences, load_list
from tests.catalog_wheels import VERSIONS
from tokentill.money import amount_text

PAGE = Path(__file__).parents[2] / "docs" / "catalog-differences.md"

INTRODUCTION = """\
# Where the shipped prices differ from genai-prices

[genai-prices](https://github.com/pydantic/genai-prices) is the one public catalog with dated prices, and one of the
sources of `pricing/models`. A campaign prices thousands of random usages of every shipped model with both, at random
times and at every edge of a price, of a part of the day and of a context tier. Each amount must be the same to the last
digit, or be what this page says. A difference that is on this page and no longer occurs fails the campaign too.

    python -m pytest -m campaign tests/campaigns/test_catalogs.py

It compares with genai-prices {version}, in an environment of its own. `TOKENTILL_CAMPAIGN_USAGES` is the number of
usages for each model (3000), `TOKENTILL_CAMPAIGN_SEED` where they begin (2026). What resellers charge for the same
models is not compared, nor are quantities that genai-prices has no unit for, such as fetched web pages. Names of models
that it does not know: {unknown}.

It has corrected one price so far: cached input of Gemini 2.5 Pro and 3.1 Pro in batch, above 200,000 tokens of input,
which had no rate of its own and cost as much as other input (`pricing/models/google-2026-11-25.toml`).

"Like" an amount here means: as our table says for that. Times are UTC, rates are USD for a million tokens.

This page is written from `tests/campaigns/catalog_differences.toml`; the campaign reads the same file.
"""

SECTIONS = {
    "ours": ("Ours is right", "These stay as they are."),
    "theirs": (
        "Theirs is more complete",
        "genai-prices is the only witness of these prices. They are recorded here once a second one confirms them.",
    ),
    "neither": (
        "Neither is right",
        "A third catalog has a price that neither has. It is recorded here once a second one confirms it.",
    ),
    "open": ("Open", "No source at hand tells who is right. Look at the vendor's page before you bill such usage."),
}


def page() -> str:
    """The text of the page."""
    differences = load_differences()
    unknown = ", ".join(f"`{name}`" for name in load_list()["names_not_known_there"])
    parts = [INTRODUCTION.format(version=VERSIONS["genai-prices"], unknown=unknown)]
    for right, (heading, remark) in SECTIONS.items():
        parts.append(f"\n## {heading}\n\n{remark}\n")
        parts += [paragraph(one) for one in differences if one.right == right]
    return "".join(parts)


def paragraph(one: Difference) -> str:
    """What the page says of one difference."""
    rows = {
        "Models": models(one),
        "When": "; ".join(when(one)) or "always",
        "genai-prices": theirs(one),
        "Evidence": one.evidence,
    }
    lines = "\n".join(wrapped(f"- {name}: {text}", "  ") for name, text in rows.items())
    return f"\n### {one.title}\n\n{wrapped(one.why)}\n\n{lines}\n"


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph in lines of the usual length."""
    return fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def models(one: Difference) -> str:
    """The models that a difference names."""
    names = "all" if list(one.models) == ["*"] else words(one.models)
    return f"{names}, but not {words(one.but_not)}" if one.but_not else names


def when(one: Difference) -> Iterator[str]:
    """The usages that a difference concerns."""
    if one.where_we_have_no:
        yield {
            "price": "our table has no price yet",
            "mode": "our table has no price for the mode",
            "rate": "our table has no rate for the quantity",
        }[one.where_we_have_no]
    if one.modes:
        yield f"mode {words(one.modes)}"
    if one.since:
        yield f"from {instant(one.since)}"
    if one.until:
        yield f"until {instant(one.until)}"
    if one.days:
        yield " and ".join(one.days)
    if one.hours:
        yield " and ".join(f"{begins} to {ends}" for begins, ends in one.hours)
    if one.input_tokens_gt >= 0:
        yield f"input above {one.input_tokens_gt:,} tokens"
    if one.input_tokens_max is not None:
        yield f"input up to {one.input_tokens_max:,} tokens"


def theirs(one: Difference) -> str:
    """What the catalog charges instead."""
    said = one.theirs
    parts = [f"`{name}` {amount_text(rate)}" for name, rate in said.rates.items()]
    parts += [f"`{name}` like `{'` or `'.join(others)}`" for name, others in said.like.items()]
    parts += [f"`{name}` like that of the standard mode" for name in said.at_standard]
    if said.nothing:
        parts.append(f"nothing for {words(said.nothing)}")
    if said.mode:
        parts.append(f"like mode `{said.mode}`")
    if said.geo:
        parts.append("like a request without a region")
    if isinstance(said.entry, datetime):
        parts.append(f"like at {instant(said.entry)}")
    elif said.entry:
        parts.append("like our first price")
    return ", ".join(parts)


def words(names: Sequence[str]) -> str:
    """Names in a row, as code."""
    return ", ".join(f"`{name}`" for name in names)


def instant(at: datetime) -> str:
    """An instant in short: a day at midnight, else with the time."""
    text = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return text.removesuffix(":00").removesuffix(" 00:00")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
