"""The one definition of each kind of file: what keys it may have and what they hold.

Validation and the published JSON Schemas both come from these models. They say what a file may hold; whether what
it says makes sense together is the business of `pricing.checking`.
"""

from __future__ import annotations

from tokentill.pricing.files.shapes.attribution import AttributionFile
from tokentill.pricing.files.shapes.contracts import ContractFile
from tokentill.pricing.files.shapes.exchange_rates import FxFile
from tokentill.pricing.files.shapes.grants import GrantsFile
from tokentill.pricing.files.shapes.prices import PricesFile
from tokentill.pricing.files.shapes.tables import Header

__all__ = ["SHAPES", "AttributionFile", "ContractFile", "FxFile", "GrantsFile", "PricesFile"]

SHAPES: dict[str, type[Header]] = {
    "prices": PricesFile,
    "contract": ContractFile,
    "grant": GrantsFile,
    "attribution": AttributionFile,
    "fx": FxFile,
}
"""One model for each schema."""
