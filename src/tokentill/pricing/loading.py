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
from tokentill.pricing.checking import in_order, run_checks
from tokentill.pricing.files.recordings import Recording, read_folder


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


def load_folder(folder: str | PathLike[str] | None = None) -> Folder:
    """Load and check a `pricing/` folder, or the one that tokentill ships.

    Raises:
        InvalidFiles: with every mistake, by file and line. Nothing is loaded then.
        UsageError: when there is no such folder.
    """
    recordings, findings = read_folder(folder)
    findings = in_order([*findings, *run_checks(recordings)])
    errors = [finding for finding in findings if not finding.is_warning]
    if errors:
        raise InvalidFiles(errors)
    return Folder(
        folder=recordings.folder,
        prices=_contents(recordings.prices),
        contracts=_contents(recordings.contracts),
        attribution=_contents(recordings.attribution),
        fx=_contents(recordings.fx),
        paths=MappingProxyType({recording.hash: recording.path for recording in recordings}),
        warnings=tuple(findings),
    )


def _contents(recordings: tuple[Recording, ...]) -> tuple[Content, ...]:
    return tuple(recording.content for recording in recordings)
