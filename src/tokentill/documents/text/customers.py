"""Customers, and the accounts of prepaid credits and carried amounts as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokentill.clock import instant_text
from tokentill.documents.escaping import shown_id, shown_text
from tokentill.documents.figures import money

if TYPE_CHECKING:
    from tokentill.closing.questions.credit_account import CreditAccount, GrantAccount, Movement
    from tokentill.closing.records.erasing import Erased
    from tokentill.documents.text.screen import Screen
    from tokentill.store.customers import Customer
    from tokentill.usage.privacy import Pseudonyms

_ERASED = ("records", "revisions", "witnesses", "bindings", "staged", "quarantined", "control_totals")


def show_customer(screen: Screen, customer: Customer, *, looked_up: bool | None) -> None:
    """Who a customer is now; `looked_up` says whether the Stripe customer that was stated was looked up in Stripe."""
    name = shown_id(customer.name) if customer.name else "none"
    linked = shown_id(customer.stripe_customer) if customer.stripe_customer else "not linked"
    show_imported(screen, f"{shown_id(customer.id)}: name {name}, Stripe customer {linked}", looked_up=looked_up)


def show_imported(screen: Screen, done: str, *, looked_up: bool | None) -> None:
    """What was done, and what was not looked up in Stripe."""
    screen.say(done)
    if looked_up is False:
        screen.note(
            "no Stripe key is set, so it was not looked up in Stripe; a push names a Stripe customer that is not there"
        )


def show_credits(screen: Screen, account: CreditAccount) -> None:
    """Grants in the order in which they burn, what each invoice drew, and what is carried on."""
    screen.say(f"{shown_id(account.customer)} at {instant_text(account.at)}")
    if account.payer != account.customer:
        screen.note(f"its usage stands on the invoices of {shown_id(account.payer)}, whose credits pay for it")
    if account.grants:
        goes_over = any(grant.over_minor for grant in account.grants)
        amounts = ("granted", "drawn", *(("went over",) if goes_over else ()), "expired", "left")
        screen.table(
            ("grant", "state", *amounts, "currency", "priority", "from", "until"),
            [_grant_row(grant, goes_over=goes_over) for grant in account.grants],
            right=(*amounts, "priority"),
        )
    if any(grant.expired_minor for grant in account.grants):
        screen.say("what expired still pays for usage before then, in periods that are not invoiced yet")
    drawn = [(shown_id(grant.id), draw) for grant in account.grants for draw in grant.draws]
    if drawn:
        screen.say("\ndrawn by invoices:")
        _show_movements(screen, "grant", sorted(drawn, key=lambda found: found[1].number))
    for opening in account.openings:
        currency, whose = opening.opening.currency, "in the customer's favour" if opening.amount_minor < 0 else "owed"
        text = f"{money(abs(opening.amount_minor), currency)} {currency} {whose}, {shown_text(opening.opening.reason)}"
        open_ = "the next invoice brings it forward" if opening.left_minor else "brought forward"
        screen.say(f"\nopening balance {shown_id(opening.opening.id)} of {opening.opening.day}: {text}; {open_}")
        _show_movements(screen, "what", [(movement.what, movement) for movement in opening.movements])
    for balance in account.balances:
        amount = money(abs(balance.amount_minor), balance.currency)
        whose = "in the customer's favour" if balance.amount_minor < 0 else "to be paid"
        carried = f"{amount} {balance.currency} {whose}" if balance.amount_minor else f"nothing in {balance.currency}"
        screen.say(f"\ncarried on to the next invoice: {carried}")
        _show_movements(screen, "what", [(movement.what, movement) for movement in balance.movements])


def _grant_row(account: GrantAccount, *, goes_over: bool) -> tuple[str, ...]:
    grant, currency = account.grant, account.currency
    over = (account.over_minor,) if goes_over else ()
    minor = (account.amount_minor, account.drawn_minor, *over, account.expired_minor, account.left_minor)
    unit = f" ({shown_text(grant.unit)})" if grant is not None and grant.unit is not None else ""
    until = "no end" if grant is None or grant.expires_at is None else instant_text(grant.expires_at)
    return (
        shown_id(account.id) + unit,
        account.state,
        *(money(amount, currency) for amount in minor),
        currency,
        *(("", "", "") if grant is None else (str(grant.priority), instant_text(grant.valid_from), until)),
    )


def _show_movements(screen: Screen, what: str, movements: Sequence[tuple[str, Movement]]) -> None:
    screen.table(
        (what, "invoice", "period", "issued at", "amount", "currency"),
        [
            (
                name,
                movement.number,
                movement.period,
                instant_text(movement.issued_at),
                money(movement.amount_minor, movement.currency),
                movement.currency,
            )
            for name, movement in movements
        ],
        right=("amount",),
    )


def show_pseudonyms(screen: Screen, found: Pseudonyms) -> None:
    """Print the ids alone, so that they can be piped; with several keys, since when each holds."""
    for one in found.pseudonyms:
        since = "" if one.starts_at is None else f"  from {instant_text(one.starts_at)} on"
        screen.say(f"{one.id}{since}")


def show_erased(screen: Screen, erased: Erased) -> None:
    """Print what was erased, and where the id still is."""
    counted = ", ".join(f"{getattr(erased, name):,} {name}" for name in _ERASED if getattr(erased, name))
    screen.say(f"erased: {shown_id(erased.token)} stands in its place now ({counted})")
    stays = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in erased.stays.items() if number)
    if stays:
        screen.note(
            f"it still stands in {stays}: documents and the audit log are kept by law, control totals are of"
            " other sources, and contracts are yours"
        )
