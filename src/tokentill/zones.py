"""Time zones, always from the package `tzdata`, whose version is what an invoice is pinned to.

`zoneinfo` alone would read the machine's files where there are any, and two machines with one version of everything
would bill two months.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_PACKAGE = "tzdata"


class _Zone(ZoneInfo):
    """A zone that travels between processes by its key, as others do."""

    def __reduce__(self) -> Any:
        return zone, (self.key,)


@cache
def zone(key: str) -> ZoneInfo:
    """The time zone of an IANA name, the same object each time.

    Raises:
        ZoneInfoNotFoundError: when there is none of that name; a `KeyError`.
    """
    if key not in zone_names():
        raise ZoneInfoNotFoundError(f"there is no time zone {key[:64]!r} in {_PACKAGE} {zone_data_version()}")
    with _data("zoneinfo", key).open("rb") as file:
        return _Zone.from_file(file, key=key)


@cache
def zone_names() -> frozenset[str]:
    """Every name that `zone` knows."""
    return frozenset(_data("zones").read_text(encoding="ascii").split())


@cache
def zone_data_version() -> str:
    """The version of the data, like `2026.1`."""
    return str(import_module(_PACKAGE).__version__)


def _data(*path: str) -> Any:
    from importlib.resources import files  # slow to import, and not everybody who prices needs it

    return files(_PACKAGE).joinpath(*path)
