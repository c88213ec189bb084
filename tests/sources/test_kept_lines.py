"""What is kept of a line that is no record reads as the line did, and holds nothing of a conversation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.lines import arouter, canonical, litellm, openrouter, read, text
from tokentill.errors import InvalidRecord
from tokentill.sources.kept_lines import KEPT_BYTES_MAX, KeptLine

ROWS = [arouter(), canonical(), litellm(), openrouter(), {"data": openrouter()}]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("is_list", [False, True])
def test_what_is_kept_reads_as_its_file_does(row: dict[str, object], is_list: bool) -> None:
    raw = text(row).encode()
    (expected,), _ = read(b"[" + raw + b"]" if is_list else raw + b"\n")
    kept = KeptLine.of(raw)
    assert kept is not None
    assert kept.record() == expected


@given(st.binary(max_size=60), st.sampled_from([None, b"record_id,occurred_at,model,source,input"]))
def test_any_bytes_are_a_record_or_a_reason(raw: bytes, header: bytes | None) -> None:
    kept = KeptLine.of(raw, header=header, source="own", format_="canonical")
    if kept is not None:
        with pytest.raises(InvalidRecord):
            kept.record()


SPOKEN = [
    {"messages": [{"role": "user", "content": "hi"}]},
    {"response": {"id": 1}},
    {"response": '{"choices": ["x"]}'},
    {"metadata": {"prompt": "hi"}},
    {"metadata": '{"messages": ["hi"]}'},
    {"input": "what I said"},
]
UNSPOKEN = [
    {"messages": {}, "response": "{}", "proxy_server_request": "[]"},
    {"messages": [], "response": None, "prompt": 12, "completion": "12.5"},
    {"quantities": {"input": -1, "output": 5}},
]


@pytest.mark.parametrize("fields", SPOKEN)
def test_a_line_that_holds_a_conversation_is_not_kept(fields: dict[str, object]) -> None:
    assert KeptLine.of(json.dumps({**canonical(), **fields}).encode()) is None
    assert KeptLine.of(json.dumps({**fields, "last": 1}, indent=1).encode()) is None


@pytest.mark.parametrize("fields", UNSPOKEN)
def test_empty_fields_and_counts_are_no_conversation(fields: dict[str, object]) -> None:
    assert KeptLine.of(json.dumps({**canonical(), **fields}).encode()) is not None


@pytest.mark.parametrize(
    ("cells", "is_kept"),
    [(b"a,hello", False), (b"a,{}", True), (b"a,", True), (b"a,12", True), (b'a,"x', False), (b"a,b,c", False)],
)
def test_a_column_of_a_conversation_is_looked_into(cells: bytes, is_kept: bool) -> None:
    assert (KeptLine.of(cells, header=b"request_id,messages") is not None) == is_kept


def test_a_line_is_kept_up_to_its_limit() -> None:
    assert KeptLine.of(b"x" * KEPT_BYTES_MAX) is not None
    assert KeptLine.of(b"x" * (KEPT_BYTES_MAX + 1)) is None
    assert KeptLine.of(b"x" * KEPT_BYTES_MAX, header=b"y") is None
