"""`tokentill push` and `tokentill reconcile`."""

from __future__ import annotations

from tokentill.cli.calling import Commands, Invocation, PeriodArgument
from tokentill.documents.text.pushes import show_pushed, show_reconciled

app = Commands()


@app.command("push")
def _push(call: Invocation, period: PeriodArgument) -> None:
    """Tell Stripe what each day of the issued invoices comes to.

    May be run again at any time: what Stripe has is left alone.
    """
    gateway = call.gateway()
    with call.till() as till, call.progress(f"push {period}") as progress:
        pushed = till.push(period, gateway, progress=progress)
    call.answer(pushed, show_pushed, is_refused=not pushed.is_complete)


@app.command("reconcile")
def _reconcile(call: Invocation, period: PeriodArgument) -> None:
    """Compare what Stripe holds with the invoices, to the cent.

    Days that are unequal are sent again by the next `push`.
    """
    gateway = call.gateway()
    with call.till() as till:
        reconciled = till.reconcile(period, gateway)
    call.answer(reconciled, show_reconciled, is_refused=not reconciled.is_equal)
