"""Rating of whole columns of usages; needs numpy (`pip install 'tokentill[columns]'`)."""

from __future__ import annotations

from tokentill.prices.columns.data import Columns, RatedColumns
from tokentill.prices.columns.rating import rate_columns

__all__ = ["Columns", "RatedColumns", "rate_columns"]
