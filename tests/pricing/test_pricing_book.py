"""The book of prices: which model an id means, which entry is in force as known when, and what a usage comes to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import price, prices
from tokentill import PriceBook, Usage
from tokentill.canonical import Content, content_hash
from tokentill.clock import SYSTEM_CLOCK
from tokentill.pricing import book as book_module
from tokentill.pricing.book import NoPrice
from tokentill.pricing.entries import entry_hash
from tokentill.pricing.rating import Plan, plan_for, rate_quantities
from tokentill.pricing.timeline import input_tokens_of, timeline_of

AT = datetime(2026, 10, 15, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
MILLION = 1_000_000


def instant(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def book(*entries: Content, **more: Any) -> PriceBook:
    return PriceBook([prices(*(entries or (price(),)))], **more)


def dearer(input_price: str, **more: Any) -> Content:
    return price(rates={"input": input_price}, **more)


def input_price(some: PriceBook, at: datetime = AT, model: str = "acme/large", **more: Any) -> Decimal | None:
    """What a million input tokens cost."""
    return some.rate(Usage(model, at, {"input": MILLION}, **more)).amount


# --- which model ---


def test_an_id_means_a_model_an_alias_or_either_with_a_routing_suffix() -> None:
    some = book(
        price(aliases=["large", "l:free"]), price("acme/small"), price("acme/small:free", aliases=["acme/small"])
    )
    means = {
        "acme/large": "acme/large",
        "large": "acme/large",
        "acme/large:nitro": "acme/large",
        "large:floor": "acme/large",
        "large:online:nitro": "acme/large",
        "l:free": "acme/large",
        "acme/small": "acme/small",  # a model's own id is nobody's alias
        "acme/small:free": "acme/small:free",
        "acme/large:free": None,
        "acme/larg": None,
        "acme/large-2": None,
        "Acme/Large": None,
        ":nitro": None,
        "": None,
    }
    assert {model: some.canonical_model(model) for model in means} == means
    assert some.models == ("acme/large", "acme/small", "acme/small:free")


def test_of_two_models_with_one_alias_the_last_in_order_has_it_whatever_the_order_of_files() -> None:
    one, other = price("acme/a", aliases=["x"]), price("acme/b", aliases=["x"])
    assert book(one, other).canonical_model("x") == book(other, one).canonical_model("x") == "acme/b"


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("acme/larg", "; did the gateway mean 'acme/large'? Add an alias to its price entry if so"),
        ("claude-opus-4.5", "; did the gateway mean 'claude-opus-4-5'? Add an alias to its price entry if so"),
        ("acme/v2-5-turbo", "; did the gateway mean 'acme/v2.5-turbo'? Add an alias to its price entry if so"),
        ("something else", ""),
        ("lrge", ""),
    ],
)
def test_an_unknown_model_is_named_with_a_near_miss_and_never_guessed(model: str, hint: str) -> None:
    some = book(price(), price("acme/opus", aliases=["claude-opus-4-5"]), price("acme/v2.5-turbo"))
    reason = f"model {model!r} is in no price table{hint}"
    for _ in range(2):
        assert some.entry_at(model, AT) == NoPrice(reason)
        rated = some.rate(Usage(model, AT, {"input": 1}))
        assert rated == ("unpriced", reason, None, (), model, None, None, None, None)


def test_an_empty_book_knows_nothing() -> None:
    some = PriceBook([])
    assert (some.models, some.recordings, some.entries("x"), some.thresholds()) == ((), (), (), set())
    assert some.entry_at("x", AT) == NoPrice("model 'x' is in no price table")
    assert repr(some) == "<PriceBook of 0 models from 0 recordings>"


# --- which entry ---


def test_the_entry_in_force_and_why_there_is_none() -> None:
    some = book(
        dearer("1", valid_from="2026-05-01T00:00:00Z", valid_to="2026-06-01T00:00:00Z", aliases=["large"]),
        dearer("2", valid_from="2026-07-01T00:00:00Z"),
    )
    may, june, july = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))
    assert [input_price(some, at) for at in (may, june - MOMENT, july, AT)] == [1, 1, 2, 2]
    for at, text in ((may - MOMENT, "2026-04-30T23:59:59.999999Z"), (june, "2026-06-01T00:00:00Z")):
        reason = f"model 'acme/large' has no price in force at {text}; its first is valid from 2026-05-01T00:00:00Z"
        for model in ("acme/large", "large"):
            assert some.entry_at(model, at) == some.plan(model, at=at, mode=None, input_total=0) == NoPrice(reason)
            rated = some.rate(Usage(model, at, {"input": 1}))
            assert (rated.status, rated.reason, rated.model) == ("unpriced", reason, "acme/large")
    first, second = some.entries("acme/large")
    assert first.valid_from < second.valid_from
    assert some.entry_at("large", AT) is second
    assert some.entries("large") == ()


def test_what_was_recorded_later_is_not_known_before() -> None:
    contents = [
        prices(dearer("1"), recorded_at="2026-02-01T00:00:00Z"),
        prices(dearer("2"), recorded_at="2026-03-01T00:00:00Z"),
        {"kind": "attribution"},
    ]
    for some in permutations(contents):
        assert input_price(PriceBook(some)) == 2
        assert input_price(PriceBook(some, as_of=instant("2026-03-01T00:00:00"))) == 2
        before = PriceBook(some, as_of=instant("2026-03-01T00:00:00") - MOMENT)
        assert input_price(before) == 1
        assert before.recordings == (content_hash(contents[0]),)
        assert repr(before) == "<PriceBook of 1 models from 1 recordings as of 2026-02-28T23:59:59.999999Z>"
        assert PriceBook(some).recordings == tuple(sorted(map(content_hash, contents[:2])))
        assert PriceBook(some, as_of=instant("2026-01-01T00:00:00")).models == ()


def test_what_was_announced_and_withdrawn_is_gone() -> None:
    announced = dearer("2", valid_from="2026-06-01T00:00:00Z")
    withdrawal = {"model": "acme/large", "withdraws": entry_hash(announced, "USD")}

    def recorded(month: int, *entries: Content) -> Content:
        return prices(*entries, recorded_at=f"2026-{month:02d}-01T00:00:00Z")

    early, cancelled = [recorded(1, dearer("1")), recorded(2, announced)], recorded(3, withdrawal)
    for contents in permutations([*early, cancelled]):
        assert input_price(PriceBook(contents)) == 1
        assert input_price(PriceBook(contents, as_of=instant("2026-02-28T00:00:00"))) == 2
    assert input_price(PriceBook([*early, cancelled, recorded(4, announced)])) == 2, "announced again"
    assert input_price(PriceBook([early[0], recorded(3, announced, withdrawal)])) == 1, "in one recording"
    twice = [*early, cancelled, recorded(4, announced), recorded(5, withdrawal)]
    assert input_price(PriceBook(twice)) == 1
    with_price = recorded(3, {**withdrawal, **dearer("7", valid_from="2026-06-01T00:00:00Z")})
    assert input_price(PriceBook([*early, with_price])) == 7


def test_a_recording_has_a_time() -> None:
    with pytest.raises(ValueError, match=r"\Aa recording without recorded_at\Z"):
        PriceBook([prices(price()) | {"recorded_at": None}])


def test_an_entry_has_the_currency_and_the_source_of_its_recording() -> None:
    some = PriceBook(
        [
            prices(price(), price("acme/own", source="its own"), currency="EUR"),
            {name: value for name, value in prices(price("acme/none")).items() if name != "source"},
        ]
    )
    found = {model: (some.entries(model)[0].currency, some.entries(model)[0].source) for model in some.models}
    assert found == {"acme/large": ("EUR", "a test"), "acme/own": ("EUR", "its own"), "acme/none": ("USD", "")}
    assert some.entries("acme/large")[0].recorded_at == datetime(2026, 9, 1, tzinfo=UTC)


# --- what a usage comes to ---


def test_the_mode_the_geography_and_the_input_total_decide() -> None:
    some = book(
        price(
            rates={"input": "3", "cache_read": "1"},
            mode={"batch": {"rates": {"input": "1.5"}}},
            multiplier={"geo": {"us": "2"}},
            tier=[{"when": {"input_tokens_gt": 2 * MILLION}, "rates": {"input": "6", "cache_read": "2"}}],
        )
    )
    assert [input_price(some, mode=mode) for mode in (None, "standard", "batch")] == [3, 3, Decimal("1.5")]
    assert [input_price(some, geo=geo) for geo in (None, "us", "eu")] == [3, 6, 3]
    assert [input_price(some, input_tokens=count) for count in (0, 2 * MILLION, 2 * MILLION + 1)] == [3, 3, 6]
    both = {"input": MILLION, "cache_read": MILLION}
    assert some.rate(Usage("acme/large", AT, both)).amount == 4
    assert some.rate(Usage("acme/large", AT, {**both, "cache_read": MILLION + 1})).tier == "input > 2000000"
    assert some.rate(Usage("acme/large", AT, {**both, "web_search": 5})).reason is not None
    plan = some.plan("acme/large", at=AT, mode="batch", input_total=0, geo="us")
    assert isinstance(plan, Plan)
    assert (plan.mode, plan.multiplier) == ("batch", 2)


def test_a_mode_without_a_price_is_a_reason_with_the_instant() -> None:
    batch = {"rates": {"input": "1"}, "valid_from": "2026-11-01T00:00:00Z"}
    some = book(price(mode={"batch": batch}))
    for mode, reason in (
        ("flex", "mode 'flex' is not listed for acme/large"),
        ("batch", "mode 'batch' of acme/large has no price at 2026-10-15T12:00:00Z"),
    ):
        assert some.plan("acme/large", at=AT, mode=mode, input_total=0) == NoPrice(reason)
        assert some.rate(Usage("acme/large", AT, {"input": 1}, mode=mode)).reason == reason
    assert input_price(some, instant("2026-11-01T00:00:00"), mode="batch") == 1


def test_a_request_counts_once_unless_it_is_counted() -> None:
    some = book(price(fees={"request": {"price": "2"}}))
    rated = some.rate(Usage("acme/large", AT, {"input": MILLION}))
    assert [(line.name, line.quantity) for line in rated.lines] == [("input", MILLION), ("request", 1)]
    assert rated.amount == 5
    assert some.rate(Usage("acme/large", AT, {"request": 3})).amount == 6
    assert some.rate(Usage("acme/large", AT, {"request": 0})).amount == 0
    assert [line.name for line in book().rate(Usage("acme/large", AT, {"input": 1})).lines] == ["input"]


def test_the_input_total_is_the_one_told_or_the_sum_of_the_input_leaves() -> None:
    counted = {"input": 1, "cache_write_5m": 2, "input_audio": 4, "output": 8, "request": 16}
    assert input_tokens_of(Usage("m", AT, counted)) == 7
    assert input_tokens_of(Usage("m", AT, counted, input_tokens=0)) == 0


EDGES = ("2026-05-01T00:00:00Z", "2026-05-10T09:00:00Z", "2026-05-10T17:00:00Z", "2026-06-01T00:00:00Z")


@st.composite
def entries(draw: Any) -> Content:
    """An entry of one model with everything that decides which rates hold."""
    ends = draw(st.sampled_from([None, *EDGES[1:]]))
    tier = [{"when": {"input_tokens_gt": draw(st.sampled_from([0, 10, 20]))}, "rates": {"input": draw(amounts)}}]
    some: Content = dearer(draw(amounts), valid_from=draw(st.sampled_from(EDGES)))
    some |= {} if ends is None or ends <= some["valid_from"] else {"valid_to": ends}
    if draw(st.booleans()):
        some["tier"] = tier
    if draw(st.booleans()):
        office = {"when": {"between": ["09:00", "17:00"]}, "rates": {"input": draw(amounts)}}
        late = {"when": {"between": ["16:00", "02:00"]}, "rates": {"input": draw(amounts)}, "tier": tier}
        some["window"] = [office, late]
    if draw(st.booleans()):
        batch = {"rates": {"input": draw(amounts)}, "tier": tier if draw(st.booleans()) else []}
        batch |= {"valid_from": EDGES[1]} if draw(st.booleans()) else {}
        batch |= {"valid_to": EDGES[3]} if draw(st.booleans()) else {}
        some["mode"] = {"batch": batch}
    if draw(st.booleans()):
        some["multiplier"] = {"geo": {"us": "1.1"}}
    return some


amounts = st.integers(1, 99).map(str)
instants = st.sampled_from(EDGES).flatmap(
    lambda edge: st.sampled_from([-MOMENT, timedelta(0), MOMENT, timedelta(hours=5), timedelta(days=3)]).map(
        lambda by: datetime.fromisoformat(edge) + by
    )
)


@given(
    listed=st.lists(entries(), min_size=1, max_size=3),
    at=instants,
    mode=st.sampled_from([None, "standard", "batch", "flex"]),
    geo=st.sampled_from([None, "us"]),
    quantities=st.dictionaries(st.sampled_from(["input", "output"]), st.integers(0, 25)),
    input_tokens=st.none() | st.sampled_from([0, 1, 10, 11, 20, 21]),
)
def test_a_price_that_is_looked_up_is_the_one_that_is_worked_out(
    listed: list[Content],
    at: datetime,
    mode: str | None,
    geo: str | None,
    quantities: dict[str, int],
    input_tokens: int | None,
) -> None:
    some = PriceBook([prices(entry, recorded_at=f"2026-01-0{n}T00:00:00Z") for n, entry in enumerate(listed, start=1)])
    usage = Usage("acme/large", at, quantities, mode, geo, input_tokens)
    total = quantities.get("input", 0) if input_tokens is None else input_tokens
    found = [some.plan("acme/large", at=at, mode=mode, input_total=total, geo=geo), some.plan_of(usage)]
    entry = some.entry_at("acme/large", at)
    if isinstance(entry, NoPrice):
        assert found == [entry, entry]
        return
    expected = plan_for(entry, at=at, mode=mode or "standard", input_total=total, geo=geo)
    assert found == [NoPrice(expected) if isinstance(expected, str) else expected] * 2
    if isinstance(expected, Plan):
        assert some.rate(usage) == rate_quantities(expected, quantities)


def test_a_timeline_has_a_stretch_between_any_two_edges() -> None:
    batch = {"rates": {"input": "1"}, "valid_from": "2026-05-10T00:00:00Z", "valid_to": "2026-05-20T00:00:00Z"}
    some = book(dearer("1", valid_from="2026-05-01T00:00:00Z", valid_to="2026-06-01T00:00:00Z", mode={"batch": batch}))
    listed = some.entries("acme/large")
    plain = timeline_of(listed, "standard", None)
    assert plain.edges == (instant("2026-05-01T00:00:00"), instant("2026-06-01T00:00:00"))
    assert [stretch is None for stretch in plain.stretches] == [True, False, True]
    of_mode = timeline_of(listed, "batch", None)
    assert [edge.day for edge in of_mode.edges] == [1, 10, 20, 1]
    assert [stretch is None for stretch in of_mode.stretches] == [True, True, False, True, True]
    assert timeline_of((), "standard", None).stretches == (None,)
    (only,) = [stretch.only for stretch in plain.stretches if stretch is not None]
    assert only is not None
    assert only.multiplier == 1


# --- what may change, and what is remembered ---


def test_edges_are_those_of_the_models_that_were_named() -> None:
    office = {"when": {"between": ["09:00", "17:00"]}, "rates": {"input": "1"}}
    some = book(
        price(valid_from="2026-10-02T00:00:00Z", aliases=["large"]),
        price("acme/windowed", window=[office]),
        price("acme/late", valid_from="2026-10-03T00:00:00Z"),
    )
    starts_at, ends_at = instant("2026-10-01T12:00:00"), instant("2026-10-03T00:00:00")
    own = {instant("2026-10-02T00:00:00")}
    assert some.edges(["acme/large"], starts_at, ends_at) == some.edges(["large:nitro"], starts_at, ends_at) == own
    assert some.edges(["unknown", "acme/late"], starts_at, ends_at) == set()
    assert some.edges(["acme/late"], starts_at, ends_at + MOMENT) == {ends_at}
    windows = {instant(f"2026-10-{text}:00") for text in ("01T17:00", "02T09:00", "02T17:00")}
    assert some.edges(iter(["acme/windowed", "large"]), starts_at, ends_at) == windows | own


def test_thresholds_are_those_of_all_models() -> None:
    def tier(gt: int) -> Content:
        return {"when": {"input_tokens_gt": gt}, "rates": {"input": "6"}}

    some = book(
        price(tier=[tier(5)]), price(valid_from="2026-11-01T00:00:00Z", tier=[tier(7)]), price("b", tier=[tier(9)])
    )
    assert some.thresholds() == {5, 7, 9}


def test_what_comes_from_outside_is_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "TIMELINES_MAX", 3)
    monkeypatch.setattr(book_module, "HINTS_MAX", 3)
    some = book()
    sizes = []
    for number in range(5):
        reason = f"mode 'm{number}' is not listed for acme/large"
        assert some.rate(Usage("acme/large", AT, {"input": 1}, mode=f"m{number}")).reason == reason
        sizes.append(len(some._timelines))
    assert sizes == [1, 2, 3, 1, 2]
    assert some.timeline("acme/large", "m4", None) is some.timeline("acme/large", "m4", None)
    hints = []
    for number in range(5):
        assert isinstance(some.entry_at(f"unknown {number}", AT), NoPrice)
        hints.append(len(some._hints))
    assert hints == [1, 2, 3, 1, 2]


def test_an_estimate_is_of_the_present_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    some = book(price(mode={"batch": {"rates": {"input": "1", "output": "2"}}}, multiplier={"geo": {"us": "2"}}))
    estimate = some.estimate("acme/large", input=10, max_output=20, at=AT, mode="batch", geo="us")
    assert (estimate.at, estimate.lowest, estimate.highest) == (AT, Decimal("0.00002"), Decimal("0.0001"))
    before = SYSTEM_CLOCK.now()
    now = some.estimate("acme/large", input=10, max_output=20)
    assert before <= now.at <= SYSTEM_CLOCK.now()
    assert now.highest == Decimal("0.00033")
