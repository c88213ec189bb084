"""What a reviewer should look at before a period is closed, and what nothing refuses. Pure.

A finding has numbers that made it one. Those here set the reported cost against what is billed for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tokentill.canonical import Content, form_of
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.limits import DEFAULT_LIMITS, ReviewLimits
from tokentill.invoicing.rating_groups import Books, RatingContext, RatingGroup, Sums
from tokentill.money import EXACT, ZERO, amount_text, minor_text, round_to_minor
from tokentill.usage.aggregates import GATEWAY_CURRENCY, UsageAggregate
from tokentill.usage.ids import cost_components
from tokentill.usage.shell_words import shell_word

FindingKind = Literal[
    "cost-component-unbilled",
    "cost-above-list",
    "cost-of-free-model",
    "billed-below-cost",
    "control-totals",
    "pull-gaps",
    "user-and-key-differ",
]
Figure = str | int | Decimal


@dataclass(frozen=True, slots=True)
class PreviewFinding:
    """Something that stands out in a customer's period, or in everybody's where `customer` is empty. `figures` are the
    numbers of it, amounts in major units.
    """

    kind: FindingKind
    customer: str
    text: str
    figures: Mapping[str, Figure]

    def content(self) -> Content:
        """What `preview --json` prints."""
        figures = {name: form_of(figure) for name, figure in self.figures.items()}
        return {"kind": self.kind, "customer": self.customer, "text": self.text, "figures": figures}


@dataclass(slots=True)
class _Costs:
    """Requests with what they cost in USD and in the contract's currency, and what they come to at list prices."""

    requests: int = 0
    cost: Decimal = ZERO
    cost_converted: Decimal = ZERO
    list_amount: Decimal = ZERO

    def add(self, requests: int, cost: Decimal, fx: Decimal, list_amount: Decimal) -> None:
        self.requests += requests
        self.cost = EXACT.add(self.cost, cost)
        self.cost_converted = EXACT.add(self.cost_converted, EXACT.multiply(cost, fx))
        self.list_amount = EXACT.add(self.list_amount, list_amount)


def findings_of(
    invoice: Invoice,
    usage: Mapping[str, Iterable[UsageAggregate]],
    context: RatingContext,
    limits: ReviewLimits = DEFAULT_LIMITS,
) -> tuple[PreviewFinding, ...]:
    """What stands out on an invoice.

    Args:
        invoice: a customer's.
        usage: the aggregates that it is computed from, by whose they are.
    """
    compared = _CostBesideList(limits)
    for member, aggregates in usage.items():
        for aggregate in aggregates:
            if aggregate.cost and not (aggregate.is_waived or context.keeps_back(member, aggregate)):
                compared.add(aggregate, context.group_of(member, invoice.currency, aggregate))
    far_above = {model: costs for model, costs in compared.above.items() if _is_far_above(costs, limits)}
    return (
        *_unbilled_components(invoice.customer, compared.components, compared.fees),
        *_of_models("cost-above-list", invoice, far_above),
        *_of_models("cost-of-free-model", invoice, compared.free),
        *_below_cost(invoice),
        *_contradictions(invoice, usage, context.books),
    )


def _contradictions(
    invoice: Invoice, usage: Mapping[str, Iterable[UsageAggregate]], books: Books
) -> Iterator[PreviewFinding]:
    """Requests of an untrusted user that is another customer's than the API key."""
    if not books.attribution.distrusts_users:
        return
    known, requests = frozenset(books.contracts.customers), Counter[tuple[str, str]]()
    for member, aggregates in usage.items():
        for one in aggregates:
            series = one.series
            other = books.attribution.contradicted(
                source=series.source,
                user=series.user,
                api_key=series.api_key,
                at=one.at,
                tags=series.tags,
                known=known,
            )
            if other is not None:
                requests[member, other] += one.requests
    for (member, other), count in sorted(requests.items()):
        text = (
            f"{count:,} {'request is' if count == 1 else 'requests are'} of {shell_word(member)} by the API key, while"
            f" the user, which is not trusted, leads to {shell_word(other)}"
        )
        figures: dict[str, Figure] = {"member": member, "by_user": other, "requests": count}
        yield PreviewFinding("user-and-key-differ", invoice.customer, text, figures)


class _CostBesideList:
    """Requests whose cost is not billed as such: parts of it, and by model what is above the list price or free."""

    def __init__(self, limits: ReviewLimits) -> None:
        self._limits = limits
        self.components: dict[str, _Costs] = {}
        self.fees: set[str] = set()
        self.above: dict[str, _Costs] = {}
        self.free: dict[str, _Costs] = {}

    def add(self, aggregate: UsageAggregate, group: RatingGroup) -> None:
        """Look at one aggregate, in its group."""
        fx, list_amount = group.cost_fx, group.list_amount(Sums.of(aggregate))
        if _bills_cost(group) or group.card is None or fx is None or list_amount is None:
            return
        requests, cost = aggregate.requests, aggregate.cost
        for component, cost_of_one in cost_components(aggregate.series.tags):
            of_all = EXACT.multiply(cost_of_one, Decimal(requests))
            self.components.setdefault(component, _Costs()).add(requests, of_all, fx, list_amount)
            self.fees |= {component} & group.card.fees.keys()
        if group.card.entry.is_free:
            self.free.setdefault(group.model, _Costs()).add(requests, cost, fx, list_amount)
        elif EXACT.multiply(cost, fx) > EXACT.multiply(self._limits.cost_factor, list_amount):
            self.above.setdefault(group.model, _Costs()).add(requests, cost, fx, list_amount)


def _bills_cost(group: RatingGroup) -> bool:
    """Whether the whole cost is billed, or kept by a floor, so that nothing of it is lost."""
    rule = group.rule
    return group.is_byok or (rule is not None and (rule.basis == "cost" or rule.min_margin is not None))


def _is_far_above(costs: _Costs, limits: ReviewLimits) -> bool:
    over = EXACT.subtract(costs.cost_converted, costs.list_amount)
    return EXACT.multiply(over, costs.cost) >= EXACT.multiply(limits.cost_amount, costs.cost_converted)


def _unbilled_components(
    customer: str, components: Mapping[str, _Costs], fees: Collection[str]
) -> Iterator[PreviewFinding]:
    for component, costs in sorted(components.items()):
        report = "1 request reports" if costs.requests == 1 else f"{costs.requests:,} requests report"
        cost = f"{amount_text(costs.cost)} {GATEWAY_CURRENCY}"
        why = f"; the fee for {component} is not charged, since no number is reported" if component in fees else ""
        text = f"{report} a cost component {component}, {cost}, that no price entry or rule bills{why}"
        figures: dict[str, Figure] = {"component": component, "requests": costs.requests, "cost": costs.cost}
        yield PreviewFinding("cost-component-unbilled", customer, text, figures)


def _of_models(kind: FindingKind, invoice: Invoice, by_model: Mapping[str, _Costs]) -> Iterator[PreviewFinding]:
    for model, costs in sorted(by_model.items()):
        cost, listed = amount_text(costs.cost), amount_text(costs.list_amount)
        what = "request" if costs.requests == 1 else "requests"
        come = "comes" if costs.requests == 1 else "come"
        start = f"{costs.requests:,} {what} to {model} cost {cost} {GATEWAY_CURRENCY}"
        if kind == "cost-of-free-model":
            text = f"{start}, and the model is listed as free"
        else:
            text = f"{start} and {come} to {listed} {invoice.currency} at list prices"
        figures: dict[str, Figure] = {"model": model, "requests": costs.requests, "cost": costs.cost}
        yield PreviewFinding(
            kind, invoice.customer, text, {**figures, "list_amount": costs.list_amount, "currency": invoice.currency}
        )


def _below_cost(invoice: Invoice) -> Iterator[PreviewFinding]:
    margin = invoice.margin
    loss_minor = round_to_minor(-margin.margin, margin.currency)
    if not margin.is_known or loss_minor < 1:  # less is what rounding the total may have taken
        return
    billed = minor_text(round_to_minor(margin.billed, margin.currency), margin.currency)
    cost = amount_text(margin.cost)
    text = f"{billed} {margin.currency} is billed for usage that cost {cost} {margin.currency}"
    figures: dict[str, Figure] = {"billed": margin.billed, "cost": margin.cost, "margin": margin.margin}
    yield PreviewFinding("billed-below-cost", invoice.customer, text, {**figures, "currency": margin.currency})


def in_order(findings: Iterable[PreviewFinding]) -> list[PreviewFinding]:
    """Findings by kind and customer, as they were found inside of these."""
    return sorted(findings, key=lambda finding: (finding.kind, finding.customer.encode()))
