"""Billing from Python: what a request costs a customer under its contract, one by one, as a stream, or a whole period.

Pure. The same code as a close: the amounts of a stream, and what an invoice's lines come to, are equal to the last
digit. Whose a request is, is for the caller to say; no attribution rule is asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from os import PathLike
from typing import Literal

from tokentill.clock import instant_text
from tokentill.contracts.book import ContractBook
from tokentill.contracts.calculation import Accumulator
from tokentill.contracts.rules import Rule
from tokentill.contracts.steps import Step
from tokentill.errors import InvalidRecord
from tokentill.invoicing.accumulators import Charge, PeriodCharges, take, total_of
from tokentill.invoicing.invoice import Invoice, compute_invoice
from tokentill.invoicing.lines import missing_of
from tokentill.invoicing.periods import Month, Period, period_of
from tokentill.invoicing.rating_groups import Books, RatingContext, RatingGroup, Sums
from tokentill.money import ZERO, amount_text, sum_exact
from tokentill.prices.book import PriceBook
from tokentill.prices.fx import FxBook
from tokentill.usage.aggregates import RecordKey, Series, UsageAggregate
from tokentill.usage.attribution import Attribution
from tokentill.usage.quantities import REQUEST
from tokentill.usage.record import STANDARD, Usage

CustomerOf = Callable[[Usage], str]


@dataclass(frozen=True, slots=True, repr=False)
class Bill:
    """What one request costs a customer.

    `amount` is exact, in major units of `currency`: the sum of `steps` and of `charges`, which are packages and tiers
    that this request was the first to enter. It is None where the request cannot be billed, with the `reason`.
    `list_amount` is the list price in the same currency. `has_memory` says that the rule counts on through the period,
    so that the same request may cost something else earlier or later.
    """

    customer: str
    currency: str
    amount: Decimal | None
    list_amount: Decimal | None
    rule: str | None
    contract: str | None
    steps: tuple[Step, ...]
    charges: tuple[Charge, ...]
    has_memory: bool
    reason: str | None = None

    @property
    def status(self) -> Literal["billed", "unbilled"]:
        """Whether there is an amount."""
        return "unbilled" if self.amount is None else "billed"

    def __repr__(self) -> str:
        what = self.reason if self.amount is None else f"{amount_text(self.amount)} {self.currency}"
        rule = "list price" if self.rule is None else f"rule {self.rule!r} of {self.contract}"
        return f"<Bill of {self.customer!a}: {what}, {rule}>"


@dataclass(slots=True)
class _Memory:
    """What was counted for a customer in its current period."""

    period: Period
    last: datetime
    rules: dict[tuple[str, str], tuple[Accumulator, PeriodCharges]] = field(default_factory=dict)


class Biller:
    """Bills requests under contracts. It remembers nothing between calls and may be shared between threads.

    Args:
        prices: the price tables.
        contracts: customers' contracts, plans and the default.
        fx: exchange rates, where a contract is in another currency than the prices.
    """

    def __init__(self, prices: PriceBook, contracts: ContractBook, fx: FxBook | None = None) -> None:
        self._books = Books(prices, contracts, Attribution((), ()), FxBook(()) if fx is None else fx)

    @classmethod
    def load(cls, folder: str | PathLike[str] | None = None, *, shipped_prices: bool | None = None) -> Biller:
        """Load a `pricing/` folder, with shipped list prices beneath it (see `PriceBook.load`).

        Raises:
            InvalidFiles: with every mistake loaded, by file and line.
        """
        from tokentill.recordings.load import load_folder  # here, so that the import stays light
        from tokentill.settings import folder_in_settings

        loaded = load_folder(**folder_in_settings(folder, shipped_prices))
        return cls(loaded.price_book(), ContractBook(loaded.contracts), FxBook(loaded.fx))

    def bill(self, usage: Usage, *, customer: str) -> Bill:
        """Bill one request as if it were the only one of its period.

        Raises:
            InvalidRecord: when the usage stands for several requests.
        """
        return next(self.bill_stream([usage], customer=customer, is_whole_period=True))

    def bill_stream(
        self, usages: Iterable[Usage], *, customer: str | CustomerOf, is_whole_period: bool = False
    ) -> Iterator[Bill]:
        """Bill requests as they come; allowances, tiers and packages count on through each customer's period.

        What a request costs under tiers by volume is known when its period is over; it is unbilled here, and
        `invoice` bills it.

        Args:
            usages: of one customer or several, each customer's in order of time.
            customer: whose they are, or a function that tells: `lambda usage: usage.user`.
            is_whole_period: whether each usage is all that there is in its period.

        Raises:
            InvalidRecord: when a usage stands for several requests, or comes after a later one of its customer.
        """
        context = RatingContext(self._books)
        memories: dict[str, _Memory] = {}
        for usage in usages:
            owner = customer if isinstance(customer, str) else customer(usage)
            memory = memories.get(owner)
            if memory is None or not memory.period.holds(usage.occurred_at):
                period = self._period(owner, usage.occurred_at)
                if memory is not None and period.ends_at <= memory.period.starts_at:
                    raise _out_of_order(usage, memory.last)
                memory = memories[owner] = _Memory(period, usage.occurred_at)
            if usage.occurred_at < memory.last:
                raise _out_of_order(usage, memory.last)
            memory.last = usage.occurred_at
            yield self._bill(usage, owner, context, memory, is_whole_period=is_whole_period)

    def invoice(self, usages: Iterable[Usage], *, customer: str, period: str) -> Invoice:
        """The invoice of a customer for a period (`2026-10`), with its fees, coupons, taxes and credits.

        Nothing of earlier invoices is known here: no coupon was used and no credit was burnt before.

        Args:
            usages: the customer's; those outside of the period are left out.
        """
        contracts = self._books.contracts
        segment = period_of(Month.parse(period), lambda at: contracts.terms(customer, at))
        inside = [usage for usage in usages if segment.holds(usage.occurred_at)]
        aggregates = [_aggregate(usage, number) for number, usage in enumerate(inside)]
        currency = contracts.terms(customer, segment.last_instant).currency
        return compute_invoice(customer, segment, currency, aggregates, RatingContext(self._books))

    def _period(self, customer: str, at: datetime) -> Period:
        contracts, first = self._books.contracts, Month(at.astimezone(UTC).year, at.astimezone(UTC).month)
        periods = (period_of(first.plus(step), lambda at: contracts.terms(customer, at)) for step in (0, -1, 1))
        return next(period for period in periods if period.holds(at))

    def _bill(
        self, usage: Usage, customer: str, context: RatingContext, memory: _Memory, *, is_whole_period: bool
    ) -> Bill:
        aggregate = _aggregate(usage, 0)
        currency = self._books.contracts.terms(customer, memory.period.last_instant).currency
        group = context.group_of(customer, currency, aggregate)
        rule = group.rule
        if context.is_missing(customer, aggregate):
            (missing,) = missing_of([aggregate])
            name, agreed = (None, None) if rule is None else (rule.name, rule.contract)
            return Bill(customer, currency, None, None, name, agreed, (), (), False, missing.reason)
        if rule is None or group.is_linear:
            return _bill_of(customer, currency, rule, [(group, Sums.of(aggregate))], ())
        total: Decimal | None = None
        if rule.has_volume:
            if not is_whole_period:
                reason = f"rule {rule.name!r} has tiers by volume: what it comes to is known when the period is over"
                return Bill(customer, currency, None, None, rule.name, rule.contract, (), (), True, reason)
            total = total_of([(aggregate, group)])
        accumulator, charges = memory.rules.get(rule.accumulator_key) or (Accumulator(), PeriodCharges())
        pieces, accumulator = take(aggregate, group, accumulator, total)
        memory.rules[rule.accumulator_key] = (accumulator, charges)
        return _bill_of(customer, currency, rule, pieces, charges.count(rule, accumulator))


def _bill_of(
    customer: str,
    currency: str,
    rule: Rule | None,
    pieces: Sequence[tuple[RatingGroup, Sums]],
    charges: Sequence[Charge],
) -> Bill:
    billed = [piece.billed(sums) for piece, sums in pieces]
    amounts = [piece.amount for piece in billed if piece.amount is not None]
    is_billed = len(amounts) == len(billed)
    list_amounts = [piece.list_amount(sums) for piece, sums in pieces]
    known = [amount for amount in list_amounts if amount is not None]
    return Bill(
        customer=customer,
        currency=currency,
        amount=sum_exact([*amounts, *(charge.amount for charge in charges)]) if is_billed else None,
        list_amount=sum_exact(known) if len(known) == len(list_amounts) else None,
        rule=None if rule is None else rule.name,
        contract=None if rule is None else rule.contract,
        steps=tuple(step for piece in billed for step in piece.steps),
        charges=tuple(charges),
        has_memory=rule is not None and rule.counts_on,
        reason=next((piece.reason for piece in billed if piece.amount is None), None),
    )


def _aggregate(usage: Usage, number: int) -> UsageAggregate:
    requests = usage.quantities.get(REQUEST, 1)
    if requests != 1:
        raise InvalidRecord(f"a usage of {requests} requests cannot be billed under a contract; bill them one by one")
    source = usage.source or ""
    mode = usage.mode or STANDARD
    series = Series.of(usage, source=source, mode=mode)
    at = usage.occurred_at
    quantities = {name: count for name, count in usage.quantities.items() if count and name != REQUEST}
    return UsageAggregate(
        series=series,
        at=at,
        day=at.astimezone(UTC).date(),
        input_tokens=usage.input_total,
        requests=1,
        quantities=quantities,
        cost=usage.cost or ZERO,
        requests_with_cost=int(usage.cost is not None),
        is_unmeasured=bool(usage.cost) and not quantities,
        is_accepted=True,  # by whoever asks for it to be billed
        zero_cost=usage.zero_cost,
        has_result=usage.has_result,
        record=RecordKey(at, source, f"{number:020d}"),
    )


def _out_of_order(usage: Usage, last: datetime) -> InvalidRecord:
    return InvalidRecord(
        f"a usage of {instant_text(usage.occurred_at)} comes after one of {instant_text(last)};"
        " pass those of a customer in order of time, since allowances and tiers are used up in it"
    )
