"""What each customer owes for a period by all of its documents together: what Stripe is to bill.

Interim invoices and the invoice of the period bill one stretch of usage in parts, so Stripe is told of their sum, once.
It is what is due: prepaid credits were paid already, and what is carried on is due with a later invoice. The usage of
children stands on the documents of who pays for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tokentill.errors import Refused
from tokentill.invoicing.periods import Month
from tokentill.store.customers import customers
from tokentill.store.database import Database
from tokentill.store.invoices import IssuedInvoice, issued_invoices
from tokentill.stripe_push.days import day_amounts, days_of
from tokentill.stripe_push.gateway import meter_name


@dataclass(frozen=True, slots=True)
class Owed:
    """The documents of one customer's period in one currency, oldest first; at least one."""

    documents: tuple[IssuedInvoice, ...]

    @property
    def newest(self) -> IssuedInvoice:
        """The document that knows all usage: the invoice of the period, or else the last interim invoice."""
        return self.documents[-1]

    @property
    def customer(self) -> str:
        """Who owes it."""
        return self.newest.customer

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
        """The numbers of the documents that ask for something."""
        return tuple(document.number for document in self.documents if document.due_minor)

    @property
    def due_minor(self) -> int:
        """What all documents together ask for."""
        return sum(document.due_minor for document in self.documents)

    @property
    def days(self) -> list[date]:
        """The UTC days of the period."""
        return days_of(self.newest.content)

    def day_amounts(self) -> dict[date, int]:
        """What each day comes to (see `stripe_push.days`)."""
        return day_amounts(self.newest.content, self.due_minor)


@dataclass(frozen=True, slots=True)
class Linked:
    """What is owed for a period with the Stripe customers, and who of those that owe something has none."""

    owed: tuple[tuple[Owed, str], ...]
    unlinked: tuple[str, ...]


def linked_owed(database: Database, month: Month) -> Linked:
    """What is owed for a period, in bytewise order of customers. Where nothing is due there is nothing to tell.

    Raises:
        Refused: when nothing was issued for the period.
    """
    with database.read() as connection:
        issued = issued_invoices(connection, period=str(month), status="issued")
        links = {id_: found.stripe_customer for id_, found in customers(connection).items()}
    if not issued:
        raise Refused(f"no invoice was issued for {month}; run `tokentill close {month}` first")
    owed = [found for found in _by_customer(issued) if found.due_minor]
    linked = [(found, link) for found in owed if (link := links.get(found.customer)) is not None]
    unlinked = dict.fromkeys(found.customer for found in owed if links.get(found.customer) is None)
    return Linked(tuple(linked), tuple(unlinked))


def _by_customer(issued: Iterable[IssuedInvoice]) -> list[Owed]:
    """The documents of each customer and currency; their order is that in which they were issued."""
    found: dict[tuple[bytes, str], list[IssuedInvoice]] = {}
    for document in issued:
        found.setdefault((document.customer.encode(), document.currency), []).append(document)
    return [Owed(tuple(found[key])) for key in sorted(found)]
