"""Usage events: one a request, or several that are one request together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.lines import DATA, lines, read, reading
from tokentill.errors import Refused
from tokentill.sources.reading import Quarantined, read_records
from tokentill.usage.record import UsageRecord


def event(
    event_id: str = "e1", *, subject: Any = "u", time: Any = "2026-10-05T09:30:00Z", **data: Any
) -> dict[str, Any]:
    own = {"specversion": "1.0", "id": event_id, "source": "kong", "type": "ai", "subject": subject, "time": time}
    return {**own, "data": {"model": "gpt-5.4", **data}}


def kind(event_id: str, name: str, tokens: Any, request: Any = "r1", **changes: Any) -> dict[str, Any]:
    return event(event_id, **{"type": name, "tokens": tokens, "request_id": request, **changes})


def test_several_events_are_one_request() -> None:
    opened = read_records(DATA / "cloudevents.json")
    own, first, second = [item for item in opened if isinstance(item, UsageRecord)]

    assert opened.format == "cloudevents"
    assert (own.source, own.record_id, dict(own.quantities)) == ("my-app", "e5", {"input": 10, "output": 5})
    assert (first.source, first.record_id, dict(first.quantities)) == (
        "kong-gateway",
        "req-1",
        {"input": 1000, "output": 200},
    )
    assert (first.user, first.provider, first.occurred_at) == (
        "user_1",
        "openai",
        datetime(2026, 10, 5, 9, 30, tzinfo=UTC),
    )
    assert (second.record_id, dict(second.quantities)) == ("req-2", {"input": 70, "output": 30})


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=4))
def test_order_and_redelivery_change_nothing(order: list[int], again: list[int]) -> None:
    events = [kind(f"e{n}", ("input", "output")[n % 2], 10 + n, f"r{n // 2}") for n in range(6)]
    good, bad = read(lines(*[events[n] for n in [*order, *again]]))
    assert not bad
    assert {record.record_id: dict(record.quantities) for record in good} == {
        f"r{n}": {"input": 10 + 2 * n, "output": 11 + 2 * n} for n in range(3)
    }


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([kind("a", "input", 5, None)], "does not say of which request (data.request_id)"),
        ([kind("a", "input", 5)], "prompt (5) is given and completion is missing"),
        ([kind("a", "input", 5), kind("b", "prompt", 5)], "two events that count its prompt tokens"),
        ([kind("a", "input", 5), kind("a", "input", 6)], "the event 'a' comes twice, with different content"),
        ([kind("a", "input", 5), kind("b", "output", 6, subject="v")], "differ in their user"),
        ([kind("a", "input", 5), kind("b", "output", 6, model="m")], "differ in their model"),
        ([kind("a", "input", 5), kind("b", "output", -6)], "tokens is negative (-6)"),
        ([kind("a", "input", 5), kind("b", "output", "1e3")], "tokens '1e3' is not a whole number in plain digits"),
        ([kind("a", "system", 5), kind("b", "output", 6)], "data.type is 'system', not one of input, prompt, output"),
        ([kind("a", "input", 5), kind("b", "output", 6, time=None)], "time is missing"),
        ([kind("a", "input", 9), kind("b", "output", 6), kind("c", "cached", 4)], "there are tokens of a cache (4)"),
        ([{**event(), "data": None}], "data.model is missing"),
        ([{**event(), "data": [1]}], "data is a list, not an object"),
        ([event(input_tokens=5, output_tokens=5, reasoning_tokens=2)], "there are reasoning"),
        ([{**event(input_tokens=5, output_tokens=5), "source": ""}], "source is"),
    ],
)
def test_what_does_not_make_one_request_is_said(events: list[dict[str, Any]], reason: str) -> None:
    good, bad = read(lines(*events))
    assert not good
    assert [reason in item.reason for item in bad] == [True], bad


def test_what_was_joined_and_refused_is_kept_whole() -> None:
    [bad] = read(lines(kind("a", "input", 5), kind("b", "prompt", 5)))[1]
    assert (bad.line, bad.record_id) == (1, "r1")
    assert bad.kept is not None
    [again] = reading(bad.kept.raw)
    assert isinstance(again, Quarantined)
    assert again.reason == bad.reason


def test_more_parts_than_can_be_held_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokentill.sources.reading.HELD_ROWS_MAX", 3)
    with pytest.raises(Refused, match="in over 3 parts; split it by time"):
        read(lines(*[kind(f"e{n}", "input", 1, f"r{n}") for n in range(4)]))
