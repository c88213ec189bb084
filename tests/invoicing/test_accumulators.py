"""A period in order of time: allowances, tiers, packages, floors and credits, record by record and as sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import contract, price, prices, record
from tests.invoicing.pure_invoices import OCTOBER, Summed, aggregates_of, books_of
from tokentill.canonical import Content
from tokentill.contracts.calculation import Consumption
from tokentill.contracts.rules import Rule
from tokentill.errors import IntegrityFault
from tokentill.invoicing.accumulators import Charge, bill_usage
from tokentill.invoicing.coverage import Documents, Periods
from tokentill.invoicing.rating_groups import RatingContext, RatingGroup, Sums
from tokentill.usage.aggregates import UsageAggregate
from tokentill.usage.record import UsageRecord

# A token costs a dollar, so that amounts are easy to follow.
TABLE = prices(
    price(rates={"input": "1", "output": "1"}, per=1, fees={"web_search": {"price": "1"}}),
    price("acme/small", rates={"input": "1", "output": "1"}, per=1),
)
LATER = "2026-10-16T00:00:00Z"


def dec(value: str | int) -> Decimal:
    return Decimal(value)


class Month:
    """Records of alice in October under rules of the default contract, billed as records or as sums."""

    def __init__(
        self, rules: Sequence[Content], records: Sequence[UsageRecord], *more: Content, as_sums: bool = False
    ) -> None:
        books = books_of([TABLE, contract(rules=list(rules)), *more])
        aggregates = aggregates_of(records, books, Periods(OCTOBER, books, Documents()))
        self.summed = Summed(aggregates, books)
        self.aggregates = self.summed.aggregates if as_sums else aggregates
        self.contracts = books.contracts
        self.context = RatingContext(books)
        self.traced: list[tuple[UsageAggregate, RatingGroup, Sums]] = []

    def bill(self, **more: Any) -> tuple[list[RatingGroup], list[Charge]]:
        def note(aggregate: UsageAggregate, group: RatingGroup, sums: Sums) -> None:
            self.traced.append((aggregate, group, replace(sums)))

        aggregates = self.aggregates
        while True:
            wanted: list[UsageAggregate] = []
            self.traced.clear()
            plain: dict[str, Any] = {"wanted": wanted, "trace": note}
            billed = bill_usage("alice", "USD", aggregates, self.context, **{**plain, **more})
            if not wanted:
                return billed
            aggregates = self.summed.in_place(aggregates, wanted)

    def amounts(self) -> list[Decimal | None]:
        """The amount of each group, in the order in which the groups are given."""
        return [group.billed(group.total).amount for group in self.bill()[0]]

    def total(self) -> Decimal:
        groups, charges = self.bill()
        billed = sum((group.billed(group.total).amount or dec(0) for group in groups), dec(0))
        return billed + sum((charge.amount for charge in charges), dec(0))

    def by_record(self) -> dict[str, Decimal]:
        """What each record comes to, as it is traced."""
        self.traced.clear()
        self.bill()
        found: dict[str, Decimal] = {}
        for aggregate, group, sums in self.traced:
            assert aggregate.record is not None
            amount = group.billed(sums).amount or dec(0)
            found[aggregate.record.record_id] = found.get(aggregate.record.record_id, dec(0)) + amount
        return found


def used(id_: str, when: str, **more: Any) -> UsageRecord:
    return record(id_, when=when, **more)


def charges_of(month: Month) -> list[tuple[str, str, int, Decimal, Decimal]]:
    return [(one.kind, one.name, one.quantity, one.rate, one.amount) for one in month.bill()[1]]


# --- without memory ---


def test_rules_without_memory_bill_sums_as_they_are() -> None:
    month = Month([{"markup_percent": "50"}], [used("b", "3", input=2), used("a", "2", input=1, output=1)])
    (group,), charges = month.bill()
    assert (group.total.requests, group.total.quantities) == (2, {"input": 3, "output": 1})
    assert group.billed(group.total).amount == 6
    assert charges == []
    assert [
        (aggregate.record.record_id, found is group) for aggregate, found, _ in month.traced if aggregate.record
    ] == [
        ("b", True),
        ("a", True),
    ]
    assert {day.day: sums.quantities for (day, _), sums in group.by_time.items()} == {
        2: {"input": 1, "output": 1},
        3: {"input": 2},
    }


def test_usage_without_any_rule_is_billed_at_the_list_price() -> None:
    month = Month([], [used("a", "2", input=3)])
    ((group,), charges) = month.bill()
    assert (group.rule, group.billed(group.total).amount, charges) == (None, 3, [])


def test_groups_come_in_the_order_of_their_keys_with_and_without_memory() -> None:
    rules = [{"match": {"model": ["acme/large"]}, "allowance": {"amount": "1"}}, {}]
    records = [used("a", "2", input=3), used("b", "3", model="acme/small", input=3)]
    for some in (records, records[::-1]):
        assert [group.model for group in Month(rules, some).bill()[0]] == ["acme/large", "acme/small"]


def test_nobody_has_to_listen() -> None:
    month = Month([{"allowance": {"amount": "1"}}], [used("a", "2", input=3)])
    assert month.bill(trace=None)[0][0].total.requests == 1


def test_without_usage_there_is_nothing_but_what_is_charged_without_usage() -> None:
    assert Month([{"allowance": {"amount": "1"}}], []).bill() == ([], [])


# --- allowances ---


@pytest.mark.parametrize("as_sums", [False, True])
def test_included_units_go_to_whoever_was_first_in_time(as_sums: bool) -> None:
    rules = [{"allowance": {"units": {"output": 100}}}]
    records = [used("late", "20", output=50, input=1), used("first", "3", output=80), used("next", "4", output=30)]
    month = Month(rules, records, as_sums=as_sums)
    assert month.total() == 61
    assert Month(rules, records).by_record() == {"first": 0, "next": 10, "late": 51}
    (group,), _ = month.bill()
    assert group.total.consumed == Consumption(included={"output": 100})
    assert group.total.quantities == {"output": 60, "input": 1}
    assert group.total.requests == 3


def test_records_of_one_instant_come_in_the_order_of_source_and_id() -> None:
    rules = [{"allowance": {"units": {"output": 3}}}]
    records = [
        used("2", "3", output=2, source="b"),
        used("1", "3", output=2, source="b"),
        used("3", "3", output=2, source="a"),
    ]
    assert Month(rules, records).by_record() == {"3": 0, "1": 1, "2": 2}


def test_an_allowance_of_a_sum_takes_its_leaves_in_their_order() -> None:
    month = Month([{"allowance": {"units": {"output_total": 10}}}], [used("a", "3", reasoning=8, output=7, input=1)])
    (group,), _ = month.bill()
    assert group.total.consumed == Consumption(included={"output": 7, "reasoning": 3})
    assert group.total.quantities == {"output": 0, "reasoning": 5, "input": 1}


def test_included_requests_are_not_billable_and_several_allowances_stand_side_by_side() -> None:
    rules = [
        {"allowance": {"units": {"request": 2, "input": 5}}, "basis": "free", "add_on": {"request": {"price": "10"}}}
    ]
    records = [used(id_, id_, input=2) for id_ in ("1", "2", "3")]
    month = Month(rules, records)
    assert month.by_record() == {"1": 0, "2": 0, "3": 10}
    (group,), _ = month.bill()
    assert group.total.consumed == Consumption(included={"request": 2, "input": 5})
    assert group.total.billable == {"input": 1, "request": 1}


@pytest.mark.parametrize("as_sums", [False, True])
def test_an_included_amount_is_used_up_in_order_of_time(as_sums: bool) -> None:
    rules = [{"markup_percent": "100", "allowance": {"amount": "5"}}]
    records = [used("c", "9", input=3), used("a", "3", input=2), used("b", "4", input=1)]
    month = Month(rules, records, as_sums=as_sums)
    assert month.total() == 7
    assert Month(rules, records).by_record() == {"a": 0, "b": 1, "c": 6}


def test_sums_are_billed_as_they_are_until_a_limit_is_reached() -> None:
    """A day is one segment of time; only that in which the limit is reached is asked for, record by record."""
    rules = [{"allowance": {"units": {"output": 100}}}]
    records = [
        used(f"{day} {number}", f"{day} {number:02d}:00", output=20) for day in (5, 15, 25) for number in range(4)
    ]
    month = Month(rules, records, as_sums=True)
    assert month.total() == 140
    assert month.summed.asked == 1
    aggregates = [(aggregate.day.day, aggregate.record is None) for aggregate, _, _ in month.traced]
    assert aggregates == [(5, True)] + [(15, False)] * 4 + [(25, True)]


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        ({"allowance": {"units": {"output": 41}}}, 0),
        ({"allowance": {"units": {"output": 39}}}, 1),
        ({"allowance": {"amount": "41"}}, 0),
        ({"allowance": {"amount": "39"}}, 1),
        ({"allowance": {"amount": "0"}}, 0),
        ({"allowance": {"units": {"output": 41}, "amount": "0"}}, 0),
        ({"tiers": {"kind": "graduated", "over": ["output"], "tier": [{"up_to": "41"}, {}]}}, 0),
        ({"tiers": {"kind": "graduated", "over": ["output"], "tier": [{"up_to": "39"}, {}]}}, 1),
        ({"tiers": {"kind": "graduated", "over": ["spend"], "tier": [{"up_to": "39"}, {}]}}, 1),
        ({"tiers": {"kind": "volume", "over": ["output"], "tier": [{"up_to": "39"}, {}]}}, 0),
        ({"package": {"output": {"price": "1", "size": 39}}}, 0),
        ({"credits": {"name": "c", "worth": "1", "round_up": "request"}}, 1),
        ({"min_margin_percent": "0"}, 1),
        ({"markup_percent": "1"}, 0),
    ],
)
def test_records_are_asked_for_where_the_order_or_each_of_them_decides(rule: Content, asked: int) -> None:
    records = [used("a", "3 10:00", output=20, cost="1"), used("b", "3 11:00", output=20, cost="1")]
    month = Month([rule], records, as_sums=True)
    total = month.total()
    assert month.summed.asked == asked
    assert total == Month([rule], records).total()


def test_records_alone_need_nobody_to_ask_and_sums_do() -> None:
    rules = [{"min_margin_percent": "0"}]
    records = [used("a", "3 10:00", output=20, cost="30"), used("b", "3 11:00", output=20, cost="1")]
    (group,), _ = Month(rules, records).bill(wanted=None)
    assert group.billed(group.total).amount == 50
    with pytest.raises(IntegrityFault) as raised:
        Month(rules, records, as_sums=True).bill(wanted=None)
    assert str(raised.value) == "a rule has to be asked record by record, and there are only sums"


def test_sums_and_records_of_one_stretch_are_billed_together_in_order() -> None:
    """A segment may bring both: what is asked for falls in between the records that are known."""
    rules = [{"allowance": {"units": {"output": 5}}}]
    known = [used("m", "3 12:00", output=2)]
    rest = [used("a", "3 11:00", output=2, user="other"), used("z", "3 13:00", output=2, user="other")]
    month = Month(rules, [*known, *rest])
    books = books_of([TABLE, contract(rules=rules)])
    month.summed = Summed([aggregate for aggregate in month.aggregates if aggregate.series.user == "other"], books)
    month.aggregates = [month.aggregates[0], *month.summed.aggregates]
    groups, _ = month.bill()
    assert [aggregate.record.record_id for aggregate, _, _ in month.traced if aggregate.record] == ["a", "m", "z"]
    assert groups[0].total.quantities == {"output": 1}
    assert groups[0].total.requests == 3


def test_a_record_without_a_price_uses_nothing_up() -> None:
    rules = [{"allowance": {"amount": "5"}}]
    records = [used("a", "3", model="unknown", input=4), used("b", "4", input=4)]
    month = Month(rules, records)
    assert month.amounts() == [0, None]
    (known, unknown), _ = month.bill()
    assert unknown.billed(unknown.total).reason == "model 'unknown' is in no price table"
    assert known.total.consumed == Consumption(allowed=dec(4))


# --- tiers over units ---

LISTED: list[Content] = [
    {"up_to": "100", "markup_percent": "100", "flat": "7"},
    {"up_to": "200", "flat": "9"},
    {"markup_percent": "-50", "flat": "11"},
]


def tiered(kind: str = "graduated", over: str = "output", listed: Sequence[Content] = LISTED, **more: Any) -> Content:
    return {"name": "r", "tiers": {"kind": kind, "over": [over], "tier": list(listed), **more}}


def by_tier(month: Month) -> dict[int, tuple[dict[str, int], int, Decimal | None]]:
    groups, _ = month.bill()
    found = {}
    for group in groups:
        assert group.tier is not None
        assert group.key[-1] == str(group.tier.number)
        found[group.tier.number] = (
            group.total.quantities,
            group.total.requests,
            group.billed(group.total).amount,
        )
    return found


@pytest.mark.parametrize("as_sums", [False, True])
def test_each_unit_is_billed_in_the_tier_in_which_it_falls(as_sums: bool) -> None:
    records = [used("c", "5", output=120, input=1), used("a", "3", output=60), used("b", "4", output=80, input=5)]
    month = Month([tiered()], records, as_sums=as_sums)
    # 60 of a and 40 of b are the first 100; 40 of b and 60 of c the next; 60 of c lie above. Input goes with the
    # first unit of its request: 5 of b in the first tier, 1 of c in the second.
    assert by_tier(month) == {
        1: ({"output": 100, "input": 5}, 2, dec(210)),
        2: ({"output": 100, "input": 1}, 1, dec(101)),
        3: ({"output": 60}, 0, dec(30)),
    }
    assert charges_of(month) == [
        ("flat", "up to 100", 1, dec(7), dec(7)),
        ("flat", "up to 200", 1, dec(9), dec(9)),
        ("flat", "above 200", 1, dec(11), dec(11)),
    ]
    assert Month([tiered()], records).by_record() == {"a": 120, "b": 80 + 40 + 10, "c": 60 + 30 + 1}


def test_a_full_tier_begins_no_other() -> None:
    month = Month([tiered()], [used("a", "3", output=100)])
    assert set(by_tier(month)) == {1}
    assert [name for _, name, *_ in charges_of(month)] == ["up to 100"]


def test_a_request_without_measured_units_enters_no_tier_and_stands_in_the_one_to_come() -> None:
    month = Month([tiered()], [used("a", "3", output=100), used("b", "4", input=3)])
    assert by_tier(month)[2] == ({"input": 3}, 1, dec(3))
    assert [name for _, name, *_ in charges_of(month)] == ["up to 100"]


def test_tiers_may_count_requests() -> None:
    listed = [{"up_to": "1", "markup_percent": "100", "flat": "2"}, {"flat": "3"}]
    month = Month([tiered(over="request", listed=listed)], [used(id_, id_, output=10) for id_ in ("1", "2", "3")])
    assert by_tier(month) == {1: ({"output": 10}, 1, dec(20)), 2: ({"output": 20}, 2, dec(20))}
    assert [amount for *_, amount in charges_of(month)] == [2, 3]


def test_tiers_over_several_quantities_count_them_in_the_order_stated() -> None:
    content = {"tiers": {"kind": "graduated", "over": ["output", "input"], "tier": [{"up_to": "10"}, {}]}}
    month = Month([content], [used("a", "3", input=8, output=7, web_search=1)])
    assert by_tier(month) == {
        1: ({"output": 7, "input": 3, "web_search": 1}, 1, dec(11)),
        2: ({"input": 5}, 0, dec(5)),
    }


def test_what_lies_above_the_first_tier_is_not_billed_in_it_too() -> None:
    content = {"tiers": {"kind": "graduated", "over": ["output", "input"], "tier": [{"up_to": "10"}, {}]}}
    month = Month([content], [used("a", "3", input=8, output=12)])
    assert by_tier(month) == {1: ({"output": 10}, 1, dec(10)), 2: ({"output": 2, "input": 8}, 0, dec(10))}


def test_a_request_that_is_counted_beside_its_units_counts_before_them() -> None:
    dear, cheap = {"output": "3000000", "request": "3000000"}, {"output": "1000000", "request": "1000000"}
    listed = [{"up_to": "10", "rates": dear}, {"rates": cheap}]
    content = {"tiers": {"kind": "graduated", "over": ["output", "request"], "tier": listed}}
    month = Month([content], [used("b", "4", output=2), used("a", "3", output=12)])
    # Of a the request and 9 units are the first ten, x 3; 3 units of a, and the request and 2 units of b lie above.
    assert by_tier(month) == {1: ({"output": 9}, 1, dec(30)), 2: ({"output": 5}, 1, dec(6))}
    assert month.by_record() == {"a": 33, "b": 3}


def test_what_is_included_counts_for_no_tier() -> None:
    content = tiered(listed=[{"up_to": "10", "markup_percent": "100"}, {}]) | {"allowance": {"units": {"output": 5}}}
    month = Month([content], [used("a", "3", output=18)])
    assert by_tier(month) == {1: ({"output": 10}, 1, dec(20)), 2: ({"output": 3}, 0, dec(3))}
    assert month.bill()[0][0].total.consumed == Consumption(included={"output": 5})


@pytest.mark.parametrize("as_sums", [False, True])
@pytest.mark.parametrize(
    ("outputs", "tier", "billed", "flat"), [((60, 40), 1, 200, 7), ((60, 41), 2, 101, 9), ((200, 2), 3, 101, 11)]
)
def test_by_volume_all_units_are_billed_in_the_tier_that_the_total_reaches(
    outputs: tuple[int, int], tier: int, billed: int, flat: int, as_sums: bool
) -> None:
    records = [used(str(day), str(day), output=count) for day, count in enumerate(outputs, start=3)]
    month = Month([tiered("volume")], records, as_sums=as_sums)
    assert by_tier(month) == {tier: ({"output": sum(outputs)}, 2, dec(billed))}
    assert [amount for *_, amount in charges_of(month)] == [flat]


def test_by_volume_nothing_is_entered_without_units_and_included_units_do_not_count() -> None:
    month = Month([tiered("volume")], [used("a", "3", input=4)])
    assert by_tier(month) == {1: ({"input": 4}, 1, dec(8))}
    assert charges_of(month) == []
    included = tiered("volume") | {"allowance": {"units": {"output": 50}}}
    assert set(by_tier(Month([included], [used("a", "3", output=150)]))) == {1}
    assert set(by_tier(Month([included], [used("a", "3", output=151)]))) == {2}


def test_a_volume_that_records_decide_is_asked_for_record_by_record_too() -> None:
    """What an allowance includes is known from the records; the total that follows decides the tier of all."""
    content = tiered("volume") | {"allowance": {"units": {"output": 50}}, "min_margin_percent": "0"}
    records = [used("a", "3", output=100, cost="0"), used("b", "4", output=51, cost="0")]
    for as_sums in (False, True):
        assert by_tier(Month([content], records, as_sums=as_sums)) == {2: ({"output": 101}, 2, dec(101))}


def test_tiers_with_rates_of_their_own_stand_for_the_list_price() -> None:
    listed = [{"up_to": "10", "rates": {"output": "3000000"}}, {"rates": {"output": "2000000"}}]
    month = Month([tiered(listed=listed)], [used("a", "3", output=12, input=1)])
    assert by_tier(month) == {1: ({"output": 10, "input": 1}, 1, dec(31)), 2: ({"output": 2}, 0, dec(4))}


# --- tiers over spend ---


@pytest.mark.parametrize("as_sums", [False, True])
def test_tiers_over_spend_cut_the_basis_amount(as_sums: bool) -> None:
    records = [used("b", "4", input=150), used("a", "3", output=80)]
    month = Month([tiered(over="spend")], records, as_sums=as_sums)
    # 80 + 150 = 230, of which 100 are doubled, 100 stay, and 30 are halved: 200 + 100 + 15.
    assert month.amounts() == [315]
    (group,), _ = month.bill()
    assert group.total.consumed == Consumption(spend={1: dec(100), 2: dec(100), 3: dec(30)})
    assert [amount for *_, amount in charges_of(month)] == [7, 9, 11]
    assert Month([tiered(over="spend")], records).by_record() == {"a": 160, "b": 40 + 100 + 15}


def test_a_total_of_spend_by_volume_decides_for_all_of_it() -> None:
    records = [used("a", "3", output=80), used("b", "4", input=70)]
    month = Month([tiered("volume", "spend")], records)
    assert month.amounts() == [150]
    (group,), _ = month.bill()
    assert group.total.consumed == Consumption(spend={2: dec(150)})
    assert [amount for *_, amount in charges_of(month)] == [9]
    assert Month([tiered("volume", "spend")], records[:1]).amounts() == [160]


def test_nothing_spent_enters_no_tier() -> None:
    for kind in ("graduated", "volume"):
        month = Month([tiered(kind, "spend") | {"basis": "free"}], [used("a", "3", output=80)])
        assert month.amounts() == [0]
        assert charges_of(month) == []


def test_spend_without_a_price_is_not_counted() -> None:
    records = [used("a", "3", model="unknown", output=80), used("b", "4", output=10)]
    month = Month([tiered(over="spend")], records)
    assert month.amounts() == [20, None]


# --- floors of margin and credits ---


def test_each_request_is_raised_to_the_floor_over_its_own_cost() -> None:
    records = [used("a", "3", input=10, cost="20"), used("b", "4", input=10, cost="1")]
    month = Month([{"min_margin_percent": "25"}], records)
    assert month.by_record() == {"a": 25, "b": 10}
    (group,), _ = month.bill()
    assert group.total.consumed == Consumption(margin=dec(15))


def test_each_request_is_rounded_up_to_whole_credits_and_costs_at_least_so_many() -> None:
    unit = {"name": "c", "worth": "4", "round_up": "request", "at_least": 2}
    records = [used("a", "3", input=9), used("b", "4", input=1), used("c", "5", input=12)]
    month = Month([{"credits": unit}], records)
    assert month.by_record() == {"a": 12, "b": 8, "c": 12}
    (group,), _ = month.bill()
    assert group.total.consumed == Consumption(credits=8, credits_added=dec(10))
    unit = {**unit, "round_up": "never", "at_least": 0}
    assert Month([{"credits": unit}], records).amounts() == [22]


def test_the_floor_comes_before_credits_and_both_before_an_included_amount() -> None:
    content = {
        "min_margin_percent": "50",
        "credits": {"name": "c", "worth": "4", "round_up": "request"},
        "allowance": {"amount": "30"},
    }
    records = [used("a", "3", input=10, cost="9"), used("b", "4", input=17, cost="0")]
    month = Month([content], records)
    # a: 10 are raised to 13.5, which are 4 credits, 16; b: 17 are 5 credits, 20. The first 30 are included.
    assert month.by_record() == {"a": 0, "b": 6}
    (group,), _ = month.bill()
    assert group.total.consumed == Consumption(margin=dec("3.5"), credits=9, credits_added=dec("5.5"), allowed=dec(30))


def test_a_request_in_several_tiers_is_raised_once_for_its_whole() -> None:
    listed = [{"up_to": "10", "markup_percent": "100"}, {}]
    content = tiered(listed=listed) | {"min_margin_percent": "0", "allowance": {"amount": "22"}}
    month = Month([content], [used("a", "3", output=15, cost="40")])
    (first, second), _ = month.bill()
    # 10 doubled and 5 are 25; the cost of 40 raises them by 15, with the first piece: 35, of which 22 are included.
    assert first.total.consumed == Consumption(margin=dec(15), allowed=dec(22))
    assert [first.billed(first.total).amount, second.billed(second.total).amount] == [13, 5]
    over = tiered(listed=listed) | {"allowance": {"amount": "22"}}
    (first, second), _ = Month([over], [used("a", "3", output=15)]).bill()
    assert first.total.consumed == Consumption(allowed=dec(20))
    assert second.total.consumed == Consumption(allowed=dec(2))


# --- packages ---


def searches(*counts: int) -> list[UsageRecord]:
    return [used(str(day), str(day), web_search=count) for day, count in enumerate(counts, start=3)]


def package(price_: str = "5", size: int = 10, name: str = "r") -> Content:
    return {"name": name, "package": {"web_search": {"price": price_, "size": size}}}


@pytest.mark.parametrize("as_sums", [False, True])
@pytest.mark.parametrize(("counts", "begun"), [((4, 6), 1), ((4, 7), 2), ((25, 1, 4), 3), ((1,), 1)])
def test_units_are_sold_in_packages_over_the_whole_period(counts: Sequence[int], begun: int, as_sums: bool) -> None:
    month = Month([package()], searches(*counts), as_sums=as_sums)
    assert month.amounts() == [0]
    (charge,) = month.bill()[1]
    (rule,) = month.contracts.rules("alice", month.aggregates[0].at)
    expected = Charge("package", "web_search", rule, begun, dec(5), dec(5 * begun), units=sum(counts), size=10)
    assert charge == expected
    assert charge.description == "web_search, packages of 10"


def test_no_units_begin_no_package() -> None:
    assert Month([package()], [used("a", "3", input=5)]).bill()[1] == []


def test_included_units_are_in_no_package() -> None:
    content = package() | {"allowance": {"units": {"web_search": 4}}}
    (charge,) = Month([content], searches(3, 11)).bill()[1]
    assert (charge.quantity, charge.units) == (1, 10)


def test_a_package_of_a_sum_holds_all_its_leaves() -> None:
    content = {"package": {"output_total": {"price": "5", "size": 10}}}
    (charge,) = Month([content], [used("a", "3", output=8, reasoning=3, input=1)]).bill()[1]
    assert (charge.name, charge.quantity, charge.units) == ("output_total", 2, 11)


def test_a_new_version_of_a_rule_counts_on_and_charges_what_it_begins() -> None:
    later = contract(rules=[package("8", 20)], valid_from=LATER, recorded_at="2026-09-02T00:00:00Z")
    records = [used("a", "3", web_search=12), used("b", "20", web_search=9), used("c", "21", web_search=20)]
    month = Month([package()], records, later)
    found = [(charge.rate, charge.quantity, charge.units, charge.size) for charge in month.bill()[1]]
    # 12 begin two packages of 10. The new version packs by 20: 12 had begun one of these, 21 two, 41 three.
    assert sorted(found) == [(5, 2, 12, 10), (8, 2, 29, 20)]


def test_an_allowance_and_tiers_count_on_through_versions_too() -> None:
    both = {"name": "r", "allowance": {"units": {"input": 5}}}
    later = contract(rules=[{**both, "markup_percent": "100"}], valid_from=LATER, recorded_at="2026-09-02T00:00:00Z")
    month = Month([both], [used("a", "3", input=4), used("b", "20", input=4)], later)
    assert month.by_record() == {"a": 0, "b": 6}
    renamed = contract(rules=[{**both, "name": "s"}], valid_from=LATER, recorded_at="2026-09-02T00:00:00Z")
    month = Month([both], [used("a", "3", input=4), used("b", "20", input=6)], renamed)
    assert month.by_record() == {"a": 0, "b": 1}


def test_a_tier_that_only_an_earlier_version_had_is_charged_by_none_that_lacks_it() -> None:
    fewer = tiered(listed=[{"up_to": "500", "flat": "1"}, {"flat": "2"}])
    later = contract(rules=[fewer], valid_from=LATER, recorded_at="2026-09-02T00:00:00Z")
    month = Month([tiered()], [used("a", "3", output=250), used("b", "20", output=1)], later)
    assert [amount for *_, amount in charges_of(month)] == [7, 9, 11]


def test_charges_come_in_the_order_of_rules_and_names() -> None:
    one = package(name="b") | {"match": {"model": ["acme/large"]}}
    one["package"] = {**one["package"], "image": {"price": "2", "size": 1}, "audio_second": {"price": "2", "size": 1}}
    other = tiered(over="output") | {"name": "a"}
    records = [
        used("1", "3", web_search=1, image=1, audio_second=1),
        used("2", "4", model="acme/small", output=150),
    ]
    names = ["up to 100", "up to 200", "audio_second", "image", "web_search"]
    for some in (records, records[::-1]):
        assert [charge.name for charge in Month([one, other], some).bill()[1]] == names


# --- flat amounts without usage ---


def test_a_first_tier_that_is_charged_without_usage_is_entered_at_the_end() -> None:
    content = tiered(flat_at_zero=True)
    month = Month([content], [used("a", "3", input=4)])
    rules = month.contracts.rules("alice", month.aggregates[0].at)
    assert charges_of(month) == []
    expected = Charge("flat", "up to 100", rules[0], 1, dec(7), dec(7))
    assert month.bill(rules_at_end=rules)[1] == [expected]
    nothing = Month([content], [])
    assert nothing.bill(rules_at_end=rules) == ([], [expected])
    assert expected.description == "flat amount, up to 100"


def test_a_first_tier_is_not_charged_again_where_any_was_entered() -> None:
    month = Month([tiered("volume", flat_at_zero=True)], [used("a", "3", output=150)])
    rules = month.contracts.rules("alice", month.aggregates[0].at)
    assert [charge.name for charge in month.bill(rules_at_end=rules)[1]] == ["up to 200"]


def test_only_rules_that_say_so_are_charged_without_usage() -> None:
    rules = [
        Rule.from_content(content, contract="default", number=number)
        for number, content in enumerate(
            [tiered() | {"name": "x"}, {}, tiered(flat_at_zero=True) | {"name": "z"}, tiered(flat_at_zero=True)], 1
        )
    ]
    charges = Month([], []).bill(rules_at_end=rules)[1]
    assert [charge.rule for charge in charges] == [rules[3], rules[2]], "in the order of their names"


def test_a_fee_is_described_by_its_name() -> None:
    charge = Charge("base_fee", "seat", None, 31, dec(20), dec(20), of_days=31)
    assert charge.description == "seat"
    big = Charge("package", "image", None, 1, dec(1), dec(1), units=1, size=1_000_000)
    assert big.description == "image, packages of 1,000,000"
