"""Where captured records go: a spool, a function, or a till."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from inspect import iscoroutinefunction
from typing import Any, Protocol, runtime_checkable

from tokentill.capture.locks import ForkedLock
from tokentill.capture.spool import Spool
from tokentill.errors import InvalidCall
from tokentill.usage.record import UsageRecord

IMPORT_NAME = "capture"
"""How imports of a till name what was captured."""


@runtime_checkable
class TakesRecords(Protocol):
    """A `Till`, of which this room knows no more than that."""

    def ingest(self, records: Iterable[UsageRecord], *, name: str) -> Any:
        """Take records in."""


RecordSink = Callable[[UsageRecord], object]
Sink = str | os.PathLike[str] | RecordSink | TakesRecords


def sink_of(sink: Sink) -> RecordSink:
    """What takes one record.

    Args:
        sink: the path of a spool, a function that takes a record, or a till, into which each record is an import.

    Raises:
        InvalidCall: when it is none of these, or the spool cannot be written.
    """
    if isinstance(sink, (str, os.PathLike)):
        return Spool(sink)
    if isinstance(sink, TakesRecords):
        return _into(sink)
    if not callable(sink):
        raise InvalidCall(f"sink is {type(sink).__name__}, not the path of a spool, a function or a Till")
    if iscoroutinefunction(sink):
        raise InvalidCall(
            "sink is an async function; give one that takes the record at once, such as a queue's put_nowait"
        )
    return sink


def _into(till: TakesRecords) -> RecordSink:
    """One record after the other, whatever thread it comes from."""
    lock = ForkedLock()

    def take(record: UsageRecord) -> None:
        with lock:
            till.ingest([record], name=IMPORT_NAME)

    return take
