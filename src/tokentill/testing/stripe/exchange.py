"""One request from the check of its key to the answer, without sockets.

Order of the checks: key, parameters, idempotency key, rate and concurrency, endpoint. The answer is stored under the
idempotency key in the same commit as the effect.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from tokentill.clock import Clock, to_micros
from tokentill.testing.stripe import catalogue, metering
from tokentill.testing.stripe.faults import EVENTS_PATH
from tokentill.testing.stripe.metering import Behaviour
from tokentill.testing.stripe.state import State, StoredAnswer
from tokentill.testing.stripe.wire import ApiError, Params, StripeReply, decode_form

API_KEY = "rk_test_standin"
LIVE_KEYS = ("sk_live_", "rk_live_")
IDEMPOTENCY_SECONDS = 86_400
IDEMPOTENCY_KEY_MAX = 255


@dataclass(frozen=True, slots=True)
class StripeRequest:
    """A request as it was received."""

    method: str
    path: str
    form: bytes
    api_key: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or the connection closed without one when `status` is None."""

    status: int | None
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Exchange:
    """Answers calls from many threads; one lock guards everything that is known."""

    def __init__(self, clock: Clock, state: State, behaviour: Behaviour) -> None:
        self.lock = threading.RLock()
        self.state = state
        self._clock = clock
        self._behaviour = behaviour
        self._under_way: set[tuple[str, ...]] = set()
        self._second, self._calls_in_second = 0, 0

    def now(self) -> int:
        """Unix seconds by the stand-in's clock."""
        return to_micros(self._clock.now()) // 1_000_000

    def run(self, call: StripeRequest, before_effect: Callable[[], None] = lambda: None) -> Reply:
        """Answer a call. `before_effect` runs while the call is in progress, and without the lock."""
        claimed: list[tuple[str, ...]] = []
        try:
            params = self._checked(call)
            with self.lock:
                stored = self._stored(call, params)
                if stored is not None:
                    return stored
                self._claim(call, params, claimed)
            before_effect()
            with self.lock:
                return self._effect(call, params)
        except ApiError as error:
            return error_reply(error)
        finally:
            with self.lock:
                self._under_way.difference_update(claimed)

    def repeat_event(self, call: StripeRequest) -> Reply:
        """Receive a meter event once more, past the checks of its identifier and of the idempotency key."""
        try:
            params = self._checked(call)
            with self.lock:
                outcome = metering.create_event(
                    self.state, self._behaviour, params, self.now(), call.idempotency_key, checks_identifier=False
                )
                self.state.commit(outcome.entries)
            return Reply(200, json.dumps(outcome.body))
        except ApiError as error:
            return error_reply(error)

    def has_answer(self, call: StripeRequest) -> bool:
        """Whether the answer to this call is stored, so that the endpoint would not execute."""
        with self.lock:
            stored = self.state.answers.get(call.idempotency_key or "")
            return stored is not None and self.now() - stored.stored_at < IDEMPOTENCY_SECONDS

    def remember(self, call: StripeRequest, error: ApiError) -> None:
        """Store an answer under the call's idempotency key in place of what is there, as after a failure inside."""
        try:
            params = self._checked(call)
        except ApiError:
            return
        with self.lock:
            self.state.commit(self._answers_to_store(call, params, error.status, error.body))

    def _checked(self, call: StripeRequest) -> Params:
        if call.api_key.startswith(LIVE_KEYS):
            raise ApiError(401, "The stand-in never takes a live key.", code="api_key_invalid")
        if call.api_key != API_KEY:
            raise ApiError(401, "Invalid API Key provided.", code="api_key_invalid")
        if call.idempotency_key is not None and not 0 < len(call.idempotency_key) <= IDEMPOTENCY_KEY_MAX:
            raise ApiError(400, f"Idempotency keys have 1 to {IDEMPOTENCY_KEY_MAX} characters.")
        return decode_form(call.form)

    def _stored(self, call: StripeRequest, params: Params) -> Reply | None:
        if call.method != "POST" or call.idempotency_key is None or not self.has_answer(call):
            return None
        key = call.idempotency_key
        stored = self.state.answers[key]
        if stored.fingerprint != _fingerprint(call, params):
            message = (
                "Keys for idempotent requests can only be used with the same endpoint and parameters "
                f"they were first used with; {key!r} was used with others."
            )
            raise ApiError(400, message, error_type="idempotency_error")
        return Reply(stored.status, stored.body, {"Idempotent-Replayed": "true"})

    def _claim(self, call: StripeRequest, params: Params, claimed: list[tuple[str, ...]]) -> None:
        if call.method == "POST" and call.idempotency_key is not None:
            key = ("idempotency", call.idempotency_key)
            if key in self._under_way:
                message = f"Another request with the idempotency key {key[1]!r} is in progress."
                raise ApiError(
                    409, message, error_type="idempotency_error", code="idempotency_key_in_use", should_retry=True
                )
            self._under_way.add(key)
            claimed.append(key)
        if call.method != "POST" or call.path != EVENTS_PATH:
            return
        second = self.now()
        self._calls_in_second = self._calls_in_second + 1 if second == self._second else 1
        self._second = second
        limit = self._behaviour.calls_per_second_max
        if limit is not None and self._calls_in_second > limit:
            raise ApiError(429, f"More than {limit} calls in one second.", code="rate_limit")
        payload = params.get("payload")
        meter = self.state.latest_meter(str(params.get("event_name")))
        if not self._behaviour.has_one_call_per_customer or meter is None or not isinstance(payload, dict):
            return
        pair = ("pair", meter.id, str(payload.get(meter.customer_key)))
        if pair in self._under_way:
            raise ApiError(429, "Another call for this customer and meter is in progress.", code="lock_timeout")
        self._under_way.add(pair)
        claimed.append(pair)

    def _effect(self, call: StripeRequest, params: Params) -> Reply:
        try:
            outcome = self._endpoint(call, params)
        except ApiError as error:
            if error.is_stored:
                self.state.commit(self._answers_to_store(call, params, error.status, error.body))
            raise
        body = json.dumps(outcome.body)
        self.state.commit((*outcome.entries, *self._answers_to_store(call, params, 200, body)))
        return Reply(200, body)

    def _endpoint(self, call: StripeRequest, params: Params) -> StripeReply:
        now, state, behaviour = self.now(), self.state, self._behaviour
        match call.method, *(unquote(part) for part in call.path.strip("/").split("/")):
            case "GET", "v1", "account":
                return catalogue.account()
            case "POST", "v1", "customers":
                return catalogue.create_customer(state, params, now)
            case "GET", "v1", "customers":
                return catalogue.list_customers(state, params)
            case "GET", "v1", "customers", customer_id:
                return catalogue.retrieve_customer(state, customer_id)
            case "DELETE", "v1", "customers", customer_id:
                return catalogue.delete_customer(state, customer_id)
            case "POST", "v1", "billing", "meters":
                return catalogue.create_meter(state, params, now)
            case "GET", "v1", "billing", "meters":
                return catalogue.list_meters(state, params)
            case "GET", "v1", "billing", "meters", meter_id:
                return catalogue.retrieve_meter(state, meter_id)
            case "POST", "v1", "billing", "meters", meter_id:
                return catalogue.update_meter(state, meter_id, params, now)
            case "POST", "v1", "billing", "meters", meter_id, ("deactivate" | "reactivate") as change:
                return catalogue.METER_CHANGES[change](state, meter_id, now)
            case "GET", "v1", "billing", "meters", meter_id, "event_summaries":
                return metering.list_summaries(state, behaviour, catalogue.find_meter(state, meter_id), params, now)
            case "POST", "v1", "billing", "meter_events":
                return metering.create_event(state, behaviour, params, now, call.idempotency_key)
            case "GET", "standin", "error_reports":
                return metering.list_error_reports(state, behaviour, params, now)
        raise ApiError(404, f"Unrecognized request URL ({call.method}: {call.path}).")

    def _answers_to_store(
        self, call: StripeRequest, params: Params, status: int, body: str
    ) -> tuple[StoredAnswer, ...]:
        if call.method != "POST" or call.idempotency_key is None:
            return ()
        fingerprint = _fingerprint(call, params)
        return (StoredAnswer(call.idempotency_key, fingerprint, status, body, self.now()),)


def error_reply(error: ApiError) -> Reply:
    """The error as an answer, with what it says about trying again."""
    headers = {}
    if error.should_retry is not None:
        headers["Stripe-Should-Retry"] = "true" if error.should_retry else "false"
    return Reply(error.status, error.body, headers)


def _fingerprint(call: StripeRequest, params: Params) -> str:
    text = json.dumps([call.method, call.path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
