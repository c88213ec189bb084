"""What a catalog says of models, in our words, whichever catalog it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tokentill.canonical import Content
from tokentill.errors import InvalidAmount
from tokentill.money import EXACT, amount_text, check_amount, parse_amount
from tokentill.recordings.reading import FileText
from tokentill.recordings.values import JsonFraction, noise_free

_MILLION = Decimal(1_000_000)
_VENDORS = {
    "cohere_chat": "cohere",
    "gemini": "google",
    "mistral": "mistralai",
    "moonshot": "moonshotai",
    "text-completion-openai": "openai",
    "xai": "x-ai",
    "zai": "z-ai",
}
"""Names of vendors in catalogs, and what gateways, and so our price tables, call them."""


class Unfit(Exception):
    """Something of a catalog that cannot become a price; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a catalog says of one model from an instant on.

    `model` is `vendor/name` in the catalog's words. `valid_from` is None for what is in force when it is taken over.
    `content` has the keys of a price entry that the catalog can state: rates, tier, window, mode, fees, ...
    """

    model: str
    aliases: tuple[str, ...]
    valid_from: datetime | None
    content: Content = field(hash=False)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that a catalog says and that is not taken over, and why. `key` is empty for a whole model."""

    model: str
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.model}{': ' if self.key else ''}{self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Catalog:
    """A catalog that was read. `source` names it with the hash of its text, for the recording's header."""

    name: str
    source: str
    listings: tuple[Listing, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(slots=True)
class CatalogReading:
    """A catalog while it is read.

    `effective` is the instant from which the prices are taken over; `rounded` takes the number that was meant where
    one has the digits of binary arithmetic.
    """

    file: FileText
    effective: datetime
    rounded: bool = False
    listings: list[Listing] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, model: str, key: str, reason: str) -> None:
        """Note something that is not taken over."""
        self.left_out.append(LeftOut(model, key, reason))

    def model(self, model: str, read: Callable[[], Content | None], aliases: tuple[str, ...] = ()) -> None:
        """Take one model that has one price over, or leave it out with the reason."""
        try:
            content = read()
        except Unfit as unfit:
            self.leave_out(model, "", str(unfit))
            return
        if content is not None:
            self.listings.append(Listing(model, aliases, None, content))

    def rates(self, model: str, written: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Decimal]:
        """Figures under our names, as they are written; a zero beside a price for input is left out.

        Catalogs write zero for what a model does not have, and for what it gives away, and do not say which.
        """
        figures = {ours: self.figure(written[key], key) for key, ours in names.items() if written.get(key) is not None}
        if not figures.get("input"):
            return figures
        for key, ours in names.items():
            if ours in figures and not figures[ours]:
                del figures[ours]
                self.leave_out(
                    model, key, "0 beside a price for input; the catalog does not say whether it is free or not sold"
                )
        return figures

    def figure(self, value: Any, key: str) -> Decimal:
        """A number that is an exact price.

        Raises:
            Unfit: when it is not one: negative, not finite, endless digits, or the digits of binary arithmetic.
        """
        if isinstance(value, JsonFraction):
            value = value.text
        if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
            raise Unfit(f"{key} is not a number")
        try:
            number = parse_amount(value) if isinstance(value, str) else check_amount(Decimal(value))
        except InvalidAmount as error:
            raise Unfit(f"{key}: {str(error)[:120]}") from None
        if number < 0:
            raise Unfit(f"{key}: {amount_text(number)} is negative")
        meant = noise_free(number)
        if meant is not None and not self.rounded:
            raise Unfit(f"{key}: {amount_text(number)} is float noise; --round takes {amount_text(meant)}")
        return number if meant is None else meant


def table_of(value: Any, name: str) -> Mapping[str, Any]:
    """A value that must be a table.

    Raises:
        Unfit: for anything else.
    """
    if not isinstance(value, dict):
        raise Unfit(f"{name} is not a table")
    return value


def list_of(value: Any, name: str) -> list[Any]:
    """A value that must be a list; nothing is an empty one.

    Raises:
        Unfit: for anything else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unfit(f"{name} is not a list")
    return value


def model_id(vendor: str, name: str) -> str:
    """`vendor/name`, with the vendor as gateways call it."""
    return f"{_VENDORS.get(vendor, vendor)}/{name}"


def per_million(rates: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Prices of one token as prices of a million: the point moves, no digit changes."""
    return {name: EXACT.multiply(rate, _MILLION) for name, rate in rates.items()}


def rate_texts(rates: Mapping[str, Decimal]) -> dict[str, str]:
    """Rates in their canonical text."""
    return {name: amount_text(rate) for name, rate in rates.items()}


def rate_table(base: Mapping[str, Decimal], above: Mapping[int, Mapping[str, Decimal]]) -> Content:
    """`rates` and `tier` of a set of rates.

    Args:
        base: the rates of a short request.
        above: what changes above so many input tokens; what is not named stays as it was below.
    """
    table: Content = {"rates": rate_texts(base)}
    rates, tiers = dict(base), []
    for threshold in sorted(above):
        rates |= above[threshold]
        tiers.append({"when": tier_condition(threshold), "rates": rate_texts(rates)})
    if tiers:
        table["tier"] = tiers
    return table


def add_fee(content: Content, name: str, price: Decimal, per: int) -> None:
    """State a fee for `per` pieces; one of zero is none."""
    if price:
        content.setdefault("fees", {})[name] = {"price": amount_text(price), "per": per}


def tier_condition(threshold: int) -> dict[str, int]:
    """Above `threshold` tokens; where that is one less than a round number, from the round number on."""
    if threshold % 1000 == 999:
        return {"input_tokens_gte": threshold + 1}
    return {"input_tokens_gt": threshold}


def one_cache_write(content: Content) -> Content:
    """Where one price for cache writes is listed, it holds however long they are kept."""
    rates = content.get("rates", {})
    if "cache_write_5m" in rates and "cache_write_1h" not in rates:
        content["fallback"] = {"cache_write": "cache_write_5m"}
    return content
