"""What was billed against what the gateway charged for it, as far as costs were reported. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal

from tokentill.canonical import Content, fields_of
from tokentill.money import EXACT, ZERO, amount_text, from_minor, sum_exact

_SHARE = Context(prec=40, rounding=ROUND_FLOOR)
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class BilledCost:
    """The reported cost of requests that are billed, in the invoice's currency, and how many of them have one.

    A cost in a currency for which no exchange rate is listed is none.
    """

    amount: Decimal = ZERO
    requests: int = 0
    requests_with_cost: int = 0


NO_COST = BilledCost()


@dataclass(frozen=True, slots=True)
class CoveredMargin:
    """Billed amount before tax, with what interim invoices billed, less the cost of all requests that have one.

    Where requests have no cost, the true margin is this at most. Exact amounts in major units of `currency`.
    """

    currency: str
    billed: Decimal
    cost: Decimal
    requests: int
    requests_with_cost: int

    @property
    def margin(self) -> Decimal:
        """What is left of the billed amount."""
        return EXACT.subtract(self.billed, self.cost)

    @property
    def is_known(self) -> bool:
        """Whether any request has a cost."""
        return self.requests_with_cost > 0

    @property
    def is_whole(self) -> bool:
        """Whether every request has a cost."""
        return self.requests_with_cost == self.requests

    @property
    def coverage_percent(self) -> Decimal:
        """How many percent of the requests have a cost, to one decimal; 100 where all have, and only there."""
        if self.is_whole:
            return Decimal(100)
        share = _SHARE.divide(Decimal(100 * self.requests_with_cost), Decimal(self.requests))
        return share.quantize(_TENTH, context=_SHARE)

    def content(self) -> Content:
        """What `preview --json` prints."""
        return {
            **fields_of(self, "currency", "billed", "cost", "margin", "requests", "requests_with_cost"),
            "coverage_percent": amount_text(self.coverage_percent),
        }


def margin_of(currency: str, billed_minor: int, cost: BilledCost) -> CoveredMargin:
    """The margin of an invoice."""
    billed = from_minor(billed_minor, currency)
    return CoveredMargin(currency, billed, cost.amount, cost.requests, cost.requests_with_cost)


def margin_of_all(margins: Iterable[CoveredMargin]) -> list[CoveredMargin]:
    """Margins added up by currency, in order of the currencies, without those of a currency in which none is known.

    What is billed for requests of which none has a cost is left out, but these requests count in the coverage.
    """
    by_currency: dict[str, list[CoveredMargin]] = {}
    for margin in margins:
        by_currency.setdefault(margin.currency, []).append(margin)
    sums = [
        CoveredMargin(
            currency,
            sum_exact(one.billed for one in listed if one.is_known or not one.requests),
            sum_exact(one.cost for one in listed),
            sum(one.requests for one in listed),
            sum(one.requests_with_cost for one in listed),
        )
        for currency, listed in sorted(by_currency.items())
    ]
    return [one for one in sums if one.is_known]
