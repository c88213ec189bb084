"""Blocks of units: each begun block has a price, in place of any other price of the quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from tokentill.canonical import Content
from tokentill.money import EXACT
from tokentill.usage.quantities import leaves_of


@dataclass(frozen=True, slots=True)
class Package:
    """Blocks of `size` units, each begun block at `price`."""

    is_linear: ClassVar[bool] = False
    counts_on: ClassVar[bool] = True

    price: Decimal
    size: int

    @classmethod
    def from_content(cls, content: Content) -> Package:
        """From the canonical content of a `package` table."""
        return cls(Decimal(content["price"]), content["size"])

    def begun(self, units: int) -> int:
        """How many packages so many units begin."""
        return -(-units // self.size)

    def charge(self, packages: int) -> Decimal:
        """What so many packages cost."""
        return EXACT.multiply(Decimal(packages), self.price)


def count(
    packages: Mapping[str, Package], quantities: Mapping[str, int], counted: Mapping[str, int]
) -> Mapping[str, int]:
    """The units counted by the names of the packages, with those that come now."""
    now = dict(counted)
    for name in packages:
        now[name] = now.get(name, 0) + sum(quantities.get(leaf, 0) for leaf in leaves_of((name,)))
    return now


def rest_of(packages: Mapping[str, Package], quantities: Mapping[str, int]) -> Mapping[str, int]:
    """The quantities that do not come in packages."""
    if not packages:
        return quantities
    packaged = leaves_of(packages)
    return {name: count for name, count in quantities.items() if name not in packaged}
