"""Builders: records as each source writes them, and ways to read what they make."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tokentill.sources.reading import Quarantined, Reading, read_records
from tokentill.usage.record import UsageRecord

DATA = Path(__file__).parent / "data"
AT = "2026-10-05T09:30:00Z"


def arouter(record_id: str = "gen-1", *, prompt: Any = 100, completion: Any = 20, **changes: Any) -> dict[str, Any]:
    """An activity record. `usage` merges into the usage object, `drop` leaves a key out."""
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion, **changes.pop("usage", {})}
    row = {"id": record_id, "created_at": AT, "model": "openai/gpt-5.4", "user": "user_1", "usage": usage, **changes}
    row.pop(row.pop("drop", ""), None)
    return row


def canonical(record_id: str = "r1", **changes: Any) -> dict[str, Any]:
    """A record in canonical form."""
    row = {"source": "own", "record_id": record_id, "occurred_at": AT, "model": "m", "quantities": {"input": 7}}
    return {**row, **changes}


def openrouter(record_id: str = "gen-1", **changes: Any) -> dict[str, Any]:
    """A generation object."""
    counts = {"native_tokens_prompt": 100, "native_tokens_completion": 20, "tokens_prompt": 90, "tokens_completion": 15}
    row = {"id": record_id, "created_at": AT, "model": "openai/gpt-5.4", "external_user": "user_1", "is_byok": False}
    return {**row, **counts, "total_cost": Decimal("0.5"), **changes}


def litellm(request_id: str = "chatcmpl-1", **changes: Any) -> dict[str, Any]:
    """A row of the spend logs."""
    counts = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    row = {"request_id": request_id, "startTime": "2026-10-05 09:30:00+00:00", "model": "gpt-5.4", "end_user": "user_1"}
    return {**row, **counts, "spend": Decimal("0.001"), "metadata": {}, **changes}


def text(row: object) -> str:
    """JSON text; decimals become numbers with exactly their digits."""
    if isinstance(row, Decimal):
        return str(row)
    if isinstance(row, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{text(value)}" for name, value in row.items()) + "}"
    if isinstance(row, list):
        return "[" + ",".join(map(text, row)) + "]"
    return json.dumps(row)


def lines(*rows: object) -> bytes:
    """JSON lines. A row that is bytes already is taken as it is."""
    return b"".join((row if isinstance(row, bytes) else text(row).encode()) + b"\n" for row in rows)


def reading(content: bytes, **options: Any) -> Reading:
    """A reading of bytes, called `usage.file`."""
    return read_records(io.BytesIO(content), name="usage.file", **options)


def read(content: bytes, **options: Any) -> tuple[list[UsageRecord], list[Quarantined]]:
    """What is good and what is quarantined."""
    items = list(reading(content, **options))
    return (
        [item for item in items if isinstance(item, UsageRecord)],
        [item for item in items if isinstance(item, Quarantined)],
    )


def read_good(*rows: object, **options: Any) -> list[UsageRecord]:
    """The records of rows that are all good."""
    good, bad = read(lines(*rows), **options)
    assert not bad, bad
    return good


def read_bad(row: object, **options: Any) -> Quarantined:
    """The one thing in quarantine when this row is all there is."""
    good, bad = read(lines(row), **{"format": "arouter", **options})
    assert not good
    [found] = bad
    return found


def packed(parts: Iterable[bytes]) -> bytes:
    """Gzip, one member a part."""
    return b"".join(gzip.compress(part, mtime=0) for part in parts)
