"""How far records may lie from control totals, and which sources demand totals before a close. Pure.

Declared for each source in `tokentill.toml`, and read from there once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from tokentill.canonical import Content
from tokentill.errors import InvalidAmount, InvalidCall
from tokentill.money import EXACT, ZERO, amount_text, parse_amount
from tokentill.usage.control_totals import FIGURES
from tokentill.usage.type_words import type_text

PERCENT = "_percent"
ABSOLUTE_MAX = 10**12
_PERCENT_TEXT = re.compile(r"([0-9.]{1,40}) ?%", re.ASCII).fullmatch
_HUNDRED = Decimal(100)
_WRITE = 'write a percentage like "0.5%", a whole number, or { requests = 0, cost_percent = 0.5 }'


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much records may differ from a total: for each figure so much, or so many percent of the total,
    whichever lets more. What is not named has to be equal.
    """

    absolute: Mapping[str, Decimal] = field(default_factory=dict)
    percent: Mapping[str, Decimal] = field(default_factory=dict)

    def allows(self, figure: str, stated: Decimal, counted: Decimal) -> bool:
        """Whether what was counted is close enough to what a total states."""
        apart = abs(EXACT.subtract(counted, stated))
        if apart <= self.absolute.get(figure, ZERO):
            return True
        return EXACT.multiply(apart, _HUNDRED) <= EXACT.multiply(self.percent.get(figure, ZERO), stated)

    def content(self) -> Content:
        """As it is written in settings."""
        named = {figure: amount_text(value) for figure, value in self.absolute.items()}
        return named | {f"{figure}{PERCENT}": amount_text(value) for figure, value in self.percent.items()}

    @classmethod
    def of(cls, written: object, where: str) -> Tolerance:
        """From a setting: `"0.5%"` of every figure, a whole number of requests and of tokens, or a table of figures.

        Raises:
            InvalidCall: for anything else.
        """
        if isinstance(written, str):
            match = _PERCENT_TEXT(written.strip())
            if match is None:
                raise InvalidCall(f"{where} is {written[:40]!r}; {_WRITE}")
            percent = _number(match[1], where, 100)
            return cls({}, dict.fromkeys(FIGURES, percent))
        if type(written) is int:
            return cls(dict.fromkeys(("requests", "tokens"), _number(written, where, ABSOLUTE_MAX)), {})
        if not isinstance(written, Mapping):
            raise InvalidCall(f"{where} is {type_text(written)}; {_WRITE}")
        absolute, percents = {}, {}
        for key, value in written.items():
            figure = key.removesuffix(PERCENT)
            if figure not in FIGURES:
                known = ", ".join(name for figure in FIGURES for name in (figure, figure + PERCENT))
                raise InvalidCall(f"{where}.{key} is not a setting; the settings are {known}")
            if figure == key:
                absolute[figure] = _number(value, f"{where}.{key}", ABSOLUTE_MAX)
            else:
                percents[figure] = _number(value, f"{where}.{key}", 100)
        return cls(absolute, percents)


EQUAL = Tolerance()


@dataclass(frozen=True, slots=True)
class TotalsPolicy:
    """What is declared of control totals: the tolerance of sources, and which of them demand totals before a close."""

    tolerances: Mapping[str, Tolerance] = field(default_factory=lambda: MappingProxyType({}))
    required: tuple[str, ...] = ()

    def tolerance_of(self, source: str) -> Tolerance:
        """That of a source; one that declares none has to be equal."""
        return self.tolerances.get(source, EQUAL)

    @classmethod
    def of(cls, sources: Mapping[str, Mapping[str, Any]], where: str) -> TotalsPolicy:
        """From the tables of sources in settings.

        Raises:
            InvalidCall: for a tolerance that is none, or `require_totals` that is neither true nor false.
        """
        tolerances, required = {}, []
        for name, table in sorted(sources.items()):
            if "tolerance" in table:
                tolerances[name] = Tolerance.of(table["tolerance"], f"{where}sources.{name}.tolerance")
            demands = table.get("require_totals", False)
            if not isinstance(demands, bool):
                raise InvalidCall(
                    f"{where}sources.{name}.require_totals must be true or false, not {type_text(demands)}"
                )
            if demands:
                required.append(name)
        return cls(tolerances, tuple(required))


NO_TOTALS = TotalsPolicy()


def _number(value: object, where: str, largest: int) -> Decimal:
    try:
        number = parse_amount(value) if isinstance(value, str) else value
    except InvalidAmount as error:
        raise InvalidCall(f"{where}: {error}; {_WRITE}") from None
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        raise InvalidCall(f"{where} is {type_text(value)}, not a number")
    exact = Decimal(number)
    if not (exact.is_finite() and 0 <= exact <= largest):
        raise InvalidCall(f"{where} is {value}; write 0 to {largest}")
    return exact
