"""Customers and bindings as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tokentill.clock import instant_text
from tokentill.documents.escaping import shown_id
from tokentill.documents.text.screen import Screen
from tokentill.store.customers import Customer
from tokentill.usage.attribution import Binding


def show_customers(screen: Screen, customers: Mapping[str, Customer], bindings: Sequence[Binding]) -> None:
    """Who is described, then who belongs to whom."""
    if not customers and not bindings:
        screen.say("nobody is described yet; customers need no description to be billed, only to be pushed to Stripe")
    if customers:
        rows = [(shown_id(c.id), shown_id(c.name or ""), c.stripe_customer or "not linked") for c in customers.values()]
        screen.table(("customer", "name", "Stripe customer"), rows)
    if bindings:
        screen.table(
            ("user", "customer", "from", "source"),
            [
                (shown_id(b.user), shown_id(b.customer), instant_text(b.valid_from), shown_id(b.source or "any"))
                for b in bindings
            ],
        )
