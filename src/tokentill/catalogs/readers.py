"""Which catalogs are read, and how: the text, then the catalog's own reader. Nothing is executed.

The text is a file, a file inside a wheel, or a file of an installed package.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tokentill.catalogs import genai_prices, litellm, models_dev, openrouter
from tokentill.catalogs.catalog import Catalog, CatalogReading, Unfit
from tokentill.errors import Finding, InvalidCall, InvalidFiles
from tokentill.recordings.reading import FileText, Unreadable, parse

CATALOG_BYTES_MAX = 32 * 1024 * 1024
_WHEEL_MEMBERS_MAX = 50_000
_WHICH = "name the wheel of the catalog that --from says, or the file itself"


def _from_json(read: Callable[[CatalogReading, Mapping[str, Any]], None]) -> Callable[[CatalogReading], None]:
    return lambda reading: read(reading, parse(reading.file))


_READERS: Mapping[str, tuple[str, Callable[[CatalogReading], None]]] = {
    "genai-prices": (genai_prices.MEMBER, genai_prices.read),
    "litellm": (litellm.MEMBER, _from_json(litellm.read)),
    "openrouter": (openrouter.MEMBER, _from_json(openrouter.read)),
    "models.dev": (models_dev.MEMBER, _from_json(models_dev.read)),
    "arouter": (openrouter.MEMBER, _from_json(openrouter.read)),
}
CATALOGS = tuple(_READERS)


def read_catalog(kind: str, file_or_package: str, effective: datetime, *, rounded: bool = False) -> Catalog:
    """Read a catalog.

    Args:
        kind: one of `CATALOGS`.
        file_or_package: the catalog's file, a wheel that holds it, or the name of an installed package.
        effective: the instant from which its prices are to hold; a dated catalog is read as of then.
        rounded: take the number that was meant where one has the digits of binary arithmetic.

    Raises:
        InvalidFiles: when it is not such a catalog, is too large, is not UTF-8, or is not in the wheel.
        InvalidCall: for an unknown kind, or when there is neither such a file nor such a package.
    """
    if kind not in _READERS:
        raise InvalidCall(f"--from {kind} is not known; write one of {', '.join(CATALOGS)}")
    member, read = _READERS[kind]
    file = _catalog_text(file_or_package, member)
    reading = CatalogReading(file, effective, rounded)
    try:
        read(reading)
    except Unfit as unfit:
        hint = f"is it the catalog of {kind}?"
        raise InvalidFiles([Finding(f"{file.shown}:1", f"not the shape of {kind}: {unfit}", hint)]) from None
    except Unreadable as error:
        raise InvalidFiles(error.findings) from None
    digest = hashlib.sha256(file.text.encode("utf-8")).hexdigest()
    source = f"{kind}, {Path(file.shown).name}, sha256:{digest}"
    return Catalog(kind, source, tuple(reading.listings), tuple(reading.left_out))


def _catalog_text(file_or_package: str, member: str) -> FileText:
    """The text of a catalog; `member` is the end of its path inside of a wheel or a package."""
    path = Path(file_or_package)
    if path.is_file() and zipfile.is_zipfile(path):
        raw, shown = _from_wheel(path, member)
    elif path.is_file():
        raw, shown = _limited(path), path.as_posix()
    else:
        installed = _installed(file_or_package, member)
        raw, shown = _limited(installed), f"{file_or_package}/{member}"
    if len(raw) > CATALOG_BYTES_MAX:
        message = f"the catalog is larger than {CATALOG_BYTES_MAX} bytes"
        raise InvalidFiles([Finding(f"{shown}:1", message, "take the part of it that you need")])
    try:
        return FileText(member, shown, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InvalidFiles([Finding(f"{shown}:{line}", "the file is not UTF-8 here", "is it the catalog?")]) from None


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


def _installed(package: str, member: str) -> Path:
    try:
        files = metadata.distribution(package).files or []
    except (metadata.PackageNotFoundError, ValueError):
        raise InvalidCall(f"there is no file and no installed package {package!r}") from None
    matches = [file for file in files if file.as_posix().endswith(member)]
    if len(matches) != 1:
        raise InvalidCall(f"the installed package {package!r} has no {member}")
    return Path(str(matches[0].locate()))
