"""A folder of pages that may be written repeatedly beside other people's files.

A small manifest names the pages that were written. A file is replaced or removed only when it bears the mark of
these pages; everything else in the folder is left alone.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from tokentill.errors import Refused

INDEX = "index.html"
MANIFEST = ".tokentill-review.json"
MARK = '<meta name="generator" content="tokentill review pages">'
"""Stands near the beginning of each page; a file without it is somebody else's."""

_HEAD_BYTES = 512
_OWN_NAME = re.compile(r"\A(?:index|customer-[0-9a-f]{32})\.html\Z", re.ASCII)
_turn = itertools.count()


def write_pages(folder: Path, pages: Mapping[str, str]) -> list[Path]:
    """Write pages by name, in the order given, and remove those of an earlier time that are not among them.

    Each file appears whole or not at all. A run that was killed leaves pages that the next run knows as its own.

    Raises:
        Refused: when a file of the same name is not one of these pages, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in pages:
            if os.path.lexists(folder / name) and not _is_ours(folder / name):
                raise Refused(f"{folder / name} was not written by tokentill; move it away or choose another folder")
        earlier = _named_in_manifest(folder / MANIFEST)
        _replace(folder / MANIFEST, _manifest(earlier | set(pages)))
        for name, text in pages.items():
            _replace(folder / name, text.encode())
        for name in sorted(earlier - set(pages)):
            if _OWN_NAME.match(name) and _is_ours(folder / name):
                (folder / name).unlink()
        _replace(folder / MANIFEST, _manifest(set(pages)))
    except OSError as error:
        reason = f"the review pages cannot be written: {error.strerror}"
        raise Refused(f"{folder}: {reason}; choose another folder") from error
    return [folder / name for name in pages]


def _replace(path: Path, data: bytes) -> None:
    # Pages can be made again at any time, so they are not forced to the disk; 2,000 such waits would be felt.
    partial = path.with_name(f".{path.name}.{os.getpid()}-{next(_turn)}.part")
    try:
        with partial.open("xb") as file:
            file.write(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(_HEAD_BYTES)


def _manifest(names: set[str]) -> bytes:
    content = {"made_by": "tokentill review pages", "pages": sorted(names)}
    return (json.dumps(content, indent=1) + "\n").encode()


def _named_in_manifest(path: Path) -> set[str]:
    """Names that an earlier run wrote. A manifest that cannot be read names none, so nothing is removed."""
    if path.is_symlink() or not path.is_file():
        return set()
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return set()
    names = content.get("pages") if isinstance(content, dict) else None
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()
