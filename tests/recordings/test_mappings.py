"""Price tables that a program states itself are those that a file states, and are checked as strictly."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import price, prices
from tokentill import InvalidFiles, PriceBook, Usage
from tokentill.recordings.load import load_folder

AT = datetime(2026, 10, 15, tzinfo=UTC)
TABLE = prices(
    price(),
    price("acme/small", aliases=["small"], tier=[{"when": {"input_tokens_gt": 10}, "rates": {"input": "6"}}]),
)


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The table with another value at one place; `...` takes the key out."""
    table = copy.deepcopy(TABLE)
    inner: Any = table
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return table


def findings(*mappings: Any) -> list[str]:
    with pytest.raises(InvalidFiles) as refused:
        PriceBook.from_mapping(*mappings)
    return [str(finding) for finding in refused.value.findings]


def test_a_mapping_and_its_json_file_are_the_same_recording(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "acme.json").write_text(json.dumps(TABLE))

    stated, loaded = PriceBook.from_mapping(TABLE), PriceBook.load(tmp_path, shipped_prices=False)

    assert stated.recordings == loaded.recordings
    assert stated.models == ("acme/large", "acme/small")
    assert stated.rate(Usage("small", AT, {"input": 11})).amount == Decimal("0.000066")


def test_the_shipped_tables_stated_as_mappings_are_the_shipped_tables() -> None:
    assert PriceBook.from_mapping(*load_folder().prices).recordings == PriceBook.load().recordings


def test_values_of_python_are_those_of_the_json_form() -> None:
    typed = changed(("price", 0, "rates"), MappingProxyType({"input": 3, "cache_read": Decimal("0.30"), "output": 15}))
    typed["recorded_at"] = datetime(2026, 9, 1, tzinfo=UTC)
    typed["price"] = tuple(typed["price"])

    assert PriceBook.from_mapping(typed).recordings == PriceBook.from_mapping(TABLE).recordings


def test_what_was_recorded_later_can_be_left_out() -> None:
    later = prices(price(rates={"input": "4"}), recorded_at="2026-12-01T00:00:00Z")
    usage = Usage("acme/large", AT, {"input": 1_000_000})

    assert PriceBook.from_mapping(TABLE, later).rate(usage).amount == 4
    assert PriceBook.from_mapping(TABLE, later, as_of=datetime(2026, 11, 1, tzinfo=UTC)).rate(usage).amount == 3


def test_the_book_does_not_change_with_the_mapping() -> None:
    table = copy.deepcopy(TABLE)
    book = PriceBook.from_mapping(table)
    table["price"][0]["rates"]["input"] = "999"

    assert book.rate(Usage("acme/large", AT, {"input": 1_000_000})).amount == 3


@pytest.mark.parametrize(
    ("path", "value", "finding"),
    [
        (("price", 0, "rates", "input"), 0.3, 'rates.input: 0.3 is a float, which is no exact number; write "0.3"'),
        (("price", 0, "rates", "input"), "0.30000000000000004", "float noise; write 0.3"),
        (("price", 0, "rates", "input"), "-1", "price[0].rates.input: "),
        (("price", 0, "rates", "input"), None, "price[0].rates.input: a value of NoneType stands here"),
        (("price", 0, "rates", "input"), {1, 2}, "price[0].rates.input: a value of set stands here"),
        (("price", 0, "rates"), {"cached": "1"}, 'price[0].rates.cached: acme/large: rate "cached" is not a known'),
        (("price", 0, "rates"), {7: "1"}, "price[0].rates: the key 7 is not a text"),
        (("price", 0, "valid_from"), datetime(2026, 1, 1), "price[0].valid_from: "),  # noqa: DTZ001
        (("price", 1, "model"), "acme/large", "as at mapping 1: price[0]; a correction"),
        (("price", 1, "tier", 0, "when"), {}, "price[1].tier[0].when: "),
        (("price", 0, "a b"), 1, 'mapping 1: price[0]."a b": unknown key "a b"'),
        (("kind",), "contract", 'mapping 1: kind: "kind" is not "prices"; write kind = "prices"'),
        (("kind",), ..., 'mapping 1: "kind" is not "prices"'),
        (("currency",), "USX", "mapping 1: currency: "),
        (("recorded_at",), ..., "recorded_at"),
    ],
)
def test_a_mistake_is_named_by_its_path(path: tuple[Any, ...], value: Any, finding: str) -> None:
    found = findings(changed(path, value))
    assert found[0].startswith("mapping 1")
    assert any(finding in each for each in found), found


def test_every_mistake_of_every_mapping_is_named() -> None:
    found = findings(TABLE, changed(("price", 0, "colour"), "blue"), 7, changed(("format",), 2))
    assert [each.partition(":")[0] for each in found] == ["mapping 2", "mapping 3", "mapping 4"]


def test_files_that_lie_about_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lock.json").write_text(json.dumps({"models/gone.toml": "sha256:" + "0" * 64}))
    monkeypatch.chdir(tmp_path)

    assert PriceBook.from_mapping(TABLE).models == ("acme/large", "acme/small")


def test_the_findings_travel_between_processes() -> None:
    with pytest.raises(InvalidFiles) as refused:
        PriceBook.from_mapping(7)  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(refused.value)).findings == refused.value.findings


def test_an_endless_mapping_is_refused() -> None:
    ring: dict[str, Any] = copy.deepcopy(TABLE)
    ring["price"][0]["rates"] = ring
    assert "nested more than 12 levels" in findings(ring)[0]


@given(
    st.sampled_from([("price",), ("price", 0), ("price", 0, "rates"), ("price", 1, "tier"), ("recorded_at",)]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.decimals(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner),
        max_leaves=5,
    ),
)
def test_any_value_in_any_place_is_a_book_or_a_finding(path: tuple[Any, ...], value: Any) -> None:
    try:
        PriceBook.from_mapping(changed(path, value))
    except InvalidFiles as refused:
        found = refused.findings
    else:
        return
    assert found
    assert all(str(finding).isprintable() for finding in found)
