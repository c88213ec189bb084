"""OpenRouter, LiteLLM and the canonical form: the convention of each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.sources.lines import DATA, canonical, lines, litellm, openrouter, read, read_bad, read_good, reading
from tokentill.errors import Refused
from tokentill.sources.reading import Quarantined, read_records
from tokentill.usage.ids import cost_components
from tokentill.usage.record import UsageRecord


def records_of(name: str, format_name: str) -> list[UsageRecord]:
    opened = read_records(DATA / name)
    assert opened.format == format_name
    found = list(opened)
    assert not [item for item in found if isinstance(item, Quarantined)]
    return [item for item in found if isinstance(item, UsageRecord)]


def test_an_openrouter_generation_is_billed_by_native_counts() -> None:
    [record] = records_of("openrouter_generation.json", "openrouter")
    assert dict(record.quantities) == {"input": 9, "cache_read": 3, "output": 22, "reasoning": 5}
    assert (record.source, record.user, record.geo, record.tags) == ("openrouter", "user_12345", None, ())
    assert record.occurred_at == datetime(2026, 7, 15, 23, 33, 19, 433273, tzinfo=UTC)


def test_upstream_cost_is_added_only_with_the_callers_own_key() -> None:
    plain, byok, unknown = read_good(
        openrouter("a", upstream_inference_cost=Decimal("0.5")),
        openrouter("b", is_byok=True, total_cost=Decimal("0.95"), upstream_inference_cost=19),
        openrouter("c", is_byok=True, total_cost=0),
    )
    assert (plain.cost, byok.cost, unknown.cost) == (Decimal("0.5"), Decimal("19.95"), None)
    assert (plain.is_byok, byok.is_byok) == (False, True)


def test_normalised_counts_alone_are_an_estimate() -> None:
    row = openrouter(native_tokens_prompt=None, native_tokens_completion=None)
    [record] = read_good(row)
    assert (record.usage_state, dict(record.quantities)) == ("estimated", {"input": 90, "output": 15})


def test_a_replay_from_the_response_cache_is_tagged() -> None:
    [record] = read_good(openrouter(response_cache_source_id="gen-0", data_region="eu", service_tier="flex"))
    assert (record.tags, record.geo, record.mode) == (("response-cache",), "eu", "flex")
    assert record.is_replayed


def test_an_openrouter_record_without_counts_is_missing() -> None:
    counts = ("native_tokens_prompt", "native_tokens_completion", "tokens_prompt", "tokens_completion")
    [record] = read_good(openrouter(**dict.fromkeys(counts)))
    assert (record.usage_state, dict(record.quantities)) == ("missing", {})


def test_the_openrouter_export_is_read_by_its_header() -> None:
    first, second, third = records_of("openrouter_activity.csv", "openrouter")
    assert dict(first.quantities) == {"input": 60, "cache_read": 40, "output": 30, "reasoning": 20}
    assert first.occurred_at == datetime(2026, 10, 1, 8, 15, 0, 123000, tzinfo=UTC)
    assert (first.model, first.api_key, first.usage_state) == ("openai/gpt-5.4-20260305", "prod", "reported")
    assert (second.cost, second.is_byok) == (Decimal("19.95"), True)
    assert (third.model, third.status, third.user) == ("deepseek/deepseek-v4-flash:free", "cancelled", None)


def test_a_part_of_the_cost_that_the_export_does_not_count_is_kept_as_a_tag() -> None:
    table = (
        b"generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,tokens_prompt,"
        b"tokens_completion,model_permaslug\n"
        b"a,2026-10-01 08:15:00,0.52,0.50,-0.01,,1000,10,openai/gpt-5.4\n"
        b"b,2026-10-01 08:15:00,0.02,0,,0.0040,1000,10,openai/gpt-5.4\n"
    )
    (searched, filed), bad = read(table)
    assert not bad
    assert (searched.tags, filed.tags) == (("cost_web_search=0.5",), ("cost_file_processing=0.004",))
    assert list(cost_components((*searched.tags, "prod", "cost_x"))) == [("web_search", Decimal("0.5"))]


def test_litellm_details_leave_the_totals_and_the_rest_of_cache_writes_keeps_no_lifetime() -> None:
    first, hit, failed = records_of("litellm_spend_logs.json", "litellm")
    assert dict(first.quantities) == {
        "input": 450,
        "cache_read": 300,
        "cache_write": 100,
        "cache_write_5m": 100,
        "cache_write_1h": 50,
        "output": 120,
        "reasoning": 80,
    }
    assert (first.user, first.cost, first.tags) == (
        "customer_7",
        Decimal("0.000012345"),
        ("chat", "prod", "team=team-a"),
    )
    assert first.occurred_at == datetime(2026, 10, 1, 12, tzinfo=UTC)
    assert (hit.tags, hit.user, hit.cost) == (("response-cache",), None, Decimal(0))
    assert (first.is_replayed, hit.is_replayed) == (False, True)
    assert hit.occurred_at == datetime(2026, 10, 1, 12, 5, tzinfo=UTC)
    assert (failed.status, failed.usage_state, dict(failed.quantities)) == ("error", "reported", {})


@pytest.mark.parametrize(
    ("said", "is_replayed"),
    [("True", True), (True, True), ("False", False), (False, False), ("None", False), ("", False), (None, False)],
)
def test_litellm_writes_a_hit_of_its_cache_in_many_ways(said: object, is_replayed: bool) -> None:
    [record] = read_good(litellm(cache_hit=said))
    assert record.is_replayed is is_replayed


def test_who_calls_litellm_cannot_make_a_request_a_replay_by_its_tags() -> None:
    [record] = read_good(litellm(cache_hit="False", request_tags=["response-cache", "prod"]))
    assert (record.tags, record.is_replayed) == (("prod",), False)


IMAGES = {"created": 1790000000, "data": [{"url": "https://a"}, {"url": "https://b"}], "usage": None}
ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
LITELLM_UNITS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "images whose response is stored": ({"call_type": "aimage_generation", "response": IMAGES}, {"image": 2}),
    "images whose response is stored as text": (
        {"call_type": "aimage_edit", "response": json.dumps(IMAGES)},
        {"image": 2},
    ),
    "images whose response is not stored": ({"call_type": "aimage_generation", "response": "{}"}, {}),
    "images whose response was cut off": ({"call_type": "aimage_generation", "response": '{"data": [{"b64'}, {}),
    "images that are charged by tokens": (
        {
            "call_type": "aimage_generation",
            "response": IMAGES,
            "prompt_tokens": 12,
            "completion_tokens": 272,
            "total_tokens": 284,
        },
        {"input": 12, "output": 272},
    ),
    "a transcription that says how long it was": (
        {"call_type": "atranscription", "metadata": {"additional_usage_values": {"type": "duration", "seconds": 9.0}}},
        {"audio_second": 9},
    ),
    "a transcription of a fraction": (
        {"call_type": "atranscription", "metadata": {"usage_object": {"type": "duration", "seconds": 9.5}}},
        {},
    ),
    "a transcription that says nothing": ({"call_type": "atranscription", "metadata": {"usage_object": {}}}, {}),
    "speech": ({"call_type": "aspeech", "metadata": {"usage_object": ZEROS}}, {}),
    "a reranking that bills search units": (
        {
            "call_type": "arerank",
            "response": {"results": [], "meta": {"billed_units": {"search_units": 3}, "tokens": {"input_tokens": 900}}},
            "prompt_tokens": 900,
            "total_tokens": 900,
        },
        {"search_unit": 3},
    ),
    "a reranking that is charged by tokens": (
        {"call_type": "arerank", "prompt_tokens": 900, "total_tokens": 900},
        {"input": 900},
    ),
    "pages that were read": (
        {"call_type": "aocr", "metadata": {"usage_object": {**ZEROS, "pages_processed": 4}}},
        {"page": 4},
    ),
    "what was embedded, without tokens": (
        {
            "call_type": "aembedding",
            "metadata": {
                "usage_object": {**ZEROS, "prompt_tokens_details": {"character_count": 120, "image_count": 1}}
            },
        },
        {"character": 120, "image": 1},
    ),
    "what was embedded, by tokens": (
        {
            "call_type": "aembedding",
            "metadata": {"usage_object": {"prompt_tokens_details": {"character_count": 120}}},
            "prompt_tokens": 30,
            "total_tokens": 30,
        },
        {"input": 30},
    ),
}


@pytest.mark.parametrize("name", LITELLM_UNITS)
def test_litellm_rows_without_tokens_are_read_into_the_units_that_they_state(name: str) -> None:
    changes, expected = LITELLM_UNITS[name]
    row = litellm(spend=Decimal("0.08"), **{**ZEROS, **changes})
    [record] = read_good(row, format="litellm")
    assert dict(record.quantities) == expected
    assert (record.usage_state, record.cost) == ("reported", Decimal("0.08"))


def test_a_count_of_units_that_is_none_is_quarantined() -> None:
    usage = {**ZEROS, "pages_processed": "four"}
    bad = read_bad(litellm(**ZEROS, metadata={"usage_object": usage}), format="litellm")
    assert bad.reason == "page is a text, not a whole number"


def test_litellm_fields_that_tell_the_same_count_must_agree() -> None:
    usage = {"prompt_tokens_details": {"cached_tokens": 0}, "cache_read_input_tokens": 50}
    bad = read_bad(litellm(metadata={"usage_object": usage}), format="litellm")
    assert bad.reason == "cached is given twice, with different values: 0, 50"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"total_tokens": 7}, "the total says 7"),
        ({"metadata": "{"}, "metadata: not valid JSON"),
        ({"metadata": [1]}, "metadata is a list, not an object"),
        ({"request_tags": "prod"}, "request_tags: not valid JSON"),
        ({"request_tags": {"a": 1}}, "request_tags is an object, not a list"),
        ({"request_tags": [1]}, "tag is a whole number, not a text"),
        ({"startTime": 1790000000}, "startTime is a whole number"),
        ({"spend": "NaN"}, "spend: 'NaN' is not a decimal number"),
    ],
)
def test_a_litellm_row_that_makes_no_sense_is_quarantined(changes: dict[str, Any], reason: str) -> None:
    assert reason in read_bad(litellm(**changes), format="litellm").reason


def test_cache_writes_with_a_lifetime_cannot_be_more_than_all() -> None:
    details = {
        "cache_creation_tokens": 10,
        "cache_creation_token_details": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 5},
    }
    row = litellm(metadata={"usage_object": {"prompt_tokens_details": details}})
    assert "(11) are more than all cache writes (10)" in read_bad(row, format="litellm").reason


def test_litellm_says_the_team_and_the_alias_of_a_key_and_no_caller_can_say_another() -> None:
    own = {"team_id": "red", "metadata": {"user_api_key_alias": "web"}, "request_tags": ["team=blue", "prod"]}
    [record] = read_good(litellm(**own), format="litellm")
    assert record.tags == ("key_alias=web", "prod", "request_tag:team=blue", "team=red")
    [nobodys] = read_good(litellm(team_id="", request_tags=["key_alias=x"]), format="litellm")
    assert nobodys.tags == ("request_tag:key_alias=x",)
    assert "team_id is a whole number, not a text" in read_bad(litellm(team_id=7), format="litellm").reason


def test_only_litellm_may_leave_out_the_offset() -> None:
    assert read_good(litellm(startTime="2026-10-05 09:30:00"))[0].occurred_at.tzinfo is UTC
    assert "RFC 3339" in read_bad(canonical(occurred_at="2026-10-05 09:30:00"), format="canonical").reason
    assert "RFC 3339" in read_bad(openrouter(created_at="2026-10-05T09:30:00"), format="openrouter").reason


def test_a_canonical_record_is_taken_word_for_word() -> None:
    first, zero, missing = records_of("canonical.jsonl", "canonical")
    assert dict(first.quantities) == {"audio_second": 7, "cache_read": 5, "input": 10, "output": 3}
    assert (first.mode, first.geo, first.tags, first.is_byok) == ("batch", "us", ("a", "b"), True)
    assert (first.cost, first.occurred_at.hour) == (Decimal("0.1"), 10)
    assert (zero.usage_state, missing.usage_state) == ("reported", "missing")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"usre": "u"}, "the key 'usre' is not known; did you mean 'user'?"),
        ({"zzz": 1}, "the key 'zzz' is not known"),
        ({"quantities": {"Input": 1}}, "'Input' is not the name of a quantity"),
        ({"quantities": {"input_total": 1}}, "'input_total' is not the name of a quantity"),
        ({"quantities": {"input": Decimal("1.0")}}, "input is a number with a point, not a whole number"),
        ({"quantities": {"input": "1"}}, "input is a text, not a whole number"),
        ({"quantities": {"input": 10**30}}, "at most 1000000000000 are accepted"),
        ({"quantities": {"request": 2}}, "a record is one request"),
        ({"quantities": [1]}, "quantities is a list, not an object"),
        ({"quantities": None, "usage_state": "reported"}, "write a zero as 0"),
        ({"usage_state": "missing"}, "usage_state is missing, but quantities are given"),
        ({"usage_state": 5}, "usage_state '5' is not one of"),
        ({"status": ["ok"]}, "is not one of ok, error"),
        ({"mode": "Batch"}, "mode 'Batch' is not a lower-case word"),
        ({"mode": 7}, "mode '7' is not"),
        ({"tags": "a"}, "tags is a text, not a list of texts"),
        ({"tags": [["a"]]}, "tag is a list, not a text"),
        ({"tags": [""]}, "a tag is empty"),
        ({"is_byok": 1}, "is_byok is a whole number"),
        ({"cost": "1e-31"}, "cost: the exponent"),
        ({"source": []}, "source is a list"),
        ({"usage_state": ""}, "usage_state '' is not one of"),
        ({"cost": Decimal("1e-25")}, "cost: 1E-25 has more digits"),
        ({"cost": Decimal("1000001")}, "is outside 0 to 1000000"),
        ({"model": None}, "model is missing"),
        ({"model": ""}, "model is missing"),
        ({"record_id": 5}, "record_id is a whole number, not a text"),
        ({"source": ["own"]}, "source is a list, not a text"),
    ],
)
def test_a_canonical_record_with_a_mistake_is_quarantined(changes: dict[str, Any], reason: str) -> None:
    assert reason in read_bad(canonical(**changes), format="canonical").reason


def test_a_cost_may_be_a_number_or_a_decimal_string() -> None:
    number, string = read_good(canonical(cost=Decimal("0.10")), canonical(cost="0.1"))
    assert number.digest == string.digest


def test_the_named_source_is_given_to_records_that_name_none() -> None:
    assert read_good(litellm(), source="litellm:eu")[0].source == "litellm:eu"
    assert read_good({**canonical(), "source": None}, source="own:2")[0].source == "own:2"


def test_the_named_source_never_overwrites_what_a_record_says() -> None:
    good, [bad] = read(lines(canonical("a"), canonical("b", source="other")), source="own")
    assert [record.record_id for record in good] == ["a"]
    assert bad.reason == "source is 'other', and this is to be read as 'own'"
    assert (bad.record_id, bad.line) == ("b", 2)


def test_a_canonical_table_flattens_quantities() -> None:
    table = (
        b"source,record_id,occurred_at,model,tags,cost,is_byok,input,output,audio_second\n"
        b"own,r1,2026-10-05T09:30:00Z,m,b;a,0.10,true,7,,3\n"
        b"own,r2,2026-10-05T09:30:00Z,m,,,,0,0,\n"
        b"own,r3,2026-10-05T09:30:00Z,m,,,,,,\n"
    )
    (first, zero, missing), bad = read(table)
    assert not bad
    expected = canonical(tags=["a", "b"], cost="0.1", is_byok=True, quantities={"input": 7, "audio_second": 3})
    assert first.digest == read_good(expected)[0].digest
    assert (zero.usage_state, missing.usage_state) == ("reported", "missing")


@pytest.mark.parametrize(
    ("column", "hint"),
    [("usre", "did you mean 'user'?"), ("quantities", "neither"), ("input_total", "neither"), ("In put", "neither")],
)
def test_a_canonical_table_with_a_strange_column_is_refused(column: str, hint: str) -> None:
    with pytest.raises(Refused, match=r"usage.file: the column") as refusal:
        reading(f"record_id,occurred_at,model,{column}\n".encode())
    assert hint in str(refusal.value)


@pytest.mark.parametrize("cell", ["1.0", "-1", "１２", "1_000", " 5", "+5", "1e3", "007", "9" * 41])
def test_a_count_in_a_table_is_plain_digits(cell: str) -> None:
    table = f"source,record_id,occurred_at,model,input\nown,r1,2026-10-05T09:30:00Z,m,{cell}\n"
    good, [bad] = read(table.encode())
    assert not good
    assert "is not a whole number in plain digits" in bad.reason
