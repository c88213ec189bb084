"""Rating a stream of usages one by one: the exact amount of each, and what they add up to.

Pure. For many records in one process without numpy. Every amount is the one that `PriceBook.rate` gives, without
its lines. With numpy, `prices.columns` does the same work an order of magnitude faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from tokentill.money import EXACT, ZERO
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.rate_cards import RatedStatus, amount_under
from tokentill.usage.quantities import REQUEST
from tokentill.usage.record import Usage

_tuple = tuple.__new__


class RatedAmount(NamedTuple):
    """The list price of a usage without its lines; the fields are those of `Rated`."""

    status: RatedStatus
    reason: str | None
    amount: Decimal | None
    model: str
    currency: str | None
    price_entry: str | None


class RatedStream:
    """The rated amounts of usages, in their order. Iterate over it once; the totals are of what was taken so far.

    A usage without a price is yielded with its reason like any other, and counted as `unpriced`.
    """

    def __init__(self, book: PriceBook, usages: Iterable[Usage]) -> None:
        self._book = book
        self._usages = iter(usages)
        self._totals: dict[str, Decimal] = {}
        self._counts: dict[RatedStatus, int] = {"priced": 0, "free": 0, "unpriced": 0}

    @property
    def totals(self) -> Mapping[str, Decimal]:
        """The exact sum of the amounts so far, by currency."""
        return MappingProxyType(self._totals)

    @property
    def counts(self) -> Mapping[RatedStatus, int]:
        """How many usages so far were `priced`, `free` and `unpriced`."""
        return MappingProxyType(self._counts)

    def __iter__(self) -> Iterator[RatedAmount]:
        rate_card_of, totals, counts, add = self._book.rate_card_of, self._totals, self._counts, EXACT.add
        for usage in self._usages:
            card = rate_card_of(usage)
            amount = None
            if not isinstance(card, NoPrice):
                quantities = usage.quantities
                if card.charges_requests and REQUEST not in quantities:
                    quantities = {**quantities, REQUEST: 1}
                amount = amount_under(card, quantities)
            if amount is None or isinstance(card, NoPrice):
                whole = self._book.rate(usage)
                rated = RatedAmount(
                    whole.status, whole.reason, whole.amount, whole.model, whole.currency, whole.price_entry
                )
            else:
                entry = card.entry
                rated = _tuple(RatedAmount, ("priced", None, amount, entry.model, entry.currency, entry.hash))
            if rated.amount is not None and rated.currency is not None:
                totals[rated.currency] = add(totals.get(rated.currency, ZERO), rated.amount)
            counts[rated.status] += 1
            yield rated


def rate_stream(book: PriceBook, usages: Iterable[Usage]) -> RatedStream:
    """Rate usages one by one as they come; nothing is kept but totals."""
    return RatedStream(book, usages)
