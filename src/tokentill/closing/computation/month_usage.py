"""The usage of a month out of the database, as aggregates, on the invoices that it stands on.

Most of a month is summed in one go. Usage whose cut differs from everybody's (somebody is bound inside the month, has
a contract or a grant that begins there, or documents cover some of it already) is summed span by span.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Connection

from tokentill.errors import ensure
from tokentill.invoicing.coverage import Documents, OwnedSegment, Ownership, Periods, covering
from tokentill.invoicing.rating_groups import Books
from tokentill.store.decoding import decoding
from tokentill.store.issued.documents import taken_within
from tokentill.store.usage.aggregates import (
    aggregate_of_record,
    aggregates_of_all,
    aggregates_of_spans,
    records_of_spans,
)
from tokentill.store.usage.cuts import Cuts, Span
from tokentill.store.usage.usage_rows import models_of_months, month_number, series_of_months
from tokentill.store.usage.withdrawals import Counting
from tokentill.usage.aggregates import Series, UsageAggregate

AggregatesByMember = dict[str, list[UsageAggregate]]
_Sum = tuple[datetime, int, tuple[bool, ...]]


@dataclass(slots=True)
class MonthUsage:
    """Aggregates by payer and member, those of nobody, and the segments with usage, in which they lie.

    `late` holds the segments that the payer's issued document was made without, and `late_requests` how many requests
    lie in them; their aggregates stand among the others.
    """

    ownership: Ownership
    cuts: Cuts
    series: Mapping[int, Series]
    seq_max: int
    segments: dict[str, dict[OwnedSegment, None]] = field(default_factory=dict)
    by_payer: dict[str, AggregatesByMember] = field(default_factory=dict)
    nobody: list[UsageAggregate] = field(default_factory=list)
    late: dict[tuple[str, str], dict[OwnedSegment, None]] = field(default_factory=dict)
    late_requests: dict[tuple[str, str], int] = field(default_factory=dict)
    _origins: dict[int, Span] = field(default_factory=dict)

    def requests_of(self, payer: str) -> int:
        """How many requests stand on a payer's invoice."""
        return sum(
            aggregate.requests for aggregates in self.by_payer.get(payer, {}).values() for aggregate in aggregates
        )

    @property
    def requests(self) -> int:
        """How many requests lie in the month, whoever they belong to."""
        return sum(map(self.requests_of, self.by_payer)) + sum(aggregate.requests for aggregate in self.nobody)

    def late_of(self, payer: str) -> int:
        """How many requests the payer's issued document was made without."""
        return sum(count for (late_payer, _), count in self.late_requests.items() if late_payer == payer)

    def put(self, segment: OwnedSegment, aggregate: UsageAggregate, origin: Span) -> None:
        """Put an aggregate on the invoice that its segment stands on."""
        if segment.payer is None or segment.member is None:
            self.nobody.append(aggregate)
            return
        self._origins[id(aggregate)] = origin
        self.segments.setdefault(segment.payer, {})[segment] = None
        self.by_payer.setdefault(segment.payer, {}).setdefault(segment.member, []).append(aggregate)
        if segment.is_late:
            key = (segment.payer, segment.member)
            self.late_requests[key] = self.late_requests.get(key, 0) + aggregate.requests
            self.late.setdefault(key, {})[segment] = None

    def replace_by_records(self, connection: Connection, to_replace: Mapping[str, Iterable[UsageAggregate]]) -> None:
        """Put records in the place of aggregates of some payers, all of them in one go."""
        summed_of: dict[tuple[Span, str], dict[_Sum, UsageAggregate]] = {}
        for payer, aggregates in to_replace.items():
            for aggregate in aggregates:
                key = self._sum_of(aggregate)
                summed_of.setdefault((self._origins[id(aggregate)], payer), {})[key] = aggregate
        listed = sorted(summed_of, key=lambda item: (*item[0], item[1]))
        spans = [self._narrowed(span, summed_of[span, payer].values()) for span, payer in listed]
        records: dict[int, list[UsageAggregate]] = {
            id(aggregate): [] for aggregates in summed_of.values() for aggregate in aggregates.values()
        }
        for place, record in records_of_spans(connection, spans, self.series, seq_max=self.seq_max):
            at = self.cuts.start_around(record.occurred_at, spans[place].floor)
            single = aggregate_of_record(record, at)
            summed = summed_of[listed[place]].get(self._sum_of(single))
            if summed is not None:
                records[id(summed)].append(single)
        for payer in to_replace:
            for member, aggregates in self.by_payer[payer].items():
                for aggregate in aggregates:
                    if id(aggregate) in records:
                        requests = sum(record.requests for record in records[id(aggregate)])
                        ensure(requests == aggregate.requests, "sums and their records do not agree")
                kept = [aggregate for aggregate in aggregates if id(aggregate) not in records]
                self.by_payer[payer][member] = kept + [
                    record for aggregate in aggregates for record in records.get(id(aggregate), ())
                ]

    def _sum_of(self, aggregate: UsageAggregate) -> _Sum:
        """In which sum of its span an aggregate lies."""
        return (aggregate.at, self.cuts.band(aggregate.input_tokens), aggregate.facts)

    def _narrowed(self, span: Span, aggregates: Collection[UsageAggregate]) -> Span:
        """A span, as far as these aggregates need it."""
        starts_at = max(span.starts_at, min(aggregate.at for aggregate in aggregates))
        last = max(aggregate.at for aggregate in aggregates)
        return span._replace(starts_at=starts_at, ends_at=min(span.ends_at, self.cuts.next_after(last)))


def usage_of_month(
    connection: Connection,
    books: Books,
    periods: Periods,
    documents: Documents,
    seq_max: int,
    *,
    position: int | None = None,
    only: str | None = None,
    late_of: Collection[int] | None = None,
) -> MonthUsage:
    """The usage of a month up to a sequence number.

    Args:
        documents: those around the month at `position` of the log; what they cover is read here.
        only: that of one payer's invoice, unless there is usage of nobody, which is measured against all.
        late_of: only what is on no document, of these series.
    """
    starts_at, ends_at = periods.starts_at, periods.ends_at
    months = month_number(starts_at), month_number(ends_at - timedelta(microseconds=1))
    taken_segments = taken_within(connection, starts_at, ends_at, position, late_of)
    ownership = Ownership(books, periods, replace(documents, taken=taken_segments), seq_max)
    users = None if only is None or taken_segments else ownership.users_of(only)
    series = series_of_months(connection, *months, users)
    if late_of is not None:
        series = {id_: series[id_] for id_ in late_of if id_ in series}
    models = {one.model for one in series.values()} if users is None else models_of_months(connection, *months)
    edges = books.shared_edges(models, starts_at, ends_at) | {periods.default.starts_at, periods.default.ends_at}
    cuts = Cuts.of(starts_at, ends_at, edges, books.prices.thresholds())
    usage = MonthUsage(ownership, cuts, series, seq_max)
    segments = None if only is None else ownership.segments_of_payer(series.values(), only)
    by_spans = segments is not None or late_of is not None
    if segments is None:
        if users is not None:
            usage.series = series = series_of_months(connection, *months)
        segments = {id_: ownership.segments(of_series) for id_, of_series in series.items()}
    if late_of is not None:
        segments = {
            id_: [
                segment
                for segment in listed
                if segment.is_late or (segment.payer is not None and not ownership.is_issued(segment.payer))
            ]
            for id_, listed in segments.items()
        }
    own_cuts = _own_cuts(books, cuts)
    ordinary: dict[int, list[OwnedSegment]] = {}
    spans: list[Span] = []
    places: list[OwnedSegment] = []
    for id_, listed in segments.items():
        if not by_spans and all(_is_ordinary(segment, cuts, own_cuts, seq_max) for segment in listed):
            ordinary[id_] = listed
            continue
        for segment in listed:
            for span in _spans_of(segment, cuts, own_cuts):
                spans.append(span)
                places.append(segment)
    if ordinary:
        whole = {id_: series[id_] for id_ in ordinary}
        span_of = cache(lambda segment: Span.of(segment, cuts.starts_at))
        with decoding("usage"):
            for aggregate in aggregates_of_all(connection, cuts, whole, seq_max=seq_max):
                owned = covering(ordinary[aggregate.series.id], aggregate.at)
                if owned is not None:
                    usage.put(owned, aggregate, span_of(owned))
    with decoding("usage"):
        for place, aggregate in aggregates_of_spans(connection, cuts, spans, series, seq_max=seq_max):
            usage.put(places[place], aggregate, spans[place])
    return usage


OwnCuts = Callable[[str | None, str | None], list[datetime]]
"""The instants, in order, at which all usage of a payer's member is cut beside everybody's."""


def _own_cuts(books: Books, cuts: Cuts) -> OwnCuts:
    """Usage of one customer is cut at its own contracts, where it is billed from, and at the payer's grants and
    commitments.
    """

    @cache
    def instants(payer: str | None, member: str | None) -> list[datetime]:
        if payer is None or member is None:
            return []
        begins = books.contracts.bill_from(member)
        edges = books.contracts.own_edges(member) | ({begins} if begins is not None else set())
        edges |= books.contracts.payer_edges(payer, cuts.starts_at, cuts.ends_at)
        return sorted(edge for edge in edges if not cuts.cuts_at(edge))

    return instants


def _is_ordinary(segment: OwnedSegment, cuts: Cuts, own_cuts: OwnCuts, seq_max: int) -> bool:
    return (
        (segment.seq_after, segment.seq_upto) == (0, seq_max)
        and cuts.cuts_at(segment.starts_at)
        and cuts.cuts_at(segment.ends_at)
        and not own_cuts(segment.payer, segment.member)
    )


class Placed(NamedTuple):
    """A segment, and what counts in it."""

    segment: OwnedSegment
    counting: Counting


def usage_of_placed(
    connection: Connection,
    books: Books,
    ownership: Ownership,
    placed: Sequence[Placed],
    series: Mapping[int, Series],
    seq_max: int,
) -> MonthUsage:
    """The usage of segments of a month, each as it counts."""
    periods = ownership.periods
    starts_at = min([periods.starts_at, *(one.segment.starts_at for one in placed)])
    ends_at = max([periods.ends_at, *(one.segment.ends_at for one in placed)])
    models = {of_series.model for of_series in series.values()}
    edges = books.shared_edges(models, starts_at, ends_at) | {periods.default.starts_at, periods.default.ends_at}
    cuts = Cuts.of(starts_at, ends_at, edges, books.prices.thresholds())
    usage = MonthUsage(ownership, cuts, series, seq_max)
    own_cuts = _own_cuts(books, cuts)
    spans: list[Span] = []
    places: list[OwnedSegment] = []
    for segment, counting in placed:
        for span in _spans_of(segment, cuts, own_cuts):
            spans.append(span._replace(counting=counting))
            places.append(segment)
    with decoding("usage"):
        for place, aggregate in aggregates_of_spans(connection, cuts, spans, series, seq_max=seq_max):
            usage.put(places[place], aggregate, spans[place])
    return usage


def _spans_of(segment: OwnedSegment, cuts: Cuts, own_cuts: OwnCuts) -> Iterable[Span]:
    edges = own_cuts(segment.payer, segment.member)
    inside = [edge for edge in edges if segment.starts_at < edge < segment.ends_at]
    for starts_at, ends_at in pairwise([segment.starts_at, *inside, segment.ends_at]):
        passed = bisect_right(edges, starts_at)
        span = Span.of(segment, edges[passed - 1] if passed else cuts.starts_at)
        yield span._replace(starts_at=starts_at, ends_at=ends_at)
