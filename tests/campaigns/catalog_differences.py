"""The known differences between tokentill's price tables and genai-prices' catalog, and what they predict.

A difference is no excuse: it says which usages it concerns and what the catalog charges for them, so that its amount
follows from our table and the list to the last digit. `catalog_differences.toml` is the list, and
`docs/catalog-differences.md` is written from it: `python -m tests.campaigns.catalog_differences`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Any

from tokentill import PriceBook, Usage
from tokentill.pricing.entries import Fee, PriceEntry, RateSet, choose_entry
from tokentill.usage.record import REQUEST, STANDARD, TOKEN_LEAVES, sum_of

LIST = Path(__file__).with_name("catalog_differences.toml")
PAGE = Path(__file__).parents[2] / "docs" / "catalog-differences.md"
LACKS = ("price", "mode", "rate")
RIGHT = ("ours", "theirs", "open")


@dataclass(frozen=True, slots=True)
class Theirs:
    """What the catalog charges: another entry or mode of our table, or other rates for some quantities."""

    entry: str | datetime | None = None
    mode: str | None = None
    geo: str | None = None
    rates: Mapping[str, Decimal] | None = None
    like: Mapping[str, Sequence[str]] | None = None
    nothing: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the usages that it concerns, what the catalog charges for them, who is right, and why."""

    id: str
    title: str
    models: Sequence[str]
    theirs: Theirs
    right: str
    why: str
    evidence: str
    but_not: Sequence[str] = ()
    modes: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    hours: Sequence[Sequence[str]] = ()
    days: Sequence[str] = ()
    input_tokens_gt: int = -1
    where_we_have_no: str | None = None

    def names(self, model: str) -> bool:
        """Whether it is listed for a canonical model id."""
        if any(fnmatchcase(model, pattern) for pattern in self.but_not):
            return False
        return any(fnmatchcase(model, pattern) for pattern in self.models)

    def concerns(self, usage: Usage) -> bool:
        """Whether a usage of a model that it names lies in its scope."""
        at = usage.occurred_at.astimezone(UTC)
        if (self.since and at < self.since) or (self.until and at >= self.until):
            return False
        if self.days and at.strftime("%a").lower() not in self.days:
            return False
        if self.hours and not any(begins <= at.strftime("%H:%M") < ends for begins, ends in self.hours):
            return False
        if self.modes and (usage.mode or STANDARD) not in self.modes:
            return False
        return sum_of(usage.quantities, "input_total") > self.input_tokens_gt


def load_differences(path: Path = LIST) -> tuple[Difference, ...]:
    """The list, with every key known and every value one that means something."""
    content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    assert set(content) == {"difference"}
    return tuple(difference_of(item) for item in content["difference"])


def difference_of(item: Mapping[str, Any]) -> Difference:
    """A difference from its table in the list."""
    theirs = dict(item["theirs"])
    if "rates" in theirs:
        theirs["rates"] = {name: Decimal(rate) for name, rate in theirs["rates"].items()}
    assert theirs, item["id"]
    assert set(theirs) <= {field.name for field in fields(Theirs)}, item["id"]
    found = Difference(**{**item, "theirs": Theirs(**theirs)})
    assert found.right in RIGHT, found.id
    assert found.where_we_have_no in (None, *LACKS), found.id
    return found


@dataclass(slots=True)
class Prediction:
    """What the catalog charges by our table and a list of differences: `amount`, None for no price, and those used."""

    amount: Fraction | None
    used: list[Difference]


def predict(book: PriceBook, usage: Usage, differences: Collection[Difference]) -> Prediction:
    """The amount of a usage by our table as the differences change it, in fractions. With none of them, our amount."""
    entries = book.entries(str(book.canonical_model(usage.model)))
    return _Predicting(usage, entries, [one for one in differences if one.concerns(usage)]).prediction()


class _Predicting:
    """One usage that is being priced as another catalog does."""

    def __init__(self, usage: Usage, entries: Sequence[PriceEntry], concerned: Sequence[Difference]) -> None:
        self.usage = usage
        self.entries = entries
        self.concerned = concerned
        self.used: list[Difference] = []

    def prediction(self) -> Prediction:
        entry = self.entry()
        rates = None if entry is None else self.rate_set(entry)
        if entry is None or rates is None:
            return Prediction(None, self.used)
        variant = entry.variant(rates, self.usage.occurred_at, sum_of(self.usage.quantities, "input_total"))
        fees = entry.fees_of(rates)
        factor = self.factor(entry)
        total: Fraction | None = Fraction(0)
        for name, count in {REQUEST: 1, **self.usage.quantities}.items():
            if not count:
                continue
            price = self.price(name, entry, variant.rates, fees, factor)
            total = None if price is None or total is None else total + count * price
        return Prediction(total, self.used)

    def entry(self) -> PriceEntry | None:
        own = choose_entry(self.entries, self.usage.occurred_at)
        for one in self.apply(lambda one: one.theirs.entry is not None, is_missing=own is None, lack="price"):
            if isinstance(one.theirs.entry, datetime):
                return choose_entry(self.entries, one.theirs.entry)
            return self.entries[0]
        return own

    def rate_set(self, entry: PriceEntry) -> RateSet | None:
        own = entry.rate_set(self.usage.mode or STANDARD, self.usage.occurred_at)
        is_missing = isinstance(own, str)
        for one in self.apply(lambda one: one.theirs.mode is not None, is_missing=is_missing, lack="mode"):
            own = entry.rate_set(str(one.theirs.mode), self.usage.occurred_at)
        return None if isinstance(own, str) else own

    def factor(self, entry: PriceEntry) -> Fraction:
        own = entry.multipliers.get("geo", {}).get(self.usage.geo or "", Decimal(1))
        if own != 1:
            for _ in self.apply(lambda one: one.theirs.geo == "ignored", is_missing=False, lack="geo"):
                return Fraction(1)
        return Fraction(own)

    def price(
        self, name: str, entry: PriceEntry, rates: Mapping[str, Decimal], fees: Mapping[str, Fee], factor: Fraction
    ) -> Fraction | None:
        """The price of one unit of a quantity."""
        own = own_price(name, entry, rates, fees, factor)
        if name == REQUEST:
            return own or Fraction(0)
        for one in self.apply(lambda one: concerns_quantity(one, name), is_missing=own is None, lack="rate"):
            if one.theirs.rates and name in one.theirs.rates:
                return Fraction(one.theirs.rates[name]) / entry.per
            if one.theirs.like and name in one.theirs.like:
                priced = (own_price(other, entry, rates, fees, factor) for other in one.theirs.like[name])
                return next((price for price in priced if price is not None), None)
            return Fraction(0)
        return own

    def apply(self, fits: Any, *, is_missing: bool, lack: str) -> Iterator[Difference]:
        """The first difference that fits, if there is one. It is noted as used."""
        for one in self.concerned:
            if fits(one) and (one.where_we_have_no != lack or is_missing):
                self.used.append(one)
                yield one
                return


def concerns_quantity(one: Difference, name: str) -> bool:
    """Whether a difference is about the rate of a quantity."""
    return name in (one.theirs.rates or ()) or name in (one.theirs.like or ()) or name in one.theirs.nothing


def own_price(
    name: str, entry: PriceEntry, rates: Mapping[str, Decimal], fees: Mapping[str, Fee], factor: Fraction
) -> Fraction | None:
    """The price of one unit by our table: its fee, its rate, or that of its fallback."""
    if name in fees and name not in TOKEN_LEAVES:
        return Fraction(fees[name].price) / fees[name].per
    seen: set[str] = set()
    while name not in rates and name in entry.fallback and name not in seen:
        seen.add(name)
        name = entry.fallback[name]
    return Fraction(rates[name]) * factor / entry.per if name in rates else None
