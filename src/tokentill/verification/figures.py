"""What documents bill of one period together, to be held against what the period comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tokentill.verification.amounts import NOTHING, minor_text, minor_unit
from tokentill.verification.terms.keys import Table

Key = tuple[str, ...]
STEPS = ("coupon", "minimum", "cap", "true_up")


@dataclass(slots=True)
class LineFigures:
    """One line of a period on all documents. `slack` is by how much the exact amount may be off, in minor units: a
    line in another currency says a rounded share alone."""

    requests: int = 0
    quantities: Counter[str] = field(default_factory=Counter)
    exact: Fraction = NOTHING
    slack: int = 0


@dataclass(slots=True)
class Figures:
    """Amounts in minor units of `currency`. `unnamed` are taxes of which only the sum is known in it."""

    currency: str
    net: int = 0
    taxes: Counter[str] = field(default_factory=Counter)
    unnamed: int = 0
    credits: Counter[str] = field(default_factory=Counter)
    coupons: Counter[str] = field(default_factory=Counter)
    lines: dict[Key, LineFigures] = field(default_factory=dict)

    @classmethod
    def of_own(cls, content: Table) -> Figures:
        """What a document says of its own period, without what it corrects."""
        figures = cls(content["currency"])
        for line in content["lines"]:
            if line["kind"] != "adjustment":
                figures.net += figures.minor(line["amount"])
                figures.add_line(line["kind"], line.get("customer"), line)
        for item in content.get("items", ()):
            if item.get("corrects") is None:
                figures._add_item(item)
        return figures

    def minor(self, amount: str) -> int:
        """An amount of a content in minor units."""
        scaled = Fraction(amount) * minor_unit(self.currency)
        if scaled.denominator != 1:
            raise ValueError(f"{amount} {self.currency} is no whole number of minor units")
        return scaled.numerator

    def _add_item(self, item: Table) -> None:
        kind, amount = item["kind"], self.minor(item["amount"])
        if kind == "tax":
            self.taxes[item["name"]] += amount
        elif kind == "credit":
            self.credits[item["name"]] -= amount
        elif kind in (*STEPS, "invoiced"):
            self.net += amount
        if kind == "coupon":
            self.coupons[item["name"]] -= amount
        if kind in STEPS:
            self.line(("", kind, "", "", "", "", item["name"])).exact += Fraction(item["amount"])

    def line(self, key: Key) -> LineFigures:
        """The line of a key."""
        return self.lines.setdefault(key, LineFigures())

    def add_line(self, kind: str, customer: str | None, line: Table, rate: Fraction | None = None) -> None:
        """One more line; `rate` is what its exact amount was converted at."""
        named = (customer, kind, *(line[name] for name in ("model", "mode", "rule_hash", "price_entry", "description")))
        key = tuple(part or "" for part in named)
        own = self.line(key)
        own.requests += line["requests"]
        for name, count in line["quantities"].items():
            own.quantities[name] += count
        own.exact += Fraction(line["exact_amount"]) / (1 if rate is None else rate)
        own.slack += rate is not None

    def add_adjustment(self, customer: str, line: Table, rate: Fraction | None) -> None:
        """A line of a correction of a customer's period, which may stand on somebody else's document."""
        kind = "usage" if line["charge"] is None else line["charge"]["kind"]
        self.add_line(kind, None if line["customer"] == customer else line["customer"], line, rate)

    def differences(self, whole: Figures) -> Iterator[tuple[str, Any, Any]]:
        """Where the documents differ from the whole period: what, as they say it, and as it comes to."""

        def shown(amount_minor: int) -> str:
            return minor_text(amount_minor, self.currency)

        if self.net != whole.net:
            yield "the amount before taxes", shown(self.net), shown(whole.net)
        if self.unnamed and self.taxes.total() + self.unnamed != whole.taxes.total():
            yield "tax", shown(self.taxes.total() + self.unnamed), shown(whole.taxes.total())
        counted = [("tax", self.taxes, whole.taxes)] if not self.unnamed else []
        counted += [("credit", self.credits, whole.credits), ("coupon", self.coupons, whole.coupons)]
        for what, own, others in counted:
            for name in sorted(own.keys() | others.keys()):
                if own[name] != others[name]:
                    yield f"{what} {name!r}", shown(own[name]), shown(others[name])
        for key in sorted(self.lines.keys() | whole.lines.keys()):
            yield from self._of_line(key, self.lines.get(key, LineFigures()), whole.lines.get(key, LineFigures()))

    def _of_line(self, key: Key, own: LineFigures, other: LineFigures) -> Iterator[tuple[str, Any, Any]]:
        called = f"line {key[-1]!r}" + (f" of {key[0]!r}" if key[0] else "")
        if own.requests != other.requests:
            yield f"requests on {called}", own.requests, other.requests
        for name in sorted(own.quantities.keys() | other.quantities.keys()):
            if own.quantities[name] != other.quantities[name]:
                yield f"{name} on {called}", own.quantities[name], other.quantities[name]
        if abs(own.exact - other.exact) * minor_unit(self.currency) > own.slack:
            yield f"exact_amount of {called}", _decimal(own.exact), _decimal(other.exact)


def _decimal(amount: Fraction) -> str:
    """An amount for a message, to 12 digits after the point."""
    whole = round(amount * 10**12)
    text = f"{abs(whole) // 10**12}.{abs(whole) % 10**12:012d}".rstrip("0").rstrip(".")
    return f"-{text}" if whole < 0 else text
