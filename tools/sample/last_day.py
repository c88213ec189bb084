"""October's last day, exported once more in November: what a month's end leaves for people to decide.

Lines that the month's export has already, one record that comes again with more output, and the first requests with a
dated model id that no price table knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from tools.sample.month import MONTH_END, Month, Record, instant, skewed

SEED = 20261031
DAY_START = MONTH_END - timedelta(days=1)
REPEATED = 40
NEW_MODEL = "x-ai/grok-4.3-20261030"
NEW_MODEL_USER = "customer_1042"
NEW_MODEL_RECORDS = 34
REVISED_USER = "customer_acme"
REVISED_COMPLETION = 61_000
OUTPUT_PRICE = Decimal(15) / 1_000_000
"""USD a token of the model whose record comes again."""


def last_day(october: Sequence[Record]) -> Month:
    """The records of the second export, in order of time."""
    month = Month(SEED)
    of_day = [record for record in october if instant(DAY_START) <= record["created_at"] < instant(MONTH_END)]
    revised = next(record for record in of_day if _is_plain(record))
    month.records += month.rng.sample([record for record in of_day if record is not revised], REPEATED)
    month.records.append(_with_all_output(revised))
    for _ in range(NEW_MODEL_RECORDS):
        at = DAY_START + timedelta(hours=9, milliseconds=month.rng.randrange(12 * 3_600_000))
        usage = {"cached": 0, "completion": skewed(month.rng, 60, 4_000), "reasoning": 0}
        usage["prompt"] = skewed(month.rng, 600, 90_000)
        month.add(at, "x-ai/grok-4.3", NEW_MODEL_USER, "key_web", usage, name=NEW_MODEL)
    month.records.sort(key=lambda record: (record["created_at"], record["id"]))
    return month


def _is_plain(record: Record) -> bool:
    """Whether it is a request of the user whose record comes again, at standard rates of a known output price."""
    is_priced = record["model"] == "anthropic/claude-sonnet-4.6" and record["provider"] == "Anthropic"
    is_counted = "cost" in record["usage"] and not record["usage"]["is_byok"]
    return record.get("user") == REVISED_USER and is_priced and is_counted and "service_tier" not in record


def _with_all_output(record: Record) -> Record:
    """The same request, counted to the end of its answer."""
    usage = dict(record["usage"])
    more = REVISED_COMPLETION - usage["completion_tokens"]
    usage["completion_tokens"] += more
    usage["total_tokens"] += more
    usage["cost"] += more * OUTPUT_PRICE
    return record | {"usage": usage}
