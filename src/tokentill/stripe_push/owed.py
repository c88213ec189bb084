"""What each customer owes for a period by all of its documents together: what Stripe is to bill.

Interim invoices and the invoice of the period bill one segment of usage in parts, so Stripe is told of their sum, once.
It is what is due: prepaid credits were paid already, and what is carried on is due with a later invoice. The usage of
children stands on the documents of who pays for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from tokentill.errors import Refused
from tokentill.invoicing.periods import Month
from tokentill.money import ZERO
from tokentill.store.customers import customers
from tokentill.store.database import Database
from tokentill.store.issued.invoices import IssuedInvoice, issued_invoices
from tokentill.store.issued.push_rows import told_meters
from tokentill.stripe_push.days import day_amounts, days_of
from tokentill.stripe_push.gateway import meter_name
from tokentill.stripe_push.untold import CurrencySum


@dataclass(frozen=True, slots=True)
class Owed:
    """The documents of one customer's period in one currency, oldest first and at least one; void ones ask for
    nothing.
    """

    documents: tuple[IssuedInvoice, ...]

    @property
    def asking(self) -> tuple[IssuedInvoice, ...]:
        """The documents that are not void."""
        return tuple(document for document in self.documents if document.status == "issued")

    @property
    def newest(self) -> IssuedInvoice:
        """The document that knows all usage: the invoice of the period, otherwise the last interim invoice."""
        return (self.asking or self.documents)[-1]

    @property
    def customer(self) -> str:
        """Who owes it."""
        return self.newest.customer

    @property
    def period(self) -> str:
        """What it is owed for."""
        return self.newest.period

    @property
    def currency(self) -> str:
        """What it is owed in."""
        return self.newest.currency

    @property
    def meter(self) -> str:
        """The meter on which Stripe is told of it."""
        return meter_name(self.currency)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers of the documents that ask for something; of the newest, when none does."""
        return tuple(document.number for document in self.asking if document.due_minor) or (self.newest.number,)

    @property
    def due_minor(self) -> int:
        """What all documents together ask for."""
        return sum(document.due_minor for document in self.asking)

    @property
    def days(self) -> list[date]:
        """The UTC days of the period."""
        return days_of(self.newest.content)

    def day_amounts(self) -> dict[date, int]:
        """What each day comes to (see `stripe_push.days`)."""
        return day_amounts(self.newest.content, self.due_minor)


@dataclass(frozen=True, slots=True)
class Tellable:
    """What there is to tell of a period, and what is owed by those who are not linked to a Stripe customer."""

    owed: tuple[Owed, ...]
    unlinked: tuple[Owed, ...]

    @property
    def currencies(self) -> list[str]:
        """What it is owed in."""
        return sorted({owed.currency for owed in self.owed})

    @property
    def sums_untold(self) -> list[CurrencySum]:
        """What is due of those of whom there is nothing to tell, since they are not linked and never were."""
        told = {(owed.customer, owed.meter) for owed in self.owed}
        untold = [owed for owed in self.unlinked if (owed.customer, owed.meter) not in told]
        return [CurrencySum(owed.currency, owed.due_minor, ZERO) for owed in untold]


def tellable(database: Database, month: Month) -> Tellable:
    """What there is to tell of a period, in bytewise order of customers. Where nothing is due and nothing was told,
    there is nothing to tell; where nothing is due any more, Stripe is to be told of that.

    Raises:
        Refused: when no document was issued for the period, void or not.
    """
    with database.read() as connection:
        issued = issued_invoices(connection, period=str(month))
        told_keys = told_meters(connection, str(month))
        links = {id_: customer.stripe_customer for id_, customer in customers(connection).items()}
    if not told_keys and not issued:
        raise Refused(f"no invoice was issued for {month}; run `tokentill close {month}` first")
    all_owed = _by_customer(issued)
    due = [owed for owed in all_owed if owed.due_minor]
    linked = {(owed.customer, owed.meter) for owed in due if links.get(owed.customer) is not None}
    return Tellable(
        tuple(owed for owed in all_owed if (owed.customer, owed.meter) in linked | told_keys),
        tuple(owed for owed in due if links.get(owed.customer) is None),
    )


def owed_now(connection: Connection, *, customer: str, period: str, currency: str) -> Owed:
    """What a customer owes for a period by the documents that there are now; there is at least one."""
    documents = issued_invoices(connection, period=period, customer=customer)
    return Owed(tuple(one for one in documents if one.currency == currency and one.kind != "credit-note"))


def _by_customer(issued: Iterable[IssuedInvoice]) -> list[Owed]:
    """The documents of each customer and currency; their order is that in which they were issued. Credit notes are not
    among them: what they give back is taken off the next invoice.
    """
    by_key: dict[tuple[bytes, str], list[IssuedInvoice]] = {}
    for document in issued:
        if document.kind != "credit-note":
            by_key.setdefault((document.customer.encode(), document.currency), []).append(document)
    return [Owed(tuple(by_key[key])) for key in sorted(by_key)]
