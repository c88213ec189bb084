"""A whole period: usage out of the database, put to customers, and one invoice each.

Preview, close and verify all come through `compute_period`; they differ in the pins they bring and in what they do
with the result. Nothing is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, Context, Decimal
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection

from tokentill.canonical import Content
from tokentill.clock import parse_instant
from tokentill.closing.late_usage import left_behind
from tokentill.closing.month_usage import MonthUsage, usage_of_month
from tokentill.contracts.book import ContractBook
from tokentill.errors import InvalidAmount
from tokentill.invoicing.carried import NOTHING_CARRIED, Carried, OpenBalance, pending
from tokentill.invoicing.coverage import Documents, KeptBoundary, OwnedSegment, Ownership, Periods
from tokentill.invoicing.findings import findings_of, in_order
from tokentill.invoicing.invoice import VERSION_OF_F, Invoice, compute_invoice
from tokentill.invoicing.limits import DEFAULT_LIMITS, ReviewLimits
from tokentill.invoicing.periods import Month, Period
from tokentill.invoicing.preview import Aside, InterimInvoice, OpenMonth, Preview, Previewed
from tokentill.invoicing.rating_groups import Books, RatingContext
from tokentill.invoicing.totals import InvoiceKind, is_recurring
from tokentill.invoicing.unattributed import Unattributed, UnattributedUser
from tokentill.money import EXACT, ZERO, minor_text, sum_exact
from tokentill.store.documents import documents_around
from tokentill.store.invoices import IssuedInvoice, issued_invoices, last_reviews
from tokentill.store.ledger import carried_by_customer, open_balances, openings_brought
from tokentill.store.quarantine import count_quarantined
from tokentill.store.revisions import count_open_revisions
from tokentill.usage.aggregates import UsageAggregate

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
    """

    month: Month
    default_period: Period
    invoices: tuple[Invoice, ...]
    unattributed: Unattributed
    members: Mapping[str, Sequence[tuple[str, Period]]]
    failed: Mapping[str, str]
    kept: tuple[KeptBoundary, ...]
    usage: MonthUsage

    def due_at(self, customer: str) -> datetime:
        """When an invoice is due: the last of the periods that it ends is over."""
        return max(period.ends_at for _, period in self.members[customer])

    def segments(self, customer: str) -> Collection[OwnedSegment]:
        """Where the records of an invoice lie."""
        return self.usage.segments.get(customer, ())

    def aside(self, connection: Connection, open_months: tuple[OpenMonth, ...]) -> Aside:
        """What was kept aside in the time of the period, and months that were closed and wait for customers."""
        starts_at, ends_at = self.usage.cuts.starts_at, self.usage.cuts.ends_at
        quarantined = count_quarantined(connection, starts_at, ends_at)
        return Aside(quarantined, count_open_revisions(connection, starts_at, ends_at), open_months)


def compute_period(
    connection: Connection,
    month: Month,
    books: Books,
    seq_max: int,
    *,
    only: str | None = None,
    kind: InvoiceKind = "period",
    position: int | None = None,
    is_close: bool = False,
    version: int = VERSION_OF_F,
) -> Computed:
    """Compute every invoice of a period, or `only` that of one customer.

    Args:
        kind: `interim` computes what has accrued so far, for everybody with usage.
        position: of the log of documents, up to which documents count; None is all of them.
        is_close: leave out who has its document of the period. Otherwise what is computed for them is what would stand
            in its place now.
        version: of the calculation, as it is pinned.
    """
    documents = documents_around(connection, month, position)
    periods = Periods(month, books, documents)
    usage = usage_of_month(connection, books, periods, documents, seq_max, position=position, only=only)
    if kind == "period":
        # Under a contract of its own there may be something to bill without usage.
        for customer in books.contracts.customers:
            own = periods.of(customer)
            if own.has_time and is_recurring(customer, own, books.contracts):
                usage.by_payer.setdefault(usage.ownership.payer(customer), {}).setdefault(customer, [])
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
    chosen = sorted((payer for payer in usage.by_payer if only in (None, payer)), key=str.encode)
    if is_close:
        chosen = [payer for payer in chosen if not usage.ownership.is_issued(payer)]
    carried = _carried(connection, periods, documents, usage.ownership, chosen, position, books.contracts)
    context = RatingContext(books, bills_unmeasured=version < 3)
    invoices: dict[str, Invoice] = {}
    failed: dict[str, str] = {}
    todo = chosen
    while todo:
        to_replace: dict[str, list[UsageAggregate]] = {}
        for payer in todo:
            of_payer: list[UsageAggregate] = []
            try:
                invoices[payer] = compute_invoice(
                    payer,
                    periods.of(payer),
                    usage.ownership.currency(payer),
                    usage.by_payer[payer].get(payer, ()),
                    context,
                    children={member: listed for member, listed in usage.by_payer[payer].items() if member != payer},
                    carried=carried[payer],
                    kind=kind,
                    wanted=of_payer,
                )
            except (InvalidAmount, ArithmeticError) as error:
                failed[payer] = f"its invoice cannot be computed: {error or type(error).__name__}"
            if of_payer:
                to_replace[payer] = of_payer
        usage.replace_by_records(connection, to_replace)
        todo = list(to_replace)
    return Computed(
        month=month,
        default_period=periods.default,
        invoices=tuple(invoices[payer] for payer in chosen if payer not in failed),
        unattributed=_unattributed(usage, books, periods.default, context),
        members=_members(chosen, usage, books, periods),
        failed=failed,
        kept=tuple(boundary for boundary in periods.kept if only in (None, boundary.customer)),
        usage=usage,
    )


def _carried(
    connection: Connection,
    periods: Periods,
    documents: Documents,
    ownership: Ownership,
    payers: Sequence[str],
    position: int | None,
    contracts: ContractBook,
) -> dict[str, Carried]:
    """What earlier documents left to each payer, with the balances of everybody whose invoice it is now, and opening
    balances that none of them brought forward.

    Who has its document of the period gets what that was made with.
    """
    month, wanted = periods.month, set(payers)
    positions: dict[int | None, list[str]] = {}
    for payer in payers:
        issued = documents.period(payer, month)
        at = issued.position if issued is not None and ownership.is_issued(payer) else position
        positions.setdefault(at, []).append(payer)
    by_payer: dict[str, Carried] = {}
    for at, chosen in positions.items():
        children: dict[str, list[Carried]] = {}
        openings: dict[str, list[OpenBalance]] = {}
        by_customer = carried_by_customer(connection, str(month), position=at)
        for customer, carried in by_customer.items():
            if (payer := ownership.payer(customer)) != customer:
                children.setdefault(payer, []).append(carried)
        for opening in contracts.opening_balances:
            payer = ownership.payer(opening.customer)
            open_ = pending(opening, by_customer.get(opening.customer, NOTHING_CARRIED))
            if payer in wanted and open_ is not None and opening.day <= periods.of(payer).last_day:
                openings.setdefault(payer, []).append(open_)
        for payer in chosen:
            own = by_customer.get(payer, NOTHING_CARRIED)
            by_payer[payer] = own.with_balances_of(children.get(payer, ())).with_openings(openings.get(payer, ()))
    return by_payer


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


def compute_preview(
    connection: Connection,
    month: Month,
    books: Books,
    pins: Content,
    *,
    now: datetime,
    grace: timedelta,
    only: str | None = None,
    limits: ReviewLimits = DEFAULT_LIMITS,
    require_approval: bool = False,
) -> Preview:
    """A period at the newest pins, with what people said of it and what it was the month before.

    With `require_approval` every customer needs one, and not only those whose contract says so.
    """
    computed = compute_period(connection, month, books, pins["s"], only=only, position=pins["l"])
    context = RatingContext(books)
    found = [findings_of(one, computed.usage.by_payer[one.customer], context, limits) for one in computed.invoices]
    reviews = last_reviews(connection, str(month))
    issued, interims = _documents_of(connection, month)
    before = _totals_before(connection, month.plus(-1), books, pins, computed)
    due = {invoice.customer: computed.due_at(invoice.customer) + grace for invoice in computed.invoices}
    running = [
        invoice for invoice in computed.invoices if invoice.customer not in issued and now < due[invoice.customer]
    ]
    late, open_months = left_behind(connection, books, pins, now, month=month, only=only)
    reaching: set[str] = set()
    if any(invoice.interim_at is not None for invoice in running):
        accrued = compute_period(connection, month, books, pins["s"], only=only, kind="interim", position=pins["l"])
        reaching = {invoice.customer for invoice in accrued.invoices if invoice.reaches_interim}
        reaching &= {invoice.customer for invoice in running}
    return Preview(
        month=month,
        default_period=computed.default_period,
        customers=tuple(
            Previewed(
                invoice=invoice,
                review=reviews.get(invoice.customer),
                **_as_issued(issued.get(invoice.customer)),
                late_requests=computed.usage.late_of(invoice.customer),
                is_due=now >= due[invoice.customer],
                previous_total_minor=before.get(invoice.customer, _NOTHING_BEFORE).total_minor,
                previous_currency=before.get(invoice.customer, _NOTHING_BEFORE).currency,
                previous_is_partial=before.get(invoice.customer, _NOTHING_BEFORE).is_partial,
                interims=tuple(_of_currency(interims.get(invoice.customer, ()), invoice.currency)),
                reaches_interim=invoice.customer in reaching,
                requires_approval=require_approval or invoice.requires_approval,
            )
            for invoice in computed.invoices
        ),
        unattributed=computed.unattributed,
        pins=pins,
        made_at=now,
        failed=tuple(sorted(computed.failed.items(), key=lambda item: item[0].encode())),
        late=late,
        kept=computed.kept,
        aside=computed.aside(connection, open_months),
        findings=tuple(in_order(chain.from_iterable(found))),
    )


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


class _Before(NamedTuple):
    """All that a customer was billed for the period before, and whether usage began well inside of it."""

    total_minor: int | None
    currency: str | None
    is_partial: bool

    @classmethod
    def of(cls, total_minor: int, currency: str, starts_at: datetime, first_day: date | None) -> _Before:
        """That of an invoice, by the first day on which it bills usage."""
        after = timedelta(0) if first_day is None else first_day - starts_at.astimezone(UTC).date()
        return cls(total_minor, currency, after > PARTIAL_AFTER)


_NOTHING_BEFORE = _Before(None, None, is_partial=False)
PARTIAL_AFTER = timedelta(days=7)
"""A period whose usage begins later than this after its start is no measure for the one that follows."""


def _totals_before(
    connection: Connection, month: Month, books: Books, pins: Content, computed: Computed
) -> dict[str, _Before]:
    """What each customer was billed for the period before, or would be: its invoice and its interim invoices."""
    customers = [invoice.customer for invoice in computed.invoices]
    issued, interims = _documents_of(connection, month)
    before: dict[str, _Before] = {}
    for customer in customers:
        if (document := issued.get(customer)) is not None:
            days = document.content["daily"]
            first_day = date.fromisoformat(days[0]["day"]) if days else None
            starts_at = parse_instant(document.content["period_start"])
            before[customer] = _Before.of(document.total_minor, document.currency, starts_at, first_day)
    if open_ := [customer for customer in customers if customer not in before]:
        only = open_[0] if len(open_) == 1 else None
        again = compute_period(connection, month, books, pins["s"], only=only, position=pins["l"], is_close=True)
        for invoice in again.invoices:
            first_day = invoice.daily[0].day if invoice.daily else None
            starts_at = invoice.period.starts_at
            before[invoice.customer] = _Before.of(invoice.total_minor, invoice.currency, starts_at, first_day)
    for customer, (total, currency, is_partial) in before.items():
        billed_early = _of_currency(interims.get(customer, ()), currency or "")
        interim = sum(document.total_minor for document in billed_early)
        before[customer] = _Before((total or 0) + interim, currency, is_partial)
    return before


def _documents_of(
    connection: Connection, month: Month
) -> tuple[dict[str, IssuedInvoice], dict[str, list[InterimInvoice]]]:
    """The period invoice of each customer that has one, and its interim invoices."""
    issued: dict[str, IssuedInvoice] = {}
    interims: dict[str, list[InterimInvoice]] = {}
    for document in issued_invoices(connection, period=str(month), status="issued"):
        if document.kind == "period":
            issued[document.customer] = document
        else:
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
    series = aggregates[0].series
    return UnattributedUser(
        series.source,
        series.user,
        series.api_key,
        cause,
        sum(aggregate.requests for aggregate in aggregates),
        _list_amount(None, currency, aggregates, context)[0],
    )


def _list_amount(
    customer: str | None, currency: str, aggregates: Iterable[UsageAggregate], context: RatingContext
) -> tuple[Decimal, int]:
    """The exact list amount of aggregates in a currency, and how many of their requests have none."""
    listed = list(aggregates)
    reported = [one for one in listed if not (one.is_waived or context.is_missing(customer, one))]
    unpriced = sum(one.requests for one in listed if not one.is_waived and context.is_missing(customer, one))
    amounts = []
    for group in context.groups(customer, currency, reported):
        rated = group.rated(group.total.billable).amount
        if rated is None:
            unpriced += group.total.requests
        else:
            amounts.append(EXACT.multiply(rated, group.fx))
    return sum_exact(amounts), unpriced
