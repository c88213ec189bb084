"""Columns: what they take and refuse, exactness beyond 64 bits, windows by the column, and the words for rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import at, price, prices
from tokentill import PriceBook, Usage
from tokentill.clock import MICROSECOND, from_micros, to_micros
from tokentill.errors import IntegrityFault, InvalidRecord
from tokentill.prices.columns import Columns, data, rate_columns
from tokentill.prices.columns.card_codes import open_windows
from tokentill.prices.columns.data import marks_passed, present_codes
from tokentill.prices.entries import Window
from tokentill.prices.streams import rate_stream

MODEL = "acme/large"
NOON = to_micros(at("15"))
TIER = [{"when": {"input_tokens_gt": 1000}, "rates": {"input": "6", "output": "30"}}]


def columns(length: int = 2, **changed: Any) -> Columns:
    """Columns of one model at one instant, unless said otherwise."""
    given = {
        "models": [MODEL],
        "model_codes": np.zeros(length, dtype=np.int64),
        "occurred_at_us": np.full(length, NOON),
        "quantities": {"input": np.arange(1, length + 1), "output": np.zeros(length, dtype=np.int64)},
    }
    return Columns(**{**given, **changed})


def book(*entries: Any) -> PriceBook:
    return PriceBook([prices(*(entries or (price(),)))])


def test_columns_are_rated_row_by_row_in_whole_steps() -> None:
    found = rate_columns(book(), columns(3))

    assert found.scaled.dtype == np.int64
    assert found.scaled.tolist() == [30, 60, 90]
    assert found.exponent == -7
    assert [found.amount(row) for row in range(3)] == [Decimal("0.000003"), Decimal("0.000006"), Decimal("0.000009")]
    assert found.totals == {"USD": Decimal("0.000018")}
    assert found.statuses.tolist() == [0, 0, 0]
    assert found.unpriced.tolist() == []
    assert found.reasons == ()
    assert (len(found), repr(found)) == (3, "<RatedColumns of 3 usages, 0 unpriced>")
    assert [card.entry.model for card in found.cards] == [MODEL]
    assert found.card_codes.tolist() == [0, 0, 0]


def test_no_usages_come_to_nothing() -> None:
    found = rate_columns(book(), columns(0))

    assert (len(found), found.totals, found.reasons, found.cards) == (0, {}, (), ())
    assert len(Columns.from_usages([])) == 0
    assert rate_columns(book(), Columns.from_usages([])).totals == {}


def test_columns_and_results_cannot_be_changed() -> None:
    counts = np.array([5, 6])
    given = columns(quantities={"input": counts})
    counts[0] = 7

    assert given.quantities["input"].tolist() == [5, 6]
    found = rate_columns(book(), given)
    for column in (given.model_codes, given.quantities["input"], found.scaled, found.statuses, found.card_codes):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1
    with pytest.raises(TypeError):
        given.quantities["output"] = counts
    assert repr(given) == "<Columns of 2 usages: input>"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model_codes": np.array([0, 1])}, "column model_codes, row 1: 1 is outside 0 to 0"),
        ({"model_codes": np.array([-1, 0])}, "column model_codes, row 0: -1 is outside 0 to 0"),
        ({"quantities": {"input": np.array([3, -1])}}, f"column input, row 1: -1 is outside 0 to {2**63 - 1}"),
        ({"quantities": {"input": np.array([2**63, 1], dtype=np.uint64)}}, f"column input, row 0: {2**63} is outside"),
        ({"quantities": {"input": np.array([1.0, 2.0])}}, "column input is of float64; only integers are taken"),
        ({"quantities": {"input": np.array([True, False])}}, "column input is of bool; only integers are taken"),
        ({"quantities": {"input": np.array([1])}}, r"column input has the shape \(1,\); one value for each of 2 rows"),
        ({"quantities": {"input": np.ones((2, 1), dtype=int)}}, r"column input has the shape \(2, 1\)"),
        ({"quantities": {"input_total": np.array([1, 2])}}, "'input_total' is not the name of a quantity"),
        ({"occurred_at_us": np.array([NOON, 0])}, "column occurred_at_us, row 1: 0 is outside"),
        ({"mode_codes": np.array([0, 1])}, "column mode_codes, row 1: 1 is outside 0 to 0"),
        ({"geo_codes": np.array([0, 1])}, "column geo_codes, row 1: 1 is outside 0 to 0"),
        ({"input_tokens": np.array([-1, -2])}, "column input_tokens, row 1: -2 is outside -1 to"),
        ({"modes": []}, "modes and geos name one value or more; None is standard, or no place"),
        ({"geos": []}, "modes and geos name one value or more; None is standard, or no place"),
    ],
)
def test_a_column_that_makes_no_sense_is_refused_by_name(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRecord, match=message):
        columns(**changed)


def test_instants_lie_in_the_years_1971_to_2199() -> None:
    first = to_micros(datetime(1971, 1, 1, tzinfo=UTC))
    last = to_micros(datetime(2200, 1, 1, tzinfo=UTC)) - 1

    assert columns(occurred_at_us=np.array([first, last])).occurred_at_us.tolist() == [first, last]
    for outside in (first - 1, last + 1):
        with pytest.raises(InvalidRecord, match=f"row 1: {outside} is outside {first} to {last}"):
            columns(occurred_at_us=np.array([NOON, outside]))
    times = np.array(["2026-10-15T12:00:00", "2026-10-15T12:00:01"], dtype="datetime64[us]")
    assert columns(occurred_at_us=times).occurred_at_us.tolist() == [NOON, NOON + 1_000_000]


def test_a_quantity_beyond_64_bits_is_for_one_record_alone() -> None:
    with pytest.raises(InvalidRecord, match=f"{2**63} does not fit into 64 bits; rate such a usage by itself"):
        Columns.from_usages([Usage(MODEL, at("15"), {"input": 2**63})])


def test_modes_geographies_and_stated_input_totals_are_columns_too() -> None:
    entry = price(tier=TIER, mode={"batch": {"rates": {"input": "1"}}}, multiplier={"geo": {"us": "2"}})
    found = rate_columns(
        book(entry),
        columns(
            5,
            models=["nobody", MODEL],
            model_codes=np.ones(5, dtype=np.uint8),
            quantities={"input": np.full(5, 1000)},
            modes=[None, "batch"],
            mode_codes=np.array([0, 1, 0, 0, 0]),
            geos=["us", None],
            geo_codes=np.array([1, 1, 0, 1, 1], dtype=np.int8),
            input_tokens=np.array([-1, -1, -1, 1001, 1000]),
        ),
    )

    assert [found.amount(row) for row in range(5)] == [Decimal(n) / 1000 for n in (3, 1, 6, 6, 3)]
    first_mode = columns(1, modes=["batch", None])
    assert first_mode.usage(0).mode == "batch"
    assert rate_columns(book(entry), first_mode).amount(0) == Decimal("0.000001")


def test_a_row_without_a_price_is_named_with_the_reason_of_the_record() -> None:
    known = book(
        price(valid_from="2026-10-15T00:00:00Z", fees={"web_search": {"price": "1"}}),
        price("acme/two", rates={"input": "1"}),
    )
    used = [
        Usage(MODEL, at("15"), {"input": 1}),
        Usage(MODEL, at("14"), {"input": 1}),
        Usage("nobody", at("15"), {"input": 1}),
        Usage(MODEL, at("15"), {"input_video": 2, "input_image": 1, "web_search": 1}),
        Usage(MODEL, at("15"), {"input": 1}, "batch"),
        Usage("acme/two", at("15"), {"input_image": 1}),
        Usage("acme/two", at("15"), {"input": 4, "request": 9}),
        Usage(MODEL, at("14") + MICROSECOND, {"input": 1}),
    ]

    found = rate_columns(known, Columns.from_usages(used))

    assert found.unpriced.tolist() == [1, 2, 3, 4, 5, 7]
    assert list(found.reasons) == [known.rate(used[row]).reason for row in (1, 2, 3, 4, 5, 7)]
    assert found.reasons[2] == "acme/large has no rate for 'input_image' (mode standard)"
    assert [found.status(row) for row in (0, 1, 6)] == ["priced", "unpriced", "priced"]
    assert (found.amount(1), found.scaled[3], found.amount(6)) == (None, 0, Decimal("0.000004"))
    assert found.card_codes[[1, 2, 4, 7]].tolist() == [-1, -1, -1, -1]
    assert found.cards[found.card_codes[6]].entry.model == "acme/two"
    assert found.totals == {"USD": Decimal("0.000007")}


def test_amounts_beyond_64_bits_are_as_exact_as_small_ones() -> None:
    known = book(price(rates={"input": "0.000000000001", "output": "1000"}))
    counts = [0, 1, 10**6, 10**15, 2**63 - 1]

    found = rate_columns(known, columns(5, quantities={"input": np.full(5, 3), "output": np.array(counts)}))

    assert found.scaled.dtype == object
    expected = [Fraction(3, 10**18) + Fraction(count, 1000) for count in counts]
    assert [Fraction(found.amount(row)) for row in range(5)] == expected
    assert Fraction(found.totals["USD"]) == sum(expected)
    assert {type(one) for one in found.scaled.tolist()} == {int}


def test_the_largest_amounts_of_64_bits_stay_in_them() -> None:
    known = book(price(rates={"input": "1"}, per=1))

    most = rate_columns(known, columns(2, quantities={"input": np.array([2**63 - 1, 1])}))
    assert (most.scaled.dtype, most.scaled.tolist(), most.exponent) == (np.int64, [2**63 - 1, 1], 0)
    assert most.totals == {"USD": Decimal(2**63)}
    two = book(price(rates={"input": "2"}, per=1))
    half = rate_columns(two, columns(2, quantities={"input": np.array([2**62 - 1, 2**62 - 1])}))
    assert (half.scaled.dtype, half.totals["USD"]) == (np.int64, Decimal(2**64 - 4))
    over = rate_columns(two, columns(2, quantities={"input": np.array([2**62, 1])}))
    assert (over.scaled.dtype, over.scaled.tolist()) == (object, [2**63, 2])


def test_a_bound_that_only_other_rows_pass_changes_no_row() -> None:
    """Only rows beyond the bound are computed apart, and one with many small parts is among them if it must be."""
    known = book(price(rates={"input": "1", "output": "1", "cache_read": "0"}, per=1))
    third = (2**63 - 1) // 3
    used = {
        "input": np.array([third, third + 1, 2**62, 5]),
        "output": np.array([third, third, 2**62, 0]),
        "cache_read": np.array([2**63 - 1, 0, 1, 0]),
    }

    found = rate_columns(known, columns(4, quantities=used))

    assert found.scaled.tolist() == [2 * third, 2 * third + 1, 2**63, 5]


def test_a_unit_price_beyond_64_bits_is_exact_too() -> None:
    known = book(price(rates={"input": "100000000000000000000.000001"}, per=1), price("acme/two", rates={"input": "1"}))
    used = [Usage(MODEL, at("15"), {"input": 3}), Usage("acme/two", at("15"), {"input": 5}), Usage(MODEL, at("15"), {})]

    found = rate_columns(known, Columns.from_usages(used))

    assert [found.amount(row) for row in range(3)] == [known.rate(usage).amount for usage in used]


def test_each_request_is_charged_without_a_column_and_as_often_as_a_column_says() -> None:
    known = book(price(fees={"request": {"price": "0.005"}}))

    assert rate_columns(known, columns(2, quantities={})).totals == {"USD": Decimal("0.010")}
    counted = rate_columns(known, columns(2, quantities={"request": np.array([3, 0])}))
    assert [counted.amount(row) for row in range(2)] == [Decimal("0.015"), 0]


def test_zero_is_free_in_columns_where_it_is_free_in_a_record() -> None:
    free = {"model": "acme/free", "valid_from": "2026-01-01T00:00:00Z", "free": True}
    known = book(price(rates={"input": "0", "output": "1"}, fees={"image": {"price": "0"}}), free)
    used = [
        Usage("acme/free", at("15"), {"odd": 3}),
        Usage("acme/free", at("15"), {}),
        Usage(MODEL, at("15"), {}),
        Usage(MODEL, at("15"), {"input": 1}),
        Usage(MODEL, at("15"), {"input": 1, "output": 1}),
        Usage(MODEL, at("15"), {"image": 1}),
    ]

    found = rate_columns(known, Columns.from_usages(used))

    assert [found.status(row) for row in range(6)] == ["free", "free", "priced", "free", "priced", "free"]
    asked = rate_columns(book(price(fees={"request": {"price": "0"}})), columns(1, quantities={}))
    assert asked.status(0) == "free"


def test_totals_are_by_currency() -> None:
    euro = prices(price("acme/euro"), currency="EUR")
    known = PriceBook([prices(price(), price("acme/idle")), euro])
    given = columns(3, models=[MODEL, "acme/euro", "nobody"], model_codes=np.array([1, 0, 2]))

    found = rate_columns(known, given)

    assert found.totals == {"EUR": Decimal("0.000003"), "USD": Decimal("0.000006")}
    assert list(found.totals) == ["EUR", "USD"]
    only_refused = rate_columns(known, columns(1, models=["acme/euro"], quantities={"odd": np.array([1])}))
    assert only_refused.totals == {}


def test_a_tier_is_chosen_by_leaves_that_do_not_fit_into_64_bits_together() -> None:
    known = book(price(tier=TIER))
    used = {"input": np.array([2**63 - 1, 1000]), "cache_read": np.array([2**63 - 1, 0])}

    found = rate_columns(known, columns(2, quantities=used))

    assert [found.cards[code].choice.tier for code in found.card_codes] == ["input > 1000", None]
    assert found.amount(0) == Decimal(2**63 - 1) * 12 / 10**6


def test_a_tier_beyond_every_request_is_a_fault() -> None:
    tier = [{"when": {"input_tokens_gt": 2**62}, "rates": {"input": "6"}}]

    with pytest.raises(IntegrityFault, match="a tier begins above 922337203685477580 input tokens"):
        rate_columns(book(price(tier=tier)), columns(1))


def test_prices_change_at_the_instant_between_two_rows() -> None:
    changes = to_micros(at("15 13:00"))
    known = book(price(), price(valid_from="2026-10-15T13:00:00Z", rates={"input": "6"}))

    found = rate_columns(
        known,
        columns(
            3, occurred_at_us=np.array([changes, changes - 1, changes + 1]), quantities={"input": np.full(3, 10**6)}
        ),
    )

    assert [found.amount(row) for row in range(3)] == [6, 3, 6]


def test_codes_that_occur_are_marked_or_sorted_with_one_result(monkeypatch: pytest.MonkeyPatch) -> None:
    given = np.array([7, 2, 2, 9, 7], dtype=np.intp)

    marked = present_codes(given, 10)
    monkeypatch.setattr(data, "MARKED_MAX", 5)
    ordered = present_codes(given, 10)
    for found, places in (marked, ordered):
        assert found.tolist() == [2, 7, 9]
        assert places.tolist() == [1, 0, 0, 2, 1]
    every = present_codes(np.array([1, 0, 2], dtype=np.intp), 3)
    assert [part.tolist() for part in every] == [[0, 1, 2], [1, 0, 2]]


def test_marks_are_counted_or_searched_with_one_result(monkeypatch: pytest.MonkeyPatch) -> None:
    values, marks = np.array([4, 5, 6, 100, -1]), [5, 6, 50]

    assert marks_passed(values, marks).tolist() == [0, 1, 2, 3, 0]
    monkeypatch.setattr(data, "COMPARED_MAX", 2)
    assert marks_passed(values, marks).tolist() == [0, 1, 2, 3, 0]
    assert marks_passed(values, []).tolist() == [0, 0, 0, 0, 0]


ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]
CLOCKS_CHANGE = [
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 5, 30, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
]
near_a_change = st.builds(
    lambda change, minutes, step: change + timedelta(minutes=minutes) + step * MICROSECOND,
    st.sampled_from(CLOCKS_CHANGE),
    st.integers(-2000, 2000),
    st.integers(-1, 1),
)


@st.composite
def day_windows(draw: Any) -> Window:
    times = ["00:00", "00:30", "01:59", "02:30", "12:00", "22:00", "24:00"]
    starts, ends = draw(st.lists(st.sampled_from(times), min_size=2, max_size=2, unique=True))
    days = draw(st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, unique=True))
    when = {"between": [starts, ends], "time_zone": draw(st.sampled_from(ZONES)), "days": days}
    return Window.from_content({"when": when, "rates": {"input": "1"}})


@given(st.lists(day_windows(), max_size=3), st.lists(near_a_change, max_size=30))
def test_a_column_of_instants_finds_the_windows_that_each_instant_finds(
    windows: list[Window], instants: list[datetime]
) -> None:
    found = open_windows(windows, np.array([to_micros(instant) for instant in instants], dtype=np.int64))

    expected = [
        next((number for number, window in enumerate(windows, 1) if window.holds(instant)), 0) for instant in instants
    ]
    assert found.tolist() == expected


def test_windows_are_chosen_for_the_rows_that_have_some() -> None:
    inside = {"when": {"between": ["12:00", "13:00"]}, "rates": {"input": "1"}, "tier": TIER}
    known = book(price("acme/two", window=[inside]), price())
    hours = [to_micros(at(f"15 {time}")) for time in ("11:59", "12:00", "12:30", "13:00", "12:30")]
    given = columns(
        5,
        models=["acme/two", MODEL],
        model_codes=np.array([0, 0, 0, 0, 1]),
        occurred_at_us=np.array(hours),
        quantities={"input": np.array([10**3, 10**3, 10**3 + 1, 10**3, 10**3])},
    )

    found = rate_columns(known, given)

    assert [found.amount(row) for row in range(5)] == [known.rate(given.usage(row)).amount for row in range(5)]
    assert [found.cards[code].choice.window for code in found.card_codes] == [
        None,
        "12:00 to 13:00 UTC",
        "12:00 to 13:00 UTC",
        None,
        None,
    ]
    assert found.cards[found.card_codes[2]].choice.tier == "input > 1000"


def test_a_row_comes_back_as_a_usage() -> None:
    given = columns(
        1, modes=["batch"], geos=["us"], input_tokens=np.array([7]), occurred_at_us=np.array([NOON]), quantities={}
    )

    usage = given.usage(0)
    assert (usage.model, usage.occurred_at, usage.mode, usage.geo, usage.input_tokens) == (
        MODEL,
        from_micros(NOON),
        "batch",
        "us",
        7,
    )
    assert columns(2).usage(1).quantities == {"input": 2, "output": 0}


def test_a_stream_tells_totals_while_it_runs() -> None:
    stream = rate_stream(book(), [Usage(MODEL, at("15"), {"input": 1}), Usage("nobody", at("15"), {})])

    rows = iter(stream)
    first = next(rows)
    assert (first.status, first.amount, first.currency, first.reason) == ("priced", Decimal("0.000003"), "USD", None)
    assert stream.counts == {"priced": 1, "free": 0, "unpriced": 0}
    second = next(rows)
    assert second.reason == "model 'nobody' is in no price table"
    assert stream.totals == {"USD": Decimal("0.000003")}
    assert stream.counts == {"priced": 1, "free": 0, "unpriced": 1}
    with pytest.raises(TypeError):
        stream.totals["USD"] = Decimal(0)
