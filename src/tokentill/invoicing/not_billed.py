"""What is counted on an invoice and not billed, by the decision that says so. Pure.

A rule decides, the default set does, a person who waives a record, or the instant from which a customer is billed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tokentill.canonical import Content, ContentOfFields
from tokentill.contracts.default_set import EMPTY_ERRORS
from tokentill.invoicing.lines import MISSING, WAIVED, Line, Unbilled
from tokentill.invoicing.rating_groups import RatingContext
from tokentill.money import EXACT, ZERO, sum_exact
from tokentill.usage.aggregates import UsageAggregate


@dataclass(frozen=True, slots=True)
class NotBilled(ContentOfFields):
    """Requests that one decision leaves unbilled.

    `contract` is whose rule `decision` is, None where no rule decided. `list_amount` is what they come to at list
    prices, exactly and in `currency`; None where that is not known of some.
    """

    decision: str
    contract: str | None
    requests: int
    list_amount: Decimal | None
    currency: str


def not_billed_of(
    lines: Iterable[Line],
    beside: Sequence[Unbilled],
    listed: Mapping[str, Sequence[UsageAggregate]],
    currency: str,
    context: RatingContext,
) -> tuple[NotBilled, ...]:
    """What an invoice does not bill.

    Args:
        beside: what is billed at nothing and stands on no line, and `listed` the usage that it is, by its reason.
    """
    found = [
        NotBilled(line.rule, line.rule_contract, line.requests, line.list_amount, currency)
        for line in lines
        if line.bills_nothing and line.rule is not None
    ]
    requests: dict[str, int] = {}
    for one in beside:
        requests[one.reason] = requests.get(one.reason, 0) + one.requests
    for reason, count in requests.items():
        amount = None if reason == MISSING + WAIVED else _list_amount(listed.get(reason, ()), currency, context)
        found.append(NotBilled(reason, None, count, amount, currency))
    return by_decision(found)


def _list_amount(usage: Sequence[UsageAggregate], currency: str, context: RatingContext) -> Decimal | None:
    amounts = [group.list_amount(group.total) for group in context.groups(None, currency, usage)]
    known = [amount for amount in amounts if amount is not None]
    return sum_exact(known) if len(known) == len(amounts) else None


def not_billed_on(content: Content) -> Iterator[NotBilled]:
    """What an issued document does not bill, by what stands on it."""
    for line in content["lines"]:
        is_charged = any(part["steps"] for part in line["parts"])
        if line["kind"] != "usage" or line["rule"] is None or is_charged:
            continue
        listed = None if line["list_amount"] is None else Decimal(line["list_amount"])
        if listed != ZERO or line["rule_hash"] == EMPTY_ERRORS.hash:
            yield NotBilled(line["rule"], line["rule_contract"], line["requests"], listed, content["currency"])
    for one in content.get("waived") or ():
        yield NotBilled(one["reason"], None, one["requests"], None, content["currency"])


def by_decision(listed: Iterable[NotBilled]) -> tuple[NotBilled, ...]:
    """One for each decision and currency: rules by their contracts, then what else decided."""
    sums: dict[tuple[bool, str, str, str], NotBilled] = {}
    for one in listed:
        key = (one.contract is None, one.contract or "", one.decision, one.currency)
        before = sums.get(key)
        if before is not None:
            amounts = (before.list_amount, one.list_amount)
            amount = None if None in amounts else EXACT.add(amounts[0] or ZERO, amounts[1] or ZERO)
            one = replace(before, requests=before.requests + one.requests, list_amount=amount)
        sums[key] = one
    return tuple(sums[key] for key in sorted(sums))
