"""tokentill bills the end users of software that runs on an LLM gateway.

The public names are loaded when they are first asked for, so that `import tokentill` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokentill.errors import (
        InvalidAmount,
        InvalidFiles,
        InvalidRecord,
        MissingUsage,
        NotFound,
        Refused,
        TokentillError,
        Unpriced,
        UsageError,
    )
    from tokentill.invoicing.billing import Bill, Biller
    from tokentill.pricing.book import PriceBook
    from tokentill.pricing.estimating import Estimate
    from tokentill.pricing.rating import Rated, RatedLine
    from tokentill.pricing.watching import WatchedBook
    from tokentill.till import Till
    from tokentill.usage.bounds import Bounds
    from tokentill.usage.record import Usage, UsageRecord

__version__ = "0.1.0"

_HOMES = {
    "Bill": "tokentill.invoicing.billing",
    "Biller": "tokentill.invoicing.billing",
    "Bounds": "tokentill.usage.bounds",
    "Estimate": "tokentill.pricing.estimating",
    "InvalidAmount": "tokentill.errors",
    "InvalidFiles": "tokentill.errors",
    "InvalidRecord": "tokentill.errors",
    "MissingUsage": "tokentill.errors",
    "NotFound": "tokentill.errors",
    "PriceBook": "tokentill.pricing.book",
    "Rated": "tokentill.pricing.rating",
    "RatedLine": "tokentill.pricing.rating",
    "Refused": "tokentill.errors",
    "Till": "tokentill.till",
    "TokentillError": "tokentill.errors",
    "Unpriced": "tokentill.errors",
    "Usage": "tokentill.usage.record",
    "UsageError": "tokentill.errors",
    "UsageRecord": "tokentill.usage.record",
    "WatchedBook": "tokentill.pricing.watching",
}

__all__ = [
    "Bill",
    "Biller",
    "Bounds",
    "Estimate",
    "InvalidAmount",
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
    "UsageError",
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
