"""The stand-in keeps to Stripe's documented rules, as the unmodified SDK sees them over HTTP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tokentill.clock import Clock
from tokentill.errors import IntegrityFault, InvalidCall, NotFound
from tokentill.testing.stripe import Behaviour, PlannedFault, StripeStandIn

NOON = datetime(2026, 11, 14, 12, tzinfo=UTC)
DAY = 86_400
METER = "tokentill_eur"
EVENTS = "/v1/billing/meter_events"

# The SDK hands its form bodies to httpx as `data`, which httpx deprecates for bytes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")


class MovableClock(Clock):
    def __init__(self, instant: datetime = NOON) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant

    def advance(self, **duration: int) -> None:
        self.instant += timedelta(**duration)


@dataclass
class Bench:
    """A running stand-in with one client, one customer and one meter."""

    standin: StripeStandIn
    clock: MovableClock
    client: stripe.StripeClient
    customer: str

    def send(
        self,
        value: object,
        identifier: str,
        *,
        at: datetime | None = None,
        key: str | None = None,
        customer: str | None = None,
    ) -> Any:
        params: Any = {
            "event_name": METER,
            "payload": {"stripe_customer_id": customer or self.customer, "value": str(value)},
            "identifier": identifier,
            "timestamp": seconds(at or self.clock.instant),
        }
        options: Any = {"idempotency_key": key} if key else {}
        return self.client.v1.billing.meter_events.create(params, options)

    def summaries(self, start: datetime, end: datetime, **more: object) -> Any:
        params: Any = {"customer": self.customer, "start_time": seconds(start), "end_time": seconds(end), **more}
        return self.client.v1.billing.meters.event_summaries.list(self.standin.meter_id(METER), params)

    def days(self) -> dict[date, int]:
        return dict(self.standin.day_values(self.customer, METER))

    def today(self) -> int | None:
        return self.days().get(self.clock.instant.date())

    def raw(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.standin.api_key}", **request.pop("headers", {})}
        return httpx.request(method, self.standin.base_url + path, headers=headers, **request)


def seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def make_meter(client: stripe.StripeClient, **changes: object) -> Any:
    params: Any = {
        "display_name": "Amount in EUR",
        "event_name": METER,
        "default_aggregation": {"formula": "sum"},
        "event_time_window": "day",
        **changes,
    }
    return client.v1.billing.meters.create({name: value for name, value in params.items() if value is not None})


Open = Callable[..., Bench]


@pytest.fixture
def bench_of() -> Iterator[Open]:
    standins: list[StripeStandIn] = []

    def open_bench(*faults: PlannedFault, meter: dict[str, object] | None = None, **options: Any) -> Bench:
        clock = MovableClock()
        standin = StripeStandIn(clock, faults=faults, hold_ms=options.pop("hold_ms", 20), **options).__enter__()
        standins.append(standin)
        client = standin.client()
        customer = client.v1.customers.create({"name": "Acme"}).id
        make_meter(client, **(meter or {}))
        return Bench(standin, clock, client, customer)

    yield open_bench
    for standin in standins:
        standin.close()


@pytest.fixture
def bench(bench_of: Open) -> Bench:
    return bench_of()


def event_fault(kind: Any, at: int = 1, **more: Any) -> PlannedFault:
    return PlannedFault(at, kind, path=EVENTS, **more)


# The account, customers, meters


def test_the_account_is_a_test_account(bench: Bench) -> None:
    account = bench.client.v1.accounts.retrieve_current()
    assert account.id == "acct_standin"
    assert account.to_dict()["livemode"] is False


def test_a_customer_is_found_by_its_id_and_in_the_list(bench: Bench) -> None:
    made = bench.client.v1.customers.create({"email": "a@example.com", "metadata": {"tokentill": "acme"}})
    assert bench.client.v1.customers.retrieve(made.id).to_dict()["metadata"] == {"tokentill": "acme"}
    assert [c.id for c in bench.client.v1.customers.list({"email": "a@example.com"}).data] == [made.id]
    assert [c.id for c in bench.client.v1.customers.list().data] == [made.id, bench.customer]


def test_a_meter_keeps_its_settings_and_has_a_derived_id(bench: Bench, bench_of: Open) -> None:
    meter = bench.client.v1.billing.meters.retrieve(bench.standin.meter_id(METER))
    assert (meter.event_time_window, meter.default_aggregation.formula, meter.status) == ("day", "sum", "active")
    assert meter.customer_mapping.event_payload_key == "stripe_customer_id"
    assert meter.value_settings.event_payload_key == "value"
    assert bench_of().standin.meter_id(METER) == meter.id


def test_only_one_active_meter_may_have_an_event_name(bench: Bench) -> None:
    first = bench.standin.meter_id(METER)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        make_meter(bench.client)
    bench.client.v1.billing.meters.deactivate(first)
    second = make_meter(bench.client)
    assert second.id != first
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        bench.client.v1.billing.meters.reactivate(first)
    assert [m.id for m in bench.client.v1.billing.meters.list({"status": "active"}).data] == [second.id]


def test_what_is_not_there_is_a_404(bench: Bench) -> None:
    for call in (
        lambda: bench.client.v1.customers.retrieve("cus_none"),
        lambda: bench.client.v1.billing.meters.retrieve("mtr_none"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            call()
        assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
    with pytest.raises(NotFound):
        bench.standin.meter_id("unknown")


@pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc", "rk_test_other", "nonsense"])
def test_any_other_key_and_every_live_key_is_refused(bench: Bench, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError) as refusal:
        bench.standin.client(key).v1.customers.list()
    assert refusal.value.http_status == 401
    assert ("live" in str(refusal.value)) == ("live" in key)


# Events and days


def test_of_a_day_the_event_received_last_counts(bench: Bench) -> None:
    bench.send(500, "v1", at=NOON)
    bench.send(700, "v2", at=NOON - timedelta(hours=3))
    bench.send(40, "other-day", at=NOON - timedelta(days=1))
    assert bench.days() == {date(2026, 11, 13): 40, date(2026, 11, 14): 700}


def test_the_day_of_an_event_is_the_utc_day_of_its_timestamp(bench: Bench) -> None:
    midnight = datetime(2026, 11, 14, tzinfo=UTC)
    bench.send(1, "a", at=midnight - timedelta(seconds=1))
    bench.send(2, "b", at=midnight)
    assert bench.days() == {date(2026, 11, 13): 1, date(2026, 11, 14): 2}


@pytest.mark.parametrize(
    ("meter", "expected"),
    [
        ({"event_time_window": None}, 12),
        ({"event_time_window": "hour"}, 9),
        ({"event_time_window": None, "default_aggregation": {"formula": "count"}}, 3),
        ({"event_time_window": None, "default_aggregation": {"formula": "last"}}, 4),
    ],
)
def test_windows_and_formulas_decide_what_a_day_amounts_to(
    bench_of: Open, meter: dict[str, object], expected: int
) -> None:
    bench = bench_of(meter=meter)
    bench.send(3, "a", at=NOON - timedelta(minutes=90))
    bench.send(5, "b", at=NOON - timedelta(minutes=80))
    bench.send(4, "c", at=NOON)
    assert bench.today() == expected


def test_where_timestamps_decide_a_later_receipt_of_an_earlier_time_does_not_count(bench_of: Open) -> None:
    bench = bench_of(behaviour=Behaviour(window_keeps="timestamp"))
    bench.send(5, "a", at=NOON)
    bench.send(7, "b", at=NOON - timedelta(hours=1))
    assert bench.today() == 5


def test_a_value_may_be_negative_and_large(bench: Bench) -> None:
    bench.send(-25, "a")
    assert bench.today() == -25
    bench.send(999_999_999_999_999, "b")
    assert bench.today() == 999_999_999_999_999


def test_an_identifier_is_refused_for_24_hours_and_then_forgotten(bench: Bench) -> None:
    bench.send(1, "same")
    bench.clock.advance(hours=23, minutes=59, seconds=59)
    with pytest.raises(stripe.InvalidRequestError, match="already exists with identifier same") as refusal:
        bench.send(2, "same")
    assert refusal.value.http_status == 400
    assert refusal.value.headers["stripe-should-retry"] == "false"
    assert bench.today() is None
    bench.clock.advance(seconds=1)
    bench.send(2, "same")
    assert bench.today() == 2


def test_a_repeated_identifier_may_also_be_ignored_in_silence(bench_of: Open) -> None:
    bench = bench_of(behaviour=Behaviour(repeated_identifier="ignored"))
    bench.send(1, "same")
    assert bench.send(2, "same").identifier == "same"
    assert bench.today() == 1


def test_a_timestamp_lies_within_35_days_back_and_5_minutes_ahead(bench: Bench) -> None:
    now = bench.clock.instant
    bench.send(1, "oldest", at=now - timedelta(days=35))
    bench.send(1, "newest", at=now + timedelta(minutes=5))
    for identifier, at, code in (
        ("older", now - timedelta(days=35, seconds=1), "timestamp_too_far_in_past"),
        ("newer", now + timedelta(minutes=5, seconds=1), "timestamp_in_future"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            bench.send(1, identifier, at=at)
        assert (refusal.value.code, refusal.value.param) == (code, "timestamp")
    assert sum(bench.days().values()) == 2


def test_a_timestamp_outside_may_also_be_reported_later(bench_of: Open) -> None:
    bench = bench_of(behaviour=Behaviour(timestamp_outside="reported"))
    bench.send(1, "older", at=NOON - timedelta(days=36))
    assert [report.code for report in bench.standin.error_reports] == ["timestamp_too_far_in_past"]
    assert bench.days() == {}


# What is dropped after the 200


def test_an_unknown_customer_is_answered_with_200_and_reported(bench: Bench) -> None:
    assert bench.send(5, "lost", customer="cus_unknown", key="key-1").identifier == "lost"
    assert bench.days() == {}
    assert bench.standin.day_values("cus_unknown", METER) == {}
    report = bench.raw("GET", "/standin/error_reports").json()["data"][0]
    assert report["code"] == "meter_event_customer_not_found"
    assert report["identifier"] == "lost"
    assert report["request"]["identifier"] == "key-1"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"value": "1"}, "meter_event_no_customer_defined"),
        ({"value": "1.5"}, "meter_event_invalid_value"),
        ({"value": "many"}, "meter_event_invalid_value"),
        ({"value": "1_0"}, "meter_event_invalid_value"),
        ({}, "meter_event_invalid_value"),
        ({"value": "1" * 16}, "meter_event_value_too_many_digits"),
    ],
)
def test_a_payload_that_cannot_be_summed_is_reported(bench: Bench, payload: dict[str, str], code: str) -> None:
    if code != "meter_event_no_customer_defined":
        payload = {"stripe_customer_id": bench.customer, **payload}
    bench.client.v1.billing.meter_events.create({"event_name": METER, "payload": payload})
    assert [report.code for report in bench.standin.error_reports] == [code]
    assert bench.days() == {}


def test_events_of_no_meter_and_of_an_inactive_one_are_reported(bench: Bench) -> None:
    payload = {"stripe_customer_id": bench.customer, "value": "1"}
    bench.client.v1.billing.meter_events.create({"event_name": "unheard_of", "payload": payload})
    bench.client.v1.billing.meters.deactivate(bench.standin.meter_id(METER))
    bench.client.v1.billing.meter_events.create({"event_name": METER, "payload": payload})
    assert [report.code for report in bench.standin.error_reports] == ["no_meter", "archived_meter"]


# Summaries


def test_summaries_by_day_are_paged_and_add_up(bench: Bench) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for day in range(12):
        bench.send(10 + day, f"day-{day}", at=start + timedelta(days=day, hours=12))
    end = start + timedelta(days=14)
    first = bench.summaries(start, end, value_grouping_window="day", limit=5)
    assert (len(first.data), first.has_more) == (5, True)
    found = {row.start_time: row.aggregated_value for row in first.auto_paging_iter()}
    assert found == {seconds(start) + day * DAY: 10 + day for day in range(12)}
    second = bench.summaries(start, end, value_grouping_window="day", limit=5, starting_after=first.data[-1].id)
    assert [row.start_time for row in second.data] == [first.data[-1].start_time - DAY * n for n in range(1, 6)]
    back = bench.summaries(start, end, value_grouping_window="day", limit=3, ending_before=first.data[4].id)
    assert [row.id for row in back.data] == [row.id for row in first.data[1:4]]
    total = bench.summaries(start, end).data
    assert [row.aggregated_value for row in total] == [sum(found.values())]


def test_summaries_by_hour_show_the_hour_of_the_event_that_counts(bench: Bench) -> None:
    bench.send(7, "a", at=NOON + timedelta(minutes=4))
    midnight = NOON.replace(hour=0)
    rows = bench.summaries(midnight, midnight + timedelta(days=1), value_grouping_window="hour").data
    assert [(row.start_time, row.aggregated_value) for row in rows] == [(seconds(NOON), 7)]


def test_a_summary_includes_its_start_and_not_its_end(bench: Bench) -> None:
    midnight = NOON.replace(hour=0)
    bench.send(1, "a", at=midnight - timedelta(days=1))
    bench.send(2, "b", at=midnight)
    for start, expected in ((midnight - timedelta(days=1), 1), (midnight, 2)):
        assert [row.aggregated_value for row in bench.summaries(start, start + timedelta(days=1)).data] == [expected]


def test_summary_times_must_lie_on_the_boundaries_of_the_grouping(bench: Bench) -> None:
    day, minute = timedelta(days=1), timedelta(minutes=1)
    midnight = NOON.replace(hour=0)
    for start, end, more in (
        (midnight + timedelta(hours=1), midnight + day, {"value_grouping_window": "day"}),
        (midnight, midnight + minute, {"value_grouping_window": "hour"}),
        (midnight, midnight + timedelta(seconds=30), {}),
        (midnight, midnight, {}),
        (midnight, midnight + day, {"value_grouping_window": "week"}),
        (midnight, midnight + day, {"limit": 101}),
        (midnight, midnight + day, {"customer": "cus_unknown"}),
        (midnight, midnight + day, {"starting_after": "mtrusg_unknown"}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            bench.summaries(start, end, **more)
        assert refusal.value.http_status == 400


def test_summaries_and_reports_settle_only_after_a_while(bench_of: Open) -> None:
    bench = bench_of(behaviour=Behaviour(settling_seconds=60, has_empty_windows=True))
    midnight = NOON.replace(hour=0)
    bench.send(7, "a")
    bench.send(7, "b", customer="cus_unknown")

    def seen() -> tuple[list[int], int]:
        rows = bench.summaries(midnight, midnight + timedelta(days=1), value_grouping_window="day").data
        return [row.aggregated_value for row in rows], len(bench.raw("GET", "/standin/error_reports").json()["data"])

    assert seen() == ([0], 0)
    assert bench.today() == 7
    bench.clock.advance(seconds=60)
    assert seen() == ([7], 1)


# Idempotency keys


def test_the_same_key_replays_the_first_answer_for_24_hours(bench: Bench) -> None:
    first = bench.send(5, "a", key="k", at=NOON)
    bench.clock.advance(hours=1)
    again = bench.send(5, "a", key="k", at=NOON)
    assert again.to_dict() == first.to_dict()
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert [request.is_replay for request in bench.standin.requests[-2:]] == [False, True]
    bench.clock.advance(hours=23)
    assert bench.send(5, "a", key="k", at=NOON).created == seconds(bench.clock.instant)


def test_the_same_key_with_other_parameters_is_an_idempotency_error(bench: Bench) -> None:
    bench.send(5, "a", key="k")
    with pytest.raises(stripe.IdempotencyError) as refusal:
        bench.send(6, "a", key="k")
    assert refusal.value.http_status == 400
    assert bench.today() == 5


def test_a_500_is_stored_under_the_key_and_a_new_key_gets_through(bench_of: Open) -> None:
    bench = bench_of(event_fault("status_before", status=500))
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            bench.send(5, "a", key="k")
        assert failure.value.http_status == 500
    assert bench.today() is None
    bench.send(5, "a", key="k2")
    assert bench.today() == 5


def test_a_500_after_a_stored_answer_does_not_replace_it(bench_of: Open) -> None:
    bench = bench_of(event_fault("status_after", at=2, status=500))
    bench.send(5, "a", key="k")
    with pytest.raises(stripe.APIError):
        bench.send(5, "a", key="k")
    assert bench.send(5, "a", key="k").identifier == "a"


def test_refused_parameters_are_not_stored_under_the_key(bench: Bench) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        bench.client.v1.billing.meter_events.create({"event_name": METER}, {"idempotency_key": "k"})  # type: ignore[typeddict-item]
    bench.send(5, "a", key="k")
    assert bench.today() == 5


@pytest.mark.parametrize(("second_key", "status"), [("k", 409), ("k2", 429)])
def test_a_second_call_at_the_same_time_is_409_for_its_key_and_429_for_its_customer(
    bench_of: Open, second_key: str, status: int
) -> None:
    bench = bench_of(event_fault("slow"), hold_ms=400)
    first = threading.Thread(target=bench.send, args=(5, "a"), kwargs={"key": "k"})
    first.start()
    deadline = time.monotonic() + 5
    while bench.standin.fired == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(stripe.StripeError) as refusal:
        bench.send(5, "a", key=second_key)
    first.join()
    assert refusal.value.http_status == status
    assert bench.today() == 5


def test_more_calls_a_second_than_allowed_are_429(bench_of: Open) -> None:
    bench = bench_of(behaviour=Behaviour(calls_per_second_max=2))
    bench.send(1, "a")
    bench.send(2, "b")
    with pytest.raises(stripe.RateLimitError):
        bench.send(3, "c")
    bench.clock.advance(seconds=1)
    bench.send(4, "d")
    assert bench.today() == 4


# Planned faults


@pytest.mark.parametrize(
    ("kind", "has_effect"),
    [
        ("reset_before", False),
        ("reset_after", True),
        ("timeout_before", False),
        ("timeout_after", True),
    ],
)
def test_a_lost_connection_leaves_the_effect_before_or_after_it(bench_of: Open, kind: str, has_effect: bool) -> None:
    bench = bench_of(event_fault(kind, at=2))
    bench.send(1, "first")
    with pytest.raises(stripe.APIConnectionError):
        bench.send(5, "a", key="k")
    assert bench.today() == (5 if has_effect else 1)
    assert (bench.standin.fired, bench.standin.planned) == (1, 1)
    lost = bench.standin.requests[-1]
    assert (lost.status, lost.fault, lost.idempotency_key) == (None, kind, "k")
    assert lost.params["payload"] == {"stripe_customer_id": bench.customer, "value": "5"}
    bench.send(5, "a", key="k")
    assert bench.today() == 5


@pytest.mark.parametrize("status", [409, 429, 500, 503])
@pytest.mark.parametrize(("kind", "has_effect"), [("status_before", False), ("status_after", True)])
def test_an_error_status_leaves_the_effect_before_or_after_it(
    bench_of: Open, kind: str, has_effect: bool, status: int
) -> None:
    bench = bench_of(event_fault(kind, status=status))
    with pytest.raises(stripe.StripeError) as failure:
        bench.send(5, "a", key="k")
    assert failure.value.http_status == status
    assert isinstance(failure.value, stripe.RateLimitError) == (status == 429)
    assert bench.today() == (5 if has_effect else None)
    assert bench.standin.fired == 1
    if status != 500:
        bench.send(5, "a", key="k")
        assert bench.today() == 5


def test_a_slow_answer_comes_with_its_effect(bench_of: Open) -> None:
    bench = bench_of(event_fault("slow"), hold_ms=60)
    begun = time.monotonic()
    bench.send(5, "a")
    assert time.monotonic() - begun >= 0.06
    assert bench.today() == 5
    assert bench.standin.fired == 1


def test_a_client_that_waits_too_briefly_sees_a_timeout(bench_of: Open) -> None:
    bench = bench_of(event_fault("timeout_after"), hold_ms=3000)
    bench.client = bench.standin.client(timeout_seconds=1)
    with pytest.raises(stripe.APIConnectionError, match=r"(?i)time"):
        bench.send(5, "a")
    assert bench.today() == 5


def test_a_late_duplicate_overwrites_the_day_after_the_next_event(bench_of: Open) -> None:
    bench = bench_of(event_fault("late_duplicate"))
    bench.send(5, "v1")
    assert (bench.today(), bench.standin.fired) == (5, 0)
    bench.send(9, "v2")
    assert (bench.today(), bench.standin.fired) == (5, 1)
    bench.send(9, "v3")
    assert bench.today() == 9


def test_a_request_held_up_on_the_way_takes_effect_after_the_next_event(bench_of: Open) -> None:
    bench = bench_of(PlannedFault(1, "timeout_late"))
    with pytest.raises(stripe.APIConnectionError):
        bench.send(5, "v1", key="k1")
    assert bench.today() is None
    bench.send(9, "v2", key="k2")
    assert (bench.today(), bench.standin.fired) == (5, 1)


def test_a_request_held_up_is_harmless_once_its_repetition_was_received(bench_of: Open) -> None:
    bench = bench_of(PlannedFault(1, "timeout_late", late_by=2))
    with pytest.raises(stripe.APIConnectionError):
        bench.send(5, "v1", key="k1")
    bench.send(5, "v1", key="k1")
    bench.send(9, "v2", key="k2")
    assert (bench.today(), bench.standin.fired) == (9, 1)
    assert bench.standin.requests[-1].is_replay


def test_late_requests_can_be_let_in_without_a_next_event(bench_of: Open) -> None:
    bench = bench_of(PlannedFault(1, "timeout_late", late_by=100))
    with pytest.raises(stripe.APIConnectionError):
        bench.send(5, "v1")
    assert bench.standin.deliver_late() == 1
    assert (bench.today(), bench.standin.deliver_late()) == (5, 0)


def test_faults_that_never_came_up_are_planned_and_not_fired(bench_of: Open) -> None:
    bench = bench_of(
        PlannedFault(1, "reset_before", path="/v1/billing/meters/*/event_summaries"), event_fault("slow", at=3)
    )
    bench.send(1, "a")
    assert (bench.standin.fired, bench.standin.planned) == (0, 2)
    with pytest.raises(stripe.APIConnectionError):
        bench.summaries(NOON, NOON + timedelta(minutes=1))
    assert [fault.kind for fault in bench.standin.fired_faults] == ["reset_before"]


@pytest.mark.parametrize("wrong", [{"at": 0}, {"kind": "flood"}, {"status": 418}, {"late_by": 0}])
def test_a_fault_that_cannot_happen_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidCall):
        PlannedFault(**{"at": 1, "kind": "slow", **wrong})


# Malformed requests


@pytest.mark.parametrize(
    "form",
    [
        b"event_name",
        b"event_name=m&event_name=m&payload[value]=1",
        b"payload=1&payload[value]=2",
        b"payload[value=1",
        b"[value]=1",
        b"a[b][c][d][e][f]=1",
        b"event_name=%ff",
        b"\xff=1",
        b"event_name=m",
        b"event_name=m&payload=text",
        b"event_name=m&payload[value][deep]=1",
        b"event_name=m&payload[value]=1&timestamp=soon",
        b"event_name=m&payload[value]=1&timestamp=1.5",
        b"event_name=m&payload[value]=1&color=red",
        b"event_name=" + b"m" * 101 + b"&payload[value]=1",
        b"event_name=m&payload[value]=1&identifier=" + b"i" * 101,
        b"&".join(b"payload[k%d]=1" % number for number in range(1001)),
    ],
)
def test_a_malformed_body_gets_400_and_no_effect(bench: Bench, form: bytes) -> None:
    answer = bench.raw("POST", EVENTS, content=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert bench.standin.error_reports == []


def test_json_is_refused_and_a_body_too_large_is_413(bench: Bench) -> None:
    assert bench.raw("POST", EVENTS, json={"event_name": METER}).status_code == 400
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert bench.raw("POST", EVENTS, content=b"a=" + b"b" * 70_000, headers=form).status_code == 413
    assert bench.raw("DELETE", "/v1/customers/x").status_code == 404
    assert bench.raw("GET", "/v1/nothing").json()["error"]["message"].startswith("Unrecognized request URL")


def test_one_connection_serves_many_requests(bench: Bench) -> None:
    url = bench.standin.base_url.removeprefix("http://")
    host, port = url.split(":")
    request = (
        f"GET /v1/account HTTP/1.1\r\nHost: {url}\r\nAuthorization: Bearer {bench.standin.api_key}\r\n\r\n"
    ).encode()
    with socket.create_connection((host, int(port)), timeout=5) as connection, connection.makefile("rb") as answers:
        for _ in range(3):
            connection.sendall(request)
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            assert b"acct_standin" in answers.read(length)


def test_many_threads_lose_no_event(bench_of: Open) -> None:
    bench = bench_of(meter={"event_time_window": None})
    customers = [bench.client.v1.customers.create({"name": f"c{n}"}).id for n in range(8)]

    def send_all(customer: str) -> None:
        for number in range(10):
            bench.send(1, f"{customer}-{number}", customer=customer)

    threads = [threading.Thread(target=send_all, args=(customer,)) for customer in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sum(bench.standin.day_values(c, METER).values()) for c in customers] == [10] * 8


# The state file


def test_a_restart_goes_on_from_the_state_file_even_after_a_torn_write(bench_of: Open, tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    bench = bench_of(event_fault("late_duplicate", at=2), state_path=path)
    bench.send(5, "v1", key="k1")
    bench.send(6, "v2", key="k2")
    bench.send(1, "lost", customer="cus_unknown")
    bench.standin.close()
    with path.open("ab") as file:
        file.write(b'[["MeterEvent", {"num')
    with StripeStandIn(bench.clock, path) as again:
        after = Bench(again, bench.clock, again.client(), bench.customer)
        assert after.today() == 6
        assert [report.identifier for report in again.error_reports] == ["lost"]
        assert after.send(5, "v1", key="k1").last_response.headers["idempotent-replayed"] == "true"
        with pytest.raises(stripe.InvalidRequestError, match="already exists"):
            after.send(5, "v1", key="k3")
        after.send(8, "v3")
        assert after.today() == 6
        assert again.client().v1.customers.create({"name": "next"}).id != bench.customer
    with StripeStandIn(bench.clock, path) as third:
        assert Bench(third, bench.clock, third.client(), bench.customer).today() == 6


def test_a_file_that_is_no_state_file_is_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    path.write_text('[]\n{"a": 1}\n')
    with pytest.raises(IntegrityFault, match=r"state\.jsonl:2"):
        StripeStandIn(state_path=path)


def test_a_killed_process_starts_again_with_the_same_state(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    command = [sys.executable, "-m", "tokentill.testing.stripe", "--port", "0", "--state", str(path)]
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def started() -> tuple[subprocess.Popen[str], stripe.StripeClient]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": src})
        assert process.stdout is not None
        base = process.stdout.readline().strip()
        client = stripe.StripeClient(
            "rk_test_standin",
            base_addresses={"api": base},
            http_client=stripe.HTTPXClient(allow_sync_methods=True),
            max_network_retries=0,
        )
        return process, client

    src = str(Path(__file__).parents[2] / "src")
    first, client = started()
    customer = client.v1.customers.create({"name": "Acme"}).id
    meter = make_meter(client)
    payload = {"stripe_customer_id": customer, "value": "512"}
    client.v1.billing.meter_events.create({"event_name": METER, "payload": payload, "identifier": "v1"})
    first.kill()
    first.communicate()
    second, client = started()
    rows = client.v1.billing.meters.event_summaries.list(
        meter.id,
        {"customer": customer, "start_time": seconds(today) - DAY, "end_time": seconds(today) + DAY * 2},
    )
    assert [row.aggregated_value for row in rows.data] == [512]
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        client.v1.billing.meter_events.create({"event_name": METER, "payload": payload, "identifier": "v1"})
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=5)
    assert second.returncode == 0


def test_a_deleted_customer_is_answered_for_and_takes_no_more_events(bench: Bench) -> None:
    bench.send(5, "before")
    deleted = bench.client.v1.customers.delete(bench.customer)
    assert (deleted.id, deleted.deleted) == (bench.customer, True)
    assert bench.client.v1.customers.retrieve(bench.customer).to_dict()["deleted"] is True
    assert bench.client.v1.customers.list().data == []
    bench.send(6, "after")
    assert [report.code for report in bench.standin.error_reports] == ["meter_event_customer_not_found"]
    for gone in (bench.customer, "cus_unknown"):
        with pytest.raises(stripe.InvalidRequestError, match="No such customer") as refusal:
            bench.client.v1.customers.delete(gone)
        assert refusal.value.code == "resource_missing"


def test_a_deleted_customer_stays_so_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with StripeStandIn(state_path=path) as first:
        made = first.client().v1.customers.create({"name": "Acme"}).id
        first.client().v1.customers.delete(made)
    with StripeStandIn(state_path=path) as again:
        assert again.client().v1.customers.retrieve(made).to_dict()["deleted"] is True


def test_a_refusal_of_a_repeated_identifier_may_name_its_parameter(bench: Bench, bench_of: Open) -> None:
    naming = bench_of(behaviour=Behaviour(repeated_identifier_param="identifier"))
    for standing, param in ((bench, None), (naming, "identifier")):
        standing.send(1, "same")
        with pytest.raises(stripe.InvalidRequestError, match="already exists with identifier same") as refusal:
            standing.send(1, "same")
        assert refusal.value.param == param


def test_a_fault_may_say_when_to_try_again(bench_of: Open) -> None:
    bench = bench_of(event_fault("status_before", status=429, retry_after_seconds=7))
    with pytest.raises(stripe.RateLimitError) as refusal:
        bench.send(1, "a")
    assert refusal.value.headers["retry-after"] == "7"
