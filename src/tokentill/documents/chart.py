"""A small bar chart of days, as numbers for inline SVG. It draws nothing: the template does.

Bars are placed in percent of the width and in pixels of the height, so the chart fits a phone and a printed page
without any of its text being scaled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, timedelta
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any

from tokentill.documents.figures import FOR_THE_EYE, day_text, exact, percent_text, share_percent, short_day
from tokentill.invoicing.periods import Period
from tokentill.money import EXACT, ZERO, sum_exact

PLOT_HEIGHT = 150
TOP = 12
BOTTOM = 24
HEIGHT = TOP + PLOT_HEIGHT + BOTTOM
_TICKS = 4
_DAYS_MAX = 100
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_UP = Context(prec=60, rounding=ROUND_CEILING)


def daily_chart(amounts: Mapping[date, Decimal], first: date, last: date, currency: str) -> dict[str, Any] | None:
    """What the template draws of exact amounts a day, or None where every day comes to nothing.

    Of `bars`, one a day, `x` and `width` are percent of the plot, and `y` and `height` pixels, as is the `y` of
    `ticks`, the lines of the grid; `days` are the labels under the axis, with `x` in percent.

    Args:
        amounts: exact amounts by UTC day; a day that is not in it comes to nothing.
        first: the first day to show.
        last: the last day to show, itself included; at most 100 days are drawn.
        currency: what the amounts are in.
    """
    length = min(max((last - first).days + 1, 1), _DAYS_MAX)
    days = [first + timedelta(days=index) for index in range(length)]
    values = [amounts.get(day, ZERO) for day in days]
    if not any(values):
        return None
    highest, lowest = max(*values, ZERO), min(*values, ZERO)
    step = _step(highest, lowest)
    above, below = _steps(highest, step), _steps(EXACT.minus(lowest), step)
    span = EXACT.multiply(step, Decimal(above + below))
    zero_y = (TOP + PLOT_HEIGHT) * 10 - 10 * PLOT_HEIGHT * below // (above + below)
    slot = 100_000 // len(days)
    bars = []
    for index, (day, value) in enumerate(zip(days, values, strict=True)):
        if not value:
            continue
        height = _tenths(abs(value), span)
        y = zero_y - height if value > 0 else zero_y
        bars.append(
            {
                "x": _thousandths(slot * index + slot // 8),
                "width": _thousandths(slot * 3 // 4),
                "y": _px(y),
                "height": _px(height),
                "is_negative": value < 0,
                "label": f"{day_text(day)}: {exact(value)} {currency}",
            }
        )
    ticks = _ticks(step, above, below)
    every = 7 if len(days) <= 35 else 14
    return {
        "summary": _summary(dict(zip(days, values, strict=True)), currency),
        "axis_width": max(len(tick["text"]) for tick in ticks) * 8 + 10,
        "height": HEIGHT,
        "label_y": TOP + PLOT_HEIGHT + 17,
        "bars": bars,
        "ticks": ticks,
        "days": [
            {"x": _thousandths(slot * index + slot // 2), "text": short_day(days[index])}
            for index in range(0, len(days), every)
        ],
    }


def first_and_last_day(periods: Iterable[Period]) -> tuple[date, date]:
    """The first and the last UTC day that any of these periods has a part of."""
    listed = list(periods)
    first, last = min(period.starts_at for period in listed), max(period.last_instant for period in listed)
    return first.astimezone(UTC).date(), last.astimezone(UTC).date()


def _step(highest: Decimal, lowest: Decimal) -> Decimal:
    """The distance of two lines of the grid: 1, 2, 2.5 or 5 times a power of ten."""
    raw = FOR_THE_EYE.divide(EXACT.subtract(highest, lowest), Decimal(_TICKS))
    power = Decimal(1).scaleb(raw.adjusted(), FOR_THE_EYE)
    return next(step for factor in _STEPS if (step := FOR_THE_EYE.multiply(factor, power)) >= raw)


def _steps(value: Decimal, step: Decimal) -> int:
    return int(FOR_THE_EYE.divide(value, step).to_integral_value(context=_UP))


def _ticks(step: Decimal, above: int, below: int) -> list[dict[str, Any]]:
    values = [EXACT.multiply(step, Decimal(index)) for index in range(-below, above + 1)]
    exponents = [value.normalize(EXACT).as_tuple().exponent for value in values]
    places = max(-exponent for exponent in exponents if isinstance(exponent, int))
    ticks = []
    for index, value in zip(range(-below, above + 1), values, strict=True):
        text = exact(value)
        if places > 0:
            whole, _, fraction = text.partition(".")
            text = f"{whole}.{fraction.ljust(places, '0')}"
        y = (TOP + PLOT_HEIGHT) * 10 - 10 * PLOT_HEIGHT * (index + below) // (above + below)
        ticks.append({"y": _px(y), "text": text, "is_zero": index == 0})
    return ticks


def _summary(values: Mapping[date, Decimal], currency: str) -> str:
    days = list(values)
    highest = max(days, key=lambda day: values[day])
    total = sum_exact(values.values())
    share = share_percent(values[highest], total)
    part = "" if share is None else f", {percent_text(share)} of the whole"
    return (
        f"Usage billed a day (UTC) in {currency}, {day_text(days[0])} to {day_text(days[-1])}: {exact(total)} in "
        f"total; the highest day is {day_text(highest)} with {exact(values[highest])}{part}."
    )


def _tenths(value: Decimal, span: Decimal) -> int:
    """The height of a value in tenths of a pixel; never less than one pixel, so that small days are seen."""
    height = FOR_THE_EYE.divide(FOR_THE_EYE.multiply(value, Decimal(PLOT_HEIGHT * 10)), span)
    return max(int(height), 10)


def _px(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}"


def _thousandths(value: int) -> str:
    return f"{value // 1000}.{value % 1000:03d}"
