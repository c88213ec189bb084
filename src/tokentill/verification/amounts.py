"""Amounts: exact ones as fractions and as text, minor units of a currency, the one rounding, and shares of a total."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tokentill.verification.terms.keys import CannotVerify

NOTHING = Fraction(0)
_NO_CENTS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split()
_MILLS = "BHD IQD JOD KWD LYD OMR TND".split()


def minor_unit(currency: str) -> int:
    """How many minor units a currency's unit has."""
    return 1 if currency in _NO_CENTS else 1000 if currency in _MILLS else 100


def rounded(value: Fraction) -> int:
    """To the nearest integer, halves away from zero."""
    whole, rest = divmod(abs(value), 1)
    return (int(whole) + (rest >= Fraction(1, 2))) * (1 if value >= 0 else -1)


def minor(amount: Fraction, currency: str) -> int:
    """An exact amount in whole minor units."""
    return rounded(amount * minor_unit(currency))


def minor_text(amount_minor: int, currency: str) -> str:
    """Minor units as text, with all digits."""
    digits = len(str(minor_unit(currency))) - 1
    shown = f"{abs(amount_minor):0{digits + 1}d}"
    sign = "-" if amount_minor < 0 else ""
    return sign + (f"{shown[:-digits]}.{shown[-digits:]}" if digits else shown)


def shares(exact: Sequence[Fraction], total_minor: int, currency: str) -> list[int]:
    """Whole minor units that add up to a total: rounded down, and what is left to the largest remainders."""
    scaled = [amount * minor_unit(currency) for amount in exact]
    found = [amount.numerator // amount.denominator for amount in scaled]
    by_remainder = sorted(range(len(exact)), key=lambda place: (found[place] - scaled[place], place))
    for place in by_remainder[: total_minor - sum(found)]:
        found[place] += 1
    return found


def text_of(amount: Fraction) -> str:
    """The canonical text of an exact amount.

    Raises:
        CannotVerify: when it has no end as a decimal.
    """
    digits, rest = 0, amount.denominator
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        digits = max(digits, count)
    if rest != 1:
        raise CannotVerify(f"an amount of {amount} has no end as a decimal")
    whole = f"{abs(amount.numerator) * 10**digits // amount.denominator:0{digits + 1}d}"
    sign = "-" if amount < 0 else ""
    return sign + (f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole)


def grouped(amount: Fraction) -> str:
    """An amount with commas, as tiers are called by it."""
    whole, _, rest = text_of(amount).partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")
