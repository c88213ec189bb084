"""A loaded `pricing/` folder, kept as one file, so that the next process need not read and check it again.

A kept file is found by the SHA-256 of everything that loading depends on: every byte of every file, the names, the
versions of tokentill, of the time-zone data and of this format, and the stamps of the modules that read and check. It
carries its own checksum; one that is damaged is as
good as none. It holds JSON and nothing that could run.

The cache is as trusted as the pricing folder: whoever may write to it may change prices.
"""

from __future__ import annotations

import hashlib
import json
import os
from os import PathLike
from pathlib import Path

from tokentill.canonical import Content, canonical_bytes
from tokentill.errors import InvalidCall
from tokentill.recordings.paths import FILE_BYTES_MAX, LOCK_NAME, file_paths
from tokentill.shipped import __version__
from tokentill.zones import zone_data_version

FORMAT = 3
"""To be raised when the same files lead to another content, or are checked otherwise."""

KEPT_MAX = 16
"""So many files are kept; the oldest go first."""

_BYTES_MAX = 64 * 1024 * 1024
_PREFIX, _SUFFIX = "tokentill-pricing-", ".json"


def folder_key(root: Path) -> str | None:
    """The hash of everything that loading a folder depends on, or None when a file cannot be read for it."""
    parts = [f"{FORMAT} {__version__} {zone_data_version()}", *_stamps_of_readers(), root.as_posix()]
    for path in [*file_paths(root), LOCK_NAME]:
        try:
            with (root / path).open("rb") as stream:
                raw = stream.read(FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            continue  # there need be no lock, and without a file that vanished it is another key
        except OSError:
            return None
        if len(raw) > FILE_BYTES_MAX:
            return None
        parts.append(f"{hashlib.sha256(raw).hexdigest()} {path}")
    return hashlib.sha256(canonical_bytes(parts)).hexdigest()


def _stamps_of_readers() -> list[str]:
    """What tells that the modules that read and check were changed, as in a checkout, where the version stays."""
    here = Path(__file__).parent
    statuses = [(module.relative_to(here).as_posix(), module.stat()) for module in sorted(here.rglob("*.py"))]
    return [f"{path} {status.st_size} {status.st_mtime_ns}" for path, status in statuses]


def kept_content(cache: str | PathLike[str], key: str) -> Content | None:
    """What was kept under a key; None when there is nothing, or what is there is not whole."""
    try:
        with _file(cache, key).open("rb") as stream:
            head, _, body = stream.read(_BYTES_MAX).partition(b"\n")
    except OSError:
        return None
    if head != _head(key, body):
        return None
    content: Content = json.loads(body)
    return content


def keep_content(cache: str | PathLike[str], key: str, content: Content) -> None:
    """Keep a content under a key, whole or not at all.

    Raises:
        InvalidCall: when the folder cannot be written to.
    """
    body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()  # with its keys in their order
    file = _file(cache, key)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(_head(key, body) + b"\n" + body)
        beside.replace(file)
        _forget_oldest(file.parent)
    except OSError as error:
        message = f"the cache of prices in {str(cache)!r} cannot be written: {error.strerror}"
        raise InvalidCall(f"{message}; name another folder, or load without one") from error


def _head(key: str, body: bytes) -> bytes:
    return f"{FORMAT} {key} {hashlib.sha256(body).hexdigest()}".encode()


def _file(cache: str | PathLike[str], key: str) -> Path:
    return Path(cache) / f"{_PREFIX}{key}{_SUFFIX}"


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}"), key=lambda file: file.stat().st_mtime_ns)
    for file in files[:-KEPT_MAX]:
        file.unlink(missing_ok=True)
