"""The pure function that every invoice is: aggregates of usage and books in, one invoice out.

Computing an invoice allocates no number, reads no clock and touches no database. Preview, close and verify call
`compute_invoice` and differ only in what they do with the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tokentill.canonical import Content, content_hash, fields_of, form_of
from tokentill.clock import instant_text
from tokentill.contracts.invoice_terms import NO_TERMS, InvoiceTerms
from tokentill.invoicing.accumulators import Charge, Trace, bill_usage
from tokentill.invoicing.burn_down import Accrued
from tokentill.invoicing.carried import NOTHING_CARRIED, Carried
from tokentill.invoicing.commitments import draw_down
from tokentill.invoicing.corrections import Adjustment, CorrectedLine, Whole
from tokentill.invoicing.forms import DOCUMENT_FORM, KINDS, InvoiceKind, in_form
from tokentill.invoicing.lines import (
    WAIVED,
    BilledGroup,
    DayAmount,
    Line,
    MemberUsage,
    Unbilled,
    amounts_by_time,
    charge_content,
    compared_charge,
    daily_of,
    early_of,
    lines_of,
    missing_of,
    unbilled_of,
    waived_by_reason,
)
from tokentill.invoicing.manual_lines import LinesByCustomer, manual_charges, negative_subtotal
from tokentill.invoicing.margin import NO_COST, BilledCost, CoveredMargin, margin_of
from tokentill.invoicing.not_billed import NotBilled, not_billed_of
from tokentill.invoicing.obstacles import Obstacle, ObstacleKind
from tokentill.invoicing.periods import Period
from tokentill.invoicing.rating_groups import RatingContext
from tokentill.invoicing.totals import (
    BroughtForward,
    Item,
    Totals,
    agreed_for,
    base_fees,
    compute_totals,
    items_of,
)
from tokentill.money import EXACT, allocate_shares, amount_text, minor_text, round_to_minor, sum_exact
from tokentill.usage.aggregates import GATEWAY_CURRENCY, UsageAggregate

VERSION_OF_F = 5
"""Recorded with every invoice; goes up when the same inputs would give another invoice.

Up to 2, requests that cost something and report no quantity were billed at the zeros that they report. Up to 3, nothing
was corrected, and a document did not say which form it has. Up to 4, there was no default set: errors without output
and cost were billed as all else, and so were estimates.
"""
DEFAULT_SET_SINCE = 5
"""From this version of the calculation on there is the default set (see `contracts.default_set`)."""
FIRST_FORM_UPTO = 3
"""Up to this version of the calculation, documents have the first form (see `invoicing.forms`)."""
OLDEST_VERSION_OF_F = 2
"""What was computed by this version and later ones can be computed again (see `RatingContext`)."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a customer owes for a period. `unpriced`, `missing` and `uncarried` keep it from being issued.

    `uncarried` says what earlier documents left that it cannot take over, and `misfits` why lines that people added
    cannot stand on it. `waived` are requests without usage that somebody decided to bill at nothing, and those from
    before their customer is billed. `billed_cost` is what `margin` is measured against, and no part of the content;
    neither is `not_billed`, which says of everything that is billed at nothing by which decision it is.
    """

    customer: str
    period: Period
    currency: str
    lines: tuple[Line, ...]
    subtotal_minor: int
    cost: Decimal | None
    requests_without_cost: int
    daily: tuple[DayAmount, ...]
    unpriced: tuple[Unbilled, ...]
    missing: tuple[Unbilled, ...]
    charges: tuple[Charge, ...]
    totals: Totals
    carried: Carried = NOTHING_CARRIED
    kind: InvoiceKind = "period"
    interim_at: Decimal | None = None
    requires_approval: bool = False
    terms: InvoiceTerms = NO_TERMS
    uncarried: tuple[str, ...] = ()
    misfits: tuple[str, ...] = ()
    waived: tuple[Unbilled, ...] = ()
    billed_cost: BilledCost = NO_COST
    adjustments: tuple[Adjustment, ...] = ()
    of_corrections: tuple[Obstacle, ...] = ()
    not_billed: tuple[NotBilled, ...] = ()
    version: int = VERSION_OF_F

    @property
    def margin(self) -> CoveredMargin:
        """What is billed against its reported cost, as far as there is one; interim invoices count in."""
        billed = self.net_minor + sum(part.net_minor for part in self.carried.invoiced)
        return margin_of(self.currency, billed, self.billed_cost)

    @property
    def net_minor(self) -> int:
        """The subtotal after coupons, minimum, cap and interim invoices: what is taxable."""
        return self.totals.net_minor

    @property
    def tax_minor(self) -> int:
        """All taxes together."""
        return self.totals.tax_minor

    @property
    def total_minor(self) -> int:
        """The amount of the invoice in minor units."""
        return self.totals.total_minor

    @property
    def due_minor(self) -> int:
        """What is to be paid now: the total with the balance brought forward, less prepaid credits and what is carried
        forward."""
        return self.totals.due_minor

    @property
    def reaches_interim(self) -> bool:
        """Whether what is not invoiced yet has reached the threshold of the contract."""
        return self.interim_at is not None and self.net_minor >= round_to_minor(self.interim_at, self.currency)

    @property
    def requests(self) -> int:
        """Number of requests on all lines."""
        return sum(line.requests for line in self.lines)

    @property
    def all_requests(self) -> int:
        """The same with those that are on no line, as they cannot be billed or are billed at nothing."""
        return self.requests + sum(one.requests for one in (*self.unpriced, *self.missing, *self.waived))

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """Each cause that keeps it from being issued."""
        month, own = self.period.month, (self.customer,)
        unbilled: list[tuple[ObstacleKind, Unbilled]] = [("unpriced", one) for one in self.unpriced]
        unbilled += [("estimated" if one.is_estimate else "missing", one) for one in self.missing]
        return (
            *(
                Obstacle(kind, month, own, one.reason, one.model, one.mode, one.requests, one.cost)
                for kind, one in unbilled
            ),
            *(Obstacle("uncarried", month, own, reason) for reason in self.uncarried),
            *self.of_corrections,
            *(Obstacle("manual", month, own, reason) for reason in self.misfits),
        )

    @property
    def list_amount(self) -> Decimal:
        """The exact list amount of all lines that have one."""
        return sum_exact(line.list_amount for line in self.lines if line.list_amount is not None)

    @property
    def blocked_by(self) -> str | None:
        """Why it cannot be issued, or None."""
        if self.unpriced:
            first = self.unpriced[0]
            more = f" (and {len(self.unpriced) - 1} more)" if len(self.unpriced) > 1 else ""
            return f"unpriced usage: {first.reason}{more}"
        if all_missing := [one for one in self.missing if not one.is_estimate]:
            count = sum(unbilled.requests for unbilled in all_missing)
            cost = sum_exact(unbilled.cost for unbilled in all_missing)
            what = f"no quantity, at a cost of {amount_text(cost)} {GATEWAY_CURRENCY}" if cost else "no usage at all"
            return (
                f"missing usage: {count} {'record reports' if count == 1 else 'records report'} {what};"
                f" `tokentill usage missing --period {self.period.month}` lists them. Load an export that has it and"
                " accept what changed (`tokentill usage revisions accept SOURCE RECORD_ID --reason TEXT`), or bill"
                " nothing for a record (`tokentill usage waive SOURCE RECORD_ID --reason TEXT`)"
            )
        if self.missing:
            count = sum(unbilled.requests for unbilled in self.missing)
            return (
                f"estimated usage: {count} {'record is an estimate' if count == 1 else 'records are estimates'} that"
                f" nobody accepted; `tokentill usage missing --period {self.period.month}` lists them. Accept each"
                " (`tokentill usage accept SOURCE RECORD_ID --reason TEXT`), bill nothing for it (`tokentill usage"
                " waive SOURCE RECORD_ID --reason TEXT`), or let a rule of the contract say what holds of estimates"
            )
        if self.of_corrections:
            cause = self.of_corrections[0]
            return f"the correction of {cause.month}: {cause.reason}"
        return "; ".join((*self.uncarried, *self.misfits)) or None

    def content(self) -> Content:
        """Canonical content: what was computed, and nothing of how it came about."""
        is_note = self.kind == "credit-note"
        content = {
            "form": DOCUMENT_FORM,
            **fields_of(self, "kind", "customer"),
            "corrects": form_of(self.adjustments[0].corrects) if is_note else None,
            "period": str(self.period.month),
            "period_start": instant_text(self.period.starts_at),
            "period_end": instant_text(self.period.ends_at),
            "currency": self.currency,
            "lines": [
                *(line.content(self.currency) for line in self.lines),
                *(charge_content(charge, self.currency) for charge in self.charges),
                *(line for adjustment in self.adjustments for line in adjustment.lines_content()),
            ],
            "items": [item.content(self.currency) for item in self.totals.items],
            "subtotal": minor_text(self.subtotal_minor, self.currency),
            "tax": minor_text(self.tax_minor, self.currency),
            "total": minor_text(self.total_minor, self.currency),
            "due": minor_text(self.due_minor, self.currency),
            **fields_of(self, "cost", "requests_without_cost", "daily", "unpriced", "missing", "waived"),
        }
        return in_form(content, 1 if self.version <= FIRST_FORM_UPTO else DOCUMENT_FORM)

    def whole(self) -> Whole:
        """As a correction compares it."""
        steps = [item for item in self.totals.items if item.kind in ("coupon", "minimum", "cap", "true_up")]
        taxes, credits_, coupons = (
            {item.name: sign * item.amount_minor for item in self.totals.items if item.kind == kind}
            for kind, sign in (("tax", 1), ("credit", -1), ("coupon", -1))
        )
        lines = [*(line.compared() for line in self.lines), *map(compared_charge, self.charges)]
        lines += [CorrectedLine.of_step(item.kind, item.name, item.amount_minor, self.currency) for item in steps]
        drawn = {
            (kind, item.drawdown.key): minor
            for item in self.totals.items
            if item.drawdown is not None
            for kind, minor in item.drawdown.rows(is_true_up=item.kind == "true_up").items()
        }
        return Whole(self.currency, tuple(lines), self.net_minor, taxes, credits_, coupons, drawn)

    @property
    def content_hash(self) -> str:
        """Hash of the canonical content."""
        return content_hash(self.content())


def invoice_document(content: Content, *, number: str | None, status: str, pins: Content, **more: Any) -> Content:
    """An invoice as it is printed: the computed content, and how it came about."""
    return {"number": number, "status": status, **content, "pins": pins, "content_hash": content_hash(content), **more}


def compute_invoice(
    customer: str,
    period: Period,
    currency: str,
    aggregates: Iterable[UsageAggregate],
    context: RatingContext,
    *,
    children: Mapping[str, Sequence[UsageAggregate]] | None = None,
    carried: Carried = NOTHING_CARRIED,
    kind: InvoiceKind = "period",
    adjustments: Sequence[Adjustment] = (),
    version: int = VERSION_OF_F,
    manual: LinesByCustomer | None = None,
    wanted: list[UsageAggregate] | None = None,
    trace: Trace | None = None,
) -> Invoice:
    """Compute one customer's invoice.

    Args:
        customer: whose it is.
        period: the segment of time that all aggregates lie in.
        currency: the invoice's currency, from the contract at the period's last instant.
        aggregates: the customer's usage in the period, in any order and any split.
        context: the books, ready to be asked.
        children: the usage of the customers whose invoice this one is, too, each under its own contract.
        carried: what earlier documents left.
        kind: `interim` bills what has accrued so far, without fees, coupons, minimum or balance.
        adjustments: what corrections of earlier periods come to, in the invoice's currency.
        version: of the calculation.
        manual: the lines that people added for the customer and its children; an interim invoice has none.
        wanted: gets the aggregates whose single records a rule needs (see `invoicing.accumulators.bill_usage`).
        trace: told what each aggregate added to which group.
    """
    has, contracts = KINDS[kind], context.books.contracts
    agreed = agreed_for(customer, period, contracts)
    segments = agreed.segments(period)
    used: list[MemberUsage] = []
    added = {} if manual is None or kind != "period" else manual
    misfits: list[str] = []
    missing: list[UsageAggregate] = []
    waived: list[UsageAggregate] = []
    early: list[Unbilled] = []
    early_usage: dict[str, list[UsageAggregate]] = {}
    for member, usage_of_member in (
        (customer, aggregates),
        *sorted((children or {}).items(), key=lambda item: item[0].encode()),
    ):
        reported: list[UsageAggregate] = []
        before: list[UsageAggregate] = []
        bill_from = contracts.bill_from(member)
        for aggregate in usage_of_member:
            if bill_from is not None and aggregate.at < bill_from:
                before.append(aggregate)
            elif aggregate.is_waived:
                waived.append(aggregate)
            else:
                (missing if context.keeps_back(member, aggregate) else reported).append(aggregate)
        if bill_from is not None and before:
            listed = early_of(before, bill_from)
            early += listed
            early_usage.setdefault(listed[0].reason, []).extend(before)
        is_billed = has.has_charges and contracts.is_billed(member, period.last_instant)
        at_end = contracts.rules(member, period.last_instant) if is_billed else ()
        groups, charges = bill_usage(
            member,
            currency,
            reported,
            context,
            rules_at_end=at_end,
            segments=segments,
            lines_by=agreed.terms.lines_by or (),
            wanted=wanted,
            trace=trace,
        )
        if has.has_charges:
            charges += base_fees(member, period, contracts, currency)
            own_lines, misfitting = manual_charges(added.get(member, ()), currency)
            charges += own_lines
            misfits += misfitting
        child = None if member == customer else member
        used.append(MemberUsage(child, [BilledGroup.of(group) for group in groups], charges))
    billed = [billed_group for usage in used for billed_group in usage.groups]
    lines = [line for usage in used for line in lines_of(usage)]
    charges = [replace(charge, customer=usage.child) for usage in used for charge in usage.charges]
    by_time = amounts_by_time(billed_group.group for billed_group in billed if billed_group.amount is not None)
    drawdowns = draw_down(
        agreed.commitments,
        Accrued.of(0, len(segments), by_time, charges, is_empty=False),
        segments,
        period,
        currency,
        carried.over_months,
        is_period=kind == "period",
    )
    charges += [charge for drawdown in drawdowns if (charge := drawdown.overage(currency)) is not None]
    at_nothing = (*missing_of(waived, WAIVED), *early)
    exact = [*(line.exact_amount for line in lines), *(charge.amount for charge in charges)]
    subtotal_minor = round_to_minor(sum_exact(exact), currency)
    shares = allocate_shares(exact, subtotal_minor, currency)
    misfits += negative_subtotal(added, subtotal_minor, currency)
    with_cost = sum(billed_group.group.total.requests_with_cost for billed_group in billed)
    is_empty = not (billed or charges or missing or waived or early or adjustments)
    brought = BroughtForward()
    if has.has_balance:
        brought = BroughtForward.of(carried.balances, customer, currency, period.last_day, context.books.fx)
    totals = compute_totals(
        Accrued.of(subtotal_minor, len(segments), by_time, charges, is_empty=is_empty),
        currency,
        period,
        agreed,
        carried,
        kind=kind,
        balances=brought.items,
        adjustments=adjustments,
        drawdowns=drawdowns,
    )
    return Invoice(
        customer=customer,
        period=period,
        currency=currency,
        lines=tuple(replace(line, amount_minor=share) for line, share in zip(lines, shares, strict=False)),
        subtotal_minor=subtotal_minor + sum(one.net_minor for one in adjustments),
        cost=sum_exact(billed_group.group.total.cost for billed_group in billed) if with_cost else None,
        requests_without_cost=sum(billed_group.group.total.requests for billed_group in billed) - with_cost,
        daily=daily_of(by_time),
        unpriced=unbilled_of(billed_group for billed_group in billed if billed_group.amount is None),
        missing=missing_of(missing),
        waived=at_nothing,
        not_billed=not_billed_of(lines, at_nothing, {**waived_by_reason(waived), **early_usage}, currency, context),
        charges=tuple(
            replace(charge, amount_minor=share) for charge, share in zip(charges, shares[len(lines) :], strict=True)
        ),
        totals=totals,
        carried=carried,
        kind=kind,
        interim_at=agreed.terms.interim_at,
        requires_approval=bool(agreed.terms.requires_approval),
        terms=agreed.terms,
        uncarried=brought.no_rates,
        misfits=tuple(misfits),
        billed_cost=_cost_of(billed),
        adjustments=tuple(adjustments),
        version=version,
    )


def credit_note(customer: str, period: Period, adjustment: Adjustment) -> Invoice:
    """A document that gives back what a correction takes off an issued invoice. What is left of it after its grants
    is carried on in the customer's account.
    """
    items = items_of(adjustment)
    if adjustment.due_minor:
        items.append(Item("carried", "carried forward", -adjustment.due_minor))
    return Invoice(
        customer=customer,
        period=period,
        currency=adjustment.currency,
        lines=(),
        subtotal_minor=adjustment.net_minor,
        cost=None,
        requests_without_cost=0,
        daily=(),
        unpriced=(),
        missing=(),
        charges=(),
        totals=Totals(tuple(items), adjustment.net_minor, adjustment.tax_minor, 0),
        kind="credit-note",
        adjustments=(adjustment,),
    )


def _cost_of(billed: Iterable[BilledGroup]) -> BilledCost:
    """The cost of what has an amount, at the exchange rates of its days."""
    costs: list[Decimal] = []
    requests = with_cost = 0
    for group, total in ((one.group, one.group.total) for one in billed if one.amount is not None):
        requests += total.requests
        if total.requests_with_cost and group.cost_fx is not None:
            with_cost += total.requests_with_cost
            costs.append(EXACT.multiply(total.cost, group.cost_fx))
    return BilledCost(sum_exact(costs), requests, with_cost)
