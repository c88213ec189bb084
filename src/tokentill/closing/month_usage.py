"""The usage of a month out of the database, as cells, put to the invoices that it stands on.

Most of a month is summed in one go. Usage whose cut differs from everybody's (somebody is bound inside the month, has
a contract or a grant that begins there, or documents cover some of it already) is summed span by span.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection

from tokentill.errors import ensure
from tokentill.invoicing.coverage import Documents, OwnedSegment, Ownership, Periods, covering
from tokentill.invoicing.rating_groups import Books, Series, UsageAggregate
from tokentill.store.aggregates import Cuts, Span, cell_of_record, cells_of_all, cells_of_spans, records_of_spans
from tokentill.store.decoding import decoding
from tokentill.store.documents import taken_within
from tokentill.store.usage_rows import month_number, series_of_months

CellsByMember = dict[str, list[UsageAggregate]]


@dataclass(slots=True)
class MonthUsage:
    """Cells by payer and member, those of nobody, and the stretches with usage, in which they lie.

    `late` holds the stretches that the payer's issued document was made without, and `late_requests` how many requests
    lie in them; their cells stand among the others.
    """

    ownership: Ownership
    cuts: Cuts
    series: Mapping[int, Series]
    seq_max: int
    stretches: dict[str, dict[OwnedSegment, None]] = field(default_factory=dict)
    by_payer: dict[str, CellsByMember] = field(default_factory=dict)
    nobody: list[UsageAggregate] = field(default_factory=list)
    late: dict[tuple[str, str], dict[OwnedSegment, None]] = field(default_factory=dict)
    late_requests: dict[tuple[str, str], int] = field(default_factory=dict)
    _origins: dict[int, Span] = field(default_factory=dict)

    def requests_of(self, payer: str) -> int:
        """How many requests stand on a payer's invoice."""
        return sum(cell.requests for cells in self.by_payer.get(payer, {}).values() for cell in cells)

    @property
    def requests(self) -> int:
        """How many requests lie in the month, whoever they belong to."""
        return sum(map(self.requests_of, self.by_payer)) + sum(cell.requests for cell in self.nobody)

    def late_of(self, payer: str) -> int:
        """How many requests the payer's issued document was made without."""
        return sum(count for (found, _), count in self.late_requests.items() if found == payer)

    def put(self, stretch: OwnedSegment, cell: UsageAggregate, origin: Span) -> None:
        """Put a cell to the invoice that its stretch stands on."""
        if stretch.payer is None or stretch.member is None:
            self.nobody.append(cell)
            return
        self._origins[id(cell)] = origin
        self.stretches.setdefault(stretch.payer, {})[stretch] = None
        self.by_payer.setdefault(stretch.payer, {}).setdefault(stretch.member, []).append(cell)
        if stretch.is_late:
            key = (stretch.payer, stretch.member)
            self.late_requests[key] = self.late_requests.get(key, 0) + cell.requests
            self.late.setdefault(key, {})[stretch] = None

    def replace_by_records(self, connection: Connection, wanted: Mapping[str, Iterable[UsageAggregate]]) -> None:
        """Put records in the place of cells of some payers, all of them with one look at the database."""
        asked: dict[tuple[Span, str], dict[tuple[datetime, int], UsageAggregate]] = {}
        for payer, cells in wanted.items():
            for cell in cells:
                key = (cell.at, self.cuts.band(cell.input_tokens))
                asked.setdefault((self._origins[id(cell)], payer), {})[key] = cell
        listed = sorted(asked, key=lambda item: (*item[0], item[1]))
        spans = [self._narrowed(span, asked[span, payer].values()) for span, payer in listed]
        records: dict[int, list[UsageAggregate]] = {id(cell): [] for cells in asked.values() for cell in cells.values()}
        for place, record in records_of_spans(connection, spans, self.series, seq_max=self.seq_max):
            at = self.cuts.start_around(record.occurred_at, spans[place].floor)
            summed = asked[listed[place]].get((at, self.cuts.band(record.input_total)))
            if summed is not None:
                records[id(summed)].append(cell_of_record(record, at))
        for payer in wanted:
            for member, cells in self.by_payer[payer].items():
                for cell in cells:
                    if id(cell) in records:
                        found = sum(record.requests for record in records[id(cell)])
                        ensure(found == cell.requests, "sums and their records do not agree")
                kept = [cell for cell in cells if id(cell) not in records]
                self.by_payer[payer][member] = kept + [one for cell in cells for one in records.get(id(cell), ())]

    def _narrowed(self, span: Span, cells: Collection[UsageAggregate]) -> Span:
        """A span, as far as these cells need it."""
        starts_at = max(span.starts_at, min(cell.at for cell in cells))
        last = max(cell.at for cell in cells)
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
        late_of: only what issued documents were made without, of these series.
    """
    starts_at, ends_at = periods.starts_at, periods.ends_at
    last = month_number(ends_at - timedelta(microseconds=1))
    series = series_of_months(connection, month_number(starts_at), last)
    if late_of is not None:
        series = {id_: series[id_] for id_ in late_of if id_ in series}
    taken = taken_within(connection, starts_at, ends_at, position, None if late_of is None else series)
    ownership = Ownership(books, periods, replace(documents, taken=taken), seq_max)
    models = {one.model for one in series.values()}
    edges = books.shared_edges(models, starts_at, ends_at) | {periods.default.starts_at, periods.default.ends_at}
    cuts = Cuts.of(starts_at, ends_at, edges, books.prices.thresholds())
    found = MonthUsage(ownership, cuts, series, seq_max)
    stretches = {id_: ownership.stretches(one) for id_, one in series.items()}
    if late_of is not None:
        stretches = {id_: [one for one in listed if one.is_late] for id_, listed in stretches.items()}
    by_spans = late_of is not None
    if only is not None and not any(one.payer is None for listed in stretches.values() for one in listed):
        stretches = {id_: [one for one in listed if one.payer == only] for id_, listed in stretches.items()}
        by_spans = True
    own_cuts = _OwnCuts(books, cuts)
    ordinary: dict[int, list[OwnedSegment]] = {}
    spans: list[Span] = []
    places: list[OwnedSegment] = []
    for id_, listed in stretches.items():
        if not by_spans and all(_is_ordinary(one, cuts, own_cuts, seq_max) for one in listed):
            ordinary[id_] = listed
            continue
        for one in listed:
            for span in _spans_of(one, cuts, own_cuts):
                spans.append(span)
                places.append(one)
    if ordinary:
        whole = {id_: series[id_] for id_ in ordinary}
        with decoding("usage"):
            for cell in cells_of_all(connection, cuts, whole, seq_max=seq_max):
                stretch = covering(ordinary[cell.series.id], cell.at)
                if stretch is not None:
                    found.put(stretch, cell, _span_of(stretch, cuts.starts_at))
    with decoding("usage"):
        for place, cell in cells_of_spans(connection, cuts, spans, series, seq_max=seq_max):
            found.put(places[place], cell, spans[place])
    return found


class _OwnCuts:
    """Where all usage of one customer is cut beside everybody's: at its own contracts, and the payer's grants."""

    def __init__(self, books: Books, cuts: Cuts) -> None:
        self._contracts = books.contracts
        self._cuts = cuts
        self._known: dict[tuple[str | None, str | None], list[datetime]] = {}

    def of(self, stretch: OwnedSegment) -> list[datetime]:
        """The instants, in order."""
        key = (stretch.payer, stretch.member)
        if key not in self._known:
            edges = set[datetime]()
            if stretch.payer is not None and stretch.member is not None:
                edges = self._contracts.own_edges(stretch.member) | self._contracts.grant_edges(stretch.payer)
            self._known[key] = sorted(edge for edge in edges if not self._cuts.cuts_at(edge))
        return self._known[key]


def _is_ordinary(stretch: OwnedSegment, cuts: Cuts, own_cuts: _OwnCuts, seq_max: int) -> bool:
    return (
        (stretch.seq_after, stretch.seq_upto) == (0, seq_max)
        and cuts.cuts_at(stretch.starts_at)
        and cuts.cuts_at(stretch.ends_at)
        and not own_cuts.of(stretch)
    )


def _spans_of(stretch: OwnedSegment, cuts: Cuts, own_cuts: _OwnCuts) -> Iterable[Span]:
    edges = own_cuts.of(stretch)
    inside = [edge for edge in edges if stretch.starts_at < edge < stretch.ends_at]
    for starts_at, ends_at in pairwise([stretch.starts_at, *inside, stretch.ends_at]):
        passed = bisect_right(edges, starts_at)
        span = _span_of(stretch, edges[passed - 1] if passed else cuts.starts_at)
        yield span._replace(starts_at=starts_at, ends_at=ends_at)


def _span_of(stretch: OwnedSegment, floor: datetime) -> Span:
    return Span(stretch.series_id, stretch.starts_at, stretch.ends_at, stretch.seq_after, stretch.seq_upto, floor)
