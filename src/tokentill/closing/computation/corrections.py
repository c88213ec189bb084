"""Corrections of closed months: who has one due, and what it comes to. Nothing is written here.

A month is looked at only as far as something changed in it since its customers' last documents: records that came late
or were withdrawn, bindings, and recordings that ask for closed periods. Each customer's period is then computed as it
was invoiced and with one change of fact after the other (see `invoicing.corrections`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection

from tokentill.canonical import Content, content_hash
from tokentill.closing.computation.late_usage import LateMonths
from tokentill.closing.computation.month_usage import MonthUsage, Placed, usage_of_placed
from tokentill.closing.computation.payers import (
    add_members_with_charges,
    carried_to_payers,
    invoices_of_payers,
    rating_context,
)
from tokentill.closing.computation.pins import Inputs, pinned_inputs
from tokentill.errors import ensure
from tokentill.invoicing.carried import Carried
from tokentill.invoicing.corrections import Adjustment, Cause, Corrects, Whole, adjustment_of, drawn_by
from tokentill.invoicing.coverage import (
    CoveredSegment,
    Documents,
    OwnedSegment,
    Ownership,
    Periods,
    TakenSegment,
    united,
)
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.obstacles import Obstacle
from tokentill.invoicing.periods import Month, Period
from tokentill.invoicing.rating_groups import Books
from tokentill.store.issued.corrections import (
    BilledSoFar,
    PeriodDocument,
    counts_within,
    covered_of,
    invoiced_of,
    period_documents,
    withdrawn_after,
)
from tokentill.store.issued.documents import StoredCorrection, documents_around, issued_extents, taken_within
from tokentill.store.issued.invoices import closings
from tokentill.store.issued.ledger import carried_by_customer, taken_off
from tokentill.store.issued.manual_lines import manual_by_customer
from tokentill.store.recordings import recordings_of
from tokentill.store.usage.usage_rows import month_number, series_by_id, series_of_months
from tokentill.store.usage.withdrawals import Counting
from tokentill.usage.aggregates import Series
from tokentill.usage.keys import KeyBinding


@dataclass(frozen=True, slots=True)
class Correction:
    """What is due of one payer's closed period. `adjustment` is None where it cannot be computed, and `failed` says
    why; `obstacles` keep it from being billed.

    `covered` is all that its documents cover now; `takes_from` are payers that give usage up to it, and
    `gives_to` those to whose issued periods usage goes from it; `left_minor` is what credit notes have left of the
    document.
    """

    payer: str
    period: Period
    document: PeriodDocument
    adjustment: Adjustment | None
    covered: tuple[CoveredSegment, ...] = ()
    takes_from: frozenset[str] = frozenset()
    gives_to: frozenset[str] = frozenset()
    left_minor: int = 0
    obstacles: tuple[Obstacle, ...] = ()
    failed: str | None = None

    def stored(self) -> StoredCorrection:
        """As it is kept with the document that bills it."""
        ensure(self.adjustment is not None, "a correction that cannot be computed is not stored")
        billed = self.adjustment.billed  # type: ignore[union-attr]
        return StoredCorrection(
            corrects_id=self.document.id,
            period=self.document.period,
            customer=self.payer,
            currency=billed.currency,
            net_minor=billed.net_minor,
            tax_minor=billed.tax_minor,
        )


class Move(NamedTuple):
    """Usage on a document that belongs to somebody else by now: to nobody where `owner` is None.

    `payer` and `month` say on which issued period it is to stand, None where none was issued.
    """

    segment: OwnedSegment
    from_month: Month
    owner: str | None
    payer: str | None
    month: Month | None


def corrections_due(
    connection: Connection,
    upto: Month,
    inputs: Inputs,
    books: Books,
    late_months: LateMonths,
    seq_max: int,
    position: int,
) -> dict[str, list[Correction]]:
    """The corrections of all closed periods up to a month, by payer and in order of time.

    Args:
        books: those of `inputs`, the newest.
        late_months: closed months with usage that is on no document (see `late_usage.late_months`).
        position: of the log of documents.
    """
    known = _Known(connection, inputs, books, dict(late_months), seq_max, position)
    if not known.may_have_changed:
        return {}
    months = [_ClosedMonth(known, month) for month in sorted(known.extents)]
    moves = [move for month in months for move in month.moves]
    months = [month for month in months if month.month <= upto]
    for month in months:
        month.look_again(moves)
    by_payer: dict[str, list[Correction]] = {}
    for month in months:
        for correction in month.corrections(moves):
            by_payer.setdefault(correction.payer, []).append(correction)
            known.keep(correction)
    return by_payer


class ComputedStage(NamedTuple):
    """Periods after one change of fact more: by payer the invoice that would bill it, with what it was computed from.

    `cause` is None for the period as it was invoiced.
    """

    cause: Cause | None
    books: Books
    placed: Sequence[Placed]
    invoices: Mapping[str, Invoice]
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CorrectedPeriod:
    """One payer's closed period as a document corrected it: stage by stage, with the usage that came from other
    customers' documents and that went from it. `credits` are what grants had paid of it by then, in minor units.
    """

    document: PeriodDocument
    stages: tuple[ComputedStage, ...]
    coming: tuple[Move, ...]
    going: tuple[Move, ...]
    credits: Mapping[str, int]


def corrected_period(
    connection: Connection,
    inputs: Inputs,
    books: Books,
    late_months: LateMonths,
    seq_max: int,
    month: Month,
    payer: str,
    upto: Month,
) -> CorrectedPeriod | None:
    """What a document at these inputs corrected a payer's period by; None where it had no document of it then.

    Args:
        upto: the month up to which the document corrects.
    """
    known = _Known(connection, inputs, books, dict(late_months), seq_max, inputs.position)
    months = [_ClosedMonth(known, one) for one in sorted(known.extents)]
    closed = next((one for one in months if one.month == month), None)
    if closed is None or payer not in closed.ended:
        return None
    moves = [move for one in months for move in one.moves]
    for one in months:
        if one.month <= upto:
            one.look_again(moves)
    for one in months:
        if one.month < month and payer in one.touched:
            for correction in one.batch([payer], moves).corrections():
                known.keep(correction)
    batch = closed.batch([payer], moves)
    invoiced = invoiced_of(connection, [closed.ended[payer]], known.position)
    stages = tuple(batch.computed_stages(invoiced))
    paid = batch.taken_off("credit")[payer]
    return CorrectedPeriod(closed.ended[payer], stages, tuple(batch.coming), tuple(batch.going), paid)


class _Known:
    """Everything that corrections of all months are computed from."""

    def __init__(
        self,
        connection: Connection,
        inputs: Inputs,
        books: Books,
        late: Mapping[Month, MonthUsage],
        seq_max: int,
        position: int,
    ) -> None:
        self.connection, self.inputs, self.books = connection, inputs, books
        self.late, self.seq_max, self.position = late, seq_max, position
        self.extents = issued_extents(connection, position)
        self.closings = closings(connection)
        closed = [self.closings[month].first_seq for month in self.extents if month in self.closings]
        first_seq = min(closed, default=0)
        self.withdrawn = withdrawn_after(connection, first_seq, seq_max) if self.extents else {}
        self.adjusted: dict[str, list[Adjustment]] = {}  # of earlier months; a term is drawn by one after the other
        self.together: dict[str, set[str]] = {}  # by payer, periods that are looked at again for one invoice
        self._inputs: dict[tuple[str, str], Inputs] = {}
        self._books: dict[tuple[Any, ...], Books] = {}

    def keep(self, correction: Correction) -> None:
        """Keep what a correction comes to for those of later months."""
        if correction.adjustment is not None:
            self.adjusted.setdefault(correction.payer, []).append(correction.adjustment)

    def later_together(self, payer: str, period: str) -> set[str]:
        """The later periods of a payer that are looked at again with one, and go on the same invoice."""
        together = self.together.get(payer, set())
        return {one for one in together if one > period} if period in together else set()

    def bound_upto(self, month: Month) -> tuple[int, int]:
        """Up to which number bindings of users, and those of keys, were known to everybody who closed a month."""
        sets = recordings_of(self.connection, self.closings[month].contract_sets) if month in self.closings else ()
        users = [0 if isinstance(one["bindings"], list) else one["bindings"]["upto"] for one in sets]
        keys = [one["keys"]["upto"] if "keys" in one else 0 for one in sets]
        return min(users, default=0), min(keys, default=0)

    @property
    def may_have_changed(self) -> bool:
        """Whether there is anything that could ask for a correction."""
        asks = self.inputs.bindings or self.inputs.keys or self.inputs.asks_for_closed
        return bool(self.extents) and bool(self.late or self.withdrawn or asks)

    def inputs_at(self, pins: Content) -> Inputs:
        """The inputs that were pinned."""
        key = (pins["a"], pins["b"])
        if key not in self._inputs:
            self._inputs[key] = pinned_inputs(self.connection, pins)
        return self._inputs[key]

    def books_of(self, inputs: Inputs) -> Books:
        """The books of inputs, made once."""
        key = (content_hash(inputs.price_set), content_hash(inputs.contract_set))
        if key not in self._books:
            self._books[key] = inputs.books()
        return self._books[key]


@dataclass(frozen=True, slots=True)
class _CorrectionBasis:
    """With what periods were invoiced that are corrected together, and with what they are corrected: documents of the
    same pins that were looked at last at the same pins. `seq` is up to which records they were looked at.
    """

    before: Inputs
    after: Inputs
    seq: int
    version: int
    manual: int

    @classmethod
    def of(cls, known: _Known, document: PeriodDocument) -> _CorrectionBasis:
        """That of a document."""
        own, last = known.inputs_at(document.pins), known.inputs_at(document.looked_at)
        before = own.corrected_by(last)
        own_pins = document.pins
        after = before.corrected_by(known.inputs)
        return cls(before, after, document.looked_at["s"], own_pins["f"], own_pins.get("m", 0))

    @property
    def key(self) -> tuple[Any, ...]:
        """What documents of the same basis have in common."""
        sets = (self.before.price_set, self.before.contract_set, self.after.price_set, self.after.contract_set)
        return (*map(content_hash, sets), self.seq, self.version, self.manual)

    @property
    def asks(self) -> bool:
        """Whether recordings came since that ask for closed periods."""
        return self.before.asking_hashes != self.after.asking_hashes


class _ClosedMonth:
    """One closed month, and what changed in it."""

    def __init__(self, known: _Known, month: Month) -> None:
        self.known, self.month = known, month
        self.starts_at, self.ends_at = known.extents[month]
        self.touched: set[str] = set()

    @cached_property
    def documents(self) -> Documents:
        """The documents around the month."""
        return documents_around(self.known.connection, self.month, self.known.position)

    @cached_property
    def periods(self) -> Periods:
        """The periods of the month, as they were issued."""
        return Periods(self.month, self.known.books, self.documents)

    @cached_property
    def ownership(self) -> Ownership:
        """Whose invoice of the month a customer's usage stands on."""
        return Ownership(self.known.books, self.periods, self.documents, self.known.seq_max)

    @cached_property
    def ended(self) -> dict[str, PeriodDocument]:
        """The document that ended the month of each payer."""
        return period_documents(self.known.connection, self.month, self.known.position)

    @cached_property
    def bases(self) -> dict[str, _CorrectionBasis]:
        """The basis of each payer's document."""
        made: dict[tuple[Any, ...], _CorrectionBasis] = {}
        bases = {}
        for payer, document in self.ended.items():
            key = tuple(str(pins.get(name)) for pins in (document.pins, document.looked_at) for name in "abfms")
            if key not in made:
                made[key] = _CorrectionBasis.of(self.known, document)
            bases[payer] = made[key]
        return bases

    @cached_property
    def moves(self) -> list[Move]:
        """Usage on documents of the month that is somebody else's since bindings or rules came that act on it."""
        users, keys = self._bound_since
        rules_ask = any(content["kind"] == "attribution" for content in self.known.inputs.asking)
        if not (users or keys or rules_ask):
            return []
        first, last = month_number(self.starts_at), month_number(self.ends_at)
        bindings_of = self.known.books.attribution.bindings_of
        series = {
            id_: one
            for id_, one in series_of_months(self.known.connection, first, last).items()
            if rules_ask
            or one.user in users
            or (keys and not keys.isdisjoint(bindings_of(None, one.api_key, one.tags)))
        }
        taken = taken_within(self.known.connection, self.starts_at, self.ends_at, self.known.position, series)
        moves: list[Move] = []
        for id_, listed in sorted(taken.items()):
            for one in listed:
                basis = self.bases.get(one.customer)
                if basis is not None and (one.month, one.kind) == (str(self.month), "period"):
                    moves += self._moved(series[id_], one, basis)
        # Where no record lies nothing moves; none will come, for its number is above all that documents cover.
        return [move for move in moves if counts_within(self.known.connection, move.segment, self.known.seq_max)]

    @property
    def _bound_since(self) -> tuple[set[str], set[KeyBinding]]:
        """The users that were bound since the month was closed, and the bindings of keys, as far as they act on it."""
        inputs = self.known.inputs
        users = [binding for binding in inputs.bindings if binding.valid_from < self.ends_at]
        keys = [binding for binding in inputs.keys if binding.valid_from < self.ends_at]
        if not (users or keys):
            return set(), set()
        users_upto, keys_upto = self.known.bound_upto(self.month)
        return {one.user for one in users if one.seq > users_upto}, {one for one in keys if one.seq > keys_upto}

    def _moved(self, series: Series, taken: TakenSegment, basis: _CorrectionBasis) -> Iterator[Move]:
        covered = taken.covered
        before, after = (self.known.books_of(one).attribution for one in (basis.before, basis.after))
        edges = after.rule_edges() | after.binding_edges(series.user, series.api_key, series.tags)
        inside = sorted(edge for edge in edges if covered.starts_at < edge < covered.ends_at)
        party: dict[str, Any] = {name: getattr(series, name) for name in ("source", "user", "api_key", "tags")}
        for starts_at, ends_at in pairwise([covered.starts_at, *inside, covered.ends_at]):
            was, owner = (one.attribute(**party, at=starts_at).customer for one in (before, after))
            if owner in (was, taken.member):
                continue
            numbers = (covered.seq_after, covered.seq_upto)
            issued = () if owner is None else self.documents.periods.get(owner, ())
            bounds = {edge for one in issued for edge in (one.starts_at, one.ends_at) if starts_at < edge < ends_at}
            for first, end in pairwise([starts_at, *sorted(bounds), ends_at]):
                payer, month = self._issued_for(owner, first)
                segment = OwnedSegment(series.id, first, end, *numbers, taken.customer, taken.member)
                yield Move(segment, self.month, owner, payer, month)

    def _issued_for(self, owner: str | None, at: datetime) -> tuple[str | None, Month | None]:
        """Whose issued period holds an instant of a customer's, and of which month."""
        for issued in () if owner is None else self.documents.periods.get(owner, ()):
            if issued.starts_at <= at < issued.ends_at:
                return issued.payer, issued.month
        return None, None

    def look_again(self, moves: Sequence[Move]) -> None:
        """See whose periods of the month may have changed, before any of them is corrected."""
        touched = {payer for payer, _ in self._late}
        touched |= {move.payer for move in moves if move.month == self.month and move.payer is not None}
        going = (move.segment.payer for move in moves if move.from_month == self.month)
        touched |= {payer for payer in going if payer is not None}
        touched |= self._withdrawn_from()
        if self.known.inputs.asks_for_closed:
            touched |= {payer for payer, basis in self.bases.items() if basis.asks}
        self.touched = touched & self.ended.keys()
        for payer in self.touched:
            terms = self.known.books.contracts.invoice_terms(payer, self.periods.of(payer).last_instant)
            if terms.adjustments != "credit-note":
                self.known.together.setdefault(payer, set()).add(str(self.month))

    def corrections(self, moves: Sequence[Move]) -> Iterator[Correction]:
        """What is due of the month, in bytewise order of payers."""
        together: dict[tuple[Any, ...], list[str]] = {}
        for payer in sorted(self.touched, key=str.encode):
            together.setdefault(self.bases[payer].key, []).append(payer)
        found: list[Correction] = []
        for payers in together.values():
            found += self.batch(payers, moves).corrections()
        yield from sorted(found, key=lambda one: one.payer.encode())

    @property
    def _late(self) -> Mapping[tuple[str, str], Iterable[OwnedSegment]]:
        """What of the month is on no document."""
        late = self.known.late.get(self.month)
        return {} if late is None else late.late

    def batch(self, payers: Sequence[str], moves: Sequence[Move]) -> _Batch:
        """Payers of the same basis, with the usage that comes and goes."""
        coming = [move for move in moves if move.month == self.month]
        going = [move for move in moves if move.from_month == self.month]
        return _Batch(self, payers, self._late, coming, going)

    def _withdrawn_from(self) -> set[str]:
        """The payers from whose documents of the month usage may have been withdrawn since they were looked at."""
        within = {
            id_: one
            for id_, one in self.known.withdrawn.items()
            if one.last_at >= self.starts_at and one.first_at < self.ends_at
        }
        if not within:
            return set()
        taken = taken_within(self.known.connection, self.starts_at, self.ends_at, self.known.position, within)
        return {
            one.customer
            for id_, listed in taken.items()
            for one in listed
            if one.customer in self.bases and within[id_].seq > self.bases[one.customer].seq
        }


class _Batch:
    """Payers whose periods of a month are corrected on one basis."""

    def __init__(
        self,
        month: _ClosedMonth,
        payers: Sequence[str],
        late: Mapping[tuple[str, str], Iterable[OwnedSegment]],
        coming: Iterable[Move],
        going: Iterable[Move],
    ) -> None:
        self.month, self.payers, self.basis = month, payers, month.bases[payers[0]]
        self.known = month.known
        chosen = frozenset(payers)
        covered = covered_of(self.known.connection, month.month, payers, self.known.position)
        self.covered = [
            OwnedSegment(one.series_id, one.starts_at, one.ends_at, one.seq_after, one.seq_upto, payer, member)
            for payer, listed in covered.items()
            for one in listed
            for member in [payer if one.member is None else one.member]
        ]
        self.free = [
            replace(segment, is_late=False)
            for (payer, _), segments in sorted(late.items())
            if payer in chosen
            for segment in segments
        ]
        self.coming = [move for move in coming if move.payer in chosen]
        self.going = [move for move in going if move.segment.payer in chosen]
        series = {segment.series_id for segment in (*self.covered, *self.free)}
        series |= {move.segment.series_id for move in self.coming}
        self.series = series_by_id(self.known.connection, series)

    def corrections(self) -> list[Correction]:
        """The corrections of those for whom something is different."""
        known, month = self.known, self.month
        documents = [month.ended[payer] for payer in self.payers]
        invoiced = invoiced_of(known.connection, documents, known.position)
        stages: dict[str, list[tuple[Cause, Whole]]] = {payer: [] for payer in self.payers}
        before: Mapping[str, Invoice] = {}
        last: Mapping[str, Invoice] = {}
        failed: dict[str, str] = {}
        for stage in self.computed_stages(invoiced):
            last = stage.invoices
            failed |= stage.failed
            if stage.cause is None:
                before = last
                continue
            for payer, invoice in last.items():
                stages[payer].append((stage.cause, invoice.whole()))
        covered, paid = _by_payer(united(self._covered_now())), self.taken_off("credit")
        corrections = []
        for payer in self.payers:
            document, own = month.ended[payer], covered.get(payer, [])
            shared = (payer, month.periods.of(payer), document)
            reason = failed.get(payer) or self._unlike(document, before.get(payer), last.get(payer), invoiced[payer])
            if reason is not None:
                corrections.append(Correction(*shared, None, failed=reason))
                continue
            billed = replace(before[payer].whole(), credits=paid[payer])
            adjustment = adjustment_of(Corrects(document.period, document.number), billed, stages[payer])
            if adjustment.lines or adjustment.total_minor or self._changes(payer):
                corrections.append(
                    Correction(
                        *shared,
                        adjustment,
                        tuple(segment.covered() for segment in own),
                        _others(payer, (move.segment.payer for move in self.coming if move.payer == payer)),
                        _others(payer, (move.payer for move in self.going if move.segment.payer == payer)),
                        invoiced[payer].left_minor,
                        last[payer].obstacles,
                    )
                )
        return corrections

    def computed_stages(self, invoiced: Mapping[str, BilledSoFar]) -> Iterator[ComputedStage]:
        """The periods as they were invoiced, then with one change of fact more each."""
        carried, before = self._carried(invoiced), self.known.books_of(self.basis.before)
        then = self._covered_then()
        coupons = self.taken_off("coupon")
        as_invoiced = {payer: replace(one, coupons_used=frozenset(coupons[payer])) for payer, one in carried.items()}
        yield ComputedStage(None, before, then, *self._computed(then, before, as_invoiced))
        for cause, books, placed in self._stages():
            yield ComputedStage(cause, books, placed, *self._computed(placed, books, carried))

    def taken_off(self, kind: Literal["coupon", "credit"]) -> dict[str, dict[str, int]]:
        """What coupons took off the periods as they were invoiced, or grants paid of them."""
        return taken_off(self.known.connection, kind, str(self.month.month), self.payers, self.known.position)

    def _changes(self, payer: str) -> bool:
        """Whether other records stand on the payer's documents than before, whatever they come to."""
        moved = any(payer in (move.payer, move.segment.payer) for move in (*self.coming, *self.going))
        return moved or any(segment.payer == payer for segment in self.free)

    def _unlike(
        self, document: PeriodDocument, before: Invoice | None, after: Invoice | None, invoiced: BilledSoFar
    ) -> str | None:
        """Why a period cannot be corrected, or None."""
        if before is None or after is None:
            return f"its period {document.period} cannot be computed again"
        if before.currency != after.currency:
            return (
                f"its contract is in {after.currency} now, and {document.number} is in {before.currency}; make it void"
                f" and issue it anew: `tokentill invoices void {document.number} --reason TEXT --reissue`"
            )
        if (before.net_minor, before.tax_minor) != (invoiced.net_minor, invoiced.tax_minor):
            return (
                f"its period {document.period} comes to another amount than was invoiced when it is computed again;"
                " run `tokentill verify`"
            )
        return None

    def _carried(self, invoiced: Mapping[str, BilledSoFar]) -> dict[str, Carried]:
        """What each document was made with; but what other periods used up of coupons, credits and commitments is as it
        is now, so that nothing is used twice. Later periods that are looked at again on the same invoice get of coupons
        what this one leaves.
        """
        known, month = self.known, self.month

        def coupons(payer: str, used: Mapping[tuple[str, str], int]) -> Mapping[tuple[str, str], int]:
            later = known.later_together(payer, str(month.month))
            return {key: off for key, off in used.items() if key[1] not in later}

        made_with = carried_to_payers(
            known.connection,
            month.periods,
            month.documents,
            month.ownership,
            self.payers,
            known.position,
            known.books_of(self.basis.before).contracts,
        )
        now = carried_by_customer(known.connection, str(month.month), position=known.position, customers=self.payers)
        return {
            payer: replace(
                carried,
                coupons=coupons(payer, now[payer].coupons) if payer in now else carried.coupons,
                credits=now[payer].credits if payer in now else carried.credits,
                over_months=now[payer].over_months if payer in now else carried.over_months,
                adjusted_minor=invoiced[payer].adjusted_minor,
            ).with_drawn(drawn_by(known.adjusted.get(payer, ())))
            for payer, carried in made_with.items()
        }

    def _computed(
        self, placed: Sequence[Placed], books: Books, carried: Mapping[str, Carried]
    ) -> tuple[dict[str, Invoice], dict[str, str]]:
        known, month = self.known, self.month
        ownership = Ownership(books, month.periods, month.documents, known.seq_max)
        usage = usage_of_placed(known.connection, books, ownership, placed, self.series, known.seq_max)
        manual = manual_by_customer(known.connection, month.month, self.basis.manual)
        add_members_with_charges(usage, books, manual)
        return invoices_of_payers(
            known.connection,
            self.payers,
            usage,
            month.periods,
            rating_context(books, self.basis.version),
            carried,
            version=self.basis.version,
            manual=manual,
        )

    def _covered_then(self) -> list[Placed]:
        counting = Counting(self.basis.seq, self.basis.seq, self.basis.seq)
        return [Placed(segment, counting) for segment in self.covered]

    def _stages(self) -> Iterator[tuple[Cause, Books, Sequence[Placed]]]:
        """The changes of fact one after the other, those that there may be."""
        known, basis, seq = self.known, self.basis, self.basis.seq
        now = Counting(known.seq_max, known.seq_max, known.seq_max)
        books = known.books_of(basis.before)
        came = [replace(one, seq_after=max(one.seq_after, seq)) for one in self.free if one.seq_upto > seq]
        if came:
            then = Counting(seq, seq, known.seq_max)
            first = now._replace(is_first=True)
            yield "late", books, [*_placed(self.covered, then), *_placed(came, first)]
        if came or known.withdrawn:
            revised = Counting(known.seq_max, seq, known.seq_max)
            yield "revision", books, [*_placed(self.covered, revised), *_placed(came, now)]
            yield "retraction", books, [*_placed(self.covered, now), *_placed(came, now)]
        all_now = _placed(self._covered_now(), now)
        if self.coming or self.going or len(came) != len(self.free) or came != self.free:
            yield "attribution", books, all_now
        prices = known.books_of(replace(basis.before, prices=basis.after.prices, beneath=basis.after.beneath))
        if prices is not books:
            yield "price", prices, all_now
        contracts = known.books_of(basis.after)
        if contracts is not prices:
            yield "contract", contracts, all_now

    def _covered_now(self) -> list[OwnedSegment]:
        """What stands on documents of the month now: without what went, with what came."""
        gone = [move.segment for move in self.going]
        kept = [piece for segment in self.covered for piece in segment.without(gone)]
        came = [replace(move.segment, payer=move.payer, member=move.owner) for move in self.coming]
        return [*kept, *self.free, *came]


def _others(payer: str, payers: Iterable[str | None]) -> frozenset[str]:
    return frozenset(other for other in payers if other is not None and other != payer)


def _placed(segments: Iterable[OwnedSegment], counting: Counting) -> list[Placed]:
    return [Placed(segment, counting) for segment in segments]


def _by_payer(segments: Iterable[OwnedSegment]) -> dict[str, list[OwnedSegment]]:
    by_payer: dict[str, list[OwnedSegment]] = {}
    for segment in segments:
        by_payer.setdefault(segment.payer or "", []).append(segment)
    return by_payer
