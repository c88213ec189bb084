"""Why a usage has no list price, as an error that a program can branch on.

Pure. It asks the book step by step, once it is known that there is no price; whoever rates does not pay for it.
"""

from __future__ import annotations

from dataclasses import replace

from tokentill.errors import Unpriced, UnpricedCode, ensure
from tokentill.prices.book import PriceBook
from tokentill.prices.entries import PriceEntry
from tokentill.prices.rate_cards import Rated
from tokentill.usage.quantities import REQUEST, sum_of
from tokentill.usage.record import STANDARD, Usage


def rate_or_raise(book: PriceBook, usage: Usage) -> Rated:
    """The list price of a usage.

    Raises:
        Unpriced: when there is none, with the code that says why.
    """
    rated = book.rate(usage)
    if rated.amount is None:
        raise why_unpriced(book, usage, rated.reason or "there is no list price")
    return rated


def why_unpriced(book: PriceBook, usage: Usage, reason: str) -> Unpriced:
    """The error for a usage that the book has no price for."""
    code, quantity = _cause(book, usage)
    model = book.canonical_model(usage.model) or usage.model
    return Unpriced(reason, code=code, model=model, at=usage.occurred_at, quantity=quantity)


def _cause(book: PriceBook, usage: Usage) -> tuple[UnpricedCode, str | None]:
    if book.canonical_model(usage.model) is None:
        return "unknown_model", None
    entry = book.entry_at(usage.model, usage.occurred_at)
    if not isinstance(entry, PriceEntry):
        return "no_price_then", None
    mode = usage.mode or STANDARD
    if mode != STANDARD and mode not in entry.modes:
        return "unknown_mode", None
    total = sum_of(usage.quantities, "input_total") if usage.input_tokens is None else usage.input_tokens
    if book.rate(replace(usage, quantities={}, input_tokens=total)).amount is None:
        return "no_mode_price_then", None
    for name in sorted(usage.quantities):
        alone = replace(usage, quantities={name: usage.quantities[name]}, input_tokens=total)
        if name != REQUEST and book.rate(alone).amount is None:
            return "no_rate", name
    ensure(False, f"{usage!r} has no price, and each of its quantities has one")
    raise AssertionError
