"""Canonical content: the same facts have the same hash, whatever the file looks like."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recordings.files import (
    ATTRIBUTION_HEAD,
    CONTRACT_HEAD,
    DEFAULT_CONTRACT,
    FX_HEAD,
    entry,
    prices,
    write_folder,
)
from tokentill import PriceBook, Usage
from tokentill.canonical import Content, content_hash
from tokentill.clock import EPOCH
from tokentill.contracts.book import ContractBook
from tokentill.errors import Finding
from tokentill.prices.fx import FxBook
from tokentill.recordings.load import load_folder
from tokentill.recordings.reading import FileText, Unreadable, parse
from tokentill.recordings.recording import recording_of
from tokentill.recordings.values import noise_free
from tokentill.recordings.writing import price_table_text
from tokentill.shipped import shipped_folder
from tokentill.usage.attribution import Attribution
from tools.schemas import schema_text, schemas

FULL = prices(
    entry(
        "a/m",
        rates="input = 3, cache_read = 0.30, output = 15.0",
        more="""aliases = ["m", "b"]
valid_to = 2027-01-01T01:00:00+01:00
per = 1_000_000
fees = { web_search = { price = 10, per = 1_000 } }
fallback = { reasoning = "output" }
note = "n"
[[price.tier]]
when = { input_tokens_gt = 200_000 }
rates = { input = 6, output = 22.50 }
[[price.window]]
when = { days = ["mon"], between = ["16:30", "00:30"], time_zone = "UTC" }
rates = { input = 1.5, output = 7.5 }
tier = []
[price.mode.batch]
rates = { input = 1.5, output = 7.5 }
[price.multiplier]
geo = { us = 1.1 }
""",
    )
)

FULL_JSON = """{"$schema": "../schema/prices.json", "kind": "prices", "format": 1, "currency": "USD",
 "recorded_at": "2026-01-01T00:00:00Z",
 "price": [{"note": "n", "model": "a/m", "aliases": ["b", "m"], "valid_from": "2026-01-01T00:00:00+00:00",
  "valid_to": "2027-01-01T00:00:00Z", "per": 1000000,
  "rates": {"output": "15", "input": 3, "cache_read": "0.3"},
  "fees": {"web_search": {"per": 1000, "price": "10.00"}}, "fallback": {"reasoning": "output"},
  "tier": [{"rates": {"input": "6", "output": "22.5"}, "when": {"input_tokens_gt": 200000}}],
  "window": [{"when": {"days": ["mon"], "between": ["16:30", "00:30"], "time_zone": "UTC"},
   "rates": {"input": "1.5", "output": "7.5"}, "tier": []}],
  "mode": {"batch": {"rates": {"input": "1.50", "output": "7.5"}}},
  "multiplier": {"geo": {"us": "1.1"}}}]}
"""


def content_of(text: str, path: str = "models/a.toml", shape: str = "prices") -> Content:
    file = FileText(path, path, text)
    return recording_of(parse(file), file, shape).content


def test_canonical_content_has_only_what_was_given_in_one_form() -> None:
    assert content_of(FULL) == {
        "format": 1,
        "kind": "prices",
        "recorded_at": "2026-01-01T00:00:00Z",
        "currency": "USD",
        "price": [
            {
                "model": "a/m",
                "aliases": ["b", "m"],
                "valid_from": "2026-01-01T00:00:00Z",
                "valid_to": "2027-01-01T00:00:00Z",
                "per": 1_000_000,
                "rates": {"input": "3", "cache_read": "0.3", "output": "15"},
                "fees": {"web_search": {"price": "10", "per": 1000}},
                "fallback": {"reasoning": "output"},
                "note": "n",
                "tier": [{"when": {"input_tokens_gt": 200_000}, "rates": {"input": "6", "output": "22.5"}}],
                "window": [
                    {
                        "when": {"days": ["mon"], "between": ["16:30", "00:30"], "time_zone": "UTC"},
                        "rates": {"input": "1.5", "output": "7.5"},
                        "tier": [],
                    }
                ],
                "mode": {"batch": {"rates": {"input": "1.5", "output": "7.5"}}},
                "multiplier": {"geo": {"us": "1.1"}},
            }
        ],
    }


def test_toml_and_json_of_the_same_facts_have_the_same_hash() -> None:
    assert content_hash(content_of(FULL)) == content_hash(content_of(FULL_JSON, "models/a.json"))


def test_comments_order_and_spelling_of_numbers_keep_the_hash() -> None:
    other = FULL.replace('model = "a/m"\n', "").replace("note = ", '# remark\nmodel = "a/m"\nnote = ')
    other = (
        other.replace("22.50", "2.25e1").replace('["m", "b"]', '[ "b",\n "m" ] # turned').replace("200_000", "200000")
    )

    assert other != FULL
    assert content_hash(content_of(other)) == content_hash(content_of(FULL))


def test_another_number_gives_another_hash() -> None:
    assert content_hash(content_of(FULL.replace("22.50", "22.51"))) != content_hash(content_of(FULL))


def test_a_contract_is_the_same_with_a_text_or_a_list_to_match_and_one_markup_or_a_default() -> None:
    one = CONTRACT_HEAD + '[[rule]]\nmatch = { model = "a/*", mode = ["batch", "flex"] }\nmarkup_percent = 20\n'
    other = CONTRACT_HEAD + (
        '[[rule]]\nmatch = { mode = ["flex", "batch"], model = ["a/*"] }\nmarkup_percent = { default = 20.0 }\n'
    )

    content = content_of(one, "contracts/a.toml", "contract")

    assert content["rule"][0]["match"] == {"model": ["a/*"], "mode": ["batch", "flex"]}
    assert content == content_of(other, "contracts/a.toml", "contract")


def test_what_is_loaded_is_what_the_books_consume(tmp_path: Path) -> None:
    folder = load_folder(
        write_folder(
            tmp_path,
            {
                "models/deep/a.toml": FULL,
                "contracts/default.toml": DEFAULT_CONTRACT,
                "contracts/acme.toml": CONTRACT_HEAD
                + 'currency = "EUR"\n[[rule]]\nname = "r"\nmatch = { model = "a/*" }\nmarkup_percent = 20\n'
                + "add_on = { request = { price = 0.0005 } }\n",
                "attribution/a.toml": ATTRIBUTION_HEAD
                + 'tolerance_percent = 0.5\n[[rule]]\nmatch = { user = "customer_{id}" }\ncustomer = "{id}"\n',
                "fx/a.toml": FX_HEAD + '[[rate]]\nfrom = "USD"\nto = "EUR"\ndate = 2026-01-02\nrate = 0.8571\n',
            },
        )
    )
    at = datetime(2026, 10, 15, 12, tzinfo=UTC)

    rated = PriceBook(folder.prices).rate(Usage("m", at, {"input": 100_000, "cache_read": 100_000}, geo="us"))
    rule = ContractBook(folder.contracts).at("customer", "acme", at).rules[0]  # type: ignore[union-attr]

    assert folder.warnings == ()
    assert rated.amount == Decimal("0.363")
    assert (rule.markup_percent, rule.match) == ({"default": Decimal(20)}, {"model": ("a/*",)})
    assert Attribution(folder.attribution).attribute(source="s", user="customer_7", api_key=None, at=at).customer == "7"
    assert Attribution(folder.attribution).rules_at(at).tolerance_percent == Decimal("0.5")  # type: ignore[union-attr]
    assert FxBook(folder.fx).rate("USD", "EUR", at.date()) == Decimal("0.8571")
    assert list(folder.paths.values()) == [
        "models/deep/a.toml",
        "contracts/acme.toml",
        "contracts/default.toml",
        "attribution/a.toml",
        "fx/a.toml",
    ]


def test_a_withdrawn_entry_no_longer_prices_anything(tmp_path: Path) -> None:
    announced = prices(entry(), entry(valid_from="2026-06-01T00:00:00Z", rates="input = 2"))
    folder = write_folder(tmp_path, {"models/a.toml": announced})
    at = datetime(2026, 7, 1, tzinfo=UTC)
    cancelled = PriceBook.load(folder).entry_at("a/m", at)
    withdrawal = f'[[price]]\nwithdraws = "{cancelled.hash}"\nnote = "it was called off"\n'  # type: ignore[union-attr]

    write_folder(folder, {"models/b.toml": prices(withdrawal, recorded_at="2026-03-01T00:00:00Z")})

    assert PriceBook.load(folder).rate(Usage("a/m", at, {"input": 1_000_000})).amount == 1


amounts = st.decimals(0, 999, places=6, allow_nan=False)
leaves = st.sampled_from(["input", "cache_read", "output", "reasoning", "input_audio"])
rates = st.dictionaries(leaves, amounts, min_size=1)
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), min_size=1, max_size=300
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    one: dict[str, Any] = {
        "model": "a/" + draw(st.from_regex(r"\A[a-z0-9.:-]{1,20}\Z")),
        "aliases": draw(st.lists(st.from_regex(r"\A[A-Za-z0-9./\\\"'-]{1,20}\Z"), max_size=3)),
        "valid_from": EPOCH + timedelta(seconds=draw(st.integers(4 * 10**7, 7 * 10**9))),
        "rates": draw(rates),
        "note": draw(texts),
        "fees": {"web_search": {"price": draw(amounts), "per": 1000}},
        "mode": draw(st.dictionaries(st.sampled_from(["batch", "a.b"]), st.fixed_dictionaries({"rates": rates}))),
        "tier": [{"when": {"input_tokens_gte": draw(st.integers(1, 10**9))}, "rates": draw(rates)}],
    }
    head = {"format": 1, "kind": "prices", "recorded_at": "2026-01-01T00:00:00Z", "currency": "USD"}
    return {**head, "price": [one]}


@given(tables())
def test_what_is_written_reads_back_as_it_was(tree: dict[str, Any]) -> None:
    content = recording_of(tree, FileText("models/a.toml", "a.toml", ""), "prices").content

    assert content_of(price_table_text(content)) == content


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text() | st.datetimes() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9) | leaves, inner, max_size=3),
    max_leaves=5,
)


def keys_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in [(*path, key), *keys_of(item, (*path, key))]]


def mistakes_of(tree: dict[str, Any], file: FileText) -> tuple[Finding, ...]:
    """What is wrong with a tree; nothing when it has canonical content with a hash."""
    try:
        content_hash(recording_of(tree, file, "prices").content)
    except Unreadable as refused:
        assert refused.findings  # noqa: PT017
        return refused.findings
    return ()


@given(st.data())
def test_whatever_stands_under_a_key_is_content_or_a_mistake_with_a_line(data: st.DataObject) -> None:
    tree = tomllib.loads(FULL, parse_float=Decimal)
    *path, last = data.draw(st.sampled_from(keys_of(tree)))
    table: Any = tree
    for key in path:
        table = table[key]
    table[last] = data.draw(anything)
    file = FileText("models/a.toml", "a.toml", FULL)

    mistakes = mistakes_of(tree, file)

    assert all(1 <= int(finding.where.split(":")[1]) <= FULL.count("\n") for finding in mistakes)
    assert all(str(finding).isprintable() for finding in mistakes)


@given(st.decimals("0.000001", 10_000, places=6, allow_nan=False))
def test_binary_noise_is_found_and_the_number_that_was_meant_is_named(price: Decimal) -> None:
    noisy = Decimal(str(3 * float(price / 3)))

    assert noise_free(price) is None
    assert noise_free(noisy) == (None if noisy == price else price)


def test_the_schemas_in_the_repository_are_those_of_the_code() -> None:
    folder = shipped_folder("pricing") / "schema"

    kinds = ["attribution", "contract", "fx", "grant", "opening_balance", "prices", "removal"]
    assert sorted(path.stem for path in folder.iterdir()) == kinds
    for name, schema in schemas().items():
        assert (folder / f"{name}.json").read_text(encoding="utf-8") == schema_text(schema)
        assert json.loads(schema_text(schema))["additionalProperties"] is False


@pytest.mark.parametrize("module", ["tokentill", "tokentill.prices.book", "tokentill.contracts.book"])
def test_the_library_loads_no_pydantic_until_files_are_read(module: str) -> None:
    code = f"import sys, {module}; sys.exit('pydantic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
