"""Rating of columns: every row finds its card by its codes, and all rows of a quantity are multiplied at once.

What a card is and what it charges comes from `timeline` and `rate_cards`; this only puts rows and cards together. The
arithmetic is in 64-bit integers where a bound that is computed first proves that they suffice; a row beyond the
bound is computed in Python's integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokentill.clock import from_micros
from tokentill.money import EXACT
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.columns.card_codes import rate_cards_of
from tokentill.prices.columns.data import FREE, INT64_MAX, UNPRICED, Codes, Columns, Flags, Integers, RatedColumns
from tokentill.prices.rate_cards import RateCard
from tokentill.usage.quantities import REQUEST


def rate_columns(book: PriceBook, columns: Columns) -> RatedColumns:
    """The exact list price of every row, as `book.rate` gives it, for millions of rows at a time.

    A row without a price is named with the reason that `book.rate` has for it.
    """
    cards, codes = rate_cards_of(book, columns)
    charges = ColumnCharges.of(cards, columns)
    refused, reasons = _refusals(book, columns, charges, codes)
    scaled = _amounts(charges, codes)
    scaled[refused] = 0
    statuses = _statuses(charges, codes, scaled)
    statuses[refused] = UNPRICED
    totals = _totals(charges, codes, scaled, statuses)
    places = np.cumsum([card is not None for card in cards], dtype=np.intp) - 1
    places[[card is None for card in cards]] = -1
    card_codes = places[codes]
    for column in (scaled, statuses, card_codes, refused):
        column.setflags(write=False)
    return RatedColumns(
        scaled=scaled,
        exponent=-charges.digits,
        statuses=statuses,
        cards=tuple(card for card in cards if card is not None),
        card_codes=card_codes,
        totals=MappingProxyType(totals),
        unpriced=refused,
        reasons=reasons,
    )


@dataclass(frozen=True, slots=True)
class ColumnCharges:
    """What every card charges for every quantity that occurs, in whole steps of `10**-digits`.

    `columns[n]` is the quantity `names[n]`, None for one request a row; `units[n]` are its prices by card, and
    `has_price[n]` says which cards have one.
    """

    cards: Sequence[RateCard | None]
    digits: int
    names: tuple[str, ...]
    columns: tuple[Integers | None, ...]
    units: tuple[list[int], ...]
    has_price: tuple[Flags, ...]

    @classmethod
    def of(cls, cards: Sequence[RateCard | None], columns: Columns) -> ColumnCharges:
        """Take what is charged for the quantities of these columns from the cards, in order of their names."""
        used = [name for name, column in columns.quantities.items() if len(column) and int(column.max())]
        names = tuple(sorted(used if REQUEST in columns.quantities else [*used, REQUEST]))
        digits = max((len(str(card.steps)) - 1 for card in cards if card), default=0)
        prices = [[card.scaled_price(name) if card else None for card in cards] for name in names]
        factors = [10**digits // int(card.steps) if card else 0 for card in cards]
        return cls(
            cards,
            digits,
            names,
            tuple(columns.quantities.get(name) for name in names),
            tuple(
                [price[0] * factor if price else 0 for price, factor in zip(of_name, factors, strict=True)]
                for of_name in prices
            ),
            tuple(np.array([price is not None for price in of_name], dtype=np.bool_) for of_name in prices),
        )


def _amounts(charges: ColumnCharges, codes: Codes) -> NDArray[Any]:
    """The amount of each row in steps."""
    amounts = np.zeros(len(codes), dtype=np.int64)
    for column, units in zip(charges.columns, charges.units, strict=True):
        if any(units):
            table = np.array([unit if unit <= INT64_MAX else 0 for unit in units], dtype=np.int64)
            of_one = table[codes]
            amounts += of_one if column is None else np.multiply(of_one, column, out=of_one)
    wide = _wide_rows(charges, codes)
    if not len(wide):
        return amounts
    exact = [_amount_in_python(charges, int(codes[row]), int(row)) for row in wide]
    kept: NDArray[Any] = amounts if max(exact) <= INT64_MAX else amounts.astype(object)
    kept[wide] = exact
    return kept


def _wide_rows(charges: ColumnCharges, codes: Codes) -> Codes:
    """Rows whose amount is not proven to fit into 64 bits."""
    most = [1 if column is None else int(column.max(initial=0)) for column in charges.columns]
    if sum(max(units, default=0) * count for units, count in zip(charges.units, most, strict=True)) <= INT64_MAX:
        return np.zeros(0, dtype=np.intp)
    wide = np.zeros(len(codes), dtype=np.bool_)
    share = INT64_MAX // len(charges.names)
    for column, units in zip(charges.columns, charges.units, strict=True):
        limits = np.array([share // unit if unit else INT64_MAX for unit in units], dtype=np.int64)
        wide |= limits[codes] < (1 if column is None else column)
    return np.flatnonzero(wide)


def _amount_in_python(charges: ColumnCharges, code: int, row: int) -> int:
    counts = [1 if column is None else int(column[row]) for column in charges.columns]
    return sum(units[code] * count for units, count in zip(charges.units, counts, strict=True))


def _refusals(book: PriceBook, columns: Columns, charges: ColumnCharges, codes: Codes) -> tuple[Codes, tuple[str, ...]]:
    """The rows without a price, and why: no card, or the first quantity in order of names that has no rate."""
    reasons: dict[int, str] = {}
    no_card = np.array([card is None for card in charges.cards], dtype=np.bool_)
    if no_card.any():
        reasons.update((row, _no_card(book, columns, row)) for row in np.flatnonzero(no_card[codes]).tolist())
    for name, column, has_price in zip(charges.names, charges.columns, charges.has_price, strict=True):
        lacks = ~has_price & ~no_card
        if name != REQUEST and column is not None and lacks.any():
            texts = [card.no_rate(name) if card else "" for card in charges.cards]
            for row in np.flatnonzero(lacks[codes] & (column > 0)).tolist():
                reasons.setdefault(row, texts[codes[row]])
    rows = np.array(sorted(reasons), dtype=np.intp)
    return rows, tuple(reasons[row] for row in rows.tolist())


def _no_card(book: PriceBook, columns: Columns, row: int) -> str:
    model, mode, geo = columns.kind_of(row)
    card = book.rate_card(model, at=from_micros(int(columns.occurred_at_us[row])), mode=mode, input_total=0, geo=geo)
    return card.reason if isinstance(card, NoPrice) else ""


def _statuses(charges: ColumnCharges, codes: Codes, scaled: NDArray[Any]) -> NDArray[np.int8]:
    """Priced, or free: an entry that is, or a row with something used whose rates are all zero."""
    is_free = np.array([card is not None and card.entry.is_free for card in charges.cards], dtype=np.bool_)
    statuses = np.where(is_free[codes], FREE, 0).astype(np.int8)
    rows = np.flatnonzero(scaled == 0)
    if len(rows):
        is_used = np.zeros(len(rows), dtype=np.bool_)
        for column, has_price in zip(charges.columns, charges.has_price, strict=True):
            is_listed = has_price[codes[rows]]
            is_used |= is_listed if column is None else is_listed & (column[rows] > 0)
        statuses[rows[is_used]] = FREE
    return statuses


def _totals(
    charges: ColumnCharges, codes: Codes, scaled: NDArray[Any], statuses: NDArray[np.int8]
) -> dict[str, Decimal]:
    """The exact sum of the amounts by currency."""
    currencies = sorted({card.entry.currency for card in charges.cards if card})
    has_price = statuses != UNPRICED
    steps = Decimal(10**charges.digits)
    totals = {}
    for currency in currencies:
        chosen = has_price
        if len(currencies) > 1:
            is_in = np.array([card is not None and card.entry.currency == currency for card in charges.cards])
            chosen = has_price & is_in[codes]
        if chosen.any():
            totals[currency] = EXACT.divide(_sum(scaled if chosen.all() else scaled[chosen]), steps)
    return totals


def _sum(scaled: NDArray[Any]) -> int:
    """The exact sum. The halves of 64-bit numbers add up within 64 bits for up to 2**31 rows."""
    if scaled.dtype == object:
        return sum(scaled.tolist())
    return (int((scaled >> 32).sum()) << 32) + int((scaled & 0xFFFF_FFFF).sum())
