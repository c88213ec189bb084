"""What a customer's earlier documents left for the next one: coupon uses, drawn credits, balances, interim invoices.

Pure values. They are read from the ledger (`store.ledger`), and used up in `invoicing.totals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from tokentill.contracts.invoice_terms import Coupon
from tokentill.contracts.opening_balances import OpeningBalance
from tokentill.money import round_to_minor

NONE_OF_THEM: Mapping[str, int] = MappingProxyType({})


class OpenBalance(NamedTuple):
    """What was carried forward in a customer's account of one currency and not brought forward yet.

    Or an opening balance that is not. In minor units; negative is in the customer's favour.
    """

    customer: str
    currency: str
    amount_minor: int
    opening: OpeningBalance | None = None


@dataclass(frozen=True, slots=True)
class Invoiced:
    """What one interim invoice billed, in minor units: its net amount, each tax by name, what each grant paid."""

    currency: str
    net_minor: int
    taxes: Mapping[str, int] = field(default_factory=lambda: NONE_OF_THEM)
    credits: Mapping[str, int] = field(default_factory=lambda: NONE_OF_THEM)


@dataclass(frozen=True, slots=True)
class Carried:
    """What earlier documents left for one of a customer's period.

    Args:
        coupons: what each coupon took off in other periods, in whatever currency, by its id and the period.
        credits: what each grant paid in other periods, in minor units, by the grant's id and currency.
        balances: open balances that the document brings forward, the customer's own first.
        invoiced: the interim invoices of the same period, oldest first.
        over_months: what documents of other periods have of commitments, and (kind `opening`) what of opening balances
            came in, in minor units: by kind, name and currency of the rows.
        adjusted_minor: what was due of corrections on a document that is computed again without them, as its grants
            paid it with the rest.
        coupons_used: where a period is computed as it was invoiced, the coupons that took something off; no others do.
    """

    coupons: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))
    credits: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))
    balances: tuple[OpenBalance, ...] = ()
    invoiced: tuple[Invoiced, ...] = ()
    over_months: Mapping[tuple[str, str, str], int] = field(default_factory=lambda: MappingProxyType({}))
    adjusted_minor: int = 0
    coupons_used: frozenset[str] | None = None

    def has_left(self, coupon: Coupon) -> bool:
        """Whether a coupon may still take something off."""
        if self.coupons_used is not None:
            return coupon.id in self.coupons_used
        periods = sum(amount != 0 for (id_, _), amount in self.coupons.items() if id_ == coupon.id)
        return coupon.periods is None or periods < coupon.periods

    def plus(self, customer: str, balance: OpenBalance) -> Carried:
        """With one balance more, for the document of a customer."""
        sums: dict[tuple[bool, bytes, str], int] = {}
        openings = [one for one in self.balances if one.opening is not None]
        for one in (*(one for one in self.balances if one.opening is None), balance):
            key = (one.customer != customer, one.customer.encode(), one.currency)
            sums[key] = sums.get(key, 0) + one.amount_minor
        balances = (OpenBalance(key[1].decode(), key[2], amount) for key, amount in sorted(sums.items()) if amount)
        return replace(self, balances=(*balances, *openings))

    def with_balances_of(self, others: Iterable[Carried]) -> Carried:
        """With the balances of customers whose invoice this is now, in the bytewise order of their ids."""
        balances = sorted(
            (balance for other in others for balance in other.balances), key=lambda balance: balance.customer.encode()
        )
        return replace(self, balances=(*self.balances, *balances)) if balances else self

    def with_openings(self, openings: Iterable[OpenBalance | None]) -> Carried:
        """With opening balances that are still to be brought forward, after all others."""
        found = tuple(balance for balance in openings if balance is not None)
        return replace(self, balances=(*self.balances, *found)) if found else self

    def with_drawn(self, drawn: Mapping[tuple[str, str, str], int]) -> Carried:
        """With what corrections on the same document have of commitments, credits and coupons (see `drawn_by`)."""
        sums, paid, off = dict(self.over_months), dict(self.credits), dict(self.coupons)
        for (kind, name, of), minor in drawn.items():
            if kind == "credit":
                paid[name, of] = paid.get((name, of), 0) + minor
            elif kind == "coupon":
                off[name, of] = off.get((name, of), 0) + minor
            else:
                sums[kind, name, of] = sums.get((kind, name, of), 0) + minor
        return replace(self, over_months=sums, credits=paid, coupons=off) if drawn else self


def pending(opening: OpeningBalance, carried: Carried) -> OpenBalance | None:
    """What of an opening balance no document has brought forward yet, by what its customer's documents left.

    Where it was stated anew with another amount, that is the difference.
    """
    minor = round_to_minor(opening.amount, opening.currency)
    left = minor - carried.over_months.get(("opening", opening.id, opening.currency), 0)
    return OpenBalance(opening.customer, opening.currency, left, opening) if left else None


NOTHING_CARRIED = Carried()
