"""The journal of everything that was issued, as double-entry transactions: documents, voids, prepaid credit, breakage.

What was paid for a grant is a liability from the instant at which the grant begins. Documents draw it down; what is
left when it expires is revenue, breakage. Nothing here reads a clock: a transaction is dated by the document, the void
or the grant that it is of. Payments of invoices are not known here, so what is receivable is all that was ever due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
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
    Account,
    Posting,
    posted,
    postings_of,
    reversed_postings,
    sum_by_currency,
)
from tokentill.invoicing.periods import Month
from tokentill.money import round_to_minor
from tokentill.store.journal import BookedDocument, booked_documents, closed_at

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
    amount_minor: int = 0
    paid_minor: int = 0
    drawn_minor: int = 0
    known_at: datetime | None = None
    draws: list[tuple[datetime, int]] = field(default_factory=list)

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


def transactions(connection: Connection, contracts: ContractBook) -> tuple[Transaction, ...]:
    """Everything that is to be booked, in order of time; what happens at one instant is in the order of the log of
    documents, and grants come first.

    Args:
        contracts: state the grants.
    """
    logged = sorted(_of_documents(booked_documents(connection)), key=lambda one: one[0])
    documents = [one for _, one in logged]
    credits_ = _credits_of(documents, contracts, closed_at(connection))
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


def _credits_of(
    documents: Iterable[Transaction], contracts: ContractBook, closes: Sequence[tuple[Month, datetime]]
) -> dict[GrantKey, _Credit]:
    """Every grant that is stated or was drawn from."""
    credits_: dict[GrantKey, _Credit] = {}
    for grant in contracts.all_grants():
        amount = round_to_minor(grant.amount, grant.currency)
        last = _last_instant(grant)
        expired = None if last is None else _first_close(last, closes)
        key = (grant.customer, grant.id, grant.currency)
        credits_[key] = _Credit(grant, amount, _paid_minor(grant), known_at=expired)
    for one in documents:
        for posting in one.postings:
            if (key_of := _grant_of(posting)) is not None:
                credits_.setdefault(key_of, _Credit(None)).draws.append((one.at, posting.amount_minor))
    return credits_


def _paid_minor(grant: Grant) -> int:
    """What was paid for a grant, in minor units."""
    return round_to_minor(grant.amount if grant.paid is None else grant.paid, grant.currency)


def _last_instant(grant: Grant) -> datetime | None:
    """The last one at which a grant pays for what is used; a grant to the end of a month is of that month."""
    return None if grant.expires_at is None else grant.expires_at - MICROSECOND


def _first_close(last: datetime, closes: Sequence[tuple[Month, datetime]]) -> datetime | None:
    """When the month that holds an instant was closed first, or a later one: then it is known what was used until
    then. None while it was not."""
    month = Month(last.year, last.month)
    return next((at for closed, at in closes if closed >= month and at > last), None)


def _of_grants(credits_: dict[GrantKey, _Credit]) -> Iterator[Transaction]:
    for (customer, id_, currency), credit in sorted(credits_.items(), key=lambda item: _bytes_of(item[0])):
        grant, liability = credit.grant, Account(PREPAID, customer, id_)
        if grant is None:
            continue
        events: tuple[tuple[datetime | None, TransactionKind, Account, int], ...] = (
            (grant.valid_from, "prepaid-credit", Account(PAYMENTS, customer), credit.paid_minor),
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
    sums: dict[tuple[Account, str], int] = defaultdict(int)
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
