"""What a vendor answered, in an envelope that says the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.sources.lines import DATA, lines, read, read_bad, read_good
from tokentill.sources.reading import read_records
from tokentill.usage.record import UsageRecord


def envelope(**changes: Any) -> dict[str, Any]:
    row = {"surface": "openai", "record_id": "r1", "occurred_at": "2026-10-05T09:30:00Z", "model": "gpt-5.4"}
    return {**row, "usage": {"prompt_tokens": 10, "completion_tokens": 5}, **changes}


def test_each_surface_is_read_by_its_own_convention() -> None:
    opened = read_records(DATA / "usage_objects.jsonl")
    records = [item for item in opened if isinstance(item, UsageRecord)]

    assert opened.format == "usage"
    assert {record.occurred_at for record in records} == {datetime(2026, 10, 5, 9, 30, tzinfo=UTC)}
    assert [(record.source, record.record_id, dict(record.quantities)) for record in records] == [
        ("anthropic", "msg_1", {"cache_read": 7, "input": 10, "output": 5}),
        ("openai", "chatcmpl-1", {"cache_read": 4, "input": 6, "output": 5}),
        ("gemini", "g1", {"input": 5, "output": 2, "reasoning": 3}),
        ("mistral", "cmpl-1", {"cache_read": 4, "input": 6, "output": 5}),
        ("bedrock", "b1", {"cache_read": 9, "input": 5, "output": 2}),
        ("bedrock", "b2", {"cache_read": 9, "input": 5, "output": 2}),
        ("openai", "chatcmpl-2", {}),
    ]
    assert (records[1].user, records[1].api_key, records[1].tags) == ("user_1", "key_1", ("chat",))
    assert records[-1].usage_state == "missing"


def test_what_the_envelope_says_wins_over_what_the_answer_says() -> None:
    answer = {"id": "a", "model": "m", "created": 1, "usage": {"prompt_tokens": 10, "completion_tokens": 5}}
    [record] = read_good(
        envelope(response=answer, usage=None, cost="0.25", mode="batch", status="error", source="openai:team-a")
    )
    assert (record.record_id, record.model, record.mode, record.status) == ("r1", "gpt-5.4", "batch", "error")
    assert (record.source, record.cost) == ("openai:team-a", Decimal("0.25"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"surface": "openal"}, "surface is 'openal', not one of openai, anthropic"),
        ({"surface": ["openai"]}, "surface is a list, not one of"),
        ({"usr": "u"}, "the key 'usr' is not known; did you mean 'user'?"),
        ({"response": {}}, "there is a response and a usage object: which is it?"),
        ({"usage": 7}, "the response or usage is a whole number, not an object"),
        ({"record_id": None}, "nothing says the id of the request; write a record_id"),
        ({"occurred_at": "2026-10-05 09:30"}, "occurred_at '2026-10-05 09:30' is not an RFC 3339 instant"),
        ({"cost": "-1"}, "cost -1 is outside 0 to"),
        ({"status": 0}, "status '0' is not one of"),
        ({"usage": {"prompt_tokens": 1.5, "completion_tokens": 1}}, "prompt is a number"),
        ({"surface": "anthropic"}, "the usage object has no count of anthropic's"),
        ({"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 3}}, "and the total says 3"),
    ],
)
def test_what_is_wrong_with_an_envelope_is_said(changes: dict[str, Any], reason: str) -> None:
    assert reason in read_bad(envelope(**changes), format="usage").reason


def test_another_source_than_the_one_asked_for_is_refused() -> None:
    good, bad = read(lines(envelope(source="a"), envelope()), source="b")
    assert [record.source for record in good] == ["b"]
    assert bad[0].reason == "source is 'a', and this is to be read as 'b'"
