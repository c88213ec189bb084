"""Canonical forms: of single values, and of the fields of a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType

import pytest

from tokentill.canonical import Content, fields_of, form_of, stated_fields_of


@dataclass(frozen=True)
class Box:
    name: str
    price: Decimal | None = None
    inside: tuple[Box, ...] = ()
    count: int = 0

    def content(self) -> Content:
        return fields_of(self, "name")


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (None, None),
        ("text", "text"),
        (True, True),
        (7, 7),
        (Decimal("1.500"), "1.5"),
        (datetime(2026, 10, 1, tzinfo=UTC), "2026-10-01T00:00:00Z"),
        (date(2026, 10, 1), "2026-10-01"),
        ((1, (Decimal(2), None)), [1, ["2", None]]),
        (MappingProxyType({"input": Decimal(3)}), {"input": "3"}),
        ((Box("a"), Box("b")), [{"name": "a"}, {"name": "b"}]),
    ],
)
def test_a_value_has_one_form(value: object, form: object) -> None:
    assert form_of(value) == form


@pytest.mark.parametrize("value", [0.5, (1, 0.5), {"rate": 0.5}, b"bytes", object()])
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="has no canonical form"):
        form_of(value)


def test_fields_are_said_under_their_names_in_the_order_in_which_they_are_named() -> None:
    box = Box("outer", inside=(Box("inner"),))

    assert list(fields_of(box, "price", "name", "inside").items()) == [
        ("price", None),
        ("name", "outer"),
        ("inside", [{"name": "inner"}]),
    ]


def test_what_is_not_stated_is_left_out_and_zero_is_not() -> None:
    assert stated_fields_of(Box("empty"), "name", "price", "inside", "count") == {"name": "empty", "count": 0}
