"""LangWatch: spend summaries of its gateway (`GET /api/gateway/v1/spend-summaries?bucket=day`).

Convention (the gateway's description of its summaries): classes of tokens are counted beside each other, those of
images too; `nano_usd` is whole billionths of a US dollar; `event_count` counts requests, settled ones among them.
Whether reasoning is inside the output is not stated, as with its spend events: a summary that has some is refused
unless `--format langwatch-summaries:reasoning-inside` or `:reasoning-beside` says it. Each row is of one group and one
bucket: only those of whole UTC days are control totals. Groups of virtual keys, end users and models are compared with
the records of these; those of any other kind are parts of the day's total. An empty group is of what has no such thing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.money import EXACT
from tokentill.sources.gateways import Format, SourceRow, no_table
from tokentill.sources.gateways.conventions import Convention, convention_of, tokens_by
from tokentill.sources.gateways.fields import count, instant_or_naive_utc
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.usage.control_totals import ControlTotal
from tokentill.usage.type_words import type_text

NAME = "langwatch-summaries"
PATHS: dict[str, tuple[str, ...]] = {
    "day": ("bucket_start",),
    "group": ("group",),
    "requests": ("event_count",),
    "nano_usd": ("cost.nano_usd",),
    "prompt": ("usage.input_tokens",),
    "completion": ("usage.output_tokens",),
    "cached": ("usage.cache_read_input_tokens",),
    "cache_write": ("usage.cache_creation_input_tokens",),
    "reasoning_output": ("usage.reasoning_tokens",),
    "image_input": ("usage.input_image_tokens",),
    "image_output": ("usage.output_image_tokens",),
}
FIELDS = FieldMap(PATHS)
KEY_OF = {"virtual_key": "api_key", "end_user": "user", "model": "model"}
"""The groups that records can be compared by."""


def read(row: SourceRow, source: str | None, *, convention: Convention) -> ControlTotal:
    """One row of a summary.

    Raises:
        InvalidRecord: with the reason.
    """
    group = _group_of(row.get("group"))
    values = FIELDS.pick_with({name: value for name, value in row.items() if name != "group"}, "requests")
    images = [count(role, values[role]) for role in ("image_input", "image_output") if role in values]
    cost = None
    if "nano_usd" in values:
        cost = EXACT.scaleb(Decimal(count("cost.nano_usd", values["nano_usd"])), -9)
    return ControlTotal(
        source=source or "langwatch",
        day=_day_of(values.get("day")),
        stated_by=f"{NAME} by {', '.join(sorted(group))}",
        **{KEY_OF[name]: value for name, value in group.items() if name in KEY_OF},
        part=" ".join(f"{name}={value}" for name, value in sorted(group.items()) if name not in KEY_OF),
        requests=count("event_count", values["requests"]),
        tokens=tokens_by(convention, {**values, "other": sum(images)}),
        cost=cost,
    )


def _group_of(group: object) -> Mapping[str, Any]:
    if type(group) is not dict or not group:
        raise InvalidRecord(
            f"group is {'missing' if not group else type_text(group)}; it says what the row is a total of"
        )
    if any(not isinstance(value, str) for value in group.values()):
        raise InvalidRecord("group has to hold texts")
    if group.get("model") == "":
        raise InvalidRecord("group names an empty model, which no record has")
    return group


def _day_of(written: object) -> date:
    if written is None:
        raise InvalidRecord("it is of no day (bucket_start is null); ask for bucket=day&timezone=UTC")
    text = f"{written}T00:00:00Z" if isinstance(written, str) and len(written) == len("2026-10-01") else written
    starts_at = instant_or_naive_utc("bucket_start", text).astimezone(UTC)
    if starts_at != datetime.combine(starts_at.date(), time(), UTC):
        raise InvalidRecord(f"it begins at {written}, not at midnight in UTC; ask for bucket=day&timezone=UTC")
    return starts_at.date()


def _recognises(names: Collection[str]) -> bool:
    return "event_count" in names and "bucket_start" in names


def _format(name: str, convention: Convention) -> Format:
    read_row = partial(read, convention=convention)
    return Format(name, "langwatch", (), _recognises, read_row, no_table, ("bucket_start",))


SUMMARIES = _format(NAME, convention_of("langwatch"))
DECLARED = tuple(_format(f"{NAME}:reasoning-{place}", Convention("beside", place)) for place in ("inside", "beside"))
"""The same, for those who know where their version counts reasoning."""
