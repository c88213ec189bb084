"""What a customer's review page says: the lines of its invoice, and the arithmetic behind every amount."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tokentill.canonical import Content
from tokentill.documents.arithmetic import line_groups, quantities_text, share_rows, sums_of
from tokentill.documents.chart import daily_chart, first_and_last_day
from tokentill.documents.escaping import review_command, shown_id, shown_text
from tokentill.documents.figures import (
    aligned,
    count,
    exact,
    instant_shown,
    money,
    month_text,
    period_days,
    plural,
    short_hash,
)
from tokentill.documents.moved import moved_rows
from tokentill.documents.remarks import projection_text
from tokentill.documents.review_status import ReviewStatus, notices_of
from tokentill.documents.totals_rows import interim_names, totals_rows
from tokentill.invoicing.invoice import Invoice
from tokentill.invoicing.preview import Moved, Preview
from tokentill.money import EXACT, minor_digits

PIN_NAMES = {
    "s": "Usage up to sequence number (S)",
    "a": "Price tables and exchange rates (A)",
    "b": "Contracts and attribution (B)",
    "m": "Lines that people added, up to number",
    "time_zones": "Time-zone data",
    "f": "Version of the computation",
}


def customer_view(
    status: ReviewStatus, preview: Preview, *, before: ReviewStatus | None = None, after: ReviewStatus | None = None
) -> dict[str, Any]:
    """Everything that the template of a customer's page shows, by the name that it has there.

    `before` and `after` are its neighbours in the list of customers.
    """
    invoice, currency = status.invoice, status.invoice.currency
    content = invoice.content()
    sums, shares = sums_of(content), share_rows(content)
    without = sums["without_list_amount"]
    interims = [interim.content() for interim in status.previewed.interims]
    daily_exact = aligned(exact(day.exact_amount) for day in invoice.daily)
    return {
        "status": status,
        "name": shown_id(status.customer),
        "currency": currency,
        "month": month_text(invoice.period.month),
        "days": period_days(invoice.period),
        "starts_at": instant_shown(invoice.period.starts_at),
        "ends_at": instant_shown(invoice.period.ends_at),
        "made_at": instant_shown(preview.made_at),
        "projection": "" if status.previewed.projection is None else projection_text(status.previewed.projection),
        "requests": count(invoice.requests),
        "list_amount": exact(invoice.list_amount),
        "list_note": f"{plural(without, 'line has', 'lines have')} no list price" if without else "",
        "sums": sums,
        "totals": totals_rows(content, interims),
        "interims": interim_names(content, interims),
        "has_taxes": bool(invoice.tax_minor),
        "subtotal": money(invoice.subtotal_minor, currency),
        "unit": exact(Decimal(1).scaleb(-minor_digits(currency), EXACT)),
        "notices": notices_of(status),
        "findings": tuple(shown_text(one.text) for one in preview.findings if one.customer == status.customer),
        "moved": None if status.previewed.moved is None else _moved(status.previewed.moved),
        "commands": _commands(status, preview),
        "id_is_escaped": shown_id(status.customer) != status.customer,
        "groups": line_groups(content),
        "number_of_lines": plural(len(content["lines"]), "line", "lines"),
        "shares": shares,
        "extra_units": sum(1 for share in shares if share["extra"]),
        "unbilled": tuple(_unbilled(invoice)),
        "chart": daily_chart(
            {day.day: day.exact_amount for day in invoice.daily}, *first_and_last_day([invoice.period]), currency
        ),
        "day_rows": tuple(
            (day.day, count(day.requests), amount) for day, amount in zip(invoice.daily, daily_exact, strict=True)
        ),
        "before": before,
        "after": after,
    }


def _moved(moved: Moved) -> dict[str, Any]:
    rows = () if moved.differences is None else tuple(moved_rows(moved.differences))
    return {"inputs": ", ".join(moved.inputs), "reason": shown_text(moved.reason), "rows": rows}


def flat_pins(pins: Content) -> tuple[tuple[str, str], ...]:
    """The pins as pairs of what they are and their value, in order of their names."""
    return tuple((PIN_NAMES.get(name, shown_id(name)), value) for name, value in _flat("", pins))


def _flat(name: str, value: object) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _flat(f"{name}.{key}" if name else str(key), value[key])
    elif isinstance(value, (list, tuple)):
        yield name, ", ".join(shown_id(str(item)) for item in value) or "none"
    else:
        yield name, "none" if value is None else shown_id(str(value))


def _commands(status: ReviewStatus, preview: Preview) -> tuple[tuple[str, str], ...]:
    if status.is_issued:
        return ()
    state = status.previewed.review_state
    month, customer, digits = preview.month, status.customer, short_hash(status.content_hash)
    commands = []
    if state == "held":
        commands.append(("Release the hold", review_command("release", month, customer)))
    elif (state != "approved" or status.is_parked) and status.invoice.blocked_by is None:
        commands.append(("Approve this content", review_command("approve", month, customer, "--hash", digits)))
    if state != "held":
        commands.append(("Hold it, with a reason", review_command("hold", month, customer, "--reason", "'WHY'")))
    return tuple(commands)


def _unbilled(invoice: Invoice) -> Iterable[dict[str, str]]:
    """Usage that is on no line, and why."""
    for kind, usage in (("unpriced", invoice.unpriced), ("missing", invoice.missing), ("waived", invoice.waived)):
        for unbilled in usage:
            yield {
                "kind": kind,
                "model": shown_id(unbilled.model),
                "mode": shown_id(unbilled.mode),
                "requests": count(unbilled.requests),
                "quantities": quantities_text(unbilled.quantities) or "none reported",
                "reason": shown_text(unbilled.reason),
            }
