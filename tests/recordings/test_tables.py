"""What a price table means: which entry holds when, and what a request costs under it. One test a rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recordings.files import entry, prices, write_folder
from tokentill import PriceBook, Usage
from tokentill.clock import instant_text
from tokentill.prices.book import NoPrice

MILLION = 1_000_000


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00Z")


@pytest.fixture
def book(tmp_path: Path) -> Any:
    def load(*tables: str, as_of: str | None = None) -> PriceBook:
        write_folder(tmp_path, {f"models/{number}.toml": table for number, table in enumerate(tables)})
        return PriceBook.load(tmp_path, shipped_prices=False, as_of=None if as_of is None else instant(as_of))

    return load


def rated(book: PriceBook, quantities: Mapping[str, int] | None = None, at: str = "2026-06-15", **more: Any) -> Any:
    usage = {"input": MILLION} if quantities is None else quantities
    return book.rate(Usage(more.pop("model", "a/m"), instant(at), dict(usage), **more))


def amount(*arguments: Any, **more: Any) -> Fraction | None:
    found = rated(*arguments, **more).amount
    return None if found is None else Fraction(found)


# Which entry holds


def test_validity_begins_with_its_first_instant_and_ends_before_its_last(book: Any) -> None:
    it = book(prices(entry(valid_from="2026-03-13T00:00:00Z", more="valid_to = 2026-04-01T00:00:00Z\n")))

    assert amount(it, at="2026-03-12T23:59:59.999999Z") is None
    assert amount(it, at="2026-03-13") == 1
    assert amount(it, at="2026-03-31T23:59:59.999999Z") == 1
    assert amount(it, at="2026-04-01") is None


def test_before_the_first_price_there_is_none_and_the_reason_names_the_day(book: Any) -> None:
    found = rated(book(prices(entry(valid_from="2026-03-13T00:00:00Z"))), at="2026-03-12")

    assert (found.status, found.amount) == ("unpriced", None)
    assert found.reason == (
        "model 'a/m' has no price in force at 2026-03-12T00:00:00Z; its first is valid from 2026-03-13T00:00:00Z"
    )


def test_a_correction_holds_from_when_it_says_and_is_known_from_when_it_was_recorded(book: Any) -> None:
    tables = (
        prices(entry(rates="input = 1")),
        prices(entry(rates="input = 2"), recorded_at="2026-05-01T00:00:00Z"),
    )

    assert amount(book(*tables), at="2026-01-02") == 2
    assert amount(book(*tables, as_of="2026-04-30T23:59:59Z"), at="2026-01-02") == 1
    assert amount(book(*tables, as_of="2026-05-01"), at="2026-01-02") == 2


def test_a_correction_of_an_older_price_does_not_undo_an_announced_one(book: Any) -> None:
    it = book(
        prices(entry(), entry(valid_from="2026-07-01T00:00:00Z", rates="input = 5")),
        prices(entry(rates="input = 2"), recorded_at="2026-02-01T00:00:00Z"),
    )

    assert amount(it, at="2026-06-30") == 2
    assert amount(it, at="2026-07-01") == 5


def test_a_withdrawal_is_known_from_when_it_was_recorded_and_an_entry_may_be_announced_again(book: Any) -> None:
    announced = entry(valid_from="2026-07-01T00:00:00Z", rates="input = 5")
    hash_ = book(prices(announced)).entry_at("a/m", instant("2026-07-01")).hash
    tables = (
        prices(entry(), announced),
        prices(f'[[price]]\nwithdraws = "{hash_}"\n', recorded_at="2026-03-01T00:00:00Z"),
        prices(announced, recorded_at="2026-05-01T00:00:00Z"),
    )

    assert amount(book(*tables, as_of="2026-02-28"), at="2026-07-01") == 5
    assert amount(book(*tables, as_of="2026-03-01"), at="2026-07-01") == 1
    assert amount(book(*tables), at="2026-07-01") == 5


days = st.integers(0, 40)
entries = st.lists(st.tuples(days, st.none() | days, days), min_size=1, max_size=6, unique_by=lambda one: one[::2])


@given(entries, days, days)
def test_the_greatest_validity_decides_then_the_greatest_recording(
    written: list[tuple[int, int | None, int]], at_day: int, known_day: int
) -> None:
    def day(number: int) -> datetime:
        return instant("2026-01-01") + timedelta(days=number)

    recordings = [
        {
            "format": 1,
            "kind": "prices",
            "recorded_at": instant_text(day(recorded)),
            "currency": "USD",
            "price": [
                {
                    "model": "a/m",
                    "valid_from": instant_text(day(starts)),
                    "rates": {"input": str(number)},
                    **({} if ends is None else {"valid_to": instant_text(day(ends))}),
                }
            ],
        }
        for number, (starts, ends, recorded) in enumerate(written, start=1)
    ]
    best = None
    for number, (starts, ends, recorded) in enumerate(written, start=1):
        if recorded <= known_day and starts <= at_day and (ends is None or at_day < ends):
            best = max(best or (-1, -1, 0), (starts, recorded, number))

    found = PriceBook(recordings, as_of=day(known_day)).rate(Usage("a/m", day(at_day), {"input": MILLION})).amount

    assert found == (None if best is None else best[2])


# Ids


@pytest.mark.parametrize("model", ["a/m", "m", "a/m:nitro", "a/m:floor", "a/m:online", "m:nitro", "a/m:online:nitro"])
def test_an_id_an_alias_and_each_with_a_routing_suffix_lead_to_the_model(book: Any, model: str) -> None:
    found = rated(book(prices(entry(more='aliases = ["m"]\n'))), model=model)

    assert (found.status, found.model, found.amount) == ("priced", "a/m", 1)


@pytest.mark.parametrize(
    "model", ["a/m2", "a/", "a", "A/M", "a/m:thinking", "a/m:free", "a/m-2026-01-01", "x/a/m", " a/m", "a/m ", "nitro"]
)
def test_nothing_else_leads_to_it(book: Any, model: str) -> None:
    found = rated(book(prices(entry(more='aliases = ["m"]\n'))), model=model)

    assert (found.status, found.amount, found.model) == ("unpriced", None, model)


def test_a_near_miss_is_a_hint_and_no_price(book: Any) -> None:
    reason = rated(book(prices(entry("anthropic/claude-sonnet-4.6"))), model="anthropic/claude-sonnet-4-6").reason

    assert "did the gateway mean 'anthropic/claude-sonnet-4.6'? If so, say so" in reason


def test_an_exact_id_with_a_suffix_comes_before_the_model_without_it(book: Any) -> None:
    it = book(prices(entry(), entry("a/m:online", rates="input = 9")))

    assert (amount(it, model="a/m:online"), amount(it, model="a/m")) == (9, 1)


def test_a_free_variant_costs_a_listed_zero_and_the_paid_one_does_not(book: Any) -> None:
    free = '[[price]]\nmodel = "a/m:free"\nvalid_from = 2026-01-01T00:00:00Z\nfree = true\n'
    it = book(prices(entry(), free))

    found = rated(it, {"input": 5, "output": 7, "web_search": 1}, model="a/m:free")
    assert (found.status, found.amount) == ("free", 0)
    assert [(line.name, line.quantity) for line in found.lines] == [("input", 5), ("output", 7), ("web_search", 1)]
    assert rated(it).status == "priced"


# Rates and fallbacks


@pytest.mark.parametrize(
    "name", ["output", "input_audio", "cache_write", "cache_write_5m", "output_image", "web_search"]
)
def test_a_quantity_without_a_rate_leaves_the_whole_request_without_a_price(book: Any, name: str) -> None:
    found = rated(book(prices(entry())), {"input": 10, name: 1})

    assert (found.status, found.amount, found.lines) == ("unpriced", None, ())
    assert found.reason == f"a/m has no rate for '{name}' (mode standard)"


def test_a_quantity_of_zero_needs_no_rate(book: Any) -> None:
    assert amount(book(prices(entry())), {"input": MILLION, "output": 0, "web_search": 0}) == 1


def test_reasoning_and_cached_input_fall_back_unless_they_have_a_rate(book: Any) -> None:
    plain = book(prices(entry(rates="input = 2, output = 8")))
    assert amount(plain, {"cache_read": MILLION, "reasoning": MILLION}) == 2 + 8

    own = book(prices(entry(rates="input = 2, output = 8, cache_read = 0.2, reasoning = 3")))
    assert amount(own, {"cache_read": MILLION, "reasoning": MILLION}) == Fraction("0.2") + 3


def test_a_declared_fallback_may_lead_on_to_another_one(book: Any) -> None:
    more = 'fallback = { input_image = "cache_write", cache_write = "cache_write_5m" }\n'
    it = book(prices(entry(rates="input = 1, cache_write_5m = 3", more=more)))

    found = rated(it, {"input_image": MILLION})

    assert (found.amount, found.lines[0].priced_as) == (3, "cache_write_5m")


def test_amounts_are_exact_for_any_number_of_units(book: Any) -> None:
    it = book(prices(entry(rates="input = 0.041666666667", more="per = 1_000\n")))

    assert amount(it, {"input": 999_999_999_999}) == Fraction("0.041666666667") * 999_999_999_999 / 1000


# Tiers

TIERS = """[[price.tier]]
when = { input_tokens_gt = 200_000 }
rates = { input = 4, output = 20 }
[[price.tier]]
when = { input_tokens_gte = 500_000 }
rates = { input = 8, output = 40 }
"""


@pytest.mark.parametrize(
    ("tokens", "rate"), [(200_000, 2), (200_001, 4), (499_999, 4), (500_000, 8), (10_000_000, 8)]
)  # fmt: skip
def test_the_whole_request_moves_to_the_last_tier_that_it_reaches(book: Any, tokens: int, rate: int) -> None:
    it = book(prices(entry(rates="input = 2, output = 10", more=TIERS)))

    assert amount(it, {"input": tokens, "output": 7}) == Fraction((tokens + 7 * 5) * rate, MILLION)


def test_all_input_counts_towards_a_tier_and_output_does_not(book: Any) -> None:
    it = book(prices(entry(rates="input = 2, output = 10", more=TIERS)))

    assert rated(it, {"input": 1, "cache_read": 200_000}).tier == "input > 200000"
    assert rated(it, {"input": 1, "output": 900_000}).tier is None


def test_a_tier_replaces_the_rates_as_a_set(book: Any) -> None:
    it = book(prices(entry(rates="input = 2, output = 10, cache_read = 0.2, input_audio = 1", more=TIERS)))
    long = {"input": 200_001}

    assert amount(it, {**long, "cache_read": MILLION}) == Fraction(200_001 * 8 + MILLION * 8, MILLION)
    assert rated(it, {**long, "input_audio": 1}).status == "unpriced"


# Windows


def test_a_window_is_half_open_on_its_days_in_its_zone_and_belongs_to_the_day_it_begins_on(book: Any) -> None:
    window = """[[price.window]]
when = { days = ["fri"], between = ["22:00", "02:00"], time_zone = "Europe/Berlin" }
rates = { input = 5 }
"""
    it = book(prices(entry(more=window)))
    assert instant("2026-06-19").strftime("%a") == "Fri"

    for at, rate in [  # Berlin is two hours ahead of UTC in June and one in December
        ("2026-06-19T19:59:59Z", 1),
        ("2026-06-19T20:00:00Z", 5),
        ("2026-06-19T23:59:59Z", 5),
        ("2026-06-20T00:00:00Z", 1),
        ("2026-06-18T21:00:00Z", 1),
        ("2026-06-20T21:00:00Z", 1),
        ("2026-12-18T20:59:59Z", 1),
        ("2026-12-18T21:00:00Z", 5),
        ("2026-12-19T00:59:59Z", 5),
        ("2026-12-19T01:00:00Z", 1),
    ]:
        assert amount(it, at=at) == rate, at


def test_a_window_holds_within_the_validity_of_its_entry_alone(book: Any) -> None:
    peak = '[[price.window]]\nwhen = { between = ["01:00", "04:00"] }\nrates = { input = 6 }\n'
    it = book(prices(entry(rates="input = 1"), entry(valid_from="2026-08-16T02:00:00Z", rates="input = 3", more=peak)))

    assert [amount(it, at=f"2026-08-16T{time}Z") for time in ("01:59:59", "02:00:00", "04:00:00")] == [1, 6, 3]


def test_tiers_outside_a_window_do_not_hold_inside_it(book: Any) -> None:
    night = """[[price.window]]
when = { between = ["00:00", "06:00"] }
rates = { input = 1, output = 1 }
[[price.window.tier]]
when = { input_tokens_gt = 900_000 }
rates = { input = 3, output = 3 }
"""
    it = book(prices(entry(rates="input = 2, output = 10", more=TIERS + night)))

    assert amount(it, {"input": 600_000}, at="2026-06-15T05:00:00Z") == Fraction("0.6")
    assert amount(it, {"input": 900_001}, at="2026-06-15T05:00:00Z") == Fraction(900_001 * 3, MILLION)
    assert amount(it, {"input": 600_000}, at="2026-06-15T06:00:00Z") == Fraction("4.8")


# Modes

MODES = """fees = { web_search = { price = 10, per = 1_000 } }
[price.mode.batch]
rates = { input = 1 }
valid_from = 2026-04-01T00:00:00Z
valid_to = 2026-10-01T00:00:00Z
[[price.mode.batch.tier]]
when = { input_tokens_gt = 2_000_000 }
rates = { input = 3 }
[[price.mode.batch.window]]
when = { days = ["sun"], between = ["00:00", "24:00"] }
rates = { input = 0.5 }
[price.mode.priority]
rates = { input = 4, output = 20 }
fees = { web_search = { price = 0.02 } }
"""


def test_a_mode_has_rates_tiers_windows_and_a_validity_of_its_own(book: Any) -> None:
    it = book(prices(entry(rates="input = 2, output = 10", more=MODES)))

    assert amount(it, mode="batch", at="2026-04-01") == 1
    assert amount(it, {"input": 2_000_001}, mode="batch") == Fraction(2_000_001 * 3, MILLION)
    assert amount(it, mode="batch", at="2026-06-14T23:59:59Z") == Fraction("0.5")
    for at in ("2026-03-31T23:59:59Z", "2026-10-01"):
        assert "has no price at" in rated(it, mode="batch", at=at).reason
    assert amount(it, at="2026-10-01") == 2


def test_a_mode_inherits_no_rate_and_a_mode_that_is_not_listed_has_none(book: Any) -> None:
    it = book(prices(entry(rates="input = 2, output = 10", more=MODES)))

    assert rated(it, {"output": 1}, mode="batch").reason == "a/m has no rate for 'output' (mode batch)"
    assert rated(it, mode="flex").reason == "mode 'flex' is not listed for a/m"


def test_fees_are_those_of_the_entry_unless_a_mode_has_its_own(book: Any) -> None:
    it = book(prices(entry(rates="input = 2, output = 10", more=MODES)))

    searches = {"web_search": 3}
    assert amount(it, searches) == amount(it, searches, mode="batch") == Fraction(3, 100)
    assert amount(it, searches, mode="priority") == Fraction(6, 100)


# Geography and fees


def test_geography_is_an_exact_factor_on_rates_and_not_on_fees(book: Any) -> None:
    more = "fees = { web_search = { price = 10, per = 1_000 } }\nmultiplier = { geo = { us = 1.1 } }\n"
    it = book(prices(entry(rates="input = 0.3", more=more)))
    usage = {"input": MILLION, "web_search": 100}

    assert amount(it, usage, geo="us") == Fraction("0.33") + 1
    assert amount(it, usage, geo="eu") == amount(it, usage) == Fraction("0.3") + 1


def test_a_request_has_a_fee_whether_or_not_it_is_counted_in_the_record(book: Any) -> None:
    it = book(prices(entry(more="fees = { request = { price = 0.005 }, page = { price = 2, per = 1_000 } }\n")))

    assert amount(it, {"input": MILLION}) == 1 + Fraction("0.005")
    assert amount(it, {"input": MILLION, "request": 1, "page": 3}) == 1 + Fraction("0.005") + Fraction("0.006")


def test_a_price_is_chosen_by_the_instant_in_whatever_zone_it_is_written(book: Any) -> None:
    it = book(prices(entry(), entry(valid_from="2026-07-01T00:00:00+02:00", rates="input = 2")))

    assert [amount(it, at=at) for at in ("2026-06-30T21:59:59Z", "2026-07-01T00:00:00+02:00")] == [1, 2]
    assert isinstance(it.entry_at("a/m", instant("2025-12-31T23:59:59Z")), NoPrice)
