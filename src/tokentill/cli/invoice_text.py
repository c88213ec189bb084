"""Previews, invoices and explanations as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tokentill.canonical import Content
from tokentill.cli.calling import Call
from tokentill.clock import instant_text
from tokentill.documents.figures import count, exact, money, plural, signed_money
from tokentill.documents.ids import short_id, shown_id, shown_text
from tokentill.invoicing.close import Closed
from tokentill.invoicing.explain import ExplainedLine
from tokentill.invoicing.preview import Preview, Previewed
from tokentill.invoicing.verify import Verification
from tokentill.store.invoices import IssuedInvoice

NAMES_SHOWN = 20


def show_preview(call: Call, preview: Preview) -> None:
    """A period: customers by size, then what is in the way."""
    if not preview.customers:
        call.say(f"nobody has usage in {preview.month}")
    largest_first = sorted(preview.customers, key=lambda found: (found.invoice.currency, -found.invoice.total_minor))
    if largest_first:
        call.table(
            ("customer", "requests", "list amount", "total", "currency", "change", "state"),
            [_preview_row(found) for found in largest_first],
            right=("requests", "list amount", "total", "change"),
        )
    totals: dict[str, int] = {}
    for found in preview.customers:
        totals[found.invoice.currency] = totals.get(found.invoice.currency, 0) + found.invoice.total_minor
    summed = ", ".join(f"{money(total, currency)} {currency}" for currency, total in sorted(totals.items()))
    customers = plural(len(preview.customers), "customer", "customers")
    if largest_first:
        call.say(f"\n{preview.month}: {customers}, {summed}; changes are against {preview.month.plus(-1)}")
    if preview.unattributed.requests:
        call.say(
            f"unattributed: {plural(preview.unattributed.requests, 'request', 'requests')},"
            f" {exact(preview.unattributed.list_amount)} at list price"
            f" ({exact(preview.unattributed.share_percent)} % of all;"
            f" {exact(preview.unattributed.tolerance_percent)} % may be left over)"
        )
    for reason in preview.blocked_by:
        call.note(f"keeps the whole period from being closed: {shown_text(reason)}")
    blocked = [(found.invoice.customer, found.blocked_by) for found in preview.customers if found.blocked_by]
    _note_reasons(call, blocked, "cannot be closed")


def show_invoice(call: Call, document: Content) -> None:
    """One invoice or preview with its lines. `document` is its printed content."""
    currency = document["currency"]
    number = document.get("number") or "preview"
    call.say(f"{number}  {shown_id(document['customer'])}  {document['period']}  {document.get('status', '')}")
    call.say(f"{document['period_start']} to {document['period_end']}")
    call.table(
        ("line", "description", "rule", "requests", "list amount", "exact amount", f"amount {currency}"),
        [
            (
                str(position),
                shown_text(line["description"]),
                shown_text(line["rule"] or "list price"),
                count(line["requests"]),
                "" if line["list_amount"] is None else exact(Decimal(line["list_amount"])),
                exact(Decimal(line["exact_amount"])),
                line["amount"],
            )
            for position, line in enumerate(document["lines"], start=1)
        ],
        right=("line", "requests", "list amount", "exact amount", f"amount {currency}"),
    )
    call.say(f"subtotal {document['subtotal']}, tax {document['tax']}, total {document['total']} {currency}")
    if document.get("content_hash"):
        call.say(document["content_hash"])


def show_invoices(call: Call, invoices: Sequence[IssuedInvoice]) -> None:
    """A list of invoices."""
    if not invoices:
        call.say("no such invoice was issued yet; `tokentill close PERIOD` issues them")
        return
    call.table(
        ("number", "customer", "period", "status", "total", "currency", "issued at"),
        [
            (
                found.number,
                short_id(found.customer),
                found.period,
                found.status,
                money(found.total_minor, found.currency),
                found.currency,
                instant_text(found.issued_at),
            )
            for found in invoices
        ],
        right=("total",),
    )


def show_closed(call: Call, closed: Closed) -> None:
    """What a close did."""
    if closed.resumed:
        call.say("went on with a close that was cut off, from what it had pinned")
    if closed.issued:
        issued = plural(len(closed.issued), "invoice", "invoices")
        call.say(f"{closed.month}: {issued} issued, {closed.issued[0]} to {closed.issued[-1]}")
    elif not closed.is_refused:
        is_empty = not (closed.already_issued or closed.not_due)
        call.say(f"{closed.month}: nothing to issue" + ("; nobody has usage in it" if is_empty else ""))
    if closed.already_issued:
        call.say(f"{plural(closed.already_issued, 'customer has', 'customers have')} an invoice already")
    if closed.not_due:
        names = _names(closed.not_due)
        call.say(f"{count(len(closed.not_due))} not due yet, as the period or its grace time still runs: {names}")
    for reason in closed.blocked_by:
        call.note(f"refused for all: {shown_text(reason)}")
    _note_reasons(call, [(found.customer, found.reason) for found in closed.refused], "refused")
    if closed.is_refused:
        call.note(f"put this right and run `tokentill close {closed.month}` again; what is issued stays issued")


def show_explained(call: Call, explained: Sequence[ExplainedLine], records_max: int) -> None:
    """Lines with their arithmetic, price entry, rule and first records."""
    for found in explained:
        line = found.line
        requests = plural(line["requests"], "request", "requests")
        call.say(f"line {found.position}: {shown_text(line['description'])}, {requests}")
        for part in line["parts"]:
            conditions = [f"{key} {part[key]}" for key in ("tier", "window") if part[key]]
            conditions += [f"{key} {part[key]}" for key in ("multiplier", "fx") if part[key] != "1"]
            if conditions:
                call.say(f"  {', '.join(conditions)}:")
            for step in part["steps"]:
                call.say(f"    {_step_text(step)}")
        call.say(f"  exact amount {line['exact_amount']}, on the invoice {line['amount']}")
        if found.price_entry is not None:
            entry = found.price_entry
            call.say(f"  price entry {line['price_entry']}")
            call.say(
                f"    {shown_text(entry['model'])}, valid from {entry['valid_from']}, recorded {entry['recorded_at']}"
            )
            call.say(f"    source: {shown_text(found.price_source or 'not stated')}")
        if found.rule is None:
            call.say("  rule: none fits; the list price is billed as it is")
        else:
            call.say(f"  rule {shown_text(line['rule'])!r} of {shown_text(found.rule['contract'])}")
        for explained_record in found.records[:records_max]:
            record = explained_record.record
            call.say(
                f"    {instant_text(record.occurred_at)} {shown_id(record.record_id)}"
                f" user {shown_id(record.series.user) if record.series.user else 'none'}"
                f" {_quantities_text(record.quantities)} = {exact(explained_record.exact_amount)}"
            )
        rest = len(found.records) - records_max
        if rest > 0:
            call.say(f"    ... and {count(rest)} more records; --records {len(found.records)} or --json shows all")


def show_verification(call: Call, verification: Verification) -> None:
    """What was verified."""
    if not verification.invoices:
        call.say("no such invoice was issued; there is nothing to compute again")
    sound = [found for found in verification.invoices if found.fault is None]
    if verification.invoices:
        all_ = plural(len(verification.invoices), "invoice comes", "invoices come")
        call.say(f"{count(len(sound))} of {all_} to the same bytes again")
    for found in verification.invoices:
        if found.fault is not None:
            call.say(f"{found.number} {shown_id(found.customer)}: {found.fault}")
    for fault in verification.faults:
        call.say(fault)


def _note_reasons(call: Call, refused: Sequence[tuple[str, str]], outcome: str) -> None:
    """Print (customer, reason), with the customers of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for customer, reason in refused:
        by_reason.setdefault(reason, []).append(customer)
    for reason, customers in by_reason.items():
        if len(customers) == 1:
            call.note(f"{shown_id(customers[0])} {outcome}: {shown_text(reason)}")
        else:
            call.note(f"{count(len(customers))} customers {outcome}: {shown_text(reason)}\n  {_names(customers)}")


def _names(customers: Sequence[str]) -> str:
    """Customers by name, the first of them where there are many."""
    names = ", ".join(short_id(customer) for customer in customers[:NAMES_SHOWN])
    rest = len(customers) - NAMES_SHOWN
    return names + (f" and {count(rest)} more; --json names all" if rest > 0 else "")


def _preview_row(found: Previewed) -> tuple[str, ...]:
    invoice = found.invoice
    state: str = "" if found.review_state == "none" else found.review_state
    if found.issued_number is not None:
        state = found.issued_number + (f", {count(found.late_requests)} late" if found.late_requests else "")
    elif found.blocked_by is not None:
        state = "blocked"
    elif not found.is_due:
        state = ", ".join(part for part in (state, "not due yet") if part)
    change = "new" if found.previous_total_minor is None else ""
    if found.change_minor is not None:
        change = signed_money(found.change_minor, invoice.currency)
    return (
        short_id(invoice.customer),
        count(invoice.requests),
        exact(invoice.list_amount),
        money(invoice.total_minor, invoice.currency),
        invoice.currency,
        change,
        state,
    )


def _step_text(step: Content) -> str:
    name = shown_text(step["name"])
    if step["kind"] == "markup":
        what = "" if name == "default" else f" on {name}"
        return f"{step['percent']} %{what} of {step['of_amount']} = {step['amount']}"
    if step["kind"] == "cost":
        return f"the gateway's cost {step['of_amount']} = {step['amount']}"
    priced_as = f" (priced as {step['priced_as']})" if "priced_as" in step else ""
    per = "" if step["per"] == 1 else f" / {count(step['per'])}"
    added = "add-on " if step["kind"] == "add_on" else ""
    fx = f" x {step['fx']}" if "fx" in step else ""
    return f"{added}{count(step['quantity'])} {name}{priced_as} x {step['rate']}{per}{fx} = {step['amount']}"


def _quantities_text(quantities: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(quantities.items()))
