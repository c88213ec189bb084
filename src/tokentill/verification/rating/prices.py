"""The list price of one kind of request: which entry, mode, window and tier hold, and what each quantity costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from tokentill.verification.amounts import NOTHING
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.keys import Table, dated, in_force, known
from tokentill.zones import zone

INPUTS = """input cache_read cache_write_5m cache_write_1h cache_write input_audio input_audio_cache_read input_image
    input_image_cache_read input_video""".split()
OUTPUTS = "output reasoning output_audio output_image".split()
LEAVES = (*INPUTS, *OUTPUTS)
SUMS = {"input_total": INPUTS, "output_total": OUTPUTS}
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
FALLBACK = {"cache_read": "input", "reasoning": "output"}
NEVER = datetime.max.replace(tzinfo=UTC)
REPORTED_IN = "USD"
"""What gateways report their cost in."""


def leaves(names: Iterable[str]) -> list[str]:
    """What names stand for: a sum for its leaves, in their order."""
    return list(dict.fromkeys(leaf for name in names for leaf in SUMS.get(name, [name])))


def is_open(when: Table, at: datetime) -> bool:
    """Whether a window is open; one that passes midnight belongs to the day on which it starts."""
    local = at.astimezone(zone(known(when, "when a window is open").get("time_zone", "UTC")))
    clock, day, (starts, ends) = f"{local:%H:%M}", local.weekday(), when["between"]
    is_inside = starts <= clock < ends if starts < ends else clock >= starts or clock < ends
    if starts >= ends and clock < ends:
        day = (day - 1) % 7
    return is_inside and WEEK[day] in (when.get("days") or WEEK)


@dataclass(frozen=True, slots=True)
class Offer:
    """The entry in force for an id and a mode, with the rates and the fees of the mode."""

    entry: Table
    rates: Table
    fees: Mapping[str, Table]

    @classmethod
    def at(cls, books: Books, model: str, mode: str, at: datetime) -> Offer | str:
        """What holds at an instant, or why nothing does."""
        meaning = books.meaning(model, at)
        if meaning is None:
            return f"model {model!r} is in no price table then"
        entry = in_force(books.entries[meaning[0]], at)
        if entry is None:
            return f"model {model!r} has no price then"
        rates, apart_from = entry, meaning[1]
        if mode != "standard":
            listed = dated(known(entry.get("mode", {}).get(mode, {}), "a mode of a price"))
            is_off = "valid_from" in listed and at < listed["valid_from"]
            if not listed or f"mode.{mode}" in apart_from or is_off or at >= listed.get("valid_to", NEVER):
                return f"mode {mode!r} of model {model!r} has no price then"
            rates = listed
        fees = rates["fees"] if "fees" in rates else entry.get("fees", {})
        return cls(entry, rates, {name: fee for name, fee in fees.items() if f"fee.{name}" not in apart_from})

    @property
    def windows(self) -> list[Table]:
        """Parts of the day with rates of their own."""
        return [known(window, "a window") for window in self.rates.get("window", ())]

    @property
    def thresholds(self) -> list[int]:
        """Every input total above which a tier begins, rising."""
        tiers = [*self.rates.get("tier", ()), *(tier for window in self.windows for tier in window.get("tier", ()))]
        return sorted({_threshold(tier) for tier in tiers})

    def price(self, window_number: int | None, input_total: int, geo: str | None) -> Price:
        """The price of a request with such an input total, in the open window of that number."""
        window = None if window_number is None else self.windows[window_number]
        holds = self.rates if window is None else window
        chosen, label = holds.get("rates", {}), None
        for tier in holds.get("tier", ()):
            if input_total > _threshold(known(tier, "a tier of a price")):
                gte = tier["when"].get("input_tokens_gte")
                chosen, label = tier["rates"], f"input > {_threshold(tier)}" if gte is None else f"input >= {gte}"
        factors = known(self.entry.get("multiplier", {}), "the multipliers of a price").get("geo", {})
        called = None if window is None else _window_label(window["when"])
        rates = {name: Fraction(rate) for name, rate in chosen.items()}
        return Price(self, rates, label, called, Fraction(factors.get(geo, 1)) if geo else Fraction(1))


def _threshold(tier: Table) -> int:
    when = known(tier["when"], "when a tier holds")
    return int(when["input_tokens_gte"]) - 1 if "input_tokens_gte" in when else int(when["input_tokens_gt"])


def _window_label(when: Table) -> str:
    days = list(when.get("days") or WEEK)
    starts, ends = when["between"]
    return f"{starts} to {ends} {when.get('time_zone', 'UTC')}" + ("" if len(days) == 7 else f" on {', '.join(days)}")


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """A rate for so many units; `priced_as` names the quantity whose rate it is."""

    priced_as: str
    rate: Fraction
    per: int


@dataclass(frozen=True, slots=True)
class Price:
    """The rates that hold for requests of one kind; `tier` and `window` are what they are called by."""

    offer: Offer
    rates: Mapping[str, Fraction]
    tier: str | None
    window: str | None
    multiplier: Fraction

    @property
    def currency(self) -> str:
        """What it is in."""
        return str(self.offer.entry["currency"])

    def of(self, name: str) -> UnitPrice | None:
        """The price of one quantity; None where it has none."""
        entry = self.offer.entry
        per = entry.get("per", 1_000_000)
        if entry.get("free"):
            return None if name == "request" else UnitPrice(name, NOTHING, per)
        return unit_price(name, self.rates, per, FALLBACK | entry.get("fallback", {}), self.offer.fees, self.multiplier)

    @property
    def needs_quantities(self) -> bool:
        """Whether only what a request used says what it comes to."""
        if self.offer.entry.get("free") or self.of("request") is not None:
            return False
        return any(self.rates.values()) or any(Fraction(fee["price"]) for fee in self.offer.fees.values())


def unit_price(
    name: str,
    rates: Mapping[str, Fraction],
    per: int,
    fallback: Mapping[str, str],
    fees: Mapping[str, Table],
    multiplier: Fraction = Fraction(1),
) -> UnitPrice | None:
    """A counter's fee, otherwise the rate of the quantity, otherwise that of what it falls back to."""
    if name in fees and name not in LEAVES:
        return UnitPrice(name, Fraction(fees[name]["price"]), fees[name].get("per", 1))
    passed: list[str] = []
    priced_as: str | None = name
    while priced_as is not None and priced_as not in rates and priced_as not in passed:
        passed.append(priced_as)
        priced_as = fallback.get(priced_as)
    if priced_as is None or priced_as not in rates:
        return None
    return UnitPrice(priced_as, rates[priced_as] * multiplier, per)
