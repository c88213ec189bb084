"""The stand-in on a loopback port, for the unmodified Stripe SDK.

HTTP/1.1 with connections kept alive, one thread a connection. A reply without a status closes the connection with a
reset, and `close` closes every open connection as a killed server would.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import socket
import struct
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import stripe

from tokentill.clock import SYSTEM_CLOCK, Clock
from tokentill.errors import NotFound, ensure
from tokentill.testing.stripe import metering
from tokentill.testing.stripe.exchange import API_KEY, Exchange, Reply, StripeRequest
from tokentill.testing.stripe.faults import FaultPlan, PlannedFault
from tokentill.testing.stripe.metering import Behaviour
from tokentill.testing.stripe.network import LoggedRequest, Network
from tokentill.testing.stripe.state import ErrorReport, Meter, State
from tokentill.testing.stripe.wire import ApiError

BODY_BYTES_MAX = 64 * 1024
HOST = "127.0.0.1"
FORM_TYPE = "application/x-www-form-urlencoded"
HOLD_MS_DEFAULT = 200
CLIENT_TIMEOUT_SECONDS = 10


class StripeStandIn:
    """Stripe's meters on loopback; a context manager.

    With `state_path` every effect is on disk before it is answered, and a stand-in that starts with the same path goes
    on from there. `hold_ms` is how long faults of the kinds timeout and slow hold a connection.
    """

    api_key = API_KEY

    def __init__(
        self,
        clock: Clock = SYSTEM_CLOCK,
        state_path: Path | None = None,
        faults: Sequence[PlannedFault] = (),
        *,
        behaviour: Behaviour | None = None,
        port: int = 0,
        hold_ms: int = HOLD_MS_DEFAULT,
    ) -> None:
        self._behaviour = behaviour or Behaviour()
        self._state = State(state_path)
        self._plan = FaultPlan(faults)
        self._exchange = Exchange(clock, self._state, self._behaviour)
        self._network = Network(self._exchange, self._plan, hold_ms)
        self._port = port
        self._server: _Server | None = None
        self._http_clients: list[stripe.HTTPXClient] = []

    def __enter__(self) -> StripeStandIn:
        self._server = _Server((HOST, self._port), self._network)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering, close every connection and the state file."""
        self._network.stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.close_connections()
            self._server = None
        for http_client in self._http_clients:
            http_client.close()  # type: ignore[no-untyped-call]
        with self._exchange.lock:
            self._state.close()

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:<port>` while the stand-in runs."""
        server = self._server
        ensure(server is not None, "the stand-in does not run; use it in a with statement")
        return f"http://{HOST}:{server.server_address[1]}" if server else ""

    def client(self, api_key: str = API_KEY, timeout_seconds: int = CLIENT_TIMEOUT_SECONDS) -> stripe.StripeClient:
        """The official client, pointed here, which never repeats a call by itself."""
        stripe.enable_telemetry = False  # it would leave an id in the home folder of whoever runs a test
        http_client = stripe.HTTPXClient(timeout=timeout_seconds, allow_sync_methods=True)
        self._http_clients.append(http_client)
        base = self.base_url
        return stripe.StripeClient(
            api_key,
            base_addresses={"api": base, "meter_events": base, "connect": base, "files": base},
            http_client=http_client,
            max_network_retries=0,
        )

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests so far in the order of their answers; late ones stand where they arrived."""
        with self._exchange.lock:
            return list(self._network.log)

    @property
    def planned(self) -> int:
        """How many faults were planned."""
        return len(self._plan.faults)

    @property
    def fired(self) -> int:
        """How many faults fired; a late one fires when it arrives."""
        return len(self.fired_faults)

    @property
    def fired_faults(self) -> list[PlannedFault]:
        """The faults that fired, in order."""
        with self._exchange.lock:
            return list(self._plan.fired)

    @property
    def error_reports(self) -> list[ErrorReport]:
        """The events that were answered with 200 and dropped."""
        with self._exchange.lock:
            return list(self._state.error_reports)

    def meter_id(self, event_name: str) -> str:
        """The id of the active meter of this event name, otherwise of the one made last.

        Raises:
            NotFound: when there never was one.
        """
        with self._exchange.lock:
            meter = self._state.latest_meter(event_name)
        if meter is None:
            raise NotFound(f"the stand-in has no meter of the event name {event_name!r}")
        return meter.id

    def day_values(self, customer: str, meter: str) -> Mapping[date, int]:
        """What Stripe would sum for each UTC day with usage; `meter` is an id or an event name."""
        with self._exchange.lock:
            chosen: Meter = self._state.meters.get(meter) or self._state.meters[self.meter_id(meter)]
            return metering.day_values(self._state, self._behaviour, chosen, customer)

    def deliver_late(self) -> int:
        """Let every late request arrive now, and return how many did."""
        return self._network.deliver_late()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], network: Network) -> None:
        self.network = network
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._connections_lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # its client has closed it already

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hangs up is the client's affair; anything else is a mistake of the stand-in and must be seen.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "tokentill-standin"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: _Server

    def do_GET(self) -> None:
        self._exchange(self.path.partition("?")[2].encode("latin-1"))

    def do_POST(self) -> None:
        try:
            self._exchange(self._body())
        except ApiError as error:
            self.close_connection = True
            self._send(Reply(error.status, error.body))

    def do_DELETE(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name that http.server gives it)
        """Stay silent: the log is `StripeStandIn.requests`."""

    def _exchange(self, form: bytes) -> None:
        path = self.path.partition("?")[0]
        call = StripeRequest(self.command, path, form, self._api_key(), self.headers.get("Idempotency-Key"))
        reply = self.server.network.answer(call)
        if reply.status is None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        self._send(reply)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            raise ApiError(400, "A request body needs a Content-Length and no transfer encoding.")
        if int(length) > BODY_BYTES_MAX:
            raise ApiError(413, f"The request body has more than {BODY_BYTES_MAX} bytes.")
        body = self.rfile.read(int(length))
        if body and self.headers.get_content_type() != FORM_TYPE:
            raise ApiError(400, f"The v1 API takes {FORM_TYPE}, not {self.headers.get_content_type()}.")
        return body

    def _api_key(self) -> str:
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return credentials.strip()
        if scheme.lower() != "basic":
            return ""
        try:
            return base64.b64decode(credentials, validate=True).decode("latin-1").partition(":")[0]
        except binascii.Error:
            return ""

    def _send(self, reply: Reply) -> None:
        body = reply.body.encode()
        seed = json.dumps([self.path, self.headers.get("Idempotency-Key"), reply.body])
        self.send_response(reply.status or 500)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", f"req_{hashlib.sha256(seed.encode()).hexdigest()[:14]}")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
