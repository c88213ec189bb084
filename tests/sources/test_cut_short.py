"""An answer that says that it is not all there is is named as cut short; one that says nothing is taken for whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sources.lines import canonical, litellm, text
from tokentill.sources.reading import read_records

LITELLM = {"total": 412, "page": 1, "page_size": 2, "total_pages": 206}


def told(around: dict[str, Any], rows: int = 2, *, name: str = "data", last: bool = False) -> str | None:
    """What a file of some records says, with the list of records after what is said or before it."""
    listed = {name: [litellm(f"id-{number}") for number in range(rows)]}
    content = text({**listed, **around} if last else {**around, **listed}).encode()
    reading = _reading(content)
    assert len(list(reading)) == rows
    return None if reading.incomplete is None else reading.incomplete.why


def _reading(content: bytes) -> Any:
    import io

    return read_records(io.BytesIO(content), name="f")


@pytest.mark.parametrize(
    ("around", "why"),
    [
        (LITELLM, "it is page 1 of 206 (2 of 412 records)"),
        ({"page": 3, "total_pages": 3, "total": 2}, "it is page 3 of 3"),
        ({"total": 3}, "it holds 2 of 3 records"),
        ({"total": 1_000_000}, "it holds 2 of 1,000,000 records"),
        ({"has_more": True}, "it says 'has_more', so there is more"),
        ({"metadata": {"truncated": True}}, "it says 'truncated', so there is more"),
        ({"next_cursor": "abc"}, "it names what comes next ('next_cursor'), so there is more"),
        ({"pagination": {"next_page": 2}}, "it names what comes next ('next_page'), so there is more"),
        ({"page": 1, "total_pages": 1, "total": 2, "has_more": False, "next_cursor": None}, None),
        ({"total": 2, "next": "", "next_page": None}, None),
        ({"total": "412", "page": "1", "total_pages": "3", "has_more": "yes"}, None),
        ({"page": 2}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_what_an_answer_says_of_itself_is_read(around: dict[str, Any], why: str | None, last: bool) -> None:
    assert told(around, last=last) == why


def test_an_empty_page_is_cut_short_too() -> None:
    assert told({"total": 5}, rows=0) == "it holds 0 of 5 records"


def test_files_that_are_no_answer_say_nothing() -> None:
    row = json.dumps(canonical()).encode()
    for content in (row + b"\n", b"[" + row + b"]", b"", b"record_id,occurred_at,model,source\nr,x,m,s\n"):
        reading = _reading(content)
        list(reading)
        assert reading.incomplete is None


def test_bad_records_of_a_page_count_as_its_records() -> None:
    reading = _reading(text({"total": 2, "data": [litellm(), {"request_id": "x"}]}).encode())
    assert len(list(reading)) == 2
    assert reading.incomplete is None
