"""httpx transports that let every byte pass as it is and see what the answers say of their usage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import cast

import httpx

from tokentill.capture.sinks import Sink
from tokentill.capture.watching import End, WatchedCall, Watcher
from tokentill.clock import SYSTEM_CLOCK, Clock

BODY_BYTES_MAX = 16 * 1024 * 1024
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class _Counted:
    """What a transport tells of its calls."""

    _watcher: Watcher

    @property
    def records(self) -> int:
        """How many records the sink took."""
        return self._watcher.records

    @property
    def lost(self) -> int:
        """How many calls have no record, since the sink failed or none could be made; each is logged."""
        return self._watcher.lost

    @property
    def refused(self) -> int:
        """How many requests were not sent, or answered by an error that reports no usage; they have no record."""
        return self._watcher.refused


class CaptureTransport(_Counted, httpx.BaseTransport):
    """Hands a record of every call of a model to a sink; for `httpx.Client(transport=...)`.

    Args:
        sink: the path of a spool (see `Spool`), a function that takes a `UsageRecord`, or a `Till`. It is called in the
            thread of the call, when the last byte has passed.
        source: the source of the records, such as `arouter` or `openrouter:team-a`; by default what the answers are
            read as.
        transport: what sends the requests; `httpx.HTTPTransport()` by default. It is closed with this one.
        surface: as whose answers they are read (`openai`, `anthropic`, `arouter`, `openrouter`, `litellm`, `mistral`,
            `gemini`). By default the first word of the source, if it is one; otherwise the host, LiteLLM's headers and
            the path decide.
        clock: tells when a request is sent, which is when its record occurred.
        body_bytes_max: the longest plain answer, and the longest event of a streamed one, that is read. Of a longer one
            the usage is missing.

    Raises:
        InvalidCall: for a sink, source or surface that is none.
    """

    def __init__(
        self,
        sink: Sink,
        source: str | None = None,
        transport: httpx.BaseTransport | None = None,
        *,
        surface: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        body_bytes_max: int = BODY_BYTES_MAX,
    ) -> None:
        self._watcher = Watcher(sink, source=source, surface=surface, clock=clock, body_bytes_max=body_bytes_max)
        self._transport = httpx.HTTPTransport() if transport is None else transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Whatever the other transport raises is raised."""
        watched = _watched(self._watcher, request)
        if watched is None:
            return self._transport.handle_request(request)
        try:
            response = self._transport.handle_request(request)
        except BaseException as error:
            _note_failure(watched, error)
            raise
        if not watched.answered(response.status_code, response.headers):
            return response
        return _with_stream(response, _PassingBytes(cast(httpx.SyncByteStream, response.stream), watched))

    def __enter__(self) -> CaptureTransport:
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._watcher.finish_dropped()
        self._transport.__exit__(exc_type, exc_value, traceback)

    def close(self) -> None:
        """Close the other transport."""
        self._watcher.finish_dropped()
        self._transport.close()


class AsyncCaptureTransport(_Counted, httpx.AsyncBaseTransport):
    """The same for `httpx.AsyncClient(transport=...)`. The sink is called in the event loop: give a quick one."""

    def __init__(
        self,
        sink: Sink,
        source: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        surface: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        body_bytes_max: int = BODY_BYTES_MAX,
    ) -> None:
        self._watcher = Watcher(sink, source=source, surface=surface, clock=clock, body_bytes_max=body_bytes_max)
        self._transport = httpx.AsyncHTTPTransport() if transport is None else transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Whatever the other transport raises is raised."""
        watched = _watched(self._watcher, request)
        if watched is None:
            return await self._transport.handle_async_request(request)
        try:
            response = await self._transport.handle_async_request(request)
        except BaseException as error:
            _note_failure(watched, error)
            raise
        if not watched.answered(response.status_code, response.headers):
            return response
        return _with_stream(response, _AsyncPassingBytes(cast(httpx.AsyncByteStream, response.stream), watched))

    async def __aenter__(self) -> AsyncCaptureTransport:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._watcher.finish_dropped()
        await self._transport.__aexit__(exc_type, exc_value, traceback)

    async def aclose(self) -> None:
        """Close the other transport."""
        self._watcher.finish_dropped()
        await self._transport.aclose()


class _PassingBytes(httpx.SyncByteStream):
    """The bytes of an answer, each chunk given before it is looked at."""

    def __init__(self, stream: httpx.SyncByteStream, watched: WatchedCall) -> None:
        self._stream = stream
        self._watched = watched

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                self._watched.passing(chunk)
                yield chunk
        except GeneratorExit:  # the application may come back to it, until it closes the answer or drops it
            raise
        except BaseException as error:
            self._watched.finish(_end_by(error))
            raise
        self._watched.finish("over")

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._watched.finish("closed")

    def __del__(self) -> None:
        self._watched.drop()


class _AsyncPassingBytes(httpx.AsyncByteStream):
    """The same, asynchronously."""

    def __init__(self, stream: httpx.AsyncByteStream, watched: WatchedCall) -> None:
        self._stream = stream
        self._watched = watched

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._watched.passing(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self._watched.finish(_end_by(error))
            raise
        self._watched.finish("over")

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._watched.finish("closed")

    def __del__(self) -> None:
        self._watched.drop()


def _watched(watcher: Watcher, request: httpx.Request) -> WatchedCall | None:
    try:
        content: bytes | None = request.content
    except httpx.RequestNotRead:  # it is sent piece by piece
        content = None
    return watcher.begin(request.method, request.url.host, request.url.path, request.headers, content)


def _end_by(error: BaseException) -> End:
    """How an answer ended that was broken off by an error; one that is no `Exception` is a cancellation."""
    return "broken" if isinstance(error, Exception) else "closed"


def _note_failure(watched: WatchedCall, error: BaseException) -> None:
    if isinstance(error, _NOT_SENT):
        watched.not_sent()
    else:
        watched.failed("unknown" if isinstance(error, Exception) else "cancelled")


def _with_stream(response: httpx.Response, stream: httpx.SyncByteStream | httpx.AsyncByteStream) -> httpx.Response:
    """The response over another stream. A new one: that of a mock transport holds its content already."""
    return httpx.Response(response.status_code, headers=response.headers, stream=stream, extensions=response.extensions)
