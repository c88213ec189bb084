"""One issued document as double-entry postings: what is receivable, and the revenue, taxes and accounts that it moves.

Pure. A posting is in whole minor units of one currency; a debit is positive, a credit negative. Prepaid credit that a
document draws is posted to the grant, whoever paid for it: `closing.questions.journal` knows what a grant is worth in
the books.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from tokentill.canonical import Content
from tokentill.money import round_to_minor, sum_exact, to_minor


class JournalAccount(NamedTuple):
    """An account of the journal: a fixed path, and whose or which it is, by the real id or name."""

    path: str
    customer: str | None = None
    name: str | None = None

    @property
    def order(self) -> tuple[int, str, bytes, bytes]:
        """How accounts are sorted: as a balance sheet is, then bytewise."""
        root = _ROOTS.index(self.path.partition(":")[0])
        return (root, self.path, (self.customer or "").encode(), (self.name or "").encode())


@dataclass(frozen=True, slots=True)
class Posting:
    """What one account gets, in minor units; a credit is negative."""

    account: JournalAccount
    amount_minor: int
    currency: str


_ROOTS = ("Assets", "Liabilities", "Equity", "Income")
RECEIVABLE, CARRIED = "Assets:Receivable", "Assets:Carried-Forward"
PAYMENTS = "Assets:Payments-For-Credit"
PREPAID, TAX = "Liabilities:Prepaid-Credit", "Liabilities:Tax"
OPENING = "Equity:Opening-Balances"
CONVERSION = JournalAccount("Equity:Conversion")
GIVEN = JournalAccount("Income:Discounts:Given-Credit")
BREAKAGE = JournalAccount("Income:Breakage")
ROUNDING = JournalAccount("Income:Rounding")

_REVENUE: Mapping[str, str] = {
    "usage": "Usage",
    "package": "Usage",
    "flat": "Fees",
    "base_fee": "Fees",
    "manual": "Manual-Lines",
    "overage": "Usage",
    "true_up": "Commitment",
    "minimum": "Minimum",
    "coupon": "Discounts:Coupons",
    "cap": "Discounts:Cap",
    "invoiced": "Interim",
    "adjustment": "Adjustments",
}
"""What kinds of lines and steps are revenue of, or a discount on it. What interim invoices bill is revenue of its own
until the period's document has all lines, and takes it off again."""


def postings_of(content: Content, ledger: Iterable[Mapping[Any, Any]]) -> tuple[Posting, ...]:
    """The postings of a document, each account once, in order.

    Args:
        content: what the document says.
        ledger: its rows of the ledger, which say whose balances and grants it moved, in their own currencies.
    """
    currency = content["currency"]
    sums: Counter[tuple[JournalAccount, str]] = Counter()
    due = content["due"] if "due" in content else content["total"]
    sums[JournalAccount(RECEIVABLE, content["customer"]), currency] += to_minor(due, currency)
    for account, amount_minor in _revenue(content):
        sums[account, currency] -= amount_minor
    for item in content.get("items", ()):
        amount_minor = to_minor(item["amount"], currency)
        if item["kind"] == "tax":
            sums[JournalAccount(TAX, name=item["name"]), currency] -= amount_minor
        elif item["kind"] in _REVENUE:
            sums[_revenue_of(content, item["kind"]), currency] -= amount_minor
    for row in ledger:
        if row["kind"] == "balance":
            sums[JournalAccount(CARRIED, row["customer"]), row["currency"]] += row["amount_minor"]
        elif row["kind"] == "opening":
            sums[JournalAccount(OPENING, row["customer"]), row["currency"]] -= row["amount_minor"]
        elif row["kind"] == "credit":
            sums[JournalAccount(PREPAID, row["customer"], row["name"]), row["currency"]] += row["amount_minor"]
    if _is_converted(content):
        for of_currency, more in sum_by_currency(posted(sums)).items():
            sums[CONVERSION, of_currency] -= more
    return posted(sums)


def _revenue(content: Content) -> Iterable[tuple[JournalAccount, int]]:
    """What each account of revenue gets by the lines, its exact sum rounded once; and what that leaves of the
    subtotal, since every line got a share of it that is whole."""
    currency = content["currency"]
    exact: dict[JournalAccount, list[Decimal]] = {}
    for line in content["lines"]:
        account = _revenue_of(content, line["kind"])
        if line["kind"] == "adjustment":
            corrected = "usage" if line["charge"] is None else line["charge"]["kind"]
            account = JournalAccount(f"Income:Adjustments:{_REVENUE[corrected]}")
        exact.setdefault(account, []).append(Decimal(line["exact_amount"]))
    rounded = {account: round_to_minor(sum_exact(amounts), currency) for account, amounts in exact.items()}
    return [*rounded.items(), (ROUNDING, to_minor(content["subtotal"], currency) - sum(rounded.values()))]


def _revenue_of(content: Content, kind: str) -> JournalAccount:
    """The account of a kind of line or step on a document; an interim invoice has one for all of them."""
    return JournalAccount(f"Income:{_REVENUE['invoiced' if content.get('kind') == 'interim' else kind]}")


def _is_converted(content: Content) -> bool:
    """Whether a document brings something forward from another account's currency."""
    if any(item.get("rate") is not None for item in content.get("items", ())):
        return True
    return any("rate" in (line.get("corrects") or ()) for line in content["lines"])


def posted(sums: Mapping[tuple[JournalAccount, str], int]) -> tuple[Posting, ...]:
    """Sums as postings in order, without what is nothing; what is receivable is always there."""
    listed = sorted(sums.items(), key=lambda item: (item[0][0].order, item[0][1]))
    return tuple(
        Posting(account, amount, currency)
        for (account, currency), amount in listed
        if amount or account.path == RECEIVABLE
    )


def sum_by_currency(postings: Iterable[Posting]) -> Mapping[str, int]:
    """What postings come to in each currency, where that is not nothing."""
    sums: Counter[str] = Counter()
    for posting in postings:
        sums[posting.currency] += posting.amount_minor
    return {currency: more for currency, more in sorted(sums.items()) if more}


def reversed_postings(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """The same the other way round."""
    return tuple(Posting(one.account, -one.amount_minor, one.currency) for one in postings)
