"""Under which ids models are reported, where no price is stated with them: aliases and routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from tokentill.recordings.schemas.parts import Mistake, Rules, Table, optional
from tokentill.recordings.values import Instant, ModelId, Text

OtherPart = Annotated[str, Field(pattern=r"^(mode|fee)\.[a-z][a-z0-9_.-]{0,63}$")]
"""A part of a price that a route has otherwise: one of the modes, one of the fees."""


class AliasTable(Table):
    """An id under which gateways report a model. It states no price and follows its model through time."""

    id: ModelId = Field(description="Exact string, as a gateway or an SDK reports it.")
    model: ModelId = Field(description="Canonical model id.")
    valid_from: Instant = optional("From when on the id means the model; always, unless given.")
    source: Text = optional("Where this was read.")
    note: Text = optional("What a reader should know.")


class RouteTable(Table):
    """A prefix of ids under which a provider serves models: what follows it is looked up as it is."""

    prefix: ModelId = Field(description="How the ids begin, with its slash.")
    models: Annotated[list[ModelId], Field(min_length=1)] = Field(
        description="Globs of canonical model ids: only these are meant."
    )
    same_price: bool = Field(description="false: the models are known, and unpriced until an id has its own entry.")
    apart_from: Annotated[list[OtherPart], Field(min_length=1)] = optional(
        "With same_price: fees and modes that are priced otherwise on this route, and unpriced here."
    )
    source: Text = optional("Where this was read.")
    note: Text = optional("What a reader should know.")


def an_alias_is_another_id(alias: AliasTable) -> Iterator[Mistake]:
    """An alias does not mean itself."""
    if alias.id == alias.model:
        yield Mistake(("id",), f'the alias "{alias.id}" is the id of its model', "remove it")


def a_route_has_its_price_but_for_parts(route: RouteTable) -> Iterator[Mistake]:
    """Only a route with the price of its models can lack a part of it."""
    if route.states("apart_from") and not route.same_price:
        message = '"apart_from" has no effect: on this route the models have no price at all'
        yield Mistake(("apart_from",), message, "remove it, or write same_price = true")


RULES: Rules = {AliasTable: (an_alias_is_another_id,), RouteTable: (a_route_has_its_price_but_for_parts,)}
