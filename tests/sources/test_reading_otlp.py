"""GenAI spans: which of them are requests, and what they count."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.lines import DATA, lines, read, reading
from tokentill.sources.reading import read_records
from tokentill.usage.record import UsageRecord

NANOSECONDS = 1_791_192_600_000_000_000


def value(of: Any) -> dict[str, Any]:
    return {"intValue": str(of)} if isinstance(of, int) else {"stringValue": of} if isinstance(of, str) else of


def span(span_id: str = "a", *, parent: str | None = None, name: str = "chat", **attributes: Any) -> dict[str, Any]:
    """A call; `__` in a name of an attribute is a point, and None takes one out."""
    named = {
        "gen_ai__operation__name": "chat",
        "gen_ai__request__model": "gpt-5.4",
        "gen_ai__usage__input_tokens": 100,
        "gen_ai__usage__output_tokens": 20,
        **attributes,
    }
    listed = [{"key": key.replace("__", "."), "value": value(of)} for key, of in named.items() if of is not None]
    own = {"traceId": "t", "spanId": span_id, "name": name, "startTimeUnixNano": str(NANOSECONDS), "attributes": listed}
    return own if parent is None else {**own, "parentSpanId": parent}


def document(*spans: Any, **resource: Any) -> dict[str, Any]:
    shared = [{"key": key.replace("__", "."), "value": value(of)} for key, of in resource.items()]
    return {"resourceSpans": [{"resource": {"attributes": shared}, "scopeSpans": [{"spans": list(spans)}]}]}


def test_calls_are_records_and_agents_tools_and_other_spans_are_not() -> None:
    opened = read_records(DATA / "otlp_spans.json")
    chat, failed = [item for item in opened if isinstance(item, UsageRecord)]

    assert opened.format == "otlp"
    assert dict(chat.quantities) == {
        "cache_read": 400,
        "cache_write": 100,
        "input": 500,
        "output": 150,
        "reasoning": 50,
    }
    assert (chat.record_id, chat.model, chat.user) == ("chatcmpl-1", "gpt-5.4-2026-03-05", "user_1")
    assert (chat.provider, chat.occurred_at) == ("openai", datetime(2026, 10, 5, 9, 30, 0, 123456, tzinfo=UTC))
    assert (failed.record_id, failed.user, failed.status, failed.usage_state) == ("t1:e", "user_2", "error", "missing")


@pytest.mark.parametrize("shape", ["lines", "pretty", "list", "spans"])
def test_documents_come_in_any_layout(shape: str) -> None:
    documents = [document(span(f"s{n}a"), span(f"s{n}b")) for n in range(3)]
    content = {
        "lines": lines(*documents),
        "pretty": "\n".join(json.dumps(one, indent=1) for one in documents).encode(),
        "list": json.dumps(documents).encode(),
        "spans": lines(*[span(f"s{n}{side}") for n in range(3) for side in "ab"]),
    }[shape]
    good, bad = read(content)
    assert not bad
    assert [record.record_id for record in good] == ["t:s0a", "t:s0b", "t:s1a", "t:s1b", "t:s2a", "t:s2b"]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_document_far_larger_than_a_record_may_be_is_read(indent: int | None) -> None:
    padded = [span(f"s{n}", gen_ai__input__messages="x" * 2000) for n in range(1000)]
    content = json.dumps(document(*padded), indent=indent).encode()
    assert len(content) > 2_000_000
    good, bad = read(content)
    assert (len(good), len(bad)) == (1000, 0)


def test_a_call_within_a_call_is_one_request_or_two_or_refused() -> None:
    outer = span("a", gen_ai__response__id="r1")
    same = span("b", parent="a", gen_ai__response__id="r1")
    other = span("c", parent="a", gen_ai__response__id="r2")
    unknown = span("d", parent="b")
    good, bad = read(lines(document(outer, same, other, unknown)))

    assert [record.record_id for record in good] == ["r1", "r2"]
    assert [item.reason.split(",")[0] for item in bad] == ["the span lies in that of another call (b)"]


def test_of_openrouter_only_generations_are_requests() -> None:
    own = {"trace.metadata.openrouter.api_key_name": "prod", "gen_ai__operation__name": None}
    generation = span(
        "a", name="LLM Generation", gen_ai__response__id="gen-1", gen_ai__usage__total_cost={"doubleValue": 0.25}, **own
    )
    attempt = span("b", parent="a", name="provider attempt", **own)
    good, bad = read(lines(document(generation, attempt)).replace(b"0.25", b"0.2500000000000001"))

    assert not bad
    assert [(record.record_id, record.api_key) for record in good] == [("gen-1", "prod")]
    assert good[0].cost == Decimal("0.2500000000000001")


@given(
    st.fixed_dictionaries(
        dict.fromkeys(("input", "cache_read", "cache_write", "output", "reasoning"), st.integers(0, 10**9))
    )
)
def test_leaves_add_up_to_the_totals(used: dict[str, int]) -> None:
    told = span(
        gen_ai__usage__input_tokens=used["input"] + used["cache_read"] + used["cache_write"],
        gen_ai__usage__output_tokens=used["output"] + used["reasoning"],
        gen_ai__usage__cache_read__input_tokens=used["cache_read"],
        gen_ai__usage__cache_creation__input_tokens=used["cache_write"],
        gen_ai__usage__reasoning__output_tokens=used["reasoning"],
    )
    [record] = read(lines(document(told)))[0]
    assert {name: record.quantities.get(name, 0) for name in used} == used


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"gen_ai__usage__cache_read__input_tokens": 101}, "cached (101) is more than prompt (100)"),
        ({"gen_ai__usage__cache_read_input_tokens": 5}, "there are tokens of a cache (5), and whether they are inside"),
        ({"gen_ai__usage__total_tokens": 121}, "prompt (100) + completion (20) is 120, and the total says 121"),
        ({"gen_ai__usage__input_tokens": {"doubleValue": 1.5}}, "prompt is a number with a point (1.5)"),
        ({"gen_ai__usage__input_tokens": {"intValue": "-1"}}, "prompt is a text, not a whole number"),
        ({"gen_ai__usage__input_tokens": {"arrayValue": {}}}, "gen_ai.usage.input_tokens has no single value"),
        ({"gen_ai__operation__name": "invent"}, "'invent' is not known to be a call of a model"),
        ({"gen_ai__request__model": None}, "gen_ai.response.model and gen_ai.request.model are missing"),
        ({"user__id": 7}, "user is a whole number"),
    ],
)
def test_what_is_wrong_with_one_span_is_said_and_costs_no_other(attributes: dict[str, Any], reason: str) -> None:
    good, [bad] = read(lines(document(span("good"), span("bad", **attributes))))
    assert [record.record_id for record in good] == ["t:good"]
    assert reason in bad.reason
    assert bad.record_id == "bad"
    assert bad.occurred_at == datetime(2026, 10, 5, 9, 30, tzinfo=UTC)


def test_a_bad_span_is_kept_without_the_others_and_without_what_was_said() -> None:
    told = span("bad", gen_ai__request__model=None, gen_ai__input__messages="a secret")
    [bad] = read(lines(document(span("good"), told)))[1]
    assert bad.kept is not None
    assert b"secret" not in bad.kept.raw
    [again] = reading(bad.kept.raw, format="otlp")
    assert getattr(again, "reason", None) == bad.reason


def test_an_old_name_is_taken_where_the_total_shows_what_it_means() -> None:
    told = span(gen_ai__usage__cache_read_input_tokens=5, gen_ai__usage__total_tokens=125)
    [record] = read(lines(document(told)))[0]
    assert dict(record.quantities) == {"cache_read": 5, "input": 100, "output": 20}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"resourceSpans": 7}, "resourceSpans is a whole number, not a list of objects"),
        ({"resourceSpans": [{"scopeSpans": [{"spans": [7]}]}]}, "spans is a list, not a list of objects"),
        (document({**span(), "attributes": "x"}), "attributes is a text, not a list of objects"),
        (document({**span(), "spanId": None}), "the span has no traceId or no spanId"),
        (document({**span(), "startTimeUnixNano": "soon"}), "startTimeUnixNano 'soon' is not an RFC 3339 instant"),
    ],
)
def test_a_document_that_is_none_is_said(broken: dict[str, Any], reason: str) -> None:
    good, bad = read(lines(broken))
    assert not good
    assert [reason in item.reason for item in bad] == [True]


def test_a_probe_without_spans_holds_nothing() -> None:
    assert list(read_records(io.BytesIO(b'{"resourceSpans":[]}'), name="probe")) == []
