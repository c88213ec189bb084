"""What a price entry says, which rates of it hold at an instant, and when that may change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import price
from tokentill.canonical import Content, content_hash
from tokentill.pricing.entries import (
    Fee,
    PriceEntry,
    RateSet,
    Tier,
    Variant,
    Window,
    choose_entry,
    entry_hash,
    local_times,
    parse_instant,
)

RECORDED = datetime(2026, 9, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
BERLIN = ZoneInfo("Europe/Berlin")
ONE_RATE = {"input": "1"}


def entry(content: Content | None = None, *, recorded_at: datetime = RECORDED, **more: Any) -> PriceEntry:
    return PriceEntry.from_content(content or price(**more), recorded_at=recorded_at, currency="USD")


def window(
    starts: str = "09:00",
    ends: str = "17:00",
    *,
    time_zone: str | None = None,
    days: list[str] | None = None,
    **more: Any,
) -> Content:
    when: Content = {"between": [starts, ends]}
    when |= {} if time_zone is None else {"time_zone": time_zone}
    when |= {} if days is None else {"days": days}
    return {"when": when, "rates": {"input": "1"}, **more}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


# --- what an entry says ---


def test_an_entry_that_says_little() -> None:
    content = {"model": "acme/large", "valid_from": "2026-01-01T00:00:00Z"}
    plain = RateSet({}, (), (), None, None, None)
    assert entry(content) == PriceEntry(
        model="acme/large",
        aliases=(),
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        valid_to=None,
        recorded_at=RECORDED,
        currency="USD",
        per=1_000_000,
        standard=plain,
        modes={},
        fees={},
        fallback={"reasoning": "output", "cache_read": "input"},
        multipliers={},
        is_free=False,
        source="",
        note="",
        hash=entry_hash(content, "USD"),
    )


FULL: Content = {
    "model": "acme/large",
    "aliases": ["large", "l"],
    "valid_from": "2026-01-01T01:00:00+01:00",
    "valid_to": "2027-01-01T00:00:00Z",
    "per": 1000,
    "rates": {"input": "3", "output": "15.5"},
    "fees": {"web_search": {"price": "10", "per": 1000}, "request": {"price": "0.1"}},
    "fallback": {"cache_write": "input", "reasoning": "input"},
    "multiplier": {"geo": {"us": "1.1"}},
    "tier": [{"when": {"input_tokens_gt": 100}, "rates": {"input": "6"}}],
    "window": [window(tier=[{"when": {"input_tokens_gte": 50}, "rates": {"input": "2"}}])],
    "mode": {
        "batch": {
            "rates": {"input": "1.5"},
            "fees": {"request": {"price": "0"}},
            "tier": [{"when": {"input_tokens_gt": 7}, "rates": {"input": "4"}}],
            "valid_from": "2026-05-01T00:00:00Z",
            "valid_to": "2026-06-01T00:00:00Z",
        },
    },
    "free": True,
    "source": "its own",
    "note": "a note",
}


def test_an_entry_is_read_with_everything_that_it_can_say() -> None:
    fees = {"web_search": Fee(Decimal(10), 1000), "request": Fee(Decimal("0.1"), 1)}
    tier = Tier(100, {"input": Decimal(6)}, "input > 100")
    of_window = Tier(49, {"input": Decimal(2)}, "input >= 50")
    office = Window(
        frozenset(range(7)), 540, 1020, ZoneInfo("UTC"), {"input": Decimal(1)}, (of_window,), "09:00 to 17:00 UTC"
    )
    batch = RateSet(
        {"input": Decimal("1.5")},
        (Tier(7, {"input": Decimal(4)}, "input > 7"),),
        (),
        {"request": Fee(Decimal(0), 1)},
        MAY,
        JUNE,
    )
    assert PriceEntry.from_content(FULL, recorded_at=RECORDED, currency="EUR", source="a table") == PriceEntry(
        model="acme/large",
        aliases=("large", "l"),
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        valid_to=datetime(2027, 1, 1, tzinfo=UTC),
        recorded_at=RECORDED,
        currency="EUR",
        per=1000,
        standard=RateSet({"input": Decimal(3), "output": Decimal("15.5")}, (tier,), (office,), fees, None, None),
        modes={"batch": batch},
        fees=fees,
        fallback={"reasoning": "input", "cache_read": "input", "cache_write": "input"},
        multipliers={"geo": {"us": Decimal("1.1")}},
        is_free=True,
        source="its own",
        note="a note",
        hash=entry_hash(FULL, "EUR"),
    )


def test_an_entry_without_a_source_has_that_of_its_recording() -> None:
    found = PriceEntry.from_content(price(), recorded_at=RECORDED, currency="USD", source="a table")
    assert found.source == "a table"


def test_a_set_of_rates_may_say_nothing_but_its_times() -> None:
    found = RateSet.from_content({"valid_from": "2026-05-01T00:00:00Z", "valid_to": "2026-06-01T00:00:00Z"})
    assert found == RateSet({}, (), (), None, MAY, JUNE)


def test_rates_cannot_be_changed() -> None:
    rates: Any = entry().standard.rates
    with pytest.raises(TypeError):
        rates["input"] = Decimal(0)


@pytest.mark.parametrize(
    ("when", "label"),
    [
        (window(), "09:00 to 17:00 UTC"),
        (window(time_zone="Europe/Berlin", days=["mon", "sun"]), "09:00 to 17:00 Europe/Berlin on mon, sun"),
        (window(days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), "09:00 to 17:00 UTC"),
        (window(days=[]), "09:00 to 17:00 UTC"),
    ],
)
def test_a_window_is_named_by_its_times(when: Content, label: str) -> None:
    assert Window.from_content(when).label == label


def test_days_are_counted_from_monday() -> None:
    for number, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
        assert Window.from_content(window(days=[day])).days == {number}


def test_the_hash_of_an_entry_covers_what_decides_an_amount() -> None:
    plain = entry_hash(price(), "USD")
    assert plain == content_hash({**price(), "currency": "USD"})
    for beside in ({"note": "n"}, {"source": "s"}, {"withdraws": "sha256:0"}):
        assert entry_hash({**price(), **beside}, "USD") == plain
    for other in (entry_hash(price(), "EUR"), entry_hash(price(per=1), "USD"), entry_hash(price(aliases=["a"]), "USD")):
        assert other != plain


def test_an_instant_is_read_with_its_zone() -> None:
    assert parse_instant(None) is None
    assert parse_instant("2026-05-01T02:00:00+02:00") == MAY


# --- which entry and which rates ---


def test_an_entry_holds_from_its_beginning_to_before_its_end() -> None:
    some = entry(valid_from="2026-05-01T00:00:00Z", valid_to="2026-06-01T00:00:00Z")
    found = [some.covers(at) for at in (MAY - MOMENT, MAY, JUNE - MOMENT, JUNE)]
    assert found == [False, True, True, False]
    assert entry(valid_from="2026-05-01T00:00:00Z").covers(datetime(2199, 1, 1, tzinfo=UTC))


def test_the_entry_that_begins_last_is_chosen_then_the_one_recorded_last() -> None:
    old = entry(valid_from="2026-05-01T00:00:00Z", recorded_at=RECORDED + 9 * MOMENT)
    new = entry(valid_from="2026-06-01T00:00:00Z")
    newest = entry(valid_from="2026-06-01T00:00:00Z", recorded_at=RECORDED + MOMENT)
    for entries in permutations([old, new, newest]):
        assert choose_entry(entries, MAY - MOMENT) is None
        assert choose_entry(entries, MAY) is choose_entry(entries, JUNE - MOMENT) is old
        assert choose_entry(entries, JUNE) is newest
    assert choose_entry([], MAY) is None


def test_a_mode_has_its_own_rates_for_its_own_time() -> None:
    some = entry(
        mode={
            "batch": {"rates": ONE_RATE, "valid_from": "2026-05-01T00:00:00Z", "valid_to": "2026-06-01T00:00:00Z"},
            "flex": {"rates": ONE_RATE},
        }
    )
    assert some.rate_set("standard", MAY) is some.standard
    assert some.rate_set("flex", MAY) is some.modes["flex"]
    assert some.rate_set("batch", MAY) is some.rate_set("batch", JUNE - MOMENT) is some.modes["batch"]
    assert some.rate_set("batch", MAY - MOMENT) == (
        "mode 'batch' of acme/large has no price at 2026-04-30T23:59:59.999999Z"
    )
    assert some.rate_set("batch", JUNE) == "mode 'batch' of acme/large has no price at 2026-06-01T00:00:00Z"
    assert some.rate_set("priority", MAY) == "mode 'priority' is not listed for acme/large"


def test_fees_of_a_mode_are_its_own_or_the_entrys() -> None:
    some = entry(
        fees={"request": {"price": "1"}},
        mode={"batch": {"rates": ONE_RATE}, "flex": {"rates": ONE_RATE, "fees": {}}},
    )
    assert some.fees_of(some.standard) == some.fees_of(some.modes["batch"]) == {"request": Fee(Decimal(1), 1)}
    assert some.fees_of(some.modes["flex"]) == {}


TIERED: Content = {
    "tier": [
        {"when": {"input_tokens_gt": 100}, "rates": {"input": "6"}},
        {"when": {"input_tokens_gte": 200}, "rates": {"input": "9"}},
    ],
    "window": [
        window("09:00", "12:00"),
        window("11:00", "17:00", tier=[{"when": {"input_tokens_gt": 50}, "rates": {"input": "2"}}]),
    ],
}


@pytest.mark.parametrize(
    ("number", "input_total", "rate", "tier", "opened"),
    [
        (None, 100, "3", None, None),
        (None, 101, "6", "input > 100", None),
        (None, 199, "6", "input > 100", None),
        (None, 200, "9", "input >= 200", None),
        (0, 500, "1", None, "09:00 to 12:00 UTC"),
        (1, 50, "1", None, "11:00 to 17:00 UTC"),
        (1, 51, "2", "input > 50", "11:00 to 17:00 UTC"),
    ],
)
def test_the_open_window_and_the_last_tier_that_is_passed_give_the_rates(
    number: int | None, input_total: int, rate: str, tier: str | None, opened: str | None
) -> None:
    some = entry(**TIERED)
    found = some.variant(some.standard, number, input_total)
    assert (found.rates["input"], found.tier, found.window) == (Decimal(rate), tier, opened)
    assert isinstance(found, Variant)


def test_the_first_window_that_is_open_counts() -> None:
    rates = entry(**TIERED).standard
    hours = {hour: rates.open_window(instant(f"2026-10-15T{hour:02d}:00:00")) for hour in (8, 9, 11, 12, 16, 17)}
    assert hours == {8: None, 9: 0, 11: 0, 12: 1, 16: 1, 17: None}


def test_thresholds_are_those_of_all_tiers_of_all_modes() -> None:
    some = entry(
        **TIERED, mode={"batch": {"rates": ONE_RATE, "tier": [TIERED["tier"][0] | {"when": {"input_tokens_gt": 7}}]}}
    )
    assert some.standard.thresholds() == {100, 199, 50}
    assert some.thresholds() == {100, 199, 50, 7}
    assert entry().thresholds() == set()
    assert list(some.rate_sets()) == [some.standard, some.modes["batch"]]


# --- windows ---


@pytest.mark.parametrize(
    ("time", "is_open"), [("08:59:59", False), ("09:00:00", True), ("16:59:59", True), ("17:00:00", False)]
)
def test_a_window_is_half_open(time: str, is_open: bool) -> None:
    assert Window.from_content(window()).holds(instant(f"2026-10-15T{time}")) is is_open


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-10-12T21:59:59", False),  # Monday
        ("2026-10-12T22:00:00", True),
        ("2026-10-12T23:59:59", True),
        ("2026-10-13T00:00:00", True),
        ("2026-10-13T05:59:59", True),
        ("2026-10-13T06:00:00", False),
        ("2026-10-13T22:00:00", False),  # Tuesday is not listed
        ("2026-10-14T03:00:00", False),
        ("2026-10-18T22:30:00", True),  # Sunday
        ("2026-10-19T03:00:00", True),  # still Sunday's
        ("2026-10-12T03:00:00", True),
        ("2026-10-11T03:00:00", False),  # Saturday's, which is not listed
        ("2026-10-12T12:00:00", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_starts(at: str, is_open: bool) -> None:
    assert Window.from_content(window("22:00", "06:00", days=["mon", "sun"])).holds(instant(at)) is is_open


def test_a_window_keeps_the_clocks_of_its_zone() -> None:
    some = Window.from_content(window("09:30", "17:45", time_zone="Europe/Berlin", days=["thu"]))
    assert [some.holds(instant(f"2026-10-15T{time}:00")) for time in ("07:29", "07:30", "15:44", "15:45")] == [
        False,
        True,
        True,
        False,
    ]
    assert some.holds(instant("2026-12-17T08:30:00")), "an hour later in winter"
    assert not some.holds(instant("2026-12-17T08:29:00"))


def test_a_window_from_a_minute_to_itself_is_always_open_on_its_days() -> None:
    some = Window.from_content(window("00:00", "00:00", days=["mon"]))
    hours = [some.holds(instant(f"2026-10-{day}T{hour:02d}:30:00")) for day in (12, 13) for hour in (0, 23)]
    assert hours == [True, True, False, False]


@given(
    starts=st.integers(0, 1439),
    ends=st.integers(0, 1439),
    days=st.sets(st.sampled_from(["mon", "wed", "sat", "sun"]), min_size=1),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    first=st.dates(date(2026, 1, 1), date(2026, 12, 25)),
)
def test_a_window_opens_and_closes_only_at_its_edges(
    starts: int, ends: int, days: set[str], zone: str, first: date
) -> None:
    def clock(minute: int) -> str:
        return f"{minute // 60:02d}:{minute % 60:02d}"

    some = Window.from_content(window(clock(starts), clock(ends), days=sorted(days), time_zone=zone))
    begins = datetime(first.year, first.month, first.day, tzinfo=UTC)
    ends_at = begins + timedelta(days=3)
    edges = some.edges(begins, ends_at)
    assert all(begins <= edge < ends_at for edge in edges)
    minutes = [begins + timedelta(minutes=minute) for minute in range(3 * 1440)]
    held = [some.holds(at) for at in minutes]
    changes = {minutes[index] for index in range(1, len(minutes)) if held[index] != held[index - 1]}
    assert changes <= set(edges)


# --- edges ---


def test_edges_of_an_entry_are_its_times_those_of_its_modes_and_those_of_its_windows() -> None:
    some = entry(
        valid_from="2026-05-01T00:00:00Z",
        valid_to="2026-06-01T00:00:00Z",
        window=[window("09:00", "17:00", time_zone="Europe/Berlin")],
        mode={
            "batch": {"rates": ONE_RATE, "valid_from": "2026-05-03T00:00:00Z", "valid_to": "2026-05-04T00:00:00Z"},
            "flex": {"rates": ONE_RATE, "window": [window("01:00", "02:00")]},
        },
    )
    found = some.edges(instant("2026-04-20T00:00:00"), instant("2026-05-02T00:00:00"))
    assert found == {instant(f"2026-05-01T{time}:00") for time in ("00:00", "07:00", "15:00", "01:00", "02:00")}
    days = some.edges(instant("2026-05-03T00:00:00"), instant("2026-05-04T00:00:00"))
    assert days == {instant(f"2026-05-03T{time}:00") for time in ("00:00", "07:00", "15:00", "01:00", "02:00")}
    last = some.edges(instant("2026-05-31T23:00:00"), instant("2026-06-01T00:00:01"))
    assert last == {JUNE}
    assert entry().edges(MAY, JUNE) == set()


def test_local_times_are_shown_once_a_day_and_twice_or_not_at_all_where_clocks_change() -> None:
    def between(minute: int, starts: str, ends: str) -> list[str]:
        found = local_times(BERLIN, minute, instant(starts), instant(ends))
        return [at.astimezone(UTC).strftime("%d %H:%M") for at in found]

    assert between(150, "2026-10-14T00:00:00", "2026-10-16T00:00:00") == ["14 00:30", "15 00:30"]
    # Clocks go back at 01:00 UTC on 25 October: 02:30 comes twice. The change is an edge too.
    assert between(150, "2026-10-24T12:00:00", "2026-10-26T00:00:00") == ["25 00:30", "25 01:00", "25 01:30"]
    # Clocks go ahead at 01:00 UTC on 29 March: 02:30 is not shown, and the change stands for it.
    march = between(150, "2026-03-29T00:00:00", "2026-03-30T00:00:00")
    assert "29 01:00" in march
    assert between(0, "2026-10-14T22:00:00", "2026-10-15T22:00:00") == ["14 22:00"], "from the first to before the last"
    assert between(1439, "2026-10-14T00:00:00", "2026-10-15T00:00:00") == ["14 21:59"]


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Berlin", "2026-03-29T01:00:00"),
        ("America/New_York", "2026-11-01T06:00:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00"),
        ("Pacific/Auckland", "2026-09-26T14:00:00"),
        ("America/Havana", "2026-11-01T05:00:00"),
        ("Asia/Kathmandu", "1985-12-31T18:30:00"),
    ],
)
def test_the_change_of_clocks_is_found_to_the_minute(zone: str, change: str) -> None:
    at = instant(change)
    local = ZoneInfo(zone)
    assert at.astimezone(local).utcoffset() != (at - MOMENT).astimezone(local).utcoffset()
    assert at in local_times(local, 720, at - timedelta(hours=3), at + timedelta(hours=3))
    around = local_times(local, 720, at - timedelta(minutes=2), at + timedelta(minutes=2))
    assert around == [at]
