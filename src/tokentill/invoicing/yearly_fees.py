"""Base fees by the year beside usage by the month: each year of a fee is charged once, in advance.

Pure. The years of a fee begin on the anniversaries of the day it states. What of a year is agreed by the contracts, as
they are known, is charged in the period that holds the first such day: all of it, or its days of those of the year.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tokentill.clock import MICROSECOND
from tokentill.contracts.book import ContractBook
from tokentill.contracts.invoice_terms import Recurring
from tokentill.invoicing.accumulators import Charge
from tokentill.invoicing.periods import Period, local_midnight
from tokentill.money import EXACT, from_minor, round_to_minor


@dataclass(frozen=True, slots=True)
class _Days:
    """Days that follow each other on which the same base fee is agreed, in a contract of the customer's own or not."""

    first: date
    count: int
    fee: Recurring | None
    is_own: bool


def yearly_fees(customer: str, period: Period, contracts: ContractBook, currency: str) -> list[Charge]:
    """The yearly fees that a period charges.

    Where a customer's own contract begins or ends inside a year, only its days count.
    """
    if not contracts.has_yearly_fees:
        return []
    after = period.last_day + timedelta(days=1)
    agreed = dict.fromkeys(days.fee for days in _days(customer, period.first_day, after, period, contracts))
    charges = []
    for fee in agreed:
        if fee is None or fee.starts is None:
            continue
        for first, end in _years(fee.starts, period.first_day, after):
            of_year = list(_days(customer, first, end, period, contracts))
            has_own = any(days.is_own for days in of_year)
            counted = [days for days in of_year if days.fee == fee and (days.is_own or not has_own)]
            if counted and period.first_day <= counted[0].first <= period.last_day:
                charges.append(_charge(fee, first, (end - first).days, sum(days.count for days in counted), currency))
    return charges


def _charge(fee: Recurring, first: date, of_days: int, days: int, currency: str) -> Charge:
    days, amount = days if fee.is_prorated else of_days, fee.amount
    if days < of_days:
        amount = from_minor(
            round_to_minor(EXACT.multiply(fee.amount, Decimal(days)), currency, divisor=of_days), currency
        )
    return Charge("base_fee", fee.name, None, days, fee.amount, amount, of_days=of_days, year_from=first)


def _years(starts: date, first: date, end: date) -> Iterator[tuple[date, date]]:
    """The years from a day's anniversary to the next that have days in [first, end)."""
    for year in range(max(starts.year, first.year - 1), end.year + 1):
        begins, ends = _anniversary(starts, year), _anniversary(starts, year + 1)
        if begins < end and first < ends:
            yield begins, ends


def _anniversary(starts: date, year: int) -> date:
    """The same day of another year; 28 February for the 29th where there is none."""
    is_leap_day = (starts.month, starts.day) == (2, 29)
    return date(year, 2, 28) if is_leap_day and not _has_leap_day(year) else starts.replace(year=year)


def _has_leap_day(year: int) -> bool:
    return (date(year, 3, 1) - date(year, 2, 28)).days == 2


def _days(customer: str, first: date, end: date, period: Period, contracts: ContractBook) -> Iterator[_Days]:
    """The days of [first, end) by what is agreed at the last instant of each; it changes where a contract does."""
    zone = contracts.terms(customer, period.last_instant).zone
    edges, bill_from = contracts.edges_for(customer), contracts.bill_from(customer)
    changes = {edge.astimezone(zone).date() for edge in (*edges, *(() if bill_from is None else (bill_from,)))}
    begins = [first, *sorted(day for day in changes if first < day < end)]
    for day, following in zip(begins, [*begins[1:], end], strict=True):
        at = local_midnight(day + timedelta(days=1), zone) - MICROSECOND
        fee = contracts.invoice_terms(customer, at).base_fee if contracts.is_billed(customer, at) else None
        yield _Days(day, (following - day).days, fee, contracts.at("customer", customer, at) is not None)
