"""Price entries: what one model costs from an instant on.

Pure: built from canonical content (see `recordings.load` for how files become content), so that an entry read
from a TOML file, a JSON file or a database years later is the same value with the same hash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from tokentill.canonical import Content, content_hash
from tokentill.clock import instant_text, parse_instant
from tokentill.usage.quantities import BUILT_IN_FALLBACK
from tokentill.zones import zone

STRIPPED_SUFFIXES = (":nitro", ":floor", ":online")
"""Routing suffixes: the base model's price holds. Every other suffix needs an entry of its own."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NOT_HASHED = ("note", "source", "withdraws", "drops", "unusual")


@dataclass(frozen=True, slots=True)
class Fee:
    """A price for `per` units of one quantity."""

    price: Decimal
    per: int

    @classmethod
    def from_content(cls, content: Content) -> Fee:
        """From `{"price": "10", "per": 1000}`; `per` is 1 unless given."""
        return cls(Decimal(content["price"]), content.get("per", 1))


@dataclass(frozen=True, slots=True)
class Tier:
    """Rates for the whole of a request whose input total is greater than `input_tokens_gt`."""

    input_tokens_gt: int
    rates: Mapping[str, Decimal]
    label: str

    @classmethod
    def from_content(cls, content: Content) -> Tier:
        """From a `[[price.tier]]` table."""
        when = content["when"]
        gte = when.get("input_tokens_gte")
        threshold = when["input_tokens_gt"] if gte is None else gte - 1
        label = f"input > {threshold}" if gte is None else f"input >= {gte}"
        return cls(threshold, _rates(content["rates"]), label)


@dataclass(frozen=True, slots=True)
class Window:
    """Rates for a part of the day, half-open, in the window's own zone.

    A window that passes midnight belongs to the day on which it starts.
    """

    days: frozenset[int]
    starts_minute: int
    ends_minute: int
    zone: ZoneInfo
    rates: Mapping[str, Decimal]
    tiers: tuple[Tier, ...]
    label: str

    @classmethod
    def from_content(cls, content: Content) -> Window:
        """From a `[[price.window]]` table."""
        when = content["when"]
        days = when.get("days") or list(DAYS)
        starts, ends = when["between"]
        time_zone = when.get("time_zone", "UTC")
        label = f"{starts} to {ends} {time_zone}" + ("" if len(days) == 7 else f" on {', '.join(days)}")
        return cls(
            frozenset(DAYS.index(day) for day in days),
            _minute(starts),
            _minute(ends),
            zone(time_zone),
            _rates(content["rates"]),
            _tiers(content),
            label,
        )

    def holds(self, at: datetime) -> bool:
        """Whether the window is open at an instant."""
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        if self.starts_minute < self.ends_minute:
            return self.starts_minute <= minute < self.ends_minute and local.weekday() in self.days
        if minute >= self.starts_minute:
            return local.weekday() in self.days
        return minute < self.ends_minute and (local.weekday() - 1) % 7 in self.days

    def edges(self, starts_at: datetime, ends_at: datetime) -> list[datetime]:
        """Every instant of [starts_at, ends_at) at which the window may open or close (some may do neither)."""
        return [
            edge
            for minute in (self.starts_minute, self.ends_minute)
            for edge in local_times(self.zone, minute, starts_at, ends_at)
        ]


@dataclass(frozen=True, slots=True)
class RateSet:
    """The rates of an entry, or of one of its modes, with their tiers and windows."""

    rates: Mapping[str, Decimal]
    tiers: tuple[Tier, ...]
    windows: tuple[Window, ...]
    fees: Mapping[str, Fee] | None
    valid_from: datetime | None
    valid_to: datetime | None

    @classmethod
    def from_content(cls, content: Content) -> RateSet:
        """From the keys `rates, tier, window, fees` of an entry or a mode."""
        fees = content.get("fees")
        return cls(
            rates=_rates(content.get("rates", {})),
            tiers=_tiers(content),
            windows=tuple(Window.from_content(window) for window in content.get("window", ())),
            fees=None if fees is None else {name: Fee.from_content(fee) for name, fee in fees.items()},
            valid_from=parse_instant(content.get("valid_from")),
            valid_to=parse_instant(content.get("valid_to")),
        )

    def without(self, fees: Collection[str]) -> RateSet:
        """These rates without some of their fees."""
        return self if self.fees is None else replace(self, fees=_except(self.fees, fees))

    def open_window(self, at: datetime) -> int | None:
        """The number of the window that is open at an instant, from 0; the first one if there are several."""
        return next((number for number, window in enumerate(self.windows) if window.holds(at)), None)

    def thresholds(self) -> set[int]:
        """Every input total above which one of its tiers begins, inside a window or outside."""
        tiers = [*self.tiers, *(tier for window in self.windows for tier in window.tiers)]
        return {tier.input_tokens_gt for tier in tiers}


@dataclass(frozen=True, slots=True)
class RateChoice:
    """The rates that hold for one kind of request: a mode, inside or outside a window, in one tier."""

    rates: Mapping[str, Decimal]
    tier: str | None
    window: str | None


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """One model's list prices from `valid_from` on.

    `hash` covers what decides an amount: not notes and sources, and not what `prices check` is told: which parts the
    entry `drops`, and that its numbers are meant although they are unusual.
    """

    model: str
    aliases: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime | None
    recorded_at: datetime
    currency: str
    per: int
    standard: RateSet
    modes: Mapping[str, RateSet]
    fees: Mapping[str, Fee]
    fallback: Mapping[str, str]
    multipliers: Mapping[str, Mapping[str, Decimal]]
    is_free: bool
    source: str
    note: str
    hash: str
    drops: tuple[str, ...] = ()
    is_unusual: bool = False

    @classmethod
    def from_content(cls, content: Content, *, recorded_at: datetime, currency: str, source: str = "") -> PriceEntry:
        """From the canonical content of a `[[price]]` table and its recording's header."""
        return cls(
            model=content["model"],
            aliases=tuple(content.get("aliases", ())),
            valid_from=parse_instant(content["valid_from"]),
            valid_to=parse_instant(content.get("valid_to")),
            recorded_at=recorded_at,
            currency=currency,
            per=content.get("per", 1_000_000),
            standard=RateSet.from_content({**content, "valid_from": None, "valid_to": None}),
            modes={name: RateSet.from_content(mode) for name, mode in content.get("mode", {}).items()},
            fees={name: Fee.from_content(fee) for name, fee in content.get("fees", {}).items()},
            fallback={**BUILT_IN_FALLBACK, **content.get("fallback", {})},
            multipliers={kind: _rates(factors) for kind, factors in content.get("multiplier", {}).items()},
            is_free=content.get("free", False),
            source=content.get("source", source),
            note=content.get("note", ""),
            hash=entry_hash(content, currency),
            drops=tuple(content.get("drops", ())),
            is_unusual=content.get("unusual", False),
        )

    def without(self, parts: Collection[str]) -> PriceEntry:
        """This entry without some of its parts: `fee.web_search` in every mode, or `mode.batch`."""
        if not parts:
            return self
        fees = {part.removeprefix("fee.") for part in parts if part.startswith("fee.")}
        kept = {name: rates for name, rates in self.modes.items() if f"mode.{name}" not in parts}
        return replace(
            self,
            fees=_except(self.fees, fees),
            standard=self.standard.without(fees),
            modes={name: rates.without(fees) for name, rates in kept.items()},
        )

    def rate_set(self, mode: str, at: datetime) -> RateSet | str:
        """The rates of a mode at an instant, or the reason why there are none."""
        if mode == "standard":
            return self.standard
        rates = self.modes.get(mode)
        if rates is None:
            return f"mode {mode!r} is not listed for {self.model}"
        if (rates.valid_from and at < rates.valid_from) or (rates.valid_to and at >= rates.valid_to):
            return f"mode {mode!r} of {self.model} has no price at {instant_text(at)}"
        return rates

    def choice_within(self, rates: RateSet, window_number: int | None, input_total: int) -> RateChoice:
        """Which rates of a set hold: those of the open window if there is one, then the last tier that is passed."""
        window = None if window_number is None else rates.windows[window_number]
        chosen, tiers = (rates.rates, rates.tiers) if window is None else (window.rates, window.tiers)
        label = None
        for tier in tiers:
            if input_total > tier.input_tokens_gt:
                chosen, label = tier.rates, tier.label
        return RateChoice(chosen, label, None if window is None else window.label)

    def fees_of(self, rates: RateSet) -> Mapping[str, Fee]:
        """The fees of a mode: its own, otherwise the entry's."""
        return self.fees if rates.fees is None else rates.fees

    def rate_sets(self) -> Iterable[RateSet]:
        """The standard rates and those of every mode."""
        return (self.standard, *self.modes.values())

    def thresholds(self) -> set[int]:
        """Every input total above which a tier of this entry begins."""
        return {threshold for rates in self.rate_sets() for threshold in rates.thresholds()}

    def edges(self, starts_at: datetime, ends_at: datetime) -> set[datetime]:
        """Every instant of [starts_at, ends_at) at which what this entry charges may change."""
        edges = {self.valid_from, self.valid_to}
        for rates in self.rate_sets():
            edges |= {rates.valid_from, rates.valid_to}
            for window in rates.windows:
                edges |= set(window.edges(max(starts_at, self.valid_from), ends_at))
        return {edge for edge in edges if edge is not None and starts_at <= edge < ends_at}


def _except(fees: Mapping[str, Fee], names: Collection[str]) -> Mapping[str, Fee]:
    return {name: fee for name, fee in fees.items() if name not in names}


def entry_hash(content: Content, currency: str) -> str:
    """The identity of an entry: a hash of what decides an amount. `withdraws` names entries by it."""
    kept = {key: value for key, value in content.items() if key not in _NOT_HASHED}
    return content_hash({**kept, "currency": currency})


def local_times(zone: ZoneInfo, minute: int, starts_at: datetime, ends_at: datetime) -> list[datetime]:
    """The instants of [starts_at, ends_at) at which clocks in `zone` show `minute` of the day or are changed.

    A time of day that comes twice gives both instants; one that is skipped gives the instant of the change.
    """
    instants: set[datetime] = set()
    day = (starts_at.astimezone(zone) - timedelta(days=1)).date()
    last = (ends_at.astimezone(zone) + timedelta(days=1)).date()
    while day <= last:
        for fold in (0, 1):
            local = datetime(day.year, day.month, day.day, minute // 60 % 24, minute % 60, tzinfo=zone, fold=fold)
            instants.add(local.astimezone(UTC))
        instants |= _zone_changes(zone, day)
        day += timedelta(days=1)
    return sorted(instant for instant in instants if starts_at <= instant < ends_at)


def _zone_changes(zone: ZoneInfo, day: Any) -> set[datetime]:
    """The UTC instant at which clocks change on a local day, if they do."""
    low = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    high = low + timedelta(hours=56)
    if low.astimezone(zone).utcoffset() == high.astimezone(zone).utcoffset():
        return set()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset():
            low = middle
        else:
            high = middle
    return {high.replace(second=0, microsecond=0)}


def _rates(content: Mapping[str, str]) -> Mapping[str, Decimal]:
    return MappingProxyType({name: Decimal(rate) for name, rate in content.items()})


def _tiers(content: Content) -> tuple[Tier, ...]:
    return tuple(Tier.from_content(tier) for tier in content.get("tier", ()))


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
