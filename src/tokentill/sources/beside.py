"""Columns of lines that are made by a process of its own, beside the one that stores them.

What a reader makes of lines depends on nothing but what it read before, so it makes the same of them in another
process; and while one batch is stored, the lines of the next are read. Small inputs are not worth it, and neither is a
machine of one core. As long as the other process is not there yet, and when it is not there any more, lines are read
in this one: it may end at any time, and nothing of what it says is needed.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import RawIOBase
from typing import Any, cast

from tokentill.sources.layouts import Piece, Run
from tokentill.sources.layouts.parquet_rows import ParquetRows
from tokentill.sources.line_readers import ColumnsOfLines, InputLines
from tokentill.usage.columns import SeriesKey, SeriesNumbers, UsageColumns

BEGIN_BYTES = 4 * 2**20
"""How much of an input is read before another process is started for the rest."""

AHEAD_BYTES = 64 * 2**20
"""How much is read ahead of what is taken."""

ANSWER_SECONDS_MAX = 60
"""One that has not read a run by then is not waited for."""

_LENGTH_BYTES = 8
_PIPE_BYTES = 2**20
_WHO = os.path.abspath(__file__).encode()

RunRead = tuple[Run | Piece, UsageColumns, list[int]]
"""A run, its columns, and the places of its odd lines."""

_ReadThere = tuple[bool, list[SeriesKey], tuple[Any, ...], list[int]]
"""Whether series begin anew, those that are new, the columns, and the odd places."""


def runs_read(
    runs: Iterable[Run | Piece], lines: InputLines, within: Callable[[], tuple[int, int]]
) -> Iterator[RunRead]:
    """Each run with its columns, in order. A piece that comes alone is odd.

    Args:
        within: gives the first and the last instant of records that are not odd, at this moment.
    """
    here = ColumnsOfLines(lines, SeriesNumbers())
    taken = 0
    ahead: _Ahead | None = None
    try:
        for run in runs:
            size = 0 if len(run) == 3 else _size_of(run[1])
            taken += size
            if ahead is None and taken > BEGIN_BYTES and _is_worth_it():
                ahead = _Ahead(lines)
            if ahead is not None and ahead.is_ready(here.names):
                yield from ahead.asked(run, size, within())
            else:
                yield _read(here, run, within())
        if ahead is not None:
            yield from ahead.rest()
    finally:
        if ahead is not None:
            ahead.end()


def _read(columns: ColumnsOfLines, run: Run | Piece, within: tuple[int, int]) -> RunRead:
    return (run, UsageColumns(columns.names), [0]) if len(run) == 3 else (run, *columns.of(run[1], within))


def _size_of(lines: Sequence[bytes]) -> int:
    """About how many bytes lines have."""
    return lines.size if isinstance(lines, ParquetRows) else sum(map(len, lines))


def _is_worth_it() -> bool:
    """Whether there is another core, and a Python that could be started on it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1 and bool(sys.executable) and not hasattr(sys, "frozen")


class _Ahead:
    """Another process that reads lines, and what it was asked for and is still to be taken."""

    def __init__(self, lines: InputLines) -> None:
        self._lines = lines
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pipesize=_PIPE_BYTES,
            start_new_session=True,  # so that what interrupts this one is not told to it
        )
        self._to, self._from = cast(RawIOBase, self._process.stdin), cast(RawIOBase, self._process.stdout)
        self._thread = ThreadPoolExecutor(1)  # which waits for the other process while this one stores
        self._greeting: Future[None] = self._thread.submit(self._greeted)
        self._names: SeriesNumbers | None = None
        self._numbers: list[int] = []  # in `_names`, of the series by their numbers there: odd lines bring others here
        self._here: ColumnsOfLines | None = None
        self._waiting: deque[tuple[Run | Piece, int, tuple[int, int], Future[bytes] | None]] = deque()
        self._waiting_bytes = 0

    def is_ready(self, names: SeriesNumbers) -> bool:
        """Whether lines can be given to it. Then it goes on where these series end."""
        if self._names is None and self._greeting.done() and not self._greeting.exception():
            self._names, self._numbers = names, list(range(len(names.keys)))
            self._thread.submit(self._told, (self._lines, names.keys[:]))
        return self._names is not None

    def asked(self, run: Run | Piece, size: int, within: tuple[int, int]) -> Iterator[RunRead]:
        """Ask for the columns of a run, and take those of others as long as it is too far ahead."""
        asked = None if len(run) == 3 else self._thread.submit(self._answer, (run[1], within))
        self._waiting.append((run, size, within, asked))
        self._waiting_bytes += size
        while self._waiting_bytes > AHEAD_BYTES:
            yield self._next()

    def rest(self) -> Iterator[RunRead]:
        """What is still to be taken."""
        while self._waiting:
            yield self._next()

    def end(self) -> None:
        """Ask for nothing more."""
        self._process.kill()
        self._thread.shutdown(cancel_futures=True)
        self._process.wait()
        for pipe in (self._to, self._from):
            with suppress(OSError):
                pipe.close()

    def _next(self) -> RunRead:
        run, size, within, asked = self._waiting.popleft()
        self._waiting_bytes -= size
        assert self._names is not None
        if self._here is None and asked is not None:
            try:
                is_anew, keys, columns, odd = cast(_ReadThere, pickle.loads(asked.result(ANSWER_SECONDS_MAX)))  # noqa: S301
            except (OSError, EOFError, ValueError):  # it is not there any more, or does not answer
                self._process.kill()
                self._here = ColumnsOfLines(self._lines, self._names)
            else:
                if is_anew:
                    self._names, self._numbers = SeriesNumbers(), []
                self._numbers += map(self._names.of, keys)
                series, *others = columns
                series = list(map(self._numbers.__getitem__, series))
                return run, UsageColumns(self._names, series, *others), odd
        if self._here is None:
            return run, UsageColumns(self._names), [0]
        return _read(self._here, run, within)

    def _greeted(self) -> None:
        """Wait for the other process, which has to be of the same code.

        Raises:
            OSError, EOFError: when it is not.
        """
        if self._heard(len(_WHO)) != _WHO:
            raise EOFError

    def _told(self, what: object) -> None:
        """Tell it something, at once: each part would have this process stop for it.

        Raises:
            OSError: when it has ended.
        """
        left = memoryview(pickle.dumps(what))
        while left:
            left = left[self._to.write(left) :]

    def _answer(self, what: object) -> bytes:
        """Ask it something.

        Raises:
            OSError, EOFError: when it has ended.
        """
        self._told(what)
        return self._heard(int.from_bytes(self._heard(_LENGTH_BYTES), "big"))

    def _heard(self, count: int) -> bytes:
        parts = list[bytes]()
        while count:
            parts.append(self._from.read(count) or b"")
            if not parts[-1]:
                raise EOFError
            count -= len(parts[-1])
        return b"".join(parts)


def main() -> None:
    """Read lines for another process, until it asks for nothing more."""
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(_WHO)
    answers.flush()
    lines, keys = pickle.load(questions)  # noqa: S301 - of our own
    names = SeriesNumbers()
    for key in keys:
        names.of(key)
    columns = ColumnsOfLines(lines, names)
    told = len(keys)
    while True:
        run, within = pickle.load(questions)  # noqa: S301 - of our own
        read, odd = columns.of(run, within)
        is_anew = read.names is not names
        names, told = read.names, 0 if is_anew else told
        answer = pickle.dumps((is_anew, names.keys[told:], read.values(), odd))
        told = len(names.keys)
        answers.write(len(answer).to_bytes(_LENGTH_BYTES, "big") + answer)
        answers.flush()


if __name__ == "__main__":
    with suppress(EOFError, OSError):
        main()
