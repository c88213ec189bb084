"""The one definition of each kind of file: what keys it may have and what they hold.

Validation and the published JSON Schemas both come from these models. Each module ends in its `RULES`: what a table
must keep that its types do not say. What concerns several tables is the business of `recordings.checks`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tokentill.recordings.positions import KeyPath
from tokentill.recordings.schemas import attribution, contracts, fx, grants, model_ids, prices, rules
from tokentill.recordings.schemas.attribution import AttributionFile
from tokentill.recordings.schemas.contracts import ContractFile, RemovalFile
from tokentill.recordings.schemas.fx import FxFile
from tokentill.recordings.schemas.grants import GrantsFile, OpeningBalancesFile
from tokentill.recordings.schemas.parts import Header, Mistake, Rules, Table
from tokentill.recordings.schemas.prices import PricesFile

__all__ = [
    "RULES",
    "SHAPES",
    "AttributionFile",
    "ContractFile",
    "FxFile",
    "GrantsFile",
    "OpeningBalancesFile",
    "PricesFile",
    "mistakes_in",
]

SHAPES: dict[str, type[Header]] = {
    "prices": PricesFile,
    "contract": ContractFile,
    "grant": GrantsFile,
    "opening_balance": OpeningBalancesFile,
    "removal": RemovalFile,
    "attribution": AttributionFile,
    "fx": FxFile,
}
"""One model for each schema."""

RULES: Rules = {
    **attribution.RULES,
    **contracts.RULES,
    **fx.RULES,
    **grants.RULES,
    **model_ids.RULES,
    **prices.RULES,
    **rules.RULES,
}


def mistakes_in(table: Table, path: KeyPath = (), label: str = "") -> Iterator[Mistake]:
    """What the rules find in a table and in those inside it, each at its path in the file."""
    label = label or table.label
    for rule in RULES.get(type(table), ()):
        for mistake in rule(table):
            yield Mistake((*path, *mistake.path), label + mistake.message, mistake.hint, mistake.is_warning)
    for key in table.model_fields_set:
        inner = getattr(table, key)
        items = enumerate(inner) if isinstance(inner, list) else inner.items() if isinstance(inner, dict) else ()
        if isinstance(inner, Table):
            yield from mistakes_in(inner, (*path, key), label)
        for place, item in items:
            if not isinstance(item, Table):
                break  # all items of one list or table are of one type
            yield from mistakes_in(item, (*path, key, place), label)
