"""Contracts: who and when, and what is agreed for the whole invoice."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from tokentill.recordings.schemas.parts import (
    Header,
    Mistake,
    Rules,
    Table,
    a_validity_is_not_empty,
    optional,
    the_time_zone_exists,
)
from tokentill.recordings.schemas.rules import RuleTable
from tokentill.recordings.values import (
    RATE_SCHEMA,
    Currency,
    Day,
    Factor,
    Id,
    Instant,
    Positive,
    Rate,
    SharePercent,
    Text,
    alone_under,
    mistake,
)


class RecurringTable(Table):
    """An amount for a period."""

    amount: Rate
    name: Text = optional("What the line is called.")
    prorate: bool = optional("Whether it counts by the days on which it was agreed.")
    unusual: bool = optional("The number is meant, although it looks like a mistake.")


class BaseFeeTable(RecurringTable):
    """The same, or an amount for a year."""

    every: Literal["month", "year"] = optional("For each period, or for each year; month unless given.")
    starts: Day = optional("The day on which a year of the fee begins, this year and every year after.")


_OF_RECURRING: dict[str, Any] = {
    "amount": RATE_SCHEMA,
    "name": {"type": "string", "minLength": 1},
    "prorate": {"type": "boolean"},
    "unusual": {"type": "boolean"},
}
_OF_A_YEAR: dict[str, Any] = {
    "every": {"enum": ["month", "year"]},
    "starts": {"type": "string", "format": "date"},
}


def _amount_or_table(properties: dict[str, Any]) -> WithJsonSchema:
    table = {"type": "object", "additionalProperties": False, "required": ["amount"], "properties": properties}
    return WithJsonSchema({"anyOf": [RATE_SCHEMA, table]})


RecurringAmount = Annotated[RecurringTable, alone_under("amount"), _amount_or_table(_OF_RECURRING)]
BaseFee = Annotated[BaseFeeTable, alone_under("amount"), _amount_or_table(_OF_RECURRING | _OF_A_YEAR)]


def a_fee_for_a_year_says_when_it_begins(fee: BaseFeeTable) -> Iterator[Mistake]:
    """A fee for a year states the day on which its years begin, and a fee for a period none."""
    is_yearly = fee.states("every") and fee.every == "year"
    if is_yearly and not fee.states("starts"):
        yield Mistake((), "a fee for a year states no day on which it begins", "add starts = 2026-01-01 or the like")
    if fee.states("starts") and not is_yearly:
        yield Mistake(("starts",), "a fee for each period begins with the period", 'add every = "year", or remove it')


class CouponTable(Table):
    """A discount on the subtotal. Each coupon works on what the one before left."""

    id: Id
    percent: SharePercent = optional("Of what is left of the subtotal.")
    amount: Positive = optional("At most what is left of the subtotal.")
    periods: Annotated[int, Field(ge=1, le=1200)] = optional("For so many periods in which it takes something off.")
    unusual: bool = optional("The number is meant, although it looks like a mistake.")


class TaxTable(Table):
    """A tax on what is taxable; several stand side by side."""

    name: Text
    percent: SharePercent
    unusual: bool = optional("The number is meant, although it looks like a mistake.")


def _lines_by(value: Any) -> Any:
    """Sorted, without doubles: their order means nothing."""
    names = [value] if isinstance(value, str) else value
    for name in names if isinstance(names, list) else ():
        if name not in ("user", "api_key") and not (
            isinstance(name, str) and len(name) > 4 and name.startswith("tag:")
        ):
            shown = f'"{name[:40]}"' if isinstance(name, str) else str(name)[:40]
            raise mistake(f"lines cannot be split by {shown}", 'write "user", "api_key" or "tag:NAME"')
    return sorted(set(names)) if isinstance(names, list) else names


LinesBy = Annotated[
    list[Id],
    BeforeValidator(_lines_by),
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": "^(user|api_key|tag:.+)$"}}),
]


class CommitmentTable(Table):
    """An amount of usage that is agreed for a term. What is left of it at the end is billed then."""

    amount: Positive = Field(description="Of usage, over the whole term.")
    starts: Day = Field(description="The first day of the term, by which it is known.")
    ends: Day = optional("The first day after the term.")
    months: Annotated[int, Field(ge=1, le=240)] = optional("Or: for how many months.")
    overage_factor: Factor = optional("What lies above the amount is billed times this; 1 unless given.")
    name: Text = optional("What the lines are called.")
    unusual: bool = optional("The number is meant, although it looks like a mistake.")


def a_commitment_has_one_end(commitment: CommitmentTable) -> Iterator[Mistake]:
    """A term states its end, after its start, or its months."""
    if commitment.states("ends") and commitment.states("months"):
        yield Mistake(("months",), "the term has an end and a number of months", "keep one of the two")
    elif not commitment.states("ends") and not commitment.states("months"):
        yield Mistake((), "the term of the commitment has no end", "add months = 12 or ends = ...")
    elif commitment.states("ends") and commitment.ends <= commitment.starts:
        yield Mistake(("ends",), "the term ends before it begins", "ends is the first day after it")
    if commitment.states("overage_factor") and Decimal(commitment.overage_factor) < 1 and not commitment.unusual:
        message = f"what lies above the commitment is billed at {commitment.overage_factor} of its price"
        hint = "1.2 bills 20 percent more; if it is meant, say unusual = true"
        yield Mistake(("overage_factor",), message, hint, is_warning=True)


class InvoiceTable(Table):
    """What is agreed for the whole invoice. Amounts are in the contract's currency."""

    base_fee: BaseFee = optional("Recurring fee, by the days on which it was agreed unless prorate = false.")
    minimum: RecurringAmount = optional("Commitment; what is missing to it is charged.")
    cap: RecurringAmount = optional("What is above it is taken off.")
    coupon: list[CouponTable] = optional("In this order.")
    tax: list[TaxTable] = optional("Side by side.")
    parent: Id = optional("The customer whose invoice this customer's usage stands on.")
    smallest_amount: Positive = optional("Below it nothing is to be paid, and the balance is carried forward.")
    commitment: CommitmentTable = optional("An amount of usage over a term of several months.")
    lines_by: LinesBy = optional("What its lines are split by: user, api_key, tag:NAME. The total stays.")
    interim_at: Positive = optional("An interim invoice may bill a running period from this amount on.")
    adjustments: Literal["next-invoice", "credit-note"] = optional(
        "Where corrections of earlier periods go that are in the customer's favour; on the next invoice unless given."
    )


class ApproveWithinTable(Table):
    """Up to where the declared policy may approve an invoice; every bound that is stated has to hold."""

    total: Positive = optional("Of the total, in the invoice's currency.")
    change_percent: Positive = optional("Of the change from the last period, in percent.")
    change: Positive = optional("Of the same change, in the invoice's currency.")


class ParkBeyondTable(Table):
    """From where on an invoice waits for a person, whatever else holds; one bound that is passed is enough."""

    total: Positive = optional("Of the total, in the invoice's currency.")
    change_percent: Positive = optional("Of the change from the last period, in percent.")


class ReviewTable(Table):
    """What a close asks of people first."""

    require_approval: bool = optional("Whether a close refuses an invoice that nobody approved as it stands.")
    approve_within: ApproveWithinTable = optional("What a policy may approve; as settings say unless given.")
    park_beyond: ParkBeyondTable = optional("What is parked until a person approves it; as settings say unless given.")
    by_policy: bool = optional("Whether a policy may approve it at all; true unless given.")


DroppedTerm = Literal[
    "plan",
    "currency",
    "time_zone",
    "anchor_day",
    "base_fee",
    "minimum",
    "cap",
    "coupon",
    "tax",
    "parent",
    "smallest_amount",
    "interim_at",
    "adjustments",
    "commitment",
    "lines_by",
    "require_approval",
    "approve_within",
    "park_beyond",
    "by_policy",
    "rule",
]


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
    bill_from: Instant = optional("Nothing of the customer is billed before this; of a default contract, of anybody.")
    applies_to_closed: bool = optional("Whether closed periods are priced anew; false unless given.")
    drops: Annotated[list[DroppedTerm], Field(min_length=1)] = optional(
        "Terms of the version before that this one leaves out on purpose; rule are all rules."
    )
    source: Text = optional("Where this was agreed.")
    note: Text = optional("What a reader should know.")
    review: ReviewTable = optional("What a close asks of people first.")
    invoice: InvoiceTable = optional("What is agreed for the whole invoice.")
    rule: list[RuleTable] = optional("The first that fits wins.")


def only_a_customer_has_a_plan_and_a_parent(contract: ContractFile) -> Iterator[Mistake]:
    """Plans and the default contract are on no plan and have no parent, and nobody is its own parent."""
    parent = contract.invoice.parent if contract.states("invoice") else None
    if contract.kind != "customer" and contract.states("plan"):
        message = f'a contract of kind "{contract.kind}" is on no plan'
        yield Mistake(("plan",), message, "remove the key; only a customer is on a plan")
    if contract.kind != "customer" and parent is not None:
        message = f'a contract of kind "{contract.kind}" has no parent'
        yield Mistake(_PARENT, message, "remove the key; each child names its parent in its own")
    elif parent == contract.id:
        message = f'"{parent}" is its own parent'
        yield Mistake(_PARENT, message, "remove the key; a customer pays its own invoice anyway")


def a_plan_does_not_say_from_when(contract: ContractFile) -> Iterator[Mistake]:
    """From when on a customer is billed is said by its own contract, or for everybody by the default one."""
    if contract.kind == "plan" and contract.states("bill_from"):
        message = "a plan does not say from when on a customer is billed"
        yield Mistake(("bill_from",), message, "state it in the customer's contract, or in the default one")


_PARENT = ("invoice", "parent")
_OF_THE_INVOICE = (
    *("minimum", "cap", "coupon", "tax", "smallest_amount", "interim_at", "adjustments", "commitment", "lines_by"),
)
"""Terms that are looked up for the customer who pays, and for nobody else."""


def a_child_leaves_the_invoice_to_its_parent(contract: ContractFile) -> Iterator[Mistake]:
    """A child states no limits, coupons and taxes: they are its parent's. Its rules and its base fee are its own."""
    if contract.kind != "customer" or not contract.states("invoice") or not contract.invoice.states("parent"):
        return
    parent = contract.invoice.parent
    if contract.states("review"):
        message = f'"review" has no effect: the invoice is that of the parent "{parent}"'
        yield Mistake(("review",), message, f'remove it, or state it in the contract of "{parent}"')
    for key in _OF_THE_INVOICE:
        if contract.invoice.states(key):
            message = f'"{key}" has no effect: the invoice is that of the parent "{parent}"'
            yield Mistake(("invoice", key), message, f'remove it, or state it in the contract of "{parent}"')


def coupons_and_taxes_are_stated_once(invoice: InvoiceTable) -> Iterator[Mistake]:
    """Two coupons of one contract are told apart by their ids, two taxes by their names."""
    of_coupons = "the periods in which a coupon was used are counted by its id"
    of_taxes = "name each tax once; several stand side by side"
    for key, told_by, hint in (("coupon", "id", of_coupons), ("tax", "name", of_taxes)):
        seen: set[str] = set()
        for index, item in enumerate(getattr(invoice, key) or ()):
            name = getattr(item, told_by)
            if name in seen:
                yield Mistake((key, index, told_by), f'the {key} "{name}" is stated twice', hint)
            seen.add(name)


def a_cap_leaves_something_to_bill(invoice: InvoiceTable) -> Iterator[Mistake]:
    """A cap is above zero. Warning."""
    if invoice.states("cap") and not Decimal(invoice.cap.amount) and not invoice.cap.unusual:
        hint = 'basis = "free" says that usage costs nothing'
        yield Mistake(("cap",), "with a cap of 0 nothing is ever billed", hint, is_warning=True)


def a_coupon_takes_something_off(coupon: CouponTable) -> Iterator[Mistake]:
    """A coupon is a percentage or an amount, more than nothing."""
    called = f'the coupon "{coupon.id}"'
    if coupon.states("percent") and coupon.states("amount"):
        hint = "keep one of the two; two coupons may stand side by side"
        yield Mistake(("amount",), f"{called} is a percentage and an amount", hint)
    elif not coupon.states("percent") and not coupon.states("amount"):
        yield Mistake((), f"{called} takes nothing off", "add percent = ... or amount = ...")
    if coupon.percent == "0":
        hint = "write more than zero, or remove it; coupon = [] says none"
        yield Mistake(("percent",), f"{called} takes 0 percent off", hint)


class RemovalFile(Header):
    """What contracts stated before and are meant to state no more, so that a close does not ask for it."""

    kind: Literal["removal"]
    removes: Annotated[list[Text], Field(min_length=1)] = Field(
        description='As a refusal names it: customer acme, plan pro, or rule "markup" of plan pro.'
    )
    note: Text = optional("What a reader should know.")


def a_bound_is_stated(bounds: ApproveWithinTable | ParkBeyondTable) -> Iterator[Mistake]:
    """A table of bounds states one at least; without any it would hold for everything, or for nothing."""
    if not any(bounds.states(key) for key in type(bounds).model_fields):
        yield Mistake((), "no bound is stated", "write total = ... or change_percent = ..., or remove the table")


RULES: Rules = {
    ApproveWithinTable: (a_bound_is_stated,),
    ParkBeyondTable: (a_bound_is_stated,),
    ContractFile: (
        a_validity_is_not_empty,
        the_time_zone_exists,
        only_a_customer_has_a_plan_and_a_parent,
        a_plan_does_not_say_from_when,
        a_child_leaves_the_invoice_to_its_parent,
    ),
    CommitmentTable: (a_commitment_has_one_end,),
    BaseFeeTable: (a_fee_for_a_year_says_when_it_begins,),
    InvoiceTable: (coupons_and_taxes_are_stated_once, a_cap_leaves_something_to_bill),
    CouponTable: (a_coupon_takes_something_off,),
}
