"""tokentill bills the end users of software that runs on an LLM gateway.

The public names are loaded when they are first asked for, so that `import tokentill` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokentill.errors import InvalidFiles, InvalidRecord, NotFound, Refused, TokentillError, UsageError
    from tokentill.pricing.book import PriceBook
    from tokentill.pricing.rating import Rated, RatedLine
    from tokentill.till import Till
    from tokentill.usage.record import Usage, UsageRecord

__version__ = "0.1.0"

_HOMES = {
    "InvalidFiles": "tokentill.errors",
    "InvalidRecord": "tokentill.errors",
    "NotFound": "tokentill.errors",
    "PriceBook": "tokentill.pricing.book",
    "Rated": "tokentill.pricing.rating",
    "RatedLine": "tokentill.pricing.rating",
    "Refused": "tokentill.errors",
    "Till": "tokentill.till",
    "TokentillError": "tokentill.errors",
    "Usage": "tokentill.usage.record",
    "UsageError": "tokentill.errors",
    "UsageRecord": "tokentill.usage.record",
}

__all__ = [
    "InvalidFiles",
    "InvalidRecord",
    "NotFound",
    "PriceBook",
    "Rated",
    "RatedLine",
    "Refused",
    "Till",
    "TokentillError",
    "Usage",
    "UsageError",
    "UsageRecord",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tokentill' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
