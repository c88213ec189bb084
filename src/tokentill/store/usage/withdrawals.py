"""Which records count at a sequence number: what withdrawals leave of those up to it.

A withdrawal has a sequence number, as a batch has. So what was computed at an older number stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, and_, case, insert, literal_column, not_, select

from tokentill.clock import to_micros
from tokentill.store import tables
from tokentill.store.decoding import rows_among

WithdrawalCause = Literal["revision", "waiver", "retraction", "acceptance"]


@dataclass(frozen=True, slots=True)
class InForce:
    """What to ask of rows of usage: `conditions` leave out the versions that were replaced and what was retracted,
    `is_waived` is 1 for a record that is billed at nothing, `is_accepted` for an estimate that is billed as it is.
    """

    conditions: tuple[ColumnElement[bool], ...]
    is_waived: ColumnElement[int]
    is_accepted: ColumnElement[int]


ALL_VERSIONS = InForce((), literal_column("0"), literal_column("0"))
"""Rows as they are stored, whether they count or not."""


class Counting(NamedTuple):
    """At which sequence number each cause of a withdrawal is looked at, and whether only first versions count; what was
    accepted is looked at as what was waived is.

    So what one change of fact after the other makes of usage can be asked for.
    """

    revision: int
    retraction: int
    waiver: int
    is_first: bool = False


def in_force(connection: Connection, seq_max: int, counting: Counting | None = None) -> InForce:
    """What counts at a sequence number, or as `counting` says. Costs next to nothing as long as nothing was ever
    withdrawn.
    """
    if counting is not None:
        left = [
            not_(is_withdrawn("revision", counting.revision)),
            not_(is_withdrawn("retraction", counting.retraction)),
        ]
        if counting.is_first:
            left.append(tables.usage.c.version == 1)
        return InForce(tuple(left), *_decisions(counting.waiver))
    table = tables.withdrawal
    if connection.execute(select(table.c.seq).where(table.c.seq <= seq_max).limit(1)).first() is None:
        return ALL_VERSIONS
    left_out = (not_(is_withdrawn("revision", seq_max)), not_(is_withdrawn("retraction", seq_max)))
    return InForce(left_out, *_decisions(seq_max))


def _decisions(seq_max: int) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Whether somebody waived a record, and whether somebody accepted it."""
    waived: ColumnElement[int] = case((is_withdrawn("waiver", seq_max), 1), else_=0)
    accepted: ColumnElement[int] = case((is_withdrawn("acceptance", seq_max), 1), else_=0)
    return waived, accepted


def withdraw(
    connection: Connection, usage_id: int, cause: WithdrawalCause, seq: int, *, by: str, reason: str, at: datetime
) -> None:
    """Say that a row of usage is not billed from a sequence number on, or that its estimate is, in the transaction that
    took the number.
    """
    connection.execute(
        insert(tables.withdrawal).values(
            usage_id=usage_id, cause=cause, seq=seq, reviewer=by, reason=reason, recorded_at=to_micros(at)
        )
    )


def withdrawal_of(connection: Connection, usage_id: int, cause: WithdrawalCause) -> Any:
    """The withdrawal of a row of usage for a cause, or None."""
    table = tables.withdrawal
    query = select(table).where(table.c.usage_id == usage_id, table.c.cause == cause)
    return connection.execute(query).one_or_none()


def withdrawals_of(connection: Connection, usage_ids: Iterable[int], cause: WithdrawalCause) -> dict[int, Any]:
    """The withdrawals of rows of usage for a cause, by row."""
    table = tables.withdrawal
    query = select(table).where(table.c.cause == cause)
    return {row.usage_id: row for row in rows_among(connection, query, (table.c.usage_id,), sorted(usage_ids))}


_WITHDRAWALS = {cause: tables.withdrawal.alias(cause) for cause in get_args(WithdrawalCause)}


def is_withdrawn(cause: WithdrawalCause, seq_max: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a row of usage is withdrawn for a cause at a sequence number."""
    table, usage = _WITHDRAWALS[cause], tables.usage
    withdrawal = select(table.c.seq).where(
        and_(table.c.usage_id == usage.c.id, table.c.cause == cause, table.c.seq <= seq_max)
    )
    return withdrawal.correlate(usage).exists()
