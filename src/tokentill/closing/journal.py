"""The journal of everything that was issued, as double-entry transactions: documents, voids, prepaid credit, breakage.

What was paid for a grant is a liability from the instant at which the grant begins. Documents draw it down; what is
left when it expires is revenue, breakage. Nothing here reads a clock: a transaction is dated by the document, the void
or the grant that it is of. Payments of invoices are not known here, so what is receivable is all that was ever due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from tokentill.clock import MICROSECOND
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import Grant
from tokentill.errors import ensure
from tokentill.invoicing.journal import (
    BREAKAGE,
    GIVEN,
    PAYMENTS,
    PREPAID,
    JournalAccount,
    Posting,
    posted,
    postings_of,
    reversed_postings,
    sum_by_currency,
)
from tokentill.invoicing.periods import Month
from tokentill.money import round_to_minor
from tokentill.store.journal import BegunRun, BookedDocument, begun_runs, booked_documents
from tokentill.store.recordings import recordings_of

TransactionKind = Literal["period", "interim", "credit-note", "void", "prepaid-credit", "breakage"]
GrantKey = tuple[str, str, str]
"""Whose grant it is, its id and its currency."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is booked at one instant; its postings come to nothing in every currency.

    `period` is that of the document, or the calendar month (UTC) of a grant's first or last instant. `number` is the
    document's, None for a grant, whose id is `grant`; `reason` is why the document became void.
    """

    at: datetime
    kind: TransactionKind
    customer: str
    period: str
    number: str | None
    grant: str | None
    reason: str
    postings: tuple[Posting, ...]


@dataclass(slots=True)
class _Credit:
    """A grant in the books, in minor units. `expired_at` is the instant up to which draws were known when what was left
    of it became breakage; what is drawn, or given back, after that changes the breakage."""

    grant: Grant | None
    draws: Sequence[tuple[datetime, int]]
    amount_minor: int = 0
    paid_minor: int = 0
    known_at: datetime | None = None
    drawn_minor: int = 0

    @classmethod
    def of(cls, grant: Grant | None, draws: Sequence[tuple[datetime, int]], runs: Iterable[BegunRun]) -> _Credit:
        """A grant with everything that was drawn from it; None is one that was never stated in its currency."""
        if grant is None:
            return cls(None, draws)
        last = _last_instant(grant)
        known_at = None if last is None else _first_close(last, runs)
        paid = grant.amount if grant.paid is None else grant.paid
        amount_minor, paid_minor = (round_to_minor(amount, grant.currency) for amount in (grant.amount, paid))
        return cls(grant, draws, amount_minor, paid_minor, known_at)

    def paid_of(self, drawn_minor: int) -> int:
        """How much of what was drawn was paid for: as large a share as of the whole grant, rounded down; what is drawn
        beyond the grant was not."""
        drawn = min(max(drawn_minor, 0), self.amount_minor)
        return self.paid_minor * drawn // self.amount_minor if drawn else 0

    @property
    def left_minor(self) -> int:
        """What was paid for and was not drawn when it expired."""
        known = sum(more for at, more in self.draws if self.known_at is not None and at <= self.known_at)
        return self.paid_minor - self.paid_of(known)


def transactions(connection: Connection) -> tuple[Transaction, ...]:
    """Everything that is to be booked, in order of time; what happens at one instant is in the order of the log of
    documents, and grants come first.

    Grants are those of the contracts that were closed with last, and those from which something was ever drawn.
    """
    logged = sorted(_of_documents(booked_documents(connection)), key=lambda one: one[0])
    documents = [one for _, one in logged]
    credits_ = _credits_of(connection, documents)
    booked = [*_of_grants(credits_), *(_with_credit(one, credits_) for one in documents)]
    return tuple(sorted(booked, key=lambda one: one.at))


def _of_documents(documents: Iterable[BookedDocument]) -> Iterator[tuple[int, Transaction]]:
    """Issues and voids, each with its place in the log of documents."""
    for document in documents:
        one, void = document.invoice, document.void
        postings = postings_of(one.content, document.ledger)
        off = sum_by_currency(postings)
        ensure(not off, f"the postings of {one.number} do not come to nothing: {dict(off)} minor units are left over")
        issue = Transaction(one.issued_at, one.kind, one.customer, one.period, one.number, None, "", postings)
        yield document.position, issue
        if void is not None:
            undone = reversed_postings(postings)
            yield void.position, replace(issue, at=void.at, kind="void", reason=void.reason, postings=undone)


def _credits_of(connection: Connection, documents: Iterable[Transaction]) -> dict[GrantKey, _Credit]:
    """Every grant that is stated or was drawn from."""
    runs = begun_runs(connection)
    draws: dict[GrantKey, list[tuple[datetime, int]]] = defaultdict(list)
    for one in documents:
        for posting in one.postings:
            if (key_of := _grant_of(posting)) is not None:
                draws[key_of].append((one.at, posting.amount_minor))
    stated = {**_grants_of(connection, runs), **_grants_of(connection, runs[-1:])}
    now = _grants_of(connection, runs[-1:]).keys() | draws.keys()
    return {key: _Credit.of(stated.get(key), draws[key], runs) for key in sorted(now, key=_bytes_of)}


def _grants_of(connection: Connection, runs: Iterable[BegunRun]) -> dict[GrantKey, Grant]:
    """The grants of the contracts that runs were pinned to; of several statements, what was recorded last holds."""
    sets = recordings_of(connection, {run.contract_set for run in runs})
    recordings = recordings_of(connection, {hash_ for one in sets for hash_ in one["recordings"]})
    book = ContractBook(one for one in recordings if one["kind"] == "grant")
    return {(grant.customer, grant.id, grant.currency): grant for grant in book.all_grants()}


def _last_instant(grant: Grant) -> datetime | None:
    """The last one at which a grant pays for what is used; a grant to the end of a month is of that month."""
    return None if grant.expires_at is None else grant.expires_at - MICROSECOND


def _first_close(last: datetime, runs: Iterable[BegunRun]) -> datetime | None:
    """When the month that holds an instant was closed first, or a later one: then it is known what was used until
    then. None while it was not."""
    month = Month(last.year, last.month)
    closes = (run.at for run in runs if run.is_close and run.month >= month and run.at > last)
    return next(closes, None)


def _of_grants(credits_: dict[GrantKey, _Credit]) -> Iterator[Transaction]:
    for (customer, id_, currency), credit in credits_.items():
        grant, liability = credit.grant, JournalAccount(PREPAID, customer, id_)
        if grant is None:
            continue
        events: tuple[tuple[datetime | None, TransactionKind, JournalAccount, int], ...] = (
            (grant.valid_from, "prepaid-credit", JournalAccount(PAYMENTS, customer), credit.paid_minor),
            (_last_instant(grant), "breakage", BREAKAGE, 0 if credit.known_at is None else -credit.left_minor),
        )
        for at, kind, other, amount_minor in events:
            if at is not None and amount_minor:
                postings = posted({(other, currency): amount_minor, (liability, currency): -amount_minor})
                yield Transaction(at, kind, customer, f"{at.year:04d}-{at.month:02d}", None, id_, "", postings)


def _bytes_of(key: GrantKey) -> list[bytes]:
    return [part.encode() for part in key]


def _grant_of(posting: Posting) -> GrantKey | None:
    path, customer, name = posting.account
    if path != PREPAID or customer is None or name is None:
        return None
    return customer, name, posting.currency


def _with_credit(one: Transaction, credits_: dict[GrantKey, _Credit]) -> Transaction:
    """A document's transaction with what it draws from grants as it is in the books: what was paid for from the
    liability, or from breakage where that was booked; the rest was given, and is a discount.

    Transactions have to come in the order of the log: each changes what was drawn.
    """
    if one.number is None:
        return one
    sums: dict[tuple[JournalAccount, str], int] = defaultdict(int)
    for posting in one.postings:
        key = _grant_of(posting)
        if key is None:
            sums[posting.account, posting.currency] += posting.amount_minor
            continue
        credit = credits_[key]
        before = credit.paid_of(credit.drawn_minor)
        credit.drawn_minor += posting.amount_minor
        paid = credit.paid_of(credit.drawn_minor) - before
        is_expired = credit.known_at is not None and one.at > credit.known_at
        sums[BREAKAGE if is_expired else posting.account, posting.currency] += paid
        sums[GIVEN, posting.currency] += posting.amount_minor - paid
    return replace(one, postings=posted(sums))
