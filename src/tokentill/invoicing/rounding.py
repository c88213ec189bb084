"""How exact amounts of an invoice's lines became amounts in minor units, read off its content. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tokentill.canonical import Content, ContentOfFields
from tokentill.money import minor_digits, sum_exact


@dataclass(frozen=True, slots=True)
class Rounding(ContentOfFields):
    """How exact amounts of lines that are rounded together became amounts of the invoice.

    Their exact sum is rounded once, to `amount`. Each line gets its exact amount rounded down to the minor unit, and
    the `raised` lines with the largest remainders one unit more. `of` is what they are of: the period's own usage and
    charges, or a change of fact in a corrected period.
    """

    of: str
    lines: int
    exact_amount: Decimal
    amount: Decimal
    raised: int


def roundings(lines: Sequence[Content], currency: str) -> Iterator[Rounding]:
    """Lines that are rounded together: those of the period itself, and those of one cause in a corrected period; all of
    a period that was converted.

    Args:
        lines: canonical content of an invoice's lines.
    """
    together: dict[str, list[Content]] = {}
    for line in lines:
        of = "the period"
        if line["kind"] == "adjustment":
            corrects = line["corrects"]
            cause = "" if "currency" in corrects else f", {line['cause']}"
            of = f"the correction of {corrects['period']} ({corrects['number']}){cause}"
        together.setdefault(of, []).append(line)
    for of, listed in together.items():
        exact = sum_exact(Decimal(line["exact_amount"]) for line in listed)
        amount = sum_exact(Decimal(line["amount"]) for line in listed)
        raised = sum(Decimal(line["amount"]) > Decimal(line["exact_amount"]) for line in listed)
        yield Rounding(of, len(listed), exact, amount.quantize(Decimal(1).scaleb(-minor_digits(currency))), raised)
