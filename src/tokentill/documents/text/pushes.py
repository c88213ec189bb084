"""What was pushed to Stripe, and how Stripe compares, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from tokentill.documents.escaping import shell_word, shown_id, shown_text
from tokentill.documents.figures import plural
from tokentill.documents.text.screen import Screen
from tokentill.money import amount_text, minor_text
from tokentill.stripe_push.pushing import Pushed
from tokentill.stripe_push.reconciling import DayDifference, Reconciled, ReconciledInvoice

LISTED_MAX = 20


def show_pushed(screen: Screen, pushed: Pushed) -> None:
    """Print what a push did."""
    sent = plural(pushed.sent, "day", "days")
    screen.say(f"Stripe account {pushed.account}: {sent} sent, {pushed.unchanged:,} there already")
    for customer in pushed.unlinked[:LISTED_MAX]:
        link = f"tokentill customers set {shell_word(customer)} --stripe cus_..."
        screen.note(f"not linked to Stripe: {shown_id(customer)}; run `{link}`")
    if len(pushed.unlinked) > LISTED_MAX:
        screen.note(f"... and {len(pushed.unlinked) - LISTED_MAX} more are not linked")
    for day in pushed.rejected:
        screen.note(f"Stripe rejected {shown_id(day.customer)} {day.day or ''}: {shown_text(day.reason)}")
    for day in pushed.unknown:
        screen.note(f"no answer for {shown_id(day.customer)} {day.day or ''}: {shown_text(day.reason)}; push again")


def show_reconciled(screen: Screen, reconciled: Reconciled) -> None:
    """Print a comparison."""
    compared = sum(len(invoice.numbers) for invoice in reconciled.invoices)
    equal = sum(len(invoice.numbers) for invoice in reconciled.invoices if invoice.is_equal)
    if compared:
        of_all = plural(compared, "invoice with an amount", "invoices with an amount")
        screen.say(f"{equal:,} of {of_all} equal in Stripe, to the cent")
    for invoice in reconciled.invoices:
        if not invoice.is_equal:
            _show_difference(screen, invoice)
        for stripe_customer in invoice.gone:
            links = f"{shown_id(invoice.customer)} is or was linked to it"
            screen.note(f"Stripe has no customer {shown_id(stripe_customer)} (any more); {links}")
    for customer in reconciled.unlinked:
        screen.note(f"not linked to Stripe: {shown_id(customer)}")
    if equal < compared:
        screen.note(f"run `tokentill push {reconciled.month}` again, then reconcile")


def _show_difference(screen: Screen, invoice: ReconciledInvoice) -> None:
    due = minor_text(invoice.due_minor, invoice.currency)
    screen.say(
        f"{' + '.join(invoice.numbers)} {shown_id(invoice.customer)}: {due} {invoice.currency} due,"
        f" Stripe holds {amount_text(invoice.held_minor)} minor units"
    )
    _show_days(screen, invoice.differences)
    for former in invoice.former:
        screen.say(f"  {shown_id(former.stripe_customer)}, linked before, still holds {amount_text(former.held_minor)}")
        _show_days(screen, former.differences)


def _show_days(screen: Screen, differences: Iterable[DayDifference]) -> None:
    for day in differences:
        screen.say(f"  {day.day}: wanted {day.wanted_minor}, held {amount_text(day.held_minor)}")
