"""Numbers of contracts that look like a slip: fractions for percentages, rates of another unit, fees of nothing.

All warn, and whoever means a number says `unusual = true` beside it. Released files were looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal

from tokentill.contracts.book import Contract
from tokentill.contracts.invoice_terms import Recurring
from tokentill.contracts.rules import Rule
from tokentill.errors import Finding
from tokentill.money import EXACT, amount_text
from tokentill.prices.rate_cards import ONE, amount_of
from tokentill.recordings.checks.before_release import UNITS_OF_A_DOLLAR
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.reading import Located
from tokentill.recordings.recording import Recordings
from tokentill.usage.globs import glob_fits
from tokentill.usage.quantities import leaves_of

MARKUP_PERCENT_MAX = Decimal(500)
LIST_APART_MAX = Decimal(300)
"""How far an own rate may be from the list price. Mistakes of the unit are a thousand, or a million."""

_MILLION = 1_000_000
_ABOUT = Context(prec=9)
"""Amounts of two currencies are compared here, and never billed."""

_IF_MEANT = "if it is meant, say unusual = true"


def percentages_are_no_fractions(recordings: Recordings) -> Iterator[Finding]:
    """No percentage is between 0 and 1, as one that was written as a fraction, and no markup is above 500."""
    for contract in recordings.agreements:
        for path, percent in _percentages(contract.value):
            written = amount_text(EXACT.multiply(percent, Decimal(100)))
            if 0 < abs(percent) < ONE:
                message = f"{amount_text(percent)} percent? {written} percent is written {written}"
                yield contract.finding(path, message, _IF_MEANT, is_warning=True)
            elif percent > MARKUP_PERCENT_MAX and "markup_percent" in path:
                times = amount_text(EXACT.add(ONE, EXACT.divide(percent, Decimal(100))))
                message = f"a markup of {amount_text(percent)} percent bills {times} times the basis"
                hint = f"20 percent on top are written 20; {_IF_MEANT}"
                yield contract.finding(path, message, hint, is_warning=True)


def _percentages(contract: Contract) -> Iterator[tuple[KeyPath, Decimal]]:
    """Every percentage whose table does not say that it is meant."""
    for index, tax in enumerate(contract.invoice.taxes or ()):
        if not tax.is_unusual:
            yield ("invoice", "tax", index, "percent"), tax.percent
    for index, coupon in enumerate(contract.invoice.coupons or ()):
        if coupon.percent is not None and not coupon.is_unusual:
            yield ("invoice", "coupon", index, "percent"), coupon.percent
    for index, rule in enumerate(contract.rules):
        if not rule.is_unusual:
            yield from ((("rule", index, *path), percent) for path, percent in _percentages_of_rule(rule))


def _percentages_of_rule(rule: Rule) -> Iterator[tuple[KeyPath, Decimal]]:
    for name, percent in rule.markup_percent.items():
        yield ("markup_percent", name), percent
    for number, tier in enumerate(() if rule.tiers is None else rule.tiers.tiers):
        for name, percent in (tier.markup_percent or {}).items():
            yield ("tiers", "tier", number, "markup_percent", name), percent
    if rule.byok_fee is not None:
        yield ("byok_fee_percent",), rule.byok_fee.percent
    if rule.min_margin is not None:
        yield ("min_margin_percent",), rule.min_margin.percent


@dataclass(frozen=True, slots=True)
class _Price:
    """What a million units cost, and whose price it is: of a rule (where it stands in it) or of a model."""

    name: str
    currency: str
    million: Decimal
    path: KeyPath = ()
    model: str = ""

    @property
    def in_dollars(self) -> Decimal | None:
        """About how many dollars that is; None for a currency that is not known."""
        units = UNITS_OF_A_DOLLAR.get(self.currency)
        return None if units is None else _ABOUT.divide(self.million, units)

    def times(self, other: _Price) -> Decimal:
        """How many times another price this one is; as if they were the same where one is not known in dollars."""
        own, others = self.in_dollars, other.in_dollars
        return ONE if own is None or others is None else _ABOUT.divide(own, others)

    def __str__(self) -> str:
        return f"{amount_text(self.million)} {self.currency}"


def own_prices_are_near_the_list(recordings: Recordings) -> Iterator[Finding]:
    """An own rate is not 300 times dearer or cheaper than the median of the list prices of the models that its rule
    fits, and no add-on or package so much dearer.
    """
    for contract, index, rule in _guarded_rules(recordings):
        listed = None
        for own in _prices_of_rule(rule, _currency_of(contract.value, recordings)):
            listed = list(_list_prices(rule, recordings)) if listed is None else listed
            leaves = set(leaves_of((own.name,)))
            is_rate = "rates" in own.path
            beside = sorted((price for price in listed if price.name in leaves), key=lambda price: price.times(own))
            if not beside:
                continue
            other = beside[len(beside) // 2]
            if not _is_far(own, other, is_rate=is_rate):
                continue
            what = f'rate "{own.name}"' if is_rate else f'the price of "{own.name}"'
            message = f"{what} is {own} for a million, and the list price of {other.model} is {other}"
            hint = f"for how many units is it meant? Say so with {'per' if own.path[0] != 'package' else 'size'} = ..."
            yield contract.finding(("rule", index, *own.path), message, f"{hint}; {_IF_MEANT}", is_warning=True)


def _is_far(own: _Price, listed: _Price, *, is_rate: bool) -> bool:
    return own.times(listed) >= LIST_APART_MAX or (is_rate and listed.times(own) >= LIST_APART_MAX)


def own_rates_of_zero_are_said_to_be_free(recordings: Recordings) -> Iterator[Finding]:
    """A rule whose own rates are all zero says basis = "free" instead."""
    for contract, index, rule in _guarded_rules(recordings):
        if rule.rates and not any(rule.rates.values()) and not any(price.million for price in _prices_of_rule(rule)):
            message = "its own rates are all zero"
            hint = f'write basis = "free" instead of the rates; {_IF_MEANT}'
            yield contract.finding(("rule", index, "rates"), message, hint, is_warning=True)


def fees_of_nothing_take_the_place_of_one(recordings: Recordings) -> Iterator[Finding]:
    """A base fee or minimum of 0 stands where another version, the plan or the default states one that is more."""
    if recordings.is_unread("contracts"):
        return
    for contract in recordings.agreements:
        for key in ("base_fee", "minimum"):
            fee: Recurring | None = getattr(contract.value.invoice, key)
            if fee is None or fee.amount or fee.is_unusual:
                continue
            others = (getattr(other.invoice, key) for other in _beneath(contract.value, recordings))
            if not any(other is not None and other.amount for other in others):
                message = f"a {key} of 0 charges nothing, and takes the place of none"
                hint = f"write the amount, or remove it; if it is meant, say {key} = {{ amount = 0, unusual = true }}"
                yield contract.finding(("invoice", key), message, hint, is_warning=True)


def _beneath(contract: Contract, recordings: Recordings) -> Iterator[Contract]:
    """What else states the terms that a contract states: its other versions, its plan, the default."""
    yield from recordings.book.versions(contract.kind, contract.id)
    if contract.plan is not None:
        yield from recordings.book.versions("plan", contract.plan)
    yield from recordings.book.versions("default", "")


def _guarded_rules(recordings: Recordings) -> Iterator[tuple[Located[Contract], int, Rule]]:
    """Every rule but those whose numbers are said to be meant, with its contract and its place."""
    for contract in recordings.agreements:
        for index, rule in enumerate(contract.value.rules):
            if not rule.is_unusual:
                yield contract, index, rule


def _currency_of(contract: Contract, recordings: Recordings) -> str:
    """In which currency the amounts of a contract are."""
    customer = contract.id if contract.kind == "customer" else None
    return contract.currency or recordings.book.terms(customer, contract.valid_from).currency


def _prices_of_rule(rule: Rule, currency: str = "") -> Iterator[_Price]:
    """Every price of a quantity that a rule states itself, if it is not zero."""
    prices: list[tuple[KeyPath, str, Decimal]]
    prices = [(("rates", name), name, amount_of(_MILLION, rate, rule.per)) for name, rate in rule.rates.items()]
    for number, tier in enumerate(() if rule.tiers is None else rule.tiers.tiers):
        path: KeyPath = ("tiers", "tier", number, "rates")
        rates = (tier.rates or {}).items()
        prices += [((*path, name), name, amount_of(_MILLION, rate, rule.per)) for name, rate in rates]
    prices += [(("add_on", name), name, amount_of(_MILLION, fee.price, fee.per)) for name, fee in rule.add_on.items()]
    prices += [
        (("package", name), name, _ABOUT.divide(EXACT.multiply(box.price, Decimal(_MILLION)), Decimal(box.size)))
        for name, box in rule.package.items()
    ]
    yield from (_Price(name, currency, million, path) for path, name, million in prices if million)


def _list_prices(rule: Rule, recordings: Recordings) -> Iterator[_Price]:
    """The list prices of all models that a rule fits, but those that are zero."""
    patterns = rule.match.get("model", ("*",))
    for entry in (located.value for located in recordings.entries):
        if any(glob_fits(pattern, entry.model) for pattern in patterns):
            stated = [(name, rate, entry.per) for name, rate in entry.standard.rates.items()]
            stated += [(name, fee.price, fee.per) for name, fee in entry.fees.items()]
            for name, price, per in stated:
                if price:
                    yield _Price(name, entry.currency, amount_of(_MILLION, price, per), model=entry.model)


CHECKS = (
    percentages_are_no_fractions,
    own_prices_are_near_the_list,
    own_rates_of_zero_are_said_to_be_free,
    fees_of_nothing_take_the_place_of_one,
)
