"""The journal of everything that was issued, as double-entry transactions: documents, voids, prepaid credit, breakage.

What was paid for a grant is a liability from the instant at which the grant begins. Documents draw it down; what is
left when it expires is revenue, breakage. Nothing here reads a clock: a transaction is dated by the document, the void
or the grant that it is of. Payments of invoices are not known here, so what is receivable is all that was ever due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from tokentill.closing.questions.grant_books import GrantInBooks
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import Grant
from tokentill.contracts.recurring import Recurrence
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
from tokentill.store.issued.journal import BegunRun, BookedDocument, begun_runs, booked_documents
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


def transactions(connection: Connection) -> tuple[Transaction, ...]:
    """Everything that is to be booked, in order of time; what happens at one instant is in the order of the log of
    documents, and grants come first.

    Grants are those of the contracts that were closed with last, and those from which something was ever drawn.
    """
    logged = sorted(_of_documents(booked_documents(connection)), key=lambda one: one[0])
    documents = [one for _, one in logged]
    books = _books_of(connection, documents)
    booked = [transaction for one in documents for transaction in _with_credit(one, books)]
    return tuple(sorted([*_of_grants(books), *booked], key=_order))


def _order(one: Transaction) -> tuple[datetime, bool, list[bytes], bool]:
    """By which transactions are sorted; those of documents stay in the order in which they are."""
    if one.grant is None:
        return (one.at, True, [], False)
    return (one.at, False, [one.customer.encode(), one.grant.encode()], one.kind == "breakage")


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


def _books_of(connection: Connection, documents: Iterable[Transaction]) -> dict[GrantKey, GrantInBooks]:
    """Every grant that is stated or was drawn from, by each of the ids under which it may be."""
    runs = begun_runs(connection)
    drawn = {key for one in documents for posting in one.postings if (key := _grant_of(posting)) is not None}

    def first_close(last: datetime) -> datetime | None:
        """When the month that holds an instant was closed first, or a later one: then it is known what was used until
        then."""
        month = Month(last.year, last.month)
        return next((run.at for run in runs if run.is_close and run.month >= month and run.at > last), None)

    by_id: dict[GrantKey, GrantInBooks] = {}
    stated = _stated(connection, runs)
    for (customer, id_, currency), (grant, recurrence, until) in sorted(stated.items(), key=lambda one: _place(one[0])):
        own = GrantInBooks(id_, grant, recurrence, until, first_close)
        keys = [(customer, name, currency) for name in own.ids]
        if until == runs[-1].at or not drawn.isdisjoint(keys):
            by_id = dict.fromkeys(keys, own) | by_id
    for key in sorted(drawn - by_id.keys(), key=_place):
        by_id[key] = GrantInBooks(key[1], None, None, runs[-1].at, first_close)
    return by_id


def _stated(
    connection: Connection, runs: Sequence[BegunRun]
) -> dict[GrantKey, tuple[Grant, Recurrence | None, datetime]]:
    """The grants of the contracts that runs were pinned to, each with when a run had it last; of several statements,
    what was recorded last holds."""
    sets = {run.contract_set: run.at for run in runs}
    listed = {
        hash_: one["recordings"] for hash_, one in zip(sorted(sets), recordings_of(connection, sets), strict=True)
    }
    hashes = sorted({hash_ for one in listed.values() for hash_ in one})
    recordings = dict(zip(hashes, recordings_of(connection, hashes), strict=True))
    book = ContractBook(recordings.values())
    last: dict[frozenset[str], datetime] = {}
    for hash_, at in sets.items():
        granting = frozenset(one for one in listed[hash_] if recordings[one]["kind"] == "grant")
        last[granting] = max(at, last.get(granting, at))
    stated: dict[GrantKey, tuple[Grant, Recurrence | None, datetime]] = {}
    for granting, at in sorted(last.items(), key=lambda one: one[1]):
        for grant in ContractBook(recordings[hash_] for hash_ in sorted(granting)).all_grants():
            recurrence = None if grant.every is None else book.recurrence(grant)
            stated[grant.customer, grant.id, grant.currency] = (grant, recurrence, at)
    return stated


def _of_grants(books: Mapping[GrantKey, GrantInBooks]) -> Iterator[Transaction]:
    """What was bought, and what is breakage that no document came after."""
    owners = {id(own): (customer, currency, own) for (customer, _, currency), own in books.items()}
    for customer, currency, own in owners.values():
        for id_, at, paid_minor in own.bought():
            yield _of_grant(
                at, "prepaid-credit", JournalAccount(PAYMENTS, customer), (customer, id_, currency), paid_minor
            )
        yield from _breakage(own, customer, currency, None)


def _breakage(own: GrantInBooks, customer: str, currency: str, until: datetime | None) -> Iterator[Transaction]:
    for at, one in own.expire(until):
        yield _of_grant(at, "breakage", BREAKAGE, (customer, one.id, currency), -one.breakage_minor)


def _of_grant(
    at: datetime, kind: TransactionKind, other: JournalAccount, key: GrantKey, amount_minor: int
) -> Transaction:
    customer, id_, currency = key
    liability = JournalAccount(PREPAID, customer, id_)
    postings = posted({(other, currency): amount_minor, (liability, currency): -amount_minor})
    return Transaction(at, kind, customer, f"{at.year:04d}-{at.month:02d}", None, id_, "", postings)


def _place(key: GrantKey) -> list[bytes]:
    return [part.encode() for part in key]


def _grant_of(posting: Posting) -> GrantKey | None:
    path, customer, name = posting.account
    if path != PREPAID or customer is None or name is None:
        return None
    return customer, name, posting.currency


def _with_credit(one: Transaction, books: Mapping[GrantKey, GrantInBooks]) -> Iterator[Transaction]:
    """A document's transaction with what it draws from grants as it is in the books: what was paid for from the
    liability, or from breakage where that was booked; the rest was given, and is a discount. Before it comes the
    breakage that was known by then.

    Transactions have to come in the order of the log: each changes what was drawn.
    """
    sums: dict[tuple[JournalAccount, str], int] = defaultdict(int)
    for posting in one.postings:
        key = _grant_of(posting)
        if key is None:
            sums[posting.account, posting.currency] += posting.amount_minor
            continue
        (customer, name, currency), own = key, books[key]
        yield from _breakage(own, customer, currency, one.at)
        for booked in own.draw(name, posting.amount_minor):
            sums[JournalAccount(PREPAID, customer, booked.id), currency] += booked.liability_minor
            sums[BREAKAGE, currency] -= booked.breakage_minor
            sums[GIVEN, currency] += booked.given_minor
    yield replace(one, postings=posted(sums))
