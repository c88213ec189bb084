"""What a call may cost, before it is made: the least and the most, both exact.

Pure. The bounds are the prices of the cheapest and of the dearest usage that such a call can report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tokentill.errors import InvalidCall
from tokentill.money import amount_text
from tokentill.prices.book import PriceBook
from tokentill.prices.rate_cards import Rated
from tokentill.usage.quantities import LEAVES
from tokentill.usage.record import Usage

TEXT_INPUTS = tuple(leaf.name for leaf in LEAVES if leaf.direction == "input" and leaf.modality == "text")
"""What a token of text in the input may turn out to be."""

TEXT_OUTPUTS = tuple(leaf.name for leaf in LEAVES if leaf.direction == "output" and leaf.modality == "text")
Tokens = int | Mapping[str, int]


@dataclass(frozen=True, slots=True, repr=False)
class Estimate:
    """The least and the most that a call may cost at list prices, with how each of them comes about."""

    model: str
    at: datetime
    lowest: Decimal
    highest: Decimal
    currency: str
    lowest_rated: Rated
    highest_rated: Rated

    def __repr__(self) -> str:
        return f"<Estimate {self.model}: {amount_text(self.lowest)} to {amount_text(self.highest)} {self.currency}>"


def estimate(
    book: PriceBook,
    model: str,
    *,
    input: Tokens,  # noqa: A002
    max_output: Tokens,
    at: datetime,
    mode: str | None,
    geo: str | None,
) -> Estimate:
    """See `PriceBook.estimate`."""
    inputs, outputs = _kinds(input, TEXT_INPUTS), _kinds(max_output, TEXT_OUTPUTS)
    twice = {*inputs[0]} & {name for most in outputs for name in most}
    if twice:
        raise InvalidCall(f"{min(twice)!r} stands in the input and in the output")
    plain = {**inputs[0], **outputs[0]}
    first = book.rate_or_raise(Usage(model, at, plain, mode, geo))

    def rated(quantities: Iterable[Mapping[str, int]]) -> list[tuple[Decimal, Rated]]:
        results = [book.rate(Usage(model, at, result, mode, geo)) for result in quantities]
        return [(result.amount, result) for result in results if result.amount is not None]

    lowest, lowest_rated = min(rated(inputs), key=lambda pair: pair[0])
    every = rated({**input_counts, **most} for input_counts in inputs for most in outputs)
    highest, highest_rated = max(every, key=lambda pair: pair[0])
    return Estimate(
        model=first.model,
        at=at,
        lowest=Decimal(amount_text(lowest)),
        highest=Decimal(amount_text(highest)),
        currency=first.currency or "",
        lowest_rated=lowest_rated,
        highest_rated=highest_rated,
    )


def _kinds(tokens: Tokens, leaves: tuple[str, ...]) -> list[Mapping[str, int]]:
    """What so many tokens may turn out to be. Quantities that are named are taken as they are."""
    if isinstance(tokens, Mapping):
        return [tokens]
    return [{leaf: tokens} for leaf in leaves]
