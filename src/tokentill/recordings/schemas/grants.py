"""Prepaid credit grants, and opening balances: what customers have, or owe, beside what they use."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from tokentill.money import EXACT, amount_text, minor_digits
from tokentill.recordings.schemas.parts import UNITS_MAX, Header, Mistake, Rules, Table, is_empty, optional
from tokentill.recordings.values import Currency, Day, Id, Instant, Positive, Rate, Signed, Text


class RolloverTable(Table):
    """What is left of an occurrence of a grant that recurs goes over into the months after it."""

    max: Positive = Field(description="At most so much goes over into a month, of all occurrences together.")
    months: Annotated[int, Field(ge=1, le=120)] = Field(description="For so many months.")


_OF_CREDITS = ("credits", "worth", "name")
_GRANT_RULE: JsonDict = {"oneOf": [{"required": ["amount"]}, {"required": [*_OF_CREDITS]}]}


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
    paid: Rate = optional("What was paid for it; all of it unless given, 0 where it was a gift.")
    priority: Annotated[int, Field(ge=-1000, le=1000)] = optional("The lowest number burns first; 0 unless given.")
    valid_from: Instant = Field(description="It pays invoices of periods that end after this.")
    expires_at: Instant = optional("It pays for what was used before this.")
    every: Literal["month", "year"] = optional("It is granted anew each month or year, and the one before expires.")
    rollover: RolloverTable = optional("What is left of one goes over, where the grant recurs.")
    new_customer: bool = optional("The customer is meant, although nothing else names it.")


class GrantsFile(Header):
    """Prepaid credit grants, as they were sold or given."""

    kind: Literal["grant"]
    source: Text = optional("Where this was agreed.")
    note: Text = optional("What a reader should know.")
    grant: Annotated[list[GrantTable], Field(min_length=1)]


class OpeningBalanceTable(Table):
    """What a customer owed, or had to its credit, before it was billed here."""

    customer: Id
    id: Id = Field(description="Unique for the customer; stated again later, the later statement holds.")
    currency: Currency = Field(description="ISO 4217.")
    amount: Signed = Field(description="What the customer owes; below zero what it has to its credit.")
    date: Day = Field(description="It stands on the first invoice of a period that does not end before this day.")
    reason: Text = Field(description="Why, as it is said on the invoice.")
    new_customer: bool = optional("The customer is meant, although nothing else names it.")


class OpeningBalancesFile(Header):
    """Opening balances of customers."""

    kind: Literal["opening_balance"]
    source: Text = optional("Where this comes from.")
    note: Text = optional("What a reader should know.")
    opening_balance: Annotated[list[OpeningBalanceTable], Field(min_length=1)]


def an_opening_balance_can_be_paid(opening: OpeningBalanceTable) -> Iterator[Mistake]:
    """An opening balance is in whole minor units of its currency."""
    digits = minor_digits(opening.currency)
    if Decimal(opening.amount).as_tuple().exponent < -digits:  # type: ignore[operator]
        message = f"{opening.amount} {opening.currency} is no amount that can be paid"
        yield Mistake(("amount",), message, f"write at most {digits} digits after the point")


def a_grant_is_an_amount_or_credits(grant: GrantTable) -> Iterator[Mistake]:
    """A grant states an amount, or a number of named credits with their worth; it ends after it begins."""
    of_credits = [key for key in _OF_CREDITS if grant.states(key)]
    missing = [key for key in _OF_CREDITS if not grant.states(key)]
    called = f'the grant "{grant.id}"'
    if grant.states("amount") and of_credits:
        message = f'{called} is an amount, and "{of_credits[0]}" makes it one of credits'
        yield Mistake((of_credits[0],), message, "keep amount alone, or credits, worth and name")
    elif not grant.states("amount") and missing:
        what = missing[0] if of_credits else "amount"
        yield Mistake((), f"{called} states no {what}", "add amount = ..., or credits, worth and name")
    if grant.states("rollover") and not grant.states("every"):
        message = f"{called} is granted once, so nothing of it goes over into the next"
        yield Mistake(("rollover",), message, 'add every = "month" or "year", or remove it; expires_at says how long')
    if is_empty(grant.valid_from, grant.expires_at):
        message = f"{called} expires before it begins"
        yield Mistake(("expires_at",), message, "expires_at is an instant after valid_from")


def no_more_is_paid_for_a_grant_than_it_is(grant: GrantTable) -> Iterator[Mistake]:
    """What is paid for a grant is as much as it is at most; less is a discount."""
    if not grant.states("paid"):
        return
    amount = Decimal(grant.amount) if grant.states("amount") else None
    if grant.states("credits") and grant.states("worth"):
        amount = EXACT.multiply(Decimal(grant.credits), Decimal(grant.worth))
    if amount is not None and Decimal(grant.paid) > amount:
        message = f'the grant "{grant.id}" is {amount_text(amount)}, and {grant.paid} was paid for it'
        yield Mistake(("paid",), message, "state what was paid for the credit alone; a fee is a line of an invoice")


RULES: Rules = {
    GrantTable: (a_grant_is_an_amount_or_credits, no_more_is_paid_for_a_grant_than_it_is),
    OpeningBalanceTable: (an_opening_balance_can_be_paid,),
}
