"""What quantities come to under a card: rates, fees, fallbacks, tiers, windows, modes, and every refusal's words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, Inexact
from typing import Any

import pytest

from tests.builders import at, price, prices
from tokentill import PriceBook, Rated, RatedLine, Usage
from tokentill.canonical import Content
from tokentill.prices import rate_cards as rating
from tokentill.prices.book import NoPrice
from tokentill.prices.rate_cards import (
    RateCard,
    UnitPrice,
    amount_of,
    amount_under,
    price_quantity,
    rate_quantities,
    steps_of,
    unit_price,
)

MODEL = "acme/large"
D = Decimal


def book(*entries: Content) -> PriceBook:
    return PriceBook([prices(*(entries or (price(),)))])


def rated(entry: Content, quantities: dict[str, int], **more: Any) -> Rated:
    return book(entry).rate(Usage(MODEL, more.pop("when", at("15")), quantities, **more))


def card(entry: Content | None = None, **more: Any) -> RateCard:
    found = book(entry or price()).rate_card(MODEL, at=at("15"), mode=None, input_total=0, **more)
    assert isinstance(found, RateCard)
    return found


def test_a_request_is_priced_line_by_line_in_order_of_names() -> None:
    found = rated(price(), {"output": 300, "input": 1000, "cache_read": 200})

    hash_ = found.price_entry
    assert found == Rated(
        "priced",
        None,
        D("0.00756"),
        (
            RatedLine("cache_read", 200, UnitPrice("cache_read", D("0.3"), 1_000_000, D(1)), D("0.00006"), hash_),
            RatedLine("input", 1000, UnitPrice("input", D(3), 1_000_000, D(1)), D("0.003"), hash_),
            RatedLine("output", 300, UnitPrice("output", D(15), 1_000_000, D(1)), D("0.0045"), hash_),
        ),
        MODEL,
        "USD",
        hash_,
        None,
        None,
    )
    assert str(found.amount) == "0.00756"
    assert str(rated(price(), {"input": 1}).amount) == "0.000003"
    assert str(rated(price(), {"input": 10**6 + 1}).amount) == "3.000003"
    line = found.lines[0]
    assert (line.priced_as, line.rate, line.per, line.multiplier) == ("cache_read", D("0.3"), 1_000_000, D(1))


def test_rated_values_show_what_they_are_and_cannot_be_changed() -> None:
    found = rated(price(), {"input": 1000})

    assert repr(found) == "<Rated acme/large priced: 0.003 USD>"
    assert repr(found.lines[0]) == "<input 1000 x 3 / 1000000 = 0.003>"
    assert repr(rated(price(), {"video_minute": 1})) == (
        "<Rated acme/large unpriced: acme/large has no rate for 'video_minute' (mode standard)>"
    )
    with pytest.raises(AttributeError):
        found.amount = D(0)
    with pytest.raises(AttributeError):
        found.lines[0].quantity = 2


def test_a_quantity_of_zero_needs_no_rate_and_has_no_line() -> None:
    assert rated(price(), {"video_minute": 0, "input": 0, "output": 1}).lines[0].name == "output"
    nothing = rated(price(), {"video_minute": 0})
    assert (nothing.status, nothing.amount, nothing.lines) == ("priced", 0, ())


def test_one_quantity_without_a_rate_leaves_the_whole_without_a_price() -> None:
    found = rated(price(), {"input": 1000, "input_video": 5, "output_image": 7})

    reason = "acme/large has no rate for 'input_video' (mode standard)"
    assert found == Rated("unpriced", reason, None, (), MODEL, "USD", found.price_entry, None, None)
    assert found.price_entry is not None


def test_a_refusal_names_mode_tier_and_window() -> None:
    inside = {"rates": {"input": "1"}, "tier": [{"when": {"input_tokens_gt": 10}, "rates": {"input": "2"}}]}
    window = {"when": {"between": ["00:00", "24:00"]}, **inside}
    entry = price(mode={"batch": {"rates": {"input": "1"}, "window": [window]}})

    assert rated(entry, {"input": 11, "output": 1}, mode="batch").reason == (
        "acme/large has no rate for 'output' (mode batch, tier input > 10, window 00:00 to 24:00 UTC)"
    )
    assert rated(entry, {"input": 10, "output": 1}, mode="batch").reason == (
        "acme/large has no rate for 'output' (mode batch, window 00:00 to 24:00 UTC)"
    )


def test_reasoning_falls_back_to_output_and_cached_input_to_input() -> None:
    found = rated(price(rates={"input": "3", "output": "15"}), {"reasoning": 10, "cache_read": 20})

    assert [(line.name, line.priced_as, line.rate) for line in found.lines] == [
        ("cache_read", "input", D(3)),
        ("reasoning", "output", D(15)),
    ]


def test_a_declared_fallback_goes_on_to_the_next_and_an_own_rate_comes_first() -> None:
    chain = {"input_audio": "cache_read"}
    assert rated(price(rates={"input": "3"}, fallback=chain), {"input_audio": 1}).lines[0].priced_as == "input"
    own = price(rates={"input": "3", "input_audio": "9"}, fallback=chain)
    assert rated(own, {"input_audio": 1}).lines[0].priced_as == "input_audio"


def test_fallbacks_in_a_ring_end_in_a_refusal() -> None:
    found = rated(price(rates={"input": "3"}, fallback={"output": "reasoning"}), {"output": 1})

    assert found.reason == "acme/large has no rate for 'output' (mode standard)"


def test_a_fallback_as_long_as_the_declared_ones_is_followed_to_its_end() -> None:
    chain = {"input_audio": "input_video", "input_video": "input_image", "input_image": "cache_read"}
    entry = price(rates={"input": "3"}, fallback={**chain, "reasoning": "input_audio"})

    assert rated(entry, {"reasoning": 1}).lines[0].priced_as == "input"


def test_a_counter_has_its_fee_with_a_per_of_its_own_and_no_multiplier() -> None:
    entry = price(fees={"web_search": {"price": "10", "per": 1000}}, multiplier={"geo": {"us": "1.1"}})
    found = rated(entry, {"web_search": 3, "input": 1000}, geo="us")

    assert [tuple(line)[:4] for line in found.lines] == [
        ("input", 1000, ("input", D("3.3"), 1_000_000, D("1.1")), D("0.0033")),
        ("web_search", 3, ("web_search", D(10), 1000, D(1)), D("0.03")),
    ]


def test_a_fee_without_per_is_for_one_and_a_leaf_takes_no_fee() -> None:
    entry = price(fees={"image": {"price": "0.04"}, "input": {"price": "99"}})
    found = rated(entry, {"image": 2, "input": 1000})

    assert [(line.name, line.amount) for line in found.lines] == [("image", D("0.08")), ("input", D("0.003"))]


def test_a_request_is_charged_once_unless_more_are_counted() -> None:
    entry = price(fees={"request": {"price": "0.005"}})

    assert rated(entry, {}).amount == D("0.005")
    assert rated(entry, {"request": 3}).amount == D("0.015")
    assert rated(entry, {"request": 0}).amount == 0
    assert rated(entry, {"input": 1}).lines[1].name == "request"
    assert rated(price(), {"request": 3}).lines == ()


@pytest.mark.parametrize(
    ("condition", "tokens", "tier"),
    [
        ({"input_tokens_gt": 200}, 200, None),
        ({"input_tokens_gt": 200}, 201, "input > 200"),
        ({"input_tokens_gte": 200}, 199, None),
        ({"input_tokens_gte": 200}, 200, "input >= 200"),
    ],
)
def test_the_boundary_of_a_tier_is_where_its_condition_says(condition: Content, tokens: int, tier: str | None) -> None:
    entry = price(rates={"input": "1"}, tier=[{"when": condition, "rates": {"input": "2"}}])
    found = rated(entry, {"input": tokens})

    assert (found.tier, found.lines[0].rate) == (tier, D(1) if tier is None else D(2))


def test_all_input_leaves_decide_the_tier_and_nothing_else_does() -> None:
    tier = {"when": {"input_tokens_gt": 100}, "rates": {"input": "2", "output": "4"}}
    entry = price(rates={"input": "1", "output": "3"}, tier=[tier], fees={"web_search": {"price": "1"}})

    assert rated(entry, {"input": 60, "cache_read": 41}).tier == "input > 100"
    assert rated(entry, {"input": 60, "cache_read": 40, "output": 500, "web_search": 9}).tier is None
    assert rated(entry, {"input": 100, "output": 1}).tier is None
    assert rated(entry, {"input": 5, "output": 5}, input_tokens=101).tier == "input > 100"
    assert rated(entry, {"input": 500}, input_tokens=100).tier is None


def test_the_last_tier_that_is_passed_holds_for_the_whole_request() -> None:
    tiers = [{"when": {"input_tokens_gt": at_}, "rates": {"input": rate}} for at_, rate in ((10, "2"), (20, "4"))]
    entry = price(rates={"input": "1"}, tier=tiers)

    assert [rated(entry, {"input": count}).amount * 10**6 for count in (10, 11, 20, 21)] == [10, 22, 40, 84]


def test_a_mode_has_rates_of_its_own_and_the_fees_of_the_entry_unless_it_names_some() -> None:
    entry = price(
        fees={"web_search": {"price": "1"}},
        mode={
            "batch": {"rates": {"input": "1.5"}},
            "flex": {"rates": {"input": "1"}, "fees": {"web_search": {"price": "2"}}},
            "bare": {"rates": {"input": "1"}, "fees": {}},
        },
    )
    used = {"input": 1_000_000, "web_search": 1}

    assert rated(entry, used).amount == 4
    assert rated(entry, used, mode="standard").amount == 4
    assert rated(entry, used, mode="batch").amount == D("2.5")
    assert rated(entry, used, mode="flex").amount == 3
    assert rated(entry, used, mode="bare").reason == "acme/large has no rate for 'web_search' (mode bare)"
    assert rated(entry, used, mode="priority").reason == "mode 'priority' is not listed for acme/large"


def test_a_mode_holds_within_its_own_validity() -> None:
    validity = {"valid_from": "2026-10-10T00:00:00Z", "valid_to": "2026-10-20T00:00:00Z"}
    entry = price(mode={"batch": {"rates": {"input": "1"}, **validity}})

    def reason(when: str) -> str | None:
        return rated(entry, {"input": 1}, mode="batch", when=at(when)).reason

    assert reason("2026-10-10T00:00:00+00:00") is None
    assert reason("2026-10-19T23:59:59.999999+00:00") is None
    assert reason("2026-10-09T23:59:59.999999+00:00") == (
        "mode 'batch' of acme/large has no price at 2026-10-09T23:59:59.999999Z"
    )
    assert reason("2026-10-20T00:00:00+00:00") == "mode 'batch' of acme/large has no price at 2026-10-20T00:00:00Z"


def test_a_window_replaces_rates_and_tiers_while_it_is_open() -> None:
    tier = [{"when": {"input_tokens_gt": 10}, "rates": {"input": "7"}}]
    window = {"when": {"between": ["16:30", "18:00"]}, "rates": {"input": "1"}}
    entry = price(rates={"input": "3"}, tier=tier, window=[window])

    assert rated(entry, {"input": 11}, when=at("15 16:29")).tier == "input > 10"
    inside = rated(entry, {"input": 11}, when=at("15 16:30"))
    assert (inside.tier, inside.window, inside.lines[0].rate) == (None, "16:30 to 18:00 UTC", D(1))
    assert rated(entry, {"input": 11}, when=at("15 18:00")).window is None


def test_of_two_open_windows_the_first_holds() -> None:
    windows = [
        {"when": {"between": ["10:00", "14:00"]}, "rates": {"input": "1"}},
        {"when": {"between": ["12:00", "20:00"]}, "rates": {"input": "2"}},
    ]
    entry = price(rates={"input": "3"}, window=windows)

    rates = [rated(entry, {"input": 1}, when=at(f"15 {hour}:00")).lines[0].rate for hour in ("09", 10, 13, 14, 19, 20)]
    assert rates == [3, 1, 1, 2, 2, 3]


def test_geography_multiplies_every_rate_and_an_unlisted_place_none() -> None:
    entry = price(rates={"input": "2.5"}, multiplier={"geo": {"us": "1.1"}})

    assert rated(entry, {"input": 1000}, geo="us").amount == D("0.00275")
    for place in (None, "", "mars"):
        assert rated(entry, {"input": 1000}, geo=place).lines[0].multiplier == 1
    assert rated(price(), {"input": 1000}, geo="us").lines[0].multiplier == 1


def test_a_free_entry_is_a_listed_zero_for_everything_but_the_request() -> None:
    free = {"model": MODEL, "valid_from": "2026-01-01T00:00:00Z", "free": True}
    found = rated(free, {"input": 5, "anything": 2, "request": 1})

    assert (found.status, found.amount, found.currency) == ("free", 0, "USD")
    assert [tuple(line)[:4] for line in found.lines] == [
        ("anything", 2, ("anything", 0, 1_000_000, 1), 0),
        ("input", 5, ("input", 0, 1_000_000, 1), 0),
    ]
    assert rated(free, {}).status == "free"


def test_zero_is_free_only_where_all_that_was_used_is_listed_at_zero() -> None:
    entry = price(rates={"input": "0", "output": "15"}, fees={"web_search": {"price": "0"}})

    assert rated(entry, {"input": 5, "web_search": 1}).status == "free"
    assert rated(entry, {"input": 5, "output": 1}).status == "priced"
    assert rated(entry, {}).status == "priced"
    assert rated(price(fees={"request": {"price": "0"}}), {}).status == "free"


def test_amounts_are_exact_however_long_and_refused_when_they_cannot_be() -> None:
    assert amount_of(3, D("0.000000000001"), 10**12) == D("3E-24")
    assert amount_of(10**30 + 1, D("1.5"), 1) == D("1500000000000000000000000000001.5")
    with pytest.raises(Inexact):
        amount_of(1, D(1), 3)
    with pytest.raises(Inexact):
        card(price(rates={"input": "1"}, per=3))
    with pytest.raises(Inexact):
        rated(price(), {"input": 10**97 + 1})


def test_the_rows_of_a_plan_are_in_order_of_names_and_whole_or_none() -> None:
    found = card()
    prices_ = {name: UnitPrice(name, rate, 1_000_000, D(1)) for name, rate in (("input", D(3)), ("output", D(15)))}

    assert found.rows_of(("output", "input", "request")) == (
        ("input", 30, prices_["input"]),
        ("output", 150, prices_["output"]),
    )
    assert found.rows_of(("odd", "input")) is None
    assert found.rows_of(()) == ()


def test_steps_are_the_smallest_power_of_ten_that_makes_all_whole() -> None:
    assert steps_of([]) == 1
    assert steps_of([D(100), D("1.50"), D("0.002000")]) == 1000
    assert steps_of([D("1E+3")]) == 1
    assert str(steps_of([D("1E-3")])) == "1000"


def test_a_plan_remembers_prices_and_starts_over_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rating, "REMEMBERED_MAX", 2)
    found = card()

    assert found.scaled_price("input") == (30, UnitPrice("input", D(3), 1_000_000, D(1)))
    assert found.scaled_price("nonsense") is None
    assert set(found.scaled) == {"input", "nonsense"}
    assert found.scaled_price("input") == (30, UnitPrice("input", D(3), 1_000_000, D(1)))
    assert found.scaled_price("output") == (150, UnitPrice("output", D(15), 1_000_000, D(1)))
    assert set(found.scaled) == {"output"}
    for count in (1, 2, 3, 4):
        names = ("input", "output", "reasoning", "cache_read")[:count]
        assert rate_quantities(found, dict.fromkeys(names, 1)).reason is None
        assert names in found.rows
        assert len(found.rows) <= 2


def test_the_key_of_a_plan_is_what_decides_its_prices() -> None:
    tier = [{"when": {"input_tokens_gt": 10}, "rates": {"input": "7"}}]
    window = [{"when": {"between": ["12:00", "13:00"]}, "rates": {"input": "1"}}]
    entry = price(tier=tier, window=window, multiplier={"geo": {"us": "1.1"}})
    known = book(entry)
    hash_ = known.entries(MODEL)[0].hash

    def key(when: datetime, tokens: int, geo: str | None = None) -> object:
        found = known.rate_card(MODEL, at=when, mode=None, input_total=tokens, geo=geo)
        assert isinstance(found, RateCard)
        return found.key

    assert key(at("15 11:00"), 10) == (hash_, "standard", "", "", D(1))
    assert key(at("15 11:00"), 11, "us") == (hash_, "standard", "input > 10", "", D("1.1"))
    assert key(at("15 12:00"), 11) == (hash_, "standard", "", "12:00 to 13:00 UTC", D(1))


def test_a_plan_is_that_of_the_entry_it_is_asked_of() -> None:
    known = book(price(multiplier={"geo": {"us": "2"}}))
    (entry,) = known.entries(MODEL)

    found = known.rate_card(MODEL, at=at("15"), mode="standard", input_total=0, geo="us")
    assert isinstance(found, RateCard)
    assert (found.entry, found.mode, found.multiplier, found.charges_requests) == (entry, "standard", D(2), False)
    odd = known.rate_card(MODEL, at=at("15"), mode="odd", input_total=0, geo=None)
    assert odd == NoPrice("mode 'odd' is not listed for acme/large")
    assert card(price(fees={"request": {"price": "0"}})).charges_requests


def test_an_amount_without_lines_is_that_of_the_lines_or_is_left_to_them() -> None:
    found = card(price(fees={"request": {"price": "0.005"}}))

    for used in ({"input": 1000, "output": 0, "request": 1}, {"reasoning": 3}, {"input": 9, "output": 7}):
        assert amount_under(found, used) == rate_quantities(found, used).amount
    assert amount_under(found, {"input": 1, "odd": 2}) is None
    assert amount_under(found, {"input": 1, "odd": 0}) is None
    assert rate_quantities(found, {"input": 1, "odd": 0}).amount == D("0.000003")
    assert amount_under(found, {}) is None
    assert amount_under(card(), {"input": 1, "request": 7}) == D("0.000003")


def test_a_quantity_is_priced_by_itself_for_contracts_with_rates_of_their_own() -> None:
    line = price_quantity("reasoning", 7, {"output": D(2)}, 1000, {"reasoning": "output"}, {}, D("1.5"), "hash")

    assert line == RatedLine("reasoning", 7, UnitPrice("output", D(3), 1000, D("1.5")), D("0.021"), "hash")
    assert price_quantity("input", 7, {"output": D(2)}, 1000, {}, {}, D(1), "hash") is None
    price_of = unit_price("output", {"output": D(2)}, 1000, {}, {}, D(2))
    assert price_of is not None
    assert (price_of.priced_as, price_of.rate, price_of.per, price_of.multiplier, price_of.of_one) == (
        "output",
        D(4),
        1000,
        D(2),
        D("0.004"),
    )


def test_usages_of_any_zone_are_priced_at_their_instant() -> None:
    late = datetime.fromisoformat("2026-10-16T01:00:00+09:00")
    entry = price(valid_to="2026-10-15T16:00:00Z")

    assert late == datetime(2026, 10, 15, 16, tzinfo=UTC)
    assert rated(entry, {"input": 1}, when=late).status == "unpriced"
