"""Markup rules: which records a rule fits, and everything that it may do with them.

Pure values. What a rule can do beside basis, markup and add-ons lies in `contracts.features`, one file each;
`contracts.calculation` runs them in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

from tokentill.canonical import Content, content_hash
from tokentill.contracts.features.allowance import Allowance
from tokentill.contracts.features.byok import ByokFee
from tokentill.contracts.features.credits import CreditUnit
from tokentill.contracts.features.margin import Margin
from tokentill.contracts.features.package import Package
from tokentill.contracts.features.tiers import RuleTiers, markup_of
from tokentill.prices.entries import Fee
from tokentill.usage.aggregates import Series
from tokentill.usage.globs import glob_fits
from tokentill.usage.quantities import REQUEST
from tokentill.usage.record import STANDARD

Basis = Literal["list", "own", "cost", "free"]
Feature = Allowance | RuleTiers | Package | Margin | CreditUnit | ByokFee


class Traits(Protocol):
    """What a rule can match: usages, records and series have it. `model` is the canonical id."""

    @property
    def model(self) -> str: ...
    @property
    def provider(self) -> str | None: ...
    @property
    def mode(self) -> str | None: ...
    @property
    def api_key(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def source(self) -> str | None: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def status(self) -> str: ...
    @property
    def usage_state(self) -> str: ...
    @property
    def is_byok(self) -> bool: ...
    @property
    def is_replayed(self) -> bool: ...
    @property
    def zero_cost(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class RequestTraits:
    """The traits of requests of one kind."""

    model: str
    provider: str | None
    mode: str | None
    api_key: str | None
    user: str | None
    source: str | None
    tags: tuple[str, ...]
    status: str
    usage_state: str
    is_byok: bool
    is_replayed: bool
    zero_cost: bool

    @classmethod
    def of(cls, series: Series, *, model: str, zero_cost: bool) -> RequestTraits:
        """Those of a series under the canonical id of its model, of requests whose reported cost is 0 or of others."""
        named = ("provider", "mode", "api_key", "user", "source", "tags")
        flags = ("status", "usage_state", "is_byok", "is_replayed")
        return cls(model=model, zero_cost=zero_cost, **{name: getattr(series, name) for name in (*named, *flags)})


FLAGS = ("is_byok", "is_replayed", "zero_cost")
"""Match keys that ask for true or false. `zero_cost` is true where a cost of 0 was reported, and false where none was.
"""


def trait_values(traits: Traits, key: str) -> tuple[str, ...]:
    """The values under a match key; none when the request does not have it. A request without a mode is standard."""
    if key == "tag":
        return traits.tags
    if key in FLAGS:
        return ("true" if getattr(traits, key) else "false",)
    value: str | None = getattr(traits, key)
    if key == "mode" and value is None:
        value = STANDARD
    return () if value is None else (value,)


@dataclass(frozen=True, slots=True)
class Rule:
    """One markup rule of a contract. `hash` covers what it does, so that an invoice can name the rule it used.
    `is_unusual` says that its numbers are meant although they look like a mistake.

    `is_linear` says whether the amount of a sum is the sum of the amounts, as long as a tier is known. Where it is not,
    records are billed in order of time, since what one costs may depend on those before it in the period (`counts_on`),
    or each by itself (`is_per_request`).
    """

    name: str
    contract: str
    match: Mapping[str, tuple[str, ...]]
    basis: Basis
    per: int
    rates: Mapping[str, Decimal]
    markup_percent: Mapping[str, Decimal]
    add_on: Mapping[str, Fee]
    byok_fee: ByokFee | None
    min_margin: Margin | None
    allowance: Allowance | None
    tiers: RuleTiers | None
    package: Mapping[str, Package]
    credits: CreditUnit | None
    hash: str
    is_unusual: bool = field(default=False, compare=False)
    is_linear: bool = field(init=False, repr=False, compare=False)
    is_per_request: bool = field(init=False, repr=False, compare=False)
    counts_on: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        features = self.features
        object.__setattr__(self, "is_linear", all(feature.is_linear for feature in features))
        counts_on = any(feature.counts_on for feature in features)
        object.__setattr__(self, "counts_on", counts_on)
        is_per_request = any(not (feature.is_linear or feature.counts_on) for feature in features)
        object.__setattr__(self, "is_per_request", is_per_request)

    @classmethod
    def from_content(cls, content: Content, *, contract: str, number: int) -> Rule:
        """From the canonical content of a `[[rule]]` table; `number` is its place in the file, from 1."""
        byok, margin = content.get("byok_fee_percent"), content.get("min_margin_percent")
        return cls(
            name=content.get("name", f"rule {number}"),
            contract=contract,
            match={key: _patterns(asked) for key, asked in content.get("match", {}).items()},
            basis=content.get("basis", "list"),
            per=content.get("per", 1_000_000),
            rates={name: Decimal(rate) for name, rate in content.get("rates", {}).items()},
            markup_percent=markup_of(content.get("markup_percent", {})),
            add_on={name: Fee.from_content(fee) for name, fee in content.get("add_on", {}).items()},
            byok_fee=None if byok is None else ByokFee(Decimal(byok)),
            min_margin=None if margin is None else Margin(Decimal(margin)),
            allowance=Allowance.from_content(content["allowance"]) if "allowance" in content else None,
            tiers=RuleTiers.from_content(content["tiers"]) if "tiers" in content else None,
            package={name: Package.from_content(package) for name, package in content.get("package", {}).items()},
            credits=CreditUnit.from_content(content["credits"]) if "credits" in content else None,
            hash=content_hash(
                {key: value for key, value in content.items() if key != "unusual"} | {"contract": contract}
            ),
            is_unusual=content.get("unusual", False),
        )

    @property
    def features(self) -> tuple[Feature, ...]:
        """What it does beside basis, markup and add-ons."""
        features = (self.allowance, self.tiers, *self.package.values(), self.min_margin, self.credits, self.byok_fee)
        return tuple(feature for feature in features if feature is not None)

    @property
    def bills_requests(self) -> bool:
        """Whether it says what a request comes to, whatever was used: by its cost, by the request, or at nothing."""
        tiers = () if self.tiers is None else self.tiers.tiers
        by_request = (self.rates if self.basis == "own" else {}, self.package, *(tier.rates or {} for tier in tiers))
        return self.basis in ("cost", "free") or any(REQUEST in priced for priced in by_request)

    @property
    def bills_nothing(self) -> bool:
        """Whether its requests are not billed, whatever they are."""
        return self.basis == "free" and not (self.features or self.add_on)

    @property
    def has_volume(self) -> bool:
        """Whether what a record costs depends on what the whole period comes to."""
        return self.tiers is not None and self.tiers.kind == "volume"

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
            any(glob_fits(pattern, value) for pattern in patterns for value in trait_values(traits, key))
            for key, patterns in self.match.items()
        )


def _patterns(asked: list[str] | bool) -> tuple[str, ...]:
    """What a match key asks for: words, or whether something is so."""
    return (("false", "true")[asked],) if isinstance(asked, bool) else tuple(asked)
