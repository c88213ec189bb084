"""Which records stand on whose invoice: by whose they are, and by what documents that were issued cover already.

Pure. A document covers the records of a series from one instant to another, above one sequence number and up to
another. Such rectangles of live documents never overlap, except along a chain: the interim invoices of a customer's
period in one currency, and the period's own document, which bills the whole less what they billed. A record that a
document covers stays on it, whatever is bound, recorded or joined later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tokentill.canonical import Content, fields_of
from tokentill.clock import instant_text
from tokentill.invoicing.forms import InvoiceKind
from tokentill.invoicing.periods import Boundary, Month, Period, joined_period, natural_start
from tokentill.usage.aggregates import Series
from tokentill.usage.attribution import Attributed

if TYPE_CHECKING:
    from tokentill.invoicing.rating_groups import Books


@dataclass(frozen=True, slots=True)
class CoveredSegment:
    """The records of a series in [starts_at, ends_at) with a sequence number above `seq_after` and up to `seq_upto`.

    `member` is whose usage it is, where that is not the document's own customer.
    """

    series_id: int
    starts_at: datetime
    ends_at: datetime
    seq_after: int
    seq_upto: int
    member: str | None


@dataclass(frozen=True, slots=True)
class TakenSegment:
    """What a live document covers, with what says which chain the document belongs to."""

    covered: CoveredSegment
    customer: str
    month: str
    currency: str
    kind: InvoiceKind

    @property
    def member(self) -> str:
        """Whose usage it is."""
        return self.customer if self.covered.member is None else self.covered.member


@dataclass(frozen=True, slots=True)
class IssuedPeriod:
    """A period of a customer that a live document ended; `payer` is the document's customer.

    `position` is the place in the log of documents that the document was computed at.
    """

    customer: str
    payer: str
    number: str
    position: int
    month: Month
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Documents:
    """The live documents around a month, as they were at one position of the log of documents.

    `periods` are those that documents ended, `running` those that interim invoices billed a part of: their boundaries
    are issued as well.
    """

    taken: Mapping[int, Sequence[TakenSegment]] = field(default_factory=lambda: MappingProxyType({}))
    periods: Mapping[str, Sequence[IssuedPeriod]] = field(default_factory=lambda: MappingProxyType({}))
    running: Mapping[str, Sequence[IssuedPeriod]] = field(default_factory=lambda: MappingProxyType({}))

    def period(self, customer: str, month: Month) -> IssuedPeriod | None:
        """The issued period of a customer and month, if there is one."""
        listed = self.periods.get(customer)
        return None if listed is None else next((issued for issued in listed if issued.month == month), None)


@dataclass(frozen=True, slots=True)
class KeptBoundary:
    """A boundary that stays where an issued period ended, though a contract would move it: the contract acts from the
    next one on.
    """

    customer: str
    month: Month
    starts_at: datetime
    contract_says: datetime

    def content(self) -> Content:
        """Canonical content."""
        return {"customer": self.customer, "period": str(self.month), **fields_of(self, "starts_at", "contract_says")}

    def __str__(self) -> str:
        return (
            f"its period {self.month} begins at {instant_text(self.starts_at)}, where what was issued ended;"
            f" its contract says {instant_text(self.contract_says)}, and acts from the next period on"
        )


class Periods:
    """The period of every customer in a month: that of the default contract, unless its own differs.

    A period begins where the customer's last issued one ended; what contracts say of boundaries acts from there on.
    """

    def __init__(self, month: Month, books: Books, documents: Documents) -> None:
        self.month = month
        self._contracts = books.contracts
        self._documents = documents
        own = set(self._contracts.customers)
        defaults = {step: self._natural(None, step) for step in (0, 1)}
        self.default = joined_period(month, defaults[0], defaults[1])
        self.kept: list[KeptBoundary] = []
        self._own: dict[str, Period] = {}
        for customer in sorted({*own, *documents.periods, *documents.running}):
            starts = defaults if customer not in own else {step: self._natural(customer, step) for step in (0, 1)}
            first, following = (self._joined(customer, month.plus(step), starts[step]) for step in (0, 1))
            if first != starts[0] and documents.period(customer, month) is None:
                self.kept.append(KeptBoundary(customer, month, first.at, starts[0].at))
            period = joined_period(month, first, following)
            if period != self.default:
                self._own[customer] = period

    def of(self, customer: str | None) -> Period:
        """The period of a customer; unattributed usage (None) has the default one."""
        return self.default if customer is None else self._own.get(customer, self.default)

    @property
    def starts_at(self) -> datetime:
        """The first instant of any of them."""
        return min(period.starts_at for period in (self.default, *self._own.values()))

    @property
    def ends_at(self) -> datetime:
        """The end of the last of them."""
        return max(period.ends_at for period in (self.default, *self._own.values()))

    def _natural(self, customer: str | None, step: int) -> Boundary:
        return natural_start(self.month.plus(step), lambda at: self._contracts.terms(customer, at))

    def _joined(self, customer: str, month: Month, natural: Boundary) -> Boundary:
        """Where a customer's period of a month begins, next to those that are issued."""
        issued = [*self._documents.periods.get(customer, ()), *self._documents.running.get(customer, ())]
        if not issued:
            return natural
        joining = [neighbour.ends_at for neighbour in issued if neighbour.month == month.plus(-1)]
        joining += [neighbour.starts_at for neighbour in issued if neighbour.month == month]
        if joining:
            at = joining[0]
        else:
            at = max([natural.at, *(neighbour.ends_at for neighbour in issued if neighbour.month < month)])
            at = min([at, *(neighbour.starts_at for neighbour in issued if neighbour.month > month)])
        return natural if at == natural.at else Boundary.at_instant(at, self._contracts.terms(customer, at).zone)


@dataclass(frozen=True, slots=True)
class OwnedSegment:
    """Records of one series that stand on one invoice, that of `payer`, as usage of `member`.

    Both are None for what belongs to nobody. `is_late` says that the payer's document of the period was issued
    without them.
    """

    series_id: int
    starts_at: datetime
    ends_at: datetime
    seq_after: int
    seq_upto: int
    payer: str | None
    member: str | None
    is_late: bool = False

    def without(self, gone: Iterable[OwnedSegment]) -> list[OwnedSegment]:
        """What is left of it without others that lie in it, of the same payer and member."""
        left = [self]
        for other in gone:
            if (other.series_id, other.payer, other.member) == (self.series_id, self.payer, self.member):
                left = [piece for segment in left for piece in segment._cut_out(other)]
        return left

    def _cut_out(self, other: OwnedSegment) -> Iterator[OwnedSegment]:
        starts_at, ends_at = max(self.starts_at, other.starts_at), min(self.ends_at, other.ends_at)
        if starts_at >= ends_at or self.seq_after >= other.seq_upto or other.seq_after >= self.seq_upto:
            yield self
            return
        if self.starts_at < starts_at:
            yield replace(self, ends_at=starts_at)
        for after, upto in _without((self.seq_after, self.seq_upto), (other.seq_after, other.seq_upto)):
            yield replace(self, starts_at=starts_at, ends_at=ends_at, seq_after=after, seq_upto=upto)
        if ends_at < self.ends_at:
            yield replace(self, starts_at=ends_at)

    def covered(self) -> CoveredSegment:
        """As a document covers it."""
        member = None if self.member == self.payer else self.member
        return CoveredSegment(self.series_id, self.starts_at, self.ends_at, self.seq_after, self.seq_upto, member)


class Ownership:
    """Whose records are, and on whose invoice of a month they stand."""

    def __init__(self, books: Books, periods: Periods, documents: Documents, seq_max: int) -> None:
        self._books = books
        self.periods = periods
        self._documents = documents
        self._seq_max = seq_max
        self._payers: dict[str, str] = {}
        self._currencies: dict[str, str] = {}
        self._starts_at, self._ends_at = periods.starts_at, periods.ends_at
        self._rule_edges = sorted(books.attribution.rule_edges())
        self._shared = self._cut(self._starts_at, self._ends_at, self._rule_edges)

    def payer(self, customer: str) -> str:
        """Whose invoice of the month a customer's usage stands on: that on which it was issued, or its contract's."""
        if customer not in self._payers:
            issued = self._documents.period(customer, self.periods.month)
            contracts, period = self._books.contracts, self.periods.of(customer)
            payer = contracts.payer(customer, period.last_instant) if issued is None else issued.payer
            self._payers[customer] = payer
        return self._payers[customer]

    def users_of(self, payer: str) -> set[str] | None:
        """The users whose records may stand on a payer's invoice, where none are on documents yet; None for any."""
        of_others = self._books.attribution.users_of_others
        if of_others is None:
            return None
        issued = {customer for customer in self._documents.periods if self.payer(customer) == payer}
        return {payer, *of_others, *self._books.contracts.children, *issued}

    def currency(self, customer: str) -> str:
        """What a customer's invoice of the month is in."""
        if customer not in self._currencies:
            at = self.periods.of(customer).last_instant
            self._currencies[customer] = self._books.contracts.terms(customer, at).currency
        return self._currencies[customer]

    def is_issued(self, payer: str) -> bool:
        """Whether the payer has a live document for the month."""
        issued = self._documents.period(payer, self.periods.month)
        return issued is not None and issued.payer == payer

    def issued_number(self, payer: str) -> str:
        """The number of the payer's live document for the month, empty where it has none."""
        issued = self._documents.period(payer, self.periods.month)
        return "" if issued is None else issued.number

    def attributed(self, series: Series, at: datetime) -> Attributed:
        """The customer of a series at an instant, and what decided it."""
        return self._books.attribution.attribute(
            source=series.source, user=series.user, api_key=series.api_key, at=at, tags=series.tags
        )

    def why(self, series: Series, at: datetime) -> tuple[str | None, str]:
        """The customer of a series at an instant, and in words what decided it."""
        attributed = self.attributed(series, at)
        return attributed.customer, attributed.because

    def segments(self, series: Series) -> list[OwnedSegment]:
        """Where the records of a series stand, in order of time; what no period of the month holds is left out."""
        taken = self._documents.taken.get(series.id, ())
        cuts = self._cuts(series, taken)
        if not taken and len(cuts) == 2:  # one owner throughout, and nothing on documents: what most series have
            return self._inside(series, *cuts)
        owned: list[OwnedSegment] = []
        for starts_at, ends_at in pairwise(cuts):
            owner = self.why(series, starts_at)[0]
            period = self.periods.of(owner)
            for start, end in pairwise(self._cut(starts_at, ends_at, (period.starts_at, period.ends_at))):
                live = [one for one in taken if one.covered.starts_at <= start and end <= one.covered.ends_at]
                is_inside = period.holds(start)
                owned += self._assigned(series.id, start, end, owner if is_inside else None, live, is_inside=is_inside)
        return sorted(_merged(owned), key=lambda segment: (segment.starts_at, segment.seq_after))

    def segments_of_payer(self, series: Iterable[Series], payer: str) -> dict[int, list[OwnedSegment]] | None:
        """The segments on a payer's invoice, by series; None where some records of these series belong to nobody."""
        of_payer: dict[int, list[OwnedSegment]] = {}
        for one in series:
            if one.id not in self._documents.taken and self._cuts(one, ()) is self._shared and len(self._shared) == 2:
                owner = self.attributed(one, self._starts_at).customer
                if owner is not None and self.payer(owner) != payer:
                    continue
            listed = self.segments(one)
            if any(segment.payer is None for segment in listed):
                return None
            of_payer[one.id] = [segment for segment in listed if segment.payer == payer]
        return of_payer

    def _inside(self, series: Series, starts_at: datetime, ends_at: datetime) -> list[OwnedSegment]:
        """The part of a time with one owner that lies in the owner's period."""
        owner = self.why(series, starts_at)[0]
        period = self.periods.of(owner)
        start, end = max(starts_at, period.starts_at), min(ends_at, period.ends_at)
        if start >= end:
            return []
        payer = None if owner is None else self.payer(owner)
        is_late = payer is not None and self.is_issued(payer)
        return [OwnedSegment(series.id, start, end, 0, self._seq_max, payer, owner, is_late=is_late)]

    def _cuts(self, series: Series, taken: Sequence[TakenSegment]) -> list[datetime]:
        bound = self._books.attribution.binding_edges(series.user, series.api_key, series.tags)
        if bound:
            bound = {edge for edge in bound if self._starts_at < edge < self._ends_at}
        if not bound and not taken:
            return self._shared
        edges = {edge for segment in taken for edge in (segment.covered.starts_at, segment.covered.ends_at)}
        return self._cut(self._starts_at, self._ends_at, {*self._rule_edges, *bound, *edges})

    @staticmethod
    def _cut(starts_at: datetime, ends_at: datetime, edges: Iterable[datetime]) -> list[datetime]:
        return [starts_at, *sorted({edge for edge in edges if starts_at < edge < ends_at}), ends_at]

    def _assigned(
        self,
        series_id: int,
        start: datetime,
        end: datetime,
        owner: str | None,
        taken: Sequence[TakenSegment],
        *,
        is_inside: bool,
    ) -> Iterator[OwnedSegment]:
        """A segment in which nothing changes but which sequence numbers are on documents already."""
        free = [(0, self._seq_max)]
        chained: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for segment in taken:
            span = (segment.covered.seq_after, min(segment.covered.seq_upto, self._seq_max))
            free = [piece for numbers in free for piece in _without(numbers, span)]
            if self._is_of_chain(segment):
                chained.setdefault((segment.customer, segment.member), []).append(span)
        payer = None if owner is None else self.payer(owner)
        is_late = payer is not None and self.is_issued(payer)
        if is_inside and payer is not None and owner is not None and not is_late and (payer, owner) in chained:
            chained[payer, owner] += free
            free = []
        for (document, member), spans in sorted(chained.items()):
            for after, upto in _union(spans):
                yield OwnedSegment(series_id, start, end, after, upto, document, member)
        if is_inside:
            for after, upto in free:
                yield OwnedSegment(series_id, start, end, after, upto, payer, owner, is_late=is_late)

    def _is_of_chain(self, taken: TakenSegment) -> bool:
        """Whether a document of the month that is computed goes on from this one, and so covers what it covers."""
        if taken.month != str(self.periods.month):
            return False
        if taken.kind == "period":
            return True
        return self.payer(taken.customer) == taken.customer and self.currency(taken.customer) == taken.currency


def _without(span: tuple[int, int], taken: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """What is left of the numbers (after, upto] without those of another span."""
    pieces = ((span[0], min(span[1], taken[0])), (max(span[0], taken[1]), span[1]))
    return (piece for piece in pieces if piece[0] < piece[1])


def _union(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    union: list[tuple[int, int]] = []
    for after, upto in sorted(spans):
        if union and after <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], upto))
        else:
            union.append((after, upto))
    return union


def _merged(segments: Iterable[OwnedSegment]) -> Iterator[OwnedSegment]:
    """Segments that follow each other in time and agree in everything else, as one."""
    open_: dict[tuple[object, ...], OwnedSegment] = {}
    for segment in segments:
        key = (segment.seq_after, segment.seq_upto, segment.payer, segment.member, segment.is_late)
        before = open_.get(key)
        if before is not None and before.ends_at == segment.starts_at:
            open_[key] = replace(before, ends_at=segment.ends_at)
            continue
        if before is not None:
            yield before
        open_[key] = segment
    yield from open_.values()


def united(segments: Iterable[OwnedSegment]) -> list[OwnedSegment]:
    """The same records in as few segments as there can be: numbers that join become one, and then stretches of time."""
    by_owner: dict[tuple[Any, ...], list[OwnedSegment]] = {}
    for segment in segments:
        by_owner.setdefault((segment.series_id, segment.payer, segment.member), []).append(segment)
    whole: list[OwnedSegment] = []
    for _, listed in sorted(by_owner.items(), key=lambda item: [str(part).encode() for part in item[0]]):
        edges = sorted({edge for segment in listed for edge in (segment.starts_at, segment.ends_at)})
        pieces = [
            replace(listed[0], starts_at=start, ends_at=end, seq_after=after, seq_upto=upto, is_late=False)
            for start, end in pairwise(edges)
            for after, upto in _union(
                (one.seq_after, one.seq_upto) for one in listed if one.starts_at <= start and end <= one.ends_at
            )
        ]
        whole += _merged(pieces)
    return whole


def covering(segments: Sequence[OwnedSegment], at: datetime) -> OwnedSegment | None:
    """The segment that holds an instant, of those of one series that do not overlap in time, in order of time."""
    index = bisect_right(segments, at, key=lambda segment: segment.starts_at) - 1
    return segments[index] if index >= 0 and at < segments[index].ends_at else None
