"""What was pushed to Stripe, and how Stripe compares, as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import count, money, plural
from tokentill.money import EXACT, ZERO
from tokentill.usage.shell_words import command_line

if TYPE_CHECKING:
    from tokentill.documents.text.screen import Screen
    from tokentill.stripe_push.pushing import Pushed
    from tokentill.stripe_push.reconciling import DayDifference, Reconciled, ReconciledInvoice
    from tokentill.stripe_push.untold import UntakenDay, Untold

LISTED_MAX = 20
BY_HAND = '"Days that Stripe does not take" in docs/connect-stripe.md'

Noted = TypeVar("Noted")


def show_pushed(screen: Screen, pushed: Pushed) -> None:
    """Print what a push did, what Stripe has of what is due, what it has not and why, and what to do next."""
    sent = plural(pushed.sent, "day", "days")
    account = f"Stripe account {pushed.account} ({pushed.mode} mode)"
    screen.say(f"{account}: {sent} sent, {count(pushed.unchanged)} there already")
    _show_sums(screen, pushed, "missing")
    _show_untold(screen, pushed, "push")
    _note_each(screen, pushed.unknown, lambda untold: f"no answer for {_untold(untold)}")
    if pushed.unknown:
        screen.note(f"run `tokentill push {pushed.month}` again: what Stripe has already is not counted twice")
    if pushed.is_complete and pushed.sums:
        screen.say(f"next: `tokentill reconcile {pushed.month}` compares this with what Stripe holds")


def show_reconciled(screen: Screen, reconciled: Reconciled) -> None:
    """Print a comparison, and what to do about what is unequal."""
    compared = sum(len(invoice.numbers) for invoice in reconciled.invoices)
    equal = sum(len(invoice.numbers) for invoice in reconciled.invoices if invoice.is_equal)
    if compared:
        of_all = plural(compared, "invoice with an amount", "invoices with an amount")
        screen.say(f"{equal:,} of {of_all} equal in Stripe, to the cent")
    _show_sums(screen, reconciled, "difference")
    refused = {link.stripe_customer for link in reconciled.refused}
    for invoice in reconciled.invoices:
        if not invoice.is_equal:
            _show_difference(screen, invoice, are_days_shown=refused.isdisjoint(invoice.gone))
        for former in invoice.gone:
            if former not in refused:
                linked = f"{shown_id(invoice.customer)} was linked to it"
                screen.note(f"Stripe has no customer {shown_id(former)} any more, and bills it nothing; {linked}")
    _show_untold(screen, reconciled, "reconcile")
    _note_each(screen, reconciled.unknown, lambda untold: f"not compared: {_untold(untold)}")
    if reconciled.can_be_pushed:
        screen.note(f"run `tokentill push {reconciled.month}` again, then `tokentill reconcile {reconciled.month}`")
    elif reconciled.unknown:
        screen.note(f"run `tokentill reconcile {reconciled.month}` again")


def _show_sums(screen: Screen, answer: Pushed | Reconciled, rest: str) -> None:
    if not answer.sums:
        screen.say(f"nothing is due for {answer.month}: each of its invoices is void or comes to nothing")
        return
    rows = [
        (
            one.currency,
            money(one.due_minor, one.currency),
            money(one.in_stripe_minor, one.currency),
            money(EXACT.subtract(Decimal(one.due_minor), one.in_stripe_minor), one.currency),
        )
        for one in answer.sums
    ]
    columns = ("due", "in Stripe", rest)
    screen.table(("currency", *columns), rows, right=columns)


def _show_untold(screen: Screen, answer: Pushed | Reconciled, command: str) -> None:
    """Who and what Stripe cannot be told of as it is, and what to do about it."""
    _note_each(
        screen,
        answer.unlinked,
        lambda customer: f"not linked to Stripe: {shown_id(customer)}; run `{_link(customer)}`",
    )
    _note_each(
        screen,
        answer.refused,
        lambda link: f"refused: {shown_id(link.customer)}: {shown_text(link.reason)}; run `{_link(link.customer)}`",
    )
    if answer.unlinked or answer.refused:
        screen.note(f"then run `tokentill push {answer.month}` again")
    _show_untaken(screen, answer, command)
    _note_each(screen, answer.rejected, lambda untold: f"not taken by Stripe: {_untold(untold)}")


def _show_untaken(screen: Screen, answer: Pushed | Reconciled, command: str) -> None:
    """One sentence on days that are too old, and one on days to come."""
    too_old = [day for day in answer.not_taken if day.reason == "too_old"]
    to_come = [day for day in answer.not_taken if day.reason == "to_come"]
    if too_old:
        screen.note(
            f"Stripe takes no event older than 35 days: {_amounts(too_old)} by hand for {_days(too_old)} ({BY_HAND});"
            f" `tokentill {command} {answer.month} --json` lists them under not_taken"
        )
    if to_come:
        last = max(day.day for day in to_come)
        screen.note(
            f"Stripe takes no event ahead of time: run `tokentill push {answer.month}` after {last} 12:00 UTC to"
            f" {_amounts(to_come)} for {_days(to_come)}"
        )


def _days(untaken: Iterable[UntakenDay]) -> str:
    days = sorted({day.day for day in untaken})
    customers = plural(len({day.customer for day in untaken}), "customer", "customers")
    span = f"{days[0]}" if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
    return f"{span} of {customers}"


def _amounts(untaken: Iterable[UntakenDay]) -> str:
    """What is to be billed and what is to be credited, in each currency, netted at each Stripe customer."""
    net: dict[tuple[str, str], Decimal] = {}
    for day in untaken:
        key = (day.currency, day.stripe_customer)
        net[key] = EXACT.add(net.get(key, ZERO), day.missing_minor)
    sums: dict[tuple[str, str], Decimal] = {}
    for (currency, _), amount in sorted(net.items()):
        verb = "credit" if amount < 0 else "bill"
        sums[verb, currency] = EXACT.add(sums.get((verb, currency), ZERO), abs(amount))
    return " and ".join(f"{verb} {money(amount, currency)} {currency}" for (verb, currency), amount in sums.items())


def _show_difference(screen: Screen, invoice: ReconciledInvoice, *, are_days_shown: bool) -> None:
    due, currency = money(invoice.due_minor, invoice.currency), invoice.currency
    screen.say(
        f"{' + '.join(invoice.numbers)} {shown_id(invoice.customer)}: {due} {currency} due,"
        f" Stripe holds {money(invoice.held_minor, currency)} {currency}"
    )
    if are_days_shown:
        _show_days(screen, "  ", invoice.differences, currency)
    for former in invoice.former:
        held = f"{money(former.held_minor, currency)} {currency}"
        screen.say(f"  {shown_id(former.stripe_customer)}, linked before, still holds {held}")
        _show_days(screen, "    ", former.differences, currency)


def _show_days(screen: Screen, indent: str, differences: Sequence[DayDifference], currency: str) -> None:
    for day in differences[:LISTED_MAX]:
        due, held = money(day.wanted_minor, currency), money(day.held_minor, currency)
        screen.say(f"{indent}{day.day}: {due} due, {held} held")
    if len(differences) > LISTED_MAX:
        screen.say(f"{indent}... and {plural(len(differences) - LISTED_MAX, 'more day', 'more days')}")


def _note_each(screen: Screen, items: Sequence[Noted], sentence: Callable[[Noted], str]) -> None:
    for item in items[:LISTED_MAX]:
        screen.note(sentence(item))
    if len(items) > LISTED_MAX:
        screen.note(f"... and {count(len(items) - LISTED_MAX)} more; --json lists all")


def _untold(untold: Untold) -> str:
    return f"{shown_id(untold.customer)}{_on(untold.day)}: {shown_text(untold.reason)}"


def _on(day: date | None) -> str:
    return "" if day is None else f" on {day}"


def _link(customer: str) -> str:
    return command_line("customers set --stripe cus_...", ids=(customer,))
