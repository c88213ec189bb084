"""Sums of usage that are kept beside the records, so that a month costs what it has of series and days.

What a sequence number changed has rows of its own: the records that came with it, less those that were withdrawn by it.
So the rows up to any number add up to the records that count at that number, late and corrected ones included, and no
row is ever changed. Batches of which sums are hardly fewer than records keep none, and what is taken away of their
records is not among the sums of other numbers either: these records are read instead. `verify` reads records and never
sums.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal_column,
    not_,
    select,
    union_all,
)

from tokentill.store import tables
from tokentill.store.usage.missing_rows import has_no_result, is_at_no_cost, is_at_zero_cost, is_unmeasured
from tokentill.store.usage.usage_rows import of_batches
from tokentill.store.usage.withdrawals import is_withdrawn
from tokentill.usage.quantities import TOKEN_LEAVES

DAY_MICROS = 86_400_000_000
BANDS = (100_000, 128_000, 199_999, 200_000, 272_000, 512_000)
"""Input totals at which sums are cut: where prices change most often. Each row says which totals it has, so that it is
seen where another threshold needs the records; and so these may change at any time."""

RECORDS_A_SUM_MIN = 2
"""With fewer records to a sum, a batch keeps no sums."""

FACTS = ("waived", "unmeasured", "accepted", "zero_cost", "no_result")
"""What is the same of all records of a row: the bits of its `facts`, the first one lowest."""
KEY = ("day", "series_id", "band", "facts")
SUMMED = ("requests", "with_cost", "at_no_cost", *TOKEN_LEAVES, *tables.COST_LIMBS)
SEQ = bindparam("of_seq", type_=BigInteger)
"""The sequence number that is asked for."""

_EXTENT = ("input_min", "input_max")
_LOOKED_AT = 10_000


def are_worth_keeping(series_ids: Sequence[int], instants: Sequence[int]) -> bool:
    """Whether records, by their series and instants (microseconds since 1970), have much fewer sums than there are of
    them. Where they have not, reading the sums would save nothing over reading the records.
    """
    days = max(instants) // DAY_MICROS - min(instants) // DAY_MICROS + 1
    if len(set(series_ids)) * days * RECORDS_A_SUM_MIN <= len(instants):
        return True
    first, sums = min(instants) // DAY_MICROS, set[int]()
    for start in range(0, len(instants), _LOOKED_AT):  # enough is often seen before the end
        part = zip(series_ids[start : start + _LOOKED_AT], instants[start : start + _LOOKED_AT], strict=True)
        sums.update(series_id * days + at // DAY_MICROS - first for series_id, at in part)
        if len(sums) * RECORDS_A_SUM_MIN > len(instants):
            return False
    return True


def keep_sums(connection: Connection, seq: int, zero: Collection[str] = ()) -> None:
    """Add what a sequence number changed, at the end of the transaction that took it.

    Args:
        zero: what is 0 in all rows that came with it, and need not be summed where it takes none away.
    """
    batch, withdrawal, said = tables.batch.c, tables.withdrawal.c, {SEQ.key: seq}
    takes_away = (
        connection.execute(select(withdrawal.usage_id).where(withdrawal.seq == seq).limit(1)).first() is not None
    )
    is_summed = connection.execute(select(batch.is_summed).where(batch.seq == seq)).scalar_one()
    if not takes_away and not is_summed:
        return
    names = [*KEY, "seq", *_EXTENT, *SUMMED]
    by_records = sums_by_records(takes_away=takes_away, zero=zero)
    connection.execute(insert(tables.usage_sum).from_select(names, by_records), said)
    if connection.execute(select(tables.usage_unit.c.usage_id).limit(1)).first() is not None:
        names, by_records = [*KEY, "seq", "name", "quantity"], units_by_records(takes_away=takes_away)
        connection.execute(insert(tables.usage_sum_unit).from_select(names, by_records), said)


def sums_by_records(*, takes_away: bool, zero: Collection[str] = ()) -> Select[Any]:
    """What the sums of the sequence number `SEQ` are, by its records (see `keep_sums`).

    Args:
        takes_away: whether there are withdrawals under that number.
    """
    usage = tables.usage.c
    own: dict[str, ColumnElement[Any]] = {
        "input_total": usage.input_total,
        "requests": literal_column("1", BigInteger),
        "with_cost": usage.has_cost,
        "at_no_cost": is_at_no_cost(),
        **{name: usage[name] for name in (*TOKEN_LEAVES, *tables.COST_LIMBS)},
    }
    changes = _changes(takes_away, tables.usage, own, zero)
    key: list[ColumnElement[Any]] = [literal_column(name) for name in KEY]
    extent = (func.min(changes.c.input_total), func.max(changes.c.input_total))
    sums = (
        literal_column("0", BigInteger)
        if name in zero and "sign" not in changes.c
        else cast(func.sum(_signed(changes, name)), BigInteger)
        for name in SUMMED
    )
    return select(*key, SEQ, *extent, *sums).select_from(changes).group_by(*key)


def units_by_records(*, takes_away: bool) -> Select[Any]:
    """The same for quantities that have no column."""
    usage, unit = tables.usage, tables.usage_unit
    inside = usage.join(unit, unit.c.usage_id == usage.c.id)
    changes = _changes(takes_away, inside, {"name": unit.c.name, "quantity": unit.c.quantity})
    key: list[ColumnElement[Any]] = [literal_column(name) for name in KEY]
    quantity = cast(func.sum(_signed(changes, "quantity")), BigInteger)
    query = select(*key, SEQ, changes.c.name, quantity).select_from(changes)
    return query.group_by(*key, changes.c.name)


def _signed(changes: Any, name: str) -> ColumnElement[int]:
    """What a row adds; where nothing is taken away, it has no sign."""
    added: ColumnElement[int] = changes.c[name]
    return changes.c.sign * added if "sign" in changes.c else added


def _changes(takes_away: bool, inside: Any, own: dict[str, ColumnElement[Any]], zero: Collection[str] = ()) -> Any:
    """The rows of usage that a sequence number adds and those that it takes away, each with its key; with a `sign`, 1
    or -1, where there are any of these.
    """
    usage, withdrawal = tables.usage.c, tables.withdrawal.c

    def part(sign: int | None, counted_at: ColumnElement[int] | None, *conditions: ColumnElement[bool]) -> Select[Any]:
        facts = [(2, is_unmeasured()), (8, is_at_zero_cost()), (16, has_no_result())]
        if counted_at is not None:
            facts += [(1, is_withdrawn("waiver", counted_at)), (4, is_withdrawn("acceptance", counted_at))]
            gone = (is_withdrawn("revision", counted_at), is_withdrawn("retraction", counted_at))
            conditions = (*conditions, *map(not_, gone))
        elif "facts" in zero:
            facts = []
        key = (
            literal_column(f"usage.occurred_at / {DAY_MICROS}", BigInteger),
            usage.series_id,
            _band(),
            sum((case((holds, bit), else_=0) for bit, holds in facts), literal_column("0", Integer)),
        )
        named = zip((*KEY, *own), (*key, *own.values()), strict=True)
        columns = [column.label(name) for name, column in named]
        if sign is not None:
            columns.append(literal_column(str(sign), BigInteger).label("sign"))
        return select(*columns).select_from(inside).where(*conditions)

    is_summed = tables.batch.c.is_summed == 1
    own_rows = of_batches(tables.batch.c.seq == SEQ, is_summed)
    if not takes_away:
        return part(None, None, *own_rows).subquery("changes")
    of_seq, summed = select(withdrawal.usage_id).where(withdrawal.seq == SEQ), select(tables.batch.c.seq)
    gone = (usage.id.in_(of_seq), usage.seq < SEQ, usage.seq.in_(summed.where(is_summed)))
    parts = (part(1, SEQ, *own_rows), part(-1, SEQ - 1, *gone), part(1, SEQ, *gone))
    return union_all(*parts).subquery("changes")


def _band() -> ColumnElement[int]:
    return passed("usage.input_total >", BANDS)


def passed(compared: str, limits: Sequence[int]) -> ColumnElement[int]:
    """How many of some rising limits a number has passed."""
    cases = " ".join(f"WHEN {compared} {limit} THEN {count}" for count, limit in reversed(list(enumerate(limits, 1))))
    return literal_column(f"CASE {cases} ELSE 0 END" if cases else "0", BigInteger)
