"""Which records report no usage: their source said so, or they cost something and all of their quantities are zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Connection, and_, case, not_, or_, select

from tokentill.clock import to_micros
from tokentill.store import tables
from tokentill.store.usage.usage_rows import StoredRecord, records_where, series_by_id, within
from tokentill.store.usage.withdrawals import in_force
from tokentill.usage.quantities import OUTPUT_LEAVES, REQUEST


@cache
def uses_nothing() -> ColumnElement[bool]:
    """Whether all quantities of a row of usage are zero. Most rows are told by the first look, at their input total."""
    usage, unit = tables.usage.c, tables.usage_unit.alias("used")
    with_units = select(unit.c.usage_id).where(unit.c.usage_id == usage.id, unit.c.quantity > 0)
    no_output = (usage[leaf] == 0 for leaf in OUTPUT_LEAVES)
    return and_(usage.input_total == 0, *no_output, not_(with_units.correlate(tables.usage).exists()))


@cache
def is_at_zero_cost() -> ColumnElement[bool]:
    """Whether a row of usage has a reported cost of 0."""
    return and_(tables.usage.c.has_cost == 1, *(tables.usage.c[limb] == 0 for limb in tables.COST_LIMBS))


@cache
def has_no_result() -> ColumnElement[bool]:
    """Whether a row of usage has no output, no units of anything and no cost. Most rows are told by the first look."""
    usage, unit = tables.usage.c, tables.usage_unit.alias("brought")
    no_output = (usage[leaf] == 0 for leaf in OUTPUT_LEAVES)
    no_cost = (usage[limb] == 0 for limb in tables.COST_LIMBS)
    with_units = select(unit.c.usage_id).where(unit.c.usage_id == usage.id, unit.c.quantity > 0, unit.c.name != REQUEST)
    return and_(*no_output, *no_cost, not_(with_units.correlate(tables.usage).exists()))


@cache
def is_unmeasured() -> ColumnElement[bool]:
    """Whether a row of usage uses nothing, and cost something."""
    costs = or_(*(tables.usage.c[limb] > 0 for limb in tables.COST_LIMBS))
    return and_(uses_nothing(), tables.usage.c.has_cost == 1, costs)


@cache
def is_at_no_cost() -> ColumnElement[int]:
    """1 for a row of usage that used something and cost nothing, as the gateway reports it; else 0."""
    usage = tables.usage.c
    is_free = (usage[limb] == 0 for limb in tables.COST_LIMBS)
    counted: ColumnElement[int] = case((and_(usage.has_cost == 1, *is_free, not_(uses_nothing())), 1), else_=0)
    return counted


def records_without_usage(
    connection: Connection, starts_at: datetime, ends_at: datetime, seq_max: int
) -> Iterator[StoredRecord]:
    """The records of [starts_at, ends_at) without usage, or with an estimate, that count at a sequence number, in order
    of time.
    """
    usage, series = tables.usage, tables.series
    missing = select(series.c.id).where(series.c.usage_state.in_(("missing", "estimated")))
    conditions = [
        or_(usage.c.series_id.in_(missing), is_unmeasured()),
        *within(to_micros(starts_at), to_micros(ends_at)),
        usage.c.seq <= seq_max,
    ]
    of_series = connection.execute(select(usage.c.series_id).where(*conditions).distinct()).scalars()
    known = series_by_id(connection, of_series)
    force = in_force(connection, seq_max)
    for _, record in records_where(connection, usage.c.series_id, usage, known, force, conditions):
        yield record
