"""Whatever the bytes are: records, quarantine or `Refused`, never anything else; and reading changes nothing."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shares import examples
from tests.sources.lines import DATA, arouter, canonical, lines, litellm, openrouter, read, text
from tests.sources.test_responses_laws import places, put
from tokentill.canonical import canonical_bytes
from tokentill.errors import Refused
from tokentill.sources.opening import FORMATS
from tokentill.sources.reading import Limits, read_records

SEEDS = [path.read_bytes() for path in sorted(DATA.iterdir()) if path.is_file()]
SEEDS += [lines(row, row) for row in (arouter(), canonical(), litellm(), openrouter())]
SPLICES = [b'"', b"\\", b"{", b"[", b"]", b"}", b",", b"\n", b"\r", b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"1e9"]
SPLICES += [b"null", b"NaN", b"true", b"-1", b"[[[[", b"9" * 50, b'""', b"{}", b"[]", b'"a":', b"\x1f\x8b", b"0.1"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals(allow_nan=False, places=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = [name for name in FORMATS if name] + [None]


def format_of(path: Path) -> str | None:
    with read_records(path) as opened:
        return opened.format


def rows_of(path: Path) -> list[dict[str, object]]:
    """The rows of a file of JSON, with what numbers it has exactly."""
    text = path.read_text()
    try:
        whole = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError:
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines() if line]
    held = whole.get("data") if isinstance(whole, dict) else whole
    return held if isinstance(held, list) else [whole]


def survives(content: bytes, format_name: str | None) -> None:
    try:
        good, bad = read(content, format=format_name, limits=Limits(line_bytes_max=3000))
    except Refused:
        return
    for item in bad:
        assert item.line >= 1
        assert item.reason
        assert item.raw.isprintable()
        assert len(item.digest) == 16
    for record in good:
        assert record.digest == sha256(canonical_bytes(record.content())).digest()[:16]


@given(st.binary(max_size=300), st.sampled_from(NAMES))
@settings(max_examples=examples(300), deadline=None)
def test_random_bytes_never_break_anything(content: bytes, format_name: str | None) -> None:
    survives(content, format_name)
    survives(gzip.compress(content), format_name)


@given(st.data())
@settings(max_examples=examples(700), deadline=None)
def test_damaged_files_never_break_anything(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(SEEDS))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 12))
        content = content[:at] + data.draw(st.sampled_from(SPLICES)) + content[at + cut :]
    survives(content, data.draw(st.sampled_from(NAMES)))


@given(st.data())
@settings(max_examples=examples(200), deadline=None)
def test_damaged_gzip_never_breaks_anything(data: st.DataObject) -> None:
    content = bytearray(gzip.compress(data.draw(st.sampled_from(SEEDS)), mtime=0))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(2, len(content) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(content[: data.draw(st.integers(0, len(content)))]), None)


@given(st.sampled_from([arouter(), canonical(), litellm(), openrouter()]), st.data())
@settings(max_examples=examples(700), deadline=None)
def test_any_value_in_any_field_is_a_record_or_quarantine(row: dict[str, object], data: st.DataObject) -> None:
    keys = [*row, "usage", "metadata", "tags", "request_tags", "cost", "status", "finish_reason", "mode", "variant"]
    changed = {**row, data.draw(st.sampled_from(keys)): data.draw(JSON)}
    name = "canonical" if "record_id" in row else "litellm" if "request_id" in row else None
    name = name or ("openrouter" if "total_cost" in row else "arouter")
    good, bad = read(lines(changed), format=name)
    assert len(good) + len(bad) == 1


EXAMPLES = [(format_of(path), row) for path in sorted(DATA.iterdir()) if path.suffix != ".csv" for row in rows_of(path)]


@given(st.sampled_from(EXAMPLES), st.data())
@settings(max_examples=examples(1500), deadline=None)
def test_any_value_in_any_place_is_records_or_quarantine(
    example: tuple[str | None, dict[str, object]], data: st.DataObject
) -> None:
    name, row = example
    for _ in range(data.draw(st.integers(1, 2))):
        row = put(row, data.draw(st.sampled_from(places(row)[1:] or [()])), data.draw(JSON))
    survives(lines(row, row), name)


@given(
    prompt=st.integers(0, 10**9),
    completion=st.integers(0, 10**9),
    cached=st.integers(0, 10**9),
    write=st.integers(0, 10**9),
    reasoning=st.integers(0, 10**9),
)
@settings(max_examples=examples(300))
def test_leaves_always_add_up_to_the_totals(
    prompt: int, completion: int, cached: int, write: int, reasoning: int
) -> None:
    usage = {
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": write},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    good, bad = read(lines(arouter(prompt=prompt, completion=completion, usage=usage)))
    if cached + write > prompt or reasoning > completion:
        assert not good
        assert "more than" in bad[0].reason
        return
    [record] = good
    assert record.input_total == prompt
    assert record.quantities.get("output", 0) + record.quantities.get("reasoning", 0) == completion
    assert record.quantities.get("cache_read", 0) == cached


@given(st.lists(st.booleans(), max_size=60), st.sampled_from(["lines", "list", "gzip"]))
@settings(max_examples=examples(100), deadline=None)
def test_bad_records_never_cost_a_good_one(are_good: list[bool], shape: str) -> None:
    pieces = [text(arouter(f"g{n}", **({} if ok else {"created_at": "?"}))).encode() for n, ok in enumerate(are_good)]
    content = b"[" + b",".join(pieces) + b"]" if shape == "list" else b"".join(piece + b"\n" for piece in pieces)
    good, bad = read(gzip.compress(content) if shape == "gzip" else content)
    assert [record.record_id for record in good] == [f"g{n}" for n, ok in enumerate(are_good) if ok]
    assert [item.line for item in bad] == [n + 1 for n, ok in enumerate(are_good) if not ok]
