"""The content of a document, worked out from raw rows and compared with what is stored, figure by figure.

Trusts the rows of `usage`, `series`, `withdrawal`, `binding`, `manual_line` and `recording` (each is checked against
digests, hashes or the audit log by `store.consistency`), the log of documents and the ledger; nothing of a document
itself but its pins, and what it says that it corrects, which `corrections` holds against the corrected period. Shares
no code with what computed it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from sqlalchemy import Connection

from tokentill.canonical import canonical_bytes
from tokentill.clock import to_micros
from tokentill.verification.billing import Billing
from tokentill.verification.comparing import absent_keys, differences, with_all_keys
from tokentill.verification.corrections import Corrections
from tokentill.verification.months import MonthAt, rectangle
from tokentill.verification.rating.tally import Counting, Tally
from tokentill.verification.rows.documents import Header, Rows
from tokentill.verification.terms.keys import CannotVerify, Table
from tokentill.verification.terms.periods import Rectangle

DIFFERENCES_MAX = 5
"""So many differences of one document are named."""
KINDS = ("period", "interim", "credit-note")
FIRST_FORM_UPTO = 3
"""Up to this version of the calculation, documents did not say which form they have."""


def verify_documents(connection: Connection, numbers: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """Work documents out again: the number of each, and what is wrong with it (None: nothing)."""
    rows = Rows(connection)
    runs: dict[tuple[str, bytes, int], list[Header]] = {}
    for header in rows.headers.values():
        if header.number in numbers:
            runs.setdefault((header.period, canonical_bytes(header.pins), header.position), []).append(header)
    corrections = Corrections(rows)
    for listed in runs.values():
        run = Run(rows, listed[0], corrections)
        for header in listed:
            try:
                faults = list(run.faults(header))
            except (
                ValueError,
                LookupError,
                ArithmeticError,
                TypeError,
            ) as error:  # rows changed by hand may be anything
                faults = [_why(error)]
            yield header.number, _told(faults)


def _told(faults: Sequence[str]) -> str | None:
    """Some of the faults, the first of each line and figure, and how many more there are."""
    firsts: dict[str, str] = {}
    for fault in faults:
        firsts.setdefault(fault.partition(" is ")[0].partition(",")[0], fault)
    shown = list(firsts.values())[:DIFFERENCES_MAX]
    left = len(faults) - len(shown)
    more = [f"and {left:,} more {'difference' if left == 1 else 'differences'}"] if left else []
    return "; ".join([*shown, *more]) or None


def _why(error: Exception) -> str:
    is_said = isinstance(error, CannotVerify)
    return f"it cannot be worked out again: {error if is_said else f'{type(error).__name__}: {error}'}"


class Run:
    """One month at one set of pins, for all documents of it that were computed at them."""

    def __init__(self, rows: Rows, first: Header, corrections: Corrections) -> None:
        self._rows, self._first, self._corrections = rows, first, corrections
        self._pins = first.pins

    @cached_property
    def _month(self) -> MonthAt:
        return MonthAt(self._rows, self._first.period, self._rows.written.books(self._pins), self._first.position)

    @cached_property
    def _billing(self) -> Billing:
        manual = self._rows.written.manual_lines(self._first.period, self._pins.get("m", 0))
        return Billing(self._month.books, self._month.calendar, manual)

    def faults(self, header: Header) -> Iterator[str]:
        """What is wrong with one document, in words."""
        stored = self._rows.content(header)
        if header.kind not in KINDS:
            raise CannotVerify(f"it is of kind {header.kind!r}, which this verification does not know")
        if header.pins["f"] > FIRST_FORM_UPTO:
            yield from absent_keys(stored)
        if header.kind == "credit-note":
            yield from self._corrections.faults_of_note(header, stored)
        else:
            yield from self._faults_of_own(header, stored)

    def _faults_of_own(self, header: Header, stored: Table) -> Iterator[str]:
        month, customer = self._month, header.customer
        period = month.calendar.period(customer)
        currency = month.books.frame(customer, period.last_instant)[0]
        chain = (customer, header.period, currency)

        def taken(id_: int) -> list[Rectangle]:
            listed = month.taken.get(id_, ())
            return [rectangle(one, in_chain=(one.customer, one.period, one.currency) == chain) for one in listed]

        covered = {
            id_: [rectangle(one, in_chain=False) for one in listed]
            for id_, listed in self._rows.covered(header).items()
        }
        chained = month.chains.get(chain, ())
        read = month.read(
            customer,
            self._billing,
            Counting.at(header.pins["s"]),
            covered,
            taken,
            chained,
            version=header.pins["f"],
        )
        yield from read.faults
        adjusted, lines, faults = self._corrections.on(header, stored, month.books, currency, period.last_day)
        yield from faults
        account = month.account(customer, currency, notes=self._notes_with(header))
        account.draw(self._rows.drawn_by_corrections(header, customer, currency))
        content = self._billing.content(customer, header.kind, read.tally, account, adjusted)
        yield from differences(
            {
                **content,
                "form": None if header.pins["f"] <= FIRST_FORM_UPTO else 2,
                "period": header.period,
                "lines": [*content["lines"], *lines],
            },
            with_all_keys(stored),
        )
        if (ended := self._ended(header, read.tally)) != self._rows.ended(header):
            yield f"it ends the periods of {sorted(self._rows.ended(header))}, and should end those of {sorted(ended)}"

    def _notes_with(self, header: Header) -> list[int]:
        """The credit notes of a customer that were computed and issued together with an invoice, before it."""
        if header.kind != "period":
            return []
        return [
            one.id
            for one in self._rows.notes_by_customer.get(header.customer, ())
            if one.id < header.id and (one.position, one.pins) == (header.position, header.pins)
        ]

    def _ended(self, header: Header, tally: Tally) -> dict[str, tuple[int, int]]:
        """The periods that a document ends."""
        if header.kind != "period":
            return {}
        calendar = self._month.calendar
        known = (*self._month.books.customers, *tally.members, *self._billing.manual)
        members = {one for one in known if calendar.payer(one) == header.customer}
        periods = {one: calendar.period(one) for one in {header.customer, *members}}
        bounds = {one: (to_micros(period.starts_at), to_micros(period.ends_at)) for one, period in periods.items()}
        return {one: (starts_at, ends_at) for one, (starts_at, ends_at) in bounds.items() if starts_at < ends_at}
