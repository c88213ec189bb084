"""Previews, invoices and explanations as text for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.arithmetic import LineGroup, line_groups
from tokentill.documents.escaping import short_id, shown_id, shown_text
from tokentill.documents.figures import NO_BREAK, TIMES, count, exact, money, plural, signed_money
from tokentill.documents.remarks import LIST_LATE, aside_remarks, late_text, projection_texts
from tokentill.documents.review_status import margin_shown
from tokentill.documents.totals_rows import totals_rows
from tokentill.invoicing.unattributed import NAMED_MAX, Unattributed
from tokentill.usage.aggregates import GATEWAY_CURRENCY
from tokentill.usage.record import STANDARD

if TYPE_CHECKING:
    from tokentill.canonical import Content
    from tokentill.closing.closed import Closed
    from tokentill.closing.computation.late_usage import Late
    from tokentill.closing.due_months import ClosedMonths, DueMonths
    from tokentill.closing.questions.verify import Verification
    from tokentill.documents.text.screen import Screen
    from tokentill.invoicing.coverage import KeptBoundary
    from tokentill.invoicing.findings import PreviewFinding
    from tokentill.invoicing.margin import CoveredMargin
    from tokentill.invoicing.not_billed import NotBilled
    from tokentill.invoicing.obstacles import Obstacle
    from tokentill.invoicing.periods import Month
    from tokentill.invoicing.preview import Aside, LateUsage, Preview, Previewed, PricingUsed
    from tokentill.store.issued.invoices import IssuedInvoice

NAMES_SHOWN = 20


def show_preview(screen: Screen, preview: Preview) -> None:
    """A period: customers by size, then what is in the way."""
    largest_first = sorted(preview.customers, key=_by_size)
    has_due = any(customer.invoice.due_minor != customer.invoice.total_minor for customer in preview.customers)
    has_projection = any(customer.projection is not None for customer in preview.customers)
    if largest_first:
        due = ("due",) if has_due else ()
        projected = ("projected",) if has_projection else ()
        screen.table(
            ("customer", "requests", "list amount", "total", *due, *projected, "currency", "change", "state"),
            [_preview_row(customer, has_due=has_due, has_projection=has_projection) for customer in largest_first],
            right=("requests", "list amount", "total", "due", "projected", "change"),
        )
        totals: Counter[str] = Counter()
        blocked = [customer for customer in largest_first if customer.has_no_answer]
        for customer in largest_first:
            if not customer.has_no_answer:
                totals[customer.invoice.currency] += customer.invoice.total_minor
        summed = ", ".join(f"{money(total, currency)} {currency}" for currency, total in sorted(totals.items())) or "-"
        customers = plural(len(largest_first), "customer", "customers")
        screen.say(f"\n{preview.month}: {customers}, {summed}; changes are against {preview.month.plus(-1)}")
        if blocked:
            are = "customer is blocked and counts" if len(blocked) == 1 else "customers are blocked and count"
            screen.say(f"{count(len(blocked))} {are} in no sum")
        for text in projection_texts(preview):
            screen.say(text)
        for margin in preview.margins:
            screen.say(margin_text(margin))
        show_not_billed(screen, preview.not_billed)
    else:
        screen.say(f"nobody has usage in {preview.month}")
    reaching = [customer.invoice.customer for customer in preview.customers if customer.reaches_interim]
    if reaching:
        have = plural(len(reaching), "customer has", "customers have")
        screen.say(
            f"{have} reached the threshold of an interim invoice: {_names(reaching)};"
            f" `tokentill close {preview.month} --interim` bills what has accrued"
        )
    show_pricing(screen, preview.pricing)
    for moved in (one for one in preview.customers if one.has_moved):
        screen.say(
            f"{shown_id(moved.invoice.customer)}: {moved.issued_number} was issued with"
            f" {moved.issued_total} {moved.issued_currency}; computed now it would be"
            f" {money(moved.invoice.total_minor, moved.invoice.currency)} {moved.invoice.currency}"
        )
    if preview.unattributed.requests:
        _say_unattributed(screen, preview.unattributed)
    for reason in preview.blocked_by:
        screen.note(f"keeps the whole period from being closed: {shown_text(reason)}")
    note_obstacles(screen.note, preview.obstacles, "cannot be closed")
    _note_documents(screen, preview.late, preview.kept)
    _note_aside(screen, preview.aside, preview.month)
    _say_findings(screen, preview.findings)


def show_not_billed(screen: Screen, not_billed: Sequence[NotBilled]) -> None:
    """What is counted and not billed, a line for each decision."""
    if not not_billed:
        return
    screen.say("\nnot billed:")
    screen.table(
        ("decision", "by", "requests", "list amount", "currency"),
        [
            (
                shown_text(one.decision),
                "-" if one.contract is None else shown_text(one.contract),
                count(one.requests),
                "-" if one.list_amount is None else exact(one.list_amount),
                one.currency,
            )
            for one in not_billed
        ],
        right=("requests", "list amount"),
    )


def margin_text(margin: CoveredMargin) -> str:
    """A margin with how much of the usage has a cost."""
    shown = margin_shown(margin)
    percent = f" ({plain(shown.percent)})" if shown.percent else ""
    note = f"; {plain(shown.note)}" if shown.note else ""
    return f"margin {margin.currency}: {shown.margin}{percent} over a cost of {shown.cost}{note}"


def _say_unattributed(screen: Screen, unattributed: Unattributed) -> None:
    screen.say(
        f"unattributed: {plural(unattributed.requests, 'request', 'requests')},"
        f" {exact(unattributed.list_amount)} {unattributed.currency} at list price"
        f" ({exact(unattributed.share_percent)} % of all; {exact(unattributed.tolerance_percent)} % may be left over)"
    )
    for user in unattributed.users[:NAMED_MAX]:
        screen.say(f"  {user.named}: {shown_text(user.cause)}")
    if len(unattributed.users) > NAMED_MAX:
        screen.say(f"  and {count(len(unattributed.users) - NAMED_MAX)} more; --json names all")


def _say_findings(screen: Screen, findings: Sequence[PreviewFinding]) -> None:
    """Print what stands out and refuses nothing."""
    if findings:
        screen.say("\nworth a look before the close:")
    for finding in findings[:NAMES_SHOWN]:
        of = f"{short_id(finding.customer)}: " if finding.customer else ""
        screen.say(f"  {of}{shown_text(finding.text)}")
    if len(findings) > NAMES_SHOWN:
        screen.say(f"  and {count(len(findings) - NAMES_SHOWN)} more; --json names all")


def show_pricing(screen: Screen, used: PricingUsed | None) -> None:
    """Which prices and contracts something was computed with."""
    if used is None:
        return
    screen.say(f"prices and contracts: {pricing_text(used)}")


def pricing_text(used: PricingUsed) -> str:
    """The same in words."""
    own = "" if used.is_shipped else f": {plural(len(used.recordings), 'recording', 'recordings')}"
    beneath = ", shipped list prices beneath" if used.beneath else ""
    return f"{shown_text(used.shown)}{own}{beneath}"


def show_invoice(screen: Screen, document: Content) -> None:
    """One invoice or preview with its lines. `document` is its printed content."""
    currency = document["currency"]
    number = document.get("number") or "preview"
    kind = ""
    if document["kind"] == "interim":
        kind = f" interim invoice {document['part']}" if "part" in document else " interim invoice"
    elif document["kind"] == "credit-note":
        kind = f" credit note on {shown_text(document['corrects']['number'])}"
    screen.say(f"{number}  {shown_id(document['customer'])}  {document['period']}{kind}  {document.get('status', '')}")
    screen.say(f"{document['period_start']} to {document['period_end']}")
    groups = line_groups(document)
    for group in groups:
        if len(groups) > 1:
            how = ", under its own contract" if group.is_child else " itself"
            screen.say(f"\nused by {shown_id(group.customer)}{how}: {group.amount} {currency}")
        _show_lines(screen, group, currency)
    for waived in document.get("waived", ()):
        requests = plural(waived["requests"], "request", "requests")
        screen.say(f"billed at nothing: {requests} of {shown_text(waived['model'])}; {waived['reason']}")
    if document.get("items"):
        screen.say("")
        rows = totals_rows(document, document.get("interim_invoices", ()))
        screen.table(
            ("", "how", f"amount {currency}"),
            [(row.name, plain(row.note), row.amount) for row in rows],
            right=(f"amount {currency}",),
        )
    else:
        screen.say(f"subtotal {document['subtotal']}, tax {document['tax']}, total {document['total']} {currency}")
    if document.get("content_hash"):
        screen.say(document["content_hash"])


def _show_lines(screen: Screen, group: LineGroup, currency: str) -> None:
    screen.table(
        ("line", "description", "rule", "requests", "list amount", "exact amount", f"amount {currency}"),
        [
            (
                str(line.number),
                f"{line.description}: {plain(line.note)}" if line.note else line.description,
                plain(line.rule) if line.rule else "of the whole invoice",
                line.requests,
                line.list_amount.text,
                line.exact_amount.text,
                line.amount,
            )
            for line in group.lines
        ],
        right=("line", "requests", "list amount", "exact amount", f"amount {currency}"),
    )


def show_invoices(screen: Screen, invoices: Sequence[IssuedInvoice]) -> None:
    """A list of invoices."""
    if not invoices:
        screen.say("no such invoice was issued yet; `tokentill close PERIOD` issues them")
        return
    dues = [invoice.due_minor for invoice in invoices]
    has_due = any(due != invoice.total_minor for due, invoice in zip(dues, invoices, strict=True))
    screen.table(
        ("number", "customer", "period", "status", "total", *(("due",) if has_due else ()), "currency", "issued at"),
        [
            (
                invoice.number,
                short_id(invoice.customer),
                invoice.period
                + {"interim": f" interim {invoice.part}", "credit-note": " credit note"}.get(invoice.kind, ""),
                invoice.status,
                money(invoice.total_minor, invoice.currency),
                *((money(due, invoice.currency),) if has_due else ()),
                invoice.currency,
                instant_text(invoice.issued_at.replace(microsecond=0)),
            )
            for due, invoice in zip(dues, invoices, strict=True)
        ],
        right=("total", "due"),
    )


def show_closed(screen: Screen, closed: Closed, *, is_interim: bool = False) -> None:
    """What a close did; with `is_interim` it was one for interim invoices."""
    if closed.resumed:
        screen.say("went on with a close that was cut off, from what it had pinned")
    if closed.issued:
        kind = "interim " if is_interim else ""
        notes = len(closed.credit_notes)
        issued = plural(len(closed.issued) - notes, f"{kind}invoice", f"{kind}invoices")
        if notes:
            issued = (f"{issued} and " if notes < len(closed.issued) else "") + plural(
                notes, "credit note", "credit notes"
            )
        numbers = f"{closed.issued[0]} to {closed.issued[-1]}" if len(closed.issued) > 1 else closed.issued[0]
        summed = ", ".join(f"{money(total, currency)} {currency}" for currency, total in closed.totals)
        screen.say(f"{closed.month}: {issued} issued, {numbers}: {summed}")
    elif is_interim and not closed.is_refused:
        screen.say(f"{closed.month}: no interim invoice to issue")
    elif not closed.is_refused:
        is_empty = not (closed.already_issued or closed.not_due)
        screen.say(f"{closed.month}: nothing to issue" + ("; nobody has usage in it" if is_empty else ""))
    show_pricing(screen, closed.pricing)
    if closed.already_issued:
        screen.say(f"{plural(closed.already_issued, 'customer has', 'customers have')} an invoice already")
    if closed.nothing_to_bill:
        names = _names(closed.nothing_to_bill)
        screen.note(f"nothing to bill early: {names}; no usage that is not invoiced yet, or the period is closed")
    if closed.not_due:
        names = _not_due_names(closed)
        screen.say(f"{count(len(closed.not_due))} not due yet, as the period or its grace time still runs: {names}")
    for reason in closed.blocked_by:
        screen.note(f"refused for all: {shown_text(reason)}")
    note_obstacles(screen.note, closed.obstacles, "refused")
    _note_documents(screen, closed.late, closed.kept)
    _note_aside(screen, closed.aside, closed.month)
    for one in closed.earlier:
        customers = plural(len(one.customers), "customer is", "customers are")
        screen.note(f"{one.month} was never closed, and {customers} due in it: `tokentill close {one.month}`")
    if closed.is_refused:
        again = closed.again or f"tokentill close {closed.month}"
        screen.note(f"put this right and run `{again}` again; what is issued stays issued")


def show_chain_head(screen: Screen, closed: Closed) -> None:
    """Where the audit log stood after a close that issued something, to be kept elsewhere."""
    if closed.chain_head is not None and closed.issued:
        head = closed.chain_head
        screen.say(f"the audit log ends with entry {count(head.seq)}, {head.hash}")
        screen.say(f"`tokentill report close {closed.month}` says what the close came to")


def show_closed_months(screen: Screen, closed: ClosedMonths) -> None:
    """What a close of all who are due did, month by month."""
    if not closed.months:
        screen.say("nobody is due who has no invoice; nothing to close")
    for one in closed.months:
        show_closed(screen, one)
        show_chain_head(screen, one)


def show_due_months(screen: Screen, due: DueMonths) -> None:
    """What a close of all who are due would do. Nothing is done."""
    if not due.months:
        screen.say("nobody is due who has no invoice; there is nothing to close")
    for one in due.months:
        stopped = {customer for obstacle in one.obstacles for customer in obstacle.customers}
        ready = [customer for customer in one.due if customer not in stopped and not one.blocked_by]
        screen.say(f"{one.month}: {plural(len(one.due), 'customer is', 'customers are')} due: {_names(one.due)}")
        screen.say(f"  a close would issue {plural(len(ready), 'invoice', 'invoices')}")
        if one.not_due:
            names = ", ".join(
                f"{short_id(each.customer)} ({instant_text(each.due_at)})" for each in one.not_due[:NAMES_SHOWN]
            )
            screen.say(f"  {count(len(one.not_due))} not due yet: {names}")
        for reason in one.blocked_by:
            screen.note(f"{one.month} would be refused for all: {shown_text(reason)}")
        note_obstacles(screen.note, one.obstacles, f"would be refused in {one.month}")


def _not_due_names(closed: Closed) -> str:
    """Who is not due yet, each with the instant from which on it is."""
    at = dict(closed.due_at)
    shown = [
        f"{short_id(customer)} ({instant_text(at[customer])})" if customer in at else short_id(customer)
        for customer in closed.not_due[:NAMES_SHOWN]
    ]
    rest = len(closed.not_due) - NAMES_SHOWN
    return ", ".join(shown) + (f" and {count(rest)} more; --json names all" if rest > 0 else "")


def show_verification(screen: Screen, verification: Verification) -> None:
    """What was verified."""
    if verification.invoices:
        sound = sum(verified.fault is None for verified in verification.invoices)
        all_ = plural(len(verification.invoices), "invoice is what its", "invoices are what their")
        screen.say(f"{count(sound)} of {all_} records come to, worked out again by a second calculation")
        if verification.is_replayed:
            screen.say("each of them was also computed anew by the code that makes invoices now")
    else:
        screen.say("no such invoice was issued; there is nothing to work out again")
    if verification.pricing:
        sets = plural(len(verification.pricing), "set", "sets")
        screen.say(f"with {sets} of prices and contracts from the copies in the database; no pricing folder was read")
    for verified in verification.invoices:
        if verified.fault is not None:
            screen.say(f"{verified.number} {shown_id(verified.customer)}: {verified.fault}")
    for fault in verification.faults:
        screen.say(fault)


def show_late(screen: Screen, late: Late) -> None:
    """Records that are late."""
    if not late.records:
        screen.say("no record is late: each one lies on a document, or in a period that is not issued")
        return
    screen.table(
        ("customer", "period", "issued as", "source", "record", "occurred at", "model"),
        [
            (
                short_id(record.customer),
                record.period,
                record.number,
                shown_id(record.source),
                short_id(record.record_id),
                instant_text(record.occurred_at),
                shown_text(record.model),
            )
            for record in late.records
        ],
    )


def _note_documents(screen: Screen, late: Sequence[LateUsage], kept: Sequence[KeptBoundary]) -> None:
    """Print what documents that were issued leave to say."""
    if late:
        names = _names(list(dict.fromkeys(record.customer for record in late)))
        screen.note(f"{late_text(late)}: {names}; `{LIST_LATE}` lists them")
    for boundary in kept[:NAMES_SHOWN]:
        screen.note(f"{shown_id(boundary.customer)}: {boundary}")
    if len(kept) > NAMES_SHOWN:
        more = plural(len(kept) - NAMES_SHOWN, "more customer", "more customers")
        screen.note(f"and {more} like this; --json names all")


def _note_aside(screen: Screen, aside: Aside, month: Month) -> None:
    """Print what was kept aside and nobody decided on."""
    for text, command in aside_remarks(aside, month):
        screen.note(f"{text}: `{command}`")


_TITLES = {"unpriced": "unpriced usage", "missing": "missing usage", "estimated": "estimated usage"}


def note_obstacles(say: Callable[[str], None], obstacles: Sequence[Obstacle], outcome: str) -> None:
    """Print what is in the way of customers: a line for each cause, and whom it stops."""
    for one in obstacles:
        is_single = len(one.customers) == 1
        customers = shown_id(one.customers[0]) if is_single else f"{count(len(one.customers))} customers"
        if one.kind in _TITLES:
            what = f"{_TITLES[one.kind]} of {shown_id(one.model)}" + ("" if one.mode == STANDARD else f", {one.mode}")
            cost = f", at a gateway cost of {exact(one.cost)} {GATEWAY_CURRENCY}" if one.cost else ""
            requests = plural(one.requests, "request", "requests")
            say(f"{customers} {outcome}: {what}: {requests}{cost}: {shown_text(one.reason)}")
        else:
            say(f"{customers} {outcome}: {shown_text(one.reason)}")
        if not is_single:
            say(f"  {_names(one.customers)}")
        if one.what_to_do:
            say(f"  {one.what_to_do}")


def _names(customers: Sequence[str]) -> str:
    """Customers by name, the first of them where there are many."""
    names = ", ".join(short_id(customer) for customer in customers[:NAMES_SHOWN])
    rest = len(customers) - NAMES_SHOWN
    return names + (f" and {count(rest)} more; --json names all" if rest > 0 else "")


def _preview_row(customer: Previewed, *, has_due: bool, has_projection: bool) -> tuple[str, ...]:
    invoice, projection = customer.invoice, customer.projection
    projected = "-" if projection is None else money(projection.total_minor, invoice.currency)
    words = (
        "" if customer.review_state == "none" else customer.review_state,
        customer.needs_approval and "needs approval",
    )
    state = ", ".join(word for word in words if word)
    if customer.issued_number is not None:
        state = customer.issued_number + (f", {count(customer.late_requests)} late" if customer.late_requests else "")
    elif customer.has_no_answer:
        return (
            short_id(invoice.customer),
            count(invoice.all_requests),
            *("-" for _ in range(2 + has_due + has_projection)),
            invoice.currency,
            "-",
            "blocked",
        )
    elif customer.parked is not None and not customer.is_seen:
        state = ", ".join(word for word in (state, "parked") if word)
    elif customer.blocked_by is not None and not customer.needs_approval:
        state = "blocked"
    elif not customer.is_due:
        reached = "interim invoice" if customer.reaches_interim else ""
        state = ", ".join(part for part in (state, "not due yet", reached) if part)
    change = "new" if customer.previous_total_minor is None else ""
    if customer.change_minor is not None:
        change = signed_money(customer.change_minor, invoice.currency)
    return (
        short_id(invoice.customer),
        count(invoice.all_requests),
        exact(invoice.list_amount),
        money(invoice.total_minor, invoice.currency),
        *((money(invoice.due_minor, invoice.currency),) if has_due else ()),
        *((projected,) if has_projection else ()),
        invoice.currency,
        change,
        state,
    )


def _by_size(customer: Previewed) -> tuple[str, bool, int]:
    return customer.invoice.currency, customer.has_no_answer, -customer.invoice.total_minor


def plain(text: str) -> str:
    """Arithmetic with the signs of a keyboard, to be searched and copied."""
    return text.replace(NO_BREAK, " ").replace(TIMES, "x")
