"""Prepaid credit grants."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from tokentill.recordings.schemas.parts import (
    UNITS_MAX,
    Header,
    Table,
    optional,
)
from tokentill.recordings.values import (
    Currency,
    Id,
    Instant,
    Positive,
    Rate,
    Text,
)

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
