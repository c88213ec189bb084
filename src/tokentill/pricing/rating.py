"""List prices of a usage: which rates hold, and what they come to, exactly.

Pure. Rating is linear once a `Plan` is known: everything that decides a price is in the plan, so the amount of a
sum of quantities under one plan is the sum of the amounts. The library prices one record with it, an invoice
prices sums with it; there is no second definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tokentill.money import EXACT, ZERO, amount_text, sum_exact
from tokentill.pricing.entries import Fee, PriceEntry, Variant
from tokentill.usage.record import REQUEST, TOKEN_LEAVES

RatedStatus = Literal["priced", "free", "unpriced"]
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class RatedLine:
    """One quantity and what it comes to: `quantity x rate / per = amount`.

    `priced_as` names the quantity whose rate was used (another one where a fallback applied). `rate` includes the
    `multiplier` of the geography.
    """

    name: str
    quantity: int
    priced_as: str
    rate: Decimal
    per: int
    multiplier: Decimal
    amount: Decimal
    price_entry: str

    def __repr__(self) -> str:
        return f"<{self.name} {self.quantity} x {self.rate} / {self.per} = {self.amount}>"


@dataclass(frozen=True, slots=True)
class Rated:
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
        what = self.reason if self.amount is None else f"{amount_text(self.amount)} {self.currency}"
        return f"<Rated {self.model} {self.status}: {what}>"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides the list price of a request but its quantities."""

    entry: PriceEntry
    mode: str
    variant: Variant
    fees: Mapping[str, Fee]
    multiplier: Decimal

    @property
    def key(self) -> tuple[str, str, str, str, Decimal]:
        """Equal for two plans exactly when they price alike."""
        return (self.entry.hash, self.mode, self.variant.tier or "", self.variant.window or "", self.multiplier)


def plan_for(entry: PriceEntry, *, at: datetime, mode: str, input_total: int, geo: str | None = None) -> Plan | str:
    """The plan of a request under an entry, or the reason why it has no price.

    Args:
        entry: the entry in force at `at`.
        input_total: all input leaves of the one request together; it decides the context tier.
    """
    rates = entry.rate_set(mode, at)
    if isinstance(rates, str):
        return rates
    multiplier = entry.multipliers.get("geo", {}).get(geo, ONE) if geo else ONE
    return Plan(entry, mode, entry.variant(rates, at, input_total), entry.fees_of(rates), multiplier)


def rate_quantities(plan: Plan, quantities: Mapping[str, int]) -> Rated:
    """Price quantities under a plan. One quantity without a rate leaves the whole without a price."""
    entry, variant = plan.entry, plan.variant
    lines: list[RatedLine] = []
    for name in sorted(quantities):
        count = quantities[name]
        if not count:
            continue
        if entry.is_free:
            if name != REQUEST:
                lines.append(RatedLine(name, count, name, ZERO, entry.per, ONE, ZERO, entry.hash))
            continue
        line = price_quantity(
            name, count, variant.rates, entry.per, entry.fallback, plan.fees, plan.multiplier, entry.hash
        )
        if line is not None:
            lines.append(line)
        elif name != REQUEST:
            return _unpriced(plan, f"{entry.model} has no rate for {name!r}" + _where(plan))
    is_free = entry.is_free or (bool(lines) and not any(line.rate for line in lines))
    return Rated(
        status="free" if is_free else "priced",
        reason=None,
        amount=sum_exact(line.amount for line in lines),
        lines=tuple(lines),
        model=entry.model,
        currency=entry.currency,
        price_entry=entry.hash,
        tier=variant.tier,
        window=variant.window,
    )


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
    """Price one quantity by its rate, its fee or its declared fallback; None when there is none of them."""
    fee = fees.get(name)
    if fee is not None and name not in TOKEN_LEAVES:
        return RatedLine(name, count, name, fee.price, fee.per, ONE, amount_of(count, fee.price, fee.per), price_entry)
    priced_as: str | None = name
    for _ in range(len(fallback) + 1):
        if priced_as is None or priced_as in rates:
            break
        priced_as = fallback.get(priced_as)
    if priced_as is None or priced_as not in rates:
        return None
    rate = EXACT.multiply(rates[priced_as], multiplier)
    return RatedLine(name, count, priced_as, rate, per, multiplier, amount_of(count, rate, per), price_entry)


def amount_of(count: int, rate: Decimal, per: int) -> Decimal:
    """`count x rate / per`, exactly.

    Raises:
        decimal.Inexact: when `per` has a prime factor other than 2 and 5; `prices check` refuses such entries.
    """
    return EXACT.divide(EXACT.multiply(Decimal(count), rate), Decimal(per))


def _where(plan: Plan) -> str:
    parts = [f"mode {plan.mode}"]
    if plan.variant.tier:
        parts.append(f"tier {plan.variant.tier}")
    if plan.variant.window:
        parts.append(f"window {plan.variant.window}")
    return f" ({', '.join(parts)})"


def _unpriced(plan: Plan, reason: str) -> Rated:
    return Rated("unpriced", reason, None, (), plan.entry.model, plan.entry.currency, plan.entry.hash)
