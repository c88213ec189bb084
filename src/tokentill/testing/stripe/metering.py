"""Meter events and what they sum to.

An event is checked in two steps: parameters, time and identifier at once, with 400; meter, customer and value after
the 200, into an error report (Stripe docs: recording usage). What Stripe does not document is a field of `Behaviour`,
and a client has to be right under each of its values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from stripe.params.billing import MeterEventCreateParams, MeterEventSummaryListParams

from tokentill.canonical import fields_of
from tokentill.testing.stripe import wire
from tokentill.testing.stripe.state import ErrorReport, Meter, MeterEvent, SeenIdentifier, State, derived_id
from tokentill.testing.stripe.wire import ApiError, Body, Params, StripeReply

MINUTE, HOUR, DAY = 60, 3_600, 86_400
PAST_MAX = 35 * DAY
FUTURE_MAX = 5 * MINUTE
NAME_MAX = 100
WINDOW_SECONDS = {"hour": HOUR, "day": DAY}
SUMMARIES_MAX = 24 * 400

_WHOLE_VALUE = re.compile(r"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What Stripe does not document, or what has been seen without being promised.

    A repeated identifier has been seen refused with 400, by its type and text; whether the answer names a parameter is
    not known (`repeated_identifier_param`), and `ignored` answers 200 and drops the event. A timestamp out of the range
    has been seen refused with 400; `reported` drops the event into an error report. Of the events in one window the one
    `received` last counts, as documented, or the one with the latest `timestamp`. Summaries and error reports show an
    event `settling_seconds` after its receipt. `has_empty_windows` lists windows without usage, too.
    Stripe documents 1,000 calls a second; no limit is set here, since a second lasts as long as the clock says.
    """

    repeated_identifier: Literal["refused", "ignored"] = "refused"
    repeated_identifier_param: str | None = None
    timestamp_outside: Literal["refused", "reported"] = "refused"
    window_keeps: Literal["received", "timestamp"] = "received"
    identifier_seconds: int = DAY
    settling_seconds: int = 0
    has_empty_windows: bool = False
    value_digits_max: int = 15
    calls_per_second_max: int | None = None
    has_one_call_per_customer: bool = True


def create_event(
    state: State,
    behaviour: Behaviour,
    params: Params,
    now: int,
    idempotency_key: str | None = None,
    *,
    checks_identifier: bool = True,
) -> StripeReply:
    """Stripe API: create a meter event.

    A value is a whole number and may be negative. The identifier is used up even when the event is dropped later.

    Raises:
        ApiError: 400 for parameters, a timestamp out of the window, or an identifier seen within the rolling window.
    """
    wire.refuse_unknown(params, MeterEventCreateParams)
    event_name = wire.required_text(params, "event_name", NAME_MAX)
    payload = wire.text_mapping(params, "payload")
    if not payload:
        wire.refuse_parameter("payload", "Missing required param: payload.", "parameter_missing")
    identifier = wire.text(params, "identifier", NAME_MAX) or derived_id("evt", len(state.identifiers) + 1)
    stamped_at = wire.whole_number(params, "timestamp")
    stamped_at = now if stamped_at is None else stamped_at
    body: Body = {
        "object": "billing.meter_event",
        "created": now,
        "event_name": event_name,
        "identifier": identifier,
        "livemode": False,
        "payload": payload,
        "timestamp": stamped_at,
    }
    fault_of_time = _fault_of_time(stamped_at, now)
    if fault_of_time and behaviour.timestamp_outside == "refused":
        code, message = fault_of_time
        raise ApiError(400, message, code=code, param="timestamp", is_stored=True)
    earlier = state.identifiers.get(identifier)
    if checks_identifier and earlier and now - earlier.received_at < behaviour.identifier_seconds:
        if behaviour.repeated_identifier == "ignored":
            return StripeReply(body)
        message = f"An event already exists with identifier {identifier}."
        raise ApiError(400, message, param=behaviour.repeated_identifier_param, is_stored=True, should_retry=False)
    meter = state.latest_meter(event_name)
    fault = fault_of_time or _fault_of_content(state, behaviour, meter, payload)
    used = SeenIdentifier(identifier, now)
    if fault or meter is None:
        code, message = fault or ("no_meter", f"No meter has the event name {event_name}.")
        report = ErrorReport(
            code, message, meter.id if meter else None, event_name, identifier, idempotency_key, received_at=now
        )
        return StripeReply(body, (used, report))
    event = MeterEvent(
        number=state.event_count + 1,
        meter_id=meter.id,
        customer_id=payload[meter.customer_key],
        identifier=identifier,
        value=0 if meter.formula == "count" else int(payload[meter.value_key]),
        stamped_at=stamped_at,
        received_at=now,
    )
    return StripeReply(body, (used, event))


def list_summaries(state: State, behaviour: Behaviour, meter: Meter, params: Params, now: int) -> StripeReply:
    """Stripe API: list meter event summaries, newest first; start is included and end is not.

    Times lie on whole minutes, on whole hours or UTC days when grouped by these. Without grouping there is one summary.
    """
    wire.refuse_unknown(params, MeterEventSummaryListParams)
    customer_id = wire.required_text(params, "customer")
    if customer_id not in state.customers:
        raise wire.missing_resource("customer", customer_id, "customer", status=400)
    grouping = wire.choice(params, "value_grouping_window", tuple(WINDOW_SECONDS))
    step = WINDOW_SECONDS.get(grouping or "", MINUTE)
    starts_at, ends_at = (_aligned(params, name, step) for name in ("start_time", "end_time"))
    if starts_at >= ends_at:
        wire.refuse_parameter("end_time", "Invalid end_time: must be after start_time")
    width = step if grouping else ends_at - starts_at
    if (ends_at - starts_at) // width > SUMMARIES_MAX:
        wire.refuse_parameter("end_time", f"Invalid end_time: more than {SUMMARIES_MAX} windows")
    settled = [
        event for event in state.events_of(meter, customer_id) if event.received_at + behaviour.settling_seconds <= now
    ]
    groups: dict[int, list[MeterEvent]] = {}
    for event in _counting(meter, behaviour, settled):
        if starts_at <= event.stamped_at < ends_at:
            groups.setdefault(starts_at + (event.stamped_at - starts_at) // width * width, []).append(event)
    windows: Sequence[int] = range(starts_at, ends_at, width)
    if grouping and not behaviour.has_empty_windows:
        windows = sorted(groups)
    summaries: list[Body] = [
        {
            "id": derived_id("mtrusg_test", meter.id, customer_id, start, start + width),
            "object": "billing.meter_event_summary",
            "aggregated_value": _aggregate(meter, groups.get(start, [])),
            "start_time": start,
            "end_time": start + width,
            "livemode": False,
            "meter": meter.id,
        }
        for start in reversed(windows)
    ]
    return wire.page(summaries, params, f"/v1/billing/meters/{meter.id}/event_summaries")


def day_values(state: State, behaviour: Behaviour, meter: Meter, customer_id: str) -> dict[date, int]:
    """What each UTC day amounts to once everything received has settled; days without events are left out."""
    days: dict[date, list[MeterEvent]] = {}
    for event in _counting(meter, behaviour, state.events_of(meter, customer_id)):
        days.setdefault(datetime.fromtimestamp(event.stamped_at, UTC).date(), []).append(event)
    return {day: _aggregate(meter, days[day]) for day in sorted(days)}


def list_error_reports(state: State, behaviour: Behaviour, params: Params, now: int) -> StripeReply:
    """Stand-in only: dropped events in the order of receipt. Stripe reports them in a thin event.

    `request.identifier` is the request's idempotency key, as in the SDK's type of the thin event; the event's own
    identifier stands beside it. `after` leaves out that many reports from the start.
    """
    settled = [report for report in state.error_reports if report.received_at + behaviour.settling_seconds <= now]
    first = max(0, wire.whole_number(params, "after") or 0)
    reports: list[Body] = [
        {
            **fields_of(report, "code", "event_name", "identifier"),
            "object": "standin.error_report",
            "error_message": report.message,
            "meter": report.meter_id,
            "request": {"identifier": report.idempotency_key},
            "created": report.received_at,
        }
        for report in settled[first:]
    ]
    return StripeReply({"object": "list", "url": "/standin/error_reports", "has_more": False, "data": reports})


def _fault_of_time(stamped_at: int, now: int) -> tuple[str, str] | None:
    earliest, latest = now - PAST_MAX, now + FUTURE_MAX
    if stamped_at < earliest:
        return "timestamp_too_far_in_past", (
            "The event timestamp cannot be more than 35 days in past. "
            f"Expected a timestamp greater than or equal to {earliest}."
        )
    if stamped_at > latest:
        return "timestamp_in_future", (
            "The event timestamp cannot be more than 5 minutes in the future. "
            f"Expected a timestamp less than or equal to {latest}."
        )
    return None


def _fault_of_content(
    state: State, behaviour: Behaviour, meter: Meter | None, payload: dict[str, str]
) -> tuple[str, str] | None:
    if meter is None:
        return None
    if not meter.is_active:
        return "archived_meter", f"The meter {meter.id} is inactive."
    customer_id = payload.get(meter.customer_key)
    if not customer_id:
        return "meter_event_no_customer_defined", f"The payload has no {meter.customer_key}."
    if not state.has_customer(customer_id):
        return "meter_event_customer_not_found", f"No such customer: '{customer_id}'"
    if meter.formula == "count":
        return None
    value = payload.get(meter.value_key, "")
    if not _WHOLE_VALUE.fullmatch(value):
        return "meter_event_invalid_value", f"The payload's {meter.value_key} is not a whole number: {value!r}"
    if len(value.lstrip("-")) > behaviour.value_digits_max:
        return "meter_event_value_too_many_digits", f"The value has more than {behaviour.value_digits_max} digits."
    return None


def _counting(meter: Meter, behaviour: Behaviour, events: Iterable[MeterEvent]) -> list[MeterEvent]:
    if meter.window is None:
        return list(events)
    seconds = WINDOW_SECONDS[meter.window]
    kept: dict[int, MeterEvent] = {}
    for event in events:
        window = event.stamped_at // seconds
        standing = kept.get(window)
        if standing is None or behaviour.window_keeps == "received" or event.stamped_at >= standing.stamped_at:
            kept[window] = event
    return list(kept.values())


def _aggregate(meter: Meter, events: list[MeterEvent]) -> int:
    if meter.formula == "count":
        return len(events)
    if meter.formula == "sum":
        return sum(event.value for event in events)
    last = max(events, key=lambda event: (event.stamped_at, event.number), default=None)
    return last.value if last else 0


def _aligned(params: Params, name: str, step: int) -> int:
    instant = wire.whole_number(params, name)
    if instant is None:
        wire.refuse_parameter(name, f"Missing required param: {name}.", "parameter_missing")
    if instant < 0 or instant % step:
        wire.refuse_parameter(name, f"Invalid {name}: must be aligned with boundaries of {step} seconds (UTC)")
    return instant
