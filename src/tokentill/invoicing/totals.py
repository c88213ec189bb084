"""From the sum of an invoice's lines to what is due: coupons, minimum and cap, taxes, credits, what is carried forward.

Pure. The order is fixed: coupons as stated, minimum, cap, taxes side by side, the balance brought forward, prepaid
credits, and last the balance that is carried forward. Totals are computed as if the document were the
only one of its period; then what the interim invoices of the period billed is taken off part by part, so that together
they are one document.
Everything here is in minor units; each step that divides rounds by the one rule, and is an item that can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from tokentill.canonical import Content, fields_of
from tokentill.contracts.book import ContractBook
from tokentill.contracts.commitments import CommittedTerm
from tokentill.contracts.invoice_terms import Grant, InvoiceTerms, Recurring
from tokentill.contracts.opening_balances import OpeningBalance
from tokentill.invoicing.accumulators import Charge
from tokentill.invoicing.burn_down import Accrued, burn, pieces_of, segments_of
from tokentill.invoicing.carried import Carried, Invoiced, OpenBalance
from tokentill.invoicing.commitments import NOTHING_DRAWN, Drawdown
from tokentill.invoicing.corrections import Adjustment, Corrects
from tokentill.invoicing.forms import KINDS, InvoiceKind
from tokentill.invoicing.periods import Period, local_midnight
from tokentill.invoicing.yearly_fees import yearly_fees
from tokentill.money import EXACT, from_minor, minor_text, round_to_minor
from tokentill.prices.fx import FxBook, NoRate

ItemKind = Literal[
    "coupon", "minimum", "cap", "invoiced", "tax", "balance", "credit", "carried", "commitment", "true_up"
]


@dataclass(frozen=True, slots=True)
class Item:
    """One step between the subtotal and what is due. `amount_minor` is what it adds, negative where it takes away.

    `percent` of `of_minor` where it is a share, less the `invoiced_minor` that interim invoices of the period billed of
    it; for a minimum or a cap `of_minor` is the limit, for a credit what the grant had. `origin` is a balance that was
    another customer's or in another currency, converted at `rate`. `corrects` is the period of which a correction
    changes the tax or the credit. `drawdown` is what usage drew from a commitment, `opening` the opening balance that
    came in.
    """

    kind: ItemKind
    name: str
    amount_minor: int
    percent: Decimal | None = None
    of_minor: int | None = None
    invoiced_minor: int | None = None
    origin: OpenBalance | None = None
    rate: Decimal | None = None
    corrects: Corrects | None = None
    drawdown: Drawdown | None = None
    opening: OpeningBalance | None = None

    def content(self, currency: str) -> Content:
        """Canonical content."""
        shown = {"amount": self.amount_minor, "of": self.of_minor, "invoiced": self.invoiced_minor}
        origin, opening = self.origin, self.opening
        return {
            **fields_of(self, "kind", "name", "percent", "rate", "corrects"),
            **{key: None if minor is None else minor_text(minor, currency) for key, minor in shown.items()},
            "customer": None if origin is None else origin.customer,
            "original": None if origin is None else minor_text(origin.amount_minor, origin.currency),
            "original_currency": None if origin is None else origin.currency,
            **(NOTHING_DRAWN if self.drawdown is None else self.drawdown.content(currency)),
            "opening": None if opening is None else opening.id,
            "day": None if opening is None else opening.day.isoformat(),
            "reason": None if opening is None else opening.reason,
        }


@dataclass(frozen=True, slots=True)
class Totals:
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
    commitments: tuple[CommittedTerm, ...] = ()

    def segments(self, period: Period) -> tuple[datetime, ...]:
        """Where the segments of a period begin by which its amounts are told apart."""
        return segments_of(period, self.grants, self.commitments)


def agreed_for(customer: str, period: Period, contracts: ContractBook) -> Agreed:
    """Read the contracts for one customer and period."""
    terms = contracts.invoice_terms(customer, period.last_instant)
    grants = contracts.grants_within(customer, period.starts_at, period.ends_at)
    if not contracts.has_recurring_terms:
        return Agreed(terms, grants, 0, 0)
    if not contracts.is_billed(customer, period.last_instant):
        return Agreed(replace(terms, minimum=None), grants, 0, 0)
    ends = (at for at in _ends_of_days(customer, period, contracts) if contracts.is_billed(customer, at))
    days = [contracts.invoice_terms(customer, at) for at in ends]
    return Agreed(
        terms=terms,
        grants=grants,
        minimum_days=sum(day.minimum is not None for day in days),
        cap_days=sum(day.cap is not None for day in days),
        commitments=contracts.commitments(customer, period.starts_at, period.ends_at),
    )


def is_recurring(customer: str, period: Period, contracts: ContractBook) -> bool:
    """Whether a customer with a contract of its own owes something for a period without any usage."""
    if not contracts.has_recurring_terms:
        return False
    at_end = period.last_instant
    if not contracts.is_billed(customer, at_end):
        return False
    days = (
        at
        for at in _ends_of_days(customer, period, contracts)
        if contracts.at("customer", customer, at) and contracts.is_billed(customer, at)
    )
    has_flat = any(rule.flat_at_zero is not None for rule in contracts.rules(customer, at_end))
    is_owed = has_flat or contracts.invoice_terms(customer, at_end).minimum is not None
    committed = contracts.commitments(customer, period.starts_at, period.ends_at)
    is_owed = is_owed or any(term.ends_at <= period.ends_at for term in committed)
    has_own = contracts.at("customer", customer, at_end) is not None
    fees = (contracts.invoice_terms(customer, at).base_fee for at in days)
    return (
        (has_own and is_owed)
        or any(fee is not None and fee.starts is None for fee in fees)
        or bool(yearly_fees(customer, period, contracts, contracts.terms(customer, at_end).currency))
    )


def base_fees(customer: str, period: Period, contracts: ContractBook, currency: str) -> list[Charge]:
    """The recurring fees of a customer: each for the days of the period on which it was agreed, then those of a year.

    Where a customer's own contract begins or ends inside the period, only its days count.
    """
    if not contracts.has_recurring_terms:
        return []
    ends = _ends_of_days(customer, period, contracts)
    own = [contracts.at("customer", customer, at) is not None for at in ends]
    days = [
        contracts.invoice_terms(customer, at).base_fee
        if (is_own or not any(own)) and contracts.is_billed(customer, at)
        else None
        for at, is_own in zip(ends, own, strict=True)
    ]
    agreed = [fee for fee in days if fee is not None and fee.starts is None]
    charges = []
    for fee in dict.fromkeys(agreed):
        count = len(days) if not fee.is_prorated else days.count(fee)
        if fee.is_prorated or fee == agreed[-1]:
            amount = fee.amount
            if count < len(days):
                amount = from_minor(_prorated(fee, count, len(days), currency), currency)
            charges.append(Charge("base_fee", fee.name, None, count, fee.amount, amount, of_days=len(days)))
    return charges + yearly_fees(customer, period, contracts, currency)


@dataclass(frozen=True, slots=True)
class BroughtForward:
    """Balances as items in the currency of an invoice, and why others could not be converted."""

    items: tuple[Item, ...] = ()
    no_rates: tuple[str, ...] = ()

    @classmethod
    def of(cls, balances: Iterable[OpenBalance], customer: str, currency: str, day: date, fx: FxBook) -> BroughtForward:
        """Bring open balances forward on an invoice of a customer, at the exchange rates of a day."""
        items: list[Item] = []
        no_rates: list[str] = []
        for balance in balances:
            opening = balance.opening
            name = "brought forward" if opening is None else "opening balance"
            rate = fx.rate(balance.currency, currency, day)
            if isinstance(rate, NoRate):
                text = minor_text(balance.amount_minor, balance.currency)
                what = "balance" if opening is None else "opening balance"
                no_rates.append(f"the {what} of {text} {balance.currency} cannot be brought forward: {rate.reason}")
            elif (balance.customer, balance.currency) == (customer, currency):
                items.append(Item("balance", name, balance.amount_minor, opening=opening))
            else:
                original = from_minor(balance.amount_minor, balance.currency)
                amount = round_to_minor(EXACT.multiply(original, rate), currency)
                items.append(Item("balance", name, amount, origin=balance, rate=rate, opening=opening))
        return cls(tuple(items), tuple(no_rates))


def compute_totals(
    accrued: Accrued,
    currency: str,
    period: Period,
    agreed: Agreed,
    carried: Carried,
    *,
    kind: InvoiceKind,
    balances: Sequence[Item] = (),
    adjustments: Sequence[Adjustment] = (),
    drawdowns: Sequence[Drawdown] = (),
) -> Totals:
    """What becomes of a subtotal.

    A grant pays a balance that the customer owes as it pays a fee: at the end of the period, when it is asked for. A
    balance in the customer's favour is not a credit and leaves what the grants pay as it is, since they may expire and
    it does not.

    Args:
        carried: what earlier documents left; its balances are not looked at, but `balances`.
        kind: an interim invoice has no coupon, no minimum and no balance; these are the period invoice's.
        balances: what is brought forward.
        adjustments: what corrections of earlier periods add. They come after coupons, minimum and cap with their own
            taxes and credits; what is still due of them then is paid as a balance is.
        drawdowns: what usage draws from commitments. What is left of one at the end of its term is billed in full,
            whatever coupons and a cap take off.
    """
    has = KINDS[kind]
    invoiced = [part for part in carried.invoiced if part.currency == currency]
    discounts = _discounts(accrued.subtotal_minor, currency, agreed, carried) if has.has_coupons else []
    discounted = accrued.subtotal_minor + _sum(discounts)
    limits = _limits(discounted, currency, period, agreed, has_minimum=has.has_minimum) + _commitments(drawdowns)
    whole_net = discounted + _sum(limits)
    whole_tax, taxes = _taxes(whole_net, currency, agreed, invoiced)
    brought = list(balances) if has.has_balance else []
    adjusted = sum(one.due_minor for one in adjustments) + carried.adjusted_minor
    pieces = pieces_of(
        whole_net + whole_tax,
        accrued,
        discounted_minor=discounted,
        true_up_minor=_sum(item for item in limits if item.kind in ("minimum", "true_up")),
        currency=currency,
    )
    pieces[-1] += max(0, _sum(brought) + adjusted)
    billed = (Item("invoiced", f"interim invoice {n}", -part.net_minor) for n, part in enumerate(invoiced, start=1))
    items = [*discounts, *limits, *billed]
    corrected_minor = sum(one.net_minor for one in adjustments)
    net_minor = accrued.subtotal_minor + _sum(items) + corrected_minor
    of_corrections = [item for one in adjustments for item in items_of(one)]
    taxes += [item for item in of_corrections if item.kind == "tax"]
    items += [*taxes, *brought, *_credits(pieces, currency, period, agreed, carried, invoiced)]
    items += [item for item in of_corrections if item.kind != "tax"]
    due = accrued.subtotal_minor + _sum(items) + corrected_minor
    # With nothing but a balance it is the last word: there may be no later invoice to carry it on to.
    is_last = accrued.is_empty and not any(item.amount_minor for item in limits) and not invoiced
    smallest = agreed.terms.smallest_amount
    is_small = smallest is not None and 0 < due < round_to_minor(smallest, currency)
    if has.has_balance and not is_last and (due < 0 or is_small):
        items.append(Item("carried", "carried forward", -due))
        due = 0
    return Totals(tuple(items), net_minor, _sum(taxes), due)


def items_of(adjustment: Adjustment) -> list[Item]:
    """The taxes of a correction, which are those of what it corrects, and what its grants pay of it."""
    corrects, net = adjustment.corrects, adjustment.net_minor
    taxes = [Item("tax", name, tax, of_minor=net, corrects=corrects) for name, tax in adjustment.taxes.items()]
    return [*taxes, *(Item("credit", id_, -paid, corrects=corrects) for id_, paid in adjustment.credits.items())]


def share_minor(percent: Decimal, of_minor: int, currency: str) -> int:
    """So many percent of an amount in minor units, rounded by the one rule."""
    return round_to_minor(EXACT.multiply(from_minor(of_minor, currency), percent), currency, divisor=100)


def _sum(items: Iterable[Item]) -> int:
    return sum(item.amount_minor for item in items)


def _discounts(subtotal_minor: int, currency: str, agreed: Agreed, carried: Carried) -> list[Item]:
    """Coupons in their stated order, each on what the one before left, never below zero."""
    items: list[Item] = []
    for coupon in agreed.terms.coupons or ():
        left = subtotal_minor + _sum(items)
        if left <= 0 or not carried.has_left(coupon):
            continue
        if coupon.percent is not None:
            discount = share_minor(coupon.percent, left, currency)
        else:
            discount = round_to_minor(coupon.amount or Decimal(0), currency)
        if discount:
            items.append(Item("coupon", coupon.id, -min(discount, left), coupon.percent, left))
    return items


def _limits(running: int, currency: str, period: Period, agreed: Agreed, *, has_minimum: bool) -> list[Item]:
    """What is missing to the minimum, then what is above the cap."""
    items: list[Item] = []
    minimum, cap = agreed.terms.minimum, agreed.terms.cap
    if minimum is not None and has_minimum:
        limit = _prorated(minimum, agreed.minimum_days, _days_of(period), currency)
        if running < limit:
            items.append(Item("minimum", minimum.name, limit - running, of_minor=limit))
            running = limit
    if cap is not None:
        limit = _prorated(cap, agreed.cap_days, _days_of(period), currency)
        if running > limit:
            items.append(Item("cap", cap.name, limit - running, of_minor=limit))
    return items


def _commitments(drawdowns: Iterable[Drawdown]) -> list[Item]:
    """What usage drew from each commitment, and what is billed at the end of its term for the rest."""
    items: list[Item] = []
    for drawdown in drawdowns:
        name = drawdown.term.commitment.name
        items.append(Item("commitment", name, 0, drawdown=drawdown))
        if drawdown.true_up_minor or drawdown.ends:
            items.append(Item("true_up", name, drawdown.true_up_minor, drawdown=drawdown))
    return items


def _taxes(net_minor: int, currency: str, agreed: Agreed, invoiced: Sequence[Invoiced]) -> tuple[int, list[Item]]:
    """The taxes of a whole period, and for each name what interim invoices have not taxed of it."""
    before = _added_up(part.taxes for part in invoiced)
    whole, items = 0, []
    for tax in agreed.terms.taxes or ():
        share, taxed = share_minor(tax.percent, net_minor, currency), before.pop(tax.name, 0)
        whole += share
        items.append(Item("tax", tax.name, share - taxed, tax.percent, net_minor, invoiced_minor=taxed or None))
    items += [Item("tax", name, -taxed, invoiced_minor=taxed) for name, taxed in sorted(before.items()) if taxed]
    return whole, items


def _credits(
    pieces: Sequence[int],
    currency: str,
    period: Period,
    agreed: Agreed,
    carried: Carried,
    invoiced: Sequence[Invoiced],
) -> list[Item]:
    """What prepaid credits pay of a whole period, in the order in which they burn, less what interim invoices drew.

    What an interim invoice drew and the whole does not is given back to the grant.
    """
    granted = [grant for grant in agreed.grants if grant.currency == currency]
    before = _added_up(part.credits for part in invoiced)
    left = {
        grant.id: round_to_minor(grant.amount, currency) - carried.credits.get((grant.id, currency), 0)
        for grant in granted
    }
    drawn_before = {id_: minor for (id_, of), minor in carried.credits.items() if of == currency}
    burnt = burn(pieces, agreed.segments(period), granted, left, drawn_before)
    items = []
    for id_ in (*burnt.paid, *sorted(before.keys() - burnt.paid.keys())):
        drawn = before.get(id_, 0)
        had = burnt.had.get(id_, -carried.credits.get((id_, currency), 0)) - drawn
        if pays := burnt.paid.get(id_, 0) - drawn:
            items.append(Item("credit", id_, -pays, of_minor=had))
    return items


def _added_up(parts: Iterable[Mapping[str, int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for part in parts:
        sums.update(part)
    return sums


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
