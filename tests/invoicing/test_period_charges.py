"""What a rule counts through a period: when the order of records decides something, and what is charged once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tokentill.contracts.calculation import Accumulator
from tokentill.contracts.features.allowance import AllowanceState
from tokentill.contracts.features.tiers import TierState
from tokentill.contracts.rules import Rule
from tokentill.invoicing.accumulators import PeriodCharges


def rule(number: int = 1, **does: Any) -> Rule:
    return Rule.from_content({"name": "counted", **does}, contract=f"plan {number}", number=1)


UNITS = rule(allowance={"units": {"input": 10, "output": 20}})
MONEY = rule(allowance={"amount": "5"})
TIERS: Any = {"over": ["input"], "tier": [{"up_to": "10"}, {"up_to": "20"}, {}]}
GRADUATED = rule(tiers={"kind": "graduated", **TIERS})
VOLUME = rule(tiers={"kind": "volume", **TIERS})


def accumulator(input_: int = 0, output: int = 0, allowed: int = 0, position: int = 0) -> Accumulator:
    included = {name: count for name, count in (("input", input_), ("output", output)) if count}
    return Accumulator(AllowanceState(included, Decimal(allowed)), TierState(Decimal(position)))


def entered(*numbers: int) -> Accumulator:
    return Accumulator(tiers=TierState(entered=frozenset(numbers)))


@pytest.mark.parametrize(
    ("by", "before", "after", "is_met"),
    [
        (UNITS, accumulator(), accumulator(9, 19), False),
        (UNITS, accumulator(), accumulator(10), True),
        (UNITS, accumulator(), accumulator(11), True),
        (UNITS, accumulator(9), accumulator(10), True),
        (UNITS, accumulator(10), accumulator(11), False),
        (UNITS, accumulator(11), accumulator(12), False),
        (UNITS, accumulator(10, 19), accumulator(10, 20), True),
        (rule(allowance={"units": {"input": 1}}), accumulator(), accumulator(1), True),
        (MONEY, accumulator(), accumulator(allowed=4), False),
        (MONEY, accumulator(allowed=4), accumulator(allowed=5), True),
        (MONEY, accumulator(allowed=5), accumulator(allowed=6), False),
        (MONEY, accumulator(), accumulator(100, 100), False),
        (GRADUATED, accumulator(), accumulator(position=9), False),
        (GRADUATED, accumulator(position=9), accumulator(position=10), True),
        (GRADUATED, accumulator(position=10), accumulator(position=19), False),
        (GRADUATED, accumulator(position=10), accumulator(position=20), True),
        (GRADUATED, accumulator(position=20), accumulator(position=90), False),
        (VOLUME, accumulator(), accumulator(position=90), False),
    ],
)
def test_the_order_decides_something_where_a_limit_is_reached(
    by: Rule, before: Accumulator, after: Accumulator, is_met: bool
) -> None:
    assert after.meets_boundary(before, [by]) is is_met
    assert after.meets_boundary(before, [rule(), by]) is is_met, "every rule is looked at"


def in_short(charges: PeriodCharges) -> list[tuple[Any, ...]]:
    return [(found.kind, found.name, found.quantity, found.amount, found.units) for found in charges.listed()]


def test_packages_are_charged_by_the_version_under_which_they_are_begun() -> None:
    cheap = rule(1, package={"image": {"price": "2", "size": 100}, "web_search": {"price": "1", "size": 10}})
    dear = rule(2, package={"image": {"price": "3", "size": 100}, "web_search": {"price": "1", "size": 10}})
    charges = PeriodCharges()
    assert charges.count(cheap, Accumulator()) == []
    (begun,) = charges.count(cheap, Accumulator(packaged={"image": 60}))
    assert (begun.quantity, begun.units, begun.size, begun.amount) == (1, 60, 100, 2)
    (begun,) = charges.count(cheap, Accumulator(packaged={"image": 90, "web_search": 11}))
    assert (begun.name, begun.quantity, begun.units) == ("web_search", 2, 11)
    (begun,) = charges.count(dear, Accumulator(packaged={"image": 310, "web_search": 11}))
    assert (begun.name, begun.quantity, begun.units, begun.amount) == ("image", 3, 220, 9)
    assert sorted(in_short(charges)) == [
        ("package", "image", 1, Decimal(2), 90),
        ("package", "image", 3, Decimal(9), 220),
        ("package", "web_search", 2, Decimal(2), 11),
    ]


FLAT = rule(tiers={"kind": "graduated", "over": ["input"], "tier": [{"up_to": "10", "flat": "7"}, {"flat": "3"}]})


def test_a_flat_amount_is_charged_once_when_its_tier_is_entered() -> None:
    charges = PeriodCharges()
    assert charges.count(FLAT, Accumulator()) == []
    assert [found.amount for found in charges.count(FLAT, entered(1))] == [7]
    seen = entered(1, 2)
    assert [(found.name, found.amount) for found in charges.count(FLAT, seen)] == [("above 10", 3)]
    assert charges.count(FLAT, seen) == []
    charges.enter_if_unused(FLAT)
    assert in_short(charges) == [
        ("flat", "up to 10", 1, Decimal(7), None),
        ("flat", "above 10", 1, Decimal(3), None),
    ]


def test_a_tier_that_a_later_version_does_not_have_and_a_free_one_charge_nothing() -> None:
    charges, seen = PeriodCharges(), entered(3)
    assert charges.count(FLAT, seen) == []
    free = rule(tiers={"kind": "graduated", "over": ["input"], "tier": [{"up_to": "10"}, {"flat": "3"}]})
    other, used = PeriodCharges(), entered(1)
    assert other.count(free, used) == []
    other.enter_if_unused(FLAT)
    assert in_short(other) == [], "the first tier was entered, where it was free"
    unused = PeriodCharges()
    unused.enter_if_unused(rule())
    assert in_short(unused) == []
    unused.enter_if_unused(FLAT)
    assert in_short(unused) == [("flat", "up to 10", 1, Decimal(7), None)]
