"""`pricing/lock.json`: the recordings that are released, each with the hash of its content.

A released file is never edited. A comment or another order of keys is no edit; the hash is of canonical content.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tokentill.errors import Finding
from tokentill.recordings.paths import LOCK_NAME
from tokentill.recordings.recording import Recordings
from tokentill.shipped import shipped_folder

_HASH = re.compile(r"\Asha256:[0-9a-f]{64}\Z")


def read_lock(folder: Path) -> tuple[Mapping[str, str], list[Finding]]:
    """The released hash of each path, and what is wrong with the lock file itself. No file, nothing released."""
    file = folder / LOCK_NAME
    where = f"{file.as_posix()}:1"
    hint = f"restore {LOCK_NAME} from version control"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, RecursionError):
        return {}, [Finding(where, "the lock file cannot be read", hint)]
    if not isinstance(content, dict) or not all(isinstance(h, str) and _HASH.match(h) for h in content.values()):
        return {}, [Finding(where, "the lock file is not a table of paths and hashes", hint)]
    return content, []


def write_lock(folder: Path, released: Mapping[str, str]) -> None:
    """Write the lock file whole or not at all, sorted by path."""
    text = json.dumps(dict(sorted(released.items())), indent=2, ensure_ascii=True) + "\n"
    beside = folder / f".{LOCK_NAME}.{os.getpid()}"
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(folder / LOCK_NAME)


def released_files_are_unchanged(recordings: Recordings) -> Iterator[Finding]:
    """Every released file is there, with the content it was released with."""
    released, findings = read_lock(recordings.folder)
    yield from findings
    hashes = {recording.path: recording for recording in recordings}
    for path, hash_ in released.items():
        recording = hashes.get(path)
        if recording is None and path not in recordings.unread:
            message = "this file was released, and it is gone"
            yield Finding(f"{recordings.shown(path)}:1", message, "restore it; invoices were computed from it")
        elif recording is not None and recording.hash != hash_:
            message = "this file was released, and it has been edited since"
            hint = "a released file is never edited: restore it, and write a new recording"
            yield recording.file.finding((), message, hint)


def released_paths(recordings: Recordings) -> frozenset[str]:
    """Paths of the released files whose content is unchanged; a copy of a file that tokentill ships is one."""
    released, _ = read_lock(recordings.folder)
    shipped = set(read_lock(shipped_folder("pricing"))[0].values())
    return frozenset(
        recording.path
        for recording in recordings
        if recording.hash in shipped or released.get(recording.path) == recording.hash
    )
