"""A file of captured records, one canonical line each, to be taken in by `tokentill ingest`.

Each line is one write to a descriptor that appends, so several threads and processes may share the file, and what was
written stays when the process is killed. A line that a crash cut off is ended before the next one is written.
"""

from __future__ import annotations

import os
from pathlib import Path

from tokentill.capture.locks import ForkedLock
from tokentill.errors import InvalidCall
from tokentill.usage.record import UsageRecord

MODE = 0o600
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


class Spool:
    """Appends records to a file that only its owner can read. Called with a record, it is a sink.

    The file may be moved away while others write: the next record makes a new one.

    Args:
        path: the file; it is made when it is not there, its folder is not.
        fsync: whether a record has reached the disk before the call returns, so that it survives a loss of power and
            not only of the process. Costs a few milliseconds a record on many disks.

    Raises:
        InvalidCall: when the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, fsync: bool = False) -> None:
        self.path = Path(path).absolute()  # where it lies, wherever the process goes later
        self._fsync = fsync
        self._lock = ForkedLock()
        try:
            self._descriptor = self._opened()
        except OSError as error:
            raise InvalidCall(f"the spool {self.path} cannot be written: {error.strerror or error}") from None

    def __call__(self, record: UsageRecord) -> None:
        """Append a record.

        Raises:
            OSError: when it could not be written; the file may then end in a part of it, which counts for nothing.
        """
        line = record.content_bytes() + b"\n"
        with self._lock:
            if self._was_moved():
                moved, self._descriptor = self._descriptor, self._opened()
                os.close(moved)
            self._append(line)

    def _append(self, line: bytes) -> None:
        end = os.fstat(self._descriptor).st_size
        if end and os.pread(self._descriptor, 1, end - 1) != b"\n":
            line = b"\n" + line
        # A rest is never written by a second call: another process may have come between.
        if os.write(self._descriptor, line) < len(line):
            raise OSError(f"{self.path} took a part of the record only; is the disk full?")
        if self._fsync:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _opened(self) -> int:
        descriptor = os.open(self.path, _FLAGS, MODE)
        if self._fsync:
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return descriptor

    def _was_moved(self) -> bool:
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return True
