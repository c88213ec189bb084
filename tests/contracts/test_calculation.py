"""What a rule makes of quantities: every step with its arithmetic, every reason in its words, and the law of sums."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import price
from tokentill.canonical import Content
from tokentill.contracts.calculation import (
    NOTHING_CONSUMED,
    Billed,
    Consumption,
    RatingBasis,
    apply_rule,
    basis_steps,
)
from tokentill.contracts.rules import Rule
from tokentill.contracts.steps import Step, percent_of
from tokentill.prices.entries import PriceEntry
from tokentill.prices.rate_cards import ONE, RateCard, Rated, rate_card_within, rate_quantities

AT = datetime(2026, 10, 15, tzinfo=UTC)
FX = Decimal("0.9")
MILLION = 1_000_000


def rate_card_of(**more: Any) -> RateCard:
    """3 for a million input tokens, 0.3 cached, 15 output; a search is 10 for a thousand."""
    content = price(fees={"web_search": {"price": "10", "per": 1000}}, **more)
    entry = PriceEntry.from_content(content, recorded_at=AT, currency="USD")
    return rate_card_within(entry, "standard", entry.standard, None, 0, None)


CARD = rate_card_of()


def basis_of(content: Content | None, *, tier: int | None = None, **more: Any) -> RatingBasis:
    """A rule named `r` in a contract of euros, where a dollar is 0.9."""
    rule = None if content is None else Rule.from_content({"name": "r", **content}, contract="default", number=1)
    found = None if tier is None or rule is None or rule.tiers is None else rule.tiers.tiers[tier - 1]
    plain: dict[str, Any] = {
        "rate": lambda quantities: rate_quantities(CARD, quantities),
        "card": CARD,
        "fx": FX,
        "cost_fx": Decimal("0.8"),
    }
    return RatingBasis(rule, found, **{**plain, **more})


def unpriced(reason: str | None) -> Any:
    return lambda _: Rated("unpriced", reason, None, (), "acme/large", None, None)


def bill(
    content: Content | None,
    quantities: dict[str, int] | None = None,
    *,
    cost: str | None = "0.5",
    consumed: Consumption = NOTHING_CONSUMED,
    **more: Any,
) -> Billed:
    counts = {"input": 2000, "output": 100, "request": 1} if quantities is None else quantities
    return apply_rule(
        basis_of(content, **more), counts, cost=None if cost is None else Decimal(cost), consumed=consumed
    )


def dec(text: str) -> Decimal:
    return Decimal(text)


# 2000 x 3 / 10^6 x 0.9 and 100 x 15 / 10^6 x 0.9
INPUT = Step("rate", "input", dec("0.0054"), 2000, "input", dec("3"), MILLION, fx=FX)
OUTPUT = Step("rate", "output", dec("0.00135"), 100, "output", dec("15"), MILLION, fx=FX)


def steps(found: Billed, kind: str) -> list[Step]:
    return [step for step in found.steps if step.kind == kind]


# --- the basis ---


@pytest.mark.parametrize("content", [None, {}, {"basis": "list"}])
def test_without_anything_said_the_list_price_is_billed_at_the_exchange_rate(content: Content | None) -> None:
    assert bill(content) == Billed(dec("0.00675"), (INPUT, OUTPUT))


@pytest.mark.parametrize("content", [None, {}, {"markup_percent": "5"}])
def test_without_a_list_price_there_is_no_amount_but_the_reason(content: Content | None) -> None:
    assert bill(content, rate=unpriced("model 'x' is in no price table")) == Billed(
        None, (), "model 'x' is in no price table"
    )
    assert bill(content, rate=unpriced(None)) == Billed(None, (), "there is no list price")


def test_own_rates_are_in_the_contracts_currency_already() -> None:
    found = bill({"basis": "own", "per": 1000, "rates": {"input": "0.002", "output": "0.01"}})
    assert found == Billed(
        dec("0.005"),
        (
            Step("rate", "input", dec("0.004"), 2000, "input", dec("0.002"), 1000),
            Step("rate", "output", dec("0.001"), 100, "output", dec("0.01"), 1000),
        ),
    )


def test_a_leaf_without_an_own_rate_has_that_of_its_sum_then_that_of_its_fallback() -> None:
    quantities = {"cache_read": 10, "input": 10, "output": 10, "reasoning": 10}

    def priced_as(rates: dict[str, str]) -> dict[str, str | None]:
        return {step.name: step.priced_as for step in bill({"basis": "own", "rates": rates}, quantities).steps}

    assert priced_as({"input": "1", "output": "2"}) == {
        "cache_read": "input",
        "input": "input",
        "output": "output",
        "reasoning": "output",
    }
    assert priced_as({"input": "1", "input_total": "3", "output_total": "2", "reasoning": "4"}) == {
        "cache_read": "input_total",
        "input": "input",
        "output": "output_total",
        "reasoning": "reasoning",
    }


def test_a_fee_of_the_price_table_holds_under_own_rates_at_the_exchange_rate_unless_the_rule_has_its_own() -> None:
    own = {"basis": "own", "rates": {"input": "1"}}
    (listed,) = bill(own, {"web_search": 30, "request": 1}).steps
    assert listed == Step("rate", "web_search", dec("0.27"), 30, "web_search", dec("10"), 1000, fx=FX)
    (ours,) = bill({**own, "rates": {"web_search": "1"}}, {"web_search": 30, "request": 1}).steps
    assert ours == Step("rate", "web_search", dec("0.00003"), 30, "web_search", dec("1"), MILLION)
    without_plan = bill(own, {"web_search": 30}, card=None)
    assert without_plan == Billed(None, (), "rule 'r' has no rate of its own for 'web_search'")


def test_own_rates_need_one_for_every_quantity_but_requests_and_what_is_not_used() -> None:
    own = {"basis": "own", "rates": {"input": "1"}}
    assert bill(own, {"input": 5, "output": 0, "request": 2}).amount == dec("0.000005")
    assert bill(own, {"request": 2, "output": 1, "input": 1}) == Billed(
        None, (), "rule 'r' has no rate of its own for 'output'"
    )
    assert bill({**own, "rates": {"request": "2000"}}, {"request": 3}).amount == dec("0.006")


def test_the_gateways_cost_is_billed_at_its_exchange_rate() -> None:
    assert bill({"basis": "cost"}) == Billed(
        dec("0.4"), (Step("cost", "cost", dec("0.4"), of_amount=dec("0.5"), fx=dec("0.8")),)
    )
    assert bill({"basis": "cost"}, cost="0").amount == 0


def test_a_cost_that_is_not_known_is_a_reason() -> None:
    assert bill({"basis": "cost"}, cost=None) == Billed(
        None, (), "rule 'r' bills the gateway's cost, and the gateway did not report one"
    )
    no_fx = "rule 'r' needs the gateway's cost in the contract's currency, and no exchange rate is listed"
    assert bill({"basis": "cost"}, cost_fx=None) == Billed(None, (), no_fx)


def test_free_is_an_amount_of_nothing() -> None:
    assert bill({"basis": "free", "markup_percent": "50"}) == Billed(Decimal(0), ())


def test_what_is_sold_in_packages_is_not_priced_by_unit() -> None:
    packaged = {"package": {"web_search": {"price": "1", "size": 10}, "output_total": {"price": "1", "size": 10}}}
    quantities = {"input": 2000, "output": 100, "reasoning": 5, "web_search": 30, "request": 1}
    assert bill(packaged, quantities) == Billed(dec("0.0054"), (INPUT,))
    assert bill({**packaged, "basis": "own", "rates": {"input": "3"}}, quantities).amount == dec("0.006")


def test_a_tiers_rates_stand_for_what_it_measures_and_the_basis_for_the_rest() -> None:
    content = {"tiers": {"kind": "volume", "over": ["input"], "tier": [{"rates": {"input": "1"}}]}}
    tiered = Step("rate", "input", dec("0.002"), 2000, "input", dec("1"), MILLION)
    assert bill(content, tier=1) == Billed(dec("0.00335"), (tiered, OUTPUT))
    assert bill({**content, "basis": "free"}, tier=1) == Billed(dec("0.002"), (tiered,))
    assert bill(content, {"output": 100}, tier=1) == Billed(dec("0.00135"), (OUTPUT,))
    over = {"kind": "volume", "over": ["input_total"], "tier": [{"rates": {"input": "1"}}]}
    assert (
        bill({"tiers": over}, {"input_audio": 1}, tier=1).reason == "rule 'r' has no rate of its own for 'input_audio'"
    )
    searches = {"kind": "volume", "over": ["web_search"], "tier": [{"rates": {"input": "1"}}]}
    refused = bill({"tiers": searches}, {"web_search": 1}, tier=1)
    assert refused.reason == "rule 'r' has no rate of its own for 'web_search'", (
        "a fee of the list is not a tier's rate"
    )


def test_a_reason_in_the_basis_is_told_though_a_tier_has_rates() -> None:
    content = {"tiers": {"kind": "volume", "over": ["input"], "tier": [{"rates": {"input": "1"}}]}}
    assert bill(content, tier=1, rate=unpriced("why")) == Billed(None, (), "why")
    assert basis_steps(basis_of(content, tier=1, rate=unpriced("why")), {"input": 1}, None) == "why"


# --- markup ---


def test_one_percentage_is_one_step_over_everything() -> None:
    found = bill({"markup_percent": "20"})
    assert found.steps[2:] == (Step("markup", "default", dec("0.00135"), percent=dec("20"), of_amount=dec("0.00675")),)
    assert found.amount == dec("0.0081")


def test_a_quantity_has_its_own_percentage_or_its_sums_or_the_default() -> None:
    markup = {"input": "10", "output_total": "50", "default": "-5"}
    found = bill({"markup_percent": markup}, {"input": 2000, "output": 100, "cache_read": 1000, "web_search": 1})
    # 1000 x 0.3 / 10^6 x 0.9 = 0.00027 and 1 x 10 / 1000 x 0.9 = 0.009
    assert [(s.name, s.amount, s.percent, s.of_amount) for s in steps(found, "markup")] == [
        ("default", dec("-0.0004635"), dec("-5"), dec("0.00927")),
        ("input", dec("0.00054"), dec("10"), dec("0.0054")),
        ("output_total", dec("0.000675"), dec("50"), dec("0.00135")),
    ]


@pytest.mark.parametrize("markup", [{}, {"input": "0", "output": "0"}, {"web_search": "5"}])
def test_nothing_and_zero_percent_leave_no_step(markup: Content) -> None:
    assert bill({"markup_percent": markup}) == Billed(dec("0.00675"), (INPUT, OUTPUT))


def test_a_cost_is_marked_up_by_the_default() -> None:
    found = bill({"basis": "cost", "markup_percent": {"input": "50", "default": "10"}})
    assert steps(found, "markup") == [Step("markup", "default", dec("0.04"), percent=dec("10"), of_amount=dec("0.4"))]


def test_a_tiers_percentage_stands_for_the_rules_own() -> None:
    of_tiers = {"kind": "volume", "over": ["input"], "tier": [{"up_to": "5", "markup_percent": "50"}, {}]}
    content = {"markup_percent": "20", "tiers": of_tiers}
    assert steps(bill(content, tier=1), "markup")[0].percent == 50
    assert steps(bill(content, tier=2), "markup")[0].percent == 20


def spend_rule(**more: Any) -> Content:
    listed = [{"up_to": "1", "markup_percent": "50"}, {"up_to": "2.5"}, {"markup_percent": "0"}]
    return {"tiers": {"kind": "graduated", "over": ["spend"], "tier": listed}, **more}


def test_tiers_over_spend_mark_up_what_fell_into_each() -> None:
    consumed = Consumption(spend={2: dec("0.2"), 1: dec("0.1"), 3: dec("7")})
    found = bill(spend_rule(markup_percent="20"), consumed=consumed)
    assert steps(found, "markup") == [
        Step("markup", "up to 1", dec("0.05"), percent=dec("50"), of_amount=dec("0.1")),
        Step("markup", "up to 2.5", dec("0.04"), percent=dec("20"), of_amount=dec("0.2")),
    ]
    assert found.amount == dec("0.09675")
    assert [step.name for step in steps(bill(spend_rule(), consumed=consumed), "markup")] == ["up to 1"]
    assert not steps(bill(spend_rule(markup_percent="20")), "markup"), "nothing fell into any"
    by_quantity = bill(spend_rule(markup_percent={"input": "20"}), consumed=consumed)
    assert [step.name for step in steps(by_quantity, "markup")] == ["up to 1"], "spend has no quantity"


# --- add-ons ---


def test_add_ons_are_in_the_contracts_currency_and_not_marked_up() -> None:
    add_on = {"request": {"price": "0.002"}, "input_total": {"price": "1.5", "per": 1000}, "web_search": {"price": "9"}}
    found = bill({"add_on": add_on, "markup_percent": "100"}, {"input": 2000, "cache_read": 0, "request": 3})
    assert found.steps[2:] == (
        Step("add_on", "input_total", dec("3"), 2000, rate=dec("1.5"), per=1000),
        Step("add_on", "request", dec("0.006"), 3, rate=dec("0.002"), per=1),
    )
    assert found.amount == dec("3.0168")


# --- what was consumed before ---


def test_included_units_are_shown_at_no_charge() -> None:
    found = bill(
        {"allowance": {"units": {"input": 500}}}, consumed=Consumption(included={"output": 5, "input": 500, "x": 0})
    )
    assert steps(found, "included") == [
        Step("included", "input", Decimal(0), 500, rate=Decimal(0), per=1),
        Step("included", "output", Decimal(0), 5, rate=Decimal(0), per=1),
    ]
    assert found.amount == dec("0.00675")


def test_a_floor_of_margin_adds_what_was_missing() -> None:
    found = bill({"min_margin_percent": "25"}, consumed=Consumption(margin=dec("0.1")))
    assert found == Billed(dec("0.10675"), (INPUT, OUTPUT, Step("margin", "floor", dec("0.1"), percent=dec("25"))))
    assert bill({"min_margin_percent": "25"}).steps == (INPUT, OUTPUT)


def test_a_floor_of_margin_needs_the_cost() -> None:
    start = "rule 'r' keeps a margin over the gateway's cost, and "
    assert bill({"min_margin_percent": "0"}, cost=None) == Billed(None, (), start + "the gateway did not report one")
    assert bill({"min_margin_percent": "0"}, cost_fx=None) == Billed(
        None, (), start + "no exchange rate for it is listed"
    )
    assert bill({"min_margin_percent": "0"}, cost=None, cost_fx=None).reason == start + "the gateway did not report one"


UNIT = {"name": "credit", "worth": "0.002"}


def test_credits_for_each_request_show_what_rounding_up_added() -> None:
    consumed = Consumption(credits=4, credits_added=dec("0.00125"))
    found = bill({"credits": {**UNIT, "round_up": "request"}}, consumed=consumed)
    assert found == Billed(
        dec("0.008"),
        (INPUT, OUTPUT, Step("credits", "credit", dec("0.00125"), 4, rate=dec("0.002"), per=1)),
    )
    assert bill({"credits": {**UNIT, "round_up": "request"}}).steps == (INPUT, OUTPUT)


def test_credits_without_rounding_say_how_many_they_are_and_change_nothing() -> None:
    found = bill({"credits": {**UNIT, "round_up": "never"}}, consumed=Consumption(credits=9))
    assert found == Billed(
        dec("0.00675"),
        (INPUT, OUTPUT, Step("credits", "credit", Decimal(0), rate=dec("0.002"), per=1, of_amount=dec("3.375"))),
    )


def test_an_allowance_of_an_amount_takes_it_off() -> None:
    found = bill({"allowance": {"amount": "5"}}, consumed=Consumption(allowed=dec("0.00005")))
    assert found == Billed(dec("0.0067"), (INPUT, OUTPUT, Step("allowance", "amount", dec("-0.00005"))))


def test_steps_come_in_the_order_of_calculation() -> None:
    content = {
        "markup_percent": "10",
        "add_on": {"request": {"price": "1"}},
        "min_margin_percent": "0",
        "credits": {**UNIT, "round_up": "request"},
        "allowance": {"amount": "1", "units": {"input": 1}},
    }
    consumed = Consumption({"input": 1}, {}, dec("0.1"), 60, dec("0.2"), dec("0.3"))
    kinds = [step.kind for step in bill(content, consumed=consumed).steps]
    assert kinds == ["rate", "rate", "markup", "add_on", "included", "margin", "credits", "allowance"]


# --- the caller's own key ---


def test_a_request_with_the_callers_own_key_pays_the_fee_alone() -> None:
    content = {"byok_fee_percent": "5", "markup_percent": "50", "add_on": {"request": {"price": "1"}}}
    assert bill(content, is_byok=True) == Billed(
        dec("0.02"),
        (Step("byok_fee", "cost", dec("0.02"), percent=dec("5"), of_amount=dec("0.5"), fx=dec("0.8")),),
    )
    assert bill({"byok_fee_percent": "0"}, is_byok=True).amount == 0


def test_without_a_fee_for_own_keys_they_are_billed_like_others_and_so_are_others_with_one() -> None:
    assert bill({}, is_byok=True) == bill(None, is_byok=True) == Billed(dec("0.00675"), (INPUT, OUTPUT))
    assert bill({"byok_fee_percent": "5"}) == Billed(dec("0.00675"), (INPUT, OUTPUT))


def test_a_fee_of_a_cost_that_is_not_known_is_a_reason() -> None:
    content = {"byok_fee_percent": "5"}
    assert bill(content, is_byok=True, cost=None) == Billed(
        None, (), "rule 'r' takes a fee of the provider's cost, and none was reported"
    )
    assert bill(content, is_byok=True, cost_fx=None) == Billed(
        None, (), "rule 'r' needs the gateway's cost in the contract's currency, and no exchange rate is listed"
    )


# --- laws ---


def test_a_percentage_is_exact() -> None:
    assert percent_of(dec("33.3"), dec("0.0001")) == dec("0.0000333")
    assert percent_of(dec("-5"), dec("2")) == dec("-0.1")


def test_what_was_consumed_adds_up() -> None:
    one = Consumption({"input": 1, "output": 2}, {1: dec("0.1"), 2: dec("0.2")}, dec("1"), 3, dec("4"), dec("5"))
    other = Consumption(
        {"input": 10, "request": 7}, {2: dec("0.5"), 3: dec("0.7")}, dec("10"), 30, dec("40"), dec("50")
    )
    assert one.plus(other) == Consumption(
        {"input": 11, "output": 2, "request": 7},
        {1: dec("0.1"), 2: dec("0.7"), 3: dec("0.7")},
        dec("11"),
        33,
        dec("44"),
        dec("55"),
    )
    assert Consumption({}, {}, Decimal(0), 0, Decimal(0), Decimal(0)) == NOTHING_CONSUMED


counts = st.fixed_dictionaries(
    {name: st.integers(0, 10**7) for name in ("input", "cache_read", "output", "reasoning", "web_search", "request")}
)
LINEAR: list[Content | None] = [
    None,
    {},
    {"markup_percent": {"input": "7.5", "output_total": "-20", "default": "3"}},
    {"basis": "own", "rates": {"input_total": "1.1", "output": "2.3"}, "markup_percent": "10"},
    {"basis": "cost", "markup_percent": "15"},
    {"add_on": {"request": {"price": "0.002"}, "output_total": {"price": "1.5", "per": 1000}}},
    {"byok_fee_percent": "5"},
    {"credits": {**UNIT, "round_up": "never"}},
]


@pytest.mark.parametrize("content", LINEAR)
@given(one=counts, other=counts, costs=st.tuples(st.integers(0, 999), st.integers(0, 999)), is_byok=st.booleans())
def test_the_amount_of_a_sum_is_the_sum_of_the_amounts(
    content: Content | None, one: dict[str, int], other: dict[str, int], costs: tuple[int, int], is_byok: bool
) -> None:
    both = {name: one[name] + other[name] for name in one}
    amounts = []
    for quantities, cost in ((one, costs[0]), (other, costs[1]), (both, sum(costs))):
        found = bill(content, quantities, cost=str(Decimal(cost).scaleb(-3)), is_byok=is_byok)
        assert found.amount is not None
        assert Fraction(found.amount) == sum((Fraction(step.amount) for step in found.steps), Fraction(0))
        amounts.append(found.amount)
    assert amounts[0] + amounts[1] == amounts[2]


def test_a_step_says_that_it_needs_no_exchange_unless_told() -> None:
    assert Step("margin", "floor", Decimal(0)).fx == ONE == 1
