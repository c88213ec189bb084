"""Gateways on loopback: they list records in the shapes that are documented, and misbehave as a plan says.

`Gateway` is a real HTTP server in threads. Each request is answered by a `Shape`, unless a fault is due, which is drawn
from a plan: what fired is counted, so that a test fails where fewer did than it planned.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "sk-secret-of-the-gateway-0123456789"
FIRST = datetime(2026, 10, 1, tzinfo=UTC)

FAULTS = (
    *("reset before", "reset after", "hang", "slow drip", "truncated", "wrong length", "garbage", "html"),
    *("429 seconds", "429 date", "500", "503", "empty", "cut gzip", "gzip bomb", "redirect elsewhere"),
    *("redirect here", "page before", "page after", "loop", "gone", "overlap", "another order", "skewed clock"),
    *("400", "no list", "half the records"),
)
"""Every way to go wrong. Some of them end a pull, which is then given again."""

Row = dict[str, Any]
Params = Mapping[str, str]


@dataclass
class Answer:
    """What is answered: a status, a body and headers."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def rows_of_month(
    count: int, *, users: int = 3, first: datetime = FIRST, every: timedelta = timedelta(hours=5)
) -> list[Row]:
    """So many requests, one after the other, as a gateway knows them."""
    return [
        {
            "id": f"gen-{number:05d}",
            "at": (first + number * every).isoformat().replace("+00:00", "Z"),
            "user": f"user_{number % users}",
            "input": 100 + number,
            "output": 10 + number % 7,
            "nano": 1_000_000 + number,
        }
        for number in range(count)
    ]


def arouter(row: Row) -> Row:
    usage = {
        "prompt_tokens": row["input"],
        "completion_tokens": row["output"],
        "total_tokens": row["input"] + row["output"],
        "cost": row["nano"] / 1e9,
    }
    return {"id": row["id"], "created_at": row["at"], "user": row["user"], "model": "acme/large", "usage": usage}


def litellm(row: Row) -> Row:
    return {
        "request_id": row["id"],
        "startTime": row["at"].replace("Z", "+00:00"),
        "end_user": row["user"],
        "api_key": "hashed",
        "model": "acme/large",
        "prompt_tokens": row["input"],
        "completion_tokens": row["output"],
        "total_tokens": row["input"] + row["output"],
        "spend": row["nano"] / 1e9,
        "metadata": {},
        "status": "success",
    }


def langwatch(row: Row) -> Row:
    usage = {"input_tokens": row["input"], "output_tokens": row["output"]}
    data = {
        "gateway_request_id": row["id"],
        "occurred_at": row["at"],
        "end_user_id": row["user"],
        "model": "acme/large",
        "status": "success",
        "cost": {"nano_usd": row["nano"]},
        "usage": usage,
    }
    return {"id": f"{row['id']}:completed", "schema_version": 1, "created": row["at"], "data": data}


def openrouter(row: Row) -> Row:
    return {
        "id": row["id"],
        "created_at": row["at"],
        "model": "acme/large",
        "external_user": row["user"],
        "native_tokens_prompt": row["input"],
        "native_tokens_completion": row["output"],
        "total_cost": row["nano"] / 1e9,
        "is_byok": False,
    }


@dataclass
class Shape:
    """Rows of one gateway, and how it lists them. `rows` may grow while it is asked."""

    rows: list[Row]
    list_: Callable[[Shape, Params], Any]
    path: str

    def answer(self, params: Params) -> Any:
        return self.list_(self, params)


def _arouter_list(shape: Shape, params: Params) -> Any:
    chosen = [row for row in shape.rows if params.get("user") in (None, row["user"])]
    start, limit = int(params.get("cursor", 0)), int(params["limit"])
    page: dict[str, Any] = {"data": [arouter(row) for row in chosen[start : start + limit]]}
    return page | {"next_cursor": str(start + limit) if start + limit < len(chosen) else None}


def _arouter_bare(shape: Shape, params: Params) -> Any:
    """As the documentation leaves it: the newest records, and no word of others."""
    chosen = [row for row in shape.rows if params.get("user") in (None, row["user"])]
    return [arouter(row) for row in reversed(chosen)][: int(params["limit"])]


def _litellm_list(shape: Shape, params: Params) -> Any:
    start, end = (datetime.fromisoformat(params[name]).replace(tzinfo=UTC) for name in ("start_date", "end_date"))
    chosen = [row for row in shape.rows if start <= datetime.fromisoformat(row["at"]) <= end]
    chosen = [row for row in chosen if params.get("end_user") in (None, row["user"])]
    chosen.sort(key=lambda row: row["at"])
    number, size = int(params["page"]), int(params["page_size"])
    return {
        "data": [litellm(row) for row in chosen[(number - 1) * size : number * size]],
        "total": len(chosen),
        "page": number,
        "page_size": size,
        "total_pages": -(-len(chosen) // size),
    }


def _langwatch_list(shape: Shape, params: Params) -> Any:
    start, end = (datetime.fromtimestamp(int(params[name]) / 1000, UTC) for name in ("from", "to"))
    chosen = [(n, row) for n, row in enumerate(shape.rows) if start <= datetime.fromisoformat(row["at"]) < end]
    chosen = [(n, row) for n, row in chosen if params.get("end_user_id") in (None, row["user"])]
    after, limit = int(params.get("cursor", "c-1")[1:]), int(params["limit"])
    rest = [(n, row) for n, row in chosen if n > after]
    page = rest[:limit]
    return {
        "data": [langwatch(row) for _, row in page],
        "next_cursor": f"c{page[-1][0]}" if len(rest) > limit else None,
    }


def _openrouter_get(shape: Shape, params: Params) -> Any:
    found = next((row for row in shape.rows if row["id"] == params["id"]), None)
    missing = Answer(b'{"error":{"code":404,"message":"Generation not found"}}', 404)
    return missing if found is None else {"data": openrouter(found)}


SHAPES: dict[str, tuple[Callable[[Shape, Params], Any], str]] = {
    "arouter": (_arouter_list, "/v1/activity"),
    "arouter bare": (_arouter_bare, "/v1/activity"),
    "litellm": (_litellm_list, "/spend/logs/v2"),
    "langwatch": (_langwatch_list, "/api/gateway/v1/spend-events"),
    "openrouter": (_openrouter_get, "/api/v1/generation"),
}


def shape(kind: str, rows: Sequence[Row]) -> Shape:
    return Shape(list(rows), *SHAPES[kind])


class Gateway:
    """One gateway on loopback. `plan` names what goes wrong with each request in turn; None is nothing."""

    def __init__(self, of: Shape, plan: Sequence[str | None] = (), *, hold_seconds: float = 0.2) -> None:
        self.shape = of
        self.plan = list(plan)
        self.hold_seconds = hold_seconds
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.times: list[float] = []
        self.fired: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.elsewhere = 0
        self._before: Any = None
        self._listing: dict[str, str] = {}

    def __enter__(self) -> Gateway:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.gateway = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, params: dict[str, str], headers: dict[str, str]) -> tuple[str | None, Answer | None]:
        """What is answered, with the fault that is due; without an answer the connection is cut."""
        with self.lock:
            self.requests.append((path, params, headers))
            self.times.append(time.monotonic())
            if headers.get("authorization") != f"Bearer {KEY}":
                return None, Answer(b'{"error":{"message":"Incorrect key ' + KEY[:12].encode() + b'"}}', 401)
            if path.startswith("/moved"):
                path = path.removeprefix("/moved")
            if path != self.shape.path:
                return None, Answer(b'{"detail":"Not Found"}', 404)
            fault = self.plan.pop(0) if self.plan else None
            right = self.shape.answer(params)
            if isinstance(right, Answer):
                return None, right
            answer = Answer(json.dumps(right).encode())
            spoilt = self._spoilt(fault, answer, right, params) if fault else answer
            self._before, self._listing = right, {**params, "cursor": "", "page": ""}
            if fault is not None and spoilt is not answer:
                self.fired[fault] += 1
                return fault, spoilt
            return None, answer

    def _spoilt(self, fault: str, answer: Answer, right: Any, params: dict[str, str]) -> Answer | None:
        """The answer as a fault makes it; the same one where the fault has nothing to take hold of."""
        body = answer.body
        match fault:
            case "reset before" | "reset after":
                return None
            case "truncated" | "wrong length":
                return Answer(body[: max(1, 2 * len(body) // 3)])
            case "garbage":
                return Answer(b"\x00\xff<<not json>>")
            case "html":
                return Answer(b"<!doctype html><title>Bad gateway</title>", headers={"Content-Type": "text/html"})
            case "429 seconds":
                return Answer(b"{}", 429, {"Retry-After": "1"})
            case "429 date":
                return _too_many(datetime.now(UTC))
            case "500" | "503":
                return Answer(b'{"error":{"message":"oops"}}', int(fault))
            case "400":
                return Answer(b'{"error":{"message":"no such column"}}', 400)
            case "empty":
                return Answer(b"")
            case "cut gzip":
                packed = gzip.compress(body)
                return Answer(packed[: len(packed) // 2], headers={"Content-Encoding": "gzip"})
            case "gzip bomb":
                return Answer(gzip.compress(b" " * 80_000_000), headers={"Content-Encoding": "gzip"})
            case "redirect elsewhere":
                return Answer(b"", 302, {"Location": f"http://localhost:{self._server.server_address[1]}/elsewhere"})
            case "redirect here":
                query = "&".join(f"{name}={value.replace(' ', '%20')}" for name, value in params.items())
                return Answer(b"", 307, {"Location": f"/moved{self.shape.path}?{query}"})
            case "gone":
                return Answer(b'{"error":{"message":"the cursor expired"}}', 410) if "cursor" in params else answer
            case "no list":
                return Answer(b'{"message":"come back later"}')
            case "skewed clock":
                return _too_many(datetime.now(UTC) + timedelta(days=400))
            case "hang" | "slow drip":
                return Answer(body)
            case _:
                return self._other_page(fault, answer, right, params)

    def _is_same_listing(self, params: dict[str, str]) -> bool:
        """Whether the request before asked for another page of the same, or says in what it gets that it did not."""
        return "start_date" in params or {**params, "cursor": "", "page": ""} == self._listing

    def _other_page(self, fault: str, answer: Answer, right: Any, params: dict[str, str]) -> Answer:
        """Another page than the one that was asked for."""
        rows = right["data"] if isinstance(right, dict) else right
        if not isinstance(rows, list):
            return answer
        match fault:
            case "page before" if self._before not in (None, right) and self._is_same_listing(params):
                return Answer(json.dumps(self._before).encode())
            case "page after" if "page" in params:
                return Answer(json.dumps(self.shape.answer({**params, "page": str(int(params["page"]) + 1)})).encode())
            case "loop" if isinstance(right, dict) and "cursor" in params and "next_cursor" in right:
                return Answer(json.dumps({**right, "next_cursor": params["cursor"]}).encode())
            case "overlap" if self._before is not None and isinstance(self._before, dict) and rows:
                both = [*self._before["data"][-1:], *rows]
                return Answer(json.dumps({**right, "data": both}).encode())
            case "another order" if len(rows) > 1:
                turned = rows[::-1]
                return Answer(json.dumps({**right, "data": turned} if isinstance(right, dict) else turned).encode())
            case "half the records" if len(rows) > 1 and "total" in right:
                return Answer(json.dumps({**right, "data": rows[: len(rows) // 2]}).encode())
        return answer


def _too_many(now: datetime) -> Answer:
    """Asks to wait for two seconds on a clock of its own."""
    until = now + timedelta(seconds=2)
    return Answer(b"{}", 429, {"Date": format_datetime(now, True), "Retry-After": format_datetime(until, True)})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    gateway: Gateway

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is the client's affair."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/elsewhere":
            self.server.gateway.elsewhere += 1
        params = dict(parse_qsl(parts.query))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault, answer = self.server.gateway.answer(parts.path, params, headers)
        if answer is None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        if fault == "hang":
            time.sleep(self.server.gateway.hold_seconds)
            self.close_connection = True
            return
        self._send(fault, answer)

    def _send(self, fault: str | None, answer: Answer) -> None:
        self.send_response_only(answer.status)
        length = len(answer.body) + (100 if fault == "wrong length" else 0)
        headers = {"Content-Type": "application/json", "Content-Length": str(length), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        if fault in ("wrong length", "truncated"):
            self.close_connection = True
        self.end_headers()
        if fault == "slow drip":
            for start in range(0, len(answer.body), max(1, len(answer.body) // 5)):
                self.wfile.write(answer.body[start : start + max(1, len(answer.body) // 5)])
                self.wfile.flush()
                time.sleep(self.server.gateway.hold_seconds / 50)
            return
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay silent."""
