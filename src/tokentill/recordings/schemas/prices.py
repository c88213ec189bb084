"""Price tables: entries with their rates, tiers, windows, modes and fees."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from tokentill.recordings.schemas.parts import (
    COUNTERS_ONLY,
    LEAF,
    NAMES_ONLY,
    FeeTable,
    Header,
    Table,
    optional,
)
from tokentill.recordings.values import (
    RATE_SCHEMA,
    Aliases,
    Currency,
    EntryHash,
    Factor,
    Id,
    Instant,
    ModelId,
    Per,
    Quantity,
    Rate,
    Text,
    TimeOfDay,
    Word,
)
from tokentill.usage.quantities import QUANTITY_MAX, TOKEN_LEAVES

LeafRates = Annotated[
    dict[Quantity, Rate],
    Field(min_length=1),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": dict.fromkeys(TOKEN_LEAVES, RATE_SCHEMA),
        }
    ),
]
"""Rates of a price table: leaf quantities, each named in the schema so that editors complete them."""


class TierCondition(Table):
    """When a tier holds, by the input total of the one request."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    input_tokens_gt: int = optional("Holds above this many input tokens.", ge=0, le=QUANTITY_MAX)
    input_tokens_gte: int = optional("Holds from this many input tokens on.", ge=1, le=QUANTITY_MAX)


class TierTable(Table):
    """Rates for the whole of a request that is long enough."""

    model_config = ConfigDict(json_schema_extra={"required": ["when", "rates"]})

    when: TierCondition = optional("Without a condition a tier is refused.")
    rates: LeafRates


class WindowCondition(Table):
    """When a window is open: half-open, in its own time zone."""

    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)] = optional(
        "Days on which the window starts; every day unless given."
    )
    between: Annotated[list[TimeOfDay], Field(min_length=2, max_length=2)] = Field(description="From and to, HH:MM.")
    time_zone: str = optional("IANA name; UTC unless given.")


class WindowTable(Table):
    """Rates for a part of the day."""

    when: WindowCondition
    rates: LeafRates
    tier: list[TierTable] = optional("Tiers inside the window; those outside it do not hold there.")


class ModeTable(Table):
    """Rates of one processing mode. Nothing but fees is inherited from the entry."""

    rates: LeafRates
    tier: list[TierTable] = optional("Context tiers of this mode, thresholds rising.")
    window: list[WindowTable] = optional("Parts of the day with other rates.")
    fees: dict[Quantity, FeeTable] = optional(
        "Fees of this mode; those of the entry unless given.", json_schema_extra=COUNTERS_ONLY
    )
    valid_from: Instant = optional("Inclusive; the entry's unless given.")
    valid_to: Instant = optional("Exclusive; the entry's unless given.")


class MultiplierTable(Table):
    """Exact factors on every rate of a record."""

    geo: dict[Id, Factor] = Field(description="By the place where a request was processed.")


_CHARGING = ("rates", "fees", "tier", "window", "mode", "multiplier", "fallback")


def _without(*keys: str) -> JsonDict:
    return {"not": {"anyOf": [{"required": [key]} for key in keys]}}


_ENTRY_RULE: JsonDict = {
    "oneOf": [
        {"required": ["withdraws"], **_without("model", "valid_from", "valid_to", "per", "free", *_CHARGING)},
        {"required": ["model", "valid_from", "rates"], "properties": {"free": {"const": False}}},
        {"required": ["model", "valid_from", "free"], "properties": {"free": {"const": True}}, **_without(*_CHARGING)},
    ]
}
"""A withdrawal, an entry with rates, or one that is free: what each of them can have."""


class PriceEntryTable(Table):
    """One model's list prices from an instant on, or the withdrawal of an announced entry."""

    model_config = ConfigDict(json_schema_extra=_ENTRY_RULE)

    model: ModelId = optional("Canonical model id.")
    aliases: Aliases = optional("Exact strings under which gateways report the model.")
    valid_from: Instant = optional("Inclusive.")
    valid_to: Instant = optional("Exclusive.")
    per: Per = optional("How many units the rates are for; 1_000_000 unless given.")
    rates: LeafRates = optional("Price of each leaf quantity.")
    free: bool = optional("A listed zero.")
    fees: dict[Quantity, FeeTable] = optional(
        "Prices of counters, with a `per` of their own.", json_schema_extra=COUNTERS_ONLY
    )
    fallback: Annotated[
        dict[Quantity, Quantity],
        WithJsonSchema({"type": "object", "propertyNames": LEAF, "additionalProperties": LEAF}),
    ] = optional("A quantity without a rate is priced as another one.")
    tier: list[TierTable] = optional("Context tiers, thresholds rising.")
    window: list[WindowTable] = optional("Parts of the day with other rates.")
    mode: dict[Word, ModeTable] = optional(
        "Rates of other processing modes than standard.",
        json_schema_extra={**NAMES_ONLY, "propertyNames": {"not": {"const": "standard"}}},
    )
    multiplier: MultiplierTable = optional("Exact factors on every rate.")
    withdraws: EntryHash = optional("Hash of an announced entry that was cancelled.")
    source: Text = optional("Where the numbers were read.")
    note: Text = optional("What a reader should know.")


class PricesFile(Header):
    """Price tables: list prices of models."""

    kind: Literal["prices"]
    currency: Currency = Field(description="ISO 4217.")
    source: Text = optional("Where the numbers were read.")
    note: Text = optional("What a reader should know.")
    applies_to_closed: bool = optional("Whether closed periods are priced anew; false unless given.")
    price: Annotated[list[PriceEntryTable], Field(min_length=1)]
