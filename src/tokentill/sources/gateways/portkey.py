"""Portkey: rows of its log exports, as JSON, JSON lines or CSV.

Convention: `req_units`, `res_units` and their sum `total_units` are tokens. The export does not say which of them were
read from a cache, so they all are plain input and output. The user is `_user` of the metadata. The export names the
currency of a cost and not its unit: it is not read, unless `--format portkey:cost-in-dollars` or
`portkey:cost-in-cents` says which it is. Times without an offset are UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from functools import partial
from typing import Any

from tokentill.errors import InvalidRecord
from tokentill.money import EXACT
from tokentill.sources.gateways import Format, SourceRow
from tokentill.sources.gateways.conventions import convention_of, leaves_by
from tokentill.sources.gateways.fields import amount, columns_by_kind, count_cell, flag_cell, instant_or_naive_utc
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.sources.strict_json import parse_object
from tokentill.usage.record import UsageRecord
from tokentill.usage.type_words import type_text

PATHS: dict[str, tuple[str, ...]] = {
    "record_id": ("id",),
    "occurred_at": ("created_at",),
    "model": ("ai_model",),
    "provider": ("ai_org",),
    "is_success": ("is_success",),
    "metadata": ("metadata",),
    "cost": ("cost",),
    "currency": ("cost_currency",),
    "prompt": ("req_units",),
    "completion": ("res_units",),
    "total": ("total_units",),
}
FIELDS = FieldMap(PATHS)
_CELLS = {**dict.fromkeys(("req_units", "res_units", "total_units"), count_cell), "is_success": flag_cell}


def read(row: SourceRow, source: str | None, *, cost_digits: int | None = None) -> UsageRecord:
    """One request.

    Args:
        cost_digits: how many digits of the cost are below a dollar; None for a cost that is not read.

    Raises:
        InvalidRecord: with the reason.
    """
    values = FIELDS.pick_with(row, "record_id", "model")
    quantities, usage_state = leaves_by(convention_of("portkey"), values)
    return UsageRecord(
        source=source or "portkey",
        record_id=values["record_id"],
        occurred_at=instant_or_naive_utc("created_at", values.get("occurred_at")),
        model=values["model"],
        quantities=quantities,
        user=_metadata_of(values.get("metadata")).get("_user"),
        provider=values.get("provider"),
        status="error" if values.get("is_success") in (False, 0) else "ok",
        usage_state=usage_state,
        cost=None if cost_digits is None else _cost_of(values, cost_digits),
    )


def _cost_of(values: dict[str, Any], digits: int) -> Decimal | None:
    if "cost" not in values:
        return None
    currency = values.get("currency")
    if not isinstance(currency, str) or currency.upper() != "USD":
        raise InvalidRecord(f"cost_currency is {str(currency)[:40]!r}, and costs are read in USD alone")
    return EXACT.scaleb(amount("cost", values["cost"]), -digits)


def _metadata_of(metadata: object) -> dict[str, Any]:
    if isinstance(metadata, str) and metadata.strip():
        try:
            metadata = parse_object(metadata.encode())
        except (InvalidRecord, UnicodeEncodeError) as error:
            reason = error if isinstance(error, InvalidRecord) else "it holds a lone surrogate"
            raise InvalidRecord(f"metadata: {reason}") from None
    if metadata is None or metadata == "":
        return {}
    if not isinstance(metadata, dict):
        raise InvalidRecord(f"metadata is {type_text(metadata)}, not an object")
    return metadata


def _recognises(names: Collection[str]) -> bool:
    return "id" in names and "ai_model" in names and "req_units" in names


def _format(name: str, cost_digits: int | None) -> Format:
    reader = partial(read, cost_digits=cost_digits)
    return Format(name, "portkey", ("id",), _recognises, reader, columns_by_kind(_CELLS), ("created_at",))


LOGS = _format("portkey", None)
DECLARED = (_format("portkey:cost-in-dollars", 0), _format("portkey:cost-in-cents", 2))
"""The same, for those who know the unit of their costs."""
