"""What invoices carry to later ones: coupons used, credits drawn, balances, and what interim invoices billed.

Each row belongs to the account of a customer in a currency: of the invoice it is a row of, or of the customer and
currency whose open balance that invoice brought forward.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from tokentill.invoicing.carried import Carried, Invoiced, OpenBalance
from tokentill.invoicing.periods import Month
from tokentill.store import tables
from tokentill.store.decoding import decoded, decoding
from tokentill.store.issued.documents import live_at

if TYPE_CHECKING:
    from tokentill.invoicing.invoice import Invoice


class LedgerRow(NamedTuple):
    """What an invoice adds to an account, in minor units of its currency. `period` is the one that a correction is of,
    empty for the invoice's own.
    """

    kind: str
    name: str
    amount_minor: int
    customer: str
    currency: str
    period: str = ""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One row of a customer's account with the invoice that made it."""

    invoice_id: int
    number: str
    customer: str
    period: str
    currency: str
    issued_at: datetime
    kind: str
    name: str
    amount_minor: int


def rows_of(invoice: Invoice) -> list[LedgerRow]:
    """What an invoice adds to the ledger. A balance is what goes on to the next invoice, less what came in."""
    own = (invoice.customer, invoice.currency)
    items = invoice.totals.items
    rows: list[LedgerRow] = []
    for item in items:
        if item.corrects is not None:
            continue
        if item.kind in ("coupon", "credit"):
            rows.append(LedgerRow(item.kind, item.name, -item.amount_minor, *own))
        elif item.opening is not None:
            account, minor = own, item.amount_minor
            if item.origin is not None:
                account, minor = (item.origin.customer, item.origin.currency), item.origin.amount_minor
            rows.append(LedgerRow("opening", item.opening.id, minor, *account))
        elif item.origin is not None:
            rows.append(
                LedgerRow("balance", item.name, -item.origin.amount_minor, item.origin.customer, item.origin.currency)
            )
        elif item.kind in ("balance", "carried"):
            rows.append(LedgerRow("balance", item.name, -item.amount_minor, *own))
        elif item.drawdown is not None and invoice.kind == "period":
            # What an interim document draws is drawn by its period's document, which bills the whole.
            found = item.drawdown.rows(is_true_up=item.kind == "true_up")
            rows += [LedgerRow(kind, item.drawdown.key, minor, *own) for kind, minor in found.items()]
    if invoice.kind == "interim":
        rows.append(LedgerRow("invoiced", "net", invoice.net_minor, *own))
        rows += [
            LedgerRow("tax", item.name, item.amount_minor, *own)
            for item in items
            if item.kind == "tax" and item.amount_minor
        ]
    for adjustment in (one.billed for one in invoice.adjustments):
        corrected = (adjustment.child or invoice.customer, adjustment.currency, adjustment.corrects.period)
        for kind, amounts in (("coupon", adjustment.coupons), ("credit", adjustment.credits)):
            rows += [LedgerRow(kind, name, amount, *corrected) for name, amount in amounts.items()]
        rows += [LedgerRow(kind, name, amount, *corrected) for (kind, name), amount in adjustment.drawn.items()]
    return rows


def ledger_rows(invoice_id: int, rows: Iterable[LedgerRow]) -> Iterator[dict[str, Any]]:
    """An invoice's rows as the ledger keeps them."""
    own = {"invoice_id": invoice_id}
    return ({**own, "position": position, **row._asdict()} for position, row in enumerate(rows, start=1))


@decoding("the ledger")
def ledger_entries(
    connection: Connection, *, customer: str | None = None, position: int | None = None
) -> list[LedgerEntry]:
    """The rows of a customer's accounts, of invoices that were live at a position of the log of documents, in the order
    of their issue.
    """
    ledger, header = tables.ledger, tables.invoice
    own = (column for column in ledger.c if column.name != "period")
    query = (
        select(*own, header.c.number, header.c.period, header.c.issued_at)
        .join(header, header.c.id == ledger.c.invoice_id)
        .where(live_at(position))
        .order_by(ledger.c.invoice_id, ledger.c.position)
    )
    if customer is not None:
        query = query.where(ledger.c.customer == customer)
    return [decoded(LedgerEntry, row) for row in connection.execute(query)]


def stored_rows(connection: Connection, invoice_id: int) -> list[LedgerRow]:
    """The rows of one invoice as they are kept."""
    table = tables.ledger
    query = select(*(table.c[name] for name in LedgerRow._fields)).where(table.c.invoice_id == invoice_id)
    return [LedgerRow(*row) for row in connection.execute(query.order_by(table.c.position))]


def carried_by_customer(
    connection: Connection, period: str, *, position: int | None = None, customers: Collection[str] | None = None
) -> dict[str, Carried]:
    """What earlier documents left to a period of each customer: of these customers, or of all.

    The balances are those of the customer's own accounts.

    Args:
        position: of the log of documents, up to which documents count; None is all of them.
    """
    accounts: dict[str, _CustomerLedger] = defaultdict(_CustomerLedger)
    for row in _counted(connection, _sums(period), position, customers):
        of_customer, amount = accounts[row.customer], int(row.amount_minor)
        if row.kind == "coupon":
            of_customer.coupons[row.name, row.of_period] += amount
        elif row.kind == "credit":
            of_customer.credits[row.name, row.currency] += amount
        elif row.kind == "balance":
            of_customer.balances[row.currency] += amount
        else:
            of_customer.over_months[row.kind, row.name, row.currency] += amount
    for row in _counted(connection, _of_interims(period), position, customers):
        document = accounts[row.customer].invoiced.setdefault((row.invoice_id, row.currency), defaultdict(Counter))
        document[row.kind][row.name] += row.amount_minor
    return {customer: account.carried(customer) for customer, account in accounts.items()}


def taken_off(
    connection: Connection, kind: Literal["coupon", "credit"], period: str, customers: Collection[str], position: int
) -> dict[str, dict[str, int]]:
    """What each coupon took off, or each grant paid, of the documents and corrections of each customer's period, in
    minor units by its id; of what interim invoices had nothing.
    """
    ledger, header = tables.ledger, tables.invoice
    off = func.sum(ledger.c.amount_minor)
    query = (
        select(ledger.c.customer, ledger.c.name, off.label("amount_minor"))
        .where(ledger.c.kind == kind, _period_of_row() == period, header.c.kind != "interim")
        .group_by(ledger.c.customer, ledger.c.name)
        .having(off != 0)
    )
    taken: dict[str, dict[str, int]] = {customer: {} for customer in customers}
    for row in _counted(connection, query, position, customers):
        taken[row.customer][row.name] = int(row.amount_minor)
    return taken


def open_balances(connection: Connection, position: int | None) -> list[tuple[str, Month]]:
    """Whose balances are still open at a position of the log of documents, with the last month that changed them."""
    ledger, header = tables.ledger, tables.invoice
    sums = (
        select(ledger.c.customer, func.max(header.c.period).label("last"))
        .where(ledger.c.kind == "balance")
        .group_by(ledger.c.customer, ledger.c.currency)
        .having(func.sum(ledger.c.amount_minor) != 0)
    )
    last: dict[str, Month] = {}
    for row in _counted(connection, sums, position, None):
        month = Month.parse(row.last)
        last[row.customer] = max(month, last.get(row.customer, month))
    return sorted(last.items(), key=lambda item: item[0].encode())


def openings_brought(connection: Connection, position: int | None) -> dict[str, Carried]:
    """What documents have of opening balances at a position of the log of documents, by customer."""
    ledger = tables.ledger
    keys = (ledger.c.customer, ledger.c.currency, ledger.c.name)
    query = select(*keys, func.sum(ledger.c.amount_minor).label("minor")).where(ledger.c.kind == "opening")
    accounts: dict[str, _CustomerLedger] = defaultdict(_CustomerLedger)
    for row in _counted(connection, query.group_by(*keys), position, None):
        accounts[row.customer].over_months["opening", row.name, row.currency] += int(row.minor)
    return {customer: account.carried(customer) for customer, account in accounts.items()}


@dataclass(slots=True)
class _CustomerLedger:
    """What the rows of one customer's accounts come to; filled row by row."""

    coupons: Counter[tuple[str, str]] = field(default_factory=Counter)
    credits: Counter[tuple[str, str]] = field(default_factory=Counter)
    balances: Counter[str] = field(default_factory=Counter)
    over_months: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    invoiced: dict[tuple[int, str], dict[str, Counter[str]]] = field(default_factory=dict)

    def carried(self, customer: str) -> Carried:
        return Carried(
            self.coupons,
            self.credits,
            tuple(OpenBalance(customer, *balance) for balance in sorted(self.balances.items()) if balance[1]),
            tuple(
                Invoiced(currency, sums["invoiced"].total(), sums["tax"], sums["credit"])
                for (_, currency), sums in self.invoiced.items()
            ),
            self.over_months,
        )


def _sums(period: str) -> Select[Any]:
    """Balances, also those that came in; and for other periods, period by period, what each grant paid, each coupon
    took off, and what they have of commitments.
    """
    ledger = tables.ledger
    of_period = _period_of_row()
    kinds = ("coupon", "credit", "commitment", "overage", "true_up")
    keys = (ledger.c.customer, ledger.c.currency, ledger.c.kind, ledger.c.name)
    of_others = and_(ledger.c.kind.in_(kinds), of_period != period)
    return (
        select(*keys, of_period.label("of_period"), func.sum(ledger.c.amount_minor).label("amount_minor"))
        .where(or_(ledger.c.kind.in_(("balance", "opening")), of_others))
        .group_by(*keys, of_period)
    )


def _period_of_row() -> ColumnElement[str]:
    """The period that a row is of: that which a correction is of, or the invoice's own."""
    ledger, header = tables.ledger, tables.invoice
    return func.coalesce(func.nullif(ledger.c.period, ""), header.c.period)


def _of_interims(period: str) -> Select[Any]:
    """What the interim invoices of a period billed, oldest first."""
    ledger, header = tables.ledger, tables.invoice
    return (
        select(ledger)
        .where(header.c.kind == "interim", header.c.period == period)
        .where(ledger.c.kind.in_(("invoiced", "tax", "credit")), ledger.c.period == "")
        .order_by(ledger.c.invoice_id, ledger.c.position)
    )


def _counted(
    connection: Connection, query: Select[Any], position: int | None, customers: Collection[str] | None
) -> Sequence[Row[Any]]:
    """The rows of a query over the ledger, of the documents that have left something."""
    ledger, header = tables.ledger, tables.invoice
    query = query.select_from(ledger.join(header)).where(live_at(position))
    if customers is not None:
        query = query.where(ledger.c.customer.in_(customers))
    return connection.execute(query).all()
