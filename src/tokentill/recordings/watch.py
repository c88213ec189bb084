"""Prices that are loaded again when their folder has changed, for processes that run for months.

What is handed out is always one whole, valid, immutable book. A folder that is broken, half written or gone changes
nothing: the last good book stays, and `problem` says what is wrong until it is mended. The only thing that changes is
which book `current` gives; it is exchanged in one assignment, so threads need no lock of their own.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from tokentill.clock import MICROSECOND
from tokentill.errors import Refused, TokentillError
from tokentill.recordings.paths import toml_and_json

Loaded = TypeVar("Loaded")
Stamps = tuple[tuple[str, int, int, int, int], ...]
TRIES_MAX = 5
"""How often a folder that is being written is read before its last state is kept."""

CHECK_EVERY = timedelta(seconds=1)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A folder as it was when something was made of it, and why that failed if it did.

    `is_settled` once the files were compared by content after they were loaded: two writes within one tick of the
    file system's clock have the same stamps.
    """

    stamps: Stamps = ()
    digest: str = ""
    problem: Exception | None = None
    is_settled: bool = False


class WatchedFolder(Generic[Loaded]):
    """Whatever is made of a folder, made anew when the folder has changed. Safe to share between threads.

    Args:
        folder: a folder of TOML and JSON files.
        load: makes the value; it must be immutable.
        check_every: how long to go without a look at the folder. A look costs one `stat` a file.

    Raises:
        TokentillError: what `load` raises, when there is nothing good to begin with.
    """

    def __init__(
        self, folder: str | PathLike[str], load: Callable[[Path], Loaded], *, check_every: timedelta = CHECK_EVERY
    ) -> None:
        self.folder = Path(folder)
        self._load = load
        self._check_every_ns = check_every // MICROSECOND * 1000
        self._looking = Lock()
        self._seen = _Seen()
        self._read()
        if self._seen.problem is not None:
            raise self._seen.problem
        self._next_look_ns = time.monotonic_ns() + self._check_every_ns

    def current(self) -> Loaded:
        """The newest good value. It looks at the folder when it is time to, in the calling thread."""
        if time.monotonic_ns() >= self._next_look_ns and self._looking.acquire(blocking=False):
            try:
                self._look()
                self._next_look_ns = time.monotonic_ns() + self._check_every_ns
            finally:
                self._looking.release()
        return self._value

    def reload(self) -> Loaded:
        """Look at the folder now, and tell the caller what is wrong with it.

        Raises:
            InvalidFiles: when it is broken; `current` goes on giving the last good value.
        """
        with self._looking:
            self._look()
            value, problem = self._value, self._seen.problem
        if problem is not None:
            raise problem
        return value

    @property
    def problem(self) -> Exception | None:
        """Why the folder as it is now could not be loaded; None when `current` gives what lies in it."""
        return self._seen.problem

    def _look(self) -> None:
        """Compare the folder with what was made of it, and make it anew if it is another one."""
        seen, stamps = self._seen, _stamps(self.folder)
        if stamps == seen.stamps and seen.is_settled:
            return
        if _digest(self.folder) == seen.digest:
            self._seen = replace(seen, stamps=stamps, is_settled=True)
            return
        self._read()
        if self._seen.problem is None:
            _LOG.info("loaded %s again", self.folder)
        else:
            _LOG.warning(
                "kept what was loaded of %s before, since it is broken now: %s", self.folder, self._seen.problem
            )

    def _read(self) -> None:
        """Make something of one state of the folder, not of a mixture, or note what is wrong with it."""
        for _ in range(TRIES_MAX):
            stamps, digest = _stamps(self.folder), _digest(self.folder)
            try:
                value, problem = self._load(self.folder), None
            except (TokentillError, OSError) as error:
                problem = error
            if _digest(self.folder) == digest:
                if problem is None:
                    self._value = value
                self._seen = _Seen(stamps, digest, problem)
                return
        self._seen = _Seen(problem=Refused(f"the folder {str(self.folder)!r} is being changed while it is read"))


def _stamps(folder: Path) -> Stamps:
    """What tells cheaply that a file was changed. A file that vanishes meanwhile is left out."""
    stamps = []
    for path in toml_and_json(folder):
        with suppress(OSError):
            stat = (folder / path).stat()
            stamps.append((path, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino))
    return tuple(stamps)


def _digest(folder: Path) -> str:
    """A hash of the paths and bytes of all files. A file that cannot be read is left out."""
    whole = hashlib.sha256()
    for path in toml_and_json(folder):
        with suppress(OSError), (folder / path).open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{content} {path}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
