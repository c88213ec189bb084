"""What the shapes of all kinds of files are made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from tokentill.recordings.values import (
    PERCENT_SCHEMA,
    Instant,
    Per,
    Percent,
    Quantity,
    Rate,
    markup_by_quantity,
)
from tokentill.usage.quantities import TOKEN_LEAVES


def optional(description: str, **rules: Any) -> Any:
    """A key that may be left out. It has no default here: content holds only what was given."""
    return Field(default_factory=lambda: None, description=description, **rules)


class Table(BaseModel):
    """A table of a file. Unknown keys and values of another type are mistakes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Header(Table):
    """What every recording says first."""

    json_schema: str = optional("Where this schema lies; for editors.", alias="$schema")
    format: Literal[1] = Field(description="Version of this file format.")
    recorded_at: Instant = Field(description="When this was learned.")


UNITS_MAX = 10**15

NAMES_ONLY: JsonDict = {"additionalProperties": False}
"""Beside the pattern of its keys, so that editors mark a key that is no name."""

LEAF: JsonDict = {"enum": list(TOKEN_LEAVES)}
COUNTERS_ONLY: JsonDict = {**NAMES_ONLY, "propertyNames": {"not": LEAF}}

Rates = Annotated[dict[Quantity, Rate], Field(min_length=1, json_schema_extra=NAMES_ONLY)]
Markup = Annotated[
    dict[Quantity, Percent],
    Field(min_length=1),
    BeforeValidator(markup_by_quantity),
    WithJsonSchema({"anyOf": [PERCENT_SCHEMA, {"type": "object", "additionalProperties": PERCENT_SCHEMA}]}),
]


class FeeTable(Table):
    """A price for `per` units of one quantity."""

    price: Rate
    per: Per = optional("How many units the price is for; 1 unless given.")
