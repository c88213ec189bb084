"""From a `pricing/` folder to canonical contents, all or nothing.

A folder with one mistake does not load at all: half a price table would bill wrongly in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from tokentill.canonical import Content
from tokentill.errors import Finding, InvalidFiles
from tokentill.prices.book import PriceBook
from tokentill.recordings.paths import layers_of, pricing_folder


@dataclass(frozen=True, slots=True)
class Folder:
    """Everything that a `pricing/` folder says, as canonical contents in order of their paths.

    `beneath` are the shipped list prices that lie beneath `prices`. `paths` leads from the hash of a content of the
    folder itself to its path in it. `untrusted` are sources whose users decide nothing, which
    settings say and no file of the folder.
    """

    folder: Path
    prices: tuple[Content, ...]
    contracts: tuple[Content, ...]
    attribution: tuple[Content, ...]
    fx: tuple[Content, ...]
    paths: Mapping[str, str]
    warnings: tuple[Finding, ...]
    beneath: tuple[Content, ...] = ()
    untrusted: tuple[str, ...] = ()

    def price_book(self, as_of: datetime | None = None) -> PriceBook:
        """All list prices, as they were known then; everything is known unless given."""
        return PriceBook(self.prices, beneath=self.beneath, as_of=as_of)


_KINDS = ("prices", "beneath", "contracts", "attribution", "fx")


def load_folder(
    folder: str | PathLike[str] | None = None,
    *,
    shipped_prices: bool = False,
    cache: str | PathLike[str] | None = None,
) -> Folder:
    """Load and check a `pricing/` folder, or the one that tokentill ships.

    Args:
        folder: a `pricing/` folder; None is the one that tokentill ships.
        shipped_prices: put the shipped list prices beneath those of the folder.
        cache: a folder of kept results, made if it is not there. A folder that was loaded before and has the same
            bytes is taken from it; whoever may write to it may change prices. None reads and checks every time.

    Raises:
        InvalidFiles: with every mistake, by file and line. Nothing is loaded then.
        InvalidCall: when there is no such folder, or the cache cannot be written.
    """
    root = pricing_folder(folder)
    layers = layers_of(folder, shipped_prices=shipped_prices)
    if cache is None:
        return _read_and_check(layers)
    from tokentill.recordings.cache import folder_key, keep_content, kept_content  # here: most calls need none

    key = folder_key(layers)
    kept = None if key is None else kept_content(cache, key)
    if kept is not None:
        return _from_content(root, kept)
    loaded = _read_and_check(layers)
    if key is not None and folder_key(layers) == key:  # nobody wrote to it while it was read
        keep_content(cache, key, _as_content(loaded))
    return loaded


def lock_folder(folder: str | PathLike[str], *, shipped_prices: bool = False) -> list[str]:
    """Release every recording of a folder that is not released yet, and return their paths.

    Raises:
        InvalidFiles: when anything in the folder is wrong, a released file that was edited above all.
    """
    from tokentill.recordings.lock import read_lock, write_lock

    loaded = load_folder(folder, shipped_prices=shipped_prices)
    released = dict(read_lock(loaded.folder)[0])
    new = {path: hash_ for hash_, path in loaded.paths.items() if path not in released}
    if new:
        write_lock(loaded.folder, released | new)
    return sorted(new)


def _read_and_check(layers: Sequence[Path]) -> Folder:
    from tokentill.recordings.checking import (  # here, so that a cached folder loads without pydantic
        in_order,
        run_checks,
    )
    from tokentill.recordings.recording import read_folder

    recordings, findings = read_folder(*layers)
    findings = in_order([*findings, *run_checks(recordings)])
    errors = [finding for finding in findings if not finding.is_warning]
    if errors:
        raise InvalidFiles(errors)
    return Folder(
        folder=layers[0],
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
