"""The declared policy of reviews: what it approves by itself, what waits for a person, and what is parked.

Pure. A policy approves what is ordinary: every stated bound holds, the last period is known, and nothing about the
invoice stands out. What is beyond the bounds of parking waits for a person, whatever else holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from tokentill.contracts.review_bounds import ReviewBounds
from tokentill.contracts.review_policy import ReviewPolicy
from tokentill.invoicing.preview import Preview, Previewed
from tokentill.money import EXACT, amount_text, from_minor, minor_text

_HUNDRED = Decimal(100)


def parked(one: Previewed, policy: ReviewPolicy) -> str | None:
    """Why an invoice waits for a person whatever else holds, or None."""
    bounds = policy.beyond(one.invoice.terms)
    if bounds is None:
        return None
    reasons = [*_beyond_total(one, bounds)]
    if one.has_measure:
        reasons += _beyond_percent(one, bounds)
    return f"parked: {' and '.join(reasons)}, says {bounds.stated_by}" if reasons else None


def why_it_waits(one: Previewed, preview: Preview, policy: ReviewPolicy) -> list[str]:
    """Everything that keeps the policy from approving an invoice; nothing where it is ordinary."""
    bounds, invoice = policy.within(one.invoice.terms), one.invoice
    reasons: list[str] = []
    if one.review_state == "held" and one.review is not None:
        reasons.append(f"held by {one.review.by}: {one.review.note}")
    if invoice.blocked_by is not None:
        reasons.append(f"it cannot be billed yet: {invoice.blocked_by}")
    if not one.is_due:
        reasons.append("its period or its grace time still runs")
    if one.parked is not None:
        reasons.append(one.parked)
    if invoice.terms.by_policy is False:
        reasons.append("its contract wants a person to look (by_policy = false)")
    if bounds is None:
        return [*reasons, "no policy approves anything: neither tokentill.toml nor its contract states approve_within"]
    return [*reasons, *_beyond_total(one, bounds), *_change(one, bounds), *_unusual(one, preview)]


def _beyond_total(one: Previewed, bounds: ReviewBounds) -> Iterator[str]:
    total = from_minor(one.period_total_minor, one.invoice.currency)
    if bounds.total is not None and abs(total) > bounds.total:
        yield f"its total of {_money(one, one.period_total_minor)} is above {amount_text(bounds.total)}"


def _beyond_percent(one: Previewed, bounds: ReviewBounds) -> Iterator[str]:
    change, previous = one.change_minor, one.previous_total_minor
    if bounds.change_percent is None or change is None or previous is None:
        return
    if EXACT.multiply(Decimal(abs(change)), _HUNDRED) > EXACT.multiply(bounds.change_percent, Decimal(abs(previous))):
        yield (
            f"its change of {_money(one, change)} from {_money(one, previous)} is above"
            f" {amount_text(bounds.change_percent)} %"
        )


def _change(one: Previewed, bounds: ReviewBounds) -> Iterator[str]:
    """What is wrong with the change from the last period, which has to be known."""
    change = one.change_minor
    if one.previous_total_minor is None:
        yield "there is no last period to hold it against"
    elif one.previous_is_partial:
        yield "the last period is no measure, as usage began well inside of it"
    elif change is None:
        yield f"the last period was billed in {one.previous_currency}"
    else:
        yield from _beyond_percent(one, bounds)
        if bounds.change is not None and abs(from_minor(change, one.invoice.currency)) > bounds.change:
            yield f"its change of {_money(one, change)} is above {amount_text(bounds.change)}"


def _unusual(one: Previewed, preview: Preview) -> Iterator[str]:
    """What stands out of an invoice that is within all bounds."""
    customer = one.invoice.customer
    if one.invoice.total_minor < 0:
        yield "its total is negative"
    yield from (finding.text for finding in preview.findings if finding.customer == customer)
    models = {line.model for line in one.invoice.lines}
    if one.previous_models is not None and (new := sorted(models - set(one.previous_models))):
        yield f"a model that the last period did not have: {', '.join(new)}"
    if one.invoice.waived:
        requests = sum(unbilled.requests for unbilled in one.invoice.waived)
        yield f"{requests} of its requests report no usage and are billed at nothing"
    if any(charge.kind == "manual" for charge in one.invoice.charges):
        yield "a line was added to it by hand"
    late = sum(usage.requests for usage in preview.late if customer in (usage.payer, usage.customer))
    if one.late_requests or late:
        yield f"{late or one.late_requests} of its requests came after their period was issued"


def _money(one: Previewed, amount_minor: int) -> str:
    return f"{minor_text(amount_minor, one.invoice.currency)} {one.invoice.currency}"
