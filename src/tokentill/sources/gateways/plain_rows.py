"""What a format with a field map declares of plain rows, so that most are read into columns (`quick_rows`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tokentill.sources.gateways.inclusive import COUNTED
from tokentill.sources.gateways.mapping import FieldMap
from tokentill.sources.gateways.quick_values import RFC_3339, Instants


@dataclass(frozen=True)
class PlainRows:
    """What a plain row is, and what becomes of each role in it; every role is named once.

    A plain row counts tokens of prompt and completion, and its record is that of its series and of these, the id, the
    instant, the cost and the searches that it counts.

    Args:
        fields: the map.
        series: roles that decide of which series a row is.
        verbatim: those of them that a record has as they are, under the same name.
        beside: names beside the map that do so, too.
        unread: roles that nothing comes of.
        amounts: roles that have to be amounts, of which nothing comes.
        absent: roles that hold nothing, or zero.
        foreign: names that a plain row does not have.
        is_plain: whether rows of a series are, by its roles and names.
    """

    fields: FieldMap
    series: tuple[str, ...]
    verbatim: tuple[str, ...] = ("user", "api_key", "provider")
    beside: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    is_plain: Callable[[Mapping[str, Any]], bool] = lambda _: True
    instants: Instants = RFC_3339

    def __post_init__(self) -> None:
        counted = COUNTED & self.fields.paths.keys()
        named = ["record_id", "occurred_at", "cost", *counted, *self.series, *self.unread, *self.amounts, *self.absent]
        if sorted(named) != sorted(self.fields.paths):
            raise ValueError(f"each role has to be named once: {sorted(set(named) ^ self.fields.paths.keys())}")

    @property
    def traits(self) -> tuple[str, ...]:
        """The roles and names that decide of which series a row is."""
        return (*self.series, *self.beside)
