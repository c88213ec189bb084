"""From the sum of an invoice's lines to what is due: coupons, minimum and cap, taxes, credits, what is carried forward.

Pure. The order is fixed: coupons as stated, minimum, cap, what interim invoices of the period billed, taxes side by
side, the balance brought forward, prepaid credits, and last the balance that is carried forward. Everything here is in
minor units; each step that divides rounds by the one rule, and is an item that can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from tokentill.canonical import Content
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import Coupon, Grant, InvoiceTerms, Recurring
from tokentill.invoicing.counting import Charge
from tokentill.invoicing.periods import Period, local_midnight
from tokentill.money import EXACT, amount_text, from_minor, minor_text, round_to_minor, sum_exact

ItemKind = Literal["coupon", "minimum", "cap", "invoiced", "tax", "balance", "credit", "carried"]
InvoiceKind = Literal["period", "interim"]


@dataclass(frozen=True, slots=True)
class Item:
    """One step between the subtotal and what is due. `amount_minor` is what it adds, negative where it takes away.

    `percent` of `of_minor` where it is a share; for a minimum or a cap `of_minor` is the limit.
    """

    kind: ItemKind
    name: str
    amount_minor: int
    percent: Decimal | None = None
    of_minor: int | None = None

    def content(self, currency: str) -> Content:
        """Canonical content."""
        content: Content = {"kind": self.kind, "name": self.name, "amount": minor_text(self.amount_minor, currency)}
        if self.percent is not None:
            content["percent"] = amount_text(self.percent)
        if self.of_minor is not None:
            content["of"] = minor_text(self.of_minor, currency)
        return content


@dataclass(frozen=True, slots=True)
class Carried:
    """What a customer's earlier documents left: coupon uses, burnt credits, a balance, interim invoices.

    Args:
        coupons: the periods, other than this one, in which each coupon was used.
        credits: what each grant has paid, in minor units.
        balance_minor: carried forward and not brought forward yet; negative is in the customer's favour.
        invoiced: the net amounts of the interim invoices of this period, oldest first.
    """

    coupons: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    credits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    balance_minor: int = 0
    invoiced: tuple[int, ...] = ()


NOTHING_CARRIED = Carried()


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a subtotal. `total_minor` is `net_minor` with taxes; `due_minor` what is to be paid now."""

    items: tuple[Item, ...]
    net_minor: int
    tax_minor: int
    due_minor: int

    @property
    def total_minor(self) -> int:
        """The amount of the invoice: what is taxable, with its taxes."""
        return self.net_minor + self.tax_minor


@dataclass(frozen=True, slots=True)
class Agreed:
    """What is agreed for one invoice, at the last instant of its period.

    `minimum_days` and `cap_days` are the days of the period on which each was agreed.
    """

    terms: InvoiceTerms
    grants: tuple[Grant, ...]
    minimum_days: int
    cap_days: int


def agreed_for(customer: str, period: Period, contracts: ContractBook) -> Agreed:
    """Read the contracts for one customer and period."""
    terms = contracts.invoice_terms(customer, period.last_instant)
    if not contracts.has_recurring_terms:
        return Agreed(terms, contracts.grants(customer), 0, 0)
    days = [contracts.invoice_terms(customer, at) for at in _ends_of_days(customer, period, contracts)]
    return Agreed(
        terms=terms,
        grants=contracts.grants(customer),
        minimum_days=sum(day.minimum is not None for day in days),
        cap_days=sum(day.cap is not None for day in days),
    )


def is_recurring(customer: str, period: Period, contracts: ContractBook) -> bool:
    """Whether a customer with a contract of its own owes something for a period without any usage."""
    if not contracts.has_recurring_terms:
        return False
    days = (at for at in _ends_of_days(customer, period, contracts) if contracts.at("customer", customer, at))
    at_end = period.last_instant
    has_flat = any(rule.flat_at_zero is not None for rule in contracts.rules(customer, at_end))
    is_owed = has_flat or contracts.invoice_terms(customer, at_end).minimum is not None
    has_own = contracts.at("customer", customer, at_end) is not None
    return (has_own and is_owed) or any(contracts.invoice_terms(customer, at).base_fee for at in days)


def base_fees(customer: str, period: Period, contracts: ContractBook, currency: str) -> list[Charge]:
    """The recurring fees of a customer: each for the days of the period on which it was agreed.

    Where a customer's own contract begins or ends inside the period, only its days count.
    """
    if not contracts.has_recurring_terms:
        return []
    ends = _ends_of_days(customer, period, contracts)
    own = [contracts.at("customer", customer, at) is not None for at in ends]
    days = [
        contracts.invoice_terms(customer, at).base_fee if is_own or not any(own) else None
        for at, is_own in zip(ends, own, strict=True)
    ]
    agreed = [fee for fee in days if fee is not None]
    charges = []
    for fee in dict.fromkeys(agreed):
        count = len(days) if not fee.is_prorated else days.count(fee)
        if fee.is_prorated or fee == agreed[-1]:
            amount = fee.amount
            if count < len(days):
                amount = from_minor(_prorated(fee, count, len(days), currency), currency)
            charges.append(Charge("base_fee", fee.name, None, count, fee.amount, amount, of_days=len(days)))
    return charges


def settle(
    subtotal_minor: int,
    currency: str,
    period: Period,
    agreed: Agreed,
    carried: Carried,
    *,
    kind: InvoiceKind,
    daily: Sequence[tuple[date, Decimal]],
) -> Settlement:
    """What becomes of a subtotal.

    Args:
        daily: the exact usage amount of each UTC day; a grant that expires inside the period pays no more than what
            was used by then.
        kind: an interim invoice has no coupon, no minimum and no balance; these are the period invoice's.
    """
    is_period = kind == "period"
    items = _discounts(subtotal_minor, currency, period, agreed, carried) if is_period else []
    running = subtotal_minor + _sum(items)
    items += _limits(running, currency, period, agreed, is_period=is_period)
    running = subtotal_minor + _sum(items)
    items += [
        Item("invoiced", f"interim invoice {number}", -net) for number, net in enumerate(carried.invoiced, start=1)
    ]
    net_minor = running - sum(carried.invoiced)
    taxes = [
        Item("tax", tax.name, share_minor(tax.percent, net_minor, currency), tax.percent, net_minor)
        for tax in agreed.terms.taxes or ()
    ]
    items += taxes
    due = net_minor + _sum(taxes)
    if is_period and carried.balance_minor:
        items.append(Item("balance", "brought forward", carried.balance_minor))
        due += carried.balance_minor
    paid = _credits(due, currency, period, agreed.grants, carried, daily)
    items += paid
    due += _sum(paid)
    smallest = agreed.terms.smallest_amount
    is_small = smallest is not None and 0 < due < round_to_minor(smallest, currency)
    if is_period and (due < 0 or is_small):
        items.append(Item("carried", "carried forward", -due))
        due = 0
    return Settlement(tuple(items), net_minor, _sum(taxes), due)


def share_minor(percent: Decimal, of_minor: int, currency: str) -> int:
    """So many percent of an amount in minor units, rounded by the one rule."""
    return round_to_minor(EXACT.multiply(from_minor(of_minor, currency), percent), currency, divisor=100)


def _sum(items: Sequence[Item]) -> int:
    return sum(item.amount_minor for item in items)


def _discounts(subtotal_minor: int, currency: str, period: Period, agreed: Agreed, carried: Carried) -> list[Item]:
    """Coupons in their stated order, each on what the one before left, never below zero."""
    items: list[Item] = []
    for coupon in agreed.terms.coupons or ():
        left = subtotal_minor + _sum(items)
        if left <= 0 or not _has_periods_left(coupon, period, carried):
            continue
        if coupon.percent is not None:
            discount = share_minor(coupon.percent, left, currency)
        else:
            discount = round_to_minor(coupon.amount or Decimal(0), currency)
        discount = min(discount, left)
        if discount:
            items.append(Item("coupon", coupon.id, -discount, coupon.percent, left))
    return items


def _has_periods_left(coupon: Coupon, period: Period, carried: Carried) -> bool:
    used = carried.coupons.get(coupon.id, frozenset()) - {str(period.month)}
    return coupon.periods is None or len(used) < coupon.periods


def _limits(running: int, currency: str, period: Period, agreed: Agreed, *, is_period: bool) -> list[Item]:
    """What is missing to the minimum, then what is above the cap."""
    items: list[Item] = []
    minimum, cap = agreed.terms.minimum, agreed.terms.cap
    if minimum is not None and is_period:
        limit = _prorated(minimum, agreed.minimum_days, _days_of(period), currency)
        if running < limit:
            items.append(Item("minimum", minimum.name, limit - running, of_minor=limit))
            running = limit
    if cap is not None:
        limit = _prorated(cap, agreed.cap_days, _days_of(period), currency)
        if running > limit:
            items.append(Item("cap", cap.name, limit - running, of_minor=limit))
    return items


def _credits(
    due: int,
    currency: str,
    period: Period,
    grants: Sequence[Grant],
    carried: Carried,
    daily: Sequence[tuple[date, Decimal]],
) -> list[Item]:
    """What prepaid credits pay, in the order in which they burn."""
    items: list[Item] = []
    for grant in grants:
        is_effective = grant.valid_from < period.ends_at and (
            grant.expires_at is None or grant.expires_at > period.starts_at
        )
        left = due + _sum(items)
        if left <= 0 or not is_effective or grant.currency != currency:
            continue
        balance = round_to_minor(grant.amount, currency) - carried.credits.get(grant.id, 0)
        pays = min(balance, left)
        if grant.expires_at is not None and grant.expires_at < period.ends_at:
            used = sum_exact(amount for day, amount in daily if _end_of(day) <= grant.expires_at)
            pays = min(pays, round_to_minor(used, currency) + _sum(items))
        if pays > 0:
            items.append(Item("credit", grant.id, -pays, of_minor=balance))
    return items


def _end_of(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1)


def _prorated(agreed: Recurring, days: int, of_days: int, currency: str) -> int:
    """An amount for so many days of a period."""
    if not agreed.is_prorated or days == of_days:
        return round_to_minor(agreed.amount, currency)
    return round_to_minor(EXACT.multiply(agreed.amount, Decimal(days)), currency, divisor=of_days)


def _days_of(period: Period) -> int:
    return (period.last_day - period.first_day).days + 1


def _ends_of_days(customer: str, period: Period, contracts: ContractBook) -> list[datetime]:
    """The last instant of each local day of a period: what is agreed then counts for the day."""
    zone = contracts.terms(customer, period.last_instant).zone
    days = (period.first_day + timedelta(days=number) for number in range(_days_of(period)))
    return [local_midnight(day + timedelta(days=1), zone) - timedelta(microseconds=1) for day in days]
