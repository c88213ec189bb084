"""Days telescope to the invoice's total, and each belongs to exactly one period."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentill.canonical import Content
from tokentill.clock import instant_text
from tokentill.contracts.book import Terms
from tokentill.errors import Refused
from tokentill.invoicing.periods import Month, period_of
from tokentill.money import amount_text, round_to_minor, sum_exact
from tokentill.store.issued.push_rows import event_identifier
from tokentill.stripe_push.days import day_amounts, days_of, noon_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Pacific/Kiritimati",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "Asia/Kathmandu",
)


def content(
    zone: str = "UTC", month: str = "2026-10", anchor_day: int = 1, currency: str = "USD", **days: str
) -> Content:
    """What `day_amounts` reads of an invoice; days are offsets from the first instant, `d0="1.5"`."""
    period = period_of(Month.parse(month), lambda _: Terms(currency, ZoneInfo(zone), anchor_day))
    return {
        "currency": currency,
        "period_start": instant_text(period.starts_at),
        "period_end": instant_text(period.ends_at),
        "daily": [
            {"day": (period.starts_at.date() + timedelta(days=int(key[1:]))).isoformat(), "exact_amount": amount}
            for key, amount in sorted(days.items())
        ],
    }


amounts = st.decimals(min_value=0, max_value=10**6, allow_nan=False, allow_infinity=False, places=9)


@given(
    zone=st.sampled_from(ZONES),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    by_day=st.dictionaries(st.integers(0, 30), amounts, min_size=1),
    extra=st.integers(0, 10**6),
)
def test_days_add_up_to_the_total_and_none_is_below_zero(
    zone: str, currency: str, by_day: dict[int, Decimal], extra: int
) -> None:
    invoice = content(zone, currency=currency, **{f"d{day}": amount_text(amount) for day, amount in by_day.items()})
    total = round_to_minor(sum_exact(by_day.values()), currency) + extra
    told = day_amounts(invoice, total)
    assert sum(told.values()) == total
    assert all(amount > 0 for amount in told.values())
    assert set(told) <= set(days_of(invoice))


@given(by_day=st.dictionaries(st.integers(0, 29), amounts, min_size=1))
def test_each_day_is_within_one_minor_unit_of_its_own_amount(by_day: dict[int, Decimal]) -> None:
    invoice = content(**{f"d{day}": amount_text(amount) for day, amount in by_day.items()})
    total = round_to_minor(sum_exact(by_day.values()), "USD")
    told = day_amounts(invoice, total)
    days = days_of(invoice)
    for offset, day in enumerate(days):
        assert abs(told.get(day, 0) - by_day.get(offset, Decimal(0)) * 100) <= 1


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("anchor_day", [1, 15, 31])
def test_neighbouring_periods_share_no_day_and_leave_none_out(zone: str, anchor_day: int) -> None:
    found = []
    for number in range(24):
        month = Month(2026, 1).plus(number)
        found += days_of(content(zone, str(month), anchor_day))
    assert found == [found[0] + timedelta(days=number) for number in range(len(found))]


def test_usage_at_the_edges_counts_for_the_nearest_day_of_the_period() -> None:
    invoice = content("Europe/Berlin", d0="1", d1="2")  # the first instant is 30 September, 22:00 UTC
    days = days_of(invoice)
    assert invoice["daily"][0]["day"] == "2026-09-30"
    assert days[0].isoformat() == "2026-10-01"
    assert day_amounts(invoice, 300) == {days[0]: 300}


def test_a_discount_beyond_a_days_amount_goes_to_the_last_day() -> None:
    invoice = content(d0="5", d1="-3", d2="1")
    assert day_amounts(invoice, 300) == {days_of(invoice)[-1]: 300}


def test_a_total_below_zero_cannot_be_told() -> None:
    with pytest.raises(Refused, match="below zero"):
        day_amounts(content(d0="-1"), -100)


def test_an_identifier_is_the_same_for_the_same_state_and_another_for_every_other() -> None:
    day = days_of(content())[0]
    parts = {("acme", "m", day, 1), ("acme2", "m", day, 1), ("acme", "n", day, 1), ("acme", "m", day, 2)}
    parts |= {("acme", "m", day + timedelta(days=1), 1), ("acm", "em", day, 1)}
    assert len({event_identifier(*part) for part in parts}) == len(parts)
    assert event_identifier("acme", "m", day, 1) == event_identifier("acme", "m", day, 1)
    assert len(event_identifier("x" * 512, "m", day, 1)) <= 100


def test_noon_lies_in_the_period_of_its_day() -> None:
    for zone in ZONES:
        invoice = content(zone)
        for day in days_of(invoice):
            assert invoice["period_start"] <= instant_text(noon_of(day)) < invoice["period_end"]
