"""How far a period is, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import count, money, plural
from tokentill.documents.text.invoices import note_obstacles, show_pricing

if TYPE_CHECKING:
    from tokentill.documents.text.screen import Screen
    from tokentill.documents.views.status import PeriodStatus


def show_status(screen: Screen, status: PeriodStatus) -> None:
    """Where everything is, what came in last, how far the period is, what is in the way, and what to do next."""
    preview = status.preview
    screen.say(f"database: {shown_text(status.database)}")
    show_pricing(screen, preview.pricing)
    for one in status.imports:
        odd = [plural(one.duplicates, "duplicate", "duplicates"), plural(one.revisions, "revision", "revisions")]
        odd.append(f"{count(one.quarantined)} in quarantine")
        more = "".join(f", {text}" for text in odd if not text.startswith("0 "))
        taken = plural(one.accepted, "record", "records")
        screen.say(f"import: {instant_text(one.at)} {shown_id(one.name)}: {taken}{more}")
    if not status.imports:
        screen.say("import: none yet")
    requests = plural(sum(one.invoice.all_requests for one in preview.customers), "request", "requests")
    summed = ", ".join(f"{money(total, currency)} {currency}" for currency, total in status.totals.items())
    customers = plural(len(preview.customers), "customer", "customers")
    screen.say(f"\n{preview.month}: {customers}, {requests}" + (f", {summed}" if summed else ""))
    parts = ((status.issued, "issued"), (status.open, "to issue"), (status.running, "not due yet"))
    shown = ", ".join(f"{count(len(listed))} {what}" for listed, what in parts if listed)
    if shown:
        screen.say(f"invoices: {shown}")
    if status.pushed or status.to_push:
        screen.say(f"Stripe: {plural(status.pushed, 'day', 'days')} told, {count(status.to_push)} to tell")
    elif status.issued:
        screen.say("Stripe: nothing told yet")
    if preview.unattributed.requests:
        screen.say(f"unattributed: {plural(preview.unattributed.requests, 'request', 'requests')}")
    for kind, number in (
        ("in quarantine", preview.aside.quarantined),
        ("revised, to decide on", preview.aside.revisions),
    ):
        if number:
            screen.say(f"{kind}: {count(number)}")
    if preview.late:
        screen.say(f"late: {plural(sum(late.requests for late in preview.late), 'request', 'requests')}")
    for reason in preview.blocked_by:
        screen.say(f"keeps the whole period from being closed: {shown_text(reason)}")
    note_obstacles(screen.say, preview.obstacles, "blocked")
    screen.say(f"\nnext: {shown_text(status.next_step)}")
