"""Comparing what Stripe holds, from its own summaries, with what is due by the invoices: to the cent, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tokentill.canonical import Content
from tokentill.errors import Refused
from tokentill.invoicing.periods import Month
from tokentill.money import amount_text, minor_text
from tokentill.store.database import Database
from tokentill.store.push_rows import TO_SEND, PushRow, hold_outbox, newest_rows, pin_account, set_states, want_days
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.stripe_push.owed import Owed, linked_owed


@dataclass(frozen=True, slots=True)
class DayDifference:
    """A day that Stripe holds another amount for, in minor units."""

    day: date
    wanted_minor: int
    held_minor: Decimal

    def content(self) -> Content:
        """Canonical content."""
        return {
            "day": self.day.isoformat(),
            "wanted_minor": self.wanted_minor,
            "held_minor": amount_text(self.held_minor),
        }


@dataclass(frozen=True, slots=True)
class ReconciledInvoice:
    """What a customer owes by its invoices of a period, beside what Stripe holds for it. `numbers` are oldest first."""

    numbers: tuple[str, ...]
    customer: str
    currency: str
    due_minor: int
    held_minor: Decimal
    differences: tuple[DayDifference, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every day and the sum are equal."""
        return not self.differences and self.held_minor == self.due_minor

    def content(self) -> Content:
        """Canonical content."""
        return {
            "numbers": list(self.numbers),
            "customer": self.customer,
            "currency": self.currency,
            "due": minor_text(self.due_minor, self.currency),
            "due_minor": self.due_minor,
            "held_minor": amount_text(self.held_minor),
            "equal": self.is_equal,
            "differences": [found.content() for found in self.differences],
        }


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A period's invoices beside what Stripe holds."""

    month: Month
    invoices: tuple[ReconciledInvoice, ...]
    unlinked: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether Stripe holds exactly what was invoiced, for everybody."""
        return not self.unlinked and all(found.is_equal for found in self.invoices)

    def content(self) -> Content:
        """What `reconcile --json` prints."""
        return {
            "period": str(self.month),
            "equal": self.is_equal,
            "invoices": [found.content() for found in self.invoices],
            "unlinked": list(self.unlinked),
        }


def reconcile_period(database: Database, month: Month, gateway: StripeGateway) -> Reconciled:
    """Compare a period. A day that is unequal is written down to be pushed again; pushing a state twice harms nobody.

    Raises:
        Refused: when nothing was issued, or the key is of another account than before.
    """
    linked = linked_owed(database, month)
    account = gateway.account()
    with database.write() as connection:
        pin_account(connection, account.id, is_live=account.is_live)
    meters = {currency: gateway.meter(currency) for currency in sorted({owed.currency for owed, _ in linked.owed})}
    found = []
    for owed, stripe_customer in linked.owed:
        days, meter_id = owed.days, meters[owed.currency]
        held = gateway.held(meter_id=meter_id, stripe_customer=stripe_customer, days=days) if days else {}
        reconciled = _compare(owed, held)
        _write_down(database, month, owed, stripe_customer, reconciled)
        found.append(reconciled)
    return Reconciled(month, tuple(found), linked.unlinked)


def _compare(owed: Owed, held: dict[date, Decimal]) -> ReconciledInvoice:
    wanted = _wanted(owed)
    differences = [
        DayDifference(day, wanted.get(day, 0), held.get(day, Decimal(0)))
        for day in sorted({*wanted, *held})
        if held.get(day, Decimal(0)) != wanted.get(day, 0)
    ]
    return ReconciledInvoice(
        owed.numbers,
        owed.customer,
        owed.currency,
        owed.due_minor,
        sum(held.values(), Decimal(0)),
        tuple(differences),
    )


def _wanted(owed: Owed) -> dict[date, int]:
    try:
        return owed.day_amounts()
    except Refused:  # what cannot be pushed shows here as a difference
        return {}


def _write_down(
    database: Database, month: Month, owed: Owed, stripe_customer: str, reconciled: ReconciledInvoice
) -> None:
    unequal = {found.day: found.wanted_minor for found in reconciled.differences}
    customer, meter, period = owed.customer, owed.meter, str(month)
    with database.write() as connection:
        hold_outbox(connection)
        rows = {row.day: row for row in newest_rows(connection, customer=customer, meter=meter, period=period)}
        told = [row for day, row in rows.items() if day not in unequal and row.state != "confirmed"]
        set_states(connection, [(row, "confirmed", None) for row in told])
        want_days(
            connection,
            customer=customer,
            meter=meter,
            period=period,
            invoice=owed.newest.number,
            stripe_customer=stripe_customer,
            values_minor=unequal,
            again=[day for day in unequal if _was_told(rows.get(day))],
        )


def _was_told(row: PushRow | None) -> bool:
    return row is not None and row.state not in TO_SEND
