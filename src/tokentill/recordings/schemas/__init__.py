"""The one definition of each kind of file: what keys it may have and what they hold.

Validation and the published JSON Schemas both come from these models. They say what a file may hold; whether what
it says makes sense together is the business of `recordings.checking`.
"""

from __future__ import annotations

from tokentill.recordings.schemas.attribution import AttributionFile
from tokentill.recordings.schemas.contracts import ContractFile
from tokentill.recordings.schemas.exchange_rates import FxFile
from tokentill.recordings.schemas.grants import GrantsFile
from tokentill.recordings.schemas.parts import Header
from tokentill.recordings.schemas.prices import PricesFile

__all__ = ["SHAPES", "AttributionFile", "ContractFile", "FxFile", "GrantsFile", "PricesFile"]

SHAPES: dict[str, type[Header]] = {
    "prices": PricesFile,
    "contract": ContractFile,
    "grant": GrantsFile,
    "attribution": AttributionFile,
    "fx": FxFile,
}
"""One model for each schema."""
