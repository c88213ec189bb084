"""Canonical JSON lines as most of them are, read by typed decoding instead of one value after another.

It gives the record that the strict way (`strict_json` and `canonical_form`) gives, or none:
then the strict way has the word, and finds the reason. So it may give up on anything that is odd: what is not ASCII,
what holds an escape, a cost that is no plain number. Typed decoding takes a doubled key, and the last one counts; such
a line is found by the number of its quotes: without escapes every key and text has two, and nothing else has any.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from tokentill.errors import InvalidRecord
from tokentill.sources.gateways.fields import instant
from tokentill.usage.ids import ID_BYTES_MAX, are_plain, checked_tags, is_word
from tokentill.usage.quantities import QUANTITY_MAX, TOKEN_LEAVES, kept_quantities
from tokentill.usage.record import (
    COST_MAX,
    RESPONSE_CACHE_TAG,
    STANDARD,
    STATUSES,
    USAGE_STATES,
    UsageRecord,
    checked_instant,
    record_of_checked,
)

_LEAVES = frozenset(TOKEN_LEAVES)
_AMOUNT = rb"0|(?:0|[1-9][0-9]{0,6})\.[0-9]{0,23}[1-9]"
_COST = re.compile(rb'(?:%s)|"(?:%s)"' % (_AMOUNT, _AMOUNT)).fullmatch
"""A number, or the text of one, in its shortest form."""


def _line_type() -> Any:
    """A line, as typed decoding takes it; a cost stays its own bytes."""
    absent = msgspec.UnsetType
    text, names = (
        str | None | absent,
        ("source", "user", "api_key", "provider", "mode", "geo", "status", "usage_state", "request_key"),
    )
    fields: list[Any] = [
        ("record_id", str),
        ("occurred_at", str),
        ("model", str),
        ("quantities", dict[str, int]),
        *((name, text, msgspec.UNSET) for name in names),
        ("tags", list[str] | None | absent, msgspec.UNSET),
        ("cost", msgspec.Raw | absent, msgspec.UNSET),
        ("is_byok", bool | None | absent, msgspec.UNSET),
        ("is_replayed", bool | None | absent, msgspec.UNSET),
    ]
    return msgspec.defstruct("Line", fields, forbid_unknown_fields=True, gc=False)


_decode = msgspec.json.Decoder(_line_type()).decode
_encode = msgspec.json.Encoder().encode


def read_quickly(raw: bytes, source: str | None) -> UsageRecord | None:
    """The record of a line, given the source that was asked for; None where the strict way has to look at it."""
    if b"\\" in raw or not raw.isascii():
        return None
    try:
        line = _decode(raw)
        return _record(line, source) if _encode(line).count(b'"') == raw.count(b'"') else None
    except (msgspec.MsgspecError, InvalidRecord, RecursionError):
        return None


def _record(line: Any, asked_source: str | None) -> UsageRecord | None:
    """The record of a line whose types are right, or None where it is not as most are.

    Raises:
        InvalidRecord: where it is wrong.
    """
    quantities, tags, record_id = line.quantities, line.tags, line.record_id
    usage_state = (
        ("reported" if quantities else "missing") if line.usage_state in (None, msgspec.UNSET) else line.usage_state
    )
    series = _series(
        asked_source if line.source in (None, msgspec.UNSET) else line.source,
        line.user or None,
        line.api_key or None,
        line.model,
        line.provider or None,
        line.mode or STANDARD,
        line.geo or None,
        tuple(tags) if tags else (),
        line.is_byok is True,
        "ok" if line.status in (None, msgspec.UNSET) else line.status,
        usage_state,
        line.is_replayed is True,
    )
    if series is None or (asked_source is not None and series[0] != asked_source):
        return None
    if not (0 < len(record_id) <= ID_BYTES_MAX and record_id.isprintable()):
        return None
    if quantities.keys() <= _LEAVES and min(quantities.values(), default=0) >= 0:
        kept = {name: quantities[name] for name in sorted(quantities) if quantities[name]}
        if max(quantities.values(), default=0) > QUANTITY_MAX:
            return None
    else:
        kept = kept_quantities(quantities)
    if kept and usage_state == "missing":
        return None
    written = None if line.cost is msgspec.UNSET else bytes(line.cost)
    cost = None
    if written not in (None, b"null"):
        if _COST(written) is None:
            return None
        cost = Decimal(written.strip(b'"').decode())
    if cost is not None and cost > COST_MAX:
        return None
    request_key = None if line.request_key in (None, "", record_id, msgspec.UNSET) else line.request_key
    if request_key is not None and not (len(request_key) <= ID_BYTES_MAX and request_key.isprintable()):
        return None
    at = checked_instant(instant("occurred_at", line.occurred_at))
    return record_of_checked(
        series, record_id=record_id, occurred_at=at, quantities=kept, cost=cost, request_key=request_key
    )


@lru_cache(maxsize=50_000)
def _series(
    source: str | None,
    user: str | None,
    api_key: str | None,
    model: str,
    provider: str | None,
    mode: str,
    geo: str | None,
    tags: tuple[str, ...],
    is_byok: bool,
    status: str,
    usage_state: str,
    is_replayed: bool,
) -> tuple[Any, ...] | None:
    """The values of `SERIES_FIELDS`, or None where they are not as most are. Remembered, since they come again.

    Raises:
        InvalidRecord: where a tag is wrong.
    """
    is_right = (
        are_plain(source or "", "-", model, user, api_key, provider, geo)
        and is_word(mode)
        and status in STATUSES
        and usage_state in USAGE_STATES
    )
    if not is_right:
        return None
    tags = checked_tags(tags)
    is_replayed = is_replayed or RESPONSE_CACHE_TAG in tags
    return source, user, api_key, model, provider, mode, geo, tags, is_byok, status, usage_state, is_replayed
