"""Exact decimals, currencies, the one rounding, and shares by largest remainder.

An amount is a `Decimal` computed under `EXACT`, which raises rather than round, or an integer number of minor
units. A float never gets in. `round_to_minor` is the only function that rounds money.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import (
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    Underflow,
)

from tokentill.errors import InvalidAmount

EXACT = Context(
    prec=96,
    rounding=ROUND_HALF_UP,
    Emin=-256,
    Emax=256,
    traps=[Inexact, FloatOperation, InvalidOperation, DivisionByZero, Overflow, Underflow, Clamped],
)
"""The one context of money: any operation whose result is not exact raises."""

_ROUNDING = Context(prec=96, rounding=ROUND_HALF_UP, traps=[FloatOperation, InvalidOperation, DivisionByZero, Overflow])

ZERO = Decimal(0)
AMOUNT_MINOR_MAX = 10**17
"""No document may reach this many minor units; far below 2**63, so sums of documents fit a 64-bit column."""

_PLAIN = re.compile(r"\A(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?\Z", re.ASCII)
_EXPONENT = re.compile(r"\A(-?[0-9]+(?:\.[0-9]+)?)[eE]([+-]?[0-9]{1,2})\Z", re.ASCII)

# ISO 4217, active codes. Those not listed below with 0 or 3 digits have 2.
_CURRENCIES = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
    COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
    INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP
    MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND
    VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG""".split()
)
_MINOR_DIGITS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


def minor_digits(currency: str) -> int:
    """Number of decimal digits of a currency's minor unit (ISO 4217): 0, 2 or 3.

    Raises:
        InvalidAmount: for a code that is no active ISO 4217 currency.
    """
    if currency not in _CURRENCIES:
        raise InvalidAmount(f"{currency!r} is not an ISO 4217 currency code; write it like USD")
    return _MINOR_DIGITS.get(currency, 2)


def parse_amount(text: str, *, digits_max: int = 40, scale_max: int = 24) -> Decimal:
    """Read a decimal exactly as written: ASCII digits, optional sign and fraction, or a small exponent (`1.5e-06`).

    Args:
        text: what was written. Underscores, spaces, other digits, `NaN` and `Infinity` are refused.
        digits_max: significant digits that are accepted.
        scale_max: digits after the point that are accepted.

    Raises:
        InvalidAmount: when it is not such a number.
    """
    if len(text) > digits_max + scale_max + 8:
        raise InvalidAmount(f"a number of {len(text)} characters is too long")
    if match := _EXPONENT.match(text):
        exponent = int(match[2])
        if abs(exponent) > scale_max + 6:
            raise InvalidAmount(f"the exponent of {text!r} is out of range")
        value = Decimal(match[1]).scaleb(exponent, EXACT)
    elif _PLAIN.match(text):
        value = Decimal(text)
    else:
        raise InvalidAmount(f"{text!r} is not a decimal number")
    return check_amount(value, digits_max=digits_max, scale_max=scale_max)


def check_amount(value: Decimal, *, digits_max: int = 40, scale_max: int = 24) -> Decimal:
    """Return `value` in its shortest form when it is finite and within the stated digits.

    Raises:
        InvalidAmount: when it is not.
    """
    if not value.is_finite():
        raise InvalidAmount(f"{value} is not a finite number")
    _, digits, exponent = value.as_tuple()
    if len(digits) > 2 * digits_max or not isinstance(exponent, int) or abs(exponent) > 2 * digits_max:
        raise InvalidAmount("a number with so many digits is not an amount")
    shortest = value.normalize(EXACT)
    _, digits, exponent = shortest.as_tuple()
    if not isinstance(exponent, int) or -exponent > scale_max or len(digits) + max(exponent, 0) > digits_max:
        raise InvalidAmount(f"{value} has more digits than are accepted ({scale_max} after the point)")
    return shortest if shortest else ZERO


def amount_text(value: Decimal) -> str:
    """The one canonical text of an exact amount: no exponent, no trailing zeros, no negative zero."""
    if not value:
        return "0"
    return format(value.normalize(EXACT), "f")


def sum_exact(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum; zero for none."""
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def divides_exactly(per: int) -> bool:
    """Whether dividing by `per` always gives a finite decimal, that is, `per` has no prime factor but 2 and 5."""
    if per <= 0:
        return False
    for prime in (2, 5):
        while per % prime == 0:
            per //= prime
    return per == 1


def round_to_minor(exact: Decimal, currency: str, *, divisor: int = 1) -> int:
    """Round an exact amount, or an exact amount divided, to minor units, halves away from zero.

    The only rounding of money. The quotient is never formed: it is compared in whole numbers.

    Args:
        exact: in major units.
        currency: ISO 4217 code.
        divisor: what it is divided by; greater than zero.

    Raises:
        InvalidAmount: when the result would not fit (see `AMOUNT_MINOR_MAX`).
    """
    numerator, denominator = exact.as_integer_ratio()
    scale: int = 10 ** minor_digits(currency)
    whole, rest = divmod(abs(numerator) * scale, denominator * divisor)
    minor = whole + (2 * rest >= denominator * divisor)
    if minor >= AMOUNT_MINOR_MAX:
        raise InvalidAmount(f"{amount_text(exact)} {currency} is larger than any document may be")
    return -minor if numerator < 0 else minor


def credits_of(exact: Decimal, worth: Decimal) -> int:
    """How many whole credits of a worth cover an exact amount; none for nothing."""
    numerator, denominator = exact.as_integer_ratio()
    worth_numerator, worth_denominator = worth.as_integer_ratio()
    return -(-numerator * worth_denominator // (denominator * worth_numerator))


def from_minor(amount_minor: int | Decimal, currency: str) -> Decimal:
    """Minor units as an exact amount in major units."""
    return Decimal(amount_minor).scaleb(-minor_digits(currency), EXACT)


def minor_text(amount_minor: int | Decimal, currency: str) -> str:
    """Minor units as a decimal string with all its digits: `minor_text(1234, "USD") == "12.34"`."""
    return format(from_minor(amount_minor, currency), "f")


def to_minor(text: str, currency: str) -> int:
    """The minor units that `minor_text` wrote."""
    return int(Decimal(text).scaleb(minor_digits(currency)))


def allocate_shares(exacts: Sequence[Decimal], total_minor: int, currency: str) -> list[int]:
    """Split a rounded total over its exact parts by largest remainder.

    Every share is within one minor unit of its exact part, and the shares add up to `total_minor`. Equal
    remainders are served in the order given.

    Args:
        exacts: exact amounts in major units, whose exact sum rounds to `total_minor`.
        total_minor: the rounded total in minor units.

    Raises:
        InvalidAmount: when the total is not the rounding of the parts.
    """
    digits = minor_digits(currency)
    scaled = [exact.scaleb(digits, EXACT) for exact in exacts]
    floors = [int(value.to_integral_value(ROUND_FLOOR, _ROUNDING)) for value in scaled]
    remainders = [EXACT.subtract(value, Decimal(floor)) for value, floor in zip(scaled, floors, strict=True)]
    left = total_minor - sum(floors)
    if not 0 <= left <= sum(1 for remainder in remainders if remainder):
        raise InvalidAmount(f"{total_minor} minor units are not the rounding of these parts")
    by_remainder = sorted(range(len(scaled)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[:left]:
        floors[index] += 1
    return floors
