"""Corrections of periods that are issued: what a period comes to now, less what was invoiced of it.

Pure. A correction is made by causes: the period is computed again with one change of fact after the other, and what
each of them changes is that cause's. So the corrections of a period and its document add up to the period as it is
known now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from tokentill.canonical import Content, ContentOfFields, fields_of
from tokentill.invoicing.splits import Split
from tokentill.money import EXACT, ZERO, allocate_shares, amount_text, from_minor, minor_text, round_to_minor, to_minor

Cause = Literal["late", "revision", "retraction", "attribution", "price", "contract"]
"""What changed: records came late, another payload of one was accepted, records were taken back, they are another
customer's; a price or a contract was corrected that asks for closed periods."""


@dataclass(frozen=True, slots=True)
class Corrects(ContentOfFields):
    """The period that is corrected, and the number of its document."""

    period: str
    number: str


@dataclass(frozen=True, slots=True)
class CorrectedLine:
    """A line of a period as it is compared: of usage, of another charge, or a step of its totals before taxes.

    Amounts are exact, in major units; a step's is its amount.
    """

    kind: str
    customer: str | None
    description: str
    model: str
    mode: str
    rule: str | None
    rule_contract: str | None
    rule_hash: str | None
    price_entry: str | None
    requests: int
    quantities: Mapping[str, int]
    list_amount: Decimal | None
    exact_amount: Decimal
    split: Split = ()

    @classmethod
    def of_step(cls, kind: str, name: str, amount_minor: int, currency: str) -> CorrectedLine:
        """A step of totals: a coupon, what is missing to a minimum, what is above a cap."""
        amount = from_minor(amount_minor, currency)
        return cls(kind, None, name, "", "", None, None, None, None, 0, {}, None, amount)

    @property
    def key(self) -> tuple[str, ...]:
        """What says that two are the same line, in bytewise order."""
        named = (self.customer, self.kind, self.model, self.mode, self.rule_hash, self.price_entry, self.description)
        by = ("" if value is None else f"={value}" for _, value in self.split)
        return (*(part or "" for part in named), *by)

    def less(self, before: CorrectedLine | None) -> CorrectedLine:
        """What is more than before."""
        if before is None:
            return self
        quantities = Counter(dict(self.quantities))
        quantities.subtract(before.quantities)
        listed = None
        if self.list_amount is not None and before.list_amount is not None:
            listed = EXACT.subtract(self.list_amount, before.list_amount)
        return replace(
            self,
            requests=self.requests - before.requests,
            quantities={name: count for name, count in sorted(quantities.items()) if count},
            list_amount=listed,
            exact_amount=EXACT.subtract(self.exact_amount, before.exact_amount),
        )

    def negative(self) -> CorrectedLine:
        """What is no longer there."""
        nothing = replace(self, requests=0, quantities={}, exact_amount=ZERO)
        return replace(nothing, list_amount=None if self.list_amount is None else ZERO).less(self)

    @property
    def is_nothing(self) -> bool:
        """Whether there is no difference."""
        return not (self.requests or self.quantities or self.exact_amount)


@dataclass(frozen=True, slots=True)
class AdjustmentLine:
    """A difference that one cause makes on one line of a corrected period. `amount_minor` is its share."""

    cause: Cause
    line: CorrectedLine
    amount_minor: int

    def content(self, corrects: Content, currency: str) -> Content:
        """Canonical content, with the keys of every line; `charge` says what kind of line was corrected."""
        line = self.line
        return {
            **fields_of(line, "customer", "description", "model", "mode", "rule", "rule_contract", "rule_hash"),
            **fields_of(line, "price_entry", "requests", "list_amount", "exact_amount"),
            "quantities": dict(line.quantities),
            "kind": "adjustment",
            "amount": minor_text(self.amount_minor, currency),
            "by": dict(line.split) if line.split else None,
            "parts": [],
            "charge": None if line.kind == "usage" else {"kind": line.kind},
            "cause": self.cause,
            "corrects": corrects,
        }


@dataclass(frozen=True, slots=True)
class Whole:
    """A period as one document would bill it, in minor units: what is compared when it is corrected.

    `coupons` and `credits` are what they paid, by id; `net_minor` is what is taxable. `drawn` is what it has of
    commitments, by kind and name of the rows of the ledger.
    """

    currency: str
    lines: tuple[CorrectedLine, ...]
    net_minor: int
    taxes: Mapping[str, int]
    credits: Mapping[str, int]
    coupons: Mapping[str, int]
    drawn: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is left over of a corrected period, in minor units of `currency`; each part may be negative.

    `credits` is what grants pay more, `coupons` what coupons take off more, `drawn` what it has more of commitments, in
    the currency of the corrected period. Where the document is in another currency,
    `original` is the adjustment as the period was billed, and `rate` what it was converted at. `child` is whose period
    it is, where somebody else pays for the customer by now.
    """

    corrects: Corrects
    currency: str
    lines: tuple[AdjustmentLine, ...]
    net_minor: int
    taxes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    credits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    coupons: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    original: Adjustment | None = None
    rate: Decimal | None = None
    child: str | None = None
    drawn: Mapping[tuple[str, str], int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def tax_minor(self) -> int:
        """All its taxes together."""
        return sum(self.taxes.values())

    @property
    def total_minor(self) -> int:
        """What the corrected period comes to more than was invoiced, with taxes."""
        return self.net_minor + self.tax_minor

    @property
    def due_minor(self) -> int:
        """The same, less what its grants pay of it."""
        return self.total_minor - sum(self.credits.values())

    @property
    def billed(self) -> Adjustment:
        """As the period was billed, in its own currency."""
        return self if self.original is None else self.original

    def lines_content(self) -> list[Content]:
        """Its lines in canonical form."""
        converted = {}
        if self.original is not None and self.rate is not None:
            converted = {"currency": self.original.currency, "rate": amount_text(self.rate)}
        corrects = {**self.corrects.content(), **converted}
        return [line.content(corrects, self.currency) for line in self.lines]

    def of_child(self, child: str) -> Adjustment:
        """On the invoice of somebody else, who pays for the customer by now."""
        lines = (replace(one, line=replace(one.line, customer=one.line.customer or child)) for one in self.lines)
        return replace(self, lines=tuple(lines), child=child)

    def converted(self, currency: str, rate: Decimal) -> Adjustment:
        """In another currency, each part rounded by the one rule."""

        def convert(amount_minor: int) -> int:
            return round_to_minor(EXACT.multiply(from_minor(amount_minor, self.currency), rate), currency)

        net_minor = convert(self.net_minor)
        exact = [EXACT.multiply(from_minor(line.amount_minor, self.currency), rate) for line in self.lines]
        shares = allocate_shares(exact, net_minor, currency)
        return Adjustment(
            self.corrects,
            currency,
            tuple(
                replace(line, amount_minor=share, line=replace(line.line, exact_amount=amount))
                for line, share, amount in zip(self.lines, shares, exact, strict=True)
            ),
            net_minor,
            {name: convert(tax) for name, tax in self.taxes.items()},
            {name: convert(credit) for name, credit in self.credits.items()},
            {name: convert(coupon) for name, coupon in self.coupons.items()},
            original=self,
            rate=rate,
        )


def adjustment_of(corrects: Corrects, before: Whole, stages: Sequence[tuple[Cause, Whole]]) -> Adjustment:
    """What a period comes to after all changes of fact less what was invoiced.

    Args:
        before: the period as it was invoiced.
        stages: the period after one change of fact more each, with the cause.
    """
    lines: list[AdjustmentLine] = []
    last = before
    for cause, stage in stages:
        lines += _lines_between(cause, last, stage)
        last = stage
    return Adjustment(
        corrects,
        before.currency,
        tuple(lines),
        last.net_minor - before.net_minor,
        _difference(last.taxes, before.taxes),
        _difference(last.credits, before.credits),
        _difference(last.coupons, before.coupons),
        drawn={
            key: more
            for key in sorted({*last.drawn, *before.drawn})
            if (more := last.drawn.get(key, 0) - before.drawn.get(key, 0))
        },
    )


def drawn_by(adjustments: Iterable[Adjustment]) -> Counter[tuple[str, str, str]]:
    """What corrections have of their own customer's commitments and credits, by kind, name and currency; and what
    coupons take off more by them, by kind, id and period.
    """
    sums: Counter[tuple[str, str, str]] = Counter()
    for one in adjustments:
        if one.child is None:
            for (kind, name), minor in one.billed.drawn.items():
                sums[kind, name, one.billed.currency] += minor
            for id_, paid in one.billed.credits.items():
                sums["credit", id_, one.billed.currency] += paid
            for id_, off in one.billed.coupons.items():
                sums["coupon", id_, one.corrects.period] += off
    return sums


def _lines_between(cause: Cause, before: Whole, after: Whole) -> Iterator[AdjustmentLine]:
    """What a change of fact changes. The difference of what is taxable is shared out over the lines by their exact
    amounts, so that it is rounded once.
    """
    old, new = _by_key(before.lines), _by_key(after.lines)
    differences = [line.less(old.pop(key, None)) for key, line in new.items()]
    differences += [line.negative() for line in old.values()]
    listed = sorted((line for line in differences if not line.is_nothing), key=_place)
    amounts = allocate_shares(
        [line.exact_amount for line in listed], after.net_minor - before.net_minor, before.currency
    )
    for line, amount_minor in zip(listed, amounts, strict=True):
        yield AdjustmentLine(cause, line, amount_minor)


def _by_key(lines: Iterable[CorrectedLine]) -> dict[tuple[str, ...], CorrectedLine]:
    """Lines that are the same one for a correction, such as two fees of one name, as one."""
    by_key: dict[tuple[str, ...], CorrectedLine] = {}
    for line in lines:
        same = by_key.get(line.key)
        by_key[line.key] = line if same is None else same.less(line.negative())
    return by_key


def _place(line: CorrectedLine) -> list[bytes]:
    return [part.encode() for part in line.key]


def _difference(after: Mapping[str, int], before: Mapping[str, int]) -> Mapping[str, int]:
    """What is more of each name, in their bytewise order, without what is as it was."""
    names = sorted({*after, *before}, key=str.encode)
    return {name: more for name in names if (more := after.get(name, 0) - before.get(name, 0))}


def adjustment_in(corrects: Content, lines: Iterable[Content], items: Iterable[Content], currency: str) -> Adjustment:
    """An adjustment as the content of an invoice says it; what coupons took off is not in it."""
    own = Corrects(corrects["period"], corrects["number"])
    of_own = [item for item in items if Corrects(**item["corrects"]) == own]
    listed = tuple(_line_in(line, currency) for line in lines)
    taxes, credits_ = (
        {item["name"]: sign * to_minor(item["amount"], currency) for item in of_own if item["kind"] == kind}
        for kind, sign in (("tax", 1), ("credit", -1))
    )
    net_minor = sum(line.amount_minor for line in listed)
    original = Adjustment(own, corrects["currency"], (), 0) if "currency" in corrects else None
    rate = Decimal(corrects["rate"]) if "rate" in corrects else None
    return Adjustment(own, currency, listed, net_minor, taxes, credits_, original=original, rate=rate)


def _line_in(line: Content, currency: str) -> AdjustmentLine:
    named = ("customer", "description", "model", "mode", "rule", "rule_contract", "rule_hash", "price_entry")
    corrected = CorrectedLine(
        "usage" if line["charge"] is None else line["charge"]["kind"],
        **{name: line[name] for name in (*named, "requests", "quantities")},
        list_amount=None if line["list_amount"] is None else Decimal(line["list_amount"]),
        exact_amount=Decimal(line["exact_amount"]),
        split=tuple((line.get("by") or {}).items()),
    )
    return AdjustmentLine(line["cause"], corrected, to_minor(line["amount"], currency))
