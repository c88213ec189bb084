"""What was used, by customer, user, model, day, source or key: counted in the database, with or without any contract.

It bills nothing and looks at no document. What was waived and what reports no usage is counted as every request is;
what another version replaced is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from sqlalchemy import Connection

from tokentill.canonical import Content, fields_of, form_of, stated_fields_of
from tokentill.clock import instant_text
from tokentill.money import EXACT, ZERO
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.rate_cards import rate_quantities
from tokentill.store.database import current_value
from tokentill.store.usage.aggregates import aggregates_of_all, aggregates_of_spans
from tokentill.store.usage.cuts import Cuts, Span
from tokentill.store.usage.usage_rows import month_number, series_of_months
from tokentill.usage.aggregates import GATEWAY_CURRENCY, Series, UsageAggregate
from tokentill.usage.attribution import Attribution
from tokentill.usage.quantities import REQUEST, sum_of

SummaryKey = Literal["customer", "user", "model", "day", "source", "key"]


@dataclass(slots=True)
class UsageRow:
    """What was used under one key. `cost` is what the gateway reported, for `requests_with_cost` of the requests.

    `list_amounts` is the exact list amount by currency, without the `unpriced_requests`, that have none; both are None
    where no prices were looked at.
    """

    name: str | None
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = ZERO
    requests_with_cost: int = 0
    list_amounts: dict[str, Decimal] | None = None
    unpriced_requests: int | None = None

    def add(self, aggregate: UsageAggregate, prices: PriceBook | None) -> None:
        """Count a sum of records in."""
        self.requests += aggregate.requests
        self.input_tokens += sum_of(aggregate.quantities, "input_total")
        self.output_tokens += sum_of(aggregate.quantities, "output_total")
        self.cost = EXACT.add(self.cost, aggregate.cost)
        self.requests_with_cost += aggregate.requests_with_cost
        if prices is not None:
            self._add_list_amount(aggregate, prices)

    def _add_list_amount(self, aggregate: UsageAggregate, prices: PriceBook) -> None:
        series = aggregate.series
        card = prices.rate_card(
            series.model, at=aggregate.at, mode=series.mode, input_total=aggregate.input_tokens, geo=series.geo
        )
        amount = None
        if not isinstance(card, NoPrice) and aggregate.reports_usage:
            amount = rate_quantities(card, {**aggregate.quantities, REQUEST: aggregate.requests}).amount
        amounts = self.list_amounts = {} if self.list_amounts is None else self.list_amounts
        self.unpriced_requests = (self.unpriced_requests or 0) + (aggregate.requests if amount is None else 0)
        if amount is not None and not isinstance(card, NoPrice):
            currency = card.entry.currency
            amounts[currency] = EXACT.add(amounts.get(currency, ZERO), amount)

    def content(self) -> Content:
        """Canonical content, but for the name."""
        listed = None if self.list_amounts is None else form_of(dict(sorted(self.list_amounts.items())))
        return {
            **fields_of(self, "requests", "input_tokens", "output_tokens", "cost", "requests_with_cost"),
            "cost_currency": GATEWAY_CURRENCY,
            "list_amounts": listed,
            "unpriced_requests": self.unpriced_requests,
        }


@dataclass(slots=True)
class UsageSummary:
    """What was used in [starts_at, ends_at), or ever where both are None, by one key; `total` is all of it.

    `contradicting_requests` are those of untrusted users that lead to another customer than their API key; None where
    users are trusted, or customers were not asked for.
    """

    by: SummaryKey
    starts_at: datetime | None
    ends_at: datetime | None
    rows: list[UsageRow] = field(default_factory=list)
    total: UsageRow = field(default_factory=lambda: UsageRow(None))
    contradicting_requests: int | None = None

    def content(self) -> Content:
        """What `usage summary --json` prints."""
        return {
            "by": self.by,
            "from": None if self.starts_at is None else instant_text(self.starts_at),
            "until": None if self.ends_at is None else instant_text(self.ends_at),
            "rows": [{self.by: row.name, **row.content()} for row in self.rows],
            "total": self.total.content(),
            **stated_fields_of(self, "contradicting_requests"),
        }


def summarize_usage(
    connection: Connection,
    by: SummaryKey,
    within: tuple[datetime | None, datetime | None],
    *,
    extent: tuple[datetime, datetime] | None,
    prices: PriceBook | None,
    attribution: Attribution | None,
    customers: Collection[str] = (),
) -> UsageSummary:
    """Count what was used.

    Args:
        within: from when until when; None is as far as there are records.
        extent: the first and the last instant of all records, None where there are none.
        prices: what list amounts are looked up in, None for none.
        attribution: whose usage it is; needed by customer.
        customers: those with a contract, whom a user may be called like.
    """
    summary = UsageSummary(by, *within)
    if extent is None:
        return summary
    starts_at, ends_at = within[0] or extent[0], within[1] or extent[1]
    if starts_at >= ends_at:
        return summary
    rows: dict[str | None, UsageRow] = {}
    for aggregate in _aggregates(connection, starts_at, ends_at, prices, attribution):
        name = _name(by, aggregate, attribution)
        if by == "customer" and attribution is not None and attribution.distrusts_users:
            contradicting = _contradicting(aggregate, attribution, customers)
            summary.contradicting_requests = (summary.contradicting_requests or 0) + contradicting
        rows.setdefault(name, UsageRow(name)).add(aggregate, prices)
        summary.total.add(aggregate, prices)
    if by == "day":
        summary.rows = sorted(rows.values(), key=lambda row: row.name or "")
    else:
        summary.rows = sorted(rows.values(), key=lambda row: (-row.requests, (row.name or "").encode()))
    return summary


def _contradicting(aggregate: UsageAggregate, attribution: Attribution, customers: Collection[str]) -> int:
    one = aggregate.series
    other = attribution.contradicted(
        source=one.source, user=one.user, api_key=one.api_key, at=aggregate.at, tags=one.tags, known=customers
    )
    return 0 if other is None else aggregate.requests


def _name(by: SummaryKey, aggregate: UsageAggregate, attribution: Attribution | None) -> str | None:
    series = aggregate.series
    if by == "customer" and attribution is not None:
        return attribution.attribute(
            source=series.source, user=series.user, api_key=series.api_key, at=aggregate.at, tags=series.tags
        ).customer
    names: Mapping[str, str | None] = {
        "user": series.user,
        "model": series.model,
        "source": series.source,
        "key": series.api_key,
        "day": aggregate.day.isoformat(),
    }
    return names[by]


def _aggregates(
    connection: Connection,
    starts_at: datetime,
    ends_at: datetime,
    prices: PriceBook | None,
    attribution: Attribution | None,
) -> Iterator[UsageAggregate]:
    """All usage of a segment of time as aggregates that lie between two changes of a price or an attribution rule.

    Series of users and keys that are bound inside of it are summed by themselves, cut at their bindings.
    """
    seq_max = current_value(connection, "batch")
    series = series_of_months(connection, month_number(starts_at), month_number(ends_at))
    models = {one.model for one in series.values()}
    edges = set() if prices is None else prices.edges(models, starts_at, ends_at)
    edges |= set() if attribution is None else attribution.rule_edges()
    cuts = Cuts.of(starts_at, ends_at, edges, set() if prices is None else prices.thresholds())
    spans: list[Span] = []
    ordinary: dict[int, Series] = {}
    for id_, one in series.items():
        bound = set() if attribution is None else attribution.binding_edges(one.user, one.api_key, one.tags)
        inside = sorted(edge.astimezone(UTC) for edge in bound if starts_at < edge < ends_at)
        if not inside:
            ordinary[id_] = one
        for start, end in pairwise([starts_at, *inside, ends_at] if inside else []):
            spans.append(Span(id_, start, end, 0, seq_max, start))
    yield from aggregates_of_all(connection, cuts, ordinary, seq_max=seq_max)
    for _, aggregate in aggregates_of_spans(connection, cuts, spans, series, seq_max=seq_max):
        yield aggregate
