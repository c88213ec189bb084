"""A whole period: usage out of the database, put to customers, and one invoice each.

Preview, close and verify all come through `compute_period`; they differ in the pins they bring and in what they do
with the result. Nothing is written here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Context, Decimal

from sqlalchemy import Connection

from tokentill.canonical import Content
from tokentill.invoicing.carried import NOTHING_CARRIED
from tokentill.invoicing.grouping import Books, Cell, Grouping, Series
from tokentill.invoicing.invoice import Invoice, compute_invoice
from tokentill.invoicing.periods import Month, Period, period_of
from tokentill.invoicing.preview import InterimInvoice, Preview, Previewed, Unattributed
from tokentill.invoicing.settling import InvoiceKind, is_recurring
from tokentill.money import EXACT, ZERO, sum_exact
from tokentill.store.cells import Stretches, records_of_cells, usage_of_period
from tokentill.store.invoices import IssuedInvoice, issued_invoices, last_reviews
from tokentill.store.ledger import carried_by_customer
from tokentill.store.usage_rows import models_seen

# A share is shown and compared, never billed; rounded up, so that it never looks smaller than it is.
_SHARE = Context(prec=96, rounding=ROUND_CEILING)
_SHARE_DIGITS = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Computed:
    """All invoices of a period, in bytewise order of customers, and what belongs to nobody."""

    month: Month
    default_period: Period
    invoices: tuple[Invoice, ...]
    unattributed: Unattributed


class Periods:
    """The period of every customer: of the default contract, unless a contract of its own says otherwise."""

    def __init__(self, month: Month, books: Books) -> None:
        contracts = books.contracts
        self.default = period_of(month, lambda at: contracts.terms(None, at))
        self._own: dict[str, Period] = {}
        for customer in contracts.customers:
            self._own[customer] = self._period(month, books, customer)

    def of(self, customer: str | None) -> Period:
        """The period of a customer; unattributed usage (None) has the default one."""
        return self.default if customer is None else self._own.get(customer, self.default)

    @property
    def starts_at(self) -> datetime:
        """The first instant of any of them."""
        return min(period.starts_at for period in self._all())

    @property
    def ends_at(self) -> datetime:
        """The end of the last of them."""
        return max(period.ends_at for period in self._all())

    @property
    def edges(self) -> set[datetime]:
        """Every instant at which one of them starts or ends."""
        return {edge for period in self._all() for edge in (period.starts_at, period.ends_at)}

    def _all(self) -> Iterable[Period]:
        return (self.default, *self._own.values())

    @staticmethod
    def _period(month: Month, books: Books, customer: str) -> Period:
        return period_of(month, lambda at: books.contracts.terms(customer, at))


def compute_period(
    connection: Connection,
    month: Month,
    books: Books,
    seq_max: int,
    *,
    only: str | None = None,
    kind: InvoiceKind = "period",
    before: Mapping[str, int] | int | None = None,
) -> Computed:
    """Compute every invoice of a period, or `only` that of one customer.

    Args:
        kind: `interim` computes what has accrued so far, for everybody with usage.
        before: only documents with a smaller id left something to these: for all customers, or by customer. Unless
            given, these are all documents before the one that the customer has for the period, if it has one.
    """
    periods = Periods(month, books)
    edges = books.edges(models_seen(connection), periods.starts_at, periods.ends_at) | periods.edges
    edges = edges.union(*map(books.contracts.grant_edges, books.contracts.grant_holders))
    stretches = Stretches.of(periods.starts_at, periods.ends_at, edges, books.prices.thresholds())
    cells = usage_of_period(connection, stretches, seq_max=seq_max)
    by_customer = cells_by_customer(cells, books, periods)
    grouping = Grouping(books)
    nobody = by_customer.pop(None, [])
    named = {customer: found for customer, found in by_customer.items() if customer is not None}
    if before is None:
        own = issued_invoices(connection, period=str(month), customer=only, status="issued")
        before = {found.customer: found.id for found in own if found.kind == kind == "period"}
    paid_for = [
        (child, books.contracts.payer(child, periods.of(child).last_instant)) for child in books.contracts.customers
    ]
    children = {child: payer for child, payer in paid_for if child != payer and only in (None, payer)}
    if not isinstance(before, int):
        before = {**before, **{child: before[payer] for child, payer in children.items() if payer in before}}
    holders = None if only is None else {only, *children}
    carried = carried_by_customer(connection, str(month), before=before, customers=holders)

    def records_of(summed: Sequence[Cell]) -> list[list[Cell]]:
        return records_of_cells(connection, summed, stretches, seq_max)

    invoices = []
    for customer, members in sorted(_by_payer(named, books, periods, kind).items(), key=lambda item: item[0].encode()):
        if only is not None and customer != only:
            continue
        period = periods.of(customer)
        currency = books.contracts.terms(customer, period.last_instant).currency
        invoices.append(
            compute_invoice(
                customer,
                period,
                currency,
                members.pop(customer, ()),
                grouping,
                children=members,
                carried=carried.get(customer, NOTHING_CARRIED).with_balances_of(
                    carried[child] for child, payer in children.items() if payer == customer and child in carried
                ),
                kind=kind,
                records_of=records_of,
            )
        )
    unattributed = _unattributed(nobody, named, books, periods.default, grouping)
    return Computed(month, periods.default, tuple(invoices), unattributed)


def _by_payer(
    named: Mapping[str, Sequence[Cell]], books: Books, periods: Periods, kind: InvoiceKind
) -> dict[str, dict[str, Sequence[Cell]]]:
    """Who pays for whose usage: everybody with usage, and with something recurring to bill."""
    found: dict[str, dict[str, Sequence[Cell]]] = {}
    recurring = _recurring(books, periods) if kind == "period" else []
    for customer in dict.fromkeys((*named, *recurring)):
        payer = books.contracts.payer(customer, periods.of(customer).last_instant)
        found.setdefault(payer, {})[customer] = named.get(customer, ())
    return found


def _recurring(books: Books, periods: Periods) -> list[str]:
    """Customers with a contract of their own under which there is something to bill without usage."""
    contracts = books.contracts
    return [customer for customer in contracts.customers if is_recurring(customer, periods.of(customer), contracts)]


def cells_by_customer(cells: Iterable[Cell], books: Books, periods: Periods) -> dict[str | None, list[Cell]]:
    """Cells put to customers, each only within the customer's own period. None holds what belongs to nobody."""
    owner = Owners(books)
    found: dict[str | None, list[Cell]] = {}
    for cell in cells:
        customer = owner.of(cell.series, cell.at)
        if periods.of(customer).holds(cell.at):
            found.setdefault(customer, []).append(cell)
    return found


class Owners:
    """Whose a series is at an instant; asked of the rules once a series and stretch of time."""

    def __init__(self, books: Books) -> None:
        self._attribution = books.attribution
        self._edges = sorted(books.attribution.edges())
        self._known: dict[tuple[int, int], str | None] = {}

    def of(self, series: Series, at: datetime) -> str | None:
        """The customer, or None."""
        key = (series.id, bisect_right(self._edges, at))
        if key not in self._known:
            self._known[key] = self.why(series, at)[0]
        return self._known[key]

    def why(self, series: Series, at: datetime) -> tuple[str | None, str]:
        """The customer, and what decided it."""
        attributed = self._attribution.attribute(source=series.source, user=series.user, api_key=series.api_key, at=at)
        return attributed.customer, attributed.because


def compute_preview(
    connection: Connection,
    month: Month,
    books: Books,
    pins: Content,
    *,
    now: datetime,
    grace: timedelta,
    only: str | None = None,
) -> Preview:
    """A period at the newest pins, with what people said of it and what it was the month before."""
    computed = compute_period(connection, month, books, pins["s"], only=only)
    reviews = last_reviews(connection, str(month))
    issued, interims = _documents_of(connection, month)
    before = _totals_before(connection, month.plus(-1), books, pins["s"], only)
    running = [
        invoice
        for invoice in computed.invoices
        if invoice.customer not in issued and now < invoice.period.ends_at + grace
    ]
    reaching: set[str] = set()
    if any(invoice.interim_at is not None for invoice in running):
        accrued = compute_period(connection, month, books, pins["s"], only=only, kind="interim")
        reaching = {invoice.customer for invoice in accrued.invoices if invoice.reaches_interim}
        reaching &= {invoice.customer for invoice in running}
    return Preview(
        month=month,
        default_period=computed.default_period,
        customers=tuple(
            Previewed(
                invoice=invoice,
                review=reviews.get(invoice.customer),
                issued_number=issued[invoice.customer].number if invoice.customer in issued else None,
                issued_hash=issued[invoice.customer].content_hash if invoice.customer in issued else None,
                late_requests=_late_requests(invoice, issued.get(invoice.customer)),
                is_due=now >= invoice.period.ends_at + grace,
                previous_total_minor=before.get(invoice.customer, (None, None))[0],
                previous_currency=before.get(invoice.customer, (None, None))[1],
                interims=tuple(_of_currency(interims.get(invoice.customer, ()), invoice.currency)),
                reaches_interim=invoice.customer in reaching,
            )
            for invoice in computed.invoices
        ),
        unattributed=computed.unattributed,
        pins=pins,
        made_at=now,
    )


def _late_requests(invoice: Invoice, issued: IssuedInvoice | None) -> int:
    if issued is None:
        return 0
    billed: int = sum(line["requests"] for line in issued.content["lines"])
    return max(0, invoice.requests - billed)


def _totals_before(
    connection: Connection, month: Month, books: Books, seq_max: int, only: str | None
) -> dict[str, tuple[int, str]]:
    """All that each customer was billed for a period, or would be: its invoice and its interim invoices."""
    computed = compute_period(connection, month, books, seq_max, only=only)
    issued, interims = _documents_of(connection, month)
    totals = {invoice.customer: (invoice.total_minor, invoice.currency) for invoice in computed.invoices}
    totals |= {customer: (found.total_minor, found.currency) for customer, found in issued.items()}
    for customer, (total, currency) in totals.items():
        billed_before = sum(found.total_minor for found in _of_currency(interims.get(customer, ()), currency))
        totals[customer] = (total + billed_before, currency)
    return totals


def _documents_of(
    connection: Connection, month: Month
) -> tuple[dict[str, IssuedInvoice], dict[str, list[InterimInvoice]]]:
    """The period invoice of each customer that has one, and its interim invoices."""
    issued: dict[str, IssuedInvoice] = {}
    interims: dict[str, list[InterimInvoice]] = {}
    for found in issued_invoices(connection, period=str(month), status="issued"):
        if found.kind == "period":
            issued[found.customer] = found
        else:
            interims.setdefault(found.customer, []).append(found.as_interim())
    return issued, interims


def _of_currency(interims: Iterable[InterimInvoice], currency: str) -> list[InterimInvoice]:
    return [interim for interim in interims if interim.currency == currency]


def _unattributed(
    nobody: Sequence[Cell],
    named: Mapping[str, Sequence[Cell]],
    books: Books,
    period: Period,
    grouping: Grouping,
) -> Unattributed:
    currency = books.contracts.terms(None, period.last_instant).currency
    rules = books.attribution.rules_at(period.last_instant)
    amount, unpriced = _list_amount(None, currency, nobody, grouping)
    share = ZERO
    if amount:
        others = (_list_amount(customer, currency, cells, grouping)[0] for customer, cells in named.items())
        total = EXACT.add(amount, sum_exact(others))
        share = _SHARE.quantize(_SHARE.divide(EXACT.multiply(amount, Decimal(100)), total), _SHARE_DIGITS)
    owners = Owners(books)
    causes: dict[str, int] = {}
    for cell in nobody:
        key = f"{owners.why(cell.series, cell.at)[1]} ({cell.series.source}, api key {cell.series.api_key or 'none'})"
        causes[key] = causes.get(key, 0) + cell.requests
    return Unattributed(
        requests=sum(cell.requests for cell in nobody),
        list_amount=amount,
        share_percent=share,
        tolerance_percent=ZERO if rules is None else rules.tolerance_percent,
        causes=tuple(sorted(causes.items(), key=lambda item: (-item[1], item[0].encode()))),
        unpriced_requests=unpriced,
    )


def _list_amount(customer: str | None, currency: str, cells: Iterable[Cell], grouping: Grouping) -> tuple[Decimal, int]:
    """The exact list amount of cells in a currency, and how many of their requests have none."""
    listed = list(cells)
    reported = [cell for cell in listed if cell.series.usage_state != "missing"]
    unpriced = sum(cell.requests for cell in listed) - sum(cell.requests for cell in reported)
    amounts = []
    for group in grouping.groups(customer, currency, reported):
        rated = group.rated(group.total.billable).amount
        if rated is None:
            unpriced += group.total.requests
        else:
            amounts.append(EXACT.multiply(rated, group.fx))
    return sum_exact(amounts), unpriced
