"""Tiers over what a period adds up to: each unit by the tier it falls in, or all by the tier that the total reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from tokentill.canonical import Content
from tokentill.contracts.steps import Step, percent_of
from tokentill.errors import ensure
from tokentill.money import EXACT, ZERO, amount_text
from tokentill.usage.quantities import REQUEST, leaves_of

TierKind = Literal["graduated", "volume"]
SPEND = "spend"
"""What tiers may run over beside quantities: the basis amount of the period, before any markup."""


@dataclass(frozen=True, slots=True)
class RuleTier:
    """One tier of a rule: up to which total it goes (inclusive), and what holds in it in place of the rule's own.

    `flat` is charged once in a period, when the tier is entered.
    """

    number: int
    up_to: Decimal | None
    markup_percent: Mapping[str, Decimal] | None
    rates: Mapping[str, Decimal] | None
    flat: Decimal
    label: str


@dataclass(frozen=True, slots=True)
class TierState:
    """How far a period has come: the units or the amount counted, and the numbers of the tiers that were entered."""

    position: Decimal = ZERO
    entered: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class RuleTiers:
    """Tiers over what a period adds up to. `over` names quantities or sums, or is `(SPEND,)`."""

    is_linear: ClassVar[bool] = False
    counts_on: ClassVar[bool] = True

    kind: TierKind
    over: tuple[str, ...]
    tiers: tuple[RuleTier, ...]
    flat_at_zero: bool

    @classmethod
    def from_content(cls, content: Content) -> RuleTiers:
        """From the canonical content of a `tiers` table."""
        tiers: list[RuleTier] = []
        for number, tier in enumerate(content["tier"], start=1):
            up_to = Decimal(tier["up_to"]) if "up_to" in tier else None
            below = tiers[-1].up_to if tiers else None
            markup, rates = tier.get("markup_percent"), tier.get("rates")
            tiers.append(
                RuleTier(
                    number=number,
                    up_to=up_to,
                    markup_percent=None if markup is None else markup_of(markup),
                    rates=None if rates is None else {name: Decimal(rate) for name, rate in rates.items()},
                    flat=Decimal(tier.get("flat", 0)),
                    label=f"above {_grouped(below)}" if up_to is None else f"up to {_grouped(up_to)}",
                )
            )
        return cls(content["kind"], tuple(content["over"]), tuple(tiers), content.get("flat_at_zero", False))

    @property
    def is_over_spend(self) -> bool:
        """Whether the tiers run over an amount."""
        return self.over == (SPEND,)

    @property
    def measured(self) -> tuple[str, ...]:
        """The leaves and counters that count, in the order in which those of one request are counted: itself first."""
        return tuple(sorted(leaves_of(self.over), key=lambda leaf: leaf != REQUEST))

    @property
    def boundaries(self) -> tuple[Decimal, ...]:
        """Where one tier ends and the next begins."""
        return tuple(tier.up_to for tier in self.tiers if tier.up_to is not None)

    def at(self, position: Decimal) -> RuleTier:
        """The tier in which the next unit falls when `position` units were counted before it."""
        return next((tier for tier in self.tiers if tier.up_to is None or position < tier.up_to), self.tiers[-1])

    def of_total(self, total: Decimal) -> RuleTier:
        """The tier that a whole total reaches: `up_to` is inclusive."""
        return next((tier for tier in self.tiers if tier.up_to is None or total <= tier.up_to), self.tiers[-1])

    def split(self, position: Decimal, amount: Decimal) -> list[tuple[RuleTier, Decimal]]:
        """An amount that begins at a position, cut at the boundaries. Each tier appears at most once."""
        pieces = []
        while amount:
            tier = self.at(position)
            room = amount if tier.up_to is None else EXACT.subtract(tier.up_to, position)
            piece = amount if tier is self.tiers[-1] else min(amount, room)
            pieces.append((tier, piece))
            position, amount = EXACT.add(position, piece), EXACT.subtract(amount, piece)
        return pieces

    def meets_boundary(self, before: TierState, after: TierState) -> bool:
        """Whether the order of the records between two states decides something: a boundary lies between them."""
        if self.kind != "graduated":
            return False
        return any(before.position < boundary <= after.position for boundary in self.boundaries)


def consume_units(
    tiers: RuleTiers, quantities: Mapping[str, int], state: TierState, total: Decimal | None
) -> tuple[list[tuple[RuleTier, dict[str, int]]], TierState]:
    """Put quantities to the tiers they fall in.

    Args:
        quantities: with the counter of requests.
        total: what the period adds up to; tiers by volume need it.

    Returns:
        The quantities by tier, in order, each tier once; what the tiers do not measure goes with the first unit. And
        the new state.
    """
    measured = {name: quantities.get(name, 0) for name in tiers.measured}
    if tiers.kind == "volume":
        ensure(total is not None, "a volume tier needs the total of the period")
        tier, units = tiers.of_total(total or ZERO), Decimal(sum(measured.values()))
        reached = state.entered | {tier.number} if units else state.entered
        return [(tier, dict(quantities))], TierState(EXACT.add(state.position, units), reached)
    first, position, entered = tiers.at(state.position), state.position, set(state.entered)
    unmeasured = {name: count for name, count in quantities.items() if name not in measured}
    by_tier: dict[int, tuple[RuleTier, dict[str, int]]] = {first.number: (first, unmeasured)}
    for name, count in measured.items():
        for tier, piece in tiers.split(position, Decimal(count)):
            by_tier.setdefault(tier.number, (tier, {}))[1][name] = int(piece)
            position = EXACT.add(position, piece)
            entered.add(tier.number)
    return [by_tier[number] for number in sorted(by_tier)], TierState(position, frozenset(entered))


def consume_spend(
    tiers: RuleTiers, amount: Decimal, state: TierState, total: Decimal | None
) -> tuple[dict[int, Decimal], TierState]:
    """Put a basis amount to the tiers over spend. Returns the amounts by the tiers' numbers, and the new state."""
    if tiers.kind == "volume":
        pieces = [(tiers.of_total(total or ZERO), amount)] if amount else []
    else:
        pieces = tiers.split(state.position, amount)
    entered = state.entered | {tier.number for tier, _ in pieces}
    return {tier.number: piece for tier, piece in pieces}, TierState(EXACT.add(state.position, amount), entered)


def spend_steps(
    tiers: RuleTiers, markup_percent: Mapping[str, Decimal], spend: Mapping[int, Decimal]
) -> Iterator[Step]:
    """The markup of each tier, on the part of the basis amount that fell into it."""
    for number in sorted(spend):
        tier = tiers.tiers[number - 1]
        own = markup_percent if tier.markup_percent is None else tier.markup_percent
        percent = own.get("default", ZERO)
        if percent:
            yield Step(
                "markup", tier.label, percent_of(percent, spend[number]), percent=percent, of_amount=spend[number]
            )


def markup_of(content: Content | str) -> Mapping[str, Decimal]:
    """Percentages by quantity; one alone is that of `default`."""
    markup = content if isinstance(content, dict) else {"default": content}
    return {name: Decimal(percent) for name, percent in markup.items()}


def _grouped(value: Decimal | None) -> str:
    whole, _, fraction = amount_text(ZERO if value is None else value).partition(".")
    return f"{int(whole):,}" + (f".{fraction}" if fraction else "")
