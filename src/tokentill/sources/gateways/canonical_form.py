"""tokentill's own form: quantities are disjoint leaves already, and every record names its source.

As JSON, `quantities` is an object; as CSV, every column that is not a field is a quantity, and `tags` are separated by
`;`. Keys that are not known are refused. Without `usage_state`, a record with quantities is `reported` and one without
is `missing`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import cast

from tokentill.errors import InvalidRecord, Refused
from tokentill.sources.gateways import Format, SourceRow
from tokentill.sources.gateways.fields import amount, count_cell, flag_cell, instant, text_cell
from tokentill.sources.layouts.table import Column
from tokentill.usage.quantities import SUMS, TOKEN_LEAVES
from tokentill.usage.record import UsageRecord, UsageState
from tokentill.usage.type_words import type_text

FIELDS = tuple(
    """source record_id request_key occurred_at user api_key model provider mode geo tags status usage_state quantities
    cost is_byok is_replayed""".split()
)
_KNOWN = frozenset(FIELDS)
_NULLABLE = _KNOWN - {"quantities", "usage_state"}
_KNOWN_QUANTITIES = (*TOKEN_LEAVES, "request", "web_search", "web_fetch")
_QUANTITY = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII).fullmatch


def read(row: SourceRow, source: str | None) -> UsageRecord:
    """One record in canonical form.

    Raises:
        InvalidRecord: with the reason; also when it is of another source than the one asked for.
    """
    if not _KNOWN.issuperset(row):
        unknown = next(name for name in row if name not in _KNOWN)
        raise InvalidRecord(f"the key {unknown[:64]!r} is not known{hint(unknown, FIELDS)}")
    own_source = source if row.get("source") is None else row["source"]
    if own_source is None:
        raise InvalidRecord("source is missing")
    if source is not None and own_source != source:
        raise InvalidRecord(f"source is {_shown(own_source)}, and this is to be read as {source!r}")
    quantities = row.get("quantities")
    if quantities is not None and type(quantities) is not dict:
        raise InvalidRecord(f"quantities is {type_text(quantities)}, not an object")
    usage_state = row.get("usage_state")
    if usage_state is None:
        usage_state = "reported" if quantities else "missing"
    if quantities is None and usage_state != "missing":
        raise InvalidRecord(f"usage_state is {_shown(usage_state)}, but there are no quantities; write a zero as 0")
    traits = {name: row[name] for name in row.keys() & _NULLABLE if row[name] is not None}
    for name in ("record_id", "model"):
        if name not in traits:
            raise InvalidRecord(f"{name} is missing")
    traits.update(source=own_source, occurred_at=instant("occurred_at", traits.get("occurred_at")))
    if "cost" in traits:
        traits["cost"] = amount("cost", traits["cost"])
    return UsageRecord(quantities=quantities or {}, usage_state=cast(UsageState, usage_state), **traits)


def columns(names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a header: fields, and quantities.

    Raises:
        Refused: for a column that is neither of them.
    """
    return tuple(_column(name) for name in names)


def _column(name: str) -> Column:
    if name in ("is_byok", "is_replayed"):
        return Column(name, flag_cell)
    if name == "tags":
        return Column(name, lambda _, cell: cell.split(";"))
    if name in _KNOWN and name != "quantities":
        return Column(name, text_cell)
    if name not in _KNOWN_QUANTITIES:
        meant = hint(name, [field for field in FIELDS if field != "quantities"])
        if meant or name in SUMS or name in _KNOWN or _QUANTITY(name) is None:
            raise Refused(f"the column {name[:64]!r} is neither a field nor a quantity{meant}")
    return Column(name, count_cell, into="quantities")


def _shown(value: object) -> str:
    return repr(value[:64]) if isinstance(value, str) else type_text(value)


def hint(name: str, names: Sequence[str]) -> str:
    """What a key that is not known may have been meant to be, for the end of a message; empty for nothing alike."""
    near = get_close_matches(name[:64], names, n=1, cutoff=0.75)
    return f"; did you mean {near[0]!r}?" if near else ""


def _recognises(names: Collection[str]) -> bool:
    return "record_id" in names and "occurred_at" in names


CANONICAL: Format = Format("canonical", None, ("record_id",), _recognises, read, columns)
