"""Days of invoices where it gets difficult: customers that move, amounts of any sign, every rounding on the way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.builders import contract, record, till
from tokentill.canonical import Content
from tokentill.clock import FixedClock, instant_text
from tokentill.contracts.book import Terms
from tokentill.errors import Refused
from tokentill.invoicing.periods import Month, Period, period_of
from tokentill.store.database import Database
from tokentill.store.issued.push_rows import event_identifier
from tokentill.stripe_push.days import day_amounts, days_of

ZONES = (
    "UTC",
    "Pacific/Kiritimati",  # UTC+14
    "Pacific/Auckland",  # +12 and +13
    "Pacific/Chatham",  # +12:45 and +13:45
    "Asia/Kolkata",  # +5:30
    "Europe/Berlin",  # +1 and +2
    "America/Sao_Paulo",  # midnight was skipped there
    "Pacific/Honolulu",  # -10
    "Pacific/Niue",  # -11
    "Pacific/Apia",  # once left out a whole day
)
MINOR_DIGITS = {"JPY": 0, "USD": 2, "KWD": 3}
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)

months = st.builds(Month, st.integers(2000, 2030), st.integers(1, 12))
zones = st.sampled_from(ZONES)
anchors = st.integers(1, 31)
amounts = st.integers(0, 10**12).map(lambda n: Decimal(n).scaleb(-9))
signed_amounts = st.integers(-(10**10), 10**10).map(lambda n: Decimal(n).scaleb(-6))
october_days = st.dates(FIRST, LAST)
currencies = st.sampled_from(sorted(MINOR_DIGITS))


def period(month: Month, zone: str, anchor_day: int = 1) -> Period:
    return period_of(month, lambda _: Terms("USD", ZoneInfo(zone), anchor_day))


OCTOBER_UTC = period(Month(2026, 10), "UTC")


def content(of: Period, daily: Mapping[date, Decimal], currency: str = "USD") -> Content:
    """What of an invoice's content the days are made from."""
    return {
        "currency": currency,
        "period_start": instant_text(of.starts_at),
        "period_end": instant_text(of.ends_at),
        "daily": [{"day": day.isoformat(), "exact_amount": f"{amount:f}"} for day, amount in sorted(daily.items())],
    }


def half_up(amount: Fraction) -> int:
    """The nearest whole number of an amount that is not negative, halves up."""
    return int(amount + Fraction(1, 2))


# Which days


@given(months, zones, anchors)
def test_the_days_of_a_period_are_those_whose_noon_lies_in_it(month: Month, zone: str, anchor_day: int) -> None:
    of = period(month, zone, anchor_day)
    days = days_of(content(of, {}))
    around = [of.starts_at.date() + timedelta(days=n) for n in range(-3, 40)]
    assert days == [day for day in around if of.holds(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))]
    assert len(days) >= 26


@given(months, zones, zones, anchors, anchors)
def test_a_customer_that_moves_shares_no_day_between_its_periods_and_loses_none(
    month: Month, zone: str, next_zone: str, anchor_day: int, next_anchor_day: int
) -> None:
    following = month.plus(1)

    def terms_at(at: datetime) -> Terms:
        is_moved = at >= following.first_instant
        return Terms("USD", ZoneInfo(next_zone if is_moved else zone), next_anchor_day if is_moved else anchor_day)

    first, second = period_of(month, terms_at), period_of(following, terms_at)
    assume(first.starts_at < first.ends_at)
    before, after = (days_of(content(of, {})) for of in (first, second))
    assert not set(before) & set(after)
    joined = [*before, *after]
    assert joined == [joined[0] + timedelta(days=n) for n in range(len(joined))]


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("UTC", "2026-10-01", "2026-10-31"),
        ("Pacific/Kiritimati", "2026-09-30", "2026-10-30"),  # from 30 September 10:00 UTC
        ("Pacific/Auckland", "2026-09-30", "2026-10-30"),  # from 30 September 11:00 UTC
        ("Asia/Kolkata", "2026-10-01", "2026-10-31"),  # from 30 September 18:30 UTC
        ("Europe/Berlin", "2026-10-01", "2026-10-31"),  # summer time ends inside
        ("Pacific/Honolulu", "2026-10-01", "2026-10-31"),  # from 1 October 10:00 UTC
        ("Pacific/Niue", "2026-10-01", "2026-10-31"),  # from 1 October 11:00 UTC
    ],
)
def test_the_days_of_october_2026(zone: str, first: str, last: str) -> None:
    days = days_of(content(period(Month(2026, 10), zone), {}))
    assert (days[0].isoformat(), days[-1].isoformat(), len(days)) == (first, last, 31)


def test_a_period_without_a_noon_is_refused() -> None:
    """A customer that moves far east on its anchor day has one of a few hours."""
    starts_at, ends_at = datetime(2026, 10, 31, 10, tzinfo=UTC), datetime(2026, 10, 31, 11, tzinfo=UTC)
    of = Period(Month(2026, 10), starts_at, ends_at, LAST, LAST)
    assert days_of(content(of, {})) == []
    with pytest.raises(Refused, match="too short to hold the noon of a UTC day"):
        day_amounts(content(of, {LAST: Decimal(1)}), 100)


# How much


@given(
    st.dictionaries(st.dates(date(2026, 9, 28), date(2026, 11, 3)), signed_amounts, max_size=20),
    st.integers(0, 10**9),
    currencies,
    zones,
)
def test_days_of_any_sign_and_place_add_up_to_any_total(
    daily: dict[date, Decimal], total_minor: int, currency: str, zone: str
) -> None:
    found = content(period(Month(2026, 10), zone), daily, currency)
    told = day_amounts(found, total_minor)
    assert sum(told.values()) == total_minor
    assert all(amount > 0 for amount in told.values())
    assert set(told) <= set(days_of(found))
    assert list(told) == sorted(told)


@given(st.dictionaries(october_days, amounts, min_size=1, max_size=31), currencies)
def test_up_to_every_day_the_sum_is_the_rounded_exact_sum(daily: dict[date, Decimal], currency: str) -> None:
    scale = 10 ** MINOR_DIGITS[currency]
    total = half_up(sum(map(Fraction, daily.values()), Fraction(0)) * scale)
    told = day_amounts(content(OCTOBER_UTC, daily, currency), total)
    for number in range(31):
        day = FIRST + timedelta(days=number)
        exact = sum((Fraction(amount) for at, amount in daily.items() if at <= day), Fraction(0))
        assert sum(amount for at, amount in told.items() if at <= day) == half_up(exact * scale)


@given(st.lists(amounts, min_size=1, max_size=31), st.integers(0, 30))
def test_the_order_in_which_days_are_listed_says_nothing(listed: list[Decimal], turn: int) -> None:
    found = content(OCTOBER_UTC, {FIRST + timedelta(days=n): amount for n, amount in enumerate(listed)})
    total = half_up(sum(map(Fraction, listed), Fraction(0)) * 100)
    turned = {**found, "daily": found["daily"][turn:] + found["daily"][:turn]}
    assert day_amounts(turned, total) == day_amounts(found, total)


def test_a_thousandth_a_day_is_not_lost() -> None:
    daily = {FIRST + timedelta(days=n): Decimal("0.001") for n in range(31)}
    # 0.031 is 3 cents: one each when the sum comes to half a cent more.
    assert day_amounts(content(OCTOBER_UTC, daily), 3) == {date(2026, 10, day): 1 for day in (5, 15, 25)}


@pytest.mark.parametrize(
    ("total_minor", "told"),
    [
        (1000, {date(2026, 10, 3): 500, date(2026, 10, 9): 500}),
        (1250, {date(2026, 10, 3): 500, date(2026, 10, 9): 500, LAST: 250}),  # tax, or a minimum
        (0, {}),
        (999, {LAST: 999}),  # a discount that no last day can take
        (1, {LAST: 1}),
    ],
)
def test_the_last_day_takes_what_the_days_do_not_tell(total_minor: int, told: dict[date, int]) -> None:
    daily = {date(2026, 10, 3): Decimal(5), date(2026, 10, 9): Decimal(5)}
    assert day_amounts(content(OCTOBER_UTC, daily), total_minor) == told


def test_an_invoice_without_usage_tells_its_total_on_the_last_day() -> None:
    assert day_amounts(content(OCTOBER_UTC, {}), 4900) == {LAST: 4900}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Auckland", "Europe/Berlin", "Pacific/Honolulu"])
def test_usage_around_local_midnight_is_told_once_over_two_invoices(sqlite_database: Database, zone: str) -> None:
    shop = till(sqlite_database, contract(time_zone=zone), clock=FixedClock(datetime(2026, 12, 5, tzinfo=UTC)))
    edge = period(Month(2026, 10), zone).ends_at
    hours = range(-40, 40)
    shop.ingest(record(f"r{hour}", when=(edge + timedelta(hours=hour)).isoformat(), input=1_000_000) for hour in hours)
    told: dict[date, int] = {}
    for name in ("2026-10", "2026-11"):
        assert len(shop.close(name).issued) == 1
        (invoice,) = shop.invoices(period=name)
        days = day_amounts(invoice.content, invoice.total_minor)
        assert invoice.total_minor == sum(days.values()) == 300 * 40
        assert not set(told) & set(days)
        told |= days
    assert sum(told.values()) == 300 * len(hours)


# Identifiers


def test_an_identifier_is_the_same_on_every_machine_and_in_every_version() -> None:
    found = event_identifier("alice", "tokentill_usd", date(2026, 10, 14), 1)
    assert found == "tokentill-745aab2c3eb9a519f42cb4679b030c915ab47d6dd37245c8"


parts = st.tuples(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
    st.sampled_from(["tokentill_usd", "tokentill_eur"]),
    october_days,
    st.integers(1, 50),
)


@given(parts, st.integers(0, 3))
def test_each_part_alone_makes_another_identifier(one: tuple[str, str, date, int], index: int) -> None:
    customer, meter, day, version = one
    changed = [
        (customer + "x", meter, day, version),
        (customer, "tokentill_gbp", day, version),
        (customer, meter, day + timedelta(days=1), version),
        (customer, meter, day, version + 1),
    ]
    assert event_identifier(*changed[index]) != event_identifier(*one)


def test_parts_are_not_merely_strung_together() -> None:
    pairs = [("a", "b_c"), ("a_b", "c"), ("a,b", "c"), ('a","b', "c")]
    assert len({event_identifier(customer, meter, FIRST, 1) for customer, meter in pairs}) == len(pairs)
    assert event_identifier("a", "m", FIRST, 11) != event_identifier("a", "m1", FIRST, 1)
