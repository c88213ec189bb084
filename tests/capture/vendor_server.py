"""An HTTP server on loopback that answers as vendors do: plain, streamed, compressed, with errors, and cut off."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_SECONDS = 20


@dataclass
class Reply:
    """One answer.

    Args:
        pieces: sent one by one; where there is a function, it is called, and what follows is sent when it returns.
        is_cut: whether the connection is closed without an end of the answer.
    """

    pieces: Sequence[bytes | Callable[[], object]]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False


def plain(answer: Any, *, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply([json.dumps(answer).encode()], status, {"content-type": "application/json", **named})


def compressed(reply: Reply) -> Reply:
    """The same answer as gzip, if its pieces are bytes."""
    body = gzip.compress(b"".join(piece for piece in reply.pieces if isinstance(piece, bytes)))
    halves = [body[: len(body) // 2], body[len(body) // 2 :]]
    return Reply(halves, reply.status, {**reply.headers, "content-encoding": "gzip"}, reply.is_cut)


def event(data: Any, name: str | None = None) -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def streamed(*pieces: bytes | Callable[[], object], is_cut: bool = False, **headers: str) -> Reply:
    """An answer of events."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(pieces, 200, {"content-type": "text/event-stream", **named}, is_cut)


@dataclass
class Received:
    """A request that the server saw."""

    path: str
    headers: Mapping[str, str]
    body: Any


class VendorServer:
    """Gives the replies that it was told to give, one a request, the last one for ever."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.received: list[Received] = []
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                outer._answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()

    def reply_with(self, *replies: Reply) -> None:
        """What to answer from now on."""
        self.replies = list(replies)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        with self.lock:
            self.received.append(Received(handler.path, dict(handler.headers), json.loads(body) if body else None))
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        try:
            _send(handler, reply)
        except OSError:  # the client is gone
            handler.close_connection = True


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    for piece in reply.pieces:
        if callable(piece):
            piece()
        elif piece:
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            handler.wfile.flush()
    if reply.is_cut:
        handler.close_connection = True
        return
    handler.wfile.write(b"0\r\n\r\n")


@contextmanager
def vendor_server() -> Iterator[VendorServer]:
    """A server for as long as the block runs."""
    server = VendorServer()
    try:
        yield server
    finally:
        server.close()
