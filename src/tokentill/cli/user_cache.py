"""Where the command line keeps checked pricing folders between two calls: in the user's own cache folder.

What is kept there is found by a hash of every byte that loading depends on and carries its own checksum, so it is never
stale; a damaged file is as good as none (see `recordings.cache`). As it could change prices, a folder that others may
write to is not used.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_cache() -> Path | None:
    """The folder, made if it is not there. None where there can be none: then every call reads and checks anew."""
    try:
        folder = _base() / "tokentill"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_own = os.name == "nt" or _is_own(folder)
        return folder if is_own and os.access(folder, os.W_OK) else None
    except (OSError, RuntimeError):  # no home, or none that can be written to
        return None


def _base() -> Path:
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def _is_own(folder: Path) -> bool:
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022
