"""The sample month: made anew it has the same bytes, and `contents.json` tells the truth about it."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tokentill.sample import FOLDER as SAMPLE
from tokentill.sample import ODD_IDS
from tools.sample.generate import generate

ACTIVITY = "activity-2026-10.jsonl.gz"
SEPTEMBER = "activity-2026-09.jsonl.gz"
LAST_DAY = "activity-2026-10-31.jsonl.gz"
FILES = (ACTIVITY, SEPTEMBER, LAST_DAY)
TIERS = {"openai/gpt-5.4": 272_001, "gpt-5.4": 272_001, "google/gemini-2.5-pro": 200_001, "x-ai/grok-4.3": 200_000}
"""Least input of a request that its model's price calls long context."""


@pytest.fixture(scope="module")
def contents() -> Any:
    return json.loads((SAMPLE / "contents.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return gzip.decompress((SAMPLE / ACTIVITY).read_bytes()).splitlines(keepends=True)


@pytest.fixture(scope="module")
def counted(lines: list[bytes]) -> dict[str, Any]:
    """What a reader finds who takes the lines one after the other and knows nothing of how they were made."""
    found = Counter[str]()
    first: dict[str, Any] = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            found["not_json"] += 1
            continue
        usage = record["usage"]
        if usage["prompt_tokens_details"]["cached_tokens"] > usage["prompt_tokens"]:
            found["inconsistent"] += 1
        elif "\x00" in record.get("user", ""):
            found["control_character"] += 1
        elif record["id"] not in first:
            first[record["id"]] = (record, line)
        elif first[record["id"]][0] != record:
            found["revisions"] += 1
        else:
            found["duplicates"] += 1
            found["reordered"] += first[record["id"]][1] != line
    return {"records": [record for record, _ in first.values()], **found}


@pytest.fixture(scope="module")
def records(counted: dict[str, Any]) -> list[Any]:
    found: list[Any] = counted["records"]
    return found


def test_making_the_sample_anew_gives_what_is_shipped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.sample.generate", str(tmp_path)]
    environment = {"PYTHONPATH": str(SAMPLE.parents[1]), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=60)
    for name in FILES:
        made, shipped = (tmp_path / name).read_bytes(), (SAMPLE / name).read_bytes()
        assert gzip.decompress(made) == gzip.decompress(shipped)
        if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng packs the same bytes into others
            assert made == shipped
    assert (tmp_path / "contents.json").read_bytes() == (SAMPLE / "contents.json").read_bytes()


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    """The other run is that which made what is shipped."""
    generate(tmp_path)
    assert (tmp_path / "contents.json").read_bytes() == (SAMPLE / "contents.json").read_bytes()
    for name in FILES:
        assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress((SAMPLE / name).read_bytes())


def test_the_gzip_header_names_no_file_and_no_time() -> None:
    for name in FILES:
        assert (SAMPLE / name).read_bytes()[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


def test_the_sample_stays_small() -> None:
    assert sum((SAMPLE / name).stat().st_size for name in FILES) < 1_700_000
    assert (SAMPLE / SEPTEMBER).stat().st_size < 500_000


def read(name: str) -> list[Any]:
    lines = gzip.decompress((SAMPLE / name).read_bytes()).splitlines(keepends=True)
    return [json.loads(line) for line in lines]


def test_september_has_the_same_users_but_for_those_who_came_or_went(contents: Any, records: list[Any]) -> None:
    told, found = contents["month_before"], read(SEPTEMBER)
    assert told["records"] == told["lines"] == len({record["id"] for record in found}) == len(found)
    assert told["by_user"] == Counter(record["user"] for record in found if record.get("user"))
    assert "2026-09-01T08:00:00.000Z" <= told["first_at"] == found[0]["created_at"]
    own = Counter(record["user"] for record in found if record.get("user") and record["created_at"] < "2026-09-30T20")
    october = contents["by_user"].keys()
    assert own.keys() - october == {"org_quarry", "user_66120", "app_user_2290"}
    assert {"org_zephyr", "user_30415", "usr_abc123"} <= october - own.keys()
    assert len(own.keys() & october) > 40


def test_two_exports_say_the_same_of_the_hours_that_both_hold(contents: Any, records: list[Any]) -> None:
    from_, until = "2026-09-30T20:00:00.000Z", "2026-10-01T06:00:00.000Z"
    shared = [[one for one in found if from_ <= one["created_at"] < until] for found in (read(SEPTEMBER), records)]
    by_id = [sorted(part, key=lambda record: record["id"]) for part in shared]
    assert by_id[0] == by_id[1]
    assert len(by_id[0]) == contents["month_before"]["shared_with_october"] > 50


def test_the_last_day_comes_again_with_what_people_have_to_decide(contents: Any, records: list[Any]) -> None:
    told, known = contents["last_day_again"], {record["id"]: record for record in records}
    found = read(LAST_DAY)
    new = [record for record in found if record["id"] not in known]
    again = [record for record in found if record["id"] in known and record != known[record["id"]]]
    assert all(record["created_at"].startswith("2026-10-31T") for record in found)
    assert {(record["model"], record["user"]) for record in new} == {("x-ai/grok-4.3-20261030", "customer_1042")}
    assert told["new"] == told["new_of_unknown_model"] == len(new) > 20
    assert told["revisions"] == len(again) == 1
    assert again[0]["user"] == "customer_acme"
    assert told["duplicates"] == len(found) - len(new) - len(again) > 20


def test_the_contents_count_the_lines(contents: Any, lines: list[bytes], counted: dict[str, Any]) -> None:
    assert contents["lines"] == len(lines) >= 20_000
    assert contents["sha256_of_lines"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert contents["records"] == len(counted["records"])
    assert contents["duplicates"] == counted["duplicates"]
    assert contents["duplicates_reordered"] == counted["reordered"]
    assert contents["revisions"] == counted["revisions"] == 2
    for reason in ("not_json", "inconsistent", "control_character"):
        assert contents[f"quarantined_{reason}"] == counted[reason] == 1
    quarantined = contents["quarantined"]
    assert len(lines) == contents["records"] + contents["duplicates"] + contents["revisions"] + quarantined


@pytest.mark.parametrize(
    ("key", "is_counted"),
    [
        ("before_period_utc", lambda record: record["created_at"] < "2026-10-01"),
        ("in_period_utc", lambda record: record["created_at"].startswith("2026-10-")),
        ("after_period_utc", lambda record: record["created_at"] > "2026-11-01"),
        ("without_user", lambda record: not record.get("user")),
        ("without_cost", lambda record: record["usage"].get("cost") is None),
        ("free", lambda record: record["model"].endswith(":free")),
        ("byok", lambda record: record["usage"]["is_byok"] is True),
        ("errors", lambda record: record["finish_reason"] == "error"),
        ("cached", lambda record: record["usage"]["prompt_tokens_details"]["cached_tokens"] > 0),
        ("reasoning", lambda record: record["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0),
        ("input_above_200k", lambda record: record["usage"]["prompt_tokens"] > 200_000),
        ("input_above_272k", lambda record: record["usage"]["prompt_tokens"] > 272_000),
        (
            "long_context",
            lambda record: record["usage"]["prompt_tokens"] >= TIERS.get(record["model"].removesuffix(":nitro"), 10**9),
        ),
    ],
)
def test_the_contents_count_the_records(
    contents: Any, records: list[Any], key: str, is_counted: Callable[[Any], bool]
) -> None:
    assert contents[key] == sum(map(is_counted, records)) > 0


def test_the_contents_count_by_kind(contents: Any, records: list[Any]) -> None:
    nameless = [record for record in records if not record.get("user")]
    searches = [record["usage"].get("server_tool_use_details", {}) for record in records]
    assert contents["by_user"] == Counter(record["user"] for record in records if record.get("user"))
    assert contents["users"] == len(contents["by_user"]) >= 40
    assert contents["by_model"] == Counter(record["model"] for record in records)
    assert contents["models"] == len(contents["by_model"])
    assert contents["by_api_key"] == Counter(record["api_key"] for record in records)
    assert contents["api_keys"] == len(contents["by_api_key"])
    assert contents["by_mode"] == Counter(record.get("service_tier", "standard") for record in records)
    assert contents["without_user_by_api_key"] == Counter(record["api_key"] for record in nameless)
    assert contents["web_searches"] == sum(detail.get("web_search_requests", 0) for detail in searches)
    assert contents["first_at"] == min(record["created_at"] for record in records) >= "2026-09-30T20:00:00.000Z"
    assert contents["last_at"] == max(record["created_at"] for record in records) < "2026-11-01T06:00:00.000Z"


def test_no_record_lacks_usage_and_its_parts_fit(records: list[Any]) -> None:
    for record in records:
        usage = record["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        assert 0 <= usage["prompt_tokens_details"]["cached_tokens"] <= usage["prompt_tokens"]
        assert 0 <= usage["completion_tokens_details"]["reasoning_tokens"] <= usage["completion_tokens"]


def test_users_that_break_careless_code_are_there(contents: Any) -> None:
    users = contents["by_user"].keys()
    *billed, quarantined = (ids for ids in ODD_IDS.values())
    assert {id_ for ids in billed for id_ in ids} <= users
    assert not set(quarantined) & users
    assert {"user_1", "USER_1", " user_1", "user_1 ", "=1+1", "../../etc/passwd", "None"} <= users
    assert {"user_caf\u00e9", "user_cafe\u0301"} <= users
    assert any("<script>" in user for user in users)
    assert any('"' in user and "'" in user for user in users)
    assert any("\u05d0" <= character <= "\u05ea" for user in users for character in user)
    assert max(len(user.encode()) for user in users) == 512
