"""Telling Stripe what each day of a period amounts to, in amount mode, for same-period billing.

States are told, not differences, and the outbox row is written before the attempt. So a push that was killed, run
again, ends with Stripe holding what the invoices say, and nothing is counted twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from tokentill.canonical import Content
from tokentill.clock import Clock
from tokentill.errors import Refused
from tokentill.invoicing.periods import Month
from tokentill.store.audit import append_audit
from tokentill.store.database import Database
from tokentill.store.push_rows import (
    TO_SEND,
    PushRow,
    begin_sending,
    hold_outbox,
    newest_rows,
    pin_account,
    set_states,
    want_days,
)
from tokentill.stripe_push.gateway import Answer, StripeGateway
from tokentill.stripe_push.owed import Owed, linked_owed

TRIES = 4
BACKOFF_SECONDS = (0.25, 0.5, 1)
Sleep = Callable[[float], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Untold:
    """A customer, or one day of it, that Stripe does not know as it should, and why."""

    customer: str
    day: date | None
    reason: str

    def content(self) -> Content:
        """Canonical content."""
        return {
            "customer": self.customer,
            "day": None if self.day is None else self.day.isoformat(),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did. Days are counted, one event each."""

    month: Month
    account: str
    sent: int
    unchanged: int
    unlinked: tuple[str, ...]
    rejected: tuple[Untold, ...]
    unknown: tuple[Untold, ...]

    @property
    def is_complete(self) -> bool:
        """Whether Stripe took everything."""
        return not (self.unlinked or self.rejected or self.unknown)

    def content(self) -> Content:
        """What `push --json` prints."""
        return {
            "period": str(self.month),
            "account": self.account,
            "sent": self.sent,
            "unchanged": self.unchanged,
            "unlinked": list(self.unlinked),
            "rejected": [found.content() for found in self.rejected],
            "unknown": [found.content() for found in self.unknown],
        }


def push_period(
    database: Database,
    month: Month,
    gateway: StripeGateway,
    *,
    clock: Clock,
    sleep: Sleep = time.sleep,
    progress: Progress | None = None,
) -> Pushed:
    """Push what the documents of a period ask for.

    Raises:
        Refused: when nothing was issued, or the key is of another account than before.
    """
    linked = linked_owed(database, month)
    account = gateway.account()
    with database.write() as connection:
        pin_account(connection, account.id, is_live=account.is_live)
    for currency in sorted({owed.currency for owed, _ in linked.owed}):
        gateway.meter(currency)
    sent, unchanged = 0, 0
    rejected: list[Untold] = []
    unknown: list[Untold] = []
    for done, (owed, stripe_customer) in enumerate(linked.owed, start=1):
        try:
            values = owed.day_amounts()
        except Refused as refusal:
            rejected.append(Untold(owed.customer, None, str(refusal)))
            continue
        rows = _outbox(database, month, owed, stripe_customer, values, clock)
        unchanged += sum(row.state not in TO_SEND for row in rows)
        outcomes = _send(database, month, gateway, [row for row in rows if row.state in TO_SEND], clock, sleep)
        for row, answer in outcomes:
            sent += answer.state == "accepted"
            if answer.state != "accepted":
                untold = Untold(owed.customer, row.day, answer.note or answer.state)
                (rejected if answer.state == "rejected" else unknown).append(untold)
        if progress is not None:
            progress(done, len(linked.owed))
    pushed = Pushed(month, account.id, sent, unchanged, linked.unlinked, tuple(rejected), tuple(unknown))
    if sent:
        with database.write() as connection:
            append_audit(connection, "push.finished", pushed.content(), at=clock.now())
    return pushed


def _outbox(
    database: Database,
    month: Month,
    owed: Owed,
    stripe_customer: str,
    values: dict[date, int],
    clock: Clock,
) -> list[PushRow]:
    customer, meter, period = owed.customer, owed.meter, str(month)
    with database.write() as connection:
        hold_outbox(connection)
        # A day that an earlier or void document had an amount for, and the newest has none, is to be zero.
        told = newest_rows(connection, customer=customer, meter=meter, period=period)
        zeros = dict.fromkeys((row.day for row in told), 0)
        want_days(
            connection,
            customer=customer,
            meter=meter,
            period=period,
            invoice=owed.newest.number,
            stripe_customer=stripe_customer,
            values_minor=zeros | values,
        )
        rows = newest_rows(connection, customer=customer, meter=meter, period=period)
        to_send = [row for row in rows if row.state in TO_SEND]
        rest = [row for row in rows if row.state not in TO_SEND]
        return [*rest, *begin_sending(connection, to_send, str(month), clock.now())]


def _send(
    database: Database,
    month: Month,
    gateway: StripeGateway,
    rows: Iterable[PushRow],
    clock: Clock,
    sleep: Sleep,
) -> list[tuple[PushRow, Answer]]:
    """Send one customer's days, one call at a time, and write down what became of them."""
    outcomes = [(row, _send_day(gateway, row, sleep)) for row in rows]
    if outcomes:
        with database.write() as connection:
            set_states(connection, [(row, answer.state, answer.note) for row, answer in outcomes])
    return outcomes


def _send_day(gateway: StripeGateway, row: PushRow, sleep: Sleep) -> Answer:
    answer = Answer("unknown", "not tried")
    for number in range(TRIES):
        if number:
            sleep(BACKOFF_SECONDS[number - 1])
        answer = gateway.send_day(
            meter=row.meter,
            stripe_customer=row.stripe_customer,
            day=row.day,
            value_minor=row.value_minor,
            identifier=row.identifier,
            attempt=f"{row.attempts}-{number}",
        )
        if answer.state != "unknown":
            break
    return answer
