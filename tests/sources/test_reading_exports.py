"""Langfuse, Helicone, Portkey and LangWatch: what their exports count, and what they leave open."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.lines import DATA, lines, read, read_bad, read_good
from tokentill.sources.gateways.langfuse import LEAVES
from tokentill.sources.reading import read_records
from tokentill.usage.record import UsageRecord

COUNT = st.integers(0, 10**9)


def records_of(name: str, format_name: str) -> list[UsageRecord]:
    opened = read_records(DATA / name)
    assert opened.format == format_name
    items = list(opened)
    assert all(isinstance(item, UsageRecord) for item in items), items
    return [item for item in items if isinstance(item, UsageRecord)]


def row(name: str, **changes: Any) -> dict[str, Any]:
    """The first row of a source's fixture, changed; `a__b` reaches into `a`."""
    text = (DATA / name).read_text().split("\n")[0]
    first = json.loads(text) if name.endswith("jsonl") else json.loads((DATA / name).read_text())["data"][0]
    for path, value in changes.items():
        *parents, last = path.split("__")
        table = first
        for parent in parents:
            table = table[parent]
        table[last] = value
    return {key: Decimal(str(value)) if isinstance(value, float) else value for key, value in first.items()}


def helicone(**changes: Any) -> dict[str, Any]:
    own = {
        "request_id": "h",
        "request_created_at": "2026-10-05T09:30:00Z",
        "request_model": "m",
        "response_status": 200,
    }
    return {**own, "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, **changes}


def test_langfuse_counts_are_disjoint_and_only_calls_are_requests() -> None:
    chat, embedding, failed = records_of("langfuse.json", "langfuse")
    assert dict(chat.quantities) == {"cache_read": 400, "input": 600, "output": 150, "reasoning": 50}
    assert (chat.source, chat.user, chat.cost) == ("langfuse", "user_1", Decimal("0.0041"))
    assert chat.occurred_at == datetime(2026, 10, 5, 9, 30, 0, 123000, tzinfo=UTC)
    assert dict(embedding.quantities) == {"input": 8}
    assert (failed.status, failed.usage_state) == ("error", "missing")


@given(st.dictionaries(st.sampled_from(sorted(LEAVES)), COUNT, min_size=1))
def test_langfuse_counts_add_up_to_the_total(details: dict[str, int]) -> None:
    told = row("langfuse.json", usageDetails={**details, "total": sum(details.values())})
    [record] = read_good(told)
    assert sum(record.quantities.values()) == sum(details.values())


def test_helicone_is_read_from_its_table() -> None:
    first, beside, failed, replayed = records_of("helicone.csv", "helicone")
    assert (first.model, first.user, first.provider) == ("gpt-5.4-2026-03-05", "user_1", "OPENAI")
    assert first.occurred_at == datetime(2026, 10, 5, 9, 30, 0, 123000, tzinfo=UTC)
    assert (dict(first.quantities), first.cost, first.tags) == ({"input": 100, "output": 20}, Decimal("0.0005"), ())
    assert dict(beside.quantities) == {"cache_read": 4805, "input": 7, "output": 6}
    assert (failed.status, failed.usage_state) == ("error", "missing")
    assert (replayed.tags, replayed.is_replayed, failed.is_replayed) == (("response-cache",), True, False)


def test_who_knows_where_helicone_counts_cached_tokens_says_so() -> None:
    told = helicone(prompt_cache_read_tokens=40)
    assert "there are tokens of a cache (40), and whether they are inside" in read_bad(told, format="helicone").reason
    [inside] = read_good(told, format="helicone:cache-inside")
    assert dict(inside.quantities) == {"cache_read": 40, "input": 60, "output": 20}
    [beside] = read_good({**told, "total_tokens": None}, format="helicone:cache-beside")
    assert dict(beside.quantities) == {"cache_read": 40, "input": 100, "output": 20}
    assert "is 160, and the total says 120" in read_bad(told, format="helicone:cache-beside").reason


def test_portkey_costs_are_read_only_where_somebody_knows_their_unit() -> None:
    first, failed = records_of("portkey.jsonl", "portkey")
    assert (first.user, first.provider, first.cost) == ("user_1", "openai", None)
    assert dict(first.quantities) == {"input": 100, "output": 20}
    assert (failed.user, failed.status, dict(failed.quantities)) == ("user_2", "error", {})
    for unit, cost in (("dollars", "0.05"), ("cents", "0.0005")):
        [record] = read_good(row("portkey.jsonl"), format=f"portkey:cost-in-{unit}")
        assert record.cost == Decimal(cost)


def test_langwatch_events_name_their_requests() -> None:
    completed, settled = records_of("langwatch.json", "langwatch")
    assert dict(completed.quantities) == {"cache_read": 10, "cache_write": 5, "input": 100, "output": 50}
    assert (completed.record_id, completed.user, completed.api_key) == ("r1:completed", "user_1", "vk-1")
    assert (completed.cost, completed.tags, completed.status) == (Decimal("0.010000001"), ("chat",), "ok")
    assert (settled.record_id, settled.usage_state, settled.cost) == ("r2:settled", "missing", None)
    assert (completed.request_key, settled.request_key) == ("r1", "r2")


def test_who_knows_where_langwatch_counts_reasoning_says_so() -> None:
    told = row("langwatch.json", data__usage__reasoning_tokens=20)
    assert "there are reasoning (20)" in read_bad(told, format="langwatch").reason
    [inside] = read_good(told, format="langwatch:reasoning-inside")
    [beside] = read_good(told, format="langwatch:reasoning-beside")
    assert (inside.quantities["output"], beside.quantities["output"]) == (30, 50)
    assert inside.quantities["reasoning"] == beside.quantities["reasoning"] == 20


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (row("langfuse.json", usageDetails={"input": 5, "total": 6}), "the counts come to 5, and the total says 6"),
        (row("langfuse.json", usageDetails={"input": 5, "magic": 1}), "'magic' (1) is not known to count any quantity"),
        (row("langfuse.json", usageDetails={"input": -5}), "input is negative (-5)"),
        (row("langfuse.json", usageDetails=[1]), "usageDetails is a list, not an object"),
        (row("langfuse.json", type="DREAM"), "type is 'DREAM', which is not known to be a call of a model"),
        (row("langfuse.json", providedModelName=None), "providedModelName is missing"),
        (helicone(total_tokens=121), "and the total says 121"),
        (helicone(prompt_audio_tokens=5), "there are tokens of audio"),
        (helicone(request_created_at="yesterday"), "request_created_at 'yesterday' is not an instant"),
        (helicone(request_model=None), "model_override is missing"),
        (row("portkey.jsonl", total_units=7), "prompt (100) + completion (20) is 120, and the total says 7"),
        (row("portkey.jsonl", metadata="{"), "metadata: not valid JSON"),
        (row("portkey.jsonl", metadata={"_user": 7}), "user is a whole number"),
        (row("langwatch.json", data__gateway_request_id=None), "data.gateway_request_id is missing"),
        (row("langwatch.json", data__cost__nano_usd=-1), "data.cost.nano_usd is negative"),
        (row("langwatch.json", data__usage__input_audio_tokens=3), "counts input_audio_tokens"),
        (row("langwatch.json", data__labels="x"), "data.labels is a text, not a list"),
        (row("langwatch.json", data__model=None), "data.model is missing"),
    ],
)
def test_what_does_not_fit_is_said(told: dict[str, Any], reason: str) -> None:
    good, bad = read(lines(told))
    assert not good
    assert [reason in item.reason for item in bad] == [True], bad


def test_a_cost_of_another_currency_is_refused() -> None:
    bad = read_bad(row("portkey.jsonl", cost_currency="EUR"), format="portkey:cost-in-cents")
    assert bad.reason == "cost_currency is 'EUR', and costs are read in USD alone"
