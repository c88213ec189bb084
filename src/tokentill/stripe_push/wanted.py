"""What every Stripe customer that is or was linked to a customer is to hold, for what the customer owes for a period.

The one linked now is to hold what each day comes to. Every other amount that was told is to become zero: at former
Stripe customers, and on days for which no document asks any more. Stripe holds one amount for a Stripe customer's day,
so a day that another period asks for as well is a fault to name, and a Stripe customer that went over to another
customer is left to that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from tokentill.errors import Refused
from tokentill.store.issued.invoices import IssuedInvoice
from tokentill.store.issued.push_rows import Place, PushRow, newest_rows, row_of_another, stripe_customer_of
from tokentill.stripe_push.owed import Owed, owed_now


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be held, by the documents, links and rows of one moment.

    Args:
        stripe_customer: the one linked now.
        amounts: what each day comes to there.
        values: what is to be told.
        newest: the newest row of each day there and at former Stripe customers, of whatever period.
        handed_over: rows at a former Stripe customer, each with the row of the customer linked to it now.
        faults: what cannot be told, and why; with its day, or None for all of it.
    """

    owed: Owed
    stripe_customer: str | None
    amounts: Mapping[date, int]
    values: Mapping[Place, int]
    newest: Mapping[Place, PushRow]
    handed_over: tuple[tuple[PushRow, PushRow], ...]
    faults: tuple[tuple[date | None, str], ...]

    @property
    def is_unlinked(self) -> bool:
        """Whether something is owed that no Stripe customer can be told of."""
        return self.stripe_customer is None and self.owed.due_minor != 0

    @property
    def former(self) -> list[str]:
        """The Stripe customers that were told something and are not linked now."""
        return sorted({at for at, _ in self.values} - {self.stripe_customer})

    @property
    def stripe_customers(self) -> list[str]:
        """The one linked now, if any, and the former ones."""
        return [*([] if self.stripe_customer is None else [self.stripe_customer]), *self.former]

    @property
    def told_anew(self) -> list[str]:
        """The Stripe customers that are to be told something that they were not told yet."""
        rows = self.rows(self.values)
        stored = [(row, self.newest.get(row.place)) for row in rows]
        untold = {
            row.stripe_customer for row, old in stored if old is None or old.is_to_send or not old.stands_for(row)
        }
        overwritten = {rival.stripe_customer for own, rival in self.handed_over if own.state != "replaced"}
        return sorted(untold | overwritten)

    def days_at(self, stripe_customer: str) -> list[date]:
        """The days that are for this period to say at a Stripe customer."""
        days = {day for at, day in self.values if at == stripe_customer}
        if stripe_customer == self.stripe_customer:
            days |= {day for day in self.owed.days if (stripe_customer, day) not in self.newest}
        return sorted(days)

    def rows(self, values: Mapping[Place, int]) -> list[PushRow]:
        """Values as rows that have no version yet, oldest day first."""
        owed = self.owed
        return [
            PushRow(owed.customer, owed.meter, day, 0, owed.period, owed.newest.number, stripe_customer, value)
            for (stripe_customer, day), value in sorted(values.items(), key=lambda item: item[0][::-1])
        ]


def wanted_now(connection: Connection, owed: Owed) -> Wanted:
    """What is to be held by what there is now, whatever documents `owed` was read with."""
    owed = owed_now(connection, customer=owed.customer, period=owed.period, currency=owed.currency)
    customer, meter = owed.customer, owed.meter
    linked = stripe_customer_of(connection, customer)
    newest = newest_rows(connection, customer=customer, meter=meter, period=owed.period, days=owed.days)
    values: dict[Place, int] = {}
    handed_over: list[tuple[PushRow, PushRow]] = []
    faults: list[tuple[date | None, str]] = []
    for place, row in newest.items():
        if row.period != owed.period:
            continue
        is_former = row.stripe_customer != linked
        linked_row = row_of_another(connection, place, meter=meter, customer=customer) if is_former else None
        if linked_row is None:
            values[place] = 0
        else:
            handed_over.append((row, linked_row))
    amounts, refusal = _amounts(owed)
    if refusal is not None:
        faults.append((None, refusal))
    if linked is None:
        return Wanted(owed, None, {}, values, newest, tuple(handed_over), tuple(faults))
    for day, amount in amounts.items():
        rival = _rival(connection, owed, newest.get((linked, day)))
        if rival is None:
            values[linked, day] = amount
        else:
            faults.append((day, _both_ask(owed.newest, rival)))
    return Wanted(owed, linked, amounts, values, newest, tuple(handed_over), tuple(faults))


def _amounts(owed: Owed) -> tuple[dict[date, int], str | None]:
    """What each day comes to; nothing, and why, where no meter can hold it."""
    try:
        return owed.day_amounts(), None
    except Refused as refusal:
        return {}, str(refusal)


def _rival(connection: Connection, owed: Owed, row: PushRow | None) -> IssuedInvoice | None:
    """The document of the period that told of a day, when it is another period and still asks for the day."""
    if row is None or row.period == owed.period:
        return None
    rival = owed_now(connection, customer=row.customer, period=row.period, currency=owed.currency)
    return rival.newest if _amounts(rival)[0].get(row.day) else None


def _both_ask(document: IssuedInvoice, rival: IssuedInvoice) -> str:
    return (
        f"{document.number} of {document.period} and {rival.number} of {rival.period} both ask for an amount on this"
        f" UTC day, and Stripe holds one amount a day: that of {rival.number}, which was told first. Void one of the"
        " two and close its period again, or bill this day's amount in Stripe by hand"
    )
