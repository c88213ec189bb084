"""An invoice as amounts of days: what Stripe is told in amount mode.

Pure. The amounts are the invoice's own daily amounts under cumulative rounding, so they telescope: their sum is what is
due, to the minor unit, whatever the days are.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Literal

from tokentill.canonical import Content
from tokentill.clock import parse_instant
from tokentill.errors import Refused, ensure
from tokentill.money import EXACT, ZERO, round_to_minor

NOON = time(12, tzinfo=UTC)
TAKEN_BACK, TAKEN_AHEAD = timedelta(days=35), timedelta(minutes=5)
"""How far from now the instant of an event may lie, for Stripe to take it."""

OutOfTime = Literal["too_old", "to_come"]


def noon_of(day: date) -> datetime:
    """The instant that stands for a UTC day. A day belongs to the period that holds its noon, so to exactly one."""
    return datetime.combine(day, NOON)


def out_of_time(day: date, now: datetime) -> OutOfTime | None:
    """Why Stripe takes no event for a day now: it does not any more, or not yet. None for a day that it takes."""
    if noon_of(day) < now - TAKEN_BACK:
        return "too_old"
    return "to_come" if noon_of(day) > now + TAKEN_AHEAD else None


def days_of(content: Content) -> list[date]:
    """The UTC days of an invoice's period, oldest first: those whose noon lies in it."""
    starts_at, ends_at = parse_instant(content["period_start"]), parse_instant(content["period_end"])
    first, last = starts_at.date(), ends_at.date()
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if starts_at <= noon_of(day) < ends_at]


def day_amounts(content: Content, total_minor: int) -> dict[date, int]:
    """What each day of an invoice comes to, in minor units; days without an amount are left out.

    Usage at the edges of a period that fall into a neighbour's day counts for the nearest day of its own. The last day
    takes what is added to the sum of the days or taken away: fees, discounts, tax, prepaid credits. For an interim
    invoice that is the last day with usage, since Stripe takes nothing for days to come.

    Args:
        content: the newest document of the period, which knows all of its usage.
        total_minor: what is due by all documents of the period.

    Raises:
        Refused: for a total below zero, which a meter cannot hold, and for a period of hours that no day stands for.
    """
    if total_minor < 0:
        raise Refused("what is due is below zero, which a Stripe meter cannot hold; credit it in Stripe by hand")
    if not total_minor:
        return {}
    days = days_of(content)
    if not days:
        raise Refused("its period is too short to hold the noon of a UTC day; bill it in Stripe by hand")
    if content.get("kind") == "interim":
        last_used = max((date.fromisoformat(listed["day"]) for listed in content["daily"]), default=days[0])
        days = [day for day in days if day <= max(last_used, days[0])]
    exact = dict.fromkeys(days, ZERO)
    for listed in content["daily"]:
        day = min(max(date.fromisoformat(listed["day"]), days[0]), days[-1])
        exact[day] = EXACT.add(exact[day], Decimal(listed["exact_amount"]))
    rounded = [round_to_minor(cumulated, content["currency"]) for cumulated in accumulate(exact.values(), EXACT.add)]
    amounts = {day: after - before for day, (before, after) in zip(days, pairwise([0, *rounded]), strict=True)}
    amounts[days[-1]] += total_minor - rounded[-1]
    if min(amounts.values()) < 0:  # discounts beyond a day's amount: the days say nothing useful then
        amounts = {days[-1]: total_minor}
    ensure(sum(amounts.values()) == total_minor, "the days of an invoice do not add up to what is due")
    return {day: amount for day, amount in amounts.items() if amount}
