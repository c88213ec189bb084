"""From a `pricing/` folder to canonical contents, all or nothing.

A folder with one mistake does not load at all: half a price table would bill wrongly in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from tokentill.canonical import Content
from tokentill.errors import Finding, InvalidFiles
from tokentill.recordings.paths import pricing_folder


@dataclass(frozen=True, slots=True)
class Folder:
    """Everything that a `pricing/` folder says, as canonical contents in order of their paths.

    `paths` leads from a content's hash to its path in the folder.
    """

    folder: Path
    prices: tuple[Content, ...]
    contracts: tuple[Content, ...]
    attribution: tuple[Content, ...]
    fx: tuple[Content, ...]
    paths: Mapping[str, str]
    warnings: tuple[Finding, ...]


_KINDS = ("prices", "contracts", "attribution", "fx")


def load_folder(folder: str | PathLike[str] | None = None, *, cache: str | PathLike[str] | None = None) -> Folder:
    """Load and check a `pricing/` folder, or the one that tokentill ships.

    Args:
        folder: a `pricing/` folder; None is the one that tokentill ships.
        cache: a folder of kept results, made if it is not there. A folder that was loaded before and has the same
            bytes is taken from it; whoever may write to it may change prices. None reads and checks every time.

    Raises:
        InvalidFiles: with every mistake, by file and line. Nothing is loaded then.
        InvalidCall: when there is no such folder, or the cache cannot be written.
    """
    root = pricing_folder(folder)
    if cache is None:
        return _read_and_check(root)
    from tokentill.recordings.cache import folder_key, keep_content, kept_content  # here: most calls need none

    key = folder_key(root)
    kept = None if key is None else kept_content(cache, key)
    if kept is not None:
        return _from_content(root, kept)
    loaded = _read_and_check(root)
    if key is not None and folder_key(root) == key:  # nobody wrote to it while it was read
        keep_content(cache, key, _as_content(loaded))
    return loaded


def lock_folder(folder: str | PathLike[str]) -> list[str]:
    """Release every recording of a folder that is not released yet, and return their paths.

    Raises:
        InvalidFiles: when anything in the folder is wrong, a released file that was edited above all.
    """
    from tokentill.recordings.lock import read_lock, write_lock

    loaded = load_folder(folder)
    released = dict(read_lock(loaded.folder)[0])
    new = {path: hash_ for hash_, path in loaded.paths.items() if path not in released}
    if new:
        write_lock(loaded.folder, released | new)
    return sorted(new)


def _read_and_check(root: Path) -> Folder:
    from tokentill.recordings.checking import (  # here, so that a cached folder loads without pydantic
        in_order,
        run_checks,
    )
    from tokentill.recordings.recording import read_folder

    recordings, findings = read_folder(root)
    findings = in_order([*findings, *run_checks(recordings)])
    errors = [finding for finding in findings if not finding.is_warning]
    if errors:
        raise InvalidFiles(errors)
    return Folder(
        folder=root,
        **{kind: tuple(recording.content for recording in getattr(recordings, kind)) for kind in _KINDS},
        paths=MappingProxyType({recording.hash: recording.path for recording in recordings}),
        warnings=tuple(findings),
    )


def _as_content(folder: Folder) -> Content:
    return {
        **{kind: getattr(folder, kind) for kind in _KINDS},
        "paths": dict(folder.paths),
        "warnings": [[warning.where, warning.message, warning.hint, warning.is_warning] for warning in folder.warnings],
    }


def _from_content(root: Path, content: Content) -> Folder:
    return Folder(
        folder=root,
        **{kind: tuple(content[kind]) for kind in _KINDS},
        paths=MappingProxyType(content["paths"]),
        warnings=tuple(Finding(*warning) for warning in content["warnings"]),
    )
