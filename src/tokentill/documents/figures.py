"""Numbers, days and instants as people read them. Exact amounts keep every digit; nothing here rounds money.

Thousands are grouped by commas, a minus is a real minus sign, and percentages are rounded to one decimal for the eye
alone: no amount is ever computed from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, FloatOperation
from typing import TYPE_CHECKING

from tokentill.money import EXACT, minor_text

if TYPE_CHECKING:
    from tokentill.invoicing.periods import Month, Period

MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
TIMES = "\N{MULTIPLICATION SIGN}"
_FIGURE_SPACE = "\N{FIGURE SPACE}"
_PUNCTUATION_SPACE = "\N{PUNCTUATION SPACE}"
_TENTH = Decimal("0.1")
_HUNDRED = Decimal(100)

FOR_THE_EYE = Context(prec=60, rounding=ROUND_HALF_UP, traps=[FloatOperation])
"""For percentages and the geometry of charts; never for money."""

MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True, slots=True)
class Aligned:
    """A number, and the blanks after it that put its point under the points of its column."""

    text: str
    pad: str


def count(number: int) -> str:
    """A whole number: `1,234,567`."""
    return _signed_text(format(number, ","))


def exact(amount: Decimal) -> str:
    """An exact amount with every digit it has: `1,234.0005`."""
    return _signed_text(format(amount.normalize(EXACT), ",f")) if amount else "0"


def money(amount_minor: int | Decimal, currency: str) -> str:
    """Minor units with all digits of the currency: `1,234.50`."""
    return _signed_text(format(Decimal(minor_text(amount_minor, currency)), ",f"))


def amount_shown(text: str) -> str:
    """A decimal string, as canonical content has it, with all its digits: `1234.50` as `1,234.50`."""
    return _signed_text(format(Decimal(text), ",f"))


def signed_money(amount_minor: int, currency: str) -> str:
    """A change: as `money`, with a plus sign when it is a rise."""
    return ("+" if amount_minor > 0 else "") + money(amount_minor, currency)


def signed_exact(amount: Decimal) -> str:
    """As `exact`, with a plus sign when it is above zero."""
    return ("+" if amount > 0 else "") + exact(amount)


def share_percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """How many percent of `whole` are `part`, to one decimal; None where that means nothing."""
    if whole <= 0:
        return None
    percent = FOR_THE_EYE.divide(FOR_THE_EYE.multiply(part, _HUNDRED), whole)
    return percent.quantize(_TENTH, context=FOR_THE_EYE)


def percent_text(percent: Decimal, *, is_change: bool = False) -> str:
    """A percentage: `12.5 %`, and `+12.5 %` for a change."""
    sign = "+" if is_change and percent > 0 else ""
    return f"{sign}{_signed_text(format(percent, ',f'))}{NO_BREAK}%"


def aligned(texts: Iterable[str]) -> tuple[Aligned, ...]:
    """Pad a column of numbers with blanks of a digit's width so that their points stand below each other."""
    listed = tuple(texts)
    fractions = [len(text) - text.index(".") - 1 if "." in text else 0 for text in listed]
    longest = max(fractions, default=0)
    return tuple(
        Aligned(text, ("" if length or not longest else _PUNCTUATION_SPACE) + _FIGURE_SPACE * (longest - length))
        for text, length in zip(listed, fractions, strict=True)
    )


def day_text(day: date) -> str:
    """A day in full: `3 October 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def short_day(day: date) -> str:
    """A day on an axis: `3 Oct`."""
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def month_text(month: Month) -> str:
    """The name of a period in words: `October 2026`."""
    return f"{MONTHS[month.month - 1]} {month.year}"


def instant_shown(at: datetime) -> str:
    """An instant: `2026-11-02 09:15:00 UTC`, with microseconds only where there are any."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ") + f"{NO_BREAK}UTC"


def period_days(period: Period) -> str:
    """The days of a period in the customer's zone: `1 October 2026 to 31 October 2026`."""
    return f"{day_text(period.first_day)} to {day_text(period.last_day)}"


def plural(number: int, one: str, many: str) -> str:
    """A number with its noun: `1 request`, `2 requests`."""
    return f"{count(number)} {one if number == 1 else many}"


def short_hash(text: str) -> str:
    """The first twelve digits of a content hash, without the name of its algorithm."""
    return text.rpartition(":")[2][:12]


def _signed_text(text: str) -> str:
    return text.replace("-", MINUS)
