"""Writes the sample: one month of ARouter activity with the difficulties of a real one, and what is beside it.

`python -m tools.sample.generate [OUT_DIR]` writes the month, the month before, a second export of the last day and
`contents.json`, always with the same bytes. `contents.json` says what is inside (records, duplicates, revisions, lines
to quarantine, ...), counted while it is written, so that tests can hold an import against it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from tokentill import sample
from tools.sample.last_day import NEW_MODEL, last_day
from tools.sample.month import MONTH_END, MONTH_START, Month, Record, instant, utc
from tools.sample.september import LAUNCH, september
from tools.sample.users import CONTROL_USER

SEED = 202610
ACTIVITY_NAME = sample.OCTOBER.name
SEPTEMBER_NAME = sample.SEPTEMBER.name
LAST_DAY_NAME = sample.LAST_DAY.name
CONTENTS_NAME = "contents.json"

EXACT_DUPLICATES = 228
REORDERED_DUPLICATES = 3
REVISIONS = 2
QUARANTINED = {"not_json": 1, "inconsistent": 1, "control_character": 1}


def json_text(value: Any, *, is_reordered: bool = False) -> str:
    """JSON with decimals as plain number text; `is_reordered` turns the keys round and adds spaces."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        items = list(value.items())
        colon, comma = (": ", " , ") if is_reordered else (":", ",")
        inside = comma.join(
            json.dumps(key) + colon + json_text(item, is_reordered=is_reordered)
            for key, item in (reversed(items) if is_reordered else items)
        )
        return "{" + inside + "}"
    return json.dumps(value, ensure_ascii=False)


def revised(record: Record) -> Record:
    """The same request told again with other tokens."""
    usage = dict(record["usage"])
    usage["completion_tokens"] += 40
    usage["total_tokens"] += 40
    return record | {"usage": usage}


def truncated(record: Record) -> str:
    """The line of a record as far as it got before the disk was full."""
    text = json_text(record)
    return text[: len(text) * 3 // 5]


def inconsistent(record: Record) -> Record:
    """The same request with more tokens read from the cache than it had input."""
    usage = record["usage"] | {"prompt_tokens": 4_000, "completion_tokens": 300, "total_tokens": 4_300}
    usage["prompt_tokens_details"] = {"cached_tokens": 5_120, "cache_write_tokens": 0}
    usage["completion_tokens_details"] = {"reasoning_tokens": 0}
    return record | {"usage": usage}


def lines_of(month: Month) -> tuple[list[str], dict[str, int]]:
    """The export's lines in order of time, with repetitions and damage, and how many of each were put in."""
    rng = month.rng
    month.records.sort(key=lambda record: (record["created_at"], record["id"]))
    placed: list[tuple[int, int, str]] = [(place, 0, json_text(record)) for place, record in enumerate(month.records)]
    last = len(month.records) - 1
    repeated = rng.sample(range(last - 1), EXACT_DUPLICATES + REORDERED_DUPLICATES + REVISIONS)
    for order, place in enumerate(repeated):
        record = month.records[place]
        if order < EXACT_DUPLICATES:
            text = json_text(record)
        elif order < EXACT_DUPLICATES + REORDERED_DUPLICATES:
            text = json_text(record, is_reordered=True)
        else:
            text = json_text(revised(record))
        placed.append((min(last, place + rng.randint(0, 400)), order + 1, text))
    damaged = (
        truncated(month.records[last // 3] | {"id": month.record_id(utc("2026-10-11T10:00:00"))}),
        json_text(inconsistent(month.records[last // 2] | {"id": month.record_id(utc("2026-10-19T10:00:00"))})),
        json_text(
            month.records[last * 2 // 3] | {"id": month.record_id(utc("2026-10-23T10:00:00")), "user": CONTROL_USER}
        ),
    )
    for order, (place, text) in enumerate(zip((last // 3, last // 2, last * 2 // 3), damaged, strict=True)):
        placed.append((place, len(repeated) + 1 + order, text))
    placed.sort(key=lambda entry: entry[:2])
    counts = {
        "duplicates": EXACT_DUPLICATES + REORDERED_DUPLICATES,
        "duplicates_reordered": REORDERED_DUPLICATES,
        "revisions": REVISIONS,
        "quarantined": sum(QUARANTINED.values()),
        **{f"quarantined_{reason}": count for reason, count in QUARANTINED.items()},
    }
    return [text for _, _, text in placed], counts


def counted(values: Iterable[str]) -> dict[str, int]:
    """How often each value occurs."""
    return dict(sorted(Counter(values).items()))


def basic_facts(
    name: str, records: Sequence[Record], lines: Sequence[str], counts: Mapping[str, int]
) -> dict[str, Any]:
    """What there is to say of every file."""
    return {
        "file": name,
        "period": name.removeprefix("activity-")[:7],
        "lines": len(lines),
        "records": len(records),
        **counts,
        "sha256_of_lines": hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest(),
        "first_at": records[0]["created_at"],
        "last_at": records[-1]["created_at"],
    }


def facts_of(month: Month, lines: Sequence[str], counts: Mapping[str, int]) -> dict[str, Any]:
    """What an import of the lines has to find. Counts are of distinct records unless they say otherwise."""
    records = month.records
    start, end = instant(MONTH_START), instant(MONTH_END)
    nameless = [record for record in records if not record.get("user")]

    return {
        **basic_facts(ACTIVITY_NAME, records, lines, counts),
        "before_period_utc": sum(record["created_at"] < start for record in records),
        "in_period_utc": sum(start <= record["created_at"] < end for record in records),
        "after_period_utc": sum(record["created_at"] >= end for record in records),
        "users": len({record["user"] for record in records if record.get("user")}),
        "api_keys": len({record["api_key"] for record in records}),
        "models": len({record["model"] for record in records}),
        "without_user": len(nameless),
        "without_user_by_api_key": counted(record["api_key"] for record in nameless),
        "without_cost": sum("cost" not in record["usage"] for record in records),
        "free": sum(record["model"].endswith(":free") for record in records),
        "byok": sum(record["usage"]["is_byok"] for record in records),
        "errors": sum(record["finish_reason"] == "error" for record in records),
        "cached": sum(record["usage"]["prompt_tokens_details"]["cached_tokens"] > 0 for record in records),
        "reasoning": sum(record["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0 for record in records),
        "long_context": len(month.long_context_ids),
        "input_above_200k": sum(record["usage"]["prompt_tokens"] > 200_000 for record in records),
        "input_above_272k": sum(record["usage"]["prompt_tokens"] > 272_000 for record in records),
        "web_searches": sum(
            record["usage"].get("server_tool_use_details", {}).get("web_search_requests", 0) for record in records
        ),
        "by_api_key": counted(record["api_key"] for record in records),
        "by_mode": counted(record.get("service_tier", "standard") for record in records),
        "by_model": counted(record["model"] for record in records),
        "by_user": counted(record["user"] for record in records if record.get("user")),
    }


def gzipped(lines: Iterable[str]) -> bytes:
    """The lines as one gzip member without a name or a time in its header."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as packed:
        packed.write("".join(line + "\n" for line in lines).encode())
    return buffer.getvalue()


def september_facts(month: Month, october: Sequence[Record], lines: Sequence[str]) -> dict[str, Any]:
    """What an import of the month before has to find."""
    ids = {record["id"] for record in october}
    return {
        **basic_facts(SEPTEMBER_NAME, month.records, lines, {}),
        "launch_at": instant(LAUNCH),
        "shared_with_october": sum(record["id"] in ids for record in month.records),
        "by_user": counted(record["user"] for record in month.records if record.get("user")),
    }


def last_day_facts(month: Month, october: Sequence[Record], lines: Sequence[str]) -> dict[str, Any]:
    """What an import of the second export of the last day has to find, after that of the month."""
    known = {record["id"]: record for record in october}
    new = [record for record in month.records if record["id"] not in known]
    return {
        **basic_facts(LAST_DAY_NAME, month.records, lines, {}),
        "new": len(new),
        "new_of_unknown_model": sum(record["model"] == NEW_MODEL for record in new),
        "duplicates": sum(record == known.get(record["id"]) for record in month.records),
        "revisions": sum(record["id"] in known and record != known[record["id"]] for record in month.records),
    }


def generate(out_dir: Path) -> dict[str, Any]:
    """Write the sample into `out_dir` and return the facts about it."""
    month = Month(SEED)
    month.fill()
    month.add_edges()
    lines, counts = lines_of(month)
    before, again = september(month.records), last_day(month.records)
    before_lines, again_lines = (list(map(json_text, one.records)) for one in (before, again))
    facts = facts_of(month, lines, counts)
    facts["month_before"] = september_facts(before, month.records, before_lines)
    facts["last_day_again"] = last_day_facts(again, month.records, again_lines)
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, written in ((ACTIVITY_NAME, lines), (SEPTEMBER_NAME, before_lines), (LAST_DAY_NAME, again_lines)):
        (out_dir / name).write_bytes(gzipped(written))
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (out_dir / CONTENTS_NAME).write_text(text, encoding="utf-8", newline="\n")
    return facts


def main() -> None:
    """Write the sample where the command line says, by default into the package."""
    parser = argparse.ArgumentParser(description="Write the sample month of ARouter activity.")
    parser.add_argument("out_dir", nargs="?", type=Path, default=sample.FOLDER, metavar="OUT_DIR")
    facts = generate(parser.parse_args().out_dir)
    print(f"{facts['lines']} lines, {facts['records']} records of {facts['users']} users")


if __name__ == "__main__":
    main()
