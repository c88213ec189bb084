"""Which catalogs are read, and how: the text, then the catalog's own reader. Nothing is executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tokentill.catalogs import genai_prices, litellm, models_dev, openrouter
from tokentill.catalogs.catalog import Catalog, CatalogReading, Unfit
from tokentill.catalogs.catalog_text import catalog_text, source_of
from tokentill.errors import Finding, InvalidCall, InvalidFiles
from tokentill.recordings.reading import Unreadable, parse


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
        InvalidFiles: when it is not such a catalog.
        InvalidCall: for an unknown kind, or when there is no such file.
    """
    if kind not in _READERS:
        raise InvalidCall(f"--from {kind} is not known; write one of {', '.join(CATALOGS)}")
    member, read = _READERS[kind]
    file = catalog_text(file_or_package, member)
    reading = CatalogReading(file, effective, rounded)
    try:
        read(reading)
    except Unfit as unfit:
        hint = f"is it the catalog of {kind}?"
        raise InvalidFiles([Finding(f"{file.shown}:1", f"not the shape of {kind}: {unfit}", hint)]) from None
    except Unreadable as error:
        raise InvalidFiles(error.findings) from None
    return Catalog(kind, source_of(kind, file), tuple(reading.listings), tuple(reading.left_out))
