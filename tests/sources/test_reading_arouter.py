"""ARouter: cached tokens and cache writes are inside the prompt, reasoning is inside the completion."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from tests.sources.lines import DATA, arouter, lines, read, read_bad, read_good
from tokentill.sources.gateways.arouter import FIELDS, PATHS
from tokentill.sources.reading import Quarantined, read_records
from tokentill.usage.record import UsageRecord


def records_of(name: str) -> list[UsageRecord]:
    found = list(read_records(DATA / name))
    assert not [item for item in found if isinstance(item, Quarantined)]
    return [item for item in found if isinstance(item, UsageRecord)]


def test_the_documented_generation_is_read_with_its_exact_cost() -> None:
    [record] = records_of("arouter_generation.json")
    assert record.source == "arouter"
    assert record.record_id == "gen-1775226820-719aea642d4b4d279c897793"
    assert record.occurred_at == datetime(2026, 4, 3, 14, 33, 40, tzinfo=UTC)
    assert dict(record.quantities) == {"input": 14, "output": 6}
    assert record.cost == Decimal("0.000132")
    assert (record.provider, record.mode, record.status, record.is_byok) == ("Google", "standard", "ok", False)


def test_cached_and_cache_write_tokens_leave_the_prompt_and_reasoning_leaves_the_completion() -> None:
    first, second = records_of("arouter_activity.json")
    assert dict(first.quantities) == {"input": 60, "cache_read": 60, "output": 55, "reasoning": 30}
    assert (first.user, first.api_key, first.cost) == ("user_12345", "key_web", None)
    assert dict(second.quantities) == {"cache_read": 1024, "cache_write": 476, "output": 10}
    assert second.input_total == 1500
    assert (second.mode, second.is_byok, second.cost, second.user) == ("batch", True, Decimal("0.00123"), None)


def test_audio_and_video_leave_their_totals() -> None:
    usage = {
        "prompt_tokens_details": {"audio_tokens": 10, "video_tokens": 20},
        "completion_tokens_details": {"audio_tokens": 5, "accepted_prediction_tokens": 3},
        "server_tool_use_details": {"web_search_requests": 2},
    }
    [record] = read_good(arouter(prompt=100, completion=20, usage=usage))
    assert dict(record.quantities) == {
        "input": 70,
        "input_audio": 10,
        "input_video": 20,
        "output": 15,
        "output_audio": 5,
        "web_search": 2,
    }


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        ({"prompt_tokens": 30, "prompt_tokens_details": {"cached_tokens": 50}}, "cached (50) is more than prompt (30)"),
        (
            {"prompt_tokens": 30, "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 11}},
            "cached (20) + cache_write (11) are more than prompt (30)",
        ),
        (
            {"completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 6}},
            "reasoning_output (6) is more than completion (5)",
        ),
        ({"total_tokens": 121}, "prompt (100) + completion (20) is 120, and the total says 121"),
        ({"completion_tokens": None}, "prompt (100) is given and completion is missing"),
        ({"prompt_tokens": None, "completion_tokens": None, "total_tokens": 5}, "prompt and completion is missing"),
        ({"completion_tokens": None, "total_tokens": 99}, "prompt (100) is more than the total (99)"),
        ({"prompt_tokens": None, "completion_tokens": None, "cached_tokens": 3}, "cached is 3, but there are"),
        ({"prompt_tokens": -1}, "prompt is negative (-1)"),
        ({"prompt_tokens": Decimal("1.0")}, "prompt is a number with a point (1.0), not a whole number"),
        ({"prompt_tokens": "12"}, "prompt is a text, not a whole number"),
        ({"prompt_tokens": True}, "prompt is true, not a whole number"),
        ({"prompt_tokens": {}}, "prompt is an object, not a whole number"),
        ({"prompt_tokens_details": "none"}, "prompt_tokens_details is a text, not an object"),
        ({"cost": "free"}, "cost: 'free' is not a decimal number"),
        ({"cost": Decimal("-0.5")}, "cost -0.5 is outside 0"),
        ({"cost": True}, "cost is true, not an amount"),
        ({"is_byok": "yes"}, "is_byok is a text, not true or false"),
    ],
)
def test_usage_that_does_not_add_up_is_quarantined_with_its_numbers(usage: dict[str, Any], reason: str) -> None:
    assert reason in read_bad(arouter(usage=usage)).reason


@pytest.mark.parametrize("usage", [{}, None, {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}])
def test_a_record_without_usage_is_missing_and_not_zero(usage: dict[str, Any] | None) -> None:
    row = arouter()
    row["usage"] = usage
    [record] = read_good(row, format="arouter")
    assert (record.usage_state, dict(record.quantities)) == ("missing", {})


def test_a_record_that_reports_zeros_is_reported() -> None:
    [record] = read_good(arouter(prompt=0, completion=0, usage={"total_tokens": 0, "cost": 0}, finish_reason="error"))
    assert (record.usage_state, dict(record.quantities)) == ("reported", {})
    assert (record.cost, record.status) == (Decimal(0), "error")


def test_a_completion_that_is_left_out_follows_from_the_total() -> None:
    row = arouter(usage={"total_tokens": 100})
    del row["usage"]["completion_tokens"]
    [record] = read_good(row)
    assert (dict(record.quantities), record.usage_state) == ({"input": 100}, "reported")


@pytest.mark.parametrize(
    ("tier", "mode"),
    [(None, "standard"), ("default", "standard"), ("standard", "standard"), ("auto", "standard"), ("", "standard")]
    + [(word, word) for word in ("batch", "flex", "priority", "scale")],
)
def test_the_service_tier_is_the_mode(tier: str | None, mode: str) -> None:
    assert read_good(arouter(service_tier=tier))[0].mode == mode


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"finish_reason": "stop"}, "ok"),
        ({"finish_reason": None}, "ok"),
        ({"finish_reason": "error"}, "error"),
        ({"cancelled": True, "finish_reason": "stop"}, "cancelled"),
        ({"status": "success"}, "ok"),
        ({"status": "failed"}, "error"),
        ({"status": "what"}, "unknown"),
    ],
)
def test_how_a_request_ended_is_its_status(changes: dict[str, Any], status: str) -> None:
    assert read_good(arouter(**changes))[0].status == status


def test_flat_rows_with_other_names_give_the_same_record() -> None:
    flat = {
        "generation_id": "gen-1",
        "timestamp": "2026-10-05T11:30:00+02:00",
        "model_permaslug": "openai/gpt-5.4",
        "external_user": "user_1",
        "tokens_prompt": 100,
        "tokens_completion": 20,
        "tokens_cached": 40,
        "tokens_reasoning": 5,
        "cost_total": Decimal("0.25"),
    }
    nested = arouter(
        usage={
            "cost": Decimal("0.250"),
            "prompt_tokens_details": {"cached_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": 5},
        }
    )
    [one], [other] = read_good(flat, format="arouter"), read_good(nested)
    assert one == other
    assert one.digest == other.digest


def test_usage_may_be_a_number_and_is_the_cost_then() -> None:
    row = {**arouter(), "usage": Decimal("0.75"), "prompt_tokens": 3, "completion_tokens": 2}
    [record] = read_good(row, format="arouter")
    assert (record.cost, dict(record.quantities)) == (Decimal("0.75"), {"input": 3, "output": 2})


def test_the_preferred_name_wins_whatever_the_order() -> None:
    names = {"user": "customer", "external_user": "second", "user_id": "third"}
    rows = [{**dict(order), **arouter(drop="user")} for order in permutations(names.items())]
    assert {record.user for record in read_good(*rows)} == {"customer"}


def test_byok_cost_is_what_the_provider_charges() -> None:
    [alone] = read_good(arouter(byok_usage_inference=Decimal("0.5")))
    assert (alone.cost, alone.is_byok) == (Decimal("0.5"), True)
    [none] = read_good(arouter(byok_usage_inference=0, usage={"cost": Decimal("0.1")}))
    assert (none.cost, none.is_byok) == (Decimal("0.1"), False)
    bad = read_bad(arouter(byok_usage_inference=Decimal("0.5"), usage={"cost": Decimal("0.1")}))
    assert "cost (0.1) and byok_usage_inference (0.5) differ" in bad.reason


def test_a_user_that_is_empty_is_none_and_one_that_is_a_number_is_refused() -> None:
    assert read_good(arouter(user=""))[0].user is None
    assert read_bad(arouter(user=0)).reason == "user is a whole number, not a text"
    assert read_bad(arouter(user=False)).reason == "user is false, not a text"


@pytest.mark.parametrize("missing", ["id", "model", "created_at"])
def test_what_identifies_a_record_must_be_there(missing: str) -> None:
    words = {"id": "without an id", "model": "model is missing", "created_at": "the time of the request is missing"}
    assert words[missing] in read_bad(arouter(drop=missing)).reason


def test_a_daily_total_is_no_record() -> None:
    good, [bad] = read(lines(arouter(), {**arouter(drop="id"), "requests": 12}))
    assert len(good) == 1
    assert bad.reason == "the record is a daily total, not one request"


def test_a_probe_shows_what_each_field_was_taken_for() -> None:
    seen = FIELDS.seen(arouter(colour="blue", usage={"prompt_tokens_details": {"cached_tokens": 1, "new": 2}}))
    assert seen["id"] == "record_id"
    assert seen["usage.prompt_tokens_details.cached_tokens"] == "cached"
    assert seen["usage.prompt_tokens_details.new"] is None
    assert seen["colour"] is None


def test_no_path_is_declared_for_two_roles() -> None:
    paths = [path for choices in PATHS.values() for path in choices]
    assert len(paths) == len(set(paths))
