"""`tokentill push` and `tokentill reconcile`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from tokentill.cli.calling import Invocation, command
from tokentill.documents.escaping import shell_word, shown_id, shown_text
from tokentill.documents.figures import plural
from tokentill.money import amount_text, minor_text
from tokentill.stripe_push.pushing import Pushed
from tokentill.stripe_push.reconciling import DayDifference, Reconciled, ReconciledInvoice

LISTED_MAX = 20
PeriodArgument = Annotated[str, typer.Argument(metavar="PERIOD", help="The period, like 2026-10.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "push")(_push)
    command(app, "reconcile")(_reconcile)


def _push(call: Invocation, period: PeriodArgument) -> None:
    """Tell Stripe what each day of the issued invoices comes to.

    May be run again at any time: what Stripe has is left alone.
    """
    gateway = call.gateway()
    with call.till() as till, call.progress(f"push {period}") as progress:
        pushed = till.push(period, gateway, progress=progress)
    call.finish(pushed.content(), lambda: show_pushed(call, pushed), is_refused=not pushed.is_complete)


def _reconcile(call: Invocation, period: PeriodArgument) -> None:
    """Compare what Stripe holds with the invoices, to the cent.

    Days that are unequal are sent again by the next `push`.
    """
    gateway = call.gateway()
    with call.till() as till:
        reconciled = till.reconcile(period, gateway)
    call.finish(reconciled.content(), lambda: show_reconciled(call, reconciled), is_refused=not reconciled.is_equal)


def show_pushed(call: Invocation, pushed: Pushed) -> None:
    """Print what a push did."""
    sent = plural(pushed.sent, "day", "days")
    call.say(f"Stripe account {pushed.account}: {sent} sent, {pushed.unchanged:,} there already")
    for customer in pushed.unlinked[:LISTED_MAX]:
        link = f"tokentill customers set {shell_word(customer)} --stripe cus_..."
        call.note(f"not linked to Stripe: {shown_id(customer)}; run `{link}`")
    if len(pushed.unlinked) > LISTED_MAX:
        call.note(f"... and {len(pushed.unlinked) - LISTED_MAX} more are not linked")
    for found in pushed.rejected:
        call.note(f"Stripe rejected {shown_id(found.customer)} {found.day or ''}: {shown_text(found.reason)}")
    for found in pushed.unknown:
        call.note(f"no answer for {shown_id(found.customer)} {found.day or ''}: {shown_text(found.reason)}; push again")


def show_reconciled(call: Invocation, reconciled: Reconciled) -> None:
    """Print a comparison."""
    compared = sum(len(found.numbers) for found in reconciled.invoices)
    equal = sum(len(found.numbers) for found in reconciled.invoices if found.is_equal)
    if compared:
        of_all = plural(compared, "invoice with an amount", "invoices with an amount")
        call.say(f"{equal:,} of {of_all} equal in Stripe, to the cent")
    for found in reconciled.invoices:
        if not found.is_equal:
            _show_difference(call, found)
        for stripe_customer in found.gone:
            links = f"{shown_id(found.customer)} is or was linked to it"
            call.note(f"Stripe has no customer {shown_id(stripe_customer)} (any more); {links}")
    for customer in reconciled.unlinked:
        call.note(f"not linked to Stripe: {shown_id(customer)}")
    if equal < compared:
        call.note(f"run `tokentill push {reconciled.month}` again, then reconcile")


def _show_difference(call: Invocation, found: ReconciledInvoice) -> None:
    due = minor_text(found.due_minor, found.currency)
    call.say(
        f"{' + '.join(found.numbers)} {shown_id(found.customer)}: {due} {found.currency} due,"
        f" Stripe holds {amount_text(found.held_minor)} minor units"
    )
    _show_days(call, found.differences)
    for former in found.former:
        call.say(f"  {shown_id(former.stripe_customer)}, linked before, still holds {amount_text(former.held_minor)}")
        _show_days(call, former.differences)


def _show_days(call: Invocation, differences: Iterable[DayDifference]) -> None:
    for day in differences:
        call.say(f"  {day.day}: wanted {day.wanted_minor}, held {amount_text(day.held_minor)}")
