"""The sample month reads in full, with exactly what its contents say is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tokentill.sample
from tokentill.sources.reading import Quarantined, read_records
from tokentill.usage.record import UsageRecord

FOLDER = Path(tokentill.sample.__file__).parent


@pytest.fixture(scope="module")
def contents() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "contents.json").read_text())
    return found


@pytest.fixture(scope="module")
def items(contents: dict[str, Any]) -> list[UsageRecord | Quarantined]:
    opened = read_records(FOLDER / contents["file"])
    found = list(opened)
    assert (opened.format, opened.compression, opened.layout) == ("arouter", "gzip", "jsonl")
    assert opened.bytes_read == opened.bytes_total
    return found


@pytest.fixture(scope="module")
def records(items: list[UsageRecord | Quarantined]) -> list[UsageRecord]:
    return [item for item in items if isinstance(item, UsageRecord)]


def test_exactly_the_bad_lines_are_quarantined(
    items: list[UsageRecord | Quarantined], records: list[UsageRecord], contents: dict[str, Any]
) -> None:
    assert len(items) == contents["lines"]
    assert len(items) - len(records) == contents["quarantined"]


def test_identity_and_digest_tell_duplicates_from_revisions(
    records: list[UsageRecord], contents: dict[str, Any]
) -> None:
    digests: dict[str, bytes] = {}
    seen: Counter[str] = Counter()
    for record in records:
        if record.record_id not in digests:
            digests[record.record_id] = record.digest
            seen["records"] += 1
        else:
            seen["duplicates" if digests[record.record_id] == record.digest else "revisions"] += 1
    assert seen == {name: contents[name] for name in ("records", "duplicates", "revisions")}


def test_users_models_and_modes_are_counted_as_stated(records: list[UsageRecord], contents: dict[str, Any]) -> None:
    first = {record.record_id: record for record in reversed(records)}.values()
    assert Counter(record.user for record in first if record.user is not None) == contents["by_user"]
    assert Counter(record.model for record in first) == contents["by_model"]
    assert Counter(record.mode for record in first) == contents["by_mode"]
    assert Counter(record.api_key for record in first) == contents["by_api_key"]
    assert sum(record.cost is None for record in first) == contents["without_cost"]
    assert sum(record.is_byok for record in first) == contents["byok"]
    assert sum(record.status == "error" for record in first) == contents["errors"]
    assert sum(record.quantities.get("web_search", 0) for record in first) == contents["web_searches"]
