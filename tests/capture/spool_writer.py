"""A process that writes numbered records to a spool, and says so: its arguments are PATH, FIRST and COUNT."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from tokentill.capture import Spool
from tokentill.usage.record import UsageRecord

AT = datetime(2026, 10, 15, 12, tzinfo=UTC)


def record_number(number: int, *, tags: tuple[str, ...] = ()) -> UsageRecord:
    """A record of its own."""
    return UsageRecord(
        source="arouter",
        record_id=f"gen-{number}",
        occurred_at=AT + timedelta(seconds=number),
        model="openai/gpt-5.4",
        quantities={"input": number},
        user="u1",
        tags=tags,
    )


if __name__ == "__main__":
    path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    spool = Spool(path)
    for number in range(first, first + count):
        spool(record_number(number, tags=("x" * 500, "y" * 500)))
        print(number, flush=True)
