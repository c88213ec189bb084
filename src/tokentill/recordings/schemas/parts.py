"""What the shapes of all kinds of files are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from tokentill.clock import parse_instant
from tokentill.recordings.mistakes import zone_mistake
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.values import PERCENT_SCHEMA, Instant, Per, Percent, Quantity, Rate, alone_under
from tokentill.usage.quantities import TOKEN_LEAVES


def optional(description: str, **rules: Any) -> Any:
    """A key that may be left out. It has no default here: content holds only what was given."""
    return Field(default_factory=lambda: None, description=description, **rules)


def is_empty(valid_from: str | None, valid_to: str | None) -> bool:
    """Whether a validity ends before it begins; one end alone says nothing of it."""
    starts_at, ends_at = parse_instant(valid_from), parse_instant(valid_to)
    return starts_at is not None and ends_at is not None and ends_at <= starts_at


class Table(BaseModel):
    """A table of a file. Unknown keys and values of another type are mistakes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    def states(self, key: str) -> bool:
        """Whether a key was given; what was not given is None, whatever its type says."""
        return key in self.model_fields_set

    @property
    def label(self) -> str:
        """What a message about this table or one inside it begins with."""
        return ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What one table says that makes no sense by itself: at which key of it, and what to do."""

    path: KeyPath
    message: str
    hint: str
    is_warning: bool = False


Rules = Mapping[type[Table], tuple[Callable[[Any], Iterator[Mistake]], ...]]
"""Beyond the types of its keys, what a table must keep: one function a rule."""


def a_validity_is_not_empty(table: Any, path: KeyPath = (), label: str = "") -> Iterator[Mistake]:
    """`valid_to` lies after `valid_from`."""
    if is_empty(table.valid_from, table.valid_to):
        yield Mistake((*path, "valid_to"), f"{label}valid_to is not after valid_from", "valid_to is exclusive")


def the_time_zone_exists(table: Any) -> Iterator[Mistake]:
    """A time zone is one that is known."""
    unknown = zone_mistake(table.time_zone) if table.states("time_zone") else None
    if unknown:
        yield Mistake(("time_zone",), *unknown)


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
    alone_under("default"),
    WithJsonSchema({"anyOf": [PERCENT_SCHEMA, {"type": "object", "additionalProperties": PERCENT_SCHEMA}]}),
]


class FeeTable(Table):
    """A price for `per` units of one quantity."""

    price: Rate
    per: Per = optional("How many units the price is for; 1 unless given.")
