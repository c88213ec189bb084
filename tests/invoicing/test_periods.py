"""Periods of one customer join: the end of each is the start of the next, in every time zone and under new terms."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import MACHINE_EAST, MACHINE_WEST, MovableClock, contract, machine_in, record, till
from tests.invoicing.bench import new_sqlite
from tokentill.contracts.book import ContractBook, Terms
from tokentill.errors import InvalidCall
from tokentill.invoicing.periods import Month, Period, local_midnight, period_of

ZONES = (
    "Asia/Beirut",
    "America/Santiago",
    "America/Asuncion",
    "Africa/Cairo",
    "America/Havana",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "Pacific/Pago_Pago",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Tehran",
    "Africa/Casablanca",
    "Europe/Berlin",
    "UTC",
)
MONTHS = [Month(year, month) for year in range(2020, 2031) for month in range(1, 13)]
DAYS = [date(2020, 1, 1) + timedelta(days=number) for number in range(366 * 11)]


def periods(zone: str, anchor_day: int = 1) -> list[Period]:
    """All periods of 2020 to 2030 under terms that do not change."""
    terms = Terms("USD", ZoneInfo(zone), anchor_day)
    return [period_of(month, lambda _at: terms) for month in MONTHS]


def assert_joined(found: list[Period]) -> None:
    """That no instant and no day lies between two neighbours or in both."""
    for one, following in pairwise(found):
        assert one.starts_at < one.ends_at == following.starts_at
        assert one.last_day + timedelta(days=1) == following.first_day


@pytest.mark.parametrize("anchor_day", [1, 15, 29, 31])
@pytest.mark.parametrize("zone", ZONES)
def test_periods_join_without_gap_or_overlap(zone: str, anchor_day: int) -> None:
    found = periods(zone, anchor_day)
    assert len(found) == 132
    assert_joined(found)
    for period in found:
        last = monthrange(period.month.year, period.month.month)[1]
        assert period.first_day == date(period.month.year, period.month.month, min(anchor_day, last))
        length = period.ends_at - period.starts_at
        assert timedelta(days=27, hours=22) < length < timedelta(days=31, hours=2)


@pytest.mark.parametrize("zone", ZONES)
def test_a_period_starts_at_the_first_instant_at_which_its_first_day_is_shown(zone: str) -> None:
    """Told by clocks alone: at the start it is that day, and the moment before, and an hour of moments, it was not."""
    local = ZoneInfo(zone)
    for period in periods(zone, 31) + periods(zone, 1):
        assert period.starts_at.astimezone(local).date() == period.first_day
        before = period.starts_at - timedelta(microseconds=1)
        assert before.astimezone(local).date() == period.first_day - timedelta(days=1)
        assert period.last_instant.astimezone(local).date() == period.last_day
        assert not period.holds(before)
        assert period.holds(period.starts_at)
        assert period.holds(period.last_instant)
        assert not period.holds(period.ends_at)


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_begins_when_clocks_first_show_it(zone: str) -> None:
    """Days on which clocks skip midnight or show it twice are among these, in the zones that have them."""
    local = ZoneInfo(zone)
    starts = [local_midnight(day, local) for day in DAYS]
    assert all(one < following for one, following in pairwise(starts))
    for day, start in zip(DAYS, starts, strict=True):
        assert start.astimezone(local).date() >= day
        assert (start - timedelta(microseconds=1)).astimezone(local).date() < day


def test_the_zones_above_have_days_that_skip_midnight_and_days_that_show_it_twice() -> None:
    skipped, twice = set(), set()
    for zone in ZONES:
        for day in DAYS:
            midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
            if midnight.utcoffset() != midnight.replace(fold=1).utcoffset():
                exists = midnight.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
                (twice if exists == midnight.replace(tzinfo=None) else skipped).add(zone)
    assert {"Asia/Beirut", "America/Santiago", "America/Asuncion", "Africa/Cairo", "America/Havana"} <= skipped
    assert {"America/Havana"} <= twice


@pytest.mark.parametrize(
    ("zone", "month", "starts_at", "ends_at"),
    [
        # Clocks in Berlin go back on 25 October 2026: the month starts at UTC+2 and ends at UTC+1.
        ("Europe/Berlin", "2026-10", "2026-09-30T22:00:00", "2026-10-31T23:00:00"),
        # Auckland goes ahead on 27 September 2026: all of October is at UTC+13.
        ("Pacific/Auckland", "2026-10", "2026-09-30T11:00:00", "2026-10-31T11:00:00"),
        ("Pacific/Auckland", "2026-09", "2026-08-31T12:00:00", "2026-09-30T11:00:00"),
        ("Pacific/Kiritimati", "2026-10", "2026-09-30T10:00:00", "2026-10-31T10:00:00"),
        # Havana went back at 01:00 on 1 November 2020: that day's midnight came twice, and the first one counts.
        ("America/Havana", "2020-10", "2020-10-01T04:00:00", "2020-11-01T04:00:00"),
        ("America/Havana", "2020-11", "2020-11-01T04:00:00", "2020-12-01T05:00:00"),
        # Asuncion skipped the first hour of 1 October 2023: its day began at 01:00, which was 04:00 UTC.
        ("America/Asuncion", "2023-10", "2023-10-01T04:00:00", "2023-11-01T03:00:00"),
        ("UTC", "2024-02", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
    ],
)
def test_some_periods_by_hand(zone: str, month: str, starts_at: str, ends_at: str) -> None:
    terms = Terms("USD", ZoneInfo(zone), 1)
    period = period_of(Month.parse(month), lambda _at: terms)
    assert period.starts_at == datetime.fromisoformat(f"{starts_at}+00:00")
    assert period.ends_at == datetime.fromisoformat(f"{ends_at}+00:00")


def test_the_31st_is_the_last_day_of_a_shorter_month() -> None:
    found = [period.first_day.isoformat() for period in periods("UTC", 31) if period.month.year == 2024]
    assert found == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
        "2024-04-30",
        "2024-05-31",
        "2024-06-30",
        "2024-07-31",
        "2024-08-31",
        "2024-09-30",
        "2024-10-31",
        "2024-11-30",
        "2024-12-31",
    ]


versions = st.lists(
    st.tuples(
        st.datetimes(datetime(2020, 6, 1), datetime(2029, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        st.sampled_from(ZONES),
        st.integers(1, 31),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda version: version[0],
)


@given(versions=versions)
def test_periods_join_where_terms_change(versions: list[tuple[datetime, str, int]]) -> None:
    contracts = [contract()]
    for valid_from, zone, anchor_day in versions:
        text = valid_from.isoformat().replace("+00:00", "Z")
        contracts.append(contract("customer", "ann", time_zone=zone, anchor_day=anchor_day, valid_from=text))
    book = ContractBook(contracts)
    found = [period_of(month, lambda at: book.terms("ann", at)) for month in MONTHS]
    for one, following in pairwise(found):
        assert one.starts_at <= one.ends_at == following.starts_at


def test_a_customer_who_moves_over_the_date_line_is_not_billed_twice_for_any_hour() -> None:
    """Midnight of 31 October in Pago Pago comes an hour after midnight of 1 November on Kiritimati."""
    book = ContractBook(
        [
            contract(),
            contract("customer", "ann", time_zone="Pacific/Pago_Pago", anchor_day=31),
            contract("customer", "ann", time_zone="Pacific/Kiritimati", valid_from="2026-10-31T12:00:00Z"),
        ]
    )
    september, october, november = (
        period_of(Month(2026, month), lambda at: book.terms("ann", at)) for month in (9, 10, 11)
    )
    assert september.ends_at == datetime(2026, 10, 31, 11, tzinfo=UTC)
    assert october.starts_at == october.ends_at == november.starts_at == september.ends_at
    assert november.ends_at == datetime(2026, 11, 30, 10, tzinfo=UTC)


@settings(max_examples=max(5, settings().max_examples // 4))
@given(
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    anchor_days=st.tuples(st.integers(1, 31), st.integers(1, 31)),
    changes=st.integers(0, 122 * 24),
)
def test_a_record_every_few_hours_is_on_exactly_one_invoice_though_the_terms_change(
    zones: tuple[str, str], anchor_days: tuple[int, int], changes: int
) -> None:
    first = datetime(2026, 7, 1, tzinfo=UTC)
    changed = (first + timedelta(hours=changes)).isoformat().replace("+00:00", "Z")
    contents = [
        contract("customer", "ann", time_zone=zones[0], anchor_day=anchor_days[0]),
        contract("customer", "ann", time_zone=zones[1], anchor_day=anchor_days[1], valid_from=changed),
    ]
    hours = [first + timedelta(hours=hour) for hour in range(0, 124 * 24, 7)]
    with new_sqlite() as database:
        one = till(database, *contents, clock=MovableClock(datetime(2027, 6, 1, tzinfo=UTC)))
        one.ingest(record(hour.isoformat(), user="ann", when=hour.isoformat()) for hour in hours)
        for month in ("2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11"):
            one.close(month)
        billed = [
            found.record.record_id
            for invoice in one.invoices()
            for line in one.explain(invoice.number)
            for found in line.records
        ]
    assert sorted(billed) == [hour.isoformat() for hour in hours]


@pytest.mark.parametrize("machine", [MACHINE_WEST, MACHINE_EAST])
@pytest.mark.parametrize("hours", range(-15, 16))
def test_the_local_time_of_the_machine_moves_no_period(hours: int, machine: str) -> None:
    """Also where terms change around the first of the month, at which they are read: in Havana's case at 04:00 UTC."""
    changed = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=hours)
    old, new = Terms("USD", ZoneInfo("Asia/Tehran"), 3), Terms("USD", ZoneInfo("America/Havana"), 20)

    def october() -> Period:
        return period_of(Month(2026, 10), lambda at: old if at < changed else new)

    with machine_in("UTC0"):
        expected = october()
    with machine_in(machine):
        assert october() == expected
    assert expected.first_day.day == (3 if hours > 4 else 20)


@pytest.mark.parametrize("text", ["2026-00", "2026-13", "1969-12", "2200-01", "2026-1", "2026", "", "2026-10-01", "x"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidCall, match="write it like 2026-10"):
        Month.parse(text)


@given(year=st.integers(1970, 2199), month=st.integers(1, 12), months=st.integers(-300, 300))
def test_months_count_on_and_back(year: int, month: int, months: int) -> None:
    one = Month(year, month)
    assert Month.parse(str(one)) == one
    other = one.plus(months)
    assert other.plus(-months) == one
    assert 1 <= other.month <= 12
    assert (other.year - one.year) * 12 + other.month - one.month == months
