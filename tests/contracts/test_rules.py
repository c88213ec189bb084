"""What a markup rule says, which records it fits, and where its tiers, packages and credits have their edges."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill.canonical import Content, content_hash
from tokentill.contracts.features.allowance import Allowance
from tokentill.contracts.features.byok import ByokFee
from tokentill.contracts.features.credits import CreditUnit
from tokentill.contracts.features.margin import Margin
from tokentill.contracts.features.package import Package
from tokentill.contracts.features.tiers import SPEND, RuleTier, RuleTiers, markup_of
from tokentill.contracts.rules import Rule, trait_values
from tokentill.prices.entries import Fee
from tokentill.usage.globs import glob_fits
from tokentill.usage.quantities import INPUT_LEAVES, OUTPUT_LEAVES, leaves_of, sum_over
from tokentill.usage.record import Usage

OCTOBER = datetime(2026, 10, 15, tzinfo=UTC)


def rule(content: Content | None = None, *, number: int = 1) -> Rule:
    return Rule.from_content(content or {}, contract="default", number=number)


def tiers(*limits: str, kind: str = "graduated", over: tuple[str, ...] = ("output",), **more: Any) -> RuleTiers:
    """Tiers up to these limits, and one above them."""
    listed = [{"up_to": limit} for limit in limits] + [{}]
    return RuleTiers.from_content({"kind": kind, "over": list(over), "tier": listed, **more})


def traits(**given_: Any) -> Usage:
    return Usage(**{"model": "acme/large", "occurred_at": OCTOBER, "quantities": {}, "source": "arouter", **given_})


# --- what a rule says ---


def test_a_rule_that_says_nothing_bills_the_list_price_of_everything() -> None:
    assert rule(number=3) == Rule(
        name="rule 3",
        contract="default",
        match={},
        basis="list",
        per=1_000_000,
        rates={},
        markup_percent={},
        add_on={},
        byok_fee=None,
        min_margin=None,
        allowance=None,
        tiers=None,
        package={},
        credits=None,
        hash=content_hash({"contract": "default"}),
    )


FULL: Content = {
    "name": "all",
    "match": {"model": ["acme/*"], "tag": ["a", "b"]},
    "basis": "own",
    "per": 1000,
    "rates": {"input": "0.003"},
    "markup_percent": {"input": "5", "default": "7.5"},
    "add_on": {"request": {"price": "0.002"}, "output": {"price": "1.5", "per": 1000}},
    "byok_fee_percent": "0",
    "min_margin_percent": "12",
    "allowance": {"units": {"input": 10}, "amount": "2.5"},
    "tiers": {
        "kind": "volume",
        "over": ["input", "output"],
        "tier": [
            {"up_to": "1000000", "markup_percent": "3", "flat": "2"},
            {"up_to": "2500000.5", "rates": {"input": "1", "output": "2"}},
            {"markup_percent": {"input": "4"}},
        ],
        "flat_at_zero": True,
    },
    "package": {"web_search": {"price": "0.5", "size": 100}},
    "credits": {"name": "credit", "worth": "0.002", "round_up": "request", "at_least": 1},
}


def test_a_rule_is_read_with_everything_that_it_can_say() -> None:
    assert Rule.from_content(FULL, contract="plan pro", number=1) == Rule(
        name="all",
        contract="plan pro",
        match={"model": ("acme/*",), "tag": ("a", "b")},
        basis="own",
        per=1000,
        rates={"input": Decimal("0.003")},
        markup_percent={"input": Decimal(5), "default": Decimal("7.5")},
        add_on={"request": Fee(Decimal("0.002"), 1), "output": Fee(Decimal("1.5"), 1000)},
        byok_fee=ByokFee(Decimal(0)),
        min_margin=Margin(Decimal(12)),
        allowance=Allowance({"input": 10}, Decimal("2.5")),
        tiers=RuleTiers(
            "volume",
            ("input", "output"),
            (
                RuleTier(1, Decimal(1_000_000), {"default": Decimal(3)}, None, Decimal(2), "up to 1,000,000"),
                RuleTier(
                    2,
                    Decimal("2500000.5"),
                    None,
                    {"input": Decimal(1), "output": Decimal(2)},
                    Decimal(0),
                    "up to 2,500,000.5",
                ),
                RuleTier(3, None, {"input": Decimal(4)}, None, Decimal(0), "above 2,500,000.5"),
            ),
            flat_at_zero=True,
        ),
        package={"web_search": Package(Decimal("0.5"), 100)},
        credits=CreditUnit("credit", Decimal("0.002"), is_per_request=True, at_least=1),
        hash=content_hash({**FULL, "contract": "plan pro"}),
    )


def test_what_parts_of_a_rule_leave_out_has_its_plain_meaning() -> None:
    assert Allowance.from_content({}) == Allowance({}, None)
    assert Allowance.from_content({"amount": "0"}) == Allowance({}, Decimal(0))
    plain = RuleTiers.from_content({"kind": "graduated", "over": ["input"], "tier": [{}]})
    assert plain.flat_at_zero is False
    unit = CreditUnit.from_content({"name": "c", "worth": "0.01", "round_up": "never"})
    assert unit == CreditUnit("c", Decimal("0.01"), is_per_request=False, at_least=0)
    assert plain.tiers[0].label == "above 0"


def test_a_markup_is_one_for_all_or_one_for_each() -> None:
    assert markup_of("12.5") == {"default": Decimal("12.5")}
    assert markup_of({"input": "1", "output_total": "2"}) == {"input": Decimal(1), "output_total": Decimal(2)}


def test_the_hash_of_a_rule_covers_what_it_does_and_whose_it_is() -> None:
    one = Rule.from_content({"markup_percent": "5"}, contract="default", number=1)
    assert one.hash == Rule.from_content({"markup_percent": "5"}, contract="default", number=2).hash
    assert one.hash != Rule.from_content({"markup_percent": "5"}, contract="plan a", number=1).hash
    assert one.hash != Rule.from_content({"markup_percent": "6"}, contract="default", number=1).hash


def test_a_period_is_counted_on_under_contract_and_name() -> None:
    assert rule({"name": "x"}).accumulator_key == ("default", "x")
    assert rule(number=2).accumulator_key == ("default", "rule 2")


CREDITS: Content = {"name": "c", "worth": "1"}


@pytest.mark.parametrize(
    ("content", "is_linear", "is_per_request"),
    [
        ({}, True, False),
        ({"markup_percent": "5", "add_on": {"request": {"price": "1"}}, "byok_fee_percent": "1"}, True, False),
        ({"allowance": {"amount": "1"}}, False, False),
        ({"tiers": {"kind": "volume", "over": ["input"], "tier": [{}]}}, False, False),
        ({"package": {"web_search": {"price": "1", "size": 1}}}, False, False),
        ({"credits": {**CREDITS, "round_up": "never"}}, True, False),
        ({"credits": {**CREDITS, "round_up": "request"}}, False, True),
        ({"min_margin_percent": "0"}, False, True),
        ({"min_margin_percent": "0", "credits": {**CREDITS, "round_up": "never"}}, False, True),
    ],
)
def test_which_rules_depend_on_order_and_which_on_each_request_alone(
    content: Content, is_linear: bool, is_per_request: bool
) -> None:
    assert rule(content).is_linear is is_linear
    assert rule(content).is_per_request is is_per_request


@pytest.mark.parametrize(
    ("of_tiers", "flat"),
    [
        (None, None),
        ({"flat_at_zero": True, "tier": [{"flat": "2", "up_to": "5"}, {"flat": "3"}]}, Decimal(2)),
        ({"flat_at_zero": False, "tier": [{"flat": "2"}]}, None),
        ({"tier": [{"flat": "2"}]}, None),
        ({"flat_at_zero": True, "tier": [{"up_to": "5"}, {"flat": "3"}]}, None),
    ],
)
def test_the_first_tiers_flat_amount_is_charged_without_usage_only_where_it_is_said(
    of_tiers: Content | None, flat: Decimal | None
) -> None:
    content = {} if of_tiers is None else {"tiers": {"kind": "volume", "over": ["input"], **of_tiers}}
    assert rule(content).flat_at_zero == flat


# --- which records it fits ---


def test_a_rule_without_match_fits_every_record() -> None:
    assert rule().fits(traits())


@pytest.mark.parametrize("key", ["model", "provider", "mode", "api_key", "user", "source"])
def test_a_rule_matches_by_every_trait(key: str) -> None:
    matching = rule({"match": {key: ["first", "wan*ed"]}})
    assert matching.fits(traits(**{key: "wanted"}))
    assert matching.fits(traits(**{key: "first"}))
    assert not matching.fits(traits(**{key: "other"}))


@pytest.mark.parametrize("key", ["provider", "api_key", "user"])
def test_a_trait_that_a_record_does_not_have_fits_nothing(key: str) -> None:
    assert trait_values(traits(), key) == ()
    assert not rule({"match": {key: ["*"]}}).fits(traits())


def test_any_tag_may_fit() -> None:
    matching = rule({"match": {"tag": ["team-a", "vip"]}})
    assert matching.fits(traits(tags=("x", "vip")))
    assert not matching.fits(traits(tags=("x", "team-b")))
    assert not matching.fits(traits())


def test_all_keys_have_to_fit() -> None:
    matching = rule({"match": {"model": ["acme/*"], "mode": ["batch"]}})
    assert matching.fits(traits(mode="batch"))
    assert not matching.fits(traits())
    assert not matching.fits(traits(mode="batch", model="other/large"))


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("a", "a", True),
        ("a", "A", False),
        ("a", "ab", False),
        ("a*", "a", True),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("a*", "ba", False),
        ("*b*", "abc", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a?", "abc", False),
        ("*", "", True),
        ("?", "\n", True),
        ("a*", "a\nb", True),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("a+*", "a+b", True),
    ],
)
def test_a_glob_knows_star_and_question_mark_alone(pattern: str, value: str, fits: bool) -> None:
    assert glob_fits(pattern, value) is fits


# --- quantities and their sums ---


def test_sums_stand_for_their_leaves_each_once() -> None:
    assert leaves_of(["input_total"]) == INPUT_LEAVES
    assert leaves_of(["output", "output_total", "request"]) == (
        "output",
        "reasoning",
        "output_audio",
        "output_image",
        "request",
    )
    assert leaves_of([]) == ()


def test_a_leaf_is_part_of_one_sum_and_a_counter_of_none() -> None:
    assert {sum_over(leaf) for leaf in INPUT_LEAVES} == {"input_total"}
    assert {sum_over(leaf) for leaf in OUTPUT_LEAVES} == {"output_total"}
    assert sum_over("request") is sum_over("web_search") is sum_over("input_total") is None


# --- tiers ---


def test_tiers_run_over_quantities_or_over_what_is_spent() -> None:
    spend = tiers("10", over=(SPEND,))
    assert spend.is_over_spend
    assert not tiers("10").is_over_spend
    assert tiers("10", over=("output", "input")).measured == ("output", "input")


def test_a_request_is_counted_before_its_units() -> None:
    for over in (("request", "output_total"), ("output_total", "request")):
        assert tiers("10", over=over).measured == ("request", *OUTPUT_LEAVES)


def test_a_limit_belongs_to_its_tier_and_the_next_unit_to_the_next() -> None:
    some = tiers("100", "200")
    assert some.boundaries == (Decimal(100), Decimal(200))
    assert [some.of_total(Decimal(total)).number for total in ("0", "100", "100.5", "200", "201")] == [1, 1, 2, 2, 3]
    assert [some.at(Decimal(position)).number for position in ("0", "99", "100", "199.5", "200")] == [1, 1, 2, 2, 3]


def test_above_the_last_limit_the_last_tier_holds() -> None:
    limited = RuleTiers.from_content({"kind": "graduated", "over": ["input"], "tier": [{"up_to": "1"}, {"up_to": "5"}]})
    assert limited.at(Decimal(5)).number == limited.of_total(Decimal(6)).number == 2
    assert limited.split(Decimal(0), Decimal(9)) == [(limited.tiers[0], Decimal(1)), (limited.tiers[1], Decimal(8))]


@pytest.mark.parametrize(
    ("position", "amount", "pieces"),
    [
        ("0", "0", []),
        ("0", "100", [(1, "100")]),
        ("0", "101", [(1, "100"), (2, "1")]),
        ("99.5", "1", [(1, "0.5"), (2, "0.5")]),
        ("100", "100", [(2, "100")]),
        ("50", "1000", [(1, "50"), (2, "100"), (3, "850")]),
        ("500", "7", [(3, "7")]),
    ],
)
def test_an_amount_is_cut_at_the_limits(position: str, amount: str, pieces: list[tuple[int, str]]) -> None:
    found = tiers("100", "200").split(Decimal(position), Decimal(amount))
    assert [(tier.number, piece) for tier, piece in found] == [(number, Decimal(piece)) for number, piece in pieces]


@given(
    limits=st.sets(st.integers(1, 50), max_size=4),
    position=st.integers(0, 60),
    amount=st.integers(0, 60),
)
def test_each_unit_falls_in_the_tier_that_it_reaches(limits: set[int], position: int, amount: int) -> None:
    some = tiers(*(str(limit) for limit in sorted(limits)))
    by_unit = [some.of_total(Decimal(position + unit)).number for unit in range(1, amount + 1)]
    found = some.split(Decimal(position), Decimal(amount))
    assert [number for number, count in ((t.number, c) for t, c in found) for _ in range(int(count))] == by_unit


# --- packages ---


@given(units=st.integers(0, 500), size=st.integers(1, 60))
def test_a_begun_package_counts(units: int, size: int) -> None:
    assert Package(Decimal(1), size).begun(units) == ceil(units / size)


def test_a_full_package_begins_no_other() -> None:
    package = Package(Decimal(1), 100)
    assert [package.begun(units) for units in (0, 1, 100, 101)] == [0, 1, 1, 2]
