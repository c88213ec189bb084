"""What quantities come to at list prices: each line, each reason, each status, and one definition for all ways."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import price, prices
from tokentill import PriceBook, Usage
from tokentill.canonical import Content
from tokentill.pricing.entries import Fee, PriceEntry
from tokentill.pricing.rating import (
    REMEMBERED_MAX,
    Plan,
    Rated,
    RatedLine,
    UnitPrice,
    amount_of,
    amount_under,
    plan_for,
    price_quantity,
    rate_quantities,
    steps_of,
    unit_price,
)
from tokentill.pricing.streaming import RatedAmount, rate_stream

AT = datetime(2026, 10, 15, 12, tzinfo=UTC)
MILLION = 1_000_000


def dec(text: str) -> Decimal:
    return Decimal(text)


def entry_of(**more: Any) -> PriceEntry:
    return PriceEntry.from_content(price(**more), recorded_at=AT, currency="USD")


def plan_of(in_mode: str = "standard", input_total: int = 0, geo: str | None = None, **more: Any) -> Plan:
    found = plan_for(entry_of(**more), at=AT, mode=in_mode, input_total=input_total, geo=geo)
    assert isinstance(found, Plan)
    return found


# --- one quantity ---


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("input", UnitPrice("input", Decimal(6), 10, Decimal(2))),
        ("reasoning", UnitPrice("output", Decimal(10), 10, Decimal(2))),
        ("cache_read", UnitPrice("input", Decimal(6), 10, Decimal(2))),
        ("cache_write", UnitPrice("input", Decimal(6), 10, Decimal(2))),  # by way of cache_read
        ("output_audio", None),
        ("input_image", None),  # its fallback has no price either
        ("a", None),  # a and b fall back to each other
        ("web_search", UnitPrice("web_search", Decimal(7), 1000, Decimal(1))),
        ("image", UnitPrice("image", Decimal(18), 10, Decimal(2))),
        ("request", UnitPrice("request", Decimal(1), 1, Decimal(1))),
    ],
)
def test_a_counter_has_its_fee_and_a_leaf_its_rate_or_that_of_its_fallback(name: str, found: UnitPrice | None) -> None:
    rates = {"input": Decimal(3), "output": Decimal(5), "image": Decimal(9)}
    fees = {"web_search": Fee(Decimal(7), 1000), "request": Fee(Decimal(1), 1), "input": Fee(Decimal(99), 1)}
    fallback = {
        "reasoning": "output",
        "cache_read": "input",
        "cache_write": "cache_read",
        "input_image": "input_video",
        "a": "b",
        "b": "a",
    }
    assert unit_price(name, rates, 10, fallback, fees, Decimal(2)) == found
    line = price_quantity(name, 5, rates, 10, fallback, fees, Decimal(2), "sha256:0")
    if found is None:
        assert line is None
    else:
        amount = found.rate * 5 / found.per
        assert line == RatedLine(name, 5, found.priced_as, found.rate, found.per, found.multiplier, amount, "sha256:0")


def test_a_chain_of_fallbacks_is_followed_to_its_end() -> None:
    chain = {"a": "b", "b": "c", "c": "d"}
    assert unit_price("a", {"d": Decimal(1)}, 1, chain, {}, Decimal(1)) == UnitPrice("d", Decimal(1), 1, Decimal(1))


def test_an_amount_is_exact_or_refused() -> None:
    assert amount_of(7, dec("0.3"), MILLION) == dec("0.0000021")
    with pytest.raises(Inexact):
        amount_of(1, dec("1"), 3)


@pytest.mark.parametrize(
    ("amounts", "steps"),
    [([], "1"), (["5", "100"], "1"), (["0.5"], "10"), (["0.500", "0.25"], "100"), (["0.0000015", "3"], "10000000")],
)
def test_steps_are_the_smallest_power_of_ten_that_divides_every_price(amounts: list[str], steps: str) -> None:
    assert steps_of(map(Decimal, amounts)) == Decimal(steps)


# --- plans ---


def test_a_plan_has_what_decides_a_price() -> None:
    more: Content = {
        "mode": {"batch": {"rates": {"input": "1"}, "fees": {}}},
        "tier": [{"when": {"input_tokens_gt": 100}, "rates": {"input": "6"}}],
        "multiplier": {"geo": {"us": "1.1"}, "other": {"us": "7"}},
        "fees": {"request": {"price": "1"}},
    }
    plain = plan_of(**more)
    assert (plain.mode, plain.variant.tier, plain.multiplier) == ("standard", None, 1)
    assert plain.fees == {"request": Fee(Decimal(1), 1)}
    assert plan_of(input_total=100, **more) == plain
    assert plan_of(input_total=101, **more).variant.tier == "input > 100"
    assert plan_of(geo="us", **more).multiplier == dec("1.1")
    assert plan_of(geo="eu", **more) == plan_of(geo="", **more) == plain
    batch = plan_of("batch", **more)
    assert (batch.mode, batch.variant.rates, batch.fees) == ("batch", {"input": Decimal(1)}, {})
    assert plan_of(geo="us").multiplier == 1
    office: Content = {"window": [{"when": {"between": ["09:00", "17:00"]}, "rates": {"input": "2"}}]}
    assert plan_of(**office).variant.window == "09:00 to 17:00 UTC"
    assert plan_for(entry_of(), at=AT, mode="flex", input_total=0) == "mode 'flex' is not listed for acme/large"


def test_the_key_of_a_plan_tells_apart_what_prices_differently() -> None:
    more: Content = {
        "mode": {"batch": {"rates": {"input": "1"}}},
        "tier": [{"when": {"input_tokens_gt": 100}, "rates": {"input": "6"}}],
        "multiplier": {"geo": {"us": "1.1"}},
    }
    plain = plan_of(**more)
    assert plain.key == (plain.entry.hash, "standard", "", "", Decimal(1))
    others = [plan_of("batch", **more), plan_of(input_total=101, **more), plan_of(geo="us", **more), plan_of()]
    assert len({plan.key for plan in (plain, *others)}) == 5
    assert plan_of(input_total=5, **more).key == plain.key
    office: Content = {"window": [{"when": {"between": ["09:00", "17:00"]}, "rates": {"input": "2"}}]}
    assert plan_of(**office).key[2:4] == ("", "09:00 to 17:00 UTC")


@pytest.mark.parametrize(
    ("more", "charges"),
    [
        ({}, False),
        ({"fees": {"request": {"price": "0"}}}, True),
        ({"fees": {"web_search": {"price": "1"}}}, False),
        ({"rates": {"request": "5"}}, True),
        ({"fees": {"request": {"price": "1"}}, "free": True}, False),
    ],
)
def test_a_plan_knows_whether_requests_are_charged(more: Content, charges: bool) -> None:
    assert plan_of(**more).charges_requests is charges


def test_a_plan_does_not_remember_names_for_ever() -> None:
    plan = plan_of()
    for number in range(3 * REMEMBERED_MAX):
        assert rate_quantities(plan, {f"x{number}": 1}).status == "unpriced"
        assert len(plan.scaled) <= REMEMBERED_MAX
    assert len({*plan.scaled}) == REMEMBERED_MAX, "it is emptied when it is full, not before"
    assert rate_quantities(plan, {"input": MILLION}).amount == 3


# --- quantities ---


def test_lines_come_in_the_order_of_names_and_add_up() -> None:
    plan = plan_of(geo="us", multiplier={"geo": {"us": "1.1"}}, fees={"web_search": {"price": "10", "per": 1000}})
    found = rate_quantities(plan, {"output": 100, "input": 2000, "reasoning": 20, "web_search": 3, "request": 1})
    hash_, us = plan.entry.hash, dec("1.1")
    assert found == Rated(
        status="priced",
        reason=None,
        amount=dec("0.03858"),
        lines=(
            RatedLine("input", 2000, "input", dec("3.3"), MILLION, us, dec("0.0066"), hash_),
            RatedLine("output", 100, "output", dec("16.5"), MILLION, us, dec("0.00165"), hash_),
            RatedLine("reasoning", 20, "output", dec("16.5"), MILLION, us, dec("0.00033"), hash_),
            RatedLine("web_search", 3, "web_search", dec("10"), 1000, Decimal(1), dec("0.03"), hash_),
        ),
        model="acme/large",
        currency="USD",
        price_entry=hash_,
        tier=None,
        window=None,
    )
    assert repr(found) == "<Rated acme/large priced: 0.03858 USD>"
    assert repr(found.lines[0]) == "<input 2000 x 3.3 / 1000000 = 0.0066>"


def test_tier_and_window_are_told() -> None:
    tier: Content = {"when": {"input_tokens_gt": 100}, "rates": {"input": "6"}}
    office: Content = {"when": {"between": ["09:00", "17:00"]}, "rates": {"input": "2"}, "tier": [tier]}
    found = rate_quantities(plan_of(input_total=101, window=[office]), {"input": 101})
    assert (found.tier, found.window) == ("input > 100", "09:00 to 17:00 UTC")
    missing = rate_quantities(plan_of(input_total=101, window=[office]), {"output": 1})
    where = "(mode standard, tier input > 100, window 09:00 to 17:00 UTC)"
    assert missing.reason == f"acme/large has no rate for 'output' {where}"


def test_one_quantity_without_a_rate_leaves_the_whole_without_a_price() -> None:
    plan = plan_of()
    found = rate_quantities(plan, {"input": 5, "web_search": 1, "zzz": 1})
    reason = "acme/large has no rate for 'web_search' (mode standard)"
    assert found == Rated("unpriced", reason, None, (), "acme/large", "USD", plan.entry.hash)
    assert repr(found) == f"<Rated acme/large unpriced: {reason}>"
    assert rate_quantities(plan, {"input": 5, "web_search": 0, "request": 9}).status == "priced"


@pytest.mark.parametrize(
    ("more", "quantities", "status", "lines"),
    [
        ({}, {}, "priced", []),
        ({}, {"input": 0, "request": 1}, "priced", []),
        ({"rates": {"input": "0"}}, {"input": 5}, "free", ["input"]),
        ({"rates": {"input": "0", "output": "1"}}, {"input": 5}, "free", ["input"]),
        ({"rates": {"input": "0", "output": "1"}}, {"input": 5, "output": 1}, "priced", ["input", "output"]),
        (
            {"rates": {"input": "0"}, "fees": {"request": {"price": "1"}}},
            {"input": 5, "request": 1},
            "priced",
            ["input", "request"],
        ),
        ({"rates": {"input": "0"}, "fees": {"request": {"price": "0"}}}, {"request": 1}, "free", ["request"]),
        ({"free": True}, {"input": 5, "anything": 2, "request": 1}, "free", ["anything", "input"]),
        ({"free": True}, {}, "free", []),
    ],
)
def test_free_is_a_listed_zero(more: Content, quantities: dict[str, int], status: str, lines: list[str]) -> None:
    found = rate_quantities(plan_of(**more), quantities)
    assert (found.status, [line.name for line in found.lines]) == (status, lines)
    assert found.amount == sum(line.amount for line in found.lines)
    assert found.reason is None
    assert not found.amount or status == "priced"


def test_a_free_entry_shows_what_was_used_at_nothing() -> None:
    plan = plan_of(free=True, per=1000)
    (line,) = rate_quantities(plan, {"output": 7}).lines
    assert line == RatedLine("output", 7, "output", Decimal(0), 1000, Decimal(1), Decimal(0), plan.entry.hash)


def test_the_context_of_the_thread_and_the_size_of_numbers_decide_nothing() -> None:
    with localcontext(Context(prec=3)):
        assert rate_quantities(plan_of(), {"input": 10**12 + 1}).amount == dec("3000000.000003")
        assert plan_of(geo="us", multiplier={"geo": {"us": "1.23456"}}).unit_price("input") == UnitPrice(
            "input", dec("3.70368"), MILLION, dec("1.23456")
        )


rates = st.integers(0, 50_000).map(lambda value: format(Decimal(value).scaleb(-4), "f"))
names = ("input", "cache_read", "output", "reasoning", "web_search", "request", "image")
counts = st.dictionaries(st.sampled_from(names), st.integers(0, 10**9))


@given(
    listed=st.dictionaries(st.sampled_from(["input", "output", "cache_read", "request", "image"]), rates),
    fee=st.none() | rates,
    per=st.sampled_from([1, 1000, MILLION, 64]),
    geo=st.sampled_from([None, "us"]),
    one=counts,
    other=counts,
)
def test_amounts_are_what_fractions_come_to_and_add_up(
    listed: dict[str, str], fee: str | None, per: int, geo: str | None, one: dict[str, int], other: dict[str, int]
) -> None:
    fees = {} if fee is None else {"web_search": {"price": fee, "per": 1000}}
    plan = plan_of(geo=geo, rates=listed, per=per, fees=fees, multiplier={"geo": {"us": "1.1"}})
    factor = Fraction("1.1") if geo else Fraction(1)

    def of(name: str, count: int) -> Fraction | None:
        if name == "web_search" and fee is not None:
            return count * Fraction(fee) / 1000
        key = name if name in listed else {"reasoning": "output", "cache_read": "input"}.get(name)
        rate = listed.get(key or "")
        if rate is not None:
            return count * Fraction(rate) * factor / per
        return Fraction(0) if name == "request" or not count else None

    both = {name: one.get(name, 0) + other.get(name, 0) for name in {*one, *other}}
    found = []
    for quantities in (one, other, both):
        expected = [of(name, count) for name, count in quantities.items()]
        rated = rate_quantities(plan, quantities)
        if None in expected:
            assert rated.amount is None
            assert amount_under(plan, quantities) is None
        else:
            total = sum((part for part in expected if part is not None), Fraction(0))
            assert rated.amount is not None
            assert Fraction(rated.amount) == total
            assert amount_under(plan, quantities) == (rated.amount or None)
            assert {line.name for line in rated.lines} <= {name for name, count in quantities.items() if count}
        found.append(rated.amount)
    if None not in found:
        assert found[0] + found[1] == found[2]


# --- streams ---

BOOK = PriceBook(
    [
        prices(
            price(),
            price("acme/zero", rates={"input": "0"}),
            price("acme/asked", fees={"request": {"price": "0.5"}}),
        ),
        prices(price("acme/euro", rates={"input": "2"}, per=1), currency="EUR"),
    ]
)


def test_a_stream_gives_every_amount_without_its_lines_and_keeps_what_they_add_up_to() -> None:
    usages = [
        Usage("acme/large", AT, {"input": MILLION, "output": 1000}),
        Usage("acme/asked", AT, {"input": MILLION}),
        Usage("acme/asked", AT, {"request": 2}),
        Usage("acme/zero", AT, {"input": 5}),
        Usage("acme/large", AT, {}),
        Usage("acme/large", AT, {"web_search": 1}),
        Usage("other", AT, {"input": 1}),
        Usage("acme/euro", AT, {"input": 4}),
    ]
    stream = rate_stream(BOOK, iter(usages))
    assert (stream.totals, stream.counts) == ({}, {"priced": 0, "free": 0, "unpriced": 0})
    large, asked, zero, euro = (BOOK.entries(f"acme/{name}")[0].hash for name in ("large", "asked", "zero", "euro"))
    no_rate = "acme/large has no rate for 'web_search' (mode standard)"
    assert list(stream) == [
        RatedAmount("priced", None, dec("3.015"), "acme/large", "USD", large),
        RatedAmount("priced", None, dec("3.5"), "acme/asked", "USD", asked),
        RatedAmount("priced", None, dec("1"), "acme/asked", "USD", asked),
        RatedAmount("free", None, Decimal(0), "acme/zero", "USD", zero),
        RatedAmount("priced", None, Decimal(0), "acme/large", "USD", large),
        RatedAmount("unpriced", no_rate, None, "acme/large", "USD", large),
        RatedAmount("unpriced", "model 'other' is in no price table", None, "other", None, None),
        RatedAmount("priced", None, dec("8"), "acme/euro", "EUR", euro),
    ]
    assert stream.totals == {"USD": dec("7.515"), "EUR": dec("8")}
    assert stream.counts == {"priced": 5, "free": 1, "unpriced": 2}
    for usage, found in zip(usages, rate_stream(BOOK, usages), strict=True):
        rated = BOOK.rate(usage)
        assert found == (rated.status, rated.reason, rated.amount, rated.model, rated.currency, rated.price_entry)


def test_totals_of_a_stream_are_of_what_was_taken_so_far() -> None:
    stream = rate_stream(BOOK, (Usage("acme/euro", AT, {"input": 1}) for _ in range(9)))
    for number, _ in zip(range(1, 4), stream, strict=False):
        assert (stream.totals["EUR"], stream.counts["priced"]) == (2 * number, number)
