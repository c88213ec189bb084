"""The road between client and Stripe: what is logged, what gets lost, what arrives late.

Without a planned fault a call goes straight to the exchange. The lock of the exchange guards the plan and the log, too.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from tokentill.testing.stripe.exchange import API_KEY, Exchange, Reply, StripeRequest, error_reply
from tokentill.testing.stripe.faults import EVENTS_PATH, FaultPlan, PlannedFault
from tokentill.testing.stripe.state import LateRequest
from tokentill.testing.stripe.wire import ApiError, Params, decode_form

STANDIN_PATHS = "/standin/"
HANG_UP = Reply(None)

_ERRORS: dict[int, tuple[str, str, str | None]] = {
    409: ("Another request with this key is in progress.", "idempotency_error", "idempotency_key_in_use"),
    429: ("Too many requests: back off and try again.", "invalid_request_error", "rate_limit"),
    500: ("An unknown error occurred.", "api_error", None),
    502: ("Bad gateway.", "api_error", None),
    503: ("The service is not available.", "api_error", None),
}


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request in the log: `status` is None when no answer was given, `fault` the kind of fault planned for it."""

    method: str
    path: str
    params: Params
    idempotency_key: str | None
    status: int | None
    fault: str | None
    is_replay: bool


class Network:
    """Carries calls to the exchange and lets the planned faults happen."""

    def __init__(self, exchange: Exchange, plan: FaultPlan, hold_ms: int) -> None:
        self.log: list[LoggedRequest] = []
        self.stopping = threading.Event()
        self._exchange = exchange
        self._plan = plan
        self._hold_ms = hold_ms
        self._faults_under_way: dict[int, PlannedFault] = {}

    def answer(self, call: StripeRequest) -> Reply:
        """Answer one call, and log it. What is the stand-in's own is neither logged nor disturbed."""
        if call.path.startswith(STANDIN_PATHS):
            return self._exchange.run(call)
        with self._exchange.lock:
            fault = self._plan.fault_for(call.path)
        reply = self._exchange.run(call) if fault is None else self._run_under(fault, call)
        with self._exchange.lock:
            self._log(call, reply, fault.kind if fault else None)
            for late in self._exchange.state.late_requests_due():
                self._deliver(late)
        return reply

    def deliver_late(self) -> int:
        """Let every late request arrive now, and return how many did."""
        with self._exchange.lock:
            requests = self._exchange.state.late_requests()
            for late in requests:
                self._deliver(late)
        return len(requests)

    def _run_under(self, fault: PlannedFault, call: StripeRequest) -> Reply:
        was_answered = self._exchange.has_answer(call)
        match fault.kind:
            case "slow":
                return self._exchange.run(call, lambda: self._fire_and_hold(fault))
            case "late_duplicate":
                reply = self._exchange.run(call)
                self._send_late(call, fault)
                return reply
            case "timeout_late":
                self._send_late(call, fault)
                self._hold()
                return HANG_UP
            case "status_after" | "reset_after" | "timeout_after":
                self._exchange.run(call)
        self._fire(fault)
        if fault.kind.startswith("status"):
            # Of these answers only a 500 comes from the endpoint, so only a first 500 is kept under the key.
            message, error_type, code = _ERRORS[fault.status]
            error = ApiError(fault.status, message, error_type=error_type, code=code)
            if fault.status == 500 and not was_answered:
                self._exchange.remember(call, error)
            reply = error_reply(error)
            if fault.retry_after_seconds is not None:
                reply.headers["Retry-After"] = str(fault.retry_after_seconds)
            return reply
        if fault.kind.startswith("timeout"):
            self._hold()
        return HANG_UP

    def _send_late(self, call: StripeRequest, fault: PlannedFault) -> None:
        if call.path != EVENTS_PATH or call.api_key != API_KEY:
            return
        form = call.form.decode("latin-1")
        is_duplicate = fault.kind == "late_duplicate"
        if is_duplicate and "timestamp" not in _params(call):
            form += f"&timestamp={self._exchange.now()}"
        with self._exchange.lock:
            state = self._exchange.state
            number = len(state.late) + 1
            due_number = state.event_count + fault.late_by
            state.commit((LateRequest(number, form, call.idempotency_key, due_number, is_duplicate),))
            self._faults_under_way[number] = fault

    def _deliver(self, late: LateRequest) -> None:
        self._exchange.state.commit((replace(late, is_delivered=True),))
        fault = self._faults_under_way.pop(late.id, None)
        if fault is not None:
            self._fire(fault)
        call = StripeRequest("POST", EVENTS_PATH, late.form.encode("latin-1"), API_KEY, late.idempotency_key)
        reply = self._exchange.repeat_event(call) if late.is_duplicate else self._exchange.run(call)
        self._log(call, reply, "late_duplicate" if late.is_duplicate else "timeout_late")

    def _hold(self) -> None:
        self.stopping.wait(self._hold_ms / 1000)

    def _fire_and_hold(self, fault: PlannedFault) -> None:
        self._fire(fault)
        self._hold()

    def _fire(self, fault: PlannedFault) -> None:
        with self._exchange.lock:
            self._plan.fired.append(fault)

    def _log(self, call: StripeRequest, reply: Reply, kind: str | None) -> None:
        is_replay = "Idempotent-Replayed" in reply.headers
        self.log.append(
            LoggedRequest(call.method, call.path, _params(call), call.idempotency_key, reply.status, kind, is_replay)
        )


def _params(call: StripeRequest) -> Params:
    try:
        return decode_form(call.form)
    except ApiError:
        return {}
