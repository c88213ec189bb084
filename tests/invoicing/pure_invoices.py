"""Invoices without a database: records become aggregates in memory, one by one or as sums."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from tests.builders import folder
from tests.invoicing.generated import MonthOfUsage
from tokentill.contracts.book import ContractBook
from tokentill.invoicing.coverage import Documents, Periods
from tokentill.invoicing.invoice import Invoice, compute_invoice
from tokentill.invoicing.periods import Month
from tokentill.invoicing.rating_groups import Books, RatingContext, Sums
from tokentill.money import ZERO
from tokentill.prices.book import PriceBook
from tokentill.prices.fx import FxBook
from tokentill.store.usage.cuts import Cuts
from tokentill.usage.aggregates import RecordKey, Series, UsageAggregate
from tokentill.usage.attribution import Attribution
from tokentill.usage.record import UsageRecord

OCTOBER = Month(2026, 10)


def books_of(contents: Iterable[object]) -> Books:
    """The books of contents of pricing files."""
    read = folder(*contents)  # type: ignore[arg-type]
    contracts = (*read.contracts, *read.attribution)
    prices = (*read.prices, *read.fx)
    return Books(PriceBook(prices), ContractBook(contracts), Attribution(contracts, ()), FxBook(prices))


def aggregates_of(records: Sequence[UsageRecord], books: Books, periods: Periods) -> list[UsageAggregate]:
    """One aggregate for each record, between the same boundaries as in the database."""
    edges = books.shared_edges({record.model for record in records}, periods.starts_at, periods.ends_at)
    edges |= {periods.default.starts_at, periods.default.ends_at}
    for customer in books.contracts.customers:
        edges |= books.contracts.own_edges(customer) | {periods.of(customer).starts_at, periods.of(customer).ends_at}
    around = (periods.starts_at, periods.ends_at)
    edges = edges.union(*(books.contracts.grant_edges(customer, *around) for customer in books.contracts._grants))
    cuts = Cuts.of(periods.starts_at, periods.ends_at, edges, books.prices.thresholds())
    ids: dict[tuple[object, ...], int] = {}
    aggregates = []
    for record in records:
        if not periods.starts_at <= record.occurred_at < periods.ends_at:
            continue
        traits = (
            record.source,
            record.user,
            record.api_key,
            record.model,
            record.provider,
            record.mode,
            record.geo,
            record.tags,
            record.is_byok,
            record.status,
            record.usage_state,
        )
        aggregates.append(
            UsageAggregate(
                series=Series(ids.setdefault(traits, len(ids) + 1), *traits),  # type: ignore[arg-type]
                at=cuts.start_around(record.occurred_at, cuts.starts_at),
                day=record.occurred_at.date(),
                input_tokens=record.input_total,
                requests=1,
                quantities=dict(record.quantities),
                cost=record.cost or ZERO,
                requests_with_cost=int(record.cost is not None),
                record=RecordKey(record.occurred_at, record.source, record.record_id),
            )
        )
    return aggregates


class Summed:
    """Cells added up by series, segment of time and band, which knows the records behind each sum."""

    def __init__(self, aggregates: Sequence[UsageAggregate], books: Books) -> None:
        thresholds = sorted(books.prices.thresholds())
        self._records: dict[tuple[object, ...], list[UsageAggregate]] = {}
        for aggregate in aggregates:
            key = (aggregate.series.id, aggregate.at, bisect_right(thresholds, aggregate.input_tokens - 1))
            self._records.setdefault(key, []).append(aggregate)
        self.aggregates = [self._sum(found) for found in self._records.values()]
        self._of_cell = dict(zip(map(id, self.aggregates), self._records.values(), strict=True))
        self.asked = 0

    def in_place(self, aggregates: Sequence[UsageAggregate], wanted: Sequence[UsageAggregate]) -> list[UsageAggregate]:
        """Cells with the records of those that are wanted in their place, as the database would give them."""
        self.asked += 1
        chosen = {id(aggregate) for aggregate in wanted}
        return [
            one
            for aggregate in aggregates
            for one in (self._of_cell[id(aggregate)] if id(aggregate) in chosen else [aggregate])
        ]

    @staticmethod
    def _sum(found: Sequence[UsageAggregate]) -> UsageAggregate:
        sums = Sums()
        for aggregate in found:
            sums.add(Sums.of(aggregate))
        first = found[0]
        return UsageAggregate(
            first.series,
            first.at,
            first.day,
            min(aggregate.input_tokens for aggregate in found),
            sums.requests,
            sums.quantities,
            sums.cost,
            sums.requests_with_cost,
        )


def compute_pure(month: MonthOfUsage, *, by_record: bool) -> list[Invoice]:
    """Every invoice of October, in bytewise order of customers."""
    books = books_of(month.contents)
    periods = Periods(OCTOBER, books, Documents())
    by_customer: dict[str, list[UsageAggregate]] = {}
    for aggregate in aggregates_of(month.records, books, periods):
        series = aggregate.series
        customer = books.attribution.attribute(
            source=series.source, user=series.user, api_key=series.api_key, at=aggregate.at
        ).customer
        if customer is not None and periods.of(customer).holds(aggregate.at):
            by_customer.setdefault(customer, []).append(aggregate)
    invoices = []
    for customer in sorted(by_customer, key=str.encode):
        period = periods.of(customer)
        currency = books.contracts.terms(customer, period.last_instant).currency
        summed = Summed(by_customer[customer], books)
        aggregates = by_customer[customer] if by_record else summed.aggregates
        wanted: list[UsageAggregate] = []
        invoice = compute_invoice(customer, period, currency, aggregates, RatingContext(books), wanted=wanted)
        while wanted:
            aggregates, wanted = summed.in_place(aggregates, wanted), []
            invoice = compute_invoice(customer, period, currency, aggregates, RatingContext(books), wanted=wanted)
        invoices.append(invoice)
    return invoices
