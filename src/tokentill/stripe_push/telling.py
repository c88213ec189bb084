"""Telling Stripe of one customer's days in one currency, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from tokentill.clock import Clock
from tokentill.errors import NoAnswer
from tokentill.money import ZERO
from tokentill.store.database import Database
from tokentill.store.issued import push_rows
from tokentill.store.issued.push_rows import PushRow
from tokentill.stripe_push.days import OutOfTime, out_of_time
from tokentill.stripe_push.gateway import SendOutcome, StripeGateway
from tokentill.stripe_push.links import gone_among
from tokentill.stripe_push.owed import Owed
from tokentill.stripe_push.untold import RefusedLink, UntakenDay, Untold
from tokentill.stripe_push.wanted import Wanted, wanted_now

OVERTAKEN = SendOutcome("unknown", "a newer amount was written down meanwhile")


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one customer's days, which are counted. `in_stripe_minor`: what the linked Stripe customer has."""

    wanted: Wanted
    in_stripe_minor: Decimal = ZERO
    sent: int = 0
    unchanged: int = 0
    rejected: tuple[Untold, ...] = ()
    unknown: tuple[Untold, ...] = ()
    refused: tuple[RefusedLink, ...] = ()
    not_taken: tuple[UntakenDay, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """The rows of a customer: what Stripe has, what it is sent now, what it takes nothing of, and what nobody is
    billed for.
    """

    standing: list[PushRow]
    sending: list[PushRow]
    untaken: list[tuple[PushRow, OutOfTime]]
    refused: list[PushRow]


def tell(database: Database, gateway: StripeGateway, owed: Owed, *, meter_id: str, clock: Clock) -> Told:
    """Tell Stripe what a customer's days come to. Whom Stripe does not bill, and what it does not take, is not sent.

    Raises:
        Refused: when the key may not do this.
    """
    with database.read() as connection:
        before = wanted_now(connection, owed)
    try:
        gone = gone_among(gateway, before.told_anew)
    except NoAnswer as error:
        return Told(before, unknown=(Untold(owed.customer, None, str(error)),))
    wanted, plan = _write_down(database, owed, gone, clock.now())
    outcomes = _send(database, gateway, plan.sending)
    accepted = [row for row, answer in outcomes if answer.state == "accepted"]
    late = [(row, answer.out_of_time) for row, answer in outcomes if answer.out_of_time is not None]
    failed = [(row, answer) for row, answer in outcomes if answer.state != "accepted" and answer.out_of_time is None]
    equal, not_taken, unknown = _compare_untaken(database, gateway, meter_id, owed, [*plan.untaken, *late])
    own = [row for row in (*plan.standing, *accepted, *equal) if _is_linked(row, wanted)]
    held = sum((day.held_minor for day in not_taken if day.stripe_customer == wanted.stripe_customer), ZERO)
    return Told(
        wanted,
        held + sum(row.value_minor for row in own),
        sent=len(accepted),
        unchanged=len(plan.standing) + len(equal),
        rejected=(
            *(Untold(owed.customer, day, reason) for day, reason in wanted.faults),
            *_untold(failed, "rejected", wanted),
        ),
        unknown=(*_untold(failed, "unknown", wanted), *unknown),
        refused=tuple(dict.fromkeys(_refused(row, gone) for row in plan.refused)),
        not_taken=tuple(not_taken),
    )


def _write_down(database: Database, owed: Owed, gone: Mapping[str, str], now: datetime) -> tuple[Wanted, _Plan]:
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
        plan = _plan(connection, rows, gone, now)
        sending = push_rows.begin_sending(connection, plan.sending, now)
        return wanted, _Plan(plan.standing, sending, plan.untaken, plan.refused)


def _plan(connection: Connection, rows: Iterable[PushRow], gone: Mapping[str, str], now: datetime) -> _Plan:
    plan = _Plan([], [], [], [])
    for row in rows:
        reason = out_of_time(row.day, now)
        if not row.is_to_send:
            plan.standing.append(row)
        elif row.stripe_customer not in gone:
            if reason is None:
                plan.sending.append(row)
            else:
                plan.untaken.append((row, reason))
        elif row.value_minor:
            plan.refused.append(row)
        else:  # it is to hold nothing, and whom Stripe does not have it bills nothing
            push_rows.set_state(connection, row, "confirmed", gone[row.stripe_customer])
            plan.standing.append(row)
    return plan


def _send(database: Database, gateway: StripeGateway, rows: Iterable[PushRow]) -> list[tuple[PushRow, SendOutcome]]:
    """Send one customer's days, one call at a time, and write down what became of them."""
    outcomes = []
    for row in rows:
        with database.read() as connection:
            is_overtaken = push_rows.is_replaced(connection, row)
        outcomes.append((row, OVERTAKEN if is_overtaken else gateway.send_day(row)))
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


def _compare_untaken(
    database: Database,
    gateway: StripeGateway,
    meter_id: str,
    owed: Owed,
    rows: Iterable[tuple[PushRow, OutOfTime]],
) -> tuple[list[PushRow], list[UntakenDay], list[Untold]]:
    """Which days that Stripe takes nothing for are as they should be: an earlier event may have got through without an
    answer. What is missing is to the cent then, as somebody needs it who bills it by hand.
    """
    equal: list[PushRow] = []
    not_taken: list[UntakenDay] = []
    unknown: list[Untold] = []
    by_place: dict[str, list[tuple[PushRow, OutOfTime]]] = {}
    for row, reason in rows:
        by_place.setdefault(row.stripe_customer, []).append((row, reason))
    for at, untaken in sorted(by_place.items()):
        days = sorted({row.day for row, _ in untaken})
        try:
            held = gateway.held(meter_id=meter_id, stripe_customer=at, days=days)
        except NoAnswer as error:
            unknown.append(Untold(owed.customer, None, str(error)))
            continue
        for row, reason in untaken:
            amount = held.get(row.day, ZERO)
            if amount == row.value_minor:
                equal.append(row)
            else:
                not_taken.append(UntakenDay(row.customer, at, owed.currency, row.day, row.value_minor, amount, reason))
    if equal:
        with database.write() as connection:
            push_rows.hold_outbox(connection)
            for row in equal:
                push_rows.set_state(connection, row, "confirmed")
    return equal, not_taken, unknown


def _is_linked(row: PushRow, wanted: Wanted) -> bool:
    return (row.customer, row.stripe_customer) == (wanted.owed.customer, wanted.stripe_customer)


def _refused(row: PushRow, gone: Mapping[str, str]) -> RefusedLink:
    return RefusedLink(row.customer, row.stripe_customer, gone[row.stripe_customer])


def _untold(failed: Iterable[tuple[PushRow, SendOutcome]], state: str, wanted: Wanted) -> Iterable[Untold]:
    for row, answer in failed:
        if answer.state == state:
            reason = answer.note or answer.state
            if row.customer == wanted.owed.customer and not _is_linked(row, wanted):
                reason += f" (zero, at the former Stripe customer {row.stripe_customer})"
            yield Untold(row.customer, row.day, reason)
