"""What there is: the account, its customers and its meters.

Ids are derived from what was asked for and how often, so that two runs of the same calls have the same ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from stripe.params import CustomerCreateParams, CustomerListParams
from stripe.params.billing import MeterCreateParams, MeterListParams, MeterUpdateParams

from tokentill.canonical import fields_of
from tokentill.testing.stripe import wire
from tokentill.testing.stripe.state import Meter, State, StripeCustomer, derived_id
from tokentill.testing.stripe.wire import ApiError, Body, Params, StripeReply

ACCOUNT_ID = "acct_standin"
EVENT_NAME_MAX = 100
DISPLAY_NAME_MAX = 250
FORMULAS = ("sum", "count", "last")
WINDOWS = ("day", "hour")


def account() -> StripeReply:
    """Stripe API: retrieve the account of the key."""
    return StripeReply(
        {"id": ACCOUNT_ID, "object": "account", "livemode": False, "country": "DE", "default_currency": "eur"}
    )


def create_customer(state: State, params: Params, now: int) -> StripeReply:
    """Stripe API: create a customer. Parameters that Stripe knows and the stand-in does not keep are ignored."""
    wire.refuse_unknown(params, CustomerCreateParams)
    customer = StripeCustomer(
        id=derived_id("cus", len(state.customers) + 1),
        created_at=now,
        name=wire.text(params, "name"),
        email=wire.text(params, "email", 512),
        description=wire.text(params, "description"),
        metadata=wire.text_mapping(params, "metadata"),
    )
    return StripeReply(_customer_body(customer), (customer,))


def retrieve_customer(state: State, customer_id: str) -> StripeReply:
    """Stripe API: retrieve a customer; 404 `resource_missing` for an unknown id. A deleted one is answered for, too."""
    customer = state.customers.get(customer_id)
    if customer is None:
        raise wire.missing_resource("customer", customer_id)
    return StripeReply(_customer_body(customer))


def delete_customer(state: State, customer_id: str) -> StripeReply:
    """Stripe API: delete a customer for good. It is billed no more, and takes no more events."""
    if not state.has_customer(customer_id):
        raise wire.missing_resource("customer", customer_id)
    deleted = replace(state.customers[customer_id], is_deleted=True)
    return StripeReply(_customer_body(deleted), (deleted,))


def list_customers(state: State, params: Params) -> StripeReply:
    """Stripe API: list customers, newest first, optionally those of one email address."""
    wire.refuse_unknown(params, CustomerListParams)
    email = wire.text(params, "email")
    listed = [customer for customer in state.customers.values() if not customer.is_deleted]
    matching = [customer for customer in listed if email in (None, customer.email)]
    return wire.page([_customer_body(customer) for customer in reversed(matching)], params, "/v1/customers")


def create_meter(state: State, params: Params, now: int) -> StripeReply:
    """Stripe API: create a meter. Only one active meter may have an event name."""
    wire.refuse_unknown(params, MeterCreateParams)
    event_name = wire.required_text(params, "event_name", EVENT_NAME_MAX)
    display_name = wire.required_text(params, "display_name", DISPLAY_NAME_MAX)
    aggregation = wire.text_mapping(params, "default_aggregation")
    wire.required_text(aggregation, "formula")
    mapping = wire.text_mapping(params, "customer_mapping") or {
        "type": "by_id",
        "event_payload_key": "stripe_customer_id",
    }
    wire.required_text(mapping, "type")
    wire.choice(mapping, "type", ("by_id",))
    values = wire.text_mapping(params, "value_settings") or {"event_payload_key": "value"}
    _refuse_taken_name(state, event_name)
    generation = sum(meter.event_name == event_name for meter in state.meters.values())
    meter = Meter(
        id=derived_id("mtr_test", event_name, generation),
        event_name=event_name,
        display_name=display_name,
        formula=wire.choice(aggregation, "formula", FORMULAS) or "",
        window=wire.choice(params, "event_time_window", WINDOWS),
        customer_key=wire.required_text(mapping, "event_payload_key", EVENT_NAME_MAX),
        value_key=wire.required_text(values, "event_payload_key", EVENT_NAME_MAX),
        created_at=now,
        updated_at=now,
    )
    return StripeReply(_meter_body(meter), (meter,))


def find_meter(state: State, meter_id: str) -> Meter:
    """The meter of this id.

    Raises:
        ApiError: 404 `resource_missing`.
    """
    meter = state.meters.get(meter_id)
    if meter is None:
        raise wire.missing_resource("billing meter", meter_id)
    return meter


def retrieve_meter(state: State, meter_id: str) -> StripeReply:
    """Stripe API: retrieve a meter."""
    return StripeReply(_meter_body(find_meter(state, meter_id)))


def list_meters(state: State, params: Params) -> StripeReply:
    """Stripe API: list meters, newest first, optionally those of one status."""
    wire.refuse_unknown(params, MeterListParams)
    status = wire.choice(params, "status", ("active", "inactive"))
    bodies = [_meter_body(meter) for meter in reversed(state.meters.values())]
    return wire.page([body for body in bodies if status in (None, body["status"])], params, "/v1/billing/meters")


def update_meter(state: State, meter_id: str, params: Params, now: int) -> StripeReply:
    """Stripe API: update a meter. Nothing but the display name can change (Stripe docs: configure meters)."""
    wire.refuse_unknown(params, MeterUpdateParams)
    meter = find_meter(state, meter_id)
    display_name = wire.text(params, "display_name", DISPLAY_NAME_MAX) or meter.display_name
    return _changed(replace(meter, display_name=display_name, updated_at=now))


def deactivate_meter(state: State, meter_id: str, now: int) -> StripeReply:
    """Stripe API: deactivate a meter, which takes no more events from then on."""
    meter = find_meter(state, meter_id)
    if not meter.is_active:
        raise ApiError(400, f"The meter {meter_id} is already inactive.", is_stored=True)
    return _changed(replace(meter, deactivated_at=now, updated_at=now))


def reactivate_meter(state: State, meter_id: str, now: int) -> StripeReply:
    """Stripe API: reactivate a meter, unless another one has its event name by now."""
    meter = find_meter(state, meter_id)
    _refuse_taken_name(state, meter.event_name)
    return _changed(replace(meter, deactivated_at=None, updated_at=now))


ObjectChange = Callable[[State, str, int], StripeReply]
METER_CHANGES: Mapping[str, ObjectChange] = {"deactivate": deactivate_meter, "reactivate": reactivate_meter}


def _changed(meter: Meter) -> StripeReply:
    return StripeReply(_meter_body(meter), (meter,))


def _refuse_taken_name(state: State, event_name: str) -> None:
    if state.active_meter(event_name) is not None:
        wire.refuse_parameter(
            "event_name", f"An active meter already exists with event name {event_name}.", "resource_already_exists"
        )


def _customer_body(customer: StripeCustomer) -> Body:
    if customer.is_deleted:
        return {"id": customer.id, "object": "customer", "deleted": True}
    return {
        **fields_of(customer, "id", "name", "email", "description", "metadata"),
        "object": "customer",
        "created": customer.created_at,
        "livemode": False,
        "balance": 0,
        "currency": None,
        "delinquent": False,
    }


def _meter_body(meter: Meter) -> Body:
    return {
        **fields_of(meter, "id", "display_name", "event_name"),
        "object": "billing.meter",
        "created": meter.created_at,
        "updated": meter.updated_at,
        "livemode": False,
        "event_time_window": meter.window,
        "default_aggregation": {"formula": meter.formula},
        "customer_mapping": {"type": "by_id", "event_payload_key": meter.customer_key},
        "value_settings": {"event_payload_key": meter.value_key},
        "status": "active" if meter.is_active else "inactive",
        "status_transitions": {"deactivated_at": meter.deactivated_at},
    }
