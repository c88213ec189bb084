"""Recurring fees: by the period, for the days on which each was agreed, and by the year, once for each."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from tokentill.verification.amounts import minor, minor_unit, text_of
from tokentill.verification.rating.memory import Charge
from tokentill.verification.terms.books import Books
from tokentill.verification.terms.keys import Table
from tokentill.verification.terms.periods import Period
from tokentill.verification.terms.recurring import MICROSECOND, midnight, months_after
from tokentill.verification.totals.due import recurring


def base_fees(books: Books, customer: str, period: Period, currency: str) -> list[Charge]:
    """Recurring fees, each for the days on which it was agreed. Where a customer's own contract begins or ends inside
    the period, only its days count."""
    ends = period.ends_of_days(books.frame(customer, period.last_instant)[1])
    own = [books.contract("customer", customer, at) is not None for at in ends]
    days: list[tuple[Fraction, str, bool] | None] = []
    for at, is_own in zip(ends, own, strict=True):
        fee = books.term(customer, at, "base_fee") if is_own or not any(own) else None
        is_monthly = fee is not None and fee.get("every", "month") == "month" and books.is_billed(customer, at)
        days.append(None if fee is None or not is_monthly else recurring(fee, "base fee", is_prorated=True))
    agreed = [fee for fee in days if fee is not None]
    charges = []
    for fee in dict.fromkeys(agreed):
        amount, name, is_prorated = fee
        count = days.count(fee) if is_prorated else len(days)
        if is_prorated or fee == agreed[-1]:
            stated = {"name": name, "quantity": count, "rate": text_of(amount), "of_days": len(days)}
            if count < len(days):
                amount = Fraction(minor(amount * count / len(days), currency), minor_unit(currency))
            charges.append(Charge("base_fee", name, None, amount, stated))
    return charges + _yearly(books, customer, period, currency)


def _yearly(books: Books, customer: str, period: Period, currency: str) -> list[Charge]:
    """Fees for a year, each charged in the period that holds the first day of its year on which it is agreed."""
    zone = books.frame(customer, period.last_instant)[1]

    def agreed(day: date) -> tuple[Table | None, bool]:
        at = midnight(day + timedelta(days=1), zone) - MICROSECOND
        fee = books.term(customer, at, "base_fee") if books.is_billed(customer, at) else None
        is_yearly = fee is not None and fee.get("every") == "year"
        return (fee if is_yearly else None), books.contract("customer", customer, at) is not None

    of_period: list[Table] = []
    for number in range((period.last_day - period.first_day).days + 1):
        fee, _ = agreed(period.first_day + timedelta(days=number))
        if fee is not None and fee not in of_period:
            of_period.append(fee)
    charges = []
    for fee in of_period:
        rate, name, is_prorated = recurring(fee, "base fee", is_prorated=True)
        starts = date.fromisoformat(fee["starts"])
        for number in range(max(0, period.first_day.year - 1 - starts.year), period.last_day.year - starts.year + 1):
            first, end = months_after(starts, 12 * number), months_after(starts, 12 * (number + 1))
            of_year = (first + timedelta(days=one) for one in range((end - first).days))
            days = [(day, *agreed(day)) for day in of_year]
            has_own = any(is_own for _, _, is_own in days)
            counted = [day for day, one, is_own in days if one == fee and (is_own or not has_own)]
            if counted and period.first_day <= counted[0] <= period.last_day:
                count = len(counted) if is_prorated else len(days)
                amount = Fraction(minor(rate * count / len(days), currency), minor_unit(currency))
                stated = {"name": name, "quantity": count, "rate": text_of(rate), "of_days": len(days)}
                stated["year_from"] = first.isoformat()
                charges.append(Charge("base_fee", name, None, rate if count == len(days) else amount, stated))
    return charges
