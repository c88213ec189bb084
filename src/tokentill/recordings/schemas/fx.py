"""Dated exchange rates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from tokentill.recordings.schemas.parts import Header, Mistake, Rules, Table, optional
from tokentill.recordings.values import Currency, Day, Factor, Text


class FxRateTable(Table):
    """How many units of one currency are one unit of another, from a day on."""

    from_: Currency = Field(alias="from")
    to: Currency
    date: Day = Field(description="Holds from this day (UTC) to the next listed one.")
    rate: Factor
    unusual: bool = optional("The number is meant, although it looks like a mistake.")


class FxFile(Header):
    """Dated exchange rates."""

    kind: Literal["fx"]
    applies_to_closed: bool = optional("Whether it acts on closed periods; false unless given.")
    source: Text = optional("Where the rates were read.")
    note: Text = optional("What a reader should know.")
    rate: Annotated[list[FxRateTable], Field(min_length=1)]


def a_rate_is_between_two_currencies(rate: FxRateTable) -> Iterator[Mistake]:
    """No currency is converted into itself."""
    if rate.from_ == rate.to:
        yield Mistake((), f"an exchange rate from {rate.from_} to itself", "remove it")


RULES: Rules = {FxRateTable: (a_rate_is_between_two_currencies,)}
