"""One call after the other is watched, from its request to the record that the sink takes.

Nothing here may fail the call: what goes wrong is counted and logged, without a word of what was asked or answered.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from tokentill.capture.calls import Call, CallOutcome, own_ids_in, record_of, reports_usage
from tokentill.capture.copies import AnswerCopy
from tokentill.capture.ids import PROCESS_IDS
from tokentill.capture.locks import ForkedLock
from tokentill.capture.sinks import Sink, sink_of
from tokentill.capture.surfaces import form_of
from tokentill.capture.users import present_user
from tokentill.clock import Clock
from tokentill.errors import InvalidCall, InvalidRecord, TokentillError
from tokentill.sources.responses.enveloped import SURFACES
from tokentill.usage.ids import check_ids
from tokentill.usage.record import Status

End = Literal["over", "broken", "closed"]
"""How the bytes of an answer ended: all were read, they broke off, or the application stopped reading."""

_LOG = logging.getLogger(__name__)
_TIMED_OUT = (504, 524)
"""A gateway gave up waiting; the vendor may have answered it all the same."""
_STATUSES: Mapping[End, Status] = {"over": "ok", "broken": "unknown", "closed": "cancelled"}


class Watcher:
    """What the transports of both kinds have in common: settings, counters and the sink.

    Attributes:
        records: records that the sink took.
        lost: calls whose record could not be made or that the sink did not take.
        refused: requests that were never sent or were answered by an error without usage; they make no record.
    """

    def __init__(
        self, sink: Sink, *, source: str | None, surface: str | None, clock: Clock, body_bytes_max: int
    ) -> None:
        if source is not None:
            try:
                check_ids({"source": source}, {})
            except InvalidRecord as error:
                raise InvalidCall(str(error)) from None
        if surface is not None and surface not in SURFACES:
            raise InvalidCall(f"{surface!r} is not a surface; there are {', '.join(SURFACES)}")
        by_source = None if source is None else source.partition(":")[0]
        self.source = source
        self.surface = surface or (by_source if by_source in SURFACES else None)
        self.clock = clock
        self.body_bytes_max = body_bytes_max
        self.sink = sink_of(sink)
        self.records = self.lost = self.refused = 0
        self._lock = ForkedLock()
        self._dropped: deque[WatchedCall] = deque()

    def begin(
        self, method: str, host: str, path: str, headers: Mapping[str, str], content: bytes | None
    ) -> WatchedCall | None:
        """Watch a request that is about to be sent; None when it calls no model."""
        self.finish_dropped()
        with self._guarded():
            form = form_of(method, path)
            if form is not None:
                own_ids = own_ids_in(headers)
                return WatchedCall(self, Call(form, host, content, own_ids, self.clock.now(), present_user()))
        return None

    def drop(self, watched: WatchedCall) -> None:
        """Finish a call later, of which the application lost sight; the sink is not called wherever that happens."""
        self._dropped.append(watched)

    def finish_dropped(self) -> None:
        """Finish the calls of which the application lost sight."""
        while self._dropped:
            self._dropped.popleft().finish("closed")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Whatever goes wrong inside is a record that is lost, and not the application's failure."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the application's call is not to know of it
            self.count(lost=1)
            _LOG.error("a call was not captured: %s", _name_of(error))

    def count(self, *, records: int = 0, lost: int = 0, refused: int = 0) -> None:
        """Add to the counters."""
        with self._lock:
            self.records += records
            self.lost += lost
            self.refused += refused

    def hand_over(self, call: Call, outcome: CallOutcome) -> None:
        """Make the record of a call and give it to the sink."""
        with self._guarded():
            record, fault = record_of(call, outcome, source=self.source, surface=self.surface, ids=PROCESS_IDS)
            if fault is not None:
                _LOG.warning("the usage of %s %s is missing: %s", record.source, record.record_id, fault)
            try:
                self.sink(record)
            except Exception as error:  # noqa: BLE001 - it is counted
                self.count(lost=1)
                _LOG.error("the sink did not take %s %s: %s", record.source, record.record_id, _name_of(error))
            else:
                self.count(records=1)


def _name_of(error: Exception) -> str:
    """What may be logged of an error that can be anybody's: its kind, and the system's own words."""
    said = error.strerror if isinstance(error, OSError) else str(error) if isinstance(error, TokentillError) else None
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


class WatchedCall:
    """One call on its way. Its methods never raise."""

    def __init__(self, watcher: Watcher, call: Call) -> None:
        self._watcher = watcher
        self._call = call
        self._copy: AnswerCopy | None = None
        self._headers: Mapping[str, str] = {}
        self._code = 0
        self._passing = b""
        self._is_finished = False

    def answered(self, code: int, headers: Mapping[str, str]) -> bool:
        """Take in the head of the answer; whether the body is to be watched. That of a redirection is not."""
        self._code, self._headers = code, headers
        with self._reading():
            content_type, encoding = headers.get("content-type", ""), headers.get("content-encoding", "")
            self._copy = AnswerCopy(self._call.form, content_type, encoding, self._watcher.body_bytes_max)
        self._is_finished = 300 <= code < 400
        return not self._is_finished

    def passing(self, chunk: bytes) -> None:
        """Note bytes that are on their way to the application. They are read when it asks for the next ones."""
        self.passed()
        self._passing = chunk

    def passed(self) -> None:
        """Read the bytes that the application has by now."""
        chunk, self._passing = self._passing, b""
        if chunk and self._copy is not None and not self._is_finished:
            with self._reading():
                self._copy.add(chunk)

    def failed(self, status: Status) -> None:
        """No answer came, and whether the request was served nobody knows."""
        if not self._is_finished:
            self._is_finished = True
            self._watcher.hand_over(self._call, CallOutcome({}, {}, "no answer came", status))

    def not_sent(self) -> None:
        """The request did not reach anybody."""
        self._is_finished = True
        self._watcher.count(refused=1)

    def finish(self, end: End) -> None:
        """No more bytes come. Only the first time counts."""
        if self._is_finished:
            return
        self.passed()
        self._is_finished = True
        outcome: CallOutcome | None = None
        with self._reading():
            if self._copy is not None:
                outcome = self._outcome(self._copy, end)
        if self._copy is None:
            outcome = CallOutcome(self._headers, {}, "the answer could not be read", _STATUSES[end])
        if outcome is None:
            self._watcher.count(refused=1)
        else:
            self._watcher.hand_over(self._call, outcome)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """What goes wrong inside leaves the answer unread, and the usage missing."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the application's call is not to know of it
            self._copy = None
            _LOG.error("an answer could not be read: %s", _name_of(error))

    def _outcome(self, copy: AnswerCopy, end: End) -> CallOutcome | None:
        """What came of it; None for an error that used nothing."""
        said, fault = copy.said()
        status: Status = copy.status
        if self._code >= 400:
            if not reports_usage(said):
                if self._code not in _TIMED_OUT:
                    return None
                fault, status = "the gateway gave up waiting", "unknown"
            else:
                status = "error"
        elif fault is not None and end != "over" and status in ("ok", "unknown"):
            status = _STATUSES[end]
        return CallOutcome(self._headers, said, fault, status, copy.is_stream)

    def drop(self) -> None:
        """The application lost sight of the call."""
        if not self._is_finished:
            self._watcher.drop(self)
