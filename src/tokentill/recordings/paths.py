"""Which files of a `pricing/` folder are looked at."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from tokentill.errors import InvalidCall
from tokentill.shipped import shipped_folder

FILE_BYTES_MAX = 4 * 1024 * 1024
_SUFFIXES = (".toml", ".json")
LOCK_NAME = "lock.json"

_NOT_RECORDINGS = ("schema", LOCK_NAME)


def pricing_folder(folder: str | PathLike[str] | None) -> Path:
    """The folder that is meant; None is the one that tokentill ships.

    Raises:
        InvalidCall: when there is no such folder.
    """
    root = shipped_folder("pricing") if folder is None else Path(folder)
    if not root.is_dir():
        raise InvalidCall(f"the pricing folder {str(root)!r} does not exist; name one with --pricing")
    return root


def layers_of(folder: str | PathLike[str] | None, *, shipped_prices: bool) -> tuple[Path, ...]:
    """The folder that is meant, and the shipped one if its prices are to lie beneath.

    Raises:
        InvalidCall: when there is no such folder.
    """
    root, shipped = pricing_folder(folder), shipped_folder("pricing")
    is_shipped = folder is None or root.resolve() == shipped.resolve()
    return (root, shipped) if shipped_prices and not is_shipped else (root,)


def file_paths(root: Path) -> list[str]:
    """Every file that may be a recording, relative to the folder, sorted."""
    return [path for path in toml_and_json(root) if path.split("/", 1)[0] not in _NOT_RECORDINGS]


def toml_and_json(root: Path) -> list[str]:
    """Every TOML and JSON file below a folder, relative to it, sorted. Hidden files are an editor's, not ours."""
    listed = []
    for directory, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        listed += [
            (Path(directory) / name).relative_to(root).as_posix()
            for name in names
            if name.lower().endswith(_SUFFIXES) and not name.startswith(".")
        ]
    return sorted(listed)
