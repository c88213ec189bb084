"""Asking a gateway over HTTP: one page at a time, within limits of size and time, again while it may help.

A call is made again after 429, 5xx, a connection that failed and an answer that is torn or is none, with growing waits
that differ from process to process, and never before the gateway says (`Retry-After`). Any other 4xx is final. The key
is sent in one header, to the host that was named and to no other; no message, log or file holds it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from io import BytesIO
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

from tokentill.clock import Clock, to_micros
from tokentill.errors import InvalidRecord, NoAnswer, Refused
from tokentill.shipped import __version__
from tokentill.sources.compression import ByteInput, Limits
from tokentill.sources.strict_json import parse_object

TRIES = 8
WAIT_MS_FIRST, WAIT_MS_MAX = 500, 30_000
WAIT_MS_TOTAL = 300_000
"""What all waits between the tries of one call may come to; a gateway that asks for more is not asked again."""
ANSWER_SECONDS_MAX = 180
"""How long one answer may take, however steadily it drips."""
ANSWER_BYTES_MAX = 64 * 1024**2
REDIRECTS_MAX = 3
WORDS_MAX, WORDS_BYTES = 200, 16 * 1024

_INFLATING = Limits(inflated_bytes_max=ANSWER_BYTES_MAX, ratio_from_bytes=8 * 1024**2)
_KEY_REFUSED = (401, 403)

Read = TypeVar("Read")
Pause = Callable[[float], None]
PageParams = Mapping[str, str]


class MayPass(Exception):
    """An answer that may be another one when it is asked for again, and how long the gateway asks to wait."""

    def __init__(self, reason: str, wait_ms: int = 0) -> None:
        self.wait_ms = wait_ms
        super().__init__(reason)


class GatewayRefused(Refused):
    """An answer that would be the same again, with its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)

    @property
    def kind(self) -> str:
        """What `--json` calls it."""
        return Refused.__name__


class GatewayClient(AbstractContextManager["GatewayClient"]):
    """One gateway. Use it as a context manager.

    Args:
        name: the source, for messages.
        url: its address, to which paths are added.
        key: sent as a bearer token; None sends none.
        timeout_seconds: how long it may be silent.
        clock: tells when a `Retry-After` is, where the gateway does not say what time it has.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        name: str,
        url: str,
        key: str | None,
        *,
        timeout_seconds: int,
        clock: Clock,
        sleep: Pause = time.sleep,
    ) -> None:
        self.name = name
        self._url = url
        self._key = key
        self._clock = clock
        self._sleep = sleep
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": f"tokentill/{__version__}"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        self._http = httpx.Client(headers=headers, timeout=timeout_seconds, follow_redirects=False)

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, params: PageParams, read: Callable[[bytes], Read]) -> Read:
        """Ask for something, again while that may help.

        Args:
            read: what to make of the bytes of an answer; raises `MayPass` for those that are not what was asked for.

        Raises:
            NoAnswer: when there was none, however often it was asked for.
            GatewayRefused: for an answer that would be the same again.
            Refused: for an answer that is too large, or lies elsewhere.
        """
        waited = 0
        for number in range(1, TRIES + 1):
            try:
                return read(self._answer(self._url + path, params))
            except MayPass as fault:
                wait = max(self._backoff_ms(path, number), fault.wait_ms)
                if number == TRIES or waited + wait > WAIT_MS_TOTAL:
                    again = f"it asks to wait {fault.wait_ms // 1000} s; " if fault.wait_ms > WAIT_MS_MAX else ""
                    tries = "once" if number == 1 else f"{number} times"
                    raise NoAnswer(
                        f"{self._where(path)} was asked {tries} and did not answer: {fault}; {again}run it again later"
                    ) from None
                waited += wait
                self._sleep(wait / 1000)
        raise AssertionError("a loop of tries ends by itself")

    def _answer(self, url: str, params: PageParams) -> bytes:
        """The bytes of one answer, decompressed."""
        where, asked = self._where(urlsplit(url).path), dict(params)
        try:
            for _ in range(REDIRECTS_MAX):
                with self._http.stream("GET", url, params=asked or None) as response:
                    if response.status_code == httpx.codes.OK:
                        return self._body(response, where)
                    if not response.has_redirect_location:
                        raise self._fault(response, where)
                    url, asked = self._redirected(url, response.headers["Location"], where), {}
            raise MayPass("it redirects from one place to the next")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise MayPass(f"the connection failed ({type(error).__name__})") from None

    def _redirected(self, url: str, location: str, where: str) -> str:
        """Where a redirection leads, on the same host."""
        try:
            target = urljoin(url, location)
            here, there = urlsplit(self._url), urlsplit(target)
        except ValueError:
            raise MayPass("it redirects to what is no address") from None
        if (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise Refused(
                f"{where} redirects to another host, {there.scheme}://{there.hostname!a}, which is not asked and gets"
                f" no key; if it is the gateway's own, name it as url of sources.{self.name}"
            )
        return target

    def _body(self, response: httpx.Response, where: str) -> bytes:
        ends, parts, size = time.monotonic() + ANSWER_SECONDS_MAX, [], 0
        for part in response.iter_raw():
            parts.append(part)
            size += len(part)
            if size > ANSWER_BYTES_MAX:
                raise Refused(f"{where} answered more than {ANSWER_BYTES_MAX} bytes; ask for smaller pages (page_size)")
            if time.monotonic() > ends:
                raise MayPass(f"its answer took more than {ANSWER_SECONDS_MAX} s")
        raw = b"".join(parts)
        if not raw:
            raise MayPass("its answer is empty")
        if response.headers.get("Content-Encoding", "identity").lower() == "identity":
            return raw
        compressed = ByteInput(BytesIO(raw), f"the answer of {where}", _INFLATING)
        body = b"".join(compressed.chunks())
        if compressed.fault is not None:
            raise MayPass("its answer is cut off or damaged")
        return body

    def _fault(self, response: httpx.Response, where: str) -> Exception:
        """What an answer without 200 comes to."""
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            return MayPass(f"it answered {status}", self._retry_after_ms(response))
        if status in _KEY_REFUSED:
            key = "the key" if self._key is not None else "a request without a key (name one with key_env)"
            return GatewayRefused(f"{where} refuses {key} of source {self.name} ({status})", status)
        if status < 400:
            return MayPass(f"it answered {status}")
        return GatewayRefused(f"{where} refuses the request ({status}{self._words(response)})", status)

    def _words(self, response: httpx.Response) -> str:
        """What the gateway says of it, in one line and without the key."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            return ""
        with suppress(InvalidRecord):
            said = parse_object(next(response.iter_raw(WORDS_BYTES), b""))
            inner = said.get("error")
            said = inner if isinstance(inner, dict) else said
            words = next((said[name] for name in ("message", "detail", "error") if isinstance(said.get(name), str)), "")
            if words and not (self._key is not None and self._key[:8] in words):
                return ": " + ascii(" ".join(words.split()))[1:-1][:WORDS_MAX]
        return ""

    def _retry_after_ms(self, response: httpx.Response) -> int:
        """How long the gateway asks to wait: so many seconds, or until an instant on its own clock."""
        said = response.headers.get("Retry-After", "").strip()
        if said.isascii() and said.isdigit():
            return int(said[:9]) * 1000
        until = _http_date(said)
        if until is None:
            return 0
        now = _http_date(response.headers.get("Date", "")) or self._clock.now()
        return max(0, (to_micros(until) - to_micros(now)) // 1000)

    def _backoff_ms(self, path: str, number: int) -> int:
        """How long to wait after a try: twice as long each time, and between half of it and all of it by chance.

        The chance is that of the process and the moment, so that many that failed together do not come back together.
        """
        most = min(WAIT_MS_MAX, WAIT_MS_FIRST << (number - 1))
        seed = f"{self.name} {path} {number} {os.getpid()} {time.monotonic_ns()}"
        chance = int.from_bytes(sha256(seed.encode()).digest()[:4])
        return most // 2 + chance % (most // 2 + 1)

    def _where(self, path: str) -> str:
        return f"{self._url}{path.removeprefix(urlsplit(self._url).path)}"


def _http_date(text: str) -> datetime | None:
    with suppress(ValueError, TypeError, IndexError):
        found = parsedate_to_datetime(text)
        return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).astimezone(UTC)
    return None
