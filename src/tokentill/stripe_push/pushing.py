"""Telling Stripe what each day of a period amounts to, in amount mode, for same-period billing.

States are told, not differences, and the outbox row is written before the attempt. So a push that was killed, run
again, ends with Stripe holding what the invoices say, and nothing is counted twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields, fields_of
from tokentill.clock import Clock
from tokentill.invoicing.periods import Month
from tokentill.store import push_rows
from tokentill.store.audit import append_audit
from tokentill.store.database import Database
from tokentill.store.push_rows import TO_SEND, PushRow
from tokentill.stripe_push.gateway import SendOutcome, StripeGateway
from tokentill.stripe_push.owed import Owed, tellable
from tokentill.stripe_push.wanted import Wanted, wanted_now

OVERTAKEN = SendOutcome("unknown", "a newer amount was written down meanwhile")
TRIES = 4
BACKOFF_SECONDS = (0.25, 0.5, 1)
Sleep = Callable[[float], None]
PushProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Untold(ContentOfFields):
    """A customer, or one day of it, that Stripe does not know as it should, and why."""

    customer: str
    day: date | None
    reason: str


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
            **fields_of(self, "account", "sent", "unchanged", "unlinked", "rejected", "unknown"),
        }


def push_period(
    database: Database,
    month: Month,
    gateway: StripeGateway,
    *,
    clock: Clock,
    sleep: Sleep = time.sleep,
    progress: PushProgress | None = None,
) -> Pushed:
    """Push what the documents of a period ask for.

    Raises:
        Refused: when nothing was issued, or the key is of another account than before.
    """
    to_tell = tellable(database, month)
    account = gateway.account()
    with database.write() as connection:
        push_rows.pin_account(connection, account.id, is_live=account.is_live)
    for currency in to_tell.currencies:
        gateway.meter(currency)
    sent, unchanged = 0, 0
    unlinked = dict.fromkeys(to_tell.unlinked)
    rejected: list[Untold] = []
    unknown: list[Untold] = []
    for done, owed in enumerate(to_tell.owed, start=1):
        wanted, rows = _write_down(database, owed, clock)
        if wanted.is_unlinked:
            unlinked[owed.customer] = None
        rejected += [Untold(owed.customer, day, reason) for day, reason in wanted.faults]
        unchanged += sum(row.state not in TO_SEND for row in rows)
        for row, answer in _send(database, gateway, [row for row in rows if row.state in TO_SEND], sleep):
            sent += answer.state == "accepted"
            if answer.state != "accepted":
                untold = Untold(row.customer, row.day, _reason(row, answer, wanted))
                (rejected if answer.state == "rejected" else unknown).append(untold)
        if progress is not None:
            progress(done, len(to_tell.owed))
    pushed = Pushed(month, account.id, sent, unchanged, tuple(unlinked), tuple(rejected), tuple(unknown))
    if sent:
        with database.write() as connection:
            append_audit(connection, "push.finished", pushed.content(), at=clock.now())
    return pushed


def _write_down(database: Database, owed: Owed, clock: Clock) -> tuple[Wanted, list[PushRow]]:
    """Write down what is to be told of one customer, by the documents of this transaction: so the newest rows say
    what the newest documents say, whoever else pushes meanwhile.
    """
    with database.write() as connection:
        push_rows.hold_outbox(connection)
        wanted = wanted_now(connection, owed)
        rows = push_rows.want_days(connection, wanted.rows(wanted.values), wanted.newest)
        # What this customer told last at a Stripe customer of another one may have overwritten the other's amount.
        rows += [
            push_rows.tell_again(connection, rival)
            for own, rival in wanted.handed_over
            if push_rows.set_state(connection, own, "replaced")
        ]
        rest = [row for row in rows if row.state not in TO_SEND]
        to_send = [row for row in rows if row.state in TO_SEND]
        return wanted, [*rest, *push_rows.begin_sending(connection, to_send, clock.now())]


def _send(
    database: Database, gateway: StripeGateway, rows: Iterable[PushRow], sleep: Sleep
) -> list[tuple[PushRow, SendOutcome]]:
    """Send one customer's days, one call at a time, and write down what became of them."""
    outcomes = []
    for row in rows:
        with database.read() as connection:
            is_overtaken = push_rows.is_replaced(connection, row)
        outcomes.append((row, OVERTAKEN if is_overtaken else _send_day(gateway, row, sleep)))
    if not outcomes:
        return []
    with database.write() as connection:
        push_rows.hold_outbox(connection)
        return [(row, _write_down_answer(connection, row, answer)) for row, answer in outcomes]


def _write_down_answer(connection: Connection, row: PushRow, answer: SendOutcome) -> SendOutcome:
    if answer is OVERTAKEN or push_rows.set_state(connection, row, answer.state, answer.note):
        return answer
    push_rows.tell_standing_again(connection, row)  # otherwise Stripe might keep what this push sent last
    return OVERTAKEN


def _reason(row: PushRow, answer: SendOutcome, wanted: Wanted) -> str:
    reason = answer.note or answer.state
    is_former = row.customer == wanted.owed.customer and row.stripe_customer != wanted.stripe_customer
    return f"{reason} (zero, at the former Stripe customer {row.stripe_customer})" if is_former else reason


def _send_day(gateway: StripeGateway, row: PushRow, sleep: Sleep) -> SendOutcome:
    answer = SendOutcome("unknown", "not tried")
    for number in range(TRIES):
        if number:
            sleep(BACKOFF_SECONDS[number - 1])
        answer = gateway.send_day(row, f"{row.attempts}-{number}")
        if answer.state != "unknown":
            break
    return answer
