"""How a choice of rules is told: the same choice that bills, and prices by the unit that bills add up to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import contract, price, prices
from tokentill.canonical import Content
from tokentill.contracts.book import ContractBook
from tokentill.contracts.calculation import RatingBasis, apply_rule
from tokentill.contracts.rule_trace import chosen_rule, consider_rules
from tokentill.contracts.rules import Rule
from tokentill.contracts.unit_prices import BilledUnitPrice, tiers_of, unit_prices
from tokentill.prices.book import NoPrice, PriceBook
from tokentill.prices.rate_cards import RateCard, rate_quantities
from tokentill.usage.record import Usage
from tokentill.versions import known_by

OCTOBER = datetime(2026, 10, 15, tzinfo=UTC)
ONE = Decimal(1)

words = st.sampled_from(["a", "b", "a/m", ""])
globs = st.sampled_from(["a", "*", "a*", "?", "b", "a/*"])
matches = st.dictionaries(
    st.sampled_from(["model", "provider", "mode", "api_key", "user", "source", "tag"]),
    st.lists(globs, min_size=1, max_size=2, unique=True),
    max_size=3,
)
rule_lists = st.lists(matches.map(lambda match: {"match": match} if match else {}), max_size=3)
traits = st.builds(
    Usage,
    occurred_at=st.just(OCTOBER),
    quantities=st.just({}),
    model=words.filter(bool),
    provider=st.none() | words.filter(bool),
    mode=words.filter(bool),
    api_key=st.none() | words.filter(bool),
    user=st.none() | words.filter(bool),
    source=words.filter(bool),
    tags=st.lists(words.filter(bool), max_size=2).map(tuple),
)


@given(rules=st.tuples(rule_lists, rule_lists, rule_lists), given_traits=traits)
def test_the_rule_that_is_told_to_win_is_the_one_that_bills(rules: Any, given_traits: Usage) -> None:
    of_customer, of_plan, of_default = rules
    book = ContractBook(
        [
            contract("customer", "acme", plan="pro", rules=of_customer),
            contract("plan", "pro", rules=of_plan),
            contract(rules=of_default),
        ]
    )

    considered = consider_rules(book, "acme", given_traits, OCTOBER)

    won = chosen_rule(considered)
    assert (None if won is None else won.rule) == book.rule_for("acme", given_traits, OCTOBER)
    assert [found.rule for found in considered] == [
        rule for found in book.chain("acme", OCTOBER) for rule in found.rules
    ]
    outcomes = [found.outcome for found in considered]
    asked = outcomes.index("fits") + 1 if won else len(outcomes)
    assert outcomes[:asked].count("does not fit") == asked - (won is not None)
    assert set(outcomes[asked:]) <= {"not asked"}
    for found in considered:
        assert all(item.fits for item in found.asked) == found.rule.fits(given_traits)


def test_what_was_recorded_later_was_not_known() -> None:
    early = contract(recorded_at="2026-09-01T00:00:00Z")
    late = contract("plan", "pro", recorded_at="2026-10-01T00:00:00Z")

    assert known_by([early, late], None) == (early, late)
    assert known_by([early, late], datetime(2026, 10, 1, tzinfo=UTC)) == (early, late)
    assert known_by([early, late], datetime(2026, 9, 30, tzinfo=UTC)) == (early,)


def plan(*, mode: str = "standard") -> RateCard:
    entry = price(
        rates={"input": "3", "cache_read": "0.3", "output": "15"}, fees={"web_search": {"price": "10", "per": 1000}}
    )
    found = PriceBook([prices(entry)]).rate_card("acme/large", at=OCTOBER, mode=mode, input_total=0)
    assert not isinstance(found, NoPrice)
    return found


def rule(**does: Any) -> Rule:
    return Rule.from_content(does, contract="default", number=1)


def billed(rows: list[BilledUnitPrice]) -> dict[str, list[str]]:
    return {row.name: [str(amount) for amount in row.billed] for row in rows}


PRICES: dict[str, tuple[Content | None, dict[str, list[str]]]] = {
    "the list price": (
        None,
        {"input": ["3"], "cache_read": ["0.3"], "output": ["15"], "web_search": ["10"]},
    ),
    "a markup": (
        {"markup_percent": {"output_total": "10", "default": "20"}},
        {"input": ["3.6"], "cache_read": ["0.36"], "output": ["16.5"], "web_search": ["12"]},
    ),
    "own rates, and a fee that they do not name": (
        {"basis": "own", "per": 1000, "rates": {"input_total": "0.002", "output": "0.01"}},
        {"input": ["2"], "cache_read": ["2"], "output": ["10"], "web_search": ["10"]},
    ),
    "add-ons": (
        {"add_on": {"input_total": {"price": "1", "per": 1_000_000}, "request": {"price": "0.01"}}},
        {"input": ["4"], "cache_read": ["1.3"], "output": ["15"], "request": ["0.01"], "web_search": ["10"]},
    ),
    "tiers over spend": (
        {"tiers": {"kind": "volume", "over": ["spend"], "tier": [{"up_to": "5", "markup_percent": "50"}, {}]}},
        {"input": ["4.5", "3"], "cache_read": ["0.45", "0.3"], "output": ["22.5", "15"], "web_search": ["15", "10"]},
    ),
    "packages": (
        {"package": {"web_search": {"price": "4", "size": 500}}, "markup_percent": "100"},
        {"input": ["6"], "cache_read": ["0.6"], "output": ["30"], "web_search": ["4"]},
    ),
    "free, but for requests": (
        {"basis": "free", "add_on": {"request": {"price": "0.01"}}},
        {"input": ["0"], "cache_read": ["0"], "output": ["0"], "request": ["0.01"], "web_search": ["0"]},
    ),
    "what is decided for whole requests is left out": (
        {"min_margin_percent": "50", "credits": {"name": "c", "worth": "1", "round_up": "request"}},
        {"input": ["3"], "cache_read": ["0.3"], "output": ["15"], "web_search": ["10"]},
    ),
    "own rates that lack something": (
        {"basis": "own", "rates": {"input": "2"}},
        {"input": ["2"], "cache_read": ["2"], "output": ["None"], "web_search": ["10"]},
    ),
}


@pytest.mark.parametrize("name", sorted(PRICES))
def test_each_quantity_has_the_price_that_was_worked_out_by_hand(name: str) -> None:
    does, expected = PRICES[name]

    rows = unit_prices(None if does is None else rule(**does), plan(), ONE, ONE)

    found = {
        name: [format(Decimal(text).normalize(), "f") if text != "None" else text for text in texts]
        for name, texts in billed(rows).items()
    }
    assert found == expected
    assert [row.name for row in rows] == list(expected)


def test_a_cost_is_priced_by_its_own_unit_in_the_currency_of_the_contract() -> None:
    rows = unit_prices(rule(basis="cost", markup_percent="20"), plan(), ONE, Decimal("0.9"))

    assert [(row.name, row.per, row.listed, row.billed) for row in rows] == [
        ("cost", 1, Decimal("0.9"), (Decimal("1.08"),))
    ]
    assert unit_prices(rule(basis="cost"), plan(), ONE, None) == []


def test_a_list_price_in_another_currency_is_converted_and_what_the_contract_states_is_not() -> None:
    rows = unit_prices(rule(add_on={"output": {"price": "1", "per": 1_000_000}}), plan(), Decimal("0.5"), None)

    assert [(row.name, row.listed, row.billed) for row in rows if row.name == "output"] == [
        ("output", Decimal("7.5"), (Decimal("8.5"),))
    ]


counts = st.integers(0, 10**7)


@given(
    quantities=st.fixed_dictionaries(dict.fromkeys(("input", "cache_read", "output", "web_search"), counts)),
    name=st.sampled_from(sorted(set(PRICES) - {"packages", "own rates that lack something", "add-ons"})),
)
def test_prices_by_the_unit_add_up_to_what_a_sum_is_billed_at(quantities: dict[str, int], name: str) -> None:
    does, _ = PRICES[name]
    linear = {
        key: value for key, value in (does or {}).items() if key not in ("min_margin_percent", "credits", "tiers")
    }
    the_rule = rule(**linear) if does is not None else None
    rows = {row.name: row for row in unit_prices(the_rule, plan(), ONE, ONE)}

    basis = RatingBasis(the_rule, None, lambda asked: rate_quantities(plan(), asked), plan(), ONE, ONE)
    whole = apply_rule(basis, quantities, cost=None).amount

    parts = (rows[name].billed[0] * count / rows[name].per for name, count in quantities.items())
    assert whole == sum(parts, Decimal(0))
    assert tiers_of(the_rule) == (None,)
