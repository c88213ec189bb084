"""Canonical records whose fields and quantities are the columns of a Parquet file, taken column by column.

As in `canonical_quick`, a row becomes what the strict way makes of the JSON object that it stands for, or it is odd.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tokentill.sources.gateways.canonical_quick import QuickReader, counts_of
from tokentill.sources.gateways.quick_values import check_counts, costs_of, micros_within, odd_ids, request_keys_of
from tokentill.sources.layouts.parquet_rows import ParquetRows
from tokentill.sources.layouts.table import Column
from tokentill.usage.columns import Units, UsageColumns
from tokentill.usage.quantities import TOKEN_LEAVES
from tokentill.usage.record import SERIES_FIELDS

TAGS_CHARACTERS_MAX = 4_000
_KINDS = {
    **dict.fromkeys((*SERIES_FIELDS, "record_id", "request_key"), ("text",)),
    **dict.fromkeys(("is_byok", "is_replayed"), ("flag",)),
    "occurred_at": ("instant",),
    "cost": ("decimal", "whole", "text"),
}


def is_plain_table(kinds: Mapping[str, str], columns: Sequence[Column]) -> bool:
    """Whether a table with columns of these kinds holds records with their quantities as columns."""
    quantities = {column.name for column in columns if column.into == "quantities"}
    has_all = {"record_id", "occurred_at", "model"} <= kinds.keys() and bool(quantities)
    return has_all and all(
        kind == "whole" if name in quantities else kind in _KINDS.get(name, ()) for name, kind in kinds.items()
    )


class CanonicalReader(QuickReader):
    """Reads the lines of one input, or the rows of a table."""

    def columns_of(self, lines: Sequence[bytes], within: tuple[int, int]) -> tuple[UsageColumns, list[int]]:
        """The records of lines in columns, and the places of the odd ones, of which they hold nothing."""
        if not isinstance(lines, ParquetRows):
            return super().columns_of(lines, within)
        odd: set[int] = set()
        try:
            columns = self._columns_of_rows(lines, within, odd)
        except ValueError:  # some value is not what its column is said to hold
            return UsageColumns(self.names), list(range(len(lines)))
        good = [n for n in range(len(lines)) if n not in odd]
        return (columns.taken(good) if odd else columns), sorted(odd)

    def _columns_of_rows(self, rows: ParquetRows, within: tuple[int, int], odd: set[int]) -> UsageColumns:
        nothing: list[Any] = [None] * len(rows)
        traits = [rows.traits(name) or nothing for name in SERIES_FIELDS]
        tags = traits[SERIES_FIELDS.index("tags")]
        if tags is not nothing:
            odd.update(n for n, text in enumerate(tags) if text and len(text) > TAGS_CHARACTERS_MAX)
        series, _ = self._series(list(zip(*traits, strict=True)))
        if -1 in series:
            odd.update(n for n, number in enumerate(series) if number < 0)
        record_ids = [id_ or "" for id_ in rows.texts("record_id") or nothing]
        odd.update(odd_ids(record_ids))
        leaves, units = _counts_of_rows(rows, odd)
        costs = costs_of(rows.amounts("cost") or nothing, odd)
        instants = micros_within(rows.instants("occurred_at") or nothing, within, odd)
        request_keys = request_keys_of(rows.texts("request_key") or nothing, record_ids, odd)
        return UsageColumns(self.names, series, record_ids, instants, leaves, units, costs, request_keys)


def _counts_of_rows(rows: ParquetRows, odd: set[int]) -> tuple[dict[str, list[int]], list[Units]]:
    """The columns of token leaves, and the other quantities of each row."""
    columns = {name: rows.counts(name) or [] for name in rows.names_in("quantities")}
    if not set(TOKEN_LEAVES).issuperset(columns):
        listed = zip(*columns.values(), strict=True)
        each = [{name: n for name, n in zip(columns, counts, strict=True) if n is not None} for counts in listed]
        return counts_of(each, odd)
    if all(None in column for column in columns.values()):
        listed = zip(*columns.values(), strict=True)
        odd.update(n for n, counts in enumerate(listed) if all(one is None for one in counts))
    leaves = {}
    for leaf in TOKEN_LEAVES:
        if leaf in columns:
            leaves[leaf] = [n or 0 for n in columns[leaf]] if None in columns[leaf] else columns[leaf]
            check_counts(leaves[leaf], odd)
    return leaves, [()] * len(rows)
