"""Comparing what Stripe holds, from its own summaries, with what the invoices say: to the cent, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tokentill.canonical import Content
from tokentill.errors import Refused
from tokentill.invoicing.periods import Month
from tokentill.money import amount_text, minor_text
from tokentill.store.database import Database
from tokentill.store.invoices import IssuedInvoice
from tokentill.store.push_rows import TO_SEND, PushRow, hold_outbox, newest_rows, pin_account, set_states, want_days
from tokentill.stripe_push.days import day_amounts, days_of
from tokentill.stripe_push.gateway import StripeGateway, meter_name
from tokentill.stripe_push.pushing import linked_invoices


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
    """One invoice beside what Stripe holds for its period."""

    number: str
    customer: str
    currency: str
    total_minor: int
    held_minor: Decimal
    differences: tuple[DayDifference, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every day and the sum are equal."""
        return not self.differences and self.held_minor == self.total_minor

    def content(self) -> Content:
        """Canonical content."""
        return {
            "number": self.number,
            "customer": self.customer,
            "currency": self.currency,
            "total": minor_text(self.total_minor, self.currency),
            "total_minor": self.total_minor,
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
    linked = linked_invoices(database, month)
    account = gateway.account()
    with database.write() as connection:
        pin_account(connection, account.id, is_live=account.is_live)
    meters = {
        currency: gateway.meter(currency) for currency in sorted({found.currency for found, _ in linked.invoices})
    }
    found = []
    for invoice, stripe_customer in linked.invoices:
        days = days_of(invoice.content)
        meter_id = meters[invoice.currency]
        held = gateway.held(meter_id=meter_id, stripe_customer=stripe_customer, days=days) if days else {}
        reconciled = _compare(invoice, held)
        _write_down(database, month, invoice, stripe_customer, reconciled)
        found.append(reconciled)
    return Reconciled(month, tuple(found), linked.unlinked)


def _compare(invoice: IssuedInvoice, held: dict[date, Decimal]) -> ReconciledInvoice:
    wanted = _wanted(invoice)
    differences = [
        DayDifference(day, wanted.get(day, 0), held.get(day, Decimal(0)))
        for day in sorted({*wanted, *held})
        if held.get(day, Decimal(0)) != wanted.get(day, 0)
    ]
    return ReconciledInvoice(
        invoice.number,
        invoice.customer,
        invoice.currency,
        invoice.total_minor,
        sum(held.values(), Decimal(0)),
        tuple(differences),
    )


def _wanted(invoice: IssuedInvoice) -> dict[date, int]:
    try:
        return day_amounts(invoice.content, invoice.total_minor)
    except Refused:  # a total below zero is never pushed, and shows here as a difference
        return {}


def _write_down(
    database: Database, month: Month, invoice: IssuedInvoice, stripe_customer: str, reconciled: ReconciledInvoice
) -> None:
    unequal = {found.day: found.wanted_minor for found in reconciled.differences}
    customer, meter, period = invoice.customer, meter_name(invoice.currency), str(month)
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
            invoice=invoice.number,
            stripe_customer=stripe_customer,
            values_minor=unequal,
            again=[day for day in unequal if _was_told(rows.get(day))],
        )


def _was_told(row: PushRow | None) -> bool:
    return row is not None and row.state not in TO_SEND
