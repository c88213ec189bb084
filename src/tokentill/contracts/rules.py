"""Markup rules: which records a rule fits, and everything that it may do with them.

Pure values. What a rule makes of quantities is in `contracts.calculation`; what it remembers through a period
(allowances, tiers, packages) is in `invoicing.accumulators`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from tokentill.canonical import Content, content_hash
from tokentill.money import EXACT, ZERO, amount_text
from tokentill.prices.entries import Fee
from tokentill.usage.quantities import OUTPUT_LEAVES, REQUEST, SUMS, TOKEN_LEAVES

Basis = Literal["list", "own", "cost", "free"]
TierKind = Literal["graduated", "volume"]
SPEND = "spend"
"""What tiers may run over beside quantities: the basis amount of the period, before any markup."""

_LEAVES = frozenset(TOKEN_LEAVES)


@dataclass(frozen=True, slots=True)
class Traits:
    """What a rule can match: the traits of a record that its contract may look at."""

    model: str
    provider: str | None
    mode: str
    api_key: str | None
    user: str | None
    source: str
    tags: tuple[str, ...]

    def values(self, key: str) -> tuple[str, ...]:
        """The values under a match key; none when the record does not have it."""
        if key == "tag":
            return self.tags
        value = getattr(self, key)
        return () if value is None else (value,)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a period includes: units of quantities or sums, or an amount in the contract's currency."""

    units: Mapping[str, int]
    amount: Decimal | None

    @classmethod
    def from_content(cls, content: Content) -> Allowance:
        """From the canonical content of an `allowance` table."""
        amount = content.get("amount")
        return cls(dict(content.get("units", {})), None if amount is None else Decimal(amount))


@dataclass(frozen=True, slots=True)
class RuleTier:
    """One tier of a rule: up to which total it goes (inclusive), and what holds in it in place of the rule's own."""

    number: int
    up_to: Decimal | None
    markup_percent: Mapping[str, Decimal] | None
    rates: Mapping[str, Decimal] | None
    flat: Decimal
    label: str


@dataclass(frozen=True, slots=True)
class RuleTiers:
    """Tiers over what a period adds up to. `over` names quantities or sums, or is `(SPEND,)`."""

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


@dataclass(frozen=True, slots=True)
class Package:
    """Blocks of `size` units, each begun block at `price`."""

    price: Decimal
    size: int

    def begun(self, units: int) -> int:
        """How many packages so many units begin."""
        return -(-units // self.size)


@dataclass(frozen=True, slots=True)
class CreditUnit:
    """A named unit of fixed worth that is billed instead of money, rounded up for each request where declared."""

    name: str
    worth: Decimal
    is_per_request: bool
    at_least: int

    @classmethod
    def from_content(cls, content: Content) -> CreditUnit:
        """From the canonical content of a `credits` table."""
        is_per_request = content["round_up"] == "request"
        return cls(content["name"], Decimal(content["worth"]), is_per_request, content.get("at_least", 0))


@dataclass(frozen=True, slots=True)
class Rule:
    """One markup rule of a contract. `hash` covers what it does, so that an invoice can name the rule it used."""

    name: str
    contract: str
    match: Mapping[str, tuple[str, ...]]
    basis: Basis
    per: int
    rates: Mapping[str, Decimal]
    markup_percent: Mapping[str, Decimal]
    add_on: Mapping[str, Fee]
    byok_fee_percent: Decimal | None
    min_margin_percent: Decimal | None
    allowance: Allowance | None
    tiers: RuleTiers | None
    package: Mapping[str, Package]
    credits: CreditUnit | None
    hash: str

    @classmethod
    def from_content(cls, content: Content, *, contract: str, number: int) -> Rule:
        """From the canonical content of a `[[rule]]` table; `number` is its place in the file, from 1."""
        byok, margin = content.get("byok_fee_percent"), content.get("min_margin_percent")
        return cls(
            name=content.get("name", f"rule {number}"),
            contract=contract,
            match={key: tuple(patterns) for key, patterns in content.get("match", {}).items()},
            basis=content.get("basis", "list"),
            per=content.get("per", 1_000_000),
            rates={name: Decimal(rate) for name, rate in content.get("rates", {}).items()},
            markup_percent=markup_of(content.get("markup_percent", {})),
            add_on={name: Fee.from_content(fee) for name, fee in content.get("add_on", {}).items()},
            byok_fee_percent=None if byok is None else Decimal(byok),
            min_margin_percent=None if margin is None else Decimal(margin),
            allowance=Allowance.from_content(content["allowance"]) if "allowance" in content else None,
            tiers=RuleTiers.from_content(content["tiers"]) if "tiers" in content else None,
            package={
                name: Package(Decimal(package["price"]), package["size"])
                for name, package in content.get("package", {}).items()
            },
            credits=CreditUnit.from_content(content["credits"]) if "credits" in content else None,
            hash=content_hash({**content, "contract": contract}),
        )

    @property
    def is_per_request(self) -> bool:
        """Whether it is not linear: every request has to be billed by itself."""
        return self.min_margin_percent is not None or (self.credits is not None and self.credits.is_per_request)

    @property
    def counts_on(self) -> bool:
        """Whether what a record costs may depend on what came before it in the period."""
        return bool(self.allowance or self.tiers or self.package)

    @property
    def has_volume(self) -> bool:
        """Whether what a record costs depends on what the whole period comes to."""
        return self.tiers is not None and self.tiers.kind == "volume"

    @property
    def is_in_order(self) -> bool:
        """Whether records are billed in order of time, or each by itself."""
        return self.counts_on or self.is_per_request

    @property
    def flat_at_zero(self) -> Decimal | None:
        """The flat amount that is charged for a period without any unit, None where nothing is."""
        return self.tiers.tiers[0].flat or None if self.tiers is not None and self.tiers.flat_at_zero else None

    @property
    def accumulator_key(self) -> tuple[str, str]:
        """Under which name a period's allowances and tiers are counted on through the versions of a contract."""
        return (self.contract, self.name)

    def fits(self, traits: Traits) -> bool:
        """Whether every given match key has a value that fits one of its patterns."""
        return all(
            any(glob_fits(pattern, value) for pattern in patterns for value in traits.values(key))
            for key, patterns in self.match.items()
        )


def markup_of(content: Content | str) -> Mapping[str, Decimal]:
    """Percentages by quantity; one alone is that of `default`."""
    markup = content if isinstance(content, dict) else {"default": content}
    return {name: Decimal(percent) for name, percent in markup.items()}


def leaves_of(names: Iterable[str]) -> tuple[str, ...]:
    """Leaves and counters that names stand for, each once; a sum stands for its leaves in their order."""
    return tuple(dict.fromkeys(leaf for name in names for leaf in SUMS.get(name, (name,))))


def sum_over(name: str) -> str | None:
    """The sum that a leaf is part of, None for a counter."""
    return "output_total" if name in OUTPUT_LEAVES else "input_total" if name in _LEAVES else None


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.compile("".join(parts), re.DOTALL)


def glob_fits(pattern: str, value: str) -> bool:
    """Whether a glob of `*` and `?` fits the whole of a value, case-sensitively."""
    return pattern == value or _glob(pattern).fullmatch(value) is not None


def _grouped(value: Decimal | None) -> str:
    whole, _, fraction = amount_text(ZERO if value is None else value).partition(".")
    return f"{int(whole):,}" + (f".{fraction}" if fraction else "")
