"""The double-entry journal of what was issued, as data and as text for bookkeeping programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tokentill.canonical import Content, form_of
from tokentill.closing.questions.journal import Transaction, TransactionKind
from tokentill.documents.journal.names import account_name
from tokentill.documents.journal.text import beancount_text, ledger_text
from tokentill.invoicing.journal import Posting
from tokentill.money import minor_text

JournalFormat = Literal["beancount", "hledger", "ledger"]


@dataclass(frozen=True, slots=True)
class JournalPosting:
    """What one account gets: a debit, or a credit where it is negative. `amount` is in major units of `currency`.

    `customer` and `name` are the real ids that the account's name has in an escaped form: whose account it is, and the
    grant or the tax.
    """

    account: str
    customer: str | None
    name: str | None
    amount: str
    currency: str

    @classmethod
    def of(cls, posting: Posting) -> JournalPosting:
        """From a posting in minor units."""
        account, amount = posting.account, minor_text(posting.amount_minor, posting.currency)
        return cls(account_name(account), account.customer, account.name, amount, posting.currency)

    def content(self) -> Content:
        """Canonical content."""
        return {name: getattr(self, name) for name in ("account", "customer", "name", "amount", "currency")}


@dataclass(frozen=True, slots=True)
class JournalTransaction:
    """What is booked on one day (UTC); its postings come to nothing in each currency.

    `kind` is that of the document, or `void`, `prepaid-credit` or `breakage`. `number` is the document's; a transaction
    of a grant has none.
    """

    date: date
    kind: TransactionKind
    customer: str
    period: str
    number: str | None
    grant: str | None
    reason: str
    postings: tuple[JournalPosting, ...]

    @classmethod
    def of(cls, one: Transaction) -> JournalTransaction:
        """From a transaction in minor units."""
        postings = tuple(JournalPosting.of(posting) for posting in one.postings)
        return cls(one.at.date(), one.kind, one.customer, one.period, one.number, one.grant, one.reason, postings)

    def content(self) -> Content:
        """Canonical content."""
        names = ("kind", "customer", "period", "number", "grant", "reason")
        return {
            "date": self.date.isoformat(),
            **{name: getattr(self, name) for name in names},
            "postings": form_of(self.postings),
        }


@dataclass(frozen=True, slots=True)
class Journal:
    """A double-entry journal, in order of time."""

    _booked: Sequence[Transaction]

    @property
    def transactions(self) -> tuple[JournalTransaction, ...]:
        """Its transactions."""
        return tuple(JournalTransaction.of(one) for one in self._booked)

    def content(self) -> Content:
        """What `invoices journal --json` prints."""
        return {"transactions": form_of(self.transactions)}

    def text(self, format_: JournalFormat = "beancount") -> str:
        """As a file for a bookkeeping program."""
        if format_ == "beancount":
            return beancount_text(self._booked)
        return ledger_text(self._booked, is_hledger=format_ == "hledger")
