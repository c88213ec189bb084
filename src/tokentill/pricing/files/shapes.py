"""The one definition of each kind of file: what keys it may have and what they hold.

Validation and the published JSON Schemas both come from these models. They say what a file may hold; whether what
it says makes sense together is the business of `pricing.checking`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from tokentill.pricing.files.values import (
    PERCENT_SCHEMA,
    RATE_SCHEMA,
    Aliases,
    Currency,
    Day,
    EntryHash,
    Factor,
    Id,
    Instant,
    ModelId,
    Patterns,
    Per,
    Percent,
    PercentOrMore,
    Positive,
    Quantity,
    Rate,
    SharePercent,
    Text,
    TimeOfDay,
    Word,
    markup_by_quantity,
    recurring_amount,
)
from tokentill.usage.quantities import QUANTITY_MAX, TOKEN_LEAVES


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

_NAMES_ONLY: JsonDict = {"additionalProperties": False}
"""Beside the pattern of its keys, so that editors mark a key that is no name."""

_LEAF: JsonDict = {"enum": list(TOKEN_LEAVES)}
_COUNTERS_ONLY: JsonDict = {**_NAMES_ONLY, "propertyNames": {"not": _LEAF}}

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

Rates = Annotated[dict[Quantity, Rate], Field(min_length=1, json_schema_extra=_NAMES_ONLY)]
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
        "Fees of this mode; those of the entry unless given.", json_schema_extra=_COUNTERS_ONLY
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
        "Prices of counters, with a `per` of their own.", json_schema_extra=_COUNTERS_ONLY
    )
    fallback: Annotated[
        dict[Quantity, Quantity],
        WithJsonSchema({"type": "object", "propertyNames": _LEAF, "additionalProperties": _LEAF}),
    ] = optional("A quantity without a rate is priced as another one.")
    tier: list[TierTable] = optional("Context tiers, thresholds rising.")
    window: list[WindowTable] = optional("Parts of the day with other rates.")
    mode: dict[Word, ModeTable] = optional(
        "Rates of other processing modes than standard.",
        json_schema_extra={**_NAMES_ONLY, "propertyNames": {"not": {"const": "standard"}}},
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


class MatchTable(Table):
    """Which records a rule fits: all given keys must. Globs know only * and ?."""

    model: Patterns = optional("Canonical model id, after aliases.")
    provider: Patterns = optional("Who served the request.")
    mode: Patterns = optional("standard, batch, flex, priority, ...")
    api_key: Patterns = optional("The api key as the gateway names it.")
    user: Patterns = optional("The opaque user string.")
    source: Patterns = optional("Where the record comes from.")
    tag: Patterns = optional("Any tag of the record.")


class AllowanceTable(Table):
    """What a period includes, used up in order of time: units of quantities or sums, or an amount of money."""

    units: Annotated[dict[Quantity, Annotated[int, Field(gt=0, le=UNITS_MAX)]], Field(min_length=1)] = optional(
        "Units that are not charged.", json_schema_extra=_NAMES_ONLY
    )
    amount: Positive = optional("Amount that is not charged, in the contract's currency.")


class RuleTierTable(Table):
    """One tier of a rule. What it states holds in it instead of what the rule states."""

    up_to: Positive = optional("Inclusive; every tier but the last has it.")
    markup_percent: Markup = optional("In place of the rule's.")
    rates: Rates = optional("Own rates of the units that the tiers run over, for `per` of the rule.")
    flat: Rate = optional("Charged once when the tier is entered.")


class RuleTiersTable(Table):
    """Tiers over what a period adds up to."""

    kind: Literal["graduated", "volume"] = Field(
        description="graduated: each unit by its own tier; volume: all units by the tier that the total reaches."
    )
    over: Patterns = Field(description='Quantities or sums that are counted, or "spend": the basis amount.')
    flat_at_zero: bool = optional("Whether the first tier's flat amount is charged without usage.")
    tier: Annotated[list[RuleTierTable], Field(min_length=1)]


class PackageTable(Table):
    """Blocks of units; each begun block is charged."""

    price: Rate
    size: Annotated[int, Field(gt=0, le=UNITS_MAX)] = Field(description="Units in a package.")


class CreditsTable(Table):
    """A named unit of fixed worth that requests are billed in."""

    name: Text
    worth: Positive = Field(description="Worth of one credit in the contract's currency.")
    round_up: Literal["request", "never"] = Field(description="Whether every request is rounded up to whole credits.")
    at_least: Annotated[int, Field(ge=0, le=10**6)] = optional("Credits that any request costs at least.")


class RuleTable(Table):
    """A markup rule: basis, then markup, then add-ons."""

    name: Text = optional("Shown where an amount is explained.")
    match: MatchTable = optional("Every record unless given.")
    basis: Literal["list", "own", "cost", "free"] = optional("What is marked up; list unless given.")
    per: Per = optional("How many units the own rates are for; 1_000_000 unless given.")
    rates: Rates = optional('Own rates, with basis = "own".')
    markup_percent: Markup = optional("Of the basis; negative is a discount. One number, or by quantity and default.")
    add_on: dict[Quantity, FeeTable] = optional("Added after the markup.", json_schema_extra=_NAMES_ONLY)
    byok_fee_percent: PercentOrMore = optional("Of the reported cost, instead of all else, with the caller's own key.")
    min_margin_percent: PercentOrMore = optional("Every request is raised to this margin over its reported cost.")
    allowance: AllowanceTable = optional("What a period includes.")
    tiers: RuleTiersTable = optional("Tiers over what a period adds up to.")
    package: dict[Quantity, PackageTable] = optional(
        "Quantities that are charged in blocks, in place of all else.", json_schema_extra=_NAMES_ONLY
    )
    credits: CreditsTable = optional("Requests are billed in credits.")


class RecurringTable(Table):
    """An amount for a period."""

    amount: Rate
    name: Text = optional("What the line is called.")
    prorate: bool = optional("Whether it counts by the days on which it was agreed.")


Recurring = Annotated[
    RecurringTable,
    BeforeValidator(recurring_amount),
    WithJsonSchema(
        {
            "anyOf": [
                RATE_SCHEMA,
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["amount"],
                    "properties": {
                        "amount": RATE_SCHEMA,
                        "name": {"type": "string", "minLength": 1},
                        "prorate": {"type": "boolean"},
                    },
                },
            ]
        }
    ),
]


class CouponTable(Table):
    """A discount on the subtotal. Each coupon works on what the one before left."""

    id: Id
    percent: SharePercent = optional("Of what is left of the subtotal.")
    amount: Positive = optional("At most what is left of the subtotal.")
    periods: Annotated[int, Field(ge=1, le=1200)] = optional("For so many periods in which it takes something off.")


class TaxTable(Table):
    """A tax on what is taxable; several stand side by side."""

    name: Text
    percent: SharePercent


class InvoiceTable(Table):
    """What is agreed for the whole invoice. Amounts are in the contract's currency."""

    base_fee: Recurring = optional("Recurring fee, by the days on which it was agreed unless prorate = false.")
    minimum: Recurring = optional("Commitment; what is missing to it is charged.")
    cap: Recurring = optional("What is above it is taken off.")
    coupon: list[CouponTable] = optional("In this order.")
    tax: list[TaxTable] = optional("Side by side.")
    parent: Id = optional("The customer whose invoice this customer's usage stands on.")
    smallest_amount: Positive = optional("Below it nothing is to be paid, and the balance is carried forward.")
    interim_at: Positive = optional("An interim invoice may bill a running period from this amount on.")


class ContractFile(Header):
    """A contract: the default one, a plan, or a customer's."""

    kind: Literal["default", "plan", "customer"]
    id: Id = Field(description="Customer id, or the plan's id.")
    plan: Id = optional("The plan that a customer is on.")
    valid_from: Instant = Field(description="Inclusive.")
    valid_to: Instant = optional("Exclusive.")
    currency: Currency = optional("ISO 4217.")
    time_zone: str = optional("IANA name; with anchor_day it gives the period.")
    anchor_day: Annotated[int, Field(ge=1, le=31)] = optional("Day on which a period begins.")
    applies_to_closed: bool = optional("Whether closed periods are priced anew; false unless given.")
    source: Text = optional("Where this was agreed.")
    note: Text = optional("What a reader should know.")
    invoice: InvoiceTable = optional("What is agreed for the whole invoice.")
    rule: list[RuleTable] = optional("The first that fits wins.")


_GRANT_RULE: JsonDict = {
    "oneOf": [{"required": ["amount"]}, {"required": ["credits", "worth", "name"]}],
}


class GrantTable(Table):
    """Prepaid credit: it pays invoices until it is burnt down or expires."""

    model_config = ConfigDict(json_schema_extra=_GRANT_RULE)

    customer: Id
    id: Id = Field(description="Unique for the customer; stated again later, the later statement holds.")
    currency: Currency = Field(description="ISO 4217; it pays invoices in this currency.")
    amount: Rate = optional("How much it is.")
    credits: Annotated[int, Field(ge=0, le=UNITS_MAX)] = optional("Or: how many credits.")
    worth: Positive = optional("Worth of one credit.")
    name: Text = optional("Name of the credit.")
    priority: Annotated[int, Field(ge=-1000, le=1000)] = optional("The lowest number burns first; 0 unless given.")
    valid_from: Instant = Field(description="It pays invoices of periods that end after this.")
    expires_at: Instant = optional("It pays for what was used before this.")


class GrantsFile(Header):
    """Prepaid credit grants, as they were sold or given."""

    kind: Literal["grant"]
    source: Text = optional("Where this was agreed.")
    note: Text = optional("What a reader should know.")
    grant: Annotated[list[GrantTable], Field(min_length=1)]


class TemplateTable(Table):
    """What a record must look like: `{id}` stands for one or more of any character."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    user: Id = optional("Template of the whole user string.")
    api_key: Id = optional("Template of the whole api key.")
    source: Id = optional("Template of the whole source.")


class AttributionRuleTable(Table):
    """One rule; the first that fits wins."""

    match: TemplateTable
    customer: Id


class AttributionFile(Header):
    """Who a user string belongs to. The newest recording in force replaces the whole set."""

    kind: Literal["attribution"]
    valid_from: Instant
    default: Literal["each-user", "unattributed"] = optional("Whose a record is that no rule fits.")
    tolerance_percent: SharePercent = optional("How much unattributed list amount a close may leave over.")
    source: Text = optional("Where this was agreed.")
    note: Text = optional("What a reader should know.")
    rule: list[AttributionRuleTable] = optional("The first that fits wins.")


class FxRateTable(Table):
    """How many units of one currency are one unit of another, from a day on."""

    from_: Currency = Field(alias="from")
    to: Currency
    date: Day = Field(description="Holds from this day (UTC) to the next listed one.")
    rate: Factor


class FxFile(Header):
    """Dated exchange rates."""

    kind: Literal["fx"]
    source: Text = optional("Where the rates were read.")
    note: Text = optional("What a reader should know.")
    rate: Annotated[list[FxRateTable], Field(min_length=1)]


SHAPES: dict[str, type[Header]] = {
    "prices": PricesFile,
    "contract": ContractFile,
    "grant": GrantsFile,
    "attribution": AttributionFile,
    "fx": FxFile,
}
"""One model for each schema."""
