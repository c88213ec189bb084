"""Price entries: what is read out of content, when an entry, a mode or a window holds, and at which instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import at, price
from tokentill.canonical import Content
from tokentill.clock import MICROSECOND
from tokentill.prices.entries import (
    Fee,
    PriceEntry,
    RateChoice,
    RateSet,
    Tier,
    Window,
    entry_hash,
    local_times,
    parse_instant,
)
from tokentill.versions import covers, in_force

D = Decimal
RECORDED_AT = datetime(2026, 9, 1, tzinfo=UTC)


def entry(content: Content | None = None, *, recorded_at: datetime = RECORDED_AT, **header: Any) -> PriceEntry:
    return PriceEntry.from_content(content or price(), recorded_at=recorded_at, currency="USD", **header)


def window(*between: str, days: list[str] | None = None, zone: str | None = None) -> Window:
    when: Content = {"between": list(between)}
    when |= {} if days is None else {"days": days}
    when |= {} if zone is None else {"time_zone": zone}
    return Window.from_content({"when": when, "rates": {"input": "1"}})


def test_an_entry_has_defaults_where_content_is_silent() -> None:
    found = entry(
        {"model": "acme/large", "valid_from": "2026-01-01T00:00:00Z", "rates": {"input": "3"}}, source="a list"
    )

    assert (found.model, found.aliases, found.per, found.is_free) == ("acme/large", (), 1_000_000, False)
    assert (found.valid_from, found.valid_to, found.recorded_at) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        None,
        RECORDED_AT,
    )
    assert (found.source, found.note, found.currency) == ("a list", "", "USD")
    assert (found.modes, found.fees, found.multipliers) == ({}, {}, {})
    assert found.fallback == {"reasoning": "output", "cache_read": "input"}
    assert found.standard == RateSet({"input": D(3)}, (), (), None, None, None)
    assert entry().source == ""


def test_an_entry_has_what_content_says() -> None:
    found = entry(
        price(
            aliases=["b", "a"],
            valid_to="2026-12-01T00:00:00Z",
            fees={"image": {"price": "0.04"}, "web_search": {"price": "10", "per": 1000}},
            fallback={"reasoning": "input"},
            multiplier={"geo": {"us": "1.1"}},
            note="a note",
            source="a page",
            mode={"batch": {"rates": {"input": "1"}, "valid_from": "2026-02-01T00:00:00Z", "fees": {}}},
            free=False,
        )
        | {"per": 1000},
        source="a list",
    )

    assert (found.aliases, found.per, found.source, found.note) == (("b", "a"), 1000, "a page", "a note")
    assert found.valid_to == datetime(2026, 12, 1, tzinfo=UTC)
    assert found.fees == {"image": Fee(D("0.04"), 1), "web_search": Fee(D(10), 1000)}
    assert found.fallback == {"reasoning": "input", "cache_read": "input"}
    assert found.multipliers == {"geo": {"us": D("1.1")}}
    assert found.modes["batch"] == RateSet({"input": D(1)}, (), (), {}, datetime(2026, 2, 1, tzinfo=UTC), None)
    assert (found.standard.valid_from, found.standard.valid_to) == (None, None)


def test_the_hash_is_of_what_decides_an_amount() -> None:
    content = price()
    plain = entry_hash(content, "USD")

    assert plain.startswith("sha256:")
    assert entry(content).hash == plain
    for silent in ({"note": "n"}, {"source": "s"}, {"withdraws": "w"}):
        assert entry_hash({**content, **silent}, "USD") == plain
    assert entry_hash(content, "EUR") != plain
    assert entry_hash({**content, "per": 1000}, "USD") != plain
    assert "note" not in content


def test_validity_is_half_open() -> None:
    found = entry(price(valid_to="2026-02-01T00:00:00Z"))

    assert not covers(found, found.valid_from - MICROSECOND)
    assert covers(found, found.valid_from)
    assert covers(found, datetime(2026, 2, 1, tzinfo=UTC) - MICROSECOND)
    assert not covers(found, datetime(2026, 2, 1, tzinfo=UTC))
    assert covers(entry(), datetime(2199, 1, 1, tzinfo=UTC))


def test_the_greatest_valid_from_wins_then_the_greatest_recorded_at() -> None:
    old = entry(recorded_at=RECORDED_AT + timedelta(days=9))
    first = entry(price(valid_from="2026-02-01T00:00:00Z"))
    again = entry(price(valid_from="2026-02-01T00:00:00Z"), recorded_at=RECORDED_AT + timedelta(days=1))
    ended = entry(price(valid_from="2026-03-01T00:00:00Z", valid_to="2026-03-02T00:00:00Z"))
    listed = [old, again, first, ended]

    assert in_force(listed, datetime(2026, 1, 31, tzinfo=UTC)) is old
    assert in_force(listed, datetime(2026, 2, 1, tzinfo=UTC)) is again
    assert in_force(listed, datetime(2026, 3, 1, tzinfo=UTC)) is ended
    assert in_force(listed, datetime(2026, 3, 2, tzinfo=UTC)) is again
    assert in_force(listed, datetime(2025, 12, 31, tzinfo=UTC)) is None
    assert in_force([], RECORDED_AT) is None


def test_a_mode_is_listed_and_in_force_or_says_why_not() -> None:
    validity = {"valid_from": "2026-02-01T00:00:00Z", "valid_to": "2026-03-01T00:00:00Z"}
    found = entry(price(mode={"batch": {"rates": {"input": "1"}, **validity}, "flex": {"rates": {"input": "2"}}}))
    starts_at, ends_at = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)

    assert found.rate_set("standard", starts_at) is found.standard
    assert found.rate_set("flex", datetime(1999, 1, 1, tzinfo=UTC)) is found.modes["flex"]
    assert found.rate_set("batch", starts_at) is found.modes["batch"]
    assert found.rate_set("batch", ends_at - MICROSECOND) is found.modes["batch"]
    assert found.rate_set("batch", starts_at - MICROSECOND) == (
        "mode 'batch' of acme/large has no price at 2026-01-31T23:59:59.999999Z"
    )
    assert found.rate_set("batch", ends_at) == "mode 'batch' of acme/large has no price at 2026-03-01T00:00:00Z"
    assert found.rate_set("odd", starts_at) == "mode 'odd' is not listed for acme/large"


def test_a_tier_is_named_as_it_was_written() -> None:
    above = Tier.from_content({"when": {"input_tokens_gt": 200}, "rates": {"input": "1"}})
    from_on = Tier.from_content({"when": {"input_tokens_gte": 200}, "rates": {"input": "1.50"}})

    assert above == Tier(200, {"input": D(1)}, "input > 200")
    assert from_on == Tier(199, {"input": D("1.5")}, "input >= 200")


def test_a_variant_is_of_the_window_if_there_is_one_and_of_the_last_tier_passed() -> None:
    tiers = [{"when": {"input_tokens_gt": at_}, "rates": {"input": rate}} for at_, rate in ((10, "2"), (20, "4"))]
    inside = {"when": {"between": ["10:00", "12:00"]}, "rates": {"input": "7"}, "tier": tiers[:1]}
    found = entry(price(rates={"input": "1"}, tier=tiers, window=[inside]))
    rates = found.standard

    assert found.choice_within(rates, None, 10) == RateChoice({"input": D(1)}, None, None)
    assert found.choice_within(rates, None, 11) == RateChoice({"input": D(2)}, "input > 10", None)
    assert found.choice_within(rates, None, 21) == RateChoice({"input": D(4)}, "input > 20", None)
    assert found.choice_within(rates, 0, 10) == RateChoice({"input": D(7)}, None, "10:00 to 12:00 UTC")
    assert found.choice_within(rates, 0, 21) == RateChoice({"input": D(2)}, "input > 10", "10:00 to 12:00 UTC")
    assert [rates.open_window(at(f"15 {time}")) for time in ("10:00", "11:59", "12:00")] == [0, 0, None]


def test_a_window_is_named_with_its_zone_and_its_days() -> None:
    assert window("16:30", "18:00").label == "16:30 to 18:00 UTC"
    assert window("16:30", "18:00", days=["mon", "sat"], zone="Asia/Tokyo").label == (
        "16:30 to 18:00 Asia/Tokyo on mon, sat"
    )
    every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert window("16:30", "18:00", days=every).label == "16:30 to 18:00 UTC"
    found = window("16:30", "18:05", days=["mon", "sun"])
    assert (found.starts_minute, found.ends_minute, found.days, found.tiers) == (990, 1085, {0, 6}, ())
    assert found.zone.key == "UTC"


@pytest.mark.parametrize(
    ("between", "days", "open_at", "closed_at"),
    [
        # 2026-10-12 is a Monday.
        (("16:30", "18:00"), None, ["12 16:30", "12 17:59", "18 16:30"], ["12 16:29", "12 18:00", "12 00:00"]),
        (("16:30", "18:00"), ["mon"], ["12 16:30", "12 17:59"], ["13 17:00", "11 17:00"]),
        (("22:00", "06:00"), None, ["12 22:00", "12 23:59", "13 00:00", "13 05:59"], ["12 21:59", "13 06:00"]),
        (("22:00", "06:00"), ["mon"], ["12 22:00", "13 05:59"], ["12 05:59", "13 22:00", "13 06:00", "14 01:00"]),
        (("22:00", "06:00"), ["sun"], ["11 22:00", "12 05:59"], ["11 05:59", "12 22:00"]),
        (("00:00", "24:00"), ["tue"], ["13 00:00", "13 23:59"], ["12 23:59", "14 00:00"]),
    ],
)
def test_a_window_is_half_open_and_belongs_to_the_day_on_which_it_starts(
    between: tuple[str, str], days: list[str] | None, open_at: list[str], closed_at: list[str]
) -> None:
    found = window(*between, days=days)

    assert [instant for instant in open_at if not found.holds(at(instant))] == []
    assert [instant for instant in closed_at if found.holds(at(instant))] == []


def test_a_window_goes_by_the_clocks_of_its_own_zone() -> None:
    found = window("09:00", "10:00", days=["fri"], zone="Asia/Tokyo")

    assert found.holds(datetime(2026, 10, 16, 0, 0, tzinfo=UTC))
    assert not found.holds(datetime(2026, 10, 15, 23, 59, 59, tzinfo=UTC))
    assert not found.holds(datetime(2026, 10, 16, 9, 0, tzinfo=UTC))
    assert found.holds(datetime.fromisoformat("2026-10-15T20:30:00-04:00"))


def test_what_an_entry_charges_changes_at_its_edges_only() -> None:
    tier = [{"when": {"input_tokens_gt": 10}, "rates": {"input": "2"}}]
    inside = {
        "when": {"between": ["10:00", "12:00"]},
        "rates": {"input": "7"},
        "tier": [{**tier[0], "when": {"input_tokens_gte": 8}}],
    }
    mode = {
        "rates": {"input": "1"},
        "tier": [{"when": {"input_tokens_gt": 30}, "rates": {"input": "2"}}],
        "valid_from": "2026-10-14T06:00:00Z",
        "valid_to": "2026-10-16T00:00:00Z",
    }
    found = entry(
        price(
            valid_from="2026-10-13T11:00:00Z",
            valid_to="2026-10-15T09:00:00Z",
            tier=tier,
            window=[inside],
            mode={"batch": mode},
        )
    )

    assert found.thresholds() == {10, 7, 30}
    assert list(found.rate_sets()) == [found.standard, found.modes["batch"]]
    assert sorted(found.edges(at("12 00:00"), at("15 11:00"))) == [
        at("13 11:00"),
        at("13 12:00"),
        at("14 06:00"),
        at("14 10:00"),
        at("14 12:00"),
        at("15 09:00"),
        at("15 10:00"),
    ]
    assert sorted(found.edges(at("14 10:00"), at("14 12:00"))) == [at("14 10:00")]
    assert found.fees_of(found.standard) is found.fees


def test_a_time_of_day_that_comes_twice_gives_both_instants_and_one_that_is_skipped_the_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    back = local_times(berlin, 150, datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))
    assert back == [at("25 00:30"), at("25 01:00"), at("25 01:30")]
    ahead = local_times(berlin, 150, datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC))
    assert datetime(2026, 3, 29, 1, tzinfo=UTC) in ahead
    plain = local_times(berlin, 24 * 60, at("10 00:00"), at("12 22:00"))
    assert plain == [at("10 22:00"), at("11 22:00")]


@given(
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]),
    st.lists(st.sampled_from(["00:00", "02:30", "06:00", "23:30", "24:00"]), min_size=2, max_size=2, unique=True),
    st.integers(0, 364),
    st.integers(0, 24 * 60 - 1),
)
def test_a_window_opens_and_closes_at_its_edges_only(zone: str, between: list[str], day: int, minute: int) -> None:
    if between[0] == "24:00":
        between = ["00:00", between[1]] if between[1] != "00:00" else ["00:00", "06:00"]
    if set(between) == {"00:00", "24:00"}:
        between = ["00:00", "24:00"]
    found = window(*between, zone=zone, days=["mon", "thu", "sun"])
    instant = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=minute)

    if found.holds(instant) != found.holds(instant - MICROSECOND):
        assert instant in found.edges(instant - timedelta(hours=1), instant + timedelta(hours=1))


def test_an_instant_is_read_from_its_canonical_text() -> None:
    assert parse_instant("2026-10-01T00:00:00.5Z") == datetime(2026, 10, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    assert parse_instant(None) is None
