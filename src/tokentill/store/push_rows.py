"""The outbox to Stripe: what each day of each customer is to be, and how far telling it has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update

from tokentill.clock import from_micros, to_micros
from tokentill.errors import Refused
from tokentill.store import tables
from tokentill.store.database import insert_for
from tokentill.store.decoding import decoding
from tokentill.stripe_push.days import event_identifier

PushState = Literal["wanted", "sending", "accepted", "confirmed", "rejected", "unknown", "replaced"]
TO_SEND: tuple[PushState, ...] = ("wanted", "sending", "unknown", "rejected")

IDENTIFIERS_REMEMBERED = timedelta(hours=23)
"""Stripe promises a day; an hour is left for clocks that differ."""


@dataclass(frozen=True, slots=True)
class PushRow:
    """The newest version of one customer's day on one meter."""

    customer: str
    meter: str
    day: date
    version: int
    invoice: str
    stripe_customer: str
    value_minor: int
    identifier: str = ""
    state: PushState = "wanted"
    attempts: int = 0
    first_sent_at: datetime | None = None
    note: str | None = None


def pin_account(connection: Connection, account: str, *, is_live: bool) -> None:
    """Remember the account at first use, and refuse every other one from then on.

    Raises:
        Refused: for another account, or the other of test and live.
    """
    table = tables.stripe_account
    connection.execute(
        insert_for(connection.dialect.name, table)
        .values(id=1, account=account, is_live=int(is_live))
        .on_conflict_do_nothing()
    )
    row = connection.execute(select(table)).one()
    if (row.account, bool(row.is_live)) != (account, is_live):
        pinned, given = _mode(bool(row.is_live)), _mode(is_live)
        raise Refused(
            f"this database pushes to the Stripe account {row.account} in {pinned} mode, and the key is of {account}"
            f" in {given} mode; use the right key, or another database"
        )


def hold_outbox(connection: Connection) -> None:
    """Keep every other push and reconcile from changing the outbox until the transaction ends."""
    connection.execute(select(tables.stripe_account.c.id).with_for_update()).one()


def newest_rows(connection: Connection, *, customer: str, meter: str, period: str) -> list[PushRow]:
    """The newest version of every day of a customer's period on a meter, whichever invoice it came from."""
    table = tables.push
    newest = (
        select(table.c.day, func.max(table.c.version).label("version"))
        .where(table.c.customer == customer, table.c.meter == meter, table.c.period == period)
        .group_by(table.c.day)
        .subquery()
    )
    query = (
        select(table)
        .join(newest, and_(table.c.day == newest.c.day, table.c.version == newest.c.version))
        .where(table.c.customer == customer, table.c.meter == meter)
        .order_by(table.c.day)
    )
    return [_row(row) for row in connection.execute(query)]


def want_days(
    connection: Connection,
    *,
    customer: str,
    meter: str,
    period: str,
    invoice: str,
    stripe_customer: str,
    values_minor: Mapping[date, int],
    again: Iterable[date] = (),
) -> None:
    """Write down what days are to be. A day that is so already keeps its row, unless it is wanted `again`."""
    stored = {row.day: row for row in newest_rows(connection, customer=customer, meter=meter, period=period)}
    repeated = set(again)
    for day, value in sorted(values_minor.items()):
        row = stored.get(day)
        if (
            row is not None
            and (row.value_minor, row.stripe_customer) == (value, stripe_customer)
            and day not in repeated
        ):
            continue
        if row is not None:
            _set_state(connection, row, "replaced", row.note)
        version = 1 if row is None else row.version + 1
        new = PushRow(customer, meter, day, version, invoice, stripe_customer, value)
        _insert_version(connection, new, period)


def begin_sending(connection: Connection, rows: Sequence[PushRow], period: str, at: datetime) -> list[PushRow]:
    """Mark rows as being sent, before any attempt. A forgotten identifier gets a new version.

    Returns:
        The rows to send, with their attempts counted.
    """
    table = tables.push
    sending = []
    for row in rows:
        chosen = row
        if row.first_sent_at is not None and at - row.first_sent_at > IDENTIFIERS_REMEMBERED:
            _set_state(connection, row, "replaced", row.note)
            chosen = _insert_version(connection, replace(row, version=row.version + 1), period)
        updated = connection.execute(
            update(table)
            .where(*_same(chosen))
            .values(
                state="sending",
                attempts=table.c.attempts + 1,
                first_sent_at=func.coalesce(table.c.first_sent_at, to_micros(at)),
            )
            .returning(table)
        ).one()
        sending.append(_row(updated))
    return sending


def set_states(connection: Connection, outcomes: Iterable[tuple[PushRow, PushState, str | None]]) -> None:
    """Write down what became of rows."""
    for row, state, note in outcomes:
        _set_state(connection, row, state, note)


def _set_state(connection: Connection, row: PushRow, state: PushState, note: str | None) -> None:
    connection.execute(update(tables.push).where(*_same(row)).values(state=state, note=note))


def _insert_version(connection: Connection, row: PushRow, period: str) -> PushRow:
    found = connection.execute(
        insert(tables.push)
        .values(
            customer=row.customer,
            meter=row.meter,
            day=row.day.isoformat(),
            version=row.version,
            period=period,
            invoice=row.invoice,
            stripe_customer=row.stripe_customer,
            value_minor=row.value_minor,
            identifier=event_identifier(row.customer, row.meter, row.day, row.version),
            state="wanted",
            attempts=0,
        )
        .returning(tables.push)
    ).one()
    return _row(found)


def _same(row: PushRow) -> tuple[ColumnElement[bool], ...]:
    table = tables.push
    return (
        table.c.customer == row.customer,
        table.c.meter == row.meter,
        table.c.day == row.day.isoformat(),
        table.c.version == row.version,
    )


@decoding("a row of the outbox")
def _row(row: Row[*tuple[object, ...]]) -> PushRow:
    fields = row._mapping
    first_sent_at = fields["first_sent_at"]
    return PushRow(
        customer=fields["customer"],
        meter=fields["meter"],
        day=date.fromisoformat(fields["day"]),
        version=fields["version"],
        invoice=fields["invoice"],
        stripe_customer=fields["stripe_customer"],
        value_minor=fields["value_minor"],
        identifier=fields["identifier"],
        state=fields["state"],
        attempts=fields["attempts"],
        first_sent_at=None if first_sent_at is None else from_micros(first_sent_at),
        note=fields["note"],
    )


def _mode(is_live: bool) -> str:
    return "live" if is_live else "test"
