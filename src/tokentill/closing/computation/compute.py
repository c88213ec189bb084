"""A whole period: usage out of the database, put to customers, and one invoice each.

Preview, close and verify all come through `compute_period`; they differ in the pins they bring and in what they do
with the result. Nothing is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, Context, Decimal
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection

from tokentill.canonical import Content
from tokentill.clock import parse_instant
from tokentill.closing.collector import collector_held_off
from tokentill.closing.computation.completeness import completeness_of, ended_by, findings_of_totals
from tokentill.closing.computation.corrected import NOTHING_CORRECTED, Corrected, issued_adjustments
from tokentill.closing.computation.corrections import corrections_due
from tokentill.closing.computation.late_usage import LateMonths, late_months, left_behind
from tokentill.closing.computation.month_usage import MonthUsage, usage_of_month
from tokentill.closing.computation.payers import (
    add_members_with_charges,
    carried_to_payers,
    invoices_of_payers,
    rating_context,
)
from tokentill.closing.computation.pins import Inputs
from tokentill.contracts.review_policy import NO_POLICY, ReviewPolicy
from tokentill.invoicing.carried import NOTHING_CARRIED, pending
from tokentill.invoicing.completeness import Completeness
from tokentill.invoicing.corrections import drawn_by
from tokentill.invoicing.coverage import KeptBoundary, OwnedSegment, Periods
from tokentill.invoicing.findings import findings_of, in_order
from tokentill.invoicing.forms import InvoiceKind
from tokentill.invoicing.invoice import VERSION_OF_F, Invoice
from tokentill.invoicing.limits import DEFAULT_LIMITS, ReviewLimits
from tokentill.invoicing.periods import Month, Period
from tokentill.invoicing.preview import Aside, InterimInvoice, OpenMonth, Preview, Previewed
from tokentill.invoicing.projection import Projection, projection_of
from tokentill.invoicing.rating_groups import Books, RatingContext
from tokentill.invoicing.review_policy import parked
from tokentill.invoicing.seen_once import NOBODY_SEEN_ONCE, UsersSeenOnce
from tokentill.invoicing.tolerance import NO_TOTALS, TotalsPolicy
from tokentill.invoicing.unattributed import Unattributed, UnattributedUser
from tokentill.money import EXACT, ZERO, minor_text, sum_exact
from tokentill.store.intake.quarantine import count_quarantined
from tokentill.store.intake.revisions import count_open_revisions
from tokentill.store.issued.corrections import CORRECTS_SINCE
from tokentill.store.issued.documents import documents_around
from tokentill.store.issued.invoices import IssuedInvoice, issued_invoices, last_reviews
from tokentill.store.issued.ledger import open_balances, openings_brought
from tokentill.store.issued.manual_lines import manual_by_customer
from tokentill.usage.aggregates import UsageAggregate
from tokentill.usage.attribution import EACH_USER, USERS_SEEN_ONCE_MAX

# A share is shown and compared, never billed; rounded up, so that it never looks smaller than it is.
_SHARE = Context(prec=96, rounding=ROUND_CEILING)
_SHARE_DIGITS = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Computed:
    """All invoices of a period, in bytewise order of customers, and what belongs to nobody.

    Args:
        members: whose periods each invoice ends: its customer's, and those of everybody whose usage stands on it.
        failed: customers whose invoice cannot be computed, and why.
        kept: boundaries that a contract would move, had nothing been issued.
        usage: what was computed from.
        corrected: the corrections of closed periods that are due.
        seen_once: users with a single request that are customers because every user is.
    """

    month: Month
    default_period: Period
    invoices: tuple[Invoice, ...]
    unattributed: Unattributed
    members: Mapping[str, Sequence[tuple[str, Period]]]
    failed: Mapping[str, str]
    kept: tuple[KeptBoundary, ...]
    usage: MonthUsage
    corrected: Corrected = NOTHING_CORRECTED
    seen_once: UsersSeenOnce = NOBODY_SEEN_ONCE

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """What refuses all invoices of the period."""
        return (*self.unattributed.blocked_by, *self.seen_once.blocked_by)

    def due_at(self, customer: str) -> datetime:
        """When an invoice is due: the last of the periods that it ends is over."""
        return max(period.ends_at for _, period in self.members[customer])

    def segments(self, customer: str) -> Collection[OwnedSegment]:
        """Where the records of an invoice lie."""
        return self.usage.segments.get(customer, ())

    def completeness(
        self, connection: Connection, ended: Iterable[datetime], now: datetime, totals: TotalsPolicy, books: Books
    ) -> Completeness:
        """What control totals say of the days until the last of some periods ended (see `ended_by`)."""
        cuts = self.usage.cuts
        within = (cuts.starts_at, ended_by(cuts.ends_at, ended, now))
        return completeness_of(connection, self.month, within, totals, books.prices)

    def aside(self, connection: Connection, open_months: tuple[OpenMonth, ...]) -> Aside:
        """What was kept aside in the time of the period, and months that were closed and wait for customers."""
        starts_at, ends_at = self.usage.cuts.starts_at, self.usage.cuts.ends_at
        quarantined = count_quarantined(connection, starts_at, ends_at)
        return Aside(quarantined, count_open_revisions(connection, starts_at, ends_at), open_months)


@collector_held_off()
def compute_period(
    connection: Connection,
    month: Month,
    books: Books,
    seq_max: int,
    *,
    only: str | None = None,
    kind: InvoiceKind = "period",
    position: int | None = None,
    manual: int = 0,
    is_close: bool = False,
    version: int = VERSION_OF_F,
    inputs: Inputs | None = None,
    late: LateMonths | None = None,
) -> Computed:
    """Compute every invoice of a period, or `only` that of one customer.

    Args:
        kind: `interim` computes what has accrued so far, for everybody with usage.
        position: of the log of documents, up to which documents count; None is all of them.
        manual: the number up to which lines that people added count.
        is_close: leave out who has its document of the period. Otherwise what is computed for them is what would stand
            in its place now.
        version: of the calculation, as it is pinned.
        inputs: what `books` are of; with them, corrections of closed periods are computed, too.
        late: closed months with usage that is on no document, where they are known already.
    """
    documents = documents_around(connection, month, position)
    periods = Periods(month, books, documents)
    usage = usage_of_month(connection, books, periods, documents, seq_max, position=position, only=only)
    if kind == "period":
        for customer, last in open_balances(connection, position):
            if last < month and periods.of(customer).has_time:
                usage.by_payer.setdefault(usage.ownership.payer(customer), {})
        # What is owed is asked for, usage or not; what is in the customer's favour waits for the first invoice.
        if books.contracts.opening_balances:
            brought = openings_brought(connection, position)
            for opening in books.contracts.opening_balances:
                own = periods.of(opening.customer)
                open_ = pending(opening, brought.get(opening.customer, NOTHING_CARRIED))
                if own.has_time and opening.day <= own.last_day and open_ is not None and open_.amount_minor > 0:
                    usage.by_payer.setdefault(usage.ownership.payer(opening.customer), {})
    added = manual_by_customer(connection, month, manual) if kind == "period" else {}
    if kind == "period":
        add_members_with_charges(usage, books, added)
    chosen = sorted((payer for payer in usage.by_payer if only in (None, payer)), key=str.encode)
    if is_close:
        chosen = [payer for payer in chosen if not usage.ownership.is_issued(payer)]
    context = rating_context(books, version)
    corrected = NOTHING_CORRECTED
    if kind == "period" and inputs is not None and version >= CORRECTS_SINCE:
        if late is None:
            late = late_months(connection, inputs, books, seq_max)
        due = corrections_due(connection, month, inputs, books, late, seq_max, inputs.position)
        corrected = Corrected.of(month, due, usage.ownership, books)
        for payer in corrected.by_payer:
            if only in (None, payer) and periods.of(payer).has_time:
                usage.by_payer.setdefault(payer, {})
        chosen = sorted((payer for payer in usage.by_payer if only in (None, payer)), key=str.encode)
        if is_close:
            chosen = [payer for payer in chosen if not usage.ownership.is_issued(payer)]
    carried = carried_to_payers(connection, periods, documents, usage.ownership, chosen, position, books.contracts)
    adjustments = {payer: corrected.adjustments(payer) for payer in chosen if not usage.ownership.is_issued(payer)}
    for payer, balances in corrected.balances.items():
        if payer in adjustments:
            for balance in balances:
                carried[payer] = carried[payer].plus(payer, balance)
    billed = adjustments | issued_adjustments(connection, month, chosen, usage.ownership, kind)
    for payer in chosen:
        noted = corrected.noted(payer) if payer in adjustments else ()
        carried[payer] = carried[payer].with_drawn(drawn_by((*billed.get(payer, ()), *noted)))
    invoices, failed = invoices_of_payers(
        connection,
        chosen,
        usage,
        periods,
        context,
        carried,
        kind=kind,
        version=version,
        manual=added,
        adjustments=billed,
    )
    for payer in adjustments:
        if payer in invoices and (obstacles := corrected.obstacles(payer)):
            invoices[payer] = replace(invoices[payer], of_corrections=obstacles)
        if reason := corrected.failed(payer):
            invoices.pop(payer, None)
            failed[payer] = reason
    return Computed(
        month=month,
        default_period=periods.default,
        invoices=tuple(invoices.values()),
        unattributed=_unattributed(usage, books, periods.default, context),
        members=_members(chosen, usage, books, periods),
        failed=failed,
        corrected=corrected,
        kept=tuple(boundary for boundary in periods.kept if only in (None, boundary.customer)),
        usage=usage,
        seen_once=_seen_once(usage, books, periods.default),
    )


def _seen_once(usage: MonthUsage, books: Books, period: Period) -> UsersSeenOnce:
    """Users with a single request who have no contract, no document, and are customers because every user is."""
    rules = books.attribution.rules_at(period.last_instant)
    users_max = USERS_SEEN_ONCE_MAX if rules is None else rules.users_seen_once_max
    single = [
        (member, aggregates[0])
        for payer, by_member in usage.by_payer.items()
        for member, aggregates in by_member.items()
        if len(aggregates) == 1 and aggregates[0].requests == 1 and not usage.ownership.is_issued(payer)
    ]
    if len(single) <= users_max:
        return UsersSeenOnce(users_max=users_max)
    contracted = set(books.contracts.customers)
    users = [
        member
        for member, one in single
        if member not in contracted and usage.ownership.attributed(one.series, one.at).decided_by == EACH_USER
    ]
    return UsersSeenOnce.of(users, users_max)


def _members(
    payers: Iterable[str], usage: MonthUsage, books: Books, periods: Periods
) -> dict[str, list[tuple[str, Period]]]:
    """Whose periods the invoices of payers end: of all who have a contract or usage, whether they used something or
    not."""
    by_payer: dict[str, dict[str, Period]] = {payer: {payer: periods.of(payer)} for payer in payers}
    for customer in dict.fromkeys(chain(books.contracts.customers, *usage.by_payer.values())):
        payer = usage.ownership.payer(customer)
        if payer in by_payer:
            by_payer[payer][customer] = periods.of(customer)
    return {payer: sorted(members.items(), key=lambda item: item[0].encode()) for payer, members in by_payer.items()}


@collector_held_off()
def compute_preview(
    connection: Connection,
    month: Month,
    inputs: Inputs,
    books: Books,
    pins: Content,
    *,
    now: datetime,
    grace: timedelta,
    only: str | None = None,
    limits: ReviewLimits = DEFAULT_LIMITS,
    require_approval: bool = False,
    policy: ReviewPolicy = NO_POLICY,
    totals: TotalsPolicy = NO_TOTALS,
) -> Preview:
    """A period at the newest pins, with what people said of it and what it was the month before.

    With `require_approval` every customer needs one, and not only those whose contract says so.
    """
    months = late_months(connection, inputs, books, pins["s"])
    pinned = {"position": pins["l"], "manual": pins.get("m", 0)}
    computed = compute_period(connection, month, books, pins["s"], only=only, inputs=inputs, late=months, **pinned)
    context = RatingContext(books)
    found = [findings_of(one, computed.usage.by_payer[one.customer], context, limits) for one in computed.invoices]
    reviews = last_reviews(connection, str(month))
    issued, _ = documents_of(connection, month, _only_one(computed))
    due = {invoice.customer: computed.due_at(invoice.customer) + grace for invoice in computed.invoices}
    running = [
        invoice for invoice in computed.invoices if invoice.customer not in issued and now < due[invoice.customer]
    ]
    late, open_months = left_behind(months, now, month=month, only=only)
    completeness = None
    if only is None:
        ended = (computed.due_at(customer) for customer, due_at in due.items() if due_at <= now)
        completeness = computed.completeness(connection, ended, now, totals, books)
        found.append(tuple(findings_of_totals(completeness)))
    reaching: set[str] = set()
    if any(invoice.interim_at is not None for invoice in running):
        accrued = compute_period(connection, month, books, pins["s"], only=only, kind="interim", position=pins["l"])
        reaching = {invoice.customer for invoice in accrued.invoices if invoice.reaches_interim}
        reaching &= {invoice.customer for invoice in running}
    return Preview(
        month=month,
        default_period=computed.default_period,
        customers=tuple(
            replace(
                one,
                review=reviews.get(one.invoice.customer),
                **_as_issued(issued.get(one.invoice.customer)),
                late_requests=computed.usage.late_of(one.invoice.customer),
                is_due=now >= due[one.invoice.customer],
                reaches_interim=one.invoice.customer in reaching,
                requires_approval=require_approval or policy.four_eyes or one.invoice.requires_approval,
                parked=parked(one, policy),
                projection=None if one.invoice.customer in issued else _projection(one, books, now),
            )
            for one in compared(connection, computed, books, pins)
        ),
        unattributed=computed.unattributed,
        seen_once=computed.seen_once,
        pins=pins,
        made_at=now,
        failed=tuple(sorted(computed.failed.items(), key=lambda item: item[0].encode())),
        late=late,
        kept=computed.kept,
        aside=computed.aside(connection, open_months),
        findings=tuple(in_order(chain.from_iterable(found))),
        requests=computed.usage.requests,
        requests_failed=sum(map(computed.usage.requests_of, computed.failed)),
        completeness=completeness,
    )


def _projection(one: Previewed, books: Books, now: datetime) -> Projection | None:
    return projection_of(one.invoice, books.contracts, now, (interim.total_minor for interim in one.interims))


def compared(connection: Connection, computed: Computed, books: Books, pins: Content) -> list[Previewed]:
    """The invoices of a period, each with its interim invoices and what there was of it in the period before."""
    _, interims = documents_of(connection, computed.month, _only_one(computed))
    before = totals_before(connection, computed.month.plus(-1), books, pins, computed)
    listed = []
    for invoice in computed.invoices:
        last = before.get(invoice.customer, NOTHING_BEFORE)
        listed.append(
            Previewed(
                invoice=invoice,
                review=None,
                issued_number=None,
                issued_hash=None,
                late_requests=0,
                is_due=True,
                previous_total_minor=last.total_minor,
                previous_currency=last.currency,
                previous_is_partial=last.is_partial,
                previous_models=last.models,
                interims=tuple(_of_currency(interims.get(invoice.customer, ()), invoice.currency)),
            )
        )
    return listed


def _as_issued(issued: IssuedInvoice | None) -> dict[str, Any]:
    """What a preview says of the invoice that was issued for the period."""
    if issued is None:
        return {"issued_number": None, "issued_hash": None}
    return {
        "issued_number": issued.number,
        "issued_hash": issued.content_hash,
        "issued_total": minor_text(issued.total_minor, issued.currency),
        "issued_currency": issued.currency,
    }


class Before(NamedTuple):
    """All that a customer was billed for the period before, its models, and whether usage began well inside of it."""

    total_minor: int | None
    currency: str | None
    is_partial: bool
    models: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls, total_minor: int, currency: str, starts_at: datetime, first_day: date | None, models: Iterable[str]
    ) -> Before:
        """That of an invoice, by the first day on which it bills usage, with its models."""
        after = timedelta(0) if first_day is None else first_day - starts_at.astimezone(UTC).date()
        return cls(total_minor, currency, after > PARTIAL_AFTER, tuple(sorted({*models} - {""})))


NOTHING_BEFORE = Before(None, None, is_partial=False)
PARTIAL_AFTER = timedelta(days=7)
"""A period whose usage begins later than this after its start is no measure for the one that follows."""


def totals_before(
    connection: Connection, month: Month, books: Books, pins: Content, computed: Computed
) -> dict[str, Before]:
    """What each customer was billed for the period before, or would be: its invoice and its interim invoices."""
    customers = [invoice.customer for invoice in computed.invoices]
    issued, interims = documents_of(connection, month, _only_one(computed))
    before: dict[str, Before] = {}
    for customer in customers:
        if (document := issued.get(customer)) is not None:
            days = document.content["daily"]
            first_day = date.fromisoformat(days[0]["day"]) if days else None
            starts_at = parse_instant(document.content["period_start"])
            models = [line["model"] for line in document.content["lines"]]
            before[customer] = Before.of(document.total_minor, document.currency, starts_at, first_day, models)
    if open_ := [customer for customer in customers if customer not in before]:
        only = open_[0] if len(open_) == 1 else None
        pinned = {"position": pins["l"], "manual": pins.get("m", 0)}
        again = compute_period(connection, month, books, pins["s"], only=only, is_close=True, **pinned)
        for invoice in again.invoices:
            first_day = invoice.daily[0].day if invoice.daily else None
            starts_at = invoice.period.starts_at
            models = [line.model for line in invoice.lines]
            before[invoice.customer] = Before.of(invoice.total_minor, invoice.currency, starts_at, first_day, models)
    for customer, of_invoice in before.items():
        billed_early = _of_currency(interims.get(customer, ()), of_invoice.currency or "")
        interim = sum(document.total_minor for document in billed_early)
        before[customer] = of_invoice._replace(total_minor=(of_invoice.total_minor or 0) + interim)
    return before


def _only_one(computed: Computed) -> str | None:
    """The customer of the only invoice of a period, so that no other documents need to be read."""
    return computed.invoices[0].customer if len(computed.invoices) == 1 else None


def documents_of(
    connection: Connection, month: Month, only: str | None = None
) -> tuple[dict[str, IssuedInvoice], dict[str, list[InterimInvoice]]]:
    """The period invoice of each customer that has one, and its interim invoices; of all, or of one."""
    issued: dict[str, IssuedInvoice] = {}
    interims: dict[str, list[InterimInvoice]] = {}
    for document in issued_invoices(connection, period=str(month), customer=only, status="issued"):
        if document.kind == "period":
            issued[document.customer] = document
        elif document.kind == "interim":
            interims.setdefault(document.customer, []).append(document.as_interim())
    return issued, interims


def _of_currency(interims: Iterable[InterimInvoice], currency: str) -> list[InterimInvoice]:
    return [interim for interim in interims if interim.currency == currency]


def _unattributed(usage: MonthUsage, books: Books, period: Period, context: RatingContext) -> Unattributed:
    currency = books.contracts.terms(None, period.last_instant).currency
    rules = books.attribution.rules_at(period.last_instant)
    amount, unpriced = _list_amount(None, currency, usage.nobody, context)
    share = ZERO
    if amount:
        others = (
            _list_amount(member, currency, aggregates, context)[0]
            for by_member in usage.by_payer.values()
            for member, aggregates in by_member.items()
        )
        total = EXACT.add(amount, sum_exact(others))
        share = _SHARE.quantize(_SHARE.divide(EXACT.multiply(amount, Decimal(100)), total), _SHARE_DIGITS)
    causes: Counter[str] = Counter()
    parties: dict[tuple[str, str, str, str], list[UsageAggregate]] = {}
    for aggregate in usage.nobody:
        series, why = aggregate.series, usage.ownership.why(aggregate.series, aggregate.at)[1]
        causes[f"{why} ({series.source}, api key {series.api_key or 'none'})"] += aggregate.requests
        parties.setdefault((series.source, series.user or "", series.api_key or "", why), []).append(aggregate)
    users = [_unattributed_user(why, of, currency, context) for (*_, why), of in sorted(parties.items())]
    return Unattributed(
        requests=sum(aggregate.requests for aggregate in usage.nobody),
        list_amount=amount,
        share_percent=share,
        tolerance_percent=ZERO if rules is None else rules.tolerance_percent,
        causes=tuple(sorted(causes.items(), key=lambda item: (-item[1], item[0].encode()))),
        unpriced_requests=unpriced,
        currency=currency,
        users=tuple(sorted(users, key=lambda user: (-user.list_amount, -user.requests))),
    )


def _unattributed_user(
    cause: str, aggregates: Sequence[UsageAggregate], currency: str, context: RatingContext
) -> UnattributedUser:
    series, at = aggregates[0].series, aggregates[0].at
    return UnattributedUser(
        series.source,
        series.user,
        series.api_key,
        cause,
        sum(aggregate.requests for aggregate in aggregates),
        _list_amount(None, currency, aggregates, context)[0],
        goes_by_key=not context.books.attribution.goes_by_user(series.source, series.user, at),
    )


def _list_amount(
    customer: str | None, currency: str, aggregates: Iterable[UsageAggregate], context: RatingContext
) -> tuple[Decimal, int]:
    """The exact list amount of aggregates in a currency, and how many of their requests have none."""
    listed = list(aggregates)
    reported = [one for one in listed if not (one.is_waived or context.keeps_back(customer, one))]
    unpriced = sum(one.requests for one in listed if not one.is_waived and context.keeps_back(customer, one))
    amounts = []
    for group in context.groups(customer, currency, reported):
        rated = group.rated(group.total.billable).amount
        if rated is None:
            unpriced += group.total.requests
        else:
            amounts.append(EXACT.multiply(rated, group.fx))
    return sum_exact(amounts), unpriced
