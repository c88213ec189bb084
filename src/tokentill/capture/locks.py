"""A lock that a forked process does not inherit in a locked state."""

from __future__ import annotations

import os
from threading import Lock
from types import TracebackType


class ForkedLock:
    """A lock among the threads of a process; each process that is forked from it begins with an open one."""

    def __init__(self) -> None:
        self._of_process = (os.getpid(), Lock())

    def __enter__(self) -> None:
        if self._of_process[0] != os.getpid():  # there is one thread as yet
            self._of_process = (os.getpid(), Lock())
        self._of_process[1].acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._of_process[1].release()
