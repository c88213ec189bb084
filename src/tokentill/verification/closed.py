"""A closed month as it is looked at again at later pins: what of its usage is another customer's by now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from tokentill.clock import from_micros, to_micros
from tokentill.verification.months import MonthAt
from tokentill.verification.rows.documents import Header, Rows, Taken
from tokentill.verification.terms.books import team_named
from tokentill.verification.terms.keys import CannotVerify, Table
from tokentill.verification.terms.periods import Rectangle, month_of

CORRECTS_SINCE = 4
"""The first version of the calculation whose documents correct closed months."""

Piece = tuple[Taken, int, int, str | None, bool]
"""What a document covers, from one instant to another; whose it is by now, and whether it is somebody else's."""


class ClosedMonth:
    """A closed month at later pins, for all documents that were computed at them."""

    def __init__(self, rows: Rows, period: str, pins: Table, position: int) -> None:
        self._rows, self.pins = rows, pins
        self.at = MonthAt(rows, period, rows.written.books(pins), position)
        self._looked: dict[int, Table] = {}
        self._learned: dict[int, dict[str, set[int]]] = {}

    @cached_property
    def documents(self) -> dict[tuple[str, str], Header]:
        """The live document of each customer's period."""
        headers = (self._rows.headers[id_] for id_ in sorted(self.at.live))
        return {(one.customer, one.period): one for one in headers if one.kind == "period"}

    def document(self, customer: str) -> Header:
        """The live document of a customer's period of the month.

        Raises:
            CannotVerify: when there is none.
        """
        found = self.documents.get((customer, self.at.period))
        if found is None:
            raise CannotVerify(f"it corrects {self.at.period} of {customer!r}, which has no live document")
        return found

    def looked_at(self, document: Header) -> Table:
        """The pins at which the period of a document was looked at last before."""
        if document.id not in self._looked:
            looking = [
                one
                for one in self.documents.values()
                if one.customer == document.customer and one.period > document.period
            ]
            listed = self._rows.corrections.get((document.customer, document.period), ())
            looking += [one.document for one in listed if one.document.id in self.at.live]
            pins = [document.pins, *(one.pins for one in looking if one.pins["f"] >= CORRECTS_SINCE)]
            self._looked[document.id] = max(pins, key=lambda one: (one.get("l", -1), one["s"]))
        return self._looked[document.id]

    def may_change(self, document: Header) -> set[str]:
        """The causes that may have changed something of a document's period since it was looked at last."""
        looked, customer = self.looked_at(document), document.customer
        if looked["s"] not in self._learned:
            bounds = (self.at.starts_at, self.at.ends_at)
            self._learned[looked["s"]] = self._rows.learned(looked["s"], self.pins["s"], *bounds)
        own = self.at.of_payer.get(customer, set()) | self.series_of(customer) | self.series_then(customer)
        causes = {cause for cause, series in self._learned[looked["s"]].items() if series & own}
        causes |= {"attribution"} | ({"late"} if "waiver" in causes else set())
        then, now = (self._rows.written.agreed(pins) for pins in (looked, self.pins))
        return causes | {
            cause for cause, one, other in zip(("price", "contract"), then, now, strict=True) if one != other
        }

    @cached_property
    def pieces(self) -> dict[int, list[Piece]]:
        """What whole periods' documents cover, cut where it goes to somebody else; what interim invoices of theirs
        cover is in it.
        """
        return {
            id_: [piece for one in listed for piece in self._pieces(id_, one)] for id_, listed in self.at.taken.items()
        }

    def _pieces(self, id_: int, one: Taken) -> Iterator[Piece]:
        document, series = self.documents.get((one.customer, one.period)), self.at.series.get(id_)
        if document is None or series is None or (one.kind == "interim" and one.currency != document.currency):
            yield (one, one.starts_at, one.ends_at, one.member, False)
            return
        if one.kind == "interim":
            return
        looked = self.looked_at(document)
        if looked["b"] == self.pins["b"]:
            yield (one, one.starts_at, one.ends_at, one.member, False)
            return
        before, after = (
            self._rows.written.books(document.pins, looked),
            self._rows.written.books(document.pins, self.pins),
        )
        party = (series["source"], series["user"], series["api_key"], team_named(series["tags"]))
        edges = {to_micros(edge) for books in (before, after) for edge in books.owner_edges(series["user"])}
        edges |= {
            to_micros(edge)
            for listed in self.at.calendar.issued.values()
            for issued in listed
            if issued.month == self.at.calendar.month
            for edge in (issued.starts_at, issued.ends_at)
        }
        starts = [one.starts_at, *sorted(edge for edge in edges if one.starts_at < edge < one.ends_at)]
        for starts_at, ends_at in zip(starts, [*starts[1:], one.ends_at], strict=True):
            was, owner = (books.owner(*party, from_micros(starts_at)) for books in (before, after))
            is_moved = owner not in (was, one.member)
            yield one, starts_at, ends_at, owner if is_moved else one.member, is_moved

    def rectangles(self, customer: str, id_: int) -> list[Rectangle]:
        """What documents cover of a series, with what of it stands on those of a customer's period now."""
        return [self._rectangle(customer, piece) for piece in self.pieces.get(id_, ())]

    def rectangles_then(self, customer: str, id_: int, seq: int) -> list[Rectangle]:
        """What documents cover of a series, as it was looked at before: nothing had moved, and what nobody had of the
        records up to `seq` stood on no document."""
        of_chain = (customer, self.at.period, "period")
        listed = [
            Rectangle(starts_at, ends_at, one.after, one.upto, one.member, one.document.number, of_chain == own)
            for one, starts_at, ends_at, _, _ in self.pieces.get(id_, ())
            for own in [(one.customer, one.period, one.kind)]
        ]
        return [*listed, Rectangle(self.at.starts_at, self.at.ends_at, 0, seq, "")]

    def series_then(self, customer: str) -> set[int]:
        """The series of which something stood on documents of a customer's period before."""
        return self._then.get(customer, set())

    def series_of(self, customer: str) -> set[int]:
        """The series of which something stands on them now."""
        return self._now.get(customer, set())

    @cached_property
    def _then(self) -> dict[str, set[int]]:
        return self._series_by(lambda piece: self._covered_by(piece[0]))

    @cached_property
    def _now(self) -> dict[str, set[int]]:
        return self._series_by(self._stands_on)

    def _series_by(self, customer_of: Callable[[Piece], str | None]) -> dict[str, set[int]]:
        listed: dict[str, set[int]] = {}
        for id_, pieces in self.pieces.items():
            for customer in map(customer_of, pieces):
                if customer is not None:
                    listed.setdefault(customer, set()).add(id_)
        return listed

    def _covered_by(self, one: Taken) -> str | None:
        """The customer of the month on whose whole period's documents usage stands."""
        return one.customer if (one.period, one.kind) == (self.at.period, "period") else None

    def _rectangle(self, customer: str, piece: Piece) -> Rectangle:
        one, starts_at, ends_at, owner, _ = piece
        is_on = self._stands_on(piece) == customer
        member = owner if is_on and owner is not None else one.member
        return Rectangle(starts_at, ends_at, one.after, one.upto, member, one.document.number, is_on)

    def _stands_on(self, piece: Piece) -> str | None:
        """On whose documents of the month usage stands now."""
        one, starts_at, _, owner, is_moved = piece
        if not is_moved:
            return self._covered_by(one)
        at = from_micros(starts_at)
        held = () if owner is None else self.at.calendar.issued.get(owner, ())
        return next(
            (
                issued.payer
                for issued in held
                if issued.payer is not None
                and issued.month == month_of(self.at.period)
                and issued.starts_at <= at < issued.ends_at
            ),
            None,
        )
