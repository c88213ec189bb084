"""The outbox to Stripe: what each day of each customer is to be, and how far sending it has come."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from tokentill.canonical import canonical_bytes
from tokentill.clock import to_micros
from tokentill.errors import Refused
from tokentill.store import tables
from tokentill.store.database import insert_new
from tokentill.store.decoding import columns_of, decoded, decoding

PushState = Literal["wanted", "sending", "accepted", "confirmed", "rejected", "unknown", "replaced"]
TO_SEND: tuple[PushState, ...] = ("wanted", "sending", "unknown", "rejected")

Place = tuple[str, date]
"""A Stripe customer and a day: where Stripe holds one amount on each meter."""

IDENTIFIERS_REMEMBERED = timedelta(hours=23)
"""Stripe promises a day; an hour is left for clocks that differ."""


@dataclass(frozen=True, slots=True)
class PushRow:
    """One version of what a customer's day is to be on a meter, at a Stripe customer."""

    customer: str
    meter: str
    day: date
    version: int
    period: str
    invoice: str
    stripe_customer: str
    value_minor: int
    identifier: str = ""
    state: PushState = "wanted"
    attempts: int = 0
    first_sent_at: datetime | None = None
    note: str | None = None

    @property
    def place(self) -> Place:
        """Where it is sent to."""
        return self.stripe_customer, self.day

    @property
    def is_to_send(self) -> bool:
        """Whether Stripe was not told of it yet, as far as is known."""
        return self.state in TO_SEND

    def stands_for(self, other: PushRow) -> bool:
        """Whether it is the last word on its day, and says what another row says."""
        return self.state != "replaced" and self.says(other)

    def says(self, other: PushRow) -> bool:
        """Whether another row says the same of the same period."""
        return (self.value_minor, self.period) == (other.value_minor, other.period)


def pin_account(connection: Connection, account: str, *, is_live: bool) -> None:
    """Remember the account at first use, and refuse every other one from then on.

    Raises:
        Refused: for another account, or the other of test and live.
    """
    table = tables.stripe_account
    connection.execute(insert_new(connection, table).values(id=1, account=account, is_live=int(is_live)))
    require_account(connection, account, is_live=is_live)


def require_account(connection: Connection, account: str, *, is_live: bool) -> None:
    """See that an account is the remembered one, if there is any.

    Raises:
        Refused: for another account, or the other of test and live.
    """
    row = connection.execute(select(tables.stripe_account)).one_or_none()
    if row is not None and (row.account, bool(row.is_live)) != (account, is_live):
        pinned, key_mode = _mode(bool(row.is_live)), _mode(is_live)
        raise Refused(
            f"this database pushes to the Stripe account {row.account} in {pinned} mode, and the key is of {account}"
            f" in {key_mode} mode; use the right key, or another database"
        )


def hold_outbox(connection: Connection) -> None:
    """Keep every other push and reconcile from changing the outbox until the transaction ends."""
    connection.execute(select(tables.stripe_account.c.id).with_for_update()).one()


def told_meters(connection: Connection, period: str) -> set[tuple[str, str]]:
    """The customers of a period that have rows, each with its meters."""
    table = tables.push
    query = select(table.c.customer, table.c.meter).where(table.c.period == period).distinct()
    return {(row.customer, row.meter) for row in connection.execute(query)}


def newest_rows(
    connection: Connection, *, customer: str, meter: str, period: str, days: Iterable[date] = ()
) -> dict[Place, PushRow]:
    """The newest version of each day at each Stripe customer that was told of it, oldest day first.

    Of the days that any row of the period has, and of `days`; whichever period and document told of them last.
    """
    table = tables.push
    mine = (table.c.customer == customer, table.c.meter == meter)
    of_period = select(table.c.day).where(*mine, table.c.period == period)
    of_days = or_(table.c.day.in_(of_period), table.c.day.in_([day.isoformat() for day in days]))
    newest = (
        select(table.c.day, func.max(table.c.version).label("version"))
        .where(*mine, of_days)
        .group_by(table.c.day, table.c.stripe_customer)
        .subquery()
    )
    query = (
        select(table)
        .join(newest, and_(table.c.day == newest.c.day, table.c.version == newest.c.version))
        .where(*mine)
        .order_by(table.c.day, table.c.version)
    )
    return {row.place: row for row in map(_row, connection.execute(query))}


def rows_of_day(connection: Connection, customer: str, period: str, day: date) -> list[PushRow]:
    """What speaks for a customer's day of a period, meter by meter."""
    push = tables.push
    query = select(push).where(push.c.customer == customer, push.c.period == period, push.c.day == day.isoformat())
    query = query.where(push.c.state != "replaced").order_by(push.c.meter, push.c.version)
    return [_row(row) for row in connection.execute(query)]


def stripe_customer_of(connection: Connection, customer: str) -> str | None:
    """The Stripe customer that a customer is linked to now."""
    table = tables.customer
    return connection.execute(select(table.c.stripe_customer).where(table.c.id == customer)).scalar_one_or_none()


def row_of_another(connection: Connection, place: Place, *, meter: str, customer: str) -> PushRow | None:
    """The row that speaks for a Stripe customer's day because another than `customer` is linked to it now."""
    push, linked = tables.push, tables.customer
    stripe_customer, day = place
    query = (
        select(push)
        .join(linked, linked.c.id == push.c.customer)
        .where(linked.c.stripe_customer == stripe_customer, linked.c.id != customer)
        .where(push.c.meter == meter, push.c.day == day.isoformat(), push.c.stripe_customer == stripe_customer)
        .where(push.c.state != "replaced")
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _row(row)


def want_days(
    connection: Connection, wanted: Iterable[PushRow], newest: Mapping[Place, PushRow], again: Container[Place] = ()
) -> list[PushRow]:
    """Write down what days are to be. A day that is so already keeps its row, unless it is wanted `again`.

    Args:
        newest: what `newest_rows` gave in this transaction.

    Returns:
        The row of each day.
    """
    rows = []
    for row in wanted:
        stored = newest.get(row.place)
        is_so = stored is not None and stored.stands_for(row) and row.place not in again
        rows.append(stored if stored is not None and is_so else tell_again(connection, row))
    return rows


def tell_again(connection: Connection, row: PushRow) -> PushRow:
    """A new version of a row, in place of those there are. Versions of a day go up over all of its Stripe customers."""
    table = tables.push
    of_day = _of_day(row)
    last = connection.execute(select(func.max(table.c.version)).where(*of_day)).scalar_one()
    connection.execute(
        update(table)
        .where(*of_day, table.c.stripe_customer == row.stripe_customer, table.c.state != "replaced")
        .values(state="replaced")
    )
    version = (last or 0) + 1
    stored = connection.execute(
        insert(table)
        .values(
            **columns_of(row, "customer", "meter", "day", "period", "invoice", "stripe_customer", "value_minor"),
            version=version,
            identifier=event_identifier(row.customer, row.meter, row.day, version),
            state="wanted",
            attempts=0,
        )
        .returning(table)
    ).one()
    return _row(stored)


def tell_standing_again(connection: Connection, row: PushRow) -> None:
    """A new version of what stands in place of a replaced row that was sent nevertheless."""
    newest = newest_rows(connection, customer=row.customer, meter=row.meter, period=row.period, days=[row.day])
    standing: PushRow | None = newest[row.place]
    if standing is not None and standing.state == "replaced":
        standing = row_of_another(connection, row.place, meter=row.meter, customer=row.customer)
    if standing is not None and standing.attempts:
        tell_again(connection, standing)


def begin_sending(connection: Connection, rows: Iterable[PushRow], at: datetime) -> list[PushRow]:
    """Mark rows as being sent, before any attempt. A forgotten identifier gets a new version.

    Returns:
        The rows to send, with their attempts counted.
    """
    table = tables.push
    sending = []
    for row in rows:
        is_forgotten = row.first_sent_at is not None and at - row.first_sent_at > IDENTIFIERS_REMEMBERED
        chosen = tell_again(connection, row) if is_forgotten else row
        first = func.coalesce(table.c.first_sent_at, to_micros(at))
        attempt = {"state": "sending", "attempts": table.c.attempts + 1, "first_sent_at": first}
        updated = update(table).where(*_same(chosen)).values(**attempt).returning(table)
        sending.append(_row(connection.execute(updated).one()))
    return sending


def is_replaced(connection: Connection, row: PushRow) -> bool:
    """Whether another row speaks for the day by now."""
    return bool(connection.execute(select(tables.push.c.state).where(*_same(row))).scalar_one() == "replaced")


def set_state(connection: Connection, row: PushRow, state: PushState, note: str | None = None) -> bool:
    """Write down what became of a row. False, and nothing written, when it was replaced: its word is not the last."""
    table = tables.push
    standing = update(table).where(*_same(row), table.c.state != "replaced")
    return bool(connection.execute(standing.values(state=state, note=note)).rowcount)


def _of_day(row: PushRow) -> tuple[ColumnElement[bool], ...]:
    table = tables.push
    return (table.c.customer == row.customer, table.c.meter == row.meter, table.c.day == row.day.isoformat())


def _same(row: PushRow) -> tuple[ColumnElement[bool], ...]:
    return (*_of_day(row), tables.push.c.version == row.version)


@decoding("a row of the outbox")
def _row(row: Row[*tuple[object, ...]]) -> PushRow:
    return decoded(PushRow, row, day=date.fromisoformat(row._mapping["day"]))


def _mode(is_live: bool) -> str:
    return "live" if is_live else "test"


def event_identifier(customer: str, meter: str, day: date, version: int) -> str:
    """The identifier of a meter event: the same for the same state, on every attempt."""
    content = canonical_bytes([customer, meter, day.isoformat(), version])
    return "tokentill-" + hashlib.sha256(content).hexdigest()[:48]
