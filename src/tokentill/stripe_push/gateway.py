"""The few calls to Stripe that tokentill makes, with the official SDK over httpx.

Retries are not left to the SDK: each call is made again by `attempts`, and the outbox has it on record.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

import stripe

from tokentill.errors import InvalidCall, NoAnswer, NotFound, Refused
from tokentill.store.issued.push_rows import PushRow
from tokentill.stripe_push.attempts import Attempts, Sleep, may_pass
from tokentill.stripe_push.days import OutOfTime, noon_of

TIMEOUT_SECONDS = 30
PAGE_SIZE = 100
PAGES_MAX = 100
_LIVE_PREFIXES = ("sk_live_", "rk_live_")
_ALREADY_THERE = re.compile(r"already exists with( the)? identifier", re.IGNORECASE)
_TIME_CODES: dict[str, OutOfTime] = {"timestamp_too_far_in_past": "too_old", "timestamp_in_future": "to_come"}


@dataclass(frozen=True, slots=True)
class Account:
    """Whose key it is."""

    id: str
    is_live: bool

    @property
    def mode(self) -> str:
        """`live` or `test`, as Stripe has it."""
        return "live" if self.is_live else "test"


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """What became of an event. `unknown`: it may or may not have been taken; send it again with the same identifier.
    `out_of_time`: rejected because Stripe takes nothing for that day, any more or yet.
    """

    state: Literal["accepted", "rejected", "unknown"]
    note: str | None = None
    out_of_time: OutOfTime | None = None


def connect(api_key: str, *, api_base: str | None = None) -> stripe.StripeClient:
    """A client of the official SDK.

    Args:
        api_base: another address than Stripe's, for a stand-in.
    """
    stripe.enable_telemetry = False  # otherwise the SDK keeps an id of this machine in the home folder, and sends it
    bases: Any = {} if api_base is None else dict.fromkeys(("api", "meter_events", "connect", "files"), api_base)
    return stripe.StripeClient(
        api_key,
        base_addresses=bases,
        http_client=stripe.HTTPXClient(timeout=TIMEOUT_SECONDS, allow_sync_methods=True),
        max_network_retries=0,
    )


class StripeGateway:
    """A client, and what we ask of it.

    Args:
        sleep: waits so many seconds between two tries of a call.
    """

    def __init__(self, client: stripe.StripeClient, api_key: str, *, sleep: Sleep = time.sleep) -> None:
        self._client = client
        self._is_live = api_key.startswith(_LIVE_PREFIXES)
        self._attempts = Attempts(sleep)
        self._account: Account | None = None

    @classmethod
    def open(cls, api_key: str | None, *, api_base: str | None = None) -> StripeGateway:
        """Connect with a key.

        Raises:
            InvalidCall: without a key.
        """
        if not api_key:
            raise InvalidCall(
                "no Stripe key; set TOKENTILL_STRIPE_KEY, or TOKENTILL_STRIPE_KEY_FILE to the path of a file with it"
            )
        return cls(connect(api_key, api_base=api_base), api_key)

    def account(self) -> Account:
        """The account that the key belongs to. It is asked for once."""
        if self._account is None:
            self._account = Account(self._get("/v1/account")["id"], self._is_live)
        return self._account

    def meter(self, currency: str) -> str:
        """The id of the meter of a currency; it is made when it does not exist.

        Raises:
            Refused: when a meter of that name counts in another way.
        """
        name = meter_name(currency)
        found = self._active_meter(name)
        if found is not None:
            return found
        try:
            return str(self._post("/v1/billing/meters", _meter_params(name, currency))["id"])
        except Refused:
            # Another push made it meanwhile, or an earlier try of this one whose answer was lost.
            found = self._active_meter(name)
            if found is None:
                raise
            return found

    def _active_meter(self, name: str) -> str | None:
        for meter in self._pages("/v1/billing/meters", {"status": "active"}):
            if meter["event_name"] == name:
                formula, window = meter["default_aggregation"]["formula"], meter.get("event_time_window")
                if (formula, window) != ("sum", "day"):
                    raise Refused(
                        f"the Stripe meter {name} has formula {formula!r} and window {window!r}, and tokentill needs"
                        " sum and day; archive it in Stripe, and push again"
                    )
                return str(meter["id"])
        return None

    def send_day(self, row: PushRow) -> SendOutcome:
        """Say what a customer's day amounts to. May be repeated: it is a state, not an addition.

        Raises:
            Refused: when the key may not do this.
        """
        params: Any = {
            "event_name": row.meter,
            "payload": {"stripe_customer_id": row.stripe_customer, "value": str(row.value_minor)},
            "identifier": row.identifier,
            "timestamp": int(noon_of(row.day).timestamp()),
        }
        try:
            # A stored 500 would be replayed under the same key, so each attempt has a key of its own.
            self._attempts.make(
                lambda number: self._client.v1.billing.meter_events.create(
                    params, {"idempotency_key": f"{row.identifier}-{row.attempts}-{number}"}
                )
            )
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise Refused(f"Stripe refuses the key: {_words(error)}") from error
        except stripe.StripeError as error:
            return _outcome_of(error)
        return SendOutcome("accepted")

    def require_customer(self, stripe_customer: str) -> None:
        """See that there is a Stripe customer.

        Raises:
            NotFound: when it does not exist, or was deleted: Stripe still answers for it then, and bills it no more.
        """
        try:
            body = self._get(f"/v1/customers/{quote(stripe_customer, safe='')}")
        except NotFound as missing:
            raise NotFound(f"Stripe has no customer {stripe_customer}") from missing
        if body.get("deleted"):
            raise NotFound(f"the Stripe customer {stripe_customer} was deleted in Stripe")

    def held(self, *, meter_id: str, stripe_customer: str, days: list[date]) -> dict[date, Decimal]:
        """What Stripe holds for each of `days`, oldest first and at least one; days without usage are left out.

        Raises:
            NotFound: when there is no such Stripe customer.
        """
        params = {
            "customer": stripe_customer,
            "start_time": _midnight(days[0]),
            "end_time": _midnight(days[-1] + timedelta(days=1)),
            "value_grouping_window": "day",
        }
        amounts: dict[date, Decimal] = {}
        for summary in self._pages(f"/v1/billing/meters/{meter_id}/event_summaries", params):
            day = datetime.fromtimestamp(int(summary["start_time"]), UTC).date()
            amounts[day] = amounts.get(day, Decimal(0)) + Decimal(summary["aggregated_value"])
        return {day: amounts[day] for day in days if amounts.get(day)}

    def _pages(self, path: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        after: dict[str, Any] = {}
        for _ in range(PAGES_MAX):
            body = self._get(path, **params, limit=PAGE_SIZE, **after)
            yield from body["data"]
            if not body["has_more"]:
                return
            after = {"starting_after": body["data"][-1]["id"]}
        raise Refused(f"Stripe lists more than {PAGES_MAX * PAGE_SIZE} entries at {path}; that is not expected")

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        return self._call("get", path, params)

    def _post(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        # No idempotency key of ours: a stored 500 would be replayed under it for a day. A meter is looked for first,
        # and Stripe takes only one of a name.
        return self._call("post", path, params)

    def _call(self, method: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
        """Numbers are read from the body as they are written, since the SDK makes floats of them."""
        try:
            response = self._attempts.make(lambda _: self._client.raw_request(method, path, **params))
        except stripe.StripeError as error:
            reason = f"Stripe did not answer {method.upper()} {path}: {_words(error)}"
            if error.code == "resource_missing":
                raise NotFound(reason) from error
            raise (NoAnswer if may_pass(error) else Refused)(f"{reason}; try again") from error
        body: dict[str, Any] = json.loads(response.body, parse_float=Decimal)
        return body


def _outcome_of(error: stripe.StripeError) -> SendOutcome:
    """What an event that was not answered with 200 has come to."""
    if may_pass(error):
        return SendOutcome("unknown", _words(error))
    # Stripe answers so for what it has: an earlier try got through. Its text is all that tells it from other refusals.
    if isinstance(error, stripe.InvalidRequestError) and _ALREADY_THERE.search(_words(error)):
        return SendOutcome("accepted", "taken before")
    return SendOutcome("rejected", _words(error), _TIME_CODES.get(error.code or ""))


def _words(error: stripe.StripeError) -> str:
    """What went wrong, in one line: what Stripe says, or the fault of a connection, of which the SDK says too much."""
    if isinstance(error, stripe.APIConnectionError):
        return f"the connection failed ({type(error.__cause__ or error).__name__})"
    return " ".join(str(error.user_message or error).split()).rstrip(".")


def _meter_params(name: str, currency: str) -> dict[str, Any]:
    return {
        "display_name": f"tokentill: amounts in {currency}, in minor units",
        "event_name": name,
        "default_aggregation": {"formula": "sum"},
        "event_time_window": "day",
        "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
        "value_settings": {"event_payload_key": "value"},
    }


def meter_name(currency: str) -> str:
    """The event name of a currency's meter."""
    return f"tokentill_{currency.lower()}"


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time_of_day(), UTC).timestamp())
