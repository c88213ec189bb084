"""What a journal has to be: balanced, and what the documents say, to the cent."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from tokentill.documents.views.journal import Journal
from tokentill.money import to_minor
from tokentill.till import Till


def sums(journal: Journal) -> dict[tuple[str, str], Decimal]:
    """What each account has in each currency, in the journal's own words."""
    found: Counter[tuple[str, str]] = Counter()
    for one in journal.transactions:
        for posting in one.postings:
            found[posting.account, posting.currency] += Decimal(posting.amount)  # type: ignore[assignment]
    return {key: Decimal(amount) for key, amount in found.items() if amount}


def of_customers(journal: Journal, path: str) -> dict[tuple[str | None, str], Decimal]:
    """What accounts of a path have, by customer and currency."""
    found: dict[tuple[str | None, str], Decimal] = {}
    for one in journal.transactions:
        for posting in one.postings:
            if posting.account.startswith(path):
                key = (posting.customer, posting.currency)
                found[key] = found.get(key, Decimal(0)) + Decimal(posting.amount)
    return {key: amount for key, amount in found.items() if amount}


def due(till: Till) -> dict[tuple[str | None, str], Decimal]:
    """What live documents say is due."""
    found: dict[tuple[str | None, str], Decimal] = {}
    for one in till.invoices():
        if one.status == "issued":
            key = (one.customer, one.currency)
            found[key] = found.get(key, Decimal(0)) + Decimal(one.content["due"])
    return {key: amount for key, amount in found.items() if amount}


def carried(till: Till) -> dict[tuple[str | None, str], Decimal]:
    """What live documents carried on and nobody brought forward, as documents say it in their own words."""
    found: dict[tuple[str | None, str], Decimal] = {}
    for one in till.invoices():
        for item in one.content["items"] if one.status == "issued" else ():
            if item["kind"] in ("carried", "balance") and item.get("opening") is None:
                own = item.get("original") is None
                key = (item.get("customer") or one.customer, item.get("original_currency") or one.currency)
                amount = Decimal(item["amount"] if own else item["original"])
                found[key] = found.get(key, Decimal(0)) - amount
    return {key: amount for key, amount in found.items() if amount}


def hold(till: Till) -> Journal:
    """See that a journal says what the documents say, to the cent."""
    journal = till.journal()
    for one in journal.transactions:
        of_one: Counter[str] = Counter()
        for posting in one.postings:
            of_one[posting.currency] += to_minor(posting.amount, posting.currency)
        assert not any(of_one.values()), one
    assert of_customers(journal, "Assets:Receivable") == due(till)
    assert of_customers(journal, "Assets:Carried-Forward") == carried(till)
    issued = [one.number for one in journal.transactions if one.kind in ("period", "interim", "credit-note")]
    assert sorted(map(str, issued)) == [one.number for one in till.invoices()]
    assert [one.date for one in journal.transactions] == sorted(one.date for one in journal.transactions)
    assert journal.content() == till.journal().content()
    return journal
