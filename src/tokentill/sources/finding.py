"""Which files a name stands for: itself, what a glob fits, or all that a folder holds."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

from tokentill.errors import InvalidCall

STDIN = "-"


def files_of(names: Iterable[str]) -> list[str]:
    """The files that these names stand for, each once: in the order of the names, those of one name sorted.

    Args:
        names: files, `-` for standard input, folders (with what is in their folders) and globs, where `**` goes into
            folders. Names that begin with a point are left out of both. A file that is called like a glob is itself.

    Raises:
        InvalidCall: for a name that stands for no file.
    """
    return list(dict.fromkeys(file for name in names for file in _files_of(name)))


def _files_of(name: str) -> list[str]:
    path = Path(name)
    if name == STDIN or path.is_file():
        return [name]
    if path.is_dir():
        inside = [file for file in path.rglob("*") if file.is_file() and not _is_hidden(file, path)]
        if not inside:
            raise InvalidCall(f"there is no file in the folder {name!r}")
        return sorted(str(file) for file in inside)
    fitting = [file for file in glob(name, recursive=True) if Path(file).is_file()] if has_magic(name) else []
    if not fitting:
        raise InvalidCall(f"there is no file {name!r}" if not has_magic(name) else f"no file fits {name!r}")
    return sorted(fitting)


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)
