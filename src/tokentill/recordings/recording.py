"""All recordings of a `pricing/` folder: which files are read, and the canonical content of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tokentill.canonical import Content, content_hash
from tokentill.errors import Finding
from tokentill.recordings.mistakes import findings_of, near_miss
from tokentill.recordings.paths import file_paths, pricing_folder
from tokentill.recordings.reading import FileText, Unreadable, parse, read_text
from tokentill.recordings.schemas import SHAPES

KINDS = {
    "models": ("prices",),
    "contracts": ("default", "plan", "customer", "grant"),
    "attribution": ("attribution",),
    "fx": ("fx",),
}
"""The sub-folders that are read, and the kinds of file that belong into each."""

_SHAPE_OF_KIND = {kind: kind for kinds in KINDS.values() for kind in kinds} | dict.fromkeys(
    ("default", "plan", "customer"), "contract"
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One valid file: its canonical content, the hash of it, and the text to find lines in."""

    path: str
    content: Content
    hash: str
    file: FileText = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recordings:
    """The valid files of a folder, by room and in order of their paths.

    `paths` has every file that was found, valid or not.
    """

    folder: Path
    prices: tuple[Recording, ...]
    contracts: tuple[Recording, ...]
    attribution: tuple[Recording, ...]
    fx: tuple[Recording, ...]
    paths: tuple[str, ...]

    @property
    def agreements(self) -> tuple[Recording, ...]:
        """The contracts without the grants of credit that lie beside them."""
        return tuple(recording for recording in self.contracts if recording.content["kind"] != "grant")

    @property
    def grants(self) -> tuple[Recording, ...]:
        """The grants of credit."""
        return tuple(recording for recording in self.contracts if recording.content["kind"] == "grant")

    def __iter__(self) -> Iterator[Recording]:
        yield from (*self.prices, *self.contracts, *self.attribution, *self.fx)

    def shown(self, path: str) -> str:
        """A path of this folder as it is printed."""
        return (self.folder / path).as_posix()


def read_folder(folder: str | PathLike[str] | None) -> tuple[Recordings, list[Finding]]:
    """Read every recording of a folder, each checked by itself; None is the folder that tokentill ships.

    Raises:
        InvalidCall: when there is no such folder.
    """
    root = pricing_folder(folder)
    rooms: dict[str, list[Recording]] = {room: [] for room in KINDS}
    findings: list[Finding] = []
    paths = []
    for path in file_paths(root):
        room = path.split("/", 1)[0]
        if "/" not in path or room not in KINDS:
            message = "this file is not read where it lies"
            hint = f"move it into one of {', '.join(KINDS)}"
            findings.append(Finding(f"{(root / path).as_posix()}:1", message, hint, is_warning=True))
            continue
        paths.append(path)
        try:
            rooms[room].append(read_recording(root / path, path, (root / path).as_posix(), KINDS[room]))
        except Unreadable as error:
            findings.extend(error.findings)
    prices, contracts, attribution, fx = (tuple(rooms[room]) for room in KINDS)
    return Recordings(root, prices, contracts, attribution, fx, tuple(paths)), findings


def read_recording(source: Path, path: str, shown: str, kinds: tuple[str, ...]) -> Recording:
    """Read and validate one file.

    Args:
        source: the file.
        path: its path in the folder, with `/`.
        shown: its path as findings print it.
        kinds: what it may be.

    Raises:
        Unreadable: with what is wrong.
    """
    file = read_text(source, path, shown)
    tree = parse(file)
    kind = tree.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise Unreadable(_wrong_kind(kind, kinds, file))
    content = canonical_content(tree, file, _SHAPE_OF_KIND[kind])
    return Recording(path, content, content_hash(content), file)


def canonical_content(tree: dict[str, Any], file: FileText, shape: str) -> Content:
    """The canonical content of a parsed file: only what was given, every value in its one form.

    Raises:
        Unreadable: with a finding for each mistake.
    """
    try:
        table = SHAPES[shape].model_validate(tree)
    except ValidationError as error:
        raise Unreadable(*findings_of(error, file, SHAPES[shape])) from None
    return table.model_dump(by_alias=True, exclude_unset=True, exclude={"json_schema"})


def _wrong_kind(kind: object, kinds: tuple[str, ...], file: FileText) -> Finding:
    hint = f"write kind = {_alternatives(kinds)}"
    if kind is None:
        return file.finding(("kind",), '"kind" is missing', hint)
    if not isinstance(kind, str):
        return file.finding(("kind",), '"kind" is not a text', hint)
    if kind in _SHAPE_OF_KIND:
        return file.finding(("kind",), f'a file of kind "{kind}" does not belong here', hint)
    return file.finding(("kind",), f'"{kind[:40]}" is no kind of file', near_miss(kind, kinds) or hint)


def _alternatives(kinds: tuple[str, ...]) -> str:
    return " or ".join(f'"{kind}"' for kind in kinds)
