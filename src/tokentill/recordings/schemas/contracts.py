"""Contracts: rules, and what is agreed for the whole invoice."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from tokentill.recordings.schemas.parts import (
    NAMES_ONLY,
    UNITS_MAX,
    FeeTable,
    Header,
    Markup,
    Rates,
    Table,
    optional,
)
from tokentill.recordings.values import (
    RATE_SCHEMA,
    Currency,
    Id,
    Instant,
    Patterns,
    Per,
    PercentOrMore,
    Positive,
    Quantity,
    Rate,
    SharePercent,
    Text,
    recurring_amount,
)


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
        "Units that are not charged.", json_schema_extra=NAMES_ONLY
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
    add_on: dict[Quantity, FeeTable] = optional("Added after the markup.", json_schema_extra=NAMES_ONLY)
    byok_fee_percent: PercentOrMore = optional("Of the reported cost, instead of all else, with the caller's own key.")
    min_margin_percent: PercentOrMore = optional("Every request is raised to this margin over its reported cost.")
    allowance: AllowanceTable = optional("What a period includes.")
    tiers: RuleTiersTable = optional("Tiers over what a period adds up to.")
    package: dict[Quantity, PackageTable] = optional(
        "Quantities that are charged in blocks, in place of all else.", json_schema_extra=NAMES_ONLY
    )
    credits: CreditsTable = optional("Requests are billed in credits.")


class RecurringTable(Table):
    """An amount for a period."""

    amount: Rate
    name: Text = optional("What the line is called.")
    prorate: bool = optional("Whether it counts by the days on which it was agreed.")


RecurringAmount = Annotated[
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

    base_fee: RecurringAmount = optional("Recurring fee, by the days on which it was agreed unless prorate = false.")
    minimum: RecurringAmount = optional("Commitment; what is missing to it is charged.")
    cap: RecurringAmount = optional("What is above it is taken off.")
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
