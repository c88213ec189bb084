"""The text of a catalog: a file, a file inside a wheel, or a file of an installed package. Nothing is executed."""

from __future__ import annotations

import hashlib
import zipfile
from importlib import metadata
from pathlib import Path

from tokentill.errors import Finding, InvalidCall, InvalidFiles
from tokentill.recordings.reading import FileText

CATALOG_BYTES_MAX = 32 * 1024 * 1024
_WHEEL_MEMBERS_MAX = 50_000


def catalog_text(file_or_package: str, member: str) -> FileText:
    """The text of a catalog.

    Args:
        file_or_package: a path of the catalog itself or of a wheel that holds it, or the name of an installed package.
        member: the end of the catalog's path inside of a wheel or a package.

    Raises:
        InvalidFiles: when it is too large, is not UTF-8, or is not in the wheel.
        InvalidCall: when there is neither such a file nor such a package.
    """
    path = Path(file_or_package)
    if path.is_file() and zipfile.is_zipfile(path):
        raw, shown = _from_wheel(path, member)
    elif path.is_file():
        raw, shown = _limited(path), path.as_posix()
    else:
        installed = _installed(file_or_package, member)
        raw, shown = _limited(installed), f"{file_or_package}/{member}"
    if len(raw) > CATALOG_BYTES_MAX:
        raise InvalidFiles([Finding(f"{shown}:1", f"the catalog is larger than {CATALOG_BYTES_MAX} bytes", _TOO_LARGE)])
    try:
        return FileText(member, shown, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InvalidFiles([Finding(f"{shown}:{line}", "the file is not UTF-8 here", "is it the catalog?")]) from None


_TOO_LARGE = "take the part of it that you need"


def source_of(name: str, file: FileText) -> str:
    """What the header of a recording says of where its prices come from."""
    digest = hashlib.sha256(file.text.encode("utf-8")).hexdigest()
    return f"{name}, {Path(file.shown).name}, sha256:{digest}"


def _limited(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(CATALOG_BYTES_MAX + 1)


def _from_wheel(wheel: Path, member: str) -> tuple[bytes, str]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist()[:_WHEEL_MEMBERS_MAX] if f"/{name}".endswith(f"/{member}")]
            if len(names) != 1:
                raise InvalidFiles([Finding(f"{wheel.as_posix()}:1", f"there is no {member} in this wheel", _WHICH)])
            with archive.open(names[0]) as stream:
                return stream.read(CATALOG_BYTES_MAX + 1), f"{wheel.as_posix()}/{names[0]}"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise InvalidFiles([Finding(f"{wheel.as_posix()}:1", f"not a readable wheel: {error}", _WHICH)]) from None


_WHICH = "name the wheel of the catalog that --from says, or the file itself"


def _installed(package: str, member: str) -> Path:
    try:
        files = metadata.distribution(package).files or []
    except (metadata.PackageNotFoundError, ValueError):
        raise InvalidCall(f"there is no file and no installed package {package!r}") from None
    matches = [file for file in files if file.as_posix().endswith(member)]
    if len(matches) != 1:
        raise InvalidCall(f"the installed package {package!r} has no {member}")
    return Path(str(matches[0].locate()))
