"""Releasing recordings: what is in the lock is never edited again."""

from __future__ import annotations

from os import PathLike

from tokentill.recordings.load import load_folder
from tokentill.recordings.lock import read_lock, write_lock


def lock_folder(folder: str | PathLike[str]) -> list[str]:
    """Release every recording of a folder that is not released yet, and return their paths.

    Raises:
        InvalidFiles: when anything in the folder is wrong, a released file that was edited above all.
    """
    loaded = load_folder(folder)
    released = dict(read_lock(loaded.folder)[0])
    new = {path: hash_ for hash_, path in loaded.paths.items() if path not in released}
    if new:
        write_lock(loaded.folder, released | new)
    return sorted(new)
