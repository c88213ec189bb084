"""From a subtotal to what is due, worked out a second time, for one document after another.

Imports nothing of the package. Amounts are whole minor units of a currency with two digits, or fractions of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.independent.calculator import rounded

Terms = dict[str, Any]
MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class Account:
    """What a customer's documents have left so far."""

    coupon_months: dict[str, set[str]] = field(default_factory=dict)
    paid_by: dict[str, int] = field(default_factory=dict)
    balance: int = 0
    interim: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """One document."""

    net: int
    tax: int
    due: int


def minor_of(amount: Any) -> int:
    return rounded(Fraction(amount) * 100)


def settle(
    subtotal: int,
    month: str,
    terms: Terms,
    grants: list[Terms],
    account: Account,
    *,
    days: int,
    minimum_days: int,
    cap_days: int,
    is_interim: bool = False,
    by_day: dict[date, Fraction] | None = None,
) -> Settled:
    """Settle one document, and note in the account what it leaves."""
    left = subtotal
    if not is_interim:
        for coupon in terms.get("coupon", []):
            used = account.coupon_months.setdefault(coupon["id"], set())
            if len(used - {month}) < coupon.get("periods", 10**6) and left > 0:
                off = Fraction(left) * Fraction(coupon["percent"]) / 100 if "percent" in coupon else None
                taken = min(left, minor_of(coupon["amount"]) if off is None else rounded(off))
                left -= taken
                if taken:
                    used.add(month)
        if "minimum" in terms:
            left = max(left, limit_of(terms["minimum"], minimum_days, days))
    if "cap" in terms:
        left = min(left, limit_of(terms["cap"], cap_days, days))
    left -= sum(account.interim.get(month, []))
    tax = sum(rounded(Fraction(left) * Fraction(tax["percent"]) / 100) for tax in terms.get("tax", []))
    due = left + tax
    if is_interim:
        account.interim.setdefault(month, []).append(left)
    else:
        due += account.balance
        account.balance = 0
    due = pay(due, month, grants, account, by_day or {})
    if not is_interim and (due < 0 or due < minor_of(terms.get("smallest_amount", 0))):
        account.balance, due = due, 0
    return Settled(left, tax, due)


def limit_of(agreed: Terms, days_agreed: int, days: int) -> int:
    """A minimum or a cap, for the share of the days on which it was agreed if so wanted."""
    share = Fraction(days_agreed, days) if agreed.get("prorate") else Fraction(1)
    return rounded(Fraction(agreed["amount"]) * 100 * share)


def fees_of_days(contents: list[Terms], first_day: date, last_day: date) -> dict[tuple[str, Fraction, int, int], int]:
    """Recurring fees of alice: (name, fee, days, days of the period) and what they come to."""
    zone = ZoneInfo(next(content["time_zone"] for content in contents if content["kind"] == "default"))
    days: list[tuple[bool, tuple[str, Fraction, bool] | None]] = []
    for number in range((last_day - first_day).days + 1):
        next_day = first_day + timedelta(days=number + 1)
        at = datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone).astimezone(UTC) - MICROSECOND
        own, default = (
            _in_force([one for one in contents if one["kind"] == kind], at) for kind in ("customer", "default")
        )
        stated = [one["invoice"]["base_fee"] for one in (own, default) if one and "invoice" in one]
        fees = [(fee["name"], Fraction(fee["amount"]), fee.get("prorate", True)) for fee in stated]
        days.append((own is not None, fees[0] if fees else None))
    counted = [fee for is_own, fee in days if fee and (is_own or not any(own for own, _ in days))]
    found = {}
    for name, amount, is_prorated in dict.fromkeys(counted):
        fee = (name, amount, is_prorated)
        days_agreed = counted.count(fee) if is_prorated else len(days)
        if is_prorated or fee == counted[-1]:
            key = (name, amount, days_agreed, len(days))
            found[key] = found.get(key, 0) + rounded(amount * 100 * days_agreed / len(days))
    return found


def _in_force(versions: list[Terms], at: datetime) -> Terms | None:
    holding = [
        one
        for one in versions
        if datetime.fromisoformat(one["valid_from"]) <= at
        and ("valid_to" not in one or at < datetime.fromisoformat(one["valid_to"]))
    ]
    return max(holding, key=lambda one: (datetime.fromisoformat(one["valid_from"]), one["recorded_at"]), default=None)


def pay(due: int, month: str, grants: list[Terms], account: Account, by_day: dict[date, Fraction]) -> int:
    """Let prepaid credits pay, the most urgent first; returns what is left to pay."""
    starts_at = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
    ends_at = (starts_at + timedelta(days=32)).replace(day=1)
    never = datetime(9999, 1, 1, tzinfo=UTC)

    def urgency(grant: Terms) -> Any:
        begins = datetime.fromisoformat(grant["valid_from"])
        expires = datetime.fromisoformat(grant["expires_at"]) if "expires_at" in grant else never
        return grant.get("priority", 0), expires, begins, grant["id"]

    paid_here = 0
    for grant in sorted(grants, key=urgency):
        _, expires, begins, id_ = urgency(grant)
        if begins >= ends_at or expires <= starts_at:
            continue
        most = minor_of(grant["amount"]) - account.paid_by.get(id_, 0)
        if expires < ends_at:
            used = sum(
                (
                    amount
                    for day, amount in by_day.items()
                    if datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) <= expires
                ),
                Fraction(0),
            )
            most = min(most, rounded(used * 100) - paid_here)
        pays = max(0, min(most, due))
        account.paid_by[id_] = account.paid_by.get(id_, 0) + pays
        paid_here += pays
        due -= pays
    return due
