"""From the amounts of a period to what is due, worked out a second time, for one document after another.

Imports nothing of the package. Amounts are whole minor units of a currency with two digits, or fractions of them. Every
amount is a slice with an instant, what is due is looked at cent by cent, and each cent is paid by one grant or by none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.verification.calculator import rounded
from tokentill import zones

Terms = dict[str, Any]
Slice = tuple[datetime, Fraction]
"""An instant, and what was used then or is owed from then on, in cents."""
MICROSECOND = timedelta(microseconds=1)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Settled:
    """One document: its net amount, its taxes by name, what it drew from each grant, what is due and what is carried
    on."""

    net: int
    taxes: dict[str, int]
    drawn: dict[str, int]
    due: int
    carried: int = 0

    @property
    def total(self) -> int:
        return self.net + sum(self.taxes.values())


@dataclass(slots=True)
class Account:
    """What a customer's documents have left so far: by month what was billed, and what goes on to the next month."""

    documents: dict[str, list[Settled]] = field(default_factory=dict)
    coupon_months: dict[str, set[str]] = field(default_factory=dict)
    balance: int = 0

    def drawn(self, grant: str, *, but_for: str | None = None) -> int:
        """What all documents drew from a grant, but for those of one month."""
        others = (listed for month, listed in self.documents.items() if month != but_for)
        return sum(document.drawn.get(grant, 0) for listed in others for document in listed)


def minor_of(amount: Any) -> int:
    return rounded(Fraction(amount) * 100)


def compute_totals(
    used: Iterable[Slice],
    month: tuple[datetime, datetime],
    terms: Terms,
    grants: list[Terms],
    account: Account,
    *,
    days: int,
    minimum_days: int,
    cap_days: int,
    fees: Fraction = Fraction(0),
    is_interim: bool = False,
    is_empty: bool = False,
) -> Settled:
    """Settle one document, and note in the account what it leaves.

    Args:
        used: usage and packages, each at its own instant.
        month: its first instant and its end.
        fees: in cents, owed at the end.
        is_empty: whether there is not even usage that costs nothing.
    """
    name, last = month[0].date().isoformat()[:7], month[1] - MICROSECOND
    before = account.documents.setdefault(name, [])
    slices = [*sorted(used, key=lambda one: one[0]), (last, fees)]
    left = rounded(_sum(slices))
    if not is_interim:
        for coupon in terms.get("coupon", []):
            months = account.coupon_months.setdefault(coupon["id"], set())
            if len(months - {name}) < coupon.get("periods", 10**6) and left > 0:
                off = Fraction(left) * Fraction(coupon["percent"]) / 100 if "percent" in coupon else None
                taken = min(left, minor_of(coupon["amount"]) if off is None else rounded(off))
                left -= taken
                if taken:
                    months.add(name)
    slices = scaled(slices, left)
    raised = left
    if not is_interim and "minimum" in terms:
        raised = max(left, limit_of(terms["minimum"], minimum_days, days))
        slices.append((last, Fraction(raised - left)))
    net = min(raised, limit_of(terms["cap"], cap_days, days)) if "cap" in terms else raised
    taxes = {tax["name"]: rounded(Fraction(net) * Fraction(tax["percent"]) / 100) for tax in terms.get("tax", [])}
    slices = scaled(slices, net + sum(taxes.values()))
    brought = 0 if is_interim else account.balance
    cents = [*instants_of_cents(slices), *[last] * brought]
    drawn = draw(cents, grants, {grant["id"]: account.drawn(grant["id"], but_for=name) for grant in grants})
    net -= sum(document.net for document in before)
    taxes = _less(taxes, [document.taxes for document in before])
    drawn = _less(drawn, [document.drawn for document in before])
    due = net + sum(taxes.values()) + brought - sum(drawn.values())
    is_last_word = is_empty and not before and raised == left
    carried = 0
    if not is_interim:
        if not is_last_word and (due < 0 or due < minor_of(terms.get("smallest_amount", 0))):
            due, carried = 0, due
        account.balance = carried
    before.append(Settled(net, taxes, drawn, due, carried))
    return before[-1]


def scaled(slices: Sequence[Slice], to: int) -> list[Slice]:
    """The slices, each in its proportion, so that they come to so many cents; none where they came to nothing."""
    whole = _sum(slices)
    return [(at, amount * to / whole) for at, amount in slices] if whole else []


def instants_of_cents(slices: Iterable[Slice]) -> list[datetime]:
    """When each cent came to be owed: as soon as all that was owed by then rounds to it."""
    found: list[datetime] = []
    owed = Fraction(0)
    for at, amount in slices:
        owed += amount
        found += [at] * (rounded(owed) - len(found))
    return found


def draw(cents: Iterable[datetime], grants: list[Terms], drawn_before: dict[str, int]) -> dict[str, int]:
    """Let each cent be paid by the most urgent grant that was in effect at its instant and has something left."""
    drawn = dict.fromkeys(drawn_before, 0)
    for at in cents:
        for grant in sorted(grants, key=_urgency):
            id_, (_, expires, begins, _) = grant["id"], _urgency(grant)
            if begins <= at < expires and drawn_before[id_] + drawn[id_] < minor_of(grant["amount"]):
                drawn[id_] += 1
                break
    return drawn


def _urgency(grant: Terms) -> tuple[int, datetime, datetime, str]:
    begins = datetime.fromisoformat(grant["valid_from"])
    expires = datetime.fromisoformat(grant["expires_at"]) if "expires_at" in grant else NEVER
    return grant.get("priority", 0), expires, begins, grant["id"]


def _sum(slices: Iterable[Slice]) -> Fraction:
    return sum((amount for _, amount in slices), Fraction(0))


def _less(whole: dict[str, int], parts: list[dict[str, int]]) -> dict[str, int]:
    names = dict.fromkeys([*whole, *(name for part in parts for name in part)])
    return {name: whole.get(name, 0) - sum(part.get(name, 0) for part in parts) for name in names}


def limit_of(agreed: Terms, days_agreed: int, days: int) -> int:
    """A minimum or a cap, for the share of the days on which it was agreed if so wanted."""
    share = Fraction(days_agreed, days) if agreed.get("prorate") else Fraction(1)
    return rounded(Fraction(agreed["amount"]) * 100 * share)


def fees_of_days(contents: list[Terms], first_day: date, last_day: date) -> dict[tuple[str, Fraction, int, int], int]:
    """Recurring fees of alice: (name, fee, days, days of the period) and what they come to."""
    zone = zones.zone(next(content["time_zone"] for content in contents if content["kind"] == "default"))
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
    found: dict[tuple[str, Fraction, int, int], int] = {}
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
