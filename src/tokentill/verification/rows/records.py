"""Records of usage, one by one, and why some of them are not billed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, bindparam, cast, func, literal_column, select

from tokentill.store import tables
from tokentill.verification.rating.prices import LEAVES
from tokentill.verification.terms.keys import Table

ROWS_AT_ONCE = 5_000
SERIES_AT_ONCE = 2_000


class Records:
    """Every record, as one snapshot of a database has it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def withdrawn(self) -> dict[int, list[tuple[str, int]]]:
        """Why, and from which sequence number on, records are not billed."""
        table, withdrawn = tables.withdrawal.c, dict[int, list[tuple[str, int]]]()
        for id_, cause, seq in self._connection.execute(select(table.usage_id, table.cause, table.seq)):
            withdrawn.setdefault(id_, []).append((cause, seq))
        return withdrawn

    @cached_property
    def later_versions(self) -> frozenset[int]:
        """The rows of usage that took the place of an earlier version."""
        usage = tables.usage.c
        return frozenset(self._connection.execute(select(usage.id).where(usage.version > 1)).scalars())

    def series(self, within: tuple[int, int] | None = None) -> dict[int, Table]:
        """The series that have records in a stretch of time, or all, by id."""
        usage, query = tables.usage.c, select(tables.series)
        if within is not None:
            inside = usage.occurred_at >= within[0], usage.occurred_at < within[1]
            query = query.where(tables.series.c.id.in_(select(usage.series_id).where(*inside)))
        return {row.id: {**row._mapping, "tags": json.loads(row.tags)} for row in self._connection.execute(query)}

    def usage(self, series: Sequence[int], starts_at: int, ends_at: int, seq: int, *, in_order: bool) -> Iterator[Any]:
        """Records of series one by one: `id, series_id, occurred_at, seq, record_id, units, input_total, has_cost`,
        three limbs of the cost, and the leaves.

        With `in_order` all of them come in order of time, source and record id.
        """
        usage, unit = tables.usage, tables.usage_unit
        one = unit.c.name + literal_column("':'", Text) + cast(unit.c.quantity, Text)
        units: ColumnElement[Any] = (
            select(func.aggregate_strings(one, ","))
            .where(unit.c.usage_id == usage.c.id)
            .correlate(usage)
            .scalar_subquery()
        )
        own = ("id", "series_id", "occurred_at", "seq", "record_id")
        counted = ("input_total", "has_cost", *tables.COST_LIMBS, *LEAVES)
        query = select(*(usage.c[name] for name in own), units, *(usage.c[name] for name in counted)).where(
            usage.c.occurred_at >= starts_at, usage.c.occurred_at < ends_at, usage.c.seq <= seq
        )
        at_once = max(1, len(series)) if in_order else SERIES_AT_ONCE
        if in_order:
            bytewise = "BINARY" if self._connection.dialect.name == "sqlite" else "C"
            query = query.join(tables.series, tables.series.c.id == usage.c.series_id).order_by(
                usage.c.occurred_at, tables.series.c.source.collate(bytewise), usage.c.record_id.collate(bytewise)
            )
        for first in range(0, len(series), at_once):
            listed = list(series[first : first + at_once])
            within: Any = bindparam("series", listed, expanding=True, literal_execute=True)  # any number of them
            part = query.where(usage.c.series_id.in_(within))
            with self._connection.execute(part, execution_options={"yield_per": ROWS_AT_ONCE}) as result:
                for rows in result.partitions():
                    yield from rows
