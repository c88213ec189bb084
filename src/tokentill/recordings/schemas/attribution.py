"""Attribution rules."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from tokentill.recordings.schemas.parts import (
    Header,
    Table,
    optional,
)
from tokentill.recordings.values import (
    Id,
    Instant,
    SharePercent,
    Text,
)


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
