"""What the first review page says of a period: what blocks its close, its totals, and its customers by amount.

Amounts of different currencies are never added or ranked together: each currency has its own totals and lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tokentill.documents.chart import daily_chart, first_and_last_day
from tokentill.documents.escaping import review_command, shown_id, shown_text
from tokentill.documents.figures import (
    Aligned,
    aligned,
    count,
    exact,
    instant_shown,
    money,
    percent_text,
    period_days,
    plural,
    share_percent,
)
from tokentill.documents.remarks import LIST_LATE, aside_remarks, late_text, projection_texts
from tokentill.documents.review_status import (
    ADD_A_PRICE,
    LOAD_AGAIN,
    NEEDS_APPROVAL,
    PARKED,
    Badge,
    ReviewStatus,
    margin_shown,
    requests_of,
)
from tokentill.invoicing.lines import Unbilled
from tokentill.invoicing.margin import margin_of_all
from tokentill.invoicing.preview import Preview
from tokentill.money import EXACT, ZERO, sum_exact
from tokentill.usage.aggregates import GATEWAY_CURRENCY

CHANGES_MAX = 6
NAMED_MAX = 12
"""Customers that are named under one obstacle; the tables mark all of them."""


def index_view(preview: Preview, statuses: Sequence[ReviewStatus]) -> dict[str, Any]:
    """Everything that the template of the first page shows, by the name that it has there."""
    by_currency: dict[str, list[ReviewStatus]] = {}
    for status in statuses:
        by_currency.setdefault(status.invoice.currency, []).append(status)
    parts = tuple(_part(currency, by_currency[currency]) for currency in by_currency)
    unattributed = preview.unattributed
    return {
        "days": period_days(preview.default_period),
        "made_at": instant_shown(preview.made_at),
        "starts_at": instant_shown(preview.default_period.starts_at),
        "ends_at": instant_shown(preview.default_period.ends_at),
        "customers": plural(len(statuses), "customer", "customers"),
        "requests": plural(sum(status.invoice.all_requests for status in statuses), "request", "requests"),
        "pricing": "" if preview.pricing is None else shown_text(preview.pricing.shown),
        "projections": tuple(projection_texts(preview)),
        "obstacles": tuple(_obstacles(preview, statuses)),
        "states": tuple(_states(statuses)),
        "remarks": tuple(_remarks(preview)),
        "look_again": tuple(status for status in statuses if status.has_moved or _is_stale(status)),
        "parts": parts,
        "margin_remarks": _margin_remarks(parts),
        "findings": tuple((shown_id(one.customer), shown_text(one.text)) for one in preview.findings),
        "day_rows": _day_rows(statuses, list(by_currency)),
        "unattributed": unattributed,
        "causes": tuple((shown_text(cause), count(requests)) for cause, requests in unattributed.causes),
    }


def _remarks(preview: Preview) -> Iterable[tuple[str, str]]:
    """What lies beside the invoices, each with the command that lists it."""
    yield from aside_remarks(preview.aside, preview.month)
    if preview.late:
        yield late_text(preview.late), LIST_LATE


def by_amount(statuses: Iterable[ReviewStatus]) -> list[ReviewStatus]:
    """The order of lists and pages: the currency of most customers first, in each currency the largest total."""
    listed = list(statuses)
    customers = Counter(status.invoice.currency for status in listed)
    return sorted(
        listed,
        key=lambda status: (
            -customers[status.invoice.currency],
            status.invoice.currency,
            -status.invoice.total_minor,
            status.customer.encode("utf-8", "surrogatepass"),
        ),
    )


def _part(currency: str, statuses: Sequence[ReviewStatus]) -> dict[str, Any]:
    """All customers that are billed in one currency, with their totals."""
    known = [status for status in statuses if not status.previewed.has_no_answer]
    total_minor = sum(status.invoice.total_minor for status in known)
    lines = [line for status in statuses for line in status.invoice.lines]
    without = sum(1 for line in lines if line.list_amount is None)
    due_minor = sum(status.invoice.due_minor for status in known)
    margins = margin_of_all(status.invoice.margin for status in statuses)
    margin = margin_shown(margins[0] if margins else None)
    days: dict[date, Decimal] = {}
    for day in (day for status in statuses for day in status.invoice.daily):
        days[day.day] = EXACT.add(days.get(day.day, ZERO), day.exact_amount)
    return {
        "currency": currency,
        "rows": tuple(_row(status, total_minor) for status in statuses),
        "greatest_changes": _greatest_changes(statuses),
        "chart": daily_chart(days, *first_and_last_day(status.invoice.period for status in statuses), currency),
        "customers": count(len(statuses)),
        "requests": count(sum(status.invoice.all_requests for status in statuses)),
        "list_amount": exact(sum_exact(line.list_amount for line in lines if line.list_amount is not None)),
        "list_note": f"{plural(without, 'line has', 'lines have')} no list price" if without else "",
        "total": money(total_minor, currency),
        "due": money(due_minor, currency) if any(status.has_due for status in statuses) else "",
        "cost": margin.cost,
        "margin": margin.margin,
        "margin_percent": margin.percent,
        "margin_note": margin.note,
    }


def _margin_remarks(parts: Sequence[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """How far margins go, or why they are not known, each once with the currencies that it concerns."""
    currencies: dict[str, list[str]] = {}
    for part in parts:
        if part["margin_note"]:
            currencies.setdefault(part["margin_note"], []).append(part["currency"])
    return tuple((reason, ", ".join(names)) for reason, names in currencies.items())


def _row(status: ReviewStatus, total_minor: int) -> dict[str, Any]:
    """One customer in the list of its currency. `bar` is percent of the currency's total, for the bar.

    Of usage that cannot be billed nobody knows what it comes to, and no total is shown.
    """
    invoice, is_known = status.invoice, not status.previewed.has_no_answer
    share = share_percent(Decimal(invoice.total_minor), Decimal(total_minor)) if is_known else None
    return {
        "status": status,
        "is_known": is_known,
        "requests": count(invoice.all_requests),
        "share": "" if share is None else percent_text(share),
        "bar": "0" if share is None else str(min(max(share, ZERO), Decimal(100))),
    }


def _greatest_changes(statuses: Sequence[ReviewStatus]) -> tuple[ReviewStatus, ...]:
    changed = [status for status in statuses if status.change.minor]
    changed.sort(key=lambda status: -abs(status.change.minor or 0))
    return tuple(changed[:CHANGES_MAX])


def _day_rows(statuses: Sequence[ReviewStatus], currencies: Sequence[str]) -> list[tuple[date, str, list[Aligned]]]:
    """Each UTC day with its requests and its exact amount in each currency."""
    requests: Counter[date] = Counter()
    amounts: dict[tuple[date, str], Decimal] = {}
    for status in statuses:
        for day in status.invoice.daily:
            requests[day.day] += day.requests
            key = (day.day, status.invoice.currency)
            amounts[key] = EXACT.add(amounts.get(key, ZERO), day.exact_amount)
    days = sorted(requests)
    columns = [aligned(exact(amounts.get((day, currency), ZERO)) for day in days) for currency in currencies]
    return [(day, count(requests[day]), [column[index] for column in columns]) for index, day in enumerate(days)]


def _states(statuses: Sequence[ReviewStatus]) -> Iterable[tuple[Badge, str]]:
    """How many customers are in each state of review, in the order in which a period goes through them."""
    counts = Counter(Badge("good", "Issued") if status.is_issued else status.badges[0] for status in statuses)
    not_due = sum(not status.is_issued and not status.previewed.is_due for status in statuses)
    if not_due:
        counts[Badge("plain", "Not due yet")] = not_due
    order = ("Held", "Approval stale", NEEDS_APPROVAL, "Not reviewed", "Approved", "Issued", "Not due yet")
    return [(badge, count(counts[badge])) for badge in sorted(counts, key=lambda badge: order.index(badge.text))]


def _is_stale(status: ReviewStatus) -> bool:
    """Whether an approval is stale that nobody requires; one that is required blocks the close."""
    previewed = status.previewed
    return not status.is_issued and previewed.review_state == "stale" and not previewed.requires_approval


def _obstacles(preview: Preview, statuses: Sequence[ReviewStatus]) -> Iterable[dict[str, Any]]:
    """What refuses all comes first, then what refuses single customers, grouped by its reason."""
    for text in preview.blocked_by:
        reason, _, advice = text.partition("; ")
        advice = advice[:1].upper() + advice[1:]
        yield _obstacle("The whole close is refused", f"{shown_text(reason)}.", shown_text(advice))
    is_open = [status for status in statuses if not status.is_issued]
    yield from _unbilled(is_open, "Unpriced usage", ADD_A_PRICE, lambda status: status.invoice.unpriced)
    yield from _unbilled(is_open, "Missing usage", LOAD_AGAIN, lambda status: status.invoice.missing)
    held = [status for status in is_open if status.previewed.review_state == "held"]
    if held:
        reason = f"{plural(len(held), 'customer is', 'customers are')} held; each page says by whom and why."
        commands = [review_command("release", preview.month, status.customer) for status in held[:NAMED_MAX]]
        yield _obstacle("Held by a reviewer", reason, "Settle what the note says, then release:", held, commands)
    if parked := [status for status in is_open if status.is_parked]:
        are = plural(len(parked), "customer is", "customers are")
        reason = f"{are} out of all declared bounds; each page says why."
        advice = "Look at each page, then approve this very content with the command that it shows."
        yield _obstacle(PARKED, reason, advice, parked)
    if waiting := [status for status in is_open if status.previewed.needs_approval and not status.is_parked]:
        reason = f"{plural(len(waiting), 'customer needs', 'customers need')} an approval, by contract or by settings."
        advice = "Look at each page, then approve with the command that it shows."
        yield _obstacle(NEEDS_APPROVAL, reason, advice, waiting)


def _unbilled(
    statuses: Sequence[ReviewStatus], title: str, advice: str, of: Callable[[ReviewStatus], tuple[Unbilled, ...]]
) -> Iterable[dict[str, Any]]:
    by_reason: dict[tuple[str, str, str], list[tuple[ReviewStatus, Unbilled]]] = {}
    for status in statuses:
        for unbilled in of(status):
            by_reason.setdefault((unbilled.model, unbilled.mode, unbilled.reason), []).append((status, unbilled))
    for model, mode, reason in sorted(by_reason):
        hit = by_reason[model, mode, reason]
        customers = list({status.page: status for status, _ in hit}.values())
        in_mode = "" if mode == "standard" else f", {shown_id(mode)}"
        requests = plural(requests_of(tuple(unbilled for _, unbilled in hit)), "request", "requests")
        cost = sum_exact(unbilled.cost for _, unbilled in hit)
        at_cost = f", at a cost of {exact(cost)} {GATEWAY_CURRENCY}" if cost else ""
        reason = f"{requests} of {plural(len(customers), 'customer', 'customers')}{at_cost}: {shown_text(reason)}."
        yield _obstacle(f"{title}: {shown_id(model)}{in_mode}", reason, advice, customers)


def _obstacle(
    title: str, reason: str, advice: str, customers: Sequence[ReviewStatus] = (), commands: Sequence[str] = ()
) -> dict[str, Any]:
    """Something that refuses the close, for everybody or for these customers."""
    return {
        "title": title,
        "reason": reason,
        "advice": advice,
        "commands": commands,
        "customers": customers[:NAMED_MAX],
        "more": max(len(customers) - NAMED_MAX, 0),
    }
