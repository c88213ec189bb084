"""tokentill bills the end users of software that runs on an LLM gateway.

The public names are loaded when they are first asked for, so that `import tokentill` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokentill.errors import (
        InvalidAmount,
        InvalidCall,
        InvalidFiles,
        InvalidRecord,
        MissingUsage,
        NotFound,
        Refused,
        TokentillError,
        Unpriced,
    )
    from tokentill.library.biller import Bill, Biller
    from tokentill.library.price_book import PriceBook
    from tokentill.library.usage import Usage
    from tokentill.library.watched_book import WatchedBook
    from tokentill.prices.estimates import Estimate
    from tokentill.prices.rate_cards import Rated, RatedLine
    from tokentill.shipped import __version__
    from tokentill.till import Till
    from tokentill.usage.bounds import Bounds
    from tokentill.usage.record import UsageRecord

_HOMES = {
    "Bill": "tokentill.library.biller",
    "Biller": "tokentill.library.biller",
    "Bounds": "tokentill.usage.bounds",
    "Estimate": "tokentill.prices.estimates",
    "InvalidAmount": "tokentill.errors",
    "InvalidFiles": "tokentill.errors",
    "InvalidRecord": "tokentill.errors",
    "MissingUsage": "tokentill.errors",
    "NotFound": "tokentill.errors",
    "PriceBook": "tokentill.library.price_book",
    "Rated": "tokentill.prices.rate_cards",
    "RatedLine": "tokentill.prices.rate_cards",
    "Refused": "tokentill.errors",
    "Till": "tokentill.till",
    "TokentillError": "tokentill.errors",
    "Unpriced": "tokentill.errors",
    "Usage": "tokentill.library.usage",
    "InvalidCall": "tokentill.errors",
    "UsageRecord": "tokentill.usage.record",
    "WatchedBook": "tokentill.library.watched_book",
    "__version__": "tokentill.shipped",
}

__all__ = [
    "Bill",
    "Biller",
    "Bounds",
    "Estimate",
    "InvalidAmount",
    "InvalidCall",
    "InvalidFiles",
    "InvalidRecord",
    "MissingUsage",
    "NotFound",
    "PriceBook",
    "Rated",
    "RatedLine",
    "Refused",
    "Till",
    "TokentillError",
    "Unpriced",
    "Usage",
    "UsageRecord",
    "WatchedBook",
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
