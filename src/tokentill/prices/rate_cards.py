"""List prices of a usage: which rates hold, and what they come to, exactly.

Pure. Rating is linear once a `RateCard` is known: everything that decides a price is in the card, so the amount of a
sum of quantities under one card is the sum of the amounts. The library prices one record with it, an invoice
prices sums with it, a stream and columns are priced with it; there is no second definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from tokentill.money import EXACT, ZERO, amount_text
from tokentill.prices.entries import Fee, PriceEntry, RateChoice, RateSet
from tokentill.usage.quantities import REQUEST, TOKEN_LEAVES

RatedStatus = Literal["priced", "free", "unpriced"]
ONE = Decimal(1)

REMEMBERED_MAX = 1_000
"""So much a card remembers of each kind; it starts over then. Names of quantities come from outside."""

_TOKEN_LEAVES = frozenset(TOKEN_LEAVES)
_multiply, _divide = EXACT.multiply, EXACT.divide
_tuple = tuple.__new__


class UnitPrice(NamedTuple):
    """What one quantity is charged at: `rate` for `per` units, `rate` including the `multiplier`."""

    priced_as: str
    rate: Decimal
    per: int
    multiplier: Decimal

    @property
    def of_one(self) -> Decimal:
        """The exact price of one unit."""
        return _divide(self.rate, Decimal(self.per))


class RatedLine(NamedTuple):
    """One quantity and what it comes to: `quantity x rate / per = amount`.

    `priced_as` names the quantity whose rate was used (another one where a fallback applied). `rate` includes the
    `multiplier` of the geography.
    """

    name: str
    quantity: int
    unit_price: UnitPrice
    amount: Decimal
    price_entry: str

    @property
    def priced_as(self) -> str:
        """The quantity whose rate was used."""
        return self.unit_price.priced_as

    @property
    def rate(self) -> Decimal:
        """The price of `per` units."""
        return self.unit_price.rate

    @property
    def per(self) -> int:
        """How many units `rate` is for."""
        return self.unit_price.per

    @property
    def multiplier(self) -> Decimal:
        """The factor that `rate` includes; 1 where there is none."""
        return self.unit_price.multiplier

    def __repr__(self) -> str:
        return f"<{self.name} {self.quantity} x {self.rate} / {self.per} = {amount_text(self.amount)}>"


class Rated(NamedTuple):
    """The list price of a usage. `amount` is exact, and None when there is no price; `reason` then says why."""

    status: RatedStatus
    reason: str | None
    amount: Decimal | None
    lines: tuple[RatedLine, ...]
    model: str
    currency: str | None
    price_entry: str | None
    tier: str | None = None
    window: str | None = None

    def __repr__(self) -> str:
        shown = self.reason if self.amount is None else f"{amount_text(self.amount)} {self.currency}"
        return f"<Rated {self.model} {self.status}: {shown}>"


ScaledPrice = tuple[int, UnitPrice]
"""The price of one unit, as a whole number of the card's steps and as it is stated."""

CardRow = tuple[str, int, UnitPrice]
"""The name of a quantity, then its `ScaledPrice`."""

CardShown = tuple[Decimal, str, str, str, str | None, str | None]
"""One step, and what every `Rated` under a card shows: model, currency, price entry, tier, window."""


@dataclass(frozen=True, slots=True)
class RateCard:
    """Everything that decides the list price of a request but its quantities.

    An amount under a card is a whole number of steps, a power of ten, so that it is found in integers. `steps` is how
    many of them are 1. `charges_requests` says whether a request costs something, or is listed at nothing, whatever it
    uses. `scaled` remembers prices by quantity, and `rows` those of all quantities of a request; `shown` is what each
    result repeats.
    """

    entry: PriceEntry
    mode: str
    choice: RateChoice
    fees: Mapping[str, Fee]
    multiplier: Decimal
    steps: Decimal = field(init=False, repr=False, compare=False)
    shown: CardShown = field(init=False, repr=False, compare=False)
    charges_requests: bool = field(init=False, repr=False, compare=False)
    scaled: dict[str, ScaledPrice | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    rows: dict[tuple[str, ...], tuple[CardRow, ...] | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        prices = [self.unit_price(name) for name in (*self.choice.rates, *self.fees, REQUEST)]
        steps = steps_of([price.of_one for price in prices if price is not None])
        object.__setattr__(self, "steps", steps)
        entry, choice = self.entry, self.choice
        shown = (_divide(ONE, steps), entry.model, entry.currency, entry.hash, choice.tier, choice.window)
        object.__setattr__(self, "shown", shown)
        object.__setattr__(self, "charges_requests", prices[-1] is not None)

    @property
    def key(self) -> tuple[str, str, str, str, Decimal]:
        """Equal for two cards exactly when they price alike."""
        return (self.entry.hash, self.mode, self.choice.tier or "", self.choice.window or "", self.multiplier)

    @property
    def needs_quantities(self) -> bool:
        """Whether the price of a request is known only with what it used: it is not free, and not charged as such."""
        if self.entry.is_free or self.charges_requests:
            return False
        return any(self.choice.rates.values()) or any(fee.price for fee in self.fees.values())

    def unit_price(self, name: str) -> UnitPrice | None:
        """What a quantity is charged at; None when it has no rate, no fee and no fallback, or is not charged."""
        entry = self.entry
        if entry.is_free:
            return None if name == REQUEST else UnitPrice(name, ZERO, entry.per, ONE)
        return unit_price(name, self.choice.rates, entry.per, entry.fallback, self.fees, self.multiplier)

    def scaled_price(self, name: str) -> ScaledPrice | None:
        """The same in steps. It is looked up once and remembered."""
        if name not in self.scaled:
            if len(self.scaled) >= REMEMBERED_MAX:
                self.scaled.clear()
            price = self.unit_price(name)
            self.scaled[name] = None if price is None else (int(_multiply(price.of_one, self.steps)), price)
        return self.scaled[name]

    def rows_of(self, names: tuple[str, ...]) -> tuple[CardRow, ...] | None:
        """The prices of quantities in order of their names, None when one has none. Looked up once and remembered.

        A request that is not charged has no row.
        """
        if names not in self.rows:
            if len(self.rows) >= REMEMBERED_MAX:
                self.rows.clear()
            prices = [(name, self.scaled_price(name)) for name in sorted(names)]
            is_whole = all(price is not None or name == REQUEST for name, price in prices)
            rows = tuple((name, *price) for name, price in prices if price is not None)
            self.rows[names] = rows if is_whole else None
        return self.rows[names]

    def no_rate(self, name: str) -> str:
        """Why a request with this quantity has no price."""
        parts = {"mode": self.mode, "tier": self.choice.tier, "window": self.choice.window}
        shown = ", ".join(f"{part} {value}" for part, value in parts.items() if value)
        return f"{self.entry.model} has no rate for {name!r} ({shown})"


def steps_of(amounts: Iterable[Decimal]) -> Decimal:
    """The smallest power of ten, 1 or more, of which every one of these amounts is a whole number of parts."""
    exponents = [int(amount.normalize(EXACT).as_tuple().exponent) for amount in amounts]
    return Decimal(10 ** -min([0, *exponents]))


def rate_card_within(
    entry: PriceEntry, mode: str, rates: RateSet, window_number: int | None, input_total: int, geo: str | None
) -> RateCard:
    """The card of a request whose set of rates and open window are known."""
    multiplier = entry.multipliers.get("geo", {}).get(geo, ONE) if geo else ONE
    return RateCard(
        entry, mode, entry.choice_within(rates, window_number, input_total), entry.fees_of(rates), multiplier
    )


def rate_quantities(card: RateCard, quantities: Mapping[str, int]) -> Rated:
    """Price quantities under a card. One quantity without a rate leaves the whole without a price."""
    names = tuple(quantities)
    try:
        rows = card.rows[names]
    except KeyError:
        rows = card.rows_of(names)
    if rows is None:
        return _rate_used(card, quantities)
    step, model, currency, price_entry, tier, window = card.shown
    lines: list[RatedLine] = []
    total = 0
    for name, unit, price in rows:
        count = quantities[name]
        if count:
            amount = count * unit
            total += amount
            lines.append(_tuple(RatedLine, (name, count, price, _multiply(amount, step), price_entry)))
    status = "priced" if total else _status_of_zero(card, lines)
    exact = _multiply(total, step) if total % 10 else _divide(total, card.steps)
    return _tuple(Rated, (status, None, exact, tuple(lines), model, currency, price_entry, tier, window))


def _rate_used(card: RateCard, quantities: Mapping[str, int]) -> Rated:
    """Rate quantities of which one has no rate: a quantity of zero needs none."""
    used = {name: count for name, count in quantities.items() if count}
    for name in sorted(used):
        if name != REQUEST and card.scaled_price(name) is None:
            entry = card.entry
            return Rated("unpriced", card.no_rate(name), None, (), entry.model, entry.currency, entry.hash)
    return rate_quantities(card, used)


def amount_under(card: RateCard, quantities: Mapping[str, int]) -> Decimal | None:
    """What `rate_quantities` says that quantities come to, quicker and without lines.

    None when it has more to say: a quantity has no rate, or all come to nothing.
    """
    names = tuple(quantities)
    try:
        rows = card.rows[names]
    except KeyError:
        rows = card.rows_of(names)
    if rows is None:
        return None
    total = 0
    for row in rows:
        total += quantities[row[0]] * row[1]
    return _divide(total, card.steps) if total else None


def price_quantity(
    name: str,
    count: int,
    rates: Mapping[str, Decimal],
    per: int,
    fallback: Mapping[str, str],
    fees: Mapping[str, Fee],
    multiplier: Decimal,
    price_entry: str,
) -> RatedLine | None:
    """Price one quantity by its rate, its fee or its declared fallback; None when it has none."""
    price = unit_price(name, rates, per, fallback, fees, multiplier)
    if price is None:
        return None
    return RatedLine(name, count, price, amount_of(count, price.rate, price.per), price_entry)


def unit_price(
    name: str,
    rates: Mapping[str, Decimal],
    per: int,
    fallback: Mapping[str, str],
    fees: Mapping[str, Fee],
    multiplier: Decimal,
) -> UnitPrice | None:
    """What one quantity is charged at: a counter at its fee, otherwise its rate, otherwise that of its fallback."""
    fee = fees.get(name)
    if fee is not None and name not in _TOKEN_LEAVES:
        return UnitPrice(name, fee.price, fee.per, ONE)
    priced_as: str | None = name
    for _ in range(len(fallback) + 1):
        if priced_as is None or priced_as in rates:
            break
        priced_as = fallback.get(priced_as)
    if priced_as is None or priced_as not in rates:
        return None
    return UnitPrice(priced_as, _multiply(rates[priced_as], multiplier), per, multiplier)


def amount_of(count: int, rate: Decimal, per: int) -> Decimal:
    """`count x rate / per`, exactly.

    Raises:
        decimal.Inexact: when `per` has a prime factor other than 2 and 5; `prices check` refuses such entries.
    """
    return _divide(_multiply(Decimal(count), rate), Decimal(per))


def _status_of_zero(card: RateCard, lines: Iterable[RatedLine]) -> RatedStatus:
    """Free is a listed zero: a free entry, or lines whose rates are all zero. Nothing used is priced at nothing."""
    rates = [line.rate for line in lines]
    return "free" if card.entry.is_free or (rates and not any(rates)) else "priced"
