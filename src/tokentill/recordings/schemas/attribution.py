"""Attribution rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import ConfigDict

from tokentill.recordings.schemas.parts import Header, Mistake, Rules, Table, optional
from tokentill.recordings.values import Id, Instant, SharePercent, Text
from tokentill.usage.attribution import PLACEHOLDER


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
    literal: bool = optional("Signs that look like a pattern, as * does, are meant as they stand.")
    new_customer: bool = optional("The customer has no contract, and its id is meant although it is near another one.")


class AttributionFile(Header):
    """Who a user string belongs to. The newest recording in force replaces the whole set."""

    kind: Literal["attribution"]
    applies_to_closed: bool = optional("Whether it acts on closed periods; false unless given.")
    valid_from: Instant
    default: Literal["each-user", "unattributed"] = optional("Whose a record is that no rule fits.")
    tolerance_percent: SharePercent = optional("How much unattributed list amount a close may leave over.")
    untrusted_users: list[Id] = optional("Sources whose users decide nothing, so that the API key does; globs.")
    users_seen_once_max: int = optional(
        "How many users with a single request in a period may become customers by each-user; 1000 unless given.",
        ge=0,
        le=1_000_000_000,
    )
    source: Text = optional("Where this was agreed.")
    note: Text = optional("What a reader should know.")
    rule: list[AttributionRuleTable] = optional("The first that fits wins.")


def templates_lead_to_a_customer(rule: AttributionRuleTable) -> Iterator[Mistake]:
    """A rule matches something, and takes `{id}` from exactly one template if its customer needs it."""
    templates = [getattr(rule.match, key) for key in rule.match.model_fields_set]
    if not templates:
        yield Mistake(("match",), "a rule that matches nothing in particular", "name user, api_key or source")
    places = sum(template.count(PLACEHOLDER) for template in templates)
    if places > 1:
        message = f"{PLACEHOLDER} stands {places} times in the templates of one rule"
        yield Mistake(("match",), message, "one place only can give the id")
    if PLACEHOLDER in rule.customer and not places:
        message = f"the customer needs {PLACEHOLDER}, and no template has it"
        yield Mistake(("customer",), message, 'write it like user = "customer_{id}"')


RULES: Rules = {AttributionRuleTable: (templates_lead_to_a_customer,)}
