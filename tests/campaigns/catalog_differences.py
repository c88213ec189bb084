"""The known differences between tokentill's price tables and genai-prices' catalog, and what they predict.

A difference is no excuse: it says which usages it concerns and what the catalog charges for them, so that its amount
follows from our table and the list to the last digit. `catalog_differences.toml` is the list, for people it is
`docs/catalog-differences.md`, which `catalog_page.py` writes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Any

from tokentill import PriceBook, Usage
from tokentill.prices.entries import PriceEntry, RateChoice, RateSet
from tokentill.usage.quantities import REQUEST, sum_of
from tokentill.usage.record import STANDARD
from tokentill.versions import in_force

LIST = Path(__file__).with_name("catalog_differences.toml")
LACKS = ("price", "mode", "rate")
RIGHT = ("ours", "theirs", "neither", "open")


@dataclass(frozen=True, slots=True)
class Theirs:
    """What the catalog charges, as a change of what our table says.

    Another `entry` of the model (the `first`, or the one in force at an instant), another `mode`, no factor of
    geography; other `rates`; some rates `at_standard` in a mode; quantities priced `like` the first of some others
    that has a rate; quantities for which it charges `nothing`.
    """

    entry: str | datetime | None = None
    mode: str | None = None
    geo: str | None = None
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    at_standard: Sequence[str] = ()
    like: Mapping[str, Sequence[str]] = field(default_factory=dict)
    nothing: Sequence[str] = ()


@dataclass(frozen=True, slots=True, eq=False)
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
    input_tokens_max: int | None = None
    where_we_have_no: str | None = None
    """`price`, `mode` or `rate`: it concerns what our table refuses to price. Otherwise, what our table prices."""

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
        input_total = sum_of(usage.quantities, "input_total")
        return input_total > self.input_tokens_gt and (
            self.input_tokens_max is None or input_total <= self.input_tokens_max
        )


def load_differences(path: Path = LIST) -> tuple[Difference, ...]:
    """The list, with every key known and every value one that means something."""
    return tuple(difference_of(item) for item in load_list(path)["difference"])


def load_list(path: Path = LIST) -> dict[str, Any]:
    """The content of the list: `difference`, and `names_not_known_there`."""
    content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    assert set(content) == {"names_not_known_there", "difference"}
    return content


def difference_of(item: Mapping[str, Any]) -> Difference:
    """A difference from its table in the list."""
    theirs = dict(item["theirs"])
    if "rates" in theirs:
        theirs["rates"] = {name: Decimal(rate) for name, rate in theirs["rates"].items()}
    assert theirs, item["id"]
    assert set(theirs) <= {one.name for one in fields(Theirs)}, item["id"]
    found = Difference(**{**item, "theirs": Theirs(**theirs)})
    assert found.right in RIGHT, found.id
    assert found.where_we_have_no in (None, *LACKS), found.id
    about_quantities = bool(found.theirs.like or found.theirs.nothing)
    assert about_quantities == (found.where_we_have_no == "rate"), found.id
    return found


@dataclass(slots=True)
class Prediction:
    """What the catalog charges by our table and a list of differences: `amount`, None for no price, and those used."""

    amount: Fraction | None
    used: tuple[Difference, ...]


def predict(book: PriceBook, usage: Usage, differences: Collection[Difference]) -> Prediction:
    """The amount of a usage by our table as the differences change it, in fractions. With none of them, our amount."""
    entries = book.entries(str(book.canonical_model(usage.model, usage.occurred_at)))
    predicting = _Predicting(usage, entries, [one for one in differences if one.concerns(usage)])
    amount = predicting.amount()
    return Prediction(amount, tuple(dict.fromkeys(predicting.used)))


class _Predicting:
    """One usage that is being priced as another catalog does."""

    def __init__(self, usage: Usage, entries: Sequence[PriceEntry], concerned: Sequence[Difference]) -> None:
        self.usage = usage
        self.entries = entries
        self.concerned = concerned
        self.input_total = sum_of(usage.quantities, "input_total")
        self.used: list[Difference] = []

    def amount(self) -> Fraction | None:
        entry = self.entry()
        rate_set = None if entry is None else self.rate_set(entry)
        if entry is None or rate_set is None:
            return None
        prices = self.prices(entry, rate_set)
        total = Fraction(0)
        for name, count in {REQUEST: 1, **self.usage.quantities}.items():
            price = self.price(name, entry, prices) if count else Fraction(0)
            if price is None:
                return None
            total += count * price
        return total

    def entry(self) -> PriceEntry | None:
        """The entry that the catalog goes by."""
        own = in_force(self.entries, self.usage.occurred_at)
        one = self.first(lambda theirs: theirs.entry is not None, "price", is_missing=own is None)
        if one is None:
            return own
        at = one.theirs.entry
        return in_force(self.entries, at if isinstance(at, datetime) else self.entries[0].valid_from)

    def rate_set(self, entry: PriceEntry) -> RateSet | None:
        """The rates of the mode that the catalog goes by."""
        own = entry.rate_set(self.usage.mode or STANDARD, self.usage.occurred_at)
        one = self.first(lambda theirs: theirs.mode is not None, "mode", is_missing=isinstance(own, str))
        if one is not None:
            own = entry.rate_set(str(one.theirs.mode), self.usage.occurred_at)
        return None if isinstance(own, str) else own

    def prices(self, entry: PriceEntry, rate_set: RateSet) -> dict[str, _Price]:
        """The price of one unit of everything that has a rate or a fee."""
        rates = self.choice(entry, rate_set).rates
        factor = self.factor(entry)
        prices = {name: _Price(Fraction(rate) * factor / entry.per, None) for name, rate in rates.items()}
        standard = self.choice(entry, entry.standard).rates
        for one in reversed(self.concerned):
            changed = {name: standard[name] for name in one.theirs.at_standard if name in standard} | one.theirs.rates
            prices |= {name: _Price(Fraction(rate) / entry.per, one) for name, rate in changed.items()}
        fees = entry.fees_of(rate_set)
        return prices | {name: _Price(Fraction(fee.price) / fee.per, None) for name, fee in fees.items()}

    def choice(self, entry: PriceEntry, rates: RateSet) -> RateChoice:
        """The rates of a set that hold for the usage: by its time of day, and by its input total."""
        return entry.choice_within(rates, rates.open_window(self.usage.occurred_at), self.input_total)

    def factor(self, entry: PriceEntry) -> Fraction:
        """The factor of geography."""
        own = entry.multipliers.get("geo", {}).get(self.usage.geo or "", Decimal(1))
        one = None if own == 1 else self.first(lambda theirs: theirs.geo == "ignored", "geo", is_missing=False)
        return Fraction(own if one is None else 1)

    def price(self, name: str, entry: PriceEntry, prices: Mapping[str, _Price]) -> Fraction | None:
        """The price of one unit of a quantity, or None where it has none."""
        found = listed(name, entry, prices)
        if found is None:
            if name == REQUEST:
                return Fraction(0)
            one = self.first(lambda theirs: name in theirs.like or name in theirs.nothing, "rate", is_missing=True)
            if one is None:
                return None
            if name in one.theirs.nothing:
                return Fraction(0)
            like = (listed(other, entry, prices) for other in one.theirs.like[name])
            found = next((price for price in like if price is not None), None)
            if found is None:
                return None
        if found.changed_by is not None:
            self.used.append(found.changed_by)
        return found.of_one

    def first(self, fits: Callable[[Theirs], bool], lack: str, *, is_missing: bool) -> Difference | None:
        """The first difference that fits, noted as used; one that is about what we lack only where we lack it."""
        for one in self.concerned:
            if fits(one.theirs) and (one.where_we_have_no == lack) == is_missing:
                self.used.append(one)
                return one
        return None


@dataclass(frozen=True, slots=True)
class _Price:
    of_one: Fraction
    changed_by: Difference | None


def listed(name: str, entry: PriceEntry, prices: Mapping[str, _Price]) -> _Price | None:
    """The price of a quantity, or of what its entry declares as its fallback."""
    tried: list[str] = []
    while name not in prices and name in entry.fallback and name not in tried:
        tried.append(name)
        name = entry.fallback[name]
    return prices.get(name)
